/* SPDX-License-Identifier: Apache-2.0 */
/* The driver of librdkafka: reads a command a line, answers each with a line. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"

bool failed(struct driver *d, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(d->answer, sizeof(d->answer), format, args);
    va_end(args);
    return false;
}

void answer_add(struct driver *d, const char *format, ...)
{
    size_t used = strlen(d->answer);
    va_list args;

    va_start(args, format);
    vsnprintf(d->answer + used, sizeof(d->answer) - used, format, args);
    va_end(args);
}

rd_kafka_t *handle_new(struct driver *d, rd_kafka_type_t type, const char *const *settings,
                       void (*delivered)(rd_kafka_t *, const rd_kafka_message_t *, void *),
                       void *opaque)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_t *rk;

    rd_kafka_conf_set(conf, "bootstrap.servers", d->broker, NULL, 0);
    for (; *settings; settings += 2) {
        if (rd_kafka_conf_set(conf, settings[0], settings[1], d->answer, sizeof(d->answer))) {
            rd_kafka_conf_destroy(conf);
            return NULL;
        }
    }
    if (delivered)
        rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    rd_kafka_conf_set_opaque(conf, opaque);
    rk = rd_kafka_new(type, conf, d->answer, sizeof(d->answer));
    if (!rk)
        rd_kafka_conf_destroy(conf);
    return rk;
}

static bool cmd_hello(struct driver *d, char **words)
{
    (void)words;
    answer_add(d, "librdkafka %s", rd_kafka_version_str());
    return true;
}

static const struct {
    const char *name;
    int words; /* after the name */
    command_fn *run;
} commands[] = {
    { "hello", 0, cmd_hello },       { "create", 2, cmd_create },
    { "produce", 4, cmd_produce },   { "consume", 3, cmd_consume },
    { "offsets", 2, cmd_offsets },   { "describe", 1, cmd_describe },
    { "delete", 1, cmd_delete },     { "configs", 1, cmd_configs },
    { "alter", 2, cmd_alter },       { "partitions", 2, cmd_partitions },
    { "trim", 3, cmd_trim },         { "group", 4, cmd_group },
    { "transaction", 2, cmd_transaction },
};

/* Splits `line` at tabs; returns how many words there are, the name included. */
static int split(char *line, char **words)
{
    int n = 0;

    line[strcspn(line, "\n")] = 0;
    while (n < WORDS_MAX && line)
        words[n++] = strsep(&line, "\t");
    return n;
}

static const char *run(struct driver *d, int n, char **words)
{
    d->answer[0] = 0;
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(words[0], commands[i].name) || n != commands[i].words + 1)
            continue;
        return commands[i].run(d, words + 1) ? "ok" : "fail";
    }
    failed(d, "librdkafka has no call for it");
    return "none";
}

int main(int argc, char **argv)
{
    struct driver d = { .broker = argv[1] };
    char *line = NULL;
    size_t size = 0;

    if (argc != 2) {
        fprintf(stderr, "usage: driver host:port <commands\n");
        return 2;
    }
    while (getline(&line, &size, stdin) > 0) {
        char *words[WORDS_MAX];
        int n = split(line, words);
        const char *result = run(&d, n, words);

        printf("%s\t%s\n", result, d.answer);
        fflush(stdout);
    }
    free(line);
    return 0;
}
