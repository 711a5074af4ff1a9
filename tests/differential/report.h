/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was compared and where it differed.  Differences that a line of the exceptions explains are
 * only counted; a line that explains nothing is itself an error.  A line:
 *
 *     api versions release | conversation | path | ours | Kafka's | reason
 *
 * Versions are as in "1-3", "4" or "*"; the other columns but the reason are patterns as of file
 * names.  The conversation's column is its title, for a variant followed by " / " and the change.
 */
#pragma once

#include "compare.h"

struct exception;

struct report {
    struct exception *exceptions; /* owned */
    int exception_count;
    int conversations, variants, requests; /* played, sent to each side */
    int differences, explained, faults;
};

/* Where something was seen. */
struct place {
    const char *release;
    const struct od_api *api;
    int16_t version;
    const char *title, *variant; /* variant: NULL: the conversation itself */
};

/* Reads the exceptions; ends the program when a line is wrong. */
void report_open(struct report *r, const char *exceptions_path);
void report_close(struct report *r);
void report_difference(struct report *r, const struct place *at, const struct difference *d);
/* What is wrong with a conversation itself. */
void report_fault(struct report *r, const struct place *at, const char *what, const char *detail);
/* Prints each line that explained nothing; counts it as a fault. */
void report_unused(struct report *r);
