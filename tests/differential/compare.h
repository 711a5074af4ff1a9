/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two answers, freed from what may differ (ids, times, ports, the wording of messages, the order of
 * sets) and compared member by member.
 */
#pragma once

#include "side.h"

/*
 * The answer as it is compared, owned by the caller.  Lists that are sets become objects by name;
 * the conversation's names become "$a"; what another conversation made is left out.
 */
json_t *normalise(const struct side *s, const struct od_api *api, const json_t *answer);

struct difference {
    const char *path; /* such as "topics.$a.partitions.0.error_code"; "": the whole answer */
    const char *ours, *theirs;
};

/* Tells each difference, which lives until the callback returns. */
void compare(const json_t *ours, const json_t *theirs,
             void (*tell)(const struct difference *difference, void *arg), void *arg);
/* A list's element or an object's member, such as "topics.0.name"; NULL: not there. */
const json_t *value_at(const json_t *from, const char *path);
/* True if the connection was closed or any error code is not 0. */
bool refused(const json_t *answer);
