/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recovery of a small log that was cut at every byte, or had every bit turned.  What is answered is
 * what was written, or an error; what is intact stays readable.
 */
#include "fixture.h"

enum { BATCHES = 9, RECORDS = BATCHES * 3, DURABLE_BATCHES = 5, FILE_MAX = 2048 };

static char path[256], file[300], manifest[300];
static uint8_t bytes[FILE_MAX];
static size_t starts[BATCHES + 1]; /* of each batch in bytes */
static uint8_t manifest_bytes[8192];
static size_t manifest_len;
static bool lost_power;
static int number;

/* --- the system's calls, without the waiting ------------------------------------------------- */

enum od_err __real_od_file_open(const char *name, unsigned flags, struct od_file **out);
enum od_err __wrap_od_file_open(const char *name, unsigned flags, struct od_file **out);
enum od_err __real_od_file_write(struct od_file *f, const struct od_span *spans, int n,
                                 int64_t pos, size_t *put);
enum od_err __wrap_od_file_write(struct od_file *f, const struct od_span *spans, int n,
                                 int64_t pos, size_t *put);
enum od_err __wrap_od_file_sync(struct od_file *f);
enum od_err __wrap_od_dir_sync(const char *name);
enum od_err __real_od_file_truncate(struct od_file *f, int64_t len);
enum od_err __wrap_od_file_truncate(struct od_file *f, int64_t len);
enum od_err __real_od_path_rename(const char *from, const char *to);
enum od_err __wrap_od_path_rename(const char *from, const char *to);
enum od_err __real_od_path_remove(const char *name);
enum od_err __wrap_od_path_remove(const char *name);

enum od_err __wrap_od_file_open(const char *name, unsigned flags, struct od_file **out)
{
    if (lost_power && strstr(name, "boot_id"))
        return OD_E_NOT_FOUND;
    return __real_od_file_open(name, flags, out);
}

enum od_err __wrap_od_file_write(struct od_file *f, const struct od_span *spans, int n,
                                 int64_t pos, size_t *put)
{
    return __real_od_file_write(f, spans, n, pos, put);
}

enum od_err __wrap_od_file_sync(struct od_file *f)
{
    (void)f;
    return OD_NONE;
}

enum od_err __wrap_od_dir_sync(const char *name)
{
    (void)name;
    return OD_NONE;
}

enum od_err __wrap_od_file_truncate(struct od_file *f, int64_t len)
{
    return __real_od_file_truncate(f, len);
}

enum od_err __wrap_od_path_rename(const char *from, const char *to)
{
    return __real_od_path_rename(from, to);
}

enum od_err __wrap_od_path_remove(const char *name)
{
    return __real_od_path_remove(name);
}

/* --- the reference ---------------------------------------------------------------------------- */

static size_t load(const char *name, uint8_t *out, size_t size)
{
    FILE *f = fopen(name, "rb");
    size_t len = f ? fread(out, 1, size, f) : 0;

    if (f)
        fclose(f);
    return len;
}

static void save(const char *name, const uint8_t *data, size_t len)
{
    FILE *f = fopen(name, "wb");

    CHECK(f != NULL);
    CHECK_EQ(fwrite(data, 1, len, f), len);
    fclose(f);
}

/* A crashed directory: BATCHES batches, of which DURABLE_BATCHES are below the recovery point. */
static size_t make_reference(void)
{
    struct od_plog_config c = OD_PLOG_CONFIG_DEFAULT;
    struct od_storage *s;
    struct od_plog *p;

    snprintf(path, sizeof(path), "%s/d%d", test_dir(), number++);
    manifest_len = 0;
    lost_power = false;
    snprintf(file, sizeof(file), "%s/events-0/%020d.log", path, 0);
    snprintf(manifest, sizeof(manifest), "%s/odradek.manifest", path);
    CHECK_OK(store_open(path, &s));
    CHECK_OK(log_open(s, &c, &p));
    for (int i = 0; i < BATCHES; i++) {
        starts[i] = (size_t)od_plog_size_bytes(p);
        CHECK_OK(append_one(p, 3, 4, 1000 + i, 10 + (size_t)i));
        if (i + 1 == DURABLE_BATCHES) {
            CHECK_OK(flush_now(p));
            CHECK_OK(od_storage_checkpoint(s));
        }
    }
    starts[BATCHES] = (size_t)od_plog_size_bytes(p);
    od_storage_abandon(s);
    return load(file, bytes, sizeof(bytes));
}

/* What a start finds: whether it believes the manifest, and whether the machine went down. */
enum start { FOREIGN, CRASH, POWER_CUT, STARTS };

static struct od_plog *start(enum start how, const uint8_t *data, size_t len,
                             struct od_storage **s)
{
    struct od_plog_config c = OD_PLOG_CONFIG_DEFAULT;
    struct od_plog *p;

    if (!manifest_len)
        manifest_len = load(manifest, manifest_bytes, sizeof(manifest_bytes));
    save(file, data, len);
    if (how == FOREIGN)
        remove(manifest);
    else
        save(manifest, manifest_bytes, manifest_len);
    lost_power = how == POWER_CUT;
    CHECK_OK(store_open(path, s));
    CHECK_EQ((*s)->trusted, how != FOREIGN);
    CHECK_OK(log_open(*s, &c, &p));
    return p;
}

/* The answer at offset: its batch's number when right, -1 when an error or nothing. */
static int answer(struct od_plog *p, int64_t offset, bool epoch_counts)
{
    uint8_t out[FILE_MAX];
    size_t batch = (size_t)offset / 3, at = starts[batch], len;
    int64_t end = od_plog_end_offset(p);
    enum od_err err;

    err = read_at(p, offset, end, 1, true, out, sizeof(out), &len);
    if (err) {
        CHECK(err == OD_CORRUPT_MESSAGE || (err == OD_OFFSET_OUT_OF_RANGE && offset > end));
        return -1;
    }
    if (!len) {
        CHECK(offset >= end);
        return -1;
    }
    CHECK_EQ(len, starts[batch + 1] - at);
    if (!epoch_counts) /* the CRC leaves the leader epoch out */
        memcpy(out + 12, bytes + at + 12, 4);
    CHECK_MEM(out, bytes + at, len);
    return (int)batch;
}

TEST(a_log_cut_at_any_byte_keeps_its_whole_batches)
{
    size_t len = make_reference();

    CHECK_EQ(len, starts[BATCHES]);
    for (enum start how = FOREIGN; how < STARTS; how++) {
        for (size_t cut = 0; cut <= len; cut++) {
            struct od_storage *s;
            struct od_plog *p = start(how, bytes, cut, &s);
            int whole = 0;
            bool promised;

            while (whole < BATCHES && starts[whole + 1] <= cut)
                whole++;
            promised = how != FOREIGN && whole < DURABLE_BATCHES;
            CHECK_EQ(od_plog_damaged(p), promised);
            CHECK_EQ(od_plog_end_offset(p), 3 * (promised ? DURABLE_BATCHES : whole));
            for (int64_t offset = 0; offset < od_plog_end_offset(p); offset++)
                CHECK_EQ(answer(p, offset, true), offset / 3 < whole ? (int)offset / 3 : -1);
            CHECK_EQ(append_one(p, 3, 4, 0, 10), promised ? OD_E_FENCED : OD_NONE);
            od_storage_abandon(s);
        }
    }
}

/* A turned bit in batch k: which batches must still be there. */
static bool must_survive(enum start how, int batch, int k)
{
    if (batch == k)
        return false;
    /* Above the recovery point of a machine that went down, nothing was promised. */
    return how != POWER_CUT || batch < k || k < DURABLE_BATCHES;
}

TEST(a_turned_bit_is_never_answered_and_hides_its_batch_only)
{
    uint8_t turned[FILE_MAX];
    size_t len = make_reference();
    int hidden = 0;

    for (enum start how = FOREIGN; how < STARTS; how++) {
        for (size_t bit = how; bit < len * 8; bit += how == FOREIGN ? 1 : 3) {
            struct od_storage *s;
            struct od_plog *p;
            int k = 0, got;

            while (starts[k + 1] <= bit / 8)
                k++;
            memcpy(turned, bytes, len);
            turned[bit / 8] ^= (uint8_t)(1 << bit % 8);
            p = start(how, turned, len, &s);
            for (int64_t offset = 0; offset < RECORDS; offset++) {
                bool in_epoch = bit / 8 - starts[k] >= 12 && bit / 8 - starts[k] < 16;

                got = answer(p, offset, !in_epoch);
                if (must_survive(how, (int)offset / 3, k))
                    CHECK_EQ(got, offset / 3);
                hidden += got < 0;
            }
            od_storage_abandon(s);
        }
    }
    CHECK(hidden > 0);
}

TEST(after_a_power_cut_a_hole_above_the_recovery_point_is_a_torn_tail)
{
    uint8_t torn[FILE_MAX];
    size_t len = make_reference();
    struct od_storage *s;
    struct od_plog *p;

    memcpy(torn, bytes, len);
    memset(torn + starts[6], 0, starts[7] - starts[6]);
    p = start(POWER_CUT, torn, len, &s);
    CHECK_EQ(od_plog_end_offset(p), 18);
    CHECK(!od_plog_damaged(p));
    CHECK_OK(append_one(p, 1, 4, 0, 10));
    od_storage_abandon(s);

    p = start(CRASH, torn, len, &s);
    CHECK_EQ(od_plog_end_offset(p), RECORDS);
    CHECK(od_plog_damaged(p));
    CHECK_EQ(append_one(p, 1, 4, 0, 10), OD_E_FENCED);
    od_storage_abandon(s);
}

TEST(damage_is_remembered_across_a_clean_stop)
{
    struct od_plog_config c = OD_PLOG_CONFIG_DEFAULT;
    uint8_t bad[FILE_MAX];
    size_t len = make_reference();
    struct od_storage *s;
    struct od_plog *p;

    memcpy(bad, bytes, len);
    bad[starts[2] + 70] ^= 1;
    p = start(FOREIGN, bad, len, &s);
    CHECK(od_plog_damaged(p));
    CHECK_OK(od_storage_close(s, 1));
    CHECK_OK(store_open(path, &s));
    CHECK(od_storage_was_clean(s));
    CHECK_OK(log_open(s, &c, &p));
    CHECK(od_plog_damaged(p));
    for (int64_t offset = 0; offset < RECORDS; offset++)
        CHECK_EQ(answer(p, offset, true), offset / 3 == 2 ? -1 : (int)offset / 3);
    od_storage_abandon(s);
}

TEST(a_manifest_cut_or_turned_anywhere_loses_no_batch)
{
    uint8_t copy[sizeof(manifest_bytes)];
    size_t len = make_reference();
    struct od_plog_config c = OD_PLOG_CONFIG_DEFAULT;
    struct od_storage *s;
    struct od_plog *p;

    p = start(CRASH, bytes, len, &s);
    od_storage_abandon(s);
    for (size_t i = 0; i < 2 * manifest_len; i++) {
        save(file, bytes, len);
        memcpy(copy, manifest_bytes, manifest_len);
        if (i >= manifest_len)
            copy[i - manifest_len] ^= (uint8_t)(1 << i % 8);
        save(manifest, copy, i < manifest_len ? i : manifest_len);
        CHECK_OK(store_open(path, &s));
        CHECK_OK(log_open(s, &c, &p));
        CHECK_EQ(od_plog_end_offset(p), RECORDS);
        CHECK_EQ(od_plog_epoch_latest(p), 4);
        for (int64_t offset = 0; offset < RECORDS; offset++)
            CHECK_EQ(answer(p, offset, true), (int)offset / 3);
        od_storage_abandon(s);
    }
}
