/* SPDX-License-Identifier: Apache-2.0 */
/* What the `odradek log` commands share: opening the directory that they are given. */
#pragma once

#include "cli/cli.h"
#include "cli/disk_root.h"

/* Says what is wrong.  Exit code; close in any case. */
OD_MUST_USE int od_log_path_open(struct od_cli *cli, struct od_disk_root *out);
