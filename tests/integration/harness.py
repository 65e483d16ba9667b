"""A service of its own for each test: a folder, a free port, a process that is always ended."""

import contextlib
import http.client
import json
import os
import pathlib
import re
import selectors
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import unittest

BINARY = os.environ.get("COUNTERSIGN") or str(
    pathlib.Path(__file__).resolve().parents[2] / "build/release/countersign"
)
WAIT = 60  # seconds; the bound of every wait


def run(*command, check=True, **options):
    """Runs to the end within the bound; the output is text."""
    options.setdefault("timeout", WAIT)
    result = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, **options
    )
    if check and result.returncode != 0:
        raise AssertionError(
            f"{command} ended with {result.returncode}\n{result.stdout}\n{result.stderr}"
        )
    return result


def until(condition, what, seconds=WAIT):
    """Asks again, with pauses, for something that no event tells of."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {what}")


class Service:
    """countersign in a folder of its own on a free port of the loopback."""

    def __init__(self, folder, policy=None, config="", init=()):
        self.folder = pathlib.Path(folder)
        self.process = None
        self.address = None
        self.log_path = self.folder.with_name(self.folder.name + ".log")
        run(BINARY, "init", "--dir", self.folder, "--hostname", "localhost",
            "--listen", "127.0.0.1:0", *init)
        if policy is not None:
            (self.folder / "policy.toml").write_text(policy)
        if config:
            self.add_config(config)

    def add_config(self, text):
        """Adds tables to countersign.toml; a table that is there already is replaced."""
        path = self.folder / "countersign.toml"
        content = path.read_text()
        for name in re.findall(r"^\[([^\]]+)\]", text, re.M):
            content = re.sub(rf"^\[{re.escape(name)}\]\n(?:(?!\[).*\n?)*", "", content, flags=re.M)
        path.write_text(content.rstrip("\n") + "\n\n" + text)

    def start(self, *arguments):
        self.log = open(self.log_path, "ab")
        self.process = subprocess.Popen(
            [BINARY, "serve", "--config", str(self.folder / "countersign.toml"), *arguments],
            stdout=subprocess.PIPE, stderr=self.log, text=True,
        )
        with selectors.DefaultSelector() as ready:
            ready.register(self.process.stdout, selectors.EVENT_READ)
            if not ready.select(WAIT):
                raise AssertionError("the service did not say that it listens")
        line = self.process.stdout.readline()
        match = re.match(r"listening on (\S+):(\d+)", line)
        if not match:
            self.process.wait(WAIT)
            raise AssertionError(f"the service did not start: {line!r}\n{self.log_text()}")
        self.port = int(match.group(2))
        self.url = f"https://localhost:{self.port}"
        client = self.folder / "client.toml"
        client.write_text(
            re.sub(r'^url\s*=.*$', f'url = "{self.url}"', client.read_text(), flags=re.M)
        )
        return self

    def log_text(self):
        return self.log_path.read_text(errors="replace")

    def stop(self, number=signal.SIGTERM):
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            code = self.process.wait(WAIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(WAIT)
            raise AssertionError("the service did not stop")
        finally:
            self.process.stdout.close()
            self.log.close()
        self.process = None
        return code

    def cli(self, *arguments, check=True, **options):
        return run(BINARY, *arguments, "--client", self.folder / "client.toml",
                   check=check, **options)

    def curl(self, path, *arguments, method=None, client=None, check=True):
        """Returns (status, body). client: "operator" or a (cert, key) pair."""
        command = ["curl", "-sS", "--max-time", "30", "--cacert", self.folder / "ca/chain.pem",
                   "-w", "\n%{http_code}"]
        if client == "operator":
            client = (self.folder / "operator.pem", self.folder / "operator.key")
        if client:
            command += ["--cert", client[0], "--key", client[1]]
        if method:
            command += ["-X", method]
        result = run(*command, *arguments, self.url + path, check=False)
        if result.returncode != 0:
            if check:
                raise AssertionError(f"curl {path}: {result.stderr}\n{self.log_text()[-2000:]}")
            return (0, result.stderr)
        body, _, status = result.stdout.rpartition("\n")
        return (int(status), body)

    def json(self, path, *arguments, **options):
        status, body = self.curl(path, *arguments, **options)
        return status, json.loads(body)

    def _tls(self, client=None):
        context = ssl.create_default_context(cafile=self.folder / "ca/chain.pem")
        if client == "operator":
            client = (self.folder / "operator.pem", self.folder / "operator.key")
        if client:
            context.load_cert_chain(*client)
        return context

    def kept_connection(self, client=None):
        """An http.client connection, for tests with more requests than a curl each would allow."""
        return http.client.HTTPSConnection("localhost", self.port, timeout=WAIT,
                                           context=self._tls(client))

    def tcp_socket(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=WAIT)

    def tls_socket(self):
        """For what no HTTP client would send."""
        return self._tls().wrap_socket(self.tcp_socket(), server_hostname="localhost")


class ServiceTest(unittest.TestCase):
    """Gives each test a folder and ends every service that it started."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="countersign-test-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def service(self, policy=None, config="", name="ca", init=(), start=True):
        service = Service(self.folder / name, policy, config, init)
        self.addCleanup(lambda: contextlib.suppress(AssertionError) and service.stop())
        return service.start() if start else service

    def refused_at_start(self, policy, config, name):
        """What `serve` says of a configuration that it does not start with."""
        service = self.service(policy, config, name=name, start=False)
        started = run(BINARY, "serve", "--config", service.folder / "countersign.toml", check=False)
        self.assertEqual(started.returncode, 2)
        return started.stderr

    def csr(self, name, *, key=None, sans=(), extensions=(), kind="ec", subject=None, extra=()):
        """A key and a CSR by the openssl program: (csr path, key path)."""
        key_path = key or self.folder / f"{name}.key"
        csr_path = self.folder / f"{name}.csr"
        if not pathlib.Path(key_path).exists():
            algorithm = {
                "ec": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
                "rsa": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
                "rsa1024": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"],
                "ed25519": ["-algorithm", "ED25519"],
            }[kind]
            run("openssl", "genpkey", *algorithm, "-out", key_path)
        command = ["openssl", "req", "-new", "-utf8", "-key", key_path, "-out", csr_path,
                   "-subj", subject or f"/CN={name}"]
        if sans:
            command += ["-addext", "subjectAltName=" + ",".join(sans)]
        for extension in extensions:
            command += ["-addext", extension]
        run(*command, *extra)
        return csr_path, key_path

    def submit(self, service, csr, **options):
        """POST /v1/requests with application/pkcs10."""
        return service.json("/v1/requests", "-H", "Content-Type: application/pkcs10",
                            "--data-binary", f"@{csr}", **options)

    def puppet_put(self, service, name, csr):
        return service.curl(f"/puppet-ca/v1/certificate_request/{name}", "-H",
                            "Content-Type: text/plain", "--data-binary", f"@{csr}", method="PUT")


def main():
    unittest.main()
