# SPDX-License-Identifier: Apache-2.0
"""A driver process as the runner sees it: one command, one answer, each within a limit of time."""
import os
import select
import signal
import subprocess
import time


class Driver:
    def __init__(self, command, address, log, environment):
        with open(log, 'ab') as errors:
            self.process = subprocess.Popen(
                command + [address], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
                start_new_session=True, env={**os.environ, **environment})
        self.unread = b''

    def ask(self, seconds, *words):
        """(result, details): ok, fail or none as the driver says; fail if it ends or is silent."""
        try:
            self.process.stdin.write('\t'.join(map(str, words)).encode() + b'\n')
            self.process.stdin.flush()
        except OSError:
            return 'fail', f'the driver ended with status {self.process.wait()}'
        line = self.line(time.monotonic() + seconds)
        if line is None:
            ended = self.process.poll()
            self.kill()
            if ended is None:
                return 'fail', f'no answer within {seconds} s'
            return 'fail', f'the driver ended with status {ended}'
        result, _, details = line.partition('\t')
        if result not in ('ok', 'fail', 'none'):
            return 'fail', f'not an answer: {line[:200]}'
        return result, details

    def line(self, deadline):
        stdout = self.process.stdout.fileno()
        while b'\n' not in self.unread:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([stdout], [], [], left)[0]:
                return None
            part = os.read(stdout, 65536)
            if not part:
                self.process.wait()
                return None
            self.unread += part
        line, _, self.unread = self.unread.partition(b'\n')
        return line.decode(errors='replace')

    def alive(self):
        return self.process.poll() is None

    def kill(self):
        if self.alive():
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def close(self):
        """Ends the driver by the end of its input; kills it if that does not help."""
        try:
            self.process.stdin.close()
            self.process.wait(10)
        except (OSError, subprocess.TimeoutExpired):
            pass
        self.kill()
