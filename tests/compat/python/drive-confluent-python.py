# SPDX-License-Identifier: Apache-2.0
"""The driver of confluent-kafka-python."""
import sys

import confluent_kafka
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import (AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource,
                                   NewPartitions, NewTopic, OffsetSpec, ResourceType)

import contract

BROKER = sys.argv[1]


def send(producer, topic, path):
    failures, count = [], 0

    def delivered(error, _):
        nonlocal count
        count += 1
        if error:
            failures.append(error)

    sent = 0
    for r in contract.records(path):
        options = {} if r.partition is None else {'partition': r.partition}
        while True:
            try:
                producer.produce(topic, value=r.value, key=r.key, headers=r.headers,
                                 timestamp=r.timestamp, on_delivery=delivered, **options)
                break
            except BufferError:
                producer.poll(0.1)
        sent += 1
    producer.flush(contract.SILENCE * 2)
    if failures:
        raise KafkaException(failures[0])
    if count != sent:
        raise TimeoutError(f'{count} of {sent} records acknowledged')


def produce(topic, codec, path, mode):
    send(Producer({'bootstrap.servers': BROKER, 'acks': 'all', 'linger.ms': 5,
                   'compression.codec': codec, 'enable.idempotence': mode == 'idempotent'}),
         topic, path)


def transaction(topic, path):
    producer = Producer({'bootstrap.servers': BROKER, 'transactional.id': topic})
    producer.init_transactions(contract.CALL)
    for end in (producer.commit_transaction, producer.abort_transaction):
        producer.begin_transaction()
        send(producer, topic, path)
        end(contract.CALL)


def partitions(client, topic):
    return sorted(client.list_topics(topic, contract.CALL).topics[topic].partitions)


def begin(consumer, topic, where):
    if where.kind == 'offset':
        return {where.partition: where.offset}
    parts = partitions(consumer, topic)
    lows = {p: consumer.get_watermark_offsets(TopicPartition(topic, p))[0] for p in parts}
    if where.kind == 'time':
        wanted = [TopicPartition(topic, p, where.ms) for p in parts]
        found = consumer.offsets_for_times(wanted, contract.CALL)
        return {part.partition: part.offset for part in found}
    return lows


def next_message(consumer):
    """The next message or end of partition.  An error that names no topic, as that there is no
    group coordinator, does not end an assignment."""
    while True:
        message = consumer.poll(contract.SILENCE)
        if message is None:
            raise TimeoutError('nothing came')
        error = message.error()
        if not error or error.code() == KafkaError._PARTITION_EOF:
            return message
        if message.topic():
            raise KafkaException(error)
        print(error, file=sys.stderr)


def write(out, m):
    contract.write(out, m.partition(), m.offset(), m.timestamp()[1], m.key(), m.headers(),
                   m.value())


def consume(topic, text, path):
    where = contract.where(text)
    level = 'read_committed' if where.kind == 'committed' else 'read_uncommitted'
    consumer = Consumer({'bootstrap.servers': BROKER, 'group.id': topic, 'isolation.level': level,
                         'enable.auto.commit': False, 'enable.partition.eof': True})
    at = begin(consumer, topic, where)
    ends = {p: consumer.get_watermark_offsets(TopicPartition(topic, p))[1] for p in at}
    consumer.assign([TopicPartition(topic, p, offset) for p, offset in at.items()])
    with open(path, 'wb') as out:
        while any(0 <= at[p] < ends[p] for p in at):
            m = next_message(consumer)
            if m.error():
                at[m.partition()] = m.offset()
            else:
                write(out, m)
                at[m.partition()] = m.offset() + 1
    consumer.close()


def group(topic, name, count, path):
    consumer = Consumer({'bootstrap.servers': BROKER, 'group.id': name,
                         'enable.auto.commit': False, 'auto.offset.reset': 'earliest'})
    consumer.subscribe([topic])
    with open(path, 'wb') as out:
        for _ in range(int(count)):
            write(out, next_message(consumer))
    consumer.commit(asynchronous=False)
    consumer.close()


ADMIN = AdminClient({'bootstrap.servers': BROKER})  # one, that outlives its futures


def wait(futures):
    """The results of an admin call, each by its key."""
    return {key: future.result(contract.CALL) for key, future in futures.items()}


def offsets(topic, what):
    spec = {'earliest': OffsetSpec.earliest, 'latest': OffsetSpec.latest}.get(
        what, lambda: OffsetSpec.for_timestamp(int(what)))
    asked = {TopicPartition(topic, p): spec() for p in partitions(ADMIN, topic)}
    return {part.partition: found.offset
            for part, found in wait(ADMIN.list_offsets(asked)).items()}


def describe(topic):
    found = ADMIN.list_topics(topic, contract.CALL).topics[topic]
    if found.error:
        raise KafkaException(found.error)
    first = found.partitions[0]
    return (f'partitions={len(found.partitions)} replicas={len(first.replicas)}'
            f' isr={len(first.isrs)}')


def configs(topic):
    (found,) = wait(ADMIN.describe_configs([ConfigResource(ResourceType.TOPIC, topic)])).values()
    return {name: entry.value for name, entry in found.items()}


def alter(topic, setting):
    key, _, value = setting.partition('=')
    entry = ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    wait(ADMIN.incremental_alter_configs([resource]))


contract.run({
    'hello': lambda: f'{confluent_kafka.__version__}, librdkafka {confluent_kafka.libversion()[0]}',
    'produce': produce,
    'transaction': transaction,
    'consume': consume,
    'group': group,
    'offsets': offsets,
    'create': lambda topic, n: wait(ADMIN.create_topics([NewTopic(topic, int(n), 1)])) and '',
    'describe': describe,
    'delete': lambda topic: wait(ADMIN.delete_topics([topic])) and '',
    'configs': configs,
    'alter': alter,
    'partitions': lambda topic, n: wait(
        ADMIN.create_partitions([NewPartitions(topic, int(n))])) and '',
    'trim': lambda topic, p, offset: wait(
        ADMIN.delete_records([TopicPartition(topic, int(p), int(offset))])) and '',
})
