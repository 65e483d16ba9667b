"""A rule asks a decider outside, which can hold back, deny and narrow, and never add."""

import json
import re

from decider_party import POLICY, DeciderTest
from harness import BINARY, main, run, until
from https_endpoint import Endpoint, reply
from test_puppet import Agent

ROLE = "1.3.6.1.4.1.34380.1.1.13=ASN1:UTF8String:web"


def says(action, **more):
    return lambda request: reply({"action": action, **more})


class Webhook(DeciderTest):
    def test_signs_what_the_decider_signs_and_tells_it_the_facts(self):
        service, endpoint = self.webhook(says("sign", reason="host 4711"))
        row = self.enrol(service, "web-1.example.com", sans=["DNS:www.example.com"],
                         extensions=[ROLE])
        self.assertEqual(row["state"], "signed", row)
        asked = endpoint.requests[0]
        self.assertEqual(asked["path"], "/ask")
        question = asked["json"]
        self.assertEqual(question["version"], 1)
        self.assertEqual(question["certname"], "web-1.example.com")
        self.assertEqual(question["rule"], "web")
        self.assertEqual(question["source"], "127.0.0.1")
        self.assertEqual(question["facts"]["names"], ["DNS:www.example.com"])
        self.assertEqual(question["facts"]["extensions"], {"pp_role": "web"})
        self.assertEqual(question["facts"]["key"]["algorithm"], "ec")
        self.assertEqual(question["grant"], {
            "names": ["DNS:web-1.example.com", "DNS:www.example.com"], "extensions": ["pp_role"]})
        self.assertNotIn("csr", question)
        action, detail = self.audit_of(service, "web-1.example.com")
        self.assertEqual(action, "issue")
        self.assertEqual(detail["decider"], "the decider 'inventory' says sign: host 4711")
        trace = json.dumps(self.request(service, row)["trace"])
        self.assertIn("the decider 'inventory' says sign: host 4711", trace)

    def test_queues_and_denies_as_the_decider_says(self):
        for action, state in (("queue", "queued"), ("deny", "denied")):
            with self.subTest(action):
                endpoint = Endpoint(self, says(action, reason="not in the\ninventory"), name=action)
                service = self.service(POLICY, self.table(endpoint), name=f"ca-{action}")
                self.enrol(service, f"{action}.example.com")
                row = self.newest(service)
                self.assertEqual(row["state"], state)
                reason = f"the decider 'inventory' says {action}: not in the inventory"
                self.assertEqual(row["reason"], reason)
                self.assertEqual(self.audit_of(service, f"{action}.example.com"),
                                 (action, {"rule": "web", "reason": reason, "names": "",
                                           "token": "", "decider": reason, "identity": ""}))

    def test_a_denied_machine_that_tries_for_ever_adds_no_rows(self):
        service, endpoint = self.webhook(says("deny"))
        self.enrol(service, "web-1.example.com")
        first = self.newest(service)
        for _ in range(3):
            self.assertEqual(self.enrol(service, "web-1.example.com")["status"], 403)
        self.assertEqual(self.newest(service), first)
        self.assertEqual(len(endpoint.requests), 4)
        endpoint.answer = says("sign")
        self.assertEqual(self.enrol(service, "web-1.example.com")["state"], "signed")

    def test_narrows_the_grant_but_leaves_the_certname(self):
        service, _ = self.webhook(
            says("sign", grant={"names": ["DNS:www.example.com"], "extensions": []}))
        row = self.enrol(service, "web-1.example.com",
                         sans=["DNS:www.example.com", "DNS:api.example.com"], extensions=[ROLE])
        self.assertEqual(row["state"], "signed")
        text = run("openssl", "x509", "-noout", "-text",
                   input=self.request(service, row)["certificate"]).stdout
        self.assertIn("DNS:web-1.example.com, DNS:www.example.com\n", text)
        self.assertNotIn("api.example.com", text)
        self.assertNotIn("1.3.6.1.4.1.34380.1.1.13", text)

    def test_no_secret_leaves(self):
        service, endpoint = self.webhook(says("sign"), 'send_csr = true\n')
        config = self.folder / "secret.cnf"
        config.write_text("[req]\ndistinguished_name=dn\nattributes=at\nprompt=no\n"
                          "[dn]\nCN=web-1.example.com\n[at]\nchallengePassword=swordfish99\n")
        csr = self.folder / "secret.csr"
        run("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-keyout", self.folder / "secret.key", "-config", config, "-out", csr)
        self.assertEqual(self.submit(service, csr)[1]["state"], "signed")
        preshared = "1.3.6.1.4.1.34380.1.1.4=ASN1:UTF8String:swordfish98"
        self.enrol(service, "web-2.example.com", extensions=[preshared])
        # Without a secret the CSR goes too, as the table says.
        self.enrol(service, "web-3.example.com")
        until(lambda: len(endpoint.requests) >= 2, "the questions")
        for request in endpoint.requests:
            self.assertNotIn("swordfish", request["text"])
        self.assertNotIn("csr", endpoint.requests[0]["json"])
        self.assertIn("BEGIN CERTIFICATE REQUEST", endpoint.requests[-1]["json"]["csr"])

    def test_credentials_go_to_the_endpoint(self):
        plain = Endpoint(self, says("sign"))
        plain.stop()
        at = plain.folder
        run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", at / "client.key", "-out", at / "client.csr", "-subj", "/CN=countersign")
        run("openssl", "x509", "-req", "-in", at / "client.csr", "-CA", at / "ca.pem", "-CAkey",
            at / "ca.key", "-days", "30", "-out", at / "client.pem")
        (at / "token").write_text("sesame\n")
        endpoint = Endpoint(self, says("sign"), client_ca=at / "ca.pem")
        service = self.service(POLICY, self.table(
            endpoint, f'client_cert_file = "{at}/client.pem"\nclient_key_file = "{at}/client.key"\n'
                      f'token_file = "{at}/token"\n'))
        self.assertEqual(self.enrol(service, "web-1.example.com")["state"], "signed")
        self.assertEqual(endpoint.requests[0]["headers"]["Authorization"], "Bearer sesame")

    def test_a_decider_that_is_back_is_asked_again_without_a_person(self):
        service, endpoint = self.webhook(says("sign"), 'pause = "1s"\nfailures = 1\n')
        endpoint.stop()
        row = self.enrol(service, "web-1.example.com")
        self.assertEqual(row["state"], "queued")
        self.assertRegex(row["reason"], r"the decider 'inventory' gave no answer: .*; asked again "
                                        r"from \S+ on, it may be signed")
        self.assertIn('countersign_decider_open{decider="inventory"} 1', service.curl("/metrics")[1])
        ready = service.json("/v1/health/ready")
        self.assertEqual(ready[0], 200)
        self.assertIn("The decider 'inventory' gives no answers", ready[1]["warnings"][0])
        endpoint.start()
        until(lambda: self.enrol(service, "web-1.example.com").get("state") == "signed", "signed")
        self.assertIn('countersign_decider_open{decider="inventory"} 0', service.curl("/metrics")[1])
        self.assertEqual(service.json("/v1/health/ready")[1]["warnings"], [])

    def test_a_refused_request_takes_nothing_of_a_limit(self):
        policy = POLICY + 'limit = { rule = "1/d" }\n'
        service, endpoint = self.webhook(says("queue"), policy=policy)
        for number in range(3):
            self.enrol(service, f"web-{number}.example.com")
        endpoint.answer = says("sign")
        self.assertEqual(self.enrol(service, "web-7.example.com")["state"], "signed")
        over = self.enrol(service, "web-8.example.com")
        self.assertIn("over the limit", over["reason"])
        self.assertEqual(len(endpoint.requests), 4, "over the limit nobody is asked")

    def test_explain_says_whom_it_would_ask_and_asks_nobody(self):
        service, endpoint = self.webhook(says("deny"))
        csr, _ = self.csr("web-1.example.com")
        for extra in ([], ["--policy", service.folder / "policy.toml"]):
            text = service.cli("policy", "explain", "--csr", csr, *extra).stdout
            self.assertIn("would ask the decider 'inventory'", text)
        self.assertEqual(endpoint.requests, [])

    def test_a_policy_names_only_deciders_that_exist(self):
        service, _ = self.webhook(says("sign"))
        policy = service.folder / "new.toml"
        policy.write_text(POLICY.replace('"inventory"', '"inventroy"'))
        checked = run(BINARY, "policy", "check", policy, check=False)
        self.assertEqual(checked.returncode, 2)
        self.assertRegex(checked.stderr, r"new\.toml:\d+:\d+: there is no decider 'inventroy'\. "
                                         r"Known are: inventory\.")
        policy.write_text(POLICY.replace('"sign"', '"queue"'))
        checked = run(BINARY, "policy", "check", policy, check=False)
        self.assertIn("only a rule that signs asks a decider", checked.stderr)

    def test_replay_counts_its_word_as_unchanged(self):
        service, _ = self.webhook(says("queue"))
        self.enrol(service, "web-1.example.com")
        text = service.cli("policy", "replay", "--since", "1h", "--policy",
                           service.folder / "policy.toml").stdout
        self.assertIn("0 of 1 requests would be decided otherwise", text)
        other = self.folder / "new.toml"
        other.write_text(POLICY.replace('ask = "inventory"', ""))
        done = service.cli("policy", "replay", "--since", "1h", "--policy", other)
        self.assertIn("1 of 1 requests would be decided otherwise", done.stdout)
        self.assertIn("Deciders are not asked again", done.stdout + done.stderr)

    def test_a_puppet_agent_gets_its_certificate_once_the_decider_agrees(self):
        service, endpoint = self.webhook(says("queue", reason="not racked yet"))
        agent = Agent(self, service, "web-1.example.com")
        agent.bootstrap(check=False)
        self.assertFalse(agent.certificate.exists())
        queued = service.json("/v1/requests?state=queued", client="operator")[1]["requests"]
        self.assertIn("not racked yet", queued[0]["reason"])
        service.cli("sign", "web-1.example.com")
        agent.bootstrap()
        self.assertTrue(agent.certificate.exists())
        endpoint.answer = says("sign")
        other = Agent(self, service, "web-2.example.com")
        other.bootstrap()
        self.assertTrue(other.certificate.exists())


class Program(DeciderTest):
    def test_gets_the_certname_and_the_csr_as_puppet_gives_them(self):
        service = self.program('[ "$#" = 1 ] || exit 9\n'
                               'cat > "$0.csr"\n'
                               'case "$1" in web-*) exit 0;; esac\n'
                               'echo "not a web host" >&2; exit 3\n')
        agent = Agent(self, service, "web-1.example.com")
        agent.bootstrap()
        self.assertTrue(agent.certificate.exists())
        subject = run("openssl", "req", "-noout", "-subject", "-in",
                      self.folder / "decider.csr").stdout
        self.assertRegex(subject, r"CN ?= ?web-1\.example\.com")
        row = self.enrol(service, "db-1.example.com")
        self.assertEqual(row["state"], "queued")
        self.assertEqual(row["reason"],
                         "the decider 'inventory' says queue: exit code 3, not a web host")


class Configuration(DeciderTest):
    def test_what_is_wrong_is_said_with_its_place(self):
        cases = [
            ("", "write either url"),
            ('url = "https://x/"\nprogram = "p"\n', "write either url"),
            ('url = "http://x/"\n', "'url' must start with https://"),
            ('program = "p"\ntoken_file = "t"\n', "'token_file' is for 'url' alone"),
            ('url = "https://x/"\nclient_key_file = "k"\n', "'client_key_file' needs"),
            ('url = "https://x/"\ndeadline = "2m"\n', "'deadline' must be over 0 and at most 1m"),
            ('url = "https://x/"\ndedline = "2s"\n', "deadline"),
        ]
        for number, (table, complaint) in enumerate(cases):
            with self.subTest(table):
                said = self.refused_at_start(POLICY, "[decider.x]\n" + table, f"ca-{number}")
                self.assertRegex(said, r"countersign\.toml:\d+:\d+: .*" + re.escape(complaint))


if __name__ == "__main__":
    main()
