/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One metadata record of any type that the image knows.  In the log its frame is Kafka's: uvarint 1
 * (frame version), uvarint type, uvarint version, body.
 *
 * Levels.  We finalize metadata.version 21 (3.9-IV0): the lowest that Kafka 3.9 writes for a new
 * cluster, so that 3.9 and every 4.x read our log; it has directory ids (17) and asks for nothing
 * that we do not do, such as eligible leader replicas (23).  We read levels 17 to 25; record types
 * that protect (access control entries, SCRAM credentials, delegation tokens, quotas) stop the load
 * by name until they are built.
 */
#pragma once

#include "base/text.h"
#include "wire/records/abort_transaction_record.h"
#include "wire/records/begin_transaction_record.h"
#include "wire/records/broker_registration_change_record.h"
#include "wire/records/clear_elr_record.h"
#include "wire/records/config_record.h"
#include "wire/records/end_transaction_record.h"
#include "wire/records/feature_level_record.h"
#include "wire/records/fence_broker_record.h"
#include "wire/records/no_op_record.h"
#include "wire/records/partition_change_record.h"
#include "wire/records/partition_record.h"
#include "wire/records/producer_ids_record.h"
#include "wire/records/register_broker_record.h"
#include "wire/records/register_controller_record.h"
#include "wire/records/remove_topic_record.h"
#include "wire/records/topic_record.h"
#include "wire/records/unfence_broker_record.h"
#include "wire/records/unregister_broker_record.h"
#include "wire/records/zk_migration_state_record.h"

enum {
    OD_METADATA_VERSION_MIN = 17, /* 3.7-IV2 */
    OD_METADATA_VERSION = 21,     /* 3.9-IV0: what a new cluster gets */
    OD_METADATA_VERSION_MAX = 25, /* 4.0-IV3 */
};

enum od_record_type {
    OD_RECORD_REGISTER_BROKER = 0,
    OD_RECORD_UNREGISTER_BROKER = 1,
    OD_RECORD_TOPIC = 2,
    OD_RECORD_PARTITION = 3,
    OD_RECORD_CONFIG = 4,
    OD_RECORD_PARTITION_CHANGE = 5,
    OD_RECORD_FENCE_BROKER = 7,
    OD_RECORD_UNFENCE_BROKER = 8,
    OD_RECORD_REMOVE_TOPIC = 9,
    OD_RECORD_FEATURE_LEVEL = 12,
    OD_RECORD_PRODUCER_IDS = 15,
    OD_RECORD_BROKER_REGISTRATION_CHANGE = 17,
    OD_RECORD_NO_OP = 20,
    OD_RECORD_ZK_MIGRATION_STATE = 21,
    OD_RECORD_BEGIN_TRANSACTION = 23,
    OD_RECORD_END_TRANSACTION = 24,
    OD_RECORD_ABORT_TRANSACTION = 25,
    OD_RECORD_REGISTER_CONTROLLER = 27,
    OD_RECORD_CLEAR_ELR = 28,
};

struct od_metadata_record {
    enum od_record_type type;
    int16_t version;
    union {
        struct od_register_broker_record register_broker;
        struct od_unregister_broker_record unregister_broker;
        struct od_topic_record topic;
        struct od_partition_record partition;
        struct od_config_record config;
        struct od_partition_change_record partition_change;
        struct od_fence_broker_record fence_broker;
        struct od_unfence_broker_record unfence_broker;
        struct od_remove_topic_record remove_topic;
        struct od_feature_level_record feature_level;
        struct od_producer_ids_record producer_ids;
        struct od_broker_registration_change_record broker_registration_change;
        struct od_no_op_record no_op;
        struct od_zk_migration_state_record zk_migration_state;
        struct od_begin_transaction_record begin_transaction;
        struct od_end_transaction_record end_transaction;
        struct od_abort_transaction_record abort_transaction;
        struct od_register_controller_record register_controller;
        struct od_clear_elr_record clear_elr;
    };
};

/* Defaults of the type, in the version that the finalized level asks for. */
void od_metadata_record_init(struct od_metadata_record *r, enum od_record_type type,
                             int16_t metadata_version);
/* The frame and the body.  Strings borrow `value`, lists live in the arena. */
OD_MUST_USE enum od_err od_metadata_record_decode(struct od_bytes value, struct od_arena *arena,
                                                  struct od_metadata_record *out,
                                                  struct od_text *why);
OD_MUST_USE enum od_err od_metadata_record_size(const struct od_metadata_record *r, size_t *out);
OD_MUST_USE enum od_err od_metadata_record_encode(const struct od_metadata_record *r,
                                                  struct od_writer *w);
