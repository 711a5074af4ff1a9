/* SPDX-License-Identifier: Apache-2.0 */
/* Help and docs/command-line.md, made from the command table.  Pure. */
#pragma once

#include "base/text.h"
#include "cli/command.h"

void od_help_all(const struct od_cli_commands *commands, struct od_text *out);
void od_help_noun(const struct od_cli_commands *commands, const char *noun, struct od_text *out);
void od_help_command(const struct od_cli_command *command, struct od_text *out);
void od_help_document(const struct od_cli_commands *commands, struct od_text *out); /* Markdown */
/* What a first word is about; NULL: it is a command of its own. */
const char *od_help_of_noun(const char *noun);
