/* SPDX-License-Identifier: Apache-2.0 */
/* Short forms of administration: one topic, one partition.  What is answered borrows the
 * connection; each stops the test when there is no answer. */
#pragma once

#include "ask.h"
#include "wire/api/create_partitions.h"
#include "wire/api/delete_records.h"
#include "wire/api/delete_topics.h"

/* version 0: the highest; by name, or by id where by_id is set. */
struct od_delete_topics_rsp_response ask_delete(struct raw *c, int16_t version,
                                                const struct topic *t, bool by_id);
/* The topic of this name made anew: another id. */
struct topic ask_create_named(struct raw *c, const char *name, int32_t partitions,
                              const char *setting, const char *value);
struct od_create_partitions_rsp_result ask_grow(struct raw *c, int16_t version,
                                                const struct topic *t, int32_t count,
                                                bool validate_only);
struct od_delete_records_rsp_partition ask_delete_records(struct raw *c, int16_t version,
                                                          const struct topic *t, int32_t partition,
                                                          int64_t offset);
