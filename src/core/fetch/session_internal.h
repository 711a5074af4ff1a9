/* SPDX-License-Identifier: Apache-2.0 */
/* What the cache of fetch sessions needs of a session. */
#pragma once

#include "core/fetch/session.h"

/* NULL: the budget is used up. */
struct od_fetch_session *od_fetch_session_new(struct od_fetch_cache *cache,
                                              const struct od_fetch_start *start);
void od_fetch_session_free(struct od_fetch_session *s);
