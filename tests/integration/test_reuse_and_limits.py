"""A machine that is set up anew takes its name back, and a rule signs so many and no more."""

import http.client
import json
import random
import re
import threading

from harness import BINARY, ServiceTest, main, run, until
from test_puppet import Agent

REPLACE = r"""
default = "deny"

[[rule]]
name = "token"
match = { token = "required" }
action = "sign"
reuse = "replace"
"""
QUEUE = r"""
[[rule]]
name = "web"
match = { certname_regex = '.*\.example\.com' }
action = "sign"
reuse = "queue"
"""
LIMIT = r"""
default = "deny"

[[rule]]
name = "web"
match = { certname_regex = 'vm-[0-9]+\.example\.com' }
action = "sign"
limit = { rule = "10/d" }
"""
AT_ONCE = '[crl]\ndelay = "0s"\n'
CROWD = 50


class Reuse(ServiceTest):
    def mint(self, service, name):
        return service.cli("token", "create", name).stdout.strip()

    def post(self, service, csr, token=None):
        body = self.folder / "body.json"
        body.write_text(json.dumps({"csr": csr.read_text(), **({"token": token} if token else {})}))
        return service.json("/v1/requests", "-H", "Content-Type: application/json",
                            "--data-binary", f"@{body}")

    def certificates(self, service, name):
        rows = service.json(f"/v1/certificates?certname={name}", client="operator")[1]
        return {row["serial"]: row for row in rows["certificates"]}

    def revoked_in_crl(self, service):
        """{serial: reason} of the CRL that is served."""
        path = self.folder / "crl.pem"
        path.write_text(service.curl("/v1/crl", "-H", "Accept: application/x-pem-file")[1])
        text = run("openssl", "crl", "-in", path, "-noout", "-text").stdout
        found = {}
        for entry in text.split("Serial Number: ")[1:]:
            reason = re.search(r"CRL Reason Code:\s+([^\n]+)", entry)
            found[entry.split()[0]] = reason.group(1).strip() if reason else ""
        return found

    def agent(self, service, name, token, home):
        agent = Agent(self, service, name)
        agent.folder.rename(self.folder / home)  # the next machine of the name has its own
        agent.folder = self.folder / home
        agent.ssl = agent.folder / "ssl"
        agent.environment["HOME"] = str(agent.folder)
        attributes = self.folder / f"{home}.yaml"
        attributes.write_text(f"custom_attributes:\n  1.2.840.113549.1.9.7: {token}\n")
        agent.options = [
            "--certname", name, "--confdir", agent.folder / "conf", "--vardir", agent.folder / "var",
            "--ssldir", agent.ssl, "--rundir", agent.folder / "run", "--logdir", agent.folder / "log",
            "--server", "localhost", "--ca_server", "localhost", "--ca_port", str(service.port),
            "--serverport", str(service.port), "--keylength", "2048",
            "--csr_attributes", attributes]
        return agent

    def test_a_node_that_is_set_up_anew_takes_its_name_back_and_its_old_certificate_is_revoked(self):
        service = self.service(REPLACE, AT_ONCE)
        name = "node-1.example.com"
        old = self.agent(service, name, self.mint(service, name), "old")
        old.bootstrap()
        self.assertEqual(service.curl("/puppet-ca/v1/certificate/ca",
                                      client=(old.certificate, old.key))[0], 200)
        (old_serial,) = self.certificates(service, name)

        # Without a good token the name is taken, in Puppet's own words.
        csr, _ = self.csr(name)
        status, body = self.puppet_put(service, name, csr)
        self.assertEqual((status, body), (
            400, f"{name} already has a signed certificate; ignoring certificate request"))

        new = self.agent(service, name, self.mint(service, name), "new")
        new.bootstrap()
        self.assertIn("Verified", new.ssl_command("verify").stdout)
        rows = self.certificates(service, name)
        self.assertEqual(rows[old_serial]["revocation_reason"], "superseded")
        (new_serial,) = [serial for serial, row in rows.items() if row["state"] == "signed"]
        self.assertTrue(rows[new_serial]["current"])
        self.assertEqual(rows[old_serial]["revoked_at"], rows[new_serial]["issued_at"])
        # The old machine is shut out from that commit on, whatever CRL is out.
        self.assertEqual(service.curl("/puppet-ca/v1/certificate/ca", check=False,
                                      client=(old.certificate, old.key))[0], 0)
        until(lambda: self.revoked_in_crl(service).get(old_serial) == "Superseded",
              "the CRL that says superseded")
        self.assertNotIn(new_serial, self.revoked_in_crl(service))
        history = service.json(f"/v1/certificates/{old_serial}", client="operator")[1]
        self.assertEqual(history["state"], "revoked")
        shown = service.cli("show", name).stdout
        self.assertIn("superseded", shown)

    def test_curl_replaces_with_a_token_and_the_same_request_again_replaces_nothing(self):
        service = self.service(REPLACE, AT_ONCE)
        csr, _ = self.csr("a.example.com")
        first = self.post(service, csr, self.mint(service, "a.example.com"))[1]
        csr, _ = self.csr("a.example.com", key=self.folder / "second.key")
        self.assertEqual(self.post(service, csr)[0], 409)
        token = self.mint(service, "a.example.com")
        status, second = self.post(service, csr, token)
        self.assertEqual(status, 201)
        self.assertEqual(self.post(service, csr, token)[1]["serial"], second["serial"])
        states = {serial: row["state"] for serial, row in
                  self.certificates(service, "a.example.com").items()}
        self.assertEqual(states, {first["serial"]: "revoked", second["serial"]: "signed"})

    def test_a_name_in_use_waits_for_sign_and_is_replaced_by_it(self):
        service = self.service(QUEUE, AT_ONCE)
        csr, _ = self.csr("a.example.com")
        first = self.submit(service, csr)[1]
        csr, _ = self.csr("a.example.com", key=self.folder / "second.key")
        status, waiting = self.submit(service, csr)
        self.assertEqual(status, 202)
        self.assertIn(first["serial"], waiting["reason"])
        self.assertIn(first["serial"], service.cli("show", "a.example.com").stdout)
        whole = service.json(f"/v1/requests/{waiting['id']}", client="operator")[1]
        self.assertEqual(whole["would_revoke"], [first["serial"]])
        for bulk in (["--all"], ["--match", "^a"]):
            held = service.cli("sign", *bulk, "--yes", check=False)
            self.assertEqual(held.returncode, 1)
            self.assertIn(first["serial"], held.stderr)
            self.assertIn("Sign it by its name", held.stderr)
        self.assertEqual([row["state"] for row in
                          self.certificates(service, "a.example.com").values()], ["signed"])
        service.cli("sign", "a.example.com", "--yes")
        states = sorted(row["state"] for row in
                        self.certificates(service, "a.example.com").values())
        self.assertEqual(states, ["revoked", "signed"])

    def test_check_and_explain_tell_of_both(self):
        service = self.service(REPLACE.replace("token = \"required\"", "any = true"), start=False)
        path = service.folder / "policy.toml"
        refused = run(BINARY, "policy", "check", path, check=False)
        self.assertEqual(refused.returncode, 2)
        self.assertIn("could take a name from the machine that has it", refused.stderr)
        path.write_text(LIMIT)
        service.start()
        csr, _ = self.csr("vm-1.example.com")
        explained = service.cli("policy", "explain", "--csr", str(csr)).stdout
        self.assertIn("limit rule = 10/d: 0 used", explained)
        self.assertEqual(service.json("/v1/certificates?certname=vm-1.example.com",
                                      client="operator")[1]["certificates"], [])


class Limits(ServiceTest):
    def setUp(self):
        super().setUp()
        self.instance = self.service(LIMIT)
        _, self.key = self.csr("crowd")

    def ask(self, names):
        """All at once: {name: (status, answer)}; no answer: None."""
        bodies = {name: self.csr(name, key=self.key)[0].read_text() for name in names}
        answers = {}
        start = threading.Barrier(len(names))

        def one(name):
            connection = self.instance.kept_connection()
            start.wait()
            try:
                connection.request("POST", "/v1/requests", json.dumps({"csr": bodies[name]}),
                                   {"Content-Type": "application/json"})
                reply = connection.getresponse()
                answers[name] = (reply.status, json.loads(reply.read()))
            except (OSError, ValueError, http.client.HTTPException):
                answers[name] = None
            finally:
                connection.close()

        threads = [threading.Thread(target=one, args=(name,)) for name in names]
        for thread in threads:
            thread.start()
        return threads, answers

    def all_of(self, names):
        threads, answers = self.ask(names)
        for thread in threads:
            thread.join(60)
            self.assertFalse(thread.is_alive())
        return answers

    def issued(self):
        rows = self.instance.json("/v1/certificates?limit=1000", client="operator")[1]
        return {row["certname"] for row in rows["certificates"]
                if row["certname"].startswith("vm-")}

    def test_of_fifty_at_once_ten_are_signed_and_forty_wait_and_a_restart_changes_nothing(self):
        answers = self.all_of([f"vm-{number}.example.com" for number in range(CROWD)])
        self.assertEqual(sorted(status for status, _ in answers.values()), [201] * 10 + [202] * 40)
        for status, body in answers.values():
            if status == 202:
                self.assertRegex(body["reason"], r"over the limit rule = 10/d of rule 'web'; asked "
                                                 r"again from \S+Z on, it may be signed")
        self.instance.stop()
        self.instance.start()
        status, body = self.all_of(["vm-100.example.com"])["vm-100.example.com"]
        self.assertEqual(status, 202)
        self.assertEqual(len(self.issued()), 10)
        # A person may go on.
        self.instance.cli("sign", "vm-100.example.com", "--yes")
        self.assertEqual(len(self.issued()), 11)

    def test_a_kill_in_the_middle_neither_loses_nor_doubles_what_was_taken(self):
        seed = random.randrange(1 << 32)
        print(f"seed {seed}", flush=True)
        chance = random.Random(seed)
        threads, answers = self.ask([f"vm-{number}.example.com" for number in range(30)])
        threading.Event().wait(chance.uniform(0, 0.3))  # not a wait for anything: a random moment
        self.instance.process.kill()
        for thread in threads:
            thread.join(60)
            self.assertFalse(thread.is_alive())
        self.instance.stop()
        self.instance.start()
        acknowledged = {name for name, answer in answers.items() if answer and answer[0] == 201}
        self.assertLessEqual(acknowledged, self.issued(), f"seed {seed}")
        self.assertLessEqual(len(self.issued()), 10, f"seed {seed}")
        # What is left of the limit is exactly what was not taken.
        self.all_of([f"vm-{number}.example.com" for number in range(100, 120)])
        self.assertEqual(len(self.issued()), 10, f"seed {seed}")


if __name__ == "__main__":
    main()
