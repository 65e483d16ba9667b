"""A change of the policy that would have changed too much of the last day is not taken by itself."""

import json
import re
import signal
import unittest

import harness

OPEN = """
[[rule]]
name = "web"
match = { certname_regex = 'web-[0-9]+' }
action = "sign"
"""
SHUT = """
[[rule]]
name = "nobody"
match = { certname_regex = 'web-.*' }
action = "deny"
reason = "a slip"
"""
CONFIG = '[policy]\nfile = "policy.toml"\nrefuse_change_over = "20%"\n'


class PolicyGuard(harness.ServiceTest):
    def setUp(self):
        super().setUp()
        self.ca = self.service(OPEN, CONFIG)
        for number in range(12):
            self.assertEqual(self.submit(self.ca, self.csr(f"web-{number}")[0])[0], 201)

    def write(self, policy):
        path = self.ca.folder / "policy.toml"
        new = path.with_suffix(".new")
        new.write_text(policy)
        new.rename(path)

    def policy_error(self):
        _, answer = self.ca.json("/v1/health/ready", client="operator")
        return answer["policy"]["error"]

    def refused(self):
        return harness.until(self.policy_error, "a refused policy in health")

    def state_of_next(self, name):
        return self.submit(self.ca, self.csr(name)[0])[0]

    def audit(self, action):
        rows = json.loads(self.ca.cli("audit", "list", "--action", action, "--json").stdout)
        return [(row["actor"], json.loads(row["detail"])) for row in rows]

    def test_a_slip_is_refused_and_force_takes_it(self):
        self.write(SHUT)
        why = self.refused()
        self.assertIn("12 of the 12 requests of the last day", why)
        self.assertIn("policy_refused", self.ca.log_text())
        self.assertEqual(self.state_of_next("web-20"), 201)
        tried = self.ca.cli("policy", "reload", check=False)
        self.assertEqual(tried.returncode, 1)
        self.assertIn("countersign policy reload --force", tried.stderr)
        taken = self.ca.cli("policy", "reload", "--force")
        self.assertRegex(taken.stdout, r"^in force: 1 rules; 1\d of the last day's 1\d requests")
        self.assertEqual(self.state_of_next("web-21"), 403)
        self.assertIsNone(self.policy_error())
        actor, detail = self.audit("reload policy")[0]
        self.assertEqual((actor, detail["forced"], detail["taken"]),
                         ("admin:operator", "yes", "yes"))
        self.assertTrue(int(detail["changed"]) >= 12)
        self.assertTrue(re.fullmatch("[0-9A-Fa-f]{64}", detail["sha256"]))

    def test_what_was_not_judged_is_not_forced(self):
        self.write(SHUT)
        self.refused()
        other = SHUT.replace("a slip", "another file")
        self.write(other)
        status, answer = self.ca.json("/v1/policy/reload", "-H", "Content-Type: application/json",
                                      "-d", json.dumps({"force": True, "sha256": "0" * 64}),
                                      client="operator")
        self.assertEqual(status, 409)
        self.assertEqual(answer["changed"], 12)
        self.assertEqual(self.state_of_next("web-20"), 201)
        status, taken = self.ca.json("/v1/policy/reload", "-H", "Content-Type: application/json",
                                     "-d", json.dumps({"force": True, "sha256": answer["sha256"]}),
                                     client="operator")
        self.assertEqual((status, taken["forced"]), (200, True))

    def test_a_signal_or_a_touch_does_not_get_around_it(self):
        self.write(SHUT)
        self.refused()
        self.ca.process.send_signal(signal.SIGHUP)
        (self.ca.folder / "policy.toml").touch()
        self.write(SHUT)
        self.assertEqual(self.ca.cli("policy", "reload", check=False).returncode, 1)
        self.assertEqual(self.state_of_next("web-20"), 201)
        self.write(OPEN)
        harness.until(lambda: self.policy_error() is None, "the old policy again")

    def test_only_an_admin_reloads(self):
        made = self.ca.cli("token", "create", "--role", "operator").stdout.strip()
        status, answer = self.ca.json("/v1/policy/reload", "-H", f"Authorization: Bearer {made}",
                                      "-H", "Content-Type: application/json",
                                      "-d", '{"force": true}')
        self.assertEqual((status, answer["detail"]),
                         (403, "The role 'operator' may not reload the policy."))

    def test_a_share_that_is_none_is_a_wrong_config(self):
        self.ca.stop()
        config = self.ca.folder / "countersign.toml"
        for bad in ('"20"', '"120%"', '"%"', "20", '"-1%"'):
            text = re.sub(r"refuse_change_over = .*", f"refuse_change_over = {bad}",
                          config.read_text())
            config.write_text(text)
            tried = harness.run(harness.BINARY, "serve", "--config", config, check=False)
            self.assertEqual(tried.returncode, 2, bad)
            self.assertIn("refuse_change_over", tried.stderr)


if __name__ == "__main__":
    unittest.main()
