#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# odradek log dump, verify and stat on what a broker left; every output is kept in log_tools.txt
# (REWRITE=1 writes it anew).
. tests/integration/lib.sh
export LC_ALL=C
unset COLUMNS

start_broker
export ODRADEK_BOOTSTRAP="$broker"
"$ODRADEK" topic create letters -p 2 >/dev/null
for letter in a b c; do
    echo "$letter" | "$ODRADEK" produce letters -p 0 -k key >/dev/null
done
printf 'd\ne\nf\n' | "$ODRADEK" produce letters -p 1 -z lz4 >/dev/null
in_use() {
    "$ODRADEK" log verify "$work/data" >"$work/refused" 2>&1
    [ $? -eq 1 ] && grep -q 'in use by a broker' "$work/refused"
}
check "a directory in use is refused" in_use
check "unless live" "$ODRADEK" log verify --live "$work/data"
kill_broker
check "after a kill all is right" "$ODRADEK" log verify "$work/data"
start_broker
stop_broker

# What differs from run to run becomes a word.
normalised() {
    sed -E -e 's/(^|[^A-Za-z0-9_-])[A-Za-z0-9_-]{22}($|[^A-Za-z0-9_-])/\1ID\2/g' \
        -e 's/(^|[^0-9])1[0-9]{12}($|[^0-9])/\1MS\2/g' -e 's/(,)1[0-9]{12},/\1MS,/g' -e "s|$work|WORK|g"
}
session() {
    cd "$work/data" || return
    for words in "verify letters-0" "stat letters-1" "stat letters-1 -o csv" \
        "dump letters-0 --records" "dump letters-1 --records -o json"; do
        echo "\$ odradek log $words"
        "$odradek" log $words 2>&1 # in words
        code=$?
        [ "$code" -eq 0 ] || echo "[$code]"
    done | normalised
}
odradek=$(realpath "$ODRADEK")
(session) >"$work/session"
if [ -n "${REWRITE:-}" ]; then
    cp "$work/session" tests/integration/log_tools.txt
fi
check "the session prints what is kept" diff tests/integration/log_tools.txt "$work/session"
check "the whole directory is right" "$ODRADEK" log verify "$work/data"

broken() { # FILE CLAIM: verify names both
    "$ODRADEK" log verify "$work/data" >"$work/verdict" 2>"$work/said"
    [ $? -eq 1 ] && grep -q "$1.*$2" "$work/said"
}
log=$work/data/letters-0/00000000000000000000.log
cp "$log" "$work/kept"
printf X | dd of="$log" bs=1 seek=210 conv=notrunc 2>/dev/null
nowhere() { "$ODRADEK" log stat "$work/nowhere" 2>/dev/null; [ $? -eq 6 ]; }
check "what is not there is not found" nowhere
check "a changed byte is named" broken 'letters-0/0*.log at' 'CRC'
dump_fails() { ! "$ODRADEK" log dump "$work/data" >/dev/null; }
check "and fails the dump" dump_fails
cp "$work/kept" "$log"
printf 'x' >>"$work/data/letters-1/00000000000000000000.index"
check "a byte too many is named" broken 'letters-1/0*.index at 0' 'within an entry'
