/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decompression as a stream of windows, over zlib, lz4, zstd and snappy.  What a library will
 * allocate is read from the stream's own header and charged before the library sees it.
 *
 * Snappy comes in two forms: raw, or framed by xerial's Java library (magic, two version words,
 * then blocks of int32 length and raw snappy).  A raw block has no bounded window, so each block is
 * expanded whole, after its claimed length was checked against what the input can yield.
 */
#include "wire/compress.h"

#include "base/be.h"
#include "base/mem.h"

#include <lz4frame.h>
#include <snappy-c.h>
#include <zlib.h>
#include <zstd.h>

enum {
    GZIP_STATE_BYTES = 48 << 10,  /* zlib's inflate: 32 KiB window and its tables */
    LZ4_STATE_BYTES = 192 << 10,  /* context and 128 KiB of history, besides two blocks */
    ZSTD_STATE_BYTES = 512 << 10, /* context, two blocks of 128 KiB, entropy tables */
    ZSTD_WINDOW_LOG_MAX = 27,     /* what the library itself accepts without being told */
    XERIAL_HEAD_BYTES = 16,
    SNAPPY_RATIO_MAX = 32, /* a copy of 64 bytes takes at least 2; one byte of slack each */
};

static const uint8_t xerial_magic[8] = {0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0};

struct od_expand {
    enum od_compress codec;
    struct od_expand_limits limits;
    const uint8_t *p; /* input not consumed */
    const uint8_t *end;
    int64_t produced;
    size_t charged;
    size_t frame_bytes; /* charged for the largest frame so far */
    uint8_t *out;       /* out_bytes; a snappy block may replace it by a larger one */
    size_t out_bytes;
    bool ended; /* gzip, lz4, zstd: between frames; the input may end here */
    bool xerial;
    z_stream zlib;
    LZ4F_dctx *lz4;
    ZSTD_DCtx *zstd;
};

static size_t input_left(const struct od_expand *e)
{
    return (size_t)(e->end - e->p);
}

static enum od_err charge(struct od_expand *e, size_t bytes)
{
    if (e->limits.budget && !od_budget_take(e->limits.budget, bytes))
        return OD_E_NO_MEMORY;
    e->charged += bytes;
    return OD_NONE;
}

/* A frame's buffers replace those of the one before it. */
static enum od_err charge_frame(struct od_expand *e, size_t bytes)
{
    enum od_err err;

    if (bytes <= e->frame_bytes)
        return OD_NONE;
    err = charge(e, bytes - e->frame_bytes);
    if (!err)
        e->frame_bytes = bytes;
    return err;
}

static enum od_err grow_output(struct od_expand *e, size_t bytes)
{
    enum od_err err;

    if (bytes <= e->out_bytes)
        return OD_NONE;
    err = charge(e, bytes - e->out_bytes);
    if (err)
        return err;
    od_free(e->out);
    e->out = od_alloc_try(bytes);
    e->out_bytes = e->out ? bytes : 0;
    return e->out ? OD_NONE : OD_E_NO_MEMORY;
}

/* --- gzip ---------------------------------------------------------------------------------- */

static enum od_err open_gzip(struct od_expand *e)
{
    enum od_err err = charge(e, GZIP_STATE_BYTES);

    if (err)
        return err;
    /* 16: a gzip header, not zlib's. */
    return inflateInit2(&e->zlib, 16 + MAX_WBITS) == Z_OK ? OD_NONE : OD_E_NO_MEMORY;
}

static enum od_err next_gzip(struct od_expand *e, size_t *len)
{
    *len = 0;
    while (*len < e->out_bytes) {
        int rc;

        if (e->ended && input_left(e) == 0)
            return OD_NONE;
        if (e->ended && inflateReset(&e->zlib) != Z_OK)
            return OD_E_CORRUPT;
        e->ended = false;
        e->zlib.next_in = (uint8_t *)(uintptr_t)e->p;
        e->zlib.avail_in = input_left(e) > INT32_MAX ? INT32_MAX : (unsigned)input_left(e);
        e->zlib.next_out = e->out + *len;
        e->zlib.avail_out = (unsigned)(e->out_bytes - *len);
        rc = inflate(&e->zlib, Z_NO_FLUSH);
        e->p = e->zlib.next_in;
        *len = e->out_bytes - e->zlib.avail_out;
        if (rc == Z_MEM_ERROR)
            return OD_E_NO_MEMORY;
        /* Z_BUF_ERROR: the input ends inside a member. */
        if (rc != Z_OK && rc != Z_STREAM_END)
            return OD_E_CORRUPT;
        e->ended = rc == Z_STREAM_END;
    }
    return OD_NONE;
}

/* --- lz4 ----------------------------------------------------------------------------------- */

/* Before each frame: what its blocks will take. */
static enum od_err begin_lz4_frame(struct od_expand *e)
{
    static const size_t block_bytes[] = {64 << 10, 256 << 10, 1 << 20, 4 << 20};
    LZ4F_frameInfo_t info;
    size_t used = input_left(e);
    size_t rc;
    int id;
    enum od_err err;

    rc = LZ4F_getFrameInfo(e->lz4, &info, e->p, &used);
    if (LZ4F_isError(rc))
        return OD_E_CORRUPT;
    e->p += used;
    id = info.blockSizeID == LZ4F_default ? 0 : (int)info.blockSizeID - (int)LZ4F_max64KB;
    if (info.frameType != LZ4F_frame || id < 0 || id > 3)
        return OD_E_CORRUPT;
    err = charge_frame(e, 2 * block_bytes[id]);
    if (!err)
        e->ended = false;
    return err;
}

static enum od_err open_lz4(struct od_expand *e)
{
    enum od_err err = charge(e, LZ4_STATE_BYTES);

    if (err)
        return err;
    e->ended = true;
    return LZ4F_isError(LZ4F_createDecompressionContext(&e->lz4, LZ4F_VERSION)) ? OD_E_NO_MEMORY
                                                                                : OD_NONE;
}

static enum od_err next_lz4(struct od_expand *e, size_t *len)
{
    *len = 0;
    while (*len < e->out_bytes) {
        size_t out = e->out_bytes - *len, in = input_left(e), rc;

        if (e->ended) {
            enum od_err err = in == 0 ? OD_NONE : begin_lz4_frame(e);

            if (in == 0 || err)
                return err;
            continue;
        }
        rc = LZ4F_decompress(e->lz4, e->out + *len, &out, e->p, &in, NULL);
        if (LZ4F_isError(rc))
            return OD_E_CORRUPT;
        e->p += in;
        *len += out;
        e->ended = rc == 0;
        if (in == 0 && out == 0 && !e->ended)
            return OD_E_CORRUPT;
    }
    return OD_NONE;
}

/* --- zstd ---------------------------------------------------------------------------------- */

/* The window that a frame asks for, from its header (RFC 8878, section 3.1.1.1); 0: skippable. */
static enum od_err zstd_window(const uint8_t *p, size_t len, uint64_t *bytes)
{
    static const uint8_t id_bytes[] = {0, 1, 2, 4};
    static const uint8_t size_bytes[] = {1, 2, 4, 8};
    size_t at;

    *bytes = 0;
    if (len < 6)
        return OD_E_CORRUPT;
    if ((p[0] & 0xf0) == 0x50 && p[1] == 0x2a && p[2] == 0x4d && p[3] == 0x18)
        return OD_NONE;
    if (!(p[4] & 0x20)) {
        uint64_t base = 1ull << (10 + (p[5] >> 3));

        *bytes = base + base / 8 * (p[5] & 7);
        return OD_NONE;
    }
    at = 5 + id_bytes[p[4] & 3];
    if (len < at + size_bytes[p[4] >> 6])
        return OD_E_CORRUPT;
    for (size_t i = size_bytes[p[4] >> 6]; i > 0; i--)
        *bytes = *bytes << 8 | p[at + i - 1];
    return OD_NONE;
}

static enum od_err begin_zstd_frame(struct od_expand *e)
{
    uint64_t window;
    enum od_err err = zstd_window(e->p, input_left(e), &window);

    if (err)
        return err;
    if (window > 1ull << ZSTD_WINDOW_LOG_MAX)
        return OD_E_LIMIT;
    err = charge_frame(e, window);
    if (!err)
        e->ended = false;
    return err;
}

static enum od_err open_zstd(struct od_expand *e)
{
    enum od_err err = charge(e, ZSTD_STATE_BYTES);

    if (err)
        return err;
    e->ended = true;
    e->zstd = ZSTD_createDCtx();
    if (!e->zstd)
        return OD_E_NO_MEMORY;
    ZSTD_DCtx_setParameter(e->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX);
    return OD_NONE;
}

static enum od_err next_zstd(struct od_expand *e, size_t *len)
{
    ZSTD_outBuffer out = {e->out, e->out_bytes, 0};

    *len = 0;
    while (out.pos < out.size) {
        ZSTD_inBuffer in = {e->p, input_left(e), 0};
        size_t before = out.pos, rc;

        if (e->ended) {
            enum od_err err = in.size == 0 ? OD_NONE : begin_zstd_frame(e);

            *len = out.pos;
            if (in.size == 0 || err)
                return err;
            continue;
        }
        rc = ZSTD_decompressStream(e->zstd, &out, &in);
        if (ZSTD_isError(rc))
            return OD_E_CORRUPT;
        e->p += in.pos;
        e->ended = rc == 0;
        if (in.pos == 0 && out.pos == before && !e->ended)
            return OD_E_CORRUPT;
    }
    *len = out.pos;
    return OD_NONE;
}

/* --- snappy -------------------------------------------------------------------------------- */

static enum od_err open_snappy(struct od_expand *e)
{
    e->xerial =
        input_left(e) >= XERIAL_HEAD_BYTES && memcmp(e->p, xerial_magic, sizeof(xerial_magic)) == 0;
    if (e->xerial)
        e->p += XERIAL_HEAD_BYTES;
    return OD_NONE;
}

static enum od_err expand_snappy(struct od_expand *e, size_t in, size_t *len)
{
    const char *p = (const char *)e->p;
    enum od_err err;
    size_t out;

    if (snappy_uncompressed_length(p, in, &out) != SNAPPY_OK || out / SNAPPY_RATIO_MAX > in)
        return OD_E_CORRUPT;
    if ((uint64_t)out > (uint64_t)(e->limits.total_bytes - e->produced))
        return OD_E_LIMIT;
    err = grow_output(e, out);
    if (err)
        return err;
    *len = e->out_bytes;
    if (snappy_uncompress(p, in, (char *)e->out, len) != SNAPPY_OK)
        return OD_E_CORRUPT;
    e->p += in;
    return OD_NONE;
}

/* The length of the next block; 0 after a header, which may come again where streams were joined.
 */
static enum od_err next_xerial_block(struct od_expand *e, size_t *in)
{
    if (input_left(e) >= XERIAL_HEAD_BYTES &&
        memcmp(e->p, xerial_magic, sizeof(xerial_magic)) == 0) {
        e->p += XERIAL_HEAD_BYTES;
        *in = 0;
        return OD_NONE;
    }
    if (input_left(e) < 4)
        return OD_E_CORRUPT;
    *in = od_be32_load(e->p);
    e->p += 4;
    return *in == 0 || *in > input_left(e) ? OD_E_CORRUPT : OD_NONE;
}

static enum od_err next_snappy(struct od_expand *e, size_t *len)
{
    *len = 0;
    /* Blocks may be empty; an empty window would mean the end. */
    while (*len == 0 && input_left(e) > 0) {
        size_t in = input_left(e);
        enum od_err err;

        if (e->xerial) {
            err = next_xerial_block(e, &in);
            if (err)
                return err;
        }
        if (in == 0)
            continue;
        err = expand_snappy(e, in, len);
        if (err)
            return err;
    }
    return OD_NONE;
}

/* --- all ----------------------------------------------------------------------------------- */

static enum od_err open_codec(struct od_expand *e)
{
    enum od_err err = OD_NONE;

    if (e->codec != OD_COMPRESS_NONE && e->codec != OD_COMPRESS_SNAPPY)
        err = grow_output(e, OD_EXPAND_WINDOW_BYTES);
    if (err)
        return err;
    switch (e->codec) {
    case OD_COMPRESS_NONE:
        return OD_NONE;
    case OD_COMPRESS_GZIP:
        return open_gzip(e);
    case OD_COMPRESS_SNAPPY:
        return open_snappy(e);
    case OD_COMPRESS_LZ4:
        return open_lz4(e);
    case OD_COMPRESS_ZSTD:
        return open_zstd(e);
    }
    return OD_UNSUPPORTED_COMPRESSION_TYPE;
}

enum od_err od_expand_open(enum od_compress codec, const uint8_t *data, size_t len,
                           const struct od_expand_limits *limits, struct od_expand **out)
{
    struct od_expand *e;
    enum od_err err;

    *out = NULL;
    if (limits->budget && !od_budget_take(limits->budget, sizeof(*e)))
        return OD_E_NO_MEMORY;
    e = OD_NEW(struct od_expand);
    e->codec = codec;
    e->limits = *limits;
    e->charged = sizeof(*e);
    e->p = data;
    e->end = data + len;
    err = open_codec(e);
    if (err)
        od_expand_close(e);
    else
        *out = e;
    return err;
}

static enum od_err next_of_codec(struct od_expand *e, size_t *len)
{
    switch (e->codec) {
    case OD_COMPRESS_NONE:
        break;
    case OD_COMPRESS_GZIP:
        return next_gzip(e, len);
    case OD_COMPRESS_SNAPPY:
        return next_snappy(e, len);
    case OD_COMPRESS_LZ4:
        return next_lz4(e, len);
    case OD_COMPRESS_ZSTD:
        return next_zstd(e, len);
    }
    *len = 0;
    return OD_NONE;
}

enum od_err od_expand_next(struct od_expand *e, struct od_bytes *window)
{
    enum od_err err;
    size_t len;

    *window = (struct od_bytes) {NULL, 0};
    if (e->codec == OD_COMPRESS_NONE) {
        *window = (struct od_bytes) {e->p, input_left(e)};
        e->p = e->end;
        return OD_NONE;
    }
    err = next_of_codec(e, &len);
    if (err)
        return err;
    e->produced += (int64_t)len;
    if (e->produced > e->limits.total_bytes)
        return OD_E_LIMIT;
    *window = (struct od_bytes) {e->out, len};
    return OD_NONE;
}

void od_expand_close(struct od_expand *e)
{
    if (!e)
        return;
    if (e->codec == OD_COMPRESS_GZIP)
        inflateEnd(&e->zlib);
    LZ4F_freeDecompressionContext(e->lz4);
    ZSTD_freeDCtx(e->zstd);
    od_free(e->out);
    if (e->limits.budget)
        od_budget_give(e->limits.budget, e->charged);
    od_free(e);
}

/* --- compression --------------------------------------------------------------------------- */

size_t od_compress_bound(enum od_compress codec, size_t len)
{
    switch (codec) {
    case OD_COMPRESS_NONE:
        return len;
    case OD_COMPRESS_GZIP:
        return compressBound(len) + 18; /* the gzip header and trailer */
    case OD_COMPRESS_SNAPPY:
        return snappy_max_compressed_length(len);
    case OD_COMPRESS_LZ4:
        return LZ4F_compressFrameBound(len, NULL);
    case OD_COMPRESS_ZSTD:
        return ZSTD_compressBound(len);
    }
    return 0;
}

static enum od_err compress_gzip(int level, struct od_bytes in, uint8_t *out, size_t capacity,
                                 size_t *out_len)
{
    z_stream z = {0};
    int rc;

    if (deflateInit2(&z, level ? level : Z_DEFAULT_COMPRESSION, Z_DEFLATED, 16 + MAX_WBITS, 8,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        return OD_E_NO_MEMORY;
    z.next_in = (uint8_t *)(uintptr_t)in.data;
    z.avail_in = (unsigned)in.len;
    z.next_out = out;
    z.avail_out = (unsigned)capacity;
    rc = deflate(&z, Z_FINISH);
    *out_len = capacity - z.avail_out;
    deflateEnd(&z);
    return rc == Z_STREAM_END ? OD_NONE : OD_E_FULL;
}

static enum od_err compress_snappy(struct od_bytes in, uint8_t *out, size_t capacity,
                                   size_t *out_len)
{
    *out_len = capacity;
    return snappy_compress((const char *)in.data, in.len, (char *)out, out_len) == SNAPPY_OK
               ? OD_NONE
               : OD_E_FULL;
}

static enum od_err compress_lz4(int level, struct od_bytes in, uint8_t *out, size_t capacity,
                                size_t *out_len)
{
    LZ4F_preferences_t preferences = {.compressionLevel = level};

    preferences.frameInfo.blockMode = LZ4F_blockIndependent;
    *out_len = LZ4F_compressFrame(out, capacity, in.data, in.len, &preferences);
    return LZ4F_isError(*out_len) ? OD_E_FULL : OD_NONE;
}

enum od_err od_compress(enum od_compress codec, int level, struct od_bytes in, uint8_t *out,
                        size_t capacity, size_t *out_len)
{
    *out_len = 0;
    if (in.len > INT32_MAX || capacity > UINT32_MAX)
        return OD_E_FULL;
    switch (codec) {
    case OD_COMPRESS_NONE:
        if (capacity < in.len)
            return OD_E_FULL;
        memcpy(out, in.data, in.len);
        *out_len = in.len;
        return OD_NONE;
    case OD_COMPRESS_GZIP:
        return compress_gzip(level, in, out, capacity, out_len);
    case OD_COMPRESS_SNAPPY:
        return compress_snappy(in, out, capacity, out_len);
    case OD_COMPRESS_LZ4:
        return compress_lz4(level, in, out, capacity, out_len);
    case OD_COMPRESS_ZSTD:
        *out_len = ZSTD_compress(out, capacity, in.data, in.len, level);
        return ZSTD_isError(*out_len) ? OD_E_FULL : OD_NONE;
    }
    return OD_UNSUPPORTED_COMPRESSION_TYPE;
}
