/* SPDX-License-Identifier: Apache-2.0 */
/* The administrative commands: topics and their settings. */
#include <stdlib.h>
#include <string.h>

#include "driver.h"

/* An admin call under way. */
struct call {
    struct driver *d;
    rd_kafka_t *rk;
    rd_kafka_queue_t *queue;
    rd_kafka_event_t *event;
};

static bool call_begin(struct call *c, struct driver *d)
{
    const char *settings[] = { NULL };

    *c = (struct call){ .d = d, .rk = handle_new(d, RD_KAFKA_PRODUCER, settings, NULL, NULL) };
    if (c->rk)
        c->queue = rd_kafka_queue_new(c->rk);
    return c->rk != NULL;
}

static bool call_wait(struct call *c)
{
    c->event = rd_kafka_queue_poll(c->queue, CALL_MS);
    if (!c->event)
        return failed(c->d, "no answer");
    if (rd_kafka_event_error(c->event))
        return failed(c->d, "%s", rd_kafka_event_error_string(c->event));
    return true;
}

static void call_end(struct call *c)
{
    if (c->event)
        rd_kafka_event_destroy(c->event);
    rd_kafka_queue_destroy(c->queue);
    rd_kafka_destroy(c->rk);
}

/* True if every topic of the answer is without error. */
static bool topics_fine(struct driver *d, const rd_kafka_topic_result_t **topics, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        rd_kafka_resp_err_t err = rd_kafka_topic_result_error(topics[i]);
        const char *text = rd_kafka_topic_result_error_string(topics[i]);

        if (err)
            return failed(d, "%s", text ? text : rd_kafka_err2str(err));
    }
    return true;
}

static bool resources_fine(struct driver *d, const rd_kafka_ConfigResource_t **resources, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        rd_kafka_resp_err_t err = rd_kafka_ConfigResource_error(resources[i]);

        if (err)
            return failed(d, "%s: %s", rd_kafka_err2name(err),
                          rd_kafka_ConfigResource_error_string(resources[i]));
    }
    return true;
}

bool cmd_create(struct driver *d, char **words)
{
    struct call c;
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(words[0], atoi(words[1]), 1, NULL, 0);
    size_t n = 0;
    bool ok = false;

    if (call_begin(&c, d)) {
        const rd_kafka_topic_result_t **topics = NULL;

        rd_kafka_CreateTopics(c.rk, &topic, 1, NULL, c.queue);
        ok = call_wait(&c);
        if (ok)
            topics = rd_kafka_CreateTopics_result_topics(
                rd_kafka_event_CreateTopics_result(c.event), &n);
        ok = ok && topics_fine(d, topics, n);
        call_end(&c);
    }
    rd_kafka_NewTopic_destroy(topic);
    return ok;
}

bool cmd_delete(struct driver *d, char **words)
{
    struct call c;
    rd_kafka_DeleteTopic_t *topic = rd_kafka_DeleteTopic_new(words[0]);
    size_t n = 0;
    bool ok = false;

    if (call_begin(&c, d)) {
        const rd_kafka_topic_result_t **topics = NULL;

        rd_kafka_DeleteTopics(c.rk, &topic, 1, NULL, c.queue);
        ok = call_wait(&c);
        if (ok)
            topics = rd_kafka_DeleteTopics_result_topics(
                rd_kafka_event_DeleteTopics_result(c.event), &n);
        ok = ok && topics_fine(d, topics, n);
        call_end(&c);
    }
    rd_kafka_DeleteTopic_destroy(topic);
    return ok;
}

bool cmd_partitions(struct driver *d, char **words)
{
    struct call c;
    rd_kafka_NewPartitions_t *more =
        rd_kafka_NewPartitions_new(words[0], (size_t)atoi(words[1]), d->answer, sizeof(d->answer));
    size_t n = 0;
    bool ok = false;

    if (!more)
        return false;
    if (call_begin(&c, d)) {
        const rd_kafka_topic_result_t **topics = NULL;

        rd_kafka_CreatePartitions(c.rk, &more, 1, NULL, c.queue);
        ok = call_wait(&c);
        if (ok)
            topics = rd_kafka_CreatePartitions_result_topics(
                rd_kafka_event_CreatePartitions_result(c.event), &n);
        ok = ok && topics_fine(d, topics, n);
        call_end(&c);
    }
    rd_kafka_NewPartitions_destroy(more);
    return ok;
}

bool cmd_trim(struct driver *d, char **words)
{
    struct call c;
    rd_kafka_topic_partition_list_t *before = rd_kafka_topic_partition_list_new(1);
    rd_kafka_DeleteRecords_t *records;
    bool ok = false;

    rd_kafka_topic_partition_list_add(before, words[0], atoi(words[1]))->offset = atoll(words[2]);
    records = rd_kafka_DeleteRecords_new(before);
    if (call_begin(&c, d)) {
        rd_kafka_DeleteRecords(c.rk, &records, 1, NULL, c.queue);
        ok = call_wait(&c);
        if (ok) {
            const rd_kafka_topic_partition_list_t *done = rd_kafka_DeleteRecords_result_offsets(
                rd_kafka_event_DeleteRecords_result(c.event));

            if (done->elems[0].err)
                ok = failed(d, "%s", rd_kafka_err2str(done->elems[0].err));
        }
        call_end(&c);
    }
    rd_kafka_DeleteRecords_destroy(records);
    rd_kafka_topic_partition_list_destroy(before);
    return ok;
}

static void list_configs(struct driver *d, const rd_kafka_ConfigResource_t *resource)
{
    size_t n = 0;
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resource, &n);

    for (size_t i = 0; i < n; i++) {
        const char *value = rd_kafka_ConfigEntry_value(entries[i]);

        answer_add(d, "%s%s=%s", i ? " " : "", rd_kafka_ConfigEntry_name(entries[i]),
                   value ? value : "");
    }
}

bool cmd_configs(struct driver *d, char **words)
{
    struct call c;
    rd_kafka_ConfigResource_t *resource =
        rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, words[0]);
    size_t n = 0;
    bool ok = false;

    if (call_begin(&c, d)) {
        const rd_kafka_ConfigResource_t **resources = NULL;

        rd_kafka_DescribeConfigs(c.rk, &resource, 1, NULL, c.queue);
        ok = call_wait(&c);
        if (ok)
            resources = rd_kafka_DescribeConfigs_result_resources(
                rd_kafka_event_DescribeConfigs_result(c.event), &n);
        ok = ok && resources_fine(d, resources, n);
        if (ok && n == 1)
            list_configs(d, resources[0]);
        call_end(&c);
    }
    rd_kafka_ConfigResource_destroy(resource);
    return ok;
}

/* IncrementalAlterConfigs where the library has it, AlterConfigs before. */
static bool alter(struct call *c, rd_kafka_ConfigResource_t *resource, const char *name,
                  const char *value)
{
    const rd_kafka_ConfigResource_t **resources;
    size_t n = 0;

#if RD_KAFKA_VERSION >= 0x020200ff
    rd_kafka_error_t *error = rd_kafka_ConfigResource_add_incremental_config(
        resource, name, RD_KAFKA_ALTER_CONFIG_OP_TYPE_SET, value);

    if (error)
        rd_kafka_error_destroy(error);
    rd_kafka_IncrementalAlterConfigs(c->rk, &resource, 1, NULL, c->queue);
    if (!call_wait(c))
        return false;
    resources = rd_kafka_IncrementalAlterConfigs_result_resources(
        rd_kafka_event_IncrementalAlterConfigs_result(c->event), &n);
#else
    rd_kafka_ConfigResource_set_config(resource, name, value);
    rd_kafka_AlterConfigs(c->rk, &resource, 1, NULL, c->queue);
    if (!call_wait(c))
        return false;
    resources = rd_kafka_AlterConfigs_result_resources(
        rd_kafka_event_AlterConfigs_result(c->event), &n);
#endif
    return resources_fine(c->d, resources, n);
}

bool cmd_alter(struct driver *d, char **words)
{
    struct call c;
    rd_kafka_ConfigResource_t *resource =
        rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, words[0]);
    char *value = strchr(words[1], '=');
    bool ok = false;

    *value++ = 0;
    if (call_begin(&c, d)) {
        ok = alter(&c, resource, words[1], value);
        call_end(&c);
    }
    rd_kafka_ConfigResource_destroy(resource);
    return ok;
}

static const struct rd_kafka_metadata *metadata_of(struct driver *d, rd_kafka_t *rk,
                                                   const char *topic)
{
    const struct rd_kafka_metadata *found = NULL;
    rd_kafka_topic_conf_t *conf = rd_kafka_topic_conf_new();
    rd_kafka_topic_t *rkt;
    rd_kafka_resp_err_t err;

    rkt = rd_kafka_topic_new(rk, topic, conf);
    err = rd_kafka_metadata(rk, 0, rkt, &found, CALL_MS);
    rd_kafka_topic_destroy(rkt);
    if (!err)
        err = found->topics[0].err;
    if (!err)
        return found;
    failed(d, "metadata: %s", rd_kafka_err2str(err));
    if (found)
        rd_kafka_metadata_destroy(found);
    return NULL;
}

int partition_count(struct driver *d, rd_kafka_t *rk, const char *topic)
{
    const struct rd_kafka_metadata *found = metadata_of(d, rk, topic);
    int n;

    if (!found)
        return -1;
    n = found->topics[0].partition_cnt;
    rd_kafka_metadata_destroy(found);
    return n;
}

bool cmd_describe(struct driver *d, char **words)
{
    /* A consumer asks without creating the topic. */
    const char *settings[] = { "allow.auto.create.topics", "false", NULL };
    rd_kafka_t *rk = handle_new(d, RD_KAFKA_CONSUMER, settings, NULL, NULL);
    const struct rd_kafka_metadata *found;

    if (!rk)
        return false;
    found = metadata_of(d, rk, words[0]);
    if (found) {
        const struct rd_kafka_metadata_topic *t = &found->topics[0];

        answer_add(d, "partitions=%d replicas=%d isr=%d", t->partition_cnt,
                   t->partitions[0].replica_cnt, t->partitions[0].isr_cnt);
        rd_kafka_metadata_destroy(found);
    }
    rd_kafka_destroy(rk);
    return found != NULL;
}
