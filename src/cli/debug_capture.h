/* SPDX-License-Identifier: Apache-2.0 */
/* `odradek debug decode --capture`: shows every request and response of a packet capture. */
#pragma once

#include "base/err.h"
#include "wire/print.h"

#include <stdio.h>

/*
 * Prints the messages in the order in which they were complete; remarks go there too.  A connection
 * is followed from its first packet (SYN) to the first missing byte.  OD_E_CORRUPT: not a capture.
 */
OD_MUST_USE enum od_err od_cli_debug_capture(const uint8_t *data, size_t len,
                                             enum od_print_form form, FILE *out);
