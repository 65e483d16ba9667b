"""A service on a Puppet CA directory that was imported."""

import json
import pathlib

import csr_maker as make
import puppet_party
import x509_facts as facts
from harness import BINARY, Service, run


def import_puppet(cadir, folder, *options, check=True):
    """`countersign import puppet`; the completed process."""
    return run(BINARY, "import", "puppet", "--cadir", cadir, "--dir", folder, "--hostname", "localhost",
               "--listen", "127.0.0.1:0", *options, check=check)


class ImportedService(Service):
    """What `import puppet` made of a CA directory; `report` is what it said of it."""

    def __init__(self, folder, cadir, *options):
        self.folder = pathlib.Path(folder)
        self.process = None
        self.address = None
        self.log_path = self.folder.with_name(self.folder.name + ".log")
        self.report = json.loads(import_puppet(cadir, folder, "--json", *options).stdout)


def crl_entries(pem):
    """The entries of the first CRL as openssl shows them: serial, date and reason of each."""
    text = run("openssl", "crl", "-noout", "-text", input=pem).stdout
    if "Revoked Certificates:" not in text:
        return []
    body = text.split("Revoked Certificates:\n")[1].split("    Signature Algorithm")[0]
    entries = ["Serial" + part for part in body.split("    Serial")[1:]]
    return sorted(" ".join(entry.split()) for entry in entries)


def external_ca(folder):
    """Key, bundle and CRL chain for `puppetserver ca import`: an intermediate of several RDNs."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True)
    extensions = folder / "ca.ext"
    extensions.write_text("basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"
                          "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid:always\n")
    for name, subject in (("root", "/CN=Example Root"), ("ca", "/C=DE/O=Example/OU=Ops+L=Bonn/CN=Puppet CA")):
        run("openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", folder / f"{name}.key",
            "-subj", subject, "-multivalue-rdn", "-out", folder / f"{name}.csr")
    run("openssl", "x509", "-req", "-in", folder / "root.csr", "-signkey", folder / "root.key",
        "-days", "900", "-extfile", extensions, "-out", folder / "root.pem")
    run("openssl", "x509", "-req", "-in", folder / "ca.csr", "-CA", folder / "root.pem", "-CAkey",
        folder / "root.key", "-set_serial", "7", "-days", "800", "-extfile", extensions,
        "-out", folder / "ca.pem")
    bundle = folder / "bundle.pem"
    bundle.write_text((folder / "ca.pem").read_text() + (folder / "root.pem").read_text())
    crls = b""
    for name in ("ca", "root"):
        ca = facts.Certificate.read((folder / f"{name}.pem").read_text())
        key = puppet_party.FileKey(folder / f"{name}.key")
        crls += puppet_party.crl_pem(ca.subject, key, 1, ca.key_id, 700)
    (folder / "crls.pem").write_bytes(crls)
    return folder / "ca.key", bundle, folder / "crls.pem"


def put_request(cadir, name, csr=None):
    """A pending request, as puppetserver keeps it."""
    (cadir / "requests").mkdir(exist_ok=True)
    pem = csr or make.pem(make.csr(name, make.Key.ec()))
    (cadir / "requests" / f"{name}.pem").write_bytes(pem)
    return pem
