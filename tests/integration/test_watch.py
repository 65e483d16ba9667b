"""countersign watch: a line for each thing that happens, as it happens."""

import json
import queue
import signal
import subprocess
import threading
import time
import unittest

import harness

POLICY = """
default = "queue"
[[rule]]
name = "web"
match = { certname_regex = 'web-[0-9]+' }
action = "sign"
"""


class Watcher:
    """The verb, with its lines in a queue; ended by pid whatever happens."""

    def __init__(self, test, client, *arguments):
        self.process = subprocess.Popen(
            [harness.BINARY, "watch", *arguments, "--client", str(client)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.lines, self.notes = queue.Queue(), queue.Queue()
        for stream, lines in ((self.process.stdout, self.lines), (self.process.stderr, self.notes)):
            threading.Thread(target=self._read, args=(stream, lines), daemon=True).start()
        test.addCleanup(self.end)
        self.note("Watching.")

    @staticmethod
    def _read(stream, lines):
        for line in stream:
            lines.put(line.rstrip("\n"))
        stream.close()

    def line(self):
        return self.lines.get(timeout=harness.WAIT)

    def note(self, text):
        end = time.monotonic() + harness.WAIT
        while True:
            line = self.notes.get(timeout=max(0.01, end - time.monotonic()))
            if text in line:
                return line

    def end(self, number=signal.SIGKILL):
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(harness.WAIT)


class Watch(harness.ServiceTest):
    def setUp(self):
        super().setUp()
        self.ca = self.service(POLICY)

    def watch(self, *arguments, client=None):
        return Watcher(self, client or self.ca.folder / "client.toml", *arguments)

    def client_with(self, *arguments):
        token = self.ca.cli("token", "create", *arguments).stdout.strip()
        path = self.folder / "other-client.toml"
        path.write_text(f'url = "{self.ca.url}"\nca = "{self.ca.folder}/ca/chain.pem"\n'
                        f'token = "{token}"\n')
        return path

    def enrol(self, name):
        return self.submit(self.ca, self.csr(name)[0])

    def test_it_shows_each_thing_once_in_order(self):
        watcher = self.watch()
        self.enrol("web-1")
        self.enrol("db-1")
        self.enrol("db-2")
        self.ca.cli("sign", "db-1")
        self.ca.cli("deny", "db-2", "--reason", "not \x1b[31mours")
        self.ca.cli("revoke", "web-1")
        seen = [watcher.line() for _ in range(6)]
        for line, (word, name) in zip(seen, (("issued", "web-1"), ("new", "db-1"), ("new", "db-2"),
                                             ("approved", "db-1"), ("denied", "db-2"),
                                             ("revoked", "web-1"))):
            self.assertRegex(line, rf"^\d\d:\d\d:\d\d  {word} +{name}  ")
        self.assertIn("by admin:operator", seen[3])
        self.assertNotIn("\x1b", seen[4])

    def test_filters_and_json(self):
        names = self.watch("--match", "^web-2$")
        states = self.watch("--state", "new", "--json")
        rules = self.watch("--rule", "web", "--json")
        for name in ("db-1", "web-1", "web-2"):
            self.enrol(name)
        self.assertIn("web-2", names.line())
        event = json.loads(states.line())
        self.assertEqual((event["event"], event["subject"], event["detail"]["reason"] != ""),
                         ("new", "db-1", True))
        self.assertEqual([json.loads(rules.line())["subject"] for _ in range(2)],
                         ["web-1", "web-2"])

    def test_ctrl_c_ends_it_with_exit_0(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            watcher = self.watch()
            self.assertEqual(watcher.end(number), 0)

    def test_after_a_restart_of_the_service_it_goes_on_and_misses_nothing(self):
        watcher = self.watch("--match", "^web-")
        port = self.ca.port
        self.ca.stop()
        watcher.note("trying again")
        config = self.ca.folder / "countersign.toml"
        config.write_text(config.read_text().replace("127.0.0.1:0", f"127.0.0.1:{port}"))
        self.ca.start()
        self.enrol("web-1")
        self.assertIn("web-1", watcher.line())
        watcher.note("is back")

    def test_the_service_stops_while_somebody_watches(self):
        watchers = [self.watch() for _ in range(3)]
        begin = time.monotonic()
        self.assertEqual(self.ca.stop(), 0)
        self.assertLess(time.monotonic() - begin, 9, "the wait of a watcher held up the stop")
        for watcher in watchers:
            watcher.note("trying again")

    def test_a_narrowed_watcher_sees_what_is_within(self):
        watcher = self.watch(client=self.client_with("--role", "auditor", "--certname", "web-*"))
        for name in ("db-1", "web-1", "db-2", "web-2"):
            self.enrol(name)
        self.assertIn("web-1", watcher.line())
        self.assertIn("web-2", watcher.line())

    def test_whoever_may_not_list_may_not_watch(self):
        csr, key = self.csr("web-7")
        _, answer = self.submit(self.ca, csr)
        certificate = self.folder / "web-7.pem"
        certificate.write_text(answer["certificate"])
        client = self.folder / "agent.toml"
        client.write_text(f'url = "{self.ca.url}"\nca = "{self.ca.folder}/ca/chain.pem"\n'
                          f'cert = "{certificate}"\nkey = "{key}"\n')
        ended = harness.run(harness.BINARY, "watch", "--client", client, check=False)
        self.assertEqual(ended.returncode, 1)

    def test_twenty_watchers_cost_next_to_nothing_while_nothing_happens(self):
        for _ in range(20):
            self.watch()

        def ticks():
            with open(f"/proc/{self.ca.process.pid}/stat") as stat:
                fields = stat.read().rpartition(")")[2].split()
            return int(fields[11]) + int(fields[12])

        before, begin = ticks(), time.monotonic()
        self.watch().end()  # one more, and its handshake, are in the figure
        while time.monotonic() - begin < 3:
            time.sleep(0.1)
        # A tenth of one core would be 30 ticks of 10 ms.
        self.assertLess(ticks() - before, 60)

    def test_more_than_the_bound_are_told_to_come_back(self):
        connections = []
        try:
            for _ in range(64):
                connection = self.ca.kept_connection("operator")
                connection.request("GET", "/v1/audit?wait=30s&cursor=1000000")
                connections.append(connection)

            def refused():
                connection = self.ca.kept_connection("operator")
                try:
                    connection.request("GET", "/v1/audit?wait=1s&cursor=1000000")
                    return connection.getresponse().status == 503
                finally:
                    connection.close()

            harness.until(refused, "the 65th is refused")
            # The others are served as ever.
            self.assertEqual(self.enrol("web-1")[0], 201)
        finally:
            for connection in connections:
                connection.close()


if __name__ == "__main__":
    unittest.main()
