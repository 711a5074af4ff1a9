#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kcat produces and consumes with every codec, by offset and by time, across a restart and a kill.
. tests/integration/lib.sh
start_broker --override num.partitions=3

seq 5000 | sed 's/.*/key&:value &/' >"$work/in"
sort "$work/in" >"$work/in.sorted"

consume() { # TOPIC: all records as key:value lines
    timeout 60 kcat -b "$broker" -t "$1" -C -e -q -o beginning -f '%k:%s\n'
}

same_as_input() {
    consume "$1" | sort | cmp - "$work/in.sorted"
}

for codec in none gzip snappy lz4 zstd; do
    check "produce with $codec" timeout 60 kcat -b "$broker" -t "t-$codec" -P -K: -z "$codec" \
        -X acks=all -l "$work/in"
    check "all records with $codec come back" same_as_input "t-$codec"
done

has_three_partitions() { kcat -b "$broker" -L -t t-none | grep -q 'with 3 partitions'; }
check "an auto-created topic has num.partitions partitions" has_three_partitions

kcat -b "$broker" -t one -P -p 0 -K: -l "$work/in"
from_offset() {
    [ "$(timeout 30 kcat -b "$broker" -t one -C -p 0 -o 4990 -e -q -f '%o\n' | head -n 1)" = 4990 ]
}
check "reading starts at the offset asked for" from_offset
tail_of_ten() { [ "$(timeout 30 kcat -b "$broker" -t one -C -p 0 -o -10 -e -q -f '%o\n' | wc -l)" = 10 ]; }
check "the last ten records are the last ten" tail_of_ten

now=$(date +%s%3N)
sleep 0.05
echo later:record | kcat -b "$broker" -t one -P -p 0 -K:
by_time() { kcat -b "$broker" -Q -t "one:0:$now" | grep -q 'offset 5000'; }
check "an offset is found by time" by_time

headers() {
    printf 'h\n' | kcat -b "$broker" -t hdr -P -H a=1 -H b=2 &&
        [ "$(timeout 30 kcat -b "$broker" -t hdr -C -e -q -f '%h\n')" = "a=1,b=2" ]
}
check "headers come back" headers

stop_broker
start_broker
check "everything is there after a clean restart" same_as_input t-zstd
check "the topic of one partition too" from_offset
kill_broker
start_broker
check "everything acknowledged is there after a kill" same_as_input t-lz4
stop_broker
