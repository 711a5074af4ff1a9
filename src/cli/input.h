/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a whole file for a command. */
#pragma once

#include <stdint.h>
#include <stdio.h>

/* At most max bytes, the rest is left; the caller frees the result with od_free. */
uint8_t *od_cli_read_all(FILE *in, size_t max, size_t *len);
