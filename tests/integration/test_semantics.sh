#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Kafka's semantics through raw sockets: every version, every refusal, waiting, frozen disks,
# restarts.
. tests/integration/lib.sh
programs=${BUILD:-build/release}/tests/integration
export FREEZE_SYNC="$work/freeze" SURVIVAL="$work/survival"

start_broker --override num.network.threads=1 --override group.initial.rebalance.delay.ms=100
claims "$programs/semantics"
stop_broker
rm -rf "$work/data"

start_broker --override num.network.threads=3 --override group.initial.rebalance.delay.ms=100
claims "$programs/semantics"
stop_broker
rm -rf "$work/data"

# The broker's own process gets the library, and nothing else.
plain=$ODRADEK
cat >"$work/frozen-odradek" <<END
#!/bin/sh
LD_PRELOAD=$programs/freeze_sync.so ASAN_OPTIONS=verify_asan_link_order=0 exec $plain "\$@"
END
chmod +x "$work/frozen-odradek"
ODRADEK=$work/frozen-odradek
start_broker --override odradek.max.dirty.bytes=65536
claims "$programs/frozen"
rm -f "$FREEZE_SYNC"
claims "$programs/fenced"
rm -f "$FREEZE_SYNC" "$FREEZE_SYNC.fail"
check "the log names the failed sync" grep -q "fdatasync of .*EIO" "$work/log"
kill_broker
ODRADEK=$plain
start_broker
fenced_topic() { kcat -b "$broker" -L | sed -n 's/.*"\(fenced[^"]*\)".*/\1/p'; }
is_back() { [ "$(timeout 20 kcat -b "$broker" -t "$(fenced_topic)" -C -e -q | wc -l)" -ge 3 ]; }
check "what was acknowledged before the failed sync is back after a restart" is_back
stop_broker
rm -rf "$work/data"

start_broker
claims "$programs/survival" 'before_*'
stop_broker
start_broker
claims "$programs/survival" 'stopped_*'
kill_broker
start_broker
claims "$programs/survival" 'killed_*'
stop_broker

# Consumers that wait for records do not hold up a stop.
start_broker
echo once | kcat -b "$broker" -t waited-for -P
for _ in 1 2 3 4; do
    kcat -b "$broker" -t waited-for -C -q -X fetch.wait.max.ms=20000 -X fetch.min.bytes=1000000 \
        >>"$work/consumed" 2>>"$work/clients" &
done
sleep 1
started=$(date +%s)
stop_broker
check "consumers do not hold up a stop" test $(($(date +%s) - started)) -le 3
# shellcheck disable=SC2046
kill $(jobs -p) 2>/dev/null
wait
