#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Consumer groups with librdkafka: sharing, and positions that survive a stop and a kill.
. tests/integration/lib.sh
client=${BUILD:-build/release}/tests/integration/rdkafka_groups
run() {
    start_broker --override num.network.threads=3 --override group.initial.rebalance.delay.ms=100 \
        --override offsets.topic.num.partitions=5
    check "$1" timeout 90 "$client" "$broker" "$2"
}
run "two members share a topic" share
stop_broker
run "positions survive a stop" resume
kill_broker
run "positions survive a kill" resume
check "static members keep their partitions" timeout 90 "$client" "$broker" static
stop_broker
