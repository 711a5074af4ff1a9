/* SPDX-License-Identifier: Apache-2.0 */
/* Lookup by timestamp: the exact record, whatever the indexes know or claim. */
#include "fixture.h"

enum { BATCHES = 160, PER_BATCH = 4, RECORDS = BATCHES * PER_BATCH };

static char path[256];
static int number;
static int64_t times[RECORDS];

static const char *fresh(void)
{
    snprintf(path, sizeof(path), "%s/t%d", test_dir(), number++);
    return path;
}

static struct od_plog_config small(void)
{
    struct od_plog_config c = OD_PLOG_CONFIG_DEFAULT;

    c.segment_bytes = 3500;
    c.index_interval_bytes = 200;
    return c;
}

/* Timestamps that rise with dents, so that neither batches nor segments are in order. */
static int64_t time_of(int64_t offset)
{
    return 10000 + offset * 10 - (offset % 7) * 25 + (offset % 3) * 5;
}

static void fill(struct od_plog *p)
{
    static uint8_t data[2][4096];

    for (int i = 0; i < BATCHES; i++) {
        struct od_batch_header h = od_batch_plain(od_plog_end_offset(p), 3);
        struct od_bytes value = { (const uint8_t *)"some value or other", 19 };
        struct od_batch_builder b;
        struct od_plog_batch batch;
        size_t len;
        int done;

        od_batch_begin(&b, data[0], sizeof(data[0]), &h);
        for (int64_t k = 0; k < PER_BATCH; k++) {
            times[h.base_offset + k] = time_of(h.base_offset + k);
            od_batch_add(&b, times[h.base_offset + k], (struct od_bytes){ 0 }, value, NULL, 0);
        }
        CHECK_OK(od_batch_end(&b, &len));
        if (i % 2) {
            CHECK_OK(od_batch_repack(OD_COMPRESS_LZ4, 0, (struct od_bytes){ data[0], len }, data[1],
                                     sizeof(data[1]), &len));
            batch = batch_of(data[1], len);
        } else {
            batch = batch_of(data[0], len);
        }
        CHECK_OK(od_plog_append(p, &batch, 1, &done));
        if (i % 9 == 0)
            CHECK_OK(flush_now(p));
    }
}

static int64_t find(struct od_plog *p, int64_t timestamp, int64_t limit)
{
    struct od_plog_found found = { .next_offset = 0 };
    struct od_plog_place place;

    for (int steps = 0; found.next_offset >= 0 && steps < 100; steps++) {
        CHECK_OK(od_plog_locate_time(p, timestamp, found.next_offset, limit, &place));
        CHECK_OK(od_plog_scan_time(&place, &found));
        od_plog_place_release(&place);
    }
    if (found.offset >= 0) {
        CHECK_EQ(found.timestamp, times[found.offset]);
        CHECK_EQ(found.leader_epoch, 3);
    }
    return found.offset;
}

static int64_t naive(int64_t timestamp, int64_t start, int64_t limit)
{
    for (int64_t offset = start; offset < limit; offset++)
        if (times[offset] >= timestamp)
            return offset;
    return -1;
}

static void check_all(struct od_plog *p, int64_t start)
{
    int64_t newest = start;

    for (int64_t t = 9000; t < 17000; t += 23)
        CHECK_EQ(find(p, t, RECORDS), naive(t, start, RECORDS));
    for (int64_t t = 9000; t < 17000; t += 331)
        CHECK_EQ(find(p, t, RECORDS / 2), naive(t, start, RECORDS / 2));
    for (int64_t offset = start; offset < RECORDS; offset++)
        if (times[offset] > times[newest])
            newest = offset;
    CHECK_EQ(find(p, OD_PLOG_TIME_MAX, RECORDS), newest);
    CHECK_EQ(find(p, OD_PLOG_TIME_MAX, newest), -1);
}

TEST(the_exact_record_is_found_in_every_life)
{
    struct od_plog_config c = small();
    struct od_storage *s;
    struct od_plog *p;

    CHECK_OK(store_open(fresh(), &s));
    CHECK_OK(log_open(s, &c, &p));
    CHECK_EQ(find(p, 0, RECORDS), -1);
    CHECK_EQ(find(p, OD_PLOG_TIME_MAX, RECORDS), -1);
    fill(p);
    CHECK(p->n_segments > 4);
    check_all(p, 0);
    CHECK_OK(flush_now(p));
    CHECK(!p->segments[0]->index);
    check_all(p, 0);
    od_plog_set_start_offset(p, 150);
    check_all(p, 150);
    CHECK_OK(od_storage_close(s, 1));

    CHECK_OK(store_open(path, &s)); /* clean */
    CHECK_OK(log_open(s, &c, &p));
    check_all(p, 150);
    od_storage_abandon(s);

    CHECK_OK(store_open(path, &s)); /* recovered */
    CHECK_OK(log_open(s, &c, &p));
    CHECK(!p->segments[0]->times_known);
    check_all(p, 150);
    CHECK(p->segments[p->n_segments - 2]->times_known);
    od_storage_abandon(s);
}

/* Lets damage change the index files of a cleanly stopped log, then asks for everything. */
static void with_wrong_files(const char *suffix, void (*damage)(const char *file))
{
    struct od_plog_config c = small();
    struct od_storage *s;
    struct od_plog *p;

    CHECK_OK(store_open(fresh(), &s));
    CHECK_OK(log_open(s, &c, &p));
    fill(p);
    for (int i = 0; i < p->n_segments; i++)
        CHECK_OK(flush_now(p));
    for (int clean = 1; clean >= 0; clean--) {
        int64_t bases[64];
        int n = p->n_segments;
        char file[400];
        uint8_t out[8192];

        for (int i = 0; i < n; i++)
            bases[i] = p->segments[i]->base_offset;
        if (clean)
            CHECK_OK(od_storage_close(s, 1));
        else
            od_storage_abandon(s);
        for (int i = 0; i < n; i++) {
            snprintf(file, sizeof(file), "%s/events-0/%020lld.%s", path, (long long)bases[i],
                     suffix);
            damage(file);
        }
        CHECK_OK(store_open(path, &s));
        CHECK_OK(log_open(s, &c, &p));
        check_all(p, 0);
        for (int64_t offset = 0; offset < RECORDS; offset++) {
            struct od_batch_head h;
            size_t len;

            CHECK_OK(read_at(p, offset, RECORDS, 500, true, out, sizeof(out), &len));
            CHECK(len && od_batch_head_read(out, &h));
            CHECK_EQ(h.base_offset, offset / PER_BATCH * PER_BATCH);
        }
    }
    od_storage_abandon(s);
}

static void remove_it(const char *file)
{
    remove(file);
}

static void change(const char *file, bool (*each)(uint8_t *data, size_t len))
{
    uint8_t data[4096];
    size_t len;
    FILE *f = fopen(file, "r+b");

    if (!f)
        return;
    len = fread(data, 1, sizeof(data), f);
    if (each(data, len)) {
        rewind(f);
        CHECK_EQ(fwrite(data, 1, len, f), len);
    } else {
        CHECK_EQ(ftruncate(fileno(f), (off_t)len / 2 - 3), 0);
    }
    fclose(f);
}

static bool zero(uint8_t *data, size_t len)
{
    memset(data, 0, len);
    return true;
}

static void zero_it(const char *file)
{
    change(file, zero);
}

static bool nothing(uint8_t *data, size_t len)
{
    (void)data;
    return len < 16;
}

static void halve_it(const char *file)
{
    change(file, nothing);
}

/* Right in shape, wrong in content: every entry claims what its successor should. */
static bool shift(uint8_t *data, size_t len)
{
    if (len > 24)
        memmove(data, data + 12, len - 12);
    return true;
}

static void shift_it(const char *file)
{
    change(file, shift);
}

/* Offsets stay, positions or times move a little. */
static bool nudge(uint8_t *data, size_t len)
{
    for (size_t i = 7; i < len; i += 8)
        data[i] = (uint8_t)(data[i] + 61);
    return true;
}

static void nudge_it(const char *file)
{
    change(file, nudge);
}

TEST(a_missing_index_costs_time_only)
{
    with_wrong_files("index", remove_it);
    with_wrong_files("timeindex", remove_it);
}

TEST(a_zeroed_index_costs_time_only)
{
    with_wrong_files("index", zero_it);
    with_wrong_files("timeindex", zero_it);
}

TEST(a_short_index_costs_time_only)
{
    with_wrong_files("index", halve_it);
    with_wrong_files("timeindex", halve_it);
}

TEST(a_plausible_wrong_index_gives_no_wrong_answer)
{
    with_wrong_files("index", shift_it);
    with_wrong_files("timeindex", shift_it);
    with_wrong_files("index", nudge_it);
    with_wrong_files("timeindex", nudge_it);
}

TEST(a_batch_that_claims_a_far_offset_does_not_end_a_search)
{
    char file[300];
    struct od_plog_config c = small();
    struct od_plog_found found;
    struct od_plog_place place;
    struct od_storage *s;
    struct od_plog *p;
    FILE *f;

    CHECK_OK(store_open(fresh(), &s));
    CHECK_OK(log_open(s, &c, &p));
    fill(p);
    CHECK_OK(od_storage_close(s, 1));
    snprintf(file, sizeof(file), "%s/events-0/%020d.log", path, 0);
    f = fopen(file, "r+b");
    CHECK(f != NULL && !fseek(f, 3, SEEK_SET) && fputc(1, f) == 1); /* of the base offset */
    fclose(f);
    CHECK_OK(store_open(path, &s));
    CHECK_OK(log_open(s, &c, &p));
    CHECK_OK(od_plog_locate_time(p, 10000, 0, RECORDS, &place));
    CHECK_EQ(od_plog_scan_time(&place, &found), OD_CORRUPT_MESSAGE);
    od_plog_place_release(&place);
    od_storage_abandon(s);
}
