"""What the rows of the table share: sizes, a folder, services, and the figures that several use."""

import json
import pathlib
import random
import shutil
import tempfile

import generator
import reference
from report import Line, number
from subjects import Countersign, Puppetserver

KEPT = 32  # connections, in the rows that do not vary them


class Bench:
    def __init__(self, options):
        self.short = options.short
        self.seconds = options.seconds
        self.peer = options.peer == "puppetserver"
        self.sizes = options.scale
        self.revoked_every = options.revoked_every
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="countersign-bench-", dir=options.folder))
        self.speed = reference.Speed(1 if self.short else 3)
        self.lines = []
        self.details = {}  # row -> everything that was measured
        self.points = []  # of the growth curves
        self.random = random.Random(6)
        self._services = 0
        self._known = {}

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def size(self, full, short):
        return short if self.short else full

    def add(self, row, what, target, reached, peer="", ratio="", met=None):
        self.lines.append(Line(row, what, target, reached, peer, ratio, met))

    def compare(self, row, what, reached, peer, least, unit="/s"):
        """A line whose target is a multiple of a peer's figure."""
        target = f"{least:g}x the peer"
        if not peer:
            return self.add(row, what, target, number(reached) + unit)
        ratio = reached / peer
        return self.add(row, what, target, number(reached) + unit, number(peer) + unit,
                        f"{number(ratio)}x", ratio >= least)

    def limit(self, row, what, reached, most, unit):
        """A line whose target is a bound."""
        self.add(row, what, f"at most {most:g}{unit}", number(reached) + unit, met=reached <= most)

    def keep(self, row, **figures):
        self.details.setdefault(row, {}).update(figures)

    def service(self, key="ec:P-256"):
        """A new CA with an empty store, for `with`."""
        self._services += 1
        return Countersign(self.folder / f"ca{self._services}", key)

    def once(self, name, measure):
        """The value of measure(), the same for every row that asks; or why there is none."""
        if name not in self._known:
            try:
                self._known[name] = measure()
            except Exception as error:
                self._known[name] = error
                raise
        if isinstance(self._known[name], Exception):
            raise AssertionError(f"{name} could not be measured, see above")
        return self._known[name]

    def machines(self, expected):
        """Enough for the time of a load. With --short they end it."""
        return self.size(max(64, int(expected * self.seconds)), 300)

    def enrol(self, subject, expected=12_000, **flags):
        """`expected`: the most a second that machines are made for."""
        flags.setdefault("connections", KEPT)
        flags.setdefault("seconds", self.seconds)
        flags.setdefault("machines", self.machines(expected))
        return generator.load(subject, **flags)

    def tokens(self, service, prefix, count):
        """A file of one-time tokens for the machines that the generator makes with the prefix."""
        file = self.folder / f"{prefix}.tokens"
        connection = service.operator_connection()
        with file.open("w") as out:
            for first in range(0, count, 5_000):
                names = [f"{prefix}-{i}.bench.example.com"
                         for i in range(first, min(count, first + 5_000))]
                connection.request("POST", "/v1/tokens", json.dumps({"certnames": names}),
                                   {"Content-Type": "application/json"})
                answer = connection.getresponse()
                body = answer.read()
                assert answer.status == 201, body[:300]
                out.writelines(one["token"] + "\n" for one in json.loads(body)["tokens"])
        connection.close()
        return file

    def redeem(self, service, expected=12_000, **flags):
        """Enrolments over REST, each with a token of its own."""
        prefix = generator.fresh_prefix("t")
        machines = flags.pop("machines", None) or self.machines(expected)
        flags.setdefault("connections", KEPT)
        flags.setdefault("seconds", self.seconds)
        return generator.load(service, mode="token", prefix=prefix, machines=machines,
                              tokens=self.tokens(service, prefix, machines), **flags)

    def file_of(self, name, lines):
        path = self.folder / name
        path.write_text("".join(f"{line}\n" for line in lines))
        return path

    def puppetserver(self):
        """All of its figures, once a run; it is stopped afterwards, and disturbs nobody. None
        without it."""
        return self.once("puppetserver", self._measure_puppetserver) if self.peer else None

    def _measure_puppetserver(self):
        seconds = self.size(max(20, self.seconds), 2)
        with Puppetserver(self.folder / "puppetserver") as peer:
            figures = {"ready_s": peer.ready_s, "idle_rss_mib": peer.rss_mib()}
            common = {"connections": KEPT, "may_fail": True, "machines": int(600 * seconds)}
            generator.load(peer, seconds=self.size(15, 1), **common)  # until its code is compiled
            figures["kept"] = generator.load(peer, seconds=seconds, **common)
            figures["new"] = generator.load(peer, seconds=seconds, connect="new", sources=64,
                                            **common)
            figures["rss_mib"] = peer.rss_mib()
        for how in ("kept", "new"):
            assert figures[how]["done"] and not figures[how]["wrong"], figures
        return figures
