/* SPDX-License-Identifier: Apache-2.0 */
/* One row of the key table: everything that is known of a setting.  Constant data. */
#pragma once

#include "config/config.h"

enum od_key_type {
    OD_TYPE_BOOL,
    OD_TYPE_SHORT, /* a number up to 32767, kept in an int32_t */
    OD_TYPE_INT32,
    OD_TYPE_INT64,
    OD_TYPE_DOUBLE,
    OD_TYPE_STRING,
    OD_TYPE_CLASS,
    OD_TYPE_PASSWORD,
    OD_TYPE_LIST,
    OD_TYPE_CHOICE,
    OD_TYPE_FLAGS,
};

enum od_apply {
    OD_APPLY_START, /* read at start only */
    OD_APPLY_LIVE,  /* read at the moment of use */
};

/* May Kafka change the key of a broker while it runs, and where? */
enum od_update {
    OD_UPDATE_NO,
    OD_UPDATE_CLUSTER, /* for all brokers or for one */
    OD_UPDATE_BROKER,  /* for one broker only */
};

#define OD_NO(reason) (reason)

struct od_key_row {
    enum od_key key;
    enum od_key_type type;
    enum od_apply apply;
    enum od_update update;  /* of Kafka; a topic key's broker key is always CLUSTER */
    bool live;              /* the field is in od_live_config */
    bool unset;             /* the broker key has no default; a topic key's def is the topic's */
    bool accepted;          /* may be set though nothing reads it */
    const char *name;       /* broker key; NULL: there is only the topic key */
    const char *topic_name; /* topic key; NULL: not a setting of topics */
    int topic_index;        /* among the topic keys, its bit in overridden; -1: of the broker */
    size_t at; /* the place in od_topic_config, od_live_config, or else in od_config */
    int64_t def;            /* of BOOL, INT32, INT64, CHOICE, FLAGS */
    double def_double;
    const char *def_text; /* of STRING, CLASS, PASSWORD and LIST */
    int64_t min, max;     /* inclusive, of numbers; a DOUBLE up to INT64_MAX has no upper bound */
    int64_t also;         /* with also_set: one more valid number outside of min..max */
    bool also_set;
    const char *words;    /* of CHOICE and FLAGS: "first,second" */
    const char *default_doc; /* in place of a fixed default */
    const char *honoured; /* NULL: it is; else OD_NO(why nothing reads it yet) */
    int alias_of;         /* enum od_key + 1, or 0: sets that key when that is not set itself */
    int64_t factor;       /* of an alias: its unit in the unit of the other key */
    const char *doc;
};

enum { OD_TOPIC_KEYS_MAX = 64 };

const struct od_key_row *od_key_row(enum od_key key);
const struct od_key_row *od_key_find(struct od_str name);       /* broker key; NULL: unknown */
const struct od_key_row *od_key_find_topic(struct od_str name); /* topic key; NULL: unknown */
const char *od_key_type_name(enum od_key_type type); /* "int", "long", "list", ... as Kafka says */
bool od_key_is_text(const struct od_key_row *row); /* the field is a char *, owned */
/* May it be changed while the broker runs? */
bool od_key_is_dynamic(const struct od_key_row *row);

/*
 * Checks text against the row and stores it in the field at `field`; a STRING or LIST field is
 * freed first.  False: *why gets the bound that is broken, and the field is unchanged.
 */
OD_MUST_USE bool od_key_parse(const struct od_key_row *row, struct od_str text, void *field,
                              struct od_text *why);
/*
 * Would it parse?  If not, *why says so under that name, as Kafka words it and with the bound.
 */
OD_MUST_USE bool od_key_check(const struct od_key_row *row, const char *name, struct od_str text,
                              struct od_text *why);
void od_key_print(const struct od_key_row *row, const void *field, struct od_text *out);
void od_key_set_default(const struct od_key_row *row, void *field); /* what was there is lost */
void od_key_free(const struct od_key_row *row, void *field);
void od_key_say_bound(const struct od_key_row *row, struct od_text *out); /* nothing: any text */
