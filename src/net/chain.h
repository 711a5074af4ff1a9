/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An answer as a list of parts: owned bytes, pieces of buffers, ranges of files.  Zero-initialise.
 * A chain owns its parts; one thread at a time.
 */
#pragma once

#include "base/buf.h"

struct od_file;

enum od_part_kind { OD_PART_BYTES, OD_PART_SLICE, OD_PART_FILE };

struct od_part {
    enum od_part_kind kind;
    union {
        void *bytes; /* from od_alloc */
        struct od_slice slice;
        struct {
            struct od_file *file;
            int64_t pos;
            void (*release)(void *pin); /* may be NULL */
            void *pin;                  /* what keeps the file open */
        } range;
    };
    size_t len;
};

struct od_chain {
    struct od_part *parts;
    int count;
    int capacity;
    size_t len;         /* of all parts together */
    size_t owned_bytes; /* of the parts in memory that no budget is charged for yet */
};

/* Takes over data, which came from od_alloc.  Nothing is added when len is 0. */
void od_chain_add_bytes(struct od_chain *c, void *data, size_t len);
/* Copies, for a few bytes. */
void od_chain_add_copy(struct od_chain *c, const void *data, size_t len);
/* Takes over the slice's reference. */
void od_chain_add_slice(struct od_chain *c, struct od_slice slice);
/* A range that is resident or may block the reactor; release(pin) is called once, on the thread
 * that frees the chain, when the bytes were sent or never will be. */
void od_chain_add_file(struct od_chain *c, struct od_file *file, int64_t pos, size_t len,
                       void (*release)(void *pin), void *pin);
void od_chain_reset(struct od_chain *c); /* releases every part; the chain stays usable */
