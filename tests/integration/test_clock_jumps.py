"""The clock jumps by hours and years under a running service: right, or it says why it refuses."""

import contextlib
import json
import os
import pathlib
import struct
import time
import unittest.mock

from harness import BINARY, ServiceTest, main, run, until

POLICY = """[[rule]]
name = "all"
match = { certname = "*.example.com" }
action = "sign"

[[rule]]
name = "token"
match = { certname = "*.example.org", token = "required" }
action = "sign"
"""
HOUR = 3600
YEAR = 365 * 24 * HOUR


class ClockJumps(ServiceTest):
    """The clients and openssl have the right clock."""

    def setUp(self):
        super().setUp()
        self.library = self.folder / "clock_shift.so"
        run("cc", "-shared", "-fPIC", "-O1", "-o", self.library,
            pathlib.Path(__file__).with_name("clock_shift.c"))
        self.shift = self.folder / "shift"
        self.set_clock(0)
        self.count = 0

    def set_clock(self, seconds):
        """So far from right."""
        if not self.shift.exists():
            self.shift.write_bytes(bytes(8))
        with open(self.shift, "r+b", buffering=0) as file:
            file.write(struct.pack("=q", int(seconds)))

    @contextlib.contextmanager
    def shifted(self):
        """What is started within sees the clock that is set."""
        with unittest.mock.patch.dict(os.environ, {"LD_PRELOAD": str(self.library),
                                                   "CLOCK_SHIFT": str(self.shift)}):
            yield

    def served(self, **options):
        with self.shifted():
            return self.service(POLICY, **options)

    def restart(self, service, *arguments):
        self.assertEqual(service.stop(), 0)
        with self.shifted():
            service.start(*arguments)

    def enrol(self, service):
        self.count += 1
        csr, _ = self.csr(f"n{self.count}.example.com", key=self.folder / "agent.key")
        return self.submit(service, csr)

    def not_ready(self, service):
        status, health = service.json("/v1/health/ready")
        return status == 503 and " ".join(health["problems"])

    def ready(self, service):
        return service.curl("/v1/health/ready")[0] == 200

    def valid_now(self, service, certificate):
        """By openssl, with the CRL that is served; a right clock."""
        (self.folder / "got.pem").write_text(certificate)
        (self.folder / "all.pem").write_text(
            (service.folder / "ca/chain.pem").read_text()
            + service.curl("/puppet-ca/v1/certificate_revocation_list/ca")[1])
        result = run("openssl", "verify", "-crl_check", "-CAfile", self.folder / "all.pem",
                     self.folder / "got.pem", check=False)
        return "ok" if result.returncode == 0 else result.stderr

    def crl_number(self, service):
        (self.folder / "served.crl").write_text(
            service.curl("/puppet-ca/v1/certificate_revocation_list/ca")[1])
        text = run("openssl", "crl", "-in", self.folder / "served.crl", "-noout",
                   "-crlnumber").stdout
        return int(text.split("=")[1], 16)

    def test_within_a_day_it_goes_on_and_all_is_valid_when_the_clock_is_right_again(self):
        service = self.served()
        made = []
        for hours in (1, 20, -5, -20, 23, 0):
            with self.subTest(hours=hours):
                self.set_clock(hours * HOUR)
                status, answer = self.enrol(service)
                self.assertEqual(status, 201, answer)
                made.append(answer["certificate"])
                self.assertTrue(self.ready(service))
                time.sleep(1)  # housekeeping
        until(lambda: self.valid_now(service, made[0]) == "ok", "a CRL that is valid now")
        for certificate in made:
            self.assertEqual(self.valid_now(service, certificate), "ok")
        self.assertIn("clock_went_back", service.log_text())

    def test_years_off_it_refuses_and_says_why_and_goes_on_when_the_clock_is_right(self):
        service = self.served()
        _, first = self.enrol(service)
        number = self.crl_number(service)
        seen = 0
        for years, why in ((2, "by the time that passed since the start it should be"),
                           (-2, "the issuing CA certificate is valid from"),
                           (-56, "the issuing CA certificate is valid from"),
                           (60, "has expired")):
            with self.subTest(years=years):
                self.set_clock(years * YEAR)
                self.assertIn(why, until(lambda: self.not_ready(service), "not ready"))
                csr, _ = self.csr("late.example.com", key=self.folder / "agent.key")
                status, answer = self.submit(service, csr)
                self.assertEqual(status, 503, answer)
                self.assertIn(why, answer["detail"])
                time.sleep(1.5)  # housekeeping
                self.assertEqual(self.crl_number(service), number)
                self.assertEqual(self.valid_now(service, first["certificate"]), "ok")
                self.set_clock(0)
                self.assertTrue(self.ready(service))
                seen += 1
                until(lambda: service.log_text().count("clock_is_right") == seen, "seen")
                status, answer = self.enrol(service)
                self.assertEqual(status, 201, answer)
                self.assertEqual(self.valid_now(service, answer["certificate"]), "ok")
        self.assertEqual(service.log_text().count("clock_is_wrong"), seen, "not every round")
        self.assertEqual(service.stop(), 0)
        verified = run(BINARY, "audit", "verify", "--config", service.folder / "countersign.toml")
        self.assertRegex(verified.stdout, r"^good: ")

    def test_its_own_certificate_is_good_after_every_jump(self):
        service = self.served()
        # curl checks it with a right clock at each request.
        for shift in (20 * HOUR, 0, YEAR, 0, -20 * HOUR, 0, -YEAR, 0):
            self.set_clock(shift)
            time.sleep(1.5)  # looked at once a second
            self.assertEqual(service.curl("/v1/health/live")[0], 200)

    def test_one_that_was_made_by_a_clock_that_was_ahead_is_replaced(self):
        service = self.served(start=False, config='[profile.server]\nbackdate = "1h"\n')
        self.set_clock(20 * HOUR)
        with self.shifted():
            service.start()
        self.assertEqual(service.curl("/v1/health/live", check=False)[0], 0, "not valid yet")
        self.set_clock(0)
        until(lambda: service.curl("/v1/health/live", check=False)[0] == 200, "replaced")

    def test_started_years_ahead_it_says_why_and_accept_clock_is_the_way_out(self):
        service = self.served(start=False)
        self.set_clock(YEAR)
        with self.shifted():
            service.start()  # it cannot know: it may have been stopped for a year
        self.set_clock(0)
        until(lambda: "clock_is_wrong" in service.log_text(), "said so")
        self.assertIn("--accept-clock", service.log_text())
        self.assertEqual(service.stop(), 0)
        command = [BINARY, "serve", "--config", service.folder / "countersign.toml"]
        with self.shifted():
            refused = run(*command, check=False)
        self.assertEqual(refused.returncode, 1, refused.stderr)
        self.assertIn("--accept-clock", refused.stderr)
        with self.shifted():
            service.start("--accept-clock")
        status, answer = self.enrol(service)
        self.assertEqual(status, 201, answer)
        self.assertEqual(self.valid_now(service, answer["certificate"]), "ok")
        self.restart(service)  # once was enough
        self.assertTrue(self.ready(service))

    def test_a_new_ca_is_not_made_by_a_clock_without_a_battery(self):
        self.set_clock(10 - time.time())
        with self.shifted():
            refused = run(BINARY, "init", "--dir", self.folder / "new", "--hostname", "localhost",
                          check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("The clock says 1970-01-01T00:00:1", refused.stderr)
        self.assertFalse((self.folder / "new" / "ca").exists())

    def test_a_token_ends_by_the_right_clock_and_is_not_used_up_by_a_refusal(self):
        service = self.served()
        minted = service.cli("token", "create", "one.example.org", "--expires", "1h").stdout
        secret = minted.strip()
        csr, _ = self.csr("one.example.org", key=self.folder / "agent.key")
        body = self.folder / "body.json"
        body.write_text(json.dumps({"csr": csr.read_text(), "token": secret}))
        post = ("/v1/requests", "-H", "Content-Type: application/json", "--data-binary", f"@{body}")
        for shift in (YEAR, -YEAR):
            self.set_clock(shift)
            status, answer = service.json(*post)
            self.assertGreaterEqual(status, 400, answer)
            self.assertNotIn("certificate", answer)
        self.set_clock(0)
        status, answer = service.json(*post)
        self.assertEqual(status, 201, answer)


if __name__ == "__main__":
    main()
