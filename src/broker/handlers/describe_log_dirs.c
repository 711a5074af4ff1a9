/* SPDX-License-Identifier: Apache-2.0 */
/* DescribeLogDirs (api 35): what lies in the log directory, and the room there; by a helper. */
#include "broker/handlers.h"

#include "broker/node.h"
#include "broker/offload.h"
#include "broker/partition.h"
#include "broker/shard.h"
#include "os/file.h"

/* Adds the partition if it has a log here. */
static void add(struct od_call *call, const struct od_image_topic *topic, int32_t index,
                struct od_describe_log_dirs_rsp_topic *out)
{
    struct od_partition *p =
        od_partitions_find(&call->shard->node->partitions, topic->id, index);
    struct od_describe_log_dirs_rsp_partition *part;

    if (!p)
        return;
    part = &out->partitions.v[out->partitions.n++];
    *part = (struct od_describe_log_dirs_rsp_partition){
        .partition_index = index,
        .partition_size = atomic_load_explicit(&p->size_bytes, memory_order_acquire),
    };
    od_partition_unref(p);
}

/* A topic with room for n partitions at the end of the list; NULL: no memory. */
static struct od_describe_log_dirs_rsp_topic *
begin_topic(struct od_call *call, struct od_describe_log_dirs_rsp_result *dir,
            const struct od_image_topic *topic, int32_t n)
{
    struct od_describe_log_dirs_rsp_topic *out;

    od_call_grow(call, &dir->topics.v, dir->topics.n, sizeof(*out));
    out = &dir->topics.v[dir->topics.n++];
    out->name = od_str_of(od_arena_printf(&call->arena, "%.*s", OD_STR_ARGS(topic->name)));
    out->partitions.v = od_arena_try(&call->arena, sizeof(*out->partitions.v) * (size_t)n);
    return out->partitions.v ? out : NULL;
}

static bool list_all(struct od_call *call, const struct od_image *image,
                     struct od_describe_log_dirs_rsp_result *dir)
{
    const struct od_image_topic *topic;
    struct od_pmap_walk walk = { 0 };

    while ((topic = od_image_topic_next(image, &walk))) {
        struct od_describe_log_dirs_rsp_topic *out =
            begin_topic(call, dir, topic, topic->partition_count);

        if (!out)
            return false;
        for (int32_t i = 0; i < topic->partition_count; i++)
            add(call, topic, i, out);
    }
    return true;
}

static bool list_asked(struct od_call *call, const struct od_image *image,
                       struct od_describe_log_dirs_rsp_result *dir)
{
    const struct od_describe_log_dirs_req *req = call->request;

    for (int32_t i = 0; i < req->topics.n; i++) {
        const struct od_describe_log_dirs_req_topic *in = &req->topics.v[i];
        const struct od_image_topic *topic = od_image_topic_find(image, in->topic);
        struct od_describe_log_dirs_rsp_topic *out =
            topic ? begin_topic(call, dir, topic, in->partitions.n) : NULL;

        if (topic && !out)
            return false;
        for (int32_t j = 0; topic && j < in->partitions.n; j++)
            add(call, topic, in->partitions.v[j], out);
        if (topic && out->partitions.n == 0)
            dir->topics.n--;
    }
    return true;
}

static bool make(struct od_call *call)
{
    const struct od_describe_log_dirs_req *req = call->request;
    struct od_describe_log_dirs_rsp *rsp = call->response;
    struct od_node *node = call->shard->node;
    struct od_image *image = od_image_acquire(&node->image);
    struct od_describe_log_dirs_rsp_result *dir;
    char path[OD_PATH_MAX];
    bool fits;

    OD_ARENA_LIST(&call->arena, rsp->results, 1);
    dir = &rsp->results.v[0];
    od_path_absolute(od_storage_path(node->storage), path);
    dir->log_dir = od_str_of(od_arena_printf(&call->arena, "%s", path));
    if (od_dir_space(od_storage_path(node->storage), &dir->usable_bytes, &dir->total_bytes))
        dir->usable_bytes = dir->total_bytes = -1;
    if (od_storage_fenced(node->storage))
        dir->error_code = od_err_to_wire(OD_KAFKA_STORAGE_ERROR);
    fits = req->topics.n < 0 ? list_all(call, image, dir) : list_asked(call, image, dir);
    od_image_unref(image);
    return fits;
}

enum od_done od_handle_describe_log_dirs(struct od_call *call,
                                         const struct od_describe_log_dirs_req *req,
                                         struct od_describe_log_dirs_rsp *rsp)
{
    (void)req, (void)rsp;
    return od_call_offload(call, make);
}
