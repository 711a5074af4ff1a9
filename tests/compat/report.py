# SPDX-License-Identifier: Apache-2.0
"""The table of clients and steps: printed, counted, and written as a page."""

CELLS = {'pass': 'ok', 'fail': '**FAILS**', 'none': '-', 'waits': 'waits'}
HEAD = '''<!-- SPDX-License-Identifier: Apache-2.0 -->
<!-- Written by make compat. -->
# Compatibility

What `make compat` did with each client's own library against one broker, with {records:,} records:
lines of the Debian package lists, 60 % with a key and the client's own partitioner, the others to
a named partition or anywhere; headers, empty and null values, values of up to 900,000 bytes. Each
codec is a topic of three partitions, written with `acks=all`, read back by assignment, and compared
record by record: content, timestamps, headers, offsets without gaps, the order in each partition
and for each key. *foreign*: reads what another client wrote with each codec.

**ok**: done and compared. **waits**: our broker does not serve the API yet; the step runs by itself
once it does. **-**: the library has no such call.
'''


class Table:
    def __init__(self, columns):
        self.columns = columns
        self.rows = {}
        self.skips = {}
        self.versions = {}
        self.notes = {}

    def set(self, client, step, result, details):
        self.rows.setdefault(client, {})[step] = (result, details)

    def skip(self, client, why):
        self.skips[client] = why

    def version(self, client, text):
        self.versions[client] = text

    def note(self, client, text):
        self.notes.setdefault(client, []).append(text)

    def failed(self, client):
        return any(result == 'fail' for result, _ in self.rows.get(client, {}).values())

    def count(self, wanted):
        return sum(result == wanted for row in self.rows.values() for result, _ in row.values())

    def clients_run(self):
        return sum(any(result == 'pass' for result, _ in row.values())
                   for row in self.rows.values())

    def print_client(self, client):
        if client in self.skips:
            print(f'{client}: SKIP: {self.skips[client]}', flush=True)
            return
        row = self.rows[client]
        passed = [step for step, (result, _) in row.items() if result == 'pass']
        print(f'{client} ({self.versions.get(client, "?")}): {len(passed)} passed:'
              f' {", ".join(passed)}')
        for step, (result, details) in row.items():
            if result == 'fail':
                print(f'    {step}: FAILED: {details}')
            elif result != 'pass':
                print(f'    {step}: {result}: {details}')
        for note in self.notes.get(client, []):
            print(f'    {note}')
        print(end='', flush=True)

    def summary(self):
        return (f'compat: {self.clients_run()} clients, {self.count("waits")} steps wait, '
                f'{self.count("pass")} passed, {self.count("fail")} failed, '
                f'{len(self.skips)} skipped')

    def details(self, wanted):
        """{details: [(client, step)]} of every cell with that result."""
        found = {}
        for client, row in self.rows.items():
            for step, (result, details) in row.items():
                if result == wanted:
                    found.setdefault(details, []).append((client, step))
        return found

    def write(self, path, records, listed):
        lines = [HEAD.format(records=records)]
        lines.append('| client | version | ' + ' | '.join(self.columns) + ' |')
        lines.append('|---' * (len(self.columns) + 2) + '|')
        for name, *_ in listed:
            if name in self.rows:
                cells = [CELLS[self.rows[name][step][0]] if step in self.rows[name] else ''
                         for step in self.columns]
                lines.append(f'| {name} | {self.versions.get(name, "")} | '
                             + ' | '.join(cells) + ' |')
        lines += ['', self.summary()[len('compat: '):] + '.', '']
        lines += self.section('Fails', 'fail') + self.section('Waits', 'waits')
        lines += self.section('The library has no such call', 'none')
        if self.notes:
            lines += ['## Notes', '', *(f'- {client}: {note}.' for client, notes
                                        in self.notes.items() for note in notes), '']
        if self.skips:
            lines += ['## Skipped', '', *(f'- {client}: {why}' for client, why
                                          in self.skips.items()), '']
        with open(path, 'w') as page:
            page.write('\n'.join(lines).rstrip('\n') + '\n')

    def section(self, title, wanted):
        found = self.details(wanted)
        if not found:
            return []
        lines = [f'## {title}', '']
        for details, cells in found.items():
            by_step = {}
            for client, step in cells:
                by_step.setdefault(step, []).append(client)
            where = '; '.join(f'{step} ({", ".join(clients)})' if len(clients) < len(self.rows)
                              else f'{step} (all)' for step, clients in by_step.items())
            lines.append(f'- {details}: {where}')
        return lines + ['']
