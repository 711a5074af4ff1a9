#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A C program on Debian's librdkafka against a broker with two reactors, in both durability modes.
. tests/integration/lib.sh
start_broker --override num.network.threads=2
check "librdkafka, fsync" timeout 120 "${BUILD:-build/release}/tests/integration/rdkafka_client" "$broker"
stop_broker
rm -rf "$work/data"
start_broker --override odradek.durability=replicated
check "librdkafka, replicated" timeout 120 "${BUILD:-build/release}/tests/integration/rdkafka_client" "$broker"
stop_broker
