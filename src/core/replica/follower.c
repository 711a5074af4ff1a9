/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The follower's half: fetch from the leader, cut where it says that the logs part.
 *
 * One thing is out at a time: a fetch, an append, or a cut.  An answer counts only if it was asked
 * for in this leader epoch and for this end and last epoch of the log, which together name its
 * content.  (The end alone does not: after a cut the log may grow to the same end, and a late
 * answer would then cut it again.)
 */
#include "base/mutant.h"
#include "core/replica/replica_internal.h"

static void fetch(struct od_replica *r, struct od_replica_actions *out)
{
    struct od_replica_action *a;

    if (r->leader < 0)
        return;
    a = od_replica_act(out, OD_REPLICA_ACT_FETCH);
    a->broker = r->leader;
    a->epoch = r->leader_epoch;
    a->offset = r->end;
    a->last_epoch = r->last_epoch;
    r->fetching = true;
}

static void cut(struct od_replica *r, enum od_replica_action_kind kind, int64_t offset,
                struct od_replica_actions *out)
{
    r->fetching = false;
    r->cutting = true;
    od_replica_act(out, kind)->offset = offset;
}

void od_follower_begin(struct od_replica *r, const struct od_replica_event *ev,
                       struct od_replica_actions *out)
{
    const struct od_replica_assignment *a = ev->assignment;
    bool same = r->state == OD_REPLICA_FOLLOWER && a->leader_epoch == r->leader_epoch &&
                a->leader == r->leader;

    r->partition_epoch = a->partition_epoch;
    if (same)
        return;
    r->state = OD_REPLICA_FOLLOWER;
    r->leader = a->leader;
    r->leader_epoch = a->leader_epoch;
    r->peer_count = 0;
    r->pending = false;
    r->fetching = false;
    r->retry_ms = ev->now_ms;
    r->leader_high_watermark = -1;
    if (r->cutting)
        return;
    if (OD_MUTANT(replica_truncate_to_hw) && r->end > r->high_watermark)
        cut(r, OD_REPLICA_ACT_TRUNCATE, r->high_watermark, out);
    else
        fetch(r, out);
}

static void raise_high_watermark(struct od_replica *r, struct od_replica_actions *out)
{
    int64_t mark = r->leader_high_watermark < r->end ? r->leader_high_watermark : r->end;

    if (mark <= r->high_watermark)
        return;
    r->high_watermark = mark;
    od_replica_act(out, OD_REPLICA_ACT_HIGH_WATERMARK)->offset = mark;
}

void od_follower_appended(struct od_replica *r, struct od_replica_actions *out)
{
    if (!r->fetching)
        return; /* appended for a leader that is no longer ours */
    raise_high_watermark(r, out);
    fetch(r, out);
}

void od_follower_truncated(struct od_replica *r, struct od_replica_actions *out)
{
    fetch(r, out);
}

/* KIP-279: where the leader has no part of the epoch we know, go back one epoch and ask again. */
static int64_t cut_offset(const struct od_replica *r, const struct od_replica_event *ev)
{
    int64_t offset = ev->result.epoch_found_end;

    if (ev->result.epoch_found < 0)
        offset = ev->result.diverging_end;
    else if (ev->result.epoch_found == ev->result.diverging_epoch &&
             ev->result.diverging_end < offset)
        offset = ev->result.diverging_end;
    return offset < r->end ? offset : r->end;
}

static void retry_at(struct od_replica *r, int64_t retry_ms)
{
    r->fetching = false;
    r->retry_ms = retry_ms;
}

void od_follower_fetch_result(struct od_replica *r, const struct od_replica_event *ev,
                              struct od_replica_actions *out)
{
    if (r->state != OD_REPLICA_FOLLOWER || !r->fetching ||
        ev->result.leader_epoch != r->leader_epoch || ev->result.fetch_offset != r->end ||
        ev->result.last_epoch != r->last_epoch)
        return;
    switch (ev->result.err) {
    case OD_NONE:
        if (ev->result.diverging_epoch >= 0) {
            cut(r, OD_REPLICA_ACT_TRUNCATE, cut_offset(r, ev), out);
            return;
        }
        r->leader_high_watermark = ev->result.high_watermark;
        od_replica_act(out, OD_REPLICA_ACT_APPEND);
        return;
    case OD_FENCED_LEADER_EPOCH:
        retry_at(r, INT64_MAX);
        return;
    case OD_OFFSET_OUT_OF_RANGE:
        if (ev->result.log_start > r->end)
            cut(r, OD_REPLICA_ACT_RESTART_LOG, ev->result.log_start, out);
        else
            retry_at(r, ev->now_ms + OD_REPLICA_RETRY_MS);
        return;
    default:
        retry_at(r, ev->now_ms + OD_REPLICA_RETRY_MS);
        return;
    }
}

void od_follower_tick(struct od_replica *r, int64_t now_ms, struct od_replica_actions *out)
{
    if (!r->fetching && !r->cutting && now_ms >= r->retry_ms)
        fetch(r, out);
}
