"""kill -9 at random moments under mixed load: what a client was told stays true.

    python3 kill_rounds.py [ROUNDS] [--seed N] [--longest SECONDS]
"""

import argparse
import base64
import contextlib
import http.client
import itertools
import json
import queue
import random
import re
import ssl
import subprocess
import threading
import time
import unittest

from crash_checker import Checker, Told, crl_number, serial_of
from harness import BINARY, ServiceTest, run

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

[[rule]]
name = "machines with a token"
match = { certname_regex = 't[0-9]+\.example\.com', token = "required" }
action = "sign"
"""

CONFIG = """
[crl]
delay = "0s"
lifetime = "7d"

[puppet]
allow_auto_renewal = true
"""

KINDS = "nntnntnnnq"  # of the names: signed, with a token, or queued

# Two requests a name, by two keys: only one of them may win.
MAKE_REQUESTS = r"""
require "openssl"
keys = 2.times.map { OpenSSL::PKey::EC.generate("prime256v1") }
keys.each { |key| puts key.to_pem }
ARGV[0].to_i.times do |i|
  keys.each do |key|
    csr = OpenSSL::X509::Request.new
    csr.version = 0
    csr.subject = OpenSSL::X509::Name.new([["CN", "#{ARGV[1][i % 10]}#{i}.example.com"]])
    csr.public_key = key
    csr.sign(key, "SHA256")
    puts csr.to_pem
  end
end
"""

PRIME256V1 = bytes.fromhex("06082a8648ce3d030107")

GONE = (OSError, http.client.HTTPException)  # how a killed server looks from outside


def requests(count):
    """[(name, PEM of the first key, PEM of the second)] and the two keys; ruby comes with every
    puppet agent."""
    made = run("ruby", "-e", MAKE_REQUESTS, count, KINDS).stdout
    blocks = re.findall(r"-----BEGIN.*?-----END [A-Z ]+-----\n", made, re.S)
    names = [f"{KINDS[i % 10]}{i}.example.com" for i in range(count)]
    return list(zip(names, blocks[2::2], blocks[3::2], strict=True)), blocks[:2]


class Load:
    """Clients that go on until the server is gone."""

    def __init__(self, service, told, work, keys, rng):
        self.service, self.told, self.work, self.keys = service, told, work, keys
        self.random = random.Random(rng.random())
        tasks = [(self.enrol, None), (self.enrol, None), (self.enrol_by_rest, None),
                 (self.operate, "operator"), (self.fetch_crl, None),
                 (self.mint_and_redeem, "operator"), (self.renew, None)]
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
    def next_request(self, kind="any"):
        """(name, PEM). Without an answer it comes next again, as a machine would ask again."""
        request = self.work[kind].get(timeout=60)
        try:
            yield request
        except GONE:
            self.work[kind].put(request)
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

    def mint_and_redeem(self, connection):
        """A token for one certificate, presented by one machine after the other."""
        while True:
            _, body = self.post(connection, "/v1/tokens", {
                "certname_regex": r"t[0-9]+\.example\.com", "uses": 1}, (200, 201))
            token = json.loads(body)["token"]
            for _ in range(2):
                with self.next_request("token") as (name, pem):
                    status, body = self.post(connection, "/v1/requests",
                                             {"csr": pem, "token": token}, (201, 403, 409))
                if status == 201:
                    serial = self.got(name, json.loads(body)["certificate"])
                    self.told.by_token.setdefault(token, set()).add(serial)

    def renew(self, _):
        """Each with a connection of its own, as the certificate that it is made with is another."""
        while True:
            known = list(self.told.certificates.items())
            serial, der = self.random.choice(known) if known else (None, None)
            pair = self.pair(der) if known else None
            try:
                with contextlib.closing(self.service.kept_connection(pair)) as connection:
                    if pair is None:
                        self.call(connection, "GET", "/v1/health/live")
                        continue
                    status, body = self.call(
                        connection, "POST", "/puppet-ca/v1/certificate_renewal", "",
                        expect=(200, 400, 403, 404, 409))
            except ssl.SSLError:
                continue  # it is revoked
            if status == 200:
                self.told.renewed.add(self.got(self.told.names[serial], body.decode()))

    def pair(self, der):
        """Files with the certificate and the one of the two keys that it is for."""
        index = next(i for i, (_, point) in enumerate(self.keys) if point in der)
        path = self.keys[index][0].with_name("renewing.pem")
        path.write_text(ssl.DER_cert_to_PEM_cert(der))
        return path, self.keys[index][0]


def point_of(csr):
    """The public point of a P-256 key, in a CSR."""
    der = base64.b64decode("".join(csr.splitlines()[1:-1]))
    at = der.index(PRIME256V1) + len(PRIME256V1) + 4  # BIT STRING, length, no unused bits, then it
    return der[at - 1 : at + 64]


class KillRounds:
    """A service that is killed at random moments, and what its clients were told."""

    def __init__(self, test, seed, names):
        self.random = random.Random(seed)
        self.test, self.told = test, Told()
        self.service = test.service(POLICY, CONFIG)
        self.work = {"any": queue.LifoQueue(), "token": queue.LifoQueue()}
        made, keys = requests(names)
        for name, *both in made:
            for pem in both:
                self.work["token" if name[0] == "t" else "any"].put((name, pem))
        self.keys = []
        for number, (key, csr) in enumerate(zip(keys, made[0][1:], strict=True)):
            path = test.folder / f"machine{number}.key"
            path.write_text(key)
            self.keys.append((path, point_of(csr)))

    def round(self, turn, longest):
        service = self.service
        load = Load(service, self.told, self.work, self.keys, self.random)
        time.sleep(self.random.uniform(0.05, longest))
        self.test.assertIsNone(service.process.poll(), service.log_text()[-2000:])
        self.kill(service.process)
        load.join()
        service.stop()
        if turn % 5 == 4:
            self.kill_while_it_starts(self.random.uniform(0.01, 0.15))
        service.start()
        Checker(self.test, service, self.told, self.random).check()

    def kill(self, process):
        process.kill()
        process.wait(60)

    def kill_while_it_starts(self, seconds):
        process = subprocess.Popen(
            [BINARY, "serve", "--config", str(self.service.folder / "countersign.toml")],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        self.kill(process)

    def summary(self):
        told = self.told
        return (f"{len(told.certificates)} certificates, {len(told.revoked)} revoked, "
                f"{len(told.renewed)} renewed, {len(told.by_token)} by token, "
                f"{len(told.states)} that waited, CRL number {told.crl_numbers[-1]}")


class Rounds(ServiceTest):
    rounds, seed, longest = 5, 0, 0.7

    def test_what_a_client_was_told_stays_true_over_every_kill_under_load(self):
        print(f"seed {self.seed}, {self.rounds} rounds", flush=True)
        killed = KillRounds(self, self.seed, 300 * self.rounds + 1000)
        for turn in range(self.rounds):
            with self.subTest(round=turn, seed=self.seed):
                killed.round(turn, self.longest)
        told = killed.told
        # Without these the checks would have had nothing to look at.
        for what in (told.certificates, told.revoked, told.renewed, told.by_token):
            self.assertGreater(len(what), 0, killed.summary())
        self.assertIn("signed", told.states.values())
        self.assertEqual(killed.service.stop(), 0)
        print(killed.summary())


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("rounds", type=int, nargs="?", default=5)
    arguments.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    arguments.add_argument("--longest", type=float, default=0.7, help="seconds under load")
    chosen = arguments.parse_args()
    Rounds.rounds, Rounds.seed, Rounds.longest = chosen.rounds, chosen.seed, chosen.longest
    unittest.main(argv=["kill_rounds.py", "Rounds"])
