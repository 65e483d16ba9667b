"""What somebody may try who wants to be two people: each refused, with the reason in the audit."""

import json
import threading

from approvers import CONFIG, POLICY, ApproversTest
from harness import main, run

THREE = POLICY.replace("approvals = 2", "approvals = 3")
ROUNDS = 10


class Attackers(ApproversTest):
    def refused(self, service, name, kind, reason, request, who, token=None, **body):
        status, answer = self.approve(service, request, who, token, **body)
        self.assertEqual(answer["type"], f"urn:countersign:problem:{kind}", answer)
        self.assertIn(reason, answer["detail"])
        action, _, detail = self.audit(service, name)[-1]
        self.assertEqual(action, "refuse")
        self.assertIn(reason, detail["call"])
        self.assertEqual(self.signed(service, name), 0)

    def test_one_person_does_not_count_twice_by_any_of_his_credentials(self):
        service = self.start()
        request = self.queued(service, "db-1")
        by_certificate = self.token(service, "alice")
        by_token = self.token(service, None, token=by_certificate)
        by_other = self.token(service, "alice-desk")
        self.assertEqual(self.approve(service, request, "alice")[0], 202)
        reason = "alice has approved 'db-1' already"
        again = ("db-1", "already-approved", reason, request)
        self.refused(service, *again, "alice")
        self.refused(service, *again, "alice-desk")
        self.refused(service, *again, None, by_certificate)
        self.refused(service, *again, None, by_token)
        self.refused(service, *again, None, by_other)
        # Of the certificate and the header together the header counts.
        self.refused(service, *again, "bob", by_token)
        self.assertEqual(self.approve(service, request, "bob")[0], 200)

    def test_a_token_first_and_then_the_certificate_is_one_person_too(self):
        service = self.start()
        request = self.queued(service, "db-1")
        token = self.token(service, "bob")
        self.assertEqual(self.approve(service, request, None, token)[0], 202)
        self.refused(service, "db-1", "already-approved", "bob has approved", request, "bob")
        self.assertEqual(self.approve(service, request, "carol")[0], 200)
        self.assertEqual(self.audit(service, "db-1")[-1][2]["approved_by"], "bob, carol")

    def test_a_renewed_certificate_is_the_same_person(self):
        service = self.start(config=CONFIG + "[puppet]\nallow_auto_renewal = true\n")
        request = self.queued(service, "db-1")
        self.assertEqual(self.approve(service, request, "bob")[0], 202)
        status, pem = service.curl("/puppet-ca/v1/certificate_renewal", method="POST",
                                   client=self.people["bob"])
        self.assertEqual(status, 200, pem)
        renewed = self.folder / "bob-renewed.pem"
        renewed.write_text(pem)
        self.people["bob again"] = (renewed, self.people["bob"][1])
        self.refused(service, "db-1", "already-approved", "bob has approved", request, "bob again")

    def test_who_submitted_a_request_does_not_approve_it_whatever_he_submitted_it_with(self):
        service = self.start()
        pipeline = self.token(service, "bob", role="pipeline")
        for name, options in (("db-1", {"client": self.people["bob"]}), ("db-2", None)):
            csr, _ = self.csr(name)
            if options:
                body = self.submit(service, csr, **options)[1]
            else:
                body = self.post(service, "/v1/requests", {"csr": csr.read_text()}, None,
                                 pipeline)[1]
            own = (name, "forbidden", f"'{name}' is of bob, who submitted it", body["id"])
            self.refused(service, *own, "bob")
            self.refused(service, *own, None, self.token(service, "bob"))
            self.assertEqual(self.approve(service, body["id"], "alice")[0], 202)
            self.refused(service, *own, "bob")
            self.assertEqual(self.approve(service, body["id"], "carol")[0], 200)

    def test_an_approval_does_not_pass_to_another_request_of_the_name(self):
        service = self.start(config=CONFIG + "[puppet]\nallow_duplicate_certs = true\n")
        csr, _ = self.csr("db-1")
        self.assertEqual(self.puppet_put(service, "db-1", csr)[0], 200)
        first = service.json("/v1/requests?state=queued", client="operator")[1]["requests"][0]
        self.assertEqual(self.approve(service, first["id"], "alice")[0], 202)
        other, _ = self.csr("db-1", key=self.folder / "other.key")
        self.assertEqual(self.puppet_put(service, "db-1", other)[0], 200)
        second = service.json("/v1/requests?state=queued", client="operator")[1]["requests"][0]
        self.assertNotEqual(second["id"], first["id"])
        status, answer = self.approve(service, first["id"], "bob")
        self.assertEqual((status, answer["type"]), (409, "urn:countersign:problem:conflict"))
        status, answer = self.approve(service, second["id"], "bob")
        self.assertEqual((status, answer["state"]), (202, "queued"))
        self.assertEqual(self.signed(service, "db-1"), 0)

    def test_the_last_approval_cannot_give_what_the_first_did_not_see(self):
        service = self.start()
        request = self.queued(service, "db-1")
        self.assertEqual(self.approve(service, request, "alice")[0], 202)
        status, answer = self.approve(service, request, "bob", validity_seconds=10 * 365 * 86400)
        self.assertEqual((status, answer["state"]), (202, "queued"))
        self.assertEqual(self.signed(service, "db-1"), 0)
        # Approvals of two certificates do not add up; for one of them they do.
        self.assertEqual(
            self.approve(service, request, "carol", validity_seconds=3600)[0], 202)
        self.assertEqual(self.approve(service, request, "bob")[0], 200)
        self.assertEqual(self.audit(service, "db-1")[-1][2]["approved_by"], "alice, bob")

    def test_a_preview_of_before_signs_nothing_else(self):
        service = self.start(policy='default = "queue"\n')
        request = self.queued(service, "app-1")
        status, body = self.post(service, "/v1/requests/preview", {"ids": [request]}, "alice")
        etag = body["previews"][0]["etag"]
        status, answer = self.approve(service, request, "alice", if_match=etag,
                                      validity_seconds=60)
        self.assertEqual((status, answer["type"]), (409, "urn:countersign:problem:conflict"))
        self.assertIn("would not be the one that was previewed", answer["detail"])
        self.assertEqual(self.approve(service, request, "alice", if_match=etag)[0], 200)

    def test_one_person_makes_no_second_operator_where_two_are_asked_for(self):
        service = self.start(config=CONFIG.replace('"carol"', '"carol", "mallory"'))
        request = self.queued(service, "mallory")
        status, answer = self.approve(service, request, "alice", reserved_names=True)
        self.assertEqual((status, answer["state"]), (202, "queued"))
        self.assertEqual(self.signed(service, "mallory"), 0)
        self.refused(service, "mallory", "already-approved", "alice has approved", request,
                     "alice-desk", reserved_names=True)
        self.assertEqual(self.approve(service, request, "bob", reserved_names=True)[0], 200)

    def test_a_kill_between_two_approvals_neither_loses_nor_doubles_one(self):
        service = self.start()
        request = self.queued(service, "db-1")
        self.assertEqual(self.approve(service, request, "alice")[0], 202)
        service.process.kill()
        service.stop()
        service.start()
        self.refused(service, "db-1", "already-approved", "alice has approved", request, "alice")
        self.assertEqual(self.approve(service, request, "bob")[0], 200)
        self.assertEqual(self.signed(service, "db-1"), 1)

    def race(self, service, request, people):
        """Each once, all at the same time: the (status, answer) of each."""
        answers = {}
        start = threading.Barrier(len(people))

        def one(who):
            connection = service.kept_connection(self.people[who])
            connection.connect()
            start.wait()
            connection.request("POST", f"/v1/requests/{request}/approve", "{}",
                               {"Content-Type": "application/json"})
            reply = connection.getresponse()
            answers[who] = (reply.status, json.loads(reply.read()))
            connection.close()

        threads = [threading.Thread(target=one, args=(who,)) for who in people]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
            self.assertFalse(thread.is_alive())
        return answers

    def test_last_approvals_that_race_make_exactly_one_certificate(self):
        service = self.start()
        for number in range(ROUNDS):
            name = f"db-{number}"
            request = self.queued(service, name, key=self.folder / "db-0.key" if number else None)
            answers = self.race(service, request, ["alice", "bob", "carol", "alice-desk"])
            statuses = sorted(status for status, _ in answers.values())
            self.assertEqual(statuses, [200, 202, 409, 409], answers)
            self.assertEqual(self.signed(service, name), 1)
            rows = [row for row in self.audit(service, name) if row[0] == "approve"]
            self.assertEqual(len(rows), 1)
            self.assertEqual(len(set(rows[0][2]["approved_by"].split(", "))), 2)

    def test_approvals_that_race_are_none_of_them_lost(self):
        service = self.start(policy=THREE)
        for number in range(ROUNDS):
            name = f"db-{number}"
            request = self.queued(service, name, key=self.folder / "db-0.key" if number else None)
            answers = self.race(service, request, ["alice", "bob", "carol"])
            self.assertEqual(sorted(status for status, _ in answers.values()), [200, 202, 202])
            self.assertEqual(self.signed(service, name), 1)


if __name__ == "__main__":
    main()
