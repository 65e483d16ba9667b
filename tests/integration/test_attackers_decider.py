"""Deciders that hang, lie, flood or lead astray: nothing is signed, and the audit says why."""

import os
import threading
import time

from decider_party import DeciderTest
from harness import WAIT, main, until
from https_endpoint import Endpoint, reply

GOOD = '{"action":"sign"}'


class Webhook(DeciderTest):
    def refused(self, answer, reason, config="", **options):
        service, endpoint = self.webhook(answer, config)
        row = self.enrol(service, "web-1.example.com", **options)
        self.assertEqual(row["state"], "queued", row)
        self.assertIn(reason, row["reason"])
        action, detail = self.audit_of(service, "web-1.example.com")
        self.assertEqual(action, "queue")
        self.assertIn(reason, detail["reason"])
        service.stop()
        endpoint.stop()

    def test_answers_that_are_no_good_ones(self):
        longest = "x" * (10 << 20)
        cases = [
            ("10 MB", reply('{"action":"sign","reason":"' + longest + '"}'), "too large"),
            ("a redirect to a file", reply("", 302, headers=[("Location", "file:///etc/passwd")]),
             "it answered with status 302"),
            ("a redirect to a good answer", reply(GOOD, 307, headers=[("Location", "/good")]),
             "it answered with status 307"),
            ("an error with a good body", reply(GOOD, 500), "it answered with status 500"),
            ("created", reply(GOOD, 201), "it answered with status 201"),
            ("HTML", reply(GOOD, content_type="text/html"), "its answer is no JSON"),
            ("no JSON", reply("sign"), "it is no JSON"),
            ("two values", reply(GOOD + GOOD), "it is no JSON"),
            ("a list", reply([{"action": "sign"}]), "it is no object"),
            ("nothing", reply(""), "it is no JSON"),
            ("no action", reply({"reason": "yes"}), "it has no 'action'"),
            ("another action", reply({"action": "SIGN"}), "neither sign, queue nor deny"),
            ("a member twice", reply('{"action":"deny","action":"sign"}'), "it has a member twice"),
            ("the same, escaped", reply('{"action":"deny","\\u0061ction":"sign"}'),
             "it has a member twice"),
            ("a member that is not known", reply({"action": "sign", "profile": "server"}),
             "it has a member that is not known"),
            ("more names", reply({"action": "sign", "grant": {"names": ["DNS:ca.example.com"]}}),
             "answered more than the rule grants"),
            ("a wildcard", reply({"action": "sign", "grant": {"names": ["DNS:*.example.com"]}}),
             "answered more than the rule grants"),
            ("an operator", reply({"action": "sign", "grant": {"extensions": ["pp_cli_auth"]}}),
             "answered more than the rule grants"),
            ("a longer life", reply({"action": "sign", "grant": {"validity": "50y"}}),
             "'grant' has an unknown member"),
        ]
        service, endpoint = self.webhook(None, "failures = 1000\n")
        for number, (what, answer, reason) in enumerate(cases):
            with self.subTest(what):
                def give(_request, answer=answer):
                    return answer
                endpoint.answer = give
                name = f"web-{number}.example.com"
                row = self.enrol(service, name)
                self.assertEqual(row["state"], "queued", row)
                self.assertIn(reason, row["reason"])
                action, detail = self.audit_of(service, name)
                self.assertEqual((action, detail["reason"]), ("queue", row["reason"]))
        self.assertEqual(len(endpoint.requests), len(cases), "no redirect is followed")

    def test_hangs(self):
        released = threading.Event()
        self.addCleanup(released.set)
        service, endpoint = self.webhook(lambda _: released.wait(WAIT) and None,
                                         'deadline = "1s"\nfailures = 2\npause = "1h"\n')
        row = self.enrol(service, "web-1.example.com")
        self.assertEqual(row["state"], "queued")
        self.assertIn("no answer within 1000 ms", row["reason"])
        self.enrol(service, "web-2.example.com")
        before = len(endpoint.requests)
        row = self.enrol(service, "web-3.example.com")
        self.assertIn("it failed so often that it is left alone for a while", row["reason"])
        self.assertEqual(len(endpoint.requests), before)
        self.assertEqual(self.audit_of(service, "web-3.example.com")[1]["reason"], row["reason"])

    def test_drips_a_byte_at_a_time(self):
        def drip(request):
            handler = request["handler"]
            try:
                handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
                for _ in range(300):
                    handler.wfile.write(b"X-A: b\r\n")
                    handler.wfile.flush()
                    time.sleep(0.1)
            except OSError:
                pass  # the client has enough
        self.refused(drip, "no answer within 1000 ms", 'deadline = "1s"\n')

    def test_is_another_server(self):
        service, endpoint = self.webhook(lambda _: reply(GOOD), start=False)
        other = Endpoint(self, lambda _: reply(GOOD), name="other")
        config = service.folder / "countersign.toml"
        config.write_text(config.read_text().replace(endpoint.url(), other.url()))
        service.start()
        row = self.enrol(service, "web-1.example.com")
        self.assertEqual(row["state"], "queued")
        self.assertIn("its certificate is not trusted", row["reason"])
        self.assertEqual(other.requests, [])

    def test_its_reason_cannot_forge_lines_or_colours(self):
        service, _ = self.webhook(lambda _: reply(
            {"action": "deny", "reason": "no\nlevel=info event=signed\u001b[32m \u202egnos"
                                         + "x" * 5000}))
        self.assertEqual(self.enrol(service, "web-1.example.com")["status"], 403)
        row = self.newest(service)
        self.assertEqual(row["state"], "denied")
        self.assertTrue(row["reason"].startswith(
            "the decider 'inventory' says deny: no level=info event=signed [32m gnosxxx"))
        self.assertLess(len(row["reason"]), 600)

    def test_a_crowd_while_it_hangs_leaves_the_service_to_others(self):
        released = threading.Event()
        self.addCleanup(released.set)
        service, _ = self.webhook(lambda _: released.wait(WAIT) and None,
                                  'deadline = "20s"\nconcurrency = 2\nwaiting = 2\n')
        csrs = [self.csr(f"web-{n}.example.com")[0] for n in range(8)]
        answers = []
        threads = [threading.Thread(target=lambda c=c: answers.append(self.submit(service, c)))
                   for c in csrs]
        for thread in threads:
            thread.start()
        # Two are asked, two wait; the others are told to come again, at once.
        until(lambda: len(answers) >= 4, "answers")
        self.assertEqual({status for status, _ in answers[:4]}, {503})
        self.assertEqual(service.json("/v1/health/ready")[0], 200)
        self.assertEqual(service.curl("/v1/crl")[0], 200)
        released.set()
        for thread in threads:
            thread.join(WAIT)


class Program(DeciderTest):
    def test_forks_and_hangs(self):
        pids = self.folder / "pids"
        service = self.program(f'setsid sh -c "echo \\$\\$ >> {pids}; sleep 1000" &\n'
                               f'echo $$ >> {pids}\nwhile :; do sleep 1000; done\n',
                               'deadline = "1s"\n')
        row = self.enrol(service, "web-1.example.com")
        self.assertEqual(row["state"], "queued")
        self.assertIn("did not answer within 1000 ms and was killed", row["reason"])
        self.assertIn("was killed", self.audit_of(service, "web-1.example.com")[1]["reason"])
        for pid in pids.read_text().split():
            until(lambda pid=pid: not os.path.exists(f"/proc/{pid}"), f"{pid} to be gone")

    def test_says_yes_and_leaves_a_child(self):
        pids = self.folder / "pids"
        service = self.program(f'setsid sh -c "echo \\$\\$ > {pids}; sleep 1000" &\n'
                               f'while [ ! -s {pids} ]; do sleep 0.01; done\nexit 0\n')
        self.assertEqual(self.enrol(service, "web-1.example.com")["state"], "signed")
        pid = pids.read_text().strip()
        until(lambda: not os.path.exists(f"/proc/{pid}"), f"{pid} to be gone")

    def test_cannot_be_run(self):
        service = self.program("exit 0\n")
        (self.folder / "decider").unlink()
        row = self.enrol(service, "web-1.example.com")
        self.assertEqual(row["state"], "queued")
        self.assertIn("cannot be executed", row["reason"])


if __name__ == "__main__":
    main()
