/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of a command line, taken apart by a command's row: `-p3`, `-p 3`, `--partitions=3`,
 * `--partitions 3`, flags in one word (`-ei`), options before, between and after the arguments,
 * `--` before arguments that begin with a dash.  Pure; words are borrowed from argv.
 */
#pragma once

#include "base/text.h"
#include "cli/command.h"

struct od_given {
    const struct od_option *option;
    const char *value; /* NULL: a flag */
};

struct od_options {
    const struct od_cli_command *command;
    struct od_given *given; /* in their order; owned */
    int given_count;
    const char **args; /* owned array */
    int arg_count;
    bool wants_help; /* -h or --help came */
};

/*
 * Finds the command that the first words name and parses the rest.  Options that all commands
 * share may stand in front of the name.  False: *why says what is wrong, in one sentence; the
 * command is NULL if it is not that far.  od_options_deinit is due in any case.  No word at all
 * and a first word of a pair alone, with or without --help, leave the command NULL and set
 * wants_help; *noun is that word or NULL.
 */
OD_MUST_USE bool od_options_parse(const struct od_cli_commands *commands, int argc, char **argv,
                                  struct od_options *out, const char **noun,
                                  struct od_text *why);
void od_options_deinit(struct od_options *o);

/* By the option's long name, which the command must have. */
bool od_options_has(const struct od_options *o, const char *name);
const char *od_options_get(const struct od_options *o, const char *name); /* the last; or NULL */
const char *od_options_nth(const struct od_options *o, const char *name, int i); /* or NULL */
/*
 * The value as a whole number within the bounds; absent if it was not given.  False: *why.
 */
OD_MUST_USE bool od_options_number(const struct od_options *o, const char *name, int64_t min,
                                   int64_t max, int64_t absent, int64_t *out,
                                   struct od_text *why);
/* The i-th option that a command takes, its own first, then the shared ones; NULL past the last. */
const struct od_option *od_cli_command_option(const struct od_cli_command *command, int i);
/* Is this one of words, "a|b|c"? */
bool od_words_have(const char *words, const char *word);
/* The i-th of words; a null string past the last. */
struct od_str od_words_at(const char *words, int i);
