"""The audit: read, exported, and held against its chain after somebody wrote to the store by hand."""

import contextlib
import hashlib
import http.client
import json
import shutil
import signal
import sqlite3
import struct
import threading

import store_rows
from harness import BINARY, ServiceTest, main, run, until
from kill_rounds import requests

POLICY = 'default = "deny"\n[[rule]]\nname = "all"\nmatch = { certname_regex = \'.*\' }\naction = "sign"\n'
CONFIG = '[audit]\ncheckpoint_rows = 10\ncheckpoint_interval = "1h"\n'


def chain_hash(before, row):
    """docs/decisions/0010-audit-chain.md in Python: row is (sequence, at, the texts)."""
    content = b"countersign audit row 1\n" + struct.pack(">Q", len(before)) + before
    content += struct.pack(">qq", row[0], row[1])
    for text in row[2:]:
        content += struct.pack(">Q", len(text.encode())) + text.encode()
    return hashlib.sha256(content).digest()


def rechain(db, first):
    """What somebody does who knows the form of the chain, and has no key."""
    before = bytes(32)
    for *content, stored in store_rows.audit(db):
        if content[0] >= first:
            stored = chain_hash(before, content)
            db.execute("UPDATE audit SET hash = ? WHERE sequence = ?", (stored, content[0]))
        before = stored


def swap(db, first, second):
    for old, new in ((first, -1), (second, first), (-1, second)):
        db.execute("UPDATE audit SET sequence = ? WHERE sequence = ?", (new, old))


class Audit(ServiceTest):
    def history(self, service, count):
        """Enrols machines until there are `count` rows or a few more."""
        with contextlib.closing(service.kept_connection()) as connection:
            for name, pem, _ in requests(count)[0]:
                connection.request("POST", "/v1/requests", pem,
                                   {"Content-Type": "application/pkcs10"})
                answer = connection.getresponse()
                answer.read()
                self.assertEqual(answer.status, 201, name)

    def verify(self, service, *arguments):
        """(exit code, report)"""
        result = run(BINARY, "audit", "verify", "--json", "--config",
                     service.folder / "countersign.toml", *arguments, check=False)
        return result.returncode, json.loads(result.stdout)

    def verify_file(self, service, path, *arguments):
        return run(BINARY, "audit", "verify", "--file", path, "--key",
                   service.folder / "ca/audit.pub.pem", *arguments, check=False)

    def export(self, service, *arguments):
        path = self.folder / "audit.ndjson"
        path.write_text(service.cli("audit", "export", *arguments).stdout)
        return path

    def test_the_store_is_verified_beside_its_service_and_signed_at_the_stop(self):
        service = self.service(POLICY, CONFIG)
        self.history(service, 25)
        code, report = until(lambda: (lambda r: r if r[1]["signed_to"] >= 20 else None)(
            self.verify(service)), "a checkpoint after 10 rows")
        self.assertEqual((code, report["good"], report["first"]), (0, True, 1))
        self.assertLess(report["last"] - report["signed_to"], 10)
        self.assertEqual(service.stop(), 0)
        code, report = self.verify(service)
        self.assertEqual((code, report["signed_to"]), (0, report["last"]))
        self.assertEqual(report["rows"], report["last"])
        said = run(BINARY, "audit", "verify", "--config", service.folder / "countersign.toml").stdout
        self.assertRegex(said, r"^good: \d+ rows, 1 to \d+; \d+ good checkpoints")
        service.start()  # what verify left beside the store is in nobody's way
        self.assertIn("event=audit_checkpoint", service.log_text())
        self.assertIn("countersign_audit_ok 1", service.curl("/metrics")[1])

    def test_rows_are_listed_by_who_what_and_when(self):
        service = self.service(POLICY)
        csr, _ = self.csr("web-1.example.com")
        self.submit(service, csr)
        service.cli("revoke", "web-1.example.com")
        rows = json.loads(service.cli("audit", "list", "--json").stdout)
        numbers = [row["sequence"] for row in rows]
        self.assertEqual(numbers, list(range(len(rows), 0, -1)))
        for arguments, actions in (
            (["--subject", "web-1.example.com"], ["revoke", "issue"]),
            (["--subject", "web-1.example.com", "--actor", "admin:operator"], ["revoke"]),
            (["--subject", "web-1.example.com", "--action", "issue", "--since", "1h"], ["issue"]),
            (["--limit", "1"], ["revoke"]),
        ):
            listed = service.cli("audit", "list", *arguments).stdout.splitlines()
            self.assertEqual([line.split("\t")[2] for line in listed], actions, arguments)
        for arguments in (["--subject", "nobody"], ["--since", "2099-01-01T00:00:00Z"]):
            nothing = service.cli("audit", "list", *arguments, check=False)
            self.assertEqual((nothing.returncode, nothing.stdout), (3, ""))
        self.assertEqual(service.cli("audit", "list", "--since", "soon", check=False).returncode, 2)

    def test_an_export_verifies_without_the_store_and_each_change_of_it_is_found(self):
        service = self.service(POLICY, CONFIG)
        self.history(service, 30)
        service.stop()
        service.start()
        path = self.export(service)
        good = self.verify_file(service, path)
        self.assertEqual(good.returncode, 0, good.stdout + good.stderr)
        self.assertTrue(good.stdout.startswith("good: "))
        piped = run(BINARY, "audit", "verify", "--file", "-", "--key",
                    service.folder / "ca/audit.pub.pem", input=path.read_text())
        self.assertEqual(piped.stdout, good.stdout)

        lines = path.read_text().splitlines()
        rows = [i for i, line in enumerate(lines) if "checkpoint" not in json.loads(line)]
        seventh = rows[6]
        changed = json.loads(lines[seventh])
        changed["actor"] = "operator:somebody-else"
        moved = list(lines)
        moved[seventh], moved[seventh + 1] = moved[seventh + 1], moved[seventh]
        signed_to = max(json.loads(line)["checkpoint"]["sequence"] for line in lines[:rows[0]])
        for what, damaged, kind in (
            ("changed", lines[:seventh] + [json.dumps(changed)] + lines[seventh + 1:],
             "changed: Row 7 "),
            ("taken out", lines[:seventh] + lines[seventh + 1:], "missing: Row 7 is missing"),
            ("moved", moved, "moved: Row 7 "),
            ("cut off", lines[:rows[-1] - 15], f"a checkpoint was signed over row {signed_to}"),
            ("cut in a line", lines[:-1] + [lines[-1][:-20]], f":{len(lines)}: "),
            ("joined", lines + lines, "a checkpoint stands behind rows"),
            ("no checkpoints", [lines[i] for i in rows], "not signed: "),
        ):
            bad = self.folder / "bad.ndjson"
            bad.write_text("\n".join(damaged) + "\n")
            result = self.verify_file(service, bad)
            self.assertEqual(result.returncode, 1, what)
            self.assertIn(kind, result.stdout + result.stderr, what)

        other = self.service(name="other")
        foreign = run(BINARY, "audit", "verify", "--file", path, "--key",
                      other.folder / "ca/audit.pub.pem", check=False)
        self.assertEqual(foreign.returncode, 1)
        self.assertIn("foreign checkpoint", foreign.stdout)

    def test_a_part_is_exported_from_a_checkpoint_on_and_verifies_alone(self):
        service = self.service(POLICY, CONFIG)
        self.history(service, 30)
        service.stop()
        service.start()
        checkpoints = [json.loads(line)["checkpoint"]["sequence"] for line in
                       service.cli("audit", "export", "--checkpoints").stdout.splitlines()]
        self.assertEqual(checkpoints, sorted(set(checkpoints)))
        csr, _ = self.csr("last.example.com")
        self.submit(service, csr)  # the second checkpoint may stand over the last row until now
        path = self.export(service, "--since", checkpoints[1] + 1)
        result = self.verify_file(service, path, "--json")
        report = json.loads(result.stdout)
        self.assertEqual((result.returncode, report["first"]), (0, checkpoints[1] + 1))

    def test_auditors_read_and_export_strangers_do_not_and_nobody_writes(self):
        service = self.service(POLICY, CONFIG)
        self.history(service, 12)
        token = service.cli("token", "create", "--role", "auditor").stdout.strip()
        client = self.folder / "auditor.toml"
        client.write_text(f'url = "{service.url}"\nca = "{service.folder}/ca/chain.pem"\n'
                          f'token = "{token}"\n')
        for arguments in (["list"], ["export"]):
            self.assertTrue(run(BINARY, "audit", *arguments, "--client", client).stdout)
        for path in ("/v1/audit", "/v1/audit/checkpoints"):
            self.assertEqual(service.curl(path)[0], 401)
            for method in ("POST", "PUT", "DELETE", "PATCH"):
                self.assertEqual(service.curl(path, client="operator", method=method)[0], 405)
        for query in ("cursor=x", "cursor=-1", "order=up", "since=soon", "limit=0", "limit=1001"):
            self.assertEqual(service.curl("/v1/audit?" + query, client="operator")[0], 400, query)

    def test_damage_that_is_done_to_the_store_by_hand_is_found_and_named(self):
        service = self.service(POLICY, CONFIG)
        self.history(service, 45)
        elsewhere = self.folder / "kept.ndjson"
        service.stop()
        service.start()
        elsewhere.write_text(service.cli("audit", "export", "--checkpoints").stdout)
        service.stop()
        code, report = self.verify(service)
        self.assertEqual((code, report["good"]), (0, True))
        last, signed = report["last"], report["signed_to"]
        self.assertEqual(signed, last)
        path = service.folder / "countersign.db"
        with contextlib.closing(sqlite3.connect(path)) as db:
            points = [row[0] for row in
                      db.execute("SELECT sequence FROM audit_checkpoints ORDER BY sequence")]
            with self.assertRaisesRegex(sqlite3.IntegrityError, "append-only"):
                db.execute("UPDATE audit SET actor = 'nobody' WHERE sequence = 17")
            with self.assertRaisesRegex(sqlite3.IntegrityError, "append-only"):
                db.execute("DELETE FROM audit")
        covering = min(point for point in points if point >= 17)
        before = max([point for point in points if point < 17], default=0)

        def change(db):
            db.execute("UPDATE audit SET actor = 'operator:else' WHERE sequence = 17")

        def change_body(db):
            db.execute("UPDATE audit SET body = substr(body, 1, length(body) - 1) || x'00' "
                       "WHERE sequence = 17")

        def rewrite(db):
            change(db)
            rechain(db, 17)

        def other_key(db):
            db.execute("UPDATE audit_checkpoints SET signature = ? WHERE sequence = ?",
                       (self.signature_of_another_key(), covering))

        def swapped(*places):
            """Each is moved; a checkpoint that happens to be on one signed the hash of the other."""
            found, sound = [("moved", place, place) for place in places], 0
            for point in points:
                if point in places:
                    found.append(("rewritten", sound + 1, point))
                else:
                    sound = point
            return sorted(found, key=lambda one: one[1])

        def forget(db):
            rewrite(db)
            db.execute("DELETE FROM audit_checkpoints WHERE sequence >= 17")

        kept = ["--checkpoint", elsewhere]
        kept_points = [json.loads(line)["checkpoint"]["sequence"]
                       for line in elsewhere.read_text().splitlines()]
        for what, damage, arguments, findings in (
            ("changed", change, [], [("changed", 17, 17)]),
            ("changed in its body", change_body, [], [("changed", 17, 17)]),
            ("deleted in the middle", lambda db: db.execute(
                "DELETE FROM audit WHERE sequence BETWEEN 17 AND 18"), [], [("missing", 17, 18)]),
            ("swapped", lambda db: swap(db, 17, 23), [], swapped(17, 23)),
            ("cut off", lambda db: db.execute(
                "DELETE FROM audit WHERE sequence > ?", (last - 3,)), [],
             [("cut off", last - 2, last)]),
            ("another key", other_key, [], [("foreign checkpoint", covering, covering)]),
            ("rewritten", rewrite, [], [("rewritten", before + 1, point)
                                        for point in points if point >= 17]),
            ("all checkpoints gone", lambda db: db.execute("DELETE FROM audit_checkpoints"), [],
             [("not signed", 1, last)]),
            ("rewritten, newer checkpoints gone", forget, kept,
             [("rewritten", before + 1, point) for point in kept_points if point >= 17]),
        ):
            copy = self.folder / "whole.db"
            shutil.copy(path, copy)
            with contextlib.closing(sqlite3.connect(path)) as db, db:
                for (trigger,) in db.execute("SELECT name FROM sqlite_schema WHERE type = "
                                             "'trigger' AND name LIKE 'audit%'").fetchall():
                    db.execute(f"DROP TRIGGER {trigger}")
                damage(db)
            code, report = self.verify(service, *arguments)
            found = [(one["kind"], one["first"], one["last"]) for one in report["findings"]]
            self.assertEqual(code, 1, what)
            self.assertEqual(found, findings, f"{what}, with checkpoints at {points}")
            shutil.copy(copy, path)
        self.assertEqual(self.verify(service)[0], 0)

    def signature_of_another_key(self):
        message, key, out = (self.folder / name for name in ("message", "other.key", "signature"))
        message.write_bytes(b"x")
        run("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-out", key)
        run("openssl", "dgst", "-sha256", "-sign", key, "-out", out, message)
        return out.read_bytes()

    def test_a_service_that_finds_its_store_changed_says_so_in_log_metric_and_audit(self):
        service = self.service(POLICY, CONFIG)
        self.history(service, 12)
        service.stop(signal.SIGKILL)
        with contextlib.closing(sqlite3.connect(service.folder / "countersign.db")) as db, db:
            db.execute("DROP TRIGGER audit_update")
            db.execute("UPDATE audit SET actor = 'nobody' WHERE sequence = "
                       "(SELECT MAX(sequence) FROM audit)")
            last = db.execute("SELECT MAX(sequence) FROM audit").fetchone()[0]
        service.start()
        until(lambda: "event=audit_broken" in service.log_text(), "the log tells of the damage")
        self.assertIn("countersign_audit_ok 0", service.curl("/metrics")[1])
        row = json.loads(service.cli("audit", "list", "--action", "audit broken", "--json").stdout)
        self.assertEqual(json.loads(row[0]["detail"])["sequence"], last)

    def test_the_chain_is_whole_after_kill_9_under_load(self):
        service = self.service(POLICY, CONFIG)
        work = iter(requests(12000)[0])
        lock = threading.Lock()

        def enrol():
            with contextlib.suppress(OSError, http.client.HTTPException), \
                    contextlib.closing(service.kept_connection()) as connection:
                while True:
                    with lock:
                        _, pem, _ = next(work, (None, None, None))
                    if pem is None:
                        return
                    connection.request("POST", "/v1/requests", pem,
                                       {"Content-Type": "application/pkcs10"})
                    connection.getresponse().read()

        last = 0
        for _ in range(4):
            threads = [threading.Thread(target=enrol) for _ in range(4)]
            for thread in threads:
                thread.start()
            enough = last + 60
            until(lambda: self.verify(service)[1]["last"] > enough, "some rows")
            service.stop(signal.SIGKILL)
            for thread in threads:
                thread.join(60)
                self.assertFalse(thread.is_alive())
            code, report = self.verify(service)
            self.assertEqual((code, report["findings"]), (0, []))
            self.assertGreater(report["last"], enough)
            last = report["last"]
            service.start()
        service.stop()
        code, report = self.verify(service)
        self.assertEqual((code, report["signed_to"]), (0, report["last"]))
        self.assertNotIn("audit_broken", service.log_text())

    def test_a_ca_that_has_no_audit_key_gets_one(self):
        service = self.service(POLICY, start=False)
        ca = service.folder / "ca"
        for name in ("audit.key", "audit.pub.pem"):
            (ca / name).unlink()
        with contextlib.closing(sqlite3.connect(service.folder / "countersign.db")) as db, db:
            db.execute("DROP TRIGGER audit_checkpoints_delete")
            db.execute("DELETE FROM audit_checkpoints")
        service.start()
        self.assertIn("event=audit_key_made", service.log_text())
        self.assertIn("ENCRYPTED", (ca / "audit.key").read_text())
        self.assertEqual((ca / "audit.key").stat().st_mode & 0o777, 0o600)
        service.stop()
        self.assertEqual(self.verify(service)[0], 0)

        # With the public one left, a new key would make every old checkpoint a stranger's.
        (ca / "audit.key").rename(ca / "moved.key")
        service.start()
        self.assertIn("event=audit_key_missing", service.log_text())
        self.assertIn("countersign_audit_ok 0", service.curl("/metrics")[1])
        service.stop()
        refused = run(BINARY, "audit", "key", "--config", service.folder / "countersign.toml",
                      check=False)
        self.assertEqual(refused.returncode, 1)
        (ca / "audit.pub.pem").rename(ca / "old.pub.pem")
        run(BINARY, "audit", "key", "--config", service.folder / "countersign.toml")
        service.start()
        service.stop()
        self.assertEqual(self.verify(service)[0], 1, "the old checkpoints are of the old key")

    def test_a_wrong_use_is_told(self):
        service = self.service(start=False)
        self.assertEqual(self.verify(service)[1]["signed_to"], 1, "init signs what it wrote")
        config = service.folder / "countersign.toml"
        key = service.folder / "ca/audit.pub.pem"
        for arguments in ([], ["--config", config, "--file", config], ["--file", config],
                          ["--config", self.folder / "none.toml"],
                          ["--file", self.folder / "none", "--key", key],
                          ["--file", config, "--key", config]):
            result = run(BINARY, "audit", "verify", *arguments, check=False)
            self.assertEqual(result.returncode, 2, arguments)
            self.assertTrue(result.stderr.startswith("countersign: "), result.stderr)
        empty = self.folder / "empty"
        empty.write_text("")
        self.assertEqual(self.verify_file(service, empty).returncode, 3)


if __name__ == "__main__":
    main()
