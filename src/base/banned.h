/* SPDX-License-Identifier: Apache-2.0 */
/* Functions that must not be used; forced into every compilation. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Macros where the C library checks its arguments for clang. */
#undef sprintf
#undef vsprintf
#pragma GCC poison strcpy strcat sprintf vsprintf strtok gets atoi atol rand srand
#pragma GCC poison localtime gmtime ctime asctime
#ifndef OD_ALLOW_MALLOC
#pragma GCC poison malloc calloc realloc
#endif
