/* SPDX-License-Identifier: Apache-2.0 */
/* Formats are compiled once into steps. */
#include "cli/record_format.h"

#include "base/be.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "cli/base64.h"
#include "cli/position.h"

#include <jansson.h>
#include <string.h>

enum form { FORM_PLAIN, FORM_HEX, FORM_BASE64, FORM_JSON, FORM_ISO, FORMS };

struct step {
    char letter; /* of the field; 0: the literal */
    enum form form;
    struct od_text literal;
};

struct od_record_format {
    struct step *steps;
    int n;
};

static const char *const form_names[FORMS] = { "", "hex", "base64", "json", "iso" };

static struct step *add_step(struct od_record_format *f, char letter)
{
    f->steps = od_realloc(f->steps, sizeof(*f->steps) * ((size_t)f->n + 1));
    f->steps[f->n] = (struct step){ .letter = letter };
    return &f->steps[f->n++];
}

static void add_literal(struct od_record_format *f, char c)
{
    struct step *last = f->n ? &f->steps[f->n - 1] : NULL;

    if (!last || last->letter)
        last = add_step(f, 0);
    od_text_add_str(&last->literal, (struct od_str){ &c, 1 });
}

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef0123456789ABCDEF";
    const char *at = c ? strchr(digits, c) : NULL;

    return at ? (int)(at - digits) % 16 : -1;
}

/* p stands behind the backslash; returns what follows the escape. */
static const char *escape(struct od_record_format *f, const char *p)
{
    static const char from[] = "ntr0\\", to[] = "\n\t\r\0\\";
    const char *known = *p ? strchr(from, *p) : NULL;

    if (known) {
        add_literal(f, to[known - from]);
        return p + 1;
    }
    if (*p == 'x' && hex_digit(p[1]) >= 0 && hex_digit(p[2]) >= 0) {
        add_literal(f, (char)(hex_digit(p[1]) << 4 | hex_digit(p[2])));
        return p + 3;
    }
    add_literal(f, '\\');
    return p;
}

static bool form_fits(char letter, enum form form)
{
    return form == FORM_ISO ? letter == 'T' : letter == 'k' || letter == 's';
}

/* p stands behind the letter, at "{"; NULL: not a form of this field. */
static const char *take_form(struct step *s, const char *p, struct od_text *why)
{
    size_t len = strcspn(p + 1, "}");

    for (int i = FORM_HEX; p[1 + len] && i < FORMS; i++) {
        if (strlen(form_names[i]) != len || strncmp(form_names[i], p + 1, len) ||
            !form_fits(s->letter, (enum form)i))
            continue;
        s->form = (enum form)i;
        return p + len + 2;
    }
    od_text_add(why, "%%%c{%.*s}: the forms are hex, base64, json of k and s, and iso of T",
                s->letter, (int)len, p + 1);
    return NULL;
}

struct od_record_format *od_record_format_new(const char *text, struct od_text *why)
{
    struct od_record_format *f = OD_NEW(struct od_record_format);

    for (const char *p = text; p && *p;) {
        if (*p == '\\') {
            p = escape(f, p + 1);
        } else if (*p != '%' || p[1] == '%') {
            add_literal(f, *p);
            p += *p == '%' ? 2 : 1;
        } else if (p[1] && strchr("tpokKsSThR", p[1])) {
            struct step *s = add_step(f, p[1]);

            p += 2;
            if (*p == '{')
                p = take_form(s, p, why);
        } else {
            od_text_add(why, "%%%.1s is none of %%t %%p %%o %%k %%K %%s %%S %%T %%h %%R %%%%",
                        p + 1);
            p = NULL;
        }
        if (!p) {
            od_record_format_free(f);
            return NULL;
        }
    }
    return f;
}

void od_record_format_free(struct od_record_format *f)
{
    if (!f)
        return;
    for (int i = 0; i < f->n; i++)
        od_text_reset(&f->steps[i].literal);
    od_free(f->steps);
    od_free(f);
}

static struct od_str text_of(struct od_bytes b)
{
    return (struct od_str){ (const char *)b.data, b.len };
}

static bool is_utf8(struct od_bytes b)
{
    for (size_t pos = 0; pos < b.len;) {
        size_t len = od_utf8_len((struct od_str){ (const char *)b.data + pos, b.len - pos });

        if (!len)
            return false;
        pos += len;
    }
    return true;
}

static int append(const char *data, size_t len, void *user)
{
    od_text_add_str(user, (struct od_str){ data, len });
    return 0;
}

static void add_json(json_t *value, struct od_text *out)
{
    /* Into memory it cannot fail. */
    if (json_dump_callback(value, append, out, JSON_COMPACT | JSON_ENCODE_ANY))
        od_text_add(out, "null");
    json_decref(value);
}

static json_t *json_of(struct od_bytes b)
{
    return b.data ? json_stringn((const char *)b.data, b.len) : json_null();
}

static void set_bytes(json_t *object, const char *key, const char *key_base64, struct od_bytes b)
{
    struct od_text encoded = { 0 };

    if (!b.data || is_utf8(b)) {
        json_object_set_new(object, key, json_of(b));
        return;
    }
    od_base64_print(b, &encoded);
    json_object_set_new(object, key_base64, json_string(od_text_get(&encoded)));
    od_text_reset(&encoded);
}

static void print_bytes(struct od_bytes b, enum form form, struct od_text *out)
{
    struct od_text encoded = { 0 };

    switch (form) {
    case FORM_HEX:
        for (size_t i = 0; i < b.len; i++)
            od_text_add(out, "%02x", b.data[i]);
        break;
    case FORM_BASE64:
        od_base64_print(b, out);
        break;
    case FORM_JSON:
        if (is_utf8(b)) {
            add_json(json_of(b), out);
        } else {
            od_base64_print(b, &encoded);
            add_json(json_string(od_text_get(&encoded)), out);
            od_text_reset(&encoded);
        }
        break;
    case FORM_PLAIN:
    case FORM_ISO:
    case FORMS:
        od_text_add_str(out, text_of(b));
        break;
    }
}

static void print_headers(const struct od_record *r, struct od_text *out)
{
    struct od_bytes rest = r->headers;
    struct od_record_header h;
    bool first = true;

    while (od_record_header_next(&rest, &h)) {
        od_text_add(out, first ? "" : ",");
        od_text_add_str(out, text_of(h.key));
        od_text_add(out, "=");
        od_text_add_str(out, text_of(h.value));
        first = false;
    }
}

static long long length_of(struct od_bytes b)
{
    return b.data ? (long long)b.len : -1;
}

static void print_field(const struct step *s, const struct od_consumed *c, struct od_text *out)
{
    const struct od_record *r = c->record;
    uint8_t framed[4];

    switch (s->letter) {
    case 't':
        od_text_add_str(out, c->topic);
        break;
    case 'p':
        od_text_add(out, "%d", c->partition);
        break;
    case 'o':
        od_text_add(out, "%lld", (long long)r->offset);
        break;
    case 'k':
        print_bytes(r->key, s->form, out);
        break;
    case 'K':
        od_text_add(out, "%lld", length_of(r->key));
        break;
    case 's':
        print_bytes(r->value, s->form, out);
        break;
    case 'S':
        od_text_add(out, "%lld", length_of(r->value));
        break;
    case 'T':
        if (s->form == FORM_ISO)
            od_time_print(r->timestamp, out);
        else
            od_text_add(out, "%lld", (long long)r->timestamp);
        break;
    case 'h':
        print_headers(r, out);
        break;
    default: /* 'R', the last of the letters that are accepted */
        od_be32_store(framed, (uint32_t)length_of(r->value));
        od_text_add_str(out, (struct od_str){ (const char *)framed, sizeof(framed) });
        break;
    }
}

void od_record_format_print(const struct od_record_format *f, const struct od_consumed *r,
                            struct od_text *out)
{
    for (int i = 0; i < f->n; i++) {
        const struct step *s = &f->steps[i];

        if (s->letter)
            print_field(s, r, out);
        else
            od_text_add_str(out, (struct od_str){ s->literal.data, s->literal.len });
    }
}

void od_record_json(const struct od_consumed *c, struct od_text *out)
{
    const struct od_record *r = c->record;
    struct od_bytes rest = r->headers;
    struct od_record_header h;
    json_t *object = json_object(), *headers = json_array();

    json_object_set_new(object, "topic", json_stringn(c->topic.data, c->topic.len));
    json_object_set_new(object, "partition", json_integer(c->partition));
    json_object_set_new(object, "offset", json_integer(r->offset));
    json_object_set_new(object, "timestamp", json_integer(r->timestamp));
    set_bytes(object, "key", "key_base64", r->key);
    set_bytes(object, "value", "value_base64", r->value);
    while (od_record_header_next(&rest, &h)) {
        json_t *one = json_object();

        set_bytes(one, "key", "key_base64", h.key);
        set_bytes(one, "value", "value_base64", h.value);
        json_array_append_new(headers, one);
    }
    if (json_array_size(headers))
        json_object_set(object, "headers", headers);
    json_decref(headers);
    add_json(object, out);
    od_text_add(out, "\n");
}
