/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Consumer groups through librdkafka.  `rdkafka_groups BROKER share` lets two members share a topic
 * and commits; `... resume` finds the committed positions; `... static` restarts a static member.
 */
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PARTITIONS = 6, RECORDS = 600, PATIENCE_S = 30 };

static const char *broker;

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why ? why : "");
    exit(1);
}

static void need(int ok, const char *what)
{
    if (!ok)
        fail(what, "does not hold");
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char why[256];

    if (rd_kafka_conf_set(conf, name, value, why, sizeof(why)))
        fail(name, why);
}

static rd_kafka_t *make(rd_kafka_type_t type, const char *instance)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char why[256];
    rd_kafka_t *rk;

    set(conf, "bootstrap.servers", broker);
    if (type == RD_KAFKA_CONSUMER) {
        set(conf, "group.id", "shared");
        set(conf, "auto.offset.reset", "earliest");
        set(conf, "enable.auto.commit", "false");
        set(conf, "session.timeout.ms", "6000");
        set(conf, "heartbeat.interval.ms", "200");
        set(conf, "enable.partition.eof", "false");
        if (instance)
            set(conf, "group.instance.id", instance);
    }
    rk = rd_kafka_new(type, conf, why, sizeof(why));
    if (!rk)
        fail("rd_kafka_new", why);
    return rk;
}

static void create_topic(const char *name)
{
    rd_kafka_t *rk = make(RD_KAFKA_PRODUCER, NULL);
    char why[256];
    rd_kafka_NewTopic_t *t = rd_kafka_NewTopic_new(name, PARTITIONS, 1, why, sizeof(why));
    rd_kafka_queue_t *q = rd_kafka_queue_new(rk);
    rd_kafka_event_t *ev;

    rd_kafka_CreateTopics(rk, &t, 1, NULL, q);
    ev = rd_kafka_queue_poll(q, PATIENCE_S * 1000);
    need(ev && !rd_kafka_event_error(ev), "the topic is created");
    rd_kafka_event_destroy(ev);
    rd_kafka_queue_destroy(q);
    rd_kafka_NewTopic_destroy(t);
    for (int i = 0; i < RECORDS; i++) {
        char value[32];
        int len = snprintf(value, sizeof(value), "%d", i);
        rd_kafka_resp_err_t err =
            rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(name), RD_KAFKA_V_PARTITION(i % PARTITIONS),
                              RD_KAFKA_V_VALUE(value, (size_t)len),
                              RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);

        need(!err, "a record is queued");
    }
    need(!rd_kafka_flush(rk, PATIENCE_S * 1000), "all records are sent");
    rd_kafka_destroy(rk);
}

static rd_kafka_t *member(const char *topic, const char *instance)
{
    rd_kafka_t *rk = make(RD_KAFKA_CONSUMER, instance);
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);

    rd_kafka_topic_partition_list_add(topics, topic, RD_KAFKA_PARTITION_UA);
    need(!rd_kafka_poll_set_consumer(rk), "one queue");
    need(!rd_kafka_subscribe(rk, topics), "it subscribes");
    rd_kafka_topic_partition_list_destroy(topics);
    return rk;
}

static int assigned(rd_kafka_t *rk)
{
    rd_kafka_topic_partition_list_t *list = NULL;
    int n = 0;

    if (!rd_kafka_assignment(rk, &list)) {
        n = list->cnt;
        rd_kafka_topic_partition_list_destroy(list);
    }
    return n;
}

/* Reads for a moment; marks what it saw and returns how many records. */
static int read_some(rd_kafka_t *rk, char *seen)
{
    int n = 0;

    for (int i = 0; i < 200; i++) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, n ? 0 : 50);

        if (!m)
            break;
        if (!m->err) {
            char text[32];

            snprintf(text, sizeof(text), "%.*s", (int)m->len, (const char *)m->payload);
            seen[atoi(text)]++;
            n++;
        }
        rd_kafka_message_destroy(m);
    }
    return n;
}

static int count(const char *seen)
{
    int n = 0;

    for (int i = 0; i < RECORDS; i++)
        n += seen[i] > 0;
    return n;
}

static int all_committed(rd_kafka_t *rk)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(PARTITIONS);
    int all = 1;

    for (int i = 0; i < PARTITIONS; i++)
        rd_kafka_topic_partition_list_add(list, "shared", i);
    need(!rd_kafka_committed(rk, list, PATIENCE_S * 1000), "committed offsets are told");
    for (int i = 0; i < PARTITIONS; i++)
        all = all && list->elems[i].offset == RECORDS / PARTITIONS;
    rd_kafka_topic_partition_list_destroy(list);
    return all;
}

static void share(void)
{
    static char seen[RECORDS];
    time_t end = time(NULL) + PATIENCE_S;
    rd_kafka_t *a, *b;

    create_topic("shared");
    a = member("shared", NULL);
    b = member("shared", NULL);
    while (time(NULL) < end && (assigned(a) != 3 || assigned(b) != 3 || count(seen) < RECORDS)) {
        read_some(a, seen);
        read_some(b, seen);
    }
    need(assigned(a) == 3 && assigned(b) == 3, "each has half of the partitions");
    need(count(seen) == RECORDS, "together they see every record");
    while (time(NULL) < end && !all_committed(a)) {
        read_some(a, seen);
        read_some(b, seen);
        (void)rd_kafka_commit(a, NULL, 0); /* there may be nothing new */
        (void)rd_kafka_commit(b, NULL, 0);
    }
    need(all_committed(b), "what they commit is told to both");
    rd_kafka_consumer_close(b);
    rd_kafka_destroy(b);
    while (time(NULL) < end && assigned(a) != PARTITIONS)
        read_some(a, seen);
    need(assigned(a) == PARTITIONS, "who stays takes over");
    rd_kafka_consumer_close(a);
    rd_kafka_destroy(a);
}

static void resume(void)
{
    char seen[RECORDS] = { 0 };
    time_t end = time(NULL) + PATIENCE_S;
    rd_kafka_t *a = member("shared", NULL);

    while (time(NULL) < end && assigned(a) != PARTITIONS)
        read_some(a, seen);
    need(assigned(a) == PARTITIONS, "it has all partitions");
    for (int i = 0; i < 10; i++)
        read_some(a, seen);
    need(count(seen) == 0, "nothing is read twice");
    need(all_committed(a), "each is at the end");
    rd_kafka_consumer_close(a);
    rd_kafka_destroy(a);
}

/* A static member that goes without leaving and comes back does not move the other's partitions. */
static void static_member(void)
{
    char seen[RECORDS] = { 0 };
    time_t end = time(NULL) + PATIENCE_S;
    rd_kafka_t *a = member("shared", "one"), *b = member("shared", "two");

    while (time(NULL) < end && (assigned(a) != 3 || assigned(b) != 3)) {
        read_some(a, seen);
        read_some(b, seen);
    }
    need(assigned(a) == 3 && assigned(b) == 3, "static members share");
    rd_kafka_consumer_close(b); /* static: sends no LeaveGroup */
    rd_kafka_destroy(b);
    for (int i = 0; i < 20; i++) {
        read_some(a, seen);
        need(assigned(a) == 3, "nothing moves while it is away");
    }
    b = member("shared", "two");
    while (time(NULL) < end && assigned(b) != 3) {
        read_some(b, seen);
        read_some(a, seen);
        need(assigned(a) == 3, "nothing moves when it comes back");
    }
    need(assigned(b) == 3, "it has its partitions again");
    rd_kafka_consumer_close(a);
    rd_kafka_consumer_close(b);
    rd_kafka_destroy(a);
    rd_kafka_destroy(b);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        fail("usage", "rdkafka_groups BROKER share|resume|static");
    broker = argv[1];
    if (!strcmp(argv[2], "share"))
        share();
    else if (!strcmp(argv[2], "resume"))
        resume();
    else
        static_member();
    puts("ok");
    return 0;
}
