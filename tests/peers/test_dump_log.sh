#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Apache Kafka's own tools read every file of a data directory of ours, and have nothing to complain:
# dump-log with each decoder, the indexes' sanity check, the metadata shell.  RELEASE=4.4|3.9
. tests/integration/lib.sh
RELEASE=${RELEASE:-4.4}
tool=tests/peers/kafka-tool
tests/peers/fetch "$RELEASE" tools >/dev/null || {
    trap - EXIT
    rm -rf "$work"
    exit 77
}

run() { timeout 120 "$tool" "$RELEASE" "$@"; }

# make_topic NAME [key=value...]: two partitions.
make_topic() {
    topic=$1
    shift
    configs=
    for c in "$@"; do
        configs="$configs --config $c"
    done
    # shellcheck disable=SC2086
    run kafka-topics --bootstrap-server "$broker" --create --topic "$topic" --partitions 2 $configs
}

# produce TOPIC RECORDS BYTES [property...]
produce() {
    topic=$1 records=$2 bytes=$3
    shift 3
    run kafka-producer-perf-test --topic "$topic" --num-records "$records" --record-size "$bytes" \
        --throughput -1 --producer-props bootstrap.servers="$broker" "$@"
}

# What dump-log complains about.  That -1 comes before a segment's first offset it says of Kafka's own
# segments, too.
complaints() {
    sed '/^Non-consecutive offsets in /d; /^  -1 is followed by /d' "$work/dump.err"
    grep -iE 'mismatch|corrupt|isvalid: false|non-consecutive' "$work/dump"
}

# dumps FILTER OPTION... : the tool reads all such files and complains about nothing.
dumps() {
    files=$(find "$work/data" -path "$1" \( -name '*.log' -o -name '*.index' -o -name '*.timeindex' \
        -o -name '*.snapshot' -o -name '*.txnindex' -o -name '*.checkpoint' \) | sort |
        tr '\n' ',')
    shift
    [ -n "$files" ] || { echo "no such files"; return 1; }
    run kafka-dump-log --files "${files%,}" "$@" >"$work/dump" 2>"$work/dump.err" || return 1
    [ -z "$(complaints)" ] || { complaints; return 1; }
}

says() { grep -q "$1" "$work/dump"; }

start_broker --override log.index.interval.bytes=512 --override node.id=1
check "a topic that rolls is made" make_topic rolled segment.bytes=1048576
check "a compacted topic is made" make_topic compacted cleanup.policy=compact
check "a topic of the broker's time is made" make_topic stamped \
    message.timestamp.type=LogAppendTime
for codec in none gzip snappy lz4 zstd; do
    check "$codec batches are produced" produce rolled 6000 200 compression.type=$codec acks=all \
        enable.idempotence=true batch.size=16384
done
keyed() { seq 2000 | sed 's/.*/k&:&/' | timeout 60 kcat -b "$broker" -t compacted -P -K:; }
check "records are produced to the compacted topic" keyed
check "records are stamped by the broker" produce stamped 2000 50 acks=all
run kafka-configs --bootstrap-server "$broker" --alter --entity-type topics --entity-name rolled \
    --add-config retention.ms=900000000 >"$work/check.out" 2>&1
printf '{"partitions": [{"topic": "rolled", "partition": 0, "offset": 100}], "version": 1}' \
    >"$work/delete.json"
check "records are deleted" run kafka-delete-records --bootstrap-server "$broker" \
    --offset-json-file "$work/delete.json"
timeout 30 kcat -b "$broker" -G readers -e -q rolled >"$work/read" 2>&1
stop_broker

check "dump-log reads the segments that rolled" dumps '*/rolled-*' --deep-iteration --print-data-log
check "... and every batch is whole" says 'isvalid: true'
check "... and their indexes are sane" dumps '*/rolled-*' --index-sanity-check
check "... and verify" dumps '*/rolled-*' --verify-index-only
check "dump-log reads the compacted topic" dumps '*/compacted-*' --deep-iteration
check "dump-log reads the topic of the broker's time" dumps '*/stamped-*' --deep-iteration
check "... and it says so" says 'LogAppendTime'
check "dump-log reads the metadata log" dumps '*/__cluster_metadata-0/*' --cluster-metadata-decoder
check "... and finds the topics" says '"name":"rolled"'
if [ -d "$work/data/__consumer_offsets-0" ]; then
    check "dump-log reads the committed offsets" dumps '*/__consumer_offsets-*' --offsets-decoder
    check "... and finds the group" says 'readers'
fi

shell() {
    run kafka-metadata-shell --snapshot "$work/data/__cluster_metadata-0/00000000000000000000.log" \
        "$@" >"$work/dump" 2>"$work/dump.err"
    status=$?
    cat "$work/dump.err"
    [ $status -eq 0 ] && [ ! -s "$work/dump.err" ]
}
check "the metadata shell loads the metadata log" shell ls /image/topics/byName
check "... and finds the topics" says rolled
check "... and the broker" shell ls /image/cluster
