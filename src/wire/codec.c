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
