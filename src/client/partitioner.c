/* SPDX-License-Identifier: Apache-2.0 */
/* MurmurHash2, 32 bits. */
#include "client/partitioner.h"

uint32_t od_murmur2(struct od_bytes key)
{
    const uint32_t multiplier = 0x5bd1e995, seed = 0x9747b28c;
    uint32_t h = seed ^ (uint32_t)key.len;
    size_t i = 0;

    for (; i + 4 <= key.len; i += 4) {
        uint32_t k = (uint32_t)key.data[i] | (uint32_t)key.data[i + 1] << 8 |
                     (uint32_t)key.data[i + 2] << 16 | (uint32_t)key.data[i + 3] << 24;

        k *= multiplier;
        k ^= k >> 24;
        k *= multiplier;
        h *= multiplier;
        h ^= k;
    }
    if (i < key.len) {
        for (size_t rest = key.len; rest > i; rest--)
            h ^= (uint32_t)key.data[rest - 1] << 8 * (rest - 1 - i);
        h *= multiplier;
    }
    h ^= h >> 13;
    h *= multiplier;
    h ^= h >> 15;
    return h;
}

int32_t od_partition_of_key(struct od_bytes key, int32_t partitions)
{
    return (int32_t)(od_murmur2(key) & INT32_MAX) % partitions;
}
