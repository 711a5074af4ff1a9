/* SPDX-License-Identifier: Apache-2.0 */
/* The produce pipeline: one blocking connection, recv -> CRC32C -> pwrite -> acknowledge. */
#pragma once

#include "base/compiler.h"
#include "limits/settings.h"

/* Serves one connection after another until the process is ended. */
OD_NORETURN void od_limit_pipeline_run(const struct od_limit_settings *settings);
