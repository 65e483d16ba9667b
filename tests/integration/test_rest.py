"""The REST path with nothing but curl and openssl."""

import json
import pathlib

from harness import ServiceTest, main, run, until

POLICY = r"""
default = "queue"

[[rule]]
name = "no intruders"
match = { certname_regex = 'evil-.*' }
action = "deny"
reason = "not ours"

[[rule]]
name = "web tier"
match = { certname_regex = 'web-[a-z0-9]+\.example\.com' }
grant = { dns = ["{certname}", "www.example.com"], extensions = ["pp_role"] }
action = "sign"
"""


class Rest(ServiceTest):
    def test_a_machine_that_a_rule_names_is_signed_at_once_and_verifies(self):
        service = self.service(POLICY)
        csr, _ = self.csr("web-1.example.com", sans=["DNS:www.example.com"])
        status, answer = self.submit(service, csr)
        self.assertEqual((status, answer["state"], answer["rule"]), (201, "signed", "web tier"))
        pem = self.folder / "web.pem"
        pem.write_text(answer["certificate"])
        run("openssl", "verify", "-x509_strict", "-CAfile", service.folder / "ca/chain.pem", pem)
        text = run("openssl", "x509", "-in", pem, "-noout", "-text").stdout
        self.assertIn("DNS:web-1.example.com, DNS:www.example.com", text)
        self.assertIn("CA:FALSE", text)
        # The same CSR again gets the same answer.
        again, second = self.submit(service, csr)
        self.assertEqual((again, second["serial"]), (201, answer["serial"]))

    def test_what_the_rule_does_not_grant_is_never_signed_by_it_on_any_path(self):
        service = self.service(POLICY)
        asked = {
            "web-a.example.com": {"sans": ["DNS:puppet.example.com"]},
            "web-b.example.com": {"sans": ["IP:10.0.0.1"]},
            "web-c.example.com": {"sans": ["email:root@example.com"]},
            "web-d.example.com": {"sans": ["URI:https://example.com/"]},
            "web-e.example.com": {"extensions": ["1.3.6.1.4.1.34380.1.1.1=ASN1:UTF8:x"]},
            "web-f.example.com": {"extensions": ["1.3.6.1.4.1.34380.1.3.39=ASN1:UTF8:true"]},
            "web-g.example.com": {"extensions": ["basicConstraints=critical,CA:TRUE"]},
        }
        for name, options in asked.items():
            with self.subTest(name=name, **options):
                csr, _ = self.csr(name, **options)
                status, answer = self.submit(service, csr)
                self.assertEqual((status, answer["state"]), (202, "queued"))
                _, whole = service.json(f"/v1/requests/{answer['id']}", client="operator")
                step = [s for s in whole["trace"] if s["rule"] == "web tier"][0]
                self.assertFalse(step["matched"])
                self.assertTrue(step["condition"].startswith("grant"), step)
                status, _ = self.puppet_put(service, name, csr)
                self.assertEqual(status, 400)
                status, _ = service.curl(f"/puppet-ca/v1/certificate/{name}")
                self.assertEqual(status, 404)

    def test_a_denied_request_says_why(self):
        service = self.service(POLICY)
        csr, _ = self.csr("evil-1")
        status, problem = self.submit(service, csr)
        self.assertEqual(status, 403)
        self.assertTrue(problem["type"].endswith("denied"), problem)
        self.assertIn("not ours", problem["detail"])

    def test_a_queued_request_is_approved_and_then_fetched(self):
        service = self.service(POLICY)
        csr, _ = self.csr("db-1.example.com")
        status, queued = self.submit(service, csr)
        self.assertEqual(status, 202)
        path = f"/v1/requests/{queued['id']}"
        status, _ = service.json(path + "/approve", method="POST")
        self.assertEqual(status, 401)
        status, approved = service.json(path + "/approve", method="POST", client="operator")
        self.assertEqual((status, approved["state"]), (200, "signed"))
        status, fetched = service.json(path)
        self.assertEqual(fetched["state"], "signed")
        self.assertIn("BEGIN CERTIFICATE", fetched["certificate"])
        status, again = service.json(path + "/approve", method="POST", client="operator")
        self.assertEqual(status, 409)

    def test_a_denied_queue_entry_stays_denied_for_the_same_csr(self):
        service = self.service(POLICY)
        csr, _ = self.csr("db-2.example.com")
        _, queued = self.submit(service, csr)
        status, _ = service.json(f"/v1/requests/{queued['id']}/deny", "-H",
                                 "Content-Type: application/json", "-d",
                                 json.dumps({"reason": "unknown machine"}),
                                 method="POST", client="operator")
        self.assertEqual(status, 200)
        status, problem = self.submit(service, csr)
        self.assertEqual(status, 403)
        self.assertIn("unknown machine", problem["detail"])

    def test_a_revoked_certificate_fails_at_openssl_and_at_our_own_door_within_5_s(self):
        service = self.service(POLICY)
        csr, key = self.csr("web-2.example.com")
        _, answer = self.submit(service, csr)
        pem = self.folder / "web.pem"
        pem.write_text(answer["certificate"])
        self.assertEqual(service.curl("/v1/ca/chain", client=(pem, key))[0], 200)
        status, _ = service.json(f"/v1/certificates/{answer['serial']}/revoke", "-H",
                                 "Content-Type: application/json", "-d",
                                 json.dumps({"reason": "keyCompromise"}),
                                 method="POST", client="operator")
        self.assertEqual(status, 200)
        status, error = service.curl("/v1/ca/chain", client=(pem, key), check=False)
        self.assertEqual(status, 0, "the TLS connection must be refused")
        crl = self.folder / "crl.pem"

        def refused():
            crl.write_text(service.curl("/v1/crl")[1])
            result = run("openssl", "verify", "-crl_check_all", "-CAfile",
                         service.folder / "ca/chain.pem", "-CRLfile", crl, pem, check=False)
            return "certificate revoked" in result.stdout + result.stderr

        until(refused, "openssl verify -crl_check fails", seconds=5)

    def test_tokens_give_their_role_and_no_more(self):
        service = self.service(POLICY)
        csr, _ = self.csr("db-3.example.com")
        _, queued = self.submit(service, csr)

        def token(role):
            _, made = service.json("/v1/tokens", "-H", "Content-Type: application/json", "-d",
                                   json.dumps({"role": role, "label": "test"}),
                                   method="POST", client="operator")
            return made

        def call(made, path, method="GET"):
            return service.curl(path, "-H", f"Authorization: Bearer {made['token']}",
                                method=method)[0]

        auditor, pipeline, operator = token("auditor"), token("pipeline"), token("operator")
        approve = f"/v1/requests/{queued['id']}/approve"
        self.assertEqual(call(auditor, "/v1/requests"), 200)
        self.assertEqual(call(auditor, approve, "POST"), 403)
        self.assertEqual(call(pipeline, "/v1/requests"), 200)
        self.assertEqual(call(pipeline, approve, "POST"), 403)
        self.assertEqual(call(operator, approve, "POST"), 200)
        self.assertEqual(call({"token": "cst_wrong"}, "/v1/requests"), 401)
        status, _ = service.curl(f"/v1/tokens/{auditor['id']}/revoke", method="POST",
                                 client="operator")
        self.assertEqual(status, 204)
        self.assertEqual(call(auditor, "/v1/requests"), 401)
        database = (service.folder / "countersign.db").read_bytes()
        self.assertNotIn(operator["token"].encode(), database)

    def test_lists_come_in_pages_that_miss_nothing(self):
        service = self.service(POLICY)
        names = [f"node-{i}.example.com" for i in range(7)]
        key = self.folder / "shared.key"
        for name in names:
            csr, _ = self.csr(name, key=key)
            self.assertEqual(self.submit(service, csr)[0], 202)
        seen, cursor = [], ""
        while True:
            _, page = service.json(f"/v1/requests?state=queued&limit=3{cursor}", client="operator")
            seen += [row["certname"] for row in page["requests"]]
            self.assertLessEqual(len(page["requests"]), 3)
            if not page["next_cursor"]:
                break
            cursor = f"&cursor={page['next_cursor']}"
        self.assertEqual(seen, names)

    def test_health_metrics_and_the_interface_document_are_served(self):
        service = self.service(POLICY)
        self.assertEqual(service.curl("/v1/health/live")[0], 200)
        self.assertEqual(service.curl("/v1/health/ready")[0], 200)
        self.assertEqual(service.json("/v1/openapi.json")[1]["openapi"][:3], "3.1")
        self.assertIn("countersign_", service.curl("/metrics")[1])

    def test_a_bad_policy_at_reload_is_shown_and_the_old_one_stays(self):
        service = self.service(POLICY)
        path = pathlib.Path(service.folder / "policy.toml")
        path.write_text(POLICY.replace("certname_regex = 'evil-.*'", "certname_regex = 'evil-('"))
        until(lambda: "policy.toml:" in service.curl("/v1/health/ready", client="operator")[1], "health shows it")
        csr, _ = self.csr("web-9.example.com")
        self.assertEqual(self.submit(service, csr)[0], 201)
        path.write_text(POLICY.replace("not ours", "go away"))
        until(lambda: "policy.toml:" not in service.curl("/v1/health/ready", client="operator")[1], "health is good")
        csr, _ = self.csr("evil-9")
        self.assertIn("go away", self.submit(service, csr)[1]["detail"])


if __name__ == "__main__":
    main()
