/* SPDX-License-Identifier: Apache-2.0 */
/* Records of consumer groups: put, applied at once, and read again. */
#include "core/group/modern_internal.h"
#include "wire/records/consumer_group_current_member_assignment_key.h"
#include "wire/records/consumer_group_current_member_assignment_value.h"
#include "wire/records/consumer_group_member_metadata_key.h"
#include "wire/records/consumer_group_member_metadata_value.h"
#include "wire/records/consumer_group_metadata_key.h"
#include "wire/records/consumer_group_metadata_value.h"
#include "wire/records/consumer_group_regular_expression_key.h"
#include "wire/records/consumer_group_regular_expression_value.h"
#include "wire/records/consumer_group_target_assignment_member_key.h"
#include "wire/records/consumer_group_target_assignment_member_value.h"
#include "wire/records/consumer_group_target_assignment_metadata_key.h"
#include "wire/records/consumer_group_target_assignment_metadata_value.h"

enum {
    KEY_GROUP = 3,
    KEY_MEMBER = 5,
    KEY_TARGET_EPOCH = 6,
    KEY_TARGET = 7,
    KEY_CURRENT = 8,
    KEY_REGEX = 16,
};

static const struct od_bytes tombstone;

/* --- keys and values  -- */

/* All keys begin with the group; those of members have the same layout. */
static struct od_bytes member_key(struct od_group_out *out, int16_t type, struct od_str group,
                                  struct od_str member)
{
    struct od_consumer_group_member_metadata_key key = { group, member };

    return od_group_record_encode(out->arena, &od_consumer_group_member_metadata_key_codec, type, 0,
                                  &key);
}

static struct od_bytes group_key(struct od_group_out *out, int16_t type, struct od_str group)
{
    struct od_consumer_group_metadata_key key = { group };

    return od_group_record_encode(out->arena, &od_consumer_group_metadata_key_codec, type, 0, &key);
}

static struct od_bytes value_of(struct od_group_out *out, const struct od_codec *codec,
                                const void *v)
{
    return od_group_record_encode(out->arena, codec, 0, 0, v);
}

/* --- putting  -- */

void od_modern_put_group(struct od_group_out *out, struct od_group *g, int32_t epoch,
                           int64_t metadata_hash)
{
    struct od_consumer_group_metadata_value v;

    od_consumer_group_metadata_value_defaults(&v);
    v.epoch = epoch;
    v.metadata_hash = metadata_hash;
    od_group_record_add(out, group_key(out, KEY_GROUP, g->id),
                        value_of(out, &od_consumer_group_metadata_value_codec, &v));
    od_modern_apply_group(g, &v);
}

void od_modern_put_member(struct od_group_out *out, struct od_group *g, struct od_str id,
                            const struct od_consumer_group_member_metadata_value *v)
{
    od_group_record_add(out, member_key(out, KEY_MEMBER, g->id, id),
                        value_of(out, &od_consumer_group_member_metadata_value_codec, v));
    od_modern_apply_member(g, id, v);
}

void od_modern_put_target_epoch(struct od_group_out *out, struct od_group *g, int32_t epoch,
                                  int64_t wall_ms)
{
    struct od_consumer_group_target_assignment_metadata_value v;

    od_consumer_group_target_assignment_metadata_value_defaults(&v);
    v.assignment_epoch = epoch;
    v.assignment_timestamp = wall_ms;
    od_group_record_add(
        out, group_key(out, KEY_TARGET_EPOCH, g->id),
        value_of(out, &od_consumer_group_target_assignment_metadata_value_codec, &v));
    od_modern_apply_target_epoch(g, &v);
}

void od_modern_put_target(struct od_group_out *out, struct od_group *g, struct od_str id,
                            const struct od_assignment *target)
{
    struct od_consumer_group_target_assignment_member_value v;

    od_consumer_group_target_assignment_member_value_defaults(&v);
    OD_ARENA_LIST(out->arena, v.topic_partitions, target->n);
    for (int32_t i = 0; i < target->n; i++) {
        v.topic_partitions.v[i].topic_id = target->v[i].id;
        v.topic_partitions.v[i].partitions.n = target->v[i].n;
        v.topic_partitions.v[i].partitions.v = target->v[i].v;
    }
    od_group_record_add(out, member_key(out, KEY_TARGET, g->id, id),
                        value_of(out, &od_consumer_group_target_assignment_member_value_codec, &v));
    od_modern_apply_target(g, id, &v, out->arena);
}

static void list_owned(struct od_arena *arena, const struct od_assignment *a, int32_t *n,
                       struct od_consumer_group_current_member_assignment_value_topic **v)
{
    *n = a->n;
    *v = od_arena_alloc(arena, sizeof(**v) * (size_t)a->n);
    for (int32_t i = 0; i < a->n; i++) {
        od_consumer_group_current_member_assignment_value_topic_defaults(&(*v)[i]);
        (*v)[i].topic_id = a->v[i].id;
        (*v)[i].partitions.n = a->v[i].n;
        (*v)[i].partitions.v = a->v[i].v;
    }
}

void od_modern_put_current(struct od_group_out *out, struct od_group *g, struct od_str id,
                             const struct od_modern_current *c)
{
    struct od_consumer_group_current_member_assignment_value v;

    od_consumer_group_current_member_assignment_value_defaults(&v);
    v.member_epoch = c->epoch;
    v.previous_member_epoch = c->previous_epoch;
    v.state = (int8_t)c->state;
    list_owned(out->arena, &c->assigned, &v.assigned_partitions.n, &v.assigned_partitions.v);
    list_owned(out->arena, &c->revoking, &v.partitions_pending_revocation.n,
               &v.partitions_pending_revocation.v);
    od_group_record_add(
        out, member_key(out, KEY_CURRENT, g->id, id),
        value_of(out, &od_consumer_group_current_member_assignment_value_codec, &v));
    od_modern_apply_current(g, id, &v, out->arena);
}

void od_modern_put_regex(struct od_group_out *out, struct od_group *g, struct od_str text,
                           int32_t count, struct od_str *topics, int64_t version, int64_t wall_ms)
{
    struct od_consumer_group_regular_expression_value v;

    od_consumer_group_regular_expression_value_defaults(&v);
    v.topics.n = count;
    v.topics.v = topics;
    v.version = version;
    v.timestamp = wall_ms;
    od_group_record_add(out, member_key(out, KEY_REGEX, g->id, text),
                        value_of(out, &od_consumer_group_regular_expression_value_codec, &v));
    od_modern_apply_regex(g, text, &v);
}

void od_modern_drop_regex(struct od_group_out *out, struct od_group *g, struct od_str text)
{
    od_group_record_add(out, member_key(out, KEY_REGEX, g->id, text), tombstone);
    od_modern_apply_regex(g, text, NULL);
}

void od_modern_drop_member(struct od_group_out *out, struct od_group *g, struct od_str id)
{
    struct od_bytes member = member_key(out, KEY_MEMBER, g->id, id);

    od_group_record_add(out, member_key(out, KEY_CURRENT, g->id, id), tombstone);
    od_group_record_add(out, member_key(out, KEY_TARGET, g->id, id), tombstone);
    od_group_record_add(out, member, tombstone);
    od_modern_apply_current(g, id, NULL, out->arena);
    od_modern_apply_target(g, id, NULL, out->arena);
    od_modern_apply_member(g, id, NULL);
}

void od_modern_drop_group(struct od_group_out *out, struct od_group *g)
{
    struct od_any_list all = od_group_values(&g->modern->regexes, out->arena);

    for (int32_t i = 0; i < all.n; i++)
        od_modern_drop_regex(out, g, ((struct od_modern_regex **)all.v)[i]->text);
    od_group_record_add(out, group_key(out, KEY_TARGET_EPOCH, g->id), tombstone);
    od_group_record_add(out, group_key(out, KEY_GROUP, g->id), tombstone);
    od_modern_apply_group(g, NULL);
}

/* --- reading  -- */

struct replay {
    struct od_group_shard *shard;
    struct od_bytes value;
    int16_t version;
    struct od_arena *arena;
};

/* NULL with *err OD_NONE: a tombstone. */
static void *decode(const struct replay *r, const struct od_codec *codec, enum od_err *err)
{
    struct od_reader in = od_reader_of(r->value.data, r->value.len);
    void *v;

    *err = OD_NONE;
    if (!r->value.data)
        return NULL;
    v = od_arena_alloc(r->arena, codec->shape->bytes);
    *err = codec->decode(&in, r->version, r->arena, v);
    return v;
}

static enum od_err replay_group(const struct replay *r, int16_t type, struct od_str id)
{
    enum od_err err;
    void *v = decode(r,
                     type == KEY_GROUP ? &od_consumer_group_metadata_value_codec
                                       : &od_consumer_group_target_assignment_metadata_value_codec,
                     &err);
    struct od_group *g = err ? NULL : v ? od_group_make(r->shard, id) : od_group_find(r->shard, id);

    if (!g)
        return err;
    if (type == KEY_GROUP)
        od_modern_apply_group(g, v);
    else
        od_modern_apply_target_epoch(g, v);
    return OD_NONE;
}

static const struct od_codec *codec_of(int16_t type)
{
    switch (type) {
    case KEY_MEMBER:
        return &od_consumer_group_member_metadata_value_codec;
    case KEY_TARGET:
        return &od_consumer_group_target_assignment_member_value_codec;
    case KEY_CURRENT:
        return &od_consumer_group_current_member_assignment_value_codec;
    default:
        return &od_consumer_group_regular_expression_value_codec;
    }
}

/* name: a member, or a regular expression. */
static enum od_err replay_member(const struct replay *r, int16_t type, struct od_str id,
                                 struct od_str name)
{
    enum od_err err;
    void *v = decode(r, codec_of(type), &err);
    struct od_group *g = err ? NULL : v ? od_group_make(r->shard, id) : od_group_find(r->shard, id);

    if (!g || (!v && !g->modern))
        return err;
    if (type == KEY_MEMBER)
        od_modern_apply_member(g, name, v);
    else if (type == KEY_TARGET)
        od_modern_apply_target(g, name, v, r->arena);
    else if (type == KEY_CURRENT)
        od_modern_apply_current(g, name, v, r->arena);
    else
        od_modern_apply_regex(g, name, v);
    return OD_NONE;
}

enum od_err od_modern_replay(struct od_group_shard *s, int16_t type, struct od_reader *key,
                               struct od_bytes value, int16_t version, struct od_arena *arena)
{
    struct replay r = { s, value, version, arena };
    struct od_consumer_group_member_metadata_key member;
    struct od_consumer_group_metadata_key group;
    enum od_err err;

    switch (type) {
    case KEY_GROUP:
    case KEY_TARGET_EPOCH:
        err = od_consumer_group_metadata_key_decode(key, 0, arena, &group);
        return err ? err : replay_group(&r, type, group.group_id);
    case KEY_MEMBER:
    case KEY_TARGET:
    case KEY_CURRENT:
    case KEY_REGEX:
        err = od_consumer_group_member_metadata_key_decode(key, 0, arena, &member);
        return err ? err : replay_member(&r, type, member.group_id, member.member_id);
    default:
        return OD_NONE;
    }
}
