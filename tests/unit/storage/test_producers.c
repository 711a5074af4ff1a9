/* SPDX-License-Identifier: Apache-2.0 */
/* Producer state and transaction index through rolls, restarts, cuts and damage. */
#include "producers.h"

#include "base/arena.h"

#include <sys/stat.h>

static const struct od_plog_config small = { .segment_bytes = 2000,
                                             .segment_index_bytes = 10 << 20,
                                             .index_interval_bytes = 4096,
                                             .segment_ms = INT64_MAX };

struct bench {
    char path[200];
    struct od_storage *s;
    struct od_plog *p;
};

static void bench_open(struct bench *b)
{
    CHECK_OK(store_open(b->path, &b->s));
    CHECK_OK(log_open(b->s, &small, &b->p));
}

static struct bench bench_new(void)
{
    static int count;
    struct bench b = { 0 };

    snprintf(b.path, sizeof(b.path), "%s/%d", test_dir(), count++);
    bench_open(&b);
    return b;
}

static void bench_restart(struct bench *b)
{
    od_plog_close(b->p);
    CHECK_OK(od_storage_close(b->s, 1));
    bench_open(b);
}

static void bench_crash(struct bench *b)
{
    od_storage_abandon(b->s);
    bench_open(b);
}

static void bench_end(struct bench *b)
{
    od_storage_abandon(b->s);
}

static void all_is_final(struct bench *b)
{
    CHECK_OK(flush_now(b->p));
    od_plog_set_high_watermark(b->p, od_plog_end_offset(b->p));
}

/* The offset that batch (sequence, count) of the producer is known by; -1: not known. */
static int64_t known_at(const struct bench *b, int64_t id, int32_t sequence, int32_t count)
{
    struct od_producer_stage *stage = OD_NEW(struct od_producer_stage);
    const struct od_producers *t = od_plog_producers(b->p);
    const struct od_producer *p = t ? od_producers_find(t, id) : NULL;
    struct od_producer_verdict v;

    od_producer_stage_begin(stage, t);
    od_producer_check(stage,
                      &(struct od_producer_batch){ .producer_id = id,
                                                   .epoch = p ? p->epoch : 0,
                                                   .first_sequence = sequence,
                                                   .last_sequence = sequence + count - 1 },
                      &v);
    od_free(stage);
    return v.duplicate ? v.base_offset : -1;
}

static void path_in(const struct bench *b, const char *name, char out[300])
{
    snprintf(out, 300, "%s/events-0/%s", b->path, name);
}

static bool exists(const struct bench *b, const char *name)
{
    char path[300];
    struct stat st;

    path_in(b, name, path);
    return stat(path, &st) == 0;
}

/* Changes one byte of a file. */
static void damage(const struct bench *b, const char *name, long pos)
{
    char path[300];
    FILE *f;
    int c;

    path_in(b, name, path);
    f = fopen(path, "r+b");
    CHECK(f != NULL);
    fseek(f, pos, SEEK_SET);
    c = fgetc(f);
    fseek(f, pos, SEEK_SET);
    fputc(c ^ 1, f);
    fclose(f);
}

static void remove_in(const struct bench *b, const char *name)
{
    char path[300];

    path_in(b, name, path);
    CHECK_EQ(unlink(path), 0);
}

/* --- windows --------------------------------------------------------------------------------- */

TEST(five_batches_are_known_after_a_clean_restart)
{
    struct bench b = bench_new();

    for (int i = 0; i < 6; i++)
        CHECK_OK(produce(b.p, 7, 0, i * 3, 3, false));
    all_is_final(&b);
    bench_restart(&b);
    CHECK_EQ(known_at(&b, 7, 0, 3), -1);
    for (int i = 1; i < 6; i++)
        CHECK_EQ(known_at(&b, 7, i * 3, 3), i * 3);
    CHECK_EQ(known_at(&b, 8, 3, 3), -1);
    CHECK_EQ(od_plog_end_offset(b.p), 18);
    bench_end(&b);
}

TEST(five_batches_on_both_sides_of_a_roll_are_known_after_a_crash)
{
    struct bench b = bench_new();
    int n = 0;

    while (b.p->n_segments < 2)
        CHECK_OK(produce(b.p, 7, 0, n++, 1, false));
    CHECK_OK(produce(b.p, 7, 0, n++, 1, false));
    all_is_final(&b);
    CHECK_OK(od_storage_checkpoint(b.s));
    CHECK(b.p->segments[1]->snapshot == NULL);
    bench_crash(&b);
    for (int i = n - 5; i < n; i++)
        CHECK_EQ(known_at(&b, 7, i, 1), i);
    CHECK_EQ(known_at(&b, 7, n - 6, 1), -1);
    bench_end(&b);
}

TEST(a_log_without_producers_keeps_no_state)
{
    struct bench b = bench_new();

    CHECK_OK(append_one(b.p, 5, 0, 1000, 100));
    all_is_final(&b);
    CHECK(od_plog_producers(b.p) == NULL);
    bench_restart(&b);
    CHECK(od_plog_producers(b.p) == NULL);
    bench_crash(&b);
    CHECK(od_plog_producers(b.p) == NULL);
    CHECK(!exists(&b, "00000000000000000005.snapshot"));
    bench_end(&b);
}

TEST(a_producer_outlives_its_records)
{
    struct bench b = bench_new();
    struct od_plog_retention r = { .now_ms = 0, .retention_ms = -1, .retention_bytes = 0 };
    struct od_plog_trash trash;

    CHECK_OK(produce(b.p, 7, 0, 0, 3, false));
    while (b.p->n_segments < 3)
        CHECK_OK(produce(b.p, 8, 0, (int32_t)od_plog_end_offset(b.p), 1, false));
    all_is_final(&b);
    r.limit_offset = od_plog_end_offset(b.p);
    CHECK(od_plog_retain(b.p, &r, &trash));
    CHECK_OK(od_plog_trash_run(&trash));
    CHECK(od_plog_start_offset(b.p) > 3);
    CHECK_EQ(known_at(&b, 7, 0, 3), 0);
    bench_restart(&b);
    CHECK_EQ(known_at(&b, 7, 0, 3), 0);
    CHECK_OK(od_storage_checkpoint(b.s));
    bench_crash(&b);
    CHECK_EQ(known_at(&b, 7, 0, 3), 0);
    od_plog_expire_producers(b.p, 1000000, 1);
    CHECK_EQ(known_at(&b, 7, 0, 3), -1);
    bench_end(&b);
}

/* --- snapshots ------------------------------------------------------------------------------- */

TEST(a_snapshot_file_is_kafkas)
{
    static const uint8_t expected[] = {
        0, 1, /* version */
        0, 0, 0, 0, /* checksum, see below */
        0, 0, 0, 1, /* one entry */
        0, 0, 0, 0, 0, 0, 0, 7, 0, 2, 0, 0, 0, 11, /* id, epoch, last sequence */
        0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 2, /* last offset, delta */
        0, 0, 0, 0, 0, 0, 3, 232, /* timestamp */
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, /* coordinator, txn */
    };
    struct bench b = bench_new();
    uint8_t data[sizeof(expected) + 1];
    char path[300];
    FILE *f;

    CHECK_OK(produce(b.p, 7, 2, 9, 3, false));
    all_is_final(&b);
    bench_restart(&b);
    path_in(&b, "00000000000000000003.snapshot", path);
    f = fopen(path, "rb");
    CHECK(f != NULL);
    CHECK_EQ(fread(data, 1, sizeof(data), f), sizeof(expected));
    fclose(f);
    CHECK_EQ(od_be32_load(data + 2), od_crc32c(data + 6, sizeof(expected) - 6));
    memset(data + 2, 0, 4);
    CHECK_MEM(data, expected, sizeof(expected));
    bench_end(&b);
}

TEST(a_damaged_snapshot_is_removed_and_the_log_read_instead)
{
    for (long pos = 0; pos < 52; pos++) {
        struct bench b = bench_new();

        CHECK_OK(produce(b.p, 7, 0, 0, 3, false));
        all_is_final(&b);
        od_plog_close(b.p);
        CHECK_OK(od_storage_close(b.s, 1));
        damage(&b, "00000000000000000003.snapshot", pos);
        bench_open(&b);
        CHECK_EQ(known_at(&b, 7, 0, 3), 0);
        CHECK(!exists(&b, "00000000000000000003.snapshot"));
        bench_end(&b);
    }
}

TEST(a_missing_snapshot_is_made_good_from_the_log)
{
    struct bench b = bench_new();

    CHECK_OK(produce(b.p, 7, 0, 0, 3, false));
    all_is_final(&b);
    od_plog_close(b.p);
    CHECK_OK(od_storage_close(b.s, 1));
    remove_in(&b, "00000000000000000003.snapshot");
    bench_open(&b);
    CHECK_EQ(known_at(&b, 7, 0, 3), 0);
    bench_end(&b);
}

TEST(a_snapshot_ahead_of_the_log_is_not_used)
{
    struct bench b = bench_new(), other = bench_new();
    char from[300], to[300], command[700];

    CHECK_OK(produce(b.p, 7, 0, 0, 3, false));
    all_is_final(&b);
    CHECK_OK(od_storage_checkpoint(b.s));
    for (int i = 0; i < 9; i++)
        CHECK_OK(produce(other.p, 7, 5, i, 1, false));
    all_is_final(&other);
    bench_restart(&other);
    path_in(&other, "00000000000000000009.snapshot", from);
    od_storage_abandon(b.s);
    path_in(&b, "00000000000000000009.snapshot", to);
    snprintf(command, sizeof(command), "cp %s %s", from, to);
    CHECK_EQ(system(command), 0);
    path_in(&b, "00000000000000000002.snapshot", to); /* and one of the wrong offset */
    snprintf(command, sizeof(command), "cp %s %s", from, to);
    CHECK_EQ(system(command), 0);
    bench_open(&b);
    CHECK_EQ(known_at(&b, 7, 0, 3), 0);
    CHECK_EQ(od_producers_find(od_plog_producers(b.p), 7)->epoch, 0);
    CHECK(!exists(&b, "00000000000000000009.snapshot"));
    CHECK(!exists(&b, "00000000000000000002.snapshot"));
    bench_end(&b);
    bench_end(&other);
}

/* --- transactions ---------------------------------------------------------------------------- */

static void check_aborted(struct bench *b)
{
    struct od_aborted_txn t[2];

    CHECK_EQ(od_plog_aborted(b->p, 0, 100, t, 2), 1);
    CHECK_EQ(t[0].producer_id, 7);
    CHECK_EQ(t[0].first_offset, 0);
    CHECK_EQ(t[0].last_offset, 6);
    CHECK_EQ(t[0].last_stable_offset, 3);
    CHECK_EQ(od_plog_aborted(b->p, 6, 7, t, 2), 1);
    CHECK_EQ(od_plog_aborted(b->p, 7, 100, t, 2), 0);
    CHECK_EQ(od_plog_aborted(b->p, 0, 0, t, 2), 0);
    CHECK_EQ(od_plog_aborted(b->p, 0, 1, t, 2), 1);
    CHECK_EQ(od_plog_first_unstable(b->p), 3);
}

/* 0-2 of 7, 3-5 of 8, 6 aborts 7; 8 stays open. */
static struct bench with_abort(void)
{
    struct bench b = bench_new();

    CHECK_OK(produce(b.p, 7, 0, 0, 3, true));
    CHECK_OK(produce(b.p, 8, 0, 0, 3, true));
    CHECK_OK(mark(b.p, 7, 0, false));
    return b;
}

TEST(an_abort_is_known_through_restarts)
{
    struct bench b = with_abort();

    CHECK_EQ(od_plog_first_unstable(b.p), 0);
    all_is_final(&b);
    check_aborted(&b);
    bench_restart(&b);
    check_aborted(&b);
    CHECK_OK(od_storage_checkpoint(b.s));
    bench_crash(&b);
    check_aborted(&b);
    bench_end(&b);
}

TEST(an_aborted_transaction_is_unstable_until_the_marker_is_below_the_high_watermark)
{
    struct bench b = with_abort();

    CHECK_OK(flush_now(b.p));
    od_plog_set_high_watermark(b.p, 6);
    CHECK_EQ(od_plog_first_unstable(b.p), 0);
    bench_restart(&b);
    CHECK_EQ(od_plog_first_unstable(b.p), 0);
    CHECK_OK(od_storage_checkpoint(b.s));
    bench_crash(&b);
    CHECK_EQ(od_plog_first_unstable(b.p), 0);
    od_plog_set_high_watermark(b.p, 7);
    CHECK_EQ(od_plog_first_unstable(b.p), 3);
    bench_end(&b);
}

TEST(a_transaction_index_file_is_kafkas)
{
    static const uint8_t expected[] = {
        0, 0, 0, 0, 0, 0, 0, 0, 0, 7, /* version, producer */
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 3,
    };
    struct bench b = with_abort();
    uint8_t data[sizeof(expected) + 1];
    char path[300];
    FILE *f;

    CHECK_OK(flush_now(b.p));
    path_in(&b, "00000000000000000000.txnindex", path);
    f = fopen(path, "rb");
    CHECK(f != NULL);
    CHECK_EQ(fread(data, 1, sizeof(data), f), sizeof(expected));
    fclose(f);
    CHECK_MEM(data, expected, sizeof(expected));
    bench_end(&b);
}

TEST(a_changed_transaction_index_is_made_anew_after_a_clean_stop)
{
    for (long pos = 0; pos < OD_ABORTED_BYTES; pos++) {
        struct bench b = with_abort();

        all_is_final(&b);
        od_plog_close(b.p);
        CHECK_OK(od_storage_close(b.s, 1));
        damage(&b, "00000000000000000000.txnindex", pos);
        bench_open(&b);
        check_aborted(&b);
        all_is_final(&b);
        bench_restart(&b);
        check_aborted(&b);
        bench_end(&b);
    }
}

TEST(a_committed_transaction_leaves_no_entry)
{
    struct bench b = bench_new();
    struct od_aborted_txn t[1];

    CHECK_OK(produce(b.p, 7, 0, 0, 3, true));
    CHECK_OK(mark(b.p, 7, 0, true));
    all_is_final(&b);
    CHECK_EQ(od_plog_aborted(b.p, 0, 100, t, 1), 0);
    CHECK_EQ(od_plog_first_unstable(b.p), INT64_MAX);
    CHECK(!exists(&b, "00000000000000000000.txnindex"));
    bench_end(&b);
}

static void cut_to(struct bench *b, int64_t offset)
{
    struct od_plog_cut cut;

    CHECK_OK(od_plog_cut_begin(b->p, offset, &cut));
    od_plog_cut_run(&cut);
    CHECK_OK(od_plog_cut_end(b->p, &cut));
}

TEST(a_cut_opens_the_transaction_again)
{
    struct bench b = with_abort();
    struct od_aborted_txn t[1];

    CHECK_OK(flush_now(b.p));
    cut_to(&b, 6);
    CHECK_EQ(od_plog_aborted(b.p, 0, 100, t, 1), 0);
    CHECK_EQ(od_plog_first_unstable(b.p), 0);
    mark(b.p, 8, 0, false); /* at 6 */
    all_is_final(&b);
    CHECK_EQ(od_plog_aborted(b.p, 0, 100, t, 1), 1);
    CHECK_EQ(t[0].producer_id, 8);
    bench_restart(&b);
    CHECK_EQ(od_plog_aborted(b.p, 0, 100, t, 1), 1);
    CHECK_EQ(t[0].producer_id, 8);
    bench_end(&b);
}

/* --- against recomputation ------------------------------------------------------------------- */

static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

static void random_write(struct bench *b, uint64_t *r)
{
    int64_t id = (int64_t)(next_random(r) % 5);
    const struct od_producers *t = od_plog_producers(b->p);
    const struct od_producer *p = t ? od_producers_find(t, id) : NULL;
    int16_t epoch = p ? p->epoch : 0;
    int32_t next = p && p->done_count ? p->done[p->done_count - 1].last_sequence + 1 : 0;
    bool open = p && p->txn_first_offset >= 0;

    if (next_random(r) % 4 == 0)
        CHECK_OK(mark(b->p, id, (int16_t)(epoch + next_random(r) % 2), next_random(r) % 2));
    else
        CHECK_OK(produce(b->p, id, epoch, next, 1 + (int32_t)(next_random(r) % 3),
                         open || next_random(r) % 2));
}

static void random_step(struct bench *b, uint64_t *r)
{
    int64_t hw = od_plog_high_watermark(b->p), end = od_plog_end_offset(b->p);

    switch (next_random(r) % 16) {
    case 0:
        bench_restart(b);
        return;
    case 1:
        bench_crash(b);
        return;
    case 2:
        CHECK_OK(flush_now(b->p));
        CHECK_OK(od_storage_checkpoint(b->s));
        return;
    case 3:
        cut_to(b, hw + (int64_t)(next_random(r) % (uint64_t)(end - hw + 1)));
        return;
    case 4:
        CHECK_OK(flush_now(b->p));
        return;
    case 5:
        od_plog_set_high_watermark(b->p, hw + (int64_t)(next_random(r) % (uint64_t)(end - hw + 1)));
        return;
    default:
        random_write(b, r);
    }
}

TEST(the_state_is_what_the_log_says_at_every_step)
{
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct bench b = bench_new();
        uint64_t r = seed;

        for (int i = 0; i < 150; i++) {
            random_step(&b, &r);
            check_against_log(b.p);
        }
        bench_end(&b);
    }
}
