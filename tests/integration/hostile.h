/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every attack is judged by: the broker's log, its memory, and a neighbour, a well-behaved
 * client on a thread of its own that appends and reads back throughout.
 */
#pragma once

#include "ask.h"

/* Begins to watch: starts the neighbour with the first call, marks the end of the log. */
void watch_begin(void);
/*
 * Ends the test unless, since watch_begin: the neighbour was served with the right content and
 * never waited for more than a second; the broker's memory stayed within its limit.
 */
void watch_end(void);
/* The connection's own port, by which the log names it. */
int local_port(const struct raw *c);
/*
 * The log has exactly one line since watch_begin that names this port, and the line has both
 * phrases; a phrase may be NULL.
 */
void logged_once(int port, const char *phrase, const char *other);
/* The other side closes; then one line with both phrases names the connection, which is closed. */
void closed_and_logged(struct raw *c, const char *phrase, const char *other);
