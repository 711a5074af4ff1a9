/* SPDX-License-Identifier: Apache-2.0 */
/* `odradek help` and `odradek version`. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/help.h"

#include <stdio.h>
#include <string.h>

static const struct od_cli_command *find(const struct od_cli_commands *commands, const char *name)
{
    for (int i = 0; i < commands->n; i++)
        if (!strcmp(commands->v[i]->name, name))
            return commands->v[i];
    return NULL;
}

static int run_help(struct od_cli *cli)
{
    const struct od_cli_command *c;
    struct od_text name = { 0 }, out = { 0 };
    int code = OD_EXIT_OK;

    for (int i = 0; i < cli->arg_count; i++)
        od_text_add(&name, "%s%s", i ? " " : "", cli->args[i]);
    c = find(cli->commands, od_text_get(&name));
    if (c)
        od_help_command(c, &out);
    else if (!cli->arg_count)
        od_help_all(cli->commands, &out);
    else if (cli->arg_count == 1 && od_help_of_noun(cli->args[0]))
        od_help_noun(cli->commands, cli->args[0], &out);
    else
        code = od_cli_usage(cli, "there is no command \"%s\"", od_text_get(&name));
    od_cli_print_text(&out);
    od_text_reset(&name);
    od_text_reset(&out);
    return code;
}

const struct od_cli_command od_cli_command_help = {
    .name = "help",
    .arguments = "[COMMAND]",
    .args_max = 2,
    .help = "Show all commands, or one",
    .run = run_help,
};

static int run_version(struct od_cli *cli)
{
    (void)cli;
    printf("odradek %s\n", OD_VERSION);
    return OD_EXIT_OK;
}

const struct od_cli_command od_cli_command_version = {
    .name = "version",
    .help = "Show the version of this executable",
    .run = run_version,
};
