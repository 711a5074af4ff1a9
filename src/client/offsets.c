/* SPDX-License-Identifier: Apache-2.0 */
/* One ListOffsets request for each leader. */
#include "client/offsets.h"

#include "base/mem.h"
#include "wire/api/list_offsets.h"

enum { PAUSE_MS = 200, NO_NODE = -1 };

struct asker {
    struct od_client *client;
    struct od_str topic;
    bool read_committed;
    struct od_offset_of *of;
    int n;
    int32_t *nodes; /* who leads; NO_NODE: settled */
};

static bool worth_again(enum od_err err)
{
    return err == OD_NOT_LEADER_OR_FOLLOWER || err == OD_LEADER_NOT_AVAILABLE ||
           err == OD_OFFSET_NOT_AVAILABLE || err == OD_FENCED_LEADER_EPOCH ||
           err == OD_UNKNOWN_LEADER_EPOCH || err == OD_REPLICA_NOT_AVAILABLE;
}

static void take(struct asker *a, int32_t node, const struct od_list_offsets_rsp *rsp)
{
    for (int i = 0; i < a->n; i++)
        if (a->nodes[i] == node)
            a->of[i].err = OD_UNKNOWN_TOPIC_OR_PARTITION; /* unless the answer has it */
    for (int32_t t = 0; t < rsp->topics.n; t++) {
        for (int32_t p = 0; p < rsp->topics.v[t].partitions.n; p++) {
            const struct od_list_offsets_rsp_partition *in = &rsp->topics.v[t].partitions.v[p];

            for (int i = 0; i < a->n; i++) {
                if (a->nodes[i] != node || a->of[i].partition != in->partition_index)
                    continue;
                a->of[i].err = (enum od_err)in->error_code;
                a->of[i].offset = in->error_code ? -1 : in->offset;
                if (!in->error_code)
                    a->of[i].timestamp = in->timestamp;
            }
        }
    }
    for (int i = 0; i < a->n; i++)
        if (a->nodes[i] == node)
            a->nodes[i] = NO_NODE;
}

static enum od_err ask_node(struct asker *a, int32_t node)
{
    struct od_list_offsets_req_partition *parts = od_zalloc(sizeof(*parts) * (size_t)a->n);
    struct od_list_offsets_req_topic topic;
    struct od_list_offsets_req req;
    struct od_list_offsets_rsp rsp;
    struct od_answer answer = { 0 };
    struct od_client_ask ask = { .api = od_api_find(OD_list_offsets_KEY),
                                 .request = &req,
                                 .to = OD_CLIENT_NODE,
                                 .node = node };
    enum od_err err;

    od_list_offsets_req_defaults(&req);
    od_list_offsets_req_topic_defaults(&topic);
    req.replica_id = -1;
    req.isolation_level = a->read_committed;
    req.timeout_ms = (int32_t)od_client_timeout_ms(a->client);
    req.topics.n = 1;
    req.topics.v = &topic;
    topic.name = a->topic;
    topic.partitions.n = 0;
    topic.partitions.v = parts;
    for (int i = 0; i < a->n; i++) {
        struct od_list_offsets_req_partition *p = &parts[topic.partitions.n];

        if (a->nodes[i] != node)
            continue;
        od_list_offsets_req_partition_defaults(p);
        p->partition_index = a->of[i].partition;
        p->timestamp = a->of[i].timestamp;
        topic.partitions.n++;
    }
    err = od_client_call(a->client, &ask, &answer, &rsp);
    if (!err)
        take(a, node, &rsp);
    od_answer_deinit(&answer);
    od_free(parts);
    return err;
}

/* Finds the leaders of what is not settled yet; true if there is any. */
static bool route(struct asker *a)
{
    bool any = false;

    for (int i = 0; i < a->n; i++) {
        if (a->of[i].err && !worth_again(a->of[i].err))
            continue;
        if (!a->of[i].err && a->nodes[i] == NO_NODE)
            continue;
        a->of[i].err =
            od_view_leader(od_client_view(a->client), a->topic, a->of[i].partition, &a->nodes[i]);
        if (a->of[i].err)
            a->nodes[i] = NO_NODE;
        any = any || !a->of[i].err || worth_again(a->of[i].err);
    }
    return any;
}

static enum od_err ask_all(struct asker *a)
{
    enum od_err err = OD_NONE;

    for (int i = 0; i < a->n && !err; i++)
        if (a->nodes[i] != NO_NODE)
            err = ask_node(a, a->nodes[i]);
    return err;
}

static bool any_again(const struct asker *a)
{
    for (int i = 0; i < a->n; i++)
        if (worth_again(a->of[i].err))
            return true;
    return false;
}

static enum od_err learn_again(struct asker *a)
{
    struct od_answer answer = { 0 };
    struct od_metadata_rsp rsp;
    enum od_err err;

    od_client_pause(a->client, PAUSE_MS);
    err = od_client_metadata(a->client, &a->topic, 1, false, &answer, &rsp);
    od_answer_deinit(&answer);
    return err;
}

enum od_err od_client_offsets(struct od_client *c, struct od_str topic, bool read_committed,
                              struct od_offset_of *of, int n)
{
    struct asker a = { c, topic, read_committed, of, n, NULL };
    enum od_err err = OD_NONE;

    a.nodes = od_alloc(sizeof(*a.nodes) * (size_t)(n + 1));
    for (int i = 0; i < n; i++) {
        of[i].err = OD_LEADER_NOT_AVAILABLE;
        of[i].offset = -1;
        a.nodes[i] = NO_NODE;
    }
    for (int i = 0; i < OD_CLIENT_TRIES_MAX && !err && route(&a); i++) {
        err = ask_all(&a);
        if (!err && !any_again(&a))
            break;
        if (!err && i + 1 < OD_CLIENT_TRIES_MAX)
            err = learn_again(&a);
    }
    od_free(a.nodes);
    return err;
}
