/* SPDX-License-Identifier: Apache-2.0 */
/* Two answers compared member by member. */
#include "compare.h"

#include "base/mem.h"
#include "base/text.h"

struct walk {
    void (*tell)(const struct difference *difference, void *arg);
    void *arg;
};

static char *text_of(const json_t *value)
{
    char *json, *copy;

    if (!value)
        return od_strdup("absent");
    json = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    copy = od_strdup(json);
    free(json);
    return copy;
}

static void differ(const struct walk *w, const char *path, const json_t *ours, const json_t *theirs)
{
    char *our_text = text_of(ours), *their_text = text_of(theirs);

    w->tell(&(struct difference){ path, our_text, their_text }, w->arg);
    od_free(our_text);
    od_free(their_text);
}

static void compare_at(const struct walk *w, const char *path, const json_t *ours,
                       const json_t *theirs);

static void compare_member(const struct walk *w, const char *path, const char *name,
                           const json_t *ours, const json_t *theirs)
{
    struct od_text longer = { 0 };

    od_text_add(&longer, "%s%s%s", path, *path ? "." : "", name);
    compare_at(w, od_text_get(&longer), ours, theirs);
    od_text_reset(&longer);
}

static void compare_objects(const struct walk *w, const char *path, const json_t *ours,
                            const json_t *theirs)
{
    const json_t *our_code = json_object_get(ours, "error_code");
    const json_t *their_code = json_object_get(theirs, "error_code");
    const char *name;
    json_t *value;

    /* The other members follow from the error. */
    if (our_code && their_code && !json_equal(our_code, their_code)) {
        compare_member(w, path, "error_code", our_code, their_code);
        return;
    }
    json_object_foreach((json_t *)ours, name, value)
        compare_member(w, path, name, value, json_object_get(theirs, name));
    json_object_foreach((json_t *)theirs, name, value) if (!json_object_get(ours, name))
        compare_member(w, path, name, NULL, value);
}

static void compare_arrays(const struct walk *w, const char *path, const json_t *ours,
                           const json_t *theirs)
{
    size_t n = json_array_size(ours);
    char name[24];

    if (n < json_array_size(theirs))
        n = json_array_size(theirs);
    for (size_t i = 0; i < n; i++) {
        snprintf(name, sizeof(name), "%zu", i);
        compare_member(w, path, name, json_array_get(ours, i), json_array_get(theirs, i));
    }
}

static void compare_at(const struct walk *w, const char *path, const json_t *ours,
                       const json_t *theirs)
{
    if (json_is_object(ours) && json_is_object(theirs))
        compare_objects(w, path, ours, theirs);
    else if (json_is_array(ours) && json_is_array(theirs))
        compare_arrays(w, path, ours, theirs);
    else if (!json_equal(ours, theirs))
        differ(w, path, ours, theirs);
}

void compare(const json_t *ours, const json_t *theirs,
             void (*tell)(const struct difference *difference, void *arg), void *arg)
{
    compare_at(&(struct walk){ tell, arg }, "", ours, theirs);
}

const json_t *value_at(const json_t *from, const char *path)
{
    char name[128];

    while (from && *path) {
        size_t len = strcspn(path, ".");

        snprintf(name, sizeof(name), "%.*s", (int)len, path);
        from = json_is_array(from) ? json_array_get(from, strtoul(name, NULL, 10))
                                   : json_object_get(from, name);
        path += len + (path[len] == '.');
    }
    return from;
}

bool refused(const json_t *answer)
{
    const char *name;
    json_t *value;
    size_t i;

    if (json_is_string(answer))
        return strcmp(json_string_value(answer), "closed") == 0;
    json_object_foreach((json_t *)answer, name, value)
    {
        if (strcmp(name, "error_code") == 0 && json_integer_value(value) != 0)
            return true;
        if ((json_is_object(value) || json_is_array(value)) && refused(value))
            return true;
    }
    json_array_foreach((json_t *)answer, i,
                       value) if ((json_is_object(value) || json_is_array(value)) &&
                                  refused(value)) return true;
    return false;
}
