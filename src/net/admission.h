/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many connections there may be, in all, per listener and from one address, and how many new
 * ones per second.  Who comes when there are as many as allowed, or comes too fast, waits to be
 * accepted; who comes from an address that has its share is closed.  Any thread.
 */
#pragma once

#include "base/err.h"
#include "os/socket.h"

struct od_admission;
struct od_entrance; /* of one listener; lives as long as its admission */

struct od_admission_limits {
    int32_t total;
    int32_t per_host;
    int32_t per_second;         /* new connections; INT32_MAX: no limit */
    const char *host_overrides; /* "address:number,..." in place of per_host; NULL: none */
};

enum { OD_ADMISSION_OVERRIDES_MAX = 1000, OD_ADMISSION_WAIT_MS_MAX = 1000 };

/* Copied; seed: of the map of addresses, from od_random_u64. */
struct od_admission *od_admission_new(const struct od_admission_limits *limits, uint64_t seed);
void od_admission_free(struct od_admission *a); /* when all were left */
/* From now on; returns how many connections there are above the total. */
int32_t od_admission_set(struct od_admission *a, const struct od_admission_limits *limits);
int32_t od_admission_count(const struct od_admission *a);

/* total, per_second: of this listener alone; 0: only those of all listeners. */
struct od_entrance *od_entrance_new(struct od_admission *a, int32_t total, int32_t per_second);
/* 0: one more may be accepted; else ask again after so many ms (OD_ADMISSION_WAIT_MS_MAX). */
int64_t od_entrance_wait_ms(struct od_entrance *g, int64_t now_ms);
/* After a wait of 0.  OD_E_FULL: too many from that address. */
OD_MUST_USE enum od_err od_entrance_enter(struct od_entrance *g, const struct od_address *peer);
void od_entrance_leave(struct od_entrance *g, const struct od_address *peer);
