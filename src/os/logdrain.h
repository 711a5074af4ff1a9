/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where log lines go: standard error, as `2026-11-20T13:00:00.123Z INFO area: message`.
 * Between start and stop a thread of its own writes them; outside, the caller of od_log does.
 */
#pragma once

#include "base/err.h"
#include "base/logring.h"

OD_MUST_USE enum od_err od_logdrain_start(void);
void od_logdrain_stop(void);  /* writes what is left; no od_log by another thread meanwhile */
void od_log_flush(void);      /* any thread; what was logged before is written when it returns */

enum { OD_LOG_PRINTED_MAX = OD_LOG_LINE_MAX + 48 };

/* Time, level, text and a newline; returns the length.  For whoever writes lines elsewhere. */
size_t od_logdrain_print(const struct od_logring_line *line, char out[OD_LOG_PRINTED_MAX]);
