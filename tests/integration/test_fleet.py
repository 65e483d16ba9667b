"""A fleet: a real puppetserver that is no CA, real agents, and countersign as their ca_server."""

from compiler import Compiler
from harness import ServiceTest, main, run, until
from test_puppet import Agent

COMPILER = "compiler1.example.com"

POLICY = r"""
default = "queue"

[[rule]]
name = "nodes"
match = { certname_regex = 'node[0-9]+\.example\.com' }
action = "sign"
"""

# The base class comes last in the text and first in the run. `folder` is a fact of each agent.
SITE = """
node default {
  $folder = $facts['folder']
  exec { 'what the main stage finds':
    command => "/bin/cp ${folder}/conf/puppet.conf ${folder}/seen",
  }
  -> file { "${folder}/applied":
    content => "${trusted['certname']} ${trusted['authenticated']}\\n",
  }
  class { 'countersign':
    ca_server => 'localhost',
    ca_port   => %d,
    confdir   => "${folder}/conf",
    ssldir    => "${folder}/ssl",
  }
}
"""


class Node(Agent):
    """An agent that asks the compiler for its catalog."""

    def __init__(self, test, service, compiler, name):
        super().__init__(test, service, name)
        self.options[self.options.index("--serverport") + 1] = str(compiler.port)
        self.environment["FACTER_folder"] = str(self.folder)

    def run(self, *options):
        return run("puppet", "agent", "--onetime", "--no-daemonize", "--logdest", "console",
                   "--detailed-exitcodes", "--waitforcert", "0", *options, *self.options,
                   check=False, env=self.environment, timeout=180)


class Fleet(ServiceTest):
    def setUp(self):
        super().setUp()
        self.ca = self.service(POLICY, '[crl]\ndelay = "1s"\n')
        self.compiler = Compiler(self.folder / "compiler", self.ca, COMPILER, SITE % self.ca.port)
        self.addCleanup(self.compiler.stop)

    def enrol_compiler(self):
        """No rule signs a name that agents take for the compiler's, or the CA's own: a person does."""
        waiting = self.compiler.ssl_command("bootstrap", "--waitforcert", "0", check=False)
        self.assertEqual(waiting.returncode, 1, waiting.stdout + waiting.stderr)
        # All of it is on one host here, so the compiler asks for a name of the service.
        self.ca.cli("sign", COMPILER, "--reserved-names", "--yes")
        self.compiler.ssl_command("bootstrap", "--waitforcert", "0")

    def applies(self, node):
        applied = node.folder / "applied"
        applied.unlink(missing_ok=True)
        ended = node.run()
        self.assertEqual(ended.returncode, 2, ended.stdout + ended.stderr
                         + self.compiler.log_text()[-3000:])
        self.assertEqual(applied.read_text(), f"{node.name} remote\n")

    def refused(self, node):
        """Does the compiler refuse the handshake?"""
        ended = run("curl", "-sS", "--max-time", "30", "--cacert", node.ssl / "certs/ca.pem",
                    "--cert", node.certificate, "--key", node.key,
                    f"https://localhost:{self.compiler.port}/status/v1/simple", check=False)
        return ended.returncode != 0 and "alert" in ended.stderr

    def test_agents_enrol_by_rule_apply_the_base_class_first_and_a_revoked_one_is_refused(self):
        self.enrol_compiler()
        self.compiler.start()
        self.assertFalse((self.folder / "compiler/conf/ca").exists())
        nodes = [Node(self, self.ca, self.compiler, f"node{i}.example.com") for i in (1, 2, 3)]
        for node in nodes:
            self.applies(node)
            self.assertIn(f"ca_port = {self.ca.port}", (node.folder / "seen").read_text())
            self.assertTrue((node.folder / "conf/renew-certificate").exists())

        revoked, others = nodes[0], nodes[1:]
        crl = (self.compiler.ssl / "crl.pem").read_text()
        self.ca.cli("revoke", revoked.name, "--reason", "keyCompromise")
        self.applies(revoked)  # the compiler does not know yet

        def arrived():
            self.compiler.fetch_crl()
            return (self.compiler.ssl / "crl.pem").read_text() != crl

        until(arrived, "the compiler has the new CRL", seconds=10)
        until(lambda: self.refused(revoked), "the compiler took it up")
        ended = revoked.run("--no-usecacheonfailure")
        self.assertEqual(ended.returncode, 1, ended.stdout + ended.stderr)
        self.assertRegex(ended.stderr, r"SSL_\w+: .*alert certificate")
        self.applies(revoked)  # what it has in its cache, unless told otherwise
        for node in others:
            self.applies(node)


if __name__ == "__main__":
    main()
