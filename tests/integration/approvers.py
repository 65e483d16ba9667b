"""Several people of one service, and a rule that asks for two of them."""

import json

from harness import ServiceTest

POLICY = r"""
default = "queue"

[[rule]]
name = "databases"
match = { certname_regex = 'db-.*' }
action = "queue"
approvals = 2
reason = "two people look at databases"
"""
# The first operator, of `init`, is alice too. Only admins make tokens.
CONFIG = """
[admins]
certnames = ["alice-desk", "bob"]
[operators]
certnames = ["carol"]
people = { alice = ["operator", "alice-desk"] }
"""


class ApproversTest(ServiceTest):
    def start(self, policy=POLICY, config=CONFIG):
        """Operators are made before a rule asks for several of them."""
        service = self.service('default = "queue"\n', config)
        self.people = {"alice": "operator"}
        for name in ("alice-desk", "bob", "carol"):
            csr, key = self.csr(name)
            self.assertEqual(self.submit(service, csr)[0], 202)
            service.cli("sign", name, "--reserved-names", "--yes")
            row = service.json(f"/v1/certificates?certname={name}", client="operator")[1]
            serial = row["certificates"][0]["serial"]
            certificate = self.folder / f"{name}.pem"
            certificate.write_text(service.json(f"/v1/certificates/{serial}")[1]["certificate"])
            self.people[name] = (certificate, key)
        service.stop()
        (service.folder / "policy.toml").write_text(policy)
        return service.start()

    def queued(self, service, name, **options):
        """The id of a request that waits."""
        csr, _ = self.csr(name, **options)
        status, body = self.submit(service, csr)
        self.assertEqual(status, 202, body)
        return body["id"]

    def post(self, service, path, body, who, token=None):
        """(status, answer). `who`: a name of self.people; None: only the token, if there is one."""
        options = ["-H", "Content-Type: application/json", "--data", json.dumps(body)]
        if token:
            options += ["-H", f"Authorization: Bearer {token}"]
        return service.json(path, *options, method="POST",
                            client=self.people[who] if who else None)

    def approve(self, service, request, who, token=None, **body):
        return self.post(service, f"/v1/requests/{request}/approve", body, who, token)

    def token(self, service, who, role="admin", token=None):
        status, body = self.post(service, "/v1/tokens", {"role": role, "label": "x"}, who, token)
        self.assertEqual(status, 201, body)
        return body["token"]

    def client_of(self, service, who):
        """A client file of this operator."""
        certificate, key = self.people[who]
        folder = self.folder / f"client-{who}"
        folder.mkdir(exist_ok=True)
        path = folder / "client.toml"
        path.write_text(f'url = "{service.url}"\nca = "{service.folder}/ca/chain.pem"\n'
                        f'cert = "{certificate}"\nkey = "{key}"\n')
        return path

    def audit(self, service, subject):
        """[(action, actor, detail)], oldest first."""
        rows = service.json(f"/v1/history?subject={subject}&limit=1000", client="operator")[1]
        return [(row["action"], row["actor"], row["detail"]) for row in reversed(rows["history"])]

    def signed(self, service, name):
        """How many certificates the name has."""
        rows = service.json(f"/v1/certificates?certname={name}", client="operator")[1]
        return len(rows["certificates"])
