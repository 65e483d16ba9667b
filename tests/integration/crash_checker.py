"""What clients were told, held against what the store and a restarted service say.

Knows nothing of how the service works but what its documents promise. Everything that is asked of
the tables stands in SQL.
"""

import collections
import contextlib
import json
import re
import sqlite3
import ssl

import store_rows
from harness import BINARY, run

SQL = {
    "integrity": "PRAGMA integrity_check",
    "certificates": "SELECT serial, certname, revoked_at IS NOT NULL, current, rule "
                    "FROM certificates ORDER BY id",
    "requests": "SELECT requests.id, state, COALESCE(certificates.serial, requests.serial) "
                "FROM requests LEFT JOIN certificates ON certificates.id = requests.certificate",
    "tokens": "SELECT id, used, uses FROM enrolment_tokens",
    "counters": "SELECT name, value FROM counters",
    "crl number": "SELECT MAX(number) FROM crls",
}


def value_of(der, at):
    """The content of the DER element at `at`, and where it begins."""
    size, begin = der[at + 1], at + 2
    if size & 0x80:
        begin += size & 0x7F
        size = int.from_bytes(der[at + 2 : begin], "big")
    return der[begin : begin + size], begin


def serial_of(certificate):
    _, tbs = value_of(certificate, 0)
    _, version = value_of(certificate, tbs)
    content, begin = value_of(certificate, version)
    serial, _ = value_of(certificate, begin + len(content))
    return serial.lstrip(b"\0")


def crl_number(crl):
    oid = b"\x06\x03\x55\x1d\x14"  # RFC 5280 5.2.3
    wrapped, _ = value_of(crl, crl.rindex(oid) + len(oid))
    return int.from_bytes(value_of(wrapped, 0)[0], "big")


class Told:
    """What clients were told, by answers that they have read to the end."""

    def __init__(self):
        self.certificates = {}  # DER by serial
        self.names = {}  # certname by serial
        self.revoked = set()
        self.states = {}  # of requests, by id
        self.renewed = set()  # serials of certificates that a renewal gave
        self.by_token = {}  # serials by one-time token
        self.crl_numbers = [0]
        self.surprises = []


class Checker:
    """Of one service's store. `test` is the unittest.TestCase that fails."""

    def __init__(self, test, service, told, rng):
        self.test, self.service, self.told, self.random = test, service, told, rng

    def check(self):
        self.test.assertEqual(self.told.surprises, [])
        store = sqlite3.connect(f"file:{self.service.folder}/countersign.db?mode=ro", uri=True)
        with contextlib.closing(store):
            rows = {what: store.execute(text).fetchall() for what, text in SQL.items()}
            rows["bodies"] = store_rows.certificates(store)
            # (action, serial, detail)
            rows["audit"] = [(row[2], row[6], row[7]) for row in store_rows.audit(store)]
            self.check_store(rows)
        self.check_answers()
        self.check_audit()

    def check_store(self, rows):
        test, told = self.test, self.told
        test.assertEqual(rows["integrity"], [("ok",)])
        count = collections.Counter(row[0] for row in rows["certificates"])
        test.assertEqual([s.hex() for s, n in count.items() if n > 1], [], "doubled serials")
        names = {row[0]: row[1] for row in rows["certificates"]}
        bodies = {row[0]: row[2] for row in rows["bodies"]}
        lost = [s.hex() for s, name in told.names.items()
                if names.get(s) != name or bodies[s] != told.certificates.get(s, bodies[s])]
        test.assertEqual(lost, [], "certificates that a client got")
        revoked = {row[0] for row in rows["certificates"] if row[2]}
        test.assertEqual([s.hex() for s in told.revoked - revoked], [], "confirmed revocations")
        current = collections.Counter(row[1] for row in rows["certificates"] if row[3])
        test.assertEqual([n for n, times in current.items() if times > 1], [], "current twice")
        states = {row[0]: row[1] for row in rows["requests"]}
        # What was confirmed as queued may have been decided by a call whose answer was lost.
        changed = [i for i, state in told.states.items()
                   if states.get(i) != state and (state != "queued" or i not in states)]
        test.assertEqual(changed, [], "confirmed decisions")
        test.assertGreater(rows["crl number"][0][0], max(told.crl_numbers))
        self.check_names(rows)
        self.check_tokens(rows)
        self.check_whole(rows, revoked, states)

    def check_names(self, rows):
        """A name has one certificate that lives, and one more for each renewal of it."""
        renewals = collections.Counter()
        names = {row[0].hex().upper(): row[1] for row in rows["certificates"]}
        for action, serial, _ in rows["audit"]:
            if action == "renew":
                renewals[names.get(serial)] += 1
        living = collections.Counter(row[1] for row in rows["certificates"]
                                     if not row[2] and row[4] != "service")
        self.test.assertEqual([n for n, times in living.items() if times > 1 + renewals[n]], [])

    def check_tokens(self, rows):
        redeemed = [json.loads(detail).get("token") for action, _, detail in rows["audit"]
                    if action == "issue"]
        used = collections.Counter(token for token in redeemed if token)
        self.test.assertEqual([t for t, times in used.items() if times > 1], [],
                              "one-time tokens that gave two certificates")
        self.test.assertEqual({t: n for t, n, _ in rows["tokens"] if n}, dict(used))
        self.test.assertEqual([t for t, got in self.told.by_token.items() if len(got) > 1], [])

    def check_whole(self, rows, revoked, states):
        """A batch is in the store as a whole: request, certificate, audit row and counters."""
        test = self.test
        upper = lambda serials: sorted(serial.hex().upper() for serial in serials)
        acts = collections.defaultdict(list)
        for action, serial, _ in rows["audit"]:
            acts[action].append(serial)
        issued = sorted(acts["issue"] + acts["approve"] + acts["renew"])
        test.assertEqual(upper(row[0] for row in rows["certificates"]), issued)
        test.assertEqual(upper(revoked), sorted(acts["revoke"]))
        signed = {row[2] for row in rows["requests"] if row[1] == "signed"}
        # A renewed certificate names the request of the one before it.
        renewals = {bytes.fromhex(serial) for serial in acts["renew"]}
        by_request = {row[0] for row in rows["bodies"] if row[4]} - renewals
        test.assertEqual(signed, by_request)
        test.assertEqual(dict(rows["counters"]), {
            "queued": sum(state == "queued" for state in states.values()),
            "certificates": len(rows["certificates"]), "revoked": len(revoked)})

    def check_answers(self):
        """Asks the service itself, over the same interface as everybody."""
        told, test, folder = self.told, self.test, self.test.folder
        with contextlib.closing(self.service.kept_connection("operator")) as connection:
            def get(path, accept):
                connection.request("GET", path, headers={"Accept": accept})
                answer = connection.getresponse()
                test.assertEqual(answer.status, 200, path)
                return answer.read()

            for serial in self.random.sample(sorted(told.certificates),
                                             min(40, len(told.certificates))):
                found = json.loads(get(f"/v1/certificates/{serial.hex().upper()}",
                                       "application/json"))
                test.assertEqual(ssl.PEM_cert_to_DER_cert(found["certificate"]),
                                 told.certificates[serial])
                if serial in told.revoked:
                    test.assertEqual(found["state"], "revoked")
            for request in self.random.sample(sorted(told.states), min(20, len(told.states))):
                get(f"/v1/requests/{request}", "application/json")
            crl = get("/v1/crl", "application/pkix-crl")
        test.assertGreaterEqual(crl_number(crl), max(told.crl_numbers))
        test.assertEqual(told.crl_numbers, sorted(told.crl_numbers))
        (folder / "served.crl").write_bytes(crl)
        text = run("openssl", "crl", "-inform", "DER", "-in", folder / "served.crl", "-noout",
                   "-text").stdout
        listed = {bytes.fromhex(found) for found in
                  re.findall(r"Serial Number: ([0-9A-F]+)", text)}
        test.assertEqual(told.revoked - listed, set(), "revoked and not in the CRL")
        sample = self.random.sample(sorted(told.certificates), min(2, len(told.certificates)))
        for number, serial in enumerate(sample):
            path = folder / f"sample{number}.pem"
            path.write_text(ssl.DER_cert_to_PEM_cert(told.certificates[serial]))
            run("openssl", "verify", "-CAfile", self.service.folder / "ca/chain.pem", path)

    def check_audit(self):
        report = run(BINARY, "audit", "verify", "--json", "--config",
                     self.service.folder / "countersign.toml")
        self.test.assertTrue(json.loads(report.stdout)["good"], report.stdout)
