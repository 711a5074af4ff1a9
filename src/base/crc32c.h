/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32C (Castagnoli) as Kafka's record batches use it. */
#pragma once

#include "base/compiler.h"

uint32_t od_crc32c(const void *data, size_t len);
/* Continues a checksum over further bytes; start with 0. */
uint32_t od_crc32c_more(uint32_t crc, const void *data, size_t len);
