"""Cloud identity documents: an agent or curl proves which machine it is, and rules go by that."""

import json
import threading

import identity_documents as documents
from harness import BINARY, ServiceTest, main, run
from test_puppet import Agent

POLICY = r"""
default = "deny"

[[rule]]
name = "aws"
match = { aws.account = "123456789012", aws.region = ["eu-west-1", "eu-central-1"], certname = "{aws.instance_id}.{aws.region}.compute.example.com" }
action = "sign"

[[rule]]
name = "azure"
match = { azure.subscription = "8d10da13-8125-4ba9-a717-bf7490507b3d", certname = "{azure.vm_id}.azure.example.com" }
action = "sign"

[[rule]]
name = "gcp"
match = { gcp.project = "my-project", gcp.zone = "us-west1-*", certname = "{gcp.instance_name}.gcp.example.com" }
action = "sign"

[[rule]]
name = "k8s"
match = { identity = "cluster", k8s.service_account = "web", certname = "{k8s.pod}.{k8s.namespace}.pods.example.com" }
action = "sign"

[[rule]]
name = "ci"
match = { oidc.gitlab.project_path = "infra/puppet", oidc.gitlab.ref = "main", certname_regex = 'ci-[0-9]+\.example\.com' }
action = "sign"
"""
AWS_NAME = "i-0123456789abcdef0.eu-west-1.compute.example.com"


class IdentityTest(ServiceTest):
    """A service for which every cloud is of this test's making."""

    policy = POLICY

    def setUp(self):
        super().setUp()
        self.aws = documents.Aws(self.folder)
        self.google = documents.Issuer(self.folder, "https://accounts.google.com", "https://ca.example.com")
        self.cluster = documents.Issuer(self.folder, "https://kubernetes.default.svc.cluster.local",
                                        "https://ca.example.com")
        self.gitlab = documents.Issuer(self.folder, "https://gitlab.example.com", "https://ca.example.com")

    def write_keys(self):
        for issuer, name in ((self.google, "google"), (self.cluster, "cluster"),
                             (self.gitlab, "gitlab")):
            (self.folder / f"{name}.json").write_text(issuer.jwks())

    def config(self, extra=""):
        self.write_keys()
        return f"""
[identity.amazon]
provider = "aws"
certificates = "{self.aws.signer.certificate}"

[identity.google]
provider = "gcp"
audience = "https://ca.example.com"
jwks_file = "{self.folder}/google.json"

[identity.cluster]
provider = "kubernetes"
issuer = "{self.cluster.url}"
audience = "https://ca.example.com"
jwks_file = "{self.folder}/cluster.json"

[identity.gitlab]
provider = "oidc"
issuer = "{self.gitlab.url}"
audience = "https://ca.example.com"
jwks_file = "{self.folder}/gitlab.json"
{extra}"""

    def start(self, extra=""):
        return self.service(self.policy, self.config(extra))

    def post(self, service, csr, document, **beside):
        body = self.folder / f"body-{threading.get_ident()}.json"
        body.write_text(json.dumps({"csr": csr.read_text(), "identity": document, **beside}))
        return service.json("/v1/requests", "-H", "Content-Type: application/json",
                            "--data-binary", f"@{body}")

    def other_csr(self, name, number):
        """A CSR of another machine that claims the name."""
        csr, key = self.csr(name, key=self.folder / f"other-{number}.key")
        moved = csr.rename(self.folder / f"other-{number}.csr")
        return moved, key

    def audited(self, service, certname, action=None):
        rows = service.json(f"/v1/audit?subject={certname}", client="operator")[1]["audit"]
        return [row for row in rows if action in (None, row["action"])]

    def trace_of(self, service, certname):
        rows = service.json(f"/v1/requests?match={certname}", client="operator")[1]["requests"]
        whole = service.json(f"/v1/requests/{rows[-1]['id']}", client="operator")[1]
        return json.dumps(whole["trace"])


class Identity(IdentityTest):
    def test_an_agent_on_aws_enrols_with_the_document_of_its_instance(self):
        service = self.start()
        document = self.aws.document()
        for number, attribute in enumerate(("1.2.840.113549.1.9.7", "1.3.6.1.4.1.34380.1.1.4")):
            instance = f"i-0123456789abcdef{number}"
            document = self.aws.document(instance)
            agent = Agent(self, service, f"{instance}.eu-west-1.compute.example.com")
            attributes = self.folder / "csr_attributes.yaml"
            attributes.write_text(f"custom_attributes:\n  {attribute}: {document}\n")
            agent.options += ["--csr_attributes", attributes]
            agent.bootstrap()
            self.assertIn("Verified", agent.ssl_command("verify").stdout)
            text = run("openssl", "x509", "-in", agent.certificate, "-noout", "-text").stdout
            self.assertNotIn(document[:40], text)
            self.assertNotIn(document[4:60], service.log_text())
            row = self.audited(service, agent.name, "issue")[0]
            self.assertEqual(json.loads(row["detail"])["identity"],
                             f"aws 123456789012/eu-west-1/{instance}")
            self.assertNotIn(document[4:60], json.dumps(row))

    def test_curl_presents_documents_of_each_cloud_beside_the_request(self):
        azure = documents.Azure(self.folder)
        service = self.start(f"""
[identity.azure]
provider = "azure"
certificates = "{azure.root.certificate}"
""")
        cases = (
            (AWS_NAME, "aws", self.aws.document()),
            ("02aab8a4-74ef-476e-8182-f6d2ba4166a6.azure.example.com", "azure", azure.document()),
            ("web-7.gcp.example.com", "gcp", self.google.token(documents.gcp_claims())),
            ("shell.default.pods.example.com", "k8s",
             self.cluster.token(documents.kubernetes_claims(), aud=["x", "https://ca.example.com"])),
            ("ci-1.example.com", "ci", self.gitlab.token(
                {"sub": "project_path:infra/puppet:ref_type:branch:ref:main",
                 "project_path": "infra/puppet", "ref": "main", "ref_protected": "true"})),
        )
        for name, rule, document in cases:
            with self.subTest(rule):
                csr, _ = self.csr(name)
                status, answer = self.post(service, csr, document)
                self.assertEqual((status, answer.get("rule")), (201, rule), answer)

    def test_a_lost_answer_is_had_again_and_a_cleaned_machine_comes_back(self):
        service = self.start()
        csr, key = self.csr(AWS_NAME)
        _, first = self.post(service, csr, self.aws.document())
        csr, _ = self.csr(AWS_NAME, key=key, extra=("-sha384",))
        status, again = self.post(service, csr, self.aws.document(age=7200))
        self.assertEqual((status, again["serial"]), (201, first["serial"]))
        service.cli("clean", AWS_NAME)
        status, anew = self.post(service, csr, self.aws.document(age=7200))
        self.assertEqual(status, 201)
        self.assertNotEqual(anew["serial"], first["serial"])

    def test_explain_and_show_say_what_a_document_proves_and_what_it_would_have_to(self):
        service = self.start()
        csr, _ = self.csr(AWS_NAME)
        document = self.folder / "document"
        document.write_text(self.aws.document(accountId="999999999999") + "\n")
        asked = ("policy", "explain", "--csr", csr, "--identity", document)
        text = service.cli(*asked).stdout
        self.assertIn("aws.account is '999999999999', not '123456789012'", text)
        self.assertIn("To be signed by 'aws': an identity document that proves", text)
        document.write_text(self.aws.document())
        self.assertIn("sign (", service.cli(*asked).stdout)
        here = service.cli(*asked, "--policy", service.folder / "policy.toml").stdout
        self.assertIn("only the server can tell", here)
        self.post(service, csr, self.aws.document())
        shown = service.cli("show", AWS_NAME).stdout
        self.assertIn('aws.instance_id = "i-0123456789abcdef0"', shown)
        self.assertIn("123456789012/eu-west-1/i-0123456789abcdef0", shown)

    def test_a_waiting_request_with_a_document_is_shown_to_operators_only(self):
        service = self.service(self.policy.replace('"deny"', '"queue"', 1), self.config())
        name = "other.example.com"
        agent = Agent(self, service, name)
        attributes = self.folder / "csr_attributes.yaml"
        attributes.write_text(f"custom_attributes:\n  1.2.840.113549.1.9.7: {self.aws.document()}\n")
        agent.options += ["--csr_attributes", attributes]
        agent.bootstrap(check=False)
        path = f"/puppet-ca/v1/certificate_request/{name}"
        status, body = service.curl(path)
        self.assertEqual(status, 403)
        self.assertNotIn("BEGIN", body)
        self.assertEqual(service.curl(path, client="operator")[0], 200)

    def test_a_policy_that_asks_for_documents_is_tested_and_replayed(self):
        service = self.start()
        csr, _ = self.csr(AWS_NAME)
        self.assertEqual(self.post(service, csr, self.aws.document())[0], 201)
        cases = self.folder / "cases.toml"
        cases.write_text(f"""
[[case]]
name = "an instance"
certname = "{AWS_NAME}"
identity = {{ aws.account = "123456789012", aws.region = "eu-west-1", aws.instance_id = "i-0123456789abcdef0" }}
expect = {{ action = "sign", rule = "aws" }}

[[case]]
name = "nobody"
certname = "{AWS_NAME}"
expect = {{ action = "deny" }}
""")
        policy = service.folder / "policy.toml"
        run(BINARY, "policy", "test", cases, "--policy", policy)
        other = self.folder / "other.toml"
        other.write_text(self.policy.replace("123456789012", "123456789013"))
        replayed = service.cli("policy", "replay", "--since", "1d", "--policy", other, "--json", check=False).stdout
        self.assertEqual(json.loads(replayed)["changed"], 1)
        same = service.cli("policy", "replay", "--since", "1d", "--policy", policy, "--json").stdout
        self.assertEqual(json.loads(same)["changed"], 0)


if __name__ == "__main__":
    main()
