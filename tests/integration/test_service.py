"""Start, stop, limits and the operator's verbs."""

import os
import pathlib
import re
import signal
import stat

from harness import BINARY, ServiceTest, main, run, until


class Life(ServiceTest):
    def test_init_writes_what_the_interface_promises_and_refuses_to_overwrite(self):
        service = self.service(start=False)
        for name in ("countersign.toml", "policy.toml", "client.toml", "ca/root.pem",
                     "ca/root.key", "ca/issuing.pem", "ca/issuing.key", "ca/chain.pem",
                     "operator.pem", "operator.key", "countersign.db"):
            self.assertTrue((service.folder / name).exists(), name)
        for name in ("ca/root.key", "ca/issuing.key", "operator.key", "ca/passphrase"):
            mode = stat.S_IMODE((service.folder / name).stat().st_mode)
            self.assertEqual(mode, 0o600, name)
        self.assertIn("ENCRYPTED", (service.folder / "ca/issuing.key").read_text())
        self.assertIn("ENCRYPTED", (service.folder / "ca/root.key").read_text())
        before = {path: path.read_bytes() for path in service.folder.rglob("*") if path.is_file()}
        again = run(BINARY, "init", "--dir", service.folder, check=False)
        self.assertNotEqual(again.returncode, 0)
        self.assertIn("holds a CA already", again.stderr)
        after = {path: path.read_bytes() for path in service.folder.rglob("*") if path.is_file()}
        self.assertEqual(before, after)
        run("openssl", "verify", "-x509_strict", "-CAfile", service.folder / "ca/root.pem",
            "-untrusted", service.folder / "ca/issuing.pem", service.folder / "operator.pem")

    def test_every_kind_of_ca_key_works(self):
        for kind in ("ec:P-384", "ed25519", "rsa:2048"):
            with self.subTest(kind):
                service = self.service('default = "sign"\n', name=kind.replace(":", "-"),
                                       init=("--key", kind))
                csr, _ = self.csr("host")
                status, answer = self.submit(service, csr)
                self.assertEqual(status, 201, answer)
                pem = self.folder / "host.pem"
                pem.write_text(answer["certificate"])
                run("openssl", "verify", "-x509_strict", "-CAfile",
                    service.folder / "ca/chain.pem", pem)
                self.assertEqual(service.stop(), 0)

    def test_sigterm_ends_with_0_and_a_restart_knows_everything(self):
        service = self.service('default = "sign"\n')
        csr, _ = self.csr("host")
        _, answer = self.submit(service, csr)
        number = self.crl_number(service)
        self.assertEqual(service.stop(signal.SIGTERM), 0)
        service.start()
        _, found = service.json(f"/v1/certificates/{answer['serial']}", client="operator")
        self.assertEqual(found["certname"], "host")
        self.assertGreater(self.crl_number(service), number)

    def crl_number(self, service):
        crl = self.folder / "number.pem"
        crl.write_text(service.curl("/v1/crl")[1])
        text = run("openssl", "crl", "-in", crl, "-noout", "-crlnumber").stdout
        return int(text.strip().split("=")[1], 16)

    def test_the_served_crl_chain_satisfies_a_check_of_the_whole_chain(self):
        service = self.service('default = "sign"\n')
        crl = self.folder / "crl.pem"
        crl.write_text(service.curl("/v1/crl")[1])
        self.assertEqual(crl.read_text().count("BEGIN X509 CRL"), 2)
        run("openssl", "verify", "-crl_check_all", "-CAfile", service.folder / "ca/chain.pem",
            "-CRLfile", crl, service.folder / "operator.pem")

    def test_a_client_certificate_of_another_ca_fails_the_handshake(self):
        service = self.service()
        other = self.service(name="other", start=False)
        status, _ = service.curl("/v1/ca/chain", check=False,
                                 client=(other.folder / "operator.pem",
                                         other.folder / "operator.key"))
        self.assertEqual(status, 0)

    def test_the_service_takes_a_new_certificate_when_its_own_is_revoked(self):
        service = self.service()
        crl = self.folder / "crl.pem"

        def checked():
            crl.write_text(service.curl("/v1/crl")[1])
            return service.curl("/v1/health/live", "--crlfile", crl, check=False)

        self.assertEqual(checked()[0], 200)
        service.cli("revoke", "localhost", "--reason", "keyCompromise")
        until(lambda: "entries=1" in service.log_text(), "a CRL with the revoked certificate")
        until(lambda: checked()[0] == 200, "a certificate that the CRL does not name")

    def test_the_handshake_carries_the_chain_without_the_root(self):
        service = self.service()
        sent = run("openssl", "s_client", "-connect", f"127.0.0.1:{service.port}", "-servername",
                   "localhost", "-showcerts", input="").stdout
        self.assertEqual(sent.count("BEGIN CERTIFICATE"), 2)
        self.assertNotIn((service.folder / "ca/root.pem").read_text().split("\n")[3], sent)
        root = service.folder / "ca/root.pem"
        self.assertEqual(service.curl("/v1/health/live", "--cacert", root)[0], 200)

    def test_tls_below_1_2_is_refused_and_1_2_and_1_3_work(self):
        service = self.service()
        self.assertEqual(service.curl("/v1/health/live", "--tls-max", "1.1", check=False)[0], 0)
        self.assertEqual(service.curl("/v1/health/live", "--tls-max", "1.2")[0], 200)
        self.assertEqual(service.curl("/v1/health/live", "--tlsv1.3")[0], 200)

    def test_an_unknown_key_of_the_configuration_is_named_with_its_line(self):
        service = self.service(start=False)
        path = service.folder / "countersign.toml"
        path.write_text(path.read_text() + "\n[limits]\nconections = 5\n")
        result = run(BINARY, "serve", "--config", path, check=False)
        self.assertEqual(result.returncode, 2)
        line = path.read_text().count("\n", 0, path.read_text().index("conections")) + 1
        self.assertRegex(result.stderr, rf"countersign\.toml:{line}:\d+.*conections")
        self.assertIn("connections", result.stderr)


class Verbs(ServiceTest):
    def test_exit_codes(self):
        service = self.service('default = "queue"\n')
        csr, _ = self.csr("host1")
        self.submit(service, csr)
        self.assertEqual(service.cli("list").returncode, 0)
        self.assertEqual(service.cli("sign", "host1").returncode, 0)
        self.assertEqual(service.cli("sign", "nobody", check=False).returncode, 3)
        self.assertEqual(service.cli("revoke", "nobody", check=False).returncode, 3)
        self.assertEqual(service.cli("sign", "--all", check=False).returncode, 3)
        self.assertEqual(service.cli("show", "host1").returncode, 0)
        self.assertEqual(run(BINARY, "frobnicate", check=False).returncode, 2)
        self.assertEqual(run(BINARY, "version").returncode, 0)
        service.stop()
        down = service.cli("list", check=False)
        self.assertEqual(down.returncode, 4)
        self.assertIn(str(service.port), down.stderr)

    def test_deny_needs_a_reason_and_keeps_it(self):
        service = self.service('default = "queue"\n')
        csr, _ = self.csr("host1")
        self.submit(service, csr)
        self.assertEqual(service.cli("deny", "host1", check=False).returncode, 2)
        service.cli("deny", "host1", "--reason", "decommissioned")
        self.assertIn("decommissioned", service.cli("show", "host1").stdout)

    def test_bulk_signing_holds_back_what_asks_for_more_than_its_name(self):
        service = self.service('default = "queue"\n')
        plain, _ = self.csr("plain")
        greedy, _ = self.csr("greedy", sans=["DNS:puppet"])
        self.submit(service, plain)
        self.submit(service, greedy)
        bulk = service.cli("sign", "--all", "--yes", check=False)
        self.assertIn("greedy", bulk.stdout + bulk.stderr)
        self.assertEqual(service.curl("/puppet-ca/v1/certificate/plain")[0], 200)
        self.assertEqual(service.curl("/puppet-ca/v1/certificate/greedy")[0], 404)
        service.cli("sign", "greedy", "--yes")
        self.assertEqual(service.curl("/puppet-ca/v1/certificate/greedy")[0], 200)

    def test_policy_check_and_explain(self):
        service = self.service('default = "queue"\n')
        good = self.folder / "good.toml"
        good.write_text('[[rule]]\nname = "a"\nmatch = { certname = ["host1"] }\naction = "sign"\n')
        self.assertEqual(run(BINARY, "policy", "check", good).returncode, 0)
        bad = self.folder / "bad.toml"
        bad.write_text('[[rule]]\nname = "a"\nmatch = { certname_regx = "x" }\naction = "sign"\n')
        result = run(BINARY, "policy", "check", bad, check=False)
        self.assertEqual(result.returncode, 2)
        self.assertRegex(result.stdout + result.stderr, r"bad\.toml:3:\d+.*certname_regex")
        csr, _ = self.csr("host1")
        offline = run(BINARY, "policy", "explain", "--csr", csr, "--policy", good).stdout
        self.assertIn("sign", offline)
        online = service.cli("policy", "explain", "--csr", csr).stdout
        self.assertIn("queue", online)

    def test_tokens_work_from_the_command_line(self):
        service = self.service('default = "queue"\n')
        made = service.cli("token", "create", "--role", "auditor").stdout
        token = re.search(r"cst_[A-Za-z0-9_-]+", made).group(0)
        client = self.folder / "auditor.toml"
        client.write_text(f'url = "{service.url}"\nca = "{service.folder}/ca/chain.pem"\n'
                          f'token = "{token}"\n')
        listed = run(BINARY, "list", "--json", "--client", client, check=False)
        self.assertIn(listed.returncode, (0, 3))
        csr, _ = self.csr("host1")
        self.submit(service, csr)
        refused = run(BINARY, "sign", "host1", "--client", client, check=False)
        self.assertEqual(refused.returncode, 1)


if __name__ == "__main__":
    main()
