/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The replica machine: what happens to the log, who leads, and the questions of the broker.
 *
 * Invariants
 * 1. The high watermark never goes back, unless a leader elected uncleanly makes us cut below it.
 * 2. It is never above the end of what each member of the maximal in-sync set (committed by the
 *    controller or proposed to it) holds, on disk in fsync mode.
 * 3. It does not move while the committed in-sync set is smaller than min(min.insync.replicas,
 *    replicas), whatever the acks of the producers.
 * 4. Nothing learned under another leader epoch, or from another life of a broker, counts.
 * 5. Only a leader's answer cuts a follower's log, never its own high watermark (KIP-101).
 */
#include "core/replica/replica.h"

#include "base/assert.h"
#include "base/mutant.h"
#include "core/replica/replica_internal.h"

#include <string.h>

void od_replica_init(struct od_replica *r, int32_t self)
{
    *r = (struct od_replica){
        .state = OD_REPLICA_OFFLINE,
        .self = self,
        .leader = -1,
        .leader_epoch = -1,
        .partition_epoch = -1,
        .last_epoch = -1,
    };
}

struct od_replica_peer *od_replica_reserve(struct od_replica *r, struct od_replica_peer *peers,
                                           int32_t capacity)
{
    struct od_replica_peer *old = r->peers;

    OD_ASSERT(capacity >= r->peer_count && capacity < OD_REPLICAS_MAX);
    if (r->peer_count > 0)
        memcpy(peers, old, (size_t)r->peer_count * sizeof(*peers));
    r->peers = peers;
    r->peer_capacity = capacity;
    return old;
}

struct od_replica_action *od_replica_act(struct od_replica_actions *out,
                                         enum od_replica_action_kind kind)
{
    OD_ASSERT(out->n < OD_REPLICA_ACTIONS_MAX);
    struct od_replica_action *a = &out->v[out->n++];

    *a = (struct od_replica_action){
        .kind = kind, .broker = -1, .epoch = -1, .last_epoch = -1, .offset = -1
    };
    return a;
}

enum od_err od_replica_check_epoch(const struct od_replica *r, int32_t leader_epoch)
{
    if (leader_epoch < r->leader_epoch)
        return OD_FENCED_LEADER_EPOCH;
    return leader_epoch > r->leader_epoch ? OD_UNKNOWN_LEADER_EPOCH : OD_NONE;
}

/* --- events ---------------------------------------------------------------------------------- */

/* Metadata comes in order, but a step-down or a restart may be ahead of it. */
static bool is_stale(const struct od_replica *r, const struct od_replica_assignment *a)
{
    if (a->leader_epoch != r->leader_epoch)
        return a->leader_epoch < r->leader_epoch;
    return r->state == OD_REPLICA_OFFLINE ? a->partition_epoch < r->partition_epoch
                                          : a->partition_epoch <= r->partition_epoch;
}

static void learn_log(struct od_replica *r, const struct od_replica_log *log)
{
    r->end = log->end;
    r->durable_end = log->durable_end < log->end ? log->durable_end : log->end;
    r->high_watermark = log->high_watermark < log->end ? log->high_watermark : log->end;
    r->last_epoch = log->last_epoch;
}

static void assign(struct od_replica *r, const struct od_replica_event *ev,
                   struct od_replica_actions *out)
{
    const struct od_replica_assignment *a = ev->assignment;
    bool leads = ev->kind == OD_REPLICA_EV_LEAD;

    if (is_stale(r, a))
        return;
    if (r->state == OD_REPLICA_OFFLINE)
        learn_log(r, &ev->log);
    if (r->state == OD_REPLICA_LEADER && (!leads || a->leader_epoch != r->leader_epoch))
        od_replica_act(out, OD_REPLICA_ACT_STEP_DOWN)->err = OD_NOT_LEADER_OR_FOLLOWER;
    r->config = a->config;
    if (leads)
        od_leader_begin(r, ev, out);
    else
        od_follower_begin(r, ev, out);
}

static void fence(struct od_replica *r, struct od_replica_actions *out)
{
    if (r->state == OD_REPLICA_LEADER)
        od_replica_act(out, OD_REPLICA_ACT_STEP_DOWN)->err = OD_KAFKA_STORAGE_ERROR;
    r->state = OD_REPLICA_FENCED;
}

static void stop(struct od_replica *r, struct od_replica_actions *out)
{
    if (r->state == OD_REPLICA_LEADER)
        od_replica_act(out, OD_REPLICA_ACT_STEP_DOWN)->err = OD_NOT_LEADER_OR_FOLLOWER;
    r->state = OD_REPLICA_OFFLINE;
    r->leader = -1;
    r->peer_count = 0;
    r->generation++;
}

static void on_appended(struct od_replica *r, const struct od_replica_event *ev,
                        struct od_replica_actions *out)
{
    if (r->state == OD_REPLICA_OFFLINE)
        return;
    OD_ASSERT(ev->appended.end >= r->end);
    r->end = ev->appended.end;
    r->last_epoch = ev->appended.last_epoch;
    if (r->state == OD_REPLICA_LEADER)
        od_leader_advance(r, ev->now_ms, out);
    else
        od_follower_appended(r, out);
}

static void on_truncated(struct od_replica *r, const struct od_replica_event *ev,
                         struct od_replica_actions *out)
{
    if (!r->cutting)
        return;
    r->cutting = false;
    r->generation++;
    if (r->state == OD_REPLICA_OFFLINE)
        return;
    r->end = ev->appended.end;
    r->last_epoch = ev->appended.last_epoch;
    if (r->durable_end > r->end)
        r->durable_end = r->end;
    if (r->high_watermark > r->end) {
        r->high_watermark = r->end;
        od_replica_act(out, OD_REPLICA_ACT_HIGH_WATERMARK)->offset = r->end;
    }
    if (r->state == OD_REPLICA_LEADER)
        od_leader_truncated(r, ev, out);
    else
        od_follower_truncated(r, out);
}

static void on_durable(struct od_replica *r, const struct od_replica_event *ev,
                       struct od_replica_actions *out)
{
    int64_t end = ev->durable.end < r->end ? ev->durable.end : r->end;

    if (ev->durable.err != OD_NONE) {
        fence(r, out);
        return;
    }
    if (r->state == OD_REPLICA_OFFLINE || ev->durable.generation != r->generation ||
        end <= r->durable_end)
        return;
    r->durable_end = end;
    if (r->state == OD_REPLICA_LEADER)
        od_leader_advance(r, ev->now_ms, out);
}

static void on_config(struct od_replica *r, const struct od_replica_event *ev,
                      struct od_replica_actions *out)
{
    r->config = ev->config;
    if (r->state == OD_REPLICA_LEADER)
        od_leader_advance(r, ev->now_ms, out);
}

static void on_tick(struct od_replica *r, const struct od_replica_event *ev,
                    struct od_replica_actions *out)
{
    if (r->state == OD_REPLICA_LEADER)
        od_leader_tick(r, ev->now_ms, out);
    else if (r->state == OD_REPLICA_FOLLOWER)
        od_follower_tick(r, ev->now_ms, out);
}

static void step_alive(struct od_replica *r, const struct od_replica_event *ev,
                       struct od_replica_actions *out)
{
    switch (ev->kind) {
    case OD_REPLICA_EV_LEAD:
    case OD_REPLICA_EV_FOLLOW:
        assign(r, ev, out);
        return;
    case OD_REPLICA_EV_STOP:
        stop(r, out);
        return;
    case OD_REPLICA_EV_EPOCH_RECORDED:
        if (r->state == OD_REPLICA_LEADER && ev->start_epoch == r->leader_epoch && !r->cutting)
            r->epoch_recorded = true;
        return;
    case OD_REPLICA_EV_APPENDED:
        on_appended(r, ev, out);
        return;
    case OD_REPLICA_EV_TRUNCATED:
        on_truncated(r, ev, out);
        return;
    case OD_REPLICA_EV_DURABLE:
        on_durable(r, ev, out);
        return;
    case OD_REPLICA_EV_FETCHED:
        od_leader_fetched(r, ev, out);
        return;
    case OD_REPLICA_EV_FETCH_RESULT:
        od_follower_fetch_result(r, ev, out);
        return;
    case OD_REPLICA_EV_ISR_RESULT:
        od_leader_isr_result(r, ev, out);
        return;
    case OD_REPLICA_EV_BROKER:
        od_leader_broker(r, ev, out);
        return;
    case OD_REPLICA_EV_CONFIG:
        on_config(r, ev, out);
        return;
    case OD_REPLICA_EV_TICK:
        on_tick(r, ev, out);
        return;
    case OD_REPLICA_EV_FENCED:
        fence(r, out);
        return;
    }
}

void od_replica_step(struct od_replica *r, const struct od_replica_event *ev,
                     struct od_replica_actions *out)
{
    out->n = 0;
    if (r->state != OD_REPLICA_FENCED)
        step_alive(r, ev, out);
    else if (ev->kind == OD_REPLICA_EV_FETCHED)
        od_replica_act(out, OD_REPLICA_ACT_REJECT)->err = OD_KAFKA_STORAGE_ERROR;
}

/* --- questions ------------------------------------------------------------------------------- */

static int32_t isr_min(const struct od_replica *r)
{
    int32_t replicas = r->peer_count + 1;

    return r->config.min_isr < replicas ? r->config.min_isr : replicas;
}

int32_t od_replica_isr_count(const struct od_replica *r)
{
    int32_t n = 1;

    for (int32_t i = 0; i < r->peer_count; i++)
        n += r->peers[i].in_isr;
    return n;
}

bool od_replica_isr_has(const struct od_replica *r, int32_t broker)
{
    if (broker == r->self)
        return true;
    for (int32_t i = 0; i < r->peer_count; i++)
        if (r->peers[i].broker == broker)
            return r->peers[i].in_isr;
    return false;
}

bool od_replica_isr_enough(const struct od_replica *r)
{
    return od_replica_isr_count(r) >= isr_min(r);
}

enum od_err od_replica_check_produce(const struct od_replica *r, int16_t acks)
{
    if (acks < -1 || acks > 1)
        return OD_INVALID_REQUIRED_ACKS;
    switch (r->state) {
    case OD_REPLICA_FENCED:
        return OD_KAFKA_STORAGE_ERROR;
    case OD_REPLICA_OFFLINE:
    case OD_REPLICA_FOLLOWER:
        return OD_NOT_LEADER_OR_FOLLOWER;
    case OD_REPLICA_LEADER:
        break;
    }
    if (!r->epoch_recorded)
        return OD_NOT_LEADER_OR_FOLLOWER;
    return acks == -1 && !od_replica_isr_enough(r) ? OD_NOT_ENOUGH_REPLICAS : OD_NONE;
}

enum od_err od_replica_check_fetch(const struct od_replica *r, int32_t client_epoch)
{
    enum od_err err = client_epoch == -1 ? OD_NONE : od_replica_check_epoch(r, client_epoch);

    switch (r->state) {
    case OD_REPLICA_FENCED:
        return OD_KAFKA_STORAGE_ERROR;
    case OD_REPLICA_OFFLINE:
    case OD_REPLICA_FOLLOWER:
        return err ? err : OD_NOT_LEADER_OR_FOLLOWER;
    case OD_REPLICA_LEADER:
        break;
    }
    return err;
}

enum od_replica_ack od_replica_ack_state(const struct od_replica *r, int32_t leader_epoch,
                                         int64_t last_offset, enum od_err *err)
{
    bool leads = (r->state == OD_REPLICA_LEADER && r->leader_epoch == leader_epoch) ||
                 OD_MUTANT(replica_ack_after_demotion);

    if (!leads) {
        /* Ours were appended; what became of them the next leader knows. */
        *err = OD_NOT_ENOUGH_REPLICAS_AFTER_APPEND;
        return OD_REPLICA_ACK_FAILED;
    }
    if (r->high_watermark <= last_offset)
        return OD_REPLICA_ACK_WAIT;
    *err = OD_NONE;
    return OD_REPLICA_ACK_DONE;
}

int64_t od_replica_high_watermark(const struct od_replica *r)
{
    return r->high_watermark;
}

bool od_replica_reads_ready(const struct od_replica *r)
{
    if (OD_MUTANT(replica_early_reads))
        return r->state == OD_REPLICA_LEADER;
    return r->state == OD_REPLICA_LEADER && r->high_watermark >= r->epoch_start;
}

bool od_replica_needs_flush(const struct od_replica *r)
{
    return r->durable_end < r->end;
}

uint32_t od_replica_log_generation(const struct od_replica *r)
{
    return r->generation;
}

int64_t od_replica_deadline_ms(const struct od_replica *r)
{
    switch (r->state) {
    case OD_REPLICA_OFFLINE:
    case OD_REPLICA_FENCED:
        return INT64_MAX;
    case OD_REPLICA_LEADER:
        return od_leader_deadline_ms(r);
    case OD_REPLICA_FOLLOWER:
        break;
    }
    return r->fetching || r->cutting || r->leader < 0 ? INT64_MAX : r->retry_ms;
}
