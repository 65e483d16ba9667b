"""One-time enrolment tokens: minted by CLI and REST, presented by agents and curl, used up once."""

import http.client
import json
import random
import threading

from harness import ServiceTest, main, run, until
from test_puppet import Agent

POLICY = r"""
default = "deny"

[[rule]]
name = "token"
match = { token = "required" }
grant = { dns = ["{certname}", "*.example.com"], extensions = ["pp_role"] }
action = "sign"
"""
QUEUEING = POLICY.replace('"deny"', '"queue"', 1)
CROWD = 100


class Tokens(ServiceTest):
    def mint(self, service, *arguments):
        made = service.cli("token", "create", *arguments)
        return made.stdout.strip()

    def post(self, service, csr, token):
        body = self.folder / "body.json"
        body.write_text(json.dumps({"csr": csr.read_text(), "token": token}))
        return service.json("/v1/requests", "-H", "Content-Type: application/json",
                            "--data-binary", f"@{body}")

    def with_password(self, name, token):
        """A CSR with a challenge password, as openssl writes it."""
        config = self.folder / "openssl.cnf"
        config.write_text("[req]\nprompt=no\ndistinguished_name=dn\nattributes=a\nstring_mask=utf8only\n"
                          f"[dn]\nCN={name}\n[a]\nchallengePassword={token}\n")
        path = self.folder / f"{name}.csr"
        run("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-keyout", self.folder / f"{name}.key", "-config", config, "-out", path)
        return path

    def test_an_agent_enrols_with_a_token_in_csr_attributes_and_its_certificate_does_not_hold_it(self):
        service = self.service(POLICY)
        token = self.mint(service, "node-1.example.com", "--expires", "1h")
        self.assertRegex(token, r"^cse_[A-Za-z0-9_-]{43}$")
        agent = Agent(self, service, "node-1.example.com")
        attributes = self.folder / "csr_attributes.yaml"
        attributes.write_text(f"custom_attributes:\n  1.2.840.113549.1.9.7: {token}\n"
                              "extension_requests:\n  pp_role: web\n")
        agent.options += ["--csr_attributes", attributes]
        agent.bootstrap()
        self.assertIn("Verified", agent.ssl_command("verify").stdout)
        text = run("openssl", "x509", "-in", agent.certificate, "-noout", "-text").stdout
        self.assertNotIn(token, text)
        self.assertNotIn("cse_", text)
        listed = json.loads(service.cli("token", "list", "--enrolment", "--json").stdout)
        self.assertEqual([(row["state"], row["used"]) for row in listed], [("used", 1)])
        self.assertNotIn(token, service.log_text())

    def test_an_agent_without_a_good_token_is_refused(self):
        service = self.service(POLICY)
        self.mint(service, "node-1.example.com")
        for attributes in ("", "custom_attributes:\n  1.2.840.113549.1.9.7: cse_guess\n"):
            agent = Agent(self, service, f"node-{len(attributes)}.example.com")
            path = self.folder / "csr_attributes.yaml"
            path.write_text(attributes)
            agent.options += ["--csr_attributes", path]
            self.assertNotEqual(agent.bootstrap(check=False).returncode, 0)
            self.assertFalse(agent.certificate.exists())

    def test_curl_presents_a_token_beside_the_request_or_as_its_challenge_password(self):
        service = self.service(POLICY)
        csr, _ = self.csr("a.example.com")
        self.assertEqual(self.post(service, csr, "cse_wrong")[0], 403)
        token = self.mint(service, "a.example.com")
        status, answer = self.post(service, csr, token)
        self.assertEqual((status, answer["rule"]), (201, "token"))
        token = self.mint(service, "b.example.com")
        status, answer = self.submit(service, self.with_password("b.example.com", token))
        self.assertEqual((status, answer["rule"]), (201, "token"))
        _, whole = service.json(f"/v1/requests/{answer['id']}", client="operator")
        self.assertTrue(whole["token"])

    def test_a_lost_answer_is_had_again_with_the_same_key_and_with_no_other(self):
        service = self.service(POLICY)
        token = self.mint(service, "a.example.com")
        csr, key = self.csr("a.example.com")
        _, first = self.post(service, csr, token)
        csr, _ = self.csr("a.example.com", key=key)
        status, again = self.post(service, csr, token)
        self.assertEqual((status, again["serial"]), (201, first["serial"]))
        csr, _ = self.csr("a.example.com", key=self.folder / "thief.key")
        status, answer = self.post(service, csr, token)
        self.assertEqual(status, 409)
        self.assertIn("already has a signed certificate", answer["detail"])

    def test_a_token_takes_the_place_of_a_squatter_and_a_waiting_password_is_not_shown(self):
        service = self.service(QUEUEING)
        squatter = self.with_password("a.example.com", "cse_stolen-guess")
        self.assertEqual(self.puppet_put(service, "a.example.com", squatter)[0], 200)
        path = "/puppet-ca/v1/certificate_request/a.example.com"
        status, body = service.curl(path)
        self.assertEqual(status, 403)
        self.assertNotIn("BEGIN", body)
        self.assertEqual(service.curl(path, client="operator")[0], 200)
        token = self.mint(service, "a.example.com")
        csr, _ = self.csr("a.example.com", key=self.folder / "real.key")
        self.assertEqual(self.post(service, csr, token)[0], 201)
        self.assertEqual(service.cli("list").stdout, "")

    def test_each_bound_of_a_token_is_kept_and_the_trace_names_it(self):
        service = self.service(POLICY)
        cases = (
            (("--source", "10.0.0.0/8"), {}, "other source"),
            (("--key-sha256", "a" * 64), {}, "another key"),
            (("--dns", "x.example.com"), {"sans": ["DNS:y.example.com"]}, "SAN"),
            (("--extension", "pp_role=db"),
             {"extensions": ["1.3.6.1.4.1.34380.1.1.13=ASN1:UTF8:web"]}, "pp_role = db"),
            (("--expires", "1s"), {}, "expired"),
        )
        for number, (bounds, asked, reason) in enumerate(cases):
            with self.subTest(reason):
                name = f"n{number}.example.com"
                token = self.mint(service, name, *bounds)
                csr, _ = self.csr(name, **asked)
                if reason == "expired":
                    until(lambda: json.loads(service.cli(
                        "token", "list", "--enrolment", "--match", name, "--json").stdout)[0][
                            "state"] == "expired", "the end of the token")
                self.assertEqual(self.post(service, csr, token)[0], 403)
                rows = service.json(f"/v1/requests?match={name}", client="operator")[1]["requests"]
                whole = service.json(f"/v1/requests/{rows[0]['id']}", client="operator")[1]
                self.assertIn(reason, whole["trace"][0]["detail"])

    def test_ten_thousand_tokens_are_minted_from_a_file_and_one_call(self):
        service = self.service(POLICY)
        names = [f"vm-{number}.example.com" for number in range(10_000)]
        path = self.folder / "names.txt"
        path.write_text("# the fleet\n\n" + "\n".join(names) + "\n")
        lines = self.mint(service, "--file", str(path)).splitlines()
        pairs = [line.split("\t") for line in lines]
        self.assertEqual([pair[0] for pair in pairs], names)
        self.assertEqual(len({pair[1] for pair in pairs}), 10_000)
        csr, _ = self.csr("vm-9999.example.com")
        self.assertEqual(self.post(service, csr, pairs[9999][1])[0], 201)
        body = self.folder / "order.json"
        body.write_text(json.dumps({"certnames": names}))
        status, made = service.json("/v1/tokens", "--data-binary", f"@{body}", client="operator")
        self.assertEqual((status, len(made["tokens"])), (201, 10_000))

    def test_orders_that_make_no_sense_are_refused_with_the_reason(self):
        service = self.service(POLICY)
        for arguments, code, text in (
                ((), 2, "--role"),
                (("a", "--role", "pipeline"), 2, "--role"),
                (("a", "--match", "b"), 2, "--match"),
                (("UPPER",), 1, "lower case"),
                (("--match", "("), 1, "certname_regex"),
                (("--match", "a.*", "--uses", "0"), 1, "uses"),
                (("a", "--profile", "none"), 1, "profile"),
                (("a", "--source", "10.1"), 1, "10.1"),
                (("a", "--extension", "x"), 2, "NAME=VALUE")):
            with self.subTest(arguments):
                ended = service.cli("token", "create", *arguments, check=False)
                self.assertEqual(ended.returncode, code, ended.stderr)
                self.assertIn(text, ended.stderr)
        self.assertEqual(service.cli("token", "list", "--enrolment").stdout, "")


class Crowd(ServiceTest):
    """A hundred who show one token at once."""

    def setUp(self):
        super().setUp()
        self.instance = self.service(POLICY)
        _, key = self.csr("crowd")
        self.names = [f"vm-{number}.example.com" for number in range(CROWD)]
        self.bodies = [self.csr(name, key=key)[0].read_text() for name in self.names]

    def mint(self):
        return self.instance.cli("token", "create", "--match", r"vm-[0-9]+\.example\.com",
                                 "--uses", "1").stdout.strip()

    def rush(self, token, meanwhile=lambda: None):
        """All at once; the answers by name. No answer: None."""
        answers = {}
        start = threading.Barrier(CROWD + 1)

        def ask(name, csr):
            start.wait()
            connection = self.instance.kept_connection()
            try:
                connection.request("POST", "/v1/requests", json.dumps({"csr": csr, "token": token}),
                                   {"Content-Type": "application/json"})
                reply = connection.getresponse()
                answers[name] = (reply.status, json.loads(reply.read()))
            except (OSError, ValueError, http.client.HTTPException) as error:
                answers[name] = None
                self.failures_seen.append(repr(error))
            finally:
                connection.close()

        self.failures_seen = []
        threads = [threading.Thread(target=ask, args=pair) for pair in zip(self.names, self.bodies)]
        for thread in threads:
            thread.start()
        start.wait()
        meanwhile()
        for thread in threads:
            thread.join(60)
            self.assertFalse(thread.is_alive())
        return answers

    def issued(self):
        rows = self.instance.json("/v1/certificates?limit=1000&state=signed",
                                  client="operator")[1]["certificates"]
        return {row["certname"]: row["serial"] for row in rows if row["certname"] in self.names}

    def test_one_is_signed_and_ninety_nine_are_refused_twenty_times(self):
        for turn in range(20):
            token = self.mint()
            answers = self.rush(token)
            self.assertEqual(self.failures_seen, [])
            won = {name: body["serial"] for name, (status, body) in answers.items() if status == 201}
            self.assertEqual(len(won), 1, f"round {turn}")
            self.assertEqual(self.issued(), won)
            refused = [body for status, body in answers.values() if status == 403]
            self.assertEqual(len(refused), CROWD - 1)
            for body in refused:
                self.assertEqual(body["type"], "urn:countersign:problem:denied")
            self.instance.cli("clean", *won)

    def test_a_kill_in_the_middle_neither_loses_nor_doubles_the_use_of_a_token(self):
        seed = random.randrange(1 << 32)
        print(f"seed {seed}", flush=True)
        chance = random.Random(seed)
        for turn in range(10):
            token = self.mint()

            def kill():
                moment = threading.Event()
                moment.wait(chance.uniform(0, 0.25))  # not a wait for anything: a random moment
                self.instance.process.kill()

            answers = self.rush(token, kill)
            self.instance.stop()
            self.instance.start()
            acknowledged = {name: answer[1]["serial"] for name, answer in answers.items()
                            if answer and answer[0] == 201}
            stored = self.issued()
            self.assertLessEqual(len(stored), 1, f"round {turn}, seed {seed}")
            for name, serial in acknowledged.items():
                self.assertEqual(stored.get(name), serial, f"round {turn}, seed {seed}")
            # Every machine tries again: who had it gets the same, else one gets it now.
            after = self.rush(token)
            won = {name: body["serial"] for name, (status, body) in after.items() if status == 201}
            self.assertEqual(len(won), 1, f"round {turn}, seed {seed}")
            if stored:
                self.assertEqual(won, stored)
            self.instance.cli("clean", *won)


if __name__ == "__main__":
    main()
