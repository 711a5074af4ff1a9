/* SPDX-License-Identifier: Apache-2.0 */
/* Look-ups in the generated tables. */
#include "wire/codec.h"

const struct od_api *od_api_find(int16_t key)
{
    int32_t low = 0, high = od_api_count;

    while (low < high) {
        int32_t middle = low + (high - low) / 2;

        if (od_apis[middle].key == key)
            return &od_apis[middle];
        if (od_apis[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const struct od_api *od_api_named(const char *name)
{
    for (int32_t i = 0; i < od_api_count; i++)
        if (strcmp(od_apis[i].name, name) == 0)
            return &od_apis[i];
    return NULL;
}

const struct od_codec *od_codec_named(const char *name)
{
    for (int32_t i = 0; i < od_codec_count; i++)
        if (strcmp(od_codecs[i]->name, name) == 0)
            return od_codecs[i];
    return NULL;
}

const struct od_codec *od_codec_of_record(int16_t type)
{
    for (int32_t i = 0; i < od_codec_count; i++)
        if (od_codecs[i]->kind == OD_CODEC_RECORD && od_codecs[i]->key == type)
            return od_codecs[i];
    return NULL;
}

size_t od_field_bytes(const struct od_field *f)
{
    static const size_t bytes[] = {
        [OD_FIELD_BOOL] = sizeof(bool),
        [OD_FIELD_INT8] = 1,
        [OD_FIELD_INT16] = 2,
        [OD_FIELD_INT32] = 4,
        [OD_FIELD_INT64] = 8,
        [OD_FIELD_UINT16] = 2,
        [OD_FIELD_UINT32] = 4,
        [OD_FIELD_FLOAT64] = 8,
        [OD_FIELD_STRING] = sizeof(struct od_str),
        [OD_FIELD_BYTES] = sizeof(struct od_bytes),
        [OD_FIELD_RECORDS] = sizeof(struct od_records),
        [OD_FIELD_UUID] = sizeof(struct od_uuid),
    };

    return f->type == OD_FIELD_STRUCT ? f->shape->bytes : bytes[f->type];
}
