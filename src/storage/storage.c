/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A log directory's life.
 *
 * Start: lock; read marker, manifest and checkpoints; remove the marker and the recovery point
 * checkpoint; list the directory; begin a session.  From then on a crash is an unclean stop.
 * Stop: settle every log; write the checkpoints; the manifest ends with the CRC of marker and
 * recovery point checkpoint; the marker comes last.
 *
 * Kafka creates the recovery point checkpoint as soon as it starts, and its marker carries another
 * broker epoch than ours.  So a manifest that is followed by no such file (after a crash of ours),
 * or by exactly ours (after a clean stop), tells the truth; else Kafka was here and its own files
 * are believed.
 */
#include "storage/storage.h"

#include "base/crc32c.h"
#include "base/log.h"
#include "base/mem.h"
#include "os/clock.h"
#include "os/file.h"
#include "storage/plog_internal.h"
#include "storage/smallfile.h"

static const char marker_name[] = ".kafka_cleanshutdown";
static const char meta_name[] = "meta.properties";
static const char recovery_name[] = "recovery-point-offset-checkpoint";
static const char watermark_name[] = "replication-offset-checkpoint";
static const char start_name[] = "log-start-offset-checkpoint";
static const char cleaner_name[] = "cleaner-offset-checkpoint";

struct leftover {
    struct od_link link;
    char name[];
};

/* --- small things ---------------------------------------------------------------------------- */

bool od_storage_was_clean(const struct od_storage *s)
{
    return s->was_clean;
}

int64_t od_storage_last_broker_epoch(const struct od_storage *s)
{
    return s->last_broker_epoch;
}

bool od_storage_fenced(const struct od_storage *s)
{
    return atomic_load_explicit(&s->fenced, memory_order_acquire);
}

const char *od_storage_path(const struct od_storage *s)
{
    return s->path;
}

int32_t od_storage_node_id(const struct od_storage *s)
{
    return s->node_id;
}

const char *od_storage_cluster_id(const struct od_storage *s)
{
    return s->cluster_id;
}

struct od_uuid od_storage_directory_id(const struct od_storage *s)
{
    return s->directory_id;
}

int64_t od_storage_dirty_bytes(const struct od_storage *s)
{
    return atomic_load_explicit(&s->dirty_bytes, memory_order_relaxed);
}

bool od_storage_has_room(const struct od_storage *s)
{
    return od_reserve_held(&s->reserve);
}

void od_storage_make_room(struct od_storage *s)
{
    od_reserve_make(&s->reserve);
}

enum od_err od_storage_replace(struct od_storage *s, const char *dir, const char *name,
                               struct od_str text)
{
    enum od_err err = od_smallfile_replace(dir, name, text);

    if (err == OD_E_NO_SPACE && od_reserve_spend(&s->reserve))
        err = od_smallfile_replace(dir, name, text);
    return err;
}

void od_storage_fence(struct od_storage *s, const char *why)
{
    if (!atomic_exchange_explicit(&s->fenced, true, memory_order_acq_rel))
        od_log(OD_LOG_ERROR, "storage", "%s takes no more data: %s", s->path, why);
}

bool od_storage_next(const struct od_storage *s, size_t *cursor, struct od_storage_partition *out)
{
    struct od_manifest_entry *e;

    while ((e = od_map_next(&s->manifest.map, cursor))) {
        if (!e->present)
            continue;
        out->topic = (struct od_str){ e->name, e->topic_len };
        out->partition = e->partition;
        out->topic_id = e->topic_id;
        return true;
    }
    return false;
}

/* After a power cut: once every log was opened, the next crash is one of this boot. */
static void note_boot(struct od_storage *s)
{
    bool all = true;

    od_lock_take(&s->manifest.lock);
    OD_LIST_EACH (&s->manifest.all, link)
        all &= OD_CONTAINER(link, struct od_manifest_entry, link)->plog != NULL;
    od_lock_drop(&s->manifest.lock);
    if (!all)
        return;
    od_manifest_set_boot(&s->manifest, s->boot_id);
    s->boot_pending = false;
}

enum od_err od_storage_checkpoint(struct od_storage *s)
{
    enum od_err err;

    if (s->boot_pending)
        note_boot(s);
    err = od_storage_fenced(s) ? OD_E_FENCED : od_manifest_commit(&s->manifest);

    if (err && err != OD_E_FENCED && err != OD_E_NO_SPACE)
        od_storage_fence(s, "the manifest could not be written");
    return err;
}

/* --- start ----------------------------------------------------------------------------------- */

/* Reads a small file; a missing one gives an empty text and OD_E_NOT_FOUND. */
static enum od_err read_optional(const struct od_storage *s, const char *name,
                                 struct od_text *out, bool *found)
{
    enum od_err err = od_smallfile_read(s->path, name, out);

    *found = !err;
    return err == OD_E_NOT_FOUND ? OD_NONE : err;
}

static struct od_str text_str(const struct od_text *t)
{
    return (struct od_str){ od_text_get(t), t->len };
}

static enum od_err write_meta(struct od_storage *s)
{
    struct od_meta_properties meta = { .node_id = s->node_id, .directory_id = s->directory_id };
    struct od_text text = { 0 };
    enum od_err err;

    snprintf(meta.cluster_id, sizeof(meta.cluster_id), "%s", s->cluster_id);
    od_meta_properties_print(&meta, &text);
    err = od_storage_replace(s, s->path, meta_name, text_str(&text));
    od_text_reset(&text);
    return err;
}

static enum od_err check_meta(struct od_storage *s, const struct od_storage_options *options,
                              struct od_str text)
{
    struct od_meta_properties meta;

    if (od_meta_properties_parse(text, &meta)) {
        od_log(OD_LOG_ERROR, "storage", "%s/%s is malformed", s->path, meta_name);
        return OD_E_CONFIG;
    }
    if (meta.node_id >= 0 && options->node_id >= 0 && meta.node_id != options->node_id) {
        od_log(OD_LOG_ERROR, "storage", "%s belongs to node %d, not to %d", s->path, meta.node_id,
               options->node_id);
        return OD_E_CONFIG;
    }
    if (meta.cluster_id[0] && options->cluster_id.data &&
        !od_str_is(options->cluster_id, meta.cluster_id)) {
        od_log(OD_LOG_ERROR, "storage", "%s belongs to cluster %s, not to %.*s", s->path,
               meta.cluster_id, OD_STR_ARGS(options->cluster_id));
        return OD_E_CONFIG;
    }
    if (meta.cluster_id[0])
        snprintf(s->cluster_id, sizeof(s->cluster_id), "%s", meta.cluster_id);
    if (meta.node_id >= 0)
        s->node_id = meta.node_id;
    s->directory_id = meta.directory_id;
    return OD_NONE;
}

/* The first start: the directories above may be as new as ours.  A parent that we may not open is
 * older than us, so that errors do not count. */
static void sync_parents(const struct od_storage *s)
{
    char *path = od_strdup(s->path);

    for (char *slash; (slash = strrchr(path, '/'));) {
        *slash = '\0';
        if (od_dir_sync(path[0] ? path : "/"))
            break;
    }
    od_free(path);
}

static enum od_err load_meta(struct od_storage *s, const struct od_storage_options *options)
{
    struct od_text text = { 0 };
    bool found, complete;
    enum od_err err = read_optional(s, meta_name, &text, &found);

    s->node_id = options->node_id >= 0 ? options->node_id : OD_STORAGE_NODE_ID;
    if (!err && found)
        err = check_meta(s, options, text_str(&text));
    od_text_reset(&text);
    if (err)
        return err;
    complete = s->cluster_id[0] && !od_uuid_is_zero(s->directory_id);
    if (!s->cluster_id[0] && options->cluster_id.data) {
        snprintf(s->cluster_id, sizeof(s->cluster_id), "%.*s", OD_STR_ARGS(options->cluster_id));
    } else if (!s->cluster_id[0]) {
        od_uuid_print(od_uuid_from_random(od_random_u64(), od_random_u64()), s->cluster_id);
    }
    if (od_uuid_is_zero(s->directory_id))
        s->directory_id = od_uuid_from_random(od_random_u64(), od_random_u64());
    if (complete)
        return OD_NONE;
    sync_parents(s);
    return write_meta(s);
}

/* The machine's boot, so that a crash of the process is told from one of the machine. */
static void read_boot_id(char out[OD_BOOT_ID_MAX + 1])
{
    struct od_file *f;
    size_t got = 0;

    memset(out, 0, OD_BOOT_ID_MAX + 1);
    if (od_file_open("/proc/sys/kernel/random/boot_id", OD_FILE_READ | OD_FILE_QUIET, &f))
        return;
    if (od_file_read(f, out, OD_BOOT_ID_MAX, 0, &got))
        got = 0;
    od_file_close(f);
    out[got] = '\0';
    out[strcspn(out, "\r\n")] = '\0';
}

static enum od_err remove_file(const struct od_storage *s, const char *name)
{
    char path[OD_PATH_MAX];

    snprintf(path, sizeof(path), "%s/%s", s->path, name);
    return od_path_remove(path);
}

static struct od_manifest_entry *line_entry(struct od_storage *s, const struct od_offset_line *l)
{
    char name[OD_PARTITION_NAME_MAX + 1];
    int len = snprintf(name, sizeof(name), "%.*s-%d", OD_STR_ARGS(l->topic), l->partition);

    if (len >= (int)sizeof(name))
        return NULL;
    return od_manifest_find(&s->manifest, (struct od_str){ name, (size_t)len });
}

static void take_recovery(void *arg, const struct od_offset_line *line)
{
    struct od_manifest_entry *e = line_entry(arg, line);

    if (e)
        e->recovery = (struct od_recovery_point){ line->offset, -1, 0 };
}

static void take_watermark(void *arg, const struct od_offset_line *line)
{
    struct od_manifest_entry *e = line_entry(arg, line);

    if (e)
        atomic_store(&e->high_watermark, line->offset);
}

static void take_start(void *arg, const struct od_offset_line *line)
{
    struct od_manifest_entry *e = line_entry(arg, line);

    if (e)
        e->log_start = line->offset;
}

static void take_cleaned(void *arg, const struct od_offset_line *line)
{
    struct od_manifest_entry *e = line_entry(arg, line);

    if (e)
        e->cleaned = line->offset;
}

/* Believes a checkpoint of Kafka's, or nothing of it when it is malformed. */
static void take_checkpoint(struct od_storage *s, const char *name, struct od_str text,
                            void (*take)(void *arg, const struct od_offset_line *line))
{
    if (text.len && od_offsets_parse(text, take, s))
        od_log(OD_LOG_WARN, "storage", "%s/%s is malformed and was not used further", s->path,
               name);
}

static enum od_err read_checkpoint(struct od_storage *s, const char *name,
                                   void (*take)(void *arg, const struct od_offset_line *line))
{
    struct od_text text = { 0 };
    bool found;
    enum od_err err = read_optional(s, name, &text, &found);

    if (!err)
        take_checkpoint(s, name, text_str(&text), take);
    od_text_reset(&text);
    return err;
}

static enum od_err each_entry(void *arg, const char *name, bool is_dir)
{
    struct od_storage *s = arg;
    size_t len = strlen(name);
    struct od_manifest_entry *e;

    if (!is_dir)
        return OD_NONE;
    if (len > 7 && strcmp(name + len - 7, "-delete") == 0) {
        struct leftover *l = od_zalloc(sizeof(*l) + len + 1);

        memcpy(l->name, name, len + 1);
        od_list_push(&s->leftovers, &l->link);
        return OD_NONE;
    }
    e = od_manifest_find(&s->manifest, (struct od_str){ name, len });
    if (!e) {
        e = od_manifest_add(&s->manifest, (struct od_str){ name, len });
        if (e)
            e->listed = true;
    }
    if (e)
        e->present = true;
    return OD_NONE;
}

/* Topic id and epochs from the partition's own files. */
static enum od_err read_partition_files(struct od_storage *s, struct od_manifest_entry *e)
{
    struct od_plog_dir *dir = od_plog_dir_new(s->path, e->name);
    struct od_text text = { 0 };
    enum od_err err = od_smallfile_read(dir->path, "partition.metadata", &text);

    if (!err && od_partition_metadata_parse(text_str(&text), &e->topic_id)) {
        od_log(OD_LOG_WARN, "storage", "%s/partition.metadata is malformed", dir->path);
        e->topic_id = OD_UUID_ZERO;
    }
    od_text_reset(&text);
    if (!err || err == OD_E_NOT_FOUND)
        err = od_smallfile_read(dir->path, "leader-epoch-checkpoint", &text);
    if (!err && od_epochs_parse(text_str(&text), &e->epochs)) {
        od_log(OD_LOG_WARN, "storage", "%s/leader-epoch-checkpoint is malformed", dir->path);
        e->recovery = (struct od_recovery_point){ 0 }; /* the epochs are in the batches */
    }
    od_text_reset(&text);
    od_plog_dir_unref(dir);
    return err == OD_E_NOT_FOUND ? OD_NONE : err;
}

/* Brings the manifest's entries and the directory together. */
static enum od_err load_partitions(struct od_storage *s, struct od_str recovery)
{
    enum od_err err = od_dir_list(s->path, each_entry, s);

    if (!err && !s->trusted) {
        take_checkpoint(s, recovery_name, recovery, take_recovery);
        err = read_checkpoint(s, watermark_name, take_watermark);
        if (!err)
            err = read_checkpoint(s, start_name, take_start);
        if (!err)
            err = read_checkpoint(s, cleaner_name, take_cleaned);
    }
    OD_LIST_EACH (&s->manifest.all, link) {
        struct od_manifest_entry *e = OD_CONTAINER(link, struct od_manifest_entry, link);

        if (!e->present) {
            if (s->was_clean)
                od_log(OD_LOG_WARN, "storage", "%s/%s is gone", s->path, e->name);
            od_manifest_remove(&s->manifest, e);
        } else if (!err && (e->listed || od_uuid_is_zero(e->topic_id))) {
            err = read_partition_files(s, e);
        }
    }
    return err;
}

/* Reads what the last life left, decides what to believe, and opens a session. */
static enum od_err begin_session(struct od_storage *s, struct od_text *marker,
                                 struct od_text *recovery)
{
    char boot_id[OD_BOOT_ID_MAX + 1];
    struct od_manifest_found found;
    bool has_marker, has_recovery;
    enum od_err err = read_optional(s, marker_name, marker, &has_marker);
    uint32_t crc;

    if (!err)
        err = read_optional(s, recovery_name, recovery, &has_recovery);
    if (!err)
        err = od_manifest_load(&s->manifest, &found);
    if (err)
        return err;
    read_boot_id(boot_id);
    crc = od_crc32c_more(od_crc32c(od_text_get(marker), marker->len), od_text_get(recovery),
                         recovery->len);
    s->was_clean = has_marker;
    s->last_broker_epoch = has_marker ? od_clean_shutdown_parse(text_str(marker)) : -1;
    s->trusted = found.trusted && (has_marker ? found.clean && found.clean_crc == crc
                                              : !has_recovery);
    s->power_cut = !boot_id[0] || strcmp(boot_id, found.boot_id) != 0;
    if (!s->trusted)
        od_manifest_forget(&s->manifest);
    if (!s->was_clean)
        OD_LIST_EACH (&s->manifest.all, link) {
            struct od_manifest_entry *e = OD_CONTAINER(link, struct od_manifest_entry, link);

            od_clean_log_free(e->clean);
            e->clean = NULL;
        }
    if (has_marker)
        err = remove_file(s, marker_name);
    if (!err && has_recovery)
        err = remove_file(s, recovery_name);
    if (!err)
        err = od_dir_sync(s->path);
    if (!err)
        err = load_partitions(s, text_str(recovery));
    if (err)
        return err;
    /*
     * The earlier boot stands until all is recovered: this life may end before.  After an unclean
     * stop the file is written anew: a sync of it may have failed, and appending behind bytes that
     * the disk does not have would leave a hole.
     */
    s->boot_pending = s->power_cut && !s->was_clean && s->trusted;
    snprintf(s->boot_id, sizeof(s->boot_id), "%s", boot_id);
    return od_manifest_begin(&s->manifest, s->boot_pending ? found.boot_id : boot_id,
                             !s->trusted || !s->was_clean);
}

static void free_storage(struct od_storage *s)
{
    struct od_link *link;

    OD_LIST_EACH (&s->manifest.all, entry)
        if (OD_CONTAINER(entry, struct od_manifest_entry, link)->plog)
            od_plog_free(OD_CONTAINER(entry, struct od_manifest_entry, link)->plog);
    while ((link = od_list_pop(&s->leftovers)))
        od_free(OD_CONTAINER(link, struct leftover, link));
    od_manifest_deinit(&s->manifest);
    od_filecache_deinit(&s->cache);
    od_reserve_close(&s->reserve);
    od_file_close(s->lock_file);
    od_free(s->path);
    od_free(s);
}

enum od_err od_storage_open(const struct od_storage_options *options, struct od_storage **out)
{
    struct od_storage *s = OD_NEW(struct od_storage);
    struct od_text marker = { 0 }, recovery = { 0 };
    int files = options->files_max ? options->files_max : OD_STORAGE_FILES;
    enum od_err err;

    *out = NULL;
    s->path = od_strdup(options->path);
    od_list_init(&s->leftovers);
    od_manifest_init(&s->manifest, s->path, &s->reserve, od_random_u64());
    od_filecache_init(&s->cache, files < OD_STORAGE_FILES_MIN ? OD_STORAGE_FILES_MIN : files);
    err = od_dir_make(s->path);
    if (!err)
        err = od_dir_lock(s->path, &s->lock_file);
    if (!err)
        err = od_reserve_open(&s->reserve, s->path, options->reserve_bytes);
    if (!err)
        err = load_meta(s, options);
    if (!err)
        err = begin_session(s, &marker, &recovery);
    od_text_reset(&marker);
    od_text_reset(&recovery);
    if (err) {
        free_storage(s);
        return err;
    }
    *out = s;
    return OD_NONE;
}

/* --- stop ------------------------------------------------------------------------------------ */

void od_storage_abandon(struct od_storage *s)
{
    if (s)
        free_storage(s);
}

static enum od_err settle_logs(struct od_storage *s)
{
    enum od_err err = OD_NONE;

    OD_LIST_EACH (&s->manifest.all, link) {
        struct od_manifest_entry *e = OD_CONTAINER(link, struct od_manifest_entry, link);

        if (e->plog && !err)
            err = od_plog_settle(e->plog);
    }
    return err;
}

enum column { RECOVERY, WATERMARK, START, CLEANED };

/* Whether the checkpoint of that column names the partition. */
static bool in_column(const struct od_manifest_entry *e, enum column column)
{
    return e->present && (column != CLEANED || e->cleaned >= 0);
}

static void print_checkpoint(struct od_storage *s, enum column column, struct od_text *out)
{
    size_t rows = 0;

    OD_LIST_EACH (&s->manifest.all, link)
        rows += in_column(OD_CONTAINER(link, struct od_manifest_entry, link), column);
    od_text_add(out, "0\n%zu\n", rows);
    OD_LIST_EACH (&s->manifest.all, link) {
        struct od_manifest_entry *e = OD_CONTAINER(link, struct od_manifest_entry, link);
        int64_t values[] = { [RECOVERY] = e->recovery.offset,
                             [WATERMARK] = atomic_load(&e->high_watermark),
                             [START] = e->log_start,
                             [CLEANED] = e->cleaned };

        if (in_column(e, column))
            od_text_add(out, "%.*s %d %lld\n", (int)e->topic_len, e->name, e->partition,
                        (long long)values[column]);
    }
}

static enum od_err write_checkpoint(struct od_storage *s, enum column column, const char *name)
{
    struct od_text text = { 0 };
    enum od_err err;

    print_checkpoint(s, column, &text);
    err = od_storage_replace(s, s->path, name, text_str(&text));
    od_text_reset(&text);
    return err;
}

static enum od_err stop_clean(struct od_storage *s, int64_t broker_epoch)
{
    struct od_text marker = { 0 }, recovery = { 0 };
    enum od_err err = od_storage_fenced(s) ? OD_E_FENCED : settle_logs(s);

    if (!err)
        err = write_checkpoint(s, WATERMARK, watermark_name);
    if (!err)
        err = write_checkpoint(s, START, start_name);
    if (!err)
        err = write_checkpoint(s, CLEANED, cleaner_name);
    od_clean_shutdown_print(broker_epoch, &marker);
    if (!err) {
        uint32_t crc = od_crc32c(od_text_get(&marker), marker.len);

        print_checkpoint(s, RECOVERY, &recovery);
        err = od_manifest_end(&s->manifest, od_crc32c_more(crc, recovery.data, recovery.len));
    }
    if (!err)
        err = od_storage_replace(s, s->path, recovery_name, text_str(&recovery));
    if (!err)
        err = od_storage_replace(s, s->path, marker_name, text_str(&marker));
    od_text_reset(&marker);
    od_text_reset(&recovery);
    return err;
}

enum od_err od_storage_close(struct od_storage *s, int64_t broker_epoch)
{
    enum od_err err = stop_clean(s, broker_epoch);

    free_storage(s);
    return err;
}

/* --- leftovers ------------------------------------------------------------------------------- */

static enum od_err remove_entry(void *arg, const char *name, bool is_dir)
{
    const char *dir = arg;
    char path[OD_PATH_MAX];

    if (is_dir)
        return OD_E_LIMIT; /* Kafka has no directories below a partition's */
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return od_path_remove(path);
}

enum od_err od_storage_remove_dir(const char *path)
{
    enum od_err err = od_dir_list(path, remove_entry, (void *)path);

    return err ? err : od_path_remove(path);
}

void od_storage_sweep(struct od_storage *s)
{
    struct od_link *link;

    while ((link = od_list_pop(&s->leftovers))) {
        struct leftover *l = OD_CONTAINER(link, struct leftover, link);
        char path[OD_PATH_MAX];

        snprintf(path, sizeof(path), "%s/%s", s->path, l->name);
        if (od_storage_remove_dir(path))
            od_log(OD_LOG_WARN, "storage", "%s could not be removed", path);
        od_free(l);
    }
}
