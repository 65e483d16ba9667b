"""Clients behind a proxy that ends their TLS and says by X-Client-* headers who they are."""

import http.client
import http.server
import re
import ssl
import threading
import urllib.parse

from harness import BINARY, WAIT, ServiceTest, main, run
from puppetserver import puppetserver_ca
from test_puppet import Agent

# Addresses of the loopback: what comes from PROXY is the proxy, all else is not.
PROXY = "127.0.0.2"
HEADERS = ("X-Client-Verify", "X-Client-DN", "X-Client-Cert")


class Terminator:
    """Does what the server block of docs/puppet.md has nginx do."""

    def __init__(self, service, certificate, key):
        chain = service.folder / "ca/chain.pem"
        front = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        front.load_cert_chain(certificate, key)
        front.load_verify_locations(chain)
        front.verify_mode = ssl.CERT_OPTIONAL
        back = ssl.create_default_context(cafile=chain)

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = WAIT

            def pass_on(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                sent = [(name, value) for name, value in self.headers.items()
                        if name.lower() not in {text.lower() for text in HEADERS} | {"connection"}]
                der = self.connection.getpeercert(binary_form=True)
                verify = "SUCCESS" if der else "NONE"
                sent.append((HEADERS[0], verify))
                if der:
                    pem = ssl.DER_cert_to_PEM_cert(der)
                    subject = run("openssl", "x509", "-noout", "-subject", "-nameopt", "RFC2253",
                                  input=pem).stdout
                    sent.append((HEADERS[1], subject.strip().removeprefix("subject=")))
                    sent.append((HEADERS[2], urllib.parse.quote(pem, safe="")))
                onward = http.client.HTTPSConnection(
                    "localhost", service.port, timeout=WAIT, context=back,
                    source_address=(PROXY, 0))
                try:
                    onward.putrequest(self.command, self.path, skip_host=True,
                                      skip_accept_encoding=True)
                    for name, value in sent:
                        onward.putheader(name, value)
                    onward.endheaders(body)
                    answer = onward.getresponse()
                    content = answer.read()
                    self.send_response(answer.status)
                    for name, value in answer.getheaders():
                        if name.lower() not in ("connection", "content-length", "date", "server"):
                            self.send_header(name, value)
                    if answer.status not in (204, 304):
                        self.send_header("Content-Length", str(len(content)))
                    self.end_headers()
                    self.wfile.write(content)
                finally:
                    onward.close()

            do_GET = do_PUT = do_POST = do_DELETE = pass_on

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.socket = front.wrap_socket(self.server.socket, server_side=True,
                                               do_handshake_on_connect=False)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.thread.join(WAIT)
        self.server.server_close()


class BehindATerminator(ServiceTest):
    def start(self):
        self.ca = self.service(
            'default = "sign"\n',
            "[puppet]\nallow_auto_renewal = true\nallow_header_cert_info = true\n"
            f'trusted_proxies = ["{PROXY}"]\n[crl]\ndelay = "1s"\n')
        # A name of the service itself: only an operator gives it.
        csr, key = self.csr("front", sans=["DNS:localhost"])
        self.puppet_put(self.ca, "front", csr)
        self.ca.cli("sign", "front", "--reserved-names", "--yes")
        certificate = self.folder / "front.pem"
        certificate.write_text(self.ca.curl("/puppet-ca/v1/certificate/front")[1])
        self.front = Terminator(self.ca, certificate, key)
        self.addCleanup(self.front.stop)

    def node(self, name):
        agent = Agent(self, self.front, name)
        agent.bootstrap()
        return agent, (agent.certificate, agent.key)

    def ask(self, path, *options, client=None, port=None):
        """(status, body) of a request to the terminator, or to the service itself."""
        certificate = ["--cert", client[0], "--key", client[1]] if client else []
        said = run("curl", "-sS", "--max-time", WAIT, "--cacert", self.ca.folder / "ca/chain.pem",
                   *certificate, *options, "-w", "\n%{http_code}",
                   f"https://localhost:{port or self.front.port}/puppet-ca/v1/{path}").stdout
        body, _, status = said.rpartition("\n")
        return int(status), body

    @property
    def operator(self):
        return (self.ca.folder / "operator.pem", self.ca.folder / "operator.key")

    def test_an_agent_enrols_is_a_node_renews_and_is_refused_once_revoked(self):
        self.start()
        agent, pair = self.node("node1.example.com")
        self.assertEqual(self.ask("expirations", client=pair)[0], 200)
        self.assertEqual(self.ask("expirations")[0], 403)
        self.assertEqual(self.ask("certificate_statuses/all", client=pair)[0], 403)
        status, renewed = self.ask("certificate_renewal", "-X", "POST", client=pair)
        self.assertEqual(status, 200, renewed)
        self.assertNotEqual(renewed, agent.certificate.read_text())

        # The terminator looks at no CRL, and need not.
        self.ca.cli("revoke", agent.name)
        status, text = self.ask("certificate/ca", client=pair)
        self.assertEqual((status, text), (403, "The certificate is expired, revoked or unknown."))

    def test_the_operators_own_command_line_works(self):
        self.start()
        csr, _ = self.csr("waiting", sans=["DNS:other.example.com"])
        self.puppet_put(self.ca, "waiting", csr)
        home = self.folder / "operator"
        for part, source in (("certs/operator", "operator.pem"),
                             ("private_keys/operator", "operator.key"),
                             ("certs/ca", "ca/chain.pem")):
            (home / f"ssl/{part}.pem").parent.mkdir(parents=True, exist_ok=True)
            (home / f"ssl/{part}.pem").write_bytes((self.ca.folder / source).read_bytes())
        (home / "ssl/crl.pem").write_text(self.ask("certificate_revocation_list/ca")[1])
        conf = home / "puppet.conf"
        conf.write_text(
            f"[main]\ncertname = operator\nserver = localhost\nca_server = localhost\n"
            f"ca_port = {self.front.port}\nserverport = {self.front.port}\n"
            f"ssldir = {home}/ssl\nconfdir = {home}\n")
        listed = puppetserver_ca("list", "--all", config=conf, home=home)
        self.assertEqual(listed.returncode, 0, listed.stdout + listed.stderr)
        self.assertIn("front", listed.stdout)

    def test_headers_of_anybody_but_the_terminator_count_for_nothing(self):
        self.start()
        claim = ["-H", "X-Client-Verify: SUCCESS", "-H", "X-Client-DN: CN=operator", "-H",
                 "X-Client-Cert: " + urllib.parse.quote(self.operator[0].read_text(), safe="")]
        for port in (self.ca.port, self.front.port):
            for _ in range(2):
                status, text = self.ask("certificate_statuses/all", *claim, port=port)
                self.assertEqual(status, 403, text)
        self.assertEqual(
            self.ask("certificate_statuses/all", *claim, "--interface", PROXY,
                     port=self.ca.port)[0],
            200, "whoever speaks from the terminator's address is believed")
        self.assertEqual(len(re.findall("client_headers_ignored", self.ca.log_text())), 1)
        self.assertIn("source=127.0.0.1", self.ca.log_text())
        # A token, or the connection's certificate, is all that counts under /v1.
        for _ in range(2):
            self.assertEqual(self.ca.curl("/v1/certificates", *claim, "--interface", PROXY)[0], 401)


class Settings(ServiceTest):
    def test_headers_without_the_addresses_of_their_senders_are_no_configuration(self):
        service = self.service(config="[puppet]\nallow_header_cert_info = true\n", start=False)
        ended = run(BINARY, "serve", "--config", service.folder / "countersign.toml", check=False)
        self.assertEqual(ended.returncode, 2, ended.stderr)
        self.assertIn("needs 'trusted_proxies'", ended.stderr)


if __name__ == "__main__":
    main()
