/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scenario clean: a compacted log under keyed appends, flushes, cleans, readers, disk errors and
 * crashes.  Rules, at every start and for readers that keep up:
 *
 *  1. What is read is what was appended at that offset.
 *  2. A record is missing only if a later one of its key was there for a clean to see, or if it is
 *     a tombstone whose delete retention has passed since the first clean that saw it.
 *  3. No key comes back: with its tombstone gone, nothing older of it is there.
 *  4. A reader that comes to the end sooner than the delete retention after it was there before
 *     knows the last value of every key, and which are deleted.
 */
#include "base/mem.h"
#include "keyed.h"
#include "os/file.h"
#include "os/lock.h"
#include "os/sim/sim.h"
#include "os/thread.h"
#include "scenarios.h"
#include "storage/plog.h"
#include "storage/plog_clean.h"
#include "storage/storage.h"

enum {
    LIVES = 10,
    LIFE_MS = 500,
    KEYS_MAX = 40,
    OFFSETS_MAX = 30000,
    READERS = 2,
    FIBERS = 3 + READERS,
    RETENTION_MS = 120,
    NEVER = INT32_MAX,
};

struct written {
    struct keyed r;
    int64_t batch_last;
    int64_t seen_ms; /* the first clean that may have seen it began; NEVER */
};

struct site {
    struct od_sim_node *node;
    struct written *log; /* by offset, as last tried */
    int64_t end, tried, durable;
    int64_t clean_limit; /* no clean has seen what lies above */
    bool powered, clean, disturbed;
    struct od_plog_config config;
    struct od_uuid id;
    uint32_t keys, next_number;
    int64_t map_bytes;
    uint64_t appended, cleans;
};

struct life {
    struct site *site;
    struct od_storage *storage;
    struct od_plog *plog;
    struct od_lock lock;
    int64_t until_ms;
};

static bool over(const struct life *l)
{
    return od_sim_now_ms() >= l->until_ms;
}

/* --- writing ----------------------------------------------------------------------------- */

static void append_some(struct life *l)
{
    struct site *s = l->site;
    uint8_t data[KEYED_BYTES_MAX];
    struct keyed v[KEYED_RECORDS_MAX];
    int n = 1 + (int)od_sim_random(KEYED_RECORDS_MAX), done = 0;
    struct od_plog_batch b;
    enum od_err err;

    od_lock_take(&l->lock);
    b = (struct od_plog_batch){ .data = data, .base_offset = s->end, .last_offset = s->end + n - 1,
                                .max_timestamp = od_sim_now_ms() };
    for (int i = 0; i < n; i++) {
        v[i] = (struct keyed){ (uint32_t)od_sim_random(s->keys),
                               od_sim_chance(150000) ? 0 : ++s->next_number };
        s->log[s->end + i] = (struct written){ v[i], b.last_offset, NEVER };
    }
    b.len = keyed_build(data, s->end, v, n, od_sim_now_ms());
    s->tried = s->end + n;
    err = od_plog_append(l->plog, &b, 1, &done);
    OD_SIM_CHECK(err == OD_NONE || s->disturbed);
    s->end += done ? n : 0;
    s->tried = s->end;
    s->appended += (uint64_t)done;
    OD_SIM_CHECK(od_plog_end_offset(l->plog) == s->end);
    od_lock_drop(&l->lock);
}

static void append_on(void *arg)
{
    struct life *l = arg;

    while (!over(l)) {
        if (l->site->end < OFFSETS_MAX - KEYED_RECORDS_MAX)
            append_some(l);
        od_sim_sleep_ms((int64_t)od_sim_random(6));
    }
}

static void flush_on(void *arg)
{
    struct life *l = arg;

    while (!over(l)) {
        struct od_plog_flush f;
        bool any;

        od_lock_take(&l->lock);
        any = od_plog_flush_begin(l->plog, &f);
        od_lock_drop(&l->lock);
        if (any) {
            od_plog_flush_run(&f);
            od_lock_take(&l->lock);
            if (od_plog_flush_end(l->plog, &f) == OD_NONE)
                l->site->durable = od_plog_durable_end(l->plog);
            od_lock_drop(&l->lock);
        }
        if (od_sim_chance(50000))
            OD_SIM_CHECK(od_storage_checkpoint(l->storage) == OD_NONE || l->site->disturbed);
        od_sim_sleep_ms((int64_t)od_sim_random(8));
    }
}

/* --- cleaning ---------------------------------------------------------------------------- */

/* Under the lock: from now on this much may have been seen by a clean. */
static void note_seen(struct site *s, int64_t limit, int64_t now_ms)
{
    if (limit > s->clean_limit)
        s->clean_limit = limit;
    for (int64_t i = 0; i < limit; i++)
        if (s->log[i].seen_ms == NEVER && s->log[i].batch_last < limit)
            s->log[i].seen_ms = now_ms;
}

static struct od_plog_clean *begin_clean(struct life *l)
{
    struct site *s = l->site;
    struct od_plog_clean_options o = { .rules = { .now_ms = od_sim_now_ms(),
                                                  .max_lag_ms = INT64_MAX },
                                       .limit_offset = s->durable,
                                       .delete_retention_ms = RETENTION_MS,
                                       .map_bytes_max = s->map_bytes,
                                       .map_load_max = 0.9,
                                       .io_bytes = 1000 };
    struct od_clean_outlook look;
    struct od_plog_clean *c = NULL;
    enum od_err err;

    od_plog_clean_look(l->plog, &o, &look);
    err = od_plog_clean_begin(l->plog, &o, &c);
    OD_SIM_CHECK(err == OD_NONE || err == OD_E_NOT_FOUND || s->disturbed);
    if (err == OD_NONE)
        note_seen(s, look.limit_offset, o.rules.now_ms);
    return c;
}

static void clean_once(struct life *l)
{
    enum od_clean_step step = OD_CLEAN_MORE;
    struct od_plog_clean *c;
    struct od_clean_result r;
    int64_t bytes;
    enum od_err err;

    od_lock_take(&l->lock);
    c = begin_clean(l);
    od_lock_drop(&l->lock);
    while (c && step != OD_CLEAN_DONE) {
        if (over(l) && od_sim_chance(500000))
            od_plog_clean_stop(c);
        step = od_plog_clean_run(c, 1 + (int64_t)od_sim_random(4000), &bytes);
        od_lock_take(&l->lock);
        if (step == OD_CLEAN_SWAP)
            od_plog_clean_swap(l->plog, c);
        if (step == OD_CLEAN_DONE) {
            err = od_plog_clean_end(l->plog, c, &r);
            OD_SIM_CHECK(err == OD_NONE || err == OD_E_STALE || l->site->disturbed);
            l->site->cleans += err == OD_NONE;
        }
        od_lock_drop(&l->lock);
    }
}

static void clean_on(void *arg)
{
    struct life *l = arg;

    while (!over(l)) {
        clean_once(l);
        od_sim_sleep_ms(5 + (int64_t)od_sim_random(60));
    }
}

/* --- reading ----------------------------------------------------------------------------- */

struct reading {
    const struct site *site;
    int64_t next;               /* offset */
    uint8_t *present;           /* by offset; NULL: not noted */
    uint32_t values[KEYS_MAX];  /* 0: deleted, or never there */
};

static void take_record(void *arg, int64_t offset, const struct keyed *r)
{
    struct reading *g = arg;
    const struct keyed *was = &g->site->log[offset].r;

    if (offset < g->next)
        return;
    if (offset >= g->site->tried || r->key != was->key || r->number != was->number)
        od_sim_fail("offset %lld holds key %u number %u, appended were %u %u", (long long)offset,
                    r->key, r->number, was->key, was->number);
    if (g->present)
        g->present[offset] = 1;
    g->values[r->key] = r->number;
}

/* False: an injected error of the disk. */
static bool take_range(struct reading *g, const struct od_plog_range *range)
{
    uint8_t *data = od_alloc((size_t)range->len);
    int64_t next = g->next;
    const char *why;
    size_t got;

    if (od_file_read(range->file, data, (size_t)range->len, range->pos, &got) != OD_NONE) {
        OD_SIM_CHECK(g->site->disturbed);
        od_free(data);
        return false;
    }
    OD_SIM_CHECK(got == (size_t)range->len);
    if (!keyed_walk(data, got, take_record, g, &next, &why))
        od_sim_fail("a range at %lld holds a bad %s", (long long)range->pos, why);
    OD_SIM_CHECK(next > g->next);
    g->next = next;
    od_free(data);
    return true;
}

/* From where the reading stands to the end. */
static void read_to(struct life *l, struct reading *g, int64_t end)
{
    while (g->next < end) {
        struct od_plog_want want = { .offset = g->next, .limit_offset = end,
                                     .max_bytes = 1 + (int32_t)od_sim_random(3000),
                                     .min_one = true };
        struct od_plog_place place;
        struct od_plog_range range = { .next_offset = -1 };
        enum od_err err;

        od_lock_take(&l->lock);
        err = od_plog_locate(l->plog, &want, &place);
        od_lock_drop(&l->lock);
        if (err == OD_NONE && od_sim_chance(100000))
            od_sim_sleep_ms((int64_t)od_sim_random(30)); /* meanwhile the segment may be replaced */
        if (err == OD_NONE)
            err = od_plog_scan(&place, true, &range);
        if (err != OD_NONE && err != OD_E_STALE && !l->site->disturbed)
            od_sim_fail("a read at %lld of %lld: %s", (long long)g->next, (long long)end,
                        od_err_name(err));
        if (err == OD_NONE && range.file)
            err = take_range(g, &range) ? OD_NONE : OD_E_IO;
        else if (err == OD_NONE && range.next_offset > g->next)
            g->next = range.next_offset;
        else if (err == OD_NONE) /* cleaned meanwhile: what is left ends above this reader's end */
            g->next = end;
        od_plog_range_release(&range);
        od_plog_place_release(&place);
        if (err != OD_NONE && err != OD_E_STALE)
            return;
    }
}

/* Rule 4, for a reader that has read all below end; no clean has seen anything above it. */
static void check_values(const struct reading *g, int64_t end)
{
    uint32_t last[KEYS_MAX] = { 0 };

    for (int64_t i = 0; i < end; i++)
        last[g->site->log[i].r.key] = g->site->log[i].r.number;
    for (uint32_t k = 0; k < g->site->keys; k++)
        if (g->values[k] != last[k])
            od_sim_fail("a reader at %lld has %u for key %u, the last is %u", (long long)end,
                        g->values[k], k, last[k]);
}

static void read_on(void *arg)
{
    struct life *l = arg;
    struct reading g = { .site = l->site };
    int64_t at_end_ms = od_sim_now_ms();

    while (!over(l)) {
        int64_t end;

        if (od_sim_now_ms() - at_end_ms >= RETENTION_MS || l->site->disturbed) {
            g = (struct reading){ .site = l->site }; /* too late: from the start again */
            at_end_ms = od_sim_now_ms();
        }
        end = l->site->durable;
        read_to(l, &g, end);
        if (g.next >= end && l->site->clean_limit <= end && !l->site->disturbed &&
            od_sim_now_ms() - at_end_ms < RETENTION_MS) {
            if (g.next == end)
                check_values(&g, end);
            at_end_ms = od_sim_now_ms();
        }
        od_sim_sleep_ms((int64_t)od_sim_random(20));
    }
}

/* Rules 2 and 3 over the whole log, in which nothing happens meanwhile. */
static void check_whole(struct life *l)
{
    struct site *s = l->site;
    struct reading g = { .site = s, .present = od_zalloc(OFFSETS_MAX) };
    int64_t after[KEYS_MAX];  /* a later record of the key that a clean may have seen; -1 */
    bool dead[KEYS_MAX];      /* a later tombstone of the key is gone */

    read_to(l, &g, s->end);
    OD_SIM_CHECK(g.next >= s->end);
    memset(after, 0xff, sizeof(after));
    memset(dead, 0, sizeof(dead));
    for (int64_t i = s->end - 1; i >= 0; i--) {
        const struct written *w = &s->log[i];
        bool tombstone = !w->r.number;

        if (!g.present[i] && after[w->r.key] < 0 &&
            !(tombstone && w->seen_ms + RETENTION_MS <= od_sim_now_ms()))
            od_sim_fail("offset %lld, the last of key %u, is missing; cleaned to %lld, now %lld, "
                        "first seen %lld", (long long)i, w->r.key, (long long)s->clean_limit,
                        (long long)od_sim_now_ms(), (long long)w->seen_ms);
        if (g.present[i] && dead[w->r.key])
            od_sim_fail("offset %lld of key %u is back: its tombstone is gone", (long long)i,
                        w->r.key);
        dead[w->r.key] |= tombstone && !g.present[i];
        if (i < s->clean_limit)
            after[w->r.key] = i;
    }
    od_free(g.present);
}

/* --- lives ------------------------------------------------------------------------------- */

static void open_log(struct life *l)
{
    struct od_storage_options o = { .path = "/var/lib/data", .node_id = 1,
                                    .files_max = OD_STORAGE_FILES_MIN };
    struct site *s = l->site;
    enum od_err err = od_storage_open(&o, &l->storage);
    int64_t end;

    if (err != OD_NONE)
        od_sim_fail("the storage does not open: %s", od_err_name(err));
    od_lock_init(&l->lock, OD_LOCK_PARTITION);
    err = od_plog_open(l->storage, OD_STR("kept"), 0, s->id, &s->config, true, &l->plog);
    if (err != OD_NONE)
        od_sim_fail("the log does not open: %s", od_err_name(err));
    end = od_plog_end_offset(l->plog);
    if (end < (s->powered ? s->durable : s->end) || end > s->tried)
        od_sim_fail("the log ends at %lld; durable %lld, appended %lld, tried %lld",
                    (long long)end, (long long)s->durable, (long long)s->end,
                    (long long)s->tried);
    s->end = s->tried = end;
    s->powered = false;
    s->durable = od_plog_durable_end(l->plog);
    check_whole(l);
}

static void disturb(struct site *s)
{
    enum od_sim_disk_call call = (enum od_sim_disk_call)od_sim_random(OD_SIM_DISK_CALLS);

    s->disturbed = od_sim_chance(250000);
    if (s->disturbed)
        od_sim_disk_fail_nth(s->node, call, 5 + od_sim_random(60),
                             call == OD_SIM_DISK_WRITE && od_sim_chance(500000) ? OD_E_NO_SPACE
                                                                                : OD_E_IO,
                             "kept-");
}

static void live(void *arg)
{
    static void (*const work[])(void *) = { append_on, flush_on, clean_on, read_on, read_on };
    struct life *l = OD_NEW(struct life);
    struct od_thread *threads[FIBERS];

    l->site = arg;
    open_log(l);
    l->site->clean = false;
    disturb(l->site);
    l->until_ms = od_sim_now_ms() + (int64_t)od_sim_random(LIFE_MS);
    for (int i = 0; i < FIBERS; i++)
        OD_SIM_CHECK(od_thread_start("worker", work[i], l, &threads[i]) == OD_NONE);
    for (int i = 0; i < FIBERS; i++)
        od_thread_join(threads[i]);
    if (!l->site->disturbed)
        check_whole(l);
    od_lock_take(&l->lock);
    od_plog_close(l->plog);
    od_lock_drop(&l->lock);
    l->site->clean = true;
    if (od_storage_close(l->storage, 1) == OD_NONE)
        l->site->durable = l->site->end;
    else
        OD_SIM_CHECK(l->site->disturbed);
}

static uint64_t count_crashes(void)
{
    struct od_sim_stats stats;

    od_sim_stats(&stats);
    return stats.crashes;
}

static void one_life(struct site *s, bool last)
{
    bool power = !last && od_sim_chance(600000);
    uint64_t crashes = count_crashes();

    for (int call = 0; call < OD_SIM_DISK_CALLS; call++)
        od_sim_disk_fail_nth(s->node, call, 0, OD_NONE, "");
    s->disturbed = false;
    od_sim_node_start(s->node, live, s);
    if (!last && od_sim_chance(500000))
        od_sim_node_crash_at(s->node, 1 + od_sim_random(600), power ? OD_SIM_POWER : OD_SIM_KILL);
    od_sim_sleep_ms((int64_t)od_sim_random(last ? 20000 : LIFE_MS + 300));
    od_sim_node_crash_at(s->node, 0, OD_SIM_KILL);
    if (od_sim_node_up(s->node))
        od_sim_node_crash(s->node, power ? OD_SIM_POWER : OD_SIM_KILL);
    s->powered |= power && count_crashes() > crashes;
}

static void direct(void *arg)
{
    struct site *s = arg;

    s->node = od_sim_node_new("store");
    s->config = OD_PLOG_CONFIG_DEFAULT;
    s->config.segment_bytes = 600 + (int32_t)od_sim_random(6000);
    s->config.index_interval_bytes = (int32_t)od_sim_random(1000);
    s->config.gaps_allowed = true;
    s->keys = 1 + (uint32_t)od_sim_random(KEYS_MAX);
    s->map_bytes = od_sim_chance(300000) ? 24 * (2 + (int64_t)od_sim_random(20)) : 1 << 20;
    s->log = od_zalloc(sizeof(*s->log) * OFFSETS_MAX);
    s->id = od_uuid_from_random(od_sim_random(UINT64_MAX), od_sim_random(UINT64_MAX));
    od_sim_disk_faults(s->node)->cold_ppm = (uint32_t)od_sim_random(200000);
    for (int i = 0; i < LIVES; i++)
        one_life(s, i == LIVES - 1);
}

void sim_clean_run(uint64_t seed, bool verbose, struct sim_report *out)
{
    struct od_sim_options o = { .seed = seed, .virtual_ms_max = 600000, .steps_max = 20000000,
                                .verbose = verbose };
    struct site *site = OD_NEW(struct site);

    od_sim_init(&o);
    od_sim_run(direct, site);
    sim_report_fill(out);
    out->operations = site->cleans;
}
