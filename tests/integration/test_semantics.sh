#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Kafka's semantics through raw sockets: every version, every refusal, waiting, frozen disks,
# restarts.
. tests/integration/lib.sh
programs=${BUILD:-build/release}/tests/integration
export FREEZE_SYNC="$work/freeze" SURVIVAL="$work/survival"

start_broker --override num.network.threads=1
claims "$programs/semantics"
stop_broker
rm -rf "$work/data"

start_broker --override num.network.threads=3
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
start_broker
claims "$programs/frozen"
rm -f "$FREEZE_SYNC"
stop_broker
ODRADEK=$plain
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
