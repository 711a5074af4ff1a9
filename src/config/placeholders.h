/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The forms ${env:NAME}, ${file:PATH:KEY} and ${dir:PATH:NAME} in values, as Kafka's config
 * providers have them: a variable, a key of a .properties file, the whole of a file in a directory.
 * Other names are taken from config.providers.NAME.class; what names no provider stays as it is.
 */
#pragma once

#include "config/config_internal.h"

/* Replaces the forms in every value.  False: *errors has a line for each that has no value. */
OD_MUST_USE bool od_placeholders_fill(const struct od_config_input *in,
                                      struct od_found_list *found, struct od_text *errors);
