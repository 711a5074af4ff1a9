/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a command found, as rows of named values, and the forms in which it is printed: aligned
 * columns, JSON, YAML, CSV, names.  Text from the outside is made printable: control characters
 * cannot reach a terminal.  Pure but for jansson's memory; one thread.
 */
#pragma once

#include "base/text.h"
#include "base/uuid.h"

#include <jansson.h>

enum od_output {
    OD_OUTPUT_TABLE,
    OD_OUTPUT_WIDE, /* a table with the columns marked WIDE */
    OD_OUTPUT_JSON,
    OD_OUTPUT_YAML,
    OD_OUTPUT_CSV,
    OD_OUTPUT_NAME, /* the first column alone, a line for each row */
};

enum od_column_flag {
    OD_COLUMN_RIGHT = 1,    /* a number: aligned to the right */
    OD_COLUMN_WIDE = 2,     /* only in the wide form */
    OD_COLUMN_OPTIONAL = 4, /* left out of tables when no row has a value */
};

struct od_column {
    const char *key;   /* the member's name in JSON, YAML and CSV */
    const char *title; /* in tables, upper case */
    unsigned flags;
};

struct od_table {
    const struct od_column *columns; /* constant; every key of the rows that is to be shown */
    int column_count;
    json_t *rows; /* array of objects, owned */
};

/* How to print; zeroed is the plain table of unlimited width. */
struct od_look {
    enum od_output output;
    const char *columns; /* "a,b": these alone, in this order; NULL: all */
    bool no_headers;
    bool bold;  /* titles, for a terminal */
    int width;  /* the last column wraps beyond it; 0: never */
};

void od_table_init(struct od_table *t, const struct od_column *columns, int n);
void od_table_deinit(struct od_table *t);
json_t *od_table_row(struct od_table *t); /* a new empty row, borrowed */
/* False: *why names a column that there is not. */
OD_MUST_USE bool od_table_print(const struct od_table *t, const struct od_look *look,
                                struct od_text *out, struct od_text *why);
/* A whole value in one of the forms JSON and YAML. */
void od_document_print(const json_t *value, enum od_output output, struct od_text *out);

/* Members of a row.  Strings that are not UTF-8 get their wrong bytes replaced. */
void od_row_str(json_t *row, const char *key, struct od_str value); /* null stays null */
void od_row_text(json_t *row, const char *key, const char *value);  /* NULL is null */
void od_row_int(json_t *row, const char *key, int64_t value);
void od_row_bool(json_t *row, const char *key, bool value);
void od_row_uuid(json_t *row, const char *key, struct od_uuid value); /* zero is null */
void od_row_ints(json_t *row, const char *key, const int32_t *values, int32_t n);
json_t *od_row_list(json_t *row, const char *key); /* a new empty array, borrowed */

json_t *od_json_str(struct od_str value); /* owned */
/* Appends s with control characters as \xNN, fit for a terminal. */
void od_printable(struct od_str s, struct od_text *out);
