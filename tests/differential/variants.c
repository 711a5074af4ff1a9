/* SPDX-License-Identifier: Apache-2.0 */
/* Requests made from a good one by changing one member at a time. */
#include "variants.h"

#include "base/text.h"
#include "fill.h"

struct walk {
    const struct script *script;
    int16_t version;
    json_t *root; /* changed and changed back */
    void (*take)(const json_t *variant, const char *name, void *arg);
    void *arg;
};

static bool is_among(char *const *names, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* Values at the edges of a type, an owned array. */
static json_t *edges_of(const struct od_field *f)
{
    switch ((enum od_field_type)f->type) {
    case OD_FIELD_BOOL:
        return json_pack("[b, b]", 0, 1);
    case OD_FIELD_INT8:
        return json_pack("[i, i, i, i, i]", INT8_MIN, -1, 0, 1, INT8_MAX);
    case OD_FIELD_INT16:
        return json_pack("[i, i, i, i, i, i]", INT16_MIN, -2, -1, 0, 1, INT16_MAX);
    case OD_FIELD_INT32:
        return json_pack("[i, i, i, i, i, i]", INT32_MIN, -2, -1, 0, 1, INT32_MAX);
    case OD_FIELD_INT64:
        return json_pack("[I, I, I, I, I, I]", (json_int_t)INT64_MIN, (json_int_t)-2,
                         (json_int_t)-1, (json_int_t)0, (json_int_t)1, (json_int_t)INT64_MAX);
    case OD_FIELD_UINT16:
    case OD_FIELD_UINT32:
        return json_pack("[i, i]", 0, UINT16_MAX);
    case OD_FIELD_FLOAT64:
        return json_pack("[f, f]", 0.0, -1.0);
    case OD_FIELD_STRING:
        return json_pack("[s, s, s, n]", "", "$absent", "$no such name");
    case OD_FIELD_BYTES:
    case OD_FIELD_RECORDS:
        return json_pack("[s, s, n]", "", "abc");
    case OD_FIELD_UUID:
        return json_pack("[s, s]", "AAAAAAAAAAAAAAAAAAAAAA", "$absent.id");
    case OD_FIELD_STRUCT:
        return json_pack("[n]");
    }
    return NULL;
}

static void try_value(const struct walk *w, json_t *object, const struct od_field *f,
                      const char *path, json_t *value)
{
    json_t *before = json_incref(json_object_get(object, f->name));
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    struct od_text name = { 0 };

    if (!json_equal(before, value) && (!json_is_null(value) || fill_nullable(f, w->version))) {
        json_object_set(object, f->name, value);
        od_text_add(&name, "%s%s=%.60s", path, f->name, text);
        w->take(w->root, od_text_get(&name), w->arg);
        od_text_reset(&name);
        if (before)
            json_object_set(object, f->name, before);
        else
            json_object_del(object, f->name);
    }
    json_decref(before);
    free(text);
}

static void vary_list(const struct walk *w, json_t *object, const struct od_field *f,
                      const char *path)
{
    json_t *now = json_object_get(object, f->name), *first = json_array_get(now, 0);
    json_t *twice = json_array(), *none = json_array(), *null = json_null(), *edge;
    json_t *edges = f->type == OD_FIELD_STRUCT ? json_array() : edges_of(f);
    size_t i;

    try_value(w, object, f, path, none);
    try_value(w, object, f, path, null);
    if (first && !is_among(w->script->once, w->script->once_count, f->name)) {
        json_array_append(twice, first);
        json_array_append(twice, first);
        try_value(w, object, f, path, twice);
    }
    json_array_foreach(edges, i, edge)
    {
        json_t *one = json_pack("[O]", edge);

        if (!json_is_null(edge))
            try_value(w, object, f, path, one);
        json_decref(one);
    }
    json_decref(twice);
    json_decref(none);
    json_decref(edges);
}

static void vary(const struct walk *w, const struct od_shape *shape, json_t *object,
                 const char *path)
{
    for (uint32_t i = 0; i < shape->field_count; i++) {
        const struct od_field *f = &shape->fields[i];
        json_t *now = json_object_get(object, f->name);
        json_t *inner = f->list ? json_array_get(now, 0) : now, *edges, *edge;
        struct od_text deeper = { 0 };
        size_t j;

        if (!fill_has(f, w->version) || is_among(w->script->fixed, w->script->fixed_count, f->name))
            continue;
        if (f->list)
            vary_list(w, object, f, path);
        edges = f->list ? json_array() : edges_of(f);
        json_array_foreach(edges, j, edge) try_value(w, object, f, path, edge);
        json_decref(edges);
        if (f->type == OD_FIELD_STRUCT && json_is_object(inner)) {
            od_text_add(&deeper, "%s%s.", path, f->name);
            vary(w, f->shape, inner, od_text_get(&deeper));
        }
        od_text_reset(&deeper);
    }
}

void variants_each(const struct script *script, int16_t version, const json_t *request,
                   void (*take)(const json_t *variant, const char *name, void *arg), void *arg)
{
    struct walk w = { script, version, json_deep_copy(request), take, arg };

    vary(&w, script->api->request->shape, w.root, "");
    json_decref(w.root);
}
