/* SPDX-License-Identifier: Apache-2.0 */
/* What the APIs that change or show settings share. */
#pragma once

#include "broker/call.h"
#include "config/describe.h"
#include "core/cluster/cluster.h"

/* Of the wire; what is logged is no part of the metadata. */
enum { OD_RESOURCE_BROKER_LOGGER = 8 };

/*
 * Is this the number of our broker?  *why, in the call's arena, in Kafka's words; what:
 * "Node id" or "Broker id".
 */
bool od_resource_is_our_broker(struct od_call *call, struct od_str name, const char *what,
                               struct od_str *why);

/* What is stored for a resource, in the call's arena but for the texts, which borrow image. */
const struct od_setting *od_resource_settings(struct od_call *call, const struct od_image *image,
                                              enum od_resource_type type, struct od_str name,
                                              int *n);
/* Where the settings of our broker come from; borrows image. */
struct od_layers od_resource_layers(struct od_call *call, const struct od_image *image);

/*
 * Submits the alterations of resources to the controller and hands each one's outcome to `tell`, in
 * order, before the call is finished.  Log levels are changed here, at once.  count resources, in
 * the call's arena; tell runs on the call's shard.
 */
void od_resources_alter(struct od_call *call, const struct od_alter_resource *resources, int count,
                        bool validate_only,
                        void (*tell)(struct od_call *call, int index, enum od_err err,
                                     struct od_str message));
