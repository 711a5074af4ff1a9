/* SPDX-License-Identifier: Apache-2.0 */
/* Prints the broken invariant to standard error and aborts. */
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

void od_assert_fail(const char *file, int line, const char *expression)
{
    fprintf(stderr, "odradek: broken invariant at %s:%d: %s\n", file, line, expression);
    abort();
}
