/* SPDX-License-Identifier: Apache-2.0 */
/* Whole values as JSON or YAML. */
#include "cli/table.h"

#include <stdlib.h>
#include <string.h>

static int append(const char *data, size_t len, void *user)
{
    od_text_add_str(user, (struct od_str){ data, len });
    return 0;
}

static void add_json(const json_t *value, size_t flags, struct od_text *out)
{
    /* Into memory it cannot fail. */
    if (json_dump_callback(value, append, out, flags | JSON_ENCODE_ANY))
        od_text_add(out, "null");
}

static bool is_nested(const json_t *value)
{
    return json_is_object(value) ? json_object_size(value) > 0
                                 : json_is_array(value) && json_array_size(value) > 0;
}

static void add_yaml(const json_t *value, int depth, bool inline_first, struct od_text *out);

static void add_member(const json_t *value, int depth, struct od_text *out)
{
    if (is_nested(value)) {
        od_text_add(out, "\n");
        add_yaml(value, depth, false, out);
    } else {
        /* A JSON scalar is a YAML scalar. */
        od_text_add(out, " ");
        add_json(value, 0, out);
        od_text_add(out, "\n");
    }
}

/* Nesting is bounded by what the commands build.  inline_first: the line has begun with "- ". */
static void add_yaml(const json_t *value, int depth, bool inline_first, struct od_text *out)
{
    const char *key;
    json_t *item;
    size_t i;

    if (json_is_object(value)) {
        json_object_foreach((json_t *)value, key, item) {
            od_text_add(out, "%*s%s:", inline_first ? 0 : 2 * depth, "", key);
            inline_first = false;
            add_member(item, depth + 1, out);
        }
        return;
    }
    json_array_foreach(value, i, item) {
        od_text_add(out, "%*s-", 2 * depth, "");
        if (json_is_object(item) && is_nested(item)) {
            od_text_add(out, " ");
            add_yaml(item, depth + 1, true, out);
        } else {
            add_member(item, depth + 1, out);
        }
    }
}

void od_document_print(const json_t *value, enum od_output output, struct od_text *out)
{
    if (output == OD_OUTPUT_YAML && is_nested(value)) {
        add_yaml(value, 0, false, out);
        return;
    }
    add_json(value, output == OD_OUTPUT_YAML ? 0 : JSON_INDENT(2), out);
    od_text_add(out, "\n");
}
