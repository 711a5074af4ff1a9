/* SPDX-License-Identifier: Apache-2.0 */
/* `odradek debug decode`: shows a message that is given in hexadecimal. */
#pragma once

/* argv[0] is "decode", the arguments follow; returns the process's exit status. */
int od_cli_debug_decode(int argc, char **argv);
