"""kill -9 at random moments: what a client was told stays true."""

import contextlib
import http.client
import itertools
import json
import os
import queue
import random
import re
import shutil
import sqlite3
import ssl
import subprocess
import threading
import time

from harness import BINARY, ServiceTest, main, run

ROUNDS = 50
NAMES = 12000
SEED = int(os.environ.get("CRASH_SEED", random.SystemRandom().randrange(1 << 32)))

POLICY = r"""
default = "deny"

[[rule]]
name = "machines"
match = { certname_regex = 'n[0-9]+\.example\.com' }
action = "sign"

[[rule]]
name = "waiting machines"
match = { certname_regex = 'q[0-9]+\.example\.com' }
action = "queue"
"""

# Two requests a name, by two keys: only one of them may win.
MAKE_REQUESTS = r"""
require "openssl"
keys = 2.times.map { OpenSSL::PKey::EC.generate("prime256v1") }
ARGV[0].to_i.times do |i|
  keys.each do |key|
    csr = OpenSSL::X509::Request.new
    csr.version = 0
    csr.subject = OpenSSL::X509::Name.new([["CN", "#{i % 10 == 9 ? "q" : "n"}#{i}.example.com"]])
    csr.public_key = key
    csr.sign(key, "SHA256")
    puts csr.to_pem
  end
end
"""

GONE = (OSError, http.client.HTTPException)  # how a killed server looks from outside


def requests(count):
    """[(name, PEM of the first key, PEM of the second)]; ruby comes with every puppet agent."""
    made = run("ruby", "-e", MAKE_REQUESTS, count).stdout
    blocks = re.findall(r"-----BEGIN.*?-----END CERTIFICATE REQUEST-----\n", made, re.S)
    names = [f"{'q' if i % 10 == 9 else 'n'}{i}.example.com" for i in range(count)]
    return list(zip(names, blocks[::2], blocks[1::2], strict=True))


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
        self.crl_numbers = [0]
        self.surprises = []


class Load:
    """Clients that go on until the server is gone."""

    def __init__(self, service, told, work, rng):
        self.service, self.told, self.work = service, told, work
        self.random = random.Random(rng.random())
        tasks = [(self.enrol, None), (self.enrol, None), (self.enrol_by_rest, None),
                 (self.operate, "operator"), (self.fetch_crl, None)]
        self.threads = [threading.Thread(target=self.until_gone, args=task) for task in tasks]
        for thread in self.threads:
            thread.start()

    def join(self):
        for thread in self.threads:
            thread.join(60)
            if thread.is_alive():
                raise AssertionError("a client hangs after the server is gone")

    def until_gone(self, task, client):
        try:
            with contextlib.closing(self.service.kept_connection(client)) as connection:
                task(connection)
        except GONE:
            pass
        except Exception as error:  # pylint: disable=broad-except
            self.told.surprises.append(repr(error))

    def call(self, connection, method, path, body=None, kind="text/plain", expect=(200,),
             accept="*/*"):
        connection.request(method, path, body, {"Content-Type": kind, "Accept": accept})
        answer = connection.getresponse()
        content = answer.read()
        if answer.status not in expect:
            raise AssertionError(f"{method} {path}: {answer.status} {content[:300]}")
        return answer.status, content

    def post(self, connection, path, body, expect=(200,)):
        return self.call(connection, "POST", path, json.dumps(body), "application/json", expect)

    def got(self, name, pem):
        der = ssl.PEM_cert_to_DER_cert(pem)
        serial = serial_of(der)
        self.told.names[serial] = name
        self.told.certificates[serial] = der
        return serial

    @contextlib.contextmanager
    def next_request(self):
        """(name, PEM). Without an answer it comes next again, as a machine would ask again."""
        request = self.work.get(timeout=60)
        try:
            yield request
        except GONE:
            self.work.put(request)
            raise

    def enrol(self, connection):
        while True:
            with self.next_request() as (name, pem):
                self.call(connection, "PUT", f"/puppet-ca/v1/certificate_request/{name}", pem,
                          expect=(200, 400))
                status, body = self.call(connection, "GET", f"/puppet-ca/v1/certificate/{name}",
                                         expect=(200, 404))
            if status == 200:
                self.got(name, body.decode())

    def enrol_by_rest(self, connection):
        while True:
            with self.next_request() as (name, pem):
                status, body = self.call(connection, "POST", "/v1/requests", pem,
                                         "application/pkcs10", (201, 202, 409))
            answer = json.loads(body)
            if status == 201:
                self.got(name, answer["certificate"])
            elif status == 202:
                self.told.states.setdefault(answer["id"], "queued")

    def operate(self, connection):
        """Approves, denies, revokes and cleans."""
        for turn in itertools.count():
            waiting = [i for i, state in list(self.told.states.items()) if state == "queued"]
            if waiting:
                self.decide(connection, self.random.choice(waiting), deny=turn % 4 == 0)
            living = self.told.names.keys() - self.told.revoked
            if living:
                self.revoke(connection, self.random.choice(sorted(living)), clean=turn % 5 == 0)
            else:
                self.call(connection, "GET", "/v1/health/live")

    def decide(self, connection, request, deny):
        path = f"/v1/requests/{request}/"
        if deny:
            status, _ = self.post(connection, path + "deny", {"reason": "no"}, (200, 409))
        else:
            status, _ = self.post(connection, path + "approve", {}, (200, 409))
        # 409: decided in an earlier life of the server, whose answer was lost.
        if status == 409:
            self.told.states.pop(request)
            return
        self.told.states[request] = "denied" if deny else "signed"
        if not deny:
            _, body = self.call(connection, "GET", f"/v1/requests/{request}")
            answer = json.loads(body)
            self.got(answer["certname"], answer["certificate"])

    def revoke(self, connection, serial, clean):
        if clean:
            name = self.told.names[serial]
            known = [s for s, n in list(self.told.names.items()) if n == name]
            self.post(connection, "/v1/clean", {"certnames": [name]})
            self.told.revoked.update(known)
        else:
            path = f"/v1/certificates/{serial.hex().upper()}/revoke"
            self.post(connection, path, {"reason": "superseded"})
            self.told.revoked.add(serial)

    def fetch_crl(self, connection):
        while True:
            _, crl = self.call(connection, "GET", "/v1/crl",
                               accept="application/pkix-crl")
            self.told.crl_numbers.append(crl_number(crl))
            time.sleep(0.02)


class Crash(ServiceTest):
    def test_what_a_client_was_told_stays_true_over_50_kills_under_load(self):
        print(f"CRASH_SEED={SEED}", flush=True)
        rng = random.Random(SEED)
        service = self.service(POLICY, '[crl]\ndelay = "0s"\nlifetime = "7d"\n')
        told, work = Told(), queue.LifoQueue()
        for name, first, second in requests(NAMES):
            work.put((name, first))
            work.put((name, second))
        for turn in range(ROUNDS):
            load = Load(service, told, work, rng)
            time.sleep(rng.uniform(0.05, 0.7))
            self.assertIsNone(service.process.poll(), service.log_text()[-2000:])
            self.kill(service.process)
            load.join()
            service.stop()
            if turn % 5 == 4:
                self.kill_while_it_starts(service, rng.uniform(0.01, 0.15))
            service.start()
            with self.subTest(round=turn, seed=SEED):
                self.assertEqual(told.surprises, [])
                self.check_store(service, told)
                self.check_answers(service, told, rng)
        # Without these the checks above would have had nothing to look at.
        self.assertGreater(len(told.certificates), ROUNDS)
        self.assertGreater(len(told.revoked), 0)
        self.assertIn("signed", told.states.values())
        self.assertEqual(service.stop(), 0)
        print(f"{len(told.certificates)} certificates, {len(told.revoked)} revoked, "
              f"{len(told.states)} that waited, CRL number {told.crl_numbers[-1]}")

    def kill(self, process):
        process.kill()
        process.wait(60)

    def kill_while_it_starts(self, service, seconds):
        process = subprocess.Popen(
            [BINARY, "serve", "--config", str(service.folder / "countersign.toml")],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        self.kill(process)

    def check_store(self, service, told):
        """Reads the tables themselves, while the service runs."""
        store = sqlite3.connect(f"file:{service.folder}/countersign.db?mode=ro", uri=True)
        with contextlib.closing(store):
            rows = lambda text: store.execute(text).fetchall()
            self.assertEqual(rows("PRAGMA integrity_check"), [("ok",)])
            self.assertEqual(rows("SELECT serial FROM certificates GROUP BY serial "
                                  "HAVING COUNT(*) > 1"), [])
            # The service makes a new certificate for itself at each start.
            self.assertEqual(rows("SELECT certname FROM certificates WHERE revoked_at IS NULL "
                                  "AND rule <> 'service' GROUP BY certname "
                                  "HAVING COUNT(*) > 1"), [])
            kept = {serial: (name, der, revoked_at) for serial, name, der, revoked_at in
                    rows("SELECT serial, certname, der, revoked_at FROM certificates")}
            lost = [s.hex() for s, der in told.certificates.items()
                    if s not in kept or kept[s][:2] != (told.names[s], der)]
            self.assertEqual(lost, [], "certificates that a client got")
            undone = [s.hex() for s in told.revoked if kept[s][2] is None]
            self.assertEqual(undone, [], "revocations that were confirmed")
            states = dict(rows("SELECT id, state FROM requests"))
            # What was confirmed as queued may have been decided by a call whose answer was lost.
            changed = [i for i, state in told.states.items()
                       if states.get(i) != state and (state != "queued" or i not in states)]
            self.assertEqual(changed, [], "decisions that were confirmed")
            self.check_whole(rows, kept, states)
            number, = rows("SELECT MAX(number) FROM crls")[0]
            self.assertGreaterEqual(number, max(told.crl_numbers))

    def check_whole(self, rows, kept, states):
        """A batch is in the store as a whole: request, certificate and audit row."""
        issued = {serial for serial, in rows(
            "SELECT serial FROM audit WHERE action IN ('issue', 'approve')")}
        self.assertEqual({s.hex().upper() for s in kept}, issued)
        revoked = {serial for serial, in rows(
            "SELECT serial FROM audit WHERE action = 'revoke'")}
        self.assertEqual({s.hex().upper() for s, row in kept.items() if row[2] is not None},
                         revoked)
        signed = {serial for serial, in rows("SELECT serial FROM requests WHERE state = 'signed'")}
        by_request = {serial for serial, in rows(
            "SELECT serial FROM certificates WHERE request_id <> ''")}
        self.assertEqual(signed, by_request)
        counters = dict(rows("SELECT name, value FROM counters"))
        self.assertEqual(counters, {
            "queued": sum(state == "queued" for state in states.values()),
            "certificates": len(kept),
            "revoked": sum(row[2] is not None for row in kept.values())})

    def check_answers(self, service, told, rng):
        """Asks the service itself, over the same interface as everybody."""
        with contextlib.closing(service.kept_connection("operator")) as connection:
            def get(path, accept):
                connection.request("GET", path, headers={"Accept": accept})
                answer = connection.getresponse()
                self.assertEqual(answer.status, 200, path)
                return answer.read()

            for serial in rng.sample(sorted(told.certificates), min(20, len(told.certificates))):
                found = json.loads(get(f"/v1/certificates/{serial.hex().upper()}",
                                       "application/json"))
                self.assertEqual(ssl.PEM_cert_to_DER_cert(found["certificate"]),
                                 told.certificates[serial])
                if serial in told.revoked:
                    self.assertEqual(found["state"], "revoked")
            crl = get("/v1/crl", "application/pkix-crl")
        self.assertGreaterEqual(crl_number(crl), max(told.crl_numbers))
        self.assertEqual(told.crl_numbers, sorted(told.crl_numbers))
        path = self.folder / "served.crl"
        path.write_bytes(crl)
        text = run("openssl", "crl", "-inform", "DER", "-in", path, "-noout", "-text").stdout
        listed = {bytes.fromhex(found) for found in
                  re.findall(r"Serial Number: ([0-9A-F]+)", text)}
        self.assertEqual(told.revoked - listed, set(), "revoked and not in the CRL")


class Init(ServiceTest):
    def test_a_killed_init_leaves_nothing_or_what_the_next_one_refuses_with_a_reason(self):
        command = [BINARY, "init", "--hostname", "localhost", "--listen", "127.0.0.1:0", "--dir"]
        begin = time.monotonic()
        run(*command, self.folder / "whole")
        whole = time.monotonic() - begin
        seen = set()
        for step in range(20):
            folder = self.folder / f"ca{step}"
            process = subprocess.Popen([*command, str(folder)], stderr=subprocess.DEVNULL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(whole * 1.1 * step / 20)
            process.kill()
            process.wait(60)
            before = self.content(folder)
            again = run(*command, folder, check=False)
            with self.subTest(step=step, stderr=again.stderr):
                seen.add(self.outcome(folder, before, again))
        self.assertLessEqual({"nothing", "part"}, seen)

    def content(self, folder):
        return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    def outcome(self, folder, before, again):
        if again.returncode == 0:
            return "nothing"
        self.assertEqual(again.returncode, 1)
        self.assertEqual(self.content(folder), before, "a refusal changes nothing")
        self.assertIn("Nothing was changed", again.stderr)
        if "holds a CA already" in again.stderr:
            self.assertTrue((folder / "operator.key").exists())
            return "whole"
        self.assertIn("holds a part of a CA", again.stderr)
        self.assertIn("remove what an init that was cut off left", again.stderr)
        shutil.rmtree(folder)
        run(BINARY, "init", "--hostname", "localhost", "--dir", folder)
        return "part"


if __name__ == "__main__":
    main()
