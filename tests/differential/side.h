/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One of the two brokers of a conversation: its connection, what it serves, and what the
 * conversation has bound.  Answers are JSON, owned by the caller.  One thread.
 */
#pragma once

#include "raw.h"

#include <jansson.h>

enum { SIDE_KEYS_MAX = 128 };

struct side {
    const char *name;    /* of the release, or "ours"; borrowed */
    const char *address; /* host:port, borrowed */
    struct raw *raw;
    struct {
        int16_t min, max; /* max < min: not served */
    } served[SIDE_KEYS_MAX];
    char prefix[64]; /* of the conversation's names */
    int64_t now_ms;  /* of the conversation, the same for both */
    json_t *bound;   /* values by name */
};

/* Connects and asks for the versions; ends the program when that fails. */
struct side *side_open(const char *name, const char *address);
void side_close(struct side *s);
bool side_serves(const struct side *s, const struct od_api *api, int16_t version);

/* Forgets the conversation before; the connection is a fresh one. */
void side_begin(struct side *s, const char *prefix, int64_t now_ms);
void side_bind(struct side *s, const char *name, const json_t *value);

/*
 * Sends a request made from the template.  NULL, or why the version cannot say it (until the next
 * call).  That the connection is closed shows when receiving.  A version that does not exist has
 * an empty body, and its answer is the lowest version's.
 */
const char *side_send(struct side *s, const struct od_api *api, int16_t version,
                      const json_t *template);
/* What side_send would write, for whoever spoils it; owned by the caller; NULL: cannot be said. */
uint8_t *side_encode(struct side *s, const struct od_api *api, int16_t version,
                     const json_t *template, size_t *len);
/* The answer as an object, or "closed", "silence", "malformed"; after these the connection is new.
 */
json_t *side_receive(struct side *s, const struct od_api *api, int16_t version, int timeout_ms);
/* Waits until a topic that was created can be used, and binds its id; false: not within 10 s. */
bool side_await_topic(struct side *s, const char *name);
/* Waits until the group's coordinator answers; false: not within 10 s. */
bool side_await_group(struct side *s, const char *name);
