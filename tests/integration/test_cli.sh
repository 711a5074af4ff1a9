#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The command line against a broker: a session whose every output is kept in cli_session.txt
# (REWRITE=1 writes it anew), completion inside bash, pipes, profiles.
. tests/integration/lib.sh

start_broker
mkdir -p "$work/bin" "$work/config/odradek" "$work/cwd/.git"
ln -s "$(realpath "$ODRADEK")" "$work/bin/odradek"
unset COLUMNS ODRADEK_PROFILE NO_COLOR
export PATH="$work/bin:$PATH" XDG_CONFIG_HOME="$work/config" ODRADEK_BOOTSTRAP="$broker" LC_ALL=C
printf 'bootstrap.servers=%s\nclient.id=here\n' "$broker" >"$work/config/odradek/local.properties"

# What differs from run to run becomes a word of the same width where columns depend on it.
normalised() {
    sed -E -e "s/${broker##*:}/PORT5/g" -e "s|$work|WORK|g" \
        -e 's/(^|[^A-Za-z0-9_-])[A-Za-z0-9_-]{22}($|[^A-Za-z0-9_-])/\1ID\2/g' \
        -e 's/[0-9]{13}/MS/g' -e 's/^(odradek )[0-9.]+$/\1VERSION/' \
        -e 's/^(APIs +)[0-9]+$/\1N/' -e 's/("apis": )[0-9]+/\1N/' \
        -e 's/^(Features +).*/\1.../' -e '/"features": \{/,/\}/{//!d;}'
}

# The commands of a session with what each prints and its exit code if that is not 0.
session() {
    grep '^\$ ' tests/integration/cli_session.txt | while IFS= read -r line; do
        printf '%s\n' "$line"
        (cd "$work/cwd" && timeout 30 sh -c "${line#??}" </dev/null 2>&1)
        code=$?
        [ "$code" -eq 0 ] || echo "[$code]"
    done | normalised
}

session >"$work/session"
if [ -n "${REWRITE:-}" ]; then
    cp "$work/session" tests/integration/cli_session.txt
fi
check "the session prints what is kept" diff tests/integration/cli_session.txt "$work/session"

# --- pipes -------------------------------------------------------------------------------------
odradek topic create many -p 2 >/dev/null
seq 100000 >"$work/many"
check "a hundred thousand lines go in" sh -c "odradek produce many -z lz4 <'$work/many'"
all_back() { odradek consume many -e | sort -n | cmp - "$work/many"; }
check "and come back" all_back
check "a reader that has enough ends the writer" \
    sh -c '[ "$(odradek consume many | head -n 3 | wc -l)" = 3 ]'
signalled() { # the shell's status of a process that SIGPIPE ended
    bash -c 'odradek consume many | head -n 1 >/dev/null; exit "${PIPESTATUS[0]}"'
    [ $? -eq 141 ]
}
check "as SIGPIPE would" signalled
full() { odradek topic list >/dev/full; [ $? -eq 1 ]; }
check "output that cannot be written is a failure" full
seen_at_once() { # a line is a record before the input ends
    mkfifo "$work/slow"
    odradek produce many -p 0 -k slow <"$work/slow" &
    writer=$!
    exec 4>"$work/slow"
    echo "slow line" >&4
    timeout 20 odradek consume many -p 0 --from -1 -n 1 >"$work/first"
    while ! grep -q "slow line" "$work/first"; do
        timeout 20 odradek consume many -p 0 --from -1 -n 1 >"$work/first" || break
    done
    exec 4>&-
    wait "$writer" && grep -q "slow line" "$work/first"
}
check "what was typed is sent at once" seen_at_once
interrupted() {
    timeout --preserve-status -s INT 1 odradek consume many --from end
    [ $? -eq 130 ]
}
check "an interrupt ends with 130" interrupted
nuls() { printf 'a\0b\0' | odradek produce many -D '\0' -p 1 -k nul &&
    [ "$(odradek consume many -p 1 --from -2 -e -f '%s,')" = "a,b," ]; }
check "records may end with another byte" nuls
whole() { printf 'x\ny\n' | odradek produce many -i whole -p 1 &&
    [ "$(odradek consume many -p 1 --from -1 -e -f '%s{json}')" = '"x\ny\n"' ]; }
check "the whole input may be one record" whole
large() { # above a batch
    head -c 700000 /dev/zero | tr '\0' z | odradek produce many -p 0 -i whole &&
        [ "$(odradek consume many -p 0 --from -1 -e -f '%S')" = 700000 ]
}
check "a record above a batch goes alone" large
too_large() {
    head -c 2000000 /dev/zero | tr '\0' z | odradek produce many -p 0 -i whole 2>"$work/said"
    [ $? -eq 1 ] && grep -q MESSAGE_TOO_LARGE "$work/said" && grep -q max.message.bytes "$work/said"
}
check "one above max.message.bytes is told with the setting's name" too_large
same_partition() { # Java's partitioner is librdkafka's murmur2
    odradek topic create spread -p 7 >/dev/null
    seq -f 'key%g' 50 | sed 's/.*/&:v/' | odradek produce spread -K:
    seq -f 'key%g' 50 | sed 's/.*/&:v/' |
        kcat -b "$broker" -t spread -P -K: -X topic.partitioner=murmur2
    odradek consume spread -e -f '%k %p\n' | sort | uniq -c | awk '$1 != 2 { bad = 1 } END { exit bad }'
}
check "keys go where other clients put them" same_partition
kcat_reads() { [ "$(kcat -b "$broker" -t orders -C -e -q -f '%k%s%h\n' | sort | head -n 1)" = "a1source=test" ]; }
check "kcat reads what was produced" kcat_reads

us() { odradek client list --columns client_id,library --no-headers | grep -Eqx 'odradek  odradek [0-9.]+'; }
check "client list shows library and version" us
sees_kcat() {
    timeout 10 kcat -b "$broker" -t orders -C -q >/dev/null 2>&1 &
    kcat_pid=$!
    tries=0
    while ! odradek client list -o wide | grep -q 'librdkafka .* api_versions:.*fetch:' &&
        [ "$tries" -lt 50 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    kill "$kcat_pid"
    wait "$kcat_pid" 2>/dev/null
    [ "$tries" -lt 50 ]
}
check "and those of others with what they ask" sees_kcat

# --- a broker that dies ------------------------------------------------------------------------
slowly() { # 40 pieces of 250 lines
    for n in $(seq 0 39); do
        seq $((n * 250 + 1)) $((n * 250 + 250))
        sleep 0.05
    done
}
odradek topic create lives -p 2 >/dev/null
slowly | timeout 60 odradek produce lives -o table >"$work/written" 2>"$work/said" &
writer=$!
timeout 60 odradek consume lives --from start -n 10000 --timeout 40s >"$work/seen" &
reader=$!
sleep 0.7
kill_broker
start_broker --override listeners="PLAINTEXT://$broker"
check "a producer outlives its broker" wait "$writer"
check "a consumer too" wait "$reader"
seq 10000 >"$work/expected"
in_full() { sort -n "$work/seen" | cmp - "$work/expected"; }
check "every line is there, and once" in_full

# --- where the cluster is ----------------------------------------------------------------------
lists() { (cd "$work/cwd" && env -u ODRADEK_BOOTSTRAP "$@" odradek topic list -o name | grep -q many); }
check "--profile names the cluster" sh -c 'env -u ODRADEK_BOOTSTRAP odradek topic list --profile local'
check "so does ODRADEK_PROFILE" lists ODRADEK_PROFILE=local
unnamed() { ! lists 2>/dev/null; }
check "nothing does without them" unnamed
cp "$work/config/odradek/local.properties" "$work/cwd/.odradek.properties"
check "a file of the project does" lists
mkdir -p "$work/cwd/a/b"
below() { (cd "$work/cwd/a/b" && env -u ODRADEK_BOOTSTRAP odradek topic list -o name | grep -q many); }
check "from a folder below it too" below
mkdir "$work/cwd/a/.git"
hidden() { ! below 2>/dev/null; }
check "but not from another project" hidden
rm "$work/cwd/.odradek.properties"
check "and -X" sh -c "env -u ODRADEK_BOOTSTRAP odradek -X bootstrap.servers=$broker topic list"
check "and a Java client's file" sh -c \
    "env -u ODRADEK_BOOTSTRAP odradek topic list --command-config '$work/config/odradek/local.properties'"
check "a second server is tried" odradek -b "127.0.0.1:1,$broker" topic list

# --- completion --------------------------------------------------------------------------------
completed() { # WORD...: what bash offers for the last one
    bash -c '
        source <(odradek completion bash)
        COMP_WORDS=(odradek "$@")
        COMP_CWORD=$#
        _odradek
        printf "%s\n" "${COMPREPLY[@]}"' bash "$@" 2>/dev/null
}
offers() { # EXPECTED WORD...
    expected=$1
    shift
    [ "$(completed "$@" | tr '\n' ' ')" = "$expected " ]
}
check "bash completes nouns" offers "topic" top
check "and verbs" offers "describe delete" topic de
check "and live topics" offers "invoices lives many orders set spread" topic describe ''
check "and topics that begin so" offers "orders" consume o
check "and options" offers "--dry-run" topic create x --dr
check "and values of options" offers "zstd" produce orders -z z
check "behind an equals sign" offers "json" consume orders --output = j
check "and settings" offers "retention.bytes= retention.ms=" topic create x -c rete
check "and profiles" offers "local" topic list --profile l
check "of the cluster that the line names" offers "invoices" -b "$broker" topic delete inv
silent() { [ -z "$(ODRADEK_BOOTSTRAP=127.0.0.1:1 completed topic delete '' | tr -d '\n')" ]; }
check "nothing where no broker answers" silent
for shell in zsh fish; do
    if command -v "$shell" >/dev/null; then
        check "the script for $shell parses" sh -c "odradek completion $shell | $shell -n"
    fi
done

# --- brokers that lie --------------------------------------------------------------------------
lied_to() { # LIE AT COMMAND...: ends in time with one of the documented codes and says why
    rm -f "$work/liar"
    "${BUILD:-build/release}/tests/integration/liar" "$1" "$2" >"$work/liar" &
    liar_pid=$!
    tries=0
    while [ ! -s "$work/liar" ] && [ "$tries" -lt 100 ]; do
        sleep 0.02
        tries=$((tries + 1))
    done
    shift 2
    timeout 20 odradek -b "127.0.0.1:$(cat "$work/liar")" "$@" --timeout 600ms \
        >"$work/heard" 2>"$work/said" </dev/null
    code=$?
    kill "$liar_pid"
    wait "$liar_pid" 2>/dev/null
    cat "$work/said"
    [ "$code" -eq 1 ] || [ "$code" -eq 3 ] && grep -q '^odradek: .*127\.0\.0\.1:' "$work/said"
}
for liar in close silence huge negative tiny other-id cut half more ones counts http; do
    for at in 0 1; do
        check "a broker's lie, $liar at $at" lied_to "$liar" "$at" topic list
    done
done
for liar in close silence huge other-id cut more ones counts; do
    check "a lie about offsets, $liar" lied_to "$liar" 2 consume t --from end
    check "a lie about records, $liar" lied_to "$liar" 4 consume t --from end
    check "a lie while creating, $liar" lied_to "$liar" 2 topic create u
done
stop_broker
