/* SPDX-License-Identifier: Apache-2.0 */
/* Producers' batches and markers, and a log's state against a replay of all that it holds. */
#pragma once

#include "fixture.h"

static inline enum od_err append_bytes(struct od_plog *p, uint8_t *data, size_t len)
{
    struct od_plog_batch batch;
    int done;

    od_be32_store(data + 17, od_crc32c(data + OD_BATCH_CRC_POS, len - OD_BATCH_CRC_POS));
    batch = batch_of(data, len);
    return od_plog_append(p, &batch, 1, &done);
}

/* count records of a producer. */
static inline enum od_err produce(struct od_plog *p, int64_t id, int16_t epoch, int32_t sequence,
                                  int32_t count, bool transactional)
{
    uint8_t data[512];
    int64_t base = od_plog_end_offset(p);
    size_t len = batch_make(data, base, count, 0, 1000 + base, 100);

    od_be16_store(data + 21, transactional ? OD_BATCH_TRANSACTIONAL : 0);
    od_be64_store(data + 43, (uint64_t)id);
    od_be16_store(data + 51, (uint16_t)epoch);
    od_be32_store(data + 53, (uint32_t)sequence);
    return append_bytes(p, data, len);
}

static inline enum od_err mark(struct od_plog *p, int64_t id, int16_t epoch, bool commit)
{
    static const uint8_t abort_key[] = { 0, 0, 0, 0 }, commit_key[] = { 0, 0, 0, 1 };
    static const uint8_t value[] = { 0, 0, 0, 0, 0, 5 };
    int64_t base = od_plog_end_offset(p);
    struct od_batch_header h = od_batch_plain(base, 0);
    struct od_batch_builder w;
    uint8_t data[512];
    size_t len;

    h.attributes = OD_BATCH_TRANSACTIONAL | OD_BATCH_CONTROL;
    h.producer_id = id;
    h.producer_epoch = epoch;
    od_batch_begin(&w, data, sizeof(data), &h);
    od_batch_add(&w, 1000 + base, (struct od_bytes){ commit ? commit_key : abort_key, 4 },
                 (struct od_bytes){ value, sizeof(value) }, NULL, 0);
    CHECK_OK(od_batch_end(&w, &len));
    return append_bytes(p, data, len);
}

/* A snapshot knows one timestamp of a producer, so that those of its batches are not compared. */
static inline void check_same(const struct od_producers *a, const struct od_producers *b)
{
    struct od_link *other = b->order.head.next;

    CHECK_EQ(od_producers_count(a), od_producers_count(b));
    OD_LIST_EACH (&a->order, link) {
        const struct od_producer *x = OD_CONTAINER(link, struct od_producer, order);
        const struct od_producer *y = OD_CONTAINER(other, struct od_producer, order);

        other = other->next;
        CHECK_EQ(x->id, y->id);
        CHECK_EQ(x->epoch, y->epoch);
        CHECK_EQ(x->coordinator_epoch, y->coordinator_epoch);
        CHECK_EQ(x->txn_first_offset, y->txn_first_offset);
        CHECK_EQ(x->last_timestamp, y->last_timestamp);
        CHECK_EQ(x->done_count, y->done_count);
        for (int i = 0; i < x->done_count; i++) {
            CHECK_EQ(x->done[i].last_offset, y->done[i].last_offset);
            CHECK_EQ(x->done[i].last_sequence, y->done[i].last_sequence);
            CHECK_EQ(x->done[i].delta, y->done[i].delta);
        }
    }
}

/* The state must be what replaying the whole log gives. */
static inline void check_against_log(struct od_plog *p)
{
    struct od_producers t;
    uint64_t aborted = 0;

    od_producers_init(&t, 9);
    for (int i = 0; i < p->n_segments; i++) {
        struct od_segment *s = p->segments[i];
        struct od_segment *view = od_segment_new(s->cache, s->dir, s->base_offset);
        uint32_t n;

        CHECK_OK(od_segment_replay(view, s->size, 0, &t, true));
        n = view->aborted ? view->aborted->n : 0;
        CHECK_EQ(n, s->aborted ? s->aborted->n : 0);
        if (n)
            CHECK_MEM(view->aborted->v, s->aborted->v, n * sizeof(*s->aborted->v));
        aborted += n;
        od_segment_unref(view);
    }
    CHECK_EQ(p->n_aborted, aborted);
    od_producers_settle(&t, od_plog_high_watermark(p));
    CHECK_EQ(od_plog_first_unstable(p), od_producers_first_unstable(&t));
    if (p->producers)
        check_same(p->producers, &t);
    else
        CHECK_EQ(od_producers_count(&t), 0);
    od_producers_deinit(&t);
}
