"""The conformance checklist of puppet_cases.py against the service: a test for each of its lines."""

import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import imported
import puppet_cases as cases
import puppet_party
import x509_facts as facts
from harness import BINARY, Service, ServiceTest, main, run, until
from puppetserver import RealPuppetserver
from test_puppet import Agent


def same_type(one, other):
    """Puppetserver's libraries do not agree on the space behind ';' and the case of a charset."""
    return (one or "").lower().replace("; ", ";") == (other or "").lower().replace("; ", ";")


class Checks(unittest.TestCase):
    """What a line's answer must say beyond status, type and body. Each gets the name."""

    party = None  # of the class
    answer = None  # of the step

    def described(self):
        return json.loads(self.answer.body)

    def certificate(self):
        return facts.Certificate.read(self.answer.body)

    def whole_bundle(self, name):
        self.assertEqual(self.answer.body, self.party.bundle.read_text())

    def a_crl_for_each_ca(self, name):
        subjects = [facts.Certificate.read("-----BEGIN CERTIFICATE" + part).subject
                    for part in self.party.bundle.read_text().split("-----BEGIN CERTIFICATE")[1:]]
        self.assertEqual([crl.issuer for crl in facts.crls(self.answer.body)], subjects)

    def version_header(self, name):
        self.assertRegex(self.answer.headers["X-Puppet-Version"], r"^\d+\.\d+\.\d+$")

    def csr_as_sent(self, name):
        sent = self.party.sent[name].decode()
        self.assertEqual(*(facts.blocks(pem, "CERTIFICATE REQUEST")
                           for pem in (self.answer.body, sent)))

    def names_asked_for_and_the_cn(self, name):
        self.assertEqual(self.described()["subject_alt_names"], ["DNS:www.test", f"DNS:{name}"])

    def has_the_role(self, name):
        self.assertEqual(self.described()["authorization_extensions"], {"pp_auth_role": "web"})

    def keeps_the_uuid(self, name):
        value = b"\x0c\x12ED803750-E3C7-44F5"
        self.assertEqual(self.certificate().extensions[cases.PP_UUID], (False, value))

    def describes_a_request(self, name):
        self.assertEqual((self.described()["name"], self.described()["state"]), (name, "requested"))
        self.assertEqual(set(self.described()), {
            "name", "state", "dns_alt_names", "subject_alt_names", "authorization_extensions",
            "fingerprint", "fingerprints"})

    def describes_a_certificate(self, name):
        said = self.described()
        self.assertEqual((said["name"], said["state"]), (name, "signed"))
        self.assertEqual(said["dns_alt_names"], [f"DNS:{name}"])
        self.assertEqual(set(said["fingerprints"]), {"SHA1", "SHA256", "SHA512", "default"})
        self.assertRegex(said["fingerprint"], r"^[0-9A-F]{2}(:[0-9A-F]{2}){31}$")
        self.assertIs(type(said["serial_number"]), int)
        for key in ("not_before", "not_after"):
            self.assertRegex(said[key], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dUTC$")

    def names_listed(self):
        return [row["name"] for row in self.described()]

    def is_listed(self, name):
        self.assertIn(name, self.names_listed())

    def is_not_listed(self, name):
        self.assertTrue(self.names_listed())
        self.assertNotIn(name, self.names_listed())

    def lasts_an_hour(self, name):
        issued = self.party.ask(f"anon GET certificate/{name}").body
        found = facts.Certificate.read(issued)
        self.assertEqual((found.not_after - found.not_before).total_seconds(), 25 * cases.HOUR)

    def remembers_the_number(self, name):
        type(self).number = facts.crls(self.answer.body)[0].number

    def number_rises_once(self, name):
        self.party.revocation_shows(name)
        self.assertEqual(self.party.crl().number, self.number + 1)

    def is_revoked(self, name):
        until(lambda: any(serial for serial in self.party.crl().entries), "a CRL with an entry")

    def root_crl_is_the_uploaded_one(self, name):
        ours, root = facts.crls(self.answer.body)
        self.assertEqual(root.number, 1000)
        self.assertEqual(ours.issuer, facts.Certificate.read(self.party.bundle.read_text()).subject)

    def expirations(self, name):
        said = self.described()
        self.assertEqual(set(said), {"ca-certs", "crls"})
        for dates in said.values():
            self.assertEqual(len(dates), 2)
            for date in dates.values():
                self.assertRegex(date, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dUTC$")

    # Renewal

    def same_key_and_names_renewed(self, name):
        old = facts.Certificate.read((self.party.folder / f"{name}.pem").read_text())
        new = self.certificate()
        self.assertEqual((new.subject, new.spki), (old.subject, old.spki))
        self.assertNotEqual(new.serial, old.serial)
        self.assertEqual(new.extensions, old.extensions)
        self.assertEqual((new.not_after - new.not_before).days, 61)
        self.assertEqual(self.party.ask(f"anon GET certificate/{name}").body, self.answer.body)

    def both_go_with_the_name(self, name):
        old = facts.Certificate.read((self.party.folder / f"{name}.pem").read_text())
        self.party.set_state(name, "revoked")
        self.assertLessEqual({old.serial, self.certificate().serial}, set(self.party.crl().entries))

    def lasts_ca_ttl(self, name):
        self.assertEqual((self.certificate().not_after - self.certificate().not_before).days, 1826)

    def lasts_renewal_ttl(self, name):
        self.assertEqual((self.certificate().not_after - self.certificate().not_before).days, 61)

    # Profile and files

    def the_profile(self, name):
        critical = {oid: flag for oid, (flag, _) in self.certificate().extensions.items()}
        self.assertEqual(critical, {
            "2.5.29.14": False, "2.5.29.15": True, "2.5.29.17": False, "2.5.29.19": True,
            "2.5.29.35": False, "2.5.29.37": True})

    def the_crl_profile(self, name):
        ours = facts.crls(self.answer.body)[0]
        self.assertEqual(ours.version, 2)
        self.assertEqual(set(ours.entries.values()), {1}, "keyCompromise")
        self.assertEqual(set(ours.extensions), {facts.CRL_NUMBER, facts.AUTHORITY_KEY})

    def serials_are_random_numbers_of_128_bits(self, name):
        serials = set()
        for number in range(4):
            self.party.give("signed", f"n76-{number}.test")
            found = self.party.ask(f"anon GET certificate/n76-{number}.test").body
            serials.add(facts.Certificate.read(found).serial >> 64)
        self.assertEqual(len(serials), 4)
        self.assertGreater(min(serials), 0)

    def exported(self):
        """A Puppet CA directory of ours, of a CA with an RSA key."""
        folder = pathlib.Path(tempfile.mkdtemp(prefix="countersign-test-"))
        self.addCleanup(shutil.rmtree, folder)
        service = Service(folder / "ca", init=("--key", "rsa:2048"))
        run(BINARY, "export", "puppet", "--config", service.folder / "countersign.toml",
            "--cadir", folder / "cadir")
        return folder / "cadir"

    def the_serial_that_is_exported(self, name):
        self.assertEqual((self.exported() / "serial").read_text(), "0001")

    def the_inventory_that_is_exported(self, name):
        rows = (self.exported() / "inventory.txt").read_text().splitlines()
        self.assertEqual(len(rows), 1, rows)
        self.assertRegex(rows[0], r"^0x[0-9A-F]{4,} \S+UTC \S+UTC /CN=operator$")

    def no_start_without_the_key(self, name):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="countersign-test-"))
        self.addCleanup(shutil.rmtree, folder)
        party = puppet_party.ours(folder, "by file")
        (party.server.folder / "ca/issuing.key").unlink()
        ended = run(BINARY, "serve", "--config", party.server.folder / "countersign.toml",
                    check=False)
        self.assertNotEqual(ended.returncode, 0)
        self.assertIn("issuing.key", ended.stderr)

    def issuer_is_the_subject_of_the_intermediate(self, name):
        signer = facts.Certificate.read(self.party.bundle.read_text())
        self.assertEqual(self.certificate().issuer, signer.subject)
        self.assertNotEqual(signer.issuer, signer.subject)

    def a_new_crl_at_every_start(self, name):
        before = self.party.crl()
        self.party.server.stop()
        self.party.server.start()
        after = self.party.crl()
        self.assertGreater(after.number, before.number)
        self.assertGreaterEqual(after.next_update, before.next_update)

    def the_infra_crl(self, name):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="countersign-test-"))
        self.addCleanup(shutil.rmtree, folder)
        party = puppet_party.ours(folder, "infra")
        inventory = party.server.folder / "infra_inventory.txt"
        refused = run(BINARY, "serve", "--config", party.server.folder / "countersign.toml",
                      check=False)
        self.assertEqual(refused.returncode, 2, "the list is missing")
        self.assertIn(str(inventory), refused.stderr)

        inventory.write_text("# compilers\n\nlisted.test\n")
        party.server.start()
        self.addCleanup(party.server.stop)
        serials = {}
        for one in ("unlisted.test", "listed.test"):
            party.give("signed", one)
            serials[one] = facts.Certificate.read(
                party.ask(f"anon GET certificate/{one}").body).serial
            answer = party.ask(f"admin PUT certificate_status/{one}",
                               b'{"desired_state":"revoked"}')
            self.assertEqual(answer.status, 204)

        def full():
            return facts.crls(party.ask("admin GET /v1/crl").body)

        until(lambda: set(full()[0].entries) == set(serials.values()), "the full CRL has both")
        until(lambda: set(party.crl().entries) == {serials["listed.test"]}, "the infra CRL has one")
        infra = facts.crls(party.ask("anon GET certificate_revocation_list/ca").body)
        self.assertEqual([crl.issuer for crl in infra], [crl.issuer for crl in full()])
        # A name that is listed after its revocation.
        inventory.write_text("listed.test\nunlisted.test\n")
        until(lambda: set(party.crl().entries) == set(serials.values()), "the infra CRL has both")
        self.assertGreater(party.crl().number, infra[0].number)
        # And over a restart, with the numbers going on.
        number = party.crl().number
        party.server.stop()
        party.server.start()
        self.assertGreater(party.crl().number, number)

    def imported(self, name, prepare):
        """A service on a directory that `puppetserver ca` made and `prepare` added to."""
        folder = pathlib.Path(tempfile.mkdtemp(prefix="countersign-test-"))
        self.addCleanup(shutil.rmtree, folder)
        server = RealPuppetserver(folder / "puppetserver")
        prepare(server)
        service = imported.ImportedService(folder / "ca", server.cadir, "--puppet-conf", server.conf)
        self.addCleanup(service.stop)
        return server, service.start()

    def an_import_keeps_several_rdns_byte_for_byte(self, name):
        def prepare(server):
            key, bundle, crls = imported.external_ca(server.folder / "external")
            made = server.command("import", "--private-key", key, "--cert-bundle", bundle,
                                  "--crl-chain", crls, "--subject-alt-names", "localhost")
            self.assertEqual(made.returncode, 0, made.stdout + made.stderr)
            imported.put_request(server.cadir, name)

        server, service = self.imported(name, prepare)
        service.cli("sign", name)
        issued = facts.Certificate.read(service.curl(f"/puppet-ca/v1/certificate/{name}")[1])
        signer = facts.Certificate.read(server.bundle.read_text())
        self.assertEqual(issued.issuer, signer.subject)
        self.assertGreater(len(signer.subject), len("Puppet CA") + 40)

    def an_import_keeps_all(self, name):
        def prepare(server):
            server.make_ca().admin()
            imported.put_request(server.cadir, name)

        server, service = self.imported(name, prepare)
        self.assertEqual(int(service.report["next_serial"], 16),
                         int((server.cadir / "serial").read_text(), 16))
        source, ours = ((server.cadir / "ca_crl.pem").read_text(),
                        service.curl("/puppet-ca/v1/certificate_revocation_list/ca")[1])
        self.assertEqual(imported.crl_entries(ours), imported.crl_entries(source))
        self.assertGreater(facts.crls(ours)[0].number, facts.crls(source)[0].number)
        self.assertEqual(
            facts.blocks(service.curl(f"/puppet-ca/v1/certificate_request/{name}")[1],
                         "CERTIFICATE REQUEST"),
            facts.blocks((server.cadir / f"requests/{name}.pem").read_text(), "CERTIFICATE REQUEST"))

    # Clients

    def agent(self, name):
        agent = Agent(self.party, self.party.server, name)
        return agent

    def an_agent_enrols(self, name):
        self.party.autosign("*\n")
        agent = self.agent(name)
        agent.bootstrap()
        self.assertEqual((agent.ssl / "certs/ca.pem").read_text().count("BEGIN CERTIFICATE"), 2)
        self.assertEqual((agent.ssl / "crl.pem").read_text().count("BEGIN X509 CRL"), 2)
        self.assertTrue(agent.certificate.exists())

    def an_agent_that_waits_is_signed_by_the_cli(self, name):
        self.party.autosign("")
        agent = self.agent(name)
        self.assertEqual(agent.bootstrap(check=False).returncode, 1)
        self.ends(0, "sign", "--certname", name)
        agent.bootstrap()
        self.assertTrue(agent.certificate.exists())

    def ends(self, code, *command):
        ended = self.party.cli(*command)
        self.assertEqual(ended.returncode, code, ended.stdout + ended.stderr)
        return ended.stdout

    def the_cli_does_its_work(self, name):
        self.party.give("pending", name)
        self.assertIn(name, self.ends(0, "list"))
        self.ends(0, "sign", "--certname", name)
        self.ends(0, "revoke", "--certname", name)
        self.ends(0, "clean", "--certname", name)
        self.assertEqual(self.party.ask(f"anon GET certificate/{name}").status, 404)
        self.ends(0, "generate", "--certname", "made-" + name)
        self.assertEqual(self.party.ask(f"anon GET certificate/made-{name}").status, 200)

    def sign_all_of_nothing_is_24(self, name):
        self.ends(24, "sign", "--all")

    def revoke_of_a_request_is_24(self, name):
        self.ends(24, "revoke", "--certname", name)

    def offline_commands_refuse(self, name):
        said = self.party.cli("generate", "--ca-client", "--certname", name)
        self.assertEqual(said.returncode, 1, said.stdout)
        self.assertIn("running", said.stdout + said.stderr)


def line(step, name):
    """The test of one line."""
    def test(self):
        self.answer = self.party.play(step, name)
        if step.check in ("the_crl_profile", "number_rises_once") and step.given != "same":
            self.party.revocation_shows(name)
        if step.request:
            got = f"{self.answer.status} {self.answer.type}: {self.answer.body}"
            self.assertEqual(self.answer.status, step.status, got)
            self.assertTrue(same_type(self.answer.type, step.type), got)
            self.assertTrue(puppet_party.same_answer(self.answer.body, step, name), got)
        if step.check:
            getattr(self, step.check)(name)
    return test


def conformance(setting):
    """The lines of one setting, in their order, against one service."""
    def begin(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="countersign-test-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.party = puppet_party.ours(cls.folder, setting)
        cls.addClassCleanup(cls.party.server.stop)
        cls.party.server.start()

    tests = {"setUpClass": classmethod(begin)}
    for step, name in puppet_party.named(s for s in cases.STEPS if s.setting == setting):
        asked = re.sub(r"\W+", "_", step.request or step.check).strip("_")
        letter = step.number.lstrip("0123456789")
        tests[f"test_{step.case:02}{letter}_{asked}"] = line(step, name)
    return type(f"Autosign {setting}", (Checks,), tests)


class TheTable(unittest.TestCase):
    def test_has_all_89_cases(self):
        self.assertEqual({step.case for step in cases.STEPS}, set(range(1, 90)))

    def test_names_checks_that_exist(self):
        for step in cases.STEPS:
            if step.check:
                self.assertTrue(hasattr(Checks, step.check), step)


AutosignByFile = conformance("by file")
AutosignTrue = conformance("true")
AutosignFalse = conformance("false")
Renewing = conformance("renewing")
HeaderFromTerminator = conformance("header")


if __name__ == "__main__":
    main()
