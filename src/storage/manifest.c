/* SPDX-License-Identifier: Apache-2.0 */
/* Entries in memory, and the one writer of the manifest's file at a time. */
#include "storage/manifest.h"

#include "base/assert.h"
#include "base/crc32c.h"
#include "base/log.h"
#include "base/mem.h"
#include "os/file.h"
#include "os/thread.h"
#include "storage/manifest_internal.h"
#include "storage/reserve.h"

static const char file_name[] = "odradek.manifest";

enum { SIZE_MIN = 64 << 10 }; /* below this the file is never rewritten while running */

struct waiter {
    struct od_link link;
    struct od_gate *gate;
};

void od_clean_log_free(struct od_clean_log *l)
{
    if (!l)
        return;
    for (uint32_t i = 0; i < l->n; i++)
        od_free(l->segments[i].damages);
    od_free(l->segments);
    od_free(l);
}

void od_manifest_init(struct od_manifest *m, const char *dir, struct od_reserve *reserve,
                      uint64_t seed)
{
    *m = (struct od_manifest){ .dir = od_strdup(dir), .reserve = reserve };
    m->frame = OD_NEW(struct od_manifest_frame);
    od_lock_init(&m->lock, OD_LOCK_LEAF);
    od_map_init(&m->map, seed);
    od_list_init(&m->all);
    od_list_init(&m->dirty);
    od_list_init(&m->gone);
    od_list_init(&m->waiting);
}

static void free_entry(struct od_manifest_entry *e)
{
    od_link_remove(&e->link);
    od_link_remove(&e->dirty);
    od_epochs_deinit(&e->epochs);
    od_clean_log_free(e->clean);
    od_free(e);
}

void od_manifest_forget(struct od_manifest *m)
{
    OD_LIST_EACH (&m->all, link)
        free_entry(OD_CONTAINER(link, struct od_manifest_entry, link));
    OD_LIST_EACH (&m->gone, link)
        free_entry(OD_CONTAINER(link, struct od_manifest_entry, dirty));
    m->map.count = 0;
    od_map_deinit(&m->map);
}

void od_manifest_deinit(struct od_manifest *m)
{
    od_manifest_forget(m);
    od_file_close(m->file);
    od_frame_free(m->frame);
    od_free(m->frame);
    od_free(m->dir);
    od_lock_deinit(&m->lock);
}

bool od_partition_name_parse(struct od_str name, struct od_str *topic, int32_t *partition)
{
    size_t dash = name.len;
    int64_t number;

    if (!name.len || name.len > OD_PARTITION_NAME_MAX || memchr(name.data, '/', name.len) ||
        memchr(name.data, '\0', name.len))
        return false;
    while (dash > 0 && name.data[dash - 1] != '-')
        dash--;
    if (dash < 2)
        return false;
    *topic = (struct od_str){ name.data, dash - 1 };
    if (!od_str_to_i64((struct od_str){ name.data + dash, name.len - dash }, 0, INT32_MAX,
                       &number))
        return false;
    *partition = (int32_t)number;
    return true;
}

struct od_manifest_entry *od_manifest_find(struct od_manifest *m, struct od_str name)
{
    struct od_manifest_entry *e;

    od_lock_take(&m->lock);
    e = od_map_get(&m->map, name.data, name.len);
    od_lock_drop(&m->lock);
    return e;
}

struct od_manifest_entry *od_manifest_add(struct od_manifest *m, struct od_str name)
{
    struct od_manifest_entry *e = od_manifest_find(m, name), *made;
    struct od_str topic;
    int32_t partition;

    if (e || !od_partition_name_parse(name, &topic, &partition))
        return e;
    made = od_zalloc(sizeof(*made) + name.len + 1);
    memcpy(made->name, name.data, name.len);
    made->name_len = (uint16_t)name.len;
    made->topic_len = (uint16_t)topic.len;
    made->partition = partition;
    made->cleaned = -1;
    od_lock_take(&m->lock);
    e = od_map_get(&m->map, name.data, name.len);
    if (!e) {
        e = made;
        made = NULL;
        (void)od_map_put(&m->map, e->name, e->name_len, e);
        od_list_push(&m->all, &e->link);
    }
    od_lock_drop(&m->lock);
    od_free(made);
    return e;
}

void od_manifest_remove(struct od_manifest *m, struct od_manifest_entry *e)
{
    od_lock_take(&m->lock);
    (void)od_map_remove(&m->map, e->name, e->name_len);
    od_link_remove(&e->link);
    od_link_remove(&e->dirty);
    if (m->file)
        od_list_push(&m->gone, &e->dirty);
    od_lock_drop(&m->lock);
    if (!m->file)
        free_entry(e);
}

/* Under the lock. */
static void mark_dirty(struct od_manifest *m, struct od_manifest_entry *e)
{
    if (!od_link_used(&e->dirty))
        od_list_push(&m->dirty, &e->dirty);
}

void od_manifest_put(struct od_manifest *m, struct od_manifest_entry *e, int64_t log_start,
                     const struct od_recovery_point *recovery)
{
    od_lock_take(&m->lock);
    e->log_start = log_start;
    e->recovery = *recovery;
    mark_dirty(m, e);
    od_lock_drop(&m->lock);
}

void od_manifest_put_cleaned(struct od_manifest *m, struct od_manifest_entry *e, int64_t offset)
{
    od_lock_take(&m->lock);
    e->cleaned = offset;
    mark_dirty(m, e);
    od_lock_drop(&m->lock);
}

bool od_manifest_epoch_add(struct od_manifest *m, struct od_manifest_entry *e, int32_t epoch,
                           int64_t start_offset)
{
    bool added;

    od_lock_take(&m->lock);
    added = od_epochs_add(&e->epochs, epoch, start_offset);
    if (added)
        mark_dirty(m, e);
    od_lock_drop(&m->lock);
    return added;
}

void od_manifest_epoch_cut(struct od_manifest *m, struct od_manifest_entry *e,
                           int64_t start_offset, int64_t end_offset)
{
    od_lock_take(&m->lock);
    od_epochs_cut_end(&e->epochs, end_offset);
    od_epochs_cut_start(&e->epochs, start_offset);
    mark_dirty(m, e);
    od_lock_drop(&m->lock);
}

/* --- writing --------------------------------------------------------------------------------- */

/* For want of room the frame stays as it is.  reserve NULL: this write is not worth it. */
static enum od_err write_frame(struct od_file *file, struct od_manifest_frame *f, int64_t *size,
                               struct od_reserve *reserve)
{
    struct od_span span;
    size_t put;
    enum od_err err;

    if (!f->len)
        return OD_NONE;
    od_frame_seal(f);
    span = (struct od_span){ f->data, f->len };
    err = od_file_write(file, &span, 1, *size, &put);
    if (err == OD_E_NO_SPACE && reserve && od_reserve_spend(reserve))
        err = od_file_write(file, &span, 1, *size, &put);
    if (err)
        return err;
    *size += (int64_t)f->len;
    f->len = 0;
    return OD_NONE;
}

/* Moves removed and changed entries into the frame until it is full; *left says how many more. */
static void gather(struct od_manifest *m, struct od_manifest_frame *f, size_t *left)
{
    struct od_link *link;

    od_lock_take(&m->lock);
    while ((link = od_list_pop(&m->gone))) {
        struct od_manifest_entry *e = OD_CONTAINER(link, struct od_manifest_entry, dirty);

        od_frame_gone(f, e);
        free_entry(e);
    }
    while (*left && f->len < OD_MANIFEST_FRAME_AIM && (link = od_list_pop(&m->dirty))) {
        od_frame_entry(f, OD_CONTAINER(link, struct od_manifest_entry, dirty));
        --*left;
    }
    if (od_list_empty(&m->dirty))
        *left = 0;
    if (!*left && m->boot_changed) {
        od_frame_session(f, m->boot_id);
        m->boot_changed = false;
    }
    od_lock_drop(&m->lock);
}

/* Writes every entry, with its clean log if asked, moving a cursor through the list. */
static enum od_err write_all(struct od_manifest *m, struct od_file *file, bool clean,
                             int64_t *size, struct od_reserve *reserve)
{
    struct od_manifest_frame f = { 0 };
    struct od_link cursor = { 0 }, *next;
    enum od_err err = OD_NONE;
    bool more = true;

    od_lock_take(&m->lock);
    od_frame_session(&f, m->boot_id);
    cursor.prev = &m->all.head;
    cursor.next = m->all.head.next;
    cursor.prev->next = cursor.next->prev = &cursor;
    while (more && !err) {
        while (f.len < OD_MANIFEST_FRAME_AIM && (next = cursor.next) != &m->all.head) {
            struct od_manifest_entry *e = OD_CONTAINER(next, struct od_manifest_entry, link);

            od_frame_entry(&f, e);
            if (clean && e->clean)
                od_frame_segments(&f, e);
            od_link_remove(&cursor);
            cursor.prev = next;
            cursor.next = next->next;
            cursor.prev->next = cursor.next->prev = &cursor;
        }
        more = cursor.next != &m->all.head;
        od_lock_drop(&m->lock);
        err = write_frame(file, &f, size, reserve);
        od_lock_take(&m->lock);
    }
    od_link_remove(&cursor);
    od_lock_drop(&m->lock);
    od_frame_free(&f);
    return err;
}

/* Replaces the file by one that holds each entry once; with clean_crc, CLEAN comes last. */
static enum od_err try_rewrite(struct od_manifest *m, const uint32_t *clean_crc,
                               struct od_reserve *reserve)
{
    char path[OD_PATH_MAX], temp[OD_PATH_MAX];
    struct od_span magic = { od_manifest_magic, OD_MANIFEST_MAGIC_BYTES };
    struct od_manifest_frame f = { 0 };
    int64_t size = OD_MANIFEST_MAGIC_BYTES;
    struct od_file *file;
    size_t put;
    enum od_err err;

    snprintf(path, sizeof(path), "%s/%s", m->dir, file_name);
    snprintf(temp, sizeof(temp), "%s/%s.tmp", m->dir, file_name);
    err = od_file_open(temp, OD_FILE_WRITE | OD_FILE_CREATE | OD_FILE_TRUNCATE, &file);
    if (err)
        return err;
    err = od_file_write(file, &magic, 1, 0, &put);
    if (!err)
        err = write_all(m, file, clean_crc != NULL, &size, reserve);
    if (!err && clean_crc) {
        od_frame_clean(&f, *clean_crc, (uint32_t)m->map.count);
        err = write_frame(file, &f, &size, reserve);
        od_frame_free(&f);
    }
    if (!err)
        err = od_file_sync(file);
    if (!err)
        err = od_path_rename(temp, path);
    if (!err)
        err = od_dir_sync(m->dir);
    if (err) {
        od_file_close(file);
        return err;
    }
    od_file_close(m->file);
    m->file = file;
    m->size = m->live_size = size;
    return OD_NONE;
}

static enum od_err rewrite(struct od_manifest *m, const uint32_t *clean_crc)
{
    enum od_err err = try_rewrite(m, clean_crc, m->reserve);

    if (err == OD_E_NO_SPACE && od_reserve_spend(m->reserve))
        err = try_rewrite(m, clean_crc, m->reserve);
    return err;
}

/* The file grew; for want of room it stays as it is, and grows on. */
static enum od_err compact(struct od_manifest *m)
{
    char temp[OD_PATH_MAX];
    enum od_err err = try_rewrite(m, NULL, NULL);

    if (err != OD_E_NO_SPACE)
        return err;
    snprintf(temp, sizeof(temp), "%s/%s.tmp", m->dir, file_name);
    err = od_path_remove(temp);
    m->live_size = m->size / 2 + 1; /* not again before it has doubled */
    return err == OD_E_NOT_FOUND ? OD_NONE : err;
}

/* What had no room in an earlier round comes first, so that records keep their order. */
static enum od_err write_changes(struct od_manifest *m)
{
    enum od_err err = write_frame(m->file, m->frame, &m->size, m->reserve);
    size_t left;

    od_lock_take(&m->lock);
    left = m->map.count; /* what is put while we write waits for the next round */
    od_lock_drop(&m->lock);
    while (!err) {
        gather(m, m->frame, &left);
        err = write_frame(m->file, m->frame, &m->size, m->reserve);
        if (!left)
            break;
    }
    return err;
}

/* One round of group commit; the caller is the only one in it. */
static enum od_err commit_round(struct od_manifest *m)
{
    enum od_err err = m->err;

    if (!err)
        err = write_changes(m);
    if (err)
        return err;
    od_frame_free(m->frame);
    err = od_file_sync(m->file);
    if (!err && m->size > SIZE_MIN && m->size > 2 * m->live_size)
        err = compact(m);
    return err == OD_E_NO_SPACE ? OD_E_IO : err; /* told by a sync: bytes are lost */
}

enum od_err od_manifest_commit(struct od_manifest *m)
{
    uint64_t ticket, round;
    enum od_err err;

    od_lock_take(&m->lock);
    ticket = m->started + 1; /* the first round that begins from now on */
    while (m->finished < ticket) {
        if (m->busy) {
            struct waiter w = { .gate = od_gate_new() };

            od_list_push(&m->waiting, &w.link);
            od_lock_drop(&m->lock);
            od_gate_wait(w.gate, -1);
            od_lock_take(&m->lock); /* the opener, who holds it, is done with the gate */
            od_gate_free(w.gate);
            continue;
        }
        m->busy = true;
        round = ++m->started;
        od_lock_drop(&m->lock);
        err = commit_round(m);
        od_lock_take(&m->lock);
        if (err && err != OD_E_NO_SPACE && !m->err)
            m->err = err;
        m->round_err = err;
        m->busy = false;
        m->finished = round;
        for (struct od_link *link; (link = od_list_pop(&m->waiting));)
            od_gate_open(OD_CONTAINER(link, struct waiter, link)->gate);
    }
    err = m->err ? m->err : m->round_err; /* of a later round: it wrote what ours could not */
    od_lock_drop(&m->lock);
    return err;
}

bool od_manifest_has_gone(struct od_manifest *m)
{
    bool has;

    od_lock_take(&m->lock);
    has = !od_list_empty(&m->gone) || m->round_err == OD_E_NO_SPACE;
    od_lock_drop(&m->lock);
    return has;
}

enum od_err od_manifest_begin(struct od_manifest *m, const char *boot_id, bool fresh)
{
    struct od_manifest_frame f = { 0 };
    char path[OD_PATH_MAX];
    enum od_err err;

    snprintf(m->boot_id, sizeof(m->boot_id), "%s", boot_id);
    if (fresh)
        return rewrite(m, NULL);
    snprintf(path, sizeof(path), "%s/%s", m->dir, file_name);
    err = od_file_open(path, OD_FILE_WRITE, &m->file);
    if (!err)
        err = od_file_truncate(m->file, m->size);
    od_frame_session(&f, boot_id);
    if (!err)
        err = write_frame(m->file, &f, &m->size, m->reserve);
    od_frame_free(&f);
    if (!err)
        err = od_file_sync(m->file);
    return err;
}

void od_manifest_set_boot(struct od_manifest *m, const char *boot_id)
{
    od_lock_take(&m->lock);
    snprintf(m->boot_id, sizeof(m->boot_id), "%s", boot_id);
    m->boot_changed = true;
    od_lock_drop(&m->lock);
}

enum od_err od_manifest_end(struct od_manifest *m, uint32_t clean_crc)
{
    return m->err ? m->err : rewrite(m, &clean_crc);
}

/* --- loading --------------------------------------------------------------------------------- */

/* A whole frame at data; NULL: there is none. */
static const uint8_t *whole_frame(const uint8_t *data, size_t len, size_t *payload_len)
{
    uint32_t crc;
    int64_t want = od_frame_head(data, len, &crc);

    if (want < 0 || (size_t)want > len - OD_MANIFEST_FRAME_HEAD ||
        od_crc32c(data + OD_MANIFEST_FRAME_HEAD, (size_t)want) != crc)
        return NULL;
    *payload_len = (size_t)want;
    return data + OD_MANIFEST_FRAME_HEAD;
}

/* Applies frame after frame; false: the file cannot be trusted. */
static bool apply_all(struct od_manifest *m, const uint8_t *data, size_t len,
                      struct od_manifest_found *out)
{
    size_t pos = OD_MANIFEST_MAGIC_BYTES, payload_len;
    const uint8_t *payload;

    if (len < pos || memcmp(data, od_manifest_magic, pos) != 0)
        return false;
    while ((payload = whole_frame(data + pos, len - pos, &payload_len))) {
        if (od_frame_apply(m, payload, payload_len, out))
            return false;
        pos += OD_MANIFEST_FRAME_HEAD + payload_len;
    }
    m->size = (int64_t)pos;
    if (pos < len)
        out->clean = false;
    for (size_t after = pos + 1; after < len; after++)
        if (whole_frame(data + after, len - after, &payload_len))
            return false;
    return true;
}

enum od_err od_manifest_load(struct od_manifest *m, struct od_manifest_found *out)
{
    char path[OD_PATH_MAX];
    struct od_file *file;
    uint8_t *data = NULL;
    int64_t len;
    size_t got = 0;
    enum od_err err;

    *out = (struct od_manifest_found){ 0 };
    snprintf(path, sizeof(path), "%s/%s", m->dir, file_name);
    err = od_file_open(path, OD_FILE_READ | OD_FILE_QUIET, &file);
    if (err)
        return err == OD_E_NOT_FOUND ? OD_NONE : err;
    err = od_file_size(file, &len);
    if (!err) {
        data = od_alloc_try((size_t)len);
        err = data ? od_file_read(file, data, (size_t)len, 0, &got) : OD_E_NO_MEMORY;
    }
    od_file_close(file);
    if (!err) {
        out->trusted = apply_all(m, data, got, out);
        if (!out->trusted) {
            od_log(OD_LOG_WARN, "storage", "%s is damaged: reading the directory instead", path);
            *out = (struct od_manifest_found){ 0 };
            od_manifest_forget(m);
        }
    }
    od_free(data);
    m->live_size = m->size / 2;
    return err;
}
