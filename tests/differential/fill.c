/* SPDX-License-Identifier: Apache-2.0 */
/* Any request from JSON, by walking its shape.  Nesting is bounded by the schema. */
#include "fill.h"

#include "records.h"

bool fill_has(const struct od_field *field, int16_t version)
{
    return version >= field->version_min && version <= field->version_max;
}

bool fill_nullable(const struct od_field *field, int16_t version)
{
    return field->nullable && version >= field->null_min && version <= field->null_max;
}

static bool wrong(struct fill *f, const struct od_field *field, const char *what)
{
    f->error = od_arena_printf(f->arena, "%s %s", field->name, what);
    return false;
}

static struct od_str text_of(struct fill *f, const json_t *from)
{
    size_t len = json_string_length(from);
    char *copy = od_arena_alloc(f->arena, len + 1);

    memcpy(copy, json_string_value(from), len);
    return (struct od_str){ copy, len };
}

static struct od_str long_text(struct fill *f, int64_t len)
{
    char *text = od_arena_alloc(f->arena, (size_t)len);

    memset(text, 'x', (size_t)len);
    return (struct od_str){ text, (size_t)len };
}

static bool fill_integer(struct fill *f, const struct od_field *field, const json_t *from, void *to)
{
    long long v = json_integer_value(from);

    if (!json_is_integer(from))
        return wrong(f, field, "is not a whole number");
    switch (od_field_bytes(field)) {
    case 1:
        *(int8_t *)to = (int8_t)v;
        break;
    case 2:
        *(int16_t *)to = (int16_t)v;
        break;
    case 4:
        *(int32_t *)to = (int32_t)v;
        break;
    default:
        *(int64_t *)to = (int64_t)v;
        break;
    }
    return true;
}

static bool fill_text(struct fill *f, const struct od_field *field, const json_t *from, void *to)
{
    struct od_str text;

    if (json_object_get(from, "repeat"))
        text = long_text(f, json_integer_value(json_object_get(from, "repeat")));
    else if (json_is_string(from))
        text = text_of(f, from);
    else
        return wrong(f, field, "is not a string");
    if (field->type == OD_FIELD_STRING)
        *(struct od_str *)to = text;
    else if (field->type == OD_FIELD_BYTES)
        *(struct od_bytes *)to = (struct od_bytes){ (const uint8_t *)text.data, text.len };
    else if (!od_uuid_parse(text, to))
        return wrong(f, field, "is not an id");
    return true;
}

static bool fill_value(struct fill *f, const struct od_field *field, const json_t *from, void *to)
{
    switch ((enum od_field_type)field->type) {
    case OD_FIELD_BOOL:
        *(bool *)to = json_is_true(from);
        return json_is_boolean(from) || wrong(f, field, "is neither true nor false");
    case OD_FIELD_INT8:
    case OD_FIELD_INT16:
    case OD_FIELD_INT32:
    case OD_FIELD_INT64:
    case OD_FIELD_UINT16:
    case OD_FIELD_UINT32:
        return fill_integer(f, field, from, to);
    case OD_FIELD_FLOAT64:
        *(double *)to = json_number_value(from);
        return json_is_number(from) || wrong(f, field, "is not a number");
    case OD_FIELD_STRING:
    case OD_FIELD_BYTES:
    case OD_FIELD_UUID:
        return fill_text(f, field, from, to);
    case OD_FIELD_RECORDS:
        return records_build(f->arena, from, f->now_ms, to) || wrong(f, field, "are no records");
    case OD_FIELD_STRUCT:
        return fill_struct(f, field->shape, from, to);
    }
    return false;
}

static bool fill_list(struct fill *f, const struct od_field *field, const json_t *from, void *to)
{
    size_t bytes = od_field_bytes(field);
    struct od_any_list list;

    if (!json_is_array(from))
        return wrong(f, field, "is not an array");
    list.n = (int32_t)json_array_size(from);
    list.v = od_arena_alloc(f->arena, bytes * json_array_size(from));
    for (int32_t i = 0; i < list.n; i++)
        if (!fill_value(f, field, json_array_get(from, (size_t)i),
                        (char *)list.v + (size_t)i * bytes))
            return false;
    memcpy(to, &list, sizeof(list));
    return true;
}

static bool fill_null(struct fill *f, const struct od_field *field, void *to)
{
    static const struct od_any_list no_list = { -1, NULL };

    if (!fill_nullable(field, f->version))
        return wrong(f, field, "cannot be null in this version");
    if (field->list)
        memcpy(to, &no_list, sizeof(no_list));
    else if (field->type == OD_FIELD_RECORDS)
        *(struct od_records *)to = OD_RECORDS_NULL;
    else if (field->type == OD_FIELD_STRUCT)
        memset(to, 0, sizeof(void *));
    else
        memset(to, 0, od_field_bytes(field));
    return true;
}

static bool fill_field(struct fill *f, const struct od_field *field, const json_t *from, void *to)
{
    void *target;

    if (json_is_null(from))
        return fill_null(f, field, to);
    if (field->list)
        return fill_list(f, field, from, to);
    if (field->type != OD_FIELD_STRUCT || !field->nullable)
        return fill_value(f, field, from, to);
    target = od_arena_alloc(f->arena, field->shape->bytes);
    memcpy(to, &target, sizeof(target));
    return fill_struct(f, field->shape, from, target);
}

static const struct od_field *field_named(const struct od_shape *shape, const char *name)
{
    for (uint32_t i = 0; i < shape->field_count; i++)
        if (strcmp(shape->fields[i].name, name) == 0)
            return &shape->fields[i];
    return NULL;
}

bool fill_struct(struct fill *f, const struct od_shape *shape, const json_t *from, void *object)
{
    const char *name;
    json_t *value;

    shape->defaults(object);
    if (!json_is_object(from)) {
        f->error = od_arena_printf(f->arena, "%s is not an object", shape->name);
        return false;
    }
    json_object_foreach((json_t *)from, name, value)
    {
        const struct od_field *field = field_named(shape, name);

        if (!field) {
            f->error = od_arena_printf(f->arena, "%s has no member %s", shape->name, name);
            return false;
        }
        if (fill_has(field, f->version) &&
            !fill_field(f, field, value, (char *)object + field->pos))
            return false;
    }
    return true;
}
