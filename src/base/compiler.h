/* SPDX-License-Identifier: Apache-2.0 */
/* Compiler attributes and small constant helpers. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define OD_MUST_USE __attribute__((warn_unused_result))
#define OD_NORETURN __attribute__((noreturn))
#define OD_PRINTF(format_index, first_index)                                                       \
    __attribute__((format(printf, format_index, first_index)))
#define OD_COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define OD_CONTAINER(pointer, type, member) ((type *)((char *)(pointer) - offsetof(type, member)))
