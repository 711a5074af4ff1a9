/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of the executable and the exit codes they share. */
#pragma once

#include "base/compiler.h"

enum od_exit {
    OD_EXIT_OK = 0,
    OD_EXIT_FAILED = 1,  /* server: the configuration is wrong */
    OD_EXIT_USAGE = 2,   /* server: data directory or its lock */
    OD_EXIT_CONNECT = 3, /* server: an address is in use */
    OD_EXIT_INTERNAL = 70,
};

int od_main_server(int argc, char **argv);
int od_main_config(int argc, char **argv);
int od_main_protocol(int argc, char **argv);
int od_main_debug(int argc, char **argv);
