/* SPDX-License-Identifier: Apache-2.0 */
/* How many connections there may be, in all and from one address.  Any thread. */
#pragma once

#include "base/err.h"
#include "os/socket.h"

struct od_admission;

/* seed: of the map of addresses, from od_random_u64. */
struct od_admission *od_admission_new(int32_t max_connections, int32_t max_connections_per_ip,
                                      uint64_t seed);
void od_admission_free(struct od_admission *a); /* when all were left */
/* OD_E_LIMIT: too many in all; OD_E_FULL: too many from that address. */
OD_MUST_USE enum od_err od_admission_enter(struct od_admission *a, const struct od_address *peer);
void od_admission_leave(struct od_admission *a, const struct od_address *peer);
int32_t od_admission_count(const struct od_admission *a);
