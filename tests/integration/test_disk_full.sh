#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A full disk (R40): an explicit error that may be retried, metadata goes on, and so do producers
# by themselves once there is room.  Needs the right to mount a small file system.
. tests/integration/lib.sh
mkdir "$work/data"
if ! mount -t tmpfs -o size=64m odradek-it "$work/data" 2>/dev/null; then
    echo "SKIP test_disk_full.sh: no right to mount a tmpfs"
    passed=1
    exit 0
fi
unmount() {
    [ -z "$broker_pid" ] || kill -KILL "$broker_pid" 2>/dev/null && wait "$broker_pid" 2>/dev/null
    broker_pid=
    umount -l "$work/data"
    finish
}
trap unmount EXIT
put() { # TOPIC: one line of 8,000 bytes
    printf '%8000s\n' "$1" | timeout 30 kcat -b "$broker" -t "$1" -p 0 -P -X message.timeout.ms=3000
}
count() { timeout 20 kcat -b "$broker" -t "$1" -C -e -q 2>/dev/null | wc -l; }
exists() { timeout 20 kcat -b "$broker" -L -t "$1" 2>/dev/null | grep -q "partition 0, leader 1"; }
refused() {
    put before >"$work/refused" 2>&1 && return 1
    grep -qi "disk error\|timed out" "$work/refused"
}

start_broker
check "there is room at first" put before
check "room is kept back" test "$(stat -c %b "$work/data/odradek.reserve")" -gt 1000
dd if=/dev/zero of="$work/data/filler" bs=64k 2>/dev/null
check "the disk is full" test "$(stat -f -c %a "$work/data")" -eq 0
check "a producer is told" refused
for i in $(seq 40); do exists "new$i" || sleep 0.1; exists "new$i" || break; done
check "forty topics are created on a full disk" test "$i" -eq 40
check "and exist" exists new40
check "what was written is read" test "$(count before)" -eq 1
check "the broker says that it is full" grep -q "is full: its reserve of" "$work/log"
check "producers are still refused" refused
rm "$work/data/filler"
goes_on() {
    for _ in $(seq 30); do
        put before >/dev/null 2>&1 && return 0
        sleep 1
    done
    return 1
}
check "producers go on by themselves when there is room" goes_on
check "to new topics as well" put new40
check "the broker says so" grep -q "has room again" "$work/log"
stop_broker
start_broker
check "nothing is lost" test "$(count before)" -ge 2
check "the topics are there after a restart" exists new40
stop_broker
