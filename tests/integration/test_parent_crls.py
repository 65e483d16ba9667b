"""A root's CRL is made anew by openssl, as docs/operations.md says, and given to the service."""

import re
import shutil
import signal

from harness import BINARY, ServiceTest, main, run, until

CONFIG = """[ca]
default_ca = root
[root]
database = index.txt
crlnumber = crlnumber
default_md = default
crl_extensions = crl
[crl]
authorityKeyIdentifier = keyid
"""
PATH = "/puppet-ca/v1/certificate_revocation_list"


class ParentCrls(ServiceTest):
    def root(self, service):
        """The folder where the root's key is kept, off line."""
        folder = self.folder / "root"
        folder.mkdir()
        for name in ("root.pem", "root.key", "passphrase", "root.crl.pem"):
            shutil.copy(service.folder / "ca" / name, folder)
        (folder / "index.txt").touch()
        (folder / "crl.cnf").write_text(CONFIG)
        return folder

    def sign(self, folder, number, *validity):
        (folder / "crlnumber").write_text(f"{number:02X}\n")
        run("openssl", "ca", "-config", "crl.cnf", "-gencrl", *(validity or ("-crldays", "365")),
            "-cert", "root.pem", "-keyfile", "root.key", "-passin", "file:passphrase",
            "-out", "root.crl.pem", cwd=folder)
        return folder / "root.crl.pem"

    def upload(self, service, file, client="operator"):
        return service.curl(PATH, "-H", "Content-Type: text/plain", "--data-binary", f"@{file}",
                            method="PUT", client=client)

    def served(self, service):
        """(number of ours, number of the root's); the chain of ours verifies with both."""
        status, text = service.curl(PATH + "/ca")
        self.assertEqual(status, 200)
        file = self.folder / "served.pem"
        file.write_text(text)
        ca = service.folder / "ca"
        run("openssl", "verify", "-crl_check_all", "-CAfile", ca / "chain.pem", "-CRLfile", file,
            service.folder / "operator.pem")
        shown = run("openssl", "storeutl", "-noout", "-text", "-crls", file).stdout
        return [int(number) for number in re.findall(r"CRL Number:\s+(\d+)", shown)]

    def test_a_newer_one_is_served_at_once_and_kept_when_the_service_is_killed(self):
        service = self.service()
        folder = self.root(service)
        self.assertEqual(self.served(service)[1], 1)
        for number in (2, 3, 0x1000):
            ours = self.served(service)[0]
            self.assertEqual(self.upload(service, self.sign(folder, number)),
                             (200, "Successfully updated CRLs."))
            service.stop(signal.SIGKILL)
            service.start()
            self.assertEqual(self.served(service), [ours + 1, number])

    def test_an_export_has_the_newer_of_the_file_and_what_was_uploaded(self):
        service = self.service(init=("--key", "rsa:2048"))
        folder = self.root(service)
        self.assertEqual(self.upload(service, self.sign(folder, 3))[0], 200)
        service.stop()
        for file, exported in ((2, 3), (5, 5)):
            shutil.copy(self.sign(folder, file), service.folder / "ca/root.crl.pem")
            cadir = self.folder / f"cadir{file}"
            run(BINARY, "export", "puppet", "--config", service.folder / "countersign.toml",
                "--cadir", cadir)
            shown = run("openssl", "storeutl", "-noout", "-text", "-crls", cadir / "ca_crl.pem").stdout
            self.assertEqual(int(re.findall(r"CRL Number:\s+(\d+)", shown)[1]), exported)

    def test_every_kind_of_key_can_sign_one(self):
        for kind in ("ed25519", "rsa:2048"):
            with self.subTest(kind):
                service = self.service(name=kind.replace(":", ""), init=("--key", kind))
                folder = self.root(service)
                self.assertEqual(self.upload(service, self.sign(folder, 2))[0], 200)
                self.assertEqual(self.served(service)[1], 2)
                shutil.rmtree(folder)

    def test_only_an_operator_uploads(self):
        service = self.service()
        file = self.sign(self.root(service), 2)
        self.assertEqual(self.upload(service, file, client=None)[0], 403)
        self.assertEqual(self.served(service)[1], 1)

    def test_one_that_is_too_large_is_told_so(self):
        service = self.service(config="[limits]\nbody_bytes = 4096\n")
        large = self.folder / "large.pem"
        large.write_text("x" * 5000)
        self.assertEqual(self.upload(service, large),
                         (413, "The body is larger than 4096 bytes."))

    def test_a_file_that_ended_does_not_stop_the_start_if_a_newer_one_was_uploaded(self):
        service = self.service()
        folder = self.root(service)
        file = service.folder / "ca/root.crl.pem"
        ended = self.sign(folder, 2, "-crl_lastupdate", "20250101000000Z",
                          "-crl_nextupdate", "20250201000000Z").read_text()
        self.assertEqual(self.upload(service, folder / "root.crl.pem"), (
            400, "Invalid certs and/or CRLs: the CRL of '%s' is past its nextUpdate." %
            self.name_of(folder / "root.pem")))
        service.stop()
        file.write_text(ended)
        refused = run(BINARY, "serve", "--config", service.folder / "countersign.toml", check=False)
        self.assertIn(refused.returncode, (1, 2))
        self.assertRegex(refused.stderr, r"root\.crl\.pem.*past its nextUpdate")
        # By file.
        file.write_text(self.sign(folder, 3).read_text())
        service.start()
        self.assertEqual(self.served(service)[1], 3)
        # By upload, whatever becomes of the file.
        self.upload(service, self.sign(folder, 4))
        service.stop()
        file.write_text(ended)
        service.start()
        self.assertEqual(self.served(service)[1], 4)

    def name_of(self, certificate):
        return run("openssl", "x509", "-in", certificate, "-noout", "-subject", "-nameopt",
                   "multiline").stdout.rsplit("= ", 1)[1].strip()

    def test_one_that_ends_while_the_service_runs_is_in_the_log_and_the_health(self):
        service = self.service()
        folder = self.root(service)
        # Short enough to wait for, and long enough for the upload on this machine.
        for seconds in (3, 10, 40):
            soon = run("date", "-u", "-d", f"+{seconds} seconds", "+%Y%m%d%H%M%SZ").stdout.strip()
            status, text = self.upload(service, self.sign(folder, 2, "-crl_nextupdate", soon))
            if status == 200:
                break
        self.assertEqual(status, 200, text)

        def ready():
            return service.json("/v1/health/ready", check=False)

        until(lambda: ready()[0] == 503, "the health shows it")
        self.assertIn("past its nextUpdate", ready()[1]["problems"][0])
        until(lambda: "event=parent_crl_ends" in service.log_text(), "the log has it")
        self.assertEqual(self.upload(service, self.sign(folder, 3))[0], 200)
        self.assertEqual(ready()[0], 200)


if __name__ == "__main__":
    main()
