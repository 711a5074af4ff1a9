/* SPDX-License-Identifier: Apache-2.0 */
/* Asking coordinators about groups. */
#include "cli/groups.h"

#include "base/mem.h"
#include "client/offsets.h"
#include "wire/api/consumer_group_describe.h"
#include "wire/api/describe_groups.h"
#include "wire/api/find_coordinator.h"
#include "wire/api/offset_fetch.h"
#include "wire/records/consumer_protocol_assignment.h"

#include <stdlib.h>
#include <string.h>

enum { PAUSE_MS = 100 };

struct od_str od_groups_keep(struct od_cli *cli, struct od_str s)
{
    char *copy;

    if (!s.data)
        return s;
    copy = od_arena_alloc(&cli->arena, s.len + 1);
    memcpy(copy, s.data, s.len);
    copy[s.len] = '\0';
    return (struct od_str){ copy, s.len };
}

static int said(struct od_cli *cli, enum od_err err, struct od_str message, struct od_str group)
{
    od_cli_failed(cli, err, message, "group \"%.*s\"", OD_STR_ARGS(group));
    return cli->failed_code;
}

static bool passes(enum od_err err)
{
    return err == OD_COORDINATOR_NOT_AVAILABLE || err == OD_COORDINATOR_LOAD_IN_PROGRESS ||
           err == OD_NOT_COORDINATOR;
}

/* *err: whether the broker leads the group and has loaded it, by the way of a description. */
static int try_coordinator(struct od_cli *cli, struct od_str group, int32_t node, enum od_err *err)
{
    struct od_describe_groups_req req;
    struct od_describe_groups_rsp rsp;
    struct od_client_ask ask = { .api = od_api_find(OD_describe_groups_KEY),
                                 .request = &req,
                                 .to = OD_CLIENT_NODE,
                                 .node = node };
    int code;

    od_describe_groups_req_defaults(&req);
    req.groups.n = 1;
    req.groups.v = &group;
    code = od_cli_call(cli, &ask, &rsp);
    if (!code)
        *err = rsp.groups.n == 1 ? (enum od_err)rsp.groups.v[0].error_code : OD_NONE;
    return code;
}

static int find_coordinator(struct od_cli *cli, struct od_str group, int32_t *node,
                            enum od_err *err)
{
    struct od_find_coordinator_req req;
    struct od_find_coordinator_rsp rsp;
    struct od_client_ask ask = { .api = od_api_find(OD_find_coordinator_KEY),
                                 .request = &req,
                                 .version_bound = true,
                                 .version_max = 3 };
    int code;

    od_find_coordinator_req_defaults(&req);
    req.key = group;
    code = od_cli_call(cli, &ask, &rsp);
    if (code)
        return code;
    *node = rsp.node_id;
    *err = (enum od_err)rsp.error_code;
    return *err ? OD_EXIT_OK : try_coordinator(cli, group, *node, err);
}

int od_groups_coordinator(struct od_cli *cli, struct od_str group, int32_t *node)
{
    struct od_metadata_rsp brokers;
    struct od_str none = OD_STR_NULL;
    enum od_err err = OD_NONE;
    int code = od_cli_metadata(cli, &none, 0, &brokers);

    for (int64_t left_ms = cli->settings.timeout_ms; !code; left_ms -= PAUSE_MS) {
        code = find_coordinator(cli, group, node, &err);
        if (code || !err || err == OD_GROUP_ID_NOT_FOUND)
            return code;
        if (!passes(err) || left_ms <= 0)
            return said(cli, err, OD_STR_NULL, group);
        od_client_pause(cli->client, PAUSE_MS);
    }
    return code;
}

/* --- members ---- */

static void add_part(struct od_cli *cli, struct od_group_person *m, int capacity,
                     struct od_str topic, int32_t partition)
{
    if (!m->parts)
        m->parts = od_arena_alloc(&cli->arena, sizeof(*m->parts) * (size_t)(capacity + 1));
    m->parts[m->part_count++] = (struct od_group_part){ topic, partition };
}

static void take_consumer(struct od_cli *cli, const struct od_consumer_group_describe_rsp_group *g,
                          struct od_group_info *out)
{
    out->type = OD_STR("consumer");
    out->state = od_groups_keep(cli, g->group_state);
    out->assignor = od_groups_keep(cli, g->assignor_name);
    out->member_count = g->members.n;
    out->members = od_arena_alloc(&cli->arena, sizeof(*out->members) * (size_t)(g->members.n + 1));
    for (int i = 0; i < g->members.n; i++) {
        const struct od_consumer_group_describe_rsp_member *in = &g->members.v[i];
        struct od_group_person *m = &out->members[i];
        int count = 0;

        m->id = od_groups_keep(cli, in->member_id);
        m->instance_id = od_groups_keep(cli, in->instance_id);
        m->client_id = od_groups_keep(cli, in->client_id);
        m->host = od_groups_keep(cli, in->client_host);
        for (int t = 0; t < in->assignment.topic_partitions.n; t++)
            count += in->assignment.topic_partitions.v[t].partitions.n;
        for (int t = 0; t < in->assignment.topic_partitions.n; t++) {
            const struct od_consumer_group_describe_topic *topic =
                &in->assignment.topic_partitions.v[t];
            struct od_str name = od_groups_keep(cli, topic->topic_name);

            for (int p = 0; p < topic->partitions.n; p++)
                add_part(cli, m, count, name, topic->partitions.v[p]);
        }
    }
}

/* What a consumer of the classic protocol was assigned; other protocol types keep theirs. */
static void take_assignment(struct od_cli *cli, struct od_bytes bytes, struct od_group_person *m)
{
    struct od_reader r = od_reader_of(bytes.data, bytes.len);
    int16_t version = od_read_i16(&r);
    struct od_consumer_protocol_assignment a;
    int count = 0;

    if (version > OD_consumer_protocol_assignment_VERSION_MAX)
        version = OD_consumer_protocol_assignment_VERSION_MAX;
    if (r.err || version < 0 ||
        od_consumer_protocol_assignment_decode(&r, version, &cli->arena, &a))
        return;
    for (int t = 0; t < a.assigned_partitions.n; t++)
        count += a.assigned_partitions.v[t].partitions.n;
    for (int t = 0; t < a.assigned_partitions.n; t++) {
        const struct od_consumer_protocol_assignment_topic *topic = &a.assigned_partitions.v[t];
        struct od_str name = od_groups_keep(cli, topic->topic);

        for (int p = 0; p < topic->partitions.n; p++)
            add_part(cli, m, count, name, topic->partitions.v[p]);
    }
}

static void take_classic(struct od_cli *cli, const struct od_describe_groups_rsp_group *g,
                         struct od_group_info *out)
{
    bool consumers = od_str_is(g->protocol_type, "consumer");

    out->type = OD_STR("classic");
    out->state = od_groups_keep(cli, g->group_state);
    out->assignor = od_groups_keep(cli, g->protocol_data);
    out->member_count = g->members.n;
    out->members = od_arena_alloc(&cli->arena, sizeof(*out->members) * (size_t)(g->members.n + 1));
    for (int i = 0; i < g->members.n; i++) {
        const struct od_describe_groups_rsp_member *in = &g->members.v[i];
        struct od_group_person *m = &out->members[i];

        m->id = od_groups_keep(cli, in->member_id);
        m->instance_id = od_groups_keep(cli, in->group_instance_id);
        m->client_id = od_groups_keep(cli, in->client_id);
        m->host = od_groups_keep(cli, in->client_host);
        if (consumers)
            take_assignment(cli, in->member_assignment, m);
    }
}

/* *found: the group is of this protocol, and *out is filled in. */
static int ask_consumer(struct od_cli *cli, struct od_group_info *out, bool *found)
{
    struct od_consumer_group_describe_req req;
    struct od_consumer_group_describe_rsp rsp;
    struct od_client_ask ask = { .api = od_api_find(OD_consumer_group_describe_KEY),
                                 .request = &req,
                                 .to = OD_CLIENT_NODE,
                                 .node = out->coordinator };
    int16_t version;
    int code;

    *found = false;
    od_consumer_group_describe_req_defaults(&req);
    OD_ARENA_LIST(&cli->arena, req.group_ids, 1);
    req.group_ids.v[0] = out->id;
    if (od_client_version(cli->client, &ask, &version) == OD_UNSUPPORTED_VERSION)
        return OD_EXIT_OK; /* a broker of before */
    code = od_cli_call(cli, &ask, &rsp);
    if (code || rsp.groups.n != 1 || rsp.groups.v[0].error_code == OD_GROUP_ID_NOT_FOUND)
        return code;
    if (rsp.groups.v[0].error_code)
        return said(cli, (enum od_err)rsp.groups.v[0].error_code, rsp.groups.v[0].error_message,
                    out->id);
    *found = true;
    take_consumer(cli, &rsp.groups.v[0], out);
    return OD_EXIT_OK;
}

int od_groups_find(struct od_cli *cli, struct od_str group, struct od_group_info *out)
{
    struct od_describe_groups_req req;
    struct od_describe_groups_rsp rsp;
    struct od_client_ask ask = { .api = od_api_find(OD_describe_groups_KEY),
                                 .request = &req,
                                 .to = OD_CLIENT_NODE };
    bool found = false;
    int code;

    *out = (struct od_group_info){ .id = group };
    code = od_groups_coordinator(cli, group, &out->coordinator);
    if (!code)
        code = ask_consumer(cli, out, &found);
    if (code || found)
        return code;
    ask.node = out->coordinator;
    od_describe_groups_req_defaults(&req);
    OD_ARENA_LIST(&cli->arena, req.groups, 1);
    req.groups.v[0] = group;
    code = od_cli_call(cli, &ask, &rsp);
    if (code)
        return code;
    if (rsp.groups.n != 1 || od_str_is(rsp.groups.v[0].group_state, "Dead"))
        return OD_EXIT_OK; /* before version 6 its state alone told */
    if (rsp.groups.v[0].error_code)
        return said(cli, (enum od_err)rsp.groups.v[0].error_code, rsp.groups.v[0].error_message,
                    group);
    take_classic(cli, &rsp.groups.v[0], out);
    return OD_EXIT_OK;
}

int od_groups_describe(struct od_cli *cli, struct od_str group, struct od_group_info *out)
{
    int code = od_groups_find(cli, group, out);

    return code || out->type.data ? code : said(cli, OD_GROUP_ID_NOT_FOUND, OD_STR_NULL, group);
}

/* --- offsets ---- */

static int by_place(const void *a, const void *b)
{
    const struct od_group_offset *x = a, *y = b;
    int topics = od_str_cmp(x->at.topic, y->at.topic);

    return topics ? topics
                  : (x->at.partition > y->at.partition) - (x->at.partition < y->at.partition);
}

void od_groups_sort(struct od_group_offsets *offsets)
{
    if (offsets->n > 1)
        qsort(offsets->v, (size_t)offsets->n, sizeof(*offsets->v), by_place);
}

/* Of n entries of one topic; what cannot be learned stays unknown. */
static int find_ends(struct od_cli *cli, struct od_group_offset *v, int n)
{
    struct od_offset_of *of = od_arena_alloc(&cli->arena, sizeof(*of) * (size_t)(n + 1));
    struct od_metadata_rsp rsp;
    int code = od_cli_metadata(cli, &v->at.topic, 1, &rsp);
    enum od_err err;

    if (code || !od_view_topic(od_client_view(cli->client), v->at.topic))
        return code;
    for (int i = 0; i < n; i++)
        of[i] = (struct od_offset_of){ v[i].at.partition, OD_OFFSETS_END, -1, OD_NONE };
    err = od_client_offsets(cli->client, v->at.topic, false, of, n);
    if (err)
        return od_cli_call_failed(cli, err);
    for (int i = 0; i < n; i++)
        v[i].end = of[i].err ? -1 : of[i].offset;
    return OD_EXIT_OK;
}

static void take_offsets(struct od_cli *cli, const struct od_offset_fetch_rsp_group *g,
                         struct od_group_offsets *out)
{
    int count = 0;

    for (int t = 0; t < g->topics.n; t++)
        count += g->topics.v[t].partitions.n;
    out->v = od_arena_alloc(&cli->arena, sizeof(*out->v) * (size_t)(count + 1));
    out->n = 0;
    for (int t = 0; t < g->topics.n; t++) {
        struct od_str name = od_groups_keep(cli, g->topics.v[t].name);

        for (int p = 0; p < g->topics.v[t].partitions.n; p++) {
            const struct od_offset_fetch_rsp_group_partition *in = &g->topics.v[t].partitions.v[p];

            if (!in->error_code && in->committed_offset >= 0)
                out->v[out->n++] = (struct od_group_offset){ { name, in->partition_index },
                                                             in->committed_offset, -1 };
        }
    }
    od_groups_sort(out);
}

int od_groups_offsets(struct od_cli *cli, struct od_str group, struct od_group_offsets *out)
{
    struct od_offset_fetch_req req;
    struct od_offset_fetch_rsp rsp;
    struct od_client_ask ask = { .api = od_api_find(OD_offset_fetch_KEY),
                                 .request = &req,
                                 .to = OD_CLIENT_NODE,
                                 .version_bound = true,
                                 .version_max = 9 }; /* later ones tell ids, not names */
    int code = od_groups_coordinator(cli, group, &ask.node);

    if (code)
        return code;
    od_offset_fetch_req_defaults(&req);
    OD_ARENA_LIST(&cli->arena, req.groups, 1);
    od_offset_fetch_req_group_defaults(&req.groups.v[0]);
    req.groups.v[0].group_id = group;
    req.groups.v[0].topics.n = -1;
    code = od_cli_call(cli, &ask, &rsp);
    if (code)
        return code;
    if (rsp.groups.n != 1 || rsp.groups.v[0].error_code)
        return said(cli, rsp.groups.n == 1 ? (enum od_err)rsp.groups.v[0].error_code
                                           : OD_UNKNOWN_SERVER_ERROR,
                    OD_STR_NULL, group);
    take_offsets(cli, &rsp.groups.v[0], out);
    for (int i = 0, n; i < out->n && !code; i += n) {
        for (n = 1; i + n < out->n && od_str_eq(out->v[i + n].at.topic, out->v[i].at.topic);)
            n++;
        code = find_ends(cli, &out->v[i], n);
    }
    return code;
}
