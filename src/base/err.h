/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One error type for the whole program.  Codes from -1 up are Kafka's wire codes and may be
 * answered as they are; codes from -100 down are ours and pass through od_err_to_wire first.
 */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>

enum od_err {
#define OD_ERR(name, code, retriable, text) OD_##name = (code),
#define OD_ERR_INTERNAL(name, code, wire, text) OD_##name = (code),
#include "base/err.def"
#undef OD_ERR
#undef OD_ERR_INTERNAL
};

const char *od_err_name(enum od_err err); /* Kafka's spelling, such as NOT_LEADER_OR_FOLLOWER */
const char *od_err_text(enum od_err err); /* a phrase for people */
bool od_err_retriable(enum od_err err);
int16_t od_err_to_wire(enum od_err err);
