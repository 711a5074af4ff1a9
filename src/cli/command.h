/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a command of the executable is: one row of constant data, from which parsing, --help,
 * completion and docs/command-line.md are made.  A new command is a row in a file of its own and a
 * line in commands.def.
 */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>

struct od_cli;

/* What completion offers for a word. */
enum od_candidates {
    OD_CANDIDATES_NONE,
    OD_CANDIDATES_WORDS,    /* those of the row */
    OD_CANDIDATES_FILES,
    OD_CANDIDATES_TOPICS,   /* asked of the broker */
    OD_CANDIDATES_KEYS,     /* names of settings */
    OD_CANDIDATES_PROFILES,
    OD_CANDIDATES_ENTITY,   /* the first: a kind, the second: its name, then settings */
};

struct od_option {
    const char *name;  /* long form without dashes; NULL ends a list */
    char letter;       /* short form, or 0 */
    const char *value; /* what help calls the value; NULL: a flag */
    bool repeated;     /* may come more than once; otherwise the last one counts */
    enum od_candidates candidates; /* of the value */
    const char *words; /* with OD_CANDIDATES_WORDS: "a|b"; other values are refused */
    const char *help;
};

enum od_uses { /* options that a command shares with others */
    OD_USES_CLUSTER = 1, /* --bootstrap, --profile, --command-config, -X, --timeout */
    OD_USES_OUTPUT = 2,  /* --output, --columns, --no-headers */
    OD_USES_DRY_RUN = 4, /* --dry-run */
    OD_USES_YES = 8,     /* --yes: do not ask */
};

enum { OD_ARGS_ANY = -1 };

struct od_cli_command {
    const char *name;      /* one or two words: "topic create" */
    const char *arguments; /* as help shows them: "TOPIC..."; NULL: none */
    int args_min, args_max; /* OD_ARGS_ANY: no limit */
    enum od_candidates candidates; /* of the arguments */
    const char *words;     /* with OD_CANDIDATES_WORDS */
    unsigned uses;         /* a sum of enum od_uses */
    bool hidden;           /* not in lists */
    const char *help;      /* one line */
    const char *details;   /* further lines under --help; NULL: none */
    const struct od_option *options; /* its own; NULL: none */
    int (*run)(struct od_cli *cli);  /* returns the exit code */
};

/* Every command that there is, in the order of help. */
struct od_cli_commands {
    const struct od_cli_command *const *v;
    int n;
};
