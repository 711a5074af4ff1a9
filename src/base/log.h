/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Diagnostics for people: one line per event, formatted into the calling thread's ring and
 * written to standard error by a helper.  A full ring drops the line and counts it.
 * Never log secrets, nor bytes from the wire unescaped.
 */
#pragma once

#include "base/compiler.h"

enum od_log_level { OD_LOG_DEBUG, OD_LOG_INFO, OD_LOG_WARN, OD_LOG_ERROR };

/* area: the folder's name, such as "storage".  At most OD_LOG_LINE_MAX bytes are kept. */
void od_log(enum od_log_level level, const char *area, const char *format, ...) OD_PRINTF(3, 4);

enum { OD_LOG_LINE_MAX = 500 };
