/* SPDX-License-Identifier: Apache-2.0 */
/* How a benchmark program gives up: one line on standard error, exit status 1. */
#pragma once

#include "base/compiler.h"

/* Adds the text of errno when it is not 0. */
OD_NORETURN OD_PRINTF(1, 2) void od_fail(const char *format, ...);
