/* SPDX-License-Identifier: Apache-2.0 */
/* The exit codes of every command but `server`, whose meanings stand beside them. */
#pragma once

enum od_exit {
    OD_EXIT_OK = 0,
    OD_EXIT_FAILED = 1,     /* server: the configuration is wrong */
    OD_EXIT_USAGE = 2,      /* server: data directory or its lock */
    OD_EXIT_CONNECT = 3,    /* no connection or no answer in time; server: an address is in use */
    OD_EXIT_FORBIDDEN = 4,  /* not authorised */
    OD_EXIT_PARTIAL = 5,    /* some of several were done */
    OD_EXIT_NOT_FOUND = 6,
    OD_EXIT_EXISTS = 7,
    OD_EXIT_INTERNAL = 70,
};
