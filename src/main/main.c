/* SPDX-License-Identifier: Apache-2.0 */
/* The one executable: the table of its commands. */
#include "main/commands.h"

#include "cli/commands.h"

static const struct od_cli_command *const table[] = {
    &od_cli_command_server,
#define OD_COMMAND(name) &od_cli_command_##name,
#include "cli/commands.def"
#undef OD_COMMAND
    &od_cli_command_config_document,
    &od_cli_command_commands_document,
    &od_cli_command_protocol_document,
};

int main(int argc, char **argv)
{
    const struct od_cli_commands commands = { table, OD_COUNT(table) };

    return od_cli_main(&commands, argc, argv);
}
