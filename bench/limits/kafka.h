/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers in Kafka's framing without being a broker: the load generator is tested against it, and
 * it shows what Kafka's frames alone cost.  Knows what the load generator sends and nothing else:
 * ApiVersions 0, CreateTopics 4, Produce 9, Fetch 12.  Its only state is a batch
 * that was produced; every fetch returns it as often as fits.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/*
 * Writes the answer to one request; returns its length.  Ends the program when it needs more room
 * or does not know the request.  `kept` is the batch to fetch: empty at first, then owned memory.
 */
size_t od_limit_kafka_answer(const uint8_t *frame, size_t len, uint8_t *answer, size_t room,
                             struct od_bytes *kept);
