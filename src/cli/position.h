/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A place in a partition as people write it: start, end, OFFSET, +N (after the start), -N (before
 * the end), @TIME.  TIME is ms since 1970, 2026-11-20, 2026-11-20T13:00[:05[.250]][Z] (UTC), or
 * -2h: that long ago.  Pure.
 */
#pragma once

#include "base/text.h"

enum od_position_kind {
    OD_POSITION_START, /* number of records behind it */
    OD_POSITION_END,   /* number of records before it */
    OD_POSITION_OFFSET,
    OD_POSITION_TIME, /* ms since 1970 */
};

struct od_position {
    enum od_position_kind kind;
    int64_t number;
};

#define OD_POSITION_FORMS "start, end, OFFSET, +N, -N or @TIME"

OD_MUST_USE bool od_position_parse(struct od_str text, int64_t now_ms, struct od_position *out);
OD_MUST_USE bool od_time_parse(struct od_str text, int64_t now_ms, int64_t *ms);
void od_time_print(int64_t ms, struct od_text *out); /* 2026-11-20T13:00:05.250Z */
