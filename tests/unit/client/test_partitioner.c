/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes and partitions as Java's clients compute them. */
#include "client/partitioner.h"
#include "test.h"

#include <string.h>

static int32_t hash(const char *key)
{
    return (int32_t)od_murmur2((struct od_bytes){ (const uint8_t *)key, strlen(key) });
}

/* Values of Kafka's own test of murmur2. */
TEST(hashes_are_those_of_java)
{
    CHECK_EQ(hash("21"), -973932308);
    CHECK_EQ(hash("foobar"), -790332482);
    CHECK_EQ(hash("a-little-bit-long-string"), -985981536);
    CHECK_EQ(hash("a-little-bit-longer-string"), -1486304829);
    CHECK_EQ(hash("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8"), -58897971);
    CHECK_EQ(hash("abc"), 479470107);
}

TEST(a_partition_is_the_hash_without_its_sign)
{
    struct od_bytes key = { (const uint8_t *)"foobar", 6 };

    CHECK_EQ(od_partition_of_key(key, 1), 0);
    CHECK_EQ(od_partition_of_key(key, 1000), (-790332482 & INT32_MAX) % 1000);
    CHECK_EQ(od_partition_of_key((struct od_bytes){ (const uint8_t *)"", 0 }, INT32_MAX),
             (int32_t)(od_murmur2((struct od_bytes){ (const uint8_t *)"", 0 }) & INT32_MAX));
}
