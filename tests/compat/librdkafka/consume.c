/* SPDX-License-Identifier: Apache-2.0 */
/* Reads by assignment or in a group and writes down what came; lists offsets. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"

struct reading {
    struct driver *d;
    rd_kafka_t *rk;
    rd_kafka_topic_partition_list_t *at; /* where to begin, for each partition to read */
    int64_t *end;                        /* same order */
    FILE *out;
};

static void write_bytes(FILE *out, const void *bytes, size_t length)
{
    putc('\t', out);
    if (bytes)
        fwrite(bytes, 1, length, out);
    else
        fputs("\\N", out);
}

static void write_headers(FILE *out, const rd_kafka_message_t *m)
{
    rd_kafka_headers_t *headers = NULL;
    const char *name;
    const void *value;
    size_t size;

    putc('\t', out);
    if (rd_kafka_message_headers(m, &headers))
        return;
    for (size_t i = 0; !rd_kafka_header_get_all(headers, i, &name, &value, &size); i++)
        fprintf(out, "%s%s=%.*s", i ? "," : "", name, (int)size, (const char *)value);
}

static void write_record(FILE *out, const rd_kafka_message_t *m)
{
    fprintf(out, "%" PRId32 "\t%" PRId64 "\t%" PRId64, m->partition, m->offset,
            rd_kafka_message_timestamp(m, NULL));
    write_bytes(out, m->key, m->key_len);
    write_headers(out, m);
    write_bytes(out, m->payload, m->len);
    putc('\n', out);
}

static bool offsets_for(struct driver *d, rd_kafka_t *rk, rd_kafka_topic_partition_list_t *list,
                        int64_t what)
{
    rd_kafka_resp_err_t err;

    for (int i = 0; i < list->cnt; i++)
        list->elems[i].offset = what;
    err = rd_kafka_offsets_for_times(rk, list, CALL_MS);
    for (int i = 0; !err && i < list->cnt; i++)
        err = list->elems[i].err;
    return !err || failed(d, "offsets for times: %s", rd_kafka_err2str(err));
}

/* Fills `at` and `end` for the partitions that `where` names. */
static bool place(struct reading *r, const char *topic, const char *where)
{
    int n = partition_count(r->d, r->rk, topic);
    int32_t only = -1;
    int64_t from = 0;

    if (n < 0)
        return false;
    if (!strncmp(where, "offset:", 7)) {
        char *rest;

        only = (int32_t)strtol(where + 7, &rest, 10);
        from = strtoll(rest + 1, NULL, 10);
    }
    for (int32_t p = 0; p < n; p++)
        if (only < 0 || p == only)
            rd_kafka_topic_partition_list_add(r->at, topic, p)->offset = from;
    if (!strncmp(where, "time:", 5) && !offsets_for(r->d, r->rk, r->at, atoll(where + 5)))
        return false;
    r->end = calloc(n, sizeof(*r->end));
    for (int i = 0; i < r->at->cnt; i++) {
        rd_kafka_topic_partition_t *part = &r->at->elems[i];
        int64_t low, high;
        rd_kafka_resp_err_t err =
            rd_kafka_query_watermark_offsets(r->rk, topic, part->partition, &low, &high, CALL_MS);

        if (err)
            return failed(r->d, "watermarks: %s", rd_kafka_err2str(err));
        if (part->offset < low)
            part->offset = part->offset < 0 ? high : low;
        r->end[i] = high;
    }
    return true;
}

/*
 * The next message, NULL with d->answer set after an error or a long silence.  An error that names
 * no topic, as that there is no group coordinator, does not end an assignment.
 */
static rd_kafka_message_t *next(struct driver *d, rd_kafka_t *rk)
{
    rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, SILENCE_MS);

    while (m && m->err && !m->rkt) {
        fprintf(stderr, "%s\n", rd_kafka_message_errstr(m));
        rd_kafka_message_destroy(m);
        m = rd_kafka_consumer_poll(rk, SILENCE_MS);
    }
    if (!m) {
        failed(d, "nothing came for %d ms", SILENCE_MS);
        return NULL;
    }
    if (m->err && m->err != RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        failed(d, "consume: %s", rd_kafka_message_errstr(m));
        rd_kafka_message_destroy(m);
        return NULL;
    }
    return m;
}

/* Reads until the position of every partition has reached its end. */
static bool read_to_ends(struct reading *r)
{
    int left = 0;

    for (int i = 0; i < r->at->cnt; i++)
        left += r->at->elems[i].offset < r->end[i];
    while (left > 0) {
        rd_kafka_message_t *m = next(r->d, r->rk);

        if (!m)
            return false;
        for (int i = 0; i < r->at->cnt; i++) {
            rd_kafka_topic_partition_t *part = &r->at->elems[i];
            /* The end of partition comes with the offset after the last, also past markers. */
            int64_t after = m->err ? m->offset : m->offset + 1;

            if (part->partition != m->partition)
                continue;
            left -= part->offset < r->end[i] && after >= r->end[i];
            part->offset = after;
        }
        if (!m->err)
            write_record(r->out, m);
        rd_kafka_message_destroy(m);
    }
    return true;
}

bool cmd_consume(struct driver *d, char **words)
{
    const char *settings[] = {
        "group.id", words[0], "enable.auto.commit", "false", "enable.partition.eof", "true",
        "isolation.level", strcmp(words[1], "committed") ? "read_uncommitted" : "read_committed",
        NULL,
    };
    struct reading r = { .d = d, .rk = handle_new(d, RD_KAFKA_CONSUMER, settings, NULL, NULL) };
    bool ok;

    if (!r.rk)
        return false;
    r.out = fopen(words[2], "w");
    if (!r.out) {
        rd_kafka_destroy(r.rk);
        return failed(d, "%s: %s", words[2], strerror(errno));
    }
    r.at = rd_kafka_topic_partition_list_new(4);
    ok = place(&r, words[0], words[1]);
    if (ok) {
        rd_kafka_assign(r.rk, r.at);
        ok = read_to_ends(&r);
    }
    ok = fclose(r.out) == 0 && ok;
    rd_kafka_topic_partition_list_destroy(r.at);
    free(r.end);
    rd_kafka_destroy(r.rk);
    return ok;
}

/* Subscribes and reads `count` records. */
static bool read_subscribed(struct reading *r, const char *topic, long count)
{
    rd_kafka_resp_err_t err;

    rd_kafka_topic_partition_list_add(r->at, topic, RD_KAFKA_PARTITION_UA);
    err = rd_kafka_subscribe(r->rk, r->at);
    if (err)
        return failed(r->d, "subscribe: %s", rd_kafka_err2str(err));
    while (count > 0) {
        rd_kafka_message_t *m = next(r->d, r->rk);

        if (!m)
            return false;
        write_record(r->out, m);
        count--;
        rd_kafka_message_destroy(m);
    }
    err = rd_kafka_commit(r->rk, NULL, 0);
    if (err)
        return failed(r->d, "commit: %s", rd_kafka_err2str(err));
    err = rd_kafka_consumer_close(r->rk);
    return !err || failed(r->d, "close: %s", rd_kafka_err2str(err));
}

bool cmd_group(struct driver *d, char **words)
{
    const char *settings[] = {
        "group.id", words[1], "enable.auto.commit", "false", "auto.offset.reset", "earliest", NULL,
    };
    struct reading r = { .d = d, .rk = handle_new(d, RD_KAFKA_CONSUMER, settings, NULL, NULL) };
    bool ok = false;

    if (!r.rk)
        return false;
    r.out = fopen(words[3], "w");
    r.at = rd_kafka_topic_partition_list_new(1);
    if (r.out) {
        ok = read_subscribed(&r, words[0], atol(words[2]));
        fclose(r.out);
    } else {
        failed(d, "%s: %s", words[3], strerror(errno));
    }
    rd_kafka_topic_partition_list_destroy(r.at);
    rd_kafka_destroy(r.rk);
    return ok;
}

bool cmd_offsets(struct driver *d, char **words)
{
    const char *settings[] = { NULL };
    rd_kafka_t *rk = handle_new(d, RD_KAFKA_PRODUCER, settings, NULL, NULL);
    rd_kafka_topic_partition_list_t *list;
    int64_t what = !strcmp(words[1], "earliest") ? RD_KAFKA_OFFSET_BEGINNING
                   : !strcmp(words[1], "latest") ? RD_KAFKA_OFFSET_END
                                                 : atoll(words[1]);
    bool ok;
    int n;

    if (!rk)
        return false;
    n = partition_count(d, rk, words[0]);
    list = rd_kafka_topic_partition_list_new(4);
    for (int32_t p = 0; p < n; p++)
        rd_kafka_topic_partition_list_add(list, words[0], p);
    ok = n >= 0 && offsets_for(d, rk, list, what);
    for (int i = 0; ok && i < list->cnt; i++)
        answer_add(d, "%s%d=%" PRId64, i ? " " : "", list->elems[i].partition,
                   list->elems[i].offset);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(rk);
    return ok;
}
