/* SPDX-License-Identifier: Apache-2.0 */
/* Administration of one topic or partition. */
#include "admin.h"

struct od_delete_topics_rsp_response ask_delete(struct raw *c, int16_t version,
                                                const struct topic *t, bool by_id)
{
    struct od_str name = od_str_of(t->name);
    struct od_delete_topics_req_topic ref = { .name = by_id ? OD_STR_NULL : name,
                                              .topic_id = by_id ? t->id : OD_UUID_ZERO };
    struct od_delete_topics_req req;
    struct od_delete_topics_rsp rsp;

    if (!version)
        version = OD_delete_topics_VERSION_MAX;
    od_delete_topics_req_defaults(&req);
    req.timeout_ms = RAW_PATIENCE_MS;
    if (version >= 6) {
        req.topics.n = 1;
        req.topics.v = &ref;
    } else {
        req.topic_names.n = 1;
        req.topic_names.v = &name;
    }
    CHECK_EQ(raw_call(c, OD_delete_topics_KEY, version, &req, &rsp), RAW_ANSWER);
    CHECK_EQ(rsp.responses.n, 1);
    return rsp.responses.v[0];
}

struct topic ask_create_named(struct raw *c, const char *name, int32_t partitions,
                              const char *setting, const char *value)
{
    struct od_create_topics_req_config config = { od_str_of(setting), od_str_of(value) };
    struct od_create_topics_req_topic topic;
    struct od_create_topics_req req;
    struct od_create_topics_rsp rsp;
    struct topic t = { 0 };

    od_create_topics_req_defaults(&req);
    od_create_topics_req_topic_defaults(&topic);
    topic.name = od_str_of(name);
    topic.num_partitions = partitions;
    topic.replication_factor = 1;
    topic.configs.n = setting ? 1 : 0;
    topic.configs.v = &config;
    req.topics.n = 1;
    req.topics.v = &topic;
    CHECK_EQ(raw_call(c, OD_create_topics_KEY, OD_create_topics_VERSION_MAX, &req, &rsp),
             RAW_ANSWER);
    CHECK_EQ(rsp.topics.n, 1);
    CHECK_EQ(rsp.topics.v[0].error_code, OD_NONE);
    snprintf(t.name, sizeof(t.name), "%s", name);
    t.id = rsp.topics.v[0].topic_id;
    return t;
}

struct od_create_partitions_rsp_result ask_grow(struct raw *c, int16_t version,
                                                const struct topic *t, int32_t count,
                                                bool validate_only)
{
    struct od_create_partitions_req_topic topic;
    struct od_create_partitions_req req;
    struct od_create_partitions_rsp rsp;

    od_create_partitions_req_defaults(&req);
    od_create_partitions_req_topic_defaults(&topic);
    topic.name = od_str_of(t->name);
    topic.count = count;
    topic.assignments.n = -1;
    req.topics.n = 1;
    req.topics.v = &topic;
    req.timeout_ms = RAW_PATIENCE_MS;
    req.validate_only = validate_only;
    CHECK_EQ(raw_call(c, OD_create_partitions_KEY, version, &req, &rsp), RAW_ANSWER);
    CHECK_EQ(rsp.results.n, 1);
    CHECK(od_str_is(rsp.results.v[0].name, t->name));
    return rsp.results.v[0];
}

struct od_delete_records_rsp_partition ask_delete_records(struct raw *c, int16_t version,
                                                          const struct topic *t, int32_t partition,
                                                          int64_t offset)
{
    struct od_delete_records_req_partition p = { .partition_index = partition, .offset = offset };
    struct od_delete_records_req_topic topic = { .name = od_str_of(t->name),
                                                 .partitions = { .n = 1, .v = &p } };
    struct od_delete_records_req req;
    struct od_delete_records_rsp rsp;

    od_delete_records_req_defaults(&req);
    req.topics.n = 1;
    req.topics.v = &topic;
    req.timeout_ms = RAW_PATIENCE_MS;
    CHECK_EQ(raw_call(c, OD_delete_records_KEY, version, &req, &rsp), RAW_ANSWER);
    CHECK_EQ(rsp.topics.n, 1);
    CHECK_EQ(rsp.topics.v[0].partitions.n, 1);
    CHECK_EQ(rsp.topics.v[0].partitions.v[0].partition_index, partition);
    return rsp.topics.v[0].partitions.v[0];
}
