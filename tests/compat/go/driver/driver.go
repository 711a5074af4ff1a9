// SPDX-License-Identifier: Apache-2.0

// Package driver is what the Go drivers share: commands, records, answers.
package driver

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"sort"
	"strconv"
	"strings"
	"time"
)

// Silence is how long a consumer that hears nothing waits before it gives up.
const Silence = 30 * time.Second

// ErrNone says that the library has no such call.
var ErrNone = errors.New("the library has no call for it")

// Header is one header of a record.
type Header struct {
	Name  string
	Value []byte
}

// Record is one line of the file to send, or of what was consumed.
type Record struct {
	Partition int // -1: the client chooses
	Offset    int64
	Time      int64 // milliseconds
	Key       []byte
	Headers   []Header
	Value     []byte
}

// Commands are the library's; nil functions are answered with none.
type Commands struct {
	Version     string // the module, whose version the binary knows
	Produce     func(topic, codec string, records []Record, idempotent bool) error
	Consume     func(topic string, where Where, out *Out) error
	Group       func(topic, group string, count int, out *Out) error
	Transaction func(topic string, records []Record) error
	Offsets     func(topic, what string) (map[int]int64, error)
	Create      func(topic string, partitions int) error
	Describe    func(topic string) (partitions, replicas, isr int, err error)
	Delete      func(topic string) error
	Configs     func(topic string) (map[string]string, error)
	Alter       func(topic, key, value string) error
	Partitions  func(topic string, count int) error
	Trim        func(topic string, partition int, offset int64) error
	LogDirs     func(topic string) (map[int]int64, error)
}

// Where to begin to consume.
type Where struct {
	Committed bool
	Partition int // -1: all
	Offset    int64
	Time      int64 // -1: not by time
}

func parseWhere(text string) Where {
	w := Where{Partition: -1, Time: -1}
	part := strings.Split(text, ":")
	switch part[0] {
	case "committed":
		w.Committed = true
	case "offset":
		w.Partition, _ = strconv.Atoi(part[1])
		w.Offset, _ = strconv.ParseInt(part[2], 10, 64)
	case "time":
		w.Time, _ = strconv.ParseInt(part[1], 10, 64)
	}
	return w
}

// Out is the file of what was consumed.
type Out struct {
	file *bufio.Writer
}

func bytesOf(word []byte) []byte {
	if string(word) == `\N` {
		return nil
	}
	return word
}

func textOf(word []byte) []byte {
	if word == nil {
		return []byte(`\N`)
	}
	return word
}

// Write adds one record.
func (o *Out) Write(r Record) {
	fmt.Fprintf(o.file, "%d\t%d\t%d\t%s\t", r.Partition, r.Offset, r.Time, textOf(r.Key))
	for i, h := range r.Headers {
		if i > 0 {
			o.file.WriteByte(',')
		}
		fmt.Fprintf(o.file, "%s=%s", h.Name, h.Value)
	}
	fmt.Fprintf(o.file, "\t%s\n", textOf(r.Value))
}

// read returns the records of a file.
func read(path string) ([]Record, error) {
	whole, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var records []Record
	for _, line := range bytes.Split(bytes.TrimSuffix(whole, []byte("\n")), []byte("\n")) {
		word := bytes.Split(line, []byte("\t"))
		r := Record{Partition: -1, Key: bytesOf(word[2]), Value: bytesOf(word[4])}
		if string(word[0]) != "-" {
			r.Partition, _ = strconv.Atoi(string(word[0]))
		}
		r.Time, _ = strconv.ParseInt(string(word[1]), 10, 64)
		if len(word[3]) > 0 {
			for _, pair := range bytes.Split(word[3], []byte(",")) {
				name, value, _ := bytes.Cut(pair, []byte("="))
				r.Headers = append(r.Headers, Header{string(name), value})
			}
		}
		records = append(records, r)
	}
	return records, nil
}

func pairs[K int, V any](values map[K]V) string {
	var keys []int
	for k := range values {
		keys = append(keys, int(k))
	}
	sort.Ints(keys)
	var text []string
	for _, k := range keys {
		text = append(text, fmt.Sprintf("%d=%v", k, values[K(k)]))
	}
	return strings.Join(text, " ")
}

// writing runs do with a file to write to.
func writing(path string, do func(*Out) error) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	out := &Out{bufio.NewWriter(file)}
	return errors.Join(do(out), out.file.Flush(), file.Close())
}

func (c *Commands) version() string {
	info, _ := debug.ReadBuildInfo()
	for _, dep := range info.Deps {
		if dep.Path == c.Version {
			return dep.Version
		}
	}
	return "?"
}

func (c *Commands) records(w []string) (string, error) {
	switch {
	case w[0] == "produce" && c.Produce != nil:
		records, err := read(w[3])
		if err != nil {
			return "", err
		}
		return "", c.Produce(w[1], w[2], records, w[4] == "idempotent")
	case w[0] == "transaction" && c.Transaction != nil:
		records, err := read(w[2])
		if err != nil {
			return "", err
		}
		return "", c.Transaction(w[1], records)
	case w[0] == "consume" && c.Consume != nil:
		return "", writing(w[3], func(o *Out) error { return c.Consume(w[1], parseWhere(w[2]), o) })
	case w[0] == "group" && c.Group != nil:
		count, _ := strconv.Atoi(w[3])
		return "", writing(w[4], func(o *Out) error { return c.Group(w[1], w[2], count, o) })
	}
	return c.topics(w)
}

func (c *Commands) topics(w []string) (string, error) {
	number := 0
	if len(w) > 2 {
		number, _ = strconv.Atoi(w[2])
	}
	switch {
	case w[0] == "offsets" && c.Offsets != nil:
		found, err := c.Offsets(w[1], w[2])
		return pairs(found), err
	case w[0] == "create":
		return "", c.Create(w[1], number)
	case w[0] == "describe":
		partitions, replicas, isr, err := c.Describe(w[1])
		return fmt.Sprintf("partitions=%d replicas=%d isr=%d", partitions, replicas, isr), err
	case w[0] == "delete" && c.Delete != nil:
		return "", c.Delete(w[1])
	case w[0] == "partitions" && c.Partitions != nil:
		return "", c.Partitions(w[1], number)
	case w[0] == "trim" && c.Trim != nil:
		offset, _ := strconv.ParseInt(w[3], 10, 64)
		return "", c.Trim(w[1], number, offset)
	}
	return c.settings(w)
}

func (c *Commands) settings(w []string) (string, error) {
	switch {
	case w[0] == "hello":
		return c.version(), nil
	case w[0] == "configs" && c.Configs != nil:
		found, err := c.Configs(w[1])
		var text []string
		for key, value := range found {
			text = append(text, key+"="+value)
		}
		sort.Strings(text)
		return strings.Join(text, " "), err
	case w[0] == "alter" && c.Alter != nil:
		key, value, _ := strings.Cut(w[2], "=")
		return "", c.Alter(w[1], key, value)
	case w[0] == "logdirs" && c.LogDirs != nil:
		found, err := c.LogDirs(w[1])
		return pairs(found), err
	}
	return "", ErrNone
}

func (c *Commands) run(w []string) (details string, err error) {
	defer func() {
		if why := recover(); why != nil {
			os.Stderr.Write(debug.Stack())
			err = fmt.Errorf("panic: %v", why)
		}
	}()
	return c.records(w)
}

// Main answers commands until the input ends.
func Main(c *Commands) {
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		details, err := c.run(strings.Split(in.Text(), "\t"))
		result := "ok"
		switch {
		case errors.Is(err, ErrNone):
			result, details = "none", err.Error()
		case err != nil:
			result, details = "fail", strings.NewReplacer("\n", " ", "\t", " ").Replace(err.Error())
		}
		fmt.Printf("%s\t%s\n", result, details)
	}
}
