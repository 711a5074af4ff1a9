/* SPDX-License-Identifier: Apache-2.0 */
/* What the process's standard streams are.  Main thread. */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>

int od_terminal_width(void);        /* of standard output: $COLUMNS, else the terminal's; 0: none */
bool od_terminal_has_colours(void); /* standard output is a terminal, and NO_COLOR is not set */
bool od_terminal_asks(void);        /* somebody sits there to be asked */
bool od_terminal_input_waits(void); /* a read of standard input would block */
/*
 * Flushes standard output.  Where its reader has gone the process ends as by SIGPIPE; where it
 * cannot be written the code is that of a failure.
 */
int od_terminal_finish(int code);
/* Flushes what a command has printed so far; false: nobody reads it, or it cannot be written. */
OD_MUST_USE bool od_terminal_flush(void);
