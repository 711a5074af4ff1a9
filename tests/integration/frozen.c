/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Semantics between the append and the disk: the broker's fsync is held up, through freeze_sync,
 * while the file exists that FREEZE_SYNC names.
 */
#include "ask.h"

#include <fcntl.h>
#include <unistd.h>

static void freeze(void)
{
    int fd = open(getenv("FREEZE_SYNC"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

    CHECK(fd >= 0);
    close(fd);
}

static void thaw(void)
{
    unlink(getenv("FREEZE_SYNC"));
}

/* Also thaws when a test has failed before its end. */
static struct raw *fresh(void)
{
    thaw();
    return raw_open();
}

/* Waits until all that was appended is below the high watermark. */
static void await_high_watermark(struct raw *c, const struct topic *t, int64_t end)
{
    int64_t start_ms = now_ms();

    while (ask_end(c, t) < end)
        took_at_most(start_ms, 5000);
}

TEST(between_high_watermark_and_end_a_fetch_is_empty_and_beyond_it_is_out_of_range)
{
    struct raw *c = fresh();
    struct topic t = ask_create(c, "frozen", 1, NULL);
    struct batch b = batch_of(10);
    struct fetch_plan plan = fetch_at(5);
    struct od_fetch_rsp_partition out;

    freeze();
    CHECK_EQ(ask_produce_version(c, 13, &t, 0, 1, &b).base_offset, 0); /* acks=1 does not wait */
    out = ask_fetch(c, &t, &plan);
    CHECK_EQ(out.error_code, OD_NONE);
    CHECK_EQ(out.records.len, 0);
    CHECK_EQ(out.high_watermark, 0);
    plan = fetch_at(10);
    CHECK_EQ(ask_fetch(c, &t, &plan).error_code, OD_NONE);
    plan = fetch_at(11);
    CHECK_EQ(ask_fetch(c, &t, &plan).error_code, OD_OFFSET_OUT_OF_RANGE);
    CHECK_EQ(ask_end(c, &t), 0);
    thaw();
    await_high_watermark(c, &t, 10);
    plan = fetch_at(5);
    CHECK(batch_is(ask_fetch(c, &t, &plan).records, &b, 0, 0));
    raw_close(c);
}

TEST(a_search_by_time_does_not_see_beyond_the_high_watermark)
{
    struct raw *c = fresh();
    struct topic t = ask_create(c, "unseen", 1, NULL);
    struct batch b =
        batch_planned(&(struct batch_plan){ .count = 2, .timestamp = 1000, .step = 1 });

    freeze();
    CHECK_EQ(ask_produce_version(c, 13, &t, 0, 1, &b).error_code, OD_NONE);
    CHECK_EQ(ask_offset(c, 0, &t, 0, 1000).error_code, OD_NONE);
    CHECK_EQ(ask_offset(c, 0, &t, 0, 1000).offset, -1);
    CHECK_EQ(ask_offset(c, 0, &t, 0, -3).offset, -1);
    thaw();
    await_high_watermark(c, &t, 2);
    CHECK_EQ(ask_offset(c, 0, &t, 0, 1001).offset, 1);
    raw_close(c);
}

TEST(version_0_tells_consumers_the_high_watermark_in_place_of_the_end)
{
    struct raw *c = fresh();
    struct topic t = ask_create(c, "old", 1, NULL);
    struct batch b = batch_of(4);
    struct od_list_offsets_req_partition p;
    struct od_list_offsets_req_topic topic = { .name = od_str_of(t.name),
                                               .partitions = { .n = 1, .v = &p } };
    struct od_list_offsets_req req;
    struct od_list_offsets_rsp rsp;
    static const int64_t ends[] = { 0, 4 };

    freeze();
    CHECK_EQ(ask_produce_version(c, 13, &t, 0, 1, &b).error_code, OD_NONE);
    od_list_offsets_req_defaults(&req);
    od_list_offsets_req_partition_defaults(&p);
    p.timestamp = -1;
    req.topics.n = 1;
    req.topics.v = &topic;
    for (int replica = 0; replica < 2; replica++) {
        req.replica_id = -1 - replica; /* a consumer; a debugger, who sees all */
        CHECK_EQ(raw_call(c, OD_list_offsets_KEY, 0, &req, &rsp), RAW_ANSWER);
        CHECK_EQ(rsp.topics.v[0].partitions.v[0].old_style_offsets.n, 1);
        CHECK_EQ(rsp.topics.v[0].partitions.v[0].old_style_offsets.v[0], ends[replica]);
    }
    thaw();
    raw_close(c);
}

TEST(acks_all_waits_for_the_disk_and_other_connections_do_not)
{
    struct raw *c = fresh(), *beside = raw_open();
    struct topic t = ask_create(c, "acks-all", 1, NULL);
    struct batch b = batch_of(3);
    struct od_produce_rsp rsp;
    struct produce_one one;
    int64_t start_ms;

    freeze();
    CHECK(raw_send(c, OD_produce_KEY, 13, produce_one(&one, &t, 0, -1, b.data, b.len)));
    CHECK_EQ(raw_read(c, 300), RAW_SILENCE);
    start_ms = now_ms();
    CHECK_EQ(ask_produce_version(beside, 13, &t, 0, 1, &b).base_offset, 3);
    CHECK_EQ(ask_end(beside, &t), 0);
    took_at_most(start_ms, 500);
    thaw();
    CHECK_EQ(raw_receive(c, OD_produce_KEY, 13, &rsp, RAW_PATIENCE_MS), RAW_ANSWER);
    CHECK_EQ(rsp.responses.v[0].partition_responses.v[0].error_code, OD_NONE);
    CHECK_EQ(rsp.responses.v[0].partition_responses.v[0].base_offset, 0);
    raw_close(c);
    raw_close(beside);
}

TEST(a_duplicate_waits_like_the_original)
{
    struct raw *c = fresh(), *again = raw_open();
    struct topic t = ask_create(c, "duplicate", 1, NULL);
    struct batch plain = batch_of(3), b = batch_of_producer(&plain, 77, 0, 0);
    struct od_produce_rsp rsp;
    struct produce_one one;

    freeze();
    CHECK(raw_send(c, OD_produce_KEY, 13, produce_one(&one, &t, 0, -1, b.data, b.len)));
    CHECK_EQ(raw_read(c, 200), RAW_SILENCE);
    CHECK(raw_send(again, OD_produce_KEY, 13, produce_one(&one, &t, 0, -1, b.data, b.len)));
    CHECK_EQ(raw_read(again, 200), RAW_SILENCE);
    thaw();
    CHECK_EQ(raw_receive(c, OD_produce_KEY, 13, &rsp, RAW_PATIENCE_MS), RAW_ANSWER);
    CHECK_EQ(rsp.responses.v[0].partition_responses.v[0].error_code, OD_NONE);
    CHECK_EQ(rsp.responses.v[0].partition_responses.v[0].base_offset, 0);
    CHECK_EQ(raw_receive(again, OD_produce_KEY, 13, &rsp, RAW_PATIENCE_MS), RAW_ANSWER);
    CHECK_EQ(rsp.responses.v[0].partition_responses.v[0].error_code, OD_NONE);
    CHECK_EQ(rsp.responses.v[0].partition_responses.v[0].base_offset, 0);
    CHECK_EQ(ask_end(c, &t), 3);
    raw_close(c);
    raw_close(again);
}

TEST(acks_all_gives_up_after_its_timeout_and_the_records_stay)
{
    struct raw *c = fresh();
    struct topic t = ask_create(c, "gives-up", 1, NULL);
    struct batch b = batch_of(3);
    struct od_produce_rsp rsp;
    struct produce_one one;
    int64_t start_ms;

    freeze();
    produce_one(&one, &t, 0, -1, b.data, b.len);
    one.req.timeout_ms = 200;
    start_ms = now_ms();
    CHECK_EQ(raw_call(c, OD_produce_KEY, 13, &one.req, &rsp), RAW_ANSWER);
    CHECK_EQ(rsp.responses.v[0].partition_responses.v[0].error_code, OD_REQUEST_TIMED_OUT);
    CHECK(now_ms() - start_ms >= 195);
    took_at_most(start_ms, 1000);
    thaw();
    await_high_watermark(c, &t, 3);
    raw_close(c);
}

TEST(a_waiting_fetch_wakes_when_the_disk_has_it_and_not_before)
{
    struct raw *reader = fresh(), *writer = raw_open();
    struct topic t = ask_create(writer, "wakes-late", 1, NULL);
    struct fetch_plan plan = fetch_at(0);
    struct batch b = batch_of(3);
    struct od_fetch_rsp rsp;
    struct fetch_one one;

    freeze();
    plan.max_wait_ms = RAW_PATIENCE_MS;
    CHECK(raw_send(reader, OD_fetch_KEY, plan.version, fetch_one(&one, &t, &plan)));
    CHECK_EQ(ask_produce_version(writer, 13, &t, 0, 1, &b).error_code, OD_NONE);
    CHECK_EQ(raw_read(reader, 200), RAW_SILENCE);
    thaw();
    CHECK_EQ(raw_receive(reader, OD_fetch_KEY, plan.version, &rsp, 1000), RAW_ANSWER);
    CHECK(batch_is(fetch_only(&rsp).records, &b, 0, 0));
    raw_close(reader);
    raw_close(writer);
}

TEST(an_incremental_session_is_told_a_new_high_watermark_without_records)
{
    struct raw *c = fresh();
    struct topic t = ask_create(c, "told", 1, NULL);
    struct fetch_plan plan = fetch_at(10);
    struct batch b = batch_of(10);
    struct od_fetch_rsp rsp;
    struct fetch_one one;

    freeze();
    CHECK_EQ(ask_produce_version(c, 13, &t, 0, 1, &b).error_code, OD_NONE);
    fetch_one(&one, &t, &plan);
    one.req.session_epoch = 0;
    CHECK_EQ(raw_call(c, OD_fetch_KEY, plan.version, &one.req, &rsp), RAW_ANSWER);
    CHECK_EQ(fetch_only(&rsp).high_watermark, 0);
    one.req.session_id = rsp.session_id;
    thaw();
    await_high_watermark(c, &t, 10);
    one.req.session_epoch = 1;
    one.req.topics.n = 0;
    CHECK_EQ(raw_call(c, OD_fetch_KEY, plan.version, &one.req, &rsp), RAW_ANSWER);
    CHECK_EQ(fetch_only(&rsp).high_watermark, 10);
    CHECK_EQ(fetch_only(&rsp).records.len, 0);
    one.req.session_epoch = 2;
    CHECK_EQ(raw_call(c, OD_fetch_KEY, plan.version, &one.req, &rsp), RAW_ANSWER);
    CHECK_EQ(rsp.responses.n, 0);
    raw_close(c);
}

TEST(a_replicated_topic_does_not_wait_for_the_disk)
{
    struct raw *c = fresh();
    struct topic t = ask_create(c, "replicated", 1, "odradek.durability=replicated");
    struct fetch_plan plan = fetch_at(0);
    struct batch b = batch_of(3);
    int64_t start_ms = now_ms();

    freeze();
    CHECK_EQ(ask_produce(c, &t, 0, &b).error_code, OD_NONE);
    CHECK(batch_is(ask_fetch(c, &t, &plan).records, &b, 0, 0));
    took_at_most(start_ms, 1000);
    thaw();
    raw_close(c);
}

TEST(one_flush_answers_all_who_wait_for_it)
{
    enum { WRITERS = 30 };
    struct raw *first = fresh(), *writers[WRITERS];
    struct topic t = ask_create(first, "group-commit", 1, NULL);
    struct batch b = batch_of(1);
    struct od_produce_rsp rsp;
    struct produce_one one;
    bool seen[WRITERS] = { false };
    int64_t thawed_ms;

    freeze();
    produce_one(&one, &t, 0, -1, b.data, b.len);
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = raw_open();
        CHECK(raw_send(writers[i], OD_produce_KEY, 13, &one.req));
    }
    CHECK_EQ(raw_read(writers[0], 100), RAW_SILENCE);
    thaw();
    thawed_ms = now_ms();
    for (int i = 0; i < WRITERS; i++) {
        int64_t offset;

        CHECK_EQ(raw_receive(writers[i], OD_produce_KEY, 13, &rsp, RAW_PATIENCE_MS), RAW_ANSWER);
        CHECK_EQ(rsp.responses.v[0].partition_responses.v[0].error_code, OD_NONE);
        offset = rsp.responses.v[0].partition_responses.v[0].base_offset;
        CHECK(offset >= 0 && offset < WRITERS && !seen[offset]);
        seen[offset] = true;
        raw_close(writers[i]);
    }
    took_at_most(thawed_ms, 2000);
    raw_close(first);
}

enum { RECORDS = 15 }; /* of a batch, 1,000 bytes each */

/* Appends with acks=1 until the broker has stopped reading; how many requests it took. */
static int fill_until_stopped(struct raw *c, const struct topic *t, int most)
{
    struct batch_plan plan = { .count = RECORDS, .timestamp = 1, .value_bytes = 1000 };
    struct batch b = batch_planned(&plan);
    struct od_produce_rsp rsp;
    struct produce_one one;
    int n = 0;

    produce_one(&one, t, 0, 1, b.data, b.len);
    while (n < most && raw_send(c, OD_produce_KEY, 13, &one.req) &&
           raw_receive(c, OD_produce_KEY, 13, &rsp, 300) == RAW_ANSWER)
        n++;
    return n;
}

/* The broker runs with odradek.max.dirty.bytes=65536; a batch has 15 KB. */
static void producers_wait_for_the_disk(const char *durability)
{
    enum { UNTIL_FULL = 5 };
    struct raw *writer = fresh(), *other = raw_open();
    struct topic t = ask_create(writer, "dirty", 1, durability);
    struct batch b = batch_of(1);
    struct od_produce_rsp rsp;
    int n;

    freeze();
    n = fill_until_stopped(writer, &t, UNTIL_FULL * 4);
    CHECK(n >= UNTIL_FULL && n <= UNTIL_FULL + 1); /* the one that finds it full is answered */
    CHECK(ask_end(other, &t) >= 0); /* others are served until they produce */
    CHECK_EQ(ask_produce_version(other, 13, &t, 0, 1, &b).base_offset, n * RECORDS);
    CHECK(raw_send_body(other, OD_api_versions_KEY, 0, "", 0));
    CHECK_EQ(raw_read(other, 200), RAW_SILENCE);
    CHECK_EQ(raw_read(writer, 50), RAW_SILENCE);
    thaw();
    CHECK_EQ(raw_receive(writer, OD_produce_KEY, 13, &rsp, RAW_PATIENCE_MS), RAW_ANSWER);
    CHECK_EQ(rsp.responses.v[0].partition_responses.v[0].base_offset, n * RECORDS + 1);
    CHECK_EQ(raw_read(other, RAW_PATIENCE_MS), RAW_ANSWER);
    n = fill_until_stopped(writer, &t, 40); /* the disk works: nobody waits for long */
    CHECK_EQ(n, 40);
    raw_close(writer);
    raw_close(other);
}

TEST(producers_are_not_read_from_while_too_much_is_dirty_in_fsync_mode)
{
    producers_wait_for_the_disk("odradek.durability=fsync");
}

TEST(producers_are_not_read_from_while_too_much_is_dirty_in_replicated_mode)
{
    producers_wait_for_the_disk("odradek.durability=replicated");
}

TEST(little_that_is_dirty_in_each_of_many_partitions_is_written_back_as_well)
{
    enum { PARTITIONS = 64, ROUNDS = 5 };
    struct raw *c = fresh();
    struct topic t = ask_create(c, "dirty-everywhere", PARTITIONS, "odradek.durability=replicated");
    struct batch b =
        batch_planned(&(struct batch_plan){ .count = 1, .timestamp = 1, .value_bytes = 1000 });

    for (int i = 0; i < PARTITIONS * ROUNDS; i++)
        CHECK_EQ(ask_produce_version(c, 13, &t, i % PARTITIONS, 1, &b).error_code, OD_NONE);
    raw_close(c);
}
