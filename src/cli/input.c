/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a whole file into memory that doubles. */
#include "cli/input.h"

#include "base/mem.h"

uint8_t *od_cli_read_all(FILE *in, size_t max, size_t *len)
{
    size_t capacity = 1 << 16;
    uint8_t *data = od_alloc(capacity);

    *len = 0;
    while (!feof(in) && !ferror(in) && *len < max) {
        if (*len == capacity) {
            capacity *= 2;
            data = od_realloc(data, capacity);
        }
        *len += fread(data + *len, 1, (capacity < max ? capacity : max) - *len, in);
    }
    return data;
}
