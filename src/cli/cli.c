/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a command: parsing, settings, printing, the exit code. */
#include "cli/cli.h"

#include "base/mem.h"
#include "cli/help.h"
#include "cli/terminal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool od_cli_number(struct od_cli *cli, const char *option, int64_t min, int64_t max,
                   int64_t absent, int64_t *out)
{
    struct od_text why = { 0 };
    bool good = od_options_number(&cli->options, option, min, max, absent, out, &why);

    if (!good)
        od_cli_usage(cli, "%s", od_text_get(&why));
    od_text_reset(&why);
    return good;
}

bool od_cli_pair(struct od_cli *cli, const char *text, struct od_str *key, struct od_str *value)
{
    const char *equals = strchr(text, '=');

    if (!equals || equals == text) {
        od_cli_usage(cli, "KEY=VALUE is expected, not \"%s\"", text);
        return false;
    }
    *key = (struct od_str){ text, (size_t)(equals - text) };
    *value = od_str_of(equals + 1);
    return true;
}

bool od_cli_has(const struct od_cli *cli, const char *option)
{
    return od_options_has(&cli->options, option);
}

const char *od_cli_get(const struct od_cli *cli, const char *option)
{
    return od_options_get(&cli->options, option);
}

int od_cli_connect(struct od_cli *cli)
{
    struct od_text why = { 0 };
    struct od_client_options options = { 0 };
    bool good = od_settings_load(&cli->settings, &cli->options, &why);

    if (!good)
        od_cli_usage(cli, "%s", od_text_get(&why));
    od_text_reset(&why);
    if (!good)
        return OD_EXIT_USAGE;
    options.servers = cli->settings.servers;
    options.client_id = cli->settings.client_id;
    options.timeout_ms = cli->settings.timeout_ms;
    cli->client = od_client_new(&options);
    return OD_EXIT_OK;
}

int od_cli_call(struct od_cli *cli, const struct od_client_ask *ask, void *response)
{
    enum od_err err = od_client_call(cli->client, ask, &cli->answer, response);

    return err ? od_cli_call_failed(cli, err) : OD_EXIT_OK;
}

int od_cli_metadata(struct od_cli *cli, const struct od_str *names, int n,
                    struct od_metadata_rsp *rsp)
{
    enum od_err err = od_client_metadata(cli->client, names, n, false, &cli->answer, rsp);

    return err ? od_cli_call_failed(cli, err) : OD_EXIT_OK;
}

enum od_output od_cli_output(const struct od_cli *cli)
{
    static const char *const words[] = { "table", "wide", "json", "yaml", "csv", "name" };
    const char *word = od_cli_get(cli, "output");

    for (size_t i = 0; word && i < OD_COUNT(words); i++)
        if (!strcmp(word, words[i]))
            return (enum od_output)i;
    return OD_OUTPUT_TABLE;
}

void od_cli_print_text(const struct od_text *text)
{
    fwrite(od_text_get(text), 1, text->len, stdout);
}

int od_cli_print(struct od_cli *cli, struct od_table *t)
{
    struct od_look look = {
        .output = od_cli_output(cli),
        .columns = od_cli_get(cli, "columns"),
        .no_headers = od_cli_has(cli, "no-headers"),
        .bold = od_terminal_has_colours(),
        .width = od_terminal_width(),
    };
    struct od_text out = { 0 }, why = { 0 };
    bool good = od_table_print(t, &look, &out, &why);

    if (good)
        od_cli_print_text(&out);
    else
        od_cli_usage(cli, "--columns: %s", od_text_get(&why));
    od_text_reset(&out);
    od_text_reset(&why);
    od_table_deinit(t);
    return good ? OD_EXIT_OK : OD_EXIT_USAGE;
}

void od_cli_print_document(struct od_cli *cli, json_t *value)
{
    struct od_text out = { 0 };

    od_document_print(value, od_cli_output(cli), &out);
    od_cli_print_text(&out);
    od_text_reset(&out);
    json_decref(value);
}

bool od_cli_confirm(struct od_cli *cli, const char *format, ...)
{
    char line[16] = "";
    va_list args;

    if (od_cli_has(cli, "yes") || !od_terminal_asks())
        return true;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputs(" [y/N] ", stderr);
    fflush(stderr);
    return fgets(line, sizeof(line), stdin) && (line[0] == 'y' || line[0] == 'Y');
}

static void print_help(const struct od_cli *cli, const char *noun)
{
    struct od_text out = { 0 };

    if (cli->options.command)
        od_help_command(cli->options.command, &out);
    else if (noun)
        od_help_noun(cli->commands, noun, &out);
    else
        od_help_all(cli->commands, &out);
    od_cli_print_text(&out);
    od_text_reset(&out);
}

static int run(struct od_cli *cli, int argc, char **argv)
{
    struct od_text why = { 0 };
    const char *noun = NULL;
    int code = OD_EXIT_USAGE;

    if (!od_options_parse(cli->commands, argc, argv, &cli->options, &noun, &why)) {
        od_cli_usage(cli, "%s", od_text_get(&why));
    } else if (cli->options.wants_help) {
        print_help(cli, noun);
        code = argc ? OD_EXIT_OK : OD_EXIT_USAGE;
    } else {
        cli->args = cli->options.args;
        cli->arg_count = cli->options.arg_count;
        code = cli->options.command->run(cli);
    }
    od_text_reset(&why);
    return code;
}

int od_cli_main(const struct od_cli_commands *commands, int argc, char **argv)
{
    struct od_cli cli = { .commands = commands };
    int code = argc > 1 && !strcmp(argv[1], "--version")
                   ? run(&cli, 1, (char *[]){ "version", NULL })
                   : run(&cli, argc - 1, argv + 1);

    od_answer_deinit(&cli.answer);
    od_client_free(cli.client);
    od_settings_deinit(&cli.settings);
    od_arena_reset(&cli.arena);
    od_options_deinit(&cli.options);
    return od_terminal_finish(code);
}
