// SPDX-License-Identifier: Apache-2.0

// The driver of franz-go.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"odradek/compat/driver"
)

var broker = os.Args[1]

var codecs = map[string]kgo.CompressionCodec{
	"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
	"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
}

// partitioner takes the partition that a record names, otherwise the library's default.
type partitioner struct{ inner kgo.Partitioner }
type topicPartitioner struct{ inner kgo.TopicPartitioner }

func (p partitioner) ForTopic(topic string) kgo.TopicPartitioner {
	return topicPartitioner{p.inner.ForTopic(topic)}
}
func (p topicPartitioner) RequiresConsistency(r *kgo.Record) bool {
	return r.Partition >= 0 || p.inner.RequiresConsistency(r)
}
func (p topicPartitioner) Partition(r *kgo.Record, n int) int {
	if r.Partition >= 0 {
		return int(r.Partition)
	}
	return p.inner.Partition(r, n)
}

func client(options ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append(options, kgo.SeedBrokers(broker))...)
}

func withAdmin(do func(context.Context, *kadm.Client) error) error {
	cl, err := client()
	if err != nil {
		return err
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(context.Background(), driver.Silence)
	defer cancel()
	return do(ctx, kadm.NewClient(cl))
}

func send(cl *kgo.Client, topic string, records []driver.Record) error {
	var first kgo.FirstErrPromise
	for _, r := range records {
		out := &kgo.Record{Topic: topic, Partition: int32(r.Partition), Key: r.Key, Value: r.Value,
			Timestamp: time.UnixMilli(r.Time)}
		for _, h := range r.Headers {
			out.Headers = append(out.Headers, kgo.RecordHeader{Key: h.Name, Value: h.Value})
		}
		cl.Produce(context.Background(), out, first.Promise())
	}
	return first.Err()
}

func produce(topic, codec string, records []driver.Record, idempotent bool) error {
	options := []kgo.Opt{kgo.ProducerBatchCompression(codecs[codec]), kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.RecordPartitioner(partitioner{kgo.StickyKeyPartitioner(nil)}),
		kgo.ProducerLinger(5 * time.Millisecond)}
	if !idempotent {
		options = append(options, kgo.DisableIdempotentWrite(), kgo.MaxProduceRequestsInflightPerBroker(1))
	}
	cl, err := client(options...)
	if err != nil {
		return err
	}
	defer cl.Close()
	return send(cl, topic, records)
}

func transaction(topic string, records []driver.Record) error {
	cl, err := client(kgo.TransactionalID(topic),
		kgo.RecordPartitioner(partitioner{kgo.StickyKeyPartitioner(nil)}))
	if err != nil {
		return err
	}
	defer cl.Close()
	for _, commit := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort} {
		if err := cl.BeginTransaction(); err != nil {
			return err
		}
		if err := send(cl, topic, records); err != nil {
			return err
		}
		if err := cl.EndTransaction(context.Background(), commit); err != nil {
			return err
		}
	}
	return nil
}

func write(out *driver.Out, r *kgo.Record) {
	record := driver.Record{Partition: int(r.Partition), Offset: r.Offset, Time: r.Timestamp.UnixMilli(),
		Key: r.Key, Value: r.Value}
	for _, h := range r.Headers {
		record.Headers = append(record.Headers, driver.Header{Name: h.Key, Value: h.Value})
	}
	out.Write(record)
}

func offsets(topic, what string) (map[int]int64, error) {
	found := map[int]int64{}
	return found, withAdmin(func(ctx context.Context, admin *kadm.Client) error {
		var listed kadm.ListedOffsets
		var err error
		switch what {
		case "earliest":
			listed, err = admin.ListStartOffsets(ctx, topic)
		case "latest":
			listed, err = admin.ListEndOffsets(ctx, topic)
		default:
			ms, _ := strconv.ParseInt(what, 10, 64)
			listed, err = admin.ListOffsetsAfterMilli(ctx, ms, topic)
		}
		listed.Each(func(o kadm.ListedOffset) {
			err = errors.Join(err, o.Err)
			found[int(o.Partition)] = o.Offset
		})
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

func consume(topic string, where driver.Where, out *driver.Out) error {
	at, err := begin(topic, where)
	if err != nil {
		return err
	}
	ends, err := offsets(topic, "latest")
	if err != nil {
		return err
	}
	assigned := map[int32]kgo.Offset{}
	for p, offset := range at {
		assigned[int32(p)] = kgo.NewOffset().At(offset)
	}
	options := []kgo.Opt{kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: assigned}),
		kgo.KeepControlRecords()}
	if where.Committed {
		options = append(options, kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	}
	cl, err := client(options...)
	if err != nil {
		return err
	}
	defer cl.Close()
	behind := func() bool {
		for p := range at {
			if at[p] < ends[p] {
				return true
			}
		}
		return false
	}
	for behind() {
		err := poll(cl, func(r *kgo.Record) {
			if !r.Attrs.IsControl() {
				write(out, r)
			}
			at[int(r.Partition)] = r.Offset + 1
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func poll(cl *kgo.Client, each func(*kgo.Record)) error {
	ctx, cancel := context.WithTimeout(context.Background(), driver.Silence)
	defer cancel()
	fetches := cl.PollFetches(ctx)
	if err := fetches.Err(); err != nil {
		return err
	}
	fetches.EachRecord(each)
	return nil
}

func group(topic, group string, count int, out *driver.Out) error {
	cl, err := client(kgo.ConsumeTopics(topic), kgo.ConsumerGroup(group), kgo.DisableAutoCommit())
	if err != nil {
		return err
	}
	defer cl.Close()
	for count > 0 {
		err := poll(cl, func(r *kgo.Record) {
			write(out, r)
			count--
		})
		if err != nil {
			return err
		}
	}
	return cl.CommitUncommittedOffsets(context.Background())
}

func describe(topic string) (partitions, replicas, isr int, err error) {
	err = withAdmin(func(ctx context.Context, admin *kadm.Client) error {
		found, err := admin.ListTopics(ctx, topic)
		if err != nil {
			return err
		}
		detail := found[topic]
		if detail.Err != nil {
			return detail.Err
		}
		first := detail.Partitions[0]
		partitions, replicas, isr = len(detail.Partitions), len(first.Replicas), len(first.ISR)
		return nil
	})
	return
}

func create(topic string, partitions int) error {
	return withAdmin(func(ctx context.Context, admin *kadm.Client) error {
		_, err := admin.CreateTopic(ctx, int32(partitions), 1, nil, topic)
		return err
	})
}

func remove(topic string) error {
	return withAdmin(func(ctx context.Context, admin *kadm.Client) error {
		_, err := admin.DeleteTopic(ctx, topic)
		return err
	})
}

func configs(topic string) (map[string]string, error) {
	found := map[string]string{}
	return found, withAdmin(func(ctx context.Context, admin *kadm.Client) error {
		answer, err := admin.DescribeTopicConfigs(ctx, topic)
		if err != nil {
			return err
		}
		one, err := answer.On(topic, nil)
		for _, c := range one.Configs {
			found[c.Key] = c.MaybeValue()
		}
		return errors.Join(err, one.Err)
	})
}

func alter(topic, key, value string) error {
	return withAdmin(func(ctx context.Context, admin *kadm.Client) error {
		change := kadm.AlterConfig{Op: kadm.SetConfig, Name: key, Value: &value}
		answer, err := admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{change}, topic)
		if err != nil {
			return err
		}
		one, err := answer.On(topic, nil)
		return errors.Join(err, one.Err)
	})
}

func partitions(topic string, count int) error {
	return withAdmin(func(ctx context.Context, admin *kadm.Client) error {
		answer, err := admin.UpdatePartitions(ctx, count, topic)
		if err != nil {
			return err
		}
		return answer.Error()
	})
}

func trim(topic string, partition int, offset int64) error {
	return withAdmin(func(ctx context.Context, admin *kadm.Client) error {
		before := kadm.Offsets{}
		before.Add(kadm.Offset{Topic: topic, Partition: int32(partition), At: offset})
		answer, err := admin.DeleteRecords(ctx, before)
		if err != nil {
			return err
		}
		return answer.Error()
	})
}

func logDirs(topic string) (map[int]int64, error) {
	sizes := map[int]int64{}
	return sizes, withAdmin(func(ctx context.Context, admin *kadm.Client) error {
		set := kadm.TopicsSet{}
		set.Add(topic, 0, 1, 2)
		answer, err := admin.DescribeAllLogDirs(ctx, set)
		if err != nil {
			return err
		}
		for _, dirs := range answer {
			dirs.Each(func(d kadm.DescribedLogDir) { err = errors.Join(err, d.Err) })
			dirs.EachPartition(func(p kadm.DescribedLogDirPartition) {
				sizes[int(p.Partition)] = p.Size
			})
		}
		return err
	})
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: driver host:port <commands")
		os.Exit(2)
	}
	driver.Main(&driver.Commands{Version: "github.com/twmb/franz-go", Produce: produce, Consume: consume,
		Group: group, Transaction: transaction, Offsets: offsets, Create: create, Describe: describe,
		Delete: remove, Configs: configs, Alter: alter, Partitions: partitions, Trim: trim,
		LogDirs: logDirs})
}
