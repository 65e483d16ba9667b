"""Slow, silent and lying clients in numbers: those who are honest are served all the while."""

import os
import re
import subprocess

from harness import WAIT, ServiceTest, main, until
from hostile import Hostile

SIGNS = 'default = "sign"\n'
BOUNDED = ('[limits]\nconnections = 2000\nconnections_per_source = 100\n'
           'handshakes_per_source = 50\nunlimited_sources = []\nhandshake = "5s"\nread = "5s"\n')
HOSTILE = int(os.environ.get("COUNTERSIGN_HOSTILE_CONNECTIONS", "400"))
HONEST = int(os.environ.get("COUNTERSIGN_HONEST_ENROLMENTS", "25"))


class HostileClients(ServiceTest):
    def enrol(self, service, name, csr):
        """Over a new connection, as an agent does; the status of the PUT and of the GET."""
        connection = service.kept_connection()
        try:
            connection.request("PUT", f"/puppet-ca/v1/certificate_request/{name}", csr,
                               {"Content-Type": "text/plain"})
            answer = connection.getresponse()
            answer.read()
            connection.request("GET", f"/puppet-ca/v1/certificate/{name}")
            fetched = connection.getresponse()
            return answer.status, fetched.status, fetched.read()
        finally:
            connection.close()

    def refused(self, service, reason):
        _, text = service.curl("/metrics")
        found = re.search(r'connections_refused_total\{reason="%s"\} (\d+)' % reason, text)
        return int(found.group(1))

    def test_honest_enrolments_all_succeed_while_hostile_connections_stand(self):
        service = self.service(SIGNS, BOUNDED)
        requests = {}
        for i in range(HONEST):
            path, _ = self.csr(f"m{i}", key=self.folder / "one.key")
            requests[f"m{i}"] = path.read_bytes()
        with Hostile(service.port, HOSTILE) as load:
            for name, csr in requests.items():
                put, get, certificate = self.enrol(service, name, csr)
                self.assertEqual((put, get), (200, 200), name)
                self.assertIn(b"BEGIN CERTIFICATE", certificate)
        self.assertGreaterEqual(load.opened, HOSTILE)
        self.assertIsNone(service.process.poll())
        self.assertEqual(service.curl("/v1/health/live")[0], 200)

    def test_one_source_holds_its_share_and_refusals_are_counted_and_logged_sparingly(self):
        service = self.service(SIGNS, BOUNDED)
        with Hostile(service.port, 300, source_count=1, kinds=("silent",)):
            until(lambda: self.refused(service, "handshakes") > 0, "a refusal is counted")
            _, text = service.curl("/metrics")
            held = int(re.search(r"^countersign_connections (\d+)", text, re.M).group(1))
            self.assertLessEqual(held, 120)
            refused = self.refused(service, "handshakes")
        lines = service.log_text().count("event=connections_refused")
        self.assertGreater(lines, 0)
        self.assertLess(lines, refused)

    def test_a_second_handshake_within_a_connection_is_refused(self):
        service = self.service(SIGNS)
        tried = subprocess.run(
            ["openssl", "s_client", "-tls1_2", "-connect", f"127.0.0.1:{service.port}"],
            input="R\n", capture_output=True, text=True, timeout=WAIT, check=False)
        self.assertIn("RENEGOTIATING", tried.stdout + tried.stderr)
        self.assertRegex(tried.stdout + tried.stderr, "no renegotiation")
        self.assertEqual(service.curl("/v1/health/live")[0], 200)


if __name__ == "__main__":
    main()
