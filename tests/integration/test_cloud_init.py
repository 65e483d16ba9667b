"""The user-data of config/cloud-init: valid, and a machine that boots with it enrols."""

import json
import os
import pathlib
import re
import threading

from harness import ServiceTest, main, run, until

CONFIG = pathlib.Path(__file__).resolve().parents[2] / "config/cloud-init"
DRIVER = pathlib.Path(__file__).with_name("cloud_modules.py")
NAME = "web-1.example.com"
PP_ROLE = "1.3.6.1.4.1.34380.1.1.13"
ABSENT = "(here the two certificates of chain.pem)"

# What the two files ask for, granted; and nothing for who does not know the password.
POLICY = """
default = "queue"

[[rule]]
name = "web tier"
match = { certname = "*.example.com", challenge_password = "new-secret-4f1c", extensions = { pp_role = "web" } }
grant = { dns = ["{certname}"], extensions = ["pp_role", "pp_environment"] }
action = "sign"
"""

# The package starts its service when it is installed, unless the unit is masked: postinst calls
# deb-systemd-invoke, which leaves a masked unit alone.
INSTALL = """#!/bin/sh
echo "$@" >>{root}/installed
[ "$(readlink {root}/etc/systemd/system/puppet.service)" = /dev/null ] || puppet agent {once}
"""
ONCE = "--onetime --no-daemonize --waitforcert 0 || true"


class Machine:
    """A root of its own, with the paths of the user-data below it."""

    def __init__(self, test, service, example):
        self.root = test.folder / "machine"
        self.ssl = self.root / "var/lib/puppet/ssl"
        self.conf = self.root / "etc/puppet/puppet.conf"
        for path in ("bin", "etc/puppet", "etc/systemd/system", "usr/local/sbin"):
            (self.root / path).mkdir(parents=True)
        self.conf.write_text("# of the package\n")
        options = (f"--confdir {self.root}/etc/puppet --vardir {self.root}/var/cache/puppet "
                   f"--ssldir {self.ssl} --rundir {self.root}/run --logdir {self.root}/log")
        self.program("puppet", f'case $1 in config) shift 2; exec /usr/bin/puppet config print '
                     f'"$@" {options};; *) exec /usr/bin/puppet "$@" {options};; esac\n')
        self.program("cloud-init-per", 'shift 2; exec "$@"\n')
        self.program("systemctl", f'echo "$@" >>{self.root}/systemctl\n')
        self.program("hostname", f"echo {NAME}\n")
        (self.root / "bin/install-package").write_text(INSTALL.format(root=self.root, once=ONCE))
        (self.root / "bin/install-package").chmod(0o755)
        self.user_data = self.root / "user-data"
        self.user_data.write_text(self.rooted(example, service))

    def program(self, name, text):
        path = self.root / "bin" / name
        path.write_text("#!/bin/sh\n" + text)
        path.chmod(0o755)

    def rooted(self, example, service):
        """The example with this machine's paths, the CA's certificates and address, and its name."""
        chain = (service.folder / "ca/chain.pem").read_text().strip()
        pem = re.compile(rf"^( *){re.escape(ABSENT)}$", re.M)
        text, count = pem.subn(lambda m: "\n".join(m[1] + line for line in chain.splitlines()),
                               (CONFIG / example).read_text())
        assert count == 1, count
        for path in ("/etc/", "/var/lib/puppet/", "/usr/local/"):
            text = re.sub(rf"(?<![\w/]){path}", f"{self.root}{path}", text)
        return (text.replace("https://ca.example.com:8140", service.url)
                .replace("ca_server: ca.example.com", "ca_server: localhost")
                .replace("ca_port: '8140'", f"ca_port: '{service.port}'")
                .replace("server: puppet.example.com", "server: localhost")
                .replace("certname: '%f'", f"certname: '{NAME}'"))

    def boot(self, wait=60):
        """Runs the modules; the completed process. `wait` is for the script of curl.yaml."""
        return run("/usr/bin/python3", DRIVER, self.user_data, self.root, check=False, timeout=180,
                   env={**os.environ, "HOME": str(self.root), "PAUSE": "1", "WAIT": str(wait)})

    def agent(self):
        """One run of the agent's service, which finds no compiler here."""
        run(self.root / "bin/puppet", "agent", "--onetime", "--no-daemonize", "--waitforcert", "0",
            check=False, timeout=120, env={**os.environ, "HOME": str(self.root)})


class Schema(ServiceTest):
    def test_cloud_init_accepts_both_files_and_would_not_accept_a_wrong_one(self):
        files = sorted(CONFIG.glob("*.yaml"))
        self.assertEqual([path.name for path in files], ["curl.yaml", "puppet.yaml"])
        for path in files:
            with self.subTest(path.name):
                checked = run("cloud-init", "schema", "--config-file", path)
                self.assertIn("Valid cloud-config", checked.stdout)
                self.assertNotIn("deprecat", checked.stdout + checked.stderr)
        wrong = self.folder / "wrong.yaml"
        wrong.write_text("#cloud-config\npuppet:\n  start_service: never\n")
        self.assertEqual(
            run("cloud-init", "schema", "--config-file", wrong, check=False).returncode, 1)


class Boot(ServiceTest):
    def start(self, policy, example):
        service = self.service(policy)
        return service, Machine(self, service, example)

    def requests(self, service):
        return json.loads(service.cli("list", "--json").stdout)

    def assert_has_role(self, certificate):
        shown = run("openssl", "x509", "-noout", "-text", "-in", certificate).stdout
        self.assertRegex(shown, re.escape(PP_ROLE) + r":\s*\n\s+\S*web")


class PuppetModule(Boot):
    def test_a_machine_enrols_by_its_attributes_before_its_service_runs(self):
        _, machine = self.start(POLICY, "puppet.yaml")
        booted = machine.boot()
        certificate = machine.ssl / f"certs/{NAME}.pem"
        self.assertTrue(certificate.exists(), booted.stdout + booted.stderr)
        self.assertEqual((machine.root / "installed").read_text().split(), ["puppet-agent"])
        self.assert_has_role(certificate)
        self.assertEqual((machine.root / "systemctl").read_text().splitlines(),
                         ["daemon-reload", "enable --now puppet.service"])
        self.assertFalse((machine.root / "etc/systemd/system/puppet.service").is_symlink())
        self.assertIn("crl_refresh_interval = 1h", machine.conf.read_text())

    def test_an_agent_that_the_installation_starts_all_the_same_has_the_attributes_and_the_ca(self):
        service, machine = self.start(POLICY, "puppet.yaml")
        # An installer that knows nothing of masks, on a network where the CA has its default name.
        (machine.root / "bin/install-package").write_text(
            f"#!/bin/sh\npuppet agent --ca_server localhost --ca_port {service.port} "
            f"--certname {NAME} {ONCE}\ncp {machine.ssl}/certs/{NAME}.pem {machine.root}/early\n")
        booted = machine.boot()
        self.assertTrue((machine.root / "early").exists(), booted.stdout + booted.stderr)
        self.assert_has_role(machine.root / "early")

    def test_attributes_that_come_with_the_module_come_too_late(self):
        # Why the example is as it is: the same attributes as `puppet: csr_attributes`, and an agent
        # that the package starts.
        service, machine = self.start(POLICY, "puppet.yaml")
        text = machine.user_data.read_text()
        text, masks = re.subn(r"^bootcmd:\n(?:  .*\n)+", "", text, flags=re.M)
        text, files = re.subn(r"^  - path: \S+/csr_attributes.yaml\n(?:    .*\n)+", "", text, flags=re.M)
        self.assertEqual((masks, files), (1, 1))
        text = text.replace("'600'", "'1'").replace(
            "  start_service: false",
            "  start_service: false\n  csr_attributes:\n"
            f"    extension_requests: {{ pp_role: web }}\n"
            "    custom_attributes: { 1.2.840.113549.1.9.7: new-secret-4f1c }")
        machine.user_data.write_text(text)
        (machine.root / "bin/install-package").write_text(
            f"#!/bin/sh\npuppet agent --ca_server localhost --ca_port {service.port} "
            f"--certname {NAME} {ONCE}\n")
        machine.boot()
        self.assertIn("pp_role",
                      (machine.root / "etc/puppet/csr_attributes.yaml").read_text())
        self.assertFalse((machine.ssl / f"certs/{NAME}.pem").exists())
        waiting = self.requests(service)
        self.assertEqual([(row["certname"], row["state"]) for row in waiting], [(NAME, "queued")])
        self.assertIn("pp_role was not asked for", service.cli("show", NAME).stdout)

        # The way out.
        machine.agent()
        self.assertFalse((machine.ssl / f"certs/{NAME}.pem").exists())
        service.cli("deny", NAME, "--reason", "no attributes")
        machine.agent()
        self.assert_has_role(machine.ssl / f"certs/{NAME}.pem")


class PlainCurl(Boot):
    def test_a_machine_enrols_with_its_attributes_and_a_second_run_changes_nothing(self):
        service, machine = self.start(POLICY, "curl.yaml")
        booted = machine.boot()
        self.assertEqual(booted.returncode, 0, booted.stdout + booted.stderr)
        folder = machine.root / "etc/countersign"
        self.assertEqual({path.name for path in folder.iterdir()},
                         {"chain.pem", "node.key", "node.pem"})
        self.assertEqual((folder / "node.key").stat().st_mode & 0o777, 0o600)
        self.assert_has_role(folder / "node.pem")
        pair = (folder / "node.pem", folder / "node.key")
        self.assertEqual(service.curl("/puppet-ca/v1/certificate/ca", client=pair)[0], 200)

        before = [path.read_bytes() for path in pair]
        self.assertEqual(self.enrol(machine).returncode, 0)
        self.assertEqual([path.read_bytes() for path in pair], before)

    def enrol(self, machine):
        """What runcmd of the user-data became, once more."""
        return run("sh", machine.root / "scripts/runcmd", check=False, timeout=120, env={
            **os.environ, "PATH": f"{machine.root}/bin:{os.environ['PATH']}", "PAUSE": "1"})

    def test_a_machine_that_no_rule_signs_waits_for_a_person(self):
        service, machine = self.start('default = "queue"\n', "curl.yaml")
        booted = []
        waiting = threading.Thread(target=lambda: booted.append(machine.boot()))
        waiting.start()
        self.addCleanup(waiting.join)
        until(lambda: self.requests(service), "the request is queued")
        service.cli("sign", NAME, "--yes")
        waiting.join(60)
        self.assertEqual([process.returncode for process in booted], [0])
        self.assert_has_role(machine.root / "etc/countersign/node.pem")

    def test_the_wait_has_an_end_and_the_next_run_goes_on(self):
        service, machine = self.start('default = "queue"\n', "curl.yaml")
        booted = machine.boot(wait=0)
        self.assertEqual(booted.returncode, 1)
        self.assertIn("not signed yet", booted.stderr)
        service.cli("sign", NAME, "--yes")
        self.assertEqual(self.enrol(machine).returncode, 0)
        self.assert_has_role(machine.root / "etc/countersign/node.pem")

    def test_a_machine_that_is_refused_says_why_and_stops(self):
        _, machine = self.start(
            '[[rule]]\nname = "no"\nmatch = { any = true }\naction = "deny"\nreason = "not ours"\n',
            "curl.yaml")
        self.assertIn("not ours", machine.boot().stderr)
        self.assertEqual(self.enrol(machine).returncode, 1)
        self.assertFalse((machine.root / "etc/countersign/node.pem").exists())

    def test_a_name_that_another_key_has_is_not_taken_for_this_machine(self):
        service, machine = self.start(POLICY.replace("queue", "sign"), "curl.yaml")
        other, _ = self.csr(NAME)
        self.assertEqual(self.puppet_put(service, NAME, other)[0], 200)
        self.assertIn("clean it first", machine.boot().stderr)
        self.assertFalse((machine.root / "etc/countersign/node.pem").exists())


if __name__ == "__main__":
    main()
