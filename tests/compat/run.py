#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plays the steps through every client against one broker of ours, prints and writes the table.

usage: run [--client NAME]... [--records N] [--quick] [--doc FILE] [--minimum CLIENTS]
           [--seconds N] [--broker HOST:PORT]
"""
import argparse
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

import records  # noqa: E402
import report   # noqa: E402
import steps    # noqa: E402
from broker import Broker, Foreign  # noqa: E402
from driver import Driver  # noqa: E402

HELPER = 'librdkafka-2.0'  # Debian's library: needs no registry, so it is always there
SKIP_STATUS = 75
BUILD_SECONDS = 900
LIMIT_SECONDS = 60         # of one command, plus one for each 1,000 records
QUICK_RECORDS = 2_000
RECORDS = 100_000


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument('--client', action='append', default=[])
    parser.add_argument('--records', type=int)
    parser.add_argument('--quick', action='store_true')
    parser.add_argument('--doc')
    parser.add_argument('--minimum', type=int, default=0)
    parser.add_argument('--broker', help='host:port of another broker, for comparison')
    parser.add_argument('--seconds', type=int, default=4 * 3600, help='no client starts after them')
    options = parser.parse_args()
    options.records = options.records or (QUICK_RECORDS if options.quick else RECORDS)
    return options


def listed():
    """The rows of clients.txt: (name, version, kind, quick or full)."""
    with open(os.path.join(HERE, 'clients.txt')) as table:
        return [line.split() for line in table if line.strip() and not line.startswith('#')]


def cache():
    home = os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache')
    path = os.path.join(home, 'odradek-compat')
    os.makedirs(path, exist_ok=True)
    return path


def build(name, version, kind, seconds):
    """('ok', command), ('skip', reason) or ('fail', reason)."""
    log = os.path.join(cache(), name + '.log')
    command = ['timeout', '-k', '10', str(seconds), os.path.join(HERE, 'build'), name, version,
               kind, cache()]
    with open(log, 'wb') as errors:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=errors, check=False)
    last = (done.stdout.decode().strip().splitlines() or [''])[-1]
    if done.returncode == 0:
        return 'ok', shlex.split(last)
    if done.returncode == SKIP_STATUS:
        return 'skip', last
    if done.returncode == 124:
        return 'skip', f'its build took more than {seconds} s'
    return 'fail', f'its build failed, see {log}'


class Run:
    def __init__(self, options):
        self.options = options
        self.work = tempfile.mkdtemp(prefix='odradek-compat.')
        self.sent_path = os.path.join(self.work, 'sent')
        records.write(self.sent_path, options.records, int(time.time() * 1000) - options.records)
        self.sent = records.read(self.sent_path)
        self.limit = LIMIT_SECONDS + options.records // 1000
        self.table = report.Table([name for name, _ in steps.STEPS])
        self.broker = None
        self.helper = None
        self.others = {}  # codec: the topic written last that was read back right

    def start(self, helper_command):
        self.broker = (Foreign(self.options.broker) if self.options.broker
                       else Broker(os.environ.get('ODRADEK', 'build/release/odradek')))
        self.helper = self.driver(helper_command, 'helper')
        for codec in steps.CODECS:
            topic = f'helper-{codec}'
            for words in (('create', topic, records.PARTITIONS),
                          ('produce', topic, codec, self.sent_path, 'plain')):
                result, details = self.helper.ask(self.limit, *words)
                if result != 'ok':
                    raise RuntimeError(f'{HELPER}: {words[0]}: {details}')
            self.others[codec] = topic

    def driver(self, command, name):
        log = os.path.join(self.work, name + '.err')
        return Driver(command, self.broker.address, log, {'TMPDIR': self.work})

    def step(self, session, step):
        """Runs one step; fills its cell."""
        needs = steps.needed(session.name, step)
        served = self.broker.apis()
        missing = [key for key in needs if key not in served]
        if missing and not (step == 'alter' and len(missing) < len(needs)):
            self.table.set(session.name, step, 'waits', steps.API_NAMES[missing[-1]])
            return
        try:
            session.run(step)
        except steps.Failed as why:
            self.table.set(session.name, step, 'fail', str(why))
        except steps.NotThere as why:
            self.table.set(session.name, step, 'none', str(why))
        except (OSError, ValueError) as why:
            self.table.set(session.name, step, 'fail', f'what it wrote cannot be read: {why}')
        else:
            self.table.set(session.name, step, 'pass', '')
            if step in steps.CODECS and not session.blurred:
                self.others[step] = session.topic(step)

    def client(self, name, command):
        driver = self.driver(command, name)
        result, details = driver.ask(self.limit, 'hello')
        if result != 'ok':
            self.table.set(name, 'create', 'fail', f'hello: {details}')
            self.keep_log(name)
            return
        self.table.version(name, details)
        session = steps.Session(name, driver, self.work, self.sent_path, self.sent, self.limit,
                                self.helper, self.broker.apis())
        session.others = dict(self.others)
        for step, _ in steps.STEPS:
            if not session.driver.alive():
                session.driver = self.driver(command, name)
            self.step(session, step)
        session.driver.close()
        if not session.read_alone:
            self.table.note(name, f'reads only in a group: {HELPER} read what it wrote')
        if session.blurred:
            self.table.note(name, 'the library does not tell a null key or value from an empty one')
        if self.table.failed(name):
            self.keep_log(name)

    def keep_log(self, name):
        """What a driver said on standard error, beside its build's log."""
        with open(os.path.join(self.work, name + '.err'), 'rb') as errors:
            text = errors.read()[-20000:]
        with open(os.path.join(cache(), name + '.err'), 'wb') as kept:
            kept.write(text)

    def stop(self):
        if self.helper:
            self.helper.close()
        clean = True
        if self.broker:
            alive = self.broker.alive()
            tail = self.broker.log_tail()
            clean = self.broker.stop() and alive
            if not clean:
                print('the broker did not end cleanly; its log:\n' + tail)
        subprocess.run(['rm', '-rf', self.work], check=False)
        return clean


def chosen(options):
    rows = [row for row in listed()
            if (row[0] in options.client if options.client
                else row[3] == 'quick' or not options.quick)]
    unknown = set(options.client) - {row[0] for row in rows}
    if unknown:
        sys.exit(f'no such client: {", ".join(sorted(unknown))}')
    return rows


def play(run, rows):
    started = time.monotonic()
    for name, version, kind, _ in rows:
        left = run.options.seconds - (time.monotonic() - started)
        if left <= 0:
            run.table.skip(name, f'the limit of {run.options.seconds} s was reached')
            continue
        result, built = build(name, version, kind, int(min(BUILD_SECONDS, left)))
        if result == 'ok':
            run.client(name, built)
        elif result == 'skip':
            run.table.skip(name, built)
        else:
            run.table.set(name, 'create', 'fail', built)
        run.table.print_client(name)
        if run.options.doc:
            run.table.write(run.options.doc, run.options.records, listed())
        if not run.broker.alive():
            run.table.set(name, 'create', 'fail', 'the broker ended')
            break


def main():
    options = arguments()
    rows = chosen(options)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the broker is stopped
    run = Run(options)
    clean = False
    try:
        result, built = build(*next(row[:3] for row in listed() if row[0] == HELPER), BUILD_SECONDS)
        if result != 'ok':
            sys.exit(f'{HELPER}: {built}')
        run.start(built)
        play(run, rows)
    finally:
        clean = run.stop()
    print(run.table.summary())
    if run.table.clients_run() < options.minimum:
        sys.exit(f'{run.table.clients_run()} clients ran, at least {options.minimum} must')
    sys.exit(0 if clean and run.table.count('fail') == 0 and run.table.count('pass') > 0 else 1)


if __name__ == '__main__':
    main()
