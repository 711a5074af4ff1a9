/* SPDX-License-Identifier: Apache-2.0 */
/* Renames, removals and directory syncs in the order that clean_swap.h tells. */
#include "storage/clean_swap.h"

#include "base/log.h"
#include "base/mem.h"
#include "os/file.h"
#include "storage/plog_internal.h"
#include "storage/recover.h"

static const char *const index_suffixes[] = { "index", "timeindex", "txnindex" };

static enum od_err move(const struct od_segment *s, const char *suffix, enum od_segment_stage from,
                        enum od_segment_stage to)
{
    char old[OD_PATH_MAX], new[OD_PATH_MAX];

    od_segment_stage_path(s, suffix, from, old, sizeof(old));
    od_segment_stage_path(s, suffix, to, new, sizeof(new));
    return od_path_rename(old, new);
}

static enum od_err move_indexes(const struct od_segment *s, enum od_segment_stage from,
                                enum od_segment_stage to, bool has_txnindex)
{
    size_t n = OD_COUNT(index_suffixes) - !has_txnindex;
    enum od_err err = OD_NONE;

    for (size_t i = 0; i < n && !err; i++)
        err = move(s, index_suffixes[i], from, to);
    return err;
}

enum od_err od_swap_commit(struct od_segment *s, bool has_txnindex)
{
    enum od_err err = move_indexes(s, OD_SEGMENT_CLEANED, OD_SEGMENT_SWAP, has_txnindex);

    if (!err)
        err = od_dir_sync(s->dir->path);
    if (!err)
        err = move(s, "log", OD_SEGMENT_CLEANED, OD_SEGMENT_SWAP);
    atomic_store_explicit(&s->stage, OD_SEGMENT_SWAP, memory_order_release);
    if (!err)
        err = od_dir_sync(s->dir->path);
    return err;
}

enum od_err od_swap_place(struct od_segment *s, struct od_segment *const *old, int n,
                          bool has_txnindex)
{
    enum od_err err = OD_NONE;

    for (int i = n - 1; i > 0 && !err; i--)
        err = od_segment_remove_files(old[i]);
    if (!err)
        err = move_indexes(s, OD_SEGMENT_SWAP, OD_SEGMENT_PLACED, has_txnindex);
    if (!err)
        err = od_dir_sync(s->dir->path);
    if (!err)
        err = move(s, "log", OD_SEGMENT_SWAP, OD_SEGMENT_PLACED);
    if (err)
        return err;
    atomic_store_explicit(&s->stage, OD_SEGMENT_PLACED, memory_order_release);
    return od_dir_sync(s->dir->path);
}

/* Whether the file of that suffix and stage is there. */
static bool is_there(const struct od_segment *s, const char *suffix, enum od_segment_stage stage)
{
    char path[OD_PATH_MAX];
    struct od_file *f;

    od_segment_stage_path(s, suffix, stage, path, sizeof(path));
    if (od_file_open(path, OD_FILE_READ | OD_FILE_QUIET, &f))
        return false;
    od_file_close(f);
    return true;
}

static void remove_staged(const struct od_segment *s, const char *suffix,
                          enum od_segment_stage stage)
{
    char path[OD_PATH_MAX];

    od_segment_stage_path(s, suffix, stage, path, sizeof(path));
    if (is_there(s, suffix, stage) && od_path_remove(path))
        od_log(OD_LOG_WARN, "storage", "%s stays until the next start", path);
}

void od_swap_abandon(struct od_segment *s)
{
    remove_staged(s, "log", OD_SEGMENT_CLEANED);
    for (size_t i = 0; i < OD_COUNT(index_suffixes); i++) {
        remove_staged(s, index_suffixes[i], OD_SEGMENT_CLEANED);
        remove_staged(s, index_suffixes[i], OD_SEGMENT_SWAP);
    }
}

/* --- at a start ------------------------------------------------------------------------------- */

static bool ignore_epoch(void *arg, int32_t epoch, int64_t start_offset)
{
    (void)arg, (void)epoch, (void)start_offset;
    return false;
}

/* Reads the heads of s to find its end. */
static enum od_err find_end(struct od_segment *s, int64_t *end)
{
    struct od_recovery r = { .segment = s,
                             .next_base = -1,
                             .index_interval_bytes = INT32_MAX,
                             .gaps_allowed = true,
                             .epoch = ignore_epoch };
    enum od_err err = od_segment_pin(s, 0, &r.file);

    if (err)
        return err;
    err = od_file_size(r.file, &r.file_size);
    r.verify_from = r.file_size;
    if (!err)
        err = od_recover(&r);
    od_segment_unpin(s);
    *end = s->end_offset;
    return err;
}

static enum od_err finish(struct od_plog *p, struct od_segment *s, int64_t *bases, size_t *n)
{
    size_t kept = *n;
    int64_t end;
    enum od_err err = find_end(s, &end);

    for (; !err && kept > 0 && bases[kept - 1] > s->base_offset; kept--) {
        struct od_segment *old;

        if (bases[kept - 1] >= end)
            continue;
        old = od_segment_new(&p->storage->cache, p->dir, bases[kept - 1]);
        err = od_segment_remove_files(old);
        od_segment_unref(old);
        memmove(bases + kept - 1, bases + kept, (--*n - (kept - 1)) * sizeof(*bases));
    }
    for (size_t i = 0; i < OD_COUNT(index_suffixes) && !err; i++)
        if (is_there(s, index_suffixes[i], OD_SEGMENT_SWAP))
            err = move(s, index_suffixes[i], OD_SEGMENT_SWAP, OD_SEGMENT_PLACED);
    if (!err)
        err = od_dir_sync(p->dir->path);
    if (!err)
        err = move(s, "log", OD_SEGMENT_SWAP, OD_SEGMENT_PLACED);
    if (!err)
        err = od_dir_sync(p->dir->path);
    if (!err && (kept == 0 || bases[kept - 1] != s->base_offset)) {
        memmove(bases + kept + 1, bases + kept, (*n - kept) * sizeof(*bases));
        bases[kept] = s->base_offset;
        ++*n;
    }
    return err;
}

enum od_err od_swap_finish(struct od_plog *p, int64_t base, int64_t *bases, size_t *n)
{
    struct od_segment *s = od_segment_new(&p->storage->cache, p->dir, base);
    enum od_err err;

    od_log(OD_LOG_INFO, "storage", "%s/%020lld.log.swap takes its place", p->dir->path,
           (long long)base);
    atomic_store(&s->stage, OD_SEGMENT_SWAP);
    err = finish(p, s, bases, n);
    od_segment_unref(s);
    return err;
}
