/* SPDX-License-Identifier: Apache-2.0 */
/* `odradek profile list`. */
#include "cli/profiles.h"

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/commands.h"

#include <dirent.h>
#include <string.h>

static const char suffix[] = ".properties";

/* The end of the name, or -1: not a profile's file. */
static long stem_of(const char *file)
{
    size_t len = strlen(file);

    if (len < sizeof(suffix) || file[0] == '.' ||
        strcmp(file + len - (sizeof(suffix) - 1), suffix) != 0)
        return -1;
    return (long)(len - (sizeof(suffix) - 1));
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

json_t *od_profiles_names(void)
{
    char *folder = od_settings_folder();
    DIR *dir = folder ? opendir(folder) : NULL;
    json_t *out = json_array();
    char **names = NULL;
    size_t n = 0;

    for (struct dirent *e; dir && (e = readdir(dir));) {
        long len = stem_of(e->d_name);

        if (len < 0)
            continue;
        names = od_realloc(names, sizeof(*names) * (n + 1));
        names[n++] = od_str_dup((struct od_str){ e->d_name, (size_t)len });
    }
    if (dir)
        closedir(dir);
    if (n > 1)
        qsort(names, n, sizeof(*names), by_text);
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(out, od_json_str(od_str_of(names[i])));
        od_free(names[i]);
    }
    od_free(names);
    od_free(folder);
    return out;
}

static const struct od_column columns[] = {
    { "profile", "PROFILE", 0 },
    { "client_id", "CLIENT-ID", 0 },
    { "timeout_ms", "TIMEOUT-MS", OD_COLUMN_RIGHT | OD_COLUMN_WIDE },
    { "error", "ERROR", OD_COLUMN_OPTIONAL },
    { "servers", "SERVERS", 0 },
};

static void add(const char *name, struct od_table *table)
{
    struct od_settings s;
    struct od_text why = { 0 };
    json_t *row = od_table_row(table), *servers;
    bool good;

    od_settings_init(&s);
    good = od_settings_load_profile(&s, name, &why);
    od_row_text(row, "profile", name);
    if (!good) {
        od_row_text(row, "error", od_text_get(&why));
    } else {
        od_row_text(row, "client_id", s.client_id);
        od_row_int(row, "timeout_ms", s.timeout_ms);
        servers = od_row_list(row, "servers");
        for (int i = 0; i < s.servers.n; i++) {
            struct od_text text = { 0 };

            od_server_print(s.servers.v[i].host, s.servers.v[i].port, &text);
            json_array_append_new(servers, od_json_str(od_str_of(od_text_get(&text))));
            od_text_reset(&text);
        }
    }
    od_text_reset(&why);
    od_settings_deinit(&s);
}

static int run(struct od_cli *cli)
{
    json_t *names = od_profiles_names(), *name;
    struct od_table table;
    size_t i;

    od_table_init(&table, columns, OD_COUNT(columns));
    json_array_foreach(names, i, name)
        add(json_string_value(name), &table);
    json_decref(names);
    return od_cli_print(cli, &table);
}

const struct od_cli_command od_cli_command_profile_list = {
    .name = "profile list",
    .uses = OD_USES_OUTPUT,
    .help = "List the profiles there are",
    .details = "A profile is a Java client's properties file,\n"
               "$XDG_CONFIG_HOME/odradek/NAME.properties; \"default\" counts without --profile.",
    .run = run,
};
