"""The base class of every node (config/puppet/countersign), applied by the real puppet."""

import contextlib
import json
import pathlib
import socket

from harness import ServiceTest, main, run, until
from test_puppet import Agent

PUPPET = pathlib.Path(__file__).resolve().parents[2] / "config/puppet"
MODULE = PUPPET / "countersign"

OLD_CONF = """\
[main]
ca_server=old-ca.example.com
certname = node1

[agent]
crl_refresh_interval = 2d
runinterval = 30m
"""


@contextlib.contextmanager
def closed_port():
    """A port that is bound, so that nobody else gets it, and on which nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


class BaseClass(ServiceTest):
    def setUp(self):
        super().setUp()
        self.confdir = self.folder / "conf"
        self.confdir.mkdir()
        self.conf = self.confdir / "puppet.conf"
        self.conf.write_text(OLD_CONF)

    def apply(self, manifest, *options):
        return run("puppet", "apply", "--confdir", self.confdir, "--vardir", self.folder / "var",
                   "--modulepath", PUPPET, "--detailed-exitcodes", *options, "-e", manifest,
                   check=False, timeout=120)

    def declare(self, **parameters):
        given = {"ca_server": "ca.example.com", "confdir": self.confdir,
                 "ssldir": self.folder / "ssl", **parameters}
        return "class { 'countersign': " + ", ".join(
            f"{name} => {value if isinstance(value, int) else repr(str(value))}"
            for name, value in given.items()) + " }\n"

    def settings(self):
        shown = run("puppet", "config", "print", "ca_server", "ca_port", "crl_refresh_interval",
                    "runinterval", "--section", "agent", "--confdir", self.confdir).stdout
        return dict(line.split(" = ") for line in shown.splitlines())

    def test_the_module_is_one_that_puppet_accepts(self):
        run("puppet", "parser", "validate", *MODULE.glob("manifests/*.pp"))
        metadata = json.loads((MODULE / "metadata.json").read_text())
        self.assertEqual(metadata["dependencies"], [])
        listed = run("puppet", "module", "list", "--modulepath", PUPPET, "--confdir", self.confdir)
        self.assertIn(metadata["name"], listed.stdout)
        self.assertEqual(listed.stderr, "")

    def test_the_settings_are_what_the_agent_then_reads_and_a_second_run_changes_nothing(self):
        manifest = self.declare(ca_port=8141, crl_refresh_interval="4h")
        self.assertEqual(self.apply(manifest).returncode, 2)
        self.assertEqual(self.settings(), {
            "ca_server": "ca.example.com", "ca_port": "8141", "crl_refresh_interval": "14400",
            "runinterval": "1800"})
        text = self.conf.read_text()
        again = self.apply(manifest)
        self.assertEqual(again.returncode, 0, again.stdout + again.stderr)
        self.assertEqual(self.conf.read_text(), text)

    def test_noop_tells_what_it_would_change_and_changes_nothing(self):
        told = self.apply(self.declare(), "--noop").stdout
        self.assertIn("ca_server = ca.example.com", told)
        self.assertEqual(self.conf.read_text(), OLD_CONF)

    def test_the_settings_are_written_before_anything_of_the_main_stage(self):
        # The rest comes first in the manifest, and fails: the settings are right all the same.
        seen = self.folder / "seen"
        rest = (f"exec {{ '/bin/cp {self.conf} {seen}': }}\n"
                "-> exec { '/bin/false': }\n")
        applied = self.apply(rest + self.declare())
        self.assertEqual(applied.returncode, 6, applied.stdout + applied.stderr)
        self.assertIn("ca_server=ca.example.com", seen.read_text())
        self.assertEqual(self.settings()["ca_server"], "ca.example.com")

    def test_a_certificate_that_ends_while_the_ca_is_away_does_not_keep_the_rest_from_its_run(self):
        (self.folder / "ssl/certs").mkdir(parents=True)
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-subj", "/CN=node1", "-days", "29", "-keyout", self.folder / "key.pem",
            "-out", self.folder / "ssl/certs/node1.pem")
        done = self.folder / "done"
        with closed_port() as port:
            applied = self.apply(
                self.declare(ca_server="localhost", ca_port=port)
                + f"file {{ '{done}': ensure => file }}\n", "--certname", "node1")
        self.assertEqual(applied.returncode, 2, applied.stdout + applied.stderr)
        self.assertIn("curl: ", applied.stdout + applied.stderr)
        self.assertTrue(done.exists())

    def test_a_machine_without_a_puppet_conf_gets_one(self):
        self.conf.unlink()
        self.assertEqual(self.apply(self.declare()).returncode, 2)
        self.assertEqual(self.settings()["ca_server"], "ca.example.com")


class Node(ServiceTest):
    """A service and a node of it, for the scripts that nodes run."""

    def start(self, config=""):
        service = self.service('default = "sign"\n', '[crl]\ndelay = "1s"\n' + config)
        node = Agent(self, service, "node1.example.com")
        node.bootstrap()
        return service, node

    def script(self, path, service, node, port=None):
        return run(PUPPET / path, node.ssl, node.name, "localhost", port or service.port,
                   check=False)


class FetchCrl(Node):
    FETCH = "compiler/fetch-crl"

    def test_a_revocation_arrives_with_it_and_without_one_the_file_is_left_alone(self):
        service, node = self.start()
        crl = node.ssl / "crl.pem"
        self.assertEqual(self.script(self.FETCH, service, node).returncode, 0)
        before = crl.stat()
        self.assertEqual(self.script(self.FETCH, service, node).returncode, 0)
        self.assertEqual(crl.stat().st_ino, before.st_ino)

        other = Agent(self, service, "node2.example.com")
        other.bootstrap()
        service.cli("revoke", other.name)
        text = crl.read_text()

        def arrived():
            self.assertEqual(self.script(self.FETCH, service, node).returncode, 0)
            return crl.read_text() != text

        until(arrived, "the new CRL is there", seconds=10)
        checked = run("openssl", "verify", "-crl_check_all", "-CAfile", node.ssl / "certs/ca.pem",
                      "-CRLfile", crl, other.certificate, check=False)
        self.assertIn("certificate revoked", checked.stdout + checked.stderr)
        self.assertEqual(crl.stat().st_mode, before.st_mode)
        self.assertFalse(crl.with_name("crl.pem.new").exists())

    def test_while_the_ca_is_away_the_file_stays(self):
        service, node = self.start()
        text = (node.ssl / "crl.pem").read_text()
        with closed_port() as port:
            away = self.script(self.FETCH, service, node, port=port)
        self.assertEqual(away.returncode, 75, away.stderr)
        self.assertEqual((node.ssl / "crl.pem").read_text(), text)

    def test_a_crl_of_another_ca_is_not_installed(self):
        service, node = self.start()
        other = self.service('default = "sign"\n', name="other")
        # The node trusts both CAs' servers, and its own certificate is of the first.
        bundle = node.ssl / "certs/ca.pem"
        bundle.write_text(bundle.read_text() + (other.folder / "ca/chain.pem").read_text())
        text = (node.ssl / "crl.pem").read_text()
        self.assertEqual(self.script(self.FETCH, other, node).returncode, 1)
        self.assertEqual((node.ssl / "crl.pem").read_text(), text)


class RenewCertificate(Node):
    RENEW = "countersign/files/renew-certificate"

    def serial(self, node):
        return run("openssl", "x509", "-noout", "-serial", "-in", node.certificate).stdout

    def test_a_node_renews_works_with_the_new_one_and_loses_both_with_its_name(self):
        service, node = self.start("[puppet]\nallow_auto_renewal = true\n")
        old = self.folder / "old.pem"
        old.write_text(node.certificate.read_text())
        mode = node.certificate.stat().st_mode
        ended = self.script(self.RENEW, service, node)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertNotEqual(node.certificate.read_text(), old.read_text())
        self.assertEqual(node.certificate.stat().st_mode, mode)
        self.assertIn("Verified", node.ssl_command("verify").stdout)
        node.bootstrap()
        both = [(path, node.key) for path in (old, node.certificate)]
        for pair in both:
            self.assertEqual(service.curl("/puppet-ca/v1/expirations", client=pair)[0], 200)

        service.cli("revoke", node.name)
        for pair in both:
            self.assertEqual(
                service.curl("/puppet-ca/v1/expirations", client=pair, check=False)[0], 0)
        self.assertEqual(self.script(self.RENEW, service, node).returncode, 75)

    def test_where_the_ca_does_not_renew_or_is_away_the_certificate_stays(self):
        service, node = self.start()
        before = self.serial(node)
        with closed_port() as port:
            for asked, says in ((service.port, "404"), (port, "curl: ")):
                with self.subTest(says):
                    ended = self.script(self.RENEW, service, node, port=asked)
                    self.assertEqual(ended.returncode, 75, ended.stderr)
                    self.assertIn(says, ended.stderr)
                    self.assertEqual(self.serial(node), before)


if __name__ == "__main__":
    main()
