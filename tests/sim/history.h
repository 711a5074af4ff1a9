/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the model clients did and saw, and the verdict on it.  Pure and linear: each event is
 * checked when it is told, the rest at the end.  A broken rule is told at once, by its name:
 *
 * lost-write            acknowledged for good, or once read, and not in the final log (I1, I6)
 * inconsistent-offsets  one offset held two values, or an answer named another offset
 * duplicate             one value at two offsets; the clients never retry
 * aborted-read          a value whose send definitely failed was read
 * invented              a value that nobody sent there
 * nonmonotonic-send     two sends of one connection in reverse order
 * poll-skip             a reader was led over an offset, or back
 * unstable-mark         high watermark, start or latest offset went back for one client (I7)
 * beyond-watermark      a record at or above the high watermark of its own answer
 *
 * Offsets are dense: no compaction, no transactions, no retention.
 */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>

struct history;

/* How a send ended; nothing said: unknown. */
enum history_end { HISTORY_ACKED, HISTORY_REFUSED };

/* What a crash may take: everything unsynced, or nothing that was written. */
enum history_crash { HISTORY_CRASH_POWER, HISTORY_CRASH_KILL };

enum history_mark { HISTORY_HIGH_WATERMARK, HISTORY_LATEST, HISTORY_EARLIEST, HISTORY_MARKS };

/* broken is called with a sentence that begins with the rule's name; it may return. */
struct history *history_new(int partitions, int clients, void (*broken)(const char *text));
void history_free(struct history *h);

/* A new number for one record: sent by that client on its connection-th connection. */
uint64_t history_sent(struct history *h, int client, int connection, int partition, int acks);
void history_ended(struct history *h, uint64_t number, enum history_end end, int64_t offset);
void history_crashed(struct history *h, enum history_crash how);
/* A record that a reader got; high_watermark is the answer's, or -1 when there was none. */
void history_read(struct history *h, int partition, int64_t offset, uint64_t number,
                  int64_t high_watermark);
void history_marked(struct history *h, int client, int partition, enum history_mark mark,
                    int64_t value);
/* The reader expected next at that offset and got this one. */
void history_polled(struct history *h, int partition, int64_t expected, int64_t got);

/* The final read of everything, between begin and end. */
void history_final_begin(struct history *h);
void history_final_end(struct history *h);

/* Where the offsets end that are known to be durable and visible. */
int64_t history_settled(const struct history *h, int partition);
uint64_t history_operations(const struct history *h); /* ended sends and reads */
uint64_t history_acked(const struct history *h);
