"""`countersign import puppet`, of directories that the real puppetserver and its tools made."""

import contextlib
import json
import os
import shutil

import csr_maker as make
import puppet_cases as cases
import puppet_party
import x509_facts as facts
from harness import BINARY, ServiceTest, main, run, until
from imported import ImportedService, crl_entries, external_ca, import_puppet, put_request
from puppetserver import RealPuppetserver
from test_puppet import Agent

SETTINGS = """allow_duplicate_certs = true
autosign = {folder}/autosign
ca_ttl = 1y
"""
CA_CONF = "allow-subject-alt-names: true, allow-auto-renewal: true, auto-renewal-cert-ttl: 60d"


def listed(text):
    """Lines of `puppetserver ca list --all`, without the widths of the columns."""
    return sorted(" ".join(line.split()) for line in text.splitlines()
                  if line.strip() and not line.strip().startswith("operator"))


class ImportTest(ServiceTest):
    def made(self, **options):
        server = RealPuppetserver(self.folder / "puppetserver", **options)
        self.addCleanup(server.stop)
        return server

    def imported(self, server, *options, name="ca"):
        service = ImportedService(self.folder / name, server.cadir, "--puppet-conf", server.conf,
                                  *options)
        self.addCleanup(lambda: contextlib.suppress(AssertionError) and service.stop())
        return service

    def refused(self, server, *options):
        ended = import_puppet(server.cadir, self.folder / "refused", *options, check=False)
        self.assertEqual(ended.returncode, 1, ended.stdout + ended.stderr)
        self.assertFalse((self.folder / "refused").exists())
        self.assertFalse((self.folder / "refused.part").exists())
        return ended.stdout

    def states(self, folder):
        """Whatever would show that somebody wrote there."""
        return {str(path): (path.stat().st_mtime_ns, path.stat().st_size)
                for path in sorted(folder.rglob("*"))}


class RunningPuppetserver(ImportTest):
    """One puppetserver that issued, revoked and cleaned, and all that is looked at after a move."""

    def test_a_fleet_moves_and_nothing_is_lost(self):
        server = self.made(settings=SETTINGS.format(folder=self.folder), ca_conf=CA_CONF)
        server.make_ca()
        (self.folder / "autosign").write_text("*.auto.test\n")
        party = puppet_party.Party(server, self.folder, server.bundle, server.admin(),
                                   (server.cadir / "root_key.pem", None))
        server.start()
        party.autosign_path = self.folder / "unused"
        node = party.caller("node")
        party.give("revoked", "gone.test")
        party.give("cleaned", "cleaned.test")
        party.give("signed", "twice.test")
        party.submit("twice.test", cases.another("twice.test"))
        party.set_state("twice.test", "signed")
        waiting = make.pem(make.csr("waiting.test", cases.key(), attributes=[
            make.attribute("1.2.840.113549.1.9.7", make.tlv(make.PRINTABLE, b"password"))]))
        self.assertEqual(party.submit("waiting.test", waiting).status, 200)
        before = server.command("list", "--all")
        self.assertEqual(before.returncode, 0, before.stderr)
        crl = party.ask("anon GET certificate_revocation_list/ca").body
        certificates = {name: party.ask(f"anon GET certificate/{name}").body
                        for name in ("node.test", "gone.test", "twice.test", "ca")}
        server.stop()
        (server.folder / "conf.d/ca.conf").write_text(f"certificate-authority: {{ {CA_CONF} }}\n")
        states = self.states(server.cadir)

        service = self.imported(server, "--ca-conf", server.folder / "conf.d/ca.conf")
        self.assertEqual(self.states(server.cadir), states, "the source is only read")
        self.the_settings_came_along(service)
        report = service.report
        self.assertEqual(report["requests"], 1)
        self.assertEqual(report["without_file"], 2, "the cleaned one, the first of twice.test")
        self.assertEqual(int(report["next_serial"], 16), int((server.cadir / "serial").read_text(), 16))
        service.start()
        after = puppet_party.Party(service, self.folder, service.folder / "ca/chain.pem",
                                   party.callers["admin"], (server.cadir / "root_key.pem", None))
        after.callers["node"] = node

        # The same certificates, the same revocations, a higher number.
        for name, pem in certificates.items():
            self.assertEqual(facts.blocks(after.ask(f"node GET certificate/{name}").body, "CERTIFICATE"),
                             facts.blocks(pem, "CERTIFICATE"), name)
        now = after.ask("anon GET certificate_revocation_list/ca").body
        self.assertEqual(crl_entries(now), crl_entries(crl))
        self.assertEqual(len(crl_entries(now)), 2)
        self.assertGreater(facts.crls(now)[0].number, facts.crls(crl)[0].number)
        self.assertEqual(facts.blocks(now, "X509 CRL")[1:], facts.blocks(crl, "X509 CRL")[1:])

        # The agent goes on with the certificate it has: it finds it valid, by new CA files.
        agent = Agent(self, service, "node.test")
        for path, held in zip((agent.certificate, agent.key), node):
            path.parent.mkdir(parents=True)
            shutil.copy(held, path)
        agent.bootstrap()
        agent.ssl_command("verify")
        self.assertEqual(facts.blocks(agent.certificate.read_text(), "CERTIFICATE"),
                         facts.blocks(certificates["node.test"], "CERTIFICATE"))

        # puppetserver's own tool sees the same.
        server.port = service.port
        server.configure("")
        listing = server.command("list", "--all")
        self.assertEqual(listing.returncode, 0, listing.stderr)
        self.assertEqual(listed(listing.stdout), listed(before.stdout))

        # A request that waited keeps all that it holds, and can be signed. It carries a password, so
        # it is an operator's to read.
        self.assertEqual(after.ask("anon GET certificate_request/waiting.test").status, 403)
        kept = after.ask("admin GET certificate_request/waiting.test").body
        self.assertEqual(facts.blocks(kept, "CERTIFICATE REQUEST"),
                         facts.blocks(waiting.decode(), "CERTIFICATE REQUEST"))
        after.set_state("waiting.test", "signed")
        issued = facts.Certificate.read(after.ask("anon GET certificate/waiting.test").body)
        self.assertGreater(issued.serial, 1 << 64)

        # A name takes all of its certificates with it.
        count = len(facts.crls(now)[0].entries)
        after.set_state("twice.test", "revoked")
        until(lambda: len(after.crl().entries) == count + 2, "both certificates of twice.test")

        # What has no certificate is shown as what it is.
        rows = service.json("/v1/certificates?certname=cleaned.test", client="operator")[1]
        serial = rows["certificates"][0]["serial"]
        self.assertIsNone(rows["certificates"][0]["fingerprint_sha256"])
        status, body = service.curl(f"/v1/certificates/{serial}", "-H",
                                    "Accept: application/x-pem-file", client="operator")
        self.assertEqual(status, 404)
        self.assertIn("The certificate itself is not here", body)
        shown = service.cli("show", "cleaned.test").stdout
        self.assertIn("revoked", shown)

    def the_settings_came_along(self, service):
        settings = service.report["settings"]
        for line in ('autosign = "autosign.conf"', "allow_duplicate_certs = true",
                     "allow_subject_alt_names = true", "allow_auto_renewal = true",
                     'auto_renewal_cert_ttl = "60d"', 'ca_ttl = "1y"'):
            self.assertIn(line + "\n", settings)
        self.assertNotIn("allow_authorization_extensions", settings)
        self.assertEqual((service.folder / "autosign.conf").read_text(), "*.auto.test\n")

    def test_a_ca_that_puppetserver_made_by_itself_is_a_chain_of_one(self):
        server = self.made().start()
        server.stop()
        service = self.imported(server)
        self.assertEqual(service.report["chain"], 1)
        self.assertFalse((service.folder / "ca/root.crl.pem").exists())
        service.start()
        status, crl = service.curl("/puppet-ca/v1/certificate_revocation_list/ca")
        self.assertEqual((status, crl.count("BEGIN X509 CRL")), (200, 1))
        host = (server.ssl / "certs/localhost.pem", server.ssl / "private_keys/localhost.pem")
        status, names = service.json("/puppet-ca/v1/certificate_statuses/all", client=host)
        self.assertEqual((status, [row["name"] for row in names]), (200, ["operator", "localhost"]))
        self.assertEqual(service.json("/v1/certificates/01", client="operator")[0], 404)
        revoked = service.cli("revoke", "--serial", "0001", check=False)
        self.assertNotEqual(revoked.returncode, 0)
        self.assertIn("the CA's own certificate", revoked.stderr)


class MadeByTheTools(ImportTest):
    def setUp(self):
        super().setUp()
        self.server = self.made().make_ca()

    def test_names_of_the_operator_do_not_collide(self):
        self.server.admin("operator")
        put_request(self.server.cadir, "operator-2")
        service = self.imported(self.server)
        self.assertEqual(service.report["operator"], "operator-3")
        service.start()
        self.assertEqual(service.json("/v1/requests", client="operator")[0], 200)

    def test_dry_run_says_the_same_and_writes_nothing(self):
        put_request(self.server.cadir, "waiting.test")
        dry = import_puppet(self.server.cadir, self.folder / "ca", "--dry-run", "--json")
        self.assertFalse((self.folder / "ca").exists())
        done = import_puppet(self.server.cadir, self.folder / "ca", "--json")
        dry, done = (json.loads(ended.stdout) for ended in (dry, done))
        self.assertEqual({**dry, "dry_run": False}, done)

    def test_the_host_names_are_those_of_the_certificate_that_an_alternative_name_leads_to(self):
        self.server.admin("second.test")
        conf = self.folder / "puppet.conf"
        conf.write_text("[main]\ncertname = unknown.test\ndns_alt_names = second.test\n")
        ended = run(BINARY, "import", "puppet", "--cadir", self.server.cadir, "--puppet-conf", conf,
                    "--dir", self.folder / "ca", "--json")
        self.assertEqual(json.loads(ended.stdout)["hostnames"],
                         ["unknown.test", "second.test", "localhost", "127.0.0.1"])

    def test_the_infra_crl_goes_on_from_its_number(self):
        server = self.server
        (self.folder / "ca.conf").write_text("certificate-authority: { enable-infra-crl: true }\n")
        ca = facts.Certificate.read((server.cadir / "ca_crt.pem").read_text())
        key = puppet_party.FileKey(server.cadir / "ca_key.pem")
        (server.cadir / "infra_crl.pem").write_bytes(
            puppet_party.crl_pem(ca.subject, key, 41, ca.key_id, 700))
        service = self.imported(server, "--ca-conf", self.folder / "ca.conf")
        service.start()
        status, body = service.curl("/puppet-ca/v1/certificate_revocation_list/ca")
        self.assertEqual((status, facts.crls(body)[0].number), (200, 42))

    def test_the_audit_is_signed_and_verifies_from_the_first_row_on(self):
        service = self.imported(self.server)
        verified = run(BINARY, "audit", "verify", "--config", service.folder / "countersign.toml",
                       check=False)
        self.assertEqual(verified.returncode, 0, verified.stdout + verified.stderr)
        key, public = service.folder / "ca/audit.key", service.folder / "ca/audit.pub.pem"
        self.assertEqual([file.stat().st_mode & 0o777 for file in (key, public)], [0o600, 0o644])

    def test_the_services_user_can_enter_the_folders_whatever_the_umask_is(self):
        before = os.umask(0o077)
        try:
            folder = self.imported(self.server).folder
            made = self.folder / "made"
            run(BINARY, "init", "--dir", made)
        finally:
            os.umask(before)
        for one in (folder, folder / "ca", made, made / "ca"):
            self.assertEqual(one.stat().st_mode & 0o777, 0o755, one)

    def test_a_folder_that_is_not_empty_is_left_alone_and_an_empty_one_is_filled(self):
        target = self.folder / "ca"
        target.mkdir()
        (target / "mine").write_text("mine")
        ended = import_puppet(self.server.cadir, target, check=False)
        self.assertEqual(ended.returncode, 1)
        self.assertEqual(os.listdir(target), ["mine"])
        (target / "mine").unlink()
        import_puppet(self.server.cadir, target)
        self.assertTrue((target / "countersign.toml").exists())

    def test_damage_is_refused_and_left_out_on_demand(self):
        (self.server.cadir / "signed/bad.pem").write_text("not a certificate")
        said = self.refused(self.server)
        self.assertIn("signed/bad.pem: ", said)
        service = self.imported(self.server, "--skip-damaged")
        severities = [found["severity"] for found in service.report["findings"]]
        self.assertEqual(severities.count("damage"), 1)
        service.start()

    def test_what_could_lose_a_revocation_is_refused_whatever_is_said(self):
        (self.server.cadir / "ca_crl.pem").write_text("")
        said = self.refused(self.server, "--skip-damaged")
        self.assertIn("ca_crl.pem: it holds no CRL of", said)

    def test_a_part_of_a_ca_is_refused_with_what_is_there_and_what_is_not(self):
        (self.server.cadir / "ca_key.pem").unlink()
        said = self.refused(self.server)
        self.assertRegex(said, r"Found: \S*/ca_crt\.pem.* Missing: \S*/ca_key\.pem\.")

    def test_a_failure_leaves_nothing_behind(self):
        ended = import_puppet(self.server.cadir, self.folder / "refused", "--passphrase-file",
                              self.folder / "nowhere", check=False)
        self.assertEqual(ended.returncode, 1, ended.stderr)
        self.assertFalse((self.folder / "refused").exists())
        self.assertFalse((self.folder / "refused.part").exists())

    def test_what_an_import_that_was_cut_off_left_is_named_and_not_touched(self):
        part = self.folder / "ca.part"
        part.mkdir()
        ended = import_puppet(self.server.cadir, self.folder / "ca", check=False)
        self.assertEqual(ended.returncode, 1)
        self.assertIn("ca.part is what an import that was cut off left", ended.stderr)
        self.assertEqual(os.listdir(self.folder / "ca.part"), [])

    def test_a_root_that_is_signed_with_sha1_is_refused_with_what_to_do(self):
        cadir = self.server.cadir
        run("openssl", "req", "-x509", "-sha1", "-newkey", "rsa:2048", "-nodes", "-keyout",
            cadir / "ca_key.pem", "-subj", "/CN=Old CA", "-days", "900", "-out", cadir / "ca_crt.pem")
        said = self.refused(self.server, "--skip-damaged")
        self.assertRegex(said, r"ca_crt\.pem: 'Old CA' is not signed by itself: The signature uses SHA-1.*"
                               r"Make it anew with the same key and subject")

    def test_wrong_usage_ends_with_2(self):
        for arguments in (["import"], ["import", "puppet"], ["import", "puppet", "--cadir", "/nowhere"],
                          ["import", "puppet", "--cadir", "/nowhere", "--dir", self.folder / "x"]):
            self.assertEqual(run(BINARY, *arguments, check=False).returncode, 2, arguments)

    def test_an_encrypted_key_is_opened_and_encrypted_anew(self):
        key = self.server.cadir / "ca_key.pem"
        (self.folder / "secret").write_text("secret\n")
        run("openssl", "rsa", "-aes256", "-passout", f"file:{self.folder}/secret", "-in", key, "-out",
            self.folder / "locked")
        shutil.copy(self.folder / "locked", key)
        self.assertIn("--key-passphrase-file", self.refused(self.server))
        service = self.imported(self.server, "--key-passphrase-file", self.folder / "secret")
        self.assertIn("BEGIN ENCRYPTED PRIVATE KEY", (service.folder / "ca/issuing.key").read_text())
        service.start()


if __name__ == "__main__":
    main()
