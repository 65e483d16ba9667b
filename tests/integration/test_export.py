"""`export puppet`: a real puppetserver starts on the directory and takes over."""

import json
import pathlib
import shutil
import stat
import tempfile
import unittest

import csr_maker as make
import puppet_cases as cases
import x509_facts as facts
from harness import BINARY, Service, ServiceTest, main, run
from puppet_party import Party
from puppetserver import JAR, RealPuppetserver

SETTINGS = '[puppet]\nautosign = false\n[crl]\ndelay = "0s"\n'
LONGEST = 0x7FFFFFFF  # of the numbers that puppetserver counts with


def party_of(service, folder):
    return Party(service, folder, service.folder / "ca/chain.pem",
                 (service.folder / "operator.pem", service.folder / "operator.key"),
                 (service.folder / "ca/root.key", service.folder / "ca/passphrase"))


def export(service, cadir, *arguments, check=True):
    return run(BINARY, "export", "puppet", "--config", service.folder / "countersign.toml",
               "--cadir", cadir, *arguments, check=check)


def statuses(party):
    """name -> what the status list says of it."""
    answer = party.ask("admin GET certificate_statuses/all", headers={"Accept": "application/json"})
    return {row["name"]: row for row in json.loads(answer.body)}


def entries(crl):
    """serial -> (date, reason) as openssl prints them."""
    text = run("openssl", "crl", "-noout", "-text", input=crl).stdout
    found = {}
    for part in text.split("Serial Number: ")[1:]:
        lines = [line.strip() for line in part.splitlines()]
        reason = lines[4] if "Reason Code" in part else ""
        found[int(lines[0], 16)] = (lines[1], reason)
    return found


@unittest.skipUnless(JAR.exists(), "the package puppetserver is not installed")
class TakeOver(unittest.TestCase):
    """One directory, made of every kind of certificate and request, and one puppetserver on it."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="countersign-test-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        service = Service(cls.folder / "ours", 'default = "queue"\n', SETTINGS,
                          init=("--key", "rsa:2048"))
        cls.addClassCleanup(service.stop)
        service.start()
        party = party_of(service, cls.folder)
        cls.kept = {}  # name -> PEM of what was issued
        for state in ("signed", "revoked", "cleaned", "pending"):
            for number in range(3):
                name = f"{state}-{number}.test"
                party.give("signed" if state == "cleaned" else state, name)
                cls.kept[name] = party.ask(f"anon GET certificate/{name}").body
                if state == "cleaned":
                    party.set_state(name, "revoked")
                    assert party.ask(f"admin DELETE certificate_status/{name}").status == 204
        party.give("signed", "freed.test")  # its name only: the certificate stays good
        cls.kept["freed.test"] = party.ask("anon GET certificate/freed.test").body
        assert party.ask("admin DELETE certificate_status/freed.test").status == 204
        cls.ours = statuses(party)
        cls.our_crl = party.ask("anon GET certificate_revocation_list/ca").body
        service.stop()
        cls.cadir = cls.folder / "cadir"
        cls.said = json.loads(export(service, cls.cadir, "--json").stdout)
        cls.exported_crl = (cls.cadir / "ca_crl.pem").read_text()
        cls.exported_serial = (cls.cadir / "serial").read_text()
        cls.modes = {path.name: stat.S_IMODE(path.stat().st_mode)
                     for path in [cls.cadir, *cls.cadir.iterdir()]}
        server = RealPuppetserver(cls.folder / "puppetserver", "autosign = false", cadir=cls.cadir)
        cls.addClassCleanup(server.stop)
        server.start()
        cls.theirs = Party(server, cls.folder, cls.cadir / "ca_crt.pem", party.callers["admin"], None)

    def serial_of(self, name):
        return facts.Certificate.read(self.kept[name]).serial

    def served_crl(self):
        return self.theirs.ask("anon GET certificate_revocation_list/ca").body

    def is_good(self, pem):
        """Does openssl accept it against the CRLs that are served now?"""
        chain, leaf = self.folder / "chain-and-crls.pem", self.folder / "leaf.pem"
        chain.write_text((self.cadir / "ca_crt.pem").read_text() + self.served_crl())
        leaf.write_text(pem)
        ended = run("openssl", "verify", "-crl_check_all", "-CAfile", chain, leaf, check=False)
        if ended.returncode != 0:
            self.assertIn("certificate revoked", ended.stdout + ended.stderr)
        return ended.returncode == 0

    def test_the_report_counts_what_was_written(self):
        issued = len(self.kept) - 3
        inventory = (self.cadir / "inventory.txt").read_text().splitlines()
        # The operator, and the service's own certificate.
        self.assertEqual(self.said["certificates"], issued + 2)
        self.assertEqual(self.said["signed"], 6 + 1)
        self.assertEqual((self.said["revoked"], self.said["requests"]), (6, 3))
        self.assertEqual(self.said["valid_outside_signed"], 1, "freed.test")
        self.assertGreaterEqual(len(inventory), issued + 2)

    def test_only_the_key_is_hidden(self):
        self.assertEqual(self.modes.pop("ca_key.pem"), 0o640)
        folders = {"cadir", "signed", "requests"}
        for name, mode in self.modes.items():
            self.assertEqual(mode, 0o755 if name in folders else 0o644, name)

    def test_the_status_list_is_ours(self):
        theirs = statuses(self.theirs)
        for name in ("localhost", "later.test"):  # made there
            theirs.pop(name, None)
        for number in range(3):  # other tests change these
            self.assertEqual(self.ours[f"signed-{number}.test"]["state"], "signed")
            self.assertEqual(self.ours[f"revoked-{number}.test"]["state"], "revoked")
        changing = {"signed-0.test", "pending-0.test"}
        self.assertEqual({name: row for name, row in theirs.items() if name not in changing},
                         {name: row for name, row in self.ours.items() if name not in changing})
        self.assertLessEqual(changing, set(theirs))

    def test_a_new_certificate_has_the_next_serial_and_no_other_one_has_it(self):
        self.theirs.give("signed", "later.test")
        serial = facts.Certificate.read(self.theirs.ask("anon GET certificate/later.test").body).serial
        self.assertEqual(self.exported_serial, "0001")
        self.assertGreaterEqual(serial, 1)
        self.assertLessEqual(serial, LONGEST)
        inventory = (self.cadir / "inventory.txt").read_text().splitlines()
        serials = [int(row.split()[0], 16) for row in inventory]
        self.assertEqual(len(serials), len(set(serials)))
        self.assertIn(serial, serials)

    def test_a_request_that_waited_is_signed_there(self):
        self.theirs.set_state("pending-0.test", "signed")
        issued = self.theirs.ask("anon GET certificate/pending-0.test").body
        self.assertEqual(facts.Certificate.read(issued).spki, cases.key().spki)
        self.assertTrue(self.is_good(issued))

    def test_every_revoked_certificate_stays_revoked_with_date_and_reason(self):
        before, after = entries(self.our_crl), entries(self.served_crl())
        self.assertEqual(len(before), 6)
        self.assertEqual({serial: after.get(serial) for serial in before}, before)
        for name in self.kept:
            if name.startswith(("revoked", "cleaned")):
                self.assertFalse(self.is_good(self.kept[name]), name)
            elif name.startswith("signed-1"):
                self.assertTrue(self.is_good(self.kept[name]), name)

    def test_a_revocation_there_makes_a_crl_with_a_higher_number(self):
        exported = facts.crls(self.exported_crl)[0]
        self.assertGreater(exported.number, facts.crls(self.our_crl)[0].number)
        before = facts.crls(self.served_crl())[0]
        self.assertGreaterEqual(before.number, exported.number)
        self.theirs.set_state("signed-0.test", "revoked")
        after = facts.crls(self.served_crl())[0]
        self.assertGreater(after.number, before.number)
        self.assertIn(self.serial_of("signed-0.test"), after.entries)
        self.assertFalse(self.is_good(self.kept["signed-0.test"]))

    def test_a_certificate_whose_name_was_freed_is_in_the_inventory_alone(self):
        self.assertTrue(self.is_good(self.kept["freed.test"]))
        self.assertFalse((self.cadir / "signed/freed.test.pem").exists())
        rows = {row.split()[-1]: int(row.split()[0], 16)
                for row in (self.cadir / "inventory.txt").read_text().splitlines()}
        self.assertEqual(rows["/CN=freed.test"], self.serial_of("freed.test"))

    def test_the_inventory_goes_on_after_the_last_of_our_rows(self):
        rows = (self.cadir / "inventory.txt").read_text().splitlines()
        for row in rows:
            self.assertRegex(row, r"^0x[0-9A-F]{4,} \S+UTC \S+UTC /CN=\S+$")
        long = [int(row.split()[0], 16) > LONGEST for row in rows]
        self.assertEqual(long, sorted(long, reverse=True), "ours first, then theirs")
        self.assertIn(False, long, "its own certificate")

    def test_the_crls_of_the_cas_above_follow_ours(self):
        chain = (self.cadir / "ca_crt.pem").read_text()
        subjects = [facts.Certificate.read(make.pem(der, "CERTIFICATE").decode()).subject
                    for der in facts.blocks(chain, "CERTIFICATE")]
        for text in (self.exported_crl, self.served_crl()):
            self.assertEqual([crl.issuer for crl in facts.crls(text)], subjects)


class Refusals(ServiceTest):
    """Each leaves nothing behind."""

    def refused(self, service, cadir, why):
        ended = export(service, cadir, check=False)
        self.assertEqual(ended.returncode, 1, ended.stdout + ended.stderr)
        self.assertIn(why, ended.stderr)
        self.assertEqual(list(self.folder.glob("*.part")), [])

    def test_while_a_service_holds_the_store(self):
        service = self.service(init=("--key", "rsa:2048"))
        self.refused(service, self.folder / "cadir", "Stop it first")
        self.assertFalse((self.folder / "cadir").exists())
        service.stop()
        export(service, self.folder / "cadir")

    def test_a_key_that_puppetserver_cannot_sign_with(self):
        service = self.service(start=False)
        self.refused(service, self.folder / "cadir", "puppetserver signs with RSA only")
        self.assertFalse((self.folder / "cadir").exists())

    def test_a_folder_with_something_in_it(self):
        service = self.service(start=False, init=("--key", "rsa:2048"))
        cadir = self.folder / "cadir"
        cadir.mkdir()
        (cadir / "mine").write_text("kept")
        self.refused(service, cadir, "not empty")
        self.assertEqual([path.name for path in cadir.iterdir()], ["mine"])
        (cadir / "mine").unlink()
        export(service, cadir)
        self.assertTrue((cadir / "serial").exists())

    def test_a_part_that_was_left(self):
        service = self.service(start=False, init=("--key", "rsa:2048"))
        (self.folder / "cadir.part").mkdir()
        ended = export(service, self.folder / "cadir", check=False)
        self.assertEqual(ended.returncode, 1)
        self.assertIn("rm -r", ended.stderr)
        self.assertTrue((self.folder / "cadir.part").exists())

    def test_a_store_of_another_ca(self):
        one = self.service(name="one", start=False, init=("--key", "rsa:2048"))
        other = self.service(name="other", start=False, init=("--key", "rsa:2048"))
        shutil.copy(other.folder / "countersign.db", one.folder / "countersign.db")
        self.refused(one, self.folder / "cadir", "does not know the CA")


class Afterwards(ServiceTest):
    def test_the_key_is_told_of_and_the_folder_alone_is_left(self):
        service = self.service(start=False, init=("--key", "rsa:2048"))
        ended = export(service, self.folder / "cadir/")
        self.assertIn("WITHOUT ENCRYPTION", ended.stderr)
        self.assertIn(f"# cadir = {self.folder}/cadir   # only if the directory stays there\n", ended.stdout)
        self.assertEqual(list(self.folder.glob("*.part")), [])

    def test_a_passphrase_that_is_not_where_the_service_has_it_is_named(self):
        service = self.service(start=False, init=("--key", "rsa:2048"))
        (service.folder / "ca/passphrase").rename(self.folder / "kept")
        self.assertNotEqual(export(service, self.folder / "no", check=False).returncode, 0)
        export(service, self.folder / "cadir", "--passphrase-file", self.folder / "kept")
        for name in ("audit.key", "audit.pub.pem"):
            (service.folder / "ca" / name).unlink()
        run(BINARY, "audit", "key", "--config", service.folder / "countersign.toml",
            "--passphrase-file", self.folder / "kept")

    def test_a_service_that_is_started_again_gives_no_crl_number_twice(self):
        service = self.service(start=False, init=("--key", "rsa:2048"))
        numbers = []
        for name in ("one", "two"):
            export(service, self.folder / name)
            numbers.append(facts.crls((self.folder / name / "ca_crl.pem").read_text())[0].number)
        service.start()
        status, body = service.curl("/puppet-ca/v1/certificate_revocation_list/ca")
        self.assertEqual(status, 200)
        numbers.append(facts.crls(body)[0].number)
        self.assertEqual(numbers, sorted(set(numbers)))


if __name__ == "__main__":
    main()
