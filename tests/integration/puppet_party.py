"""A CA to which the lines of puppet_cases.py are put: ours, or the real puppetserver."""

import dataclasses
import datetime
import http.client
import json
import pathlib
import re
import ssl

import csr_maker as make
import puppet_cases as cases
import x509_facts as facts
from harness import WAIT, Service, run, until
from puppetserver import RealPuppetserver, puppetserver_ca

ROOT = "/puppet-ca/v1/"

# The same settings for both: [puppet] of countersign.toml, and puppet.conf with ca.conf.
SETTINGS = {
    "by file": ('autosign = "{autosign}"\n', "autosign = {autosign}\n", ""),
    "true": ("autosign = true\n", "autosign = true\n", ""),
    "false": (
        "autosign = false\nallow_duplicate_certs = true\nallow_subject_alt_names = true\n"
        "allow_authorization_extensions = true\n",
        "autosign = false\nallow_duplicate_certs = true\n",
        "allow-subject-alt-names: true, allow-authorization-extensions: true"),
    "names allowed": (
        "autosign = false\nallow_subject_alt_names = true\n", "autosign = false\n",
        "allow-subject-alt-names: true"),
    "renewing": (
        'autosign = true\nallow_auto_renewal = true\nauto_renewal_cert_ttl = "60d"\n', None, None),
    "infra": (
        'enable_infra_crl = true\ninfra_inventory = "infra_inventory.txt"\n', None, None),
    "header": (
        'autosign = true\nallow_auto_renewal = true\nallow_header_cert_info = true\n'
        'trusted_proxies = ["127.0.0.1"]\n', None, None),
}


@dataclasses.dataclass
class Answer:
    status: int  # 0: the TLS handshake was refused
    type: str
    body: str
    headers: dict


class FileKey(make.Key):
    """The private key of a file that a passphrase may lock."""

    def __init__(self, path, passphrase_file=None):
        options = ["-passin", f"file:{passphrase_file}"] if passphrase_file else []
        self.pem = run("openssl", "pkey", "-in", path, *options).stdout.encode()
        text = run("openssl", "pkey", "-noout", "-text", input=self.pem.decode()).stdout
        self.algorithm = (
            make.sequence(make.oid(make.ECDSA_SHA256)) if "prime256v1" in text
            else make.sequence(make.oid(make.RSA_SHA256), make.tlv(make.NULL, b"")))


HOUR = datetime.timedelta(hours=1)


def utc_time(shift):
    """UTCTime of a moment so far from now."""
    then = datetime.datetime.now(datetime.timezone.utc) + shift
    return make.tlv(0x17, then.strftime("%y%m%d%H%M%SZ").encode())


def crl_pem(issuer, key, number, key_id, days, delta=False):
    """An empty CRL (RFC 5280 5.1)."""
    extensions = [make.extension(facts.CRL_NUMBER, make.integer(number))]
    if key_id:
        extensions.append(make.extension(facts.AUTHORITY_KEY,
                                         make.sequence(make.tlv(0x80, key_id))))
    if delta:
        extensions.append(make.extension("2.5.29.27", make.integer(1),
                                         make.tlv(make.BOOLEAN, b"\xff")))
    body = make.sequence(
        make.integer(1), key.algorithm, issuer, utc_time(-HOUR),
        utc_time(datetime.timedelta(days=days)), make.tlv(0xA0, make.sequence(*extensions)))
    return make.pem(make.signed(body, key), "X509 CRL")


class Party:
    """Puts requests to one CA. `admin` is the (certificate, key) of an operator."""

    def __init__(self, server, folder, bundle, admin, root_key):
        self.root_key = root_key  # (file, file of its passphrase or None)
        self.server, self.folder, self.bundle = server, pathlib.Path(folder), pathlib.Path(bundle)
        self.callers = {"anon": None, "admin": admin}
        self.autosign_path = self.folder / "autosign"
        self.sent = {}  # name -> the last request for a certificate that was put

    # Callers.

    def _pair(self, name):
        """Has a certificate issued for the key of the cases."""
        self.give("signed", name)
        certificate, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        certificate.write_text(self.ask(f"anon GET certificate/{name}").body)
        key.write_bytes(cases.key().pem)
        return (certificate, key)

    def caller(self, who, name=""):
        if who == "own":
            return self._pair(name)
        if who not in self.callers:
            self.callers[who] = self._pair(f"{who}.test")
            if who == "revoked":
                assert self.ask(f"node GET certificate/{who}.test").status == 200
                self.set_state(f"{who}.test", "revoked")
                until(lambda: self.ask("revoked GET certificate/ca").status == 0,
                      "a revoked certificate opens no connection")
        return self.callers[who]

    # Requests.

    def ask(self, request, body=None, headers=None, name=""):
        who, method, path = request.split(" ", 2)
        pair = self.caller(who, name)
        context = ssl.create_default_context(cafile=self.bundle)
        if pair:
            context.load_cert_chain(*pair)
        connection = http.client.HTTPSConnection("localhost", self.server.port, timeout=WAIT,
                                                 context=context)
        sent = {"Accept": "*/*", **(headers or {})}
        sent = {key: value for key, value in sent.items() if value is not None}
        if body is not None:
            sent.setdefault("Content-Type", "text/plain" if b"-----BEGIN" in body else
                            "application/json")
        try:
            connection.request(method, path if path.startswith("/") else ROOT + path,
                               body=body, headers=sent)
            response = connection.getresponse()
            return Answer(response.status, response.getheader("Content-Type"),
                          response.read().decode(errors="replace"), dict(response.getheaders()))
        except (ssl.SSLError, ConnectionError, http.client.RemoteDisconnected):
            if who != "revoked":
                raise
            return Answer(0, "", "the TLS handshake is refused", {})
        finally:
            connection.close()

    def submit(self, name, csr):
        self.sent[name] = csr
        return self.ask(f"anon PUT certificate_request/{name}", csr)

    def set_state(self, name, state):
        done = self.ask(f"admin PUT certificate_status/{name}",
                        json.dumps({"desired_state": state}).encode())
        assert done.status == 204, (name, state, done)
        if state == "revoked":
            self.revocation_shows(name)

    # States.

    def autosign(self, text):
        """What the file that `autosign` names holds from now on; "" takes it away."""
        self.autosign_path.unlink(missing_ok=True)
        if text:
            self.autosign_path.write_text(text)
            self.autosign_path.chmod(0o755 if text.startswith("#!") else 0o644)

    def give(self, state, name):
        """Brings a name that nothing is known of to pending, signed, revoked or cleaned."""
        self.autosign("")
        answer = self.submit(name, cases.plain(name))
        assert answer.status == 200, (name, state, answer)
        if state == "pending":
            return
        if self.ask(f"anon GET certificate/{name}").status != 200:
            self.set_state(name, "signed")
        if state in ("revoked", "cleaned"):
            self.set_state(name, "revoked")
        if state == "cleaned":
            answer = self.ask("admin PUT clean", json.dumps({"certnames": [name]}).encode())
            assert answer.status == 200, answer

    def play(self, step, name):
        """Brings about what the step is given, puts its request; the answer."""
        body = step.body
        if step.given == "put":
            first, body = body if isinstance(body, tuple) else (body, None)
            self.autosign(step.autosign)
            answer = self.submit(name, first(name))
            if answer.status != 200:
                return answer  # nothing is there for the request
        elif step.given == "nothing pending":
            self.clear_queue()
        elif step.given not in ("", "same"):
            self.give(step.given, name)
        if not step.request:
            return None
        self.autosign(step.autosign)
        if isinstance(body, str):
            octets = self.made(body)
        else:
            octets = body(name) if body else None
        if "certificate_request" in step.request and octets:
            self.sent[name] = octets
        return self.ask(step.request.replace("{n}", name), octets, step.headers(), name)

    def clear_queue(self):
        waiting = self.ask("admin GET certificate_statuses/all?state=requested",
                           headers={"Accept": "application/json"})
        for row in json.loads(waiting.body):
            answer = self.ask(f"admin DELETE certificate_status/{row['name']}")
            assert answer.status == 204, answer

    def revocation_shows(self, name):
        """Waits until a CRL that holds the newest certificate of the name is served."""
        answer = self.ask(f"anon GET certificate/{name}")
        if answer.status == 200:
            serial = facts.Certificate.read(answer.body).serial
            until(lambda: serial in self.crl().entries, f"a CRL with {name}")

    def crl(self):
        return facts.crls(self.ask("anon GET certificate_revocation_list/ca").body)[0]

    # `puppetserver ca`, with the certificate of the admin.

    def cli(self, action, *arguments):
        home = self.folder / "cli"
        conf = home / "puppet.conf"
        if not home.exists():
            for part in ("certs", "private_keys"):
                (home / "ssl" / part).mkdir(parents=True)
            certificate, key = self.callers["admin"]
            (home / "ssl/certs/admin.pem").write_bytes(pathlib.Path(certificate).read_bytes())
            (home / "ssl/private_keys/admin.pem").write_bytes(pathlib.Path(key).read_bytes())
            (home / "ssl/certs/ca.pem").write_text(self.ask("anon GET certificate/ca").body)
            (home / "ssl/crl.pem").write_text(
                self.ask("anon GET certificate_revocation_list/ca").body)
            conf.write_text(
                f"[main]\ncertname = admin\nserver = localhost\nca_server = localhost\n"
                f"ca_port = {self.server.port}\nserverport = {self.server.port}\n"
                f"keylength = 2048\nssldir = {home}/ssl\nconfdir = {home}\n"
                f"cadir = {home}/ca\n")
        return puppetserver_ca(action, *arguments, config=conf, home=home,
                               kept=getattr(self.server, "keeps_connections", True))

    # CRLs of the CA above ours, for the upload.

    def made(self, what):
        root = facts.blocks(self.bundle.read_text(), "CERTIFICATE")[1]
        root = facts.Certificate.read(make.pem(root, "CERTIFICATE").decode())
        key = FileKey(*self.root_key)

        def crl(number, days=365, **options):
            return crl_pem(root.subject, key, number, root.key_id, days, **options)

        if what == "root_crl":
            return crl(1000)
        if what == "two_of_one_number":
            return crl(2000) + crl(2000, days=300)
        if what == "delta_crl":
            return crl(3000, delta=True)
        if what == "crl_without_aki":
            return crl_pem(root.subject, key, 4000, None, 365)
        assert what == "unrelated_crl"
        return crl_pem(make.common_name("Another CA"), cases.key(), 1, b"\1" * 20, 365)


def ours(folder, setting):
    folder = pathlib.Path(folder)
    puppet = SETTINGS[setting][0].format(autosign=folder / "autosign")
    service = Service(folder / "ca", 'default = "queue"\n',
                      f'[puppet]\n{puppet}ca_ttl = "1825d"\n[crl]\ndelay = "0s"\n')
    party = Party(service, folder, service.folder / "ca/chain.pem",
                  (service.folder / "operator.pem", service.folder / "operator.key"),
                  (service.folder / "ca/root.key", service.folder / "ca/passphrase"))
    return party


def puppetserver(folder, setting):
    folder = pathlib.Path(folder)
    _, settings, ca_conf = SETTINGS[setting]
    server = RealPuppetserver(folder / "puppetserver",
                              settings.format(autosign=folder / "autosign"), ca_conf)
    server.make_ca()
    return Party(server, folder, server.bundle, server.admin(),
                 (server.cadir / "root_key.pem", None))


def reload_puppetserver(party, setting):
    """The same puppetserver and CA with other settings."""
    _, settings, ca_conf = SETTINGS[setting]
    party.server.reload(settings.format(autosign=party.autosign_path), ca_conf)


def named(steps):
    """(step, name) of each: its own name, or that of the step before."""
    name = None
    for step in steps:
        if step.given != "same":
            name = step.name or f"n{step.number}.test"
        yield step, name


def same_answer(text, step, name):
    """Is the body the one of the table?"""
    if step.answer is None:
        return True
    wanted = step.answer.replace("{n}", name)
    if wanted.startswith("~"):
        return re.search(wanted[1:], text) is not None
    return text == wanted
