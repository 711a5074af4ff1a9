/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Damage to any file: a log directory of each codec, cleanly stopped or killed, one file of which
 * is cut at some byte or has one bit turned, is opened by the engine and asked for everything.  The
 * oracle is the naive reader of the log tools on the directory as it was.  No answer may be wrong,
 * and what was not touched must be there.  But in a segment that a start does not read, a batch
 * behind one whose head is damaged may be withheld; those are counted.
 *
 * CRASH_ENUM_STATES (3000) says how many states, CRASH_ENUM_SEED (1) which.
 */
#include "cli/disk_check.h"
#include "disk_fixture.h"

enum { CODECS = OD_COMPRESS_ZSTD + 1, REFERENCES = 2 * CODECS, FILES_MAX = 48, RECORDS_MAX = 128,
       REPORTED_MAX = 20, TIMES = 6, VERIFY_EVERY = 8 };

struct kept {
    char name[OD_DISK_NAME_BYTES]; /* below the log directory */
    enum od_disk_kind kind;        /* OD_DISK_OTHER: not damaged */
    uint8_t *data;
    size_t len;
};

struct batch {
    struct od_batch_header h;
    size_t file;
    int64_t pos;
    const uint8_t *data; /* in that file's bytes */
    size_t len;
};

static struct reference {
    struct kept files[FILES_MAX];
    size_t n_files;
    struct batch batches[DISK_BATCHES + 2];
    int n_batches;
    int64_t times[RECORDS_MAX]; /* by offset; INT64_MIN: none */
    int64_t end;
    struct od_disk_aborted aborted[DISK_BATCHES];
    size_t n_aborted;
    bool clean;
} references[REFERENCES];

static struct state {
    const struct reference *r;
    size_t file;
    bool cut;
    size_t at; /* the new length, or a bit */
    uint64_t number;
    bool reported;
} now;

static char path[256];
static uint64_t seed;
static int wrongs, withheld;

/* splitmix64 */
static uint64_t random_below(uint64_t n)
{
    uint64_t x = seed += 0x9e3779b97f4a7c15u;

    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return (x ^ (x >> 31)) % n;
}

static void wrong(const char *format, ...) OD_PRINTF(1, 2);
static void wrong(const char *format, ...)
{
    char what[200];
    va_list args;

    if (now.reported)
        return;
    now.reported = true;
    if (++wrongs > REPORTED_MAX)
        return;
    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    fprintf(stderr, "WRONG state %llu: reference %d, %s %s %zu: %s\n",
            (unsigned long long)now.number, (int)(now.r - references),
            now.r->files[now.file].name, now.cut ? "cut at byte" : "with a turned bit", now.at,
            what);
}

/* --- the references -------------------------------------------------------------------------- */

static void keep(struct reference *r, const char *dir, const char *prefix, const char *name,
                 enum od_disk_kind kind)
{
    struct kept *k = &r->files[r->n_files++];
    struct od_disk_file f;

    CHECK(r->n_files <= FILES_MAX);
    CHECK_OK(od_disk_file_read(dir, name, &f));
    snprintf(k->name, sizeof(k->name), "%s%s", prefix, name);
    k->kind = kind;
    k->data = f.data;
    k->len = f.len;
}

static void note_record(void *arg, const struct od_record *record)
{
    struct reference *r = arg;

    CHECK(record->offset < RECORDS_MAX);
    r->times[record->offset] = record->timestamp;
}

static void note_batches(struct reference *r, const char *dir, const char *name)
{
    struct od_disk_batches walk;
    struct od_disk_batch b;
    const char *why;

    CHECK_OK(od_disk_batches_open(dir, name, &walk));
    while (od_disk_batches_next(&walk, &b, &why) == OD_NONE) {
        CHECK(b.crc_fits && r->n_batches < DISK_BATCHES + 2);
        r->batches[r->n_batches++] = (struct batch){
            b.h, r->n_files - 1, b.pos, r->files[r->n_files - 1].data + b.pos, b.len };
        CHECK_OK(od_disk_records(&b, note_record, r));
        r->end = od_batch_last_offset(&b.h) + 1;
    }
    CHECK(why == NULL);
    od_disk_batches_close(&walk);
}

static void note_aborted(struct reference *r)
{
    const struct kept *k = &r->files[r->n_files - 1];
    struct od_disk_file f = { k->data, k->len };

    for (size_t i = 0; i < k->len / OD_DISK_ABORTED_BYTES; i++)
        r->aborted[r->n_aborted++] = od_disk_aborted_at(&f, i);
}

static void make_reference(struct reference *r, enum od_compress codec, bool clean)
{
    struct od_disk_list list;
    char dir[300];

    snprintf(path, sizeof(path), "%s/ref%d", test_dir(), (int)(r - references));
    snprintf(dir, sizeof(dir), "%s/events-0", path);
    disk_make(path, codec, clean);
    r->clean = clean;
    for (int i = 0; i < RECORDS_MAX; i++)
        r->times[i] = INT64_MIN;
    CHECK_OK(od_disk_list_read(path, &list));
    for (size_t i = 0; i < list.n; i++)
        if (list.v[i].kind != OD_DISK_DIRECTORY && strcmp(list.v[i].name, ".lock") != 0)
            keep(r, path, "", list.v[i].name,
                 strcmp(list.v[i].name, "odradek.manifest") ? OD_DISK_OTHER : OD_DISK_CHECKPOINT);
    od_disk_list_free(&list);
    CHECK_OK(od_disk_list_read(dir, &list));
    for (size_t i = 0; i < list.n; i++) {
        keep(r, dir, "events-0/", list.v[i].name, list.v[i].kind);
        if (list.v[i].kind == OD_DISK_LOG)
            note_batches(r, dir, list.v[i].name);
        else if (list.v[i].kind == OD_DISK_TXNINDEX)
            note_aborted(r);
    }
    od_disk_list_free(&list);
    CHECK(r->n_batches >= DISK_BATCHES && r->n_aborted == 3);
}

/* --- a state --------------------------------------------------------------------------------- */

static enum od_err remove_one(void *arg, const char *name, bool is_dir)
{
    char file[600];

    snprintf(file, sizeof(file), "%s/%s", (const char *)arg, name);
    if (!is_dir)
        remove(file);
    return OD_NONE;
}

static void write_state(void)
{
    char file[600];

    snprintf(file, sizeof(file), "%s/events-0", path);
    CHECK_OK(od_dir_make(file));
    CHECK_OK(od_dir_list(file, remove_one, file));
    CHECK_OK(od_dir_list(path, remove_one, path));
    for (size_t i = 0; i < now.r->n_files; i++) {
        const struct kept *k = &now.r->files[i];
        FILE *f;

        snprintf(file, sizeof(file), "%s/%s", path, k->name);
        f = fopen(file, "wb");
        CHECK(f != NULL);
        if (i == now.file && !now.cut)
            k->data[now.at / 8] ^= (uint8_t)(1 << now.at % 8);
        fwrite(k->data, 1, i == now.file && now.cut ? now.at : k->len, f);
        if (i == now.file && !now.cut)
            k->data[now.at / 8] ^= (uint8_t)(1 << now.at % 8);
        fclose(f);
    }
}

/* No CRC of a transaction index outlives a crash: there what it says is believed if it can be. */
static bool can_be_damaged(const struct kept *k)
{
    return k->len && k->kind != OD_DISK_OTHER && (now.r->clean || k->kind != OD_DISK_TXNINDEX);
}

static void choose_state(uint64_t number)
{
    now = (struct state){ .r = &references[number % REFERENCES], .number = number };
    do
        now.file = random_below(now.r->n_files);
    while (!can_be_damaged(&now.r->files[now.file]));
    now.cut = random_below(3) == 0;
    now.at = random_below(now.r->files[now.file].len * (now.cut ? 1 : 8));
}

static bool log_damaged(void)
{
    return now.r->files[now.file].kind == OD_DISK_LOG;
}

static bool touched(const struct batch *b)
{
    if (b->file != now.file)
        return false;
    if (now.cut)
        return b->pos + (int64_t)b->len > (int64_t)now.at;
    return (int64_t)(now.at / 8) >= b->pos && (int64_t)(now.at / 8) < b->pos + (int64_t)b->len;
}

/* Behind the damage in its file. */
static bool behind(const struct batch *b)
{
    return log_damaged() && b->file == now.file &&
           b->pos > (int64_t)(now.cut ? now.at : now.at / 8);
}

static const struct batch *batch_at(int64_t offset)
{
    for (int i = 0; i < now.r->n_batches; i++)
        if (od_batch_last_offset(&now.r->batches[i].h) >= offset)
            return &now.r->batches[i];
    return NULL;
}

/* --- questions ------------------------------------------------------------------------------- */

static void ask_batch(struct od_plog *p, const struct batch *b)
{
    static uint8_t out[4096];
    int64_t offset = b->h.base_offset + (int64_t)random_below((uint64_t)b->h.last_offset_delta + 1);
    int64_t end = od_plog_end_offset(p);
    bool in_epoch = touched(b) && !now.cut && now.at / 8 >= (size_t)b->pos + 12 &&
                    now.at / 8 < (size_t)b->pos + 16;
    size_t len;
    enum od_err err = read_at(p, offset, end, 1, true, out, sizeof(out), &len);

    withheld += (err || !len) && !touched(b) && behind(b);
    if ((err || !len) && !touched(b) && !behind(b))
        wrong("offset %lld answers %s, %zu bytes; it was not touched", (long long)offset,
              od_err_name(err), len);
    else if (err && err != OD_CORRUPT_MESSAGE && err != OD_OFFSET_OUT_OF_RANGE)
        wrong("offset %lld answers %s", (long long)offset, od_err_name(err));
    else if (err || !len)
        return;
    else if (len != b->len)
        wrong("offset %lld answers %zu bytes in place of %zu", (long long)offset, len, b->len);
    else if (in_epoch ? memcmp(out, b->data, 12) || memcmp(out + 16, b->data + 16, len - 16)
                      : memcmp(out, b->data, len))
        wrong("offset %lld answers other bytes", (long long)offset);
}

/* The first record at or after the timestamp that can be read for sure. */
static int64_t naive_search(int64_t timestamp)
{
    for (int64_t offset = 0; offset < now.r->end; offset++) {
        const struct batch *b = batch_at(offset);

        if (now.r->times[offset] >= timestamp && !touched(b) && !behind(b))
            return offset;
    }
    return -1;
}

static void ask_time(struct od_plog *p, int64_t timestamp)
{
    struct od_plog_found found = { .offset = -1 };
    int64_t sure = naive_search(timestamp);
    enum od_err err = OD_NONE;

    for (int i = 0; i < 100 && found.next_offset >= 0 && !err; i++) {
        struct od_plog_place place;

        err = od_plog_locate_time(p, timestamp, found.next_offset, od_plog_end_offset(p), &place);
        if (!err)
            err = od_plog_scan_time(&place, &found);
        od_plog_place_release(&place);
    }
    if (err && !(log_damaged() && err == OD_CORRUPT_MESSAGE))
        wrong("time %lld answers %s", (long long)timestamp, od_err_name(err));
    if (err)
        return;
    if (found.offset >= 0 && (found.offset >= now.r->end ||
                              found.timestamp != now.r->times[found.offset] ||
                              found.timestamp < timestamp))
        wrong("time %lld answers offset %lld of %lld", (long long)timestamp,
              (long long)found.offset, (long long)found.timestamp);
    else if (sure >= 0 && (found.offset < 0 || found.offset > sure))
        wrong("time %lld answers offset %lld, not %lld", (long long)timestamp,
              (long long)found.offset, (long long)sure);
}

static void ask_greatest(struct od_plog *p)
{
    struct od_plog_found found = { .offset = -1 };
    struct od_plog_place place;
    int64_t greatest = INT64_MIN;

    for (int64_t i = 0; i < now.r->end; i++)
        if (now.r->times[i] > greatest)
            greatest = now.r->times[i];
    for (int i = 0; i < 100 && found.next_offset >= 0; i++) {
        CHECK_OK(od_plog_locate_time(p, OD_PLOG_TIME_MAX, found.next_offset,
                                     od_plog_end_offset(p), &place));
        CHECK_OK(od_plog_scan_time(&place, &found));
        od_plog_place_release(&place);
    }
    if (found.timestamp != greatest)
        wrong("the greatest time is %lld, not %lld", (long long)found.timestamp,
              (long long)greatest);
}

static void ask_state(struct od_plog *p)
{
    struct od_aborted_txn aborted[DISK_BATCHES];
    size_t n = od_plog_aborted(p, 0, now.r->end, aborted, DISK_BATCHES);

    if (od_plog_end_offset(p) != now.r->end)
        wrong("the end is %lld, not %lld", (long long)od_plog_end_offset(p),
              (long long)now.r->end);
    if (n != now.r->n_aborted)
        wrong("%zu aborted transactions, not %zu", n, now.r->n_aborted);
    for (size_t i = 0; i < n && i < now.r->n_aborted; i++)
        if (aborted[i].producer_id != now.r->aborted[i].producer_id ||
            aborted[i].first_offset != now.r->aborted[i].first_offset ||
            aborted[i].last_offset != now.r->aborted[i].last_offset ||
            aborted[i].last_stable_offset != now.r->aborted[i].last_stable_offset)
            wrong("another aborted transaction at %lld", (long long)aborted[i].last_offset);
    for (int i = 0; i < now.r->n_batches; i++)
        if (od_plog_epoch_at(p, now.r->batches[i].h.base_offset) !=
            now.r->batches[i].h.leader_epoch)
            wrong("offset %lld is of epoch %d", (long long)now.r->batches[i].h.base_offset,
                  od_plog_epoch_at(p, now.r->batches[i].h.base_offset));
    ask_greatest(p);
    check_against_log(p);
}

/* What the engine leaves after all that must be right in the naive reader's eyes. */
static void check_after(struct od_storage *s)
{
    struct od_disk_report report;
    struct od_disk_root root;

    CHECK_OK(od_storage_close(s, 6));
    CHECK_OK(od_disk_root_open(path, false, &root));
    CHECK_OK(od_disk_check_partition(&root, "events-0", &report));
    if (report.broken)
        wrong("after a stop %s at %lld: %s", report.file, (long long)report.pos, report.what);
    od_disk_report_free(&report);
    od_disk_root_close(&root);
}

/* A damaged partition.metadata is known from the manifest, an older snapshot is not needed: both
 * are left as they are. */
static bool verify_after(void)
{
    enum od_disk_kind kind = now.r->files[now.file].kind;

    return now.number % VERIFY_EVERY == 0 && kind != OD_DISK_METADATA && kind != OD_DISK_SNAPSHOT;
}

static void try_state(void)
{
    struct od_plog_config c = disk_config();
    struct od_storage *s;
    struct od_plog *p;
    enum od_err err;

    write_state();
    CHECK_OK(store_open(path, &s));
    err = log_open(s, &c, &p);
    if (err) {
        if (now.r->files[now.file].kind != OD_DISK_METADATA)
            wrong("opening answers %s", od_err_name(err));
        od_storage_abandon(s);
        return;
    }
    for (int i = 0; i < now.r->n_batches; i++)
        ask_batch(p, &now.r->batches[i]);
    for (int i = 0; i < TIMES; i++)
        ask_time(p, disk_time((int64_t)random_below((uint64_t)now.r->end + 2)) +
                        (int64_t)random_below(3) - 1);
    if (!log_damaged())
        ask_state(p);
    if (verify_after() && !log_damaged())
        check_after(s);
    else
        od_storage_abandon(s);
}

TEST(no_cut_and_no_turned_bit_of_any_file_gives_a_wrong_answer)
{
    const char *states = getenv("CRASH_ENUM_STATES"), *chosen = getenv("CRASH_ENUM_SEED");
    uint64_t n = states && *states ? strtoull(states, NULL, 10) : 3000;
    uint64_t from = chosen && *chosen ? strtoull(chosen, NULL, 10) : 1;

    for (int i = 0; i < REFERENCES; i++)
        make_reference(&references[i], (enum od_compress)(i / 2), i % 2);
    snprintf(path, sizeof(path), "%s/state", test_dir());
    CHECK_OK(od_dir_make(path));
    for (uint64_t i = 0; i < n; i++) {
        seed = from * 1000003 + i; /* each state stands for itself */
        choose_state(i);
        try_state();
    }
    printf("%llu states, seed %llu: %d wrong, %d batches withheld behind a damaged one\n",
           (unsigned long long)n, (unsigned long long)from, wrongs, withheld);
    CHECK_EQ(wrongs, 0);
}
