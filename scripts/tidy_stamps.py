#!/usr/bin/env python3
"""Prints 'STAMP FILE' for each source named on stdin. The stamp changes with the file, with any header
of ours that it includes, directly or not, and with the checks."""

import hashlib
import pathlib
import re
import sys

INCLUDE = re.compile(rb'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)


def includes(path, known={}):
    if path not in known:
        found = INCLUDE.findall(path.read_bytes())
        known[path] = [file for name in found if (file := pathlib.Path(name.decode())).exists()]
    return known[path]


def closure(path):
    seen, waiting = {path}, [path]
    while waiting:
        for header in includes(waiting.pop()):
            if header not in seen:
                seen.add(header)
                waiting.append(header)
    return sorted(seen)


checks = pathlib.Path(".clang-tidy").read_bytes()
for line in sys.stdin:
    digest = hashlib.sha256(checks)
    for file in closure(pathlib.Path(line.strip())):
        digest.update(str(file).encode() + b"\0" + file.read_bytes())
    print(digest.hexdigest()[:32], line.strip())
