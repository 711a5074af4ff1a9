/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How one cleaned segment takes the place of those it was made of, so that a crash at any step
 * leaves either the old ones or the new one, as a whole.  Names as Kafka's; blocking.
 *
 *      write N.log.cleaned and its indexes, sync them
 *      rename the indexes to .swap, sync the directory
 *      rename the log to N.log.swap, sync the directory         <- from here on the new one counts
 *      remove the old segments, the last first; rename the indexes; sync the directory
 *      rename N.log.swap to N.log, sync the directory
 *
 * At a start a .cleaned file is removed, and a .log.swap takes its place: it ends with the last
 * batch of the last segment that it replaces, so that its own end tells which those are.
 */
#pragma once

#include "storage/segment.h"

struct od_plog;

/* On the disk, under the .swap names, when it returns OD_NONE. */
OD_MUST_USE enum od_err od_swap_commit(struct od_segment *s, bool has_txnindex);
/* Removes the n old segments, of which the first has the same base, and gives s their place. */
OD_MUST_USE enum od_err od_swap_place(struct od_segment *s, struct od_segment *const *old, int n,
                                      bool has_txnindex);
/* Gives up a segment that was not committed. */
void od_swap_abandon(struct od_segment *s);
/* At a start: puts base's .log.swap in place; bases, ascending, are the .log files that remain. */
OD_MUST_USE enum od_err od_swap_finish(struct od_plog *p, int64_t base, int64_t *bases, size_t *n);
