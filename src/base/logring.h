/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring behind od_log: single producer (its thread), single consumer (the drain).  Lock-free.
 * os owns the rings, one per thread, and provides od_logring_current().
 */
#pragma once

#include "base/log.h"

#include <stdatomic.h>
#include <stdbool.h>

enum { OD_LOGRING_LINES = 64 };

struct od_logring_line {
    int64_t wall_ms;
    enum od_log_level level;
    char text[OD_LOG_LINE_MAX + 1]; /* "area: message", printable characters only */
};

struct od_logring {
    _Atomic uint32_t head; /* next to write */
    _Atomic uint32_t tail; /* next to read */
    _Atomic uint32_t dropped;
    struct od_logring_line lines[OD_LOGRING_LINES];
};

/* Provided by os: the calling thread's ring and the wall clock. */
struct od_logring *od_logring_current(void);
int64_t od_logring_wall_ms(void);
/* Provided by os: is a line of this level logged? */
bool od_logring_wants(enum od_log_level level, const char *area);
/* Provided by os: a line was added; wakes the drain where that is needed. */
void od_logring_added(struct od_logring *ring);

/* Takes the oldest line; false when there is none. */
bool od_logring_take(struct od_logring *ring, struct od_logring_line *out);
