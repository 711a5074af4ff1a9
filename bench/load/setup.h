/* SPDX-License-Identifier: Apache-2.0 */
/* What has to be there before Kafka's framing can be measured: topic, and records to fetch. */
#pragma once

#include "load/script.h"

/*
 * Makes the script's topic; for a fetch it also fills every lane and checks one fetched answer
 * byte by byte.  Ends the program when the server refuses.
 */
void od_setup_run(int port, const struct od_script *script);
