/* SPDX-License-Identifier: Apache-2.0 */
/* Framing of metadata records around the generated codecs. */
#include "core/cluster/record.h"

#include "base/assert.h"

enum { FRAME_VERSION = 1 };

static bool is_known(uint32_t type)
{
    switch ((enum od_record_type)type) {
    case OD_RECORD_REGISTER_BROKER:
    case OD_RECORD_UNREGISTER_BROKER:
    case OD_RECORD_TOPIC:
    case OD_RECORD_PARTITION:
    case OD_RECORD_CONFIG:
    case OD_RECORD_PARTITION_CHANGE:
    case OD_RECORD_FENCE_BROKER:
    case OD_RECORD_UNFENCE_BROKER:
    case OD_RECORD_REMOVE_TOPIC:
    case OD_RECORD_FEATURE_LEVEL:
    case OD_RECORD_PRODUCER_IDS:
    case OD_RECORD_BROKER_REGISTRATION_CHANGE:
    case OD_RECORD_NO_OP:
    case OD_RECORD_ZK_MIGRATION_STATE:
    case OD_RECORD_BEGIN_TRANSACTION:
    case OD_RECORD_END_TRANSACTION:
    case OD_RECORD_ABORT_TRANSACTION:
    case OD_RECORD_REGISTER_CONTROLLER:
    case OD_RECORD_CLEAR_ELR:
        return true;
    }
    return false;
}

/* The version that Kafka writes at our levels, all of which are 17 or above. */
static int16_t version_of(enum od_record_type type, int16_t metadata_version)
{
    enum { LEVEL_ELR = 23 };

    if (type == OD_RECORD_REGISTER_BROKER)
        return 3;
    if (type == OD_RECORD_BROKER_REGISTRATION_CHANGE)
        return 2;
    if (type == OD_RECORD_PARTITION || type == OD_RECORD_PARTITION_CHANGE)
        return metadata_version >= LEVEL_ELR ? 2 : 1;
    return 0;
}

/* All bodies begin at the same place. */
static void *body_of(const struct od_metadata_record *r)
{
    return (void *)&r->register_broker;
}

void od_metadata_record_init(struct od_metadata_record *r, enum od_record_type type,
                             int16_t metadata_version)
{
    r->type = type;
    r->version = version_of(type, metadata_version);
    od_codec_of_record((int16_t)type)->shape->defaults(body_of(r));
}

enum od_err od_metadata_record_decode(struct od_bytes value, struct od_arena *arena,
                                      struct od_metadata_record *out, struct od_text *why)
{
    struct od_reader r = od_reader_of(value.data, value.len);
    uint32_t frame = od_read_uvarint(&r);
    uint32_t type = od_read_uvarint(&r);
    uint32_t version = od_read_uvarint(&r);
    const struct od_codec *codec = type <= INT16_MAX ? od_codec_of_record((int16_t)type) : NULL;

    if (r.err) {
        od_text_add(why, "a metadata record without its frame");
        return OD_E_CORRUPT;
    }
    if (frame != FRAME_VERSION || !codec || !is_known(type) ||
        version > (uint32_t)codec->version_max) {
        od_text_add(why, "metadata record of type %u (%s), version %u, frame %u: not known here",
                    type, codec ? codec->name : "unnamed", version, frame);
        return OD_UNSUPPORTED_VERSION;
    }
    out->type = (enum od_record_type)type;
    out->version = (int16_t)version;
    OD_ASSERT(codec->shape->bytes <= sizeof(*out) - offsetof(struct od_metadata_record, topic));
    if (codec->decode(&r, out->version, arena, body_of(out)) || od_reader_left(&r)) {
        od_text_add(why, "metadata record %s version %u: %s", codec->name, version,
                    r.err ? od_err_text(r.err) : "bytes are left over");
        return OD_E_CORRUPT;
    }
    return OD_NONE;
}

enum od_err od_metadata_record_size(const struct od_metadata_record *r, size_t *out)
{
    struct od_size size = { 0 };
    enum od_err err = od_codec_of_record((int16_t)r->type)->size(body_of(r), r->version, &size);

    *out = size.wire + 1 + od_uvarint_len((uint64_t)r->type) + od_uvarint_len((uint64_t)r->version);
    return err;
}

enum od_err od_metadata_record_encode(const struct od_metadata_record *r, struct od_writer *w)
{
    od_write_uvarint(w, FRAME_VERSION);
    od_write_uvarint(w, (uint32_t)r->type);
    od_write_uvarint(w, (uint32_t)r->version);
    return od_codec_of_record((int16_t)r->type)->encode(w, r->version, body_of(r));
}
