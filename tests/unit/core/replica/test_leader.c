/* SPDX-License-Identifier: Apache-2.0 */
/* The leader's half: high watermark, in-sync set, what followers and producers are told. */
#include "machine.h"
#include "test.h"

static int64_t mark(const struct machine *m)
{
    return od_replica_high_watermark(&m->r);
}

/* --- high watermark -------------------------------------------------------------------------- */

TEST(the_mark_is_the_smallest_durable_end_of_the_in_sync_set)
{
    struct machine m;

    machine_lead(&m, PAIR);
    machine_append(&m, 10);
    machine_flush(&m, 8);
    CHECK_EQ(mark(&m), 0);
    machine_fetched(&m, PEER, 10, 6);
    CHECK_EQ(mark(&m), 6);
    machine_fetched(&m, PEER, 10, 10);
    CHECK_EQ(mark(&m), 8);
    machine_flush(&m, 10);
    CHECK_EQ(mark(&m), 10);
    CHECK_EQ(machine_action(&m, OD_REPLICA_ACT_HIGH_WATERMARK)->offset, 10);
}

TEST(in_replicated_mode_log_ends_count)
{
    struct machine m;

    machine_init(&m);
    m.config.durability = OD_REPLICA_REPLICATED;
    machine_assign(&m, SELF, 5, 7, PAIR);
    machine_record_epoch(&m);
    machine_append(&m, 10);
    machine_fetched(&m, PEER, 9, 0);
    CHECK_EQ(mark(&m), 9);
}

TEST(a_follower_that_reports_no_durable_end_is_taken_by_its_offset)
{
    struct machine m;

    machine_lead(&m, PAIR);
    machine_append(&m, 10);
    machine_flush(&m, 10);
    machine_fetched(&m, PEER, 7, -1);
    CHECK_EQ(mark(&m), 7);
    machine_fetched(&m, PEER, 8, 99); /* never more than it has */
    CHECK_EQ(mark(&m), 8);
}

TEST(one_replica_alone_needs_only_its_disk)
{
    struct od_replica r;
    struct od_replica_actions out;
    struct od_replica_assignment a = { .leader = SELF, .count = 1,
                                       .members = { { SELF, 10, true, true } },
                                       .config = { 2, LAG_MS, OD_REPLICA_FSYNC } };
    struct od_replica_event lead = { .kind = OD_REPLICA_EV_LEAD, .assignment = &a,
                                     .log = { 5, 3, 2, 0, 0 } };
    struct od_replica_event durable = { .kind = OD_REPLICA_EV_DURABLE,
                                        .durable = { 5, 0, OD_NONE } };

    od_replica_init(&r, SELF);
    od_replica_step(&r, &lead, &out);
    CHECK_EQ(od_replica_high_watermark(&r), 3); /* two of one replica is one */
    CHECK_EQ(od_replica_check_produce(&r, -1), OD_NONE);
    CHECK(od_replica_needs_flush(&r));
    od_replica_step(&r, &durable, &out);
    CHECK_EQ(od_replica_high_watermark(&r), 5);
    CHECK(!od_replica_needs_flush(&r));
    CHECK_EQ(od_replica_deadline_ms(&r), INT64_MAX);
}

TEST(the_mark_stands_still_below_min_isr_and_moves_at_it)
{
    struct machine m;

    machine_lead(&m, ALONE);
    machine_append(&m, 10);
    machine_flush(&m, 10);
    CHECK_EQ(mark(&m), 0);
    CHECK_EQ(od_replica_check_produce(&m.r, -1), OD_NOT_ENOUGH_REPLICAS);
    CHECK_EQ(od_replica_check_produce(&m.r, 1), OD_NONE);
    m.config.min_isr = 1;
    machine_step(&m, (struct od_replica_event){ .kind = OD_REPLICA_EV_CONFIG, .config = m.config });
    CHECK_EQ(mark(&m), 10);
    CHECK_EQ(od_replica_check_produce(&m.r, -1), OD_NONE);
}

TEST(the_mark_waits_for_a_joiner_until_the_answer_and_after)
{
    struct machine m;

    machine_lead(&m, PAIR);
    machine_append(&m, 4);
    machine_flush(&m, 4);
    machine_fetched(&m, OTHER, 4, 4);
    CHECK(machine_action(&m, OD_REPLICA_ACT_PROPOSE_ISR));
    machine_append(&m, 10);
    machine_flush(&m, 10);
    machine_fetched(&m, PEER, 10, 10);
    CHECK_EQ(mark(&m), 4); /* OTHER may be in the set already */
    machine_isr_result(&m, OD_NONE, 8, ALL);
    CHECK_EQ(mark(&m), 4);
    machine_fetched(&m, OTHER, 10, 10);
    CHECK_EQ(mark(&m), 10);
}

TEST(the_mark_waits_for_a_leaver_until_the_controller_agrees)
{
    struct machine m;

    machine_lead(&m, ALL);
    machine_append(&m, 10);
    machine_flush(&m, 10);
    m.now_ms += LAG_MS + 1;
    machine_fetched(&m, PEER, 10, 10);
    machine_step(&m, (struct od_replica_event){ .kind = OD_REPLICA_EV_TICK });
    CHECK_EQ(m.out.isr.count, 2);
    CHECK_EQ(m.out.isr.members[0].broker, SELF);
    CHECK_EQ(m.out.isr.members[1].broker, PEER);
    CHECK_EQ(mark(&m), 0);
    machine_isr_result(&m, OD_NONE, 8, PAIR);
    CHECK_EQ(mark(&m), 10); /* without further traffic */
    CHECK_EQ(od_replica_isr_count(&m.r), 2);
    CHECK(!od_replica_isr_has(&m.r, OTHER));
}

TEST(a_late_flush_of_a_log_that_was_cut_counts_nothing)
{
    struct machine m;
    struct od_replica_event late = { .kind = OD_REPLICA_EV_DURABLE };

    machine_init(&m);
    m.log = (struct od_replica_log){ 10, 2, 0, 3, -1 };
    machine_assign(&m, PEER, 4, 1, PAIR);
    late.durable.end = 10;
    late.durable.generation = od_replica_log_generation(&m.r);
    machine_step(&m, (struct od_replica_event){
                         .kind = OD_REPLICA_EV_FETCH_RESULT,
                         .result = { .leader_epoch = 4, .fetch_offset = 10, .last_epoch = 3,
                                     .diverging_epoch = 3, .diverging_end = 5, .epoch_found = 3,
                                     .epoch_found_end = 10 } });
    CHECK_EQ(machine_action(&m, OD_REPLICA_ACT_TRUNCATE)->offset, 5);
    machine_step(&m, (struct od_replica_event){ .kind = OD_REPLICA_EV_TRUNCATED,
                                                .appended = { 5, 3 } });
    machine_step(&m, late);
    CHECK(od_replica_needs_flush(&m.r));
    machine_flush(&m, 5);
    CHECK(!od_replica_needs_flush(&m.r));
}

/* --- the in-sync set ------------------------------------------------------------------------- */

TEST(admission_asks_for_the_mark_and_the_start_of_the_epoch)
{
    struct machine m;

    machine_init(&m);
    m.log = (struct od_replica_log){ 10, 10, 6, 4, -1 };
    machine_assign(&m, SELF, 5, 7, PAIR); /* epoch 5 begins at 10 */
    machine_fetched(&m, OTHER, 6, 6);
    CHECK(!machine_action(&m, OD_REPLICA_ACT_PROPOSE_ISR));
    machine_fetched(&m, OTHER, 10, 9);
    CHECK(!machine_action(&m, OD_REPLICA_ACT_PROPOSE_ISR));
    machine_fetched(&m, OTHER, 10, 10);
    CHECK(machine_action(&m, OD_REPLICA_ACT_PROPOSE_ISR));
    CHECK_EQ(m.out.isr.count, 3);
    CHECK_EQ(m.out.isr.partition_epoch, 7);
    CHECK_EQ(m.out.isr.members[0].broker_epoch, 10);
    CHECK_EQ(m.out.isr.members[1].broker_epoch, -1); /* PEER has not fetched yet */
    CHECK_EQ(m.out.isr.members[2].broker_epoch, 30);
}

TEST(only_the_registered_life_of_an_eligible_broker_is_admitted)
{
    struct machine m;
    struct od_replica_event ev;

    machine_lead(&m, PAIR);
    ev = fetched(&m, OTHER, 0, 0);
    ev.fetched.broker_epoch = 31; /* ahead of our metadata: counts, but is not admitted */
    machine_step(&m, ev);
    CHECK_EQ(m.out.n, 0);
    machine_step(&m, (struct od_replica_event){ .kind = OD_REPLICA_EV_BROKER,
                                                .broker = { OTHER, 31, false, false } });
    machine_step(&m, ev);
    CHECK_EQ(m.out.n, 0);
    machine_step(&m, (struct od_replica_event){ .kind = OD_REPLICA_EV_BROKER,
                                                .broker = { OTHER, 31, false, true } });
    machine_fetched(&m, OTHER, 0, 0); /* epoch 30, of a former life */
    CHECK_EQ(machine_action(&m, OD_REPLICA_ACT_REJECT)->err, OD_NOT_LEADER_OR_FOLLOWER);
    machine_step(&m, ev);
    CHECK(machine_action(&m, OD_REPLICA_ACT_PROPOSE_ISR));
    CHECK_EQ(m.out.isr.members[2].broker_epoch, 31);
}

TEST(nothing_learned_under_another_leader_epoch_admits)
{
    struct machine m;

    machine_lead(&m, PAIR);
    machine_append(&m, 5);
    m.r.retry_ms = INT64_MAX; /* no proposal yet */
    machine_fetched(&m, OTHER, 5, 5);
    machine_assign(&m, SELF, 6, 8, PAIR);
    CHECK_EQ(machine_action(&m, OD_REPLICA_ACT_START_EPOCH)->offset, 5);
    machine_fetched(&m, OTHER, 0, 0); /* wiped meanwhile */
    CHECK(!machine_action(&m, OD_REPLICA_ACT_PROPOSE_ISR));
}

TEST(a_follower_lags_after_the_limit_and_not_at_it)
{
    struct machine m;

    machine_lead(&m, ALL);
    machine_append(&m, 1);
    machine_fetched(&m, PEER, 0, 0);
    CHECK_EQ(od_replica_deadline_ms(&m.r), 1000 + LAG_MS + 1);
    m.now_ms = 1000 + LAG_MS;
    machine_step(&m, (struct od_replica_event){ .kind = OD_REPLICA_EV_TICK });
    CHECK_EQ(m.out.n, 0);
    m.now_ms++;
    machine_step(&m, (struct od_replica_event){ .kind = OD_REPLICA_EV_TICK });
    CHECK(machine_action(&m, OD_REPLICA_ACT_PROPOSE_ISR));
    CHECK_EQ(m.out.isr.count, 1);
}

TEST(a_follower_with_everything_never_lags)
{
    struct machine m;

    machine_lead(&m, PAIR);
    machine_fetched(&m, PEER, 0, 0);
    m.now_ms += 100 * LAG_MS;
    machine_step(&m, (struct od_replica_event){ .kind = OD_REPLICA_EV_TICK });
    CHECK_EQ(m.out.n, 0);
    CHECK_EQ(od_replica_deadline_ms(&m.r), INT64_MAX);
}

TEST(a_follower_whose_disk_is_always_a_little_behind_stays)
{
    struct machine m;

    machine_lead(&m, PAIR);
    for (int64_t end = 1; end < 100; end++) { /* a fetch each 50 ms, flushes 200 ms behind */
        machine_append(&m, end);
        machine_fetched(&m, PEER, end - 1, end > 5 ? end - 5 : 0);
        m.now_ms += 50;
        machine_step(&m, (struct od_replica_event){ .kind = OD_REPLICA_EV_TICK });
        CHECK(!machine_action(&m, OD_REPLICA_ACT_PROPOSE_ISR));
    }
}

TEST(an_unanswered_proposal_is_repeated_as_it_was)
{
    struct machine m;

    machine_lead(&m, PAIR);
    machine_fetched(&m, OTHER, 0, 0);
    CHECK_EQ(m.out.isr.attempt, 0);
    m.now_ms += OD_REPLICA_RETRY_MS - 1;
    CHECK_EQ(od_replica_deadline_ms(&m.r), m.now_ms + 1);
    machine_step(&m, (struct od_replica_event){ .kind = OD_REPLICA_EV_TICK });
    CHECK_EQ(m.out.n, 0);
    m.now_ms++;
    machine_step(&m, (struct od_replica_event){ .kind = OD_REPLICA_EV_TICK });
    CHECK_EQ(m.out.isr.attempt, 1);
    CHECK_EQ(m.out.isr.proposal, 1);
    CHECK_EQ(m.out.isr.partition_epoch, 7);
    CHECK_EQ(m.out.isr.count, 3);
    /* The first was done and its answer lost: metadata settles it, not a third attempt. */
    machine_isr_result(&m, OD_INVALID_UPDATE_VERSION, 0, 0);
    m.now_ms += 10 * OD_REPLICA_RETRY_MS;
    machine_step(&m, (struct od_replica_event){ .kind = OD_REPLICA_EV_TICK });
    CHECK_EQ(m.out.n, 0);
    machine_assign(&m, SELF, 5, 8, ALL);
    CHECK_EQ(od_replica_isr_count(&m.r), 3);
}

TEST(a_refusal_rolls_back_only_when_no_attempt_is_open)
{
    struct machine m;
    struct od_replica_event first = { .kind = OD_REPLICA_EV_ISR_RESULT,
                                      .isr = { .proposal = 1, .err = OD_INELIGIBLE_REPLICA } };

    machine_lead(&m, PAIR);
    machine_fetched(&m, OTHER, 0, 0);
    m.now_ms += OD_REPLICA_RETRY_MS;
    machine_step(&m, (struct od_replica_event){ .kind = OD_REPLICA_EV_TICK });
    machine_append(&m, 5);
    machine_flush(&m, 5);
    machine_fetched(&m, PEER, 5, 5);
    m.now_ms += LAG_MS + 1; /* not for its sake any more */
    machine_isr_result(&m, OD_INELIGIBLE_REPLICA, 0, 0);
    CHECK_EQ(mark(&m), 0); /* the first attempt may still be accepted */
    machine_step(&m, first);
    CHECK_EQ(mark(&m), 5);
    machine_fetched(&m, OTHER, 5, 5);
    CHECK(!machine_action(&m, OD_REPLICA_ACT_PROPOSE_ISR)); /* not at once again */
    m.now_ms += OD_REPLICA_RETRY_MS;
    machine_fetched(&m, OTHER, 5, 5);
    CHECK_EQ(m.out.isr.proposal, 2);
}

TEST(a_new_life_of_the_joiner_settles_its_proposal)
{
    struct machine m;

    machine_lead(&m, PAIR);
    machine_fetched(&m, OTHER, 0, 0);
    CHECK(m.r.pending);
    machine_step(&m, (struct od_replica_event){ .kind = OD_REPLICA_EV_BROKER,
                                                .broker = { OTHER, 30, false, true } });
    CHECK(m.r.pending);
    machine_step(&m, (struct od_replica_event){ .kind = OD_REPLICA_EV_BROKER,
                                                .broker = { OTHER, 31, false, false } });
    CHECK(!m.r.pending);
}

TEST(answers_to_former_proposals_change_nothing)
{
    struct machine m;
    struct od_replica_event old = { .kind = OD_REPLICA_EV_ISR_RESULT,
                                    .isr = { .proposal = 1, .leader_epoch = 5,
                                             .partition_epoch = 8, .count = 1,
                                             .brokers = { SELF } } };

    machine_lead(&m, ALONE);
    machine_fetched(&m, PEER, 0, 0);
    machine_isr_result(&m, OD_NONE, 8, PAIR);
    machine_fetched(&m, OTHER, 0, 0);
    CHECK_EQ(m.r.proposal, 2);
    machine_step(&m, old);
    CHECK_EQ(od_replica_isr_count(&m.r), 2);
    CHECK(m.r.pending);
    machine_assign(&m, SELF, 5, 8, ALONE); /* metadata of the same change, late */
    CHECK_EQ(od_replica_isr_count(&m.r), 2);
}

TEST(a_controller_that_knows_a_newer_leader_ends_leadership)
{
    struct machine m;

    machine_lead(&m, PAIR);
    machine_fetched(&m, OTHER, 0, 0);
    machine_isr_result(&m, OD_FENCED_LEADER_EPOCH, 0, 0);
    CHECK_EQ(machine_action(&m, OD_REPLICA_ACT_STEP_DOWN)->err, OD_NOT_LEADER_OR_FOLLOWER);
    CHECK_EQ(od_replica_check_produce(&m.r, 1), OD_NOT_LEADER_OR_FOLLOWER);
}

/* --- what followers are told ----------------------------------------------------------------- */

TEST(a_fetch_is_fenced_by_epoch_before_anything_else)
{
    struct machine m;
    struct od_replica_event ev;

    machine_lead(&m, PAIR);
    ev = fetched(&m, PEER, 999, 0);
    ev.fetched.leader_epoch = 4;
    machine_step(&m, ev);
    CHECK_EQ(machine_action(&m, OD_REPLICA_ACT_REJECT)->err, OD_FENCED_LEADER_EPOCH);
    ev.fetched.leader_epoch = 6;
    machine_step(&m, ev);
    CHECK_EQ(machine_action(&m, OD_REPLICA_ACT_REJECT)->err, OD_UNKNOWN_LEADER_EPOCH);
    ev.fetched.leader_epoch = 5;
    machine_step(&m, ev);
    CHECK_EQ(machine_action(&m, OD_REPLICA_ACT_REJECT)->err, OD_OFFSET_OUT_OF_RANGE);
    ev.fetched.broker = 77;
    machine_step(&m, ev);
    CHECK_EQ(machine_action(&m, OD_REPLICA_ACT_REJECT)->err, OD_UNKNOWN_LEADER_EPOCH);
}

TEST(offsets_from_log_start_to_end_are_served)
{
    struct machine m;
    struct od_replica_event ev;

    machine_lead(&m, PAIR);
    machine_append(&m, 10);
    ev = fetched(&m, PEER, 3, 3);
    ev.fetched.log_start = 4;
    machine_step(&m, ev);
    CHECK_EQ(machine_action(&m, OD_REPLICA_ACT_REJECT)->err, OD_OFFSET_OUT_OF_RANGE);
    ev.fetched.fetch_offset = 4;
    machine_step(&m, ev);
    CHECK(!machine_action(&m, OD_REPLICA_ACT_REJECT));
    ev.fetched.fetch_offset = 10;
    machine_step(&m, ev);
    CHECK(!machine_action(&m, OD_REPLICA_ACT_REJECT));
    ev.fetched.fetch_offset = 11;
    machine_step(&m, ev);
    CHECK_EQ(machine_action(&m, OD_REPLICA_ACT_REJECT)->err, OD_OFFSET_OUT_OF_RANGE);
}

TEST(a_diverging_fetch_is_told_where_and_counts_nothing)
{
    struct machine m;
    struct od_replica_event ev;

    machine_lead(&m, PAIR);
    machine_append(&m, 10);
    machine_flush(&m, 10);
    ev = fetched(&m, PEER, 8, 8);
    ev.fetched.last_fetched_epoch = 4;
    ev.fetched.epoch_found = 4;
    ev.fetched.epoch_found_end = 7;
    machine_step(&m, ev);
    CHECK_EQ(machine_action(&m, OD_REPLICA_ACT_DIVERGING)->offset, 7);
    CHECK_EQ(machine_action(&m, OD_REPLICA_ACT_DIVERGING)->epoch, 4);
    CHECK_EQ(mark(&m), 0);
    ev.fetched.epoch_found = 3;
    ev.fetched.epoch_found_end = 8;
    machine_step(&m, ev);
    CHECK_EQ(machine_action(&m, OD_REPLICA_ACT_DIVERGING)->epoch, 3);
    ev.fetched.epoch_found = 4;
    machine_step(&m, ev);
    CHECK(!machine_action(&m, OD_REPLICA_ACT_DIVERGING));
    CHECK_EQ(mark(&m), 8);
    ev.fetched.epoch_found = -1;
    machine_step(&m, ev);
    CHECK_EQ(machine_action(&m, OD_REPLICA_ACT_REJECT)->err, OD_OFFSET_OUT_OF_RANGE);
}

TEST(thirty_one_peers_are_kept_sorted)
{
    static struct od_replica_peer peers[OD_REPLICAS_MAX - 1];
    struct od_replica_assignment a = { .leader = 16, .count = OD_REPLICAS_MAX,
                                       .config = { 2, LAG_MS, OD_REPLICA_FSYNC } };
    struct od_replica_event lead = { .kind = OD_REPLICA_EV_LEAD, .assignment = &a,
                                     .log = { .last_epoch = -1, .epoch_start = -1 } };
    struct od_replica_actions out;
    struct od_replica r;

    for (int32_t i = 0; i < OD_REPLICAS_MAX; i++)
        a.members[i] = (struct od_replica_member){ (i * 7) % OD_REPLICAS_MAX, 1, true, true };
    od_replica_init(&r, 16);
    CHECK(!od_replica_reserve(&r, peers, OD_REPLICAS_MAX - 1));
    od_replica_step(&r, &lead, &out);
    CHECK_EQ(od_replica_isr_count(&r), OD_REPLICAS_MAX);
    for (int32_t i = 0; i < r.peer_count; i++)
        CHECK_EQ(r.peers[i].broker, i < 16 ? i : i + 1);
}
