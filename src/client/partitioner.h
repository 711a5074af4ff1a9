/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which partition a key belongs to, as Java's clients decide it, so that records of one key meet
 * whoever writes them.  Pure.
 */
#pragma once

#include "base/str.h"

uint32_t od_murmur2(struct od_bytes key); /* with the seed of Java's clients */
int32_t od_partition_of_key(struct od_bytes key, int32_t partitions); /* partitions > 0 */
