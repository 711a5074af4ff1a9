/* SPDX-License-Identifier: Apache-2.0 */
/* Sleeping on a word of memory, futex(2), within this process. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

/* Sleeps while *word == value, at most timeout_ms (-1: without limit); may return early. */
void od_futex_wait(_Atomic uint32_t *word, uint32_t value, int64_t timeout_ms);
void od_futex_wake_one(_Atomic uint32_t *word);
