"""Everything that a client should not send: a clear answer, nothing stored, the service up."""

import base64
import json
import os
import socket

from harness import ServiceTest, main, run

POLICY = 'default = "sign"\n'


class BadInput(ServiceTest):
    def setUp(self):
        super().setUp()
        self.ca = self.service(POLICY)

    def der(self, csr):
        return bytearray(
            base64.b64decode("".join(csr.read_text().splitlines()[1:-1])))

    def send(self, body, name="bad"):
        path = self.folder / f"{name}.body"
        path.write_bytes(body)
        return self.submit(self.ca, path)

    def nothing_stored(self):
        _, requests = self.ca.json("/v1/requests", client="operator")
        self.assertEqual(requests["requests"], [])

    def test_malformed_requests_are_refused_each_with_its_own_error(self):
        csr, _ = self.csr("host1")
        good = self.der(csr)
        pem = csr.read_bytes()
        broken = bytearray(good)
        broken[-5] ^= 1
        indefinite = bytearray(good)
        indefinite[1] = 0x80
        cases = {
            "empty": (b"", "malformed"),
            "text": (b"hello", "malformed"),
            "trailing byte": (bytes(good) + b"\0", "malformed"),
            "cut short": (bytes(good[:-3]), "malformed"),
            "BER": (bytes(indefinite), "malformed"),
            "two blocks": (pem + pem, "malformed"),
            "wrong label": (pem.replace(b"CERTIFICATE REQUEST", b"CERTIFICATE"), "malformed"),
            "bad proof": (bytes(broken), "bad-proof"),
        }
        for name, (body, slug) in cases.items():
            with self.subTest(name):
                status, problem = self.send(body)
                self.assertEqual(status, 400, problem)
                self.assertIn(problem["type"].rsplit(":", 1)[1], (slug, "bad-csr"), problem)
                self.assertTrue(problem["detail"])
        self.nothing_stored()

    def test_names_that_break_the_rules_are_refused(self):
        names = {
            "upper case": "/CN=Web1", "dots": "/CN=a..b", "slash": r"/CN=a\/b",
            "non-ASCII": "/CN=café", "control character": "/CN=a\x01b", "space": "/CN=a b",
            "reserved": "/CN=ca", "wildcard": "/CN=*.example.com", "long": "/CN=" + ".".join(
                ["a" * 60] * 4) + "." + "b" * 10, "ends in a hyphen": "/CN=web-",
            "several": "/CN=web1/CN=web2", "none": "/O=nobody",
        }
        for case, subject in names.items():
            with self.subTest(case):
                key = self.folder / "k.key"
                if case == "long":
                    # openssl req itself stops at 64: the service must be asked with a CSR that the
                    # puppet agent could make.
                    csr = self.long_name_csr(subject[4:])
                else:
                    csr, _ = self.csr("host", key=key, subject=subject)
                status, problem = self.submit(self.ca, csr)
                self.assertEqual(status, 400, problem)
        self.nothing_stored()

    def long_name_csr(self, name):
        config = self.folder / "long.cnf"
        config.write_text("[req]\ndistinguished_name=dn\nprompt=no\n[dn]\nCN=" + name[:60] + "\n")
        ruby = self.folder / "long.rb"
        ruby.write_text(
            "require 'openssl'\nkey = OpenSSL::PKey::EC.generate('prime256v1')\n"
            "csr = OpenSSL::X509::Request.new\ncsr.version = 0\n"
            "csr.subject = OpenSSL::X509::Name.new([['CN', ARGV[0], OpenSSL::ASN1::UTF8STRING]])\n"
            "csr.public_key = key\ncsr.sign(key, 'SHA256')\nputs csr.to_pem\n")
        out = self.folder / "long.csr"
        result = run("ruby", ruby, name, check=False)
        out.write_text(result.stdout or "no CSR\n" + result.stderr)
        return out

    def test_keys_that_break_the_rules_are_refused(self):
        csr, _ = self.csr("weak", kind="rsa1024")
        status, problem = self.submit(self.ca, csr)
        self.assertEqual((status, problem["type"].rsplit(":", 1)[1]), (400, "bad-key"))
        key = self.folder / "k1.key"
        run("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1",
            "-out", key)
        csr, _ = self.csr("odd", key=key)
        status, problem = self.submit(self.ca, csr)
        self.assertEqual((status, problem["type"].rsplit(":", 1)[1]), (400, "bad-key"))
        self.nothing_stored()

    def test_good_keys_of_every_kind_are_accepted(self):
        for kind in ("ec", "rsa", "ed25519"):
            csr, _ = self.csr(f"good-{kind}", kind=kind)
            status, answer = self.submit(self.ca, csr)
            self.assertIn(status, (201, 202), answer)

    def test_the_name_in_the_path_must_be_the_name_in_the_subject(self):
        csr, _ = self.csr("one")
        status, body = self.puppet_put(self.ca, "two", csr)
        self.assertEqual(
            (status, body), (400, 'Instance name "one" does not match requested key "two"'))
        self.nothing_stored()

    def test_ten_thousand_names_are_refused(self):
        csr, _ = self.csr("many", sans=[f"DNS:n{i}.example.com" for i in range(10000)])
        status, problem = self.submit(self.ca, csr)
        self.assertIn(status, (400, 413), problem)
        self.nothing_stored()

    def test_a_body_of_a_mebibyte_is_refused(self):
        status, _ = self.ca.curl("/v1/requests", "-H", "Content-Type: application/pkcs10",
                                 "-H", "Expect:", "--data-binary",
                                 "@" + str(self.filled("big", 1 << 20)))
        self.assertEqual(status, 413)
        self.nothing_stored()

    def filled(self, name, size):
        path = self.folder / name
        path.write_bytes(os.urandom(size))
        return path

    def test_a_second_csr_with_another_key_is_refused_for_a_queued_and_for_a_live_name(self):
        self.ca.stop()
        (self.ca.folder / "policy.toml").write_text(
            '[[rule]]\nname = "live"\nmatch = { certname = ["live"] }\naction = "sign"\n')
        self.ca.start()
        for name, first, slug in (("queued", 202, "request-exists"),
                                  ("live", 201, "certificate-exists")):
            csr, _ = self.csr(name, key=self.folder / "first.key")
            self.assertEqual(self.submit(self.ca, csr)[0], first)
            csr, _ = self.csr(name, key=self.folder / "second.key")
            status, problem = self.submit(self.ca, csr)
            self.assertEqual((status, problem["type"].rsplit(":", 1)[1]), (409, slug))
            status, body = self.puppet_put(self.ca, name, csr)
            self.assertEqual(status, 400)
            self.assertIn("ignoring certificate request", body)

    def test_a_csr_for_a_revoked_name_waits_for_a_clean(self):
        self.ca.stop()
        (self.ca.folder / "policy.toml").write_text(
            '[[rule]]\nname = "live"\nmatch = { certname = ["live"] }\naction = "sign"\n')
        self.ca.start()
        csr, _ = self.csr("live")
        self.assertEqual(self.submit(self.ca, csr)[0], 201)
        self.ca.cli("revoke", "live")
        second, _ = self.csr("live", key=self.folder / "second.key")
        status, problem = self.submit(self.ca, second)
        self.assertEqual((status, problem["type"].rsplit(":", 1)[1]), (409, "revoked-exists"))
        self.ca.cli("clean", "live")
        self.assertEqual(self.submit(self.ca, second)[0], 201)

    def test_json_that_is_not_what_the_route_takes_is_named(self):
        def post(text, kind="application/json"):
            return self.ca.json("/v1/requests", "-H", f"Content-Type: {kind}", "-d", text)

        self.assertEqual(post("{")[0], 400)
        self.assertEqual(post("[]")[0], 400)
        status, problem = post(json.dumps({"cert": "x"}))
        self.assertEqual(status, 400)
        self.assertIn("cert", problem["detail"])
        self.assertEqual(post("x", "text/html")[0], 415)
        self.assertEqual(self.ca.json("/v1/nothing")[0], 404)
        self.assertEqual(self.ca.json("/v1/requests", method="DELETE")[0], 405)

    def test_a_silent_client_is_cut_and_others_are_served_meanwhile(self):
        self.ca.stop()
        self.ca.add_config('[limits]\nhandshake = "1s"\n')
        self.ca.start()
        with socket.create_connection(("127.0.0.1", self.ca.port), timeout=30) as silent:
            self.assertEqual(self.ca.curl("/v1/health/live")[0], 200)
            self.assertEqual(silent.recv(1), b"", "the service must close the connection")


if __name__ == "__main__":
    main()
