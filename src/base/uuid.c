/* SPDX-License-Identifier: Apache-2.0 */
/* URL-safe base64 without padding (RFC 4648 section 5). */
#include "base/uuid.h"

#include "base/be.h"

#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

bool od_uuid_eq(struct od_uuid a, struct od_uuid b)
{
    return !memcmp(a.bytes, b.bytes, sizeof(a.bytes));
}

bool od_uuid_is_zero(struct od_uuid id)
{
    return od_uuid_eq(id, OD_UUID_ZERO);
}

void od_uuid_print(struct od_uuid id, char text[OD_UUID_TEXT_LEN + 1])
{
    for (int i = 0; i < OD_UUID_TEXT_LEN; i++) {
        int bit = i * 6;
        unsigned pair = (unsigned)id.bytes[bit / 8] << 8;

        if (bit / 8 + 1 < 16)
            pair |= id.bytes[bit / 8 + 1];
        text[i] = alphabet[pair >> (10 - bit % 8) & 63];
    }
    text[OD_UUID_TEXT_LEN] = '\0';
}

bool od_uuid_parse(struct od_str text, struct od_uuid *out)
{
    char again[OD_UUID_TEXT_LEN + 1];
    unsigned held = 0, bits = 0, n = 0;

    if (text.len != OD_UUID_TEXT_LEN)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        const char *at = text.data[i] ? strchr(alphabet, text.data[i]) : NULL;

        if (!at)
            return false;
        held = (held << 6 | (unsigned)(at - alphabet)) & 0xffff;
        bits += 6;
        if (bits >= 8 && n < 16) {
            bits -= 8;
            out->bytes[n++] = (uint8_t)(held >> bits);
        }
    }
    od_uuid_print(*out, again); /* refuses stray bits in the last character */
    return !memcmp(again, text.data, text.len);
}

struct od_uuid od_uuid_from_random(uint64_t high, uint64_t low)
{
    struct od_uuid id;

    od_be64_store(id.bytes, high);
    od_be64_store(id.bytes + 8, low);
    id.bytes[6] = (uint8_t)((id.bytes[6] & 0x0f) | 0x40);
    id.bytes[8] = (uint8_t)((id.bytes[8] & 0x3f) | 0x80);
    if (id.bytes[0] >> 2 == 62) /* '-' would read as an option on a command line */
        id.bytes[0] ^= 0x80;
    return id;
}
