"""Who may do what: every verb of the command line with a credential of every role, by the tables of
docs/roles.md, which a unit test holds against the code. And what narrows a credential."""

import json
import pathlib
import re
import subprocess
import unittest

import harness

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROLES = ["anonymous", "agent", "pipeline", "auditor", "operator", "admin"]
REFUSED = re.compile(r"may not|needs a client certificate")
POLICY = """
default = "queue"
[[rule]]
name = "ci machines"
match = { certname_regex = 'ci-[0-9]+' }
action = "sign"
[[rule]]
name = "agents"
match = { certname_regex = 'agent-[0-9]+' }
action = "sign"
"""


def table(first_header):
    """The rows of the table of docs/roles.md that begins so, cells without backquotes."""
    rows, inside = [], False
    for line in (ROOT / "docs/roles.md").read_text().splitlines():
        if line.startswith(f"| {first_header} |"):
            inside = True
        elif not line.startswith("|"):
            inside = False
        if inside:
            rows.append([cell.strip().strip("`") for cell in line.strip("|").split("|")])
    return rows[2:]


def verbs(*path):
    """What --help lists below these words, as whole verbs."""
    text = harness.run(harness.BINARY, *path, "--help").stdout
    below = re.search(r"^Subcommands:\n((?:  .*\n)+)", text, re.M)
    if not below:
        return [" ".join(path)]
    found = []
    for name in re.findall(r"^  ([a-z]+) ", below.group(1), re.M):
        found += verbs(*path, name)
    return found


class Roles(harness.ServiceTest):
    def setUp(self):
        super().setUp()
        self.ca = self.service(POLICY)
        self.clients = {role: self.client(role) for role in ROLES}

    def client(self, role):
        path = self.folder / f"{role}.toml"
        text = f'url = "{self.ca.url}"\nca = "{self.ca.folder}/ca/chain.pem"\n'
        if role == "agent":
            csr, key = self.csr("agent-1")
            pem = self.folder / "agent-1.pem"
            pem.write_text(self.submit(self.ca, csr)[1]["certificate"])
            text += f'cert = "{pem}"\nkey = "{key}"\n'
        elif role != "anonymous":
            made = self.ca.cli("token", "create", "--role", role).stdout.strip()
            text += f'token = "{made}"\n'
        path.write_text(text)
        return path

    def refusals(self):
        rows = json.loads(self.ca.cli("audit", "list", "--action", "refuse", "--limit", "1000",
                                      "--json", check=False).stdout)
        return len(rows)

    def arguments(self, role):
        """Of each verb of docs/roles.md. What is decided waits; what else it is about is not there."""
        csr, _ = self.csr("ci-9")
        for name in (f"sign-{role}", f"deny-{role}"):
            self.assertEqual(self.submit(self.ca, self.csr(name)[0])[0], 202)
        policy = self.ca.folder / "policy.toml"
        return {
            "list": ["list"],
            "show": ["show", "none"],
            "watch": ["watch"],
            "sign": ["sign", f"sign-{role}"],
            "deny": ["deny", f"deny-{role}", "--reason", "x"],
            "revoke": ["revoke", "none"],
            "clean": ["clean", "none"],
            "token create": ["token", "create", "ci-8"],
            "token create --role": ["token", "create", "--role", "auditor"],
            "token list": ["token", "list"],
            "token list --enrolment": ["token", "list", "--enrolment"],
            "token revoke (of a machine)": None,  # below
            "token revoke": ["token", "revoke", "none"],
            "audit list": ["audit", "list"],
            "audit export": ["audit", "export"],
            "hook list": ["hook", "list"],
            "policy explain": ["policy", "explain", "--csr", csr],
            "policy replay": ["policy", "replay", "--since", "1d", "--policy", policy],
            "policy reload": ["policy", "reload"],
        }

    def run_verb(self, arguments, client):
        command = [harness.BINARY, *map(str, arguments), "--client", str(client)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   stdin=subprocess.DEVNULL, text=True)
        try:
            if arguments[0] == "watch":
                first = process.stderr.readline()
                if first.startswith("Watching"):
                    process.terminate()
                return process.wait(harness.WAIT), first
            _, errors = process.communicate(timeout=harness.WAIT)
            return process.returncode, errors
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate()

    def test_every_verb_has_its_row_and_every_row_a_verb(self):
        rows = [row[0] for row in table("verb")]
        found = verbs()
        for verb in found:
            self.assertTrue(any(row == verb or row.startswith(verb + " ") for row in rows),
                            f"'{verb}' has no row in docs/roles.md")
        for row in rows:
            self.assertTrue(any(row == verb or row.startswith(verb + " ") for verb in found), row)

    def test_every_role_on_every_verb(self):
        may = {row[0]: dict(zip(ROLES, row[1:7])) for row in table("action")}
        arguments = {role: self.arguments(role) for role in ROLES}
        for verb, action in table("verb"):
            if action == "on this machine":
                self.assertNotIn(verb, arguments["admin"])
                continue
            self.assertIn(verb, arguments["admin"], "a verb without a try")
            if arguments["admin"][verb] is None:
                continue
            for role in ROLES:
                with self.subTest(f"{role}: {verb}"):
                    before = self.refusals()
                    code, errors = self.run_verb(arguments[role][verb], self.clients[role])
                    refused = bool(REFUSED.search(errors))
                    self.assertEqual(refused, may[action][role] == "no", errors)
                    self.assertEqual(self.refusals() > before, refused)
                    if refused:
                        self.assertEqual(code, 1)

    def test_whoever_mints_ends_what_machines_get_and_no_other_token(self):
        made = json.loads(self.ca.cli("token", "create", "--role", "auditor", "--json").stdout)
        for role in ("pipeline", "operator"):
            machine = json.loads(self.ca.cli("token", "create", f"ci-{len(role)}", "--json").stdout)
            code, errors = self.run_verb(["token", "revoke", machine["id"]], self.clients[role])
            self.assertEqual((code, errors), (0, ""))
            code, errors = self.run_verb(["token", "revoke", made["id"]], self.clients[role])
            self.assertEqual(code, 1)
            self.assertIn("may not administer tokens", errors)

    def test_the_list_of_tokens_says_what_each_is_narrowed_to_and_who_made_it(self):
        self.ca.cli("token", "create", "--role", "pipeline", "--certname", "ci-*", "--certname",
                    "/build[0-9]+/", "--rule", "ci machines", "--label", "builds")
        row = self.ca.cli("token", "list").stdout.splitlines()[-1].split("\t")
        self.assertEqual(row[1:5], ["pipeline", "ci-*, /build[0-9]+/ by ci machines", "builds",
                                    "admin:operator"])
        last = json.loads(self.ca.cli("token", "list", "--json").stdout)[-1]
        self.assertEqual(last["scope"], {"certnames": ["ci-*", "/build[0-9]+/"],
                                         "rules": ["ci machines"]})
        for bad in (["--role", "admin", "--certname", "ci-*"],
                    ["--role", "pipeline", "--certname", "CI-?"],
                    ["ci-1", "--certname", "ci-*"]):
            self.assertIn(self.ca.cli("token", "create", *bad, check=False).returncode, (1, 2))

    def test_people_have_the_roles_that_the_configuration_says(self):
        names = ("anna", "otto", "paul", "nora")
        keys = {}
        for name in names:
            csr, key = self.csr(name)
            self.submit(self.ca, csr)
            self.ca.cli("sign", name)
            pem = self.folder / f"{name}.pem"
            pem.write_text(self.ca.json(f"/v1/certificates?certname={name}",
                                        client="operator")[1]["certificates"][0]["serial"])
            serial = pem.read_text()
            status, body = self.ca.curl(f"/v1/certificates/{serial}", "-H",
                                        "Accept: application/x-pem-file")
            self.assertEqual(status, 200)
            pem.write_text(body)
            keys[name] = (pem, key)
        self.ca.stop()
        self.ca.add_config('[admins]\ncertnames = ["anna"]\n\n[operators]\ncertnames = ["otto"]\n\n'
                           '[auditors]\ncertnames = ["paul"]\n\n[[person]]\ncertname = "nora"\n'
                           'role = "operator"\nonly = { certname = ["ci-*"] }\n')
        self.ca.start()
        csr, _ = self.csr("web-1")
        _, waiting = self.submit(self.ca, csr)

        def status(name, path, *arguments):
            return self.ca.curl(path, *arguments, client=keys[name])[0]

        approve = f"/v1/requests/{waiting['id']}/approve"
        for name, tokens, lists, approves in (("anna", 200, 200, 200), ("otto", 403, 200, 409),
                                              ("paul", 403, 200, 403), ("nora", 403, 200, 403)):
            with self.subTest(name):
                self.assertEqual(status(name, "/v1/tokens"), tokens)
                self.assertEqual(status(name, "/v1/requests"), lists)
                self.assertEqual(status(name, approve, "-X", "POST"), approves)
        self.assertEqual(self.ca.json("/v1/certificates", client=keys["nora"])[1]["certificates"],
                         [])
        # Puppet's protocol goes by the same table, and by the same names.
        self.assertEqual(status("paul", "/puppet-ca/v1/certificate_status/web-1"), 200)
        self.assertEqual(status("nora", "/puppet-ca/v1/certificate_status/web-1"), 403)
        for name, code in (("paul", 403), ("nora", 403), ("otto", 200)):
            self.assertEqual(status(name, "/puppet-ca/v1/clean", "-X", "PUT", "-d",
                                    '{"certnames": ["web-1"]}'), code, name)

    def test_explain_says_what_a_token_is_worth(self):
        made = json.loads(self.ca.cli("token", "create", "ci-5", "--json").stdout)
        secret = self.folder / "secret"
        secret.write_text(made["token"] + "\n")
        for name, said in (("ci-5", f"token {made['id']}: good for this request"),
                           ("ci-6", "token: not good: the token is for another name")):
            csr, _ = self.csr(name)
            shown = self.ca.cli("policy", "explain", "--csr", csr, "--token-file", secret)
            self.assertIn(said, shown.stdout)
        self.assertNotIn(made["token"], self.ca.log_text())
        self.assertEqual(self.ca.cli("policy", "explain", "--csr", csr, "--token-file", secret,
                                     "--policy", self.ca.folder / "policy.toml",
                                     check=False).returncode, 2)


if __name__ == "__main__":
    unittest.main()
