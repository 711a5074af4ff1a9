/* SPDX-License-Identifier: Apache-2.0 */
/* od_map: entries survive growth and deletion in any order. */
#include "base/map.h"
#include "test.h"

TEST(entries_survive_growth_and_removal)
{
    static uint32_t keys[1000];
    struct od_map m;

    od_map_init(&m, 42);
    for (uint32_t i = 0; i < 1000; i++) {
        keys[i] = i * 2654435761u;
        CHECK(!od_map_put(&m, &keys[i], sizeof(keys[i]), &keys[i]));
    }
    for (uint32_t i = 0; i < 1000; i += 3)
        CHECK(od_map_remove(&m, &keys[i], sizeof(keys[i])) == &keys[i]);
    CHECK_EQ(m.count, 666);
    for (uint32_t i = 0; i < 1000; i++)
        CHECK(od_map_get(&m, &keys[i], sizeof(keys[i])) == (i % 3 ? &keys[i] : NULL));
    od_map_deinit(&m);
}

TEST(put_replaces_and_returns_the_old_value)
{
    struct od_map m;
    int first, second;

    od_map_init(&m, 1);
    CHECK(!od_map_put(&m, "a", 1, &first));
    CHECK(od_map_put(&m, "a", 1, &second) == &first);
    CHECK_EQ(m.count, 1);
    CHECK(od_map_get(&m, "a", 1) == &second);
    CHECK(!od_map_get(&m, "ab", 2));
    od_map_deinit(&m);
}

