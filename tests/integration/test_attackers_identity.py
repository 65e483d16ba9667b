"""What an attacker does with identity documents: each is refused, and the audit says why."""

import base64
import hashlib
import hmac
import http.server
import json
import shutil
import ssl
import threading

import identity_documents as documents
from harness import main, run, until
from test_identity import AWS_NAME, IdentityTest


class Attackers(IdentityTest):
    def refused(self, service, name, document, reason, key=None):
        csr, _ = self.csr(name, **({"key": key} if key else {}))
        status, answer = self.post(service, csr, document)
        self.assertEqual(status, 403, answer)
        details = [json.loads(row["detail"]) for row in self.audited(service, name, "deny")]
        self.assertIn(reason, " ".join(detail["identity"] for detail in details))
        self.assertNotIn(document[8:60], json.dumps(details) + service.log_text())

    def test_a_document_of_another_instance_or_account_or_region_is_refused(self):
        service = self.start()
        stranger = documents.Aws(self.folder, "stranger")
        for document, reason in (  # good documents, and of no use here: the trace says so
            (self.aws.document("i-0000000000000000a"), "is not the name"),
            (self.aws.document(accountId="999999999999"), "aws.account is '999999999999'"),
            (self.aws.document(region="us-east-1"), "is not the name"),
            (self.aws.document(region="us-east-1.eu-west-1"), "is not the name"),
        ):
            csr, _ = self.csr(AWS_NAME)
            status, answer = self.post(service, csr, document)
            self.assertEqual(status, 403, answer)
            self.assertIn(reason, self.trace_of(service, AWS_NAME))
        for document, reason in (
            (stranger.document(), "none of the configured certificates"),
            (self.aws.document(digest="sha1"), "SHA-256 or better"),
            (self.aws.document(options=("-nocerts",)), "content is not in it"),
            (self.aws.document(age=3600), "older than max_age"),
            ("aws:" + base64.b64encode(json.dumps(self.aws.fields()).encode()).decode(),
             "no SignedData"),
        ):
            self.refused(service, AWS_NAME, document, reason)

    def test_a_stolen_document_is_refused_with_another_key(self):
        service = self.start()
        document = self.aws.document()
        csr, _ = self.csr(AWS_NAME)
        self.assertEqual(self.post(service, csr, document)[0], 201)
        stolen, _ = self.other_csr(AWS_NAME, 1)
        self.assertEqual(self.post(service, stolen, document)[0], 409)
        rows = [row for row in self.audited(service, "", "refuse")]
        self.assertIn("with another key", json.dumps(rows))
        # The machine is cleaned: its document is old by the time that the thief tries.
        service.cli("clean", AWS_NAME)
        old = self.aws.document(age=3600)
        self.refused(service, AWS_NAME, old, "older than max_age",
                     key=self.folder / "other-1.key")
        csr, _ = self.csr(AWS_NAME)
        self.assertEqual(self.post(service, csr, old)[0], 201, "the machine itself")

    def test_tricks_with_the_header_of_a_token_are_refused(self):
        service = self.start()
        good = documents.gcp_claims()
        token = self.google.token(good)
        header, claims, signature = token[4:].split(".")
        decoded = json.loads(base64.urlsafe_b64decode(claims + "=="))
        signed = base64.urlsafe_b64decode(signature + "==")
        public = self.google.public_pem()
        hs_input = documents.raw_token({"alg": "HS256", "kid": "key-1"}, decoded)[4:].rstrip(".")
        mac = hmac.new(public, hs_input.encode(), hashlib.sha256).digest()
        thief = documents.Issuer(self.folder, self.google.url, self.google.audience)
        own_key = json.loads(thief.jwks())["keys"][0]
        cases = (
            (documents.raw_token({"alg": "none"}, decoded), "algorithm is none of"),
            (documents.raw_token({"alg": "none", "kid": "key-1"}, decoded, signed),
             "algorithm is none of"),
            ("jwt:" + hs_input + "." + base64.urlsafe_b64encode(mac).rstrip(b"=").decode(),
             "algorithm is none of"),
            (thief.token(good), "not by the issuer's key"),
            (thief.token(good, headers={"jwk": own_key, "jku": "https://evil.example.com"}),
             "not by the issuer's key"),
            (self.google.token(good, kind="PS256"), "does not fit"),
            (self.google.token(good, headers={"crit": ["exp"]}), "'crit'"),
            (self.google.token(good, headers={"kid": "other"}), "no key of its 'kid'"),
            (documents.raw_token(b'{"alg":"none","alg":"RS256","kid":"key-1"}', decoded, signed),
             "it has a member twice"),
        )
        for number, (document, reason) in enumerate(cases):
            with self.subTest(reason=reason, number=number):
                self.refused(service, "web-7.gcp.example.com", document, reason)

    def test_a_token_for_another_service_or_of_another_issuer_or_time_is_refused(self):
        service = self.start()
        good = documents.gcp_claims()
        issue = self.google.token
        cases = (
            (issue(good, aud="https://vault.example.com"), "another audience"),
            (issue(good, aud=None), "another audience"),
            (issue(good, iss="https://evil.example.com"), "No [identity.NAME] here is of its"),
            (issue(good, age=7200), "It expired at"),
            (issue(good, age=-3600), "not good before"),
            (issue(good, nbf=4102444800), "not good before"),
            (issue(good, exp=None), "no good 'iat' and 'exp'"),
            (issue(good, lifetime=7 * 86400), "max_lifetime"),
            (issue(good, age=1800), "older than max_age"),
            (issue({"sub": "x", "azp": "x"}), "format=full"),
            # A token of a cluster that says Google's claims.
            (self.cluster.token({**good, "iss": self.google.url}), "not by the issuer's key"),
            (self.cluster.token(good), "no token of a Kubernetes service account"),
        )
        for number, (document, reason) in enumerate(cases):
            with self.subTest(reason=reason, number=number):
                self.refused(service, "web-7.gcp.example.com", document, reason)

    def test_a_key_that_the_issuer_took_back_counts_no_more(self):
        service = self.start()
        old = self.google.token(documents.gcp_claims())
        self.google.rotate("key-2")
        self.write_keys()
        csr, _ = self.csr("web-7.gcp.example.com")
        until(lambda: self.post(service, csr, self.google.token(documents.gcp_claims()))[0] == 201,
              "the new keys")
        self.refused(service, "web-8.gcp.example.com", old, "no key of its 'kid'")

    def test_twenty_keys_at_once_with_one_document_get_one_certificate(self):
        service = self.start()
        document = self.aws.document()
        requests = [self.other_csr(AWS_NAME, number)[0] for number in range(20)]
        answers = []
        threads = [threading.Thread(
            target=lambda csr=csr: answers.append(self.post(service, csr, document)))
            for csr in requests]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(status for status, _ in answers)[0], 201)
        self.assertEqual(sum(status == 201 for status, _ in answers), 1)
        self.assertTrue(all(status in (201, 403, 409) for status, _ in answers), answers)


class KeysAtAUrl(IdentityTest):
    """An issuer that serves its keys over HTTPS, and fails as a test says."""

    def setUp(self):
        super().setUp()
        self.asked, self.answer = [], lambda handler: self.serve_keys(handler)
        test = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                test.asked.append(self.path)
                test.answer(self)

            def log_message(self, *_):
                pass

        server_side = documents.Signer(self.folder, "issuer-tls",
                                       extensions=("subjectAltName=DNS:localhost",))
        self.tls_ca = server_side.certificate
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(server_side.certificate, server_side.key)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        thread = threading.Thread(target=self.server.serve_forever)
        thread.start()
        self.release = threading.Event()
        self.addCleanup(thread.join)
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.addCleanup(self.release.set)

    def send(self, handler, body, status=200, headers=()):
        handler.send_response(status)
        for name, value in headers:
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        try:
            handler.wfile.write(body)
        except OSError:
            pass  # a body that is too long is not read to its end

    def serve_keys(self, handler):
        self.send(handler, self.google.jwks().encode(), headers=[("Cache-Control", "max-age=3600")])

    def start(self):
        return self.service(self.policy, f"""
[identity.google]
provider = "gcp"
audience = "https://ca.example.com"
jwks_url = "https://localhost:{self.server.server_port}/certs"
jwks_ca_file = "{self.tls_ca}"
""", name="keys")

    def claims(self, number):
        return documents.gcp_claims(instance=f"15298666223293844{number}",
                                    instance_name=f"web-{number}")

    def enrol(self, service, number):
        csr, _ = self.csr(f"web-{number}.gcp.example.com")
        return self.post(service, csr, self.google.token(self.claims(number)))

    def test_keys_are_fetched_and_a_rotation_is_followed(self):
        service = self.start()
        self.assertEqual(self.enrol(service, 1)[0], 201)
        self.google.rotate("key-2")
        until(lambda: self.enrol(service, 2)[0] == 201, "the issuer's new key")
        self.assertLessEqual(len(self.asked), 4, "not asked for each token")

    def test_an_issuer_that_hangs_keeps_nobody_else_from_signing(self):
        self.answer = lambda handler: self.release.wait(30)
        service = self.start()
        (service.folder / "policy.toml").write_text(
            self.policy + '\n[[rule]]\nname = "plain"\nmatch = { certname = "*.plain.test" }\n'
            'action = "sign"\n')
        waiting = threading.Thread(target=lambda: self.enrol(service, 1))
        waiting.start()
        until(lambda: self.asked, "the question for the keys")
        def plain():
            csr, _ = self.csr("a.plain.test")
            return self.submit(service, csr)[0] in (201, 200)
        until(plain, "the new policy", seconds=4)
        self.assertTrue(waiting.is_alive() or self.asked)
        waiting.join()
        self.release.set()
        self.answer = self.serve_keys
        until(lambda: self.enrol(service, 1)[0] == 201, "the keys")

    def test_an_answer_that_is_too_long_or_redirects_or_is_no_key_set_is_refused(self):
        cases = (
            lambda handler: self.send(handler, b" " * 10_000_000),
            lambda handler: self.send(handler, b"", 302, [("Location", "file:///etc/passwd")]),
            lambda handler: self.send(handler, b"<html>"),
            lambda handler: self.send(handler, b"{}", 500),
        )
        for number, answer in enumerate(cases):
            self.answer = answer
            service = self.start_anew(number)
            csr, _ = self.csr("web-1.gcp.example.com")
            status, _ = self.post(service, csr, self.google.token(self.claims(1)))
            self.assertEqual(status, 403)
            detail = json.loads(self.audited(service, "web-1.gcp.example.com")[0]["detail"])
            self.assertIn("cannot be had now", detail["identity"])
            service.stop()

    def start_anew(self, number):
        shutil.rmtree(self.folder / "keys", ignore_errors=True)
        return self.start()


if __name__ == "__main__":
    main()
