/* SPDX-License-Identifier: Apache-2.0 */
/* The profiles there are: files of the settings' folder. */
#pragma once

#include "cli/settings.h"

#include <jansson.h>

json_t *od_profiles_names(void); /* owned; sorted strings; empty without a folder */
