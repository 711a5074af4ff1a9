/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call whose answer a helper makes, because it walks over much or asks the file system.  While it
 * is out the call is the helper's: make may use its arena, request, response and the node, but not
 * its connection.
 */
#pragma once

#include "broker/call.h"
#include "os/helpers.h"

/* make: false when the answer passes the memory budget; the connection is then closed. */
enum od_done od_call_offload(struct od_call *call, bool (*make)(struct od_call *call));
