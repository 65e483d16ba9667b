"""The services under measurement, with what each costs the machine."""

import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

import puppetserver  # noqa: E402
from harness import Service, until  # noqa: E402

# `m…` enrols by its name, `t…` by its token; the fleet is what make_store writes.
POLICY = r"""
default = "deny"

[[rule]]
name = "bench"
match = { certname_regex = 'm[a-z0-9-]*\.bench\.example\.com' }
action = "sign"

[[rule]]
name = "token"
match = { certname_regex = 't[a-z0-9-]*\.bench\.example\.com', token = "required" }
action = "sign"

[[rule]]
name = "fleet"
match = { certname_regex = '[0-9a-f]{16}\.fleet\.example\.com' }
action = "sign"
"""
CONFIG = '[log]\nlevel = "warn"\n'
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    """User and system time of a process (proc(5), stat fields 14 and 15)."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def rss_mib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError(f"process {pid} tells no VmRSS")


class Subject:
    """What the generator needs to know of a running service."""

    @property
    def pid(self):
        return self.process.pid

    def rss_mib(self):
        return rss_mib(self.pid)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


class Countersign(Subject, Service):
    name = "countersign"

    def __init__(self, folder, key="ec:P-256"):
        Service.__init__(self, folder, POLICY, CONFIG, ("--key", key))
        self.ready_s = None

    @property
    def chain(self):
        return self.folder / "ca/chain.pem"

    @property
    def operator(self):
        return ["--cert", self.folder / "operator.pem", "--key", self.folder / "operator.key"]

    def start(self):
        begin = time.monotonic()
        Service.start(self)
        self.ready_s = time.monotonic() - begin
        return self

    def operator_connection(self):
        return self.kept_connection("operator")

    def crl(self):
        """DER, as a relying party fetches it."""
        connection = self.kept_connection()
        connection.request("GET", "/v1/crl", headers={"Accept": "application/pkix-crl"})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        assert answer.status == 200, body[:200]
        return body


class Puppetserver(Subject, puppetserver.RealPuppetserver):
    """puppetserver as Debian starts it, with the CA that it makes by default: RSA of 4096 bits."""

    name = "puppetserver"
    jvm = ("-Xms1g", "-Xmx1g")

    def __init__(self, folder):
        puppetserver.RealPuppetserver.__init__(self, folder, settings="autosign = true",
                                               keylength=4096)
        self.make_ca()
        self.ready_s = None

    @property
    def chain(self):
        return self.bundle

    def start(self):
        begin = time.monotonic()
        puppetserver.RealPuppetserver.start(self)
        self.ready_s = time.monotonic() - begin
        return self


def puppetserver_installed():
    return puppetserver.JAR.exists()


__all__ = ["Countersign", "Puppetserver", "cpu_seconds", "puppetserver_installed", "rss_mib",
           "until"]
