/* SPDX-License-Identifier: Apache-2.0 */
/* The follower's half: fetching, cutting where the leader says, leaving late answers alone. */
#include "machine.h"
#include "test.h"

static struct od_replica_event answer(const struct machine *m)
{
    return (struct od_replica_event){
        .kind = OD_REPLICA_EV_FETCH_RESULT,
        .result = { .leader_epoch = m->r.leader_epoch, .fetch_offset = m->r.end,
                    .last_epoch = m->r.last_epoch, .log_start = -1, .diverging_epoch = -1,
                    .epoch_found = -1 }
    };
}

/* Follows PEER in epoch 5 with a log of 10, of epochs up to 3, and a mark of 4. */
static void follow(struct machine *m)
{
    machine_init(m);
    m->log = (struct od_replica_log){ 10, 10, 4, 3, -1 };
    machine_assign(m, PEER, 5, 7, PAIR);
}

TEST(following_begins_with_a_fetch_and_never_with_a_cut)
{
    struct machine m;
    const struct od_replica_action *a;

    follow(&m);
    CHECK_EQ(m.out.n, 1);
    a = machine_action(&m, OD_REPLICA_ACT_FETCH);
    CHECK_EQ(a->broker, PEER);
    CHECK_EQ(a->epoch, 5);
    CHECK_EQ(a->offset, 10);
    CHECK_EQ(a->last_epoch, 3);
    CHECK_EQ(od_replica_check_produce(&m.r, 1), OD_NOT_LEADER_OR_FOLLOWER);
    CHECK_EQ(od_replica_check_fetch(&m.r, 5), OD_NOT_LEADER_OR_FOLLOWER);
    CHECK_EQ(od_replica_check_fetch(&m.r, 4), OD_FENCED_LEADER_EPOCH);
}

TEST(the_mark_follows_the_leader_up_to_the_own_end)
{
    struct machine m;
    struct od_replica_event ev;

    follow(&m);
    ev = answer(&m);
    ev.result.high_watermark = 20;
    machine_step(&m, ev);
    CHECK(machine_action(&m, OD_REPLICA_ACT_APPEND));
    CHECK_EQ(od_replica_high_watermark(&m.r), 4); /* not before the append */
    machine_step(&m, (struct od_replica_event){ .kind = OD_REPLICA_EV_APPENDED,
                                                .appended = { 15, 5 } });
    CHECK_EQ(od_replica_high_watermark(&m.r), 15);
    CHECK_EQ(machine_action(&m, OD_REPLICA_ACT_FETCH)->offset, 15);
    ev = answer(&m);
    ev.result.high_watermark = 14; /* an older answer */
    machine_step(&m, ev);
    machine_step(&m, (struct od_replica_event){ .kind = OD_REPLICA_EV_APPENDED,
                                                .appended = { 15, 5 } });
    CHECK_EQ(od_replica_high_watermark(&m.r), 15);
}

TEST(it_cuts_where_both_logs_leave_the_shared_epoch)
{
    static const struct {
        int32_t diverging_epoch, found;
        int64_t diverging_end, found_end, cut;
    } rows[] = {
        { 3, 3, 6, 10, 6 },  /* the leader's part of epoch 3 ends first */
        { 2, 2, 8, 5, 5 },   /* ours ends first */
        { 2, 1, 8, 4, 4 },   /* we have nothing of epoch 2: back to the end of epoch 1 */
        { 2, 2, 12, 10, 10 }, /* a cut at our end forgets epochs without records */
        { 2, -1, 0, 0, 0 },  /* we know of no epoch so old */
    };

    for (size_t i = 0; i < OD_COUNT(rows); i++) {
        struct machine m;
        struct od_replica_event ev;

        follow(&m);
        ev = answer(&m);
        ev.result.high_watermark = 20;
        ev.result.diverging_epoch = rows[i].diverging_epoch;
        ev.result.diverging_end = rows[i].diverging_end;
        ev.result.epoch_found = rows[i].found;
        ev.result.epoch_found_end = rows[i].found_end;
        machine_step(&m, ev);
        CHECK_EQ(m.out.n, 1);
        CHECK_EQ(machine_action(&m, OD_REPLICA_ACT_TRUNCATE)->offset, rows[i].cut);
        CHECK_EQ(od_replica_high_watermark(&m.r), 4); /* raised only by what follows the cut */
    }
}

TEST(after_the_cut_it_asks_again_and_the_former_answer_is_void)
{
    struct machine m;
    struct od_replica_event late;

    follow(&m);
    late = answer(&m);
    late.result.diverging_epoch = 2;
    late.result.diverging_end = 6;
    late.result.epoch_found = 2;
    late.result.epoch_found_end = 8;
    machine_step(&m, late);
    machine_step(&m, late);
    CHECK_EQ(m.out.n, 0); /* while cutting */
    machine_step(&m, (struct od_replica_event){ .kind = OD_REPLICA_EV_TRUNCATED,
                                                .appended = { 6, 2 } });
    CHECK_EQ(machine_action(&m, OD_REPLICA_ACT_FETCH)->offset, 6);
    CHECK_EQ(machine_action(&m, OD_REPLICA_ACT_FETCH)->last_epoch, 2);
    machine_step(&m, answer(&m));
    machine_step(&m, (struct od_replica_event){ .kind = OD_REPLICA_EV_APPENDED,
                                                .appended = { 10, 5 } });
    machine_step(&m, late); /* the same end again, but another log */
    CHECK_EQ(m.out.n, 0);
}

TEST(an_answer_of_a_former_epoch_is_void)
{
    struct machine m;
    struct od_replica_event late;

    follow(&m);
    late = answer(&m);
    machine_assign(&m, PEER, 6, 8, PAIR); /* the same leader, elected again */
    CHECK_EQ(machine_action(&m, OD_REPLICA_ACT_FETCH)->epoch, 6);
    machine_step(&m, late);
    CHECK_EQ(m.out.n, 0);
}

TEST(a_change_of_the_set_alone_disturbs_no_fetch)
{
    struct machine m;

    follow(&m);
    machine_assign(&m, PEER, 5, 8, ALL);
    CHECK_EQ(m.out.n, 0);
    machine_step(&m, answer(&m));
    CHECK(machine_action(&m, OD_REPLICA_ACT_APPEND));
}

TEST(errors_wait_and_a_fenced_follower_waits_for_metadata)
{
    struct machine m;
    struct od_replica_event ev;

    follow(&m);
    ev = answer(&m);
    ev.result.err = OD_UNKNOWN_LEADER_EPOCH;
    machine_step(&m, ev);
    CHECK_EQ(od_replica_deadline_ms(&m.r), m.now_ms + OD_REPLICA_RETRY_MS);
    machine_step(&m, (struct od_replica_event){ .kind = OD_REPLICA_EV_TICK });
    CHECK_EQ(m.out.n, 0);
    m.now_ms += OD_REPLICA_RETRY_MS;
    machine_step(&m, (struct od_replica_event){ .kind = OD_REPLICA_EV_TICK });
    CHECK(machine_action(&m, OD_REPLICA_ACT_FETCH));
    ev.result.err = OD_FENCED_LEADER_EPOCH;
    machine_step(&m, ev);
    CHECK_EQ(od_replica_deadline_ms(&m.r), INT64_MAX);
}

TEST(a_leader_that_begins_later_makes_it_start_over)
{
    struct machine m;
    struct od_replica_event ev;

    follow(&m);
    ev = answer(&m);
    ev.result.err = OD_OFFSET_OUT_OF_RANGE;
    ev.result.log_start = 10;
    machine_step(&m, ev);
    CHECK_EQ(m.out.n, 0);
    m.now_ms += OD_REPLICA_RETRY_MS;
    machine_step(&m, (struct od_replica_event){ .kind = OD_REPLICA_EV_TICK });
    ev.result.log_start = 11;
    machine_step(&m, ev);
    CHECK_EQ(machine_action(&m, OD_REPLICA_ACT_RESTART_LOG)->offset, 11);
}

TEST(without_a_leader_it_waits)
{
    struct machine m;

    machine_init(&m);
    machine_assign(&m, -1, 5, 7, PAIR);
    CHECK_EQ(m.out.n, 0);
    CHECK_EQ(od_replica_deadline_ms(&m.r), INT64_MAX);
}
