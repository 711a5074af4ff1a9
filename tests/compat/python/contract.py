# SPDX-License-Identifier: Apache-2.0
"""What the Python drivers share: commands in, answers out, records read and written."""
import collections
import sys
import traceback

SILENCE = 30  # seconds without a record after which a consumer gives up
CALL = 30     # seconds of one administrative call

Record = collections.namedtuple('Record', 'partition timestamp key headers value')
Where = collections.namedtuple('Where', 'kind partition offset ms')


class NotThere(Exception):
    """The library has no such call."""


def value(word):
    return None if word == b'\\N' else word


def headers(word):
    pairs = (pair.partition(b'=') for pair in word.split(b',')) if word else ()
    return [(name.decode(), text) for name, _, text in pairs]


def records(path):
    with open(path, 'rb') as lines:
        for line in lines:
            partition, timestamp, key, head, text = line.rstrip(b'\n').split(b'\t')
            yield Record(None if partition == b'-' else int(partition), int(timestamp),
                         value(key), headers(head), value(text))


def write(out, partition, offset, timestamp, key, head, text):
    """`head` is a list of (name, bytes)."""
    out.write(b'%d\t%d\t%d\t%s\t%s\t%s\n' % (
        partition, offset, timestamp, b'\\N' if key is None else key,
        b','.join(name.encode() + b'=' + value for name, value in head or ()),
        b'\\N' if text is None else text))


def where(text):
    words = text.split(':')
    return Where(words[0], int(words[1]) if words[0] == 'offset' else None,
                 int(words[2]) if words[0] == 'offset' else None,
                 int(words[1]) if words[0] == 'time' else None)


def pairs(values):
    return ' '.join(f'{key}={values[key]}' for key in sorted(values))


def answer(commands, words):
    command = commands.get(words[0])
    if not command:
        return 'none', 'the library has no call for it'
    try:
        details = command(*words[1:])
    except NotThere as why:
        return 'none', str(why)
    except Exception as why:  # whatever a library raises is the answer
        traceback.print_exc()
        return 'fail', f'{type(why).__name__}: {why}'.replace('\n', ' ').replace('\t', ' ')
    return 'ok', details if isinstance(details, str) else pairs(details or {})


def run(commands):
    """Answers each line of the input; `commands` maps names to functions of strings that return
    a string, a dictionary or None."""
    for line in sys.stdin:
        print('\t'.join(answer(commands, line.rstrip('\n').split('\t'))), flush=True)
