# SPDX-License-Identifier: Apache-2.0
"""One broker of ours on a port that the kernel chose, and what it says it serves."""
import os
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile

READY_SECONDS = 30
STOP_SECONDS = 60


class Foreign:
    """A broker that others started, such as Apache Kafka for comparison."""

    def __init__(self, address):
        self.address = address

    def alive(self):
        return True

    def log_tail(self):
        return ''

    def stop(self):
        return True

    def apis(self):
        """{key: (lowest, highest)} as ApiVersions lists them."""
        host, port = self.address.split(':')
        with socket.create_connection((host, int(port)), 10) as s:
            s.sendall(struct.pack('>ihhih', 10, 18, 0, 1, -1))
            answer = s.makefile('rb')
            body = answer.read(struct.unpack('>i', answer.read(4))[0])
        count = struct.unpack_from('>i', body, 6)[0]
        rows = (struct.unpack_from('>hhh', body, 10 + 6 * i) for i in range(count))
        return {key: (low, high) for key, low, high in rows}


class Broker(Foreign):
    def __init__(self, binary, overrides=()):
        self.directory = tempfile.mkdtemp(prefix='odradek-compat.')
        self.log = os.path.join(self.directory, 'broker.log')
        super().__init__(None)
        ready, ready_in = os.pipe()
        command = [binary, 'server', '--override', 'listeners=PLAINTEXT://127.0.0.1:0',
                   '--override', 'log.dirs=' + os.path.join(self.directory, 'data')]
        for override in overrides:
            command += ['--override', override]
        with open(self.log, 'ab') as log:
            self.process = subprocess.Popen(command + ['--ready-fd', str(ready_in)],
                                            pass_fds=[ready_in], stdout=log, stderr=log)
        os.close(ready_in)
        if select.select([ready], [], [], READY_SECONDS)[0]:
            match = re.search(rb'127\.0\.0\.1:\d+', os.read(ready, 4096))
            self.address = match and match.group().decode()
        os.close(ready)
        if not self.address:
            self.stop()
            raise RuntimeError('the broker did not become ready')

    def alive(self):
        return self.process.poll() is None

    def log_tail(self, lines=30):
        with open(self.log, errors='replace') as log:
            return ''.join(log.readlines()[-lines:])

    def stop(self):
        """True if the broker ended cleanly; its directory is gone in any case."""
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)
        return status == 0
