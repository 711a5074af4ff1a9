/* SPDX-License-Identifier: Apache-2.0 */
/* What the process is given by the machine. */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>

int od_process_cores(void);            /* that this process may use; at least 1 */
int64_t od_process_memory_bytes(void); /* of the machine, or its cgroup's limit if that is less */
bool od_process_can_write(const char *dir); /* it is writable, or could be made */
