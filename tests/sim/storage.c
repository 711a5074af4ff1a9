/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scenario storage: the partition logs of one directory under appends, flushes, disk errors and
 * crashes.  After each start every log opens, holds what was promised where it was promised, and
 * nothing that was not appended (I13): after a power cut all below the durable end, after the end
 * of the process alone all that was appended.
 */
#include "base/mem.h"
#include "batches.h"
#include "os/file.h"
#include "os/lock.h"
#include "os/sim/sim.h"
#include "os/thread.h"
#include "scenarios.h"
#include "storage/plog.h"
#include "storage/storage.h"

enum { LOGS = 3, LIVES = 12, WRITERS = 2, BATCHES_MAX = 6, OFFSETS_MAX = 40000, LIFE_MS = 400 };

/* What a person outside would have written down about one log. */
struct note {
    uint64_t *numbers; /* by offset, as last tried */
    int64_t end;       /* appended, as the log said */
    int64_t tried;     /* may be in the log though it has not said so */
    int64_t durable;
    bool powered;      /* a power cut came since it was last open */
};

struct site {
    struct od_sim_node *node;
    struct note notes[LOGS];
    struct od_plog_config config;
    struct od_uuid ids[LOGS];
    uint64_t next_number, appended;
    bool clean;     /* the last life ended by a clean stop */
    bool disturbed; /* disk errors were injected in this life */
};

struct life {
    struct site *site;
    struct od_storage *storage;
    struct od_plog *logs[LOGS];
    struct od_lock locks[LOGS];
    int64_t until_ms;
};

/* --- writing ----------------------------------------------------------------------------- */

static uint8_t *make(struct site *s, struct note *n, struct od_plog_batch *b, int64_t offset)
{
    int count = 1 + (int)od_sim_random(8);
    size_t fill = (size_t)od_sim_random(200);
    uint8_t *data = od_alloc(batch_bytes_max(count, fill));

    b->len = batch_build(data, s->next_number, count, fill, 1763640000000 + od_sim_now_ms());
    b->data = data;
    b->base_offset = offset;
    b->last_offset = offset + count - 1;
    b->max_timestamp = 1763640000000 + od_sim_now_ms();
    b->leader_epoch = 0;
    batch_place(data, offset, 0);
    for (int i = 0; i < count; i++)
        n->numbers[offset + i] = s->next_number++;
    return data;
}

static void append_some(struct life *l, int i)
{
    struct note *n = &l->site->notes[i];
    struct od_plog_batch batches[BATCHES_MAX];
    uint8_t *data[BATCHES_MAX];
    int count = 1 + (int)od_sim_random(BATCHES_MAX), done = 0;
    int64_t offset;
    enum od_err err;

    od_lock_take(&l->locks[i]);
    offset = od_plog_end_offset(l->logs[i]);
    OD_SIM_CHECK(offset == n->end);
    for (int j = 0; j < count; j++) {
        data[j] = make(l->site, n, &batches[j], offset);
        offset = batches[j].last_offset + 1;
    }
    n->tried = offset;
    err = od_plog_append(l->logs[i], batches, count, &done);
    OD_SIM_CHECK((err == OD_NONE) == (done == count));
    OD_SIM_CHECK(err == OD_NONE || l->site->disturbed);
    n->end = done > 0 ? batches[done - 1].last_offset + 1 : n->end;
    OD_SIM_CHECK(od_plog_end_offset(l->logs[i]) == n->end);
    n->tried = n->end;
    l->site->appended += (uint64_t)done;
    od_lock_drop(&l->locks[i]);
    for (int j = 0; j < count; j++)
        od_free(data[j]);
}

static void append_on(void *arg)
{
    struct life *l = arg;

    while (od_sim_now_ms() < l->until_ms) {
        int i = (int)od_sim_random(LOGS);

        if (l->site->notes[i].end < OFFSETS_MAX - 1000)
            append_some(l, i);
        od_sim_sleep_ms((int64_t)od_sim_random(8));
    }
}

static void flush_one(struct life *l, int i)
{
    struct note *n = &l->site->notes[i];
    struct od_plog_flush f;
    bool any;

    od_lock_take(&l->locks[i]);
    any = od_plog_flush_begin(l->logs[i], &f);
    od_lock_drop(&l->locks[i]);
    if (!any)
        return;
    od_plog_flush_run(&f);
    od_lock_take(&l->locks[i]);
    if (od_plog_flush_end(l->logs[i], &f) == OD_NONE) {
        OD_SIM_CHECK(od_plog_durable_end(l->logs[i]) >= n->durable);
        n->durable = od_plog_durable_end(l->logs[i]);
        OD_SIM_CHECK(n->durable <= n->end);
    }
    od_lock_drop(&l->locks[i]);
}

static void flush_on(void *arg)
{
    struct life *l = arg;

    while (od_sim_now_ms() < l->until_ms) {
        flush_one(l, (int)od_sim_random(LOGS));
        if (od_sim_chance(50000))
            OD_SIM_CHECK(od_storage_checkpoint(l->storage) == OD_NONE || l->site->disturbed);
        od_sim_sleep_ms((int64_t)od_sim_random(10));
    }
}

/* --- reading ----------------------------------------------------------------------------- */

struct reading {
    const struct note *note;
    int64_t next;
};

static void compare(void *arg, int64_t offset, uint64_t number)
{
    struct reading *r = arg;

    if (offset < r->next)
        return;
    if (offset != r->next || number != r->note->numbers[offset])
        od_sim_fail("offset %lld holds %llu, expected offset %lld with %llu", (long long)offset,
                    (unsigned long long)number, (long long)r->next,
                    (unsigned long long)r->note->numbers[r->next]);
    r->next++;
}

static void read_range(struct reading *r, const struct od_plog_range *range)
{
    uint8_t *data = od_alloc((size_t)range->len);
    const char *why;
    size_t got;

    OD_SIM_CHECK(od_file_read(range->file, data, (size_t)range->len, range->pos, &got) == OD_NONE);
    OD_SIM_CHECK(got == (size_t)range->len);
    if (!batch_walk(data, got, compare, r, &why))
        od_sim_fail("a range at %lld holds a bad %s", (long long)range->pos, why);
    od_free(data);
}

static void read_whole(struct life *l, int i)
{
    struct reading r = { .note = &l->site->notes[i] };
    int64_t end = od_plog_end_offset(l->logs[i]);

    while (r.next < end) {
        struct od_plog_want want = { .offset = r.next, .limit_offset = end,
                                     .max_bytes = 1 + (int32_t)od_sim_random(5000),
                                     .min_one = true };
        struct od_plog_place place;
        struct od_plog_range range;
        int64_t before = r.next;
        enum od_err err;

        od_lock_take(&l->locks[i]);
        err = od_plog_locate(l->logs[i], &want, &place);
        od_lock_drop(&l->locks[i]);
        if (err == OD_NONE)
            err = od_plog_scan(&place, true, &range);
        if (err != OD_NONE)
            od_sim_fail("log %d at %lld of %lld: %s", i, (long long)r.next, (long long)end,
                        od_err_name(err));
        if (range.file)
            read_range(&r, &range);
        OD_SIM_CHECK(r.next > before);
        od_plog_range_release(&range);
        od_plog_place_release(&place);
    }
}

/* --- lives ------------------------------------------------------------------------------- */

static void check_end(struct site *s, int i, int64_t end)
{
    struct note *n = &s->notes[i];
    int64_t least = n->powered ? n->durable : n->end;

    if (end < least || end > n->tried)
        od_sim_fail("log %d ends at %lld; durable %lld, appended %lld, tried %lld, %s", i,
                    (long long)end, (long long)n->durable, (long long)n->end,
                    (long long)n->tried, n->powered ? "power cut" : "killed");
    n->end = n->tried = end;
    n->powered = false;
}

static void open_all(struct life *l)
{
    struct od_storage_options o = { .path = "/var/lib/data", .node_id = 1,
                                    .files_max = OD_STORAGE_FILES_MIN };
    enum od_err err = od_storage_open(&o, &l->storage);

    if (err != OD_NONE)
        od_sim_fail("the storage does not open: %s", od_err_name(err));
    OD_SIM_CHECK(!od_storage_was_clean(l->storage) || l->site->clean);
    for (int i = 0; i < LOGS; i++) {
        od_lock_init(&l->locks[i], OD_LOCK_PARTITION);
        err = od_plog_open(l->storage, OD_STR("log"), i, l->site->ids[i], &l->site->config, true,
                           &l->logs[i]);
        if (err != OD_NONE)
            od_sim_fail("log %d does not open: %s", i, od_err_name(err));
        check_end(l->site, i, od_plog_end_offset(l->logs[i]));
        read_whole(l, i);
        OD_SIM_CHECK(od_plog_durable_end(l->logs[i]) >= l->site->notes[i].durable);
        l->site->notes[i].durable = od_plog_durable_end(l->logs[i]);
    }
}

static void disturb(struct site *s)
{
    enum od_sim_disk_call call = od_sim_chance(300000)
                                     ? OD_SIM_DISK_SYNC
                                     : (enum od_sim_disk_call)od_sim_random(OD_SIM_DISK_CALLS);

    s->disturbed = od_sim_chance(250000);
    if (s->disturbed)
        od_sim_disk_fail_nth(s->node, call, 5 + od_sim_random(40),
                             call == OD_SIM_DISK_WRITE && od_sim_chance(500000) ? OD_E_NO_SPACE
                                                                                : OD_E_IO,
                             "log-");
}

static void live(void *arg)
{
    struct life *l = OD_NEW(struct life);
    struct od_thread *threads[WRITERS + 1];

    l->site = arg;
    open_all(l);
    l->site->clean = false;
    disturb(l->site);
    l->until_ms = od_sim_now_ms() + (int64_t)od_sim_random(LIFE_MS);
    for (int i = 0; i < WRITERS + 1; i++)
        OD_SIM_CHECK(od_thread_start(i ? "writer" : "flusher", i ? append_on : flush_on, l,
                                     &threads[i]) == OD_NONE);
    for (int i = 0; i < WRITERS + 1; i++)
        od_thread_join(threads[i]);
    for (int i = 0; i < LOGS; i++) {
        od_lock_take(&l->locks[i]);
        od_plog_close(l->logs[i]);
        od_lock_drop(&l->locks[i]);
    }
    l->site->clean = true; /* may hold from here on */
    if (od_storage_close(l->storage, 1) == OD_NONE)
        for (int i = 0; i < LOGS; i++)
            l->site->notes[i].durable = l->site->notes[i].end;
    else
        OD_SIM_CHECK(l->site->disturbed);
}

static uint64_t count_crashes(void)
{
    struct od_sim_stats stats;

    od_sim_stats(&stats);
    return stats.crashes;
}

static void direct(void *arg)
{
    struct site *s = arg;

    s->node = od_sim_node_new("store");
    s->config = OD_PLOG_CONFIG_DEFAULT;
    s->config.segment_bytes = 500 + (int32_t)od_sim_random(20000);
    s->config.index_interval_bytes = (int32_t)od_sim_random(1000);
    s->next_number = 1;
    for (int i = 0; i < LOGS; i++) {
        s->notes[i].numbers = od_zalloc(sizeof(uint64_t) * OFFSETS_MAX);
        s->ids[i] = od_uuid_from_random(od_sim_random(UINT64_MAX), od_sim_random(UINT64_MAX));
    }
    od_sim_disk_faults(s->node)->cold_ppm = (uint32_t)od_sim_random(200000);
    for (int i = 0; i < LIVES; i++) {
        bool last = i == LIVES - 1, power = !last && od_sim_chance(600000);
        uint64_t crashes;

        for (int call = 0; call < OD_SIM_DISK_CALLS; call++)
            od_sim_disk_fail_nth(s->node, call, 0, OD_NONE, "");
        s->disturbed = false;
        od_sim_node_start(s->node, live, s);
        crashes = count_crashes();
        if (!last && od_sim_chance(500000))
            od_sim_node_crash_at(s->node, 1 + od_sim_random(300),
                                 power ? OD_SIM_POWER : OD_SIM_KILL);
        od_sim_sleep_ms((int64_t)od_sim_random(last ? 10000 : LIFE_MS + 200));
        od_sim_node_crash_at(s->node, 0, OD_SIM_KILL);
        if (od_sim_node_up(s->node))
            od_sim_node_crash(s->node, power ? OD_SIM_POWER : OD_SIM_KILL);
        for (int j = 0; j < LOGS && power && count_crashes() > crashes; j++)
            s->notes[j].powered = true;
    }
}

void sim_storage_run(uint64_t seed, bool verbose, struct sim_report *out)
{
    struct od_sim_options o = { .seed = seed, .virtual_ms_max = 600000, .steps_max = 10000000,
                                .verbose = verbose };
    struct site *site = OD_NEW(struct site);

    od_sim_init(&o);
    od_sim_run(direct, site);
    sim_report_fill(out);
    out->operations = site->appended;
}
