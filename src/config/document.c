/* SPDX-License-Identifier: Apache-2.0 */
/* Prints docs/configuration.md from the key table. */
#include "config/key.h"

static void say_default(const struct od_key_row *row, struct od_text *out)
{
    union {
        bool yes;
        int32_t number;
        int64_t wide;
        double fraction;
        int choice;
        unsigned flags;
        char *text;
    } value = { 0 };

    if (row->default_doc) {
        od_text_add(out, "%s", row->default_doc);
        return;
    }
    if ((row->unset && row->topic_index < 0) || (row->alias_of && !row->def)) {
        od_text_add(out, "not set");
        return;
    }
    od_key_set_default(row, &value);
    if (od_key_is_text(row) && (!value.text || !value.text[0])) {
        od_text_add(out, value.text ? "empty" : "not set");
    } else {
        od_text_add(out, "`");
        od_key_print(row, &value, out);
        od_text_add(out, "`");
    }
    od_key_free(row, &value);
}

static void say_row(const struct od_key_row *row, bool topic, struct od_text *out)
{
    struct od_text bound = { 0 };

    od_key_say_bound(row, &bound);
    od_text_add(out, "### `%s`\n\n%s\n\n", topic ? row->topic_name : row->name, row->doc);
    od_text_add(out, "%s", od_key_type_name(row->type));
    if (bound.len)
        od_text_add(out, ", %s", bound.data);
    od_text_add(out, "; default: ");
    say_default(row, out);
    if (topic && row->name)
        od_text_add(out, "; the broker's `%s` sets it for all topics", row->name);
    if (!topic)
        od_text_add(out, "; %s",
                    row->apply == OD_APPLY_LIVE ? "takes effect at once" : "read at start");
    od_text_add(out, ".\n\n");
    if (row->honoured)
        od_text_add(out, "No effect yet: %s.\n\n", row->honoured);
    od_text_reset(&bound);
}

static int by_name(const void *a, const void *b)
{
    const struct od_key_row *x = *(const struct od_key_row *const *)a;
    const struct od_key_row *y = *(const struct od_key_row *const *)b;

    if (x->topic_index < 0)
        return strcmp(x->name, y->name);
    return strcmp(x->topic_name, y->topic_name);
}

static void say_rows(bool topic, struct od_text *out)
{
    const struct od_key_row *rows[OD_KEYS];
    size_t n = 0;

    for (int i = 0; i < OD_KEYS; i++) {
        const struct od_key_row *row = od_key_row((enum od_key)i);

        if ((row->topic_index >= 0) == topic)
            rows[n++] = row;
    }
    qsort(rows, n, sizeof(*rows), by_name);
    for (size_t i = 0; i < n; i++)
        say_row(rows[i], topic, out);
}

void od_config_document(struct od_text *out)
{
    od_text_add(out,
                "<!-- SPDX-License-Identifier: Apache-2.0 -->\n"
                "<!-- Generated from src/config/keys.def by `make docs`; do not edit. -->\n"
                "# Configuration\n\n"
                "Settings come from, strongest first: `--override key=value`, environment "
                "variables, the file,\nthe default. A variable is named `KAFKA_` and the key in "
                "upper case, with `.` as `_`, `_` as `__`\nand `-` as `___`: `KAFKA_LOG_DIRS` "
                "sets `log.dirs`. The file has Java's `.properties` syntax.\n"
                "In a value `${env:NAME}` stands for a variable, `${file:PATH:KEY}` for a key of a "
                "properties file,\n`${dir:PATH:NAME}` for the whole of a file.\n\n"
                "## Broker\n\n");
    say_rows(false, out);
    od_text_add(out, "## Topics\n\n");
    say_rows(true, out);
    /* No blank line at the end of the file. */
    out->data[--out->len] = '\0';
}
