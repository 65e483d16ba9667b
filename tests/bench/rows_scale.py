"""The rows of a store that has grown, and the points of the growth curves."""

import json
import re
import sqlite3
import time
import urllib.parse

import generator
from bench import KEPT
from generator import BUILT, Load, load
from harness import run
from report import number
from subjects import Countersign

TEMPLATE = "0000000000000000.fleet.example.com"  # what make_store's certificates are copies of
FEW = 4  # connections, where it is the wait that counts

# Pages of lists: what the operator asks for, with words that {prefix} and {name} fill.
LISTS = {
    "all": "/v1/certificates?limit=100",
    "revoked": "/v1/certificates?state=revoked&limit=100",
    "signed, by a common pattern": "/v1/certificates?state=signed&match=%5Ea&limit=100",
    "by a rare pattern": "/v1/certificates?match=%5E{prefix}&limit=100",
    "of one name": "/v1/certificates?certname={name}",
    "that expire": "/v1/certificates?expires_before=2100-01-01T00:00:00Z&limit=100",
    "requests": "/v1/requests?limit=100",
    "requests, signed, newest first": "/v1/requests?state=signed&sort=-created&limit=100",
    "audit of one name": "/v1/audit?subject={name}&limit=100",
}


class Fleet:
    """One store that grows."""

    def __init__(self, bench):
        self.bench = bench
        self.service = Countersign(bench.folder / "fleet")
        self.size = 0
        self.fresh = 0  # index of the first certificate that no row has used yet
        self.enrolled = 1
        self._enrol_template()

    def _enrol_template(self):
        key, csr = self.bench.folder / "template.key", self.bench.folder / "template.csr"
        run("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-keyout", key, "-subj", f"/CN={TEMPLATE}", "-utf8", "-out", csr)
        with self.service as service:
            status, body = service.curl(f"/puppet-ca/v1/certificate_request/{TEMPLATE}", "-H",
                                        "Content-Type: text/plain", "--data-binary", f"@{csr}",
                                        method="PUT")
            assert status == 200, body

    def grow(self, size):
        made = run(BUILT / "make_store", self.service.folder, size, "--revoked-every",
                   self.bench.revoked_every, timeout=7200)
        self.fresh, self.size = self.size, size
        return json.loads(made.stdout)

    def file_bytes(self):
        """Of the store, once all is in its main file."""
        path = self.service.folder / "countersign.db"
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        return path.stat().st_size

    def names(self, first, count):
        """[(name, serial)] of those that were not revoked."""
        listed = run(BUILT / "make_store", "--names", first, count, "--revoked-every",
                     self.bench.revoked_every).stdout.splitlines()
        rows = [line.split() for line in listed]
        return [(name, serial) for name, serial, revoked in rows if revoked == "0"]

    def scattered(self, count):
        """Some from everywhere."""
        blocks = max(1, min(40, self.size // 50))
        each = max(2, min(count, self.size) // blocks)
        found = []
        for _ in range(blocks):
            first = self.bench.random.randrange(max(1, self.size - each))
            found += self.names(first, each)
        return found

    def take(self, count):
        """Certificates that are not revoked, and that are given out once."""
        count = min(count, self.size - self.fresh)
        taken = self.names(self.fresh, count)
        self.fresh += count
        return taken


def _fleet(bench):
    return bench.once("fleet", lambda: Fleet(bench))


def _publication_s(service, serial):
    """From the answer to a revocation until a CRL that is fetched holds it."""
    connection = service.operator_connection()
    connection.request("POST", f"/v1/certificates/{serial}/revoke", "{}",
                       {"Content-Type": "application/json"})
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == 200, body
    connection.close()
    begin = time.monotonic()
    wanted = bytes.fromhex(serial)
    while time.monotonic() - begin < 120:
        asked = time.monotonic()
        if wanted in service.crl():
            return asked - begin
        time.sleep(0.1)
    raise AssertionError("the revocation is in no CRL after 120 s")


def _ready_s(fleet):
    """The longest of a few starts, as after a stop that went well."""
    waits = []
    for _ in range(fleet.bench.size(3, 1)):
        with fleet.service as service:
            waits.append(service.ready_s)
    return max(waits)


def _reads(bench, fleet, service, paths, name, connections):
    return load(service, mode="get", connections=connections, paths=bench.file_of(name, paths),
                seconds=bench.size(max(2, bench.seconds / 3), 0.3), stalled=60, **_as(service))


def _as(service):
    flags = service.operator
    return {"cert": flags[1], "key": flags[3]}


def _lists(bench, fleet, service):
    name, _ = fleet.scattered(1)[0]
    found = {}
    for label, path in LISTS.items():
        path = path.format(prefix=urllib.parse.quote(name[:6]), name=name)
        found[label] = _reads(bench, fleet, service, [path], "list.paths", 1)
    return found


def _revocations(bench, fleet, service, count, seconds, connections, **flags):
    serials = bench.file_of("revoke.serials", [serial for _, serial in fleet.take(count)])
    return load(service, mode="revoke", connections=connections, serials=serials, seconds=seconds,
                **_as(service), **flags)


def _point(bench, size):
    """Everything at one size of the store."""
    fleet = _fleet(bench)
    made = fleet.grow(size)
    stored = fleet.file_bytes()
    figures = {"made": made, "bytes": stored / (size + fleet.enrolled)}
    with fleet.service as service:  # it publishes what make_store revoked
        figures["first_publication_s"] = _publication_s(service, fleet.take(2)[0][1])
    figures["ready_s"] = _ready_s(fleet)
    with bench.service() as empty:
        figures["empty"] = bench.enrol(empty)
    with fleet.service as service:
        figures["enrol"] = bench.enrol(service)
        figures["publication_s"] = _publication_s(service, fleet.take(2)[0][1])
        figures["revoke"] = _revocations(bench, fleet, service, min(size // 4, 20_000),
                                         bench.seconds, FEW)
        paths = [f"/puppet-ca/v1/certificate/{name}" for name, _ in fleet.scattered(2_000)]
        figures["get"] = _reads(bench, fleet, service, paths, "get.paths", FEW)
        figures["lists"] = _lists(bench, fleet, service)
        figures["redeem"] = bench.redeem(service, connections=FEW, expected=4_000)
        figures["rss_mib"] = service.rss_mib()
    fleet.enrolled += figures["enrol"]["done"] + figures["redeem"]["done"]
    bench.points.append({
        "certificates": size, "enrolments_s": figures["enrol"]["rate"],
        "ready_ms": figures["ready_s"] * 1000, "revoke_p99_ms": figures["revoke"]["p99_ms"],
        "get_p99_ms": figures["get"]["p99_ms"], "redeem_p99_ms": figures["redeem"]["p99_ms"],
        "list_p99_ms": max(one["p99_ms"] for one in figures["lists"].values()),
        "bytes_a_certificate": figures["bytes"], "crl_publication_s": figures["publication_s"]})
    bench.keep("scale", **{str(size): figures})
    return figures


def grown(bench):
    """The figures of the largest store, after every smaller one was measured."""
    return bench.once("grown", lambda: [_point(bench, size) for size in bench.sizes])[-1]


def scale(bench):
    """Start, rates and waits of a large store."""
    at = grown(bench)
    size = f"at {bench.sizes[-1]:,} certificates, one in {bench.revoked_every} revoked: "
    bench.limit("scale", size + "start to ready", at["ready_s"] * 1000, 1000, " ms")
    share = 100 * at["enrol"]["rate"] / at["empty"]["rate"]
    bench.add("scale", size + "enrolments", "at least 80 % of the empty store's",
              number(at["enrol"]["rate"]) + "/s", number(at["empty"]["rate"]) + "/s when empty",
              f"{share:.0f} %", share >= 80)
    bench.limit("scale", size + "revoke p99", at["revoke"]["p99_ms"], 10, " ms")
    bench.add("scale", size + "revoke p50", "none", number(at["revoke"]["p50_ms"]) + " ms")
    bench.limit("scale", size + "GET certificate p99", at["get"]["p99_ms"], 2, " ms")
    for label, figures in at["lists"].items():
        bench.limit("scale", f"{size}page of the list: {label}, p99", figures["p99_ms"], 20, " ms")
    bench.limit("scale", size + "token redeem p99", at["redeem"]["p99_ms"], 10, " ms")


def stored_bytes(bench):
    """What a certificate takes on the disk, with its request, its CSR and its part of the audit."""
    at = grown(bench)
    ratio = at["bytes"] / at["made"]["mean_der"]
    bench.keep("bytes", bytes=at["bytes"], mean_der=at["made"]["mean_der"])
    bench.add("bytes", "bytes a certificate in the store, all that belongs to it",
              "at most DER x 1.6", number(at["bytes"]), number(at["made"]["mean_der"]) + " of DER",
              f"{ratio:.2f}x", ratio <= 1.6)


def revokes(bench):
    """Revocations over REST: as fast as they go; then at the rate that is asked for, beside a moderate
    load of enrolments."""
    grown(bench)
    fleet = _fleet(bench)
    seconds = bench.size(max(15, bench.seconds), 2)
    rate = bench.size(2_000, 20)
    with fleet.service as service:
        fastest = _revocations(bench, fleet, service, bench.size(30_000, 40), seconds, KEPT)
        moderate = {"rate": bench.size(500, 50), "seconds": seconds, "connections": KEPT,
                    "machines": bench.size(int(600 * seconds), 200)}
        alone = load(service, prefix=generator.fresh_prefix(), **moderate)
        serials = [serial for _, serial in fleet.take(int(rate * seconds * 1.2))]
        jobs = bench.folder / "revoked.jobs"
        beside = Load(service, **moderate)
        revoking = Load(service, mode="revoke", connections=KEPT, rate=rate, jobs=jobs,
                        serials=bench.file_of("revoke.serials", serials), seconds=seconds,
                        **_as(service))
        published = Publications(bench, service)
        while None in (revoking.process.poll(), beside.process.poll()):
            published.look()
            time.sleep(0.05)
        ours, enrolling = revoking.wait(), beside.wait()
        revoked = [line.split() for line in jobs.read_text().splitlines()]
        published.await_entry(revoked[-1][0])
    slowest = published.slowest(revoked)
    disturbed = enrolling["p99_ms"] / alone["p99_ms"]
    bench.keep("revokes", fastest=fastest, ours=ours, alone=alone, beside=enrolling,
               slowest_publication_s=slowest, crls=len(published.seen),
               crl_bytes=published.seen[-1][1].stat().st_size)
    history = f"{bench.sizes[-1] // bench.revoked_every:,} revoked: "
    bench.add("revokes", f"{history}revokes/s over REST, {KEPT} kept connections", "at least 2,000/s",
              number(fastest["rate"]) + "/s", met=fastest["rate"] >= 2000)
    at = f"at {number(ours['rate'])} revokes/s and {number(enrolling['rate'])} enrolments/s: "
    bench.limit("revokes", at + "revoked -> in the CRL that is fetched, longest", slowest, 5, " s")
    bench.add("revokes", at + "enrolment's p99", "at most 2x alone",
              number(enrolling["p99_ms"]) + " ms", number(alone["p99_ms"]) + " ms alone",
              number(disturbed) + "x", disturbed <= 2)


class Publications:
    """Each CRL that is served while a load runs. A look at the count of entries is cheap, and a CRL of
    50 MB is fetched only when it is another one: the generator must not be the load."""

    def __init__(self, bench, service):
        self.service, self.folder = service, bench.folder
        self.connection = service.operator_connection()
        self.entries = None
        self.seen = []  # [(when it was there, file)]

    def look(self):
        asked = time.time()
        self.connection.request("GET", "/metrics")
        text = self.connection.getresponse().read().decode()
        entries = re.search(r"^countersign_crl_entries (\d+)$", text, re.M).group(1)
        if entries == self.entries:
            return
        self.entries = entries
        path = self.folder / f"crl{len(self.seen)}.der"
        status, _ = self.service.curl("/v1/crl", "-H", "Accept: application/pkix-crl", "-o", path)
        assert status == 200
        self.seen.append((asked, path))

    def await_entry(self, serial):
        end = time.time() + 60
        while not self.seen or bytes.fromhex(serial) not in self.seen[-1][1].read_bytes():
            assert time.time() < end, "the last revocation is in no CRL after 60 s"
            time.sleep(0.1)
            self.look()

    def slowest(self, revoked):
        """Of some of them, for to look one up is to search all bytes of a CRL."""
        crls = [(asked, path.read_bytes()) for asked, path in self.seen]
        slowest = 0
        for serial, answered in revoked[:: max(1, len(revoked) // 300)] + revoked[-1:]:
            wanted = bytes.fromhex(serial)
            first = next(asked for asked, der in crls if wanted in der)
            slowest = max(slowest, first - float(answered))
        return slowest


ROWS = {"scale": scale, "revokes": revokes, "bytes": stored_bytes}
