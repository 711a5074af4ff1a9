#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The requests that Debian's kcat and librdkafka send, in the versions they choose against a broker
# of today and one of old.  REWRITE=1 keeps them in tests/data/wire for the unit tests.
. tests/integration/lib.sh
programs=${BUILD:-build/release}/tests/integration
mkdir "$work/wire" "$work/more"

# against DIR LABEL LIMITS...: starts the recorder, which stands in for the broker.
against() {
    mkfifo "$work/ready"
    "$programs/recorder" "$@" >"$work/ready" 2>>"$work/log" &
    broker_pid=$!
    broker=127.0.0.1:$(head -n 1 "$work/ready")
    rm "$work/ready"
}

gone() {
    kill "$broker_pid"
    wait "$broker_pid" 2>/dev/null
    broker_pid=
}

count() { cat "$work/wire/$1.hex" 2>/dev/null | grep -c '^version'; }

# until_sent API COMMAND...: the command would go on for ever; it ends when its request is there.
until_sent() {
    api=$1
    before=$(count "$api")
    shift
    "$@" >>"$work/clients" 2>&1 &
    client_pid=$!
    tries=0
    while [ "$(count "$api")" = "$before" ] && [ "$tries" -lt 100 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    kill "$client_pid" 2>/dev/null
    wait "$client_pid" 2>/dev/null
}

produce() { # OPTIONS...
    seq -f 'key%g:a value of the captured batch' 1 40 |
        timeout 20 kcat -b "$broker" -t captured -P -p 0 -K: -X linger.ms=200 "$@"
}

speak() {
    produce -H header=1
    timeout 20 kcat -b "$broker" -t captured -C -p 0 -o beginning -e -q
    timeout 20 kcat -b "$broker" -Q -t captured:0:1000
    until_sent find_coordinator kcat -b "$broker" -G group captured
}

against "$work/wire" ''
speak >>"$work/clients" 2>&1
until_sent create_topics "$programs/rdkafka_client" "$broker"
gone
against "$work/wire" '' api_versions=0 produce=3 fetch=4 list_offsets=1 metadata=0 \
    find_coordinator=0
speak >>"$work/clients" 2>&1
gone
against "$work/wire" '' create_topics=0
until_sent create_topics "$programs/rdkafka_client" "$broker"
gone

for codec in gzip snappy lz4 zstd; do
    against "$work/more" "$codec"
    produce -z "$codec" >>"$work/clients" 2>&1
    gone
done
against "$work/more" brokers
timeout 20 kcat -b "$broker" -L >>"$work/clients" 2>&1
gone
cat "$work/more/produce.hex" >>"$work/wire/produce.hex"
sed -n '/^version [0-9]* brokers$/,$p' "$work/more/metadata.hex" >>"$work/wire/metadata.hex"

sent() { grep -q "^version $2\$" "$work/wire/$1.hex"; }
for request in 'api_versions 0' 'api_versions 3' 'produce 3' 'produce 7' 'fetch 4' 'fetch 11' \
    'list_offsets 1' 'list_offsets 2' 'metadata 0' 'metadata 4' 'metadata 4 brokers' \
    'find_coordinator 0' 'find_coordinator 2' 'create_topics 0' 'create_topics 4' \
    'produce 7 gzip' 'produce 7 snappy' 'produce 7 lz4' 'produce 7 zstd'; do
    check "$request is sent" sent "${request%% *}" "${request#* }"
done
decoded() { CAPTURED="$work/wire" "${programs%/integration}/unit/wire/test_captured"; }
check "what they send now decodes like what was kept" decoded

if [ -n "${REWRITE:-}" ] && [ "$failed" -eq 0 ]; then
    client=$(kcat -V | sed -n 's/^Version \([^ ]*\) .*librdkafka \([^ ]*\) .*/kcat \1 and librdkafka \2/p')
    mkdir -p tests/data/wire
    for f in "$work"/wire/*.hex; do
        {
            echo '# SPDX-License-Identifier: Apache-2.0'
            echo "# Requests of $client; REWRITE=1 sh tests/integration/test_captured.sh"
            cat "$f"
        } >"tests/data/wire/${f##*/}"
    done
fi
