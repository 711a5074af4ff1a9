#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Hostile bytes: the connection that sends them is closed with one log line, everyone else is
# served, memory stays within the budget, and the broker stops cleanly in the end.
. tests/integration/lib.sh

start_broker --override queued.max.request.bytes=16777216 --override connections.max.idle.ms=2000 \
    --override odradek.max.uncompressed.bytes=67108864 --override num.network.threads=2

# Idle memory, and the budget once per reactor: freed memory stays with the heap of the thread that
# took it.  Sanitizers take more and are not measured.
export BROKER_LOG="$work/log" BROKER_PID="$broker_pid" BROKER_PEAK_KIB=53248
case ${BUILD:-} in *asan* | *tsan*) BROKER_PEAK_KIB=4194304 ;; esac
claims "${BUILD:-build/release}/tests/integration/hostile" "${TEST_FILTER:-}"
check "the broker lives" kill -0 "$broker_pid"
stop_broker
