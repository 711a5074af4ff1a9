# SPDX-License-Identifier: Apache-2.0
"""The driver of aiokafka."""
import asyncio
import sys

import aiokafka
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import (AIOKafkaAdminClient, NewPartitions, NewTopic,
                            RecordsToDelete)
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

import contract

BROKER = sys.argv[1]


async def send(producer, topic, path):
    futures = [await producer.send(topic, value=r.value, key=r.key, headers=r.headers,
                                   partition=r.partition, timestamp_ms=r.timestamp)
               for r in contract.records(path)]
    await asyncio.wait_for(asyncio.gather(*futures), contract.SILENCE * 4)


async def produce(topic, codec, path, mode):
    async with AIOKafkaProducer(bootstrap_servers=BROKER, acks='all', linger_ms=5,
                                compression_type=None if codec == 'none' else codec,
                                enable_idempotence=mode == 'idempotent') as producer:
        await send(producer, topic, path)


async def transaction(topic, path):
    async with AIOKafkaProducer(bootstrap_servers=BROKER, transactional_id=topic) as producer:
        for end in (producer.commit_transaction, producer.abort_transaction):
            await producer.begin_transaction()
            await send(producer, topic, path)
            await end()


async def partitions(consumer, topic):
    """The partitions; a consumer without a subscription asks for metadata of nothing."""
    found = await consumer._client._wait_on_metadata(topic)  # no public call names a topic's
    return [TopicPartition(topic, p) for p in sorted(found)]


async def at(consumer, parts, ms):
    ends = await consumer.end_offsets(parts)
    found = await consumer.offsets_for_times({part: ms for part in parts})
    return {part: found[part].offset if found.get(part) else ends[part] for part in parts}


async def begin(consumer, topic, where):
    if where.kind == 'offset':
        return {TopicPartition(topic, where.partition): where.offset}
    parts = await partitions(consumer, topic)
    if where.kind == 'time':
        return await at(consumer, parts, where.ms)
    return await consumer.beginning_offsets(parts)


async def take(consumer, out):
    """What came within the limit, written down: how many records."""
    found = await asyncio.wait_for(consumer.getmany(timeout_ms=500, max_records=5000),
                                   contract.SILENCE)
    for rows in found.values():
        for r in rows:
            contract.write(out, r.partition, r.offset, r.timestamp, r.key, r.headers, r.value)
    return sum(map(len, found.values()))


async def take_while(consumer, out, wanted):
    """Takes while `wanted` says so, of the number that came; gives up after a long silence."""
    silent = came = 0
    while await wanted(came):
        came = await take(consumer, out)
        silent = 0 if came else silent + 1
        if silent > 2 * contract.SILENCE:
            raise TimeoutError('nothing came')


async def consume(topic, text, path):
    where = contract.where(text)
    level = 'read_committed' if where.kind == 'committed' else 'read_uncommitted'
    async with AIOKafkaConsumer(bootstrap_servers=BROKER, enable_auto_commit=False,
                                isolation_level=level) as consumer:
        at_first = await begin(consumer, topic, where)
        ends = await consumer.end_offsets(list(at_first))
        consumer.assign(list(at_first))
        for part, offset in at_first.items():
            consumer.seek(part, offset)

        async def behind(_):
            return any([await consumer.position(part) < ends[part] for part in at_first])

        with open(path, 'wb') as out:
            await take_while(consumer, out, behind)


async def group(topic, name, count, path):
    left = int(count)

    async def more(came):
        nonlocal left
        left -= came
        return left > 0

    async with AIOKafkaConsumer(topic, bootstrap_servers=BROKER, group_id=name,
                                enable_auto_commit=False,
                                auto_offset_reset='earliest') as consumer:
        with open(path, 'wb') as out:
            await take_while(consumer, out, more)
        await consumer.commit()


async def offsets(topic, what):
    async with AIOKafkaConsumer(bootstrap_servers=BROKER) as consumer:
        parts = await partitions(consumer, topic)
        if what == 'earliest':
            found = await consumer.beginning_offsets(parts)
        elif what == 'latest':
            found = await consumer.end_offsets(parts)
        else:
            found = await at(consumer, parts, int(what))
    return {part.partition: offset for part, offset in found.items()}


async def admin(call):
    client = AIOKafkaAdminClient(bootstrap_servers=BROKER)
    await client.start()
    try:
        return await call(client)
    finally:
        await client.close()


def checked(errors):
    for code, *rest in errors:
        if code:
            raise aiokafka.errors.for_code(code)(*rest)


async def create(topic, count):
    answer = await admin(lambda a: a.create_topics([NewTopic(topic, int(count), 1)]))
    checked(row[1:] for row in answer.topic_errors)


async def delete(topic):
    answer = await admin(lambda a: a.delete_topics([topic]))
    checked(row[1:] for row in answer.topic_error_codes)


async def describe(topic):
    (found,) = await admin(lambda a: a.describe_topics([topic]))
    checked([(found['error_code'],)])
    first = found['partitions'][0]
    return (f'partitions={len(found["partitions"])} replicas={len(first["replicas"])}'
            f' isr={len(first["isr"])}')


async def configs(topic):
    (answer,) = await admin(
        lambda a: a.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)]))
    code, text, _, _, entries = answer.resources[0][:5]
    checked([(code, text)])
    return {entry[0]: entry[1] for entry in entries}


async def alter(topic, setting):
    key, _, value = setting.partition('=')
    resource = ConfigResource(ConfigResourceType.TOPIC, topic, {key: value})
    (answer,) = await admin(lambda a: a.alter_configs([resource]))
    checked(row[:2] for row in answer.resources)


async def more_partitions(topic, count):
    answer = await admin(lambda a: a.create_partitions({topic: NewPartitions(int(count))}))
    checked(row[1:] for row in answer.topic_errors)


async def trim(topic, partition, offset):
    before = {TopicPartition(topic, int(partition)): RecordsToDelete(int(offset))}
    await admin(lambda a: a.delete_records(before))


def now(call):
    return lambda *words: asyncio.run(call(*words))


async def hello():
    return aiokafka.__version__

contract.run({name: now(call) for name, call in {
    'hello': hello, 'produce': produce, 'transaction': transaction, 'consume': consume,
    'group': group, 'offsets': offsets, 'create': create, 'describe': describe, 'delete': delete,
    'configs': configs, 'alter': alter, 'partitions': more_partitions, 'trim': trim}.items()})
