# SPDX-License-Identifier: Apache-2.0
"""The driver of kafka-python."""
import sys
import time

import kafka
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, NewPartitions, NewTopic

import contract

BROKER = sys.argv[1]


def send(producer, topic, path):
    futures = [producer.send(topic, value=r.value, key=r.key, headers=r.headers,
                             partition=r.partition, timestamp_ms=r.timestamp)
               for r in contract.records(path)]
    producer.flush(contract.SILENCE * 2)
    for future in futures:
        future.get(timeout=contract.SILENCE)


def produce(topic, codec, path, mode):
    producer = KafkaProducer(bootstrap_servers=BROKER, acks='all', linger_ms=5,
                             compression_type=None if codec == 'none' else codec,
                             enable_idempotence=mode == 'idempotent',
                             max_in_flight_requests_per_connection=1)
    send(producer, topic, path)
    producer.close()


def transaction(topic, path):
    producer = KafkaProducer(bootstrap_servers=BROKER, transactional_id=topic)
    producer.init_transactions()
    for end in (producer.commit_transaction, producer.abort_transaction):
        producer.begin_transaction()
        send(producer, topic, path)
        end()
    producer.close()


def partitions(consumer, topic):
    return [TopicPartition(topic, p) for p in sorted(consumer.partitions_for_topic(topic))]


def at(consumer, parts, ms):
    ends = consumer.end_offsets(parts)
    found = consumer.offsets_for_times({part: ms for part in parts})
    return {part: found[part].offset if found.get(part) else ends[part] for part in parts}


def begin(consumer, topic, where):
    if where.kind == 'offset':
        return {TopicPartition(topic, where.partition): where.offset}
    parts = partitions(consumer, topic)
    if where.kind == 'time':
        return at(consumer, parts, where.ms)
    return consumer.beginning_offsets(parts)


def poll(consumer, out, since):
    """One poll, written down: how many records came."""
    count = 0
    for rows in consumer.poll(timeout_ms=500, max_records=5000).values():
        for r in rows:
            contract.write(out, r.partition, r.offset, r.timestamp, r.key, r.headers, r.value)
        count += len(rows)
    if not count and time.monotonic() - since > contract.SILENCE:
        raise TimeoutError('nothing came')
    return count


def consume(topic, text, path):
    where = contract.where(text)
    level = 'read_committed' if where.kind == 'committed' else 'read_uncommitted'
    consumer = KafkaConsumer(bootstrap_servers=BROKER, group_id=None, enable_auto_commit=False,
                             isolation_level=level)
    at_first = begin(consumer, topic, where)
    ends = consumer.end_offsets(list(at_first))
    consumer.assign(list(at_first))
    for part, offset in at_first.items():
        consumer.seek(part, offset)
    since = time.monotonic()
    with open(path, 'wb') as out:
        while any(consumer.position(part) < ends[part] for part in at_first):
            if poll(consumer, out, since):
                since = time.monotonic()
    consumer.close()


def group(topic, name, count, path):
    consumer = KafkaConsumer(topic, bootstrap_servers=BROKER, group_id=name,
                             enable_auto_commit=False, auto_offset_reset='earliest')
    left, since = int(count), time.monotonic()
    with open(path, 'wb') as out:
        while left > 0:
            came = poll(consumer, out, since)
            left -= came
            since = time.monotonic() if came else since
    consumer.commit()
    consumer.close()


def offsets(topic, what):
    consumer = KafkaConsumer(bootstrap_servers=BROKER, group_id=None)
    parts = partitions(consumer, topic)
    if what == 'earliest':
        found = consumer.beginning_offsets(parts)
    elif what == 'latest':
        found = consumer.end_offsets(parts)
    else:
        found = at(consumer, parts, int(what))
    consumer.close()
    return {part.partition: offset for part, offset in found.items()}


def admin(do):
    client = KafkaAdminClient(bootstrap_servers=BROKER)
    try:
        return do(client)
    finally:
        client.close()


def describe(topic):
    found = admin(lambda a: a.describe_topics([topic]))[0]
    if found['error_code']:
        raise kafka.errors.for_code(found['error_code'])(topic)
    first = found['partitions'][0]
    replicas = first.get('replicas', first.get('replica_nodes'))
    isr = first.get('isr', first.get('isr_nodes'))
    return f'partitions={len(found["partitions"])} replicas={len(replicas)} isr={len(isr)}'


def configs(topic):
    resource = ConfigResource(ConfigResourceType.TOPIC, topic)
    found = admin(lambda a: a.describe_configs([resource], config_filter='all'))
    (values,) = found['topic'].values() if 'topic' in found else found['TOPIC'].values()
    return {key: value['value'] for key, value in values.items()}


def alter(topic, setting):
    key, _, value = setting.partition('=')
    resource = ConfigResource(ConfigResourceType.TOPIC, topic, {key: value})
    admin(lambda a: a.alter_configs([resource]))


def log_dirs(topic):
    sizes = {}
    for broker in admin(lambda a: a.describe_log_dirs({topic: [0, 1, 2]})):
        for directory in broker.get('results', broker.get('log_dirs')):
            for found in directory['topics']:
                for part in found['partitions']:
                    sizes[part['partition_index']] = part['partition_size']
    return sizes


contract.run({
    'hello': lambda: kafka.__version__,
    'produce': produce,
    'transaction': transaction,
    'consume': consume,
    'group': group,
    'offsets': offsets,
    'create': lambda topic, n: admin(
        lambda a: a.create_topics([NewTopic(topic, int(n), 1)])) and '',
    'describe': describe,
    'delete': lambda topic: admin(lambda a: a.delete_topics([topic])) and '',
    'configs': configs,
    'alter': alter,
    'partitions': lambda topic, n: admin(
        lambda a: a.create_partitions({topic: NewPartitions(int(n))})) and '',
    'trim': lambda topic, p, offset: admin(
        lambda a: a.delete_records({TopicPartition(topic, int(p)): int(offset)})) and '',
    'logdirs': log_dirs,
})
