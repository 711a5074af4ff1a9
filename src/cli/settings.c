/* SPDX-License-Identifier: Apache-2.0 */
/* Gathers settings from profile, project file, environment and options. */
#include "cli/settings.h"

#include "base/mem.h"
#include "cli/input.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { FOLDERS_UP_MAX = 64 };

bool od_duration_parse(struct od_str text, int64_t *ms)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "", 1 } };

    for (size_t i = 0; i < OD_COUNT(units); i++) {
        size_t len = strlen(units[i].unit);
        struct od_str number = { text.data, text.len - len };

        if (text.len <= len || memcmp(text.data + number.len, units[i].unit, len) != 0)
            continue;
        if (!od_str_to_i64(number, 0, INT64_MAX / 3600000, ms))
            return false;
        *ms *= units[i].ms;
        return true;
    }
    return false;
}

void od_settings_init(struct od_settings *s)
{
    struct od_text why = { 0 };

    *s = (struct od_settings){ .timeout_ms = OD_SETTINGS_TIMEOUT_MS };
    s->client_id = od_strdup("odradek");
    if (od_servers_parse(OD_STR("localhost:9092"), &s->servers, &why))
        od_text_reset(&why); /* it parses */
}

void od_settings_deinit(struct od_settings *s)
{
    od_free(s->client_id);
    s->client_id = NULL;
}

static bool set_timeout(struct od_settings *s, struct od_str value, struct od_text *why)
{
    if (od_duration_parse(value, &s->timeout_ms) && s->timeout_ms >= 1 &&
        s->timeout_ms <= OD_SETTINGS_TIMEOUT_MS_MAX)
        return true;
    od_text_add(why, "a time from 1ms to 1h is expected, not \"%.*s\"", OD_STR_ARGS(value));
    return false;
}

bool od_settings_set(struct od_settings *s, struct od_str key, struct od_str value,
                     struct od_text *why)
{
    struct od_text reason = { 0 };
    bool good = true;

    if (od_str_is(key, "bootstrap.servers") || od_str_is(key, "metadata.broker.list")) {
        good = !od_servers_parse(value, &s->servers, &reason);
    } else if (od_str_is(key, "client.id")) {
        od_free(s->client_id);
        s->client_id = od_str_dup(value);
    } else if (od_str_is(key, "request.timeout.ms")) {
        good = set_timeout(s, value, &reason);
    } else if (od_str_is(key, "security.protocol")) {
        good = od_str_is(value, "PLAINTEXT") || od_str_is(value, "plaintext");
        if (!good)
            od_text_add(&reason, "only PLAINTEXT is built in yet, not %.*s", OD_STR_ARGS(value));
    } else if (od_str_starts(key, "sasl.") || od_str_starts(key, "ssl.")) {
        good = false;
        od_text_add(&reason, "TLS and SASL are not built in yet");
    }
    if (!good)
        od_text_add(why, "%.*s: %s", OD_STR_ARGS(key), od_text_get(&reason));
    od_text_reset(&reason);
    return good;
}

/* *found: the file exists.  False: it cannot be read, or says something wrong. */
static bool load_file(struct od_settings *s, const char *path, bool *found, struct od_text *why)
{
    FILE *in = fopen(path, "rbe");
    struct od_properties p = { 0 };
    struct od_text reason = { 0 };
    size_t len;
    char *bytes;
    bool good;

    *found = in != NULL;
    if (!in) {
        if (errno != ENOENT && errno != ENOTDIR)
            od_text_add(why, "%s: %s", path, strerror(errno));
        return errno == ENOENT || errno == ENOTDIR;
    }
    bytes = (char *)od_cli_read_all(in, OD_PROPERTIES_BYTES_MAX, &len);
    fclose(in);
    good = od_properties_parse((struct od_str){ bytes, len }, &p, &reason);
    for (int i = 0; good && i < p.n; i++) {
        good = od_settings_set(s, p.v[i].key, p.v[i].value, &reason);
        if (!good)
            od_text_add(&reason, " (line %d)", p.v[i].line);
    }
    if (!good)
        od_text_add(why, "%s: %s", path, od_text_get(&reason));
    od_properties_deinit(&p);
    od_text_reset(&reason);
    od_free(bytes);
    return good;
}

char *od_settings_folder(void)
{
    const char *xdg = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");
    struct od_text path = { 0 };

    if (xdg && xdg[0] == '/')
        od_text_add(&path, "%s/odradek", xdg);
    else if (home && home[0])
        od_text_add(&path, "%s/.config/odradek", home);
    return path.data;
}

bool od_settings_profile_valid(const char *name)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

    return name[0] && name[0] != '.' && name[strspn(name, good)] == '\0';
}

static bool load_profile(struct od_settings *s, const char *name, bool must, struct od_text *why)
{
    struct od_text path = { 0 };
    bool good = true, found = false;
    char *folder;

    if (!od_settings_profile_valid(name)) {
        od_text_add(why, "\"%s\" cannot be the name of a profile", name);
        return false;
    }
    folder = od_settings_folder();
    if (folder) {
        od_text_add(&path, "%s/%s.properties", folder, name);
        good = load_file(s, od_text_get(&path), &found, why);
    }
    if (good && must && !found) {
        od_text_add(why, "there is no profile \"%s\"; it would be %s", name,
                    folder ? od_text_get(&path) : "in $HOME/.config/odradek");
        good = false;
    }
    od_text_reset(&path);
    od_free(folder);
    return good;
}

bool od_settings_load_profile(struct od_settings *s, const char *name, struct od_text *why)
{
    return load_profile(s, name, true, why);
}

static bool load_project(struct od_settings *s, struct od_text *why)
{
    struct od_text up = { 0 };
    bool good = true, done = false;

    for (int i = 0; good && !done && i < FOLDERS_UP_MAX; i++) {
        struct od_text file = { 0 }, git = { 0 };

        od_text_add(&file, "%s.odradek.properties", od_text_get(&up));
        od_text_add(&git, "%s.git", od_text_get(&up));
        good = load_file(s, od_text_get(&file), &done, why);
        done = done || access(od_text_get(&git), F_OK) == 0;
        od_text_add(&up, "../");
        od_text_reset(&file);
        od_text_reset(&git);
    }
    od_text_reset(&up);
    return good;
}

static bool load_ambient(struct od_settings *s, struct od_text *why)
{
    const char *profile = getenv("ODRADEK_PROFILE");
    const char *bootstrap = getenv("ODRADEK_BOOTSTRAP");
    bool named = profile && profile[0];
    struct od_text reason = { 0 };
    bool good = load_profile(s, named ? profile : "default", named, why);

    if (good && !named)
        good = load_project(s, why);
    if (!good || !bootstrap || !bootstrap[0])
        return good;
    good = !od_servers_parse(od_str_of(bootstrap), &s->servers, &reason);
    if (!good)
        od_text_add(why, "ODRADEK_BOOTSTRAP: %s", od_text_get(&reason));
    od_text_reset(&reason);
    return good;
}

static bool load_properties(struct od_settings *s, const struct od_options *options,
                            struct od_text *why)
{
    const char *pair;

    for (int i = 0; (pair = od_options_nth(options, "property", i)); i++) {
        const char *equals = strchr(pair, '=');
        struct od_text reason = { 0 };
        bool good;

        if (!equals) {
            od_text_add(why, "-X %s: KEY=VALUE is expected", pair);
            return false;
        }
        good = od_settings_set(s, (struct od_str){ pair, (size_t)(equals - pair) },
                               od_str_of(equals + 1), &reason);
        if (!good)
            od_text_add(why, "-X %s", od_text_get(&reason));
        od_text_reset(&reason);
        if (!good)
            return false;
    }
    return true;
}

static bool load_named(struct od_settings *s, const struct od_options *options,
                       struct od_text *why)
{
    const char *profile = od_options_get(options, "profile");
    const char *file = od_options_get(options, "command-config");
    bool good = profile ? load_profile(s, profile, true, why) : load_ambient(s, why);
    bool found = true;

    if (good && file) {
        good = load_file(s, file, &found, why);
        if (good && !found)
            od_text_add(why, "%s: %s", file, strerror(ENOENT));
    }
    return good && found;
}

bool od_settings_load(struct od_settings *s, const struct od_options *options, struct od_text *why)
{
    const char *bootstrap = od_options_get(options, "bootstrap");
    const char *timeout = od_options_get(options, "timeout");
    struct od_text reason = { 0 };
    bool good;

    od_settings_init(s);
    good = load_named(s, options, why) && load_properties(s, options, why);
    if (good && bootstrap) {
        good = !od_servers_parse(od_str_of(bootstrap), &s->servers, &reason);
        if (!good)
            od_text_add(why, "--bootstrap: %s", od_text_get(&reason));
    }
    if (good && timeout) {
        good = set_timeout(s, od_str_of(timeout), &reason);
        if (!good)
            od_text_add(why, "--timeout: %s", od_text_get(&reason));
    }
    od_text_reset(&reason);
    return good;
}
