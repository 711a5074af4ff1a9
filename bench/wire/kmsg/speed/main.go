// SPDX-License-Identifier: Apache-2.0

// Speed reads messages as `bench/wire --dump` writes them and prints how long franz-go's kmsg takes
// to decode and to encode each: NAME|BYTES|DECODE NS|ENCODE NS, the best of several rounds.
//
// Decoding makes a new message each time, as a client does, with strings that borrow the input;
// encoding appends to memory that is large enough.
package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	rounds       = 20
	roundTime    = 10 * time.Millisecond
	lineBytesMax = 1 << 24
)

type message interface {
	SetVersion(int16)
	AppendTo([]byte) []byte
	UnsafeReadFrom([]byte) error
}

func newMessage(key, version int16, response bool) message {
	var m message
	if response {
		m = kmsg.ResponseForKey(key).(message)
	} else {
		m = kmsg.RequestForKey(key).(message)
	}
	m.SetVersion(version)
	return m
}

func bestNs(call func()) float64 {
	best := 1e18
	calls := 1
	for round := 0; round < rounds; round++ {
		start := time.Now()
		for i := 0; i < calls; i++ {
			call()
		}
		took := time.Since(start)
		if ns := float64(took.Nanoseconds()) / float64(calls); ns < best {
			best = ns
		}
		if took < roundTime {
			calls *= 2
		}
	}
	return best
}

func fail(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	os.Exit(1)
}

// Line: NAME|KEY|VERSION|request or response|HEX
func measure(line string) {
	words := strings.Split(line, "|")
	if len(words) != 5 {
		fail("not a message: %.80s", line)
	}
	key, _ := strconv.ParseInt(words[1], 10, 16)
	version, _ := strconv.ParseInt(words[2], 10, 16)
	data, err := hex.DecodeString(words[4])
	if err != nil {
		fail("%s: %v", words[0], err)
	}
	decode := func() message {
		m := newMessage(int16(key), int16(version), words[3] == "response")
		if err := m.UnsafeReadFrom(data); err != nil {
			fail("%s: %v", words[0], err)
		}
		return m
	}
	m := decode()
	if again := m.AppendTo(nil); !bytes.Equal(again, data) {
		fail("%s: kmsg encodes other bytes", words[0])
	}
	buffer := make([]byte, 0, len(data))
	decodeNs := bestNs(func() { decode() })
	encodeNs := bestNs(func() { m.AppendTo(buffer[:0]) })
	fmt.Printf("%s|%d|%.2f|%.2f\n", words[0], len(data), decodeNs, encodeNs)
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, lineBytesMax)
	for in.Scan() {
		measure(in.Text())
	}
	if in.Err() != nil {
		fail("%v", in.Err())
	}
}
