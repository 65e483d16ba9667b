"""A node after its first certificate: the recipes of docs/puppet.md, with the real agent."""

import shutil

from harness import ServiceTest, main, run, until
from test_puppet import Agent

SIGN = 'default = "sign"\n'
NAME = "node1.example.com"


class Recipe(ServiceTest):
    def enrolled(self, config=""):
        service = self.service(SIGN, '[crl]\ndelay = "1s"\n' + config)
        node = Agent(self, service, NAME)
        node.bootstrap()
        return service, node

    def accepted(self, service, certificate, key):
        """Does a handshake with this certificate succeed?"""
        return service.curl("/puppet-ca/v1/certificate/ca", client=(certificate, key),
                            check=False)[0] == 200

    def agent_run(self, node):
        """One run of the agent, which finds no compiler here: what it prints of certificates."""
        return run("puppet", "agent", "--onetime", "--no-daemonize", "--logdest", "console",
                   "--waitforcert", "0", *node.options, check=False, env=node.environment,
                   timeout=120)

    def refresh_crl(self, service, node):
        """What crl_refresh_interval does, once the revocation is published."""
        old = node.ssl / "crl.pem"
        until(lambda: service.curl("/puppet-ca/v1/certificate_revocation_list/ca")[1].strip()
              != old.read_text().strip(), "a new CRL is published", seconds=10)
        old.unlink()

    def assert_says(self, result, text, code=1):
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        self.assertIn(text, result.stdout + result.stderr)

    def kept(self, node, folder):
        """Copies of the node's certificate and key, for when it has others."""
        folder.mkdir()
        pair = (folder / "cert.pem", folder / "key.pem")
        for copy, original in zip(pair, (node.certificate, node.key)):
            copy.write_bytes(original.read_bytes())
        return pair


class Revoked(Recipe):
    def test_the_server_refuses_it_and_with_the_new_crl_it_refuses_itself(self):
        service, node = self.enrolled()
        service.cli("revoke", NAME, "--reason", "keyCompromise")
        self.assert_says(self.agent_run(node), "sslv3 alert certificate revoked")
        self.refresh_crl(service, node)
        revoked = f"Certificate 'CN={NAME}' is revoked"
        self.assert_says(self.agent_run(node), revoked)
        self.assert_says(node.ssl_command("verify", check=False), revoked)

    def test_a_new_key_is_no_way_back_until_the_name_is_cleaned(self):
        service, node = self.enrolled()
        service.cli("revoke", NAME, "--reason", "keyCompromise")
        self.refresh_crl(service, node)
        node.ssl_command("clean")
        self.assert_says(node.bootstrap(check=False), f"Certificate 'CN={NAME}' is revoked")
        self.assertFalse(node.certificate.exists())
        service.cli("clean", NAME)
        node.bootstrap()
        self.assert_says(node.ssl_command("verify"), "Verified client certificate", code=0)


class Cleaned(Recipe):
    def test_it_does_not_enrol_again_by_itself(self):
        service, node = self.enrolled()
        before = node.certificate.read_bytes()
        service.cli("clean", NAME)
        self.assert_says(self.agent_run(node), "sslv3 alert certificate revoked")
        self.refresh_crl(service, node)
        self.assert_says(self.agent_run(node), f"Certificate 'CN={NAME}' is revoked")
        self.assertEqual(node.certificate.read_bytes(), before)

    def test_after_ssl_clean_it_enrols_with_a_new_key_and_the_old_one_stays_refused(self):
        service, node = self.enrolled()
        old = self.kept(node, self.folder / "old")
        service.cli("clean", NAME)
        cleaned = node.ssl_command("clean")
        self.assert_says(cleaned, "Removed private key", code=0)
        self.assert_says(cleaned, "Removed certificate", code=0)
        node.bootstrap()
        self.assertNotEqual(node.key.read_bytes(), old[1].read_bytes())
        self.assertTrue(self.accepted(service, node.certificate, node.key))
        self.assertFalse(self.accepted(service, *old))


class Reprovisioned(Recipe):
    """The same name on an empty disk."""

    def provision_anew(self, node):
        """Returns the old certificate and key."""
        old = self.kept(node, self.folder / "old")
        shutil.rmtree(node.ssl)
        return old

    def test_its_name_is_taken_until_it_is_cleaned_and_then_its_next_run_enrols_it(self):
        service, node = self.enrolled()
        old = self.provision_anew(node)
        self.assert_says(node.bootstrap(check=False),
                         f"The certificate for 'CN={NAME}' does not match its private key")
        key = node.key.read_bytes()
        service.cli("clean", NAME)
        node.bootstrap()
        self.assertEqual(node.key.read_bytes(), key, "nothing had to be done on the node")
        self.assertTrue(self.accepted(service, node.certificate, node.key))
        self.assertFalse(self.accepted(service, *old))

    def test_where_duplicates_are_allowed_it_enrols_and_the_old_certificate_lives_until_revoked(self):
        service, node = self.enrolled("[puppet]\nallow_duplicate_certs = true\n")
        old = self.provision_anew(node)
        node.bootstrap()
        serial = run("openssl", "x509", "-noout", "-serial", "-in", old[0]).stdout
        self.assertTrue(self.accepted(service, *old))
        service.cli("revoke", "--serial", serial.strip().partition("=")[2])
        self.assertFalse(self.accepted(service, *old))
        self.assertTrue(self.accepted(service, node.certificate, node.key))


class Renamed(Recipe):
    def test_it_enrols_under_its_new_name_and_the_old_name_is_cleaned_on_both_sides(self):
        service, node = self.enrolled()
        old = self.kept(node, self.folder / "old")
        old_files = (node.certificate, node.key)
        node.name = "web1.example.com"
        node.options[node.options.index(NAME)] = node.name  # as `certname` of puppet.conf would
        node.bootstrap()
        self.assertTrue(self.accepted(service, *old), "until the old name is cleaned")

        service.cli("clean", NAME)
        self.assertFalse(self.accepted(service, *old))
        run("puppet", "ssl", "clean", *node.options, "--certname", NAME, env=node.environment)
        self.assertFalse(any(path.exists() for path in old_files))
        self.assertTrue(self.accepted(service, node.certificate, node.key))
        self.assert_says(node.ssl_command("verify"), "Verified client certificate", code=0)


if __name__ == "__main__":
    main()
