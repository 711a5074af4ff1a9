/* SPDX-License-Identifier: Apache-2.0 */
/* The life cycle of a broker: epochs, fencing, and what becomes of the partitions it leads. */
#include "fixture.h"

static const struct od_image_partition *partition(struct fixture *f, const char *topic,
                                                  int32_t index)
{
    return od_image_partition_find(od_image_topic_find(f->image, od_str_of(topic)), index);
}

TEST(a_broker_starts_fenced_under_the_offset_of_its_registration)
{
    struct fixture f = fixture_empty();
    int64_t epoch = fixture_register(&f, 3, -1);
    const struct od_image_broker *b = od_image_broker_find(f.image, 3);

    CHECK_EQ(epoch, 2); /* behind the records of the levels */
    CHECK_EQ(b->epoch, epoch);
    CHECK(b->fenced);
    CHECK(!b->in_controlled_shutdown);
    CHECK_EQ(b->endpoints[0].port, 9092);
    CHECK(f.delta.brokers_changed);
    fixture_free(&f);
}

TEST(a_broker_is_unfenced_when_it_has_followed_its_registration_and_not_before)
{
    struct fixture f = fixture_empty();
    int64_t epoch = fixture_register(&f, 3, -1);
    struct od_command beat = { .kind = OD_COMMAND_HEARTBEAT,
                               .heartbeat = { 3, epoch, epoch - 1, false, false } };

    CHECK(fixture_run(&f, beat)->fenced);
    CHECK(!f.reply.caught_up);
    CHECK_EQ(f.records.n, 0);
    beat.heartbeat.applied_offset = epoch;
    beat.heartbeat.want_fence = true;
    CHECK(fixture_run(&f, beat)->fenced);
    CHECK(f.reply.caught_up);
    beat.heartbeat.want_fence = false;
    CHECK(!fixture_run(&f, beat)->fenced);
    CHECK_EQ(f.records.n, 1);
    CHECK(!od_image_broker_find(f.image, 3)->fenced);
    CHECK(!fixture_run(&f, beat)->fenced);
    CHECK_EQ(f.records.n, 0); /* said once */
    fixture_free(&f);
}

TEST(a_heartbeat_of_an_older_registration_is_refused)
{
    struct fixture f = fixture_live(1);
    int64_t old = od_image_broker_find(f.image, 1)->epoch;

    CHECK(fixture_register(&f, 1, -1) > old);
    CHECK_EQ(fixture_beat(&f, 1, old, false)->err, OD_STALE_BROKER_EPOCH);
    CHECK_EQ(fixture_beat(&f, 2, old, false)->err, OD_BROKER_ID_NOT_REGISTERED);
    CHECK_EQ(f.records.n, 0);
    fixture_free(&f);
}

TEST(after_a_clean_stop_the_old_leader_epochs_go_on)
{
    struct fixture f = fixture_live(1);
    int64_t epoch = od_image_broker_find(f.image, 1)->epoch;

    fixture_topic(&f, "t", 3, 1);
    CHECK(fixture_beat(&f, 1, epoch, true)->should_shut_down);
    CHECK(od_image_broker_find(f.image, 1)->fenced);
    CHECK(od_image_broker_find(f.image, 1)->in_controlled_shutdown);
    CHECK(fixture_beat(&f, 1, epoch, true)->should_shut_down);
    CHECK_EQ(f.records.n, 0);
    epoch = fixture_register(&f, 1, epoch);
    CHECK_EQ(f.records.n, 1);
    CHECK(!fixture_beat(&f, 1, epoch, false)->fenced);
    CHECK_EQ(partition(&f, "t", 0)->leader_epoch, 0);
    CHECK_EQ(partition(&f, "t", 0)->leader, 1);
    fixture_free(&f);
}

TEST(after_an_unclean_stop_every_led_partition_gets_a_new_epoch_in_the_batch_of_the_registration)
{
    struct fixture f = fixture_live(2);
    int64_t first = od_image_broker_find(f.image, 1)->epoch;
    int led = 0, others = 0;

    fixture_topic(&f, "t", 10, 1);
    fixture_topic(&f, "u", 1, 2);
    for (int64_t previous = -1; previous <= first - 1; previous += first) {
        int32_t before = partition(&f, "t", 0)->leader_epoch;

        led = others = 0;
        fixture_register(&f, 1, previous); /* no marker, and the marker of an earlier life */
        for (int32_t i = 0; i < 10; i++) {
            const struct od_image_partition *p = partition(&f, "t", i);

            led += p->leader == 1;
            others += p->leader == 2;
            if (partition(&f, "t", 0)->leader == p->leader)
                CHECK_EQ(p->leader_epoch, before + (p->leader == 1));
        }
        CHECK_EQ(led, 5);
        CHECK_EQ(others, 5);
        CHECK_EQ(f.records.n, 1 + led + (partition(&f, "u", 0)->leader == 1));
    }
    fixture_free(&f);
}

TEST(a_partition_without_leader_gets_an_unfenced_in_sync_one)
{
    struct fixture f = fixture_live(1);
    struct od_record_list *r = &f.records;
    struct od_metadata_record change;
    int64_t epoch;

    fixture_topic(&f, "t", 2, 1);
    od_metadata_record_init(&change, OD_RECORD_PARTITION_CHANGE, OD_METADATA_VERSION);
    change.partition_change.topic_id = od_image_topic_find(f.image, OD_STR("t"))->id;
    change.partition_change.partition_id = 1;
    change.partition_change.leader = OD_NO_LEADER; /* as Kafka leaves it after its clean stop */
    *r = (struct od_record_list){ &change, 1, 1 };
    fixture_apply(&f);
    epoch = fixture_register(&f, 1, od_image_broker_find(f.image, 1)->epoch);
    CHECK_EQ(partition(&f, "t", 1)->leader, OD_NO_LEADER);
    fixture_beat(&f, 1, epoch, false);
    CHECK_EQ(partition(&f, "t", 1)->leader, 1);
    CHECK_EQ(partition(&f, "t", 1)->leader_epoch, 2);
    CHECK_EQ(partition(&f, "t", 0)->leader_epoch, 0);
    fixture_free(&f);
}

TEST(a_broker_that_does_not_support_a_finalized_level_is_refused)
{
    struct fixture f = fixture_empty();
    struct od_image_feature feature = { { "metadata.version", 16 }, 1, OD_METADATA_VERSION - 1 };
    struct od_command c = { .kind = OD_COMMAND_REGISTER_BROKER,
                            .register_broker = { .id = 1,
                                                 .feature_count = 1,
                                                 .features = &feature } };

    CHECK_EQ(fixture_run(&f, c)->err, OD_UNSUPPORTED_VERSION);
    CHECK_STR(f.reply.message, "the cluster runs metadata.version 21, and this broker supports 1 "
                               "to 20");
    feature.max = OD_METADATA_VERSION;
    CHECK_OK(fixture_run(&f, c)->err);
    c.register_broker.id = -1;
    CHECK_EQ(fixture_run(&f, c)->err, OD_INVALID_REQUEST);
    fixture_free(&f);
}
