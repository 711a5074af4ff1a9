/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DescribeTopicPartitions (api 75): topics by name, page by page; a helper finds the page.  Of all
 * topics only as many names are kept as a page can hold, as each has a partition at least.
 */
#include "broker/handlers.h"

#include "base/mem.h"
#include "broker/auto_create.h"
#include "broker/node.h"
#include "broker/offload.h"
#include "broker/operations.h"
#include "broker/shard.h"

#include <stdlib.h>

/* Names from the cursor on; they borrow the image or the request. */
struct names {
    struct od_str *v; /* owned */
    int32_t n, capacity;
};

struct page {
    struct od_call *call;
    const struct od_image *image;
    struct od_describe_topic_partitions_rsp *rsp;
    struct od_str cursor_topic;
    int32_t cursor_partition;
    int32_t left; /* partitions for which there is room */
    bool all;     /* topics that are gone are not told */
};

static int by_name(const void *a, const void *b)
{
    return od_str_cmp(*(const struct od_str *)a, *(const struct od_str *)b);
}

/* Sorts, leaves each name once, and of those the first `keep`. */
static void tidy(struct names *names, int32_t keep)
{
    int32_t n = 0;

    if (names->n)
        qsort(names->v, (size_t)names->n, sizeof(*names->v), by_name);
    for (int32_t i = 0; i < names->n && n < keep; i++)
        if (n == 0 || !od_str_eq(names->v[n - 1], names->v[i]))
            names->v[n++] = names->v[i];
    names->n = n;
}

static void add(struct names *names, struct od_str name, int32_t keep)
{
    if (names->n == names->capacity && names->n >= 2 * (int64_t)keep)
        tidy(names, keep);
    if (names->n == names->capacity) {
        names->capacity = names->capacity ? names->capacity * 2 : 64;
        names->v = od_realloc(names->v, (size_t)names->capacity * sizeof(*names->v));
    }
    names->v[names->n++] = name;
}

static void copy_ids(struct od_arena *arena, int32_t n, const int32_t *ids, void *list)
{
    struct {
        int32_t n;
        int32_t *v;
    } *to = list;

    OD_ARENA_LIST(arena, *to, n);
    if (n)
        memcpy(to->v, ids, (size_t)n * sizeof(*ids));
}

/* Replicas whose broker does not live. */
static void list_offline(struct page *page, const struct od_image_partition *p,
                         struct od_describe_topic_partitions_rsp_partition *out)
{
    OD_ARENA_LIST(&page->call->arena, out->offline_replicas, p->replica_count);
    out->offline_replicas.n = 0;
    for (int32_t i = 0; i < p->replica_count; i++) {
        const struct od_image_broker *b = od_image_broker_find(page->image, p->replicas[i]);

        if (!b || b->fenced)
            out->offline_replicas.v[out->offline_replicas.n++] = p->replicas[i];
    }
}

static void fill_partition(struct page *page, const struct od_image_partition *p,
                           struct od_describe_topic_partitions_rsp_partition *out)
{
    struct od_arena *arena = &page->call->arena;

    out->error_code = p->leader == OD_NO_LEADER ? OD_LEADER_NOT_AVAILABLE : OD_NONE;
    out->partition_index = p->index;
    out->leader_id = p->leader;
    out->leader_epoch = p->leader_epoch;
    copy_ids(arena, p->replica_count, p->replicas, &out->replica_nodes);
    copy_ids(arena, p->isr_count, p->isr, &out->isr_nodes);
    copy_ids(arena, p->elr_count, p->elr, &out->eligible_leader_replicas);
    copy_ids(arena, p->last_elr_count, p->last_elr, &out->last_known_elr);
    list_offline(page, p, out);
}

static void set_cursor(struct page *page, struct od_str topic, int32_t partition)
{
    struct od_describe_topic_partitions_rsp_cursor *next =
        od_arena_alloc(&page->call->arena, sizeof(*next));

    next->topic_name = topic;
    next->partition_index = partition;
    page->rsp->next_cursor = next;
}

static struct od_describe_topic_partitions_rsp_topic *add_topic(struct page *page,
                                                                struct od_str name)
{
    struct od_describe_topic_partitions_rsp_topic *out;

    od_call_grow(page->call, &page->rsp->topics.v, page->rsp->topics.n, sizeof(*out));
    out = &page->rsp->topics.v[page->rsp->topics.n++];
    out->name = od_str_of(od_arena_printf(&page->call->arena, "%.*s", OD_STR_ARGS(name)));
    out->is_internal = od_topic_is_internal(name);
    out->topic_authorized_operations = OD_OPERATIONS_TOPIC;
    return out;
}

static void describe_topic(struct page *page, const struct od_image_topic *topic)
{
    struct od_describe_topic_partitions_rsp_topic *out = add_topic(page, topic->name);
    int32_t first = od_str_eq(topic->name, page->cursor_topic) ? page->cursor_partition : 0;
    int32_t n = topic->partition_count > first ? topic->partition_count - first : 0;

    if (n > page->left)
        n = page->left;
    out->topic_id = topic->id;
    OD_ARENA_LIST(&page->call->arena, out->partitions, n);
    for (int32_t i = 0; i < n; i++)
        fill_partition(page, od_image_partition_find(topic, first + i), &out->partitions.v[i]);
    page->left -= n;
    if (first + n < topic->partition_count)
        set_cursor(page, out->name, first + n);
}

static void fill(struct page *page, const struct names *names)
{
    for (int32_t i = 0; i < names->n && !page->rsp->next_cursor; i++) {
        const struct od_image_topic *topic = od_image_topic_find(page->image, names->v[i]);

        if (page->left == 0)
            set_cursor(page,
                       od_str_of(od_arena_printf(&page->call->arena, "%.*s",
                                                 OD_STR_ARGS(names->v[i]))),
                       0);
        else if (topic)
            describe_topic(page, topic);
        else if (!page->all)
            add_topic(page, names->v[i])->error_code =
                od_topic_name_valid(names->v[i]) ? OD_UNKNOWN_TOPIC_OR_PARTITION
                                                 : OD_INVALID_TOPIC_EXCEPTION;
    }
}

static void collect(const struct page *page, struct names *names)
{
    const struct od_describe_topic_partitions_req *req = page->call->request;
    /* One more for the next cursor, one for a cursor behind its topic's end. */
    int32_t keep = page->left < INT32_MAX - 2 ? page->left + 2 : INT32_MAX;
    const struct od_image_topic *topic;
    struct od_pmap_walk walk = { 0 };

    if (!page->all) {
        for (int32_t i = 0; i < req->topics.n; i++)
            if (od_str_cmp(req->topics.v[i].name, page->cursor_topic) >= 0)
                add(names, req->topics.v[i].name, INT32_MAX);
        tidy(names, INT32_MAX);
        return;
    }
    while ((topic = od_image_topic_next(page->image, &walk)))
        if (od_str_cmp(topic->name, page->cursor_topic) >= 0)
            add(names, topic->name, keep);
    tidy(names, keep);
}

static bool make(struct od_call *call)
{
    const struct od_describe_topic_partitions_req *req = call->request;
    struct od_node *node = call->shard->node;
    struct od_image *image = od_image_acquire(&node->image);
    int32_t limit = node->config.max_request_partition_size_limit;
    struct page page = { .call = call,
                         .image = image,
                         .rsp = call->response,
                         .cursor_topic = req->cursor ? req->cursor->topic_name : OD_STR(""),
                         .cursor_partition = req->cursor ? req->cursor->partition_index : 0,
                         .all = req->topics.n == 0 };
    struct names names = { 0 };

    page.left = req->response_partition_limit < limit ? req->response_partition_limit : limit;
    if (page.left < 1)
        page.left = 1;
    collect(&page, &names);
    fill(&page, &names);
    od_free(names.v);
    od_image_unref(image);
    return true;
}

/* A cursor stands at a partition of a topic that is asked for. */
static bool cursor_fits(const struct od_describe_topic_partitions_req *req)
{
    bool listed = req->topics.n == 0;

    if (!req->cursor)
        return true;
    for (int32_t i = 0; i < req->topics.n && !listed; i++)
        listed = od_str_eq(req->topics.v[i].name, req->cursor->topic_name);
    return listed && req->cursor->partition_index >= 0;
}

enum od_done
od_handle_describe_topic_partitions(struct od_call *call,
                                    const struct od_describe_topic_partitions_req *req,
                                    struct od_describe_topic_partitions_rsp *rsp)
{
    if (cursor_fits(req))
        return od_call_offload(call, make);
    OD_ARENA_LIST(&call->arena, rsp->topics, req->topics.n);
    for (int32_t i = 0; i < req->topics.n; i++) {
        rsp->topics.v[i].name = req->topics.v[i].name;
        rsp->topics.v[i].error_code = OD_INVALID_REQUEST;
        rsp->topics.v[i].topic_authorized_operations = OD_OPERATIONS_NOT_ASKED;
    }
    return OD_DONE;
}
