/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From which level on the lines of an area are logged.  Process-wide, changeable at any time from
 * any thread.  An area without a level of its own follows "root", which begins at INFO.
 */
#pragma once

#include "base/str.h"

/* By index, sorted, "root" among them; NULL past the last. */
const char *od_loglevel_area(int index);
bool od_loglevel_knows(struct od_str area);
/* Kafka's words: TRACE, DEBUG, INFO, WARN, ERROR, FATAL; NULL: no such area. */
const char *od_loglevel_get(struct od_str area);
bool od_loglevel_is_level(struct od_str level);
/* False: no such area or level. */
bool od_loglevel_set(struct od_str area, struct od_str level);
bool od_loglevel_unset(struct od_str area); /* follows root again; false: no such area, or root */
