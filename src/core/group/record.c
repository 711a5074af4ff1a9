/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of __consumer_offsets: writing them as Kafka 4.4 does, reading those of any version.
 * A key begins with its type, a value with its version.
 */
#include "base/assert.h"
#include "base/mem.h"
#include "core/group/modern_internal.h"
#include "wire/records/group_metadata_key.h"
#include "wire/records/group_metadata_value.h"
#include "wire/records/legacy_offset_commit_key.h"
#include "wire/records/offset_commit_key.h"
#include "wire/records/offset_commit_value.h"

enum {
    KEY_OFFSET_OF_OLD = 0, /* as OFFSET, written before 0.9 */
    KEY_OFFSET = 1,
    KEY_GROUP = 2,
    OFFSET_VALUE_WITH_EXPIRY = 1, /* the only version that has one */
    OFFSET_VALUE = 4,
    GROUP_VALUE = 3,
};

/* --- writing -----------------------------------------------------------------------------------
 */

struct od_bytes od_group_record_encode(struct od_arena *arena, const struct od_codec *codec,
                                       int16_t prefix, int16_t version, const void *message)
{
    struct od_size size = { 0 };
    struct od_writer w;
    enum od_err err = codec->size(message, version, &size);
    uint8_t *data;

    OD_ASSERT(!err && !size.err);
    data = od_arena_alloc(arena, size.wire + sizeof(prefix));
    od_be16_store(data, (uint16_t)prefix);
    w = od_writer_of(data + sizeof(prefix), size.wire);
    err = codec->encode(&w, version, message);
    OD_ASSERT(!err);
    return (struct od_bytes){ data, size.wire + sizeof(prefix) };
}

void od_group_record_add(struct od_group_out *out, struct od_bytes key, struct od_bytes value)
{
    if (out->record_count == out->record_capacity) {
        int32_t capacity = out->record_capacity ? out->record_capacity * 2 : 8;
        struct od_group_record *v = od_arena_alloc(out->arena, sizeof(*v) * (size_t)capacity);

        for (int32_t i = 0; i < out->record_count; i++)
            v[i] = out->records[i];
        out->records = v;
        out->record_capacity = capacity;
    }
    out->records[out->record_count++] = (struct od_group_record){ key, value };
}

static struct od_bytes offset_key(struct od_group_out *out, struct od_str group,
                                  struct od_str topic, int32_t partition)
{
    struct od_offset_commit_key key;

    od_offset_commit_key_defaults(&key);
    key.group = group;
    key.topic = topic;
    key.partition = partition;
    return od_group_record_encode(out->arena, &od_offset_commit_key_codec, KEY_OFFSET, 0, &key);
}

static struct od_bytes group_key(struct od_group_out *out, struct od_str group)
{
    struct od_group_metadata_key key;

    od_group_metadata_key_defaults(&key);
    key.group = group;
    return od_group_record_encode(out->arena, &od_group_metadata_key_codec, KEY_GROUP, 0, &key);
}

void od_group_record_offset(struct od_group_out *out, struct od_str group, struct od_str topic,
                            const struct od_committed *value)
{
    int16_t version = value->expire_wall_ms >= 0 ? OFFSET_VALUE_WITH_EXPIRY : OFFSET_VALUE;
    struct od_offset_commit_value v;

    od_offset_commit_value_defaults(&v);
    v.offset = value->offset;
    v.leader_epoch = value->leader_epoch;
    v.metadata = value->metadata;
    v.commit_timestamp = value->commit_wall_ms;
    v.expire_timestamp = value->expire_wall_ms;
    v.topic_id = value->topic_id;
    od_group_record_add(
        out, offset_key(out, group, topic, value->partition),
        od_group_record_encode(out->arena, &od_offset_commit_value_codec, version, version, &v));
}

void od_group_record_no_offset(struct od_group_out *out, struct od_str group, struct od_str topic,
                               int32_t partition)
{
    od_group_record_add(out, offset_key(out, group, topic, partition), (struct od_bytes){ 0 });
}

static void describe_member(const struct od_group *g, const struct od_group_member *m,
                            struct od_group_metadata_value_member *to)
{
    static const struct od_bytes empty = { (const uint8_t *)"", 0 };
    struct od_bytes subscription = od_group_metadata_for(m, g->protocol);

    od_group_metadata_value_member_defaults(to);
    to->member_id = m->id;
    to->group_instance_id = m->instance_id;
    to->client_id = m->client_id;
    to->client_host = m->client_host;
    to->rebalance_timeout = m->rebalance_timeout_ms;
    to->session_timeout = m->session_timeout_ms;
    to->subscription = subscription.data ? subscription : empty;
    to->assignment = m->assignment.data ? m->assignment : empty;
}

void od_group_record_generation(struct od_group_out *out, const struct od_group *g)
{
    struct od_group_metadata_value v;
    int32_t at = 0;

    od_group_metadata_value_defaults(&v);
    v.protocol_type = g->protocol_type.data ? g->protocol_type : OD_STR("");
    v.generation = g->generation;
    v.protocol = g->protocol;
    v.leader = g->leader ? g->leader->id : OD_STR_NULL;
    v.current_state_timestamp = g->state_wall_ms;
    OD_ARENA_LIST(out->arena, v.members, od_group_size(g));
    OD_LIST_EACH(&g->members_in_order, link)
        describe_member(g, OD_CONTAINER(link, struct od_group_member, link), &v.members.v[at++]);
    od_group_record_add(out, group_key(out, g->id),
                        od_group_record_encode(out->arena, &od_group_metadata_value_codec,
                                               GROUP_VALUE, GROUP_VALUE, &v));
}

void od_group_record_no_group(struct od_group_out *out, struct od_str group)
{
    od_group_record_add(out, group_key(out, group), (struct od_bytes){ 0 });
}

/* --- reading -----------------------------------------------------------------------------------
 */

struct replay {
    struct od_group_shard *shard;
    struct od_arena arena;
    int64_t producer_id;
    struct od_bytes value; /* after its version */
    int16_t version;
    bool tombstone;
};

static enum od_err decode_value(struct replay *r, const struct od_codec *codec, void *out)
{
    struct od_reader in = od_reader_of(r->value.data, r->value.len);

    return codec->decode(&in, r->version, &r->arena, out);
}

static enum od_err replay_offset(struct replay *r, struct od_str group, struct od_str topic,
                                 int32_t partition)
{
    struct od_group *g = od_group_find(r->shard, group);
    struct od_offset_commit_value v;
    struct od_committed c;
    enum od_err err;

    if (r->tombstone) {
        if (g)
            od_offsets_remove(g, topic, partition);
        if (g && od_group_holds_nothing(g) && !g->generation)
            od_group_free(g);
        return OD_NONE;
    }
    err = decode_value(r, &od_offset_commit_value_codec, &v);
    if (err)
        return err;
    c = (struct od_committed){ .partition = partition,
                               .leader_epoch = v.leader_epoch,
                               .offset = v.offset,
                               .commit_wall_ms = v.commit_timestamp,
                               .expire_wall_ms = v.expire_timestamp,
                               .metadata = v.metadata,
                               .topic_id = v.topic_id };
    if (r->producer_id >= 0)
        od_offsets_add_pending(r->shard, r->producer_id, group, topic, &c);
    else
        od_offsets_set(od_group_make(r->shard, group), topic, &c);
    return OD_NONE;
}

void od_group_forget_generation(struct od_group *g)
{
    struct od_group_out none = { 0 };

    OD_LIST_EACH(&g->members_in_order, link)
        od_group_remove(g, OD_CONTAINER(link, struct od_group_member, link), OD_NONE, &none);
    od_group_give_back(&g->protocol_type);
    od_group_give_back(&g->protocol);
    g->generation = 0;
    od_group_to_state(g, OD_GROUP_EMPTY, -1);
}

static void load_member(struct od_group *g, struct od_str protocol,
                        const struct od_group_metadata_value_member *from)
{
    struct od_group_protocol p = { protocol, from->subscription };
    struct od_group_member *m = od_group_add(g, from->member_id, from->group_instance_id);

    m->client_id = od_group_keep(from->client_id);
    m->client_host = od_group_keep(from->client_host);
    m->session_timeout_ms = from->session_timeout;
    m->rebalance_timeout_ms =
        from->rebalance_timeout < 0 ? from->session_timeout : from->rebalance_timeout;
    od_group_set_protocols(m, 1, &p);
    od_group_set_assignment(m, from->assignment);
}

static enum od_err replay_generation(struct replay *r, struct od_str group)
{
    struct od_group *g = od_group_find(r->shard, group);
    struct od_group_metadata_value v;
    enum od_err err;

    if (r->tombstone) {
        if (g)
            od_group_forget_generation(g);
        if (g && od_group_holds_nothing(g))
            od_group_free(g);
        return OD_NONE;
    }
    err = decode_value(r, &od_group_metadata_value_codec, &v);
    if (err)
        return err;
    g = od_group_make(r->shard, group);
    od_group_forget_generation(g);
    g->protocol_type = v.protocol_type.len ? od_group_keep(v.protocol_type) : OD_STR_NULL;
    g->protocol = od_group_keep(v.protocol);
    g->generation = v.generation;
    for (int32_t i = 0; i < v.members.n; i++)
        if (!od_group_member(g, v.members.v[i].member_id))
            load_member(g, v.protocol.data ? v.protocol : OD_STR(""), &v.members.v[i]);
    if (v.leader.data && od_group_member(g, v.leader))
        g->leader = od_group_member(g, v.leader);
    od_group_to_state(g, v.members.n > 0 ? OD_GROUP_STABLE : OD_GROUP_EMPTY,
                      v.current_state_timestamp);
    return OD_NONE;
}

static enum od_err replay_key(struct replay *r, struct od_bytes key)
{
    struct od_reader in = od_reader_of(key.data, key.len);
    int16_t type = od_read_i16(&in);
    struct od_legacy_offset_commit_key old;
    struct od_offset_commit_key offset;
    struct od_group_metadata_key group;
    enum od_err err = in.err;

    if (err)
        return err;
    switch (type) {
    case KEY_OFFSET_OF_OLD:
        err = od_legacy_offset_commit_key_decode(&in, 0, &r->arena, &old);
        return err ? err : replay_offset(r, old.group, old.topic, old.partition);
    case KEY_OFFSET:
        err = od_offset_commit_key_decode(&in, 0, &r->arena, &offset);
        return err ? err : replay_offset(r, offset.group, offset.topic, offset.partition);
    case KEY_GROUP:
        err = od_group_metadata_key_decode(&in, 0, &r->arena, &group);
        return err ? err : replay_generation(r, group.group);
    default: /* of a later version, or of another kind of group */
        return od_modern_replay(r->shard, type, &in, r->value, r->version, &r->arena);
    }
}

enum od_err od_group_shard_replay(struct od_group_shard *s, struct od_bytes key,
                                  struct od_bytes value, int64_t producer_id)
{
    struct replay r = { .shard = s, .producer_id = producer_id, .tombstone = !value.data };
    enum od_err err = OD_NONE;

    if (value.data) {
        struct od_reader in = od_reader_of(value.data, value.len);

        r.version = od_read_i16(&in);
        r.value = (struct od_bytes){ in.p, od_reader_left(&in) };
        err = in.err;
    }
    if (!err)
        err = replay_key(&r, key);
    od_arena_reset(&r.arena);
    return err;
}
