/* SPDX-License-Identifier: Apache-2.0 */
/* The table of local partitions hands out references and forgets what was removed. */
#include "base/mem.h"
#include "broker/node.h"
#include "broker/partition.h"
#include "test.h"

static struct od_node node = { .id = 1 };

static struct od_partition *make(uint8_t topic, int32_t index)
{
    struct od_topic_config *config = OD_NEW(struct od_topic_config);
    struct od_image_topic t = { .id = { { topic } }, .name = OD_STR("t"), .config = config };
    struct od_partition *p;

    atomic_init(&config->refs, 1);
    p = od_partition_new(&node, &t, index, 1);
    od_topic_config_unref(config);
    return p;
}

TEST(a_partition_is_found_by_topic_id_and_index_only)
{
    struct od_partitions ps;
    struct od_partition *p = make(7, 3), *found;

    od_partitions_init(&ps, 1);
    od_partitions_add(&ps, p);
    found = od_partitions_find(&ps, (struct od_uuid){ { 7 } }, 3);
    CHECK(found == p);
    od_partition_unref(found);
    CHECK(!od_partitions_find(&ps, (struct od_uuid){ { 7 } }, 2));
    CHECK(!od_partitions_find(&ps, (struct od_uuid){ { 8 } }, 3));
    od_partition_unref(od_partitions_remove(&ps, (struct od_uuid){ { 7 } }, 3));
    CHECK(!od_partitions_find(&ps, (struct od_uuid){ { 7 } }, 3));
    CHECK(!od_partitions_remove(&ps, (struct od_uuid){ { 7 } }, 3));
    od_partition_unref(p);
    od_partitions_deinit(&ps);
}

TEST(all_lists_each_partition_once)
{
    struct od_partitions ps;
    struct od_partition **all;
    size_t count, sum = 0;

    od_partitions_init(&ps, 2);
    for (int32_t i = 0; i < 100; i++) {
        struct od_partition *p = make(1, i);

        od_partitions_add(&ps, p);
        od_partition_unref(p);
    }
    all = od_partitions_all(&ps, &count);
    CHECK_EQ(count, 100);
    for (size_t i = 0; i < count; i++) {
        sum += (size_t)all[i]->index;
        od_partition_unref(od_partitions_remove(&ps, all[i]->topic_id, all[i]->index));
        od_partition_unref(all[i]);
    }
    CHECK_EQ(sum, 99 * 100 / 2);
    od_free(all);
    od_partitions_deinit(&ps);
}
