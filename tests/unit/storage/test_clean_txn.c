/* SPDX-License-Identifier: Apache-2.0 */
/* Compaction of transactions and of producers' last batches. */
#include "clean_model.h"
#include "storage/plog_clean_internal.h"

enum { ABORT = 0, COMMIT = 1 };

static char path[256];
static struct od_storage *store;
static struct od_plog *log_;

static void open_log(void)
{
    struct od_plog_config c = OD_PLOG_CONFIG_DEFAULT;

    c.segment_bytes = 1 << 20;
    c.gaps_allowed = true;
    CHECK_OK(store_open(path, &store));
    CHECK_OK(log_open(store, &c, &log_));
}

static void setup(const char *name)
{
    snprintf(path, sizeof(path), "%s/%s", test_dir(), name);
    open_log();
}

static void restart(bool clean)
{
    od_plog_close(log_);
    if (clean)
        CHECK_OK(od_storage_close(store, 1));
    else
        od_storage_abandon(store);
    open_log();
}

static void teardown(void)
{
    od_plog_close(log_);
    CHECK_OK(od_storage_close(store, 1));
}

static void append_bytes(const uint8_t *data, size_t len)
{
    struct od_plog_batch b = batch_of(data, len);
    int done;

    CHECK_OK(od_plog_append(log_, &b, 1, &done));
}

/* One record; producer -1: outside any transaction. */
static int64_t put(int64_t producer, int32_t sequence, int key, int value)
{
    static uint8_t data[4096];
    int64_t offset = od_plog_end_offset(log_);
    struct keyed r = { offset, 1000, key, value };
    struct keyed_batch b = { .producer_id = producer, .epoch = producer < 0 ? -1 : 0,
                             .sequence = producer < 0 ? -1 : sequence,
                             .flags = producer < 0 ? 0 : OD_BATCH_TRANSACTIONAL };

    append_bytes(data, keyed_build(data, offset, offset, &r, 1, &b));
    return offset;
}

static int64_t mark(int64_t producer, int type)
{
    uint8_t data[200] = { 0 }, *p = data + OD_BATCH_HEADER_BYTES;
    int64_t offset = od_plog_end_offset(log_);
    size_t len;

    *p++ = 2 * 16; /* the record's size */
    *p++ = 0;
    *p++ = 0; /* timestamp delta */
    *p++ = 0; /* offset delta */
    *p++ = 2 * 4;
    *p++ = 0, *p++ = 0, *p++ = 0, *p++ = (uint8_t)type;
    *p++ = 2 * 6;
    p += 6; /* version and coordinator epoch */
    *p++ = 0; /* no headers */
    len = (size_t)(p - data);
    CHECK_EQ(len, OD_BATCH_HEADER_BYTES + 1 + 16);
    od_be64_store(data, (uint64_t)offset);
    od_be32_store(data + 8, (uint32_t)(len - OD_BATCH_PREFIX_BYTES));
    data[16] = 2;
    od_be16_store(data + 21, OD_BATCH_TRANSACTIONAL | OD_BATCH_CONTROL);
    od_be64_store(data + 27, 1000);
    od_be64_store(data + 35, 1000);
    od_be64_store(data + 43, (uint64_t)producer);
    od_be32_store(data + 53, UINT32_MAX);
    od_be32_store(data + 57, 1);
    od_be32_store(data + 17, od_crc32c(data + OD_BATCH_CRC_POS, len - OD_BATCH_CRC_POS));
    append_bytes(data, len);
    return offset;
}

static void new_segment(void)
{
    od_plog_set_high_watermark(log_, od_plog_end_offset(log_));
    for (int i = 0; i < 3; i++)
        CHECK_OK(flush_now(log_));
    if (log_->segments[log_->n_segments - 1]->size)
        CHECK_OK(od_plog_roll(log_));
    for (int i = 0; i < 3; i++)
        CHECK_OK(flush_now(log_));
}

static void clean_at(int64_t now_ms)
{
    struct od_plog_clean_options o = clean_options(now_ms);
    struct od_clean_result r;

    new_segment();
    CHECK_OK(clean_whole(log_, &o, 500, &r));
}

/* What stands at the offset: -2 no batch, else the number of records; *h is the batch. */
static int records_at(int64_t offset, struct od_batch_header *h)
{
    static uint8_t data[4096];
    size_t len;

    CHECK_OK(read_at(log_, offset, INT64_MAX, 1, true, data, sizeof(data), &len));
    if (!len)
        return -2;
    CHECK_OK(od_batch_parse(data, OD_BATCH_HEADER_BYTES, h));
    return h->base_offset == offset ? h->count : -2;
}

TEST(aborted_records_go_and_never_hide_committed_ones)
{
    struct od_batch_header h;
    int64_t first, aborted, marker, tail;

    setup("aborted");
    first = put(7, 0, 1, 100);
    mark(7, COMMIT);
    aborted = put(7, 1, 1, 101);
    marker = mark(7, ABORT);
    tail = put(7, 2, 2, 5);
    mark(7, COMMIT);
    clean_at(5000);
    CHECK_EQ(records_at(first, &h), 1);
    CHECK_EQ(records_at(aborted, &h), -2);
    CHECK_EQ(records_at(marker, &h), 1);
    CHECK_EQ(records_at(tail, &h), 1);
    teardown();
}

TEST(a_marker_stays_a_delete_retention_after_the_last_of_its_data_went)
{
    struct od_batch_header h;
    int64_t data, marker;

    setup("marker");
    data = put(7, 0, 1, 100);
    marker = mark(7, ABORT);
    put(-1, 0, 1, 1);
    clean_at(5000); /* the data goes, the marker has been needed until now */
    CHECK_EQ(od_plog_aborted(log_, 0, 100, NULL, 0), 1);
    CHECK_EQ(records_at(data, &h), 0); /* the last of its producer */
    CHECK_EQ(records_at(marker, &h), 1);
    CHECK_EQ(h.attributes & OD_BATCH_DELETE_HORIZON, 0);
    for (int i = 0; i < 3; i++) { /* other batches become the producer's last */
        put(7, 1 + i, 9, i);
        mark(7, COMMIT);
    }
    clean_at(6000);
    put(-1, 0, 1, 2);
    clean_at(7000); /* no data is left: the horizon is 8000 */
    CHECK_EQ(records_at(data, &h), -2);
    CHECK_EQ(records_at(marker, &h), 1);
    put(-1, 0, 1, 3);
    clean_at(7999);
    CHECK_EQ(records_at(marker, &h), 1);
    CHECK_EQ(od_plog_aborted(log_, 0, 2, NULL, 0), 0);
    put(-1, 0, 1, 4);
    clean_at(9000);
    CHECK_EQ(records_at(marker, &h), -2);
    teardown();
}

TEST(the_transaction_index_is_the_same_after_a_restart)
{
    for (int clean = 0; clean < 2; clean++) {
        struct od_aborted_txn t;

        setup(clean ? "index1" : "index0");
        put(-1, 0, 5, 1);
        put(7, 0, 1, 100);
        mark(7, ABORT);
        new_segment();
        put(8, 0, 1, 100);
        mark(8, ABORT);
        put(-1, 0, 1, 1);
        clean_at(5000);
        CHECK_OK(od_storage_checkpoint(store));
        CHECK_EQ(log_->n_segments, 2);
        restart(clean);
        CHECK_EQ(od_plog_aborted(log_, 0, 100, &t, 1), 2);
        CHECK_EQ(t.producer_id, 7);
        CHECK_EQ(t.first_offset, 1);
        CHECK_EQ(t.last_offset, 2);
        teardown();
    }
}

TEST(an_open_transaction_is_not_cleaned)
{
    struct od_plog_clean_options o = clean_options(5000);
    struct od_clean_result r;

    setup("open");
    for (int i = 0; i < 5; i++)
        put(-1, 0, 1, i);
    new_segment();
    put(7, 0, 1, 100);
    new_segment();
    put(-1, 0, 1, 9);
    new_segment();
    CHECK_OK(clean_whole(log_, &o, 500, &r));
    CHECK_EQ(r.cleaned_offset, 5);
    CHECK_EQ(clean_whole(log_, &o, 500, &r), OD_E_NOT_FOUND);
    mark(7, COMMIT);
    clean_at(5000);
    CHECK_EQ(log_->entry->cleaned, 8);
    teardown();
}

TEST(the_last_batch_of_a_producer_outlives_its_records_and_its_sequence_the_restart)
{
    struct keyed_batch b = { .producer_id = 9, .epoch = 2, .sequence = 40 };
    const struct od_producer *x;
    struct od_batch_header h;
    static uint8_t data[4096];
    struct keyed r[2] = { { 0, 1000, 1, 10 }, { 1, 1000, 2, 20 } };

    setup("producer");
    append_bytes(data, keyed_build(data, 0, 1, r, 2, &b));
    put(-1, 0, 1, 5);
    put(-1, 0, 2, 6);
    clean_at(5000);
    CHECK_EQ(records_at(0, &h), 0);
    CHECK_EQ(h.producer_id, 9);
    CHECK_EQ(h.base_sequence, 40);
    CHECK_EQ(h.last_offset_delta, 1);
    restart(false);
    x = od_producers_find(od_plog_producers(log_), 9);
    CHECK(x != NULL);
    CHECK_EQ(x->done[x->done_count - 1].last_sequence, 41);
    CHECK_EQ(x->done[x->done_count - 1].last_offset, 1);
    teardown();
}

/* --- pure ------------------------------------------------------------------------------------- */

static bool pass(struct od_clean_txns *t, int64_t offset, int64_t producer, enum od_clean_marker m)
{
    struct od_batch_header h = { .base_offset = offset, .producer_id = producer,
                                 .attributes = OD_BATCH_TRANSACTIONAL };

    if (m != OD_CLEAN_NO_MARKER)
        h.attributes |= OD_BATCH_CONTROL;
    return od_clean_txns_pass(t, &h, m);
}

TEST(transactions_of_several_producers_are_told_apart)
{
    const struct od_aborted_txn aborted[] = { { 1, 0, 4, 0 }, { 2, 6, 9, 6 } };
    struct od_clean_txns t;

    od_clean_txns_init(&t, aborted, 2, 1);
    CHECK(pass(&t, 0, 1, OD_CLEAN_NO_MARKER));
    CHECK(!pass(&t, 1, 2, OD_CLEAN_NO_MARKER));
    CHECK(!pass(&t, 3, 2, OD_CLEAN_COMMIT)); /* its data is there */
    CHECK(!pass(&t, 4, 1, OD_CLEAN_ABORT));
    CHECK(t.stays == &aborted[0]);
    CHECK(!pass(&t, 5, 1, OD_CLEAN_NO_MARKER));
    CHECK(pass(&t, 6, 2, OD_CLEAN_NO_MARKER));
    CHECK(pass(&t, 7, 3, OD_CLEAN_COMMIT)); /* nothing of it is there */
    CHECK(!pass(&t, 8, 1, OD_CLEAN_COMMIT));
    CHECK(!pass(&t, 9, 2, OD_CLEAN_ABORT));
    CHECK(!t.unlisted);
    od_clean_txns_deinit(&t);
}

TEST(an_aborted_transaction_that_ended_before_the_walk_began_is_over)
{
    const struct od_aborted_txn aborted[] = { { 1, 0, 4, 0 } };
    struct od_clean_txns t;

    od_clean_txns_init(&t, aborted, 1, 1);
    CHECK(!pass(&t, 5, 1, OD_CLEAN_NO_MARKER));
    od_clean_txns_deinit(&t);
}

TEST(an_abort_that_no_index_lists_is_noticed)
{
    struct od_clean_txns t;

    od_clean_txns_init(&t, NULL, 0, 1);
    CHECK(!pass(&t, 0, 1, OD_CLEAN_NO_MARKER));
    CHECK(!pass(&t, 1, 1, OD_CLEAN_ABORT));
    CHECK(t.unlisted);
    od_clean_txns_deinit(&t);
}
