/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What compaction must leave, computed naively from the list of all records ever appended: the
 * oracle of the tests.  It knows offsets, keys and time, and nothing of segments, maps or groups.
 */
#pragma once

#include "keyed.h"
#include "storage/plog_clean.h"

enum { MODEL_RECORDS_MAX = 20000 };

struct model_record {
    struct keyed r;
    int64_t batch_last; /* offset */
    bool gone;
    int64_t goes_ms; /* a tombstone: not before; -1: no clean has seen it */
};

struct model {
    struct model_record v[MODEL_RECORDS_MAX];
    int n;
};

static inline void model_add(struct model *m, const struct keyed *r, int64_t batch_last)
{
    CHECK(m->n < MODEL_RECORDS_MAX);
    m->v[m->n++] = (struct model_record){ .r = *r, .batch_last = batch_last, .goes_ms = -1 };
}

/*
 * A clean at now_ms took note of all keys in offsets below cleaned.  A tombstone's time begins when
 * its whole batch is.
 */
static inline void model_clean(struct model *m, int64_t cleaned, int64_t now_ms, int64_t keep_ms)
{
    for (int i = 0; i < m->n; i++) {
        struct model_record *x = &m->v[i];
        bool last = true;

        if (x->r.offset >= cleaned || x->gone)
            continue;
        for (int j = i + 1; j < m->n && m->v[j].r.offset < cleaned; j++)
            last &= m->v[j].r.key != x->r.key;
        if (x->r.key == NO_KEY || !last || (x->goes_ms >= 0 && x->goes_ms <= now_ms))
            x->gone = true;
        else if (x->r.value == NO_VALUE && x->goes_ms < 0 && x->batch_last < cleaned)
            x->goes_ms = now_ms + keep_ms;
    }
}

/* Reads the log from its start: what is there is what should be, in order, at its offset. */
static inline void model_check(const struct model *m, struct od_plog *p)
{
    static uint8_t data[KEYED_BYTES_MAX * 2];
    static struct keyed got[KEYED_RECORDS_MAX];
    int64_t offset = od_plog_start_offset(p), end = od_plog_end_offset(p), previous = -1;
    int i = 0;

    while (offset < end) {
        size_t len, at = 0;
        int64_t before = offset;

        CHECK_OK(read_at(p, offset, end, 4000, true, data, sizeof(data), &len));
        if (!len)
            break;
        while (at < len) {
            struct od_batch_head h;
            int n = keyed_parse(data + at, got, KEYED_RECORDS_MAX);

            CHECK(od_batch_head_read(data + at, &h));
            CHECK(h.base_offset > previous || before > h.base_offset);
            for (int k = 0; k < n; k++) {
                if (got[k].offset < before)
                    continue;
                while (i < m->n && (m->v[i].gone || m->v[i].r.offset < before))
                    i++;
                CHECK(i < m->n);
                CHECK_EQ(got[k].offset, m->v[i].r.offset);
                CHECK_EQ(got[k].key, m->v[i].r.key);
                CHECK_EQ(got[k].value, m->v[i].r.value);
                CHECK_EQ(got[k].timestamp, m->v[i].r.timestamp);
                i++;
            }
            previous = h.last_offset;
            offset = h.last_offset + 1;
            at += (size_t)h.len;
        }
        CHECK(offset > before);
    }
    while (i < m->n && m->v[i].gone)
        i++;
    CHECK_EQ(i, m->n);
}

/* One clean from begin to end in slices of so many bytes. */
static inline enum od_err clean_whole(struct od_plog *p, const struct od_plog_clean_options *o,
                                      int64_t slice, struct od_clean_result *out)
{
    struct od_plog_clean *c;
    enum od_clean_step step = OD_CLEAN_MORE;
    enum od_err err = od_plog_clean_begin(p, o, &c);
    int64_t bytes;

    *out = (struct od_clean_result){ 0 };
    if (err)
        return err;
    while (step != OD_CLEAN_DONE) {
        step = od_plog_clean_run(c, slice, &bytes);
        if (step == OD_CLEAN_SWAP)
            od_plog_clean_swap(p, c);
    }
    return od_plog_clean_end(p, c, out);
}

static inline struct od_plog_clean_options clean_options(int64_t now_ms)
{
    return (struct od_plog_clean_options){ .rules = { .now_ms = now_ms, .max_lag_ms = INT64_MAX },
                                           .limit_offset = INT64_MAX,
                                           .delete_retention_ms = 1000,
                                           .map_bytes_max = 1 << 20,
                                           .map_load_max = 0.9,
                                           .io_bytes = 1 << 20 };
}
