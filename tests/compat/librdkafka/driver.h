/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands of the librdkafka driver share; the contract is in tests/compat/README.md. */
#ifndef COMPAT_DRIVER_H
#define COMPAT_DRIVER_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define WORDS_MAX 6      /* words of a command */
#define CALL_MS 30000    /* limit of one call to the broker */
#define SILENCE_MS 30000 /* a consumer that hears nothing for so long gives up */

struct driver {
    const char *broker;
    char answer[4096]; /* details of the answer, or why it failed */
};

/* A command: fills d->answer; false if it failed. */
typedef bool command_fn(struct driver *d, char **words);

command_fn cmd_produce, cmd_transaction, cmd_consume, cmd_group, cmd_offsets;
command_fn cmd_create, cmd_describe, cmd_delete, cmd_configs, cmd_alter, cmd_partitions, cmd_trim;

/* Formats the answer and returns false, for `return failed(...)`. */
bool failed(struct driver *d, const char *format, ...) __attribute__((format(printf, 2, 3)));
void answer_add(struct driver *d, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A handle for this broker with `settings` (name, value, ..., NULL); NULL: see d->answer. */
rd_kafka_t *handle_new(struct driver *d, rd_kafka_type_t type, const char *const *settings,
                       void (*delivered)(rd_kafka_t *, const rd_kafka_message_t *, void *),
                       void *opaque);

/* How many partitions a topic has; -1: see d->answer. */
int partition_count(struct driver *d, rd_kafka_t *rk, const char *topic);

#endif
