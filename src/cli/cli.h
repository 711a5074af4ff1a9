/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a command runs in: its options, the client, the ways to print and to fail.  Data goes to
 * standard output, everything else to standard error.  One thread, one command per process.
 */
#pragma once

#include "cli/exit.h"
#include "cli/options.h"
#include "cli/settings.h"
#include "cli/table.h"
#include "client/client.h"

struct od_cli {
    const struct od_cli_commands *commands;
    struct od_options options;
    const char **args; /* of the options: what is neither option nor value */
    int arg_count;
    struct od_settings settings; /* once connected */
    struct od_client *client;    /* NULL until od_cli_connect */
    struct od_arena arena;       /* for the time of the command */
    struct od_answer answer;     /* of the last od_cli_call */
    int done_count;              /* od_cli_done, od_cli_failed */
    int failed_count;
    int failed_code; /* the exit code of the failures if it is one for all, else FAILED */
};

/* Finds the command in argv[1..], runs it, returns the process's exit code. */
int od_cli_main(const struct od_cli_commands *commands, int argc, char **argv);

/* --- options: each prints what is wrong and returns false ------------------------------------ */
OD_MUST_USE bool od_cli_number(struct od_cli *cli, const char *option, int64_t min, int64_t max,
                               int64_t absent, int64_t *out);
bool od_cli_has(const struct od_cli *cli, const char *option);
const char *od_cli_get(const struct od_cli *cli, const char *option);

/* Takes "key=value" apart at the first '='. */
OD_MUST_USE bool od_cli_pair(struct od_cli *cli, const char *text, struct od_str *key,
                             struct od_str *value);

/* --- the cluster ----------------------------------------------------------------------------- */
/* Reads the settings and makes the client, which connects at its first call.  Exit code. */
OD_MUST_USE int od_cli_connect(struct od_cli *cli);
/* od_client_call with cli->answer, so *response lives until the next one.  Exit code. */
OD_MUST_USE int od_cli_call(struct od_cli *cli, const struct od_client_ask *ask, void *response);
/* od_client_metadata, likewise. */
OD_MUST_USE int od_cli_metadata(struct od_cli *cli, const struct od_str *names, int n,
                                struct od_metadata_rsp *rsp);
/* An od_client_* call has failed with err: says why.  Returns the exit code. */
int od_cli_call_failed(struct od_cli *cli, enum od_err err);

/* --- failing --------------------------------------------------------------------------------- */
/* "odradek: " and the text to standard error.  Returns code. */
int od_cli_fail(int code, const char *format, ...) OD_PRINTF(2, 3);
/* A usage error: names the command's --help.  Returns OD_EXIT_USAGE. */
int od_cli_usage(struct od_cli *cli, const char *format, ...) OD_PRINTF(2, 3);
/*
 * The broker's answer about one of several things: says what, the broker's message or the error's
 * text, the error's name and the knob; counts it.
 */
void od_cli_failed(struct od_cli *cli, enum od_err err, struct od_str message, const char *format,
                   ...) OD_PRINTF(4, 5);
void od_cli_done(struct od_cli *cli); /* one of several things is done */
/* OK, the failures' common code, or PARTIAL where some were done. */
int od_cli_result(const struct od_cli *cli);
int od_cli_code(enum od_err err);
const char *od_cli_knob(enum od_err err); /* what to do about it; NULL: nothing known */

/* --- printing -------------------------------------------------------------------------------- */
enum od_output od_cli_output(const struct od_cli *cli);
/* Prints and frees the table.  Exit code. */
OD_MUST_USE int od_cli_print(struct od_cli *cli, struct od_table *t);
/* In JSON and YAML; other forms are the command's own.  Frees the value. */
void od_cli_print_document(struct od_cli *cli, json_t *value);
void od_cli_print_text(const struct od_text *text);
/* Asks on the terminal, if there is one and --yes is not given.  False: no. */
OD_MUST_USE bool od_cli_confirm(struct od_cli *cli, const char *format, ...) OD_PRINTF(2, 3);
