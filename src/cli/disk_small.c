/* SPDX-License-Identifier: Apache-2.0 */
/* The small files of a partition and of a log directory, read strictly. */
#include "base/be.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "cli/disk_log.h"

#include <stdio.h>
#include <string.h>

/* --- text ------------------------------------------------------------------------------------ */

struct lines {
    struct od_str rest;
    int number; /* of the line last read */
};

static bool next_line(struct lines *l, struct od_str *out)
{
    const char *end = l->rest.len ? memchr(l->rest.data, '\n', l->rest.len) : NULL;
    size_t len = end ? (size_t)(end - l->rest.data) : l->rest.len;

    l->number++;
    if (!l->rest.len)
        return false;
    *out = (struct od_str){ l->rest.data, len };
    l->rest.data += len + (end != NULL);
    l->rest.len -= len + (end != NULL);
    return true;
}

/* The word in front of the next blank, cut off *s with it. */
static struct od_str take_word(struct od_str *s)
{
    const char *blank = s->len ? memchr(s->data, ' ', s->len) : NULL;
    struct od_str word = { s->data, blank ? (size_t)(blank - s->data) : s->len };

    s->data += word.len + (blank != NULL);
    s->len -= word.len + (blank != NULL);
    return word;
}

/* Version 0 and the number of rows, which cannot be more than there are bytes. */
static bool read_head(struct lines *l, int64_t *rows)
{
    struct od_str line;

    return next_line(l, &line) && od_str_is(line, "0") && next_line(l, &line) &&
           od_str_to_i64(line, 0, (int64_t)l->rest.len, rows);
}

/* Nothing follows the last row. */
static bool at_end(struct lines *l)
{
    struct od_str line;

    return !next_line(l, &line);
}

enum od_err od_disk_epochs_parse(struct od_str text, struct od_disk_epochs *out, int *line)
{
    struct lines l = { .rest = text };
    struct od_str row;
    int64_t rows, epoch, start, last_epoch = -1, last_start = -1;
    bool good = read_head(&l, &rows);

    *out = (struct od_disk_epochs){ 0 };
    if (good)
        out->v = od_alloc(((size_t)rows + 1) * sizeof(*out->v));
    while (good && (int64_t)out->n < rows) {
        good = next_line(&l, &row) &&
               od_str_to_i64(take_word(&row), last_epoch + 1, INT32_MAX, &epoch) &&
               od_str_to_i64(row, last_start + 1, INT64_MAX, &start);
        if (good)
            out->v[out->n++] = (struct od_disk_epoch){ (int32_t)epoch, start };
        if (good)
            last_epoch = epoch, last_start = start;
    }
    good = good && at_end(&l);
    *line = l.number;
    return good ? OD_NONE : OD_E_CORRUPT;
}

int32_t od_disk_epoch_at(const struct od_disk_epochs *e, int64_t offset)
{
    int32_t found = -1;

    for (size_t i = 0; i < e->n && e->v[i].start <= offset; i++)
        found = e->v[i].epoch;
    return found;
}

enum od_err od_disk_offsets_parse(struct od_str text, struct od_disk_offsets *out, int *line)
{
    struct lines l = { .rest = text };
    struct od_str row, topic;
    int64_t rows, partition, offset;
    bool good = read_head(&l, &rows);

    *out = (struct od_disk_offsets){ 0 };
    if (good)
        out->v = od_alloc(((size_t)rows + 1) * sizeof(*out->v));
    while (good && (int64_t)out->n < rows) {
        good = next_line(&l, &row) && (topic = take_word(&row)).len &&
               od_str_to_i64(take_word(&row), 0, INT32_MAX, &partition) &&
               od_str_to_i64(row, 0, INT64_MAX, &offset);
        if (good) {
            struct od_disk_offset *o = &out->v[out->n++];

            snprintf(o->name, sizeof(o->name), "%.*s-%lld", OD_STR_ARGS(topic),
                     (long long)partition);
            o->offset = offset;
        }
    }
    good = good && at_end(&l);
    *line = l.number;
    return good ? OD_NONE : OD_E_CORRUPT;
}

enum od_err od_disk_metadata_parse(struct od_str text, struct od_uuid *topic_id)
{
    struct lines l = { .rest = text };
    struct od_str line, key;

    if (!next_line(&l, &line) || !od_str_is(line, "version: 0") || !next_line(&l, &line))
        return OD_E_CORRUPT;
    key = take_word(&line);
    if (!od_str_is(key, "topic_id:") || !od_uuid_parse(line, topic_id) || !at_end(&l))
        return OD_E_CORRUPT;
    return OD_NONE;
}

/* --- binary ---------------------------------------------------------------------------------- */

int od_disk_snapshot_count(const struct od_disk_file *f, const char **why)
{
    int32_t n;

    *why = NULL;
    if (f->len < OD_DISK_SNAPSHOT_HEAD) {
        *why = "shorter than its head";
        return -1;
    }
    n = (int32_t)od_be32_load(f->data + 6);
    if (od_be16_load(f->data) != 1)
        *why = "its version is not 1";
    else if (od_be32_load(f->data + 2) != od_crc32c(f->data + 6, f->len - 6))
        *why = "its CRC is wrong";
    else if (n < 0 || (f->len - OD_DISK_SNAPSHOT_HEAD) / OD_DISK_SNAPSHOT_BYTES != (size_t)n ||
             (f->len - OD_DISK_SNAPSHOT_HEAD) % OD_DISK_SNAPSHOT_BYTES)
        *why = "its length is not that of its entries";
    return *why ? -1 : n;
}

struct od_disk_producer od_disk_snapshot_at(const struct od_disk_file *f, int i)
{
    const uint8_t *p = f->data + OD_DISK_SNAPSHOT_HEAD + (size_t)i * OD_DISK_SNAPSHOT_BYTES;

    return (struct od_disk_producer){ .id = (int64_t)od_be64_load(p),
                                      .epoch = (int16_t)od_be16_load(p + 8),
                                      .last_sequence = (int32_t)od_be32_load(p + 10),
                                      .last_offset = (int64_t)od_be64_load(p + 14),
                                      .delta = (int32_t)od_be32_load(p + 22),
                                      .timestamp = (int64_t)od_be64_load(p + 26),
                                      .coordinator_epoch = (int32_t)od_be32_load(p + 34),
                                      .txn_first_offset = (int64_t)od_be64_load(p + 38) };
}

struct od_disk_aborted od_disk_aborted_at(const struct od_disk_file *f, size_t i)
{
    const uint8_t *p = f->data + i * OD_DISK_ABORTED_BYTES;

    return (struct od_disk_aborted){ .version = (int16_t)od_be16_load(p),
                                     .producer_id = (int64_t)od_be64_load(p + 2),
                                     .first_offset = (int64_t)od_be64_load(p + 10),
                                     .last_offset = (int64_t)od_be64_load(p + 18),
                                     .last_stable_offset = (int64_t)od_be64_load(p + 26) };
}
