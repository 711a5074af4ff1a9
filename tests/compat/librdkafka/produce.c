/* SPDX-License-Identifier: Apache-2.0 */
/* Sends the records of a file and waits until each is acknowledged. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"

#define FLUSH_MS 60000

struct sending {
    struct driver *d;
    rd_kafka_t *rk;
    const char *topic;
    long sent, acknowledged;
    rd_kafka_resp_err_t first_error;
};

static void delivered(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
    struct sending *s = opaque;

    (void)rk;
    if (!m->err)
        s->acknowledged++;
    else if (!s->first_error)
        s->first_error = m->err;
}

static rd_kafka_headers_t *headers_of(char *text)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(4);
    char *pair;

    while ((pair = strsep(&text, ","))) {
        char *value = strchr(pair, '=');

        *value++ = 0;
        rd_kafka_header_add(headers, pair, -1, value, -1);
    }
    return headers;
}

/* A word of the file; NULL with length 0 for the null value. */
static const char *bytes_of(const char *word, size_t *length)
{
    *length = strlen(word);
    if (strcmp(word, "\\N"))
        return word;
    *length = 0;
    return NULL;
}

/* Sends one line of the file. */
static bool send_line(struct sending *s, char *line)
{
    char *word[5];
    size_t key_length, value_length;
    rd_kafka_headers_t *headers = NULL;
    rd_kafka_error_t *error;

    line[strcspn(line, "\n")] = 0;
    for (int i = 0; i < 5; i++)
        word[i] = strsep(&line, "\t");
    const char *key = bytes_of(word[2], &key_length);
    const char *value = bytes_of(word[4], &value_length);
    int32_t partition = word[0][0] == '-' ? RD_KAFKA_PARTITION_UA : (int32_t)atol(word[0]);

    if (word[3][0])
        headers = headers_of(word[3]);
    rd_kafka_vu_t vus[7] = {
        { RD_KAFKA_VTYPE_TOPIC, { .cstr = s->topic } },
        { RD_KAFKA_VTYPE_PARTITION, { .i32 = partition } },
        { RD_KAFKA_VTYPE_TIMESTAMP, { .i64 = atoll(word[1]) } },
        { RD_KAFKA_VTYPE_KEY, { .mem = { (void *)key, key_length } } },
        { RD_KAFKA_VTYPE_VALUE, { .mem = { (void *)value, value_length } } },
        { RD_KAFKA_VTYPE_MSGFLAGS, { .i = RD_KAFKA_MSG_F_COPY | RD_KAFKA_MSG_F_BLOCK } },
        { RD_KAFKA_VTYPE_HEADERS, { .headers = headers } },
    };

    error = rd_kafka_produceva(s->rk, vus, headers ? 7 : 6);
    rd_kafka_poll(s->rk, 0);
    if (!error) {
        s->sent++;
        return true;
    }
    failed(s->d, "record %ld: %s", s->sent, rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    return false;
}

/* Sends the whole file and waits for the acknowledgements. */
static bool send_file(struct sending *s, const char *path)
{
    FILE *in = fopen(path, "r");
    char *line = NULL;
    size_t size = 0;
    bool ok = true;

    if (!in)
        return failed(s->d, "%s: %s", path, strerror(errno));
    while (ok && getline(&line, &size, in) > 0)
        ok = send_line(s, line);
    free(line);
    fclose(in);
    if (!ok)
        return false;
    if (rd_kafka_flush(s->rk, FLUSH_MS))
        return failed(s->d, "%ld of %ld records without an answer", s->sent - s->acknowledged,
                      s->sent);
    if (s->acknowledged != s->sent)
        return failed(s->d, "%ld of %ld records acknowledged, %s", s->acknowledged, s->sent,
                      rd_kafka_err2str(s->first_error));
    return true;
}

bool cmd_produce(struct driver *d, char **words)
{
    struct sending s = { .d = d, .topic = words[0] };
    const char *settings[] = {
        "compression.codec", words[1], "linger.ms", "5", "enable.idempotence",
        strcmp(words[3], "idempotent") ? "false" : "true", "acks", "all",
        /* Murmur2, as the Java client does; both are checked by key all the same. */
        "partitioner", "murmur2_random", NULL,
    };
    bool ok;

    s.rk = handle_new(d, RD_KAFKA_PRODUCER, settings, delivered, &s);
    if (!s.rk)
        return false;
    ok = send_file(&s, words[2]);
    rd_kafka_destroy(s.rk);
    return ok;
}

/* True if there is no error; writes it down otherwise. */
static bool no_error(struct driver *d, const char *what, rd_kafka_error_t *error)
{
    if (!error)
        return true;
    failed(d, "%s: %s", what, rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    return false;
}

bool cmd_transaction(struct driver *d, char **words)
{
    struct sending s = { .d = d, .topic = words[0] };
    const char *settings[] = { "transactional.id", words[0], "linger.ms", "5", NULL };
    bool ok;

    s.rk = handle_new(d, RD_KAFKA_PRODUCER, settings, delivered, &s);
    if (!s.rk)
        return false;
    ok = no_error(d, "init", rd_kafka_init_transactions(s.rk, CALL_MS)) &&
         no_error(d, "begin", rd_kafka_begin_transaction(s.rk)) && send_file(&s, words[1]) &&
         no_error(d, "commit", rd_kafka_commit_transaction(s.rk, CALL_MS)) &&
         no_error(d, "begin", rd_kafka_begin_transaction(s.rk)) && send_file(&s, words[1]) &&
         no_error(d, "abort", rd_kafka_abort_transaction(s.rk, CALL_MS));
    rd_kafka_destroy(s.rk);
    return ok;
}
