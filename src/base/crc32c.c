/* SPDX-License-Identifier: Apache-2.0 */
/* ISA-L's crc32_iscsi, which leaves the inversions to the caller. */
#include "base/crc32c.h"

#include <isa-l/crc.h>
#include <limits.h>

enum { PIECE_BYTES = 1 << 30 }; /* the library counts in int */

uint32_t od_crc32c_more(uint32_t crc, const void *data, size_t len)
{
    unsigned char *p = (unsigned char *)data; /* the library's prototype lacks const */

    crc = ~crc;
    while (len > PIECE_BYTES) {
        crc = crc32_iscsi(p, PIECE_BYTES, crc);
        p += PIECE_BYTES;
        len -= PIECE_BYTES;
    }
    return ~crc32_iscsi(p, (int)len, crc);
}

uint32_t od_crc32c(const void *data, size_t len)
{
    return od_crc32c_more(0, data, len);
}
