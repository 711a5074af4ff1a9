/* SPDX-License-Identifier: Apache-2.0 */
/* The manifest's bytes: records into frames, frames into entries. */
#pragma once

#include "storage/manifest.h"
#include "wire/reader.h"
#include "wire/writer.h"

enum {
    OD_MANIFEST_MAGIC_BYTES = 8,
    OD_MANIFEST_FRAME_MAGIC = 0x6f646672,
    OD_MANIFEST_FRAME_HEAD = 12,
    OD_MANIFEST_FRAME_AIM = 256 << 10, /* a frame is closed when it passes this */
};

extern const char od_manifest_magic[OD_MANIFEST_MAGIC_BYTES];

/* A frame being filled; the head's room lies in front. */
struct od_manifest_frame {
    uint8_t *data;
    size_t len; /* with the head; 0: empty */
    size_t capacity;
};

void od_frame_session(struct od_manifest_frame *f, const char *boot_id);
void od_frame_entry(struct od_manifest_frame *f, const struct od_manifest_entry *e);
void od_frame_gone(struct od_manifest_frame *f, const struct od_manifest_entry *e);
void od_frame_segments(struct od_manifest_frame *f, const struct od_manifest_entry *e);
void od_frame_clean(struct od_manifest_frame *f, uint32_t clean_crc, uint32_t entries);
void od_frame_seal(struct od_manifest_frame *f); /* fills the head in */
void od_frame_free(struct od_manifest_frame *f);

/* Payload length of the frame at data, of which len bytes are there; -1: no head. */
int64_t od_frame_head(const uint8_t *data, size_t len, uint32_t *crc);
/* Applies a whole payload to the entries. */
OD_MUST_USE enum od_err od_frame_apply(struct od_manifest *m, const uint8_t *payload, size_t len,
                                       struct od_manifest_found *found);
