/* SPDX-License-Identifier: Apache-2.0 */
/* Idempotent producers: ids, sequences, epochs, duplicates; what is said of transactions. */
#include "ask.h"

#include "wire/api/describe_producers.h"
#include "wire/api/init_producer_id.h"
#include "wire/api/offset_for_leader_epoch.h"

static struct od_init_producer_id_rsp init(struct raw *c, int16_t version, struct od_str txn)
{
    struct od_init_producer_id_req req;
    struct od_init_producer_id_rsp rsp;

    od_init_producer_id_req_defaults(&req);
    req.transactional_id = txn;
    req.transaction_timeout_ms = 60000;
    CHECK_EQ(raw_call(c, OD_init_producer_id_KEY, version, &req, &rsp), RAW_ANSWER);
    return rsp;
}

static int64_t new_id(struct raw *c)
{
    struct od_init_producer_id_rsp rsp = init(c, 5, OD_STR_NULL);

    CHECK_EQ(rsp.error_code, OD_NONE);
    CHECK_EQ(rsp.producer_epoch, 0);
    return rsp.producer_id;
}

static struct od_produce_rsp_partition send(struct raw *c, const struct topic *t, int64_t id,
                                            int16_t epoch, int32_t sequence, int count)
{
    struct batch plain = batch_of(count), b = batch_of_producer(&plain, id, epoch, sequence);

    return ask_produce(c, t, 0, &b);
}

/* --- ids ------------------------------------------------------------------------------------- */

TEST(p22_every_producer_gets_an_id_of_its_own_in_every_version)
{
    struct raw *c = raw_open(), *other = raw_open();
    int64_t previous = -1;

    for (int16_t version = 0; version <= 5; version++) {
        struct od_init_producer_id_rsp rsp = init(c, version, OD_STR_NULL);

        CHECK_EQ(rsp.error_code, OD_NONE);
        CHECK_EQ(rsp.producer_epoch, 0);
        CHECK(rsp.producer_id > previous);
        CHECK(new_id(other) != rsp.producer_id);
        previous = rsp.producer_id;
    }
    raw_close(c);
    raw_close(other);
}

TEST(more_ids_than_a_block_holds_are_all_different)
{
    struct raw *c = raw_open();
    int64_t previous = -1;

    for (int i = 0; i < 1100; i++) {
        int64_t id = new_id(c);

        CHECK(id > previous);
        previous = id;
    }
    raw_close(c);
}

TEST(a_transactional_id_has_no_coordinator_yet)
{
    struct raw *c = raw_open();
    struct od_init_producer_id_rsp rsp = init(c, 5, OD_STR("payments"));

    CHECK_EQ(rsp.error_code, OD_COORDINATOR_NOT_AVAILABLE);
    CHECK_EQ(rsp.producer_id, -1);
    CHECK_EQ(init(c, 5, OD_STR("")).error_code, OD_INVALID_REQUEST);
    raw_close(c);
}

TEST(an_epoch_without_its_id_is_an_invalid_request)
{
    struct raw *c = raw_open();
    struct od_init_producer_id_req req;
    struct od_init_producer_id_rsp rsp;

    od_init_producer_id_req_defaults(&req);
    req.producer_epoch = 3;
    CHECK_EQ(raw_call(c, OD_init_producer_id_KEY, 3, &req, &rsp), RAW_ANSWER);
    CHECK_EQ(rsp.error_code, OD_INVALID_REQUEST);
    raw_close(c);
}

/* --- sequences ------------------------------------------------------------------------------- */

TEST(the_last_five_batches_sent_again_are_answered_with_their_offsets)
{
    struct raw *c = raw_open(), *other = raw_open();
    struct topic t = ask_create(c, "again", 1, NULL);
    int64_t id = new_id(c);

    for (int i = 0; i < 6; i++)
        CHECK_EQ(send(c, &t, id, 0, i * 3, 3).base_offset, i * 3);
    for (int i = 5; i > 0; i--) {
        struct od_produce_rsp_partition out = send(other, &t, id, 0, i * 3, 3);

        CHECK_EQ(out.error_code, OD_NONE);
        CHECK_EQ(out.base_offset, i * 3);
        CHECK_EQ(out.log_start_offset, 0);
        CHECK_EQ(out.log_append_time_ms, -1);
    }
    CHECK_EQ(send(c, &t, id, 0, 0, 3).error_code, OD_OUT_OF_ORDER_SEQUENCE_NUMBER);
    CHECK_EQ(send(c, &t, id, 0, 21, 3).error_code, OD_OUT_OF_ORDER_SEQUENCE_NUMBER);
    CHECK_EQ(ask_end(c, &t), 18);
    CHECK_EQ(send(c, &t, id, 0, 18, 3).base_offset, 18);
    raw_close(c);
    raw_close(other);
}

TEST(an_old_epoch_is_fenced_and_a_new_one_begins_at_zero)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "epochs", 1, NULL);
    int64_t id = new_id(c);

    CHECK_EQ(send(c, &t, id, 1, 0, 1).error_code, OD_NONE);
    CHECK_EQ(send(c, &t, id, 0, 1, 1).error_code, OD_INVALID_PRODUCER_EPOCH);
    CHECK_EQ(send(c, &t, id, 2, 1, 1).error_code, OD_OUT_OF_ORDER_SEQUENCE_NUMBER);
    CHECK_EQ(send(c, &t, id, 2, 0, 1).base_offset, 1);
    CHECK_EQ(send(c, &t, id, 1, 1, 1).error_code, OD_INVALID_PRODUCER_EPOCH);
    raw_close(c);
}

TEST(sequences_wrap_from_2147483647_to_0)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "wraps", 1, NULL);
    int64_t id = new_id(c);

    CHECK_EQ(send(c, &t, id, 0, INT32_MAX - 1, 1).base_offset, 0);
    CHECK_EQ(send(c, &t, id, 0, INT32_MAX, 3).base_offset, 1); /* and 0 and 1 */
    CHECK_EQ(send(c, &t, id, 0, INT32_MAX, 3).base_offset, 1);
    CHECK_EQ(send(c, &t, id, 0, 1, 1).error_code, OD_OUT_OF_ORDER_SEQUENCE_NUMBER);
    CHECK_EQ(send(c, &t, id, 0, 2, 1).base_offset, 4);
    raw_close(c);
}

TEST(a_producer_id_without_sequence_is_refused)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "no-sequence", 1, NULL);

    CHECK_EQ(send(c, &t, new_id(c), 0, -1, 1).error_code, OD_INVALID_RECORD);
    raw_close(c);
}

TEST(five_batches_in_flight_on_one_connection_keep_their_order)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "flight", 1, NULL);
    int64_t id = new_id(c);
    struct produce_one one;
    struct od_produce_rsp rsp;

    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 5; i++) {
            struct batch plain = batch_of(2), b = batch_of_producer(&plain, id, 0, i * 2);

            CHECK(raw_send(c, OD_produce_KEY, 13, produce_one(&one, &t, 0, -1, b.data, b.len)));
        }
        for (int i = 0; i < 5; i++) {
            CHECK_EQ(raw_receive(c, OD_produce_KEY, 13, &rsp, RAW_PATIENCE_MS), RAW_ANSWER);
            CHECK_EQ(rsp.responses.v[0].partition_responses.v[0].error_code, OD_NONE);
            CHECK_EQ(rsp.responses.v[0].partition_responses.v[0].base_offset, i * 2);
        }
    }
    CHECK_EQ(ask_end(c, &t), 10);
    raw_close(c);
}

/* --- transactions ---------------------------------------------------------------------------- */

TEST(transactional_records_are_refused_with_and_without_their_id)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "transactional", 1, NULL);
    struct batch plain = batch_of(1), b = batch_of_producer(&plain, new_id(c), 0, 0);
    struct od_batch_header h = batch_header(&b);
    struct produce_one one;
    struct od_produce_rsp rsp;

    h.attributes |= OD_BATCH_TRANSACTIONAL;
    b = batch_with_header(&b, &h);
    CHECK_EQ(ask_produce(c, &t, 0, &b).error_code, OD_TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
    produce_one(&one, &t, 0, -1, b.data, b.len);
    one.req.transactional_id = OD_STR("payments");
    CHECK_EQ(raw_call(c, OD_produce_KEY, 13, &one.req, &rsp), RAW_ANSWER);
    CHECK_EQ(rsp.responses.v[0].partition_responses.v[0].error_code,
             OD_INVALID_PRODUCER_ID_MAPPING);
    CHECK_EQ(ask_end(c, &t), 0);
    raw_close(c);
}

TEST(p9_an_aborted_list_is_empty_for_read_committed_and_null_otherwise)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "isolation", 1, NULL);
    struct batch b = batch_of(3);
    struct fetch_plan plan = fetch_at(0);
    struct od_fetch_rsp_partition out;

    CHECK_EQ(ask_produce(c, &t, 0, &b).error_code, OD_NONE);
    out = ask_fetch(c, &t, &plan);
    CHECK_EQ(out.aborted_transactions.n, -1);
    CHECK_EQ(out.last_stable_offset, 3);
    plan.isolation = 1;
    out = ask_fetch(c, &t, &plan);
    CHECK_EQ(out.aborted_transactions.n, 0);
    CHECK_EQ(out.last_stable_offset, 3);
    CHECK(batch_is(out.records, &b, 0, 0));
    raw_close(c);
}

/* --- beside it ------------------------------------------------------------------------------- */

TEST(describe_producers_tells_who_wrote_last)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "described", 1, NULL);
    int32_t indexes[] = { 0, 7 };
    struct od_describe_producers_req_topic topic = { od_str_of(t.name), { 2, indexes } };
    struct od_describe_producers_req req = { { 1, &topic } };
    struct od_describe_producers_rsp rsp;
    const struct od_describe_producers_rsp_producer *p;
    int64_t id = new_id(c);

    CHECK_EQ(send(c, &t, id, 0, 0, 4).error_code, OD_NONE);
    CHECK_EQ(raw_call(c, OD_describe_producers_KEY, 0, &req, &rsp), RAW_ANSWER);
    CHECK_EQ(rsp.topics.v[0].partitions.v[0].error_code, OD_NONE);
    CHECK_EQ(rsp.topics.v[0].partitions.v[0].active_producers.n, 1);
    p = &rsp.topics.v[0].partitions.v[0].active_producers.v[0];
    CHECK_EQ(p->producer_id, id);
    CHECK_EQ(p->producer_epoch, 0);
    CHECK_EQ(p->last_sequence, 3);
    CHECK_EQ(p->coordinator_epoch, -1);
    CHECK_EQ(p->current_txn_start_offset, -1);
    CHECK(p->last_timestamp > 0);
    CHECK_EQ(rsp.topics.v[0].partitions.v[1].error_code, OD_UNKNOWN_TOPIC_OR_PARTITION);
    raw_close(c);
}

static struct od_offset_for_leader_epoch_rsp_partition
epoch_end(struct raw *c, int16_t version, const struct topic *t, int32_t current, int32_t epoch)
{
    struct od_offset_for_leader_epoch_req_partition partition = { 0, current, epoch };
    struct od_offset_for_leader_epoch_req_topic topic = { od_str_of(t->name), { 1, &partition } };
    struct od_offset_for_leader_epoch_req req = { version >= 3 ? -1 : -2, { 1, &topic } };
    struct od_offset_for_leader_epoch_rsp rsp;

    if (version < 2)
        partition.current_leader_epoch = -1;
    CHECK_EQ(raw_call(c, OD_offset_for_leader_epoch_KEY, version, &req, &rsp), RAW_ANSWER);
    return rsp.topics.v[0].partitions.v[0];
}

TEST(the_end_of_an_epoch_is_told_in_every_version)
{
    struct raw *c = raw_open();
    struct topic t = ask_create(c, "epoch-end", 1, NULL), unknown = t;
    struct batch b = batch_of(5);

    CHECK_EQ(ask_produce(c, &t, 0, &b).error_code, OD_NONE);
    for (int16_t version = 0; version <= 4; version++) {
        struct od_offset_for_leader_epoch_rsp_partition out = epoch_end(c, version, &t, -1, 0);

        CHECK_EQ(out.error_code, OD_NONE);
        CHECK_EQ(out.end_offset, 5);
        CHECK_EQ(out.leader_epoch, version == 0 ? -1 : 0);
    }
    CHECK_EQ(epoch_end(c, 4, &t, -1, 1).end_offset, -1); /* above all that we know */
    CHECK_EQ(epoch_end(c, 4, &t, -1, -1).end_offset, -1);
    CHECK_EQ(epoch_end(c, 4, &t, 1, 0).error_code, OD_UNKNOWN_LEADER_EPOCH);
    CHECK_EQ(epoch_end(c, 4, &t, 0, 0).error_code, OD_NONE);
    unknown.name[0] = '_';
    CHECK_EQ(epoch_end(c, 4, &unknown, -1, 0).error_code, OD_UNKNOWN_TOPIC_OR_PARTITION);
    raw_close(c);
}
