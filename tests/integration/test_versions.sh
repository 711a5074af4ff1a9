#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What ApiVersions advertises is the documented table; other versions are refused by closing.
. tests/integration/lib.sh
start_broker

# ask HEX: sends one frame and prints the answer without its length; nothing if the broker closes.
ask() {
    bytes=$(printf '%08x%s' $((${#1} / 2)) "$1" | sed 's/../\\x&/g')
    timeout 10 bash -c 'exec 3<>"/dev/tcp/$1/$2" && printf "$3" >&3
        len=$(od -An -v -tx1 -N4 <&3 | tr -d " \n") && [ -n "$len" ] &&
        od -An -v -tx1 -N"$((0x$len))" <&3 | tr -d " \n"' ask "${broker%:*}" "${broker#*:}" "$bytes"
}
closes() { ! answer=$(ask "$1") && [ -z "$answer" ] && kill -0 "$broker_pid"; }

# A header of version 1 is key, version, correlation id and client id; here 7 and "v".
ask 0012000000000007000176 >"$work/answer"
"$ODRADEK" debug decode api_versions 0 response --header -o json <"$work/answer" |
    grep -oE '"api_key":[ ]*[0-9]+,[ ]*"min_version":[ ]*[0-9]+,[ ]*"max_version":[ ]*[0-9]+' |
    sed -E 's/[^0-9]+/ /g' >"$work/advertised"
"$ODRADEK" protocol document |
    sed -nE 's/^\| ([0-9]+) \| [a-z_]+ \| ([0-9]+)-([0-9]+) \|$/ \1 \2 \3/p' >"$work/documented"
check "ApiVersions is the documented table" cmp "$work/advertised" "$work/documented"
check "... and not empty" grep -q '^ 18 0 ' "$work/advertised"
check "Fetch begins at 4, though the codec knows 0" grep -qx ' 1 4 18' "$work/advertised"

# A correct request without topics: replica -1, no wait; from 3 on with the most bytes.
body=ffffffff0000000000000000
for version in 0 1 2; do
    check "Fetch $version closes the connection" \
        closes "0001000${version}00000007000176${body}00000000"
done
check "Fetch 3 closes the connection" closes "0001000300000007000176${body}0010000000000000"
four="0001000400000007000176${body}001000000000000000"
answers() { [ "$(ask "$1")" = "$2" ]; }
check "Fetch 4 is answered" answers "$four" 000000070000000000000000
check "Fetch 19 closes the connection" closes "0001001300000007000176${body}"
stop_broker
