/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The offset map of a clean: of each key its last offset, in memory of a fixed size.
 *
 * A slot of 24 bytes keeps 128 bits of SipHash under a random seed in place of the key.  Two keys
 * that share them would count as one and the older record would be lost: by chance less than one
 * in 10^23 for a map of 100 million keys, and nobody can aim at it without the seed.  (Kafka keeps
 * 128 bits of MD5, for which colliding keys can be made.)  Not thread-safe.
 */
#pragma once

#include "base/str.h"

struct od_clean_map;

enum { OD_CLEAN_SLOT_BYTES = 24 };

/*
 * Room for keys_max keys, or for what bytes_max at that load (0 to 1) hold if that is fewer; at
 * least one.  NULL: no memory.
 */
struct od_clean_map *od_clean_map_new(int64_t bytes_max, double load_max, int64_t keys_max,
                                      const uint64_t seed[2]);
void od_clean_map_free(struct od_clean_map *m); /* accepts NULL */
/* Notes the offset as the key's last; offsets ascend.  False: full, and nothing was noted. */
bool od_clean_map_put(struct od_clean_map *m, struct od_bytes key, int64_t offset);
int64_t od_clean_map_get(const struct od_clean_map *m, struct od_bytes key); /* -1: not there */
int64_t od_clean_map_count(const struct od_clean_map *m);
