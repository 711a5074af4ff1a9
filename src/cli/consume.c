/* SPDX-License-Identifier: Apache-2.0 */
/* `odradek consume`: records of named partitions, to a pipe or a person. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/places.h"
#include "cli/record_format.h"
#include "cli/terminal.h"
#include "client/consumer.h"

#include <stdio.h>

enum { MAX_WAIT_MS = 500 };

struct printer {
    struct od_record_format *format; /* NULL: JSON */
    int64_t left;                    /* records still to print; -1: no limit */
    struct od_text line;
    bool broken; /* standard output */
};

static bool print(void *user, const struct od_consumed *r)
{
    struct printer *p = user;

    p->line.len = 0;
    if (p->format)
        od_record_format_print(p->format, r, &p->line);
    else
        od_record_json(r, &p->line);
    p->broken = fwrite(od_text_get(&p->line), 1, p->line.len, stdout) != p->line.len;
    if (p->left > 0)
        p->left--;
    return p->left != 0 && !p->broken;
}

/* Records printed so far are flushed before anything waits for more. */
static int read_all(struct od_consumer *consumer, struct printer *p)
{
    enum od_err err = OD_NONE;

    while (!err && p->left != 0 && !p->broken && !od_consumer_finished(consumer)) {
        err = od_consumer_poll(consumer, print, p);
        p->broken = p->broken || !od_terminal_flush();
    }
    if (!err)
        return OD_EXIT_OK;
    od_cli_fail(0, "%s", od_consumer_why(consumer));
    if (od_cli_knob(err))
        fprintf(stderr, "  %s\n", od_cli_knob(err));
    return od_cli_code(err);
}

static int consume(struct od_cli *cli, struct printer *p)
{
    struct od_consumer_options options = { .read_committed = od_cli_has(cli, "read-committed"),
                                           .max_wait_ms = MAX_WAIT_MS };
    struct od_consumer *consumer = od_consumer_new(cli->client, &options);
    const char *to = od_cli_get(cli, "to");
    int code = OD_EXIT_OK;

    if (!to && od_cli_has(cli, "exit"))
        to = "end";
    for (int i = 0; i < cli->arg_count && !code; i++) {
        struct od_places parts = { 0 };
        struct od_str topic = od_str_of(cli->args[i]);

        code = od_places_choose(cli, topic, &parts);
        if (!code)
            code = od_places_place(cli, topic, od_cli_get(cli, "from"), "from",
                                       options.read_committed, &parts);
        for (int k = 0; k < parts.n; k++)
            parts.v[k].begin = parts.v[k].offset;
        if (!code && to)
            code = od_places_place(cli, topic, to, "to", options.read_committed, &parts);
        for (int k = 0; k < parts.n && !code; k++)
            od_consumer_add(consumer, topic, parts.v[k].partition, parts.v[k].begin,
                            to ? parts.v[k].offset : OD_CONSUMER_NO_STOP);
        od_places_deinit(&parts);
    }
    if (!code)
        code = read_all(consumer, p);
    od_consumer_free(consumer);
    return code;
}

static int run(struct od_cli *cli)
{
    const char *form = od_cli_get(cli, "output");
    const char *format = od_cli_get(cli, "format");
    struct printer p = { 0 };
    struct od_text why = { 0 };
    int code;

    if (!od_cli_number(cli, "count", 0, INT64_MAX, -1, &p.left))
        return OD_EXIT_USAGE;
    if (!form || form[0] != 'j' || format) {
        p.format = od_record_format_new(format ? format : "%s\n", &why);
        if (!p.format)
            od_cli_usage(cli, "--format: %s", od_text_get(&why));
        od_text_reset(&why);
        if (!p.format)
            return OD_EXIT_USAGE;
    }
    code = od_cli_connect(cli);
    if (!code)
        code = consume(cli, &p);
    od_record_format_free(p.format);
    od_text_reset(&p.line);
    return code;
}

static const struct od_option options[] = {
    { .name = "from", .value = "POSITION",
      .help = "where to begin: " OD_POSITION_FORMS " (start)" },
    { .name = "to", .value = "POSITION", .help = "where to stop, as it is at the start" },
    { .name = "exit", .letter = 'e', .help = "stop at the end: --to end" },
    { .name = "count", .letter = 'n', .value = "N", .help = "stop after so many records" },
    { .name = "partition", .letter = 'p', .value = "N,...", .repeated = true,
      .help = "only these partitions" },
    { .name = "format", .letter = 'f', .value = "FORMAT",
      .help = "how a record is printed (%s\\n), see below" },
    { .name = "output", .letter = 'o', .value = "FORM", .candidates = OD_CANDIDATES_WORDS,
      .words = "text|json", .help = "text|json: one object in a line (text)" },
    { .name = "read-committed", .help = "leave out what transactions have not committed" },
    { 0 },
};

const struct od_cli_command od_cli_command_consume = {
    .name = "consume",
    .arguments = "TOPIC...",
    .args_min = 1,
    .args_max = OD_ARGS_ANY,
    .candidates = OD_CANDIDATES_TOPICS,
    .uses = OD_USES_CLUSTER,
    .help = "Print the records of topics",
    .details =
        "FORMAT: %t topic, %p partition, %o offset, %k key, %K its length, %s value, %S its\n"
        "length, %T timestamp in ms, %h headers, %R length of the value in 4 bytes, %%, \\n \\t\n"
        "\\r \\0 \\xNN; %k{hex}, %s{base64}, %s{json}, %T{iso} for other forms.  Null prints\n"
        "nothing, length -1.\n"
        "TIME: ms since 1970, 2026-11-20, 2026-11-20T13:00:05Z, or -2h for two hours ago.\n"
        "\"odradek produce -i json\" reads what -o json prints.",
    .options = options,
    .run = run,
};
