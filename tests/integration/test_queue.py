"""Working the queue: approvals of several people, filters, views, bulk with a preview, expiry."""

import json
import urllib.parse

from approvers import ApproversTest
from harness import BINARY, ServiceTest, main, run, until
from puppetserver import puppetserver_ca
from test_puppet import Agent


class Approvals(ApproversTest):
    def test_two_people_approve_by_rest_and_the_audit_says_who(self):
        service = self.start()
        request = self.queued(service, "db-1")
        row = service.json(f"/v1/requests/{request}", client="operator")[1]
        self.assertEqual((row["approvals_needed"], row["approvals"]), (2, []))
        self.assertIn("2 people must approve it", row["reason"])

        status, body = self.approve(service, request, "alice")
        self.assertEqual((status, body["state"]), (202, "queued"))
        self.assertEqual([one["person"] for one in body["approvals"]], ["alice"])
        self.assertEqual(self.signed(service, "db-1"), 0)
        status, body = self.approve(service, request, "bob")
        self.assertEqual((status, body["state"]), (200, "signed"))
        self.assertIn("BEGIN CERTIFICATE", body["certificate"])

        rows = self.audit(service, "db-1")
        self.assertEqual([row[0] for row in rows], ["queue", "vote", "approve"])
        self.assertEqual((rows[1][2]["person"], rows[1][2]["approvals"]), ("alice", "1 of 2"))
        self.assertEqual(rows[2][2]["approved_by"], "alice, bob")

    def test_the_command_line_says_how_many_are_missing_and_shows_who_approved(self):
        service = self.start()
        self.queued(service, "db-1")
        done = service.cli("sign", "db-1", "--yes")
        self.assertEqual(done.stdout, "db-1\tapproved\t1 more needed\n")
        self.assertIn("approved by alice", service.cli("list").stdout)
        self.assertIn("alice, as admin:operator", service.cli("show", "db-1").stdout)
        again = service.cli("sign", "db-1", "--yes", check=False)
        self.assertEqual(again.returncode, 1)
        self.assertIn("alice has approved 'db-1' already", again.stderr)
        other = run(BINARY, "sign", "db-1", "--yes", "--client", self.client_of(service, "bob"))
        self.assertRegex(other.stdout, r"^db-1\tsigned\t[0-9A-F]+\n$")

    def test_a_real_agent_waits_for_two_puppetserver_ca_sign(self):
        service = self.start()
        agent = Agent(self, service, "db-1.example.com")
        self.assertNotEqual(agent.bootstrap(check=False).returncode, 0)

        def sign(who, *arguments):
            certificate, key = self.people[who]
            home = self.folder / f"home-{who}"
            if not home.exists():
                for part in ("certs", "private_keys"):
                    (home / "ssl" / part).mkdir(parents=True)
                (home / "ssl/certs/admin.pem").write_bytes(certificate.read_bytes())
                (home / "ssl/private_keys/admin.pem").write_bytes(key.read_bytes())
                (home / "ssl/certs/ca.pem").write_text(
                    service.curl("/puppet-ca/v1/certificate/ca")[1])
                (home / "ssl/crl.pem").write_text(
                    service.curl("/puppet-ca/v1/certificate_revocation_list/ca")[1])
                (home / "puppet.conf").write_text(
                    f"[main]\ncertname = admin\nserver = localhost\nca_server = localhost\n"
                    f"ca_port = {service.port}\nserverport = {service.port}\n"
                    f"ssldir = {home}/ssl\nconfdir = {home}\ncadir = {home}/ca\n")
            return puppetserver_ca("sign", *arguments, config=home / "puppet.conf", home=home)

        unread = sign("bob", "--all")
        self.assertNotEqual(unread.returncode, 0, "in bulk, without a preview, nobody approves it")
        first = sign("bob", "--certname", agent.name)
        self.assertNotEqual(first.returncode, 0)
        self.assertNotIn("Successfully signed", first.stdout)
        self.assertIn(agent.name, first.stdout + first.stderr)
        self.assertNotEqual(agent.bootstrap(check=False).returncode, 0)
        second = sign("carol", "--certname", agent.name)
        self.assertEqual(second.returncode, 0, second.stdout + second.stderr)
        agent.bootstrap()
        self.assertIn("Verified", agent.ssl_command("verify").stdout)
        self.assertEqual(self.audit(service, agent.name)[-1][2]["approved_by"], "bob, carol")

    def test_one_status_call_of_puppets_says_that_the_approval_is_kept(self):
        service = self.start()
        self.queued(service, "db-1")
        path = "/puppet-ca/v1/certificate_status/db-1"
        options = ["-H", "Content-Type: application/json", "--data", '{"desired_state": "signed"}']
        status, body = service.curl(path, *options, method="PUT", client=self.people["bob"])
        self.assertEqual(status, 409)
        self.assertIn("Your approval of db-1 is kept, and 1 more of other people must follow", body)
        status, _ = service.curl(path, *options, method="PUT", client=self.people["carol"])
        self.assertEqual(status, 204)

    def test_a_softer_policy_does_not_soften_what_waits(self):
        service = self.start()
        request = self.queued(service, "db-1")
        service.stop()
        (service.folder / "policy.toml").write_text('default = "queue"\n')
        service.start()
        self.assertEqual(self.approve(service, request, "alice")[0], 202)
        self.assertEqual(self.approve(service, request, "bob")[0], 200)

    def test_approvals_in_a_rule_that_asks_nobody_is_refused(self):
        policy = self.folder / "policy.toml"
        for rule in ('action = "sign"\napprovals = 2', 'action = "deny"\napprovals = 2',
                     'action = "queue"\napprovals = 10', 'action = "queue"\napprovals = 0'):
            policy.write_text(f'[[rule]]\nname = "x"\nmatch = {{ any = true }}\n{rule}\n')
            checked = run(BINARY, "policy", "check", policy, check=False)
            self.assertEqual(checked.returncode, 2, rule)
            self.assertIn("approvals", checked.stderr)


class Filters(ServiceTest):
    def setUp(self):
        super().setUp()
        self.instance = self.service('default = "queue"\n\n[[rule]]\nname = "by hand"\n'
                                     "match = { certname_regex = 'web-.*' }\naction = \"queue\"\n")
        _, self.key = self.csr("key")
        for name in ("web-3", "db-1", "web-1", "db-2", "web-2"):
            csr, _ = self.csr(name, key=self.key)
            self.assertEqual(self.submit(self.instance, csr)[0], 202)

    def listed(self, query):
        status, body = self.instance.json("/v1/requests?" + query, client="operator")
        self.assertEqual(status, 200, body)
        return [row["certname"] for row in body["requests"]]

    def test_requests_are_chosen_by_rule_source_key_and_age_and_sorted(self):
        cases = (
            ("state=queued&rule=by%20hand", ["web-3", "web-1", "web-2"]),
            ("state=queued&rule=", ["db-1", "db-2"]),
            ("state=queued&sort=certname", ["db-1", "db-2", "web-1", "web-2", "web-3"]),
            ("state=queued&sort=-created&match=^db", ["db-2", "db-1"]),
            ("state=queued&source=127.0.0.0/8&rule=", ["db-1", "db-2"]),
            ("state=queued&source=192.0.2.0/24", []),
            ("state=queued&key=rsa:2048", []),
            ("state=queued&created_before=2000-01-01T00:00:00Z", []),
            ("state=queued&created_after=2000-01-01T00:00:00Z&profile=agent&rule=by%20hand",
             ["web-3", "web-1", "web-2"]),
        )
        for query, names in cases:
            with self.subTest(query):
                self.assertEqual(self.listed(query), names)

    def test_a_cursor_keeps_its_order_and_is_good_for_no_other_list(self):
        query = "state=queued&sort=certname&limit=2"
        page = self.instance.json("/v1/requests?" + query, client="operator")[1]
        cursor = urllib.parse.quote(page["next_cursor"])
        # What comes and goes between two pages neither repeats nor hides a row.
        self.instance.cli("deny", "db-2", "--reason", "gone")
        csr, _ = self.csr("aa-1", key=self.key)
        self.submit(self.instance, csr)
        self.assertEqual(self.listed(f"{query}&cursor={cursor}"), ["web-1", "web-2"])
        for other in ("state=queued&limit=2", "state=queued&sort=-created",
                      "state=queued&sort=certname&rule=x", "sort=created"):
            status, body = self.instance.json(f"/v1/requests?{other}&cursor={cursor}",
                                              client="operator")
            self.assertEqual((status, body["type"]), (400, "urn:countersign:problem:malformed"))
            self.assertIn("another order", body["detail"])
        for bad in ("sort=size", "sort=certname", "state=queued&source=10.0.0.1/8",
                    "created_before=yesterday", "cursor=x", "cursor=x."):
            status, _ = self.instance.json("/v1/requests?" + bad, client="operator")
            self.assertEqual(status, 400, bad)

    def test_a_view_keeps_filters_and_order_for_list_sign_and_deny(self):
        cli = self.instance.cli
        cli("list", "--rule", "by hand", "--sort", "certname", "--save", "web tier")
        names = [line.split("\t")[0] for line in cli("list", "--view", "web tier").stdout.splitlines()]
        self.assertEqual(names, ["web-1", "web-2", "web-3"])
        views = json.loads(cli("list", "--views", "--json").stdout)
        self.assertEqual(views, [{"name": "web tier", "filter": "--rule=by hand --sort=certname"}])
        # What is given now goes before what the view says.
        done = cli("sign", "--view", "web tier", "--match", "web-[12]", "--yes")
        self.assertEqual(len(done.stdout.splitlines()), 2)
        self.assertEqual(cli("deny", "--view", "web tier", "--reason", "not ours", "--yes").stdout,
                         "web-3\tdenied\n")
        unknown = cli("list", "--view", "none", check=False)
        self.assertEqual(unknown.returncode, 2)
        self.assertEqual(cli("list", "--forget", "web tier").returncode, 0)
        self.assertEqual(cli("list", "--forget", "web tier", check=False).returncode, 3)
        old = cli("list", "--older-than", "1h", "--json")
        self.assertEqual(json.loads(old.stdout), [])


class Bulk(ServiceTest):
    def post(self, service, path, body):
        return service.json(path, "-H", "Content-Type: application/json", "--data",
                            json.dumps(body), method="POST", client="operator")

    def queued(self, service, name, **options):
        csr, _ = self.csr(name, **options)
        status, body = self.submit(service, csr)
        self.assertEqual(status, 202, body)
        return body["id"]

    def test_each_is_signed_as_it_was_previewed_and_one_that_fails_stops_no_other(self):
        service = self.service('default = "queue"\n')
        ids = {name: self.queued(service, name) for name in ("a-1", "a-2", "a-4")}
        ids["a-3"] = self.queued(service, "a-3", sans=("DNS:www.example.com",))
        status, body = self.post(service, "/v1/requests/preview",
                                 {"ids": [*ids.values(), "0" * 26]})
        self.assertEqual(status, 200)
        previews = {row.get("certname"): row for row in body["previews"]}
        self.assertEqual(previews["a-3"]["would_hold"]["names"], ["DNS:www.example.com", "DNS:a-3"])
        self.assertEqual(previews["a-1"]["would_hold"]["profile"], "agent")
        self.assertEqual(previews["a-1"]["would_hold"]["validity_seconds"], 5 * 365 * 86400)
        self.assertEqual(body["previews"][-1]["problem"]["status"], 404)
        self.assertEqual(self.post(service, f"/v1/requests/{ids['a-2']}/deny",
                                   {"reason": "not this one"})[0], 200)
        order = [{"id": ids[name], "if_match": previews[name]["etag"]} for name in ids]
        order[0]["if_match"] = previews["a-4"]["etag"]  # of another request
        status, body = self.post(service, "/v1/requests/approve", {"requests": order})
        self.assertEqual(status, 200)
        outcome = [row.get("state") or row["problem"]["type"].rsplit(":", 1)[1]
                   for row in body["results"]]
        self.assertEqual(outcome, ["conflict", "conflict", "signed", "signed"])
        for bad in ({"requests": []}, {"requests": [{"id": ids["a-1"]}]}, {"requests": "a"},
                    {"requests": [{"id": "x", "if_match": "y"}]},
                    {"requests": [{"id": "x", "if_match": "00" * 32}] * 1001}):
            self.assertEqual(self.post(service, "/v1/requests/approve", bad)[0], 400)
        status, body = self.post(service, "/v1/requests/deny",
                                 {"ids": list(ids.values()), "reason": "late"})
        self.assertEqual([row.get("state", "failed") for row in body["results"]],
                         ["denied", "failed", "failed", "failed"])
        self.assertEqual(self.post(service, "/v1/requests/deny",
                                   {"ids": list(ids.values()), "reason": ""})[0], 400)

    def test_only_who_may_decide_may_decide_many(self):
        service = self.service('default = "queue"\n')
        token = json.loads(service.cli("token", "create", "--role", "pipeline", "--json").stdout)
        request = self.queued(service, "a-1")
        for path, body in (("approve", {"requests": [{"id": request, "if_match": "00" * 32}]}),
                           ("deny", {"ids": [request], "reason": "x"})):
            for header, expected in (((), 401),
                                     (("-H", f"Authorization: Bearer {token['token']}"), 403)):
                status, _ = service.json(f"/v1/requests/{path}", *header, "-H",
                                         "Content-Type: application/json", "--data",
                                         json.dumps(body), method="POST")
                self.assertEqual(status, expected, path)

    def test_the_command_line_previews_and_holds_back_what_holds_more_than_its_name(self):
        service = self.service('default = "queue"\n')
        for name in ("a-1", "a-2"):
            self.queued(service, name)
        self.queued(service, "a-3", sans=("DNS:www.example.com",))
        shown = service.cli("sign", "--all", "--preview", check=False)
        self.assertIn("a-3\tec:P-256\t127.0.0.1\tDNS:www.example.com,DNS:a-3\t\tagent 1825d\t\n",
                      shown.stdout)
        self.assertIn("a-3 is held back", shown.stderr)
        self.assertEqual(service.json("/v1/requests?state=queued",
                                      client="operator")[1]["requests"][2]["certname"], "a-3")
        done = service.cli("sign", "--all", "--yes", check=False)
        self.assertEqual((done.returncode, len(done.stdout.splitlines())), (1, 2))
        self.assertEqual(service.cli("sign", "--all", "--as-previewed", "--yes").returncode, 0)
        self.assertEqual(service.cli("sign", "--all", "--yes", check=False).returncode, 3)
        for wrong in (["deny", "--reason", "x"], ["deny", "a", "--all", "--reason", "x"],
                      ["sign"], ["sign", "a", "--all"]):
            self.assertEqual(service.cli(*wrong, check=False).returncode, 2, wrong)
        self.assertEqual(
            service.cli("deny", "--all", "--reason", "x", "--yes", check=False).returncode, 3)


class Stale(ServiceTest):
    def test_a_request_that_nobody_decides_expires_and_its_machine_may_ask_again(self):
        service = self.service('default = "queue"\n', '[queue]\nexpire_after = "1s"\n')
        csr, _ = self.csr("slow-1")
        first = self.submit(service, csr)[1]["id"]

        def state():
            return service.json(f"/v1/requests/{first}")[1]["state"]

        until(lambda: state() == "expired", "the request expires")
        history = service.json("/v1/history?subject=slow-1", client="operator")[1]["history"]
        self.assertEqual((history[0]["action"], history[0]["actor"]), ("expire", "operator:service"))
        self.assertIn("nobody decided it", history[0]["detail"]["reason"])
        listed = json.loads(
            service.cli("list", "--state", "expired", "--requests", "--json").stdout)
        self.assertEqual([row["certname"] for row in listed], ["slow-1"])
        status, again = self.submit(service, csr)
        self.assertEqual(status, 202)
        self.assertNotEqual(again["id"], first)

    def test_it_is_thirty_days_unless_the_configuration_says_never(self):
        for text, code in (('"never"', 0), ('"30d"', 0), ('"0s"', 2), ('"soon"', 2), ("5", 2)):
            folder = self.folder / text.strip('"')
            service = self.service(config=f"[queue]\nexpire_after = {text}\n", name=folder.name,
                                   start=False)
            if code == 0:
                service.start()
            else:
                ended = run(BINARY, "serve", "--config", service.folder / "countersign.toml",
                            check=False)
                self.assertEqual(ended.returncode, code)
                self.assertIn("expire_after", ended.stderr)


if __name__ == "__main__":
    main()
