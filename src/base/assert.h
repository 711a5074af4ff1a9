/* SPDX-License-Identifier: Apache-2.0 */
/* Invariant checks that stay on in release builds; input must never reach one. */
#pragma once

#include "base/compiler.h"

OD_NORETURN void od_assert_fail(const char *file, int line, const char *expression);

#define OD_ASSERT(expression)                                                                      \
    do {                                                                                           \
        if (__builtin_expect(!(expression), 0))                                                    \
            od_assert_fail(__FILE__, __LINE__, #expression);                                       \
    } while (0)
