// SPDX-License-Identifier: Apache-2.0

// Golden prints messages as franz-go's kmsg encodes them, for tests/unit/wire/foreign: each API's
// request and response in the lowest and highest version that our schema has, and the records that
// kmsg knows, each once with all fields set and once with its defaults.
//
// Usage: golden FOLDER, the folder with schema/api and schema/records.
package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime/debug"
	"sort"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

type message interface{ AppendTo([]byte) []byte }

type schema struct {
	name     string
	key      int16 // of an API; -1: a record
	min, max int16
}

// Tagged fields that kmsg v1.15.0 writes in every version, though they begin here.
var tooEarly = map[string]int16{
	"VoteResponse.NodeEndpoints":                            1,
	"FetchSnapshotRequestTopicPartition.ReplicaDirectoryID": 1,
	"FetchSnapshotResponse.NodeEndpoints":                   1,
	"BrokerHeartbeatRequest.OfflineLogDirs":                 1,
	"BrokerHeartbeatRequest.CordonedLogDirs":                2,
}

// Where kmsg v1.15.0 has a field in another place than Kafka, the version below stands in.
var highest = map[string]int16{"stop_replica_req": 3}

// The records that kmsg knows too; each begins with its int16 version, which ours leaves out.
var records = map[string]func() message{
	"offset_commit_value":            func() message { return new(kmsg.OffsetCommitValue) },
	"group_metadata_value":           func() message { return new(kmsg.GroupMetadataValue) },
	"transaction_log_value":          func() message { return new(kmsg.TxnMetadataValue) },
	"consumer_protocol_subscription": func() message { return new(kmsg.ConsumerMemberMetadata) },
	"consumer_protocol_assignment":   func() message { return new(kmsg.ConsumerMemberAssignment) },
	"default_principal_data":         func() message { return new(kmsg.DefaultPrincipalData) },
	"end_txn_marker":                 func() message { return new(kmsg.EndTxnMarker) },
	"leader_change_message":          func() message { return new(kmsg.LeaderChangeMessage) },
	"offset_commit_key":              func() message { return new(kmsg.OffsetCommitKey) },
	"group_metadata_key":             func() message { return new(kmsg.GroupMetadataKey) },
	"transaction_log_key":            func() message { return new(kmsg.TxnMetadataKey) },
}

// A filler gives each value another number, so that no two fields can be mistaken.
type filler struct {
	n       int64
	version int16
}

func (f *filler) next() int64 {
	f.n++
	return f.n
}

func setDefaults(v reflect.Value) {
	if d, ok := v.Addr().Interface().(interface{ Default() }); ok {
		d.Default()
	}
}

// A list of structs holds a filled one and, in the outermost list, one with defaults, where null
// and empty values stand.
func (f *filler) fillList(v reflect.Value, depth int) {
	n := 2
	if v.Type().Elem().Kind() == reflect.Struct && depth > 0 {
		n = 1
	}
	list := reflect.MakeSlice(v.Type(), n, n)
	for i := 0; i < n; i++ {
		if v.Type().Elem().Kind() == reflect.Struct {
			setDefaults(list.Index(i))
		}
		if i == 0 || v.Type().Elem().Kind() != reflect.Struct {
			f.fill(list.Index(i), depth+1)
		}
	}
	v.Set(list)
}

func (f *filler) fillStruct(v reflect.Value, depth int) {
	for i := 0; i < v.NumField(); i++ {
		t := v.Type().Field(i)
		if t.Type == reflect.TypeOf(kmsg.Tags{}) || (depth == 0 && t.Name == "Version") {
			continue
		}
		if f.version < tooEarly[v.Type().Name()+"."+t.Name] {
			continue
		}
		f.fill(v.Field(i), depth)
	}
}

func (f *filler) fill(v reflect.Value, depth int) {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int8:
		v.SetInt(f.next()%100 + 2)
	case reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(f.next() + 2 + 256*int64(v.Type().Bits()/16-1))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		v.SetUint(uint64(f.next() + 2))
	case reflect.Float64:
		v.SetFloat(float64(f.next()) + 0.5)
	case reflect.String:
		v.SetString("s" + strconv.FormatInt(f.next(), 10))
	case reflect.Array:
		for i := 0; i < v.Len(); i++ {
			v.Index(i).SetUint(uint64(f.next() % 256))
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte{byte(f.next()), 0, 0xff})
		} else {
			f.fillList(v, depth)
		}
	case reflect.Ptr:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem(), depth)
	case reflect.Struct:
		setDefaults(v)
		f.fillStruct(v, depth)
	default:
		panic("no rule for " + v.Type().String())
	}
}

func show(out *bufio.Writer, name string, version int16, make func() message, skip int) {
	if max, found := highest[name]; found && version > max {
		version = max
	}
	for _, kind := range []string{"filled", "default"} {
		m := make()
		v := reflect.ValueOf(m).Elem()
		setDefaults(v)
		if kind == "filled" {
			(&filler{version: version}).fillStruct(v, 0)
		}
		v.FieldByName("Version").SetInt(int64(version))
		fmt.Fprintf(out, "%s %d %s %x\n", name, version, kind, m.AppendTo(nil)[skip:])
	}
}

func versionsOf(s schema) []int16 {
	if s.min == s.max {
		return []int16{s.min}
	}
	return []int16{s.min, s.max}
}

// The line "api 1 fetch versions 0-18 ..." or "value offset_commit_value versions 0-4 ...".
func readSchema(path string) (schema, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return schema{}, err
	}
	for _, line := range strings.Split(string(text), "\n") {
		words := strings.Fields(line)
		if len(words) < 4 || words[0] == "#" {
			continue
		}
		s := schema{name: words[1], key: -1}
		if words[0] == "api" {
			key, err := strconv.ParseInt(words[1], 10, 16)
			if err != nil {
				return s, err
			}
			s.key, s.name, words = int16(key), words[2], words[1:]
		}
		if n, _ := fmt.Sscanf(words[3], "%d-%d", &s.min, &s.max); n == 1 {
			s.max = s.min
		}
		return s, nil
	}
	return schema{}, fmt.Errorf("%s: no message", path)
}

// LeaderChangeMessage has its version as a field.
func prefixBytes(s schema) int {
	if s.name == "leader_change_message" {
		return 0
	}
	return 2
}

func showSchema(out *bufio.Writer, s schema) {
	for _, version := range versionsOf(s) {
		if s.key < 0 {
			if make := records[s.name]; make != nil {
				show(out, s.name, version, make, prefixBytes(s))
			}
			continue
		}
		show(out, s.name+"_req", version, func() message { return kmsg.RequestForKey(s.key) }, 0)
		show(out, s.name+"_rsp", version, func() message { return kmsg.ResponseForKey(s.key) }, 0)
	}
}

func kmsgVersion() string {
	info, _ := debug.ReadBuildInfo()
	for _, m := range info.Deps {
		if strings.HasSuffix(m.Path, "/kmsg") {
			return m.Version
		}
	}
	return "of unknown version"
}

func main() {
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	fmt.Fprintf(out, "# SPDX-License-Identifier: Apache-2.0\n"+
		"# Messages as franz-go's kmsg %s encodes them: codec, version, what is set, hexadecimal.\n"+
		"# Written by `make golden`.\n", kmsgVersion())
	for _, folder := range []string{"api", "records"} {
		files, _ := filepath.Glob(filepath.Join(os.Args[1], folder, "*.msg"))
		sort.Strings(files)
		for _, file := range files {
			s, err := readSchema(file)
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			showSchema(out, s)
		}
	}
}
