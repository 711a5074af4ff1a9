/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conversations in files: conversations/<api>.txt has those about one API.
 *
 *     # A comment.
 *     refused 0-2                         before the first title: versions without a good answer,
 *     fixed timeout_ms acks               members that variants of requests leave alone,
 *     once topic_data partition_data      and lists of which they double no element
 *     good: what it is about              a title; "bad:" if Kafka refuses the last request
 *     versions 1-3                        of the API; otherwise all that both sides serve
 *     with 3.9-zookeeper                  to which releases of Kafka it is played, a pattern
 *     topic a 2 retention.ms=1000         makes a topic of two partitions, waits for its leaders
 *     group g                             waits until its coordinator works
 *     records a 0 5                       produces five records to its partition 0
 *     list_offsets {"topics": [{"name": "$a",       a request, in the version under test; others in
 *         "partitions": [{"timestamp": -1}]}]}      the highest one, or as in metadata/8
 *     let end topics.0.partitions.0.offset          gives $end a value of the answer before it
 *     await a                             waits until a topic made otherwise has its leaders
 *     eventually metadata {...}           a request that is repeated until both answers agree
 *     silent produce {...}                a request without an answer
 *
 * Lines that begin with blanks continue the one before; an empty line ends the conversation.  In
 * requests "$a" is what let has bound, otherwise a name of this conversation alone; "$a.id" is the
 * id of a topic (of none, if there is no such topic), "$now", "$now+5" a time in ms.
 */
#pragma once

#include "wire/codec.h"

#include <jansson.h>

enum { STEPS_MAX = 24, FIXED_MAX = 12 };

enum step_kind {
    STEP_CALL,
    STEP_EVENTUALLY,
    STEP_SILENT,
    STEP_TOPIC,
    STEP_AWAIT,
    STEP_GROUP,
    STEP_LET
};

struct step {
    enum step_kind kind;
    const struct od_api *api; /* of those with a request */
    int16_t version;          /* -1: the one under test, or the highest */
    json_t *request;          /* a template, owned */
    char *name, *path;        /* LET: both; TOPIC, AWAIT, GROUP: the name.  Owned. */
};

struct conversation {
    const struct od_api *api; /* under test */
    char *title;              /* owned */
    int number;               /* in its file, from 1 */
    bool bad;
    int16_t version_min, version_max;
    char *release; /* a pattern, owned; NULL: all */
    int step_count;
    struct step steps[STEPS_MAX];
};

struct script {
    const struct od_api *api;
    int16_t refused_min, refused_max; /* versions that Kafka advertises and refuses */
    int fixed_count, once_count;
    char *fixed[FIXED_MAX], *once[FIXED_MAX]; /* owned */
    int count;
    struct conversation *v; /* owned */
};

/* Reads a file named <api>.txt; ends the program with its line when something is wrong with it. */
struct script *script_read(const char *path);
void script_free(struct script *s);
