/* SPDX-License-Identifier: Apache-2.0 */
/* What a client knows of the cluster, and where it sends what. */
#include "client/view.h"
#include "test.h"

#include <string.h>

struct world {
    struct od_metadata_rsp_broker brokers[2];
    struct od_metadata_rsp_partition partitions[3];
    struct od_metadata_rsp_topic topic;
    struct od_metadata_rsp rsp;
};

/* Brokers 1 and 2; topic "t" with partitions 2, 0, 1 in this order, led by 1, 2 and nobody. */
static void make(struct world *w)
{
    static const int32_t leaders[] = { 1, 2, -1 };

    memset(w, 0, sizeof(*w));
    od_metadata_rsp_defaults(&w->rsp);
    for (int i = 0; i < 2; i++) {
        od_metadata_rsp_broker_defaults(&w->brokers[i]);
        w->brokers[i].node_id = i + 1;
        w->brokers[i].host = OD_STR("host");
        w->brokers[i].port = 9092 + i;
    }
    od_metadata_rsp_topic_defaults(&w->topic);
    w->topic.name = OD_STR("t");
    w->topic.topic_id.bytes[0] = 7;
    for (int i = 0; i < 3; i++) {
        od_metadata_rsp_partition_defaults(&w->partitions[i]);
        w->partitions[i].partition_index = (i + 2) % 3;
        w->partitions[i].leader_id = leaders[i];
    }
    w->topic.partitions.n = 3;
    w->topic.partitions.v = w->partitions;
    w->rsp.brokers.n = 2;
    w->rsp.brokers.v = w->brokers;
    w->rsp.topics.n = 1;
    w->rsp.topics.v = &w->topic;
    w->rsp.controller_id = 2;
}

TEST(each_partition_goes_to_its_leader)
{
    struct world w;
    struct od_view v;
    int32_t node = 0;

    make(&w);
    od_view_init(&v, 1);
    CHECK_OK(od_view_learn(&v, &w.rsp));
    CHECK_EQ(v.controller_id, 2);
    CHECK_OK(od_view_leader(&v, OD_STR("t"), 2, &node));
    CHECK_EQ(node, 1);
    CHECK_OK(od_view_leader(&v, OD_STR("t"), 0, &node));
    CHECK_EQ(node, 2);
    CHECK_EQ(od_view_broker(&v, node)->port, 9093);
    CHECK_EQ(od_view_leader(&v, OD_STR("t"), 1, &node), OD_LEADER_NOT_AVAILABLE);
    CHECK_EQ(od_view_leader(&v, OD_STR("t"), 3, &node), OD_UNKNOWN_TOPIC_OR_PARTITION);
    CHECK_EQ(od_view_leader(&v, OD_STR("t"), -1, &node), OD_UNKNOWN_TOPIC_OR_PARTITION);
    CHECK_EQ(od_view_leader(&v, OD_STR("u"), 0, &node), OD_UNKNOWN_TOPIC_OR_PARTITION);
    CHECK_STR(od_view_topic_by_id(&v, w.topic.topic_id)->name, "t");
    od_view_deinit(&v);
}

TEST(a_leader_that_is_no_known_broker_is_none)
{
    struct world w;
    struct od_view v;
    int32_t node;

    make(&w);
    w.partitions[0].leader_id = 3;
    od_view_init(&v, 1);
    CHECK_OK(od_view_learn(&v, &w.rsp));
    CHECK_EQ(od_view_leader(&v, OD_STR("t"), 2, &node), OD_LEADER_NOT_AVAILABLE);
    od_view_deinit(&v);
}

TEST(a_topic_with_an_error_is_forgotten_and_others_stay)
{
    struct world w;
    struct od_view v;

    make(&w);
    od_view_init(&v, 1);
    CHECK_OK(od_view_learn(&v, &w.rsp));
    w.rsp.topics.n = 0;
    CHECK_OK(od_view_learn(&v, &w.rsp));
    CHECK(od_view_topic(&v, OD_STR("t")));
    w.rsp.topics.n = 1;
    w.topic.error_code = OD_UNKNOWN_TOPIC_OR_PARTITION;
    w.topic.partitions.n = 0;
    CHECK_OK(od_view_learn(&v, &w.rsp));
    CHECK(!od_view_topic(&v, OD_STR("t")));
    od_view_deinit(&v);
}

TEST(impossible_indexes_and_ports_change_nothing)
{
    static const int32_t indexes[] = { -1, 3, INT32_MAX, INT32_MIN };
    static const int32_t ports[] = { 0, -1, 65536 };
    struct world w;
    struct od_view v;

    od_view_init(&v, 1);
    for (size_t i = 0; i < OD_COUNT(indexes); i++) {
        make(&w);
        w.partitions[1].partition_index = indexes[i];
        CHECK_EQ(od_view_learn(&v, &w.rsp), OD_E_CORRUPT);
    }
    for (size_t i = 0; i < OD_COUNT(ports); i++) {
        make(&w);
        w.brokers[1].port = ports[i];
        CHECK_EQ(od_view_learn(&v, &w.rsp), OD_E_CORRUPT);
    }
    CHECK_EQ(v.broker_count, 0);
    od_view_deinit(&v);
}

TEST(a_partition_named_twice_leaves_another_without_leader)
{
    struct world w;
    struct od_view v;
    int32_t node;

    make(&w);
    w.partitions[1].partition_index = 2;
    od_view_init(&v, 1);
    CHECK_OK(od_view_learn(&v, &w.rsp));
    CHECK_EQ(od_view_leader(&v, OD_STR("t"), 0, &node), OD_LEADER_NOT_AVAILABLE);
    od_view_deinit(&v);
}
