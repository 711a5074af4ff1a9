/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One metadata record of any type, as the metadata log holds it: type, version and body.
 * The frame is Kafka's: uvarint 1, uvarint type, uvarint version, body.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

struct od_metadata_record;
