#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A compacted topic keeps the last record of each key, at its offset, for a consumer of librdkafka;
# while it is compacted, over a clean stop and over a kill.
. tests/integration/lib.sh
settings="--override log.cleanup.policy=compact --override log.segment.bytes=1048576
    --override log.cleaner.backoff.ms=50 --override log.cleaner.min.cleanable.ratio=0.1
    --override log.cleaner.dedupe.buffer.size=4000 --override log.cleaner.delete.retention.ms=100
    --override log.flush.offset.checkpoint.interval.ms=100"
start_broker $settings

# Keys 0 to 99 again and again; of key 7 the last record is a tombstone.
awk 'BEGIN { for (i = 0; i < 40000; i++) printf "%d:%d %120s\n", i % 100, i, "x" }' >"$work/in"
produce() { timeout 60 kcat -b "$broker" -t kept -p 0 -P -K: -z "$1" -X batch.num.messages=50 -l "$2"; }
for codec in none gzip snappy lz4 zstd; do
    check "records of $codec are produced" produce "$codec" "$work/in"
done
echo "7:" | timeout 60 kcat -b "$broker" -t kept -p 0 -P -K: -Z
# Later keys, so that all of the above leaves the active segment.
awk 'BEGIN { for (i = 0; i < 10000; i++) printf "later%d:%d %120s\n", i, i, "y" }' >"$work/more"
check "later records are produced" produce none "$work/more"

all() { timeout 60 kcat -b "$broker" -t kept -C -p 0 -e -q -o beginning -f '%o %k %S %s\n'; }
few_records() {
    for _ in $(seq 150); do
        [ "$(all | grep -vc ' later')" -le 99 ] && return 0
        sleep 0.2
    done
    all | grep -vc ' later'
    ls -l "$work/data/kept-0"
    return 1
}
check "of a hundred keys the last records are left, and no tombstone" few_records
last_of_each() {
    all | awk '$2 !~ /later/ { print $2, $4 }' | sort -n >"$work/got"
    awk 'BEGIN { for (i = 0; i < 100; i++) if (i != 7) print i, 39900 + i }' | cmp - "$work/got"
}
check "they are the last ones" last_of_each
all_later() { [ "$(all | grep -c ' later')" -eq 10000 ]; }
check "what is not superseded is all there" all_later
ascending() { all | awk '$1 <= before { exit 1 } { before = $1 } BEGIN { before = -1 }'; }
check "offsets ascend" ascending
from_a_gap() {
    [ "$(timeout 20 kcat -b "$broker" -t kept -C -p 0 -o 1000 -c 1 -q -f '%o\n')" -ge 199000 ]
}
check "a read from a gap begins behind it" from_a_gap
no_steps_left() { ! ls "$work"/data/kept-0 | grep -E '\.(swap|cleaned)$'; }
stop_broker
check "no step of a clean is left over" no_steps_left
check "the cleaner's checkpoint names the partition" grep -q '^kept 0 ' \
    "$work/data/cleaner-offset-checkpoint"
start_broker $settings
check "the same after a restart" last_of_each
check "produced once more" produce none "$work/in"
kill_broker
start_broker $settings
last_after_all() {
    all | awk '$2 !~ /later/ { last[$2] = $4 } END { for (k in last) print k, last[k] }' |
        sort -n >"$work/got"
    awk 'BEGIN { for (i = 0; i < 100; i++) print i, 39900 + i }' | cmp - "$work/got"
}
check "nothing is missing after a kill" last_after_all
check "offsets ascend after a kill" ascending
stop_broker
