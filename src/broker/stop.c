/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way down, on reactor 0: no further connections, every shard drains, the controller is told,
 * and when nothing is out any more the reactors stop.  What waits for a slow disk is waited for:
 * a log that is closed with a flush out would not be a clean stop.
 */
#include "broker/node_internal.h"

#include "base/log.h"
#include "broker/coordinator.h"
#include "broker/fetch.h"
#include "net/net.h"

enum {
    DRAIN_MS = 10000,  /* then connections are closed with their answers unsent */
    IDLE_POLL_MS = 10, /* how often the stop looks whether everything has come back */
};

static void end(struct od_node *n)
{
    if (n->options.ended)
        n->options.ended(n->options.ctx);
    n->options.ended = NULL;
    od_reactor_stop(n->shards[0].reactor);
}

static int calls_alive(const struct od_node *n)
{
    int alive = 0;

    for (int i = 0; i < n->shard_count; i++)
        alive += atomic_load(&n->shards[i].calls_alive);
    return alive;
}

/* Nothing is out that would come back to a reactor. */
static bool is_idle(const struct od_node *n)
{
    return calls_alive(n) == 0 && od_controller_idle(n->controller) &&
           n->store->ops->quiesce(n->store) &&
           od_housekeeping_idle(&n->life->housekeeping) && od_cleaner_idle(&n->life->cleaner) &&
           !od_node_opening(n) &&
           atomic_load(&n->jobs_out) == 0;
}

static void end_when_idle(struct od_timer *t)
{
    struct od_node_life *life = OD_CONTAINER(t, struct od_node_life, wait);
    struct od_node *n = life->node;
    struct od_reactor *r = n->shards[0].reactor;

    if (is_idle(n))
        end(n);
    else
        od_timer_set(r, t, od_reactor_now_ms(r) + IDLE_POLL_MS);
}

static void signed_off(struct od_broker_life *bl, enum od_err err, const char *message)
{
    struct od_node_life *life = OD_CONTAINER(bl, struct od_node_life, broker);

    if (err)
        od_log(OD_LOG_WARN, "broker", "the controlled stop was not noted: %s",
               message ? message : od_err_text(err));
    end_when_idle(&life->wait);
}

static void one_drained(struct od_post *post)
{
    struct od_drain *d = OD_CONTAINER(post, struct od_drain, report);
    struct od_node *n = d->shard->node;

    if (--n->life->draining > 0)
        return;
    od_timer_cancel(n->shards[0].reactor, &n->life->wait);
    n->life->wait.fire = end_when_idle;
    if (n->life->registered)
        od_broker_life_stop(&n->life->broker, signed_off);
    else
        end_when_idle(&n->life->wait);
}

static void net_drained(void *arg)
{
    struct od_drain *d = arg;

    d->report.run = one_drained;
    od_reactor_post(d->shard->node->shards[0].reactor, &d->report);
}

static void drain_shard(struct od_post *post)
{
    struct od_drain *d = OD_CONTAINER(post, struct od_drain, order);

    d->shard->draining = true;
    od_fetch_release_parked(d->shard);
    od_coordinators_close(d->shard);
    od_net_drain(d->shard->net, net_drained, d);
}

/* The connections end with their answers unsent; their calls end when their disk work does. */
static void cut_shard(struct od_post *post)
{
    struct od_drain *d = OD_CONTAINER(post, struct od_drain, order);

    od_net_abort(d->shard->net);
}

static void drain_overdue(struct od_timer *t)
{
    struct od_node_life *life = OD_CONTAINER(t, struct od_node_life, wait);

    od_log(OD_LOG_WARN, "broker",
           "closing connections with answers unsent after %d ms; %d calls and %d jobs are out",
           DRAIN_MS, calls_alive(life->node), atomic_load(&life->node->jobs_out));
    for (int i = 0; i < life->node->shard_count; i++) {
        life->drains[i].order.run = cut_shard;
        od_reactor_post(life->node->shards[i].reactor, &life->drains[i].order);
    }
}

static void stop(struct od_post *post)
{
    struct od_node_life *life = OD_CONTAINER(post, struct od_node_life, stop);
    struct od_node *n = life->node;
    struct od_reactor *r = n->shards[0].reactor;

    if (n->state == OD_NODE_DRAINING)
        return;
    n->state = OD_NODE_DRAINING;
    od_node_close_listeners(n);
    od_housekeeping_stop(&life->housekeeping);
    od_cleaner_stop(&life->cleaner);
    life->wait.fire = drain_overdue;
    od_timer_set(r, &life->wait, od_reactor_now_ms(r) + DRAIN_MS);
    life->draining = n->shard_count;
    for (int i = 0; i < n->shard_count; i++) {
        life->drains[i].shard = &n->shards[i];
        life->drains[i].order.run = drain_shard;
        od_reactor_post(n->shards[i].reactor, &life->drains[i].order);
    }
}

void od_node_stop(struct od_node *n)
{
    if (!atomic_exchange(&n->life->stop_asked, true)) {
        n->life->stop.run = stop;
        od_reactor_post(n->shards[0].reactor, &n->life->stop);
    }
}
