# SPDX-License-Identifier: Apache-2.0
# Sourced by the integration tests: starts and stops one broker on a free port, counts checks.

set -u
ODRADEK=${ODRADEK:-build/release/odradek}
work=$(mktemp -d "${TMPDIR:-/tmp}/odradek-it.XXXXXX")
broker_pid=
broker=
passed=0
failed=0

# start_broker [--override key=value]...: sets $broker to host:port once the broker is ready.
start_broker() {
    mkfifo "$work/ready"
    "$ODRADEK" server --override listeners=PLAINTEXT://127.0.0.1:0 \
        --override log.dirs="$work/data" "$@" --ready-fd 3 3>"$work/ready" 2>>"$work/log" &
    broker_pid=$!
    ready=$(timeout 30 head -n 1 "$work/ready")
    rm -f "$work/ready"
    broker=$(printf '%s\n' "$ready" | sed -n 's/.*127\.0\.0\.1:\([0-9]*\).*/127.0.0.1:\1/p')
    [ -n "$broker" ] || { echo "the broker did not become ready: $ready"; cat "$work/log"; exit 1; }
}

# stop_broker: TERM; the broker must stop cleanly.
stop_broker() {
    kill -TERM "$broker_pid"
    wait "$broker_pid"
    check "the broker stops cleanly" test $? -eq 0
    broker_pid=
}

kill_broker() {
    kill -KILL "$broker_pid"
    wait "$broker_pid" 2>/dev/null
    broker_pid=
}

# check CLAIM COMMAND...: counts it.
check() {
    claim=$1
    shift
    if "$@" >"$work/check.out" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $claim: $*"
        head -n 20 "$work/check.out"
    fi
}

# claims PROGRAM [FILTER]: runs a program of claims against the broker and counts each as a check.
claims() {
    name=$(basename "$1")
    BROKER=$broker TEST_FILTER=${2:-} timeout 150 "$1" >"$work/$name.out" 2>&1
    claims_status=$?
    ok=$(grep -c "\[       OK \]" "$work/$name.out")
    passed=$((passed + ok))
    [ "$claims_status" -eq 0 ] && [ "$ok" -gt 0 ] && return
    failed=$((failed + 1))
    echo "FAILED: $name, status $claims_status, $ok claims hold"
    grep -v "\[ RUN      \]\|\[       OK \]" "$work/$name.out"
}

# busy_unlisted LOG LIST: calls that kept a reactor over 10 ms for themselves and may not.  One turn
# below 20 ms is let pass: on a shared machine, time that a guest is not given counts as its own.
busy_unlisted() {
    [ -e "$1" ] || return 0 # this script starts no broker
    said='busy turns in \(.*\): \([0-9]*\), the longest with \([0-9]*\) us'
    sed -n "s/.*reactor [0-9]*: $said.*/\2 \3 \1/p" "$1" | while read -r turns us call; do
        [ "$turns" -gt 1 ] || [ "$us" -ge 20000 ] || continue
        sed 's/ *#.*//' "$2" | grep -qxF "$call" || echo "$call"
    done | sort -u
}

finish() {
    status=$?
    [ -z "$broker_pid" ] || kill -KILL "$broker_pid" 2>/dev/null
    case $ODRADEK in
    */asan/* | */tsan/* | */cov/*) ;; # slow by themselves
    *) check "no reactor was busy for over 10 ms with $(busy_unlisted "$work/log" \
        tests/integration/busy_turns | tr '\n' ' ')" \
        test -z "$(busy_unlisted "$work/log" tests/integration/busy_turns)" ;;
    esac
    if [ "$failed" -gt 0 ]; then
        echo "--- broker log"
        tail -n 40 "$work/log"
    fi
    rm -rf "$work"
    echo "$(basename "$0"): $passed passed, $failed failed"
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ] && [ "$status" -eq 0 ]
    exit $?
}
trap finish EXIT
