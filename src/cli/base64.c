/* SPDX-License-Identifier: Apache-2.0 */
/* Three bytes to four characters and back. */
#include "cli/base64.h"

#include "base/mem.h"

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void od_base64_print(struct od_bytes in, struct od_text *out)
{
    for (size_t i = 0; i < in.len; i += 3) {
        size_t n = in.len - i < 3 ? in.len - i : 3;
        uint32_t v = (uint32_t)in.data[i] << 16 | (n > 1 ? (uint32_t)in.data[i + 1] << 8 : 0u) |
                     (n > 2 ? in.data[i + 2] : 0u);

        od_text_add(out, "%c%c%c%c", letters[v >> 18], letters[v >> 12 & 63],
                    n > 1 ? letters[v >> 6 & 63] : '=', n > 2 ? letters[v & 63] : '=');
    }
}

static int digit(char c)
{
    const char *at = c ? strchr(letters, c) : NULL;

    return at ? (int)(at - letters) : -1;
}

uint8_t *od_base64_parse(struct od_str in, size_t *len)
{
    size_t end = in.len;
    uint8_t *out;
    uint32_t bits = 0;

    if (in.len % 4)
        return NULL;
    for (int pad = 0; pad < 2 && end > 0 && in.data[end - 1] == '='; pad++)
        end--;
    out = od_alloc(in.len / 4 * 3 + 1);
    *len = 0;
    for (size_t i = 0; i < end; i++) {
        int d = digit(in.data[i]);

        if (d < 0) {
            od_free(out);
            return NULL;
        }
        bits = bits << 6 | (uint32_t)d;
        if (i % 4 > 0)
            out[(*len)++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
    }
    return out;
}
