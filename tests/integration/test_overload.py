"""Far more requests than the bounds allow: each gets a good answer or is told when to come again."""

import os
import re
import threading

from harness import ServiceTest, main

SIGNS = 'default = "sign"\n'
BOUNDED = "[limits]\nwork = 4\n"
AT_ONCE = int(os.environ.get("COUNTERSIGN_OVERLOAD_CLIENTS", "40"))
EACH = int(os.environ.get("COUNTERSIGN_OVERLOAD_REQUESTS", "15"))
MOST_RSS = 300_000  # KiB; with queues that grow this is passed at once


def rss(service):
    with open(f"/proc/{service.process.pid}/status", encoding="ascii") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1))


class Overload(ServiceTest):
    def flood(self, service, ask):
        """`ask(connection, client, n)` EACH times by AT_ONCE clients at a time; all answers."""
        answers, failures = [], []
        barrier = threading.Barrier(AT_ONCE)

        def client(number):
            try:
                connection = service.kept_connection()
                connection.connect()
                barrier.wait(60)
                for n in range(EACH):
                    ask(connection, number, n)
                    answer = connection.getresponse()
                    answers.append((answer.status, answer.headers.get("Retry-After"),
                                    answer.read()))
                connection.close()
            except Exception as failed:  # whatever it is, it is not an answer
                failures.append(repr(failed))

        threads = [threading.Thread(target=client, args=(i,)) for i in range(AT_ONCE)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        self.assertEqual(failures, [])
        self.assertEqual(len(answers), AT_ONCE * EACH)
        return answers

    def check(self, answers, good):
        for status, again, body in answers:
            self.assertIn(status, (*good, 503), body)
            if status == 503:
                self.assertRegex(again or "", r"^\d+$", body)
        self.assertTrue(any(status in good for status, _, _ in answers))

    def test_every_answer_is_a_success_or_says_when_to_come_again(self):
        # A signature takes milliseconds, and two are made at a time: 40 who want one at once are more
        # than 4 on any machine.
        service = self.service(SIGNS, BOUNDED, init=("--key", "rsa:4096"))
        _, key = self.csr("m0")
        csrs = [self.csr(f"m{number}", key=key)[0].read_bytes() for number in range(AT_ONCE)]

        def rest(connection, number, _):
            connection.request("POST", "/v1/requests", csrs[number],
                               {"Content-Type": "application/pkcs10"})

        def puppet(connection, number, _):
            connection.request("PUT", f"/puppet-ca/v1/certificate_request/m{number}", csrs[number],
                               {"Content-Type": "text/plain"})

        first = self.flood(service, rest)
        self.check(first, (200, 201))
        # Most have their certificates by now; Puppet's answer to the same CSR is a success or a 400.
        second = self.flood(service, puppet)
        self.check(second, (200, 400))
        self.assertTrue(any(status == 503 for status, _, _ in first + second), "never overloaded")
        self.assertLess(rss(service), MOST_RSS)

        # And all is as before.
        after, _ = self.csr("after")
        status, answer = self.submit(service, after)
        self.assertIn(status, (200, 201), answer)
        self.assertEqual(service.curl("/v1/health/ready")[0], 200)
        self.assertIn("countersign_work_in_use ", service.curl("/metrics")[1])


if __name__ == "__main__":
    main()
