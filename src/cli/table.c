/* SPDX-License-Identifier: Apache-2.0 */
/* Rows to text in each form. */
#include "cli/table.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <string.h>

enum { GAP = 2, WRAP_WIDTH_MIN = 12 };

void od_table_init(struct od_table *t, const struct od_column *columns, int n)
{
    *t = (struct od_table){ columns, n, json_array() };
}

void od_table_deinit(struct od_table *t)
{
    json_decref(t->rows);
    t->rows = NULL;
}

json_t *od_table_row(struct od_table *t)
{
    json_t *row = json_object();

    json_array_append_new(t->rows, row);
    return row;
}

json_t *od_json_str(struct od_str value)
{
    struct od_text clean = { 0 };
    json_t *out;

    if (!value.data)
        return json_null();
    for (size_t pos = 0; pos < value.len;) {
        size_t len = od_utf8_len((struct od_str){ value.data + pos, value.len - pos });

        if (len)
            od_text_add_str(&clean, (struct od_str){ value.data + pos, len });
        else
            od_text_add(&clean, "\xef\xbf\xbd");
        pos += len ? len : 1;
    }
    out = json_stringn(od_text_get(&clean), clean.len);
    od_text_reset(&clean);
    return out;
}

void od_row_str(json_t *row, const char *key, struct od_str value)
{
    json_object_set_new(row, key, od_json_str(value));
}

void od_row_text(json_t *row, const char *key, const char *value)
{
    od_row_str(row, key, od_str_of(value));
}

void od_row_int(json_t *row, const char *key, int64_t value)
{
    json_object_set_new(row, key, json_integer(value));
}

void od_row_bool(json_t *row, const char *key, bool value)
{
    json_object_set_new(row, key, json_boolean(value));
}

void od_row_uuid(json_t *row, const char *key, struct od_uuid value)
{
    char text[OD_UUID_TEXT_LEN + 1];

    od_uuid_print(value, text);
    od_row_text(row, key, od_uuid_is_zero(value) ? NULL : text);
}

json_t *od_row_list(json_t *row, const char *key)
{
    json_t *list = json_array();

    json_object_set_new(row, key, list);
    return list;
}

void od_row_ints(json_t *row, const char *key, const int32_t *values, int32_t n)
{
    json_t *list = od_row_list(row, key);

    for (int32_t i = 0; i < n; i++)
        json_array_append_new(list, json_integer(values[i]));
}

/* --- cells ----------------------------------------------------------------------------------- */

void od_printable(struct od_str s, struct od_text *out)
{
    size_t from = 0;

    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = (uint8_t)s.data[i];

        if (c >= 0x20 && c != 0x7f)
            continue;
        od_text_add_str(out, (struct od_str){ s.data + from, i - from });
        od_text_add(out, "\\x%02x", c);
        from = i + 1;
    }
    if (s.len > from)
        od_text_add_str(out, (struct od_str){ s.data + from, s.len - from });
}

static void add_cell(const json_t *value, struct od_text *out)
{
    size_t i;
    json_t *item;

    switch (value ? json_typeof(value) : JSON_NULL) {
    case JSON_STRING:
        od_printable((struct od_str){ json_string_value(value), json_string_length(value) }, out);
        break;
    case JSON_INTEGER:
        od_text_add(out, "%lld", (long long)json_integer_value(value));
        break;
    case JSON_REAL:
        od_text_add(out, "%g", json_real_value(value));
        break;
    case JSON_TRUE:
        od_text_add(out, "yes");
        break;
    case JSON_FALSE:
        od_text_add(out, "no");
        break;
    case JSON_NULL:
        break;
    case JSON_ARRAY:
        json_array_foreach(value, i, item) {
            if (i)
                od_text_add(out, ",");
            add_cell(item, out);
        }
        break;
    case JSON_OBJECT:
        break; /* shown in JSON and YAML only */
    }
}

/* Characters, not bytes. */
static size_t text_width(const char *text)
{
    size_t n = 0;

    for (; *text; text++)
        n += ((uint8_t)*text & 0xc0) != 0x80;
    return n;
}

/* --- tables ---------------------------------------------------------------------------------- */

struct grid {
    const struct od_column **columns; /* owned array */
    int n;
    char **cells; /* row by row, owned */
    size_t rows;
};

static bool has_values(const struct od_table *t, const struct od_column *c)
{
    size_t i;
    json_t *row;

    json_array_foreach(t->rows, i, row) {
        const json_t *value = json_object_get(row, c->key);

        if (value && !json_is_null(value) && !(json_is_array(value) && !json_array_size(value)))
            return true;
    }
    return false;
}

static const struct od_column *find_column(const struct od_table *t, struct od_str name)
{
    for (int i = 0; i < t->column_count; i++)
        if (od_str_is(name, t->columns[i].key))
            return &t->columns[i];
    return NULL;
}

static void say_columns(const struct od_table *t, struct od_str name, struct od_text *why)
{
    od_text_add(why, "there is no column \"%.*s\"; there are ", OD_STR_ARGS(name));
    for (int i = 0; i < t->column_count; i++)
        od_text_add(why, "%s%s", i ? "," : "", t->columns[i].key);
}

static bool choose_columns(const struct od_table *t, const struct od_look *look, struct grid *g,
                           struct od_text *why)
{
    const char *p = look->columns;
    size_t most = (size_t)t->column_count + (p ? strlen(p) : 0);

    g->columns = od_alloc(sizeof(const struct od_column *) * (most + 1));
    g->n = 0;
    while (p && *p) {
        struct od_str name = { p, strcspn(p, ",") };
        const struct od_column *c = find_column(t, name);

        if (!c) {
            say_columns(t, name, why);
            return false;
        }
        g->columns[g->n++] = c;
        p += name.len + (p[name.len] == ',');
    }
    for (int i = 0; !look->columns && i < t->column_count; i++) {
        const struct od_column *c = &t->columns[i];
        bool plain = look->output == OD_OUTPUT_TABLE;

        if (plain && c->flags & OD_COLUMN_WIDE)
            continue;
        if (look->output != OD_OUTPUT_CSV && c->flags & OD_COLUMN_OPTIONAL && !has_values(t, c))
            continue;
        g->columns[g->n++] = c;
    }
    return true;
}

static void fill_cells(const struct od_table *t, struct grid *g, const char *absent)
{
    size_t i;
    json_t *row;

    g->rows = json_array_size(t->rows);
    g->cells = od_alloc(sizeof(char *) * (g->rows * (size_t)g->n + 1));
    json_array_foreach(t->rows, i, row) {
        for (int c = 0; c < g->n; c++) {
            struct od_text cell = { 0 };

            add_cell(json_object_get(row, g->columns[c]->key), &cell);
            g->cells[i * (size_t)g->n + (size_t)c] =
                cell.len ? cell.data : od_strdup(absent);
        }
    }
}

static void free_grid(struct grid *g)
{
    for (size_t i = 0; g->cells && i < g->rows * (size_t)g->n; i++)
        od_free(g->cells[i]);
    od_free(g->cells);
    od_free(g->columns);
}

static size_t column_width(const struct grid *g, int c, bool titles)
{
    size_t width = titles ? text_width(g->columns[c]->title) : 0;

    for (size_t i = 0; i < g->rows; i++) {
        size_t w = text_width(g->cells[i * (size_t)g->n + (size_t)c]);

        width = w > width ? w : width;
    }
    return width;
}

/* The bytes of at most width characters; cut behind a comma where there is one. */
static size_t piece_bytes(const char *text, size_t width)
{
    size_t n = 0, pos = 0, comma = 0;

    while (text[pos]) {
        if (((uint8_t)text[pos] & 0xc0) != 0x80 && n++ == width)
            return comma ? comma : pos;
        if (text[pos++] == ',')
            comma = pos;
    }
    return pos;
}

/* The last cell of a line, in as many lines as its width needs. */
static void add_last(const char *cell, size_t indent, size_t width, struct od_text *out)
{
    size_t len = width ? piece_bytes(cell, width) : strlen(cell);

    od_text_add_str(out, (struct od_str){ cell, len });
    for (cell += len; *cell; cell += len) {
        len = piece_bytes(cell, width);
        od_text_add(out, "\n%*s%.*s", (int)indent, "", (int)len, cell);
    }
    od_text_add(out, "\n");
}

static void add_padded(const char *cell, size_t width, bool right, struct od_text *out)
{
    int pad = (int)(width - text_width(cell));

    if (right)
        od_text_add(out, "%*s%s%*s", pad, "", cell, GAP, "");
    else
        od_text_add(out, "%s%*s", cell, pad + GAP, "");
}

static void print_grid(const struct grid *g, const struct od_look *look, struct od_text *out)
{
    size_t *widths = od_alloc(sizeof(*widths) * ((size_t)g->n + 1));
    size_t indent = 0, last = 0;

    for (int c = 0; c < g->n; c++) {
        widths[c] = column_width(g, c, !look->no_headers);
        if (c + 1 < g->n)
            indent += widths[c] + GAP;
    }
    if (look->width > 0 && (size_t)look->width >= indent + WRAP_WIDTH_MIN)
        last = (size_t)look->width - indent;
    for (size_t i = 0; i < g->rows + !look->no_headers; i++) {
        bool title = !look->no_headers && i == 0;
        size_t row = i - !look->no_headers;

        od_text_add(out, title && look->bold ? "\033[1m" : "");
        for (int c = 0; c < g->n; c++) {
            const char *cell =
                title ? g->columns[c]->title : g->cells[row * (size_t)g->n + (size_t)c];
            bool right = g->columns[c]->flags & OD_COLUMN_RIGHT;

            if (c + 1 < g->n)
                add_padded(cell, widths[c], right, out);
            else if (right)
                od_text_add(out, "%*s%s\n", (int)(widths[c] - text_width(cell)), "", cell);
            else
                add_last(cell, indent, last, out);
        }
        od_text_add(out, title && look->bold ? "\033[0m" : "");
    }
    od_free(widths);
}

/* --- CSV, names, documents ------------------------------------------------------------------- */

static void add_csv_cell(const char *cell, struct od_text *out)
{
    if (!cell[strcspn(cell, ",\"\r\n")]) {
        od_text_add(out, "%s", cell);
        return;
    }
    od_text_add(out, "\"");
    for (; *cell; cell++)
        od_text_add(out, *cell == '"' ? "\"\"" : "%c", *cell);
    od_text_add(out, "\"");
}

static void print_csv(const struct grid *g, const struct od_look *look, struct od_text *out)
{
    for (int c = 0; !look->no_headers && c < g->n; c++)
        od_text_add(out, "%s%s", g->columns[c]->key, c + 1 < g->n ? "," : "\n");
    for (size_t i = 0; i < g->rows * (size_t)g->n; i++) {
        add_csv_cell(g->cells[i], out);
        od_text_add(out, (i + 1) % (size_t)g->n ? "," : "\n");
    }
}

static void print_names(const struct od_table *t, struct od_text *out)
{
    size_t i;
    json_t *row;

    json_array_foreach(t->rows, i, row) {
        add_cell(json_object_get(row, t->columns[0].key), out);
        od_text_add(out, "\n");
    }
}

static json_t *with_columns(const struct od_table *t, const struct grid *g)
{
    json_t *out = json_array();
    size_t i;
    json_t *row;

    json_array_foreach(t->rows, i, row) {
        json_t *picked = json_object();

        for (int c = 0; c < g->n; c++) {
            json_t *value = json_object_get(row, g->columns[c]->key);

            if (value)
                json_object_set(picked, g->columns[c]->key, value);
        }
        json_array_append_new(out, picked);
    }
    return out;
}

bool od_table_print(const struct od_table *t, const struct od_look *look, struct od_text *out,
                    struct od_text *why)
{
    struct grid g = { 0 };
    json_t *picked;

    if (!choose_columns(t, look, &g, why)) {
        free_grid(&g);
        return false;
    }
    switch (look->output) {
    case OD_OUTPUT_TABLE:
    case OD_OUTPUT_WIDE:
        fill_cells(t, &g, "-");
        print_grid(&g, look, out);
        break;
    case OD_OUTPUT_CSV:
        fill_cells(t, &g, "");
        print_csv(&g, look, out);
        break;
    case OD_OUTPUT_NAME:
        print_names(t, out);
        break;
    case OD_OUTPUT_JSON:
    case OD_OUTPUT_YAML:
        picked = look->columns ? with_columns(t, &g) : json_incref(t->rows);
        od_document_print(picked, look->output, out);
        json_decref(picked);
        break;
    }
    free_grid(&g);
    return true;
}
