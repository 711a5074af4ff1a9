/* SPDX-License-Identifier: Apache-2.0 */
/* Resolving what may change while the broker runs. */
#include "config/live_config.h"

#include "base/mem.h"
#include "config/key.h"

static void *field_of(const struct od_live_config *c, const struct od_key_row *row)
{
    return (char *)c + row->at;
}

/* Texts are copied, as each object owns its own. */
static void copy_values(struct od_live_config *to, const struct od_live_config *from)
{
    memcpy(to, from, sizeof(*to));
    for (int i = 0; i < OD_KEYS; i++) {
        const struct od_key_row *row = od_key_row((enum od_key)i);
        char **text;

        if (!row->live || !od_key_is_text(row))
            continue;
        text = field_of(to, row);
        if (*text)
            *text = od_strdup(*text);
    }
}

struct od_live_config *od_live_config_resolve(const struct od_config *broker,
                                              const struct od_setting *dynamic, int n)
{
    struct od_live_config *c = OD_NEW(struct od_live_config);

    copy_values(c, &broker->live);
    atomic_init(&c->refs, 1);
    for (int i = 0; i < n; i++) {
        const struct od_key_row *row = od_key_find(dynamic[i].name);
        struct od_text why = { 0 };

        if (row && row->live && dynamic[i].value.data &&
            !od_key_parse(row, dynamic[i].value, field_of(c, row), &why))
            od_text_reset(&why); /* the field stays as it was */
    }
    return c;
}

struct od_live_config *od_live_config_ref(struct od_live_config *c)
{
    atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    return c;
}

void od_live_config_unref(struct od_live_config *c)
{
    if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (int i = 0; i < OD_KEYS; i++) {
        const struct od_key_row *row = od_key_row((enum od_key)i);

        if (row->live)
            od_key_free(row, field_of(c, row));
    }
    od_free(c);
}

static enum od_err refuse_fixed(struct od_str name, const struct od_key_row *row,
                                struct od_text *why)
{
    od_text_add(why, "Cannot update these configs dynamically: [%.*s]", OD_STR_ARGS(name));
    if (!row)
        od_text_add(why, "; no broker setting has this name");
    else if (row->honoured)
        od_text_add(why, "; it has no effect: %s", row->honoured);
    else
        od_text_add(why, "; set it in the broker's file and restart");
    return OD_INVALID_REQUEST;
}

bool od_overrides_are_good(const char *text)
{
    struct od_str item;

    for (int i = 0; (item = od_config_item(text, i)).data; i++) {
        const char *colon = memrchr(item.data, ':', item.len), *end = item.data + item.len;
        int64_t number;

        if (!colon || colon == item.data ||
            !od_str_to_i64((struct od_str){ colon + 1, (size_t)(end - colon - 1) }, 0, INT32_MAX,
                           &number))
            return false;
    }
    return true;
}

static enum od_err check_overrides(struct od_str value, struct od_text *why)
{
    char *text = od_str_dup(value);
    bool good = od_overrides_are_good(text);

    od_free(text);
    if (!good)
        od_text_add(why, "Invalid value %.*s for configuration max.connections.per.ip.overrides: "
                         "must be address:number,address:number",
                    OD_STR_ARGS(value));
    return good ? OD_NONE : OD_INVALID_REQUEST;
}

enum od_err od_live_config_check(struct od_str name, struct od_str value, bool one_broker,
                                 struct od_text *why)
{
    const struct od_key_row *row = od_key_find(name);

    if (!row || !od_key_is_dynamic(row))
        return refuse_fixed(name, row, why);
    if (row->update == OD_UPDATE_BROKER && !one_broker) {
        od_text_add(why,
                    "Cannot update these configs at default cluster level, broker id must be "
                    "specified: [%s]",
                    row->name);
        return OD_INVALID_REQUEST;
    }
    if (row->key == OD_KEY_MAX_CONNECTIONS_PER_IP_OVERRIDES)
        return check_overrides(value, why);
    return od_key_check(row, row->name, value, why) ? OD_NONE : OD_INVALID_REQUEST;
}
