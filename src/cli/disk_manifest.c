/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a manifest from its beginning, frame by frame. */
#include "cli/disk_manifest.h"

#include "base/be.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "wire/reader.h"

#include <string.h>

enum {
    MAGIC_BYTES = 8,
    HEAD_BYTES = 12,
    FRAME_MAGIC = 0x6f646672,
    EPOCH_BYTES = 12,
    SEGMENT_BYTES = 73,
    DAMAGE_BYTES = 32,
};

static void read_name(struct od_reader *r, size_t len, char out[OD_DISK_NAME_BYTES])
{
    const struct od_bytes name = len ? od_read_raw(r, len) : (struct od_bytes){ 0 };

    if (len >= OD_DISK_NAME_BYTES)
        od_reader_fail(r, OD_E_CORRUPT);
    if (r->err)
        return;
    if (len)
        memcpy(out, name.data, len);
    out[len] = '\0';
}

static void read_partition(struct od_reader *r, struct od_disk_record *out)
{
    uint32_t n;

    out->topic_id = od_read_uuid(r);
    out->log_start = od_read_i64(r);
    out->high_watermark = od_read_i64(r);
    out->recovery = od_read_i64(r);
    out->recovery_base = od_read_i64(r);
    out->recovery_pos = od_read_i64(r);
    n = od_read_u32(r);
    if (n > od_reader_left(r) / EPOCH_BYTES)
        od_reader_fail(r, OD_E_CORRUPT);
    if (r->err)
        return;
    out->epochs.v = od_alloc(((size_t)n + 1) * sizeof(*out->epochs.v));
    for (; out->epochs.n < n; out->epochs.n++) {
        out->epochs.v[out->epochs.n].epoch = od_read_i32(r);
        out->epochs.v[out->epochs.n].start = od_read_i64(r);
    }
}

static void read_segment(struct od_reader *r, struct od_disk_segment *s)
{
    s->base = od_read_i64(r);
    s->bytes = od_read_i64(r);
    s->end = od_read_i64(r);
    s->max_timestamp = od_read_i64(r);
    s->max_timestamp_offset = od_read_i64(r);
    s->first_timestamp = od_read_i64(r);
    s->index_entries = od_read_u32(r);
    s->time_entries = od_read_u32(r);
    s->time_crc = od_read_u32(r);
    s->times_known = od_read_bool(r);
    s->aborted = od_read_u32(r);
    s->aborted_crc = od_read_u32(r);
    s->damages = od_read_u32(r);
    if (s->damages > od_reader_left(r) / DAMAGE_BYTES)
        od_reader_fail(r, OD_E_CORRUPT);
    for (uint32_t i = 0; i < s->damages && !r->err; i++) {
        struct od_disk_damage d;

        d.first_offset = od_read_i64(r);
        d.next_offset = od_read_i64(r);
        d.pos = od_read_i64(r);
        d.end_pos = od_read_i64(r);
        if (i == 0)
            s->damage = d;
    }
}

static void read_segments(struct od_reader *r, struct od_disk_record *out)
{
    uint32_t n;

    out->end = od_read_i64(r);
    out->snapshot = od_read_i64(r);
    n = od_read_u32(r);
    if (n > od_reader_left(r) / SEGMENT_BYTES)
        od_reader_fail(r, OD_E_CORRUPT);
    if (r->err)
        return;
    out->segments = od_zalloc(((size_t)n + 1) * sizeof(*out->segments));
    for (; out->n < n && !r->err; out->n++)
        read_segment(r, &out->segments[out->n]);
}

static void read_record(struct od_reader *r, struct od_disk_record *out)
{
    out->kind = (enum od_disk_record_kind)od_read_i8(r);
    if (out->kind == OD_DISK_SESSION)
        read_name(r, (uint8_t)od_read_i8(r), out->name);
    else if (out->kind != OD_DISK_CLEAN)
        read_name(r, od_read_u16(r), out->name);
    switch (out->kind) {
    case OD_DISK_SESSION:
    case OD_DISK_GONE:
        return;
    case OD_DISK_PARTITION:
        read_partition(r, out);
        return;
    case OD_DISK_SEGMENTS:
        read_segments(r, out);
        return;
    case OD_DISK_CLEAN:
        out->crc = od_read_u32(r);
        out->n = od_read_u32(r);
        return;
    case OD_DISK_CLEANED:
        out->cleaned = od_read_i64(r);
        return;
    }
    od_reader_fail(r, OD_E_CORRUPT);
}

static bool read_frame(const uint8_t *payload, size_t len, int64_t pos,
                       struct od_disk_manifest *out)
{
    struct od_reader r = od_reader_of(payload, len);

    while (!r.err && od_reader_left(&r)) {
        if (out->n == out->capacity) {
            out->capacity = out->capacity ? out->capacity * 2 : 32;
            out->v = od_realloc(out->v, out->capacity * sizeof(*out->v));
        }
        out->v[out->n] = (struct od_disk_record){ .pos = pos };
        read_record(&r, &out->v[out->n++]);
    }
    return !r.err;
}

enum od_err od_disk_manifest_parse(const struct od_disk_file *f, struct od_disk_manifest *out,
                                   const char **why)
{
    size_t pos = MAGIC_BYTES;

    *out = (struct od_disk_manifest){ 0 };
    *why = NULL;
    if (f->len < MAGIC_BYTES || memcmp(f->data, "odmanif2", MAGIC_BYTES) != 0) {
        *why = "does not begin with \"odmanif2\"";
        return OD_E_CORRUPT;
    }
    while (pos < f->len && !*why) {
        const uint8_t *head = f->data + pos;
        size_t left = f->len - pos - (f->len - pos < HEAD_BYTES ? f->len - pos : HEAD_BYTES);

        out->end_pos = (int64_t)pos;
        if (f->len - pos < HEAD_BYTES || od_be32_load(head) != FRAME_MAGIC)
            *why = "no frame begins here";
        else if (od_be32_load(head + 4) > left)
            *why = "the frame is longer than the file";
        else if (od_be32_load(head + 8) != od_crc32c(head + HEAD_BYTES, od_be32_load(head + 4)))
            *why = "the frame's CRC is wrong";
        else if (!read_frame(head + HEAD_BYTES, od_be32_load(head + 4), (int64_t)pos, out))
            *why = "the frame holds a record that cannot be";
        else
            pos += HEAD_BYTES + od_be32_load(head + 4);
    }
    if (!*why)
        out->end_pos = (int64_t)pos;
    return *why ? OD_E_CORRUPT : OD_NONE;
}

void od_disk_manifest_free(struct od_disk_manifest *m)
{
    for (size_t i = 0; i < m->n; i++) {
        od_free(m->v[i].epochs.v);
        od_free(m->v[i].segments);
    }
    od_free(m->v);
    *m = (struct od_disk_manifest){ 0 };
}

const struct od_disk_record *od_disk_manifest_find(const struct od_disk_manifest *m,
                                                   enum od_disk_record_kind kind,
                                                   const char *name)
{
    for (size_t i = m->n; i-- > 0;) {
        if (m->v[i].kind != kind && m->v[i].kind != OD_DISK_GONE)
            continue;
        if (!strcmp(m->v[i].name, name))
            return m->v[i].kind == kind ? &m->v[i] : NULL;
    }
    return NULL;
}
