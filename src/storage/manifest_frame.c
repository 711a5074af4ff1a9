/* SPDX-License-Identifier: Apache-2.0 */
/* Encoding and decoding of the manifest's records; the format is told in manifest.h. */
#include "base/assert.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "storage/manifest_internal.h"

enum { SESSION = 1, ENTRY = 2, GONE = 3, SEGMENTS = 4, CLEAN = 5, CLEANED = 6 };
enum { EPOCH_BYTES = 12, SEGMENT_BYTES = 6 * 8 + 3 * 4 + 1 + 3 * 4, DAMAGE_BYTES = 4 * 8 };

const char od_manifest_magic[OD_MANIFEST_MAGIC_BYTES] = { 'o', 'd', 'm', 'a', 'n', 'i', 'f', '2' };

/* A writer over room for len more bytes; append_done takes them in. */
static struct od_writer append_room(struct od_manifest_frame *f, size_t len)
{
    if (!f->len)
        f->len = OD_MANIFEST_FRAME_HEAD;
    if (f->capacity < f->len + len) {
        f->capacity = f->capacity * 2 > f->len + len ? f->capacity * 2 : f->len + len + 4096;
        f->data = od_realloc(f->data, f->capacity);
    }
    return od_writer_of(f->data + f->len, len);
}

static void append_done(struct od_manifest_frame *f, const struct od_writer *w)
{
    OD_ASSERT(!w->err && w->p == w->end);
    f->len += od_writer_len(w);
}

static void write_name(struct od_writer *w, const struct od_manifest_entry *e)
{
    od_write_u16(w, e->name_len);
    od_write_raw(w, e->name, e->name_len);
}

void od_frame_session(struct od_manifest_frame *f, const char *boot_id)
{
    size_t len = strlen(boot_id);
    struct od_writer w = append_room(f, 2 + len);

    od_write_i8(&w, SESSION);
    od_write_i8(&w, (int8_t)len);
    if (len)
        od_write_raw(&w, boot_id, len);
    append_done(f, &w);
}

static void add_cleaned(struct od_manifest_frame *f, const struct od_manifest_entry *e)
{
    struct od_writer w = append_room(f, 1 + 2 + (size_t)e->name_len + 8);

    od_write_i8(&w, CLEANED);
    write_name(&w, e);
    od_write_i64(&w, e->cleaned);
    append_done(f, &w);
}

void od_frame_entry(struct od_manifest_frame *f, const struct od_manifest_entry *e)
{
    size_t len = 1 + 2 + (size_t)e->name_len + 16 + 5 * 8 + 4 + (size_t)e->epochs.n * EPOCH_BYTES;
    struct od_writer w = append_room(f, len);

    od_write_i8(&w, ENTRY);
    write_name(&w, e);
    od_write_uuid(&w, e->topic_id);
    od_write_i64(&w, e->log_start);
    od_write_i64(&w, atomic_load_explicit(&e->high_watermark, memory_order_relaxed));
    od_write_i64(&w, e->recovery.offset);
    od_write_i64(&w, e->recovery.base);
    od_write_i64(&w, e->recovery.pos);
    od_write_i32(&w, e->epochs.n);
    for (int32_t i = 0; i < e->epochs.n; i++) {
        od_write_i32(&w, e->epochs.v[i].epoch);
        od_write_i64(&w, e->epochs.v[i].start_offset);
    }
    append_done(f, &w);
    if (e->cleaned >= 0)
        add_cleaned(f, e);
}

void od_frame_gone(struct od_manifest_frame *f, const struct od_manifest_entry *e)
{
    struct od_writer w = append_room(f, 3 + (size_t)e->name_len);

    od_write_i8(&w, GONE);
    write_name(&w, e);
    append_done(f, &w);
}

static void write_segment(struct od_writer *w, const struct od_segment_note *s)
{
    od_write_i64(w, s->base_offset);
    od_write_i64(w, s->size);
    od_write_i64(w, s->end_offset);
    od_write_i64(w, s->max_timestamp);
    od_write_i64(w, s->max_timestamp_offset);
    od_write_i64(w, s->first_timestamp);
    od_write_u32(w, s->index_entries);
    od_write_u32(w, s->time_entries);
    od_write_u32(w, s->time_crc);
    od_write_bool(w, s->times_known);
    od_write_u32(w, s->aborted);
    od_write_u32(w, s->aborted_crc);
    od_write_u32(w, s->n_damages);
    for (uint32_t i = 0; i < s->n_damages; i++) {
        od_write_i64(w, s->damages[i].first_offset);
        od_write_i64(w, s->damages[i].next_offset);
        od_write_i64(w, s->damages[i].pos);
        od_write_i64(w, s->damages[i].end_pos);
    }
}

void od_frame_segments(struct od_manifest_frame *f, const struct od_manifest_entry *e)
{
    const struct od_clean_log *l = e->clean;
    size_t len = 1 + 2 + (size_t)e->name_len + 2 * 8 + 4 + l->n * SEGMENT_BYTES;
    struct od_writer w;

    for (uint32_t i = 0; i < l->n; i++)
        len += l->segments[i].n_damages * DAMAGE_BYTES;
    w = append_room(f, len);
    od_write_i8(&w, SEGMENTS);
    write_name(&w, e);
    od_write_i64(&w, l->end_offset);
    od_write_i64(&w, l->snapshot_offset);
    od_write_u32(&w, l->n);
    for (uint32_t i = 0; i < l->n; i++)
        write_segment(&w, &l->segments[i]);
    append_done(f, &w);
}

void od_frame_clean(struct od_manifest_frame *f, uint32_t clean_crc, uint32_t entries)
{
    struct od_writer w = append_room(f, 9);

    od_write_i8(&w, CLEAN);
    od_write_u32(&w, clean_crc);
    od_write_u32(&w, entries);
    append_done(f, &w);
}

void od_frame_seal(struct od_manifest_frame *f)
{
    size_t len = f->len - OD_MANIFEST_FRAME_HEAD;

    od_be32_store(f->data, OD_MANIFEST_FRAME_MAGIC);
    od_be32_store(f->data + 4, (uint32_t)len);
    od_be32_store(f->data + 8, od_crc32c(f->data + OD_MANIFEST_FRAME_HEAD, len));
}

void od_frame_free(struct od_manifest_frame *f)
{
    od_free(f->data);
    *f = (struct od_manifest_frame){ 0 };
}

int64_t od_frame_head(const uint8_t *data, size_t len, uint32_t *crc)
{
    if (len < OD_MANIFEST_FRAME_HEAD || od_be32_load(data) != OD_MANIFEST_FRAME_MAGIC)
        return -1;
    *crc = od_be32_load(data + 8);
    return od_be32_load(data + 4);
}

static struct od_str read_name(struct od_reader *r)
{
    uint16_t len = od_read_u16(r);
    struct od_bytes name = len ? od_read_raw(r, len) : (struct od_bytes){ 0 };

    return (struct od_str){ (const char *)name.data, name.len };
}

static void read_entry(struct od_reader *r, struct od_manifest *m)
{
    struct od_str name = read_name(r);
    struct od_manifest_entry *e = r->err ? NULL : od_manifest_add(m, name);
    uint32_t n;

    if (!e) {
        od_reader_fail(r, OD_E_CORRUPT);
        return;
    }
    e->topic_id = od_read_uuid(r);
    e->log_start = od_read_i64(r);
    atomic_store_explicit(&e->high_watermark, od_read_i64(r), memory_order_relaxed);
    e->recovery.offset = od_read_i64(r);
    e->recovery.base = od_read_i64(r);
    e->recovery.pos = od_read_i64(r);
    e->cleaned = -1;
    n = od_read_u32(r);
    e->epochs.n = 0;
    for (uint32_t i = 0; i < n && !r->err; i++) {
        int32_t epoch = od_read_i32(r);

        (void)od_epochs_add(&e->epochs, epoch, od_read_i64(r));
    }
}

static void read_cleaned(struct od_reader *r, struct od_manifest *m)
{
    struct od_manifest_entry *e = od_manifest_find(m, read_name(r));
    int64_t offset = od_read_i64(r);

    if (e && !r->err)
        e->cleaned = offset;
    else
        od_reader_fail(r, OD_E_CORRUPT);
}

static void read_gone(struct od_reader *r, struct od_manifest *m)
{
    struct od_manifest_entry *e = od_manifest_find(m, read_name(r));

    if (e) {
        od_manifest_remove(m, e);
    }
}

static void read_segment(struct od_reader *r, struct od_segment_note *s)
{
    s->base_offset = od_read_i64(r);
    s->size = od_read_i64(r);
    s->end_offset = od_read_i64(r);
    s->max_timestamp = od_read_i64(r);
    s->max_timestamp_offset = od_read_i64(r);
    s->first_timestamp = od_read_i64(r);
    s->index_entries = od_read_u32(r);
    s->time_entries = od_read_u32(r);
    s->time_crc = od_read_u32(r);
    s->times_known = od_read_bool(r);
    s->aborted = od_read_u32(r);
    s->aborted_crc = od_read_u32(r);
    s->n_damages = od_read_u32(r);
    if (s->n_damages > od_reader_left(r) / DAMAGE_BYTES) {
        s->n_damages = 0;
        od_reader_fail(r, OD_E_CORRUPT);
    }
    s->damages = s->n_damages ? od_zalloc(s->n_damages * sizeof(*s->damages)) : NULL;
    for (uint32_t i = 0; i < s->n_damages; i++) {
        s->damages[i].first_offset = od_read_i64(r);
        s->damages[i].next_offset = od_read_i64(r);
        s->damages[i].pos = od_read_i64(r);
        s->damages[i].end_pos = od_read_i64(r);
    }
}

static void read_segments(struct od_reader *r, struct od_manifest *m)
{
    struct od_manifest_entry *e = od_manifest_find(m, read_name(r));
    struct od_clean_log *l;
    int64_t end_offset = od_read_i64(r);
    int64_t snapshot_offset = od_read_i64(r);
    uint32_t n = od_read_u32(r);

    if (!e || r->err || n > od_reader_left(r) / SEGMENT_BYTES) {
        od_reader_fail(r, OD_E_CORRUPT);
        return;
    }
    l = OD_NEW(struct od_clean_log);
    l->end_offset = end_offset;
    l->snapshot_offset = snapshot_offset;
    l->n = n;
    l->segments = n ? od_zalloc(n * sizeof(*l->segments)) : NULL;
    for (uint32_t i = 0; i < n; i++)
        read_segment(r, &l->segments[i]);
    od_clean_log_free(e->clean);
    e->clean = l;
}

static void read_session(struct od_reader *r, struct od_manifest_found *found)
{
    int8_t len = od_read_i8(r);
    struct od_bytes id = { 0 };

    if (len < 0 || len > OD_BOOT_ID_MAX)
        od_reader_fail(r, OD_E_CORRUPT);
    else if (len)
        id = od_read_raw(r, (size_t)len);
    memset(found->boot_id, 0, sizeof(found->boot_id));
    if (!r->err && id.len)
        memcpy(found->boot_id, id.data, id.len);
}

enum od_err od_frame_apply(struct od_manifest *m, const uint8_t *payload, size_t len,
                           struct od_manifest_found *found)
{
    struct od_reader r = od_reader_of(payload, len);
    uint32_t entries;

    while (!r.err && od_reader_left(&r)) {
        int8_t kind = od_read_i8(&r);

        found->clean = false;
        switch (kind) {
        case SESSION:
            read_session(&r, found);
            break;
        case ENTRY:
            read_entry(&r, m);
            break;
        case GONE:
            read_gone(&r, m);
            break;
        case SEGMENTS:
            read_segments(&r, m);
            break;
        case CLEANED:
            read_cleaned(&r, m);
            break;
        case CLEAN:
            found->clean_crc = od_read_u32(&r);
            entries = od_read_u32(&r);
            found->clean = !r.err && entries == m->map.count;
            break;
        default:
            od_reader_fail(&r, OD_E_CORRUPT);
        }
    }
    return r.err;
}
