"""A credential that is narrowed, and whoever holds it tries to reach further. Each attempt is refused,
nothing changes, and the audit has the reason."""

import json
import signal
import sqlite3
import unittest

import harness

POLICY = """
default = "queue"

[[rule]]
name = "ci machines"
match = { certname = ["ci-1", "ci-2", "ci-3"] }
action = "sign"

[[rule]]
name = "the rest of ci"
match = { certname_regex = 'ci-.*' }
action = "sign"

[[rule]]
name = "with a token"
match = { certname_regex = '[a-z]+-[0-9]+', token = "required" }
action = "sign"
"""


class AttackersRoles(harness.ServiceTest):
    def setUp(self):
        super().setUp()
        self.ca = self.service(POLICY)
        self.pipeline = self.token("--certname", "ci-*")
        for name in ("web-1", "ci-1"):
            self.submit_as(None, name)
        self.ca.cli("sign", "web-1")
        self.web = self.serial("web-1")

    def token(self, *arguments, role="pipeline"):
        made = json.loads(self.ca.cli("token", "create", "--role", role, *arguments, "--json").stdout)
        return made["token"]

    def call(self, token, path, body=None, method=None):
        arguments = ["-H", f"Authorization: Bearer {token}"] if token else []
        if body is not None:
            arguments += ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
        return self.ca.json(path, *arguments, method=method)

    def submit_as(self, token, name, **options):
        csr, _ = self.csr(name, **options)
        return self.call(token, "/v1/requests", {"csr": csr.read_text()})

    def serial(self, name):
        rows = self.call(self.reader(), f"/v1/certificates?certname={name}")[1]["certificates"]
        return rows[-1]["serial"]

    def reader(self):
        if not hasattr(self, "_reader"):
            self._reader = self.token(role="auditor")
        return self._reader

    def refusals(self):
        rows = json.loads(self.ca.cli("audit", "list", "--action", "refuse", "--limit", "1000", "--json",
                                      check=False).stdout)
        return [json.loads(row["detail"])["call"] for row in rows]

    def audit_rows(self):
        with sqlite3.connect(self.ca.folder / "countersign.db") as db:
            return db.execute("SELECT count(*) FROM audit WHERE action != 'refuse'").fetchone()[0]

    def test_a_pipeline_reaches_no_name_outside_of_its_pattern_by_any_route(self):
        _, waiting = self.submit_as(None, "db-1")
        csr = self.csr("web-9")[0].read_text()
        attempts = [
            ("POST", "/v1/requests", {"csr": csr}, "submit"),
            ("GET", f"/v1/requests/{waiting['id']}", None, "read"),
            ("GET", f"/v1/certificates/{self.web}", None, "read"),
            ("POST", f"/v1/certificates/{self.web}/revoke", {}, "revoke"),
            ("POST", "/v1/revoke", {"certname": "web-1"}, "revoke"),
            ("POST", "/v1/clean", {"certnames": ["ci-1", "web-1"]}, "revoke"),
            ("POST", "/v1/policy/explain", {"csr": csr}, "explain"),
            ("POST", "/v1/tokens", {"certname": "web-9"}, "mint"),
            ("POST", "/v1/tokens", {"certnames": ["ci-7", "web-9"]}, "mint"),
            ("POST", "/v1/tokens", {"certname_regex": "ci-.*|web-.*"}, "mint"),
            ("POST", "/v1/tokens", {"certname_regex": "ci-1"}, "mint"),
            ("POST", "/v1/tokens", {"certname": "ci-7", "dns": ["web-1"]}, "mint"),
        ]
        before = self.audit_rows()
        for method, path, body, action in attempts:
            with self.subTest(f"{method} {path} {body}"):
                status, answer = self.call(self.pipeline, path, body, method)
                self.assertEqual((status, answer["type"].rpartition("/")[2].rpartition(":")[2]),
                                 (403, "out-of-scope"), answer)
                self.assertIn("'ci-*'", answer["detail"])
                self.assertTrue(self.refusals()[0].startswith(action + ": "), self.refusals()[0])
        self.assertEqual(self.audit_rows(), before)
        # The name beside it in the list was left alone as well.
        self.assertEqual(self.ca.json(f"/v1/certificates/{self.serial('ci-1')}")[1]["state"],
                         "signed")

    def test_lists_show_a_narrowed_credential_what_is_within_and_nothing_else(self):
        self.submit_as(None, "db-1")
        for path, rows, member in (("/v1/requests", "requests", "certname"),
                                   ("/v1/certificates", "certificates", "certname"),
                                   ("/v1/audit", "audit", "subject"),
                                   ("/v1/history?subject=web-1", "history", "subject")):
            with self.subTest(path):
                status, answer = self.call(self.pipeline, path)
                self.assertEqual(status, 200)
                names = {row[member] for row in answer[rows]}
                self.assertLessEqual(names, {"ci-1"})
        status, answer = self.call(self.pipeline, "/v1/requests?limit=1&match=-")
        self.assertEqual([row["certname"] for row in answer["requests"]], ["ci-1"])
        self.assertIsNone(answer["next_cursor"])
        self.assertEqual(self.call(self.pipeline, "/metrics")[0], 403)

    def test_within_its_pattern_a_pipeline_works(self):
        status, answer = self.submit_as(self.pipeline, "ci-2")
        self.assertEqual((status, answer["state"]), (201, "signed"))
        self.assertEqual(self.call(self.pipeline, "/v1/tokens", {"certname": "ci-9"})[0], 201)
        self.assertEqual(self.call(self.pipeline, "/v1/clean", {"certnames": ["ci-2"]})[1],
                         {"cleaned": ["ci-2"], "not_found": []})

    def test_an_operator_makes_himself_no_admin_by_any_way(self):
        operator = self.token(role="operator")
        for order in ({"role": "admin"}, {"role": "operator"}, {"role": "pipeline"}):
            status, answer = self.call(operator, "/v1/tokens", order)
            self.assertEqual((status, answer["detail"]),
                             (403, "The role 'operator' may not administer tokens."))
            self.assertEqual(self.refusals()[0], "administer tokens")
        # A name with a role: neither approved, nor freed and asked for anew, nor by a token.
        self.ca.stop()
        self.ca.add_config('[admins]\ncertnames = ["boss-1"]\n')
        self.ca.start()
        _, waiting = self.submit_as(None, "boss-1")
        for body in ({}, {"reserved_names": True}):
            status, answer = self.call(operator, f"/v1/requests/{waiting['id']}/approve", body)
            self.assertEqual(status, 403, answer)
        self.assertIn("approve: 'boss-1' is held back", self.refusals()[0])
        self.call(operator, f"/v1/requests/{waiting['id']}/deny", {"reason": "x"})
        minted = self.call(operator, "/v1/tokens", {"certname": "boss-1"})[1]["token"]
        csr, _ = self.csr("boss-1", key=self.csr("other-1")[1])
        status, answer = self.call(None, "/v1/requests", {"csr": csr.read_text(), "token": minted})
        self.assertEqual((status, answer["reason"]),
                         (202, "it would have a role by its name; only an admin can sign it"))
        # A CSR that asks for the mark gets it from nobody.
        csr, _ = self.csr("mark-1", extensions=["1.3.6.1.4.1.34380.1.3.39=ASN1:UTF8String:true"])
        _, waiting = self.call(None, "/v1/requests", {"csr": csr.read_text()})
        status, answer = self.call(operator, f"/v1/requests/{waiting['id']}/approve",
                                   {"authorization_extensions": True, "reserved_names": True})
        self.assertEqual(status, 403, answer)

    def test_a_narrowed_operator_approves_no_san_outside(self):
        operator = self.token("--certname", "app-*", role="operator")
        _, waiting = self.submit_as(None, "app-x", sans=["DNS:app-x", "DNS:db1.example.com"])
        status, answer = self.call(operator, f"/v1/requests/{waiting['id']}/approve", {})
        self.assertEqual((status, answer["type"].rpartition(":")[2].rpartition("/")[2]),
                         (403, "out-of-scope"))
        self.assertIn("db1.example.com", self.refusals()[0])

    def test_a_rule_that_it_is_not_narrowed_to_signs_nothing_for_it(self):
        narrow = self.token("--certname", "ci-*", "--rule", "ci machines")
        status, answer = self.submit_as(narrow, "ci-77")
        self.assertEqual((status, answer["state"]), (202, "queued"))
        self.assertIn("narrowed to", answer["reason"])
        # Nor does it mint a token for another rule.
        status, answer = self.call(narrow, "/v1/tokens",
                                   {"certname": "ci-79", "rules": ["with a token"]})
        self.assertEqual(status, 403)
        self.assertIn("'with a token'", answer["detail"])
        self.assertTrue(self.refusals()[0].startswith("mint: "))

    def test_puppets_paths_hold_a_narrowed_person_to_the_names(self):
        csr, key = self.csr("person-x")
        _, waiting = self.call(None, "/v1/requests", {"csr": csr.read_text()})
        self.ca.cli("sign", "person-x")
        serial = self.serial("person-x")
        pem = self.folder / "person.pem"
        pem.write_text(self.ca.curl(f"/v1/certificates/{serial}", "-H",
                                    "Accept: application/x-pem-file")[1])
        self.ca.stop()
        self.ca.add_config('[[person]]\ncertname = "person-x"\nrole = "operator"\n'
                           'only = { certname = ["ci-*"] }\n')
        self.ca.start()
        self.submit_as(None, "db-1")
        client = (pem, key)
        root = "/puppet-ca/v1/"
        attempts = [
            ("GET", "certificate/web-1", None), ("GET", "certificate_status/web-1", None),
            ("GET", "certificate_request/db-1", None),
            ("PUT", "certificate_status/web-1", '{"desired_state": "revoked"}'),
            ("PUT", "certificate_status/db-1", '{"desired_state": "signed"}'),
            ("DELETE", "certificate_status/web-1", None),
            ("PUT", "clean", '{"certnames": ["ci-1", "web-1"]}'),
            ("PUT", "certificate_revocation_list", "none"),
        ]
        before = self.audit_rows()
        for method, path, body in attempts:
            with self.subTest(f"{method} {path}"):
                seen = len(self.refusals())
                arguments = ["-H", "Content-Type: application/json", "-d", body] if body else []
                self.assertEqual(self.ca.curl(root + path, *arguments, method=method,
                                              client=client)[0], 403)
                self.assertEqual(len(self.refusals()), seen + 1)
        status, body = self.ca.json(root + "sign", "-d", '{"certnames": ["db-1"]}', method="POST",
                                    client=client)
        self.assertEqual((status, body["signed"]), (200, []))
        status, body = self.ca.json(root + "sign/all", method="POST", client=client)
        self.assertEqual((status, body["signed"], body["signing-errors"]), (200, [], []))
        status, body = self.ca.json(root + "certificate_statuses/all", client=client)
        self.assertEqual({row["name"] for row in body}, {"ci-1"})
        self.assertEqual(self.audit_rows(), before)


class AttackersRules(harness.ServiceTest):
    """Whoever wants what an earlier rule refuses spells it another way; or has the limits forgotten."""

    ORDER = """
default = "queue"
[[rule]]
name = "held"
match = { certname = ["db1", "*.db.example.com"] }
action = "deny"
reason = "held"
[[rule]]
name = "held names"
match = { san_dns = 'db[0-9]+' }
action = "deny"
reason = "held as a SAN"
[[rule]]
name = "everybody else"
match = { any = true }
grant = { dns = ["{certname}", "db1", "www.example.com", "*.db.example.com"] }
action = "sign"
"""
    LIMIT = """
default = "queue"
[[rule]]
name = "web"
match = { certname_regex = 'web-[0-9]+' }
action = "sign"
limit = { rule = "3/d" }
"""

    def certificates(self, service):
        return service.json("/v1/certificates?limit=1000", client="operator")[1]["certificates"]

    def test_no_spelling_dodges_an_earlier_rule(self):
        service = self.service(self.ORDER)
        before = len(self.certificates(service))
        attempts = [
            # subject, SANs; the status of the answer, and what the answer or its reason says
            ("/CN=db1", (), 403, "held"),
            ("/CN=DB1", (), 400, ""),
            ("/CN=db1.", (), 202, "ends in a dot"),
            ("/CN=a.db.example.com", (), 403, "held"),
            ("/CN=a.b.db.example.com", (), 403, "held"),
            ("/CN=*.db.example.com", (), 400, ""),
            ("/CN=d\u0432 1", (), 400, ""),
            ("/CN=\uff44b1", (), 400, ""),
            ("/CN=db\u0131", (), 400, ""),
            ("/CN=db1\u200b", (), 400, ""),
            ("/CN= db1", (), 400, ""),
            ("/CN=ok-1/CN=db1", (), 400, ""),
            ("/CN=ok-1", ("DNS:ok-1", "DNS:db1"), 403, "held as a SAN"),
            ("/CN=ok-1", ("DNS:db1", "DNS:www.example.com"), 403, "held as a SAN"),
            ("/CN=ok-1", ("DNS:DB1",), 403, "held as a SAN"),
        ]
        for number, (subject, sans, wanted, said) in enumerate(attempts):
            with self.subTest(f"{subject} {sans}"):
                csr, _ = self.csr(f"try-{number}", subject=subject, sans=sans)
                status, answer = self.submit(service, csr)
                self.assertEqual(status, wanted, answer)
                self.assertIn(said, answer.get("detail", "") + answer.get("reason", ""))
        self.assertEqual(len(self.certificates(service)), before)
        csr, _ = self.csr("try-path", subject="/CN=db1")
        for name in ("ok-9", "%64b1", "db1%00", "DB1", "db1%2e", "../certificate_request/ok-9"):
            with self.subTest(f"path {name}"):
                status, _ = self.puppet_put(service, name, csr)
                self.assertIn(status, (400, 403, 404))
        self.assertEqual(len(self.certificates(service)), before)
        rows = json.loads(service.cli("audit", "list", "--action", "deny", "--json").stdout)
        self.assertLessEqual({"held", "held as a SAN"},
                             {json.loads(row["detail"])["reason"] for row in rows})

    def test_a_limit_outlives_a_restart_and_a_kill(self):
        service = self.service(self.LIMIT)
        number = 0

        def next_status():
            nonlocal number
            number += 1
            status, answer = self.submit(service, self.csr(f"web-{number}")[0])
            return status, answer.get("reason", "")

        self.assertEqual([next_status()[0] for _ in range(3)], [201] * 3)
        for ended in (None, signal.SIGTERM, signal.SIGKILL):
            if ended:
                service.stop(ended)
                service.start()
            status, reason = next_status()
            self.assertEqual(status, 202)
            self.assertIn("over the limit rule = 3/d", reason)
        rows = json.loads(service.cli("audit", "list", "--action", "queue", "--json").stdout)
        self.assertEqual(len(rows), 3)
        for row in rows:
            self.assertIn("over the limit", json.loads(row["detail"])["reason"])


if __name__ == "__main__":
    unittest.main()
