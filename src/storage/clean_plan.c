/* SPDX-License-Identifier: Apache-2.0 */
/* What to clean of a log, and which segments become one. */
#include "storage/clean_plan.h"

/* The time that lies ms before now, or the beginning of time. */
static int64_t time_before(int64_t now_ms, int64_t ms)
{
    return now_ms >= 0 && ms > now_ms ? INT64_MIN : now_ms - ms;
}

static bool too_young(const struct od_clean_segment *s, const struct od_clean_rules *r,
                      struct od_clean_outlook *out)
{
    if (r->min_lag_ms <= 0)
        return false;
    if (!s->times_known) {
        out->times_unknown = true;
        return true;
    }
    return s->max_timestamp > time_before(r->now_ms, r->min_lag_ms);
}

static bool waited_too_long(const struct od_clean_segment *s, const struct od_clean_rules *r)
{
    int64_t first = s->first_timestamp >= 0 ? s->first_timestamp : s->max_timestamp;

    return first >= 0 && first < time_before(r->now_ms, r->max_lag_ms);
}

void od_clean_plan(const struct od_clean_segment *segments, int n, int64_t start_offset,
                   int64_t cleaned, int64_t limit, const struct od_clean_rules *rules,
                   struct od_clean_outlook *out)
{
    bool open = true;

    *out = (struct od_clean_outlook){ .first_dirty = cleaned > start_offset ? cleaned
                                                                           : start_offset };
    out->limit_offset = out->first_dirty;
    for (int i = 0; i < n && open; i++) {
        const struct od_clean_segment *s = &segments[i];

        if (s->end_offset <= out->first_dirty) {
            out->clean_bytes += s->size;
            continue;
        }
        open = s->end_offset <= limit && !too_young(s, rules, out);
        if (!open)
            break;
        out->dirty_bytes += s->size;
        out->limit_offset = s->end_offset;
        out->overdue |= waited_too_long(s, rules);
    }
    if (!out->dirty_bytes)
        return;
    out->ratio = (double)out->dirty_bytes / (double)(out->dirty_bytes + out->clean_bytes);
    out->wanted = out->overdue || out->ratio > rules->dirty_ratio;
}

int od_clean_group(const struct od_clean_segment *segments, int n, int64_t segment_bytes,
                   int64_t index_bytes)
{
    int64_t bytes = segments[0].size, index = segments[0].index_bytes;
    int taken = 1;

    for (; taken < n; taken++) {
        const struct od_clean_segment *s = &segments[taken];

        bytes += s->size;
        index += s->index_bytes;
        if (bytes > segment_bytes || index > index_bytes ||
            s->end_offset - segments[0].base_offset > INT32_MAX)
            break;
    }
    return taken;
}
