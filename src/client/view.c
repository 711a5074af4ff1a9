/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps what Metadata answers tell. */
#include "client/view.h"

#include "base/mem.h"

#include <string.h>

static void free_brokers(struct od_view *v)
{
    for (int i = 0; i < v->broker_count; i++) {
        od_free(v->brokers[i].host);
        od_free(v->brokers[i].rack);
    }
    od_free(v->brokers);
    v->brokers = NULL;
    v->broker_count = 0;
}

static void free_topic(struct od_view_topic *t)
{
    od_free(t->name);
    od_free(t->partitions);
    od_free(t);
}

void od_view_init(struct od_view *v, uint64_t seed)
{
    *v = (struct od_view){ .controller_id = -1 };
    od_map_init(&v->topics, seed);
}

void od_view_deinit(struct od_view *v)
{
    size_t cursor = 0;

    for (struct od_view_topic *t; (t = od_map_next(&v->topics, &cursor));)
        free_topic(t);
    od_map_deinit(&v->topics);
    free_brokers(v);
    od_free(v->cluster_id);
}

static bool plausible_topic(const struct od_metadata_rsp_topic *t)
{
    for (int32_t i = 0; i < t->partitions.n; i++)
        if (t->partitions.v[i].partition_index < 0 ||
            t->partitions.v[i].partition_index >= t->partitions.n)
            return false;
    return true;
}

static bool plausible(const struct od_metadata_rsp *rsp)
{
    for (int32_t i = 0; i < rsp->brokers.n; i++)
        if (rsp->brokers.v[i].port <= 0 || rsp->brokers.v[i].port > UINT16_MAX ||
            memchr(rsp->brokers.v[i].host.data, '\0', rsp->brokers.v[i].host.len))
            return false;
    for (int32_t i = 0; i < rsp->topics.n; i++)
        if (!plausible_topic(&rsp->topics.v[i]))
            return false;
    return true;
}

static void learn_brokers(struct od_view *v, const struct od_metadata_rsp *rsp)
{
    free_brokers(v);
    v->broker_count = rsp->brokers.n > 0 ? rsp->brokers.n : 0;
    v->brokers = od_zalloc(sizeof(*v->brokers) * (size_t)v->broker_count);
    for (int i = 0; i < v->broker_count; i++) {
        const struct od_metadata_rsp_broker *in = &rsp->brokers.v[i];

        v->brokers[i] =
            (struct od_view_broker){ .id = in->node_id,
                                     .port = (uint16_t)in->port,
                                     .host = od_str_dup(in->host),
                                     .rack = in->rack.data ? od_str_dup(in->rack) : NULL };
    }
}

static void learn_topic(struct od_view *v, const struct od_metadata_rsp_topic *in)
{
    struct od_view_topic *t;

    if (!in->name.data)
        return;
    t = od_map_remove(&v->topics, in->name.data, in->name.len);
    if (t)
        free_topic(t);
    if (in->error_code)
        return;
    t = OD_NEW(struct od_view_topic);
    t->name = od_str_dup(in->name);
    t->id = in->topic_id;
    t->partition_count = in->partitions.n > 0 ? in->partitions.n : 0;
    t->partitions = od_zalloc(sizeof(*t->partitions) * (size_t)t->partition_count);
    for (int32_t i = 0; i < t->partition_count; i++)
        t->partitions[i] = (struct od_view_partition){ -1, -1 };
    for (int32_t i = 0; i < t->partition_count; i++) {
        const struct od_metadata_rsp_partition *p = &in->partitions.v[i];

        t->partitions[p->partition_index] =
            (struct od_view_partition){ p->leader_id, p->leader_epoch };
    }
    od_map_put(&v->topics, t->name, in->name.len, t);
}

enum od_err od_view_learn(struct od_view *v, const struct od_metadata_rsp *rsp)
{
    if (!plausible(rsp))
        return OD_E_CORRUPT;
    learn_brokers(v, rsp);
    v->controller_id = rsp->controller_id;
    od_free(v->cluster_id);
    v->cluster_id = rsp->cluster_id.data ? od_str_dup(rsp->cluster_id) : NULL;
    for (int32_t i = 0; i < rsp->topics.n; i++)
        learn_topic(v, &rsp->topics.v[i]);
    return OD_NONE;
}

const struct od_view_broker *od_view_broker(const struct od_view *v, int32_t id)
{
    for (int i = 0; i < v->broker_count; i++)
        if (v->brokers[i].id == id)
            return &v->brokers[i];
    return NULL;
}

const struct od_view_topic *od_view_topic(const struct od_view *v, struct od_str name)
{
    return od_map_get(&v->topics, name.data, name.len);
}

const struct od_view_topic *od_view_topic_by_id(const struct od_view *v, struct od_uuid id)
{
    size_t cursor = 0;

    for (const struct od_view_topic *t; (t = od_map_next(&v->topics, &cursor));)
        if (od_uuid_eq(t->id, id))
            return t;
    return NULL;
}

enum od_err od_view_leader(const struct od_view *v, struct od_str topic, int32_t partition,
                           int32_t *node)
{
    const struct od_view_topic *t = od_view_topic(v, topic);

    if (!t || partition < 0 || partition >= t->partition_count)
        return OD_UNKNOWN_TOPIC_OR_PARTITION;
    *node = t->partitions[partition].leader;
    return od_view_broker(v, *node) ? OD_NONE : OD_LEADER_NOT_AVAILABLE;
}
