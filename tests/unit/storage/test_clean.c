/* SPDX-License-Identifier: Apache-2.0 */
/* Compaction on real files, compared with a naive model of what must be left. */
#include "clean_model.h"
#include "storage/plog_clean_internal.h"

static char path[256];
static struct od_storage *store;
static struct od_plog *log_;
static struct model model;
static uint64_t random_state;

static int roll(int below)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (int)((random_state >> 33) % (uint64_t)below);
}

static struct od_plog_config config(void)
{
    struct od_plog_config c = OD_PLOG_CONFIG_DEFAULT;

    c.segment_bytes = 3000;
    c.index_interval_bytes = 200;
    c.gaps_allowed = true;
    return c;
}

static void open_log(void)
{
    struct od_plog_config c = config();

    CHECK_OK(store_open(path, &store));
    CHECK_OK(log_open(store, &c, &log_));
}

static void setup(const char *name)
{
    snprintf(path, sizeof(path), "%s/%s", test_dir(), name);
    memset(&model, 0, sizeof(model));
    random_state = 1;
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

static void append_batch(const struct keyed *v, int n, int64_t last, const struct keyed_batch *b)
{
    static uint8_t data[KEYED_BYTES_MAX + OD_BATCH_HEADER_BYTES];
    size_t len = keyed_build(data, od_plog_end_offset(log_), last, v, n, b);
    struct od_plog_batch batch = batch_of(data, len);
    int done;

    CHECK_OK(od_plog_append(log_, &batch, 1, &done));
    for (int i = 0; i < n; i++)
        model_add(&model, &v[i], last);
}

static void put(int key, int value, int64_t timestamp)
{
    int64_t offset = od_plog_end_offset(log_);
    struct keyed r = { offset, timestamp, key, value };

    append_batch(&r, 1, offset, &keyed_plain);
}

static void put_random(int keys, enum od_compress codec, int64_t timestamp)
{
    struct keyed v[20];
    struct keyed_batch b = keyed_plain;
    int n = 1 + roll(20);
    int64_t end = od_plog_end_offset(log_);

    b.codec = codec;
    for (int i = 0; i < n; i++)
        v[i] = (struct keyed){ end + i, timestamp + roll(50), roll(30) ? roll(keys) : NO_KEY,
                               roll(6) ? roll(1000000) : NO_VALUE };
    append_batch(v, n, end + n - 1, &b);
}

static void flush_whole(void)
{
    while (od_plog_dirty(log_))
        CHECK_OK(flush_now(log_));
}

static void new_segment(void)
{
    flush_whole();
    CHECK_OK(od_plog_roll(log_));
    flush_whole();
}

/* Cleans and checks; returns the outcome's offset. */
static int64_t clean_at(int64_t now_ms)
{
    struct od_plog_clean_options o = clean_options(now_ms);
    struct od_clean_result r;

    CHECK_OK(clean_whole(log_, &o, 500, &r));
    model_clean(&model, r.cleaned_offset, now_ms, o.delete_retention_ms);
    model_check(&model, log_);
    return r.cleaned_offset;
}

TEST(only_the_last_record_of_each_key_stays)
{
    setup("last");
    for (int i = 0; i < 100; i++)
        put(i % 7, i, 1000 + i);
    new_segment();
    CHECK_EQ(clean_at(2000), 100);
    for (int i = 0, left = 0; i < model.n; i++) {
        left += !model.v[i].gone;
        CHECK(i + 1 < model.n || left == 7);
    }
    CHECK_EQ(od_plog_end_offset(log_), 100);
    put(3, 5, 3000);
    model_check(&model, log_);
    teardown();
}

TEST(the_active_segment_is_left_alone)
{
    setup("active");
    for (int i = 0; i < 10; i++)
        put(1, i, 1000);
    new_segment();
    for (int i = 0; i < 10; i++)
        put(1, i, 1000);
    CHECK_OK(flush_now(log_));
    CHECK_EQ(clean_at(2000), 10);
    CHECK_EQ(model.v[9].gone, false);
    teardown();
}

TEST(nothing_at_or_above_the_limit_is_touched)
{
    struct od_plog_clean_options o = clean_options(2000);
    struct od_clean_result r;

    setup("limit");
    for (int s = 0; s < 3; s++) {
        for (int i = 0; i < 10; i++)
            put(1, i, 1000);
        new_segment();
    }
    o.limit_offset = 29;
    CHECK_OK(clean_whole(log_, &o, 500, &r));
    CHECK_EQ(r.cleaned_offset, 20);
    model_clean(&model, 20, 2000, 1000);
    model_check(&model, log_);
    o.limit_offset = 9;
    CHECK_EQ(clean_whole(log_, &o, 500, &r), OD_E_NOT_FOUND);
    teardown();
}

TEST(what_no_flush_covered_is_not_cleaned)
{
    struct od_plog_clean_options o = clean_options(2000);
    struct od_clean_result r;

    setup("unflushed");
    for (int i = 0; i < 10; i++)
        put(1, i, 1000);
    CHECK_OK(od_plog_roll(log_));
    put(1, 5, 1000);
    CHECK_EQ(clean_whole(log_, &o, 500, &r), OD_E_NOT_FOUND);
    CHECK_OK(flush_now(log_));
    CHECK_EQ(clean_at(2000), 10);
    teardown();
}

TEST(a_tombstone_outlives_its_first_clean_by_the_delete_retention)
{
    setup("tombstone");
    put(1, 10, 1000);
    put(2, 20, 1000);
    put(1, NO_VALUE, 1000);
    new_segment();
    clean_at(5000); /* the horizon is 6000 */
    CHECK(!model.v[2].gone);
    put(3, 1, 1000);
    new_segment();
    clean_at(5999);
    CHECK(!model.v[2].gone);
    put(3, 2, 1000);
    new_segment();
    clean_at(6000);
    CHECK(model.v[2].gone);
    teardown();
}

TEST(a_later_value_takes_the_tombstone_away)
{
    setup("revived");
    put(1, 10, 1000);
    put(1, NO_VALUE, 1000);
    put(1, 11, 1000);
    new_segment();
    clean_at(5000);
    CHECK(model.v[1].gone);
    CHECK(!model.v[2].gone);
    teardown();
}

TEST(a_map_that_is_too_small_takes_several_cleans)
{
    struct od_plog_clean_options o = clean_options(2000);
    struct od_clean_result r;
    int64_t before = 0;
    int rounds = 0;

    setup("passes");
    for (int i = 0; i < 400; i++)
        put(i % 50, i, 1000);
    new_segment();
    o.map_bytes_max = 12 * OD_CLEAN_SLOT_BYTES;
    while (clean_whole(log_, &o, 500, &r) == OD_NONE) {
        CHECK(r.cleaned_offset > before);
        before = r.cleaned_offset;
        model_clean(&model, r.cleaned_offset, 2000, 1000);
        model_check(&model, log_);
        rounds++;
        CHECK_EQ(r.full, r.cleaned_offset < 400);
    }
    CHECK_EQ(before, 400);
    CHECK(rounds > 5);
    teardown();
}

TEST(segments_become_one_up_to_the_size_of_a_segment)
{
    setup("group");
    for (int i = 0; i < 400; i++)
        put(i % 10, i, 1000);
    new_segment();
    CHECK(log_->n_segments > 5);
    for (int i = 0; i < 3; i++) {
        clean_at(2000);
        put(1, 1, 1000);
        new_segment();
    }
    CHECK_EQ(log_->n_segments, 3);
    CHECK(od_plog_size_bytes(log_) < 3000);
    teardown();
}

static int empties(void)
{
    static uint8_t data[100000];
    int64_t offset = 0;
    int n = 0;

    while (offset < od_plog_end_offset(log_)) {
        struct od_batch_head h;
        size_t len;

        CHECK_OK(read_at(log_, offset, INT64_MAX, 1, true, data, sizeof(data), &len));
        CHECK(od_batch_head_read(data, &h));
        n += od_be32_load(data + 57) == 0;
        offset = h.last_offset + 1;
    }
    return n;
}

TEST(the_last_batch_of_the_cleaned_part_stays_empty_and_empties_do_not_pile_up)
{
    setup("empty");
    for (int round = 0; round < 6; round++) {
        for (int i = 0; i < 10; i++)
            put(i % 5, i, 1000);
        put(NO_KEY, 1, 1000);
        new_segment();
        clean_at(2000);
        CHECK_EQ(empties(), 1);
    }
    teardown();
}

TEST(a_rewritten_batch_keeps_its_offsets_producer_and_codec)
{
    for (int codec = OD_COMPRESS_NONE; codec <= OD_COMPRESS_ZSTD; codec++) {
        struct keyed_batch b = { .codec = (enum od_compress)codec, .producer_id = 77, .epoch = 3,
                                 .sequence = 900 };
        static uint8_t data[10000];
        struct od_batch_header h;
        struct keyed v[10];
        char name[24];
        size_t len;

        snprintf(name, sizeof(name), "codec%d", codec);
        setup(name);
        for (int i = 0; i < 10; i++)
            v[i] = (struct keyed){ i, 1000 + i, i % 5, i == 7 ? NO_VALUE : i };
        append_batch(v, 10, 12, &b);
        new_segment();
        clean_at(2000);
        CHECK_OK(read_at(log_, 0, INT64_MAX, 1, true, data, sizeof(data), &len));
        CHECK_OK(od_batch_parse(data, len, &h));
        CHECK_EQ(h.base_offset, 0);
        CHECK_EQ(h.last_offset_delta, 12);
        CHECK_EQ(h.count, 5);
        CHECK_EQ(h.producer_id, 77);
        CHECK_EQ(h.producer_epoch, 3);
        CHECK_EQ(h.base_sequence, 900);
        CHECK_EQ(h.attributes, codec | OD_BATCH_DELETE_HORIZON);
        CHECK_EQ(h.base_timestamp, 3000);
        CHECK_EQ(h.max_timestamp, 1009);
        teardown();
    }
}

TEST(a_batch_that_loses_nothing_stays_as_it_is)
{
    static uint8_t before[10000], after[10000];
    size_t len, len_after;

    setup("same");
    for (int i = 0; i < 10; i++)
        put(i, i, 1000);
    CHECK_OK(read_at(log_, 0, INT64_MAX, 10000, true, before, sizeof(before), &len));
    new_segment();
    clean_at(2000);
    CHECK_OK(read_at(log_, 0, INT64_MAX, 10000, true, after, sizeof(after), &len_after));
    CHECK_EQ(len, len_after);
    CHECK_MEM(before, after, len);
    teardown();
}

TEST(a_cleaned_log_is_the_same_after_a_restart)
{
    setup("restart");
    for (int i = 0; i < 300; i++)
        put(i % 20, i, 1000 + i);
    new_segment();
    put(2, 2, 3000);
    clean_at(2000);
    CHECK_OK(flush_now(log_));
    restart(true);
    model_check(&model, log_);
    CHECK_EQ(log_->entry->cleaned, 300);
    CHECK_OK(od_storage_checkpoint(store));
    restart(false);
    model_check(&model, log_);
    CHECK_EQ(log_->entry->cleaned, 300);
    teardown();
}

TEST(gaps_stay_readable_when_the_topic_is_no_longer_compacted)
{
    struct od_plog_config c = config();

    setup("policy");
    for (int i = 0; i < 300; i++)
        put(i % 20, i, 1000 + i);
    new_segment();
    clean_at(2000);
    put(1, 1, 1000);
    CHECK_OK(flush_now(log_));
    c.gaps_allowed = false;
    od_plog_configure(log_, &c);
    model_check(&model, log_);
    od_storage_abandon(store);
    CHECK_OK(store_open(path, &store));
    CHECK_OK(log_open(store, &c, &log_));
    model_check(&model, log_);
    CHECK(!od_plog_damaged(log_));
    teardown();
}

TEST(a_clean_that_is_stopped_leaves_the_log_as_it_was)
{
    struct od_plog_clean_options o = clean_options(2000);
    struct od_plog_clean *c;
    struct od_clean_result r;
    int64_t bytes;

    setup("stop");
    for (int i = 0; i < 100; i++)
        put(i % 3, i, 1000);
    new_segment();
    CHECK_OK(od_plog_clean_begin(log_, &o, &c));
    CHECK_EQ(od_plog_clean_begin(log_, &o, &c), OD_E_BUSY);
    c = log_->clean;
    while (c->phase != OD_CLEAN_COPY || !c->made)
        CHECK_EQ(od_plog_clean_run(c, 1, &bytes), OD_CLEAN_MORE);
    od_plog_clean_stop(c);
    CHECK_EQ(od_plog_clean_run(c, 1, &bytes), OD_CLEAN_DONE);
    CHECK_EQ(od_plog_clean_end(log_, c, &r), OD_E_STALE);
    model_check(&model, log_);
    CHECK_EQ(clean_at(2000), 100);
    teardown();
}

TEST(a_cut_stops_the_clean_and_waits_for_it)
{
    struct od_plog_clean_options o = clean_options(2000);
    struct od_plog_clean *c;
    struct od_clean_result r;
    struct od_plog_cut cut;
    int64_t bytes;

    setup("cut");
    for (int i = 0; i < 100; i++)
        put(i % 3, i, 1000);
    new_segment();
    CHECK_OK(od_plog_clean_begin(log_, &o, &c));
    CHECK_EQ(od_plog_cut_begin(log_, 50, &cut), OD_E_BUSY);
    CHECK_EQ(od_plog_clean_run(c, 1000, &bytes), OD_CLEAN_DONE);
    CHECK_EQ(od_plog_clean_end(log_, c, &r), OD_E_STALE);
    CHECK_EQ(clean_at(2000), 100);
    CHECK_OK(od_plog_cut_begin(log_, 98, &cut));
    od_plog_cut_run(&cut);
    CHECK_OK(od_plog_cut_end(log_, &cut));
    CHECK_EQ(log_->entry->cleaned, od_plog_end_offset(log_));
    teardown();
}

TEST(a_deleted_log_ends_its_clean)
{
    struct od_plog_clean_options o = clean_options(2000);
    struct od_plog_clean *c;
    struct od_plog_trash trash;
    int64_t bytes;

    setup("deleted");
    for (int i = 0; i < 100; i++)
        put(i % 3, i, 1000);
    new_segment();
    CHECK_OK(od_plog_clean_begin(log_, &o, &c));
    CHECK_EQ(od_plog_clean_run(c, 1000, &bytes), OD_CLEAN_MORE);
    od_plog_delete(log_, &trash);
    CHECK_OK(od_plog_trash_run(&trash));
    CHECK_EQ(od_plog_clean_run(c, 1000, &bytes), OD_CLEAN_DONE);
    od_plog_clean_drop(c);
    CHECK_OK(od_storage_close(store, 1));
}

TEST(a_reader_with_the_file_open_finishes_and_one_with_a_place_locates_again)
{
    struct od_plog_want want = { 0, INT64_MAX, 1 << 20, true };
    struct od_plog_place place[2];
    struct od_plog_range range, stale;
    uint8_t byte[61];
    size_t got;

    setup("readers");
    for (int i = 0; i < 20; i++)
        put(1, i, 1000);
    new_segment();
    restart(true); /* so that no file is open */
    CHECK_OK(flush_now(log_));
    put(1, 1, 1000);
    new_segment();
    CHECK_OK(od_plog_locate(log_, &want, &place[0]));
    CHECK_OK(od_plog_locate(log_, &want, &place[1]));
    CHECK_OK(od_plog_scan(&place[0], true, &range));
    clean_at(2000);
    CHECK_OK(od_file_read(range.file, byte, sizeof(byte), range.pos, &got));
    CHECK_EQ(got, sizeof(byte));
    CHECK_EQ(od_be32_load(byte + 57), 1); /* the old batch, with its record */
    od_plog_range_release(&range);
    od_plog_place_release(&place[0]);
    od_filecache_drop(&store->cache, &place[1].segment->file); /* as if evicted */
    CHECK_EQ(od_plog_scan(&place[1], true, &stale), OD_E_STALE);
    od_plog_place_release(&place[1]);
    teardown();
}

TEST(damage_makes_a_log_uncleanable_and_takes_nothing)
{
    struct od_plog_clean_options o = clean_options(2000);
    struct od_clean_result r;
    struct od_file *f;
    size_t put_bytes;
    char name[400];

    setup("damage");
    for (int i = 0; i < 20; i++)
        put(i % 3, i, 1000);
    new_segment();
    od_segment_path(log_->segments[0], "log", name, sizeof(name));
    CHECK_OK(od_file_open(name, OD_FILE_WRITE, &f));
    CHECK_OK(od_file_write(f, &(struct od_span){ "x", 1 }, 1, 300, &put_bytes));
    od_file_close(f);
    CHECK_EQ(clean_whole(log_, &o, 500, &r), OD_CORRUPT_MESSAGE);
    CHECK(!od_storage_fenced(store));
    CHECK_EQ(log_->segments[0]->end_offset, 20);
    teardown();
}

/* Random batches, codecs, tombstones, map sizes, slices and restarts, against the model. */
static void random_life(uint64_t seed)
{
    char name[32];
    int64_t now = 100000;

    snprintf(name, sizeof(name), "random%llu", (unsigned long long)seed);
    setup(name);
    random_state = seed;
    for (int round = 0; round < 8; round++) {
        struct od_plog_clean_options o;
        struct od_clean_result r;
        enum od_err err;

        for (int i = roll(40); i >= 0; i--)
            put_random(1 + roll(60), (enum od_compress)roll(5), now);
        if (roll(3))
            new_segment();
        flush_whole();
        now += roll(2000);
        o = clean_options(now);
        o.map_bytes_max = roll(2) ? 1 << 20 : (2 + roll(60)) * OD_CLEAN_SLOT_BYTES;
        o.io_bytes = roll(2) ? 100 : 1 << 20;
        err = clean_whole(log_, &o, 1 + roll(3000), &r);
        CHECK(!err || err == OD_E_NOT_FOUND);
        if (!err)
            model_clean(&model, r.cleaned_offset, now, o.delete_retention_ms);
        model_check(&model, log_);
        if (!roll(3))
            restart(roll(2));
        model_check(&model, log_);
    }
    teardown();
}

TEST(many_random_lives_leave_what_the_model_leaves)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        print_message("seed %llu\n", (unsigned long long)seed);
        random_life(seed);
    }
}
