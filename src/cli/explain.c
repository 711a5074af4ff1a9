/* SPDX-License-Identifier: Apache-2.0 */
/* `odradek explain`: an error or a setting, from the tables in this executable. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "config/config.h"

#include <string.h>

static const struct known {
    enum od_err err;
    bool retriable;
} errors[] = {
#define OD_ERR(name, code, retriable, text) { OD_##name, retriable },
#define OD_ERR_INTERNAL(name, code, wire, text)
#include "base/err.def"
#undef OD_ERR
#undef OD_ERR_INTERNAL
};

/* By its number or its name in any case. */
static const struct known *find_error(const char *word)
{
    int64_t code;
    bool numeric = od_str_to_i64(od_str_of(word), INT16_MIN, INT16_MAX, &code);

    for (size_t i = 0; i < OD_COUNT(errors); i++)
        if (numeric ? code == errors[i].err : !strcasecmp(word, od_err_name(errors[i].err)))
            return &errors[i];
    return NULL;
}

static void explain_error(const struct known *e, struct od_text *out)
{
    const char *knob = od_cli_knob(e->err);
    int code = od_cli_code(e->err);

    od_text_add(out, "%s (error %d)\n  %s\n  %s\n", od_err_name(e->err), e->err,
                od_err_text(e->err),
                e->err == OD_NONE ? "no error"
                : e->retriable    ? "clients try again"
                                  : "clients give up: trying again gives the same");
    if (knob)
        od_text_add(out, "  %s\n", knob);
    od_text_add(out, "  exit code of this tool: %d\n", code);
}

static int run(struct od_cli *cli)
{
    struct od_text out = { 0 };

    for (int i = 0; i < cli->arg_count; i++) {
        const struct known *error = find_error(cli->args[i]);

        if (error)
            explain_error(error, &out);
        else if (!od_config_explain(od_str_of(cli->args[i]), &out)) {
            od_cli_fail(0, "\"%s\" is neither an error nor a setting", cli->args[i]);
            cli->failed_count++;
            cli->failed_code = OD_EXIT_NOT_FOUND;
            continue;
        }
        od_cli_done(cli);
    }
    od_cli_print_text(&out);
    od_text_reset(&out);
    return od_cli_result(cli);
}

const struct od_cli_command od_cli_command_explain = {
    .name = "explain",
    .arguments = "ERROR|KEY...",
    .args_min = 1,
    .args_max = OD_ARGS_ANY,
    .candidates = OD_CANDIDATES_KEYS,
    .help = "Explain errors by name or number, and settings, without a broker",
    .run = run,
};
