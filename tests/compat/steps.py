# SPDX-License-Identifier: Apache-2.0
"""The steps: what a client is asked to do, which APIs that needs, and how the result is judged."""
import os

import records

CODECS = ('none', 'gzip', 'snappy', 'lz4', 'zstd')
BLURRED = ('kafka-go', 'node-rdkafka', 'confluent-js')  # these do not tell null from empty
IN_GROUPS = ('kafkajs',)  # the library consumes only as member of a group
GROUP = (8, 9, 11, 12, 13, 14)
API_NAMES = {8: 'consumer groups', 9: 'consumer groups', 11: 'consumer groups',
             12: 'consumer groups', 13: 'consumer groups', 14: 'consumer groups',
             20: 'DeleteTopics', 21: 'DeleteRecords', 22: 'InitProducerId',
             24: 'transactions', 26: 'transactions', 32: 'DescribeConfigs',
             33: 'AlterConfigs', 35: 'DescribeLogDirs', 37: 'CreatePartitions',
             44: 'IncrementalAlterConfigs'}

# (column, APIs needed): the function is the column's name with underscores.
STEPS = (
    ('create', ()),
    *((codec, ()) for codec in CODECS),
    ('idempotent', (22,)),
    ('from offset', ()),
    ('from time', ()),
    ('list offsets', ()),
    ('describe', ()),
    ('foreign', ()),
    ('configs', (32,)),
    ('alter', (33, 44)),
    ('partitions', (37,)),
    ('trim', (21,)),
    ('log dirs', (35,)),
    ('group', GROUP),
    ('transaction', (22, 24, 26)),
    ('delete', (20,)),
)


def needed(client, step):
    """The APIs that a step of a client needs."""
    if client in IN_GROUPS and step in ('from offset', 'from time', 'foreign'):
        return GROUP
    return dict(STEPS)[step]


class Failed(Exception):
    """The step's result is wrong."""


class NotThere(Exception):
    """The client has no such call."""


class Session:
    """One client against one broker."""

    def __init__(self, name, driver, work, sent_path, sent, limit, helper, served):
        self.name = name
        self.driver = driver
        self.work = work
        self.sent_path = sent_path
        self.sent = sent
        self.limit = limit
        self.helper = helper      # a driver that reads for clients that cannot read by assignment
        self.others = {}          # codec: topic written by another client
        self.whole = None         # what `none` consumed
        self.read_alone = name not in IN_GROUPS or all(key in served for key in GROUP)
        self.blurred = name in BLURRED
        if self.blurred:
            self.sent = [records.blur(record) for record in sent]

    def topic(self, what):
        return f'{self.name}-{what}'

    def ask(self, *words):
        result, details = self.driver.ask(self.limit, *words)
        if result == 'fail':
            raise Failed(f'{words[0]}: {details}')
        if result == 'none':
            raise NotThere(details)
        return details

    def values(self, *words):
        """The answer `0=12 1=7` as a dictionary of strings."""
        return dict(pair.partition('=')[::2] for pair in self.ask(*words).split())

    def consume(self, topic, where='start', driver=None):
        out = os.path.join(self.work, 'consumed')
        result, details = (driver or self.driver).ask(self.limit, 'consume', topic, where, out)
        if result == 'none':
            raise NotThere(details)
        if result == 'fail':
            raise Failed(f'consume {where}: {details}')
        return self.consumed(out)

    def consumed(self, path):
        found = records.Consumed(path)
        if self.blurred:
            found.blur()
        os.remove(path)
        return found

    def consume_or_helper(self, topic):
        """Reads by this client; by the helper if it cannot, as groups are not served."""
        if self.read_alone:
            return self.consume(topic)
        return self.consume(topic, driver=self.helper)

    def run(self, step):
        """Details of success; raises Failed or NotThere."""
        if step in CODECS:
            return self.codec(step)
        return getattr(self, step.replace(' ', '_'))()

    def same(self, consumed, contiguous=True):
        why = records.difference(self.sent, consumed, contiguous)
        if why:
            raise Failed(why)
        return consumed

    def create(self):
        self.ask('create', self.topic('created'), records.PARTITIONS)
        found = self.helper_values('describe', self.topic('created'))
        if found.get('partitions') != str(records.PARTITIONS):
            raise Failed(f'another client sees {found}')

    def helper_values(self, *words):
        result, details = self.helper.ask(self.limit, *words)
        if result != 'ok':
            raise Failed(f'the helper: {words[0]}: {details}')
        return dict(pair.partition('=')[::2] for pair in details.split())

    def written(self, what, codec, mode):
        topic = self.topic(what)
        self.ask('create', topic, records.PARTITIONS)
        self.ask('produce', topic, codec, self.sent_path, mode)
        return topic

    def codec(self, codec):
        topic = self.written(codec, codec, 'plain')
        consumed = self.same(self.consume_or_helper(topic))
        if codec == 'none':
            self.whole = consumed

    def idempotent(self):
        self.same(self.consume_or_helper(self.written('idempotent', 'zstd', 'idempotent')))

    def needs_whole(self):
        if not self.whole:
            raise Failed('the step none failed')
        return self.whole

    def from_offset(self):
        whole = self.needs_whole()
        for partition, rows in whole.partitions.items():
            offset = (1, len(rows) // 2 + 1, len(rows) - 1)[partition]
            consumed = self.consume(self.topic('none'), f'offset:{partition}:{offset}')
            if consumed.partitions != {partition: whole.after(partition, offset)}:
                raise Failed(f'partition {partition} from {offset}: {consumed.count()} records,'
                             f' {len(whole.after(partition, offset))} expected, or others')

    def from_time(self):
        whole = self.needs_whole()
        ms = int(self.sent[len(self.sent) // 2][1])
        consumed = self.consume(self.topic('none'), f'time:{ms}')
        expected = {p: whole.after(p, whole.first_at(p, ms)) for p in whole.partitions}
        if consumed.partitions != expected:
            raise Failed(f'from {ms}: {consumed.count()} records or others than'
                         f' {sum(map(len, expected.values()))}')

    def list_offsets(self):
        whole = self.needs_whole()
        topic = self.topic('none')
        ms = int(self.sent[len(self.sent) // 3][1])
        expected = {
            'latest': {str(p): str(len(rows)) for p, rows in whole.partitions.items()},
            'earliest': {str(p): '0' for p in whole.partitions},
            ms: {str(p): str(whole.first_at(p, ms)) for p in whole.partitions}}
        for what, offsets in expected.items():
            found = self.values('offsets', topic, what)
            if found != offsets:
                raise Failed(f'{what}: {found}, expected {offsets}')

    def describe(self):
        found = self.values('describe', self.topic('none'))
        expected = {'partitions': str(records.PARTITIONS), 'replicas': '1', 'isr': '1'}
        if found != expected:
            raise Failed(f'{found}, expected {expected}')

    def foreign(self):
        for topic in self.others.values():
            self.same(self.consume(topic))

    def configs(self):
        found = self.values('configs', self.topic('none'))
        if found.get('cleanup.policy') != 'delete':
            raise Failed(f'cleanup.policy is {found.get("cleanup.policy")}, of {len(found)} keys')

    def alter(self):
        topic = self.topic('none')
        self.ask('alter', topic, 'retention.ms=123456789')
        found = self.helper_values('configs', topic)
        if found.get('retention.ms') != '123456789':
            raise Failed(f'another client sees retention.ms={found.get("retention.ms")}')

    def partitions(self):
        topic = self.topic('created')
        self.ask('partitions', topic, records.PARTITIONS + 2)
        found = self.helper_values('describe', topic)
        if found.get('partitions') != str(records.PARTITIONS + 2):
            raise Failed(f'another client sees {found}')

    def trim(self):
        topic = self.written('trimmed', 'none', 'plain')
        self.ask('trim', topic, 1, 10)
        found = self.helper_values('offsets', topic, 'earliest')
        if found != {'0': '0', '1': '10', '2': '0'}:
            raise Failed(f'the log begins at {found}')

    def log_dirs(self):
        found = self.values('logdirs', self.topic('gzip'))
        if len(found) != records.PARTITIONS or not all(int(size) > 0 for size in found.values()):
            raise Failed(f'sizes {found}')

    def group(self):
        out = os.path.join(self.work, 'consumed')
        self.ask('group', self.topic('lz4'), self.topic('group'), len(self.sent), out)
        self.same(self.consumed(out))

    def transaction(self):
        topic = self.topic('transaction')
        self.ask('create', topic, records.PARTITIONS)
        self.ask('transaction', topic, self.sent_path)
        self.same(self.consume(topic, 'committed'), contiguous=False)

    def delete(self):
        topic = self.topic('created')
        self.ask('delete', topic)
        result, _ = self.helper.ask(self.limit, 'describe', topic)
        if result == 'ok':
            raise Failed('another client still sees the topic')
