"""Identity documents with our own test keys, in the forms in which clouds give them.

Fields as the providers document them: Amazon EC2 User Guide, "Instance identity documents"; Google
Cloud, "Verify VM identity"; Kubernetes, "Managing Service Accounts"; Microsoft, "Azure Instance
Metadata Service", "Attested data".
"""

import base64
import datetime
import itertools
import json
import subprocess
import time

from harness import WAIT, run


def utc(seconds_ago=0):
    return datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=seconds_ago)


class Signer:
    """A key and a certificate by the openssl program."""

    def __init__(self, folder, name, *, issuer=None, extensions=(), subject=None, bits=2048):
        self.key = folder / f"{name}.key"
        self.certificate = folder / f"{name}.pem"
        run("openssl", "genrsa", "-out", self.key, str(bits))
        command = ["openssl", "req", "-new", "-x509" if issuer is None else "-new", "-key", self.key,
                   "-subj", subject or f"/C=US/O={name}/CN={name}"]
        for extension in extensions:
            command += ["-addext", extension]
        if issuer is None:
            run(*command, "-days", "3650", "-out", self.certificate)
            return
        request = folder / f"{name}.csr"
        run(*command, "-out", request)
        run("openssl", "x509", "-req", "-in", request, "-CA", issuer.certificate, "-CAkey",
            issuer.key, "-CAcreateserial", "-days", "365", "-copy_extensions", "copyall",
            "-out", self.certificate)


def signed_data(folder, content, signer, *options, digest="sha256"):
    """CMS with the content inside, DER or, with -stream, BER as AWS writes it."""
    source, out = folder / "content", folder / "content.p7"
    source.write_bytes(content if isinstance(content, bytes) else content.encode())
    run("openssl", "cms", "-sign", "-binary", "-in", source, "-signer", signer.certificate,
        "-inkey", signer.key, "-md", digest, "-outform", "DER", "-out", out, *options)
    return base64.b64encode(out.read_bytes()).decode()


class Aws:
    """A region of AWS: what its instances get from /latest/dynamic/instance-identity/rsa2048."""

    def __init__(self, folder, name="aws"):
        self.folder = folder
        self.signer = Signer(folder, name)

    def fields(self, instance="i-0123456789abcdef0", age=0, **changed):
        return {
            "accountId": "123456789012", "architecture": "x86_64",
            "availabilityZone": "eu-west-1b", "billingProducts": None,
            "devpayProductCodes": None, "marketplaceProductCodes": None,
            "imageId": "ami-5fb8c835", "instanceId": instance, "instanceType": "t2.micro",
            "kernelId": None, "pendingTime": utc(age).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "privateIp": "10.158.112.84", "ramdiskId": None, "region": "eu-west-1",
            "version": "2017-09-30", **changed,
        }

    def document(self, instance="i-0123456789abcdef0", age=0, options=("-nodetach", "-nocerts", "-stream"),
                 digest="sha256", **changed):
        text = json.dumps(self.fields(instance, age, **changed), indent=2)
        return "aws:" + signed_data(self.folder, text, self.signer, *options, digest=digest)


class Azure:
    """Attested data: a certificate for *.metadata.azure.com, an intermediate and a root."""

    def __init__(self, folder, host="eastus.metadata.azure.com"):
        self.folder = folder
        ca = ("basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign")
        self.root = Signer(folder, "azure-root", extensions=())
        self.intermediate = Signer(folder, "azure-ca", issuer=self.root, extensions=ca)
        self.signer = Signer(folder, "azure-leaf", issuer=self.intermediate,
                             extensions=(f"subjectAltName=DNS:{host}",
                                         "extendedKeyUsage=serverAuth,clientAuth"),
                             subject=f"/CN={host}")

    def document(self, vm="02aab8a4-74ef-476e-8182-f6d2ba4166a6", age=0, lifetime=6 * 3600,
                 **changed):
        form = "%m/%d/%y %H:%M:%S -0000"
        content = {
            "licenseType": "", "nonce": "20201130-211924",
            "plan": {"name": "", "product": "", "publisher": ""}, "sku": "22_04-lts-gen2",
            "subscriptionId": "8d10da13-8125-4ba9-a717-bf7490507b3d",
            "timeStamp": {"createdOn": utc(age).strftime(form),
                          "expiresOn": utc(age - lifetime).strftime(form)},
            "vmId": vm, **changed,
        }
        return "azure:" + signed_data(self.folder, json.dumps(content), self.signer, "-nodetach",
                                      "-certfile", self.intermediate.certificate)


class Issuer:
    """Signs tokens and publishes its keys."""

    def __init__(self, folder, url, audience):
        self.folder, self.url, self.audience = folder, url, audience
        self.keys = {}
        self.rotate("key-1")

    def rotate(self, kid, kind="RS256"):
        """From now on this key signs, and the others are published no more."""
        path = self.folder / f"issuer-{next(_numbers)}.key"
        if kind == "RS256":
            run("openssl", "genrsa", "-out", path, "2048")
        else:
            run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", path)
        self.keys = {kid: (kind, path)}
        self.kid = kid
        return self

    def public_pem(self):
        return run("openssl", "pkey", "-in", self.keys[self.kid][1], "-pubout").stdout.encode()

    def jwks(self):
        keys = []
        for kid, (kind, path) in self.keys.items():
            spki = _binary("openssl", "pkey", "-in", path, "-pubout", "-outform", "DER")
            if kind == "RS256":
                modulus = run("openssl", "rsa", "-in", path, "-noout", "-modulus").stdout.strip()
                public = {"kty": "RSA", "n": _part(bytes.fromhex(modulus.partition("=")[2])),
                          "e": _part(b"\1\0\1")}
            else:
                public = {"kty": "EC", "crv": "P-256", "x": _part(spki[-64:-32]),
                          "y": _part(spki[-32:])}
            keys.append({**public, "use": "sig", "kid": kid, "alg": kind})
        return json.dumps({"keys": keys})

    def token(self, claims, *, age=0, lifetime=3600, headers=None, kind=None, **changed):
        own_kind, path = self.keys[self.kid]
        now = int(time.time()) - age
        body = {"iss": self.url, "aud": self.audience, "iat": now, "exp": now + lifetime, **claims,
                **changed}
        body = {name: value for name, value in body.items() if value is not None}
        header = {"alg": kind or own_kind, "kid": self.kid, "typ": "JWT", **(headers or {})}
        signed = f"{_part(header)}.{_part(body)}"
        options = {"PS256": ("-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32")}
        signature = _binary("openssl", "dgst", "-sha256", "-sign", path,
                            *options.get(header["alg"], ()), input=signed.encode())
        if own_kind == "ES256":
            signature = _two_numbers(signature)
        return f"jwt:{signed}.{_part(signature)}"


_numbers = itertools.count()


def _binary(*command, **options):
    return subprocess.run([str(part) for part in command], check=True, capture_output=True,
                          timeout=WAIT, **options).stdout


def _part(value):
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _two_numbers(der):
    """An ECDSA signature as JOSE has it: two numbers of 32 octets (RFC 7518 section 3.4)."""
    numbers, at = b"", 2
    for _ in range(2):
        size = der[at + 1]
        numbers += der[at + 2:at + 2 + size].lstrip(b"\0").rjust(32, b"\0")
        at += 2 + size
    return numbers


def raw_token(header, claims, signature=b""):
    """Parts as they are given, signed by nobody."""
    return f"jwt:{_part(header)}.{_part(claims)}.{_part(signature)}"


def gcp_claims(instance="152986662232938449", **changed):
    return {
        "azp": "123456789012345678901", "sub": "123456789012345678901",
        "email": "web@my-project.iam.gserviceaccount.com", "email_verified": True,
        "google": {"compute_engine": {
            "project_id": "my-project", "project_number": 739419398126, "zone": "us-west1-a",
            "instance_id": instance, "instance_name": "web-7",
            "instance_creation_timestamp": int(time.time()) - 60, **changed}},
    }


def kubernetes_claims(pod="shell", namespace="default", account="web", **changed):
    return {
        "sub": f"system:serviceaccount:{namespace}:{account}",
        "kubernetes.io": {
            "namespace": namespace, "node": {"name": "worker", "uid": "517eb86e"},
            "pod": {"name": pod, "uid": f"0d8b260e-{pod}"},
            "serviceaccount": {"name": account, "uid": "e6a8680e"}, **changed},
    }
