"""countersign policy test, diff, explain and replay, as a person and a CI run them."""

import json

from harness import BINARY, ServiceTest, main, run

POLICY = r"""
[[rule]]
name   = "web tier"
match  = { certname_regex = 'web-[0-9]+', source = "10.0.0.0/8" }
action = "sign"
"""
CASES = """
policy = "policy.toml"
[[case]]
name = "from the network"
certname = "web-1"
source = "10.1.1.1"
expect = { action = "sign", rule = "web tier" }
[[case]]
name = "from elsewhere"
certname = "web-1"
source = "192.0.2.1"
expect = { action = "%s" }
"""


class PolicyVerbs(ServiceTest):
    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def test_a_case_that_fails_is_told_in_one_line(self):
        self.write("policy.toml", POLICY)
        good = self.write("good.toml", CASES % "queue")
        self.assertEqual(run(BINARY, "policy", "test", good).stdout, "ok: 2 cases\n")
        bad = self.write("bad.toml", CASES % "deny")
        failed = run(BINARY, "policy", "test", bad, check=False)
        self.assertEqual(failed.returncode, 1)
        self.assertEqual(failed.stdout.count("\n"), 1)
        self.assertIn("bad.toml:8:1: 'from elsewhere': expected deny, got queue by the default "
                      "['web tier' source]", failed.stdout)
        results = json.loads(run(BINARY, "policy", "test", bad, "--json", check=False).stdout)
        self.assertEqual((results["cases"], results["failed"]), (2, 1))
        self.assertEqual([row["passed"] for row in results["results"]], [True, False])
        other = self.write("other.toml", 'default = "deny"\n')
        self.assertEqual(run(BINARY, "policy", "test", good, "--policy", other,
                             check=False).returncode, 1)

    def test_a_file_that_cannot_be_used_is_wrong_usage(self):
        self.write("policy.toml", POLICY)
        for text, message in (("", r"no \[\[case\]\]"), ("x", r"none\.toml:1"),
                              ('[[case]]\nname = "a"\ncertname = "a"\n'
                               'expect = { action = "sign" }\n', "names no policy")):
            with self.subTest(message):
                result = run(BINARY, "policy", "test", self.write("none.toml", text), check=False)
                self.assertEqual(result.returncode, 2)
                self.assertRegex(result.stderr, message)

    def test_diff_ends_as_diff_does(self):
        old = self.write("policy.toml", POLICY)
        new = self.write("new.toml", POLICY.replace("10.0.0.0/8", "192.0.2.0/24"))
        cases = self.write("cases.toml", CASES % "queue")
        self.assertEqual(run(BINARY, "policy", "diff", old, old).stdout, "")
        found = run(BINARY, "policy", "diff", old, new, "--cases", cases, check=False)
        self.assertEqual(found.returncode, 1)
        self.assertEqual(found.stdout,
                         "changed 'web tier'\n"
                         "  match.source: 10.0.0.0/8 -> 192.0.2.0/24\n"
                         "case 'from the network': sign by 'web tier' -> queue by the default\n"
                         "case 'from elsewhere': queue by the default -> sign by 'web tier'\n")
        self.assertEqual(run(BINARY, "policy", "diff", old, self.folder / "none",
                             check=False).returncode, 2)

    def test_explain_names_the_one_thing_to_change_here_and_there(self):
        service = self.service(POLICY)
        csr, _ = self.csr("web-7")
        file = self.write("policy.toml", POLICY)
        wanted = ("To be signed by 'web tier': the request must come from 10.0.0.0/8; it came "
                  "from '192.0.2.1'.")
        for arguments in (("--policy", file), ()):
            explain = ("policy", "explain", "--csr", csr, "--source", "192.0.2.1", *arguments)
            self.assertEqual(service.cli(*explain).stdout.splitlines()[-1], wanted)
            nearest = json.loads(service.cli(*explain, "--json").stdout)["nearest"]
            self.assertEqual((nearest["rule"], nearest["action"]), ("web tier", "sign"))
            self.assertEqual([f["condition"] for f in nearest["failures"]], ["source"])

    def test_replay_shows_what_another_policy_would_change(self):
        service = self.service(POLICY)
        for name in ("web-1", "web-2", "db-1"):
            csr, _ = self.csr(name)
            self.assertEqual(self.puppet_put(service, name, csr)[0], 200)
        new = self.write("new.toml", POLICY.replace("10.0.0.0/8", "127.0.0.0/8"))
        shown = service.cli("policy", "replay", "--since", "1d", "--policy", new).stdout
        self.assertEqual(shown, "2 of 3 requests would be decided otherwise\n"
                                "  queue by the default -> sign by 'web tier': 2 requests\n"
                                "      web-1 web-2\n")
        answer = json.loads(service.cli("policy", "replay", "--since", "1d", "--policy", new,
                                        "--json").stdout)
        self.assertEqual((answer["examined"], answer["changed"]), (3, 2))
        self.assertTrue(answer["notes"])
        for since, text, message in (("soon", POLICY, "'since' must be"),
                                     ("1d", "default = 1", "'default'")):
            bad = service.cli("policy", "replay", "--since", since, "--policy",
                              self.write("bad.toml", text), check=False)
            self.assertEqual(bad.returncode, 1)
            self.assertIn(message, bad.stderr)


if __name__ == "__main__":
    main()
