"""The real puppet agent against the service; `puppetserver ca` is in test_puppetserver_ca_cli.py."""

import os
import pathlib
import re

from harness import ServiceTest, main, run, until

POLICY = r"""
default = "queue"

[[rule]]
name = "by regex"
match = { certname_regex = 'web-[a-z0-9]+\.example\.com' }
action = "sign"

[[rule]]
name = "by list"
match = { certname_file = "allow.txt" }
action = "sign"

[[rule]]
name = "never"
match = { certname_regex = 'evil-.*' }
action = "deny"
reason = "not one of ours"
"""


class Agent:
    """A puppet agent with a folder of its own."""

    def __init__(self, test, service, name):
        self.folder = test.folder / f"agent-{name}"
        self.folder.mkdir()
        self.name = name
        self.ssl = self.folder / "ssl"
        self.options = [
            "--certname", name, "--confdir", self.folder / "conf", "--vardir", self.folder / "var",
            "--ssldir", self.ssl, "--rundir", self.folder / "run", "--logdir", self.folder / "log",
            "--server", "localhost", "--ca_server", "localhost",
            "--ca_port", str(service.port), "--serverport", str(service.port),
            "--keylength", "2048",
        ]
        self.environment = {**os.environ, "HOME": str(self.folder)}

    def ssl_command(self, action, *extra, check=True):
        return run("puppet", "ssl", action, *self.options, *extra, check=check,
                   env=self.environment, timeout=120)

    def bootstrap(self, check=True):
        return self.ssl_command("bootstrap", "--waitforcert", "0", check=check)

    @property
    def certificate(self):
        return self.ssl / "certs" / f"{self.name}.pem"

    @property
    def key(self):
        return self.ssl / "private_keys" / f"{self.name}.pem"


class PuppetAgent(ServiceTest):
    def start(self, config=""):
        service = self.service(POLICY, config, start=False)
        (service.folder / "allow.txt").write_text("# known hosts\nlisted.example.com\n*.lab.test\n")
        return service.start()

    def program(self, text):
        path = self.folder / "autosign"
        path.write_text("#!/bin/sh\n" + text)
        path.chmod(0o755)
        return path

    def test_an_agent_is_enrolled_by_regex_verifies_and_is_refused_once_revoked(self):
        service = self.start()
        agent = Agent(self, service, "web-1.example.com")
        agent.bootstrap()
        verified = agent.ssl_command("verify")
        self.assertIn("Verified", verified.stdout)
        listed = service.cli("list", "--state", "signed", "--json").stdout
        self.assertIn("web-1.example.com", listed)
        self.assertEqual(
            service.curl("/puppet-ca/v1/certificate/ca", client=(agent.certificate, agent.key))[0],
            200)

        service.cli("revoke", agent.name, "--reason", "keyCompromise")
        status, _ = service.curl("/puppet-ca/v1/certificate/ca",
                                 client=(agent.certificate, agent.key), check=False)
        self.assertEqual(status, 0, "the agent's own TLS connection must be refused")
        crl = self.folder / "crl.pem"

        def refused():
            crl.write_text(
                service.curl("/puppet-ca/v1/certificate_revocation_list/ca")[1])
            result = run("openssl", "verify", "-crl_check_all", "-CAfile",
                         service.folder / "ca/chain.pem", "-CRLfile", crl, agent.certificate,
                         check=False)
            return "certificate revoked" in result.stdout + result.stderr

        until(refused, "openssl verify -crl_check fails", seconds=5)

    def test_an_agent_is_enrolled_by_list(self):
        service = self.start()
        for name in ("listed.example.com", "a.b.lab.test"):
            agent = Agent(self, service, name)
            agent.bootstrap()
            self.assertTrue(agent.certificate.exists())

    def test_an_agent_is_enrolled_by_the_executable_which_gets_its_name_and_csr(self):
        seen = self.folder / "seen"
        program = self.program(f'echo "$1" > {seen}; cat >> {seen}; [ "$1" = exe-1 ]\n')
        service = self.start(f'[puppet]\nautosign = "{program}"\n')
        Agent(self, service, "exe-1").bootstrap()
        text = seen.read_text()
        self.assertTrue(text.startswith("exe-1\n-----BEGIN CERTIFICATE REQUEST-----"), text)
        refused = Agent(self, service, "exe-2").bootstrap(check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("exit code 1", service.cli("list", "--json").stdout)

    def test_an_executable_that_hangs_is_killed_with_its_children_and_the_request_waits(self):
        marker = self.folder / "child.pid"
        program = self.program(
            f"setsid sh -c 'echo $$ > {marker}.part; mv {marker}.part {marker}; exec sleep 1000' &\n"
            "sleep 1000\n")
        service = self.start(f'[puppet]\nautosign = "{program}"\nautosign_deadline = "1s"\n')
        csr, _ = self.csr("slow-1")
        status, _ = self.puppet_put(service, "slow-1", csr)
        self.assertEqual(status, 200)
        self.assertIn("slow-1", service.cli("list", "--json").stdout)
        child = int(marker.read_text())

        def gone():
            try:
                return pathlib.Path(f"/proc/{child}/stat").read_text().split()[2] in "ZX"
            except FileNotFoundError:
                return True

        until(gone, "the program's detached child is dead", seconds=5)

    def test_a_queued_agent_gets_its_certificate_after_countersign_sign(self):
        service = self.start()
        agent = Agent(self, service, "db-1.example.com")
        waiting = agent.bootstrap(check=False)
        self.assertEqual(waiting.returncode, 1)
        self.assertIn("db-1.example.com", service.cli("list").stdout)
        service.cli("sign", "db-1.example.com", "--yes")
        agent.bootstrap()
        self.assertIn("Verified", agent.ssl_command("verify").stdout)
        shown = service.cli("show", "db-1.example.com").stdout
        self.assertIn("by regex", shown)
        self.assertIn("approve", shown)

    def test_a_denied_agent_is_told_why(self):
        service = self.start()
        agent = Agent(self, service, "evil-1")
        denied = agent.bootstrap(check=False)
        self.assertEqual(denied.returncode, 1)
        self.assertFalse(agent.certificate.exists())
        csr = agent.ssl / "certificate_requests" / "evil-1.pem"
        if not csr.exists():
            csr, _ = self.csr("evil-1")
        status, body = self.puppet_put(service, "evil-1", csr)
        self.assertEqual(status, 403)
        self.assertIn("not one of ours", body)


if __name__ == "__main__":
    main()
