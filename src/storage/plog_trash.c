/* SPDX-License-Identifier: Apache-2.0 */
/* Retention and deletion: files leave the log under its lock, and the disk on a helper. */
#include "base/assert.h"
#include "base/log.h"
#include "base/mem.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/thread.h"
#include "storage/plog_internal.h"

enum { NAME_BYTES_MAX = 255 };

/* --- retention ------------------------------------------------------------------------------- */

/* Whether s, the first of a log of this size, has to go. */
static bool expired(const struct od_plog *p, const struct od_segment *s,
                    const struct od_plog_retention *r)
{
    int64_t newest = atomic_load_explicit(&s->max_timestamp, memory_order_relaxed);

    if (s->end_offset > r->limit_offset || s->end_offset > p->durable.offset)
        return false;
    if (s->end_offset <= p->start_offset)
        return true;
    if (r->retention_bytes >= 0 && p->size - r->retention_bytes >= s->size)
        return true;
    return r->retention_ms >= 0 && atomic_load_explicit(&s->times_known, memory_order_acquire) &&
           newest >= 0 && r->now_ms - newest > r->retention_ms;
}

/* The active segment goes by time only, once all before it goes, and a new one takes its place. */
static bool last_expired(const struct od_plog *p, int gone, const struct od_plog_retention *r)
{
    const struct od_segment *s = od_plog_active(p);
    struct od_plog_retention by_time = *r;

    by_time.retention_bytes = -1;
    return gone + 1 == p->n_segments && s->size > 0 && !p->broken && expired(p, s, &by_time);
}

bool od_plog_retain(struct od_plog *p, const struct od_plog_retention *r,
                    struct od_plog_trash *out)
{
    int gone = 0;

    *out = (struct od_plog_trash){ .storage = p->storage };
    if (p->cutting || p->flush_out || p->clean || od_storage_fenced(p->storage))
        return false;
    while (gone + 1 < p->n_segments && expired(p, p->segments[gone], r))
        p->size -= p->segments[gone++]->size;
    if (last_expired(p, gone, r) && !od_plog_roll(p)) {
        p->size -= p->segments[gone]->size;
        gone++;
    }
    if (p->n_segments && r->retention_ms >= 0 && !p->segments[gone]->times_known)
        out->learn = od_segment_ref(p->segments[gone]);
    if (!gone)
        return out->learn != NULL;
    out->segments = od_alloc((size_t)gone * sizeof(struct od_segment *));
    memcpy(out->segments, p->segments, (size_t)gone * sizeof(struct od_segment *));
    out->n = gone;
    p->n_segments -= gone;
    memmove(p->segments, p->segments + gone, (size_t)p->n_segments * sizeof(struct od_segment *));
    od_plog_count_aborted(p);
    if (p->start_offset < p->segments[0]->base_offset)
        od_plog_set_start_offset(p, p->segments[0]->base_offset);
    return true;
}

/* --- deletion -------------------------------------------------------------------------------- */

void od_plog_delete(struct od_plog *p, struct od_plog_trash *out)
{
    struct od_storage *s = p->storage;

    OD_ASSERT(!p->cutting);
    *out = (struct od_plog_trash){ .storage = s, .dir = od_plog_dir_ref(p->dir), .whole = true };
    atomic_store(&p->dir->gone, true);
    od_manifest_remove(&s->manifest, p->entry);
    od_plog_free(p);
}

/* A clean's slice that is under way takes the directory's names for its log's.  The next one sees
 * that the log is gone. */
static void wait_for_users(struct od_plog_dir *dir)
{
    struct od_gate *gate;

    if (!atomic_load(&dir->users))
        return;
    gate = od_gate_new();
    while (atomic_load(&dir->users))
        od_gate_wait(gate, 1);
    od_gate_free(gate);
}

static enum od_err remove_whole(struct od_storage *s, struct od_plog_dir *dir)
{
    char path[OD_PATH_MAX];
    const char *name = strrchr(dir->path, '/') + 1;
    char suffix[48];
    enum od_err err;

    snprintf(suffix, sizeof(suffix), ".%016llx%016llx-delete",
             (unsigned long long)od_random_u64(), (unsigned long long)od_random_u64());
    snprintf(path, sizeof(path), "%s/%.*s%s", s->path, NAME_BYTES_MAX - (int)strlen(suffix), name,
             suffix);
    wait_for_users(dir);
    err = od_manifest_commit(&s->manifest);
    if (!err)
        err = od_path_rename(dir->path, path);
    if (!err)
        err = od_dir_sync(s->path);
    return err ? err : od_storage_remove_dir(path);
}

enum od_err od_plog_trash_run(struct od_plog_trash *trash)
{
    enum od_err err = OD_NONE;

    if (trash->whole)
        err = remove_whole(trash->storage, trash->dir);
    for (int i = 0; i < trash->n; i++) {
        if (!err)
            err = od_segment_remove_files(trash->segments[i]);
        od_segment_unref(trash->segments[i]);
    }
    if (trash->learn && !err)
        err = od_segment_learn(trash->learn);
    od_segment_unref(trash->learn);
    od_free(trash->segments);
    od_plog_dir_unref(trash->dir);
    od_filecache_tidy(&trash->storage->cache);
    *trash = (struct od_plog_trash){ 0 };
    return err;
}
