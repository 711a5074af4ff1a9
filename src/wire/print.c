/* SPDX-License-Identifier: Apache-2.0 */
/* One walk over a message's shape, writing either form.  Nesting is bounded by the schema. */
#include "wire/print.h"

#include "base/utf8.h"

enum { TEXT_BYTES_MAX = 64 }; /* of bytes and records shown in the text form */

struct printer {
    struct od_text *out;
    int16_t version;
    bool json;
    int depth;
};

static void print_struct(struct printer *p, const struct od_shape *shape, const uint8_t *object);

static void indent(const struct printer *p)
{
    od_text_add(p->out, "%*s", 2 * p->depth, "");
}

static void print_str(struct printer *p, struct od_str s)
{
    if (!s.data) {
        od_text_add(p->out, "null");
        return;
    }
    od_text_add(p->out, "\"");
    while (s.len > 0) {
        uint8_t c = (uint8_t)*s.data;
        size_t len = od_utf8_len(s);

        if (c == '"' || c == '\\')
            od_text_add(p->out, "\\%c", c);
        else if (c < 0x20 || c == 0x7f || len == 0)
            od_text_add(p->out, "\\u%04x", c);
        else
            od_text_add_str(p->out, (struct od_str) {s.data, len});
        len = len ? len : 1;
        s.data += len;
        s.len -= len;
    }
    od_text_add(p->out, "\"");
}

static void print_bytes(struct printer *p, const uint8_t *data, size_t len)
{
    size_t shown = p->json || len <= TEXT_BYTES_MAX ? len : TEXT_BYTES_MAX;

    if (!data) {
        od_text_add(p->out, len ? "\"%zu bytes elsewhere\"" : "null", len);
        return;
    }
    if (!p->json)
        od_text_add(p->out, "%zu bytes%s", len, len ? " " : "");
    else
        od_text_add(p->out, "\"");
    for (size_t i = 0; i < shown; i++)
        od_text_add(p->out, "%02x", data[i]);
    od_text_add(p->out, p->json ? "\"" : shown < len ? "..." : "");
}

static void print_records(struct printer *p, const struct od_records *v)
{
    if (v->len == 0)
        print_bytes(p, (const uint8_t *)"", 0);
    else
        print_bytes(p, v->data, v->len < 0 ? 0 : (size_t)v->len);
}

static void print_scalar(struct printer *p, enum od_field_type type, const void *v)
{
    char uuid[OD_UUID_TEXT_LEN + 1];

    switch (type) {
    case OD_FIELD_BOOL:
        od_text_add(p->out, *(const bool *)v ? "true" : "false");
        return;
    case OD_FIELD_INT8:
        od_text_add(p->out, "%d", *(const int8_t *)v);
        return;
    case OD_FIELD_INT16:
        od_text_add(p->out, "%d", *(const int16_t *)v);
        return;
    case OD_FIELD_INT32:
        od_text_add(p->out, "%d", *(const int32_t *)v);
        return;
    case OD_FIELD_INT64:
        od_text_add(p->out, "%lld", (long long)*(const int64_t *)v);
        return;
    case OD_FIELD_UINT16:
        od_text_add(p->out, "%u", *(const uint16_t *)v);
        return;
    case OD_FIELD_UINT32:
        od_text_add(p->out, "%u", *(const uint32_t *)v);
        return;
    case OD_FIELD_FLOAT64:
        /* JSON has no word for what is not finite. */
        od_text_add(p->out, __builtin_isfinite(*(const double *)v) ? "%.17g" : "\"%g\"",
                    *(const double *)v);
        return;
    case OD_FIELD_STRING:
        print_str(p, *(const struct od_str *)v);
        return;
    case OD_FIELD_BYTES:
        print_bytes(p, ((const struct od_bytes *)v)->data, ((const struct od_bytes *)v)->len);
        return;
    case OD_FIELD_RECORDS:
        print_records(p, v);
        return;
    case OD_FIELD_UUID:
        od_uuid_print(*(const struct od_uuid *)v, uuid);
        od_text_add(p->out, "\"%s\"", uuid);
        return;
    case OD_FIELD_STRUCT:
        return;
    }
}

static void print_list(struct printer *p, const struct od_field *f, const uint8_t *at)
{
    struct od_any_list list;
    bool structs = f->type == OD_FIELD_STRUCT;

    memcpy(&list, at, sizeof(list));
    if (list.n < 0) {
        od_text_add(p->out, "null");
        return;
    }
    if (structs && !p->json && list.n > 0) {
        p->depth++;
        for (int32_t i = 0; i < list.n; i++) {
            od_text_add(p->out, "\n");
            indent(p);
            od_text_add(p->out, "- %s %d", f->shape->name, i);
            print_struct(p, f->shape, (const uint8_t *)list.v + (size_t)i * od_field_bytes(f));
        }
        p->depth--;
        return;
    }
    od_text_add(p->out, "[");
    for (int32_t i = 0; i < list.n; i++) {
        const uint8_t *v = (const uint8_t *)list.v + (size_t)i * od_field_bytes(f);

        od_text_add(p->out, i == 0 ? "" : p->json ? "," : ", ");
        if (structs)
            print_struct(p, f->shape, v);
        else
            print_scalar(p, (enum od_field_type)f->type, v);
    }
    od_text_add(p->out, "]");
}

static void print_field(struct printer *p, const struct od_field *f, const uint8_t *at)
{
    const void *target;

    if (f->list) {
        print_list(p, f, at);
    } else if (f->type != OD_FIELD_STRUCT) {
        print_scalar(p, (enum od_field_type)f->type, at);
    } else if (!f->nullable) {
        print_struct(p, f->shape, at);
    } else {
        memcpy(&target, at, sizeof(target));
        if (target)
            print_struct(p, f->shape, target);
        else
            od_text_add(p->out, "null");
    }
}

/* Fields that a rewritten record keeps although the schema does not know them. */
static void print_unknown(struct printer *p, const struct od_tags *tags, bool first)
{
    if (tags->n == 0)
        return;
    if (p->json) {
        od_text_add(p->out, "%s\"unknown_tags\":{", first ? "" : ",");
    } else {
        od_text_add(p->out, "\n");
        indent(p);
        od_text_add(p->out, "unknown_tags:");
    }
    for (int32_t i = 0; i < tags->n; i++) {
        od_text_add(p->out, p->json ? "%s\"%u\":" : "%s %u: ", p->json && i ? "," : "",
                    tags->v[i].tag);
        print_bytes(p, tags->v[i].value.data, tags->v[i].value.len);
    }
    od_text_add(p->out, p->json ? "}" : "");
}

static void print_struct(struct printer *p, const struct od_shape *shape, const uint8_t *object)
{
    bool first = true;

    if (p->json)
        od_text_add(p->out, "{");
    p->depth++;
    for (uint32_t i = 0; i < shape->field_count; i++) {
        const struct od_field *f = &shape->fields[i];

        if (p->version < f->version_min || p->version > f->version_max)
            continue;
        if (p->json) {
            od_text_add(p->out, "%s\"%s\":", first ? "" : ",", f->name);
        } else {
            od_text_add(p->out, "\n");
            indent(p);
            od_text_add(p->out, "%s: ", f->name);
        }
        print_field(p, f, object + f->pos);
        first = false;
    }
    if (shape->tags_pos >= 0)
        print_unknown(p, (const struct od_tags *)(const void *)(object + shape->tags_pos), first);
    p->depth--;
    if (p->json)
        od_text_add(p->out, "}");
}

void od_print_message(const struct od_codec *codec, const void *message, int16_t version,
                      enum od_print_form form, struct od_text *out)
{
    struct printer p = {.out = out, .version = version, .json = form == OD_PRINT_JSON};

    if (!p.json)
        od_text_add(out, "%s version %d", codec->name, version);
    print_struct(&p, codec->shape, message);
    od_text_add(out, "\n");
}
