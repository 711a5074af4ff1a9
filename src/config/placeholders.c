/* SPDX-License-Identifier: Apache-2.0 */
/* Finding and replacing the forms of config providers. */
#include "config/placeholders.h"

#include "base/mem.h"
#include "config/properties.h"

enum provider { NONE, ENV, FILE_KEY, DIR_FILE };

/* One value that is being filled. */
struct filling {
    const struct od_config_input *in;
    const struct od_found_list *found;
    struct od_text *out;
    struct od_text *why;
};

static enum provider by_class(struct od_str class)
{
    static const struct {
        const char *end;
        enum provider provider;
    } classes[] = { { "EnvVarConfigProvider", ENV },
                    { "FileConfigProvider", FILE_KEY },
                    { "DirectoryConfigProvider", DIR_FILE } };

    for (size_t i = 0; i < OD_COUNT(classes); i++) {
        size_t len = strlen(classes[i].end);

        if (class.len >= len && !memcmp(class.data + class.len - len, classes[i].end, len))
            return classes[i].provider;
    }
    return NONE;
}

static enum provider find_provider(const struct filling *f, struct od_str name)
{
    struct od_text key = { 0 };
    enum provider found = NONE;

    if (od_str_is(name, "env"))
        found = ENV;
    else if (od_str_is(name, "file"))
        found = FILE_KEY;
    else if (od_str_is(name, "dir") || od_str_is(name, "directory"))
        found = DIR_FILE;
    od_text_add(&key, "config.providers.%.*s.class", OD_STR_ARGS(name));
    for (int i = 0; i < f->found->n; i++)
        if (!strcmp(f->found->v[i].name, od_text_get(&key)))
            found = by_class(od_str_of(f->found->v[i].origin.text));
    od_text_reset(&key);
    return found;
}

static bool fill_variable(struct filling *f, struct od_str name)
{
    const char *const *v = f->in->environment;

    for (; v && *v; v++)
        if (!strncmp(*v, name.data, name.len) && (*v)[name.len] == '=') {
            od_text_add(f->out, "%s", *v + name.len + 1);
            return true;
        }
    od_text_add(f->why, "the environment has no variable %.*s", OD_STR_ARGS(name));
    return false;
}

static bool read_file(struct filling *f, const char *path, struct od_text *bytes)
{
    if (f->in->read && f->in->read(path, bytes))
        return true;
    od_text_add(f->why, "the file %s cannot be read", path);
    return false;
}

static bool fill_key(struct filling *f, const char *path, struct od_str key)
{
    struct od_text bytes = { 0 };
    struct od_properties p = { 0 };
    bool good = read_file(f, path, &bytes) &&
                od_properties_parse((struct od_str){ od_text_get(&bytes), bytes.len }, &p, f->why);
    const struct od_property *found = NULL;

    for (int i = 0; good && i < p.n; i++)
        if (od_str_eq(p.v[i].key, key))
            found = &p.v[i];
    if (found)
        od_text_add_str(f->out, found->value);
    else if (good)
        od_text_add(f->why, "the file %s has no key %.*s", path, OD_STR_ARGS(key));
    od_properties_deinit(&p);
    od_text_reset(&bytes);
    return found != NULL;
}

static bool fill_whole(struct filling *f, const char *dir, struct od_str name)
{
    struct od_text path = { 0 }, bytes = { 0 };
    bool good;

    od_text_add(&path, "%s/%.*s", dir, OD_STR_ARGS(name));
    good = name.len && !memchr(name.data, '/', name.len) &&
           read_file(f, od_text_get(&path), &bytes);
    if (good)
        od_text_add_str(f->out, (struct od_str){ od_text_get(&bytes), bytes.len });
    else if (!f->why->len)
        od_text_add(f->why, "%.*s is no name of a file", OD_STR_ARGS(name));
    od_text_reset(&path);
    od_text_reset(&bytes);
    return good;
}

/* body: what stands between the braces, without nested ones. */
static bool fill_form(struct filling *f, struct od_str body)
{
    const char *colon = memchr(body.data, ':', body.len), *last;
    struct od_str name, rest, key;
    char *path;
    enum provider provider;
    bool good = true;

    name = (struct od_str){ body.data, colon ? (size_t)(colon - body.data) : 0 };
    provider = colon ? find_provider(f, name) : NONE;
    if (provider == NONE) {
        od_text_add(f->out, "${%.*s}", OD_STR_ARGS(body));
        return true;
    }
    rest = (struct od_str){ colon + 1, body.len - name.len - 1 };
    last = memrchr(rest.data, ':', rest.len);
    key = last ? (struct od_str){ last + 1, rest.len - (size_t)(last + 1 - rest.data) } : rest;
    path = od_str_dup((struct od_str){ rest.data, last ? (size_t)(last - rest.data) : 0 });
    if (provider == ENV)
        good = fill_variable(f, key);
    else if (provider == FILE_KEY)
        good = fill_key(f, path, key);
    else
        good = fill_whole(f, path, key);
    od_free(path);
    return good;
}

static bool fill_value(struct filling *f, const char *text)
{
    const char *open, *close;

    while ((open = strstr(text, "${")) && (close = strchr(open, '}'))) {
        od_text_add_str(f->out, (struct od_str){ text, (size_t)(open - text) });
        if (!fill_form(f, (struct od_str){ open + 2, (size_t)(close - open - 2) }))
            return false;
        text = close + 1;
    }
    od_text_add(f->out, "%s", text);
    return true;
}

bool od_placeholders_fill(const struct od_config_input *in, struct od_found_list *found,
                          struct od_text *errors)
{
    bool good = true;

    for (int i = 0; i < found->n; i++) {
        struct od_origin *origin = &found->v[i].origin;
        struct od_text value = { 0 }, why = { 0 };
        struct filling f = { .in = in, .found = found, .out = &value, .why = &why };

        if (!strstr(origin->text, "${"))
            continue;
        if (fill_value(&f, origin->text)) {
            od_free(origin->text);
            origin->text = od_strdup(od_text_get(&value));
        } else {
            od_text_add(errors, "%s (%s): %s\n", found->v[i].name, origin->place,
                        od_text_get(&why));
            good = false;
        }
        od_text_reset(&value);
        od_text_reset(&why);
    }
    return good;
}
