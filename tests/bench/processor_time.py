#!/usr/bin/env python3
"""Where the service's processor time goes while machines enrol over 32 kept connections, by perf, as
the Markdown of docs/performance.md. Needs Debian's linux-perf, and to be allowed to use it.

    tests/bench/processor_time.py [SECONDS]
"""

import pathlib
import re
import subprocess
import sys
import tempfile
import time

import generator
from subjects import Countersign, cpu_seconds

# What a shared object is to a reader; the first that fits.
PARTS = [
    (r"kernel|vdso", "kernel: sockets, waking threads, the sync of a commit"),
    (r"libcrypto", "OpenSSL: the signatures, digests, TLS's ciphers"),
    (r"libssl", "OpenSSL: TLS records"),
    (r"libsqlite3", "SQLite"),
    (r"countersign", "our own code, with Asio, Beast and JSON in it"),
    (r"mimalloc|libc\.so", "allocation, copying, locks"),
    (r"", "the rest"),
]


def samples(service, folder, seconds):
    """[(share, shared object)] of what perf saw of the process under load."""
    data = folder / "perf.data"
    idle = cpu_seconds(service.pid)
    load = generator.Load(service, connections=32, seconds=seconds + 2,
                          machines=int(6_000 * (seconds + 2)))
    while cpu_seconds(service.pid) < idle + 0.5:  # the machines are made first
        assert load.process.poll() is None, "no load came"
        time.sleep(0.1)
    subprocess.run(["perf", "record", "-q", "-o", data, "-p", str(service.pid), "--", "sleep",
                    str(seconds)], check=True, timeout=seconds + 60)
    figures = load.wait()
    report = subprocess.run(["perf", "report", "-i", data, "--no-children", "--sort", "dso",
                             "--stdio"], check=True, capture_output=True, text=True, timeout=300)
    found = re.findall(r"^\s*(\d+\.\d+)%\s+(\S+)", report.stdout, re.M)
    return figures, [(float(share), name) for share, name in found]


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10
    with tempfile.TemporaryDirectory(prefix="countersign-perf-") as folder:
        with Countersign(pathlib.Path(folder) / "ca") as service:
            figures, found = samples(service, pathlib.Path(folder), seconds)
    shares = {}
    for share, name in found:
        part = next(text for pattern, text in PARTS if re.search(pattern, name))
        shares[part] = shares.get(part, 0) + share
    assert shares, "perf saw nothing"
    print("| part | share | us an enrolment |\n|---|---|---|")
    for part, share in sorted(shares.items(), key=lambda item: -item[1]):
        print(f"| {part} | {share:.0f} % | {share * figures['server_cpu_ms'] * 10:.0f} |")
    print(f"\n{figures['rate']:,.0f} enrolments/s, {figures['server_cpu_ms']:.3f} ms of the "
          "service's processor time each.")


if __name__ == "__main__":
    main()
