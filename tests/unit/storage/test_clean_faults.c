/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two cleans of a log with the n-th call that changes a file failing, for every n.  In the next
 * life the last value of each key is there, no key has come back, each record is where and what it
 * was, and the log can be cleaned.
 */
#include "clean_model.h"
#include "failing.h"

enum { KEYS = 12 };

static char path[256];
static int number;
static struct model model; /* all that was ever appended; nothing goes */

static struct od_plog_config config(void)
{
    struct od_plog_config c = OD_PLOG_CONFIG_DEFAULT;

    c.segment_bytes = 900;
    c.index_interval_bytes = 100;
    c.gaps_allowed = true;
    return c;
}

static bool append(struct od_plog *p, int key, int value)
{
    static uint8_t data[4096];
    int64_t end = od_plog_end_offset(p);
    struct keyed r = { end, 1000 + end, key, value };
    struct od_plog_batch b =
        batch_of(data, keyed_build(data, end, end, &r, 1, &keyed_plain));
    int done;

    if (od_plog_append(p, &b, 1, &done))
        return false;
    model_add(&model, &r, end);
    return true;
}

/* All of it, unless it fails. */
static void flush_some(struct od_plog *p)
{
    for (int i = 0; i < 4; i++)
        if (flush_now(p))
            return;
}

static void append_round(struct od_plog *p, int n, int round)
{
    for (int i = 0; i < n; i++)
        if (!append(p, i % KEYS, (i + round) % 5 == 4 ? NO_VALUE : round * 1000 + i))
            return;
    flush_some(p);
    if (!od_plog_roll(p))
        flush_some(p);
}

static void clean(struct od_plog *p, int64_t now_ms)
{
    struct od_plog_clean_options o = clean_options(now_ms);
    struct od_clean_result r;

    o.io_bytes = 400;
    (void)!clean_whole(p, &o, 1000, &r);
}

/* The faults begin with the first clean. */
static void live(int fail_at)
{
    struct od_plog_config c = config();
    struct od_storage *s;
    struct od_plog *p;

    model.n = 0;
    CHECK_OK(store_open(path, &s));
    CHECK_OK(log_open(s, &c, &p));
    append_round(p, 60, 1);
    CHECK_OK(od_storage_checkpoint(s));
    fault.open = true;
    fault.calls = 0;
    fault.fail_at = fail_at;
    clean(p, 5000); /* tombstones may go at 6000 */
    append_round(p, 14, 2);
    clean(p, 6000);
    (void)!od_storage_close(s, 5);
    fault.fail_at = 0;
}

static struct keyed got[MODEL_RECORDS_MAX];

static int read_all(struct od_plog *p)
{
    static uint8_t data[1 << 20];
    int64_t offset = od_plog_start_offset(p), end = od_plog_end_offset(p);
    int n = 0;

    while (offset < end) {
        struct od_batch_head h;
        size_t len, at = 0;

        CHECK_OK(read_at(p, offset, end, 1000, true, data, sizeof(data), &len));
        CHECK(len > 0);
        for (; at < len; at += (size_t)h.len) {
            CHECK(od_batch_head_read(data + at, &h));
            CHECK(h.base_offset >= offset);
            n += keyed_parse(data + at, got + n, KEYED_RECORDS_MAX);
            offset = h.last_offset + 1;
        }
    }
    return n;
}

static const struct keyed *find(int n, int64_t offset)
{
    for (int i = 0; i < n; i++)
        if (got[i].offset == offset)
            return &got[i];
    return NULL;
}

static void check_key(int n, int key, int64_t end)
{
    const struct keyed *last = NULL;
    int others = 0;

    for (int i = 0; i < model.n && model.v[i].r.offset < end; i++)
        if (model.v[i].r.key == key)
            last = &model.v[i].r;
    for (int i = 0; i < n; i++)
        others += got[i].key == key && (!last || got[i].offset != last->offset);
    if (last && last->value != NO_VALUE)
        CHECK(find(n, last->offset));
    if (last && last->value == NO_VALUE && others)
        CHECK(find(n, last->offset));
}

static enum od_err only_whole_names(void *arg, const char *name, bool is_dir)
{
    (void)arg, (void)is_dir;
    CHECK(!strstr(name, ".swap") && !strstr(name, ".cleaned"));
    return OD_NONE;
}

static void check_after(bool clean_stop)
{
    struct od_plog_config c = config();
    struct od_plog_clean_options o = clean_options(100000);
    struct od_clean_result r;
    struct od_storage *s;
    struct od_plog *p;
    int n;

    CHECK_OK(store_open(path, &s));
    CHECK(od_storage_was_clean(s) == clean_stop);
    CHECK_OK(log_open(s, &c, &p));
    CHECK(!od_plog_damaged(p));
    n = read_all(p);
    for (int i = 0; i < n; i++) {
        const struct keyed *was = &model.v[got[i].offset].r;

        CHECK(i == 0 || got[i].offset > got[i - 1].offset);
        CHECK(got[i].key == was->key && got[i].value == was->value);
        CHECK_EQ(got[i].timestamp, was->timestamp);
    }
    for (int key = 0; key < KEYS; key++)
        check_key(n, key, od_plog_end_offset(p));
    CHECK_OK(od_dir_list(p->dir->path, only_whole_names, NULL));
    append_round(p, 20, 3);
    CHECK_OK(clean_whole(p, &o, 1000, &r));
    n = read_all(p);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < i; k++)
            CHECK(got[i].key != got[k].key);
    for (int key = 0; key < KEYS; key++)
        check_key(n, key, od_plog_end_offset(p));
    CHECK_OK(od_storage_close(s, 6));
}

static bool was_clean_stop(void)
{
    char name[300];
    struct od_file *f;

    snprintf(name, sizeof(name), "%s/.kafka_cleanshutdown", path);
    if (od_file_open(name, OD_FILE_READ | OD_FILE_QUIET, &f))
        return false;
    od_file_close(f);
    return true;
}

static int run_all(enum kind kind)
{
    int n = 1;

    for (;; n++) {
        bool failed;

        snprintf(path, sizeof(path), "%s/c%d", test_dir(), number++);
        memset(&fault, 0, sizeof(fault));
        fault.kind = kind;
        live(n);
        failed = fault.failed;
        memset(&fault, 0, sizeof(fault));
        check_after(was_clean_stop());
        if (!failed)
            return n;
    }
}

TEST(one_failing_call_in_a_clean_loses_no_key_and_revives_none)
{
    CHECK(run_all(ONCE) > 100);
}

TEST(a_crash_between_any_two_steps_of_a_clean_loses_no_key_and_revives_none)
{
    CHECK(run_all(FOR_EVER) > 100);
}

TEST(a_full_disk_in_a_clean_loses_no_key_and_revives_none)
{
    CHECK(run_all(FULL_ONCE) > 100);
    CHECK(run_all(FULL_FOR_EVER) > 100);
}
