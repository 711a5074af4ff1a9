/* SPDX-License-Identifier: Apache-2.0 */
/* The commands that need the broker's own code; all others are in cli/commands.def. */
#pragma once

#include "cli/cli.h"

extern const struct od_cli_command od_cli_command_server;
extern const struct od_cli_command od_cli_command_config_document;
extern const struct od_cli_command od_cli_command_commands_document;
extern const struct od_cli_command od_cli_command_protocol_document;
