/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The settings of one node.  One row below keys.def per key: it yields the enum, the field below,
 * parsing, bounds and documentation.  Values come from, strongest first: --override, environment,
 * file, default.  Loading does no input or output: the caller reads the file and passes the
 * environment and the machine's size.  A loaded config is immutable and may be read by any thread.
 */
#pragma once

#include "base/err.h"
#include "base/text.h"

#include <stdatomic.h>

/* Choices, in the order of the key's words. */
enum od_compression_choice { /* 0-4 are the codes in a batch's attributes */
    OD_COMPRESSION_UNCOMPRESSED,
    OD_COMPRESSION_GZIP,
    OD_COMPRESSION_SNAPPY,
    OD_COMPRESSION_LZ4,
    OD_COMPRESSION_ZSTD,
    OD_COMPRESSION_PRODUCER, /* as the producer sent it */
};
enum od_cleanup_flag { OD_CLEANUP_DELETE = 1, OD_CLEANUP_COMPACT = 2 }; /* none: keep for ever */
enum od_timestamp_choice { OD_TIMESTAMP_CREATE_TIME, OD_TIMESTAMP_LOG_APPEND_TIME };
enum od_durability_choice { OD_DURABILITY_FSYNC, OD_DURABILITY_REPLICATED };
enum od_validate_choice { OD_VALIDATE_FULL, OD_VALIDATE_HEADER };

enum od_key {
#define OD_KEY(id, type, field, ...) OD_KEY_##id,
#define OD_LIVE_KEY(id, type, field, ...) OD_KEY_##id,
#define OD_TOPIC_KEY(id, type, field, ...) OD_KEY_##id,
#include "config/keys.def"
#undef OD_KEY
#undef OD_LIVE_KEY
#undef OD_TOPIC_KEY
    OD_KEYS
};

#define OD_VALUE_BOOL bool
#define OD_VALUE_SHORT int32_t
#define OD_VALUE_INT32 int32_t
#define OD_VALUE_INT64 int64_t
#define OD_VALUE_DOUBLE double
#define OD_VALUE_STRING char * /* owned; NULL: not set and no default */
#define OD_VALUE_CLASS char *    /* as STRING: names a class of Java */
#define OD_VALUE_PASSWORD char * /* as STRING: never shown */
#define OD_VALUE_LIST char *   /* owned; items separated by commas, trimmed; "" is empty */
#define OD_VALUE_CHOICE int    /* index of the word */
#define OD_VALUE_FLAGS unsigned /* bit i: word i is in the list */

/*
 * The settings of a topic: its overrides over the broker's values.  Immutable and reference-counted
 * once resolved; any thread may hold and drop references.  Times in ms, sizes in bytes.
 */
struct od_topic_config {
    _Atomic uint32_t refs;
    uint64_t overridden; /* bit (key's topic index): set on the topic itself */
#define OD_KEY(id, type, field, ...)
#define OD_LIVE_KEY(id, type, field, ...)
#define OD_TOPIC_KEY(id, type, field, ...) OD_VALUE_##type field;
#include "config/keys.def"
#undef OD_KEY
#undef OD_LIVE_KEY
#undef OD_TOPIC_KEY
};

/*
 * The settings of the broker that may change while it runs: what was set at run time over what was
 * loaded.  Immutable and reference-counted once resolved, as the settings of a topic are.
 */
struct od_live_config {
    _Atomic uint32_t refs;
#define OD_KEY(id, type, field, ...)
#define OD_LIVE_KEY(id, type, field, ...) OD_VALUE_##type field;
#define OD_TOPIC_KEY(id, type, field, ...)
#include "config/keys.def"
#undef OD_KEY
#undef OD_LIVE_KEY
#undef OD_TOPIC_KEY
};

enum od_origin_kind {
    OD_ORIGIN_DEFAULT,
    OD_ORIGIN_FILE,
    OD_ORIGIN_ENVIRONMENT,
    OD_ORIGIN_OVERRIDE,
};

struct od_origin {
    enum od_origin_kind kind;
    char *text;  /* the value as written; NULL for a default */
    char *place; /* "server.properties:12", "KAFKA_NODE_ID" or "--override"; NULL for a default */
};

struct od_endpoint {
    char *name;    /* of the listener, upper case, such as PLAINTEXT */
    char *host;    /* "" = all addresses; without brackets */
    uint16_t port; /* 0 = any free one */
    /* listener.name.NAME.max.connections, .max.connection.creation.rate; 0: not set. */
    int32_t max_connections;
    int32_t max_connection_creation_rate;
};

/* A limit of one listener, as found. */
struct od_listener_limit {
    char *name; /* of the listener, lower case */
    bool is_rate;
    int32_t value;
};

struct od_config {
    struct od_topic_config topic; /* what a topic without overrides gets */
    struct od_live_config live;   /* before anything is set at run time */
#define OD_KEY(id, type, field, ...) OD_VALUE_##type field;
#define OD_LIVE_KEY(id, type, field, ...)
#define OD_TOPIC_KEY(id, type, field, ...)
#include "config/keys.def"
#undef OD_KEY
#undef OD_LIVE_KEY
#undef OD_TOPIC_KEY
    struct od_origin origins[OD_KEYS];
    struct od_listener_limit *listener_limits;
    int listener_limit_count;
    /* listeners taken apart: those that clients may use, without the controller's. */
    struct od_endpoint *endpoints;
    int endpoint_count;
    /* advertised.listeners taken apart; none: advertise the address the client reached. */
    struct od_endpoint *advertised;
    int advertised_count;
};

/* What the caller knows of the machine and where settings come from.  Borrowed for the call. */
struct od_config_input {
    const char *file_name; /* for messages; NULL without a file */
    struct od_str file;    /* its bytes, Java .properties syntax */
    const char *const *environment; /* "NAME=value", ended by NULL; may be NULL */
    /* Adds a file's bytes, for ${file:} and ${dir:}; false: it cannot be read.  May be NULL. */
    bool (*read)(const char *path, struct od_text *out);
    const char *const *overrides;   /* "key=value" */
    int override_count;
    const char *data_dir; /* the default of log.dirs, chosen by od_config_data_dir */
    int cores;            /* for the default of num.network.threads */
    int64_t memory_bytes; /* of the machine or its cgroup limit: default of the memory budget */
};

/*
 * Fills *c, also after an error, so that od_config_deinit is always due.  OD_E_CONFIG: *errors has
 * one line per mistake, each naming key, value, bound and place.  *notes gets one line per key that
 * has no effect; the caller logs them.
 */
OD_MUST_USE enum od_err od_config_load(struct od_config *c, const struct od_config_input *in,
                                       struct od_text *errors, struct od_text *notes);
void od_config_deinit(struct od_config *c);
bool od_config_is_set(const struct od_config *c, enum od_key key); /* or one of its aliases */

/*
 * The default data directory: /var/lib/odradek where var_writable says that the caller could make
 * or write it, else $XDG_STATE_HOME/odradek, else $HOME/.local/state/odradek.
 */
void od_config_data_dir(const char *const *environment, bool var_writable, struct od_text *out);

/* The i-th item of a LIST field, trimmed; a null string past the last. */
struct od_str od_config_item(const char *list, int i);

/* The value now in force, as DescribeConfigs shows it; c or t as the key's kind needs. */
void od_config_print(const struct od_config *c, enum od_key key, struct od_text *out);

/* What is known of a key of brokers, topics, groups or client metrics; false: there is none. */
bool od_config_explain(struct od_str name, struct od_text *out);
/* docs/configuration.md, generated from the rows. */
void od_config_document(struct od_text *out);
