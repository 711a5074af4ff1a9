/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests made from a good one: each member in turn gets the values at its edges, also members
 * that the good one leaves out.  Only the first element of a list is varied.
 */
#pragma once

#include "script.h"

/* variant lives until the callback returns; name is such as "topics.0.timeout_ms=-1". */
void variants_each(const struct script *script, int16_t version, const json_t *request,
                   void (*take)(const json_t *variant, const char *name, void *arg), void *arg);
