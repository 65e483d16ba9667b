"""A service whose rule asks a decider outside."""

import json

from harness import ServiceTest
from https_endpoint import Endpoint

POLICY = r"""
default = "deny"

[[rule]]
name = "web"
match = { certname_regex = '[a-z0-9-]+\.example\.com' }
grant = { dns = ["{certname}", "www.example.com", "api.example.com"], extensions = ["pp_role"] }
action = "sign"
ask = "inventory"
"""


class DeciderTest(ServiceTest):
    def webhook(self, answer, config="", policy=POLICY, **options):
        """(service, endpoint): the rule's decider is the endpoint."""
        endpoint = Endpoint(self, answer)
        return self.service(policy, self.table(endpoint, config), **options), endpoint

    def table(self, endpoint, config=""):
        return (f'[decider.inventory]\nurl = "{endpoint.url("/ask")}"\n'
                f'ca_file = "{endpoint.ca_file}"\n{config}')

    def program(self, script, config="", policy=POLICY):
        path = self.folder / "decider"
        path.write_text("#!/bin/sh\n" + script)
        path.chmod(0o755)
        return self.service(policy, f'[decider.inventory]\nprogram = "{path}"\n{config}')

    def enrol(self, service, name, **options):
        csr, _ = self.csr(name, **options)
        return self.submit(service, csr)[1]

    def audit_of(self, service, name):
        """The newest row about the name: (action, detail)."""
        row = service.json(f"/v1/history?subject={name}&limit=1", client="operator")[1]["history"][0]
        detail = row["detail"]
        return row["action"], detail if isinstance(detail, dict) else json.loads(detail)

    def newest(self, service):
        return service.json("/v1/requests?limit=1000", client="operator")[1]["requests"][-1]

    def request(self, service, row):
        return service.json(f"/v1/requests/{row['id']}", client="operator")[1]
