/* SPDX-License-Identifier: Apache-2.0 */
/* Plays conversations to two brokers at once and reports where their answers differ. */
#pragma once

#include "report.h"
#include "script.h"

struct pair {
    struct side *ours, *theirs;
    struct report *report;
    int64_t started_ms, now_ms; /* of the run, of the version's conversations */
    int good, bad;              /* requests that Kafka answered, and refused; counted by play */
    bool verbose;               /* prints each request and both answers */
};

/* One conversation of the script in one version of its API, which both serve. */
void play(struct pair *p, const struct script *script, const struct conversation *c,
          int16_t version);
