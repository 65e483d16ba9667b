"""The zone of the machine is no part of any time: certificate, CRL, JSON and CLI name one instant."""

import contextlib
import datetime
import json
import os
import time
import unittest.mock

from harness import ServiceTest, main, run

POLICY = '[[rule]]\nname = "all"\nmatch = { certname = "*.example.com" }\naction = "sign"\n'
# Behind UTC, ahead of it by no whole hour, and one whose offset is over 12 hours.
ZONES = ("America/Los_Angeles", "Asia/Kathmandu", "Pacific/Kiritimati")
BACKDATE = 24 * 3600


def instant(text):
    """Of RFC 3339 in UTC and nothing else."""
    return int(datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")
               .replace(tzinfo=datetime.timezone.utc).timestamp())


def openssl_times(kind, path):
    """By another reader, which writes "2026-11-25 09:00:00Z"."""
    dates = ["-startdate", "-enddate"] if kind == "x509" else ["-lastupdate", "-nextupdate"]
    options = ["-dateopt", "iso_8601"]
    text = run("openssl", kind, "-in", path, "-noout", *dates, *options).stdout
    return [instant(line.split("=", 1)[1].replace(" ", "T")) for line in text.splitlines()]


class TimeZones(ServiceTest):
    @contextlib.contextmanager
    def between(self):
        """Checks the times that are put in, in seconds: they are within what was done."""
        times, begin = {}, int(time.time())
        yield times
        for what, value in times.items():
            self.assertTrue(begin <= value <= time.time(), (what, begin, value))

    def test_the_times_are_the_same_instants_in_every_zone(self):
        service = self.service(POLICY, start=False)
        for number, zone in enumerate(ZONES):
            with self.subTest(zone=zone), \
                    unittest.mock.patch.dict(os.environ, {"TZ": zone}), self.between() as times:
                service.start()
                csr, _ = self.csr(f"n{number}.example.com", key=self.folder / "agent.key")
                status, answer = self.submit(service, csr)
                self.assertEqual(status, 201, answer)
                certificate = self.folder / "got.pem"
                certificate.write_text(answer["certificate"])
                not_before, not_after = openssl_times("x509", certificate)
                times["notBefore of the certificate"] = not_before + BACKDATE
                _, row = service.json(f"/v1/certificates/{answer['serial']}", client="operator")
                self.assertEqual((instant(row["not_before"]), instant(row["not_after"])),
                                 (not_before, not_after))
                times["issued_at of the JSON"] = instant(row["issued_at"])
                listed = json.loads(service.cli("list", "--state", "signed", "--json").stdout)
                listed, = [one for one in listed if one["serial"] == answer["serial"]]
                self.assertEqual(listed["not_after"], row["not_after"])
                crl = self.folder / "served.crl"
                crl.write_text(service.curl("/puppet-ca/v1/certificate_revocation_list/ca")[1])
                times["thisUpdate of the CRL"], _ = openssl_times("crl", crl)
                self.assertEqual(service.stop(), 0)


if __name__ == "__main__":
    main()
