/* SPDX-License-Identifier: Apache-2.0 */
/* The locked half of a clean: what there is to do, the swap in memory, the end. */
#include "storage/plog_clean.h"

#include "base/assert.h"
#include "base/mem.h"
#include "os/clock.h"
#include "storage/plog_clean_internal.h"

enum { INDEX_ENTRY_BYTES = 8, TIME_ENTRY_BYTES = 12 };

/* --- what there is to do ---------------------------------------------------------------------- */

/* How many segments may be cleaned: sealed, durable, with their indexes and snapshot on the disk,
 * and not named by the recovery point. */
static int candidates(const struct od_plog *p)
{
    int n = 0;

    while (n + 1 < p->n_segments && p->segments[n]->sealed && !p->segments[n]->index &&
           !od_segment_has_side(p->segments[n]) &&
           p->segments[n]->end_offset <= p->durable.offset &&
           (p->segments[n]->base_offset < p->durable.base ||
            p->durable.offset == od_plog_active(p)->base_offset))
        n++;
    return n;
}

static struct od_clean_segment view(const struct od_segment *s)
{
    int64_t index = (int64_t)s->disk_entries * INDEX_ENTRY_BYTES;
    int64_t times = (int64_t)s->disk_times * TIME_ENTRY_BYTES;

    return (struct od_clean_segment){
        .base_offset = s->base_offset,
        .end_offset = s->end_offset,
        .size = s->size,
        .index_bytes = index > times ? index : times,
        .first_timestamp = s->first_timestamp,
        .max_timestamp = s->max_timestamp,
        .times_known = atomic_load_explicit(&s->times_known, memory_order_acquire),
    };
}

/* Owned by the caller; NULL: none. */
static struct od_clean_segment *views(const struct od_plog *p, int n)
{
    struct od_clean_segment *v = n ? od_alloc((size_t)n * sizeof(*v)) : NULL;

    for (int i = 0; i < n; i++)
        v[i] = view(p->segments[i]);
    return v;
}

void od_plog_clean_look(const struct od_plog *p, const struct od_plog_clean_options *o,
                        struct od_clean_outlook *out)
{
    int n = candidates(p);
    struct od_clean_segment *v = views(p, n);
    int64_t stable = od_plog_first_unstable(p);
    int64_t limit = o->limit_offset < stable ? o->limit_offset : stable;

    od_clean_plan(v, n, p->start_offset, p->entry->cleaned, limit, &o->rules, out);
    od_free(v);
}

/* --- begin ------------------------------------------------------------------------------------ */

/* The segments up to the limit, or for learning all. */
static void take_segments(struct od_plog *p, struct od_plog_clean *c, int n)
{
    while (n > 0 && c->phase != OD_CLEAN_LEARN && p->segments[n - 1]->end_offset > c->limit_offset)
        n--;
    c->n = n;
    c->views = views(p, n);
    c->segments = od_alloc((size_t)n * sizeof(struct od_segment *));
    for (int i = 0; i < n; i++)
        c->segments[i] = od_segment_ref(p->segments[i]);
}

static bool any_damaged(const struct od_plog_clean *c)
{
    for (int i = 0; i < c->n; i++)
        if (c->segments[i]->n_damages)
            return true;
    return false;
}

/* The recovery point must not name a segment that goes. */
static void move_recovery_point(struct od_plog *p)
{
    const struct od_segment *active = od_plog_active(p);

    if (p->durable.offset != active->base_offset || p->durable.base == active->base_offset)
        return;
    p->durable = (struct od_recovery_point){ active->base_offset, active->base_offset, 0 };
    od_plog_put_state(p);
}

static enum od_err take_map(struct od_plog_clean *c)
{
    const struct od_plog_clean_options *o = &c->options;
    uint64_t seed[2] = { od_random_u64(), od_random_u64() };

    c->map = od_clean_map_new(o->map_bytes_max, o->map_load_max, c->limit_offset - c->first_dirty,
                              seed);
    c->round = (struct od_clean_round){ .map = c->map,
                                        .latest_offset = c->first_dirty - 1,
                                        .now_ms = o->rules.now_ms,
                                        .delete_retention_ms = o->delete_retention_ms };
    return c->map ? OD_NONE : OD_E_NO_MEMORY;
}

/* Who has written last, in no order. */
static void take_producers(const struct od_plog *p, struct od_plog_clean *c)
{
    size_t n = p->producers ? od_producers_count(p->producers) : 0;

    if (!n)
        return;
    c->producers = od_alloc(n * sizeof(*c->producers));
    OD_LIST_EACH (&p->producers->order, link) {
        const struct od_producer *x = OD_CONTAINER(link, struct od_producer, order);

        c->producers[c->n_producers++] = (struct od_clean_producer){
            .producer_id = x->id,
            .last_offset = x->done_count ? x->done[x->done_count - 1].last_offset : -1,
            .epoch = x->epoch,
        };
    }
}

static void take_aborted(const struct od_plog *p, struct od_plog_clean *c)
{
    int64_t from = c->segments[0]->base_offset;
    size_t n = od_plog_aborted(p, from, c->limit_offset, NULL, 0);

    if (!n)
        return;
    c->aborted = od_alloc(n * sizeof(*c->aborted));
    c->n_aborted = od_plog_aborted(p, from, c->limit_offset, c->aborted, n);
}

static struct od_plog_clean *new_clean(struct od_plog *p, const struct od_plog_clean_options *o,
                                       const struct od_clean_outlook *look)
{
    struct od_plog_clean *c = OD_NEW(struct od_plog_clean);

    c->storage = p->storage;
    c->dir = od_plog_dir_ref(p->dir);
    c->entry = p->entry;
    c->options = *o;
    c->config = p->config;
    c->first_dirty = c->cleaned_offset = look->first_dirty;
    c->limit_offset = look->limit_offset;
    c->phase = look->dirty_bytes ? OD_CLEAN_KEYS : OD_CLEAN_LEARN;
    c->tally.horizon_min = INT64_MAX;
    return c;
}

enum od_err od_plog_clean_begin(struct od_plog *p, const struct od_plog_clean_options *o,
                                struct od_plog_clean **out)
{
    struct od_clean_outlook look;
    struct od_plog_clean *c;
    enum od_err err = OD_NONE;

    *out = NULL;
    if (p->clean || p->cutting)
        return OD_E_BUSY;
    if (p->broken || od_storage_fenced(p->storage))
        return OD_E_FENCED;
    od_plog_clean_look(p, o, &look);
    if (!look.dirty_bytes && !look.times_unknown)
        return OD_E_NOT_FOUND;
    c = new_clean(p, o, &look);
    take_segments(p, c, candidates(p));
    if (any_damaged(c))
        err = OD_CORRUPT_MESSAGE;
    if (!err && c->phase == OD_CLEAN_KEYS)
        err = take_map(c);
    if (err) {
        od_plog_clean_free(c);
        return err;
    }
    if (c->map) {
        take_producers(p, c);
        take_aborted(p, c);
    }
    move_recovery_point(p);
    if (c->map) /* from here on offsets may be missing */
        od_manifest_put_cleaned(&p->storage->manifest, p->entry, c->first_dirty);
    p->clean = c;
    *out = c;
    return OD_NONE;
}

/* --- swap and end ----------------------------------------------------------------------------- */

static int index_of(const struct od_plog *p, const struct od_segment *s)
{
    int i = od_plog_find_segment(p, s->base_offset);

    OD_ASSERT(i >= 0 && p->segments[i] == s);
    return i;
}

void od_plog_clean_swap(struct od_plog *p, struct od_plog_clean *c)
{
    struct od_segment **old = c->segments + c->first;
    int at = index_of(p, old[0]), after = at + c->count;
    int64_t before = 0;

    OD_ASSERT(p->clean == c && c->phase == OD_CLEAN_COMMITTED && after < p->n_segments);
    c->made->end_offset = old[c->count - 1]->end_offset;
    for (int i = 0; i < c->count; i++) {
        OD_ASSERT(p->segments[at + i] == old[i]);
        od_filecache_replace(&p->storage->cache, &old[i]->file);
        before += old[i]->size;
        od_segment_unref(p->segments[at + i]); /* the clean has its own reference */
    }
    p->segments[at] = od_segment_ref(c->made);
    memmove(p->segments + at + 1, p->segments + after,
            (size_t)(p->n_segments - after) * sizeof(struct od_segment *));
    p->n_segments -= c->count - 1;
    p->size += c->made->size - before;
    od_plog_count_aborted(p);
    c->result.bytes_before += before;
    c->result.bytes_after += c->made->size;
    c->phase = OD_CLEAN_PLACE;
}

void od_plog_clean_stop(struct od_plog_clean *c)
{
    atomic_store_explicit(&c->stopping, true, memory_order_relaxed);
}

enum od_err od_plog_clean_end(struct od_plog *p, struct od_plog_clean *c,
                              struct od_clean_result *out)
{
    enum od_err err = c->err;

    OD_ASSERT(p->clean == c && c->phase == OD_CLEAN_OVER);
    p->clean = NULL;
    c->result.cleaned_offset = c->cleaned_offset;
    c->result.records_read = c->tally.records_read;
    c->result.records_kept = c->tally.records_kept;
    c->result.full = c->full;
    *out = c->result;
    if (!err && c->map)
        od_manifest_put_cleaned(&p->storage->manifest, p->entry, c->cleaned_offset);
    od_plog_clean_free(c);
    return err;
}

void od_plog_clean_drop(struct od_plog_clean *c)
{
    od_plog_clean_free(c);
}

void od_plog_clean_free(struct od_plog_clean *c)
{
    if (c->in_file)
        od_segment_unpin(c->segments[c->at]);
    if (c->made_file)
        od_segment_unpin(c->made);
    for (int i = 0; i < c->n; i++)
        od_segment_unref(c->segments[i]);
    od_segment_unref(c->made);
    od_clean_map_free(c->map);
    od_clean_txns_deinit(&c->txns);
    od_clean_buffer_free(&c->in);
    od_clean_buffer_free(&c->out);
    od_clean_buffer_free(&c->scratch);
    od_free(c->segments);
    od_free(c->views);
    od_free(c->producers);
    od_free(c->aborted);
    od_plog_dir_unref(c->dir);
    od_free(c);
}
