"""The life of a running service: its stop, reloads, renewals, bounds, log and audit."""

import contextlib
import json
import pathlib
import re
import selectors
import shutil
import signal
import socket
import sqlite3
import tempfile
import time
import unittest

from harness import BINARY, WAIT, Service, ServiceTest, main, run, until

QUEUE = 'default = "queue"\n'
SIGN = 'default = "sign"\n'


class Patient:
    """A CRL lives a minute at least: its service starts first and is looked at when it is due."""

    service = None
    first = None


def setUpModule():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="countersign-test-"))
    unittest.addModuleCleanup(shutil.rmtree, folder, ignore_errors=True)
    Patient.service = Service(folder / "ca", QUEUE, '[crl]\ndelay = "1s"\nlifetime = "1m"\n')
    unittest.addModuleCleanup(Patient.service.stop)
    Patient.first = crl_of(Patient.service.start())


def crl_of(service):
    """(number, nextUpdate in seconds of the epoch)."""
    text = run("openssl", "crl", "-noout", "-crlnumber", "-nextupdate",
               input=service.curl("/v1/crl")[1]).stdout
    number, end = re.search(r"crlNumber=0x([0-9A-F]+)\s+nextUpdate=(.*)", text).groups()
    return int(number, 16), time.mktime(time.strptime(end, "%b %d %H:%M:%S %Y %Z")) - time.timezone


def ask(connection, method, path, body=None, **headers):
    connection.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
    answer = connection.getresponse()
    return answer, answer.read().decode()


class Gate:
    """A program for Puppet's autosign that signs once it is opened, and waits until then."""

    def __init__(self, folder):
        self.program, self.begun = folder / "autosign", folder / "begun"
        self.opened = folder / "opened"
        self.program.write_text(f"#!/bin/sh\n: > {self.begun}\n"
                                f"until [ -e {self.opened} ]; do sleep 0.05; done\n")
        self.program.chmod(0o755)
        self.config = f'[puppet]\nautosign = "{self.program}"\nautosign_deadline = "60s"\n'

    def open(self):
        self.opened.touch()


class LifeTest(ServiceTest):
    def put(self, connection, name, csr):
        """Sends, and does not wait for the answer."""
        connection.request("PUT", f"/puppet-ca/v1/certificate_request/{name}",
                           pathlib.Path(csr).read_bytes(), {"Content-Type": "text/plain"})

    def kept(self, service, client=None):
        """A connection that had an answer and waits for the next request."""
        connection = service.kept_connection(client)
        self.addCleanup(connection.close)
        self.assertEqual(ask(connection, "GET", "/v1/health/live")[0].status, 200)
        return connection


class Stop(LifeTest):
    def test_sigterm_finishes_what_runs_closes_what_idles_and_takes_nothing_new(self):
        gate = Gate(self.folder)
        service = self.service(QUEUE, gate.config)
        idle = self.kept(service)
        running = service.kept_connection()
        self.put(running, "host", self.csr("host")[0])
        until(gate.begun.exists, "the autosign program runs")
        service.process.send_signal(signal.SIGTERM)
        self.assertEqual(idle.sock.recv(1), b"", "an idle connection is closed")

        def refused():
            try:
                socket.create_connection(("127.0.0.1", service.port), 1).close()
                return False
            except ConnectionRefusedError:
                return True

        until(refused, "new connections are refused")
        self.assertIsNone(service.process.poll(), "it waits for what runs")
        gate.open()
        answer = running.getresponse()
        self.assertEqual((answer.status, answer.getheader("Connection")), (200, "close"))
        answer.read()
        running.close()
        self.assertEqual(service.process.wait(WAIT), 0)
        service.stop()
        service.start()
        self.assertEqual(service.curl("/puppet-ca/v1/certificate/host")[0], 200)

    def test_a_client_that_hangs_is_cut_after_10_s(self):
        service = self.service(QUEUE, '[limits]\nread = "60s"\n')
        with service.tls_socket() as hanging:
            hanging.sendall(b"POST /v1/requests HTTP/1.1\r\nHost: localhost\r\n"
                            b"Content-Length: 10\r\nExpect: 100-continue\r\n\r\n")
            self.assertIn(b"100 Continue", hanging.recv(1000))
            begin = time.monotonic()
            service.process.send_signal(signal.SIGTERM)
            self.assertEqual(service.process.wait(30), 0)
            self.assertGreater(time.monotonic() - begin, 9)
        self.assertIn("event=drain_cut connections=1", service.log_text())
        self.assertEqual(service.stop(), 0)


class Reload(LifeTest):
    POLICY = '[[rule]]\nname = "known"\nmatch = { certname = "%s" }\naction = "sign"\n'

    def decision(self, service, name):
        _, answer = service.json("/v1/policy/explain", "-H", "Content-Type: application/json",
                                 "-d", json.dumps({"csr": self.csr(name)[0].read_text()}),
                                 method="POST", client="operator")
        return answer["action"]

    def loads(self, service):
        return service.log_text().count("event=policy_loaded")

    def test_sighup_takes_a_good_policy_and_keeps_the_old_one_before_a_bad_one(self):
        service = self.service(self.POLICY % "a")
        policy = service.folder / "policy.toml"
        loads = self.loads(service)
        service.process.send_signal(signal.SIGHUP)
        until(lambda: self.loads(service) == loads + 1, "a reload that no change of a file asked for")
        policy.write_text(self.POLICY % "b")
        service.process.send_signal(signal.SIGHUP)
        until(lambda: self.decision(service, "b") == "sign", "the new policy decides")
        self.assertEqual(self.decision(service, "a"), "queue")

        policy.write_text(self.POLICY.replace("certname", "certnme") % "c")
        service.process.send_signal(signal.SIGHUP)
        ready = until(lambda: service.json("/v1/health/ready", client="operator")[1]["policy"]["error"],
                      "health shows the error")
        self.assertRegex(ready, r"policy\.toml:3:\d+: .*certnme.*certname")
        self.assertIn("event=policy_refused", service.log_text())
        self.assertIn("policy.toml:3:", service.log_text())
        self.assertEqual(service.curl("/v1/health/ready")[0], 200)
        self.assertIn("countersign_policy_ok 0", service.curl("/metrics")[1])
        self.assertEqual(self.decision(service, "b"), "sign")

        policy.write_text(self.POLICY % "c")
        service.process.send_signal(signal.SIGHUP)
        until(lambda: self.decision(service, "c") == "sign", "the mended policy decides")
        self.assertIsNone(service.json("/v1/health/ready", client="operator")[1]["policy"]["error"])

    def test_an_allowlist_that_changes_is_taken_without_a_signal(self):
        service = self.service('[[rule]]\nname = "known"\nmatch = { certname_file = "allow.txt" }\n'
                               'action = "sign"\n', start=False)
        allow, new = service.folder / "allow.txt", service.folder / "allow.txt.new"
        allow.write_text("first\n")
        service.start()
        self.assertEqual(self.decision(service, "first"), "sign")
        new.write_text("second\n")
        new.rename(allow)
        until(lambda: self.decision(service, "second") == "sign", "a rename is seen")
        self.assertEqual(self.decision(service, "first"), "queue")
        allow.write_text("secone\n")  # as long as before
        until(lambda: self.decision(service, "secone") == "sign", "a write in place is seen")
        self.assertEqual(self.decision(service, "second"), "queue")
        allow.unlink()
        until(lambda: "allow.txt" in str(service.json("/v1/health/ready", client="operator")[1]["policy"]["error"]),
              "a list that is gone is an error")
        self.assertEqual(self.decision(service, "secone"), "sign")


class Renewal(LifeTest):
    def test_the_server_certificate_is_renewed_before_it_expires_without_a_restart(self):
        service = self.service(QUEUE, '[profile.server]\nvalidity = "9s"\nbackdate = "1m"\n')
        kept = self.kept(service)
        first = kept.sock.getpeercert()

        def renewed():
            with service.tls_socket() as new:  # verifies, and so fails if the old one has expired
                found = new.getpeercert()
                return found if found["serialNumber"] != first["serialNumber"] else None

        second = until(renewed, "a new connection sees a new certificate")
        self.assertLess(time.time(), self.end(first))
        self.assertGreater(self.end(second), self.end(first))
        self.assertEqual(ask(kept, "GET", "/v1/health/live")[0].status, 200)

    def end(self, certificate):
        return time.mktime(time.strptime(certificate["notAfter"], "%b %d %H:%M:%S %Y %Z")) \
            - time.timezone

    def test_the_crl_is_renewed_before_its_next_update(self):
        number, end = Patient.first
        second = until(lambda: (now := crl_of(Patient.service))[0] > number and now,
                       "a CRL with a higher number")
        self.assertLess(time.time(), end)
        self.assertGreater(second[1], end)


class Bounds(LifeTest):
    def test_connections_beyond_the_bound_get_503_and_a_tenth_above_nothing(self):
        service = self.service(QUEUE, "[limits]\nconnections = 3\n")
        kept = [self.kept(service) for _ in range(3)]
        over = service.kept_connection()
        over.connect()
        with self.assertRaises(OSError):
            service.tls_socket()
        answer, body = ask(over, "GET", "/v1/health/live")
        self.assertEqual((answer.status, answer.getheader("Content-Type")),
                         (503, "application/problem+json"))
        self.assertGreater(int(answer.getheader("Retry-After")), 0)
        self.assertIn("connections", json.loads(body)["detail"])
        over.close()
        self.assertEqual(ask(kept[0], "GET", "/v1/health/live")[0].status, 200)
        kept.pop().close()
        until(lambda: service.curl("/v1/health/live", check=False)[0] == 200, "there is room again")

    def answered(self, connections, count):
        """The answers that come while all others wait; at least `count` of them."""
        with selectors.DefaultSelector() as arriving:
            for connection in connections:
                arriving.register(connection.sock, selectors.EVENT_READ, connection)
            early = []
            while len(early) < count:
                events = arriving.select(WAIT)
                self.assertTrue(events, f"{count} answers, there are {len(early)}")
                for key, _ in events:
                    arriving.unregister(key.fileobj)
                    early.append(key.data)
        return early

    def refused(self, connection):
        answer = connection.getresponse()
        self.assertEqual(answer.status, 503)
        self.assertGreater(int(answer.getheader("Retry-After")), 0)
        answer.read()

    def test_of_80_machines_72_wait_for_the_autosign_program_and_8_get_503(self):
        gate = Gate(self.folder)
        service = self.service(QUEUE, gate.config)
        key = self.folder / "shared.key"
        connections = [service.kept_connection() for _ in range(80)]
        for i, connection in enumerate(connections):
            self.addCleanup(connection.close)
            self.put(connection, f"host{i}", self.csr(f"host{i}", key=key)[0])
        early = self.answered(connections, 8)
        self.assertEqual(len(early), 8)
        for connection in early:
            self.refused(connection)
        self.assertEqual(service.curl("/v1/health/ready")[0], 200, "all else goes on")
        gate.open()
        for connection in set(connections) - set(early):
            self.assertEqual(connection.getresponse().status, 200)

    def test_writes_beyond_the_bound_of_work_get_503_and_the_rest_is_signed(self):
        service = self.service(SIGN, "[limits]\nwork = 1\n")
        key = self.folder / "shared.key"
        connections = [service.kept_connection() for _ in range(6)]
        with contextlib.closing(sqlite3.connect(service.folder / "countersign.db",
                                                isolation_level=None)) as store:
            store.execute("BEGIN IMMEDIATE")  # as a slow disk would hold the writer
            for i, connection in enumerate(connections):
                self.addCleanup(connection.close)
                self.put(connection, f"host{i}", self.csr(f"host{i}", key=key)[0])
            early = self.answered(connections, 3)
            for connection in early:
                self.refused(connection)
            store.execute("ROLLBACK")
        waited = set(connections) - set(early)
        codes = {connection.getresponse().status for connection in waited}
        self.assertIn(200, codes)
        self.assertLessEqual(codes, {200, 503})
        for i in range(6):  # who was refused asks again; nothing of the refused call is kept
            self.puppet_put(service, f"host{i}", self.folder / f"host{i}.csr")
            self.assertEqual(service.curl(f"/puppet-ca/v1/certificate/host{i}")[0], 200)


def fields_of(line):
    """One line of the log, logfmt or JSON, as texts by key."""
    if line.startswith("{"):
        return {key: str(value) for key, value in json.loads(line).items()}
    found = re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|\S*)(?: |$)', line)
    return {key: json.loads(value) if value.startswith('"') else value for key, value in found}


class Log(LifeTest):
    def test_one_line_a_request_says_who_asked_for_what_and_how_it_ended(self):
        for form in ("logfmt", "json"):
            with self.subTest(form):
                service = self.service(QUEUE, f'[log]\nformat = "{form}"\n', name=form)
                service.curl("/v1/health/live")
                service.curl("/v1/requests", client="operator")
                service.curl("/v1/requests/x%0Alevel=error%22", client="operator")
                _, refused = service.json("/v1/requests")
                service.stop()
                rows = [fields_of(line) for line in service.log_text().splitlines()]
                rows = [row for row in rows if row["event"] == "request"]
                self.assertEqual(
                    [(r["caller"], r["method"], r["path"], r["status"]) for r in rows],
                    [("anonymous", "GET", "/v1/health/live", "200"),
                     ("admin:operator", "GET", "/v1/requests", "200"),
                     ("admin:operator", "GET", "/v1/requests/x%0Alevel=error%22", "404"),
                     ("anonymous", "GET", "/v1/requests", "401")])
                self.assertEqual(len({row["request_id"] for row in rows}), 4)
                self.assertIn(rows[3]["request_id"], json.dumps(refused))
                for row in rows:
                    self.assertRegex(row["ms"], r"^\d+$")
                    self.assertEqual(row["source"], "127.0.0.1")

    def test_no_secret_gets_into_the_log_or_the_audit(self):
        service = self.service(
            '[[rule]]\nname = "image"\nmatch = { challenge_password = "policy-secret-1" }\n'
            'action = "sign"\n', '[log]\nlevel = "debug"\n')
        config, secrets = self.folder / "req.cnf", set()
        for name, password in (("right", "policy-secret-1"), ("wrong", "guessed-secret-2")):
            config.write_text("[req]\ndistinguished_name = dn\nattributes = a\nprompt = no\n"
                              f"[dn]\nCN = {name}\n[a]\nchallengePassword = {password}\n")
            csr = self.folder / f"{name}.csr"
            run("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                "-nodes", "-config", config, "-keyout", self.folder / "any.key", "-out", csr)
            secrets.add(password)
            self.assertEqual(self.submit(service, csr)[1]["state"],
                             "signed" if name == "right" else "queued")
        token = service.cli("token", "create", "--role", "operator").stdout.strip()
        for sent in (token, "cst_madeUpToken0123456789"):
            service.curl("/v1/requests", "-H", f"Authorization: Bearer {sent}")
            secrets |= {sent, sent.removeprefix("cst_")}
        service.curl("/v1/health/live?token=in-a-query-3")
        secrets |= {"in-a-query-3", (service.folder / "ca/passphrase").read_text().strip()}
        _, history = service.curl("/v1/history?limit=1000", client="operator")
        shown = service.cli("show", "right").stdout + service.cli("token", "list").stdout
        service.stop()
        for secret in secrets:
            for where, text in (("log", service.log_text()), ("audit", history), ("CLI", shown)):
                self.assertNotIn(secret, text, where)


class Audit(LifeTest):
    def test_every_decision_and_every_refused_call_leaves_a_row(self):
        service = self.service(
            '[[rule]]\nname = "web"\nmatch = { certname_regex = "web.*" }\naction = "sign"\n\n'
            '[[rule]]\nname = "evil"\nmatch = { certname_regex = "evil.*" }\naction = "deny"\n')
        for name in ("web1", "evil1", "db1", "db2"):
            self.submit(service, self.csr(name)[0])
        service.cli("sign", "db1", "--yes")
        service.cli("deny", "db2", "--reason", "not ours")
        service.cli("revoke", "web1", "--reason", "keyCompromise")
        service.curl("/v1/requests", "-H", "Authorization: Bearer cst_wrong")
        self.assertEqual(service.curl("/v1/requests/X/approve", method="POST")[0], 401)
        agent = (self.folder / "web2.pem", self.enrolled(service))
        self.assertEqual(service.curl("/v1/revoke", "-d", '{"certname": "db1"}', method="POST",
                                      client=agent)[0], 403)
        _, answer = service.json("/v1/history?limit=1000", client="operator")
        rows = answer["history"]
        self.assertEqual([row["sequence"] for row in rows],
                         sorted((row["sequence"] for row in rows), reverse=True))
        seen = {(row["action"], row["actor"], row["subject"]) for row in rows}
        for expected in (("issue", "init", "operator"),
                         ("issue", "anonymous", "web1"), ("deny", "anonymous", "evil1"),
                         ("queue", "anonymous", "db1"), ("approve", "admin:operator", "db1"),
                         ("deny", "admin:operator", "db2"),
                         ("revoke", "admin:operator", "web1"),
                         ("refuse", "anonymous", ""), ("refuse", "agent:web2", "")):
            self.assertIn(expected, seen)
        refused = [row["detail"]["call"] for row in rows if row["action"] == "refuse"]
        self.assertTrue(any("credential" in call for call in refused), refused)
        self.assertIn("decide", refused)
        self.assertIn("revoke", refused)
        issued = next(row for row in rows if row["subject"] == "web1" and row["action"] == "issue")
        self.assertIn(f"request_id={issued['request_id']} ", service.log_text())
        self.assertEqual(service.json(f"/v1/certificates/{issued['serial']}",
                                      client="operator")[1]["certname"], "web1")

    def enrolled(self, service):
        """Enrols web2; its key."""
        csr, key = self.csr("web2")
        (self.folder / "web2.pem").write_text(self.submit(service, csr)[1]["certificate"])
        return key


class Start(LifeTest):
    def serve(self, folder):
        """A start that must fail by itself: (exit code, stderr)."""
        result = run(BINARY, "serve", "--config", folder / "countersign.toml", check=False,
                     timeout=10)
        self.assertEqual(result.stdout, "")
        return result.returncode, result.stderr

    def test_a_port_that_is_taken_is_named(self):
        service = self.service()
        other = self.service(name="other", start=False)
        config = other.folder / "countersign.toml"
        config.write_text(config.read_text().replace("127.0.0.1:0", f"127.0.0.1:{service.port}"))
        code, text = self.serve(other.folder)
        self.assertEqual(code, 1)
        self.assertIn(f"Cannot listen on 127.0.0.1:{service.port}", text)

    def test_a_store_that_another_service_has_open_is_refused(self):
        service = self.service()
        code, text = self.serve(service.folder)
        self.assertEqual(code, 1)
        self.assertIn("countersign.db", text)
        self.assertIn("another", text)

    def test_what_does_not_fit_together_is_refused_with_the_file_and_what_to_do(self):
        service = self.service(start=False)
        other = self.service(name="other", start=False)
        store = (service.folder / "countersign.db").read_bytes()

        def overwrite(name, content):
            return lambda folder: (folder / name).write_bytes(content)

        damage = {
            "not a store": (overwrite("countersign.db", b"x" * 8192),
                            r"countersign\.db.*[Rr]estore"),
            "a damaged store": (overwrite("countersign.db",
                                          store[:4096] + b"Z" * (len(store) - 4096)),
                                r"countersign\.db.*[Rr]estore"),
            "a store that was cut off": (overwrite("countersign.db", store[:9000]),
                                         r"countersign\.db.*[Rr]estore"),
            "a wrong passphrase": (overwrite("ca/passphrase", b"wrong\n"),
                                   r"issuing\.key.*passphrase"),
            "no passphrase": (lambda folder: (folder / "ca/passphrase").unlink(),
                              r"ca/passphrase"),
            "the chain of another CA": (
                overwrite("ca/chain.pem", (other.folder / "ca/chain.pem").read_bytes()),
                r"issuing\.key and chain\.pem that were made together"),
            "no CRL of the root": (lambda folder: (folder / "ca/root.crl.pem").unlink(),
                                   r"root\.crl\.pem"),
            "a chain that is none": (overwrite("ca/chain.pem", b"hello\n"), r"chain"),
        }
        for what, (do, says) in damage.items():
            with self.subTest(what):
                folder = self.folder / what.replace(" ", "-")
                shutil.copytree(service.folder, folder)
                do(folder)
                code, text = self.serve(folder)
                self.assertIn(code, (1, 2))
                self.assertRegex(text, says)
                self.assertEqual(text.count("\n"), 1, "one line")


if __name__ == "__main__":
    main()
