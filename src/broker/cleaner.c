/* SPDX-License-Identifier: Apache-2.0 */
/* Rounds, cleans in slices, and their rate. */
#include "broker/cleaner.h"

#include "base/log.h"
#include "base/mem.h"
#include "broker/node.h"
#include "broker/partition_internal.h"
#include "config/live_config.h"
#include "os/clock.h"
#include "storage/plog_clean.h"

enum { LOOKS = 256, LOOKS_MS = 1, FULL_QUEUE_MS = 10, NS_PER_MS = 1000000 };

/* One clean that is out: with a helper, or waiting for the rate. */
struct od_cleaning {
    struct od_job job;
    struct od_cleaner *cleaner;
    int slot;
    struct od_partition *partition; /* owns a reference */
    struct od_plog_clean *clean;
    enum od_clean_step step; /* of the last slice */
    int64_t bytes;           /* of the last slice */
    struct od_timer wait;
    bool waiting;
    int64_t began_ns;
};

static const struct od_live_config *settings(const struct od_cleaner *c)
{
    return c->live ? c->live : &c->node->config.live;
}

/* Takes what was changed at run time. */
static void refresh_settings(struct od_cleaner *c)
{
    struct od_image *image = od_image_acquire(&c->node->image);

    od_live_config_unref(c->live);
    c->live = image->live ? od_live_config_ref(image->live) : NULL;
    od_image_unref(image);
}

static void set_timer(struct od_cleaner *c, int64_t in_ms)
{
    struct od_reactor *r = c->node->shards[0].reactor;

    od_timer_set(r, &c->timer, od_reactor_now_ms(r) + in_ms);
}

/* Until the next round when there was nothing to do. */
static int64_t backoff_ms(const struct od_cleaner *c)
{
    const int64_t most = (int64_t)365 * 86400 * 1000;
    int64_t ms = settings(c)->log_cleaner_backoff_ms;

    return ms < LOOKS_MS ? LOOKS_MS : ms < most ? ms : most;
}

static int slots(const struct od_cleaner *c)
{
    int threads = settings(c)->log_cleaner_threads;

    return threads < OD_CLEANER_CLEANINGS_MAX ? threads : OD_CLEANER_CLEANINGS_MAX;
}

/* --- looking ---------------------------------------------------------------------------------- */

/* With the partition entered. */
static struct od_plog_clean_options options_of(const struct od_cleaner *c,
                                               const struct od_partition *p)
{
    const struct od_live_config *s = settings(c);
    const struct od_topic_config *t = p->config;
    int threads = s->log_cleaner_threads > 0 ? s->log_cleaner_threads : 1;

    return (struct od_plog_clean_options){
        .rules = { .now_ms = od_clock_wall_ms(),
                   .min_lag_ms = t->min_compaction_lag_ms,
                   .max_lag_ms = t->max_compaction_lag_ms,
                   .dirty_ratio = t->min_cleanable_dirty_ratio },
        .limit_offset = od_replica_high_watermark(&p->replica),
        .delete_retention_ms = t->delete_retention_ms,
        .map_bytes_max = s->log_cleaner_dedupe_buffer_size / threads,
        .map_load_max = s->log_cleaner_io_buffer_load_factor,
        .io_bytes = s->log_cleaner_io_buffer_size / threads,
    };
}

static bool is_compacted(const struct od_partition *p)
{
    return p->plog && !p->uncleanable && p->config->cleanup_policy & OD_CLEANUP_COMPACT;
}

static void note_found(struct od_cleaner *c, struct od_partition *p, double ratio)
{
    int i = c->n_found;

    if (i == OD_CLEANER_CLEANINGS_MAX) {
        if (c->found[--i].ratio >= ratio)
            return;
        od_partition_unref(c->found[i].partition);
    } else {
        c->n_found++;
    }
    for (; i > 0 && c->found[i - 1].ratio < ratio; i--)
        c->found[i] = c->found[i - 1];
    c->found[i].partition = od_partition_ref(p);
    c->found[i].ratio = ratio;
}

static void look(struct od_cleaner *c, struct od_partition *p)
{
    struct od_clean_outlook outlook = { 0 };
    struct od_effects fx;

    od_partition_enter(p, &fx);
    if (is_compacted(p) && !p->cleaning) {
        struct od_plog_clean_options o = options_of(c, p);

        od_plog_clean_look(p->plog, &o, &outlook);
    }
    od_partition_leave(p, &fx, &c->node->shards[0]);
    if (outlook.wanted || outlook.times_unknown)
        note_found(c, p, outlook.ratio);
}

static void forget_found(struct od_cleaner *c)
{
    while (c->n_found > 0)
        od_partition_unref(c->found[--c->n_found].partition);
}

static void drop_round(struct od_cleaner *c)
{
    while (c->all && c->next < c->count)
        od_partition_unref(c->all[c->next++]);
    od_free(c->all);
    c->all = NULL;
}

/* --- a clean ---------------------------------------------------------------------------------- */

static void fill_slots(struct od_cleaner *c);
static void run_slice(struct od_job *job);
static void slice_done(struct od_job *job);

static void submit(struct od_cleaning *g)
{
    g->job = (struct od_job){ .class = OD_JOB_CLEAN, .run = run_slice, .done = slice_done };
    if (od_helpers_submit(g->cleaner->node->helpers, &g->job) == OD_NONE)
        return;
    g->waiting = true;
    od_timer_set(g->cleaner->node->shards[0].reactor, &g->wait,
                 od_reactor_now_ms(g->cleaner->node->shards[0].reactor) + FULL_QUEUE_MS);
}

static void wait_over(struct od_timer *t)
{
    struct od_cleaning *g = OD_CONTAINER(t, struct od_cleaning, wait);

    g->waiting = false;
    submit(g);
}

static void run_slice(struct od_job *job)
{
    struct od_cleaning *g = OD_CONTAINER(job, struct od_cleaning, job);

    g->step = od_plog_clean_run(g->clean, OD_CLEANER_SLICE_BYTES, &g->bytes);
}

/* How long the next slice has to wait so that all cleans together keep to the rate. */
static int64_t pay(struct od_cleaner *c, int64_t bytes)
{
    double rate = settings(c)->log_cleaner_io_max_bytes_per_second;
    int64_t now_ns = od_clock_mono_ns();
    double ns = rate > 0 ? (double)bytes * 1e9 / rate : 0;

    if (c->paid_ns < now_ns)
        c->paid_ns = now_ns;
    c->paid_ns += ns < 1e15 ? (int64_t)ns : (int64_t)1e15;
    return (c->paid_ns - now_ns) / NS_PER_MS;
}

static void go_on(struct od_cleaning *g)
{
    struct od_cleaner *c = g->cleaner;
    int64_t wait_ms = pay(c, g->bytes);

    if (wait_ms == 0 || c->stopped) {
        submit(g);
        return;
    }
    g->waiting = true;
    od_timer_set(c->node->shards[0].reactor, &g->wait,
                 od_reactor_now_ms(c->node->shards[0].reactor) + wait_ms);
}

static void tell(const struct od_cleaning *g, const struct od_clean_result *r)
{
    if (r->bytes_before)
        od_log(OD_LOG_INFO, "cleaner",
               "%s-%d: cleaned up to %lld, %lld bytes to %lld, %lld records to %lld, in %lld ms",
               g->partition->topic, g->partition->index, (long long)r->cleaned_offset,
               (long long)r->bytes_before, (long long)r->bytes_after, (long long)r->records_read,
               (long long)r->records_kept,
               (long long)((od_clock_mono_ns() - g->began_ns) / NS_PER_MS));
}

/* Whether the failure is this log's own, so that it fails again and again. */
static bool is_lasting(enum od_err err)
{
    return err && err != OD_E_STALE && err != OD_E_NO_SPACE && err != OD_E_NO_MEMORY &&
           err != OD_E_FENCED && err != OD_E_BUSY && err != OD_E_NOT_FOUND && err != OD_E_LIMIT;
}

/* With the partition entered. */
static void mark_uncleanable(struct od_cleaner *c, struct od_partition *p, enum od_err err)
{
    p->uncleanable = true;
    c->uncleanable++;
    od_log(OD_LOG_ERROR, "cleaner", "%s-%d cannot be compacted and grows: %s", p->topic, p->index,
           od_err_text(err));
}

static void free_cleaning(struct od_cleaning *g)
{
    struct od_cleaner *c = g->cleaner;

    c->out[g->slot] = NULL;
    c->n_out--;
    od_partition_unref(g->partition);
    od_free(g);
}

/* The clean has ended; a success is followed by the next at once. */
static void end(struct od_cleaning *g, enum od_err err, const struct od_clean_result *r)
{
    struct od_cleaner *c = g->cleaner;

    if (!err)
        tell(g, r);
    c->cleaned += !err;
    free_cleaning(g);
    if (c->stopped)
        return;
    if (!err && c->n_found == 0 && !c->all)
        set_timer(c, 0);
    fill_slots(c);
}

static void slice_done(struct od_job *job)
{
    struct od_cleaning *g = OD_CONTAINER(job, struct od_cleaning, job);
    struct od_cleaner *c = g->cleaner;
    struct od_partition *p = g->partition;
    struct od_clean_result result = { 0 };
    enum od_err err = OD_NONE;
    bool over = g->step == OD_CLEAN_DONE;
    struct od_effects fx;

    od_partition_enter(p, &fx);
    if (!p->plog) { /* deleted meanwhile */
        od_plog_clean_drop(g->clean);
        err = OD_E_STALE;
        over = true;
    } else if (g->step == OD_CLEAN_SWAP) {
        od_plog_clean_swap(p->plog, g->clean);
    } else if (over) {
        err = od_plog_clean_end(p->plog, g->clean, &result);
        if (is_lasting(err))
            mark_uncleanable(c, p, err);
    }
    if (over)
        p->cleaning = false;
    od_partition_leave(p, &fx, &c->node->shards[0]);
    if (!c->stopped)
        refresh_settings(c);
    if (over)
        end(g, err, &result);
    else
        go_on(g);
}

static struct od_plog_clean *begin(struct od_cleaner *c, struct od_partition *p)
{
    struct od_plog_clean *clean = NULL;
    struct od_effects fx;

    od_partition_enter(p, &fx);
    if (is_compacted(p) && !p->cleaning) {
        struct od_plog_clean_options o = options_of(c, p);
        enum od_err err = od_plog_clean_begin(p->plog, &o, &clean);

        if (is_lasting(err))
            mark_uncleanable(c, p, err);
        p->cleaning = clean != NULL;
    }
    od_partition_leave(p, &fx, &c->node->shards[0]);
    return clean;
}

/* Takes the reference. */
static void start(struct od_cleaner *c, struct od_partition *p)
{
    struct od_plog_clean *clean = begin(c, p);
    struct od_cleaning *g;

    if (!clean) {
        od_partition_unref(p);
        return;
    }
    g = OD_NEW(struct od_cleaning);
    g->cleaner = c;
    g->partition = p;
    g->clean = clean;
    g->began_ns = od_clock_mono_ns();
    g->wait.fire = wait_over;
    while (c->out[g->slot])
        g->slot++;
    c->out[g->slot] = g;
    c->n_out++;
    submit(g);
}

static void fill_slots(struct od_cleaner *c)
{
    while (c->n_found > 0 && c->n_out < slots(c)) {
        struct od_partition *p = c->found[0].partition;

        memmove(&c->found[0], &c->found[1], (size_t)--c->n_found * sizeof(c->found[0]));
        start(c, p);
    }
}

/* --- rounds ----------------------------------------------------------------------------------- */

static void go_round(struct od_timer *t)
{
    struct od_cleaner *c = OD_CONTAINER(t, struct od_cleaner, timer);

    if (!c->all) {
        refresh_settings(c);
        forget_found(c);
        c->all = od_partitions_all(&c->node->partitions, &c->count);
        c->next = 0;
    }
    for (int i = 0; i < LOOKS && c->next < c->count; i++) {
        struct od_partition *p = c->all[c->next++];

        look(c, p);
        od_partition_unref(p);
    }
    if (c->next < c->count) {
        set_timer(c, LOOKS_MS);
        return;
    }
    drop_round(c);
    fill_slots(c);
    set_timer(c, backoff_ms(c));
}

void od_cleaner_start(struct od_cleaner *c, struct od_node *node)
{
    *c = (struct od_cleaner){ .node = node, .timer.fire = go_round };
    if (node->config.log_cleaner_enable)
        set_timer(c, backoff_ms(c));
}

void od_cleaner_stop(struct od_cleaner *c)
{
    if (!c->node)
        return;
    c->stopped = true;
    od_timer_cancel(c->node->shards[0].reactor, &c->timer);
    drop_round(c);
    forget_found(c);
    od_live_config_unref(c->live);
    c->live = NULL;
    for (int i = 0; i < OD_CLEANER_CLEANINGS_MAX; i++) {
        struct od_cleaning *g = c->out[i];

        if (!g)
            continue;
        od_plog_clean_stop(g->clean);
        if (g->waiting) {
            od_timer_cancel(c->node->shards[0].reactor, &g->wait);
            wait_over(&g->wait);
        }
    }
}

bool od_cleaner_idle(const struct od_cleaner *c)
{
    return c->n_out == 0;
}
