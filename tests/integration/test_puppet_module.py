"""The base class of every node (config/puppet/countersign), applied by the real puppet."""

import json
import pathlib
import shutil

from harness import ServiceTest, main, run

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

    def test_a_machine_without_a_puppet_conf_gets_one(self):
        self.conf.unlink()
        self.assertEqual(self.apply(self.declare()).returncode, 2)
        self.assertEqual(self.settings()["ca_server"], "ca.example.com")


if __name__ == "__main__":
    main()
