/* SPDX-License-Identifier: Apache-2.0 */
/* Positions and points in time. */
#include "cli/position.h"

#include "cli/settings.h"

enum {
    DAY_MS = 86400000,
    YEAR_MIN = 1970,
    YEAR_MAX = 9999,
    DAYS_OF_400_YEARS = 146097,
    DAYS_TO_1970 = 719468, /* from the 1st of March of the year 0 */
};

/* Days since 1970, by years that begin in March, so that the leap day is the last. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month > 2 ? year : year - 1;
    int64_t of_era = y % 400;
    int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

    return y / 400 * DAYS_OF_400_YEARS + of_era * 365 + of_era / 4 - of_era / 100 + of_year -
           DAYS_TO_1970;
}

static int64_t days_in(int64_t year, int64_t month)
{
    return month == 12 ? 31 : days_of(year, month + 1, 1) - days_of(year, month, 1);
}

/* Takes len digits and, if there is more, one of the separators.  False: they are not there. */
static bool take(struct od_str *s, size_t len, int64_t min, int64_t max, int64_t *out)
{
    struct od_str digits = { s->data, len };

    if (s->len < len || digits.data[0] == '-' || digits.data[0] == '+' ||
        !od_str_to_i64(digits, min, max, out))
        return false;
    s->data += len;
    s->len -= len;
    return true;
}

static bool take_sign(struct od_str *s, char sign)
{
    if (s->len == 0 || s->data[0] != sign)
        return false;
    s->data++;
    s->len--;
    return true;
}

/* hh:mm[:ss[.mmm]] */
static bool take_clock(struct od_str *s, int64_t *ms)
{
    int64_t hour, minute, second = 0, part = 0;

    if (!take(s, 2, 0, 23, &hour) || !take_sign(s, ':') || !take(s, 2, 0, 59, &minute))
        return false;
    if (take_sign(s, ':')) {
        if (!take(s, 2, 0, 59, &second))
            return false;
        if (take_sign(s, '.') && !take(s, 3, 0, 999, &part))
            return false;
    }
    *ms = ((hour * 60 + minute) * 60 + second) * 1000 + part;
    return true;
}

static bool parse_calendar(struct od_str s, int64_t *ms)
{
    int64_t year, month, day, clock = 0;

    if (!take(&s, 4, YEAR_MIN, YEAR_MAX, &year) || !take_sign(&s, '-') ||
        !take(&s, 2, 1, 12, &month) || !take_sign(&s, '-') || !take(&s, 2, 1, 31, &day) ||
        day > days_in(year, month))
        return false;
    if (take_sign(&s, 'T') && !take_clock(&s, &clock))
        return false;
    take_sign(&s, 'Z');
    *ms = days_of(year, month, day) * DAY_MS + clock;
    return s.len == 0;
}

bool od_time_parse(struct od_str text, int64_t now_ms, int64_t *ms)
{
    struct od_str ago = { text.data + 1, text.len - 1 };

    if (text.len > 1 && text.data[0] == '-') {
        if (!od_duration_parse(ago, ms) || *ms > now_ms)
            return false;
        *ms = now_ms - *ms;
        return true;
    }
    return od_str_to_i64(text, 0, INT64_MAX, ms) || parse_calendar(text, ms);
}

bool od_position_parse(struct od_str text, int64_t now_ms, struct od_position *out)
{
    struct od_str rest = { text.data + 1, text.len - 1 };

    *out = (struct od_position){ OD_POSITION_START, 0 };
    if (od_str_is(text, "start"))
        return true;
    out->kind = OD_POSITION_END;
    if (od_str_is(text, "end"))
        return true;
    if (text.len > 1 && text.data[0] == '-')
        return od_str_to_i64(rest, 0, INT64_MAX, &out->number);
    out->kind = OD_POSITION_START;
    if (text.len > 1 && text.data[0] == '+')
        return od_str_to_i64(rest, 0, INT64_MAX, &out->number);
    out->kind = OD_POSITION_TIME;
    if (text.len > 1 && text.data[0] == '@')
        return od_time_parse(rest, now_ms, &out->number);
    out->kind = OD_POSITION_OFFSET;
    return od_str_to_i64(text, 0, INT64_MAX, &out->number);
}

void od_time_print(int64_t ms, struct od_text *out)
{
    int64_t day = ms / DAY_MS, rest = ms % DAY_MS;
    int64_t year = 1970 + day / 366, month = 1;

    if (ms < 0 || day > days_of(YEAR_MAX, 12, 31)) {
        od_text_add(out, "%lld", (long long)ms);
        return;
    }
    while (days_of(year + 1, 1, 1) <= day)
        year++;
    while (month < 12 && days_of(year, month + 1, 1) <= day)
        month++;
    od_text_add(out, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", (int)year, (int)month,
                (int)(day - days_of(year, month, 1)) + 1, (int)(rest / 3600000),
                (int)(rest / 60000 % 60), (int)(rest / 1000 % 60), (int)(rest % 1000));
}
