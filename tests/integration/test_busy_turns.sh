#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A broker that says at its stop that a reactor was busy for over 10 ms fails the tests, unless the
# call is listed with a reason.
. tests/integration/lib.sh
line='2026-11-20T16:47:56.617Z INFO broker: reactor'
echo "$line 0: busy turns in fetch: 1, the longest with 10042 us of its own" >"$work/said"
echo "$line 1: busy turns in produce: 7, the longest with 23000 us of its own" >>"$work/said"
echo "$line 1: 9 of 80 turns took over 10 ms, the longest 30000 us in metadata" >>"$work/said"
echo "$line 1: busy turns in metadata: 1, the longest with 19999 us of its own" >>"$work/said"
echo "$line 1: busy turns in heartbeat: 1, the longest with 20000 us of its own" >>"$work/said"
echo "heartbeat # a reason" >"$work/list"
check "an unlisted call is told" test "$(busy_unlisted "$work/said" "$work/list")" = produce
check "so is a single one of twice the bound" \
    test "$(busy_unlisted "$work/said" /dev/null | tr '\n' ' ')" = "heartbeat produce "
echo "produce" >>"$work/list"
check "a listed one is not" test -z "$(busy_unlisted "$work/said" "$work/list")"
check "each entry of the list has a reason" \
    test "$(grep -v '^#' tests/integration/busy_turns | grep -vc ' # ..........')" -eq 0

# The same as the tests do it: a script whose broker said so fails.
cat >"$work/test" <<END
. tests/integration/lib.sh
passed=1
echo '$line 0: busy turns in ?: 2, the longest with 11000 us of its own' >"\$work/log"
END
fails() { ! sh "$work/test" >"$work/told" && grep -q "busy for over 10 ms with ?" "$work/told"; }
check "a script fails for it" fails
: >"$work/log"
