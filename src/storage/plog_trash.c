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

/* A name that no other directory has: the old one, cut to leave room, and what became of it. */
static void rename_path(const struct od_storage *s, const char *name, const char *fate, char *path)
{
    char suffix[48];

    snprintf(suffix, sizeof(suffix), ".%016llx%016llx-%s", (unsigned long long)od_random_u64(),
             (unsigned long long)od_random_u64(), fate);
    snprintf(path, OD_PATH_MAX, "%s/%.*s%s", s->path, NAME_BYTES_MAX - (int)strlen(suffix), name,
             suffix);
}

static enum od_err rename_one(struct od_plog_trash *trash)
{
    char path[OD_PATH_MAX];
    enum od_err err;

    wait_for_users(trash->dir);
    rename_path(trash->storage, strrchr(trash->dir->path, '/') + 1, "delete", path);
    err = od_path_rename(trash->dir->path, path);
    if (!err)
        trash->renamed = od_str_dup(od_str_of(path));
    return err;
}

enum od_err od_plog_trash_rename(struct od_plog_trash *trash, size_t n)
{
    enum od_err err, first;

    if (n == 0)
        return OD_NONE;
    first = od_manifest_commit(&trash->storage->manifest);
    if (first == OD_E_NO_SPACE)
        first = OD_NONE; /* removing makes room; until it is noted no such name is made */
    if (first)
        return first;
    for (size_t i = 0; i < n; i++) {
        OD_ASSERT(trash[i].whole && !trash[i].renamed);
        err = rename_one(&trash[i]);
        if (err && !first)
            first = err;
    }
    err = od_dir_sync(trash->storage->path);
    return first ? first : err;
}

static enum od_err remove_whole(struct od_plog_trash *trash)
{
    enum od_err err = trash->renamed ? OD_NONE : od_plog_trash_rename(trash, 1);

    return err ? err : od_storage_remove_dir(trash->renamed);
}

enum od_err od_plog_trash_run(struct od_plog_trash *trash)
{
    enum od_err err = OD_NONE;

    if (trash->whole)
        err = remove_whole(trash);
    else if (trash->n) /* the log start first: offsets are never used twice */
        err = od_manifest_commit(&trash->storage->manifest);
    for (int i = 0; i < trash->n; i++) {
        if (!err)
            err = od_segment_remove_files(trash->segments[i]);
        od_segment_unref(trash->segments[i]);
    }
    if (trash->learn && !err)
        err = od_segment_learn(trash->learn);
    od_segment_unref(trash->learn);
    od_free(trash->segments);
    od_free(trash->renamed);
    od_plog_dir_unref(trash->dir);
    od_filecache_tidy(&trash->storage->cache);
    *trash = (struct od_plog_trash){ 0 };
    return err;
}

enum od_err od_plog_set_aside(struct od_storage *s, struct od_str topic, int32_t partition)
{
    char name[OD_PARTITION_NAME_MAX + 1], from[OD_PATH_MAX], to[OD_PATH_MAX];
    int len = snprintf(name, sizeof(name), "%.*s-%d", OD_STR_ARGS(topic), partition);
    struct od_manifest_entry *e =
        od_manifest_find(&s->manifest, (struct od_str){ name, (size_t)len });
    enum od_err err;

    if (!e || e->plog)
        return OD_E_BUSY;
    snprintf(from, sizeof(from), "%s/%s", s->path, name);
    rename_path(s, name, "stray", to);
    od_log(OD_LOG_WARN, "storage", "%s belongs to a topic that is gone, and is now %s", from, to);
    err = od_path_rename(from, to);
    if (!err)
        err = od_dir_sync(s->path);
    if (err)
        return err;
    od_manifest_remove(&s->manifest, e);
    return od_manifest_commit(&s->manifest);
}
