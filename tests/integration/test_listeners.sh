#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Where a broker listens and what it tells clients to connect to.
. tests/integration/lib.sh

names() { kcat -b "$1" -L 2>/dev/null | grep -q "broker [0-9]* at $2"; }

start_broker
check "p37: the address that was reached is told" names "$broker" "$broker"
check "and not another name of it" names "localhost:${broker#*:}" "$broker"
stop_broker
rm -rf "$work/data"

start_broker --override advertised.listeners=PLAINTEXT://broker.example:1234
check "an advertised address is told instead" names "$broker" "broker.example:1234"
stop_broker
rm -rf "$work/data"

if [ -e /proc/net/if_inet6 ] && grep -q ' lo$' /proc/net/if_inet6; then
    start_broker --override 'listeners=V4://127.0.0.1:0,V6://[::1]:0' \
        --override 'listener.security.protocol.map=V4:PLAINTEXT,V6:PLAINTEXT'
    six=$(printf '%s\n' "$ready" | sed -n 's/.*\[::1\]:\([0-9]*\).*/\1/p')
    check "IPv4 is served beside IPv6" names "$broker" "$broker"
    check "p37: IPv6 is told to those who came by IPv6" names "[::1]:$six" "\[\{0,1\}::1\]\{0,1\}:$six"
    echo through-six | timeout 20 kcat -b "[::1]:$six" -t six -P
    comes_back() { [ "$(timeout 20 kcat -b "[::1]:$six" -t six -C -e -q)" = through-six ]; }
    check "records go over IPv6" comes_back
    stop_broker
fi
