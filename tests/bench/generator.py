"""Calls load_bench, and reads what it says."""

import itertools
import json
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILT = pathlib.Path(os.environ.get("COUNTERSIGN_BENCH_DIR") or ROOT / "build/release/tests/bench")
PATIENCE = 120  # seconds beyond the load itself, for machines to be made

_prefixes = itertools.count()


def fresh_prefix(kind="m"):
    """Of names that no machine has had yet."""
    return f"{kind}{next(_prefixes)}"


class Load:
    """A load on its way: `wait` gives its figures. It must have been waited for."""

    def __init__(self, subject, may_fail=False, **flags):
        flags.setdefault("prefix", fresh_prefix())
        flags.setdefault("seconds", 5)
        command = [BUILT / "load_bench", "--port", subject.port, "--chain", subject.chain,
                   "--pid", subject.pid]
        for flag, value in flags.items():
            command += ["--" + flag.replace("_", "-"), value]
        self.may_fail = may_fail
        self.bound = PATIENCE + 3 * float(flags["seconds"]) + float(flags.get("then_seconds", 0))
        self.process = subprocess.Popen([str(part) for part in command], text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def await_ready(self):
        """Of silent clients: until all hold their connections."""
        line = self.process.stdout.readline()
        assert line == "ready\n", line + self.process.stderr.read()

    def wait(self):
        try:
            out, err = self.process.communicate(timeout=self.bound)
        except subprocess.TimeoutExpired:
            self.process.kill()
            out, err = self.process.communicate()
            raise AssertionError(f"the generator did not end: {err}") from None
        if self.process.returncode == 2 or (self.process.returncode and not self.may_fail):
            raise AssertionError(f"{self.process.args}: {out} {err}")
        figures = json.loads(out)
        figures["failures"] = err.splitlines()
        return figures


def load(subject, **flags):
    return Load(subject, **flags).wait()
