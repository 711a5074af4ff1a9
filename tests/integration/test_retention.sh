#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Old segments go when a partition passes retention.bytes; what is left is read from its new start.
. tests/integration/lib.sh
start_broker --override log.segment.bytes=1048576 --override log.retention.bytes=2097152 \
    --override log.retention.check.interval.ms=50 \
    --override log.flush.offset.checkpoint.interval.ms=50
awk 'BEGIN { for (i = 0; i < 10000; i++) printf "%d %1000s\n", i, "x" }' >"$work/in"
check "ten segments are produced" timeout 60 kcat -b "$broker" -t old -p 0 -P -z none -l "$work/in"

first_offset() { timeout 10 kcat -b "$broker" -t old -C -p 0 -o beginning -c 1 -q -f '%o\n'; }
few_segments() {
    for _ in $(seq 100); do
        [ "$(ls "$work"/data/old-0/*.log | wc -l)" -le 4 ] && return 0
        sleep 0.1
    done
    return 1
}
check "all but the newest segments are deleted" few_segments
starts_later() { [ "$(first_offset)" -gt 1000 ]; }
check "the log starts later" starts_later
same_tail() {
    start=$(first_offset)
    timeout 30 kcat -b "$broker" -t old -C -p 0 -e -q -o beginning >"$work/out"
    tail -n +$((start + 1)) "$work/in" | cmp - "$work/out"
}
check "what is left is whole and in order" same_tail
stop_broker
start_broker
check "the start survives a restart" starts_later
stop_broker
