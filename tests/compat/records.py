# SPDX-License-Identifier: Apache-2.0
"""The records that every client sends: this system's package descriptions, and their comparison.

A record is a line: partition, timestamp, key, headers, value, separated by tabs.
"""
import glob
import itertools
import subprocess

NULL = b'\\N'
LARGE = (200_000, 500_000, 700_000, 900_000)  # bytes of the large values, below every default limit
PARTITIONS = 3


def package_lines():
    """(package, line) of the package lists, or of the installed packages where there are none."""
    lists = sorted(glob.glob('/var/lib/apt/lists/*_Packages*'))
    if lists:
        command = ['/usr/lib/apt/apt-helper', 'cat-file', *lists]
    else:
        command = ['cat', '/var/lib/dpkg/status']
    with subprocess.Popen(command, stdout=subprocess.PIPE) as source:
        package = b''
        for line in source.stdout:
            line = line.rstrip(b'\n').replace(b'\t', b' ')
            if line.startswith(b'Package: '):
                package = line[9:]
            if line:
                yield package, line
        source.kill()


def shape(i, package, line, large):
    """Record i: (partition, key, headers, value); every class of record comes in any 1,000."""
    partition, key, headers, value = b'-', package, b'', line
    if i % 3 == 0:
        partition, key = b'%d' % (i // 3 % PARTITIONS), NULL
    if i % 10 == 1:
        key = NULL
    if i % 7 == 2:
        headers = b'empty=,line=%d,package=%s' % (i, package.replace(b'=', b'-'))
    if i % 1000 == 300:
        partition, key = b'1', b''  # librdkafka sends an empty key anywhere
    if i % 1000 == 502:
        value = b''
    if i % 1000 == 704 and key != NULL:
        value = NULL
    if i in large:
        value = large[i]
    return partition, key, headers, value


def write(path, count, first_ms):
    """Writes `count` records to `path`, one millisecond apart from `first_ms` on."""
    lines = list(itertools.islice(package_lines(), count))
    lines = list(itertools.islice(itertools.cycle(lines), count))
    text = b' '.join(line for _, line in lines)
    while len(text) < max(LARGE):
        text += text
    large = {count * (n + 1) // 5: text[n:n + size] for n, size in enumerate(LARGE)}
    with open(path, 'wb') as out:
        for i, (package, line) in enumerate(lines):
            partition, key, headers, value = shape(i, package, line, large)
            out.write(b'\t'.join((partition, b'%d' % (first_ms + i), key, headers, value)) + b'\n')


def read(path):
    with open(path, 'rb') as source:
        return [line.rstrip(b'\n').split(b'\t') for line in source]


class Consumed:
    """What a driver wrote down: per partition a list of (offset, record)."""

    def __init__(self, path):
        self.partitions = {}
        for fields in read(path):
            if len(fields) != 6:
                raise ValueError(f'a consumed line has {len(fields)} fields')
            at = int(fields[0]), int(fields[1])
            self.partitions.setdefault(at[0], []).append((at[1], tuple(fields[2:])))

    def blur(self):
        self.partitions = {partition: [(offset, blur(record)) for offset, record in rows]
                           for partition, rows in self.partitions.items()}

    def count(self):
        return sum(len(rows) for rows in self.partitions.values())

    def after(self, partition, offset):
        return [row for row in self.partitions.get(partition, []) if row[0] >= offset]

    def first_at(self, partition, ms):
        """The offset of the first record of `partition` that is not older than `ms`, or None."""
        return next((offset for offset, record in self.partitions.get(partition, [])
                     if int(record[0]) >= ms), None)


def blur(record):
    """A record without the difference of null and empty, for libraries that do not know it."""
    return tuple(b'' if field == NULL else field for field in record)


def difference(sent, consumed, contiguous=True):
    """Why `consumed` is not what was sent, in order; None if it is."""
    if consumed.count() != len(sent):
        return f'{consumed.count()} records consumed, {len(sent)} sent'
    for partition, rows in consumed.partitions.items():
        offsets = [offset for offset, _ in rows]
        if contiguous and offsets != list(range(offsets[0], offsets[0] + len(rows))):
            return f'partition {partition}: offsets have gaps or are out of order'
        if any(a >= b for a, b in zip(offsets, offsets[1:])):
            return f'partition {partition}: offsets are out of order'
    return different_order(sent, consumed)


def different_order(sent, consumed):
    """Records of a named partition keep its order; records of a key keep the key's order, in one
    partition; records of neither are compared as a multiset."""
    expected = {}
    lane_of = {}
    for partition, *record in sent:
        record = tuple(record)
        lane = int(partition) if partition != b'-' else record[1]
        expected.setdefault(lane, []).append(record)
        lane_of.setdefault(record, lane)
    found = {}
    where = {}
    for partition, rows in consumed.partitions.items():
        for _, record in rows:
            lane = lane_of.get(record)
            if lane is None:
                return f'partition {partition}: a record that was never sent: {record[:3]}'
            if isinstance(lane, int) and lane != partition:
                return f'a record for partition {lane} is in {partition}'
            if lane not in (NULL, b'') and where.setdefault(lane, partition) != partition:
                return f'key {lane} is in two partitions'
            found.setdefault(lane, []).append(record)
    for lane, rows in expected.items():
        got = found.get(lane, [])
        if (sorted(got) != sorted(rows)) if lane in (NULL, b'') else (got != rows):
            return f'{lane}: {len(rows)} records sent, {len(got)} consumed, or their order differs'
    return None
