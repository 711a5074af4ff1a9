/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ConsumerGroupHeartbeat: members join, tell what they own, and are led to their target.
 *
 *                  target without something it owns
 *      STABLE ------------------------------------------> UNREVOKED
 *        ^  \                                                | has given it back
 *        |   \ target with something others own              v
 *        |    `----------------------------------> UNRELEASED (asks again with each heartbeat)
 *        `------------------ all of the target is its own ---'
 */
#include "base/mutant.h"
#include "base/regex.h"
#include "core/group/assignor.h"
#include "core/group/modern_internal.h"
#include "wire/api/consumer_group_heartbeat.h"
#include "wire/records/consumer_group_member_metadata_value.h"

#include <string.h>

enum { VERSION_CLIENT_IDS = 1 };

struct beat {
    struct od_group_shard *shard;
    const struct od_group_event *ev;
    struct od_group_call *call;
    const struct od_consumer_group_heartbeat_req *req;
    struct od_group_out *out;
    struct od_group *group;
    struct od_str member_id;
    bool tells_owned;
    struct od_assignment owned; /* as the request tells */
};

static void refuse(struct od_group_call *call, enum od_err err, const char *why,
                   struct od_group_out *out)
{
    struct od_consumer_group_heartbeat_rsp *rsp = call->consumer.rsp;

    rsp->error_code = od_err_to_wire(err);
    rsp->error_message = od_str_of(why);
    od_group_answered(out, call);
}

/* --- what a request must say  -- */

static bool is_empty(struct od_str s)
{
    return s.data && s.len == 0;
}

static const char *check_join(const struct od_consumer_group_heartbeat_req *req)
{
    if (req->rebalance_timeout_ms == -1)
        return "RebalanceTimeoutMs must be provided in first request.";
    if (req->topic_partitions.n != 0)
        return "TopicPartitions must be empty when (re-)joining.";
    if (req->subscribed_topic_names.n < 0 && !req->subscribed_topic_regex.data)
        return "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when "
               "(re-)joining.";
    return NULL;
}

static const char *check_request(const struct od_consumer_group_heartbeat_req *req, int16_t version)
{
    if (!req->group_id.len)
        return "GroupId can't be empty.";
    if (is_empty(req->instance_id))
        return "InstanceId can't be empty.";
    if (is_empty(req->rack_id))
        return "RackId can't be empty.";
    if (req->member_epoch < OD_MODERN_AWAY)
        return "MemberEpoch is invalid.";
    if (req->member_epoch == OD_MODERN_AWAY && !req->instance_id.data)
        return "InstanceId can't be null.";
    if (!req->member_id.len && (req->member_epoch != 0 || version >= VERSION_CLIENT_IDS))
        return "MemberId can't be empty.";
    return req->member_epoch == 0 ? check_join(req) : NULL;
}

static enum od_err check_values(struct beat *b, const char **why)
{
    struct od_str pattern = b->req->subscribed_topic_regex;
    struct od_text text = { 0 };
    struct od_regex *regex;
    enum od_err err;

    *why = check_request(b->req, b->call->version);
    if (*why)
        return OD_INVALID_REQUEST;
    if (b->req->server_assignor.data && !od_assignor_known(b->req->server_assignor)) {
        *why = od_arena_printf(b->call->arena,
                               "ServerAssignor %.*s is not supported. Supported assignors: "
                               "uniform, range.",
                               OD_STR_ARGS(b->req->server_assignor));
        return OD_UNSUPPORTED_ASSIGNOR;
    }
    if (!pattern.len)
        return OD_NONE;
    err = od_regex_new(pattern, &regex, &text);
    if (err)
        *why = od_arena_printf(b->call->arena,
                               "SubscribedTopicRegex `%.*s` is not a valid regular expression: %s",
                               OD_STR_ARGS(pattern), od_text_get(&text));
    od_text_reset(&text);
    od_regex_free(regex);
    return err;
}

/* --- who it is  -- */

/* The group, made if a member joins; *err: there is none of this kind. */
static struct od_group *find_group(struct beat *b, enum od_err *err, const char **why)
{
    struct od_group *g = od_group_find(b->shard, b->req->group_id);

    *err = OD_NONE;
    if (g && g->modern)
        return g;
    if (b->req->member_epoch != 0 || (g && g->state != OD_GROUP_EMPTY)) {
        *err = OD_GROUP_ID_NOT_FOUND;
        *why = od_arena_printf(b->call->arena,
                               g ? "Group %.*s is not a consumer group." : "Group %.*s not found.",
                               OD_STR_ARGS(b->req->group_id));
        return NULL;
    }
    g = od_group_make(b->shard, b->req->group_id);
    if (g->generation || g->protocol_type.data) { /* an empty classic group changes its kind */
        od_group_record_no_group(b->out, g->id);
        od_group_forget_generation(g);
    }
    od_modern_put_group(b->out, g, 0, 0);
    return g;
}

static const char *say_fenced(struct beat *b, const char *how, int32_t known)
{
    return od_arena_printf(
        b->call->arena,
        "The consumer group member has a %s member epoch (%d) than the one known "
        "by the group coordinator (%d). The member must abandon all its "
        "partitions and rejoin.",
        how, b->req->member_epoch, known);
}

/* The answer with the newer epoch may have been lost: then the earlier one is as good. */
static enum od_err check_epoch(struct beat *b, const struct od_modern_member *m, const char **why)
{
    int32_t epoch = b->req->member_epoch;

    if (epoch == 0 || epoch == m->epoch)
        return OD_NONE;
    if (epoch > m->epoch) {
        *why = say_fenced(b, "greater", m->epoch);
        return OD_FENCED_MEMBER_EPOCH;
    }
    if (epoch == m->previous_epoch && b->tells_owned &&
        od_assignment_within(&b->owned, &m->assigned))
        return OD_NONE;
    *why = say_fenced(b, "smaller", m->epoch);
    return OD_FENCED_MEMBER_EPOCH;
}

static enum od_err check_static(struct beat *b, const struct od_modern_member *m,
                                const char **why)
{
    bool same = m && od_str_eq(m->id, b->member_id);

    if (b->req->member_epoch == 0) {
        if (!m || same || m->epoch == OD_MODERN_AWAY)
            return OD_NONE;
        *why = od_arena_printf(b->call->arena,
                               "Static member %.*s with instance id %.*s cannot join the group "
                               "because the instance id is owned by %.*s member.",
                               OD_STR_ARGS(b->member_id), OD_STR_ARGS(b->req->instance_id),
                               OD_STR_ARGS(m->id));
        return OD_UNRELEASED_INSTANCE_ID;
    }
    if (!m) {
        *why = od_arena_printf(b->call->arena, "Instance id %.*s is unknown.",
                               OD_STR_ARGS(b->req->instance_id));
        return OD_UNKNOWN_MEMBER_ID;
    }
    if (!same) {
        *why = od_arena_printf(
            b->call->arena, "Static member %.*s with instance id %.*s was fenced by member %.*s.",
            OD_STR_ARGS(b->member_id), OD_STR_ARGS(b->req->instance_id), OD_STR_ARGS(m->id));
        return OD_FENCED_INSTANCE_ID;
    }
    return OD_NONE;
}

/* *m: the member as it is known, or NULL for a new one. */
static enum od_err find_member(struct beat *b, struct od_modern_member **m, const char **why)
{
    enum od_err err = OD_NONE;

    *m = b->req->instance_id.data ? od_modern_static(b->group, b->req->instance_id)
                                  : od_modern_member(b->group, b->member_id);
    if (b->req->instance_id.data)
        err = check_static(b, *m, why);
    else if (!*m && b->req->member_epoch != 0) {
        err = OD_UNKNOWN_MEMBER_ID;
        *why = od_arena_printf(b->call->arena, "Member %.*s is not a member of group %.*s.",
                               OD_STR_ARGS(b->member_id), OD_STR_ARGS(b->group->id));
    }
    if (err || !*m)
        return err;
    return check_epoch(b, *m, why);
}

/* --- leaving  -- */

void od_modern_fence(struct od_modern_member *m, struct od_group_out *out)
{
    struct od_group *g = m->group;

    od_modern_drop_member(out, g, m->id);
    od_modern_put_group(out, g, g->modern->epoch + 1, g->modern->metadata_hash);
    g->modern->seen_version = -1;
}

static void leave(struct beat *b)
{
    struct od_consumer_group_heartbeat_rsp *rsp = b->call->consumer.rsp;
    struct od_modern_member *m;
    const char *why = NULL;
    enum od_err err = OD_NONE;

    m = b->req->instance_id.data ? od_modern_static(b->group, b->req->instance_id)
                                 : od_modern_member(b->group, b->member_id);
    if (b->req->instance_id.data)
        err = check_static(b, m, &why);
    else if (!m) {
        err = OD_UNKNOWN_MEMBER_ID;
        why = od_arena_printf(b->call->arena, "Member %.*s is not a member of group %.*s.",
                              OD_STR_ARGS(b->member_id), OD_STR_ARGS(b->group->id));
    }
    if (err) {
        refuse(b->call, err, why, b->out);
        return;
    }
    rsp->member_id = od_group_lend(b->call, m->id);
    rsp->member_epoch = b->req->member_epoch;
    if (b->req->member_epoch == OD_MODERN_AWAY) { /* it will be back under this instance id */
        struct od_modern_current c = { .epoch = OD_MODERN_AWAY,
                                         .previous_epoch = m->epoch,
                                         .state = (enum od_modern_state)m->state,
                                         .assigned = m->assigned };

        od_deadline_clear(&b->shard->deadlines, &m->rebalance);
        od_modern_put_current(b->out, b->group, m->id, &c);
    } else {
        od_modern_fence(m, b->out);
    }
    od_group_answered(b->out, b->call);
}

/* --- joining, and telling news  -- */

/* A static member under a new id: what was its predecessor's becomes its own, from epoch 0. */
static struct od_modern_member *replace(struct beat *b, struct od_modern_member *old,
                                          struct od_consumer_group_member_metadata_value *v)
{
    struct od_assignment target = od_assignment_keep(&old->target);
    struct od_modern_current c = { .assigned = od_assignment_keep(&old->assigned) };

    od_modern_drop_member(b->out, b->group, old->id);
    od_modern_put_member(b->out, b->group, b->member_id, v);
    od_modern_put_target(b->out, b->group, b->member_id, &target);
    od_modern_put_current(b->out, b->group, b->member_id, &c);
    od_assignment_free(&target);
    od_assignment_free(&c.assigned);
    return od_modern_member(b->group, b->member_id);
}

static bool same_names(const struct od_modern_member *m, const struct od_str *names, int32_t n)
{
    int32_t distinct = 0;

    for (int32_t i = 0; i < n; i++) {
        bool earlier = false, known = false;

        for (int32_t j = 0; j < i && !earlier; j++)
            earlier = od_str_eq(names[i], names[j]);
        for (int32_t j = 0; j < m->topic_count && !known; j++)
            known = od_str_eq(names[i], m->topics[j]);
        if (!known)
            return false;
        distinct += !earlier;
    }
    return distinct == m->topic_count;
}

static bool same_or_both_none(struct od_str a, struct od_str b)
{
    return od_str_eq(a, b) || (!a.len && !b.len);
}

/* The member as it describes itself now: fields that are null in the request stay. */
static void describe(const struct beat *b, const struct od_modern_member *m,
                     struct od_consumer_group_member_metadata_value *v)
{
    const struct od_consumer_group_heartbeat_req *req = b->req;

    od_consumer_group_member_metadata_value_defaults(v);
    v->instance_id = req->instance_id.data || !m ? req->instance_id : m->instance_id;
    v->rack_id = req->rack_id.data || !m ? req->rack_id : m->rack_id;
    v->client_id = b->call->client_id.data ? b->call->client_id : OD_STR("");
    v->client_host = b->call->client_host;
    v->rebalance_timeout_ms =
        req->rebalance_timeout_ms >= 0 || !m ? req->rebalance_timeout_ms : m->rebalance_timeout_ms;
    v->server_assignor = req->server_assignor.data || !m ? req->server_assignor : m->assignor;
    v->subscribed_topic_regex =
        req->subscribed_topic_regex.data || !m ? req->subscribed_topic_regex : m->regex;
    if (req->subscribed_topic_names.n >= 0) {
        v->subscribed_topic_names.n = req->subscribed_topic_names.n;
        v->subscribed_topic_names.v = req->subscribed_topic_names.v;
    } else if (m) {
        v->subscribed_topic_names.n = m->topic_count;
        v->subscribed_topic_names.v = m->topics;
    }
}

/* What points into the member that is about to be replaced. */
static void copy_description(struct beat *b, struct od_consumer_group_member_metadata_value *v)
{
    struct od_group_call lender = { .arena = b->out->arena };
    struct od_str *names =
        od_arena_alloc(b->out->arena, sizeof(*names) * (size_t)(v->subscribed_topic_names.n + 1));

    for (int32_t i = 0; i < v->subscribed_topic_names.n; i++)
        names[i] = od_group_lend(&lender, v->subscribed_topic_names.v[i]);
    v->subscribed_topic_names.v = names;
    v->instance_id = od_group_lend(&lender, v->instance_id);
    v->rack_id = od_group_lend(&lender, v->rack_id);
    v->server_assignor = od_group_lend(&lender, v->server_assignor);
    v->subscribed_topic_regex = od_group_lend(&lender, v->subscribed_topic_regex);
}

/* Records what is new about the member; *changed: what it reads. */
static struct od_modern_member *subscribe(struct beat *b, struct od_modern_member *m,
                                            bool *changed)
{
    struct od_consumer_group_member_metadata_value v;

    describe(b, m, &v);
    *changed = !m || !same_names(m, v.subscribed_topic_names.v, v.subscribed_topic_names.n) ||
               !same_or_both_none(m->regex, v.subscribed_topic_regex);
    if (m && !od_str_eq(m->id, b->member_id)) {
        copy_description(b, &v);
        return replace(b, m, &v);
    }
    if (m && !*changed && same_or_both_none(m->rack_id, v.rack_id) &&
        same_or_both_none(m->instance_id, v.instance_id) &&
        same_or_both_none(m->assignor, v.server_assignor) &&
        same_or_both_none(m->client_id, v.client_id) &&
        same_or_both_none(m->client_host, v.client_host) &&
        m->rebalance_timeout_ms == v.rebalance_timeout_ms)
        return m;
    copy_description(b, &v);
    od_modern_put_member(b->out, b->group, b->member_id, &v);
    return od_modern_member(b->group, b->member_id);
}

/* --- reconciling  -- */

static bool owns_any_of(const struct beat *b, const struct od_assignment *a)
{
    return !b->tells_owned || od_assignment_meet(&b->owned, a);
}

/* The part of a that nobody owns. */
static struct od_assignment free_part(const struct beat *b, const struct od_assignment *a)
{
    struct od_assignment out;

    od_assignment_begin(b->out->arena, a->n, &out);
    for (int32_t i = 0; i < a->n; i++) {
        struct od_assignment_topic *t = &out.v[out.n];

        t->id = a->v[i].id;
        t->n = 0;
        t->v = od_arena_alloc(b->out->arena, sizeof(int32_t) * (size_t)a->v[i].n);
        for (int32_t j = 0; j < a->v[i].n; j++)
            if (!od_modern_owner(b->group, t->id, a->v[i].v[j]) ||
                OD_MUTANT(group_owner_forgotten))
                t->v[t->n++] = a->v[i].v[j];
        out.n += t->n > 0;
    }
    return out;
}

static int32_t size_of(const struct od_assignment *a)
{
    int32_t n = 0;

    for (int32_t i = 0; i < a->n; i++)
        n += a->v[i].n;
    return n;
}

static void advance(struct beat *b, struct od_modern_member *m, int32_t epoch)
{
    struct od_arena *arena = b->out->arena;
    struct od_assignment keeps = od_assignment_and(arena, &m->assigned, &m->target);
    struct od_assignment gives = od_assignment_minus(arena, &m->assigned, &m->target);
    struct od_assignment wants = od_assignment_minus(arena, &m->target, &keeps);
    struct od_assignment given;
    struct od_modern_current c = { .previous_epoch = m->epoch };

    if (gives.n > 0 && owns_any_of(b, &gives)) {
        c.state = OD_MODERN_UNREVOKED;
        c.epoch = epoch;
        c.assigned = keeps;
        c.revoking = gives;
    } else {
        given = free_part(b, &wants);
        c.state = size_of(&given) < size_of(&wants) ? OD_MODERN_UNRELEASED : OD_MODERN_STABLE;
        c.epoch = b->group->modern->assignment_epoch;
        c.assigned = od_assignment_or(arena, &keeps, &given);
    }
    if (c.epoch == m->epoch && c.state == (enum od_modern_state)m->state &&
        od_assignment_equal(&c.assigned, &m->assigned) &&
        od_assignment_equal(&c.revoking, &m->revoking))
        return;
    od_modern_put_current(b->out, b->group, m->id, &c);
    if (c.state == OD_MODERN_UNREVOKED)
        od_deadline_set(&b->shard->deadlines, &m->rebalance,
                        b->ev->now_ms + m->rebalance_timeout_ms);
    else
        od_deadline_clear(&b->shard->deadlines, &m->rebalance);
}

static void reconcile(struct beat *b, struct od_modern_member *m)
{
    switch ((enum od_modern_state)m->state) {
    case OD_MODERN_STABLE:
        if (m->epoch != b->group->modern->assignment_epoch)
            advance(b, m, m->epoch);
        return;
    case OD_MODERN_UNREVOKED:
        if (!owns_any_of(b, &m->revoking))
            advance(b, m, m->epoch + 1);
        return;
    case OD_MODERN_UNRELEASED:
        advance(b, m, m->epoch);
        return;
    }
}

/* --- the heartbeat  -- */

static void answer(struct beat *b, const struct od_modern_member *m, bool with_assignment)
{
    struct od_consumer_group_heartbeat_rsp *rsp = b->call->consumer.rsp;
    struct od_arena *arena = b->call->arena;

    rsp->member_id = od_group_lend(b->call, m->id);
    rsp->member_epoch = m->epoch;
    rsp->heartbeat_interval_ms = b->ev->rules->consumer_heartbeat_interval_ms;
    if (with_assignment) {
        rsp->assignment = od_arena_alloc(arena, sizeof(*rsp->assignment));
        OD_ARENA_LIST(arena, rsp->assignment->topic_partitions, m->assigned.n);
        for (int32_t i = 0; i < m->assigned.n; i++) {
            struct od_consumer_group_heartbeat_topic *t = &rsp->assignment->topic_partitions.v[i];
            const struct od_assignment_topic *from = &m->assigned.v[i];

            t->topic_id = from->id;
            OD_ARENA_LIST(arena, t->partitions, from->n);
            memcpy(t->partitions.v, from->v, sizeof(int32_t) * (size_t)from->n);
        }
    }
    od_group_answered(b->out, b->call);
}

/* Epoch 0 from a member that is known: it has given up all it had. */
static void begin_anew(struct beat *b, struct od_modern_member *m)
{
    struct od_modern_current c = { .state = OD_MODERN_STABLE };

    if (b->req->member_epoch == 0 && m->epoch > 0 && m->previous_epoch != 0)
        od_modern_put_current(b->out, b->group, m->id, &c);
}

static void beat(struct beat *b)
{
    const struct od_consumer_group_heartbeat_req *req = b->req;
    struct od_modern_member *m;
    struct od_assignment before;
    bool changed, full;
    const char *why = NULL;
    enum od_err err = find_member(b, &m, &why);

    if (!err && !m &&
        (int32_t)b->group->modern->members.count >= b->ev->rules->consumer_size_max) {
        err = OD_GROUP_MAX_SIZE_REACHED;
        why = "The consumer group has reached its maximum capacity (group.consumer.max.size).";
    }
    if (err) {
        refuse(b->call, err, why, b->out);
        return;
    }
    m = subscribe(b, m, &changed);
    begin_anew(b, m);
    before = od_assignment_keep(&m->assigned);
    od_modern_look_at_topics(b->group, b->ev, changed, b->out);
    od_modern_retarget(b->group, b->ev, b->out);
    reconcile(b, m);
    od_deadline_set(&b->shard->deadlines, &m->session,
                    b->ev->now_ms + b->ev->rules->consumer_session_timeout_ms);
    full = req->member_epoch == 0 ||
           (req->rebalance_timeout_ms != -1 && b->tells_owned &&
            (req->subscribed_topic_names.n >= 0 || req->subscribed_topic_regex.data));
    answer(b, m, full || !od_assignment_equal(&before, &m->assigned));
    od_assignment_free(&before);
}

static struct od_str new_member_id(const struct beat *b)
{
    struct od_uuid id = od_uuid_from_random(b->ev->random[0], b->ev->random[1]);
    char text[OD_UUID_TEXT_LEN + 1];

    od_uuid_print(id, text);
    return od_str_of(od_arena_printf(b->call->arena, "%s", text));
}

static void read_owned(struct beat *b)
{
    b->tells_owned = b->req->topic_partitions.n >= 0;
    od_assignment_begin(b->out->arena, b->req->topic_partitions.n, &b->owned);
    for (int32_t i = 0; i < b->req->topic_partitions.n; i++)
        od_assignment_add(b->out->arena, &b->owned, b->req->topic_partitions.v[i].topic_id,
                          b->req->topic_partitions.v[i].partitions.v,
                          b->req->topic_partitions.v[i].partitions.n);
    od_assignment_end(&b->owned);
}

void od_modern_heartbeat(struct od_group_shard *s, const struct od_group_event *ev,
                           struct od_group_call *call, struct od_group_out *out)
{
    struct beat b = { .shard = s, .ev = ev, .call = call, .req = call->consumer.req, .out = out };
    const char *why = NULL;
    enum od_err err = check_values(&b, &why);

    if (!err)
        b.group = find_group(&b, &err, &why);
    if (err) {
        refuse(call, err, why, out);
        return;
    }
    b.member_id = b.req->member_id.len ? b.req->member_id : new_member_id(&b);
    read_owned(&b);
    if (b.req->member_epoch < 0)
        leave(&b);
    else
        beat(&b);
}

/* --- time, restart, offsets  -- */

void od_modern_loaded(struct od_group *g, const struct od_group_event *ev)
{
    struct od_deadlines *deadlines = &g->shard->deadlines;

    OD_LIST_EACH(&g->modern->in_order, link) {
        struct od_modern_member *m = OD_CONTAINER(link, struct od_modern_member, link);

        if (!m->described) { /* the log was compacted between its records */
            od_modern_apply_member(g, m->id, NULL);
            continue;
        }
        od_deadline_set(deadlines, &m->session,
                        ev->now_ms + ev->rules->consumer_session_timeout_ms);
        if (m->state == OD_MODERN_UNREVOKED)
            od_deadline_set(deadlines, &m->rebalance, ev->now_ms + m->rebalance_timeout_ms);
    }
}

enum od_err od_modern_check_epoch(const struct od_group *g, struct od_str member_id,
                                    int32_t epoch)
{
    const struct od_modern_member *m = od_modern_member(g, member_id);

    if (epoch < 0 && od_modern_is_empty(g))
        return OD_NONE;
    if (!m)
        return OD_UNKNOWN_MEMBER_ID;
    return epoch == m->epoch ? OD_NONE : OD_STALE_MEMBER_EPOCH;
}
