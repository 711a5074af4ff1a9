// SPDX-License-Identifier: Apache-2.0

// The driver of sarama, which speaks the newest protocol versions that it knows.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/IBM/sarama"

	"odradek/compat/driver"
)

var brokers = os.Args[1:]

var codecs = map[string]sarama.CompressionCodec{
	"none": sarama.CompressionNone, "gzip": sarama.CompressionGZIP, "snappy": sarama.CompressionSnappy,
	"lz4": sarama.CompressionLZ4, "zstd": sarama.CompressionZSTD,
}

// partitioner takes the partition that a record names, otherwise the library's default.
type partitioner struct{ inner sarama.Partitioner }

func newPartitioner(topic string) sarama.Partitioner {
	return partitioner{sarama.NewHashPartitioner(topic)}
}
func (p partitioner) RequiresConsistency() bool { return true }
func (p partitioner) Partition(m *sarama.ProducerMessage, n int32) (int32, error) {
	if named := m.Metadata.(int); named >= 0 {
		return int32(named), nil
	}
	return p.inner.Partition(m, n)
}

func config() *sarama.Config {
	c := sarama.NewConfig()
	c.Version = sarama.MaxVersion
	c.Producer.RequiredAcks = sarama.WaitForAll
	c.Producer.Return.Successes = true
	c.Producer.Partitioner = newPartitioner
	return c
}

func withAdmin(do func(sarama.ClusterAdmin) error) error {
	admin, err := sarama.NewClusterAdmin(brokers, config())
	if err != nil {
		return err
	}
	return errors.Join(do(admin), admin.Close())
}

func withClient(do func(sarama.Client) error) error {
	client, err := sarama.NewClient(brokers, config())
	if err != nil {
		return err
	}
	return errors.Join(do(client), client.Close())
}

// encoder keeps null apart from empty.
func encoder(b []byte) sarama.Encoder {
	if b == nil {
		return nil
	}
	return sarama.ByteEncoder(b)
}

// send counts one answer for each record.
func send(producer sarama.AsyncProducer, topic string, records []driver.Record) error {
	go func() {
		for _, r := range records {
			m := &sarama.ProducerMessage{Topic: topic, Key: encoder(r.Key), Value: encoder(r.Value),
				Timestamp: time.UnixMilli(r.Time), Metadata: r.Partition}
			for _, h := range r.Headers {
				m.Headers = append(m.Headers, sarama.RecordHeader{Key: []byte(h.Name), Value: h.Value})
			}
			producer.Input() <- m
		}
	}()
	var first error
	for range records {
		select {
		case <-producer.Successes():
		case err := <-producer.Errors():
			if first == nil {
				first = err
			}
		case <-time.After(2 * driver.Silence):
			return errors.New("no acknowledgement")
		}
	}
	return first
}

func produce(topic, codec string, records []driver.Record, idempotent bool) error {
	c := config()
	c.Producer.Compression = codecs[codec]
	c.Producer.Flush.Frequency = 5 * time.Millisecond
	c.Producer.Idempotent = idempotent
	// With more in flight sarama may reorder, with or without idempotence.
	c.Net.MaxOpenRequests = 1
	producer, err := sarama.NewAsyncProducer(brokers, c)
	if err != nil {
		return err
	}
	return errors.Join(send(producer, topic, records), producer.Close())
}

func transaction(topic string, records []driver.Record) error {
	c := config()
	c.Producer.Idempotent = true
	c.Producer.Transaction.ID = topic
	c.Net.MaxOpenRequests = 1
	producer, err := sarama.NewAsyncProducer(brokers, c)
	if err != nil {
		return err
	}
	for _, end := range []func() error{producer.CommitTxn, producer.AbortTxn} {
		if err = producer.BeginTxn(); err == nil {
			err = send(producer, topic, records)
		}
		if err == nil {
			err = end()
		}
		if err != nil {
			break
		}
	}
	return errors.Join(err, producer.Close())
}

func offsets(topic, what string) (map[int]int64, error) {
	found := map[int]int64{}
	return found, withClient(func(client sarama.Client) error {
		at := map[string]int64{"earliest": sarama.OffsetOldest, "latest": sarama.OffsetNewest}[what]
		if at == 0 {
			at, _ = strconv.ParseInt(what, 10, 64)
		}
		partitions, err := client.Partitions(topic)
		for _, p := range partitions {
			offset, failed := client.GetOffset(topic, p, at)
			err = errors.Join(err, failed)
			found[int(p)] = offset
		}
		return err
	})
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

func write(out *driver.Out, m *sarama.ConsumerMessage) {
	r := driver.Record{Partition: int(m.Partition), Offset: m.Offset, Time: m.Timestamp.UnixMilli(),
		Key: m.Key, Value: m.Value}
	for _, h := range m.Headers {
		r.Headers = append(r.Headers, driver.Header{Name: string(h.Key), Value: h.Value})
	}
	out.Write(r)
}

// readPartition reads until the offset before `end`, or until all that is committed was read.
func readPartition(pc sarama.PartitionConsumer, end int64, committed bool, out *driver.Out) error {
	for next := int64(0); next < end; {
		select {
		case m := <-pc.Messages():
			write(out, m)
			next = m.Offset + 1
		case err := <-pc.Errors():
			return err
		case <-time.After(driver.Silence / 10):
			// Markers and aborted records end the log, and sarama tells no position.
			if !committed {
				return errors.New("nothing came")
			}
			return nil
		}
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
	c := config()
	if where.Committed {
		c.Consumer.IsolationLevel = sarama.ReadCommitted
	}
	c.Consumer.Return.Errors = true
	consumer, err := sarama.NewConsumer(brokers, c)
	if err != nil {
		return err
	}
	defer consumer.Close()
	for p, offset := range at {
		if offset < 0 || offset >= ends[p] {
			continue
		}
		pc, err := consumer.ConsumePartition(topic, int32(p), offset)
		if err != nil {
			return err
		}
		if err := readPartition(pc, ends[p], where.Committed, out); err != nil {
			return err
		}
		pc.AsyncClose()
		for range pc.Messages() {
		}
	}
	return nil
}

// handler reads `left` records in a group and then ends the session.
type handler struct {
	out  *driver.Out
	left int
	came chan *sarama.ConsumerMessage
	done context.CancelFunc
}

func (h *handler) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (h *handler) Cleanup(sarama.ConsumerGroupSession) error { return nil }
func (h *handler) ConsumeClaim(s sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case m, ok := <-claim.Messages():
			if !ok {
				return nil
			}
			s.MarkMessage(m, "")
			select {
			case h.came <- m:
			case <-s.Context().Done():
				return nil
			}
		case <-s.Context().Done():
			s.Commit()
			return nil
		}
	}
}

func (h *handler) collect() error {
	defer h.done()
	for ; h.left > 0; h.left-- {
		select {
		case m := <-h.came:
			write(h.out, m)
		case <-time.After(driver.Silence):
			return errors.New("nothing came")
		}
	}
	return nil
}

func group(topic, group string, count int, out *driver.Out) error {
	c := config()
	c.Consumer.Offsets.Initial = sarama.OffsetOldest
	c.Consumer.Offsets.AutoCommit.Enable = false
	member, err := sarama.NewConsumerGroup(brokers, group, c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	h := &handler{out: out, left: count, came: make(chan *sarama.ConsumerMessage), done: cancel}
	collected := make(chan error)
	go func() { collected <- h.collect() }()
	for ctx.Err() == nil && err == nil {
		err = member.Consume(ctx, []string{topic}, h)
	}
	cancel()
	return errors.Join(<-collected, member.Close())
}

func describe(topic string) (partitions, replicas, isr int, err error) {
	err = withAdmin(func(admin sarama.ClusterAdmin) error {
		found, err := admin.DescribeTopics([]string{topic})
		if err != nil {
			return err
		}
		if found[0].Err != sarama.ErrNoError {
			return found[0].Err
		}
		first := found[0].Partitions[0]
		partitions, replicas, isr = len(found[0].Partitions), len(first.Replicas), len(first.Isr)
		return nil
	})
	return
}

func create(topic string, partitions int) error {
	return withAdmin(func(admin sarama.ClusterAdmin) error {
		detail := &sarama.TopicDetail{NumPartitions: int32(partitions), ReplicationFactor: 1}
		return admin.CreateTopic(topic, detail, false)
	})
}

func configs(topic string) (map[string]string, error) {
	found := map[string]string{}
	return found, withAdmin(func(admin sarama.ClusterAdmin) error {
		resource := sarama.ConfigResource{Type: sarama.TopicResource, Name: topic}
		entries, err := admin.DescribeConfig(resource)
		for _, e := range entries {
			found[e.Name] = e.Value
		}
		return err
	})
}

func alter(topic, key, value string) error {
	return withAdmin(func(admin sarama.ClusterAdmin) error {
		entry := sarama.IncrementalAlterConfigsEntry{
			Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &value}
		return admin.IncrementalAlterConfig(sarama.TopicResource, topic,
			map[string]sarama.IncrementalAlterConfigsEntry{key: entry}, false)
	})
}

func logDirs(topic string) (map[int]int64, error) {
	sizes := map[int]int64{}
	return sizes, withAdmin(func(admin sarama.ClusterAdmin) error {
		nodes, _, err := admin.DescribeCluster()
		if err != nil {
			return err
		}
		found, err := admin.DescribeLogDirs([]int32{nodes[0].ID()})
		for _, dirs := range found {
			for _, dir := range dirs {
				for _, t := range dir.Topics {
					for _, p := range t.Partitions {
						if t.Topic == topic {
							sizes[int(p.PartitionID)] = p.Size
						}
					}
				}
			}
		}
		return err
	})
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: driver host:port <commands")
		os.Exit(2)
	}
	driver.Main(&driver.Commands{Version: "github.com/IBM/sarama", Produce: produce, Consume: consume,
		Group: group, Transaction: transaction, Offsets: offsets, Create: create, Describe: describe,
		Configs: configs, Alter: alter, LogDirs: logDirs,
		Delete: func(topic string) error {
			return withAdmin(func(a sarama.ClusterAdmin) error { return a.DeleteTopic(topic) })
		},
		Partitions: func(topic string, count int) error {
			return withAdmin(func(a sarama.ClusterAdmin) error {
				return a.CreatePartitions(topic, int32(count), nil, false)
			})
		},
		Trim: func(topic string, partition int, offset int64) error {
			return withAdmin(func(a sarama.ClusterAdmin) error {
				return a.DeleteRecords(topic, map[int32]int64{int32(partition): offset})
			})
		}})
}
