// SPDX-License-Identifier: Apache-2.0

// The driver of kafka-go.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"

	"odradek/compat/driver"
)

var broker = os.Args[1]

var codecs = map[string]kafka.Compression{
	"none": 0, "gzip": kafka.Gzip, "snappy": kafka.Snappy, "lz4": kafka.Lz4, "zstd": kafka.Zstd,
}

// balancer takes the partition that a record names, otherwise the library's hash by key.
type balancer struct{ inner kafka.Hash }

func (b *balancer) Balance(m kafka.Message, partitions ...int) int {
	if named := m.WriterData.(int); named >= 0 {
		return named
	}
	return b.inner.Balance(m, partitions...)
}

func client() *kafka.Client {
	return &kafka.Client{Addr: kafka.TCP(broker), Timeout: driver.Silence}
}

func first(errs map[string]error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func produce(topic, codec string, records []driver.Record, idempotent bool) error {
	if idempotent {
		return fmt.Errorf("no idempotent writer: %w", driver.ErrNone)
	}
	w := &kafka.Writer{Addr: kafka.TCP(broker), Topic: topic, Balancer: &balancer{},
		RequiredAcks: kafka.RequireAll, Compression: codecs[codec], BatchSize: 5000,
		BatchTimeout: 5 * time.Millisecond}
	var messages []kafka.Message
	for _, r := range records {
		m := kafka.Message{Key: r.Key, Value: r.Value, Time: time.UnixMilli(r.Time),
			WriterData: r.Partition}
		for _, h := range r.Headers {
			m.Headers = append(m.Headers, kafka.Header{Key: h.Name, Value: h.Value})
		}
		messages = append(messages, m)
	}
	return errors.Join(w.WriteMessages(context.Background(), messages...), w.Close())
}

func partitionsOf(topic string) ([]kafka.Partition, error) {
	answer, err := client().Metadata(context.Background(), &kafka.MetadataRequest{Topics: []string{topic}})
	if err != nil {
		return nil, err
	}
	return answer.Topics[0].Partitions, answer.Topics[0].Error
}

func offsets(topic, what string) (map[int]int64, error) {
	partitions, err := partitionsOf(topic)
	if err != nil {
		return nil, err
	}
	ms, _ := strconv.ParseInt(what, 10, 64)
	var asked []kafka.OffsetRequest
	for _, p := range partitions {
		switch what {
		case "earliest":
			asked = append(asked, kafka.FirstOffsetOf(p.ID))
		case "latest":
			asked = append(asked, kafka.LastOffsetOf(p.ID))
		default:
			asked = append(asked, kafka.TimeOffsetOf(p.ID, time.UnixMilli(ms)))
		}
	}
	answer, err := client().ListOffsets(context.Background(),
		&kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{topic: asked}})
	if err != nil {
		return nil, err
	}
	found := map[int]int64{}
	for _, p := range answer.Topics[topic] {
		err = errors.Join(err, p.Error)
		switch what {
		case "earliest":
			found[p.Partition] = p.FirstOffset
		case "latest":
			found[p.Partition] = p.LastOffset
		default:
			for offset := range p.Offsets {
				found[p.Partition] = offset
			}
		}
	}
	return found, err
}

func begin(topic string, where driver.Where) (map[int]int64, error) {
	if where.Partition >= 0 {
		return map[int]int64{where.Partition: where.Offset}, nil
	}
	if where.Time >= 0 {
		return offsets(topic, strconv.FormatInt(where.Time, 10))
	}
	return offsets(topic, "earliest")
}

func readMessage(r *kafka.Reader, out *driver.Out, silence time.Duration) (kafka.Message, error) {
	ctx, cancel := context.WithTimeout(context.Background(), silence)
	defer cancel()
	m, err := r.ReadMessage(ctx)
	if err != nil {
		return m, err
	}
	record := driver.Record{Partition: m.Partition, Offset: m.Offset, Time: m.Time.UnixMilli(),
		Key: m.Key, Value: m.Value}
	for _, h := range m.Headers {
		record.Headers = append(record.Headers, driver.Header{Name: h.Key, Value: h.Value})
	}
	out.Write(record)
	return m, nil
}

// readPartition reads from `at` to `end`; committed data ends earlier, in silence.
func readPartition(topic string, partition int, at, end int64, committed bool, out *driver.Out) error {
	config := kafka.ReaderConfig{Brokers: []string{broker}, Topic: topic, Partition: partition,
		MinBytes: 1, MaxBytes: 10e6, MaxWait: 500 * time.Millisecond}
	silence := driver.Silence
	if committed {
		config.IsolationLevel = kafka.ReadCommitted
		silence /= 10
	}
	r := kafka.NewReader(config)
	defer r.Close()
	if err := r.SetOffset(at); err != nil {
		return err
	}
	for at < end {
		m, err := readMessage(r, out, silence)
		if committed && errors.Is(err, context.DeadlineExceeded) {
			return nil
		}
		if err != nil {
			return err
		}
		at = m.Offset + 1
	}
	return nil
}

func consume(topic string, where driver.Where, out *driver.Out) error {
	at, err := begin(topic, where)
	if err != nil {
		return err
	}
	ends, err := offsets(topic, "latest")
	if err != nil {
		return err
	}
	for p, offset := range at {
		if err := readPartition(topic, p, offset, ends[p], where.Committed, out); err != nil {
			return err
		}
	}
	return nil
}

func group(topic, group string, count int, out *driver.Out) error {
	r := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{broker}, Topic: topic, GroupID: group,
		StartOffset: kafka.FirstOffset, MinBytes: 1, MaxBytes: 10e6, CommitInterval: time.Second})
	for ; count > 0; count-- {
		if _, err := readMessage(r, out, driver.Silence); err != nil {
			return errors.Join(err, r.Close())
		}
	}
	return r.Close()
}

func describe(topic string) (partitions, replicas, isr int, err error) {
	found, err := partitionsOf(topic)
	if err != nil || len(found) == 0 {
		return 0, 0, 0, errors.Join(err, errors.New("no partitions"))
	}
	return len(found), len(found[0].Replicas), len(found[0].Isr), nil
}

func create(topic string, partitions int) error {
	answer, err := client().CreateTopics(context.Background(), &kafka.CreateTopicsRequest{
		Topics: []kafka.TopicConfig{{Topic: topic, NumPartitions: partitions, ReplicationFactor: 1}}})
	if err != nil {
		return err
	}
	return first(answer.Errors)
}

func remove(topic string) error {
	answer, err := client().DeleteTopics(context.Background(),
		&kafka.DeleteTopicsRequest{Topics: []string{topic}})
	if err != nil {
		return err
	}
	return first(answer.Errors)
}

func configs(topic string) (map[string]string, error) {
	answer, err := client().DescribeConfigs(context.Background(), &kafka.DescribeConfigsRequest{
		Resources: []kafka.DescribeConfigRequestResource{
			{ResourceType: kafka.ResourceTypeTopic, ResourceName: topic}}})
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	for _, e := range answer.Resources[0].ConfigEntries {
		found[e.ConfigName] = e.ConfigValue
	}
	return found, answer.Resources[0].Error
}

func alter(topic, key, value string) error {
	answer, err := client().IncrementalAlterConfigs(context.Background(),
		&kafka.IncrementalAlterConfigsRequest{Resources: []kafka.IncrementalAlterConfigsRequestResource{
			{ResourceType: kafka.ResourceTypeTopic, ResourceName: topic,
				Configs: []kafka.IncrementalAlterConfigsRequestConfig{
					{Name: key, Value: value, ConfigOperation: kafka.ConfigOperationSet}}}}})
	if err != nil {
		return err
	}
	return answer.Resources[0].Error
}

func partitions(topic string, count int) error {
	answer, err := client().CreatePartitions(context.Background(), &kafka.CreatePartitionsRequest{
		Topics: []kafka.TopicPartitionsConfig{{Name: topic, Count: int32(count)}}})
	if err != nil {
		return err
	}
	return first(answer.Errors)
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: driver host:port <commands")
		os.Exit(2)
	}
	driver.Main(&driver.Commands{Version: "github.com/segmentio/kafka-go", Produce: produce,
		Consume: consume, Group: group, Offsets: offsets, Create: create, Describe: describe,
		Delete: remove, Configs: configs, Alter: alter, Partitions: partitions})
}
