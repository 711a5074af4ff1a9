#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Transactions that another broker left in the directory: what was aborted is never shown, also
# after a kill.  And an idempotent librdkafka producer.
. tests/integration/lib.sh
programs=${BUILD:-build/release}/tests/integration
export PLANTED=planted

committed() { # exactly the decided records that were not aborted
    timeout 30 kcat -b "$broker" -t planted -C -e -q -X isolation.level=read_committed -f '%s\n' \
        >"$work/committed"
    printf 'record %s\n' 3 4 5 7 8 | cmp - "$work/committed"
}

start_broker --override producer.id.expiration.ms=2147483647
is_made() { kcat -b "$broker" -L -t planted | grep -q 'with 1 partitions'; }
kcat -b "$broker" -L -t planted >/dev/null
for _ in 1 2 3 4 5 6 7 8 9 10; do
    is_made && break
    sleep 0.2
done
check "the topic is there" is_made
stop_broker
check "transactions are planted" "$programs/plant" "$work/data" planted
start_broker
claims "$programs/transactions"
check "kcat reads what was committed" committed
kill_broker
start_broker
claims "$programs/transactions"
check "kcat reads the same after a kill" committed
rm -f "$work"/data/planted-0/*.txnindex "$work"/data/planted-0/*.snapshot
stop_broker
rm -f "$work"/data/planted-0/*.txnindex "$work"/data/planted-0/*.snapshot
start_broker
claims "$programs/transactions"
check "kcat reads the same when index and snapshots were lost" committed

seq 3000 >"$work/in"
idempotent() {
    timeout 60 kcat -b "$broker" -t idempotent -P -X enable.idempotence=true -l "$work/in" &&
        timeout 60 kcat -b "$broker" -t idempotent -C -e -q -f '%s\n' | cmp - "$work/in"
}
check "p22: an idempotent producer works as it is" idempotent
stop_broker
