/* SPDX-License-Identifier: Apache-2.0 */
/* Loads the settings of a node: defaults, sources, aliases, what depends on the machine. */
#include "config/config.h"

#include "base/mem.h"
#include "config/live_config.h"
#include "config/placeholders.h"

#include <strings.h>

struct refused {
    const char *name; /* ends in * when it is a prefix */
    const char *harmless;
    const char *advice;
};

static const struct refused refusals[] = {
#define OD_REFUSED(name, harmless, advice) { name, harmless, advice },
#include "config/refused.def"
#undef OD_REFUSED
};

void *od_config_field(const struct od_config *c, const struct od_key_row *row)
{
    if (row->topic_index >= 0)
        return (char *)&c->topic + row->at;
    return (row->live ? (char *)&c->live : (char *)c) + row->at;
}

void od_config_say_key(const struct od_config *c, enum od_key key, struct od_text *out)
{
    const struct od_origin *o = &c->origins[key];

    const char *text = o->text && od_key_row(key)->type != OD_TYPE_PASSWORD ? o->text : "";

    od_text_add(out, "%s = %s (%s): ", od_key_row(key)->name, text,
                o->place ? o->place : "default");
}

static const struct refused *find_refused(struct od_str name)
{
    for (size_t i = 0; i < OD_COUNT(refusals); i++) {
        size_t len = strlen(refusals[i].name);
        bool prefix = refusals[i].name[len - 1] == '*';

        if (prefix ? name.len >= len && !memcmp(name.data, refusals[i].name, len - 1)
                   : od_str_is(name, refusals[i].name))
            return &refusals[i];
    }
    return NULL;
}

/* Its value may be a secret: not printed. */
static bool refuse(const struct od_found *f, struct od_text *errors)
{
    const struct refused *r = find_refused(od_str_of(f->name));

    if (!r || !f->origin.text[0] || (r->harmless && !strcasecmp(f->origin.text, r->harmless)))
        return false;
    od_text_add(errors, "%s (%s): %s\n", f->name, f->origin.place, r->advice);
    return true;
}

/* A key without a row.  Its value may be a secret: not printed. */
static void note_unknown(const struct od_found *f, struct od_text *notes)
{
    const struct od_key_row *topic = od_key_find_topic(od_str_of(f->name));

    if (find_refused(od_str_of(f->name)) || od_str_starts(od_str_of(f->name), "config.providers."))
        return; /* its harmless value; what ${} forms are read with */
    od_text_add(notes, "%s (%s): ", f->name, f->origin.place);
    if (topic && topic->name)
        od_text_add(notes, "is a setting of topics; the broker's is %s\n", topic->name);
    else
        od_text_add(notes, "unknown, no effect\n");
}

static bool apply_found(struct od_config *c, struct od_found_list *found, struct od_text *errors,
                        struct od_text *notes)
{
    bool good = true;

    for (int i = 0; i < found->n; i++) {
        struct od_found *f = &found->v[i];
        const struct od_key_row *row = od_key_find(od_str_of(f->name));
        struct od_text why = { 0 };

        bool bad = false;

        if (od_listener_limit_take(c, f, &bad, errors)) {
            good &= !bad;
            continue;
        }
        if (refuse(f, errors)) {
            good = false;
            continue;
        }
        if (!row) {
            note_unknown(f, notes);
            continue;
        }
        c->origins[row->key] = f->origin; /* the texts move */
        f->origin = (struct od_origin){ 0 };
        if (!od_key_parse(row, od_str_of(c->origins[row->key].text), od_config_field(c, row),
                          &why)) {
            od_config_say_key(c, row->key, errors);
            od_text_add(errors, "must be %s\n", od_text_get(&why));
            good = false;
        } else if (row->honoured && !find_refused(od_str_of(row->name))) {
            od_text_add(notes, "%s (%s): no effect: %s\n", row->name, c->origins[row->key].place,
                        row->honoured);
        }
        od_text_reset(&why);
    }
    return good;
}

static int64_t get_number(const struct od_key_row *row, const void *field)
{
    return row->type == OD_TYPE_INT32 ? *(const int32_t *)field : *(const int64_t *)field;
}

static void copy_alias(struct od_config *c, const struct od_key_row *from,
                       const struct od_key_row *to)
{
    void *field = od_config_field(c, to);
    int64_t value;

    if (to->type == OD_TYPE_LIST) {
        od_key_free(to, field);
        *(char **)field = od_strdup(*(char **)od_config_field(c, from));
        return;
    }
    value = get_number(from, od_config_field(c, from));
    if (value >= 0 && __builtin_mul_overflow(value, from->factor, &value))
        value = INT64_MAX;
    if (to->type == OD_TYPE_INT32)
        *(int32_t *)field = (int32_t)value;
    else
        *(int64_t *)field = value;
}

/* The alias that is set and has the finest unit, or NULL. */
static const struct od_key_row *find_alias(const struct od_config *c, enum od_key key)
{
    const struct od_key_row *best = NULL;

    for (int i = 0; i < OD_KEYS; i++) {
        const struct od_key_row *row = od_key_row((enum od_key)i);

        if (row->alias_of == (int)key + 1 && c->origins[i].text &&
            (!best || row->factor < best->factor))
            best = row;
    }
    return best;
}

static void apply_aliases(struct od_config *c)
{
    for (int i = 0; i < OD_KEYS; i++) {
        const struct od_key_row *alias = find_alias(c, (enum od_key)i);

        if (alias && !c->origins[i].text)
            copy_alias(c, alias, od_key_row((enum od_key)i));
    }
}

static int64_t clamp(int64_t value, int64_t min, int64_t max)
{
    return value < min ? min : value > max ? max : value;
}

static void apply_machine(struct od_config *c, const struct od_config_input *in)
{
    enum { REACTORS_MAX = 8 };
    static const int64_t budget_min = 16 << 20, dirty_min = 64 << 20, max = 1 << 30;

    if (!c->origins[OD_KEY_NUM_NETWORK_THREADS].text) {
        int n = in->cores <= 2 ? 1 : in->cores - 1;

        c->num_network_threads = n < REACTORS_MAX ? n : REACTORS_MAX;
    }
    if (!c->origins[OD_KEY_QUEUED_MAX_REQUEST_BYTES].text || c->queued_max_request_bytes == -1)
        c->queued_max_request_bytes = clamp(in->memory_bytes / 4, budget_min, max);
    if (!c->origins[OD_KEY_ODRADEK_MAX_DIRTY_BYTES].text || c->odradek_max_dirty_bytes == -1)
        c->odradek_max_dirty_bytes = clamp(in->memory_bytes / 16, dirty_min, max);
    if (!c->log_dirs)
        c->log_dirs = od_strdup(in->data_dir);
}

static int count_items(const char *list)
{
    int n = 0;

    while (od_config_item(list, n).data)
        n++;
    return n;
}

/* Broker and controller in one process is all there is. */
static bool check_roles(const struct od_config *c, struct od_text *errors)
{
    bool broker = false, controller = false, other = false;
    struct od_str role;

    for (int i = 0; (role = od_config_item(c->process_roles, i)).data; i++) {
        if (od_str_is(role, "broker"))
            broker = true;
        else if (od_str_is(role, "controller"))
            controller = true;
        else
            other = true;
    }
    if ((broker && controller && !other) || !c->process_roles[0])
        return true;
    od_config_say_key(c, OD_KEY_PROCESS_ROLES, errors);
    od_text_add(errors, "only broker,controller is built so far; remove the key\n");
    return false;
}

static bool check_quorum(const struct od_config *c, enum od_key key, const char *list,
                         struct od_text *errors)
{
    if (count_items(list) <= 1)
        return true;
    od_config_say_key(c, key, errors);
    od_text_add(errors, "a quorum of several controllers is not built yet; name this node only, "
                        "or remove the key\n");
    return false;
}

static bool check_overrides(const struct od_config *c, struct od_text *errors)
{
    if (od_overrides_are_good(c->live.max_connections_per_ip_overrides))
        return true;
    od_config_say_key(c, OD_KEY_MAX_CONNECTIONS_PER_IP_OVERRIDES, errors);
    od_text_add(errors, "must be address:number,address:number\n");
    return false;
}

static bool check_log_dirs(const struct od_config *c, struct od_text *errors)
{
    struct od_str dir = OD_STR_NULL;

    if (c->log_dirs)
        dir = od_config_item(c->log_dirs, 0);
    if (dir.len && count_items(c->log_dirs) == 1)
        return true;
    od_config_say_key(c, OD_KEY_LOG_DIRS, errors);
    od_text_add(errors, dir.len ? "several data directories are not built yet; name one\n"
                                : "must name a directory\n");
    return false;
}

enum od_err od_config_load(struct od_config *c, const struct od_config_input *in,
                           struct od_text *errors, struct od_text *notes)
{
    struct od_found_list found;
    bool good;

    memset(c, 0, sizeof(*c));
    for (int i = 0; i < OD_KEYS; i++) {
        const struct od_key_row *row = od_key_row((enum od_key)i);

        od_key_set_default(row, od_config_field(c, row));
    }
    good = od_sources_collect(in, &found, errors);
    good = od_placeholders_fill(in, &found, errors) && good;
    good &= apply_found(c, &found, errors, notes);
    od_found_list_deinit(&found);
    apply_aliases(c);
    apply_machine(c, in);
    good &= check_roles(c, errors);
    good &= check_quorum(c, OD_KEY_CONTROLLER_QUORUM_VOTERS, c->controller_quorum_voters, errors);
    good &= check_quorum(c, OD_KEY_CONTROLLER_QUORUM_BOOTSTRAP_SERVERS,
                         c->controller_quorum_bootstrap_servers, errors);
    good &= check_overrides(c, errors);
    good &= check_log_dirs(c, errors);
    good &= od_endpoints_load(c, errors);
    return good ? OD_NONE : OD_E_CONFIG;
}

void od_config_deinit(struct od_config *c)
{
    for (int i = 0; i < OD_KEYS; i++) {
        const struct od_key_row *row = od_key_row((enum od_key)i);

        od_key_free(row, od_config_field(c, row));
        od_free(c->origins[i].text);
        od_free(c->origins[i].place);
    }
    od_endpoints_deinit(c);
    memset(c, 0, sizeof(*c));
}

bool od_config_is_set(const struct od_config *c, enum od_key key)
{
    return c->origins[key].text || find_alias(c, key);
}

static const char *variable(const char *const *environment, const char *name)
{
    size_t len = strlen(name);

    for (; environment && *environment; environment++)
        if (!strncmp(*environment, name, len) && (*environment)[len] == '=' &&
            (*environment)[len + 1])
            return *environment + len + 1;
    return NULL;
}

void od_config_data_dir(const char *const *environment, bool var_writable, struct od_text *out)
{
    const char *state = variable(environment, "XDG_STATE_HOME");
    const char *home = variable(environment, "HOME");

    if (var_writable || (!state && !home))
        od_text_add(out, "/var/lib/odradek");
    else if (state)
        od_text_add(out, "%s/odradek", state);
    else
        od_text_add(out, "%s/.local/state/odradek", home);
}

void od_config_print(const struct od_config *c, enum od_key key, struct od_text *out)
{
    const struct od_key_row *row = od_key_row(key);

    od_key_print(row, od_config_field(c, row), out);
}
