/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When the local store writes a snapshot, and what it then removes.  The two newest snapshots are
 * kept, and the log from the older one on: should the newest be damaged, the older one and the log
 * tell the same.  Order on the disk: a snapshot is whole and synced before anything that it covers
 * is removed; a crash anywhere leaves more than is needed, never less.
 */
#include "meta/local_internal.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "os/clock.h"
#include "storage/storage.h"

/* --- loading ---------------------------------------------------------------------------------- */

static void keep(struct od_local_snapshots *s, struct od_metasnapshot_id id)
{
    if (s->kept_count == OD_METASNAPSHOTS_KEPT)
        s->kept_count--;
    memmove(s->kept + 1, s->kept, (size_t)s->kept_count * sizeof(id));
    s->kept[0] = id;
    s->kept_count++;
}

/* Makes what is kept; older ones than those are of no use, and one that is damaged even less. */
static void keep_found(struct od_local *s, const struct od_metasnapshot_list *list, int newest)
{
    int last = newest + OD_METASNAPSHOTS_KEPT - 1;

    if (last > list->n - 1)
        last = list->n - 1;
    for (int i = last; i >= newest; i--)
        keep(&s->snapshots, list->v[i]);
    for (int i = last + 1; i < list->n; i++)
        if (od_metasnapshot_remove(s->dir, list->v[i]))
            od_log(OD_LOG_WARN, "meta", "an old snapshot in %s cannot be removed", s->dir);
}

/* A snapshot above the log's end tells of commits that the log has lost. */
static enum od_err refuse(const struct od_local *s, const char *why)
{
    od_log(OD_LOG_ERROR, "meta", "%s holds offsets %lld to %lld, and %s", s->dir,
           (long long)od_plog_start_offset(s->log), (long long)od_plog_end_offset(s->log), why);
    return OD_E_CORRUPT;
}

static enum od_err load_one(const struct od_local *s, struct od_metasnapshot_id id,
                            struct od_image *empty, struct od_edit **edit)
{
    struct od_edit *e = od_edit_new(empty);
    enum od_err err = od_metasnapshot_read(s->dir, id, e);

    if (!err && od_edit_in_transaction(e))
        err = OD_E_CORRUPT;
    if (err)
        od_edit_free(e);
    else
        *edit = e;
    return err;
}

enum od_err od_local_load_snapshot(struct od_local *s, struct od_image *empty,
                                   struct od_edit **edit, struct od_meta_position *position)
{
    struct od_metasnapshot_list list;
    enum od_err err = od_metasnapshots_find(s->dir, &list);
    int64_t start = od_plog_start_offset(s->log), end = od_plog_end_offset(s->log);
    int i;

    *edit = NULL;
    *position = (struct od_meta_position){ -1, 0 };
    if (!err && list.n && list.v[0].end_offset > end)
        err = refuse(s, "a snapshot goes further: the log has lost its end");
    for (i = 0; !err && !*edit && i < list.n && list.v[i].end_offset >= start; i++) {
        err = load_one(s, list.v[i], empty, edit);
        if (err == OD_E_CORRUPT)
            err = OD_NONE; /* the one before it will do */
        if (*edit) {
            *position = (struct od_meta_position){ list.v[i].end_offset - 1, list.v[i].epoch };
            keep_found(s, &list, i);
        }
    }
    if (!err && !*edit && start > 0)
        err = refuse(s, "no whole snapshot begins there: the log has lost its beginning");
    if (!err && !*edit)
        *edit = od_edit_new(empty);
    od_metasnapshots_deinit(&list);
    return err;
}

/* --- writing ---------------------------------------------------------------------------------- */

static void set_timer(struct od_local *s)
{
    struct od_local_snapshots *n = &s->snapshots;
    int64_t interval_ms = s->o.snapshot_interval_ms;
    struct od_reactor *r = od_reactor_current();

    if (n->out || !s->o.holder || n->fresh_ms == 0)
        return;
    if (n->fresh_bytes >= s->o.snapshot_bytes)
        od_timer_set(r, &n->timer, od_reactor_now_ms(r));
    else if (interval_ms > 0)
        od_timer_set(r, &n->timer, n->fresh_ms + interval_ms);
}

static void run_write(struct od_job *job)
{
    struct od_local *s = OD_CONTAINER(job, struct od_local, snapshots.job);

    s->snapshots.err = od_metasnapshot_write(s->dir, s->snapshots.image, od_clock_wall_ms());
}

static void run_removal(struct od_job *job)
{
    struct od_local *s = OD_CONTAINER(job, struct od_local, snapshots.job);
    struct od_local_snapshots *n = &s->snapshots;

    if (n->trash.n && od_plog_trash_run(&n->trash))
        od_log(OD_LOG_WARN, "meta", "old segments in %s stay until the next start", s->dir);
    if (n->gone.end_offset >= 0 && od_metasnapshot_remove(s->dir, n->gone))
        od_log(OD_LOG_WARN, "meta", "an old snapshot in %s stays until the next start", s->dir);
}

static void removal_done(struct od_job *job)
{
    struct od_local *s = OD_CONTAINER(job, struct od_local, snapshots.job);

    s->snapshots.out = false;
    set_timer(s);
}

static void submit(struct od_local *s, enum od_job_class class, void (*run)(struct od_job *),
                   void (*done)(struct od_job *))
{
    struct od_local_snapshots *n = &s->snapshots;

    n->job = (struct od_job){ .class = class, .run = run, .done = done };
    if (od_helpers_submit(s->o.helpers, &n->job)) {
        run(&n->job); /* every helper is busy, and one is enough in a while */
        done(&n->job);
    }
}

/* Takes out of the log what the oldest snapshot kept covers; not while a flush is out. */
static void take_prefix(struct od_local *s)
{
    struct od_local_snapshots *n = &s->snapshots;
    struct od_plog_retention by_start = { .retention_ms = -1,
                                          .retention_bytes = -1,
                                          .limit_offset = od_plog_high_watermark(s->log) };

    n->prefix_due = false;
    od_plog_set_start_offset(s->log, OD_MUTANT(meta_log_cut_short)
                                         ? od_plog_high_watermark(s->log)
                                         : n->kept[OD_METASNAPSHOTS_KEPT - 1].end_offset);
    (void)!od_plog_retain(s->log, &by_start, &n->trash); /* none: no whole segment lies below */
}

void od_local_note_commit(struct od_local *s, int64_t bytes)
{
    struct od_local_snapshots *n = &s->snapshots;

    n->fresh_bytes += bytes;
    if (n->fresh_ms == 0)
        n->fresh_ms = od_reactor_now_ms(od_reactor_current());
    if (n->prefix_due && !n->out) {
        take_prefix(s);
        n->gone.end_offset = -1;
        n->out = true;
        submit(s, OD_JOB_DELETE, run_removal, removal_done);
    }
    set_timer(s);
}

static void write_done(struct od_job *job)
{
    struct od_local *s = OD_CONTAINER(job, struct od_local, snapshots.job);
    struct od_local_snapshots *n = &s->snapshots;
    struct od_metasnapshot_id id = { n->image->offset + 1, n->image->epoch };

    od_image_unref(n->image);
    n->image = NULL;
    n->gone.end_offset = -1;
    n->trash = (struct od_plog_trash){ 0 };
    if (n->err) { /* logged where it arose; tried again after as many bytes */
        n->out = false;
        return;
    }
    if (n->kept_count == OD_METASNAPSHOTS_KEPT)
        n->gone = n->kept[OD_METASNAPSHOTS_KEPT - 1];
    keep(n, id);
    n->prefix_due = n->kept_count == OD_METASNAPSHOTS_KEPT;
    if (n->prefix_due && !s->commit)
        take_prefix(s);
    submit(s, OD_JOB_DELETE, run_removal, removal_done);
}

static void due(struct od_timer *t)
{
    struct od_local *s = OD_CONTAINER(t, struct od_local, snapshots.timer);
    struct od_local_snapshots *n = &s->snapshots;
    struct od_image *image;

    if (n->out || n->stopped || od_storage_fenced(s->o.storage))
        return;
    image = od_image_acquire(s->o.holder);
    n->fresh_bytes = n->fresh_ms = 0;
    if (n->kept_count && image->offset + 1 <= n->kept[0].end_offset) {
        od_image_unref(image); /* what was committed is not published yet; it comes with the next */
        return;
    }
    n->image = image;
    n->out = true;
    submit(s, OD_JOB_CPU, run_write, write_done);
}

void od_local_init_snapshots(struct od_local *s)
{
    s->snapshots = (struct od_local_snapshots){ .timer.fire = due, .gone.end_offset = -1 };
}
