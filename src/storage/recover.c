/* SPDX-License-Identifier: Apache-2.0 */
/* One pass over a segment's file; a bad place starts a search for the next good batch. */
#include "storage/recover.h"

#include "base/crc32c.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "os/file.h"

struct pass {
    struct od_recovery *r;
    struct od_window window;
    int64_t pos;
    int64_t expected;     /* the next batch's base offset */
    int64_t search_bytes; /* left to spend on CRCs of candidates */
    int32_t epoch;
    enum od_err err;
};

const uint8_t *od_window_get(struct od_window *w, int64_t pos, size_t len, enum od_err *err)
{
    if (pos < 0 || pos > w->file_size || (size_t)(w->file_size - pos) < len)
        return NULL;
    if (pos < w->pos || pos + (int64_t)len > w->pos + (int64_t)w->len) {
        *err = od_file_read(w->file, w->data, OD_WINDOW_BYTES, pos, &w->len);
        w->pos = pos;
        if (*err || w->len < len) {
            w->len = 0;
            return NULL;
        }
    }
    return w->data + (pos - w->pos);
}

bool od_window_crc_fits(struct od_window *w, int64_t pos, const struct od_batch_head *head,
                        enum od_err *err)
{
    int64_t end = pos + head->len;
    uint32_t crc = 0;

    for (int64_t at = pos + OD_BATCH_CRC_POS; at < end;) {
        const uint8_t *p = od_window_get(w, at, 1, err);
        size_t len;

        if (!p)
            return false;
        len = (size_t)(w->pos + (int64_t)w->len - at);
        if ((int64_t)len > end - at)
            len = (size_t)(end - at);
        crc = od_crc32c_more(crc, p, len);
        at += (int64_t)len;
    }
    return crc == head->crc;
}

/* A batch that lies whole at pos, CRC aside. */
static bool head_at(struct pass *p, int64_t pos, struct od_batch_head *head)
{
    const uint8_t *data = od_window_get(&p->window, pos, OD_BATCH_HEAD_BYTES, &p->err);

    return data && od_batch_head_read(data, head) && head->len <= p->r->file_size - pos &&
           head->last_offset - p->r->segment->base_offset < INT32_MAX &&
           (p->r->next_base < 0 || head->last_offset < p->r->next_base);
}

static bool follows(const struct pass *p, const struct od_batch_head *head)
{
    if (head->base_offset == p->expected)
        return true;
    /* Only what is durable is compacted: a gap above it is a loss of the power cut. */
    return p->r->gaps_allowed && head->base_offset > p->expected &&
           (!p->r->power_cut || head->base_offset <= p->r->durable_end);
}

/* Unchecked bytes are taken for good only where the next batch follows. */
static bool chains(struct pass *p, int64_t pos, const struct od_batch_head *head)
{
    struct od_batch_head next;

    if (pos + head->len == p->r->file_size)
        return true;
    return head_at(p, pos + head->len, &next) &&
           (next.base_offset == head->last_offset + 1 ||
            (p->r->gaps_allowed && next.base_offset > head->last_offset));
}

static bool good_at(struct pass *p, struct od_batch_head *head)
{
    if (!head_at(p, p->pos, head) || !follows(p, head))
        return false;
    return OD_MUTANT(storage_tail_unchecked) ||
           (p->pos + head->len <= p->r->verify_from && chains(p, p->pos, head)) ||
           od_window_crc_fits(&p->window, p->pos, head, &p->err);
}

/* Whether a batch begins at pos that may follow the bad one: CRC right, and the file goes on. */
static bool candidate_at(struct pass *p, int64_t pos)
{
    struct od_batch_head head, next;

    if (!head_at(p, pos, &head) || head.base_offset <= p->expected ||
        head.base_offset - p->expected > INT32_MAX || head.len > p->search_bytes)
        return false;
    p->search_bytes -= head.len;
    if (!od_window_crc_fits(&p->window, pos, &head, &p->err))
        return false;
    return pos + head.len == p->r->file_size ||
           (head_at(p, pos + head.len, &next) && next.base_offset > head.last_offset);
}

/* The position of the first good batch after the bad one at p->pos; -1: there is none. */
static int64_t resync(struct pass *p)
{
    struct od_batch_head head;

    if (head_at(p, p->pos, &head) && candidate_at(p, p->pos + head.len))
        return p->pos + head.len;
    for (int64_t pos = p->pos + 1; pos + OD_BATCH_HEAD_BYTES <= p->r->file_size && !p->err; pos++) {
        const uint8_t *data = od_window_get(&p->window, pos, OD_BATCH_HEAD_BYTES, &p->err);

        if (data && data[16] == 2 && candidate_at(p, pos))
            return pos;
    }
    return -1;
}

static void damage(struct pass *p, int64_t next_offset, int64_t end_pos)
{
    struct od_damage d = { p->expected, next_offset, p->pos, end_pos };
    struct od_segment *s = p->r->segment;

    od_log(OD_LOG_ERROR, "storage",
           "%s/%020lld.log is damaged: offsets %lld to %lld at %lld to %lld cannot be read",
           s->dir->path, (long long)s->base_offset, (long long)d.first_offset,
           (long long)d.next_offset - 1, (long long)d.pos, (long long)d.end_pos);
    od_segment_add_damage(s, &d);
    p->expected = next_offset;
    p->pos = end_pos;
    s->end_offset = next_offset;
    s->size = end_pos;
}

/* What lies at p->pos is no good batch.  True: go on from the new position. */
static bool on_bad(struct pass *p)
{
    struct od_recovery *r = p->r;
    bool promised = p->expected < r->durable_end;
    int64_t next = promised || !r->power_cut ? resync(p) : -1;
    struct od_batch_head head;

    if (p->err)
        return false;
    if (next >= 0 && head_at(p, next, &head)) {
        damage(p, head.base_offset, next);
        return true;
    }
    if (promised) {
        int64_t end = r->durable_end;

        if (r->next_base >= 0 && r->next_base < end)
            end = r->next_base;
        damage(p, end, r->file_size);
        return false;
    }
    if (r->next_base >= 0 && !r->power_cut) { /* whole batches follow in the next segment */
        damage(p, r->next_base, r->file_size);
        return false;
    }
    r->cut = true;
    od_log(OD_LOG_WARN, "storage", "%s/%020lld.log: torn tail, %lld bytes cut at %lld",
           r->segment->dir->path, (long long)r->segment->base_offset,
           (long long)(r->file_size - p->pos), (long long)p->pos);
    return false;
}

static void accept(struct pass *p, const struct od_batch_head *head)
{
    struct od_recovery *r = p->r;

    if (head->leader_epoch > p->epoch) {
        p->epoch = head->leader_epoch;
        (void)r->epoch(r->epoch_arg, head->leader_epoch, head->base_offset);
    }
    r->producers |= head->has_producer;
    od_segment_note(r->segment, head, p->pos, r->index_interval_bytes);
    p->pos += head->len;
    p->expected = head->last_offset + 1;
}

/* The file ended with a whole batch: did it end too early? */
static void check_end(struct pass *p)
{
    struct od_recovery *r = p->r;
    int64_t want = r->durable_end;

    if (r->next_base >= 0 && (!r->power_cut || r->next_base <= want))
        want = r->gaps_allowed ? p->expected : r->next_base;
    else if (r->next_base >= 0 && p->expected < r->next_base)
        r->cut = true; /* unsynced: the rest of this segment is missing */
    if (p->expected < want && !r->cut)
        damage(p, want, p->pos);
}

enum od_err od_recover(struct od_recovery *r)
{
    struct pass p = { .r = r, .expected = r->segment->base_offset, .epoch = -1 };
    struct od_batch_head head;
    bool more = true;

    p.window = (struct od_window){ .file = r->file, .file_size = r->file_size };
    p.window.data = od_alloc(OD_WINDOW_BYTES);
    p.search_bytes = 4 * r->file_size;
    r->cut = false;
    while (more && !p.err && p.pos < r->file_size) {
        if (good_at(&p, &head))
            accept(&p, &head);
        else if (!p.err)
            more = on_bad(&p);
    }
    if (more && !p.err)
        check_end(&p);
    if (r->verify_from < r->segment->size)
        od_segment_set_checked(r->segment, r->verify_from, r->segment->size);
    od_free(p.window.data);
    return p.err;
}
