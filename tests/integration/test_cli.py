"""The operator's command line: on a terminal, in a pipe, and when it fails."""

import json
import os
import pathlib
import pty
import re
import select
import subprocess

from harness import BINARY, WAIT, ServiceTest, main, run

POLICY = r"""
default = "queue"

[[rule]]
name = "web"
match = { certname_regex = 'web[0-9]+' }
action = "sign"
"""


class Terminal:
    """A program under a pseudo-terminal of its own."""

    def __init__(self, *command, **environment):
        own, theirs = pty.openpty()
        self.fd, self.text = own, ""
        self.process = subprocess.Popen(
            [str(part) for part in command], stdin=theirs, stdout=theirs, stderr=theirs,
            env={**os.environ, **environment}, start_new_session=True)
        os.close(theirs)

    def read(self):
        """What comes next; "" at the end."""
        if not select.select([self.fd], [], [], WAIT)[0]:
            self.process.kill()
            raise AssertionError(f"nothing more within the bound after {self.text!r}")
        try:
            return os.read(self.fd, 65536).decode(errors="replace")
        except OSError:  # EIO: the other side is closed
            return ""

    def expect(self, words):
        while words not in self.text:
            more = self.read()
            if not more:
                raise AssertionError(f"it ended before {words!r}: {self.text!r}")
            self.text += more

    def answer(self, line):
        os.write(self.fd, line.encode() + b"\n")

    def end(self):
        """(exit code, all that was on the screen)."""
        while more := self.read():
            self.text += more
        os.close(self.fd)
        return self.process.wait(WAIT), self.text.replace("\r\n", "\n")


class CommandLine(ServiceTest):
    def client(self, service):
        return ("--client", service.folder / "client.toml")

    def terminal(self, service, *arguments):
        return Terminal(BINARY, *arguments, *self.client(service))

    def waiting(self, service, *names, **options):
        for name in names:
            status, answer = self.submit(service, self.csr(name, **options)[0])
            self.assertEqual(status, 202, answer)

    def signed(self, service, name):
        return service.curl(f"/puppet-ca/v1/certificate/{name}")[0] == 200


class Listing(CommandLine):
    def test_list_is_a_table_on_a_terminal_and_bare_columns_in_a_pipe(self):
        service = self.service(POLICY)
        self.waiting(service, "db1", "a-longer-name.example.com")
        code, screen = self.terminal(service, "list").end()
        self.assertEqual(code, 0)
        header, *rows = screen.splitlines()
        self.assertEqual(header.split(),
                         ["NAME", "STATE", "AGE", "SOURCE", "KEY", "NAMES", "WHY"])
        self.assertEqual(len(rows), 2)
        self.assertNotIn("\t", screen)
        for row, name in zip(rows, ("db1", "a-longer-name.example.com")):
            for word, found in (("NAME", name), ("STATE", "queued"), ("SOURCE", "127.0.0.1"),
                                ("KEY", "ec:P-256")):
                self.assertTrue(row[header.index(word):].startswith(found), screen)
        piped = service.cli("list").stdout.splitlines()
        self.assertEqual([line.split("\t")[0] for line in piped],
                         ["db1", "a-longer-name.example.com"])
        self.assertEqual({line.count("\t") for line in piped}, {6})

    def test_every_state_and_every_listing_verb_has_json(self):
        service = self.service(POLICY)
        self.waiting(service, "db1", "db2", "db3", "db4")
        service.cli("sign", "db2", "--yes")
        service.cli("deny", "db3", "--reason", "no")
        service.cli("sign", "db4", "--yes")
        service.cli("revoke", "db4")
        service.cli("token", "create", "--role", "auditor", "--label", "audit")
        for state, name in (("queued", "db1"), ("signed", "db2"), ("denied", "db3"),
                            ("revoked", "db4"), ("expired", None)):
            with self.subTest(state):
                listed = json.loads(service.cli("list", "--state", state, "--json").stdout)
                self.assertEqual({row["state"] for row in listed}, {state} if name else set())
                if name:
                    self.assertIn(name, [row["certname"] for row in listed])
        listed = json.loads(service.cli("list", "--json", "--match", "^nobody$").stdout)
        self.assertEqual(listed, [])
        shown = json.loads(service.cli("show", "db2", "--json").stdout)
        self.assertEqual([len(shown[part]) for part in ("requests", "certificates")], [1, 1])
        tokens = json.loads(service.cli("token", "list", "--json").stdout)
        self.assertEqual([row["label"] for row in tokens], ["audit"])
        explained = json.loads(service.cli("policy", "explain", "--json", "--csr",
                                           self.folder / "db1.csr").stdout)
        self.assertEqual(explained["action"], "queue")

    def test_show_has_the_trace_and_the_history(self):
        service = self.service(POLICY)
        self.waiting(service, "db1")
        service.cli("sign", "db1", "--yes")
        serial = json.loads(service.cli("show", "db1", "--json").stdout)["requests"][0]["serial"]
        for what in ("db1", serial):
            with self.subTest(what):
                text = service.cli("show", what).stdout
                self.assertRegex(text, r"certificate db1\n\s+serial\s+" + serial)
                self.assertRegex(text, r"history, newest first\n.*approve by admin:operator.*\n"
                                       r".*queue by anonymous")
        self.assertRegex(service.cli("show", "db1").stdout,
                         r"how it was decided\n\s+'web' did not match: .*certname_regex")

    def test_what_others_wrote_cannot_drive_the_terminal(self):
        service = self.service(POLICY)
        self.waiting(service, "db1")
        evil = "\x1b[2J\x07\u202egnp"
        service.cli("deny", "db1", "--reason", evil)
        for verb in (("list", "--state", "denied"), ("show", "db1"), ("show", evil),
                     ("sign", evil), ("revoke", evil), ("clean", evil)):
            with self.subTest(verb=verb):
                _, screen = self.terminal(service, *verb).end()
                self.assertNotRegex(screen, "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]")
                self.assertIn(r"\x1b[2J\x07\u202egnp", screen)


class Deciding(CommandLine):
    def test_sign_shows_what_each_will_hold_and_asks(self):
        service = self.service(POLICY)
        self.waiting(service, "db1")
        self.waiting(service, "db2", sans=["DNS:puppet.example.com"])
        for answer in ("n", "", "yess"):
            with self.subTest(answer):
                terminal = self.terminal(service, "sign", "db1", "db2")
                terminal.expect("Sign 2 certificates? [y/N]")
                self.assertIn("WILL HOLD", terminal.text)
                self.assertRegex(terminal.text, r"db2 .*DNS:puppet\.example\.com,DNS:db2")
                terminal.answer(answer)
                code, screen = terminal.end()
                self.assertEqual(code, 1)
                self.assertIn("Nothing was signed", screen)
                self.assertFalse(self.signed(service, "db1") or self.signed(service, "db2"))
        terminal = self.terminal(service, "sign", "db1", "db2")
        terminal.expect("[y/N]")
        terminal.answer("y")
        self.assertEqual(terminal.end()[0], 0)
        self.assertTrue(self.signed(service, "db1") and self.signed(service, "db2"))

    def test_rights_are_given_only_to_who_says_so(self):
        service = self.service(POLICY)
        self.waiting(service, "db1", extensions=["1.3.6.1.4.1.34380.1.3.13=ASN1:UTF8:admin"])
        refused = service.cli("sign", "db1", "--yes", check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("pp_auth_role", refused.stderr)
        self.assertIn("--authorization-extensions", refused.stderr)
        self.assertFalse(self.signed(service, "db1"))
        service.cli("sign", "db1", "--authorization-extensions", "--yes")
        pem = self.folder / "db1.pem"
        pem.write_text(service.curl("/puppet-ca/v1/certificate/db1")[1])
        self.assertIn("1.3.6.1.4.1.34380.1.3.13",
                      run("openssl", "x509", "-in", pem, "-noout", "-text").stdout)

    def test_sign_with_yes_does_not_ask(self):
        service = self.service(POLICY)
        self.waiting(service, "db1")
        code, screen = self.terminal(service, "sign", "--yes", "db1").end()
        self.assertEqual(code, 0)
        self.assertNotIn("[y/N]", screen)
        self.assertTrue(self.signed(service, "db1"))

    def test_a_denial_is_told_to_the_machine(self):
        service = self.service(POLICY)
        self.waiting(service, "db1")
        service.cli("deny", "db1", "--reason", "this rack is gone")
        status, problem = self.submit(service, self.folder / "db1.csr")
        self.assertEqual(status, 403)
        self.assertIn("this rack is gone", problem["detail"])
        status, text = self.puppet_put(service, "db1", self.folder / "db1.csr")
        self.assertEqual(status, 403)
        self.assertIn("this rack is gone", text)

    def test_one_certificate_is_revoked_by_its_serial(self):
        service = self.service(POLICY)
        serials = [self.submit(service, self.csr(name)[0])[1]["serial"]
                   for name in ("web1", "web2")]
        self.assertIn("web1", service.cli("revoke", "--serial", serials[0].lower(),
                                          "--reason", "keyCompromise").stdout)
        states = [service.json(f"/v1/certificates/{serial}", client="operator")[1]["state"]
                  for serial in serials]
        self.assertEqual(states, ["revoked", "signed"])
        self.assertEqual(service.cli("revoke", "--serial", "0123456789ABCDEF",
                                     check=False).returncode, 3)

    def test_clean_revokes_and_frees_the_name(self):
        service = self.service(POLICY)
        serial = self.submit(service, self.csr("web1")[0])[1]["serial"]
        (self.folder / "web1.key").unlink()
        other, _ = self.csr("web1")
        self.assertEqual(self.submit(service, other)[0], 409)
        service.cli("clean", "web1")
        self.assertEqual(self.submit(service, other)[0], 201)
        self.assertEqual(service.json(f"/v1/certificates/{serial}", client="operator")[1]["state"],
                         "revoked")


class Failing(CommandLine):
    def test_every_verb_has_the_exit_codes_of_the_interface_and_says_what_to_do(self):
        service = self.service(POLICY)
        self.waiting(service, "db1")
        self.submit(service, self.csr("web1")[0])
        auditor = self.token_file(service, "auditor")
        nowhere = self.folder / "nowhere.toml"
        nowhere.write_text('url = "https://127.0.0.1:1"\n')
        cases = [  # verb, exit code, what its stderr must say
            (("list",), 0, r"^$"),
            (("list", "--match", "nobody"), 0, r"Nothing is queued and matches"),
            (("list", "--match", "("), 1, r"'\('|match|regular expression"),
            (("list", "--state", "lost"), 2, r"queued"),
            (("show", "nobody"), 3, r"countersign list"),
            (("sign",), 2, r"--all or --match"),
            (("sign", "nobody"), 3, r"countersign list"),
            (("sign", "--match", "nobody"), 3, r"Nothing waits"),
            (("sign", "db1", "--all"), 2, r"--all or --match"),
            (("deny", "db1"), 2, r"--reason"),
            (("deny", "nobody", "--reason", "x"), 3, r"countersign list"),
            (("revoke",), 2, r"--serial"),
            (("revoke", "nobody"), 3, r"nobody"),
            (("revoke", "--serial", "0123456789ABCDEF"), 3, r"serial"),
            (("revoke", "web1", "--reason", "boredom"), 1, r"keyCompromise"),
            (("clean", "nobody"), 3, r"countersign list"),
            (("token", "create", "--role", "king"), 2, r"pipeline"),
            (("token", "create", "--role", "auditor", "--expires", "soon"), 2, r"90d"),
            (("token", "revoke", "nobody"), 3, r"token"),
            (("policy", "explain", "--csr", self.folder / "none.csr"), 2, r"none\.csr"),
            (("policy", "check", self.folder / "none.toml"), 2, r"none\.toml"),
            (("frobnicate",), 2, r"."),
        ]
        for verb, code, says in cases:
            with self.subTest(verb=verb):
                result = service.cli(*verb, check=False)
                self.assertEqual(result.returncode, code, result.stderr)
                self.assertRegex(result.stderr, says)
        online = [("list",), ("show", "db1"), ("sign", "db1"), ("deny", "db1", "--reason", "x"),
                  ("revoke", "web1"), ("clean", "web1"), ("token", "list"),
                  ("policy", "explain", "--csr", self.folder / "db1.csr")]
        for verb in online:
            with self.subTest(verb=verb, server="down"):
                result = run(BINARY, *verb, "--client", nowhere, check=False)
                self.assertEqual(result.returncode, 4, result.stderr)
                self.assertRegex(result.stderr, r"127\.0\.0\.1:1\b.*Is the service running")
        for verb in (("sign", "db1"), ("deny", "db1", "--reason", "x"), ("revoke", "web1"),
                     ("clean", "web1"), ("token", "list")):
            with self.subTest(verb=verb, caller="auditor"):
                result = run(BINARY, *verb, "--client", auditor, check=False)
                self.assertEqual(result.returncode, 1, result.stderr)
                self.assertNotEqual(result.stderr, "")
        self.assertEqual(service.json("/v1/requests?state=queued",
                                      client="operator")[1]["requests"][0]["certname"], "db1")

    def token_file(self, service, role, token=None):
        token = token or service.cli("token", "create", "--role", role).stdout.strip()
        path = self.folder / f"{role}.toml"
        path.write_text(f'url = "{service.url}"\nca = "{service.folder}/ca/chain.pem"\n'
                        f'token = "{token}"\n')
        return path

    def test_a_client_file_that_is_wrong_is_named_with_its_line(self):
        service = self.service(POLICY)
        path = self.folder / "client.toml"
        good = f'url = "{service.url}"\nca = "{service.folder}/ca/chain.pem"\n'
        for text, code, says in (
                (good + 'tokn = "x"\n', 2, r"client\.toml:3:\d+: .*tokn.*token"),
                (good + 'cert = "operator.pem"\n', 2, r"client\.toml:3:\d+: .*'key'"),
                ('ca = "x"\n', 2, r"client\.toml.*url"),
                (good.replace("https", "http"), 2, r"client\.toml:1:\d+: .*https://"),
                (good + 'cert = "no.pem"\nkey = "no.key"\n', 2, r"no\.pem"),
                (good.replace("chain.pem", "none.pem"), 2, r"none\.pem"),
                (good, 1, r"operator's certificate and key, or a token")):
            with self.subTest(text):
                path.write_text(text)
                result = run(BINARY, "list", "--client", path, check=False)
                self.assertEqual(result.returncode, code, result.stderr)
                self.assertRegex(result.stderr, says)


class Finding(CommandLine):
    def test_the_client_file_is_looked_up_in_the_order_of_the_interface(self):
        service = self.service(POLICY)
        home = self.folder / "home"
        own = home / ".config/countersign/client.toml"
        own.parent.mkdir(parents=True)
        broken = self.folder / "broken.toml"
        broken.write_text('url = "https://127.0.0.1:1"\n')
        good = service.folder / "client.toml"
        bare = {key: value for key, value in os.environ.items() if key != "COUNTERSIGN_CLIENT"}
        bare["HOME"] = str(home)

        def code(*arguments, **environment):
            return run(BINARY, "list", *arguments, check=False,
                       env={**bare, **environment}).returncode

        if not pathlib.Path("/etc/countersign/client.toml").exists():
            nothing = run(BINARY, "list", check=False, env=bare)
            self.assertEqual(nothing.returncode, 2)
            self.assertRegex(nothing.stderr, r"\.config/countersign/client\.toml and "
                                             r"/etc/countersign/client\.toml.*COUNTERSIGN_CLIENT")
        own.write_text(broken.read_text())
        self.assertEqual(code(), 4, "the own file is used")
        self.assertEqual(code(COUNTERSIGN_CLIENT=str(good)), 0, "the environment before it")
        self.assertEqual(code("--client", broken, COUNTERSIGN_CLIENT=str(good)), 4,
                         "--client before both")
        self.assertEqual(code(COUNTERSIGN_CLIENT=str(self.folder / "gone.toml")), 2,
                         "what is named must be there")

    def test_a_token_is_made_used_listed_and_revoked(self):
        service = self.service(POLICY)
        self.waiting(service, "db1")
        made = service.cli("token", "create", "--role", "operator", "--label", "night",
                           "--expires", "12h")
        token = made.stdout.strip()
        self.assertRegex(token, r"^cst_[A-Za-z0-9_-]{20,}$")
        identity = re.search(r"Token (\w+) \(operator\)", made.stderr).group(1)
        client = self.folder / "night.toml"
        client.write_text(f'url = "{service.url}"\nca = "{service.folder}/ca/chain.pem"\n'
                          f'token = "{token}"\n')
        self.assertEqual(run(BINARY, "sign", "db1", "--client", client).returncode, 0)
        _, screen = self.terminal(service, "token", "list").end()
        self.assertEqual(screen.splitlines()[0].split(),
                         ["ID", "ROLE", "ONLY", "LABEL", "BY", "CREATED", "VALID"])
        self.assertRegex(screen, rf"{identity} +operator +everything +night .*until ")
        self.assertNotIn(token, screen)
        service.cli("token", "revoke", identity)
        self.assertIn("revoked", service.cli("token", "list").stdout)
        refused = run(BINARY, "list", "--client", client, check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("token", refused.stderr)


if __name__ == "__main__":
    main()
