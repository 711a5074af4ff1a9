#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints messages as kafka-python encodes them: each API that it knows, its request and response in
the lowest and highest version that our schema and the library have, once with all fields set and
once with defaults.  Usage: kafka_python.py FOLDER, the folder with schema/api."""
import glob
import importlib
import pkgutil
import re
import sys
import uuid

import kafka
import kafka.protocol
from kafka.protocol.api_message import ApiMessage

NUMBERS = {"int8", "int16", "uint16", "int32", "int64"}


class Filler:
    """Gives each value another number, so that no two fields can be mistaken."""

    def __init__(self, version):
        self.version = version
        self.n = 2

    def next(self):
        self.n += 1
        return self.n

    def value(self, field, depth):
        kind = field.type_str
        if field.is_struct():
            return self.struct(field, depth)
        if field.is_struct_array():
            items = [self.struct(field, depth + 1)]
            return items + [Defaults(self.version).struct(field, 1)] if depth == 0 else items
        if field.is_array():
            return [self.value(field.array_of, depth), self.value(field.array_of, depth)]
        if kind in NUMBERS:
            return self.next()
        if kind == "bool":
            return True
        if kind == "float64":
            return self.next() + 0.5
        if kind == "string":
            return "s%d" % self.next()
        if kind == "uuid":
            return uuid.UUID(int=self.next() << 64 | self.next())
        if kind == "bitfield":
            return {1, 3, 8}
        return bytes([self.next(), 0, 0xFF])

    def struct(self, field, depth):
        inside = [f for f in field.fields.values() if f.for_version_q(self.version)]
        return field(version=self.version, **{f.name: self.value(f, depth) for f in inside})


class Defaults(Filler):
    def value(self, field, depth):
        if field.is_struct() and not field.nullable_for_version_q(self.version):
            return self.struct(field, depth)
        return field.default

    def struct(self, field, depth):
        inside = [f for f in field.fields.values()
                  if f.for_version_q(self.version) and not f.tagged_field_q(self.version)]
        return field(version=self.version, **{f.name: self.value(f, depth) for f in inside})


def message_classes():
    found = {}
    for module in pkgutil.walk_packages(kafka.protocol.__path__, "kafka.protocol."):
        if ".old" not in module.name and ".generate" not in module.name:
            for cls in vars(importlib.import_module(module.name)).values():
                if isinstance(cls, type) and issubclass(cls, ApiMessage) and cls is not ApiMessage:
                    found[cls.API_KEY, cls.type] = cls
    return found


def show(cls, name, version):
    for kind, filler in ("filled", Filler(version)), ("default", Defaults(version)):
        inside = [f for f in cls._struct.fields.values() if f.for_version_q(version)]
        if kind == "default":
            inside = [f for f in inside if not f.tagged_field_q(version)]
        message = cls(version=version, **{f.name: filler.value(f, 0) for f in inside})
        print(name, version, kind, bytes(message.encode()).hex())


def main():
    classes = message_classes()
    print("# SPDX-License-Identifier: Apache-2.0")
    print("# Messages as kafka-python %s encodes them: codec, version, what is set, hexadecimal."
          % kafka.__version__)
    print("# Written by kafka_python.py.")
    for path in sorted(glob.glob(sys.argv[1] + "/api/*.msg")):
        with open(path, encoding="utf-8") as file:
            head = re.search(r"^api (\d+) (\w+) versions (\d+)(?:-(\d+))?", file.read(), re.M)
        key, low, high = int(head[1]), int(head[3]), int(head[4] or head[3])
        for kind, suffix in ("request", "_req"), ("response", "_rsp"):
            cls = classes.get((key, kind))
            if cls:
                for version in sorted({low, min(high, cls.max_version)}):
                    show(cls, head[2] + suffix, version)


main()
