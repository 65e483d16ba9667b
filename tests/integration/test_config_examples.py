"""The files of config/ are what their readers will copy: each of them works as it is."""

import os
import pathlib
import re
import shutil
import tomllib

from harness import BINARY, ServiceTest, main, run

CONFIG = pathlib.Path(__file__).resolve().parents[2] / "config"


class Examples(ServiceTest):
    def test_every_policy_passes_the_check(self):
        policies = sorted((CONFIG / "policy").glob("*.toml"))
        self.assertGreater(len(policies), 0)
        for policy in policies:
            with self.subTest(policy.name):
                rules = len(tomllib.loads(policy.read_text())["rule"])
                checked = run(BINARY, "policy", "check", policy).stdout
                self.assertRegex(checked, rf"^ok: {rules} rules?$")

    def test_every_policy_decides_as_its_cases_say(self):
        for policy in sorted((CONFIG / "policy").glob("*.toml")):
            with self.subTest(policy.name):
                cases = CONFIG / "policy" / "tests" / policy.name
                count = len(tomllib.loads(cases.read_text())["case"])
                self.assertEqual(run(BINARY, "policy", "test", cases).stdout,
                                 f"ok: {count} cases\n")

    def test_a_service_starts_with_the_example_and_every_policy(self):
        service = self.service(start=False)
        config = (CONFIG / "countersign.toml").read_text()
        address = re.compile(r'^address = "[^"]*"', re.M)
        self.assertEqual(len(address.findall(config)), 1)
        (service.folder / "countersign.toml").write_text(
            address.sub('address = "127.0.0.1:0"', config))
        for policy in sorted((CONFIG / "policy").glob("*.toml")):
            with self.subTest(policy.name):
                for path in (CONFIG / "policy").iterdir():
                    if path.is_file():
                        shutil.copy(path, service.folder)
                shutil.copy(policy, service.folder / "policy.toml")
                service.start()
                _, ready = service.json("/v1/health/ready")
                self.assertEqual(ready["status"], "ready")
                self.assertEqual(ready["policy"]["rules"],
                                 len(tomllib.loads(policy.read_text())["rule"]))
                self.assertEqual(service.stop(), 0)

    def test_what_the_example_comments_out_works_too(self):
        service = self.service(start=False)
        path = service.folder / "countersign.toml"
        text = (CONFIG / "countersign.toml").read_text()
        text = re.sub(r'^address = "[^"]*"', 'address = "127.0.0.1:0"', text, flags=re.M)
        optional = re.compile(r"^# (\w+ = [^#\n]*)", re.M)
        self.assertTrue(optional.search(text))
        path.write_text(optional.sub(r"\1", text))
        (service.folder / "autosign.conf").write_text("*.example.com\n")
        service.start()
        self.assertEqual(service.curl("/v1/health/ready")[0], 200)

    def test_the_tables_that_the_example_comments_out_work_too(self):
        service = self.service(start=False)
        text = (CONFIG / "countersign.toml").read_text()
        text = re.sub(r'^address = "[^"]*"', 'address = "127.0.0.1:0"', text, flags=re.M)
        text, tables = re.subn(r"^#(\[|\w+ =)", r"\1", text, flags=re.M)
        self.assertGreater(tables, 10)
        (service.folder / "countersign.toml").write_text(text)
        (service.folder / "policy.toml").write_text(
            '[[rule]]\nname = "r"\nmatch = { any = true }\naction = "sign"\nask = "inventory"\n')
        service.start()
        self.assertIn('countersign_decider_open{decider="inventory"} 0', service.curl("/metrics")[1])
        self.assertIn('countersign_hook_waiting{hook="chat"} 0', service.curl("/metrics")[1])

    def test_the_client_example_works_once_it_names_the_server(self):
        service = self.service()
        example = (CONFIG / "client.toml").read_text()
        self.assertEqual(set(tomllib.loads(example)), {"url", "ca", "cert", "key"})
        client = service.folder / "copied.toml"
        client.write_text(example.replace("https://ca.example.com:8140", service.url))
        self.assertIn(service.url, client.read_text())
        environment = {**os.environ, "COUNTERSIGN_CLIENT": str(client)}
        self.assertEqual(run(BINARY, "list", "--json", env=environment).stdout, "[]\n")


if __name__ == "__main__":
    main()
