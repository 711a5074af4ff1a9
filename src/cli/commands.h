/* SPDX-License-Identifier: Apache-2.0 */
/* Every command of this folder, as commands.def lists them. */
#pragma once

#include "cli/command.h"

#define OD_COMMAND(name) extern const struct od_cli_command od_cli_command_##name;
#include "cli/commands.def"
#undef OD_COMMAND
