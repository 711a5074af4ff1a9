/* SPDX-License-Identifier: Apache-2.0 */
/* DeleteTopics (api 20): by name, from version 6 by name or id; a command for the controller. */
#include "broker/handlers.h"

#include "broker/node.h"
#include "broker/shard.h"
#include "meta/controller.h"

enum {
    VERSION_REFS = 6,     /* topics by name or id */
    VERSION_MESSAGE = 5,  /* the answer has a message */
    VERSION_DISABLED = 3, /* the answer may say that deletion is disabled */
};

/* In the call's arena; the request's strings outlive it. */
struct deletion {
    struct od_controller_call call;
    struct od_call *from;
    struct od_topic_ref *refs;
    int count;
};

static void fill(const struct od_call *call, const struct od_item_reply *item,
                 struct od_delete_topics_rsp_response *out)
{
    out->name = item->topic_name;
    out->topic_id = item->topic_id;
    out->error_code = od_err_to_wire(item->err);
    out->error_message =
        call->header.api_version >= VERSION_MESSAGE ? od_str_of(item->message) : OD_STR_NULL;
    if (item->err && call->header.api_version >= VERSION_REFS && item->topic_name.data)
        out->topic_id = OD_UUID_ZERO; /* who knew the name does not learn the id */
}

/* The whole command failed: every topic asked for gets the reason. */
static void fill_failed(const struct deletion *d, struct od_delete_topics_rsp *rsp)
{
    struct od_item_reply item = { .err = d->call.reply.err, .message = d->call.reply.message };

    if (item.err == OD_TOPIC_DELETION_DISABLED && d->from->header.api_version < VERSION_DISABLED)
        item.err = OD_INVALID_REQUEST;
    for (int i = 0; i < d->count; i++) {
        item.topic_name = d->refs[i].name;
        item.topic_id = d->refs[i].id;
        fill(d->from, &item, &rsp->responses.v[i]);
    }
}

static void deleted(struct od_controller_call *cc)
{
    struct deletion *d = OD_CONTAINER(cc, struct deletion, call);
    struct od_delete_topics_rsp *rsp = d->from->response;

    OD_ARENA_LIST(&d->from->arena, rsp->responses, cc->reply.err ? d->count : cc->reply.item_count);
    if (cc->reply.err)
        fill_failed(d, rsp);
    for (int i = 0; !cc->reply.err && i < cc->reply.item_count; i++)
        fill(d->from, &cc->reply.items[i], &rsp->responses.v[i]);
    od_call_finish(d->from);
}

enum od_done od_handle_delete_topics(struct od_call *call, const struct od_delete_topics_req *req,
                                     struct od_delete_topics_rsp *rsp)
{
    struct od_node *node = call->shard->node;
    struct deletion *d = od_arena_alloc(&call->arena, sizeof(*d));

    (void)rsp;
    d->from = call;
    d->count = call->header.api_version >= VERSION_REFS ? req->topics.n : req->topic_names.n;
    d->refs = od_arena_alloc(&call->arena, sizeof(*d->refs) * (size_t)d->count);
    for (int i = 0; i < d->count; i++)
        d->refs[i] = call->header.api_version >= VERSION_REFS
                         ? (struct od_topic_ref){ req->topics.v[i].name, req->topics.v[i].topic_id }
                         : (struct od_topic_ref){ req->topic_names.v[i], OD_UUID_ZERO };
    d->call.arena = &call->arena;
    d->call.done = deleted;
    d->call.timeout_ms = req->timeout_ms;
    d->call.command.kind = OD_COMMAND_DELETE_TOPICS;
    d->call.command.delete_topics = (struct od_delete_topics){
        .topic_count = d->count,
        .topics = d->refs,
        .enabled = node->config.delete_topic_enable,
    };
    od_controller_submit(node->controller, &d->call);
    return OD_PENDING;
}
