/* SPDX-License-Identifier: Apache-2.0 */
/* Errors to words, knobs and exit codes. */
#include "cli/cli.h"

#include <stdarg.h>
#include <stdio.h>

static void say(const char *format, va_list args)
{
    fflush(stdout);
    fputs("odradek: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
}

int od_cli_fail(int code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(format, args);
    va_end(args);
    return code;
}

int od_cli_usage(struct od_cli *cli, const char *format, ...)
{
    const struct od_cli_command *c = cli->options.command;
    va_list args;

    va_start(args, format);
    say(format, args);
    va_end(args);
    fprintf(stderr, "see: odradek %s%s--help\n", c ? c->name : "", c ? " " : "");
    return OD_EXIT_USAGE;
}

const char *od_cli_knob(enum od_err err)
{
    static const struct {
        enum od_err err;
        const char *text;
    } knobs[] = {
#define OD_KNOB(name, text) { OD_##name, text },
#include "cli/knobs.def"
#undef OD_KNOB
    };

    for (size_t i = 0; i < OD_COUNT(knobs); i++)
        if (knobs[i].err == err)
            return knobs[i].text;
    return NULL;
}

int od_cli_code(enum od_err err)
{
    switch ((int)err) {
    case OD_NONE:
        return OD_EXIT_OK;
    case OD_E_CLOSED:
    case OD_E_NOT_FOUND: /* of a host */
    case OD_REQUEST_TIMED_OUT:
    case OD_NETWORK_EXCEPTION:
        return OD_EXIT_CONNECT;
    case OD_TOPIC_AUTHORIZATION_FAILED:
    case OD_GROUP_AUTHORIZATION_FAILED:
    case OD_CLUSTER_AUTHORIZATION_FAILED:
    case OD_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
    case OD_DELEGATION_TOKEN_AUTHORIZATION_FAILED:
    case OD_SASL_AUTHENTICATION_FAILED:
        return OD_EXIT_FORBIDDEN;
    case OD_UNKNOWN_TOPIC_OR_PARTITION:
    case OD_UNKNOWN_TOPIC_ID:
    case OD_GROUP_ID_NOT_FOUND:
    case OD_RESOURCE_NOT_FOUND:
    case OD_BROKER_NOT_AVAILABLE: /* no broker has that id */
        return OD_EXIT_NOT_FOUND;
    case OD_TOPIC_ALREADY_EXISTS:
    case OD_DUPLICATE_RESOURCE:
        return OD_EXIT_EXISTS;
    default:
        return OD_EXIT_FAILED;
    }
}

int od_cli_call_failed(struct od_cli *cli, enum od_err err)
{
    const char *knob = od_cli_knob(err);

    od_cli_fail(0, "%s", od_client_why(cli->client));
    if (err == OD_E_CLOSED || err == OD_E_NOT_FOUND)
        knob = "-b, --profile or ODRADEK_BOOTSTRAP name the brokers";
    if (knob)
        fprintf(stderr, "  %s\n", knob);
    return od_cli_code(err);
}

void od_cli_failed(struct od_cli *cli, enum od_err err, struct od_str message, const char *format,
                   ...)
{
    int code = od_cli_code(err);
    struct od_text clean = { 0 };
    const char *knob = od_cli_knob(err);
    va_list args;

    fflush(stdout);
    fputs("odradek: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    od_printable(message.len ? message : od_str_of(od_err_text(err)), &clean);
    fprintf(stderr, ": %s (%s)\n", od_text_get(&clean), od_err_name(err));
    od_text_reset(&clean);
    if (knob)
        fprintf(stderr, "  %s\n", knob);
    cli->failed_code = cli->failed_count == 0 || cli->failed_code == code ? code : OD_EXIT_FAILED;
    cli->failed_count++;
}

void od_cli_done(struct od_cli *cli)
{
    cli->done_count++;
}

int od_cli_result(const struct od_cli *cli)
{
    if (cli->failed_count == 0)
        return OD_EXIT_OK;
    return cli->done_count ? OD_EXIT_PARTIAL : cli->failed_code;
}
