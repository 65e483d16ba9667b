"""There and back: a fleet of a real puppetserver is taken over, lives with us, and goes home.

The story is told once, in setUpClass; each test looks at what was seen on the way.
"""

import concurrent.futures
import json
import pathlib
import re
import shutil
import tempfile
import unittest

import puppet_cases as cases
import x509_facts as facts
from harness import BINARY, Service, main, run, until
from puppet_party import Party
from puppetserver import JAR, RealPuppetserver
from test_export import LONGEST, entries, export, statuses
from test_puppet import Agent

ISSUED, REVOKED, PENDING = 200, 50, 10  # by puppetserver
ISSUED_HERE, REVOKED_HERE = 50, 10
THREADS = 4


def fleet(prefix, count):
    return [f"{prefix}-{number:03}.fleet.test" for number in range(count)]


THEIRS = fleet("theirs", ISSUED - 2)  # the agents are two more
OURS = fleet("ours", ISSUED_HERE)
WAITING = [f"pending-{number}.test" for number in range(PENDING)]


class ImportedService(Service):
    """countersign on the directory of a puppetserver, at the place where that listened."""

    def __init__(self, folder, server):
        self.folder = pathlib.Path(folder)
        self.process = None
        self.log_path = self.folder.with_name(self.folder.name + ".log")
        self.report = json.loads(run(
            BINARY, "import", "puppet", "--cadir", server.cadir, "--puppet-conf", server.conf,
            "--dir", self.folder, "--hostname", "localhost", "--listen",
            f"127.0.0.1:{server.port}", "--json").stdout)


def in_parallel(work, over):
    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(work, over))


def issue(party, names):
    """Has each signed by the list of `autosign`; name -> PEM."""
    def one(name):
        answer = party.ask(f"anon PUT certificate_request/{name}", cases.plain(name))
        assert answer.status == 200, (name, answer)
        answer = party.ask(f"anon GET certificate/{name}")
        assert answer.status == 200, (name, answer)
        return answer.body

    return dict(zip(names, in_parallel(one, names)))


def revoke(party, names):
    for name in names:
        answer = party.ask(f"admin PUT certificate_status/{name}", cases.REVOKED(name))
        assert answer.status == 204, (name, answer)


class Seen:
    """What a CA says of itself and of the fleet at one moment."""

    def __init__(self, party, folder, certificates):
        self.statuses = statuses(party)
        self.bundle = party.ask("anon GET certificate/ca").body
        self.crl = party.ask("anon GET certificate_revocation_list/ca").body
        self.requests = {name: party.ask(f"anon GET certificate_request/{name}").body
                         for name, row in self.statuses.items() if row["state"] == "requested"}
        folder.mkdir()
        (folder / "trust.pem").write_text(self.bundle + self.crl)
        files = []
        for name, pem in certificates.items():
            files.append(folder / name)
            files[-1].write_text(pem)
        said = run("openssl", "verify", "-crl_check_all", "-CAfile", folder / "trust.pem", *files,
                   check=False)
        self.good = {pathlib.Path(path).name for path in re.findall(r"(\S+): OK", said.stdout)}
        refused = re.findall(r"CN = (\S+)\nerror 23 at 0 depth lookup: certificate revoked",
                             said.stderr)
        self.revoked = set(refused)
        assert len(self.good) + len(self.revoked) == len(certificates), said.stderr

    def states(self):
        return {name: row["state"] for name, row in self.statuses.items()}


@unittest.skipUnless(JAR.exists(), "the package puppetserver is not installed")
class RoundTrip(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="countersign-test-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.issued = {}  # name -> PEM, of all that was ever issued by either
        cls.life_with_puppetserver()
        cls.life_with_us()
        cls.life_at_home()

    @classmethod
    def life_with_puppetserver(cls):
        autosign = cls.folder / "autosign.conf"
        autosign.write_text("*.fleet.test\n")
        cls.server = RealPuppetserver(cls.folder / "first", f"autosign = {autosign}").make_ca()
        cls.addClassCleanup(cls.server.stop)
        party = Party(cls.server, cls.folder, cls.server.bundle, cls.server.admin(), None)
        cls.server.start()
        cls.issued = issue(party, THEIRS)
        cls.agents = [Agent(cls, cls.server, f"agent-{number}.fleet.test") for number in range(2)]
        in_parallel(lambda agent: agent.bootstrap(), cls.agents)
        cls.issued.update((agent.name, agent.certificate.read_text()) for agent in cls.agents)
        in_parallel(lambda name: party.submit(name, cases.plain(name)), WAITING)
        cls.revoked_there = set(THEIRS[:REVOKED])
        revoke(party, THEIRS[:REVOKED // 2])
        answer = party.ask("admin PUT clean",
                           json.dumps({"certnames": THEIRS[REVOKED // 2:REVOKED]}).encode())
        assert answer.status == 200, answer
        cls.first = Seen(party, cls.folder / "seen-first", cls.issued)
        cls.server.stop()
        cls.first_inventory = (cls.server.cadir / "inventory.txt").read_text()
        cls.first_serial = int((cls.server.cadir / "serial").read_text(), 16)

    @classmethod
    def life_with_us(cls):
        service = ImportedService(cls.folder / "ours", cls.server)
        cls.addClassCleanup(service.stop)
        cls.imported = service.report
        config = service.folder / "countersign.toml"
        config.write_text(re.sub(r"^allow_auto_renewal.*\n", "", config.read_text(), flags=re.M)
                          .replace("[puppet]\n", "[puppet]\nallow_auto_renewal = true\n"))
        service.start()
        party = Party(service, cls.folder, service.folder / "ca/chain.pem",
                      (service.folder / "operator.pem", service.folder / "operator.key"), None)
        cls.taken_over = Seen(party, cls.folder / "seen-taken-over", cls.issued)
        cls.refused = [party_answer(service, name) for name in sorted(cls.revoked_there)[:1]]
        cls.agents_here = in_parallel(cls.look_at_the_ca, cls.agents)
        cls.renewed = [cls.renew(service, agent) for agent in cls.agents]
        in_parallel(lambda agent: agent.ssl_command("verify"), cls.agents)
        cls.issued.update(issue(party, OURS))
        cls.revoked_here = set(THEIRS[-REVOKED_HERE // 2:] + OURS[-REVOKED_HERE // 2:])
        revoke(party, sorted(cls.revoked_here))
        party.set_state(WAITING[0], "signed")
        cls.issued[WAITING[0]] = party.ask(f"anon GET certificate/{WAITING[0]}").body
        wanted = {facts.Certificate.read(cls.issued[name]).serial for name in cls.revoked_here}
        until(lambda: wanted <= set(party.crl().entries), "a CRL with all that was revoked here")
        cls.second = Seen(party, cls.folder / "seen-second", cls.issued)
        service.stop()
        cls.cadir = cls.folder / "home"
        cls.exported = json.loads(export(service, cls.cadir, "--json").stdout)
        cls.exported_inventory = (cls.cadir / "inventory.txt").read_text()
        cls.admin = party.callers["admin"]

    @classmethod
    def life_at_home(cls):
        home = RealPuppetserver(cls.folder / "second", "autosign = true", cadir=cls.cadir,
                                port=cls.server.port)
        cls.addClassCleanup(home.stop)
        home.start()
        party = Party(home, cls.folder, cls.cadir / "ca_crt.pem", cls.admin, None)
        cls.home = Seen(party, cls.folder / "seen-home", cls.issued)
        cls.agents_home = in_parallel(cls.look_at_the_ca, cls.agents)
        cls.issued_at_home = issue(party, fleet("home", 3))
        revoke(party, [OURS[0]])
        cls.after = Seen(party, cls.folder / "seen-after", {**cls.issued, **cls.issued_at_home})

    @classmethod
    def look_at_the_ca(cls, agent):
        """An agent that knows no CRL fetches it, and checks its own certificate by it."""
        (agent.ssl / "crl.pem").unlink()
        agent.bootstrap()
        return (agent.ssl / "crl.pem").read_text()

    @classmethod
    def renew(cls, service, agent):
        old = agent.certificate.read_text()
        status, new = service.curl("/puppet-ca/v1/certificate_renewal", method="POST",
                                   client=(agent.certificate, agent.key))
        assert status == 200, (status, new)
        agent.certificate.write_text(new)
        cls.issued["renewed-" + agent.name] = new
        return old, new

    def serials(self, pems):
        return [facts.Certificate.read(pem).serial for pem in pems]

    # Taken over.

    def test_we_list_what_puppetserver_listed(self):
        ours = dict(self.taken_over.statuses)
        ours.pop(self.imported_operator())
        self.assertEqual(ours, self.first.statuses)
        self.assertEqual(len(self.first.requests), PENDING)
        self.assertEqual({name: facts.blocks(pem, "CERTIFICATE REQUEST")
                          for name, pem in self.taken_over.requests.items()},
                         {name: facts.blocks(pem, "CERTIFICATE REQUEST")
                          for name, pem in self.first.requests.items()})

    def imported_operator(self):
        new = set(self.taken_over.statuses) - set(self.first.statuses)
        self.assertEqual(len(new), 1, "the operator that the import made")
        return new.pop()

    def test_we_refuse_what_puppetserver_revoked_and_nothing_else(self):
        self.assertEqual(self.first.revoked, self.revoked_there)
        self.assertEqual(self.taken_over.revoked, self.revoked_there)
        self.assertEqual(entries(self.taken_over.crl), entries(self.first.crl))
        self.assertGreaterEqual(facts.crls(self.taken_over.crl)[0].number,
                                facts.crls(self.first.crl)[0].number)
        self.assertEqual(self.refused, [0], "its handshake")

    def test_agents_verify_fetch_the_crl_and_renew_without_a_change_of_theirs(self):
        for crl in self.agents_here:
            self.assertEqual(entries(crl), entries(self.first.crl))
            self.assertEqual(len(facts.crls(crl)), 2)
        for old, new in map(lambda pair: map(facts.Certificate.read, pair), self.renewed):
            self.assertEqual((new.subject, new.spki, new.issuer), (old.subject, old.spki, old.issuer))
            self.assertNotEqual(new.serial, old.serial)

    # Home.

    def test_puppetserver_lists_what_we_listed(self):
        theirs = {name: row for name, row in self.home.statuses.items() if name != "localhost"}
        ours = {name: row for name, row in self.second.statuses.items() if name != "localhost"}
        self.assertEqual(theirs, ours)
        self.assertEqual(sum(state == "requested" for state in self.home.states().values()),
                         PENDING - 1)
        self.assertEqual(self.home.bundle, self.second.bundle)

    def test_no_serial_is_given_twice(self):
        every = self.serials({**self.issued, **self.issued_at_home}.values())
        self.assertEqual(len(every), len(set(every)))
        new = self.serials(self.issued_at_home.values())
        # Its counter goes on where it stood, and its own certificate may have taken one.
        self.assertGreaterEqual(min(new), self.first_serial)
        self.assertLess(max(new), self.first_serial + 5)
        self.assertEqual(int(self.exported["next_serial"], 16), self.first_serial)
        rows = (self.cadir / "inventory.txt").read_text().splitlines()
        self.assertEqual(len(rows), len({int(row.split()[0], 16) for row in rows}))

    def test_whatever_either_revoked_stays_revoked(self):
        revoked = self.revoked_there | self.revoked_here
        self.assertEqual(len(revoked), REVOKED + REVOKED_HERE)
        self.assertEqual(self.second.revoked, revoked)
        self.assertEqual(self.home.revoked, revoked)
        self.assertEqual(entries(self.home.crl), entries(self.second.crl))
        self.assertEqual(self.after.revoked, revoked | {OURS[0]})
        kept = entries(self.after.crl)
        self.assertEqual({serial: kept.get(serial) for serial in entries(self.first.crl)},
                         entries(self.first.crl))

    def test_crl_numbers_never_fall(self):
        numbers = [facts.crls(seen.crl)[0].number
                   for seen in (self.first, self.taken_over, self.second, self.home, self.after)]
        self.assertEqual(numbers, sorted(numbers))
        self.assertLess(numbers[0], numbers[-1])
        self.assertLess(numbers[2], self.exported["crl_number"] + 1)

    def test_the_inventory_is_the_first_one_with_what_came_after(self):
        first = [row.split() for row in self.first_inventory.splitlines()]
        home = [row.split() for row in self.exported_inventory.splitlines()]
        for row in first + home:
            row[0] = int(row[0], 16)
        theirs = [row for row in home if row[0] <= LONGEST]
        self.assertEqual(theirs[:-1], first)
        # `puppetserver ca generate --ca-client` writes no row; we know it from signed/.
        self.assertEqual(theirs[-1][3], "/CN=admin")
        self.assertGreaterEqual(len(home) - len(first), ISSUED_HERE + len(self.agents))

    def test_agents_go_home_with_the_certificates_that_we_renewed(self):
        for crl in self.agents_home:
            self.assertEqual(entries(crl), entries(self.home.crl))


@unittest.skipUnless(JAR.exists(), "the package puppetserver is not installed")
class SelfSigned(unittest.TestCase):
    """A CA that puppetserver made at its first start: no root above it, and serial 1 is its own."""

    maxDiff = None

    def test_there_and_back_at_once(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="countersign-test-"))
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        first = RealPuppetserver(folder / "first", "autosign = true")
        self.addCleanup(first.stop)
        first.start()
        issued = issue(Party(first, folder, first.bundle, None, None), ["a.test", "b.test"])
        first.stop()
        ours = ImportedService(folder / "ours", first)
        said = json.loads(export(ours, folder / "home", "--json").stdout)
        self.assertEqual((said["next_serial"], said["valid_outside_signed"]), ("0005", 0))
        for name in ("ca_crt.pem", "serial", "signed/a.test.pem"):
            self.assertEqual((folder / "home" / name).read_text(), (first.cadir / name).read_text())
        rows = (folder / "home/inventory.txt").read_text().splitlines()
        operator = [row for row in rows if row.endswith("/CN=operator")]
        self.assertEqual(len(operator), 1)
        rows.remove(operator[0])
        self.assertEqual(rows, (first.cadir / "inventory.txt").read_text().splitlines())
        home = RealPuppetserver(folder / "second", "autosign = true", cadir=folder / "home")
        self.addCleanup(home.stop)
        home.start()
        party = Party(home, folder, home.bundle,
                      (ours.folder / "operator.pem", ours.folder / "operator.key"), None)
        new = facts.Certificate.read(issue(party, ["c.test"])["c.test"])
        self.assertIn(new.serial, (5, 6), "it takes one for itself first")
        revoke(party, ["a.test"])
        self.assertEqual(list(party.crl().entries), [facts.Certificate.read(issued["a.test"]).serial])


def party_answer(service, name):
    """The status that a client with this certificate, for the key of the cases, gets; 0: none."""
    folder = service.folder.parent
    certificate, key = folder / "seen-first" / name, folder / "cases.key"
    key.write_bytes(cases.key().pem)
    return service.curl("/puppet-ca/v1/certificate/ca", client=(certificate, key), check=False)[0]


if __name__ == "__main__":
    main()
