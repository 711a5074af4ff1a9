#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The load generator against the limit programs: every kind of load gets answers and no errors.
. tests/integration/lib.sh
BUILD=${BUILD:-build/release}
# The benchmark programs leave their memory to the end of the process.
export ASAN_OPTIONS=detect_leaks=0

# played LIMIT_ARGUMENTS LOAD_ARGUMENTS: a short measurement has answers and no wrong ones.
played() {
    port=$("$BUILD/bench/load" free-port)
    # shellcheck disable=SC2086
    set -- "$2" $("$BUILD/bench/ready" "$BUILD/bench/limit" $1 --port "$port" --ready-fd 3 \
        --dir "$work" --volume 1000000 2>>"$work/log")
    # shellcheck disable=SC2086
    result=$("$BUILD/bench/load" $1 --port "$port" --pid "$3" --warmup 10 --window 60)
    kill "$3"
    echo "$result"
    case $result in
    *'"answers":0,'*) return 1 ;;
    *'"errors":0,'*) return 0 ;;
    *) return 1 ;;
    esac
}

check "a round trip in plain framing" played ping "ping --plain"
check "a round trip in Kafka's framing" played kafka ping
for write in none each gather; do
    check "produce, write $write" played "produce --files 3 --write $write" \
        "produce --plain --connections 7 --depth 5 --partitions 7 --batch 3000"
done
check "produce of 1 MiB to an epoll server" played produce "produce --plain --batch 1048576 --depth 2"
check "produce of 1 MiB to a pipeline" played pipeline "produce --plain --batch 1048576 --depth 2"
for send in file pread memory; do
    check "fetch of 300,000 bytes by $send" played "fetch --send $send --body 300000" \
        "fetch --plain --connections 3 --depth 4 --batch 1000 --answer 300000"
done
check "produce in Kafka's framing" played kafka \
    "produce --connections 7 --depth 5 --partitions 3 --batch 5000"
check "fetch in Kafka's framing" played kafka \
    "fetch --connections 7 --depth 3 --partitions 3 --batch 5000 --answer 50000 --fill 1000000"
check "a fixed rate" played kafka "produce --connections 5 --rate 2000 --batch 170"
