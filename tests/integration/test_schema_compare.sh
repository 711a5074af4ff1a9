#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# schema-compare finds each kind of difference between a message of ours and Kafka's, and no other.
. tests/integration/lib.sh
make -s build/tools/schema_compare >/dev/null || exit 1
mkdir -p "$work/kafka/2.0/m" "$work/kafka/10.0/m" "$work/ours"

# Two releases of an invented API: the older one has version 0 and a field of it, the newer one
# renames a field, adds a tagged one and has an unstable version 3.
cat >"$work/kafka/2.0/m/PairRequest.json" <<'EOF'
// A comment with a "quote".
{ "apiKey": 7, "type": "request", "name": "PairRequest", "validVersions": "0-1",
  "flexibleVersions": "none", "fields": [
    { "name": "OldName", "type": "string", "versions": "0+", "about": "http://x" }, // y
    { "name": "Gone", "type": "bool", "versions": "0", "ignorable": true } ] }
EOF
cat >"$work/kafka/10.0/m/PairRequest.json" <<'EOF'
{ "apiKey": 7, "type": "request", "name": "PairRequest", "validVersions": "1-3",
  "flexibleVersions": "2+", "latestVersionUnstable": true, "fields": [
    { "name": "NewName", "type": "string", "versions": "0+", "nullableVersions": "2+",
      "default": "null", "entityType": "groupId" },
    { "name": "Items", "type": "[]Item", "versions": "1+" },
    { "name": "Limit", "type": "int32", "versions": "2+", "taggedVersions": "2+", "tag": 0,
      "default": "0x10", "ignorable": true } ],
  "commonStructs": [ { "name": "Item", "versions": "0+", "fields": [
    { "name": "A", "type": "int8", "versions": "0+", "mapKey": true },
    { "name": "B", "type": "int16", "versions": "0+", "default": -1 } ] } ] }
EOF
for v in 2.0:0-1 10.0:1-3; do
    cat >"$work/kafka/${v%%:*}/m/PairResponse.json" <<EOF
{ "apiKey": 7, "type": "response", "name": "PairResponse", "validVersions": "${v#*:}",
  "flexibleVersions": "2+", "fields": [] }
EOF
done

good() {
    cat <<'EOF'
# Ours, without differences.
api 7 pair versions 0-2 flexible 2+

request
  old_name string 0
  gone bool 0 ignorable
  new_name string?2+ 1+ = null @group_id
  items [item] 1+
    a int8
    b int16 = -1
  limit int32 2+ tag 0 = 16 ignorable

response
EOF
}

compare() { build/tools/schema_compare "$work/exceptions" "$work/kafka" "$work/ours/07_pair.msg"; }
: >"$work/exceptions"

# finds SED-EXPRESSION LINE...: after the change exactly these differences are printed.
finds() {
    good | sed "$1" >"$work/ours/07_pair.msg"
    shift
    printf '%s\n' "$@" | sort >"$work/expected"
    compare >"$work/output" && return 1
    grep '^difference: ' "$work/output" | sed 's/^difference: pair //' | sort |
        diff - "$work/expected"
}

agrees() { compare >"$work/output" && grep -q "$1" "$work/output"; }
good >"$work/ours/07_pair.msg"
check "equal messages agree, version by version" agrees '^2 messages, 7 fields, 0 differences'
check "an unstable version is left out" grep -q '^left out: pair request 3 of 10.0' "$work/output"
check "... in both directions" grep -q '^left out: pair response 3 of 10.0' "$work/output"
check "a type" finds 's/a int8/a int16/' \
    "request items.a: type is 'int16', Kafka's 'int8' (versions 1-2)"
check "an array" finds 's/a int8/a [int8]/' \
    "request items.a: type is '[int8]', Kafka's 'int8' (versions 1-2)"
check "nullable versions" finds 's/?2+/?/' \
    "request new_name: nullable is 'yes', Kafka's 'no' (version 1)"
check "a tag" finds 's/tag 0/tag 1/' \
    "request limit: form is 'tag 1', Kafka's 'tag 0' (version 2)"
check "a field that is not tagged" finds 's/ tag 0//' \
    "request limit: form is 'plain', Kafka's 'tag 0' (version 2)"
check "a default" finds 's/= 16/= 17/' \
    "request limit: default is '17', Kafka's '16' (version 2)"
check "no default" finds 's/ = -1//' \
    "request items.b: default is '', Kafka's '-1' (versions 1-2)"
check "ignorable" finds 's/0 ignorable/0/' \
    "request gone: ignorable is 'no', Kafka's 'yes' (version 0)"
check "an entity" finds 's/ @group_id//' \
    "request new_name: entity is '', Kafka's 'groupId' (versions 1-2)"
check "flexible versions" finds 's/flexible 2+/flexible none/; /limit/d' \
    "request: flexible is 'no', Kafka's 'yes' (version 2)" \
    "response: flexible is 'no', Kafka's 'yes' (version 2)" \
    "request: lacks Limit (version 2)"
check "a field too early" finds 's/items \[item\] 1+/items [item] 0+/' \
    "request items: not in Kafka (version 0)"
check "a field that Kafka lacks" finds 's/^    a int8/&\n    z int8/' \
    "request items.z: not in Kafka (versions 1-2)" \
    "request items: the next field is 'z', Kafka's 'b' (versions 1-2)"
check "the order of fields" finds '/a int8/d; s/^    b int16.*/&\n    a int8/' \
    "request items: the next field is 'b', Kafka's 'a' (versions 1-2)" \
    "request items: the next field is '', Kafka's 'b' (versions 1-2)"
check "a version that we lack" finds 's/0-2/1-2/; /old_name/d; /gone/d' \
    "request: missing of 2.0 (version 0)" "response: missing of 2.0 (version 0)"
check "a version that Kafka lacks" finds 's/0-2/0-4/' \
    "request: in no version of Kafka (version 4)" \
    "response: in no version of Kafka (version 4)"
check "a name" finds 's/^api 7 pair/api 7 pear/' \
    "difference: pear request: name is 'pear_request', Kafka's 'PairRequest'" \
    "difference: pear response: name is 'pear_response', Kafka's 'PairResponse'"

good | sed 's/= 16/= 17/' >"$work/ours/07_pair.msg"
echo "pair request limit: default is '17', Kafka's '16' (version 2) -- better" >"$work/exceptions"
check "an exception explains" agrees '0 differences (1 explained)'
good >"$work/ours/07_pair.msg"
fails() { ! compare; }
check "an exception without a difference is refused" fails
echo "no reason" >"$work/exceptions"
check "an exception without a reason is refused" fails
: >"$work/exceptions"
sed 's/PairRe/PalmRe/; s/: 7/: 8/' "$work/kafka/10.0/m/PairRequest.json" \
    >"$work/kafka/10.0/m/PalmRequest.json"
check "a message that we lack" finds '' "difference: PalmRequest: missing of 10.0"
rm "$work/kafka/10.0/m/PalmRequest.json"
sed -i 's/"mapKey"/"strange"/' "$work/kafka/10.0/m/PairRequest.json"
check "an attribute that it does not know" finds '' \
    "request items.a: unknown attribute strange (versions 1-2)"
