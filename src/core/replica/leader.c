/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The leader's half: the high watermark and the in-sync set.
 *
 * One proposal is out at a time.  From the moment it is made until it is settled the high watermark
 * waits for the union of the committed and the proposed set (the maximal set, KIP-497), because
 * either may be in force at the controller.  A proposal is settled by the controller's answer, by
 * metadata with a newer partition epoch (it can no longer be accepted then), or by a refusal when
 * no other attempt of it is unanswered.
 *
 * Being caught up is measured with a mark: our end at some moment.  A follower that reaches the
 * mark was caught up at that moment, and the mark moves on.  Kafka moves the mark with every fetch;
 * a follower judged by what it has on disk would then never reach it under steady load.
 */
#include "base/assert.h"
#include "base/mutant.h"
#include "core/replica/replica_internal.h"

#include <string.h>

/* --- a peer ---------------------------------------------------------------------------------- */

static int64_t progress_of(const struct od_replica *r, const struct od_replica_peer *p)
{
    return r->config.durability == OD_REPLICA_FSYNC ? p->durable_end : p->end;
}

static int64_t own_progress(const struct od_replica *r)
{
    if (OD_MUTANT(replica_hw_from_log_end))
        return r->end;
    return r->config.durability == OD_REPLICA_FSYNC ? r->durable_end : r->end;
}

static bool is_lagging(const struct od_replica *r, const struct od_replica_peer *p, int64_t now_ms)
{
    return progress_of(r, p) < r->end && now_ms - p->caught_up_ms > r->config.lag_time_max_ms;
}

/* Was it this life of the broker, as the controller knows it, that told us its end? */
static bool is_current_life(const struct od_replica_peer *p)
{
    if (OD_MUTANT(replica_stale_broker_epoch))
        return p->end >= 0;
    return p->fetch_broker_epoch >= 0 && p->fetch_broker_epoch == p->broker_epoch;
}

/* Soon to be in the set: running ahead of it would keep it out for ever. */
static bool is_joining(const struct od_replica *r, const struct od_replica_peer *p, int64_t now_ms)
{
    return p->eligible && is_current_life(p) && !is_lagging(r, p, now_ms);
}

static bool may_join(const struct od_replica *r, const struct od_replica_peer *p)
{
    int64_t progress = progress_of(r, p);

    return !p->in_isr && p->eligible && is_current_life(p) && progress >= r->high_watermark &&
           progress >= r->epoch_start;
}

static struct od_replica_peer *find_peer(struct od_replica *r, int32_t broker)
{
    for (int32_t i = 0; i < r->peer_count; i++)
        if (r->peers[i].broker == broker)
            return &r->peers[i];
    return NULL;
}

static void forget_progress(struct od_replica_peer *p, int64_t now_ms)
{
    p->fetch_broker_epoch = -1;
    p->end = -1;
    p->durable_end = -1;
    p->caught_up_ms = p->in_isr ? now_ms : INT64_MIN / 2;
    p->mark_end = INT64_MAX;
    p->mark_ms = 0;
}

/* The peers of the new assignment, sorted; those of the same leader epoch keep what they told. */
static void replace_peers(struct od_replica *r, const struct od_replica_assignment *a,
                          bool new_epoch, int64_t now_ms)
{
    struct od_replica_peer fresh[OD_REPLICAS_MAX];
    int32_t n = 0;

    OD_ASSERT(a->count <= OD_REPLICAS_MAX);
    for (int32_t i = 0; i < a->count; i++) {
        const struct od_replica_member *m = &a->members[i];
        const struct od_replica_peer *known = find_peer(r, m->broker);
        int32_t at = n;

        if (m->broker == r->self) {
            r->self_epoch = m->broker_epoch;
            continue;
        }
        while (at > 0 && fresh[at - 1].broker > m->broker)
            at--;
        memmove(&fresh[at + 1], &fresh[at], (size_t)(n - at) * sizeof(fresh[0]));
        fresh[at] = known ? *known : (struct od_replica_peer){ .broker = m->broker };
        fresh[at].in_isr = m->in_isr;
        fresh[at].proposed = false;
        fresh[at].eligible = m->eligible;
        fresh[at].broker_epoch = m->broker_epoch;
        if (new_epoch || !known)
            forget_progress(&fresh[at], now_ms);
        n++;
    }
    OD_ASSERT(n <= r->peer_capacity);
    if (n > 0)
        memcpy(r->peers, fresh, (size_t)n * sizeof(fresh[0]));
    r->peer_count = n;
}

/* --- high watermark -------------------------------------------------------------------------- */

void od_leader_advance(struct od_replica *r, int64_t now_ms, struct od_replica_actions *out)
{
    int64_t mark = own_progress(r);

    r->seen_ms = now_ms;
    if (r->cutting || (!od_replica_isr_enough(r) && !OD_MUTANT(replica_hw_below_min_isr)))
        return;
    for (int32_t i = 0; i < r->peer_count; i++) {
        const struct od_replica_peer *p = &r->peers[i];
        bool counts = p->in_isr || (r->pending && p->proposed) || is_joining(r, p, now_ms);

        if (OD_MUTANT(replica_hw_from_isr))
            counts = p->in_isr && (!r->pending || p->proposed);
        if (counts && progress_of(r, p) < mark)
            mark = progress_of(r, p);
    }
    if (mark <= r->high_watermark)
        return;
    r->high_watermark = mark;
    od_replica_act(out, OD_REPLICA_ACT_HIGH_WATERMARK)->offset = mark;
}

/* --- proposals ------------------------------------------------------------------------------- */

static void send_proposal(struct od_replica *r, int64_t now_ms, struct od_replica_actions *out)
{
    struct od_replica_proposal *isr = &out->isr;

    r->retry_ms = now_ms + OD_REPLICA_RETRY_MS;
    isr->proposal = r->proposal;
    isr->attempt = r->attempts++;
    isr->leader_epoch = r->leader_epoch;
    isr->partition_epoch = r->partition_epoch;
    isr->members[0] = (struct od_replica_member){ .broker = r->self,
                                                  .broker_epoch = r->self_epoch,
                                                  .in_isr = true };
    isr->count = 1;
    for (int32_t i = 0; i < r->peer_count; i++) {
        const struct od_replica_peer *p = &r->peers[i];

        if (p->proposed)
            isr->members[isr->count++] = (struct od_replica_member){
                .broker = p->broker,
                .broker_epoch = OD_MUTANT(replica_stale_broker_epoch) ? -1 : p->proposed_epoch,
                .in_isr = true,
            };
    }
    od_replica_act(out, OD_REPLICA_ACT_PROPOSE_ISR);
}

/* The caller has set proposed for each peer. */
static void propose(struct od_replica *r, int64_t now_ms, struct od_replica_actions *out)
{
    for (int32_t i = 0; i < r->peer_count; i++)
        r->peers[i].proposed_epoch = r->peers[i].fetch_broker_epoch;
    r->pending = true;
    r->silent = false;
    r->proposal++;
    r->attempts = 0;
    r->answered = 0;
    send_proposal(r, now_ms, out);
}

static void settle(struct od_replica *r)
{
    r->pending = false;
    for (int32_t i = 0; i < r->peer_count; i++)
        r->peers[i].proposed = false;
}

static void expand(struct od_replica *r, struct od_replica_peer *joiner, int64_t now_ms,
                   struct od_replica_actions *out)
{
    if (r->pending || r->cutting || now_ms < r->retry_ms || !may_join(r, joiner))
        return;
    for (int32_t i = 0; i < r->peer_count; i++)
        r->peers[i].proposed = r->peers[i].in_isr;
    joiner->proposed = true;
    propose(r, now_ms, out);
}

static void shrink(struct od_replica *r, int64_t now_ms, struct od_replica_actions *out)
{
    bool lagging = false;

    for (int32_t i = 0; i < r->peer_count; i++) {
        struct od_replica_peer *p = &r->peers[i];

        p->proposed = p->in_isr && !is_lagging(r, p, now_ms);
        lagging = lagging || p->in_isr != p->proposed;
    }
    if (lagging)
        propose(r, now_ms, out);
    else
        settle(r);
}

/* --- events ---------------------------------------------------------------------------------- */

static void start_epoch(struct od_replica *r, struct od_replica_actions *out)
{
    struct od_replica_action *a = od_replica_act(out, OD_REPLICA_ACT_START_EPOCH);

    r->epoch_start = r->end;
    r->last_epoch = r->leader_epoch;
    a->epoch = r->leader_epoch;
    a->offset = r->end;
}

void od_leader_begin(struct od_replica *r, const struct od_replica_event *ev,
                     struct od_replica_actions *out)
{
    const struct od_replica_assignment *a = ev->assignment;
    bool new_epoch = r->state != OD_REPLICA_LEADER || a->leader_epoch != r->leader_epoch;

    r->state = OD_REPLICA_LEADER;
    r->leader = r->self;
    r->leader_epoch = a->leader_epoch;
    r->partition_epoch = a->partition_epoch;
    r->fetching = false;
    replace_peers(r, a, new_epoch, ev->now_ms);
    settle(r);
    r->retry_ms = ev->now_ms;
    if (new_epoch) {
        r->epoch_recorded = ev->log.epoch_start >= 0 && !r->cutting;
        r->epoch_start = r->epoch_recorded ? ev->log.epoch_start : INT64_MAX;
        if (!r->epoch_recorded && !r->cutting)
            start_epoch(r, out);
    }
    od_leader_advance(r, ev->now_ms, out);
}

void od_leader_truncated(struct od_replica *r, const struct od_replica_event *ev,
                         struct od_replica_actions *out)
{
    start_epoch(r, out);
    od_leader_advance(r, ev->now_ms, out);
}

static void note_progress(struct od_replica *r, struct od_replica_peer *p,
                          const struct od_replica_event *ev)
{
    int64_t durable_end = ev->fetched.durable_end;

    p->fetch_broker_epoch = ev->fetched.broker_epoch;
    p->end = ev->fetched.fetch_offset;
    p->durable_end = durable_end >= 0 && durable_end < p->end ? durable_end : p->end;
    if (OD_MUTANT(replica_hw_from_log_end))
        p->durable_end = p->end;

    int64_t progress = progress_of(r, p);

    if (progress < r->end && progress < p->mark_end && p->mark_end != INT64_MAX)
        return;
    if (progress >= r->end)
        p->caught_up_ms = ev->now_ms;
    else if (progress >= p->mark_end && p->mark_ms > p->caught_up_ms)
        p->caught_up_ms = p->mark_ms;
    p->mark_end = r->end;
    p->mark_ms = ev->now_ms;
}

/* What keeps a follower's fetch from being served, in the order in which it must be looked at. */
static enum od_err check_fetched(struct od_replica *r, const struct od_replica_event *ev)
{
    const struct od_replica_peer *p = find_peer(r, ev->fetched.broker);
    enum od_err err = od_replica_check_epoch(r, ev->fetched.leader_epoch);

    if (err && !OD_MUTANT(replica_no_fetch_epoch))
        return err;
    if (r->state != OD_REPLICA_LEADER || r->cutting)
        return OD_NOT_LEADER_OR_FOLLOWER;
    if (!p)
        return OD_UNKNOWN_LEADER_EPOCH; /* our metadata or the follower's is behind */
    if (ev->fetched.broker_epoch >= 0 && !OD_MUTANT(replica_stale_broker_epoch) &&
        (ev->fetched.broker_epoch < p->broker_epoch ||
         ev->fetched.broker_epoch < p->fetch_broker_epoch))
        return OD_NOT_LEADER_OR_FOLLOWER;
    if (ev->fetched.last_fetched_epoch >= 0 && ev->fetched.epoch_found < 0)
        return OD_OFFSET_OUT_OF_RANGE;
    return ev->fetched.fetch_offset < ev->fetched.log_start ? OD_OFFSET_OUT_OF_RANGE : OD_NONE;
}

void od_leader_fetched(struct od_replica *r, const struct od_replica_event *ev,
                       struct od_replica_actions *out)
{
    enum od_err err = check_fetched(r, ev);
    bool diverges = ev->fetched.last_fetched_epoch >= 0 &&
                    (ev->fetched.epoch_found < ev->fetched.last_fetched_epoch ||
                     ev->fetched.epoch_found_end < ev->fetched.fetch_offset);

    if (!err && diverges) {
        struct od_replica_action *a = od_replica_act(out, OD_REPLICA_ACT_DIVERGING);

        a->epoch = ev->fetched.epoch_found;
        a->offset = ev->fetched.epoch_found_end;
        return;
    }
    if (!err && ev->fetched.fetch_offset > r->end)
        err = OD_OFFSET_OUT_OF_RANGE;
    if (err) {
        od_replica_act(out, OD_REPLICA_ACT_REJECT)->err = err;
        return;
    }

    struct od_replica_peer *p = find_peer(r, ev->fetched.broker);

    note_progress(r, p, ev);
    expand(r, p, ev->now_ms, out);
    od_leader_advance(r, ev->now_ms, out);
}

static void adopt(struct od_replica *r, const struct od_replica_event *ev,
                  struct od_replica_actions *out)
{
    if (ev->isr.leader_epoch != r->leader_epoch || ev->isr.partition_epoch < r->partition_epoch)
        return;
    OD_ASSERT(ev->isr.count <= OD_REPLICAS_MAX);
    r->partition_epoch = ev->isr.partition_epoch;
    for (int32_t i = 0; i < r->peer_count; i++) {
        r->peers[i].in_isr = false;
        for (int32_t j = 0; j < ev->isr.count; j++)
            if (ev->isr.brokers[j] == r->peers[i].broker)
                r->peers[i].in_isr = true;
    }
    settle(r);
    r->retry_ms = ev->now_ms;
    od_leader_advance(r, ev->now_ms, out);
}

static void note_answer(struct od_replica *r, uint32_t attempt)
{
    if (attempt < 32)
        r->answered |= UINT32_C(1) << attempt;
}

/* Is there no attempt left that the controller could still accept? */
static bool all_answered(const struct od_replica *r)
{
    return r->attempts <= 32 && r->answered == UINT32_MAX >> (32 - r->attempts);
}

void od_leader_isr_result(struct od_replica *r, const struct od_replica_event *ev,
                          struct od_replica_actions *out)
{
    if (r->state != OD_REPLICA_LEADER || !r->pending || ev->isr.proposal != r->proposal ||
        ev->isr.attempt >= r->attempts)
        return;
    note_answer(r, ev->isr.attempt);
    switch (ev->isr.err) {
    case OD_NONE:
        adopt(r, ev, out);
        return;
    case OD_FENCED_LEADER_EPOCH:
    case OD_NEW_LEADER_ELECTED:
        r->state = OD_REPLICA_OFFLINE;
        od_replica_act(out, OD_REPLICA_ACT_STEP_DOWN)->err = OD_NOT_LEADER_OR_FOLLOWER;
        return;
    case OD_INVALID_UPDATE_VERSION:
    case OD_INVALID_REQUEST:
    case OD_UNKNOWN_TOPIC_OR_PARTITION:
    case OD_UNKNOWN_TOPIC_ID:
        /* The controller is ahead of us; what it did is on its way. */
        r->silent = true;
        return;
    case OD_INELIGIBLE_REPLICA:
    case OD_OPERATION_NOT_ATTEMPTED:
        if (!all_answered(r))
            return;
        settle(r);
        r->retry_ms = ev->now_ms + OD_REPLICA_RETRY_MS;
        od_leader_advance(r, ev->now_ms, out);
        return;
    default:
        return; /* no answer that settles it: again at the deadline */
    }
}

void od_leader_broker(struct od_replica *r, const struct od_replica_event *ev,
                      struct od_replica_actions *out)
{
    struct od_replica_peer *p;

    if (r->state != OD_REPLICA_LEADER)
        return;
    p = find_peer(r, ev->broker.broker);
    if (!p || ev->broker.broker_epoch < p->broker_epoch)
        return;
    p->broker_epoch = ev->broker.broker_epoch;
    p->eligible = ev->broker.eligible;
    /* The controller refuses a life that it knows to be over; were the proposal accepted before,
     * the assignment that says so would have come before this. */
    if (r->pending && p->proposed && !p->in_isr && p->proposed_epoch < p->broker_epoch)
        settle(r);
    od_leader_advance(r, ev->now_ms, out);
}

void od_leader_tick(struct od_replica *r, int64_t now_ms, struct od_replica_actions *out)
{
    if (now_ms >= r->retry_ms && r->pending && !r->silent)
        send_proposal(r, now_ms, out);
    else if (now_ms >= r->retry_ms && !r->pending)
        shrink(r, now_ms, out);
    od_leader_advance(r, now_ms, out); /* one that was waited for may have fallen behind */
}

int64_t od_leader_deadline_ms(const struct od_replica *r)
{
    int64_t deadline_ms = r->pending && !r->silent ? r->retry_ms : INT64_MAX;

    for (int32_t i = 0; i < r->peer_count; i++) {
        const struct od_replica_peer *p = &r->peers[i];
        int64_t late_ms = p->caught_up_ms + r->config.lag_time_max_ms + 1;

        if (progress_of(r, p) >= r->end || (p->in_isr && r->pending))
            continue;
        if (p->in_isr && late_ms < r->retry_ms)
            late_ms = r->retry_ms;
        if ((p->in_isr || late_ms > r->seen_ms) && late_ms < deadline_ms)
            deadline_ms = late_ms;
    }
    return deadline_ms;
}
