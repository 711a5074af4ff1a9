/* SPDX-License-Identifier: Apache-2.0 */
/* Applying live settings: limits of connections. */
#include "broker/live.h"

#include "base/mem.h"
#include "broker/node.h"
#include "net/admission.h"
#include "net/net.h"
#include "os/clock.h"

/* On its way to a shard that has too many connections. */
struct shed {
    struct od_post post;
    struct od_shard *shard;
    int32_t count;
};

static struct od_admission_limits limits_of(const struct od_live_config *live)
{
    return (struct od_admission_limits){ .total = live->max_connections,
                                         .per_host = live->max_connections_per_ip,
                                         .per_second = live->max_connection_creation_rate,
                                         .host_overrides =
                                             live->max_connections_per_ip_overrides };
}

struct od_admission *od_live_admission(const struct od_live_config *live)
{
    struct od_admission_limits limits = limits_of(live);

    return od_admission_new(&limits, od_random_u64());
}

static void run_shed(struct od_post *post)
{
    struct shed *s = OD_CONTAINER(post, struct shed, post);

    if (!s->shard->draining)
        od_net_shed(s->shard->net, s->count);
    od_free(s);
}

static void shed_on(struct od_shard *shard, int32_t count)
{
    struct shed *s = OD_NEW(struct shed);

    s->post.run = run_shed;
    s->shard = shard;
    s->count = count;
    od_reactor_post(shard->reactor, &s->post);
}

/* Each shard closes its part of what is too much. */
static void shed(struct od_node *node, int32_t excess)
{
    int32_t all = od_admission_count(node->admission), left = excess;

    for (int i = 0; i < node->shard_count && left > 0; i++) {
        struct od_shard *shard = &node->shards[i];
        int32_t here = od_net_connections(shard->net);
        int32_t part = all > 0 ? (int32_t)(((int64_t)left * here + all - 1) / all) : 0;

        if (part > 0)
            shed_on(shard, part);
        left -= part;
        all -= here;
    }
}

void od_live_apply(struct od_node *node, const struct od_image *image)
{
    struct od_admission_limits limits = limits_of(image->live);
    int32_t excess = od_admission_set(node->admission, &limits);

    if (excess > 0)
        shed(node, excess);
}
