"""Hooks are told what happens, at least once and in order, whatever stops in between."""

import hashlib
import hmac
import json
import signal
import threading
import time

from harness import BINARY, WAIT, ServiceTest, main, run, until
from https_endpoint import Endpoint, reply

POLICY = r"""
default = "queue"

[[rule]]
name = "intruders"
match = { certname_regex = 'evil-.*' }
action = "deny"

[[rule]]
name = "web"
match = { certname_regex = 'web-.*' }
action = "sign"
"""
ALL = '["queued", "issued", "approved", "denied", "expiring"]'


def accept(_request):
    return reply("", 204)


class HookTest(ServiceTest):
    def hook(self, endpoint, name="chat", on=ALL, config=""):
        return (f'[hook.{name}]\non = {on}\nurl = "{endpoint.url("/" + name)}"\n'
                f'ca_file = "{endpoint.ca_file}"\n{config}\n')

    def enrol(self, service, name):
        return self.submit(service, self.csr(name)[0])[1]

    def told(self, endpoint, count):
        """The bodies of the first `count` requests."""
        endpoint.wait_for(lambda requests: len(requests) >= count, f"{count} deliveries")
        return [request["json"] for request in endpoint.requests]

    def tally(self, service, name="chat"):
        rows = json.loads(service.cli("hook", "list", "--json").stdout)
        return next(row for row in rows if row["hook"] == name)

    def settled(self, service, **wanted):
        until(lambda: {k: self.tally(service)[k] for k in wanted} == wanted, wanted)


class Told(HookTest):
    def test_of_each_thing_that_happens_once_and_signed(self):
        endpoint = Endpoint(self, accept)
        secret = self.folder / "secret"
        secret.write_text("squeamish ossifrage\n")
        service = self.service(POLICY, self.hook(endpoint, config=f'secret_file = "{secret}"\n'))
        waits = self.enrol(service, "db-1.example.com")
        self.told(endpoint, 1)
        service.cli("sign", "db-1.example.com")
        self.told(endpoint, 2)
        self.enrol(service, "db-2.example.com")
        self.told(endpoint, 3)
        service.cli("deny", "db-2.example.com", "--reason", "not ours")
        self.told(endpoint, 4)
        self.enrol(service, "evil-1.example.com")
        self.told(endpoint, 5)
        signed = self.enrol(service, "web-1.example.com")
        told = self.told(endpoint, 6)
        self.assertEqual([(one["event"], one["certname"]) for one in told], [
            ("queued", "db-1.example.com"), ("approved", "db-1.example.com"),
            ("queued", "db-2.example.com"), ("denied", "db-2.example.com"),
            ("denied", "evil-1.example.com"), ("issued", "web-1.example.com")])
        self.assertEqual(told[0]["request"]["id"], waits["id"])
        self.assertEqual(told[0]["request"]["source"], "127.0.0.1")
        self.assertIn("operator", told[1]["request"]["decided_by"])
        self.assertIn("serial", told[1]["certificate"])
        self.assertEqual(told[3]["request"]["reason"], "not ours")
        self.assertEqual(told[4]["request"]["rule"], "intruders")
        self.assertEqual(told[5]["certificate"]["serial"], signed["serial"])
        for request in endpoint.requests:
            headers = request["headers"]
            self.assertEqual(request["path"], "/chat")
            self.assertEqual(headers["Countersign-Delivery"], request["json"]["id"])
            self.assertEqual(headers["Countersign-Event"], request["json"]["event"])
            fields = dict(part.split("=") for part in headers["Countersign-Signature"].split(","))
            code = hmac.new(b"squeamish ossifrage", f'{fields["t"]}.{request["text"]}'.encode(),
                            hashlib.sha256)
            self.assertEqual(fields["v1"], code.hexdigest())
            self.assertLess(abs(time.time() - int(fields["t"])), 300)
        self.settled(service, waiting=0, delivered=6, given_up=0, dropped=0)
        # A denied machine that tries for ever is told of once.
        self.enrol(service, "evil-1.example.com")
        self.enrol(service, "web-2.example.com")
        self.assertEqual(self.told(endpoint, 7)[6]["certname"], "web-2.example.com")

    def test_by_a_program(self):
        path = self.folder / "program"
        log = self.folder / "told"
        path.write_text(f'#!/bin/sh\necho "$1 $(cat)" >> {log}\n')
        path.chmod(0o755)
        service = self.service(POLICY, f'[hook.chat]\non = ["queued"]\nprogram = "{path}"\n')
        self.enrol(service, "db-1.example.com")
        text = until(lambda: log.exists() and log.read_text(), "the program")
        event, _, body = text.partition(" ")
        self.assertEqual(event, "queued")
        self.assertEqual(json.loads(body)["certname"], "db-1.example.com")

    def test_only_of_what_it_asked_for(self):
        endpoint = Endpoint(self, accept)
        service = self.service(POLICY, self.hook(endpoint, "names", '["issued"]', "match = '^web-1'")
                               + self.hook(endpoint, "rules", '["denied"]', 'rules = ["intruders"]'))
        for name in ("db-1", "web-2", "web-1", "evil-1"):
            self.enrol(service, f"{name}.example.com")
        told = self.told(endpoint, 2)
        self.assertEqual(sorted(one["certname"] for one in told),
                         ["evil-1.example.com", "web-1.example.com"])

    def test_of_certificates_near_their_end_each_once(self):
        endpoint = Endpoint(self, accept)
        service = self.service(POLICY, '[profile.agent]\nvalidity = "30m"\n')
        self.enrol(service, "web-1.example.com")  # is near its end when the hook comes
        service.stop()
        service.add_config(self.hook(endpoint, on='["expiring", "issued"]',
                                     config='expiring_before = "1h"'))
        service.start()
        first = self.told(endpoint, 1)[0]
        self.assertEqual((first["event"], first["certname"]), ("expiring", "web-1.example.com"))
        self.assertNotIn("request", first)
        self.settled(service, waiting=0)
        service.stop()
        service.start()
        # It looks before it delivers anything.
        self.enrol(service, "web-2.example.com")
        self.assertEqual([one["event"] for one in self.told(endpoint, 2)], ["expiring", "issued"])

    def test_of_a_certificate_that_comes_near_its_end(self):
        endpoint = Endpoint(self, accept)
        service = self.service(
            POLICY, self.hook(endpoint, on='["expiring"]', config='expiring_before = "60s"')
            + '[profile.agent]\nvalidity = "64s"\n')
        self.enrol(service, "web-1.example.com")
        told = self.told(endpoint, 1)[0]
        self.assertEqual((told["event"], told["certname"]), ("expiring", "web-1.example.com"))


class Retry(HookTest):
    def test_until_it_is_taken_and_in_order(self):
        failures = [reply("", 500), reply("", 302, headers=[("Location", "file:///etc/passwd")])]
        endpoint = Endpoint(self, lambda _: failures.pop(0) if failures else reply("", 200))
        service = self.service(POLICY, self.hook(endpoint))
        self.enrol(service, "db-1.example.com")
        service.cli("sign", "db-1.example.com")
        told = self.told(endpoint, 4)
        self.assertEqual([one["event"] for one in told], ["queued"] * 3 + ["approved"])
        self.assertEqual(len({one["id"] for one in told[:3]}), 1, "one id, by which it is known")
        self.settled(service, waiting=0, delivered=2)

    def test_nothing_is_lost_over_a_time_without_the_endpoint_and_a_restart(self):
        endpoint = Endpoint(self, accept)
        endpoint.stop()
        service = self.service(POLICY, self.hook(endpoint))
        names = [f"db-{n}.example.com" for n in range(5)]
        for name in names:
            self.enrol(service, name)
        until(lambda: self.tally(service)["last_error"], "an attempt")
        row = self.tally(service)
        self.assertEqual(row["waiting"], 5)
        self.assertEqual(row["last_error"], "it cannot be connected to")
        self.assertIn('countersign_hook_waiting{hook="chat"} 5', service.curl("/metrics")[1])
        warning = until(lambda: service.json("/v1/health/ready")[1]["warnings"], "a warning")
        self.assertIn("The hook 'chat' cannot be delivered to", warning[0])
        self.assertEqual(service.json("/v1/health/ready")[0], 200)
        service.stop()
        service.start()
        endpoint.start()
        told = self.told(endpoint, 5)
        self.assertEqual(sorted(one["certname"] for one in told), names)
        self.settled(service, waiting=0, delivered=5)

    def test_nothing_is_lost_when_the_service_is_killed(self):
        endpoint = Endpoint(self, accept)
        service = self.service(POLICY, self.hook(endpoint, on='["queued"]'))
        csrs = [self.csr(f"db-{n}.example.com")[0] for n in range(40)]
        for kill in range(4):
            threads = [threading.Thread(target=service.curl, args=(
                "/v1/requests", "-H", "Content-Type: application/pkcs10", "--data-binary",
                f"@{csr}"), kwargs={"check": False}) for csr in csrs[kill * 10:kill * 10 + 10]]
            for thread in threads:
                thread.start()
            # In the middle: some are committed, of those some are delivered.
            seen = len(endpoint.requests)
            endpoint.wait_for(lambda requests, n=seen: len(requests) > n, "a first delivery")
            service.stop(signal.SIGKILL)
            for thread in threads:
                thread.join(WAIT)
            service.start()
        rows = service.json("/v1/requests?limit=1000", client="operator")[1]["requests"]
        stored = {row["id"] for row in rows}
        self.settled(service, waiting=0)
        told = [request["json"]["request"]["id"] for request in endpoint.requests]
        self.assertEqual(set(told), stored, "each stored request was told of, and no other")
        by_id = {}
        for request in endpoint.requests:
            by_id.setdefault(request["json"]["request"]["id"], set()).add(request["json"]["id"])
        self.assertTrue(all(len(ids) == 1 for ids in by_id.values()), "a repetition is known by its id")

    def test_one_that_is_refused_holds_up_only_its_own_subject(self):
        def refuse_first(request):
            return reply("", 400 if request["json"]["certname"] == "db-1.example.com" else 200)
        endpoint = Endpoint(self, refuse_first)
        service = self.service(POLICY, self.hook(endpoint))
        self.enrol(service, "db-1.example.com")
        self.told(endpoint, 1)
        service.cli("sign", "db-1.example.com")
        self.enrol(service, "db-2.example.com")
        self.settled(service, waiting=2, delivered=1)
        self.assertNotIn("approved", [request["json"]["event"] for request in endpoint.requests])

    def test_is_given_up_after_a_while_with_a_row_in_the_audit(self):
        endpoint = Endpoint(self, lambda _: reply("", 410))
        service = self.service(POLICY, self.hook(endpoint, config='give_up_after = "1s"'))
        self.enrol(service, "db-1.example.com")
        self.settled(service, waiting=0, given_up=1)
        history = service.json("/v1/history?subject=db-1.example.com", client="operator")[1]
        row = history["history"][0]
        self.assertEqual(row["action"], "hook given up")
        self.assertIn("it answered with status 410", json.dumps(row["detail"]))

    def test_a_dead_endpoint_does_not_fill_the_store(self):
        endpoint = Endpoint(self, accept)
        endpoint.stop()
        service = self.service(POLICY, self.hook(endpoint, on='["denied"]',
                                                 config="most_waiting = 200"))
        csr, key = self.csr("evil-0.example.com")
        connection = service.kept_connection()
        self.addCleanup(connection.close)
        for number in range(205):
            csr, _ = self.csr(f"evil-{number}.example.com", key=key)
            connection.request("POST", "/v1/requests", csr.read_bytes(),
                               {"Content-Type": "application/pkcs10"})
            self.assertEqual(connection.getresponse().read()[:1], b"{")
        row = self.tally(service)
        self.assertEqual((row["waiting"], row["dropped"]), (200, 5))
        endpoint.start()
        self.settled(service, waiting=0, delivered=200)
        self.assertNotIn("evil-0.example.com",
                         {request["json"]["certname"] for request in endpoint.requests})


class Attackers(HookTest):
    def test_one_that_hangs_holds_up_nothing_else(self):
        released = threading.Event()
        self.addCleanup(released.set)
        slow = Endpoint(self, lambda _: released.wait(WAIT) and None, name="slow")
        good = Endpoint(self, accept, name="good")
        service = self.service(POLICY, self.hook(slow, "slow", config='deadline = "30s"')
                               + self.hook(good, "good"))
        for number in range(3):
            self.assertEqual(self.enrol(service, f"web-{number}.example.com")["state"], "signed")
        self.told(good, 3)
        began = time.monotonic()
        service.stop()
        self.assertLess(time.monotonic() - began, 15, "a delivery that hangs does not hold up a stop")

    def test_answers_that_are_no_yes(self):
        for what, answer in (("10 MB", reply("x" * (10 << 20))),
                             ("a redirect", reply("", 307, headers=[("Location", "file:///x")]))):
            with self.subTest(what):
                endpoint = Endpoint(self, lambda _, answer=answer: answer, name=what.replace(" ", ""))
                service = self.service(POLICY, self.hook(endpoint), name="ca-" + what.split()[1])
                self.enrol(service, "db-1.example.com")
                row = until(lambda s=service: self.tally(s)["last_error"] and self.tally(s), "a try")
                self.assertEqual((row["waiting"], row["delivered"]), (1, 0))
                service.stop()

    def test_the_list_is_for_readers(self):
        endpoint = Endpoint(self, accept)
        service = self.service(POLICY, self.hook(endpoint))
        self.assertEqual(service.curl("/v1/hooks")[0], 401)
        self.assertEqual(service.json("/v1/hooks", client="operator")[0], 200)


class Configuration(HookTest):
    def test_what_is_wrong_is_said_with_its_place(self):
        cases = [
            ('url = "https://x/"\n', "'on' must name at least one event"),
            ('on = ["new"]\nurl = "https://x/"\n', "'new' is no event"),
            ('on = ["queued"]\n', "write either url"),
            ('on = ["queued"]\nurl = "https://x/"\nmatch = "("\n', "not a regular expression"),
            ('on = ["queued"]\nprogram = "p"\nsecret_file = "s"\n', "'secret_file' is for 'url'"),
            ('on = ["queued"]\nurl = "https://x/"\nmost_waiting = 1\n', "most_waiting"),
        ]
        for number, (table, complaint) in enumerate(cases):
            with self.subTest(table):
                said = self.refused_at_start(POLICY, "[hook.x]\n" + table, f"ca-{number}")
                self.assertIn(complaint, said)


if __name__ == "__main__":
    main()
