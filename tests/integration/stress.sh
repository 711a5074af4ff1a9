#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Three reactors, shared partitions, producers and consumers at once; run by `make stress` on a
# broker built with ThreadSanitizer, which ends with its own exit code when it saw a race.
. tests/integration/lib.sh
for durability in fsync replicated; do
    rm -rf "$work/data"
    start_broker --override num.network.threads=3 --override "odradek.durability=$durability" \
        --override log.segment.bytes=4194304
    port=${broker##*:}
    load() { timeout 60 "$LOAD" "$@" --port "$port" --warmup 200 --window 3000 | grep -q '"errors":0'; }
    produce() { load produce --connections 20 --depth 4 --batch 1000 --partitions 3 --topic p; }
    produce_large() { load produce --connections 3 --depth 2 --batch 300000 --partitions 2 --topic l; }
    consume() { load fetch --connections 10 --depth 1 --batch 16384 --fill 16777216 --topic f; }
    both() {
        produce_large &
        large=$!
        consume &
        consumer=$!
        produce && wait $large && wait $consumer
    }
    check "$durability: every answer is right" both
    stop_broker
done
