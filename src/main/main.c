/* SPDX-License-Identifier: Apache-2.0 */
/* The one executable: finds the command by the first word. */
#include "main/commands.h"

#include <stdio.h>
#include <string.h>

struct command {
    const char *name;
    int (*run)(int argc, char **argv); /* argv[0] is the command's own name */
    const char *help;
};

static int help(int argc, char **argv);

static const struct command commands[] = {
    { "server", od_main_server, "run a broker: server [FILE] [--override key=value]..." },
    { "config", od_main_config, "config document: every setting, as Markdown" },
    { "protocol", od_main_protocol, "protocol document: what is served, as Markdown" },
    { "debug", od_main_debug, "debug decode: prints messages from hexadecimal or a capture" },
    { "help", help, "this list" },
};

static int help(int argc, char **argv)
{
    (void)argc, (void)argv;
    puts("usage: odradek COMMAND [ARGUMENT]...");
    for (size_t i = 0; i < OD_COUNT(commands); i++)
        printf("  %-10s %s\n", commands[i].name, commands[i].help);
    return OD_EXIT_OK;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        help(argc, argv);
        return OD_EXIT_USAGE;
    }
    for (size_t i = 0; i < OD_COUNT(commands); i++)
        if (!strcmp(argv[1], commands[i].name))
            return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "odradek: there is no command \"%s\"; try \"odradek help\"\n", argv[1]);
    return OD_EXIT_USAGE;
}
