/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of state: who may append and read, what waiting producers are told. */
#include "machine.h"
#include "test.h"

static enum od_replica_ack ack(const struct machine *m, int32_t epoch, int64_t last_offset,
                               enum od_err *err)
{
    *err = OD_UNKNOWN_SERVER_ERROR;
    return od_replica_ack_state(&m->r, epoch, last_offset, err);
}

TEST(appends_wait_until_the_epoch_is_recorded)
{
    struct machine m;

    machine_init(&m);
    m.log.end = 7;
    machine_assign(&m, SELF, 5, 7, PAIR);
    CHECK_EQ(machine_action(&m, OD_REPLICA_ACT_START_EPOCH)->epoch, 5);
    CHECK_EQ(machine_action(&m, OD_REPLICA_ACT_START_EPOCH)->offset, 7);
    CHECK_EQ(od_replica_check_produce(&m.r, 1), OD_NOT_LEADER_OR_FOLLOWER);
    machine_step(&m, (struct od_replica_event){ .kind = OD_REPLICA_EV_EPOCH_RECORDED,
                                                .start_epoch = 4 });
    CHECK_EQ(od_replica_check_produce(&m.r, 1), OD_NOT_LEADER_OR_FOLLOWER);
    machine_record_epoch(&m);
    CHECK_EQ(od_replica_check_produce(&m.r, 1), OD_NONE);
    CHECK_EQ(od_replica_check_produce(&m.r, 0), OD_NONE);
    CHECK_EQ(od_replica_check_produce(&m.r, -1), OD_NONE);
    CHECK_EQ(od_replica_check_produce(&m.r, 2), OD_INVALID_REQUIRED_ACKS);
    CHECK_EQ(od_replica_check_produce(&m.r, -2), OD_INVALID_REQUIRED_ACKS);
}

TEST(an_epoch_that_the_log_knows_goes_on)
{
    struct machine m;

    machine_init(&m);
    m.log = (struct od_replica_log){ 10, 10, 8, 5, 3 };
    machine_assign(&m, SELF, 5, 7, PAIR);
    CHECK(!machine_action(&m, OD_REPLICA_ACT_START_EPOCH));
    CHECK_EQ(od_replica_check_produce(&m.r, -1), OD_NONE);
    CHECK(od_replica_reads_ready(&m.r)); /* 8 >= 3 */
}

TEST(a_new_leader_is_ready_when_its_mark_reaches_its_start)
{
    struct machine m;

    machine_init(&m);
    m.log = (struct od_replica_log){ 10, 10, 8, 4, -1 };
    machine_assign(&m, SELF, 5, 7, PAIR);
    machine_record_epoch(&m);
    CHECK(!od_replica_reads_ready(&m.r));
    machine_fetched(&m, PEER, 9, 9);
    CHECK(!od_replica_reads_ready(&m.r));
    machine_fetched(&m, PEER, 10, 10);
    CHECK(od_replica_reads_ready(&m.r));
    CHECK_EQ(od_replica_check_fetch(&m.r, -1), OD_NONE);
    CHECK_EQ(od_replica_check_fetch(&m.r, 5), OD_NONE);
    CHECK_EQ(od_replica_check_fetch(&m.r, 4), OD_FENCED_LEADER_EPOCH);
    CHECK_EQ(od_replica_check_fetch(&m.r, 6), OD_UNKNOWN_LEADER_EPOCH);
}

TEST(an_acknowledgement_needs_the_mark_above_the_last_offset)
{
    struct machine m;
    enum od_err err;

    machine_lead(&m, PAIR);
    machine_append(&m, 10);
    machine_fetched(&m, PEER, 10, 10);
    machine_flush(&m, 9);
    CHECK_EQ(ack(&m, 5, 9, &err), OD_REPLICA_ACK_WAIT);
    CHECK_EQ(ack(&m, 5, 8, &err), OD_REPLICA_ACK_DONE);
    CHECK_EQ(err, OD_NONE);
}

TEST(whoever_lost_leadership_since_says_that_it_does_not_know)
{
    struct machine m;
    enum od_err err;

    machine_lead(&m, PAIR);
    machine_append(&m, 10);
    machine_flush(&m, 10);
    machine_fetched(&m, PEER, 10, 10);
    machine_assign(&m, PEER, 6, 8, PAIR);
    CHECK(machine_action(&m, OD_REPLICA_ACT_STEP_DOWN));
    CHECK_EQ(ack(&m, 5, 3, &err), OD_REPLICA_ACK_FAILED); /* even below the mark */
    CHECK_EQ(err, OD_NOT_ENOUGH_REPLICAS_AFTER_APPEND);
    machine_assign(&m, SELF, 7, 9, PAIR);
    CHECK_EQ(ack(&m, 5, 3, &err), OD_REPLICA_ACK_FAILED);
    CHECK_EQ(ack(&m, 7, 10, &err), OD_REPLICA_ACK_WAIT);
}

TEST(an_election_of_the_same_leader_ends_the_former_epoch)
{
    struct machine m;
    enum od_err err;

    machine_lead(&m, PAIR);
    machine_append(&m, 10);
    machine_assign(&m, SELF, 6, 8, PAIR);
    CHECK(machine_action(&m, OD_REPLICA_ACT_STEP_DOWN));
    CHECK_EQ(machine_action(&m, OD_REPLICA_ACT_START_EPOCH)->offset, 10);
    CHECK_EQ(ack(&m, 5, 3, &err), OD_REPLICA_ACK_FAILED);
}

TEST(older_metadata_changes_nothing)
{
    struct machine m;

    machine_lead(&m, PAIR);
    machine_assign(&m, PEER, 4, 99, ALL);
    CHECK_EQ(m.out.n, 0);
    machine_assign(&m, SELF, 5, 7, ALL);
    CHECK_EQ(od_replica_isr_count(&m.r), 2);
    machine_assign(&m, SELF, 5, 8, ALL);
    CHECK_EQ(od_replica_isr_count(&m.r), 3);
}

TEST(a_failed_flush_is_final)
{
    struct machine m;
    enum od_err err;

    machine_lead(&m, PAIR);
    machine_append(&m, 10);
    machine_step(&m, (struct od_replica_event){ .kind = OD_REPLICA_EV_DURABLE,
                                                .durable = { .err = OD_E_IO } });
    CHECK_EQ(machine_action(&m, OD_REPLICA_ACT_STEP_DOWN)->err, OD_KAFKA_STORAGE_ERROR);
    CHECK_EQ(ack(&m, 5, 9, &err), OD_REPLICA_ACK_FAILED);
    CHECK_EQ(err, OD_NOT_ENOUGH_REPLICAS_AFTER_APPEND);
    CHECK_EQ(od_replica_check_produce(&m.r, 1), OD_KAFKA_STORAGE_ERROR);
    CHECK_EQ(od_replica_check_fetch(&m.r, -1), OD_KAFKA_STORAGE_ERROR);
    machine_assign(&m, SELF, 6, 8, PAIR);
    CHECK_EQ(m.out.n, 0);
    machine_fetched(&m, PEER, 0, 0);
    CHECK_EQ(machine_action(&m, OD_REPLICA_ACT_REJECT)->err, OD_KAFKA_STORAGE_ERROR);
    CHECK_EQ(od_replica_deadline_ms(&m.r), INT64_MAX);
}

TEST(a_leader_elected_while_cutting_starts_its_epoch_after_the_cut)
{
    struct machine m;

    machine_init(&m);
    m.log = (struct od_replica_log){ 10, 10, 4, 3, -1 };
    machine_assign(&m, PEER, 4, 6, PAIR);
    machine_step(&m, (struct od_replica_event){
                         .kind = OD_REPLICA_EV_FETCH_RESULT,
                         .result = { .leader_epoch = 4, .fetch_offset = 10, .last_epoch = 3,
                                     .diverging_epoch = 3, .diverging_end = 6, .epoch_found = 3,
                                     .epoch_found_end = 10 } });
    machine_assign(&m, SELF, 5, 7, PAIR);
    CHECK(!machine_action(&m, OD_REPLICA_ACT_START_EPOCH));
    machine_record_epoch(&m); /* of nothing */
    machine_fetched(&m, PEER, 10, 10);
    CHECK_EQ(machine_action(&m, OD_REPLICA_ACT_REJECT)->err, OD_NOT_LEADER_OR_FOLLOWER);
    CHECK(!od_replica_reads_ready(&m.r));
    machine_step(&m, (struct od_replica_event){ .kind = OD_REPLICA_EV_TRUNCATED,
                                                .appended = { 6, 3 } });
    CHECK_EQ(machine_action(&m, OD_REPLICA_ACT_START_EPOCH)->offset, 6);
    CHECK_EQ(od_replica_check_produce(&m.r, 1), OD_NOT_LEADER_OR_FOLLOWER);
    machine_record_epoch(&m);
    CHECK_EQ(od_replica_check_produce(&m.r, 1), OD_NONE);
}

TEST(a_stopped_replica_may_be_opened_again)
{
    struct machine m;

    machine_lead(&m, PAIR);
    machine_append(&m, 10);
    machine_step(&m, (struct od_replica_event){ .kind = OD_REPLICA_EV_STOP });
    CHECK(machine_action(&m, OD_REPLICA_ACT_STEP_DOWN));
    CHECK_EQ(od_replica_check_produce(&m.r, 1), OD_NOT_LEADER_OR_FOLLOWER);
    machine_append(&m, 11); /* nobody's */
    CHECK_EQ(m.out.n, 0);
    CHECK(od_replica_reserve(&m.r, NULL, 0) == m.peers);
    (void)od_replica_reserve(&m.r, m.peers, 2);
    m.log = (struct od_replica_log){ 10, 10, 0, 5, 0 };
    machine_assign(&m, SELF, 5, 7, PAIR);
    CHECK_EQ(od_replica_check_produce(&m.r, 1), OD_NONE);
}

TEST(a_checkpointed_mark_above_the_log_is_cut_to_it)
{
    struct machine m;

    machine_init(&m);
    m.log = (struct od_replica_log){ 5, 9, 8, 1, -1 };
    machine_assign(&m, PEER, 2, 2, PAIR);
    CHECK_EQ(od_replica_high_watermark(&m.r), 5);
    CHECK(!od_replica_needs_flush(&m.r));
}
