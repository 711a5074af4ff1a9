/* SPDX-License-Identifier: Apache-2.0 */
/* Recognises UTF-8 in bytes that may be anything. */
#pragma once

#include "base/str.h"

/* The length of the sequence at the start of s, which is not empty; 0: none begins there. */
size_t od_utf8_len(struct od_str s);
