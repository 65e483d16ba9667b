"""PKCS#10 requests written octet by octet (RFC 2986): each trick can be told, and yet be signed.

Whatever is not named is as a good maker writes it: the default request is one that is signed.
"""

import base64
import hashlib
import math
import os
import pathlib
import subprocess
import tempfile

from harness import WAIT, run

# The tags that are written here by hand.
BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, NULL, OID = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06
UTF8, PRINTABLE, T61, IA5, UNIVERSAL, BMP = 0x0C, 0x13, 0x14, 0x16, 0x1C, 0x1E
SEQUENCE, SET = 0x30, 0x31

COMMON_NAME, ORGANIZATION = "2.5.4.3", "2.5.4.10"
EXTENSION_REQUEST, MICROSOFT_REQUEST = "1.2.840.113549.1.9.14", "1.3.6.1.4.1.311.2.1.14"
CHALLENGE_PASSWORD = "1.2.840.113549.1.9.7"
SUBJECT_ALT_NAME, BASIC_CONSTRAINTS, KEY_USAGE = "2.5.29.17", "2.5.29.19", "2.5.29.15"
PP_ROLE, PP_AUTH_ROLE = "1.3.6.1.4.1.34380.1.1.13", "1.3.6.1.4.1.34380.1.3.13"
PP_CLI_AUTH = "1.3.6.1.4.1.34380.1.3.39"
ECDSA_SHA256, ECDSA_SHA1 = "1.2.840.10045.4.3.2", "1.2.840.10045.4.1"
RSA_SHA256, RSA_MD5 = "1.2.840.113549.1.1.11", "1.2.840.113549.1.1.4"
ED25519 = "1.3.101.112"


# DER and what is nearly DER.

def length(size):
    if size < 0x80:
        return bytes([size])
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(octets)]) + octets


def tlv(tag, content):
    return bytes([tag]) + length(len(content)) + content


def tlv_long(tag, content):
    """A length in more octets than it takes: BER, not DER."""
    return bytes([tag, 0x84]) + len(content).to_bytes(4, "big") + content


def tlv_indefinite(tag, content):
    return bytes([tag, 0x80]) + content + b"\0\0"


def sequence(*parts):
    return tlv(SEQUENCE, b"".join(parts))


def set_of(*parts, sort=True):
    return tlv(SET, b"".join(sorted(parts) if sort else parts))


def integer(value):
    return tlv(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def oid(dotted):
    arcs = [int(arc) for arc in dotted.split(".")]
    content = b""
    for arc in [arcs[0] * 40 + arcs[1], *arcs[2:]]:
        octets = [arc & 0x7F]
        while arc := arc >> 7:
            octets.insert(0, 0x80 | arc & 0x7F)
        content += bytes(octets)
    return tlv(OID, content)


def bit_string(octets, unused=0):
    return tlv(BIT_STRING, bytes([unused]) + octets)


def parts_of(der):
    """The elements of DER octets: [(tag, content, whole)]."""
    parts = []
    while der:
        size, start = der[1], 2
        if size & 0x80:
            start = 2 + (size & 0x7F)
            size = int.from_bytes(der[2:start], "big")
        parts.append((der[0], der[start:start + size], der[:start + size]))
        der = der[start + size:]
    return parts


# The parts of a request.

def attribute_value(type_, value):
    """AttributeTypeAndValue; a text is written as UTF8String."""
    return sequence(oid(type_), tlv(UTF8, value.encode()) if isinstance(value, str) else value)


def subject(*rdns):
    """Each argument is one RDN: a list of (type, value)."""
    return sequence(*(set_of(*(attribute_value(*pair) for pair in rdn)) for rdn in rdns))


def common_name(value):
    return subject([(COMMON_NAME, value)])


def attribute(type_, *values):
    return sequence(oid(type_), set_of(*values))


def extension(type_, value, critical=b""):
    """`value`: the octets within the OCTET STRING."""
    return sequence(oid(type_), critical, tlv(OCTET_STRING, value))


def text_extension(type_, text):
    return extension(type_, tlv(UTF8, text.encode()))


def alt_names(*names):
    return extension(SUBJECT_ALT_NAME, sequence(*names))


def dns(name):
    return tlv(0x82, name.encode() if isinstance(name, str) else name)


def requested(*extensions, type_=EXTENSION_REQUEST):
    return attribute(type_, sequence(*extensions))


EMAIL = tlv(0x81, b"root@example.com")
URI = tlv(0x86, b"https://example.com/")
IP4 = tlv(0x87, bytes([10, 0, 0, 1]))
DIRECTORY = tlv(0xA4, common_name("other"))
REGISTERED_ID = tlv(0x88, oid("1.2.3.4")[2:])
OTHER_NAME = tlv(0xA0, oid("1.3.6.1.4.1.311.20.2.3") + tlv(0xA0, tlv(UTF8, b"root@example.com")))
X400_ADDRESS = tlv(0xA3, sequence())
EDI_PARTY = tlv(0xA5, tlv(0xA1, tlv(UTF8, b"party")))


# Keys.

class Key:
    """A key of the openssl program."""

    def __init__(self, *arguments, algorithm=None):
        self.algorithm = algorithm or sequence(oid(ECDSA_SHA256))
        pem = run("openssl", "genpkey", *arguments).stdout
        self.pem = pem.encode()
        self.spki = self._openssl("pkey", "-pubout", "-outform", "DER", stdin=self.pem)

    @classmethod
    def ec(cls, curve="P-256"):
        return cls("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:" + curve)

    @staticmethod
    def _openssl(*arguments, stdin):
        return subprocess.run(["openssl", *arguments], input=stdin, capture_output=True,
                              check=True, timeout=WAIT).stdout

    def sign(self, data, digest="sha256"):
        with tempfile.NamedTemporaryFile(suffix=".pem") as key:
            key.write(self.pem)
            key.flush()
            return self._openssl("dgst", "-" + digest, "-sign", key.name, stdin=data)

    def with_point(self, point):
        """The same key under another encoding of its point."""
        outer = parts_of(self.spki)[0][1]
        return sequence(parts_of(outer)[0][2], bit_string(point))

    @property
    def point(self):
        """X9.62: 04, x, y."""
        return parts_of(parts_of(self.spki)[0][1])[1][1][1:]


class Ed25519Key(Key):
    def __init__(self):
        super().__init__("-algorithm", "ED25519", algorithm=sequence(oid(ED25519)))

    def sign(self, data, digest=None):
        with tempfile.TemporaryDirectory() as folder:
            key, message = pathlib.Path(folder, "key"), pathlib.Path(folder, "message")
            key.write_bytes(self.pem)
            message.write_bytes(data)
            return self._openssl("pkeyutl", "-sign", "-rawin", "-inkey", str(key), "-in",
                                 str(message), stdin=b"")


DIGEST_INFO = {  # RFC 8017 9.2, note 1
    "sha256": bytes.fromhex("3031300d060960864801650304020105000420"),
    "md5": bytes.fromhex("3020300c06082a864886f70d020505000410"),
}


class RsaKey:
    """RSA by numbers, for the exponents and sizes that the openssl program refuses to make.

    `primes`: {prime: power}; the modulus is their product. Its signatures verify (RFC 8017 5.2.2).
    """

    def __init__(self, primes, exponent=65537, parameters=tlv(NULL, b"")):
        self.primes, self.exponent = primes, exponent
        self.modulus = math.prod(prime**power for prime, power in primes.items())
        self.algorithm = sequence(oid(RSA_SHA256), tlv(NULL, b""))
        self.spki = sequence(
            sequence(oid("1.2.840.113549.1.1.1"), parameters),
            bit_string(sequence(integer(self.modulus), integer(exponent))))

    @staticmethod
    def prime(bits, exponent=65537):
        """A prime that lets the exponent be inverted, or, if it is even, has easy square roots."""
        while True:
            found = int(run("openssl", "prime", "-generate", "-bits", bits).stdout)
            if exponent % 2 == 0 and found % 4 == 3:
                return found
            if exponent % 2 == 1 and math.gcd(exponent, found - 1) == 1:
                return found

    @classmethod
    def of_bits(cls, bits, exponent=65537, **options):
        return cls({cls.prime(bits // 2, exponent): 1, cls.prime(bits - bits // 2, exponent): 1},
                   exponent, **options)

    def _root(self, number):
        """`number` to the 1/exponent, by the Chinese remainder theorem; None if there is none."""
        root, product = 0, 1
        for prime, power in self.primes.items():
            modulus = prime**power
            order = prime**(power - 1) * (prime - 1)
            if self.exponent % 2 == 0:
                if pow(number, order // 2, modulus) != 1:
                    return None
                inverse = (prime + 1) // 4
            else:
                inverse = pow(self.exponent, -1, order) if order > 1 else 1
            part = pow(number % modulus, inverse, modulus)
            root += product * ((part - root) * pow(product, -1, modulus) % modulus)
            product *= modulus
        return root

    def sign(self, data, digest="sha256"):
        """PKCS#1 v1.5; None where an even exponent has no root for these data."""
        size = (self.modulus.bit_length() + 7) // 8
        digest_info = DIGEST_INFO[digest] + hashlib.new(digest, data).digest()
        padded = b"\0\1" + b"\xff" * (size - len(digest_info) - 3) + b"\0" + digest_info
        root = self._root(int.from_bytes(padded, "big"))
        return None if root is None else root.to_bytes(size, "big")


# Requests.

def info(name, spki, attributes=(), version=integer(0), sort=True, attributes_part=None):
    """CertificationRequestInfo. `attributes_part`: the whole [0], instead of `attributes`."""
    if attributes_part is None:
        ordered = sorted(attributes) if sort else attributes
        attributes_part = tlv(0xA0, b"".join(ordered))
    return sequence(version, name, spki, attributes_part)


def signed(body, key, algorithm=None, digest="sha256", signature=None):
    """CertificationRequest. `signature`: its octets, instead of the right ones."""
    return sequence(body, algorithm or key.algorithm,
                    bit_string(key.sign(body, digest) if signature is None else signature))


def csr(name, key, *extensions, attributes=(), spki=None, algorithm=None, **options):
    """A request for `name`: a text (the one CN) or the octets of a Name."""
    if isinstance(name, str):
        name = common_name(name)
    attributes = list(attributes)
    if extensions:
        attributes.append(requested(*extensions))
    return signed(info(name, spki or key.spki, attributes, **options), key, algorithm)


def csr_with_any_root(name, key):
    """For an even exponent: only some messages have a signature, so others are tried."""
    while True:
        password = attribute(CHALLENGE_PASSWORD, tlv(PRINTABLE, os.urandom(8).hex().encode()))
        body = info(common_name(name), key.spki, [password])
        signature = key.sign(body)
        if signature is not None:
            return signed(body, key, signature=signature)


def pem(der, label="CERTIFICATE REQUEST"):
    text = base64.b64encode(der).decode()
    lines = [text[at:at + 64] for at in range(0, len(text), 64)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""]).encode()
