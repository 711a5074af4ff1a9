/* SPDX-License-Identifier: Apache-2.0 */
/* The levels of the areas, and the question that every log line asks. */
#include "os/loglevel.h"

#include "base/logring.h"

#include <string.h>

enum { FOLLOWS_ROOT = -1, AREAS = 10, ROOT = 7 };

static const char *const areas[AREAS] = { "broker", "cli",  "client", "config",   "meta",
                                          "net",    "os",   "root",   "security", "storage" };
static const char *const levels[] = { "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL" };

/* Index of a word in levels; relaxed, as nothing else depends on it. */
static _Atomic int chosen[AREAS] = { FOLLOWS_ROOT, FOLLOWS_ROOT, FOLLOWS_ROOT, FOLLOWS_ROOT,
                                     FOLLOWS_ROOT, FOLLOWS_ROOT, FOLLOWS_ROOT, 2,
                                     FOLLOWS_ROOT, FOLLOWS_ROOT };

_Static_assert(sizeof(levels) / sizeof(levels[0]) == OD_LOG_ERROR + 3,
               "TRACE lies below DEBUG and FATAL above ERROR");

const char *od_loglevel_area(int index)
{
    return index >= 0 && index < AREAS ? areas[index] : NULL;
}

static int find_area(struct od_str area)
{
    for (int i = 0; i < AREAS; i++)
        if (od_str_is(area, areas[i]))
            return i;
    return -1;
}

static int find_level(struct od_str level)
{
    for (size_t i = 0; i < OD_COUNT(levels); i++)
        if (od_str_is(level, levels[i]))
            return (int)i;
    return -1;
}

static int level_of(int area)
{
    int level = atomic_load_explicit(&chosen[area], memory_order_relaxed);

    return level == FOLLOWS_ROOT ? atomic_load_explicit(&chosen[ROOT], memory_order_relaxed)
                                 : level;
}

bool od_loglevel_knows(struct od_str area)
{
    return find_area(area) >= 0;
}

const char *od_loglevel_get(struct od_str area)
{
    int i = find_area(area);

    return i < 0 ? NULL : levels[level_of(i)];
}

bool od_loglevel_is_level(struct od_str level)
{
    return find_level(level) >= 0;
}

bool od_loglevel_set(struct od_str area, struct od_str level)
{
    int i = find_area(area), to = find_level(level);

    if (i < 0 || to < 0)
        return false;
    atomic_store_explicit(&chosen[i], to, memory_order_relaxed);
    return true;
}

bool od_loglevel_unset(struct od_str area)
{
    int i = find_area(area);

    if (i < 0 || i == ROOT)
        return false;
    atomic_store_explicit(&chosen[i], FOLLOWS_ROOT, memory_order_relaxed);
    return true;
}

bool od_logring_wants(enum od_log_level level, const char *area)
{
    int i = find_area(od_str_of(area));

    /* An area that is not listed, such as the banner's, follows root. */
    return (int)level + 1 >= level_of(i < 0 ? ROOT : i);
}
