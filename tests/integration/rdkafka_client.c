/* SPDX-License-Identifier: Apache-2.0 */
/*
 * librdkafka against a running broker: creates a topic through the admin API, produces keyed
 * records with headers, large and empty values, consumes them by assignment, and compares; then
 * adds partitions, deletes records, deletes the topic and makes it anew.
 * Usage: rdkafka_client HOST:PORT.  Prints one line per check and the totals.
 */
#include <librdkafka/rdkafka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PARTITIONS = 4, RECORDS = 20000, LARGE_BYTES = 500000, WAIT_MS = 30000 };

static int passed, failed;
static int64_t delivered_offset[RECORDS];
static int delivered;

static void check(const char *claim, bool ok)
{
    printf("%s: %s\n", ok ? "ok" : "FAILED", claim);
    ok ? passed++ : failed++;
}

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
    (void)rk, (void)opaque;
    if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        delivered_offset[(intptr_t)m->_private] = m->offset;
        delivered++;
    }
}

static rd_kafka_t *new_client(rd_kafka_type_t type, const char *brokers)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char why[256];
    rd_kafka_t *rk;

    rd_kafka_conf_set(conf, "bootstrap.servers", brokers, why, sizeof(why));
    rd_kafka_conf_set(conf, "allow.auto.create.topics", "true", why, sizeof(why));
    if (type == RD_KAFKA_PRODUCER) {
        rd_kafka_conf_set(conf, "linger.ms", "5", why, sizeof(why));
        rd_kafka_conf_set(conf, "acks", "all", why, sizeof(why));
        rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    } else {
        rd_kafka_conf_set(conf, "group.id", "unused", why, sizeof(why));
        rd_kafka_conf_set(conf, "enable.auto.commit", "false", why, sizeof(why));
        rd_kafka_conf_set(conf, "enable.partition.eof", "true", why, sizeof(why));
    }
    rk = rd_kafka_new(type, conf, why, sizeof(why));
    if (!rk) {
        printf("cannot make a client: %s\n", why);
        exit(1);
    }
    return rk;
}

static void create_topic(rd_kafka_t *rk, const char *name)
{
    char why[256];
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(name, PARTITIONS, 1, why, sizeof(why));
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    rd_kafka_event_t *event;
    size_t n = 0;
    const rd_kafka_topic_result_t **results = NULL;

    rd_kafka_CreateTopics(rk, &topic, 1, NULL, queue);
    event = rd_kafka_queue_poll(queue, WAIT_MS);
    if (event && rd_kafka_event_type(event) == RD_KAFKA_EVENT_CREATETOPICS_RESULT)
        results =
            rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &n);
    check("the admin client creates a topic",
          n == 1 && rd_kafka_topic_result_error(results[0]) == RD_KAFKA_RESP_ERR_NO_ERROR);
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_NewTopic_destroy(topic);
    rd_kafka_queue_destroy(queue);
}

/* --- administration -------------------------------------------------------------------------- */

/* The one answer to what was asked on the queue, of this type; NULL when there is none. */
static rd_kafka_event_t *await(rd_kafka_queue_t *queue, rd_kafka_event_type_t type)
{
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, WAIT_MS);

    if (event && (rd_kafka_event_type(event) != type || rd_kafka_event_error(event))) {
        printf("admin: %s\n", rd_kafka_event_error_string(event));
        rd_kafka_event_destroy(event);
        event = NULL;
    }
    return event;
}

static void grow_topic(rd_kafka_t *rk, rd_kafka_queue_t *queue, const char *name)
{
    char why[256];
    rd_kafka_NewPartitions_t *more =
        rd_kafka_NewPartitions_new(name, PARTITIONS + 2, why, sizeof(why));
    const rd_kafka_topic_result_t **results = NULL;
    rd_kafka_event_t *event;
    size_t n = 0;

    rd_kafka_CreatePartitions(rk, &more, 1, NULL, queue);
    event = await(queue, RD_KAFKA_EVENT_CREATEPARTITIONS_RESULT);
    if (event)
        results = rd_kafka_CreatePartitions_result_topics(
            rd_kafka_event_CreatePartitions_result(event), &n);
    check("the admin client adds partitions",
          n == 1 && rd_kafka_topic_result_error(results[0]) == RD_KAFKA_RESP_ERR_NO_ERROR);
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_NewPartitions_destroy(more);
}

static void delete_records(rd_kafka_t *rk, rd_kafka_queue_t *queue, const char *topic)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    const rd_kafka_topic_partition_list_t *result = NULL;
    rd_kafka_DeleteRecords_t *records;
    rd_kafka_event_t *event;
    int64_t low = -1, high = -1;

    rd_kafka_topic_partition_list_add(list, topic, 1)->offset = 100;
    records = rd_kafka_DeleteRecords_new(list);
    rd_kafka_DeleteRecords(rk, &records, 1, NULL, queue);
    event = await(queue, RD_KAFKA_EVENT_DELETERECORDS_RESULT);
    if (event)
        result = rd_kafka_DeleteRecords_result_offsets(
            rd_kafka_event_DeleteRecords_result(event));
    check("the admin client deletes records",
          result && result->cnt == 1 && !result->elems[0].err && result->elems[0].offset == 100);
    check("and the earliest offset moves",
          !rd_kafka_query_watermark_offsets(rk, topic, 1, &low, &high, WAIT_MS) && low == 100 &&
              high == RECORDS / PARTITIONS);
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_DeleteRecords_destroy(records);
    rd_kafka_topic_partition_list_destroy(list);
}

static void delete_topic(rd_kafka_t *rk, rd_kafka_queue_t *queue, const char *name,
                         rd_kafka_resp_err_t expected)
{
    rd_kafka_DeleteTopic_t *topic = rd_kafka_DeleteTopic_new(name);
    const rd_kafka_topic_result_t **results = NULL;
    rd_kafka_event_t *event;
    size_t n = 0;

    rd_kafka_DeleteTopics(rk, &topic, 1, NULL, queue);
    event = await(queue, RD_KAFKA_EVENT_DELETETOPICS_RESULT);
    if (event)
        results =
            rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event), &n);
    check(expected ? "a topic that is gone cannot be deleted" : "the admin client deletes a topic",
          n == 1 && rd_kafka_topic_result_error(results[0]) == expected);
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_DeleteTopic_destroy(topic);
}

static void administer(rd_kafka_t *rk, const char *topic)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);

    grow_topic(rk, queue, topic);
    delete_records(rk, queue, topic);
    delete_topic(rk, queue, topic, RD_KAFKA_RESP_ERR_NO_ERROR);
    delete_topic(rk, queue, topic, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    create_topic(rk, topic); /* the same name at once */
    rd_kafka_queue_destroy(queue);
}

/* --- records --------------------------------------------------------------------------------- */

/* Record i: its value's length and first bytes follow from i. */
static size_t value_of(int i, char *value)
{
    size_t len = i % 5000 == 0 ? LARGE_BYTES : i % 7 == 0 ? 0 : (size_t)(i % 300) + 8;

    if (len >= 8) {
        memset(value, 'a' + i % 26, len);
        snprintf(value, 9, "%08d", i);
        value[8 < len ? 8 : 7] = 'x';
    }
    return len;
}

static void produce_all(rd_kafka_t *rk, const char *topic)
{
    static char value[LARGE_BYTES + 16];
    char key[32];

    for (int i = 0; i < RECORDS; i++) {
        size_t len = value_of(i, value);

        snprintf(key, sizeof(key), "k%d", i);
        while (rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(topic),
                                 RD_KAFKA_V_PARTITION(i % PARTITIONS),
                                 RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                 RD_KAFKA_V_KEY(key, strlen(key)), RD_KAFKA_V_VALUE(value, len),
                                 RD_KAFKA_V_HEADER("n", key, -1),
                                 RD_KAFKA_V_OPAQUE((void *)(intptr_t)i),
                                 RD_KAFKA_V_END) == RD_KAFKA_RESP_ERR__QUEUE_FULL)
            rd_kafka_poll(rk, 100);
        rd_kafka_poll(rk, 0);
    }
    rd_kafka_flush(rk, WAIT_MS);
    check("every record is acknowledged", delivered == RECORDS);
}

static bool same_record(const rd_kafka_message_t *m, int i)
{
    static char value[LARGE_BYTES + 16];
    char key[32];
    size_t len = value_of(i, value);
    rd_kafka_headers_t *headers;
    const void *header;
    size_t header_len;

    snprintf(key, sizeof(key), "k%d", i);
    return m->key_len == strlen(key) && !memcmp(m->key, key, m->key_len) && m->len == len &&
           (len == 0 || !memcmp(m->payload, value, len)) && m->offset == delivered_offset[i] &&
           rd_kafka_message_headers(m, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR &&
           rd_kafka_header_get(headers, 0, "n", &header, &header_len) ==
               RD_KAFKA_RESP_ERR_NO_ERROR &&
           header_len == strlen(key) && !memcmp(header, key, header_len);
}

static void consume_all(rd_kafka_t *rk, const char *topic)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(PARTITIONS);
    int next[PARTITIONS], ends = 0, got = 0, wrong = 0, complaints = 0;

    for (int p = 0; p < PARTITIONS; p++) {
        rd_kafka_topic_partition_list_add(list, topic, p)->offset = RD_KAFKA_OFFSET_BEGINNING;
        next[p] = p;
    }
    rd_kafka_assign(rk, list);
    while (ends < PARTITIONS) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, WAIT_MS);

        /* Without a coordinator the group of an assigned consumer fails; its partitions do not. */
        if (m && m->err && !m->rkt && complaints++ < 100) {
            rd_kafka_message_destroy(m);
            continue;
        }
        if (!m || (m->err && m->err != RD_KAFKA_RESP_ERR__PARTITION_EOF)) {
            printf("consume: %s\n", m ? rd_kafka_message_errstr(m) : "timed out");
            break;
        }
        if (m->err) {
            ends++;
        } else {
            wrong += !same_record(m, next[m->partition]);
            next[m->partition] += PARTITIONS;
            got++;
        }
        rd_kafka_message_destroy(m);
    }
    rd_kafka_topic_partition_list_destroy(list);
    check("every record comes back", got == RECORDS);
    check("in order, with key, value, header and the acknowledged offset", wrong == 0);
}

static void query_offsets(rd_kafka_t *rk, const char *topic)
{
    int64_t low = -1, high = -1;

    check("the watermarks can be asked for",
          rd_kafka_query_watermark_offsets(rk, topic, 1, &low, &high, WAIT_MS) ==
              RD_KAFKA_RESP_ERR_NO_ERROR);
    check("they span all records", low == 0 && high == RECORDS / PARTITIONS);
}

int main(int argc, char **argv)
{
    const char *topic = "from-librdkafka";
    rd_kafka_t *rk;

    if (argc != 2) {
        fprintf(stderr, "usage: rdkafka_client HOST:PORT\n");
        return 2;
    }
    rk = new_client(RD_KAFKA_PRODUCER, argv[1]);
    create_topic(rk, topic);
    produce_all(rk, topic);
    rd_kafka_destroy(rk);
    rk = new_client(RD_KAFKA_CONSUMER, argv[1]);
    query_offsets(rk, topic);
    consume_all(rk, topic);
    rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
    rk = new_client(RD_KAFKA_PRODUCER, argv[1]);
    administer(rk, topic);
    rd_kafka_destroy(rk);
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
