"""Everything that a client should not send: a clear answer, nothing stored, the service up."""

import dataclasses
import functools
import http.client
import json
import pathlib
import re
import time
import urllib.parse

import csr_maker as make
from csr_maker import csr, integer, oid, sequence, set_of, tlv
from harness import ServiceTest, main, run

SIGNS = 'default = "sign"\n'
# Grants the certname and nothing else; what asks for more waits.
RULE_GRANTS_CERTNAME = (
    '[[rule]]\nname = "all"\nmatch = { certname_regex = ".*" }\naction = "sign"\n')
LIVE = '[[rule]]\nname = "live"\nmatch = { certname = ["live"] }\naction = "sign"\n'
AUTOSIGN = "[puppet]\nautosign = true\n"
ALLOW = AUTOSIGN + "allow_subject_alt_names = true\nallow_authorization_extensions = true\n"
PKCS10 = "application/pkcs10"
PUPPET = "/puppet-ca/v1/certificate_request/"
FILES = pathlib.Path(__file__).resolve().parents[1] / "data/csr"
CRITICAL = tlv(make.BOOLEAN, b"\xff")


@functools.cache
def key(kind="ec"):
    """One of each kind for the whole run."""
    return {
        "ec": make.Key.ec,
        "other": make.Key.ec,
        "ed25519": make.Ed25519Key,
        "rsa": lambda: make.RsaKey.of_bits(2048),
        "p224": lambda: make.Key.ec("P-224"),
        "brainpool": lambda: make.Key.ec("brainpoolP256r1"),
        "secp256k1": lambda: make.Key.ec("secp256k1"),
        "ed448": lambda: make.Key("-algorithm", "ED448"),
        "x25519": lambda: make.Key("-algorithm", "X25519"),
    }[kind]()


@dataclasses.dataclass
class Refused:
    """A request that is refused on every path, whatever the policy says."""

    case: str
    body: bytes
    slug: str
    text: str  # a regular expression of the detail
    status: int = 400
    path: str = "bad"  # the name under which it is put on Puppet's path
    puppet_text: str = ""  # where Puppet has a text of its own


def malformed():
    good = csr("bad", key())
    good_pem = make.pem(good)
    info, algorithm, signature = (part[2] for part in make.parts_of(make.parts_of(good)[0][1]))
    lines = good_pem.splitlines()
    for case, body, text in (
        ("empty body", b"", r"is missing|is empty"),
        ("plain text", b"hello", r"ends too early|ASN\.1 tag"),
        ("a JSON text as PKCS#10", b'{"csr": "x"}', r"ASN\.1 tag|ends too early"),
        ("a byte after the DER", good + b"\0", "has 1 bytes after its end"),
        ("a second request after the DER", good + good, "bytes after its end"),
        ("cut short", good[:-3], "ends too early"),
        ("only its first byte", good[:1], "ends too early"),
        ("a length over the end", b"\x30\x84\xff\xff\xff\xff" + good[4:], "ends too early"),
        ("a length of nine octets", b"\x30\x89" + b"\1" * 9 + good, "more than four octets"),
        ("an indefinite length outside", make.tlv_indefinite(0x30, info + algorithm + signature),
         r"indefinite length \(BER, not DER\)"),
        ("an indefinite length inside",
         sequence(make.tlv_indefinite(0x30, make.parts_of(info)[0][1]), algorithm, signature),
         r"indefinite length \(BER, not DER\)"),
        ("a length in too many octets", make.tlv_long(0x30, info + algorithm + signature),
         "not in its shortest form"),
        ("a tag of two octets", b"\x3f\x81\x01" + good, "tag of more than one octet"),
        ("a SET for the SEQUENCE", tlv(make.SET, info + algorithm + signature), r"ASN\.1 tag 31"),
        ("a fourth part", sequence(info, algorithm, signature, integer(1)), "bytes after its end"),
        ("no signature", sequence(info, algorithm), "is missing"),
        ("an unused bit in the signature",
         sequence(info, algorithm,
                  make.bit_string(make.parts_of(signature)[0][1][1:-1] + b"\0", 1)),
         "not a whole number of octets"),
        ("nine unused bits", sequence(info, algorithm, make.bit_string(b"\0", 9)),
         "wrong number of unused bits"),
        ("an algorithm that is no OID", sequence(info, sequence(integer(1)), signature),
         r"ASN\.1 tag 02"),
        ("two blocks", good_pem + good_pem, "holds 2 PEM blocks"),
        ("a certificate block before", make.pem(b"0\0", "CERTIFICATE") + good_pem,
         "holds 2 PEM blocks"),
        ("another label", make.pem(good, "CERTIFICATE"), "PEM block is 'CERTIFICATE'"),
        ("a private key", key().pem, "PEM block is 'PRIVATE KEY'"),
        ("an END of another label", good_pem.replace(b"END CERTIFICATE REQUEST", b"END KEY"),
         "ends with another label"),
        ("no END line", b"\n".join(lines[:-1]) + b"\n", "has no END line|is not complete"),
        ("an empty block", b"\n".join([lines[0], lines[-1], b""]), "is missing|is empty"),
        ("what is not base64", good_pem.replace(lines[2], b"!" + lines[2][1:]), "not base64"),
        ("a NUL in the base64", good_pem.replace(lines[2], b"\0" + lines[2][1:]), "not base64"),
        ("base64 cut in a group", good_pem.replace(lines[2], lines[2][:-1]),
         "base64 .* is not complete"),
        ("base64 behind its padding", good_pem.replace(lines[2], lines[2][:-1] + b"="),
         "not base64"),
        ("a byte after the DER in the PEM", make.pem(good + b"\0"), "has 1 bytes after its end"),
    ):
        yield Refused(case, body, "malformed", text)


def bad_structure():
    name, spki = make.common_name("bad"), key().spki
    version = integer(0)

    def body(*parts):
        return make.signed(sequence(*parts), key())

    empty = tlv(0xA0, b"")
    password = tlv(make.PRINTABLE, b"secret")
    role = make.text_extension(make.PP_ROLE, "web")
    for case, request, text in (
        ("version 1", csr("bad", key(), version=integer(1)), "version is not 0"),
        ("version -1", csr("bad", key(), version=integer(-1)), "is negative"),
        ("a version with a zero in front", csr("bad", key(), version=tlv(make.INTEGER, b"\0\0")),
         "not in its shortest form"),
        ("a version without octets", csr("bad", key(), version=tlv(make.INTEGER, b"")),
         "without octets"),
        ("a version over 64 bits", csr("bad", key(), version=integer(1 << 64)), "over 64 bits"),
        ("no version", body(name, spki, empty), r"ASN\.1 tag 30"),
        ("no subject", body(version, spki, empty), "is missing|subject"),
        ("attributes that are a SET", body(version, name, spki, tlv(make.SET, b"")),
         "bytes after its end"),
        ("attributes twice", body(version, name, spki, empty, empty), "bytes after its end"),
        ("an empty part of the name", csr(sequence(set_of()), key()), "holds an empty part"),
        ("a part of the name that is a SEQUENCE",
         csr(sequence(sequence(make.attribute_value(make.COMMON_NAME, "bad"))), key()),
         r"ASN\.1 tag 30"),
        ("the challenge password twice",
         csr("bad", key(), attributes=2 * [make.attribute(make.CHALLENGE_PASSWORD, password)]),
         r"attribute 1\.2\.840\.113549\.1\.9\.7 is given twice"),
        ("an attribute without a value",
         csr("bad", key(), attributes=[make.attribute(make.CHALLENGE_PASSWORD)]), "has no value"),
        ("an attribute with a byte after its end",
         csr("bad", key(), attributes=[sequence(oid("1.2.3"), set_of(password), integer(0))]),
         "bytes after its end"),
        ("extensionRequest twice",
         csr("bad", key(), attributes=2 * [make.requested(role)]),
         r"attribute 1\.2\.840\.113549\.1\.9\.14 is given twice"),
        ("extensionRequest with two values",
         csr("bad", key(), attributes=[
             make.attribute(make.EXTENSION_REQUEST, sequence(role), sequence(role))]),
         "bytes after its end"),
        ("extensionRequest that is a SET",
         csr("bad", key(), attributes=[
             make.attribute(make.EXTENSION_REQUEST, tlv(make.SET, role))]),
         r"ASN\.1 tag 31"),
        ("an extension twice", csr("bad", key(), role, role),
         r"1\.3\.6\.1\.4\.1\.34380\.1\.1\.13.* twice"),
        ("the SAN twice",
         csr("bad", key(), make.alt_names(make.dns("bad")), make.alt_names(make.dns("evil"))),
         r"2\.5\.29\.17.* twice"),
        ("a critical mark of 01",
         csr("bad", key(), make.extension(make.PP_ROLE, b"\x0c\0", tlv(make.BOOLEAN, b"\1"))),
         "neither 00 nor FF"),
        ("a critical mark of two octets",
         csr("bad", key(), make.extension(make.PP_ROLE, b"\x0c\0", tlv(make.BOOLEAN, b"\xff\xff"))),
         "not one octet"),
        ("a critical mark that says FALSE",
         csr("bad", key(), make.extension(make.PP_ROLE, b"\x0c\0", tlv(make.BOOLEAN, b"\0"))),
         "FALSE, the default"),
        ("an extension whose value is no OCTET STRING",
         csr("bad", key(), sequence(oid(make.PP_ROLE), tlv(make.UTF8, b"web"))), r"ASN\.1 tag 0C"),
        ("an OCTET STRING in pieces",
         csr("bad", key(), sequence(oid(make.PP_ROLE), tlv(0x24, tlv(0x04, b"\x0c\0")))),
         r"string in pieces \(BER, not DER\)"),
        ("an OID with a padded arc",
         csr("bad", key(), sequence(tlv(make.OID, b"\x2a\x80\x03"), tlv(0x04, b"\x05\0"))),
         "not an object identifier"),
        ("101 extensions",
         csr("bad", key(), *(make.text_extension(f"1.3.6.1.4.1.34380.1.2.{i}", "x")
                             for i in range(101))), "more than 100 extensions"),
        ("10,000 SANs",
         csr("bad", key(), make.alt_names(*(make.dns(f"n{i}.example.com") for i in range(10000)))),
         "10000 alternative names; 1000 are accepted"),
        ("1,001 SANs",
         csr("bad", key(), make.alt_names(*(make.dns(f"n{i}.example.com") for i in range(1001)))),
         "1001 alternative names; 1000 are accepted"),
    ):
        yield Refused(case, request, "bad-csr", text)
    yield Refused("a request of 300 KiB",
                  csr("bad", key(), make.text_extension(make.PP_ROLE, "x" * 300 * 1024)),
                  "too-large", "is over 256 KiB", status=413)


def bad_alternative_names():
    deep = tlv(0x0C, b"x")
    for _ in range(64):
        deep = sequence(deep)
    for case, value, text in (
        ("an empty SAN", b"", "is missing"),
        ("a SAN without names", sequence(), "is empty"),
        ("a SAN that is a text", tlv(make.UTF8, b"evil"), r"ASN\.1 tag 0C"),
        ("a byte after the SAN", sequence(make.dns("bad")) + b"\0", "bytes after its end"),
        ("a SAN that is cut", sequence(make.dns("bad"))[:-1], "ends too early"),
        ("a SAN with an indefinite length", make.tlv_indefinite(0x30, make.dns("bad")),
         "indefinite length"),
        ("a DNS name with NUL", sequence(make.dns(b"bad\0.evil.com")), "not printable ASCII"),
        ("a DNS name with a line end", sequence(make.dns(b"bad\n")), "not printable ASCII"),
        ("a DNS name that is not ASCII", sequence(make.dns("bücher.example")),
         "not printable ASCII"),
        ("an e-mail address with NUL", sequence(tlv(0x81, b"a\0@example.com")),
         "not printable ASCII"),
        ("a URI with NUL", sequence(tlv(0x86, b"https://a\0b/")), "not printable ASCII"),
        ("an empty DNS name", sequence(make.dns("")), "name is empty"),
        ("a DNS name in pieces", sequence(tlv(0xA2, make.dns("bad"))), "no known type"),
        ("an IP address of 5 bytes", sequence(tlv(0x87, bytes(5))), "not 4 or 16 bytes"),
        ("an IP address of 8 bytes (with a mask)", sequence(tlv(0x87, bytes(8))),
         "not 4 or 16 bytes"),
        ("an IP address of no byte", sequence(tlv(0x87, b"")), "not 4 or 16 bytes"),
        ("an IP address as text", sequence(tlv(0x87, b"10.0.0.1")), "not 4 or 16 bytes"),
        ("a registered id that is no OID", sequence(tlv(0x88, b"\x80")),
         "not an object identifier"),
        ("a name of type 9", sequence(tlv(0x89, b"x")), "no known type"),
        ("a name of a universal type", sequence(tlv(make.IA5, b"bad")), "no known type"),
        ("an other name that is BER", sequence(make.tlv_indefinite(0xA0, oid("1.2.3"))),
         "indefinite length"),
        ("an other name with BER inside",
         sequence(tlv(0xA0, oid("1.2.3") + tlv(0xA0, make.tlv_long(make.UTF8, b"x")))),
         "not in its shortest form"),
        ("an other name nested 64 deep", sequence(tlv(0xA0, oid("1.2.3") + tlv(0xA0, deep))),
         "nested too deeply"),
        ("a directory name with a broken boolean",
         sequence(tlv(0xA4, sequence(set_of(sequence(oid("1.2.3"), tlv(make.BOOLEAN, b"\1")))))),
         "neither 00 nor FF"),
    ):
        request = csr("bad", key(), make.extension(make.SUBJECT_ALT_NAME, value))
        yield Refused(case, request, "bad-csr", text)
    yield Refused("a bad SAN in Microsoft's attribute",
                  csr("bad", key(), attributes=[make.requested(
                      make.alt_names(tlv(0x87, bytes(5))), type_=make.MICROSOFT_REQUEST)]),
                  "bad-csr", "not 4 or 16 bytes")


def bad_keys():
    ec, rsa = key(), key("rsa")
    off_curve = ec.point[:-1] + bytes([ec.point[-1] ^ 1])
    hybrid = bytes([6 + (ec.point[-1] & 1)]) + ec.point[1:]
    curve = make.parts_of(make.parts_of(ec.spki)[0][1])[0][2]
    modulus = rsa.modulus.to_bytes(256, "big")

    def rsa_spki(content):
        algorithm = sequence(oid("1.2.840.113549.1.1.1"), tlv(make.NULL, b""))
        return csr("bad", rsa, spki=sequence(algorithm, make.bit_string(content)))

    for case, request, text in (
        ("RSA of 1024 bits", csr("bad", make.RsaKey.of_bits(1024)),
         "RSA key has 1024 bits; 2048 to 8192 are accepted"),
        ("RSA of 2046 bits", csr("bad", make.RsaKey({make.RsaKey.prime(1023): 1,
                                                     make.RsaKey.prime(1023): 1})),
         "RSA key has 204[56] bits"),
        ("RSA of 16384 bits", csr("bad", make.RsaKey(
            {make.RsaKey.prime(1024): 4 for _ in range(4)})), "RSA key has 163[78]. bits"),
        ("an RSA exponent of 1", csr("bad", make.RsaKey.of_bits(2048, exponent=1)),
         "exponent is 1"),
        ("an even RSA exponent",
         make.csr_with_any_root("bad", make.RsaKey.of_bits(2048, exponent=2)), "exponent is even"),
        ("an RSA exponent over 33 bits",
         csr("bad", make.RsaKey.of_bits(2048, exponent=2**33 + 1)), "exponent is over 33 bits"),
        ("an even RSA modulus",
         csr("bad", make.RsaKey({2: 1, make.RsaKey.prime(1024): 1, make.RsaKey.prime(1024): 1})),
         "modulus is even"),
        ("an RSA key without NULL", csr("bad", make.RsaKey(rsa.primes, parameters=b"")),
         "parameters are not NULL"),
        ("a negative RSA modulus",
         rsa_spki(sequence(tlv(make.INTEGER, b"\x80" + modulus[1:]), integer(65537))),
         "is negative"),
        ("a padded RSA modulus",
         rsa_spki(sequence(tlv(make.INTEGER, b"\0\0" + modulus), integer(65537))),
         "not in its shortest form"),
        ("an RSA modulus of 0", rsa_spki(sequence(integer(0), integer(65537))), "RSA key"),
        ("an RSA exponent of 0", rsa_spki(sequence(integer(rsa.modulus), integer(0))),
         "exponent is even"),
        ("an RSA key with a third number",
         rsa_spki(sequence(integer(rsa.modulus), integer(65537), integer(1))),
         "bytes after its end"),
        ("an RSA-PSS key", (FILES / "rsa_pss_key.der").read_bytes(), "kind RSA-PSS"),
        ("DSA", (FILES / "dsa.der").read_bytes(), "kind DSA"),
        ("secp256k1", csr("bad", key("secp256k1")), "kind secp256k1"),
        ("P-224", csr("bad", key("p224")), "kind (secp224r1|P-224)"),
        ("brainpoolP256r1", csr("bad", key("brainpool")), "kind brainpoolP256r1"),
        ("Ed448", csr("bad", ec, spki=key("ed448").spki), "kind ED448"),
        ("X25519", csr("bad", ec, spki=key("x25519").spki), "kind X25519"),
        ("explicit EC parameters", (FILES / "explicit_parameters.der").read_bytes(),
         "spells out its curve's parameters"),
        ("an EC point off the curve", csr("bad", ec, spki=ec.with_point(off_curve)),
         "not on its curve"),
        ("the EC point at infinity", csr("bad", ec, spki=ec.with_point(b"\0")),
         "neither uncompressed nor compressed"),
        ("a hybrid EC point", csr("bad", ec, spki=ec.with_point(hybrid)),
         "neither uncompressed nor compressed"),
        ("an EC point that is cut", csr("bad", ec, spki=ec.with_point(ec.point[:-1])),
         "not on its curve"),
        ("an EC point of no octet", csr("bad", ec, spki=ec.with_point(b"")),
         "neither uncompressed nor compressed"),
        ("an Ed25519 key of 31 bytes",
         csr("bad", key("ed25519"), spki=sequence(sequence(oid(make.ED25519)),
                                                  make.bit_string(b"x" * 31))),
         "not 32 bytes"),
        ("an Ed25519 key with NULL",
         csr("bad", key("ed25519"), spki=sequence(sequence(oid(make.ED25519), tlv(make.NULL, b"")),
                                                  make.bit_string(b"x" * 32))),
         "has parameters"),
        ("unused bits in the key",
         csr("bad", ec, spki=sequence(curve, make.bit_string(ec.point[:-1] + b"\0", 1))),
         "not a whole number of octets"),
        ("an algorithm that nobody knows",
         csr("bad", ec, spki=sequence(sequence(oid("1.2.3.4")), make.bit_string(b"x"))),
         r"algorithm 1\.2\.3\.4"),
    ):
        yield Refused(case, request, "bad-key", text)


def bad_proofs():
    own = "CSR contains a public key that does not correspond to the signing key"
    name = make.common_name("bad")
    info = make.info(name, key().spki)
    right = key().sign(info)
    r, s = (part[2] for part in make.parts_of(make.parts_of(right)[0][1]))
    sha256 = key().algorithm
    for case, request, text in (
        ("a signature by another key",
         make.signed(info, key(), signature=key("other").sign(info)), "does not prove"),
        ("a signature of another request",
         make.signed(info, key(), signature=key().sign(b"x")), "does not prove"),
        ("an empty signature", make.signed(info, key(), signature=b""), "does not prove"),
        ("an ECDSA signature of zeros",
         make.signed(info, key(), signature=sequence(integer(0), integer(0))), "does not prove"),
        ("an ECDSA signature with a byte after it",
         make.signed(info, key(), signature=right + b"\0"), "does not prove"),
        ("an ECDSA signature in BER",
         make.signed(info, key(), signature=make.tlv_long(0x30, r + s)), "does not prove"),
        ("an RSA signature of zeros",
         make.signed(make.info(name, key("rsa").spki), key("rsa"), signature=bytes(256)),
         "does not prove"),
        ("an Ed25519 signature that is cut",
         make.signed(make.info(name, key("ed25519").spki), key("ed25519"), signature=bytes(63)),
         "does not prove"),
        ("ECDSA with SHA-1",
         make.signed(info, key(), sequence(oid(make.ECDSA_SHA1)), "sha1"),
         "SHA-1, which is broken"),
        ("RSA with MD5",
         make.signed(make.info(name, key("rsa").spki), key("rsa"),
                     sequence(oid(make.RSA_MD5), tlv(make.NULL, b"")), "md5"),
         "MD5, which is broken"),
        ("RSA with SHA-1", (FILES / "sha1.der").read_bytes(), "SHA-1, which is broken"),
        ("RSASSA-PSS", (FILES / "rsa_pss.der").read_bytes(), "RSASSA-PSS, which is not accepted"),
        ("an algorithm of another kind of key",
         make.signed(info, key(), sequence(oid(make.RSA_SHA256), tlv(make.NULL, b""))),
         "does not fit the key"),
        ("another digest than was signed",
         make.signed(info, key(), sequence(oid("1.2.840.10045.4.3.4"))), "does not prove"),
        ("ECDSA with parameters",
         make.signed(info, key(), sequence(oid(make.ECDSA_SHA256), tlv(make.NULL, b""))),
         "wrong parameters"),
        ("an algorithm that nobody knows", make.signed(info, key(), sequence(oid("1.2.3.4"))),
         r"1\.2\.3\.4 is not accepted"),
    ):
        yield Refused(case, request, "bad-proof", text, puppet_text=re.escape(own))
    # The request is changed after it was signed.
    yield Refused("a name changed after the signing",
                  sequence(make.info(make.common_name("good"), key().spki), sha256,
                           make.bit_string(right)),
                  "bad-proof", "does not prove", path="good", puppet_text=re.escape(own))


def bad_names():
    """Names that Puppet's router takes are put at their own path; the others at that of "bad"."""
    format_ = "^Subject hostname format is invalid$"
    longest = ".".join(["a" * 60] * 4) + "." + "b" * 9  # 253
    for name, text in (
        ("Web1", "^Certificate names must be lower case.$"),
        ("web1.Example.com", "^Certificate names must be lower case.$"),
        ("web-", format_), ("-web", format_), ("a-.b", format_), ("a..b", format_),
        (".a", format_), ("a...", format_),
        ("ca", "^The name 'ca' is reserved.$"),
        (longest + "c", "^The name has 254 characters; 253 is the most.$"),
    ):
        yield Refused(f"the name {name!r:.40}", csr(name, key()), "bad-name", text, path=name)
    for name, text in (
        ("*", r"^Subject contains a wildcard, which is not allowed: \*$"),
        ("*.example.com", r"wildcard, which is not allowed: \*\.example\.com$"),
        ("web*", r"wildcard, which is not allowed: web\*$"),
        ("", format_), (".", format_), ("..", format_), ("../ca/issuing.key", format_),
        ("a/b", format_), ("a\\b", format_), ("a b", format_), (" bad", format_), ("bad ", format_),
        ("bad\n", format_), ("bad\r\n", format_), ("a\tb", format_), ("a\x01b", format_),
        ("a\x1b[31mb", format_), ("a\x7fb", format_), ("a\nlevel=error event=forged", format_),
        ("café", format_), ("wеb1", format_), ("ｂａｄ", format_), ("b\u200bad", format_),
        ("\u202edab", format_), ("bad\U0001f511", format_),
        ("a%2fb", format_), ("a:b", format_), ("a&b", format_), ("a'b", format_), ('a"b', format_),
        ("$(id)", format_), ("dns:bad", format_),
        ("x" * 60000, "^The name has 60000 characters; 253 is the most.$"),
    ):
        yield Refused(f"the name {name!r:.40}", csr(name, key()), "bad-name", text,
                      puppet_text=r'(?s)^Instance name ".*" does not match requested key "bad"$')


def bad_subjects():
    cn = make.COMMON_NAME
    two = make.subject([(cn, "bad")], [(cn, "evil")])
    for case, name, text in (
        ("two CNs", two, "has 2 common names; exactly one is allowed"),
        ("the same CN twice", make.subject([(cn, "bad")], [(cn, "bad")]), "has 2 common names"),
        ("two CNs in one part", make.subject([(cn, "bad"), (cn, "evil")]), "has 2 common names"),
        ("a good CN behind an empty one", make.subject([(cn, "")], [(cn, "bad")]),
         "has 2 common names"),
        ("a NUL in the CN", make.common_name("bad\0.evil.com"), "holds NUL"),
        ("a NUL behind the CN", make.common_name("bad\0"), "holds NUL"),
        ("a NUL in a PrintableString", make.common_name(tlv(make.PRINTABLE, b"bad\0")),
         "holds NUL"),
        ("a NUL in a BMPString", make.common_name(tlv(make.BMP, "b\0d".encode("utf-16-be"))),
         "holds NUL"),
        ("half a character in a BMPString", make.common_name(tlv(make.BMP, b"\0b\0")),
         "breaks its string type"),
        ("half a surrogate in a BMPString", make.common_name(tlv(make.BMP, b"\xd8\0\0b")),
         "breaks its string type"),
        ("Latin-1 in a T61String", make.common_name(tlv(make.T61, "café".encode("latin-1"))),
         "breaks its string type"),
        ("Latin-1 in a UTF8String", make.common_name(tlv(make.UTF8, "café".encode("latin-1"))),
         "breaks its string type"),
        ("a slash in too many octets", make.common_name(tlv(make.UTF8, b"a\xc0\xafb")),
         "breaks its string type"),
        ("a CN that is a number", make.common_name(integer(7)), "is not a string"),
        ("a CN in pieces", make.common_name(tlv(0x2C, tlv(make.UTF8, b"bad"))), "is not a string"),
        ("a NUL in another part", make.subject([(make.ORGANIZATION, "a\0b")], [(cn, "bad")]),
         r"2\.5\.4\.10 .*holds NUL"),
    ):
        yield Refused(case, csr(name, key()), "bad-csr", text)
    other = r'^Instance name "" does not match requested key "bad"$'
    for case, name in (("no CN", make.subject([(make.ORGANIZATION, "nobody")])),
                       ("an empty subject", sequence())):
        yield Refused(case, csr(name, key()), "bad-name", "^Subject hostname format is invalid$",
                      puppet_text=other)
    yield Refused("a BMPString that is not ASCII",
                  csr(make.common_name(tlv(make.BMP, "bаd".encode("utf-16-be"))), key()),
                  "bad-name", "^Subject hostname format is invalid$",
                  puppet_text=r'^Instance name ".*" does not match requested key "bad"$')


@functools.cache
def refused_requests():
    return [case for part in (malformed, bad_structure, bad_alternative_names, bad_keys, bad_proofs,
                              bad_names, bad_subjects) for case in part()]


def in_text(body):
    """As agents send it: PEM, unless it is the very form that is tried."""
    return body if body.isascii() else make.pem(body)


class Case(ServiceTest):
    """What every test here asks at its end."""

    def begin(self, policy=SIGNS, config=""):
        self.ca = self.service(policy, config)
        # Each connects at its first request.
        self.connection = self.ca.kept_connection()
        self.operators = self.ca.kept_connection("operator")
        self.addCleanup(self.connection.close)
        self.addCleanup(self.operators.close)
        self.certificates_before = self.serials()
        return self.ca

    def ask(self, method, path, body=None, kind=None):
        """By the kept connection: (status, text)."""
        self.connection.request(method, path, body, {"Content-Type": kind} if kind else {})
        response = self.connection.getresponse()
        return response.status, response.read().decode()

    def operator(self, method, path, body=None):
        """`body`: octets, or what is sent as JSON."""
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body)
        self.operators.request(method, path, body,
                               {"Content-Type": "application/json"} if body else {})
        response = self.operators.getresponse()
        return response.status, response.read().decode()

    def post(self, body):
        status, text = self.ask("POST", "/v1/requests", body, PKCS10)
        return status, json.loads(text)

    def put(self, name, body):
        return self.ask("PUT", PUPPET + name, in_text(body), "text/plain")

    def serials(self):
        _, answer = self.ca.json("/v1/certificates?limit=1000", client="operator")
        return {certificate["serial"] for certificate in answer["certificates"]}

    def requests(self):
        _, answer = self.ca.json("/v1/requests?limit=1000", client="operator")
        return answer["requests"]

    def nothing_signed(self):
        self.assertEqual(self.serials(), self.certificates_before)

    def nothing_stored(self):
        self.assertEqual(self.requests(), [])
        self.nothing_signed()

    def still_serves(self):
        """The same process enrols a good machine on each path."""
        self.assertIsNone(self.ca.process.poll(), self.ca.log_text()[-2000:])
        status, answer = self.post(csr("still-1", key("other")))
        self.assertEqual(status, 201, answer)
        self.assertEqual(self.put("still-2", csr("still-2", key("other"))), (200, ""))
        self.assertEqual(self.ask("GET", "/puppet-ca/v1/certificate/still-2")[0], 200)

    def assert_problem(self, answer, status, slug, text):
        got, problem = answer
        self.assertEqual((got, problem["type"]), (status, "urn:countersign:problem:" + slug),
                         problem)
        self.assertEqual(problem["status"], status)
        self.assertRegex(problem["detail"], text)

    def certificate_text(self, pem, *options):
        return run("openssl", "x509", "-noout", *options, input=pem).stdout


class RefusedRequests(Case):
    def refuse_all(self):
        for case in refused_requests():
            with self.subTest(case.case, path="REST"):
                self.assert_problem(self.post(case.body), case.status, case.slug, case.text)
            with self.subTest(case.case, path="Puppet"):
                status, text = self.put(case.path, case.body)
                self.assertEqual(status, case.status, text)
                self.assertRegex(text, case.puppet_text or case.text)
        self.nothing_stored()
        self.still_serves()

    def test_what_no_policy_can_sign_is_refused_where_the_default_signs(self):
        self.begin(SIGNS)
        self.refuse_all()

    def test_what_no_policy_can_sign_is_refused_where_a_rule_signs(self):
        self.begin(RULE_GRANTS_CERTNAME)
        self.refuse_all()

    def test_what_no_policy_can_sign_is_refused_where_puppets_autosign_allows_all(self):
        self.begin('default = "sign"\n', ALLOW)
        self.refuse_all()

    def test_puppets_autosign_program_is_never_asked_about_them(self):
        asked = self.folder / "asked"
        program = self.folder / "autosign.sh"
        program.write_text(f'#!/bin/sh\necho "$1" >> {asked}\n')
        program.chmod(0o755)
        self.begin('default = "sign"\n', f'[puppet]\nautosign = "{program}"\n')
        for case in refused_requests():
            with self.subTest(case.case):
                self.assertEqual(self.put(case.path, case.body)[0], case.status)
        self.assertFalse(asked.exists())
        self.nothing_stored()
        self.still_serves()
        self.assertEqual(asked.read_text(), "still-2\n")

    def test_an_explanation_is_refused_in_the_same_words(self):
        self.begin()
        for case in refused_requests():
            with self.subTest(case.case):
                status, text = self.operator("POST", "/v1/policy/explain",
                                             {"csr": in_text(case.body).decode()})
                self.assert_problem((status, json.loads(text)), case.status, case.slug,
                                    case.text)
        self.nothing_stored()

    def test_the_cases_are_signed_once_their_one_fault_is_mended(self):
        """Else a case could be refused for another reason than its own."""
        self.begin()
        good = [csr("bad", key()), csr("bad-rsa", key("rsa")), csr("bad-ed", key("ed25519")),
                csr("bad-more", key(), make.alt_names(make.dns("bad-more")),
                    attributes=[make.attribute(make.CHALLENGE_PASSWORD,
                                               tlv(make.PRINTABLE, b"secret"))])]
        for request in good:
            self.assertEqual(self.post(request)[0], 201)

    def test_a_refused_name_writes_no_line_of_its_own_to_the_log(self):
        self.begin(config='[log]\nformat = "json"\nlevel = "debug"\n')
        for name in ("a\nlevel=error event=forged", 'a"} {"event":"forged', "a\x1b[31mb\u2028c"):
            self.assertEqual(self.post(csr(name, key()))[0], 400)
            self.assertEqual(self.put("bad", csr(name, key()))[0], 400)
        self.still_serves()
        lines = [json.loads(line) for line in self.ca.log_text().splitlines() if line]
        self.assertNotIn("forged", {line.get("event") for line in lines})
        self.assertNotIn("\x1b", self.ca.log_text())


@dataclasses.dataclass
class Greedy:
    """A good request that asks for more than its certname."""

    case: str
    extensions: tuple
    # The first condition that the rule fails, and what it says of it.
    condition: str
    detail: str
    # What an operator's approval refuses with; "" if it signs.
    approval: str
    # What Puppet's autosign refuses with, by its defaults and with both allow settings; "": signs.
    autosign: str
    allowed: str
    holds: tuple = ()  # what the certificate's text then shows
    attribute: str = make.EXTENSION_REQUEST
    opens: str = ""  # the member without which an approval does not give it


def greedy_requests():
    def extra(listed):
        return (rf"^CSR '{{name}}' contains extra subject alternative names \({listed}\), which "
                r"are disallowed\. To allow subject alternative names, set allow-subject-alt-names "
                r"to true in your ca\.conf file\. Then restart the puppetserver and try signing "
                r"this certificate again\.$")

    def unfit(listed):
        return (rf"^CSR '{{name}}' asks for {listed}\. Only plain DNS names and IP addresses can "
                "be approved; a policy rule may grant more.$")

    def unknown(listed):
        return f"^Found extensions that are not permitted: {listed}$"

    authorization = (r"^CSR '{name}' contains an authorization extension, which is disallowed\. To "
                     r"allow authorization extensions, set allow-authorization-extensions to true "
                     r"in your ca\.conf file\. Then restart the puppetserver and try signing this "
                     r"certificate again\.$")

    for case, name, type_, shown in (
        ("another DNS name", make.dns("other.example.com"), "dns", r"DNS:other\.example\.com"),
        ("an IP address", make.IP4, "ip", r"IP:10\.0\.0\.1"),
    ):
        yield Greedy(case, (make.alt_names(name),), "grant." + type_, "no SAN may be", "",
                     extra(shown), "", (shown.replace("IP:", "IP Address:"),))
    yield Greedy("an IPv6 address", (make.alt_names(tlv(0x87, bytes(15) + b"\1")),), "grant.ip",
                 "no SAN may be '::1'", "", extra("IP:::1"), "", ("IP Address:0:0:0:0:0:0:0:1",))
    yield Greedy("its own name and another",
                 (make.alt_names(make.dns("{name}"), make.dns("other.example.com")),), "grant.dns",
                 "no SAN may be 'other.example.com'", "", extra(r"DNS:other\.example\.com"), "",
                 ("DNS:other.example.com",))
    for case, name, type_, shown in (
        ("a wildcard", make.dns("*.example.com"), "dns", r"DNS:\*\.example\.com"),
        ("a DNS name with a blank", make.dns("a b"), "dns", "DNS:a b"),
        ("a DNS name with an empty label", make.dns("a..b"), "dns", r"DNS:a\.\.b"),
        ("a DNS name with a slash", make.dns("a/../b"), "dns", r"DNS:a/\.\./b"),
        ("two names in one", make.dns("a, DNS:b"), "dns", "DNS:a, DNS:b"),
        ("an e-mail address", make.EMAIL, "email", r"email:root@example\.com"),
        ("a URI", make.URI, "uri", r"URI:https://example\.com/"),
        ("a directory name", make.DIRECTORY, "directory", "dirName:[0-9A-F]+"),
        ("a registered id", make.REGISTERED_ID, "registered_id", "RID:[0-9A-F]+"),
        ("an other name", make.OTHER_NAME, "other", "otherName:[0-9A-F]+"),
        ("an X.400 address", make.X400_ADDRESS, "other", "otherName:[0-9A-F]+"),
        ("an EDI party", make.EDI_PARTY, "other", "otherName:[0-9A-F]+"),
    ):
        yield Greedy(case, (make.alt_names(name),), "grant." + type_, "no SAN may be",
                     unfit(shown), extra(shown), unfit(shown))
    yield Greedy("a DNS name in Microsoft's attribute",
                 (make.alt_names(make.dns("other.example.com")),), "grant.dns",
                 "no SAN may be 'other.example.com'", "", extra(r"DNS:other\.example\.com"), "",
                 ("DNS:other.example.com",), make.MICROSOFT_REQUEST)
    # Puppet copies its own extensions without being asked to allow them.
    yield Greedy("pp_role", (make.text_extension(make.PP_ROLE, "web"),), "grant.extensions",
                 "pp_role is not granted", "", "", "", (make.PP_ROLE,))
    yield Greedy("pp_role that is critical",
                 (make.extension(make.PP_ROLE, tlv(make.UTF8, b"web"), CRITICAL),),
                 "grant.extensions", "pp_role is not granted", "", "", "", (make.PP_ROLE,))
    yield Greedy("pp_auth_role", (make.text_extension(make.PP_AUTH_ROLE, "compiler"),),
                 "grant.extensions", "pp_auth_role is not granted", "", authorization, "",
                 (make.PP_AUTH_ROLE,), opens="authorization_extensions")
    for case, type_, value in (
        ("pp_cli_auth", make.PP_CLI_AUTH, tlv(make.UTF8, b"true")),
        ("CA:TRUE", make.BASIC_CONSTRAINTS, sequence(tlv(make.BOOLEAN, b"\xff"))),
        ("CA:FALSE", make.BASIC_CONSTRAINTS, sequence()),
        ("a basicConstraints that is no DER", make.BASIC_CONSTRAINTS, b"\x30\x80\xff"),
        ("keyCertSign", make.KEY_USAGE, tlv(make.BIT_STRING, b"\2\4")),
        ("any extended key usage", "2.5.29.37", sequence(oid("2.5.29.37.0"))),
        ("name constraints", "2.5.29.30", sequence(tlv(0xA0, b""))),
        ("an authority key identifier", "2.5.29.35", sequence(tlv(0x80, bytes(20)))),
        ("an OID that nobody knows", "1.9.9.9.9.9.9", tlv(make.UTF8, b"x")),
        ("an arc that only begins as Puppet's does", "1.3.6.1.4.1.34380.1.30.1",
         tlv(make.UTF8, b"x")),
        ("an arc beside Puppet's", "1.3.6.1.4.1.343801.1.1.1", tlv(make.UTF8, b"x")),
        ("Puppet's arc itself", "1.3.6.1.4.1.34380.1.1", tlv(make.UTF8, b"x")),
    ):
        text = unknown(re.escape(type_))
        yield Greedy(case, (make.extension(type_, value, CRITICAL),), "grant.extensions",
                     "is not granted", text, text, text)
    two = unknown(re.escape(f"{make.BASIC_CONSTRAINTS}, {make.KEY_USAGE}"))
    yield Greedy("two that nobody may have beside one that is fine",
                 (make.text_extension(make.PP_ROLE, "web"),
                  make.extension(make.BASIC_CONSTRAINTS, sequence()),
                  make.extension(make.KEY_USAGE, tlv(make.BIT_STRING, b"\5\xa0"))),
                 "grant.extensions", "pp_role is not granted", two, two, two)


class GreedyRequests(Case):
    def made(self):
        """(case, certname, request): each under a name of its own."""
        for number, case in enumerate(greedy_requests()):
            name = f"greedy{number}.example.com"
            extensions = list(case.extensions)
            if case.case == "its own name and another":
                extensions = [make.alt_names(make.dns(name), make.dns("other.example.com"))]
            request = csr(name, key(), attributes=[
                make.requested(*extensions, type_=case.attribute)])
            yield case, name, request

    def queued(self, name):
        """Its row, and no certificate of that name on any path."""
        _, text = self.operator("GET", "/v1/requests?match=" + urllib.parse.quote(re.escape(name)))
        answer = json.loads(text)
        self.assertEqual([row["state"] for row in answer["requests"]], ["queued"], answer)
        self.assertEqual(self.ask("GET", "/puppet-ca/v1/certificate/" + name),
                         (404, "Could not find certificate " + name))
        self.assertEqual(self.ask("GET", PUPPET + name)[0], 200)
        return answer["requests"][0]

    def test_a_rule_never_signs_what_it_does_not_grant(self):
        self.begin(RULE_GRANTS_CERTNAME)
        for number, (case, name, request) in enumerate(self.made()):
            with self.subTest(case.case):
                if number % 2:
                    self.assertEqual(self.put(name, request), (200, ""))
                else:
                    status, answer = self.post(request)
                    self.assertEqual((status, answer["state"]), (202, "queued"), answer)
                row = self.queued(name)
                shown = json.loads(self.operator("GET", "/v1/requests/" + row["id"])[1])
                self.assertEqual(len(shown["trace"]), 1, shown)
                step = shown["trace"][0]
                self.assertEqual((step["rule"], step["matched"], step["condition"]),
                                 ("all", False, case.condition))
                self.assertIn(case.detail, step["detail"])
        self.nothing_signed()
        self.still_serves()

    def test_a_default_that_signs_queues_them_and_an_approval_gives_what_it_may(self):
        self.begin(SIGNS)
        for case, name, request in self.made():
            with self.subTest(case.case):
                status, answer = self.post(request)
                self.assertEqual((status, answer["state"]), (202, "queued"), answer)
                self.assertIn("the default grants only the certname", answer["reason"])
                self.queued(name)
                path = f"/v1/requests/{answer['id']}/approve"
                status, text = self.operator("POST", path)
                answered = json.loads(text)
                if case.opens:
                    self.assert_problem((status, answered), 403, "not-granted",
                                        f"^CSR '{re.escape(name)}' asks for pp_auth_role, which "
                                        "gives rights")
                    self.queued(name)
                    status, text = self.operator("POST", path, {case.opens: True})
                    answered = json.loads(text)
                if case.approval:
                    self.assert_problem((status, answered), 403, "not-granted",
                                        case.approval.replace("{name}", re.escape(name)))
                    self.queued(name)
                else:
                    self.assertEqual((status, answered["state"]), (200, "signed"), answered)
                    self.check_certificate(answered["certificate"], name, case)
        self.still_serves()

    def check_certificate(self, pem, name, case):
        text = self.certificate_text(pem, "-text")
        self.assertIn(f"Subject: CN = {name}\n", text)
        for part in (f"DNS:{name}", "CA:FALSE", *case.holds):
            self.assertRegex(text, part.replace("::", ":+") if "\\" in part else re.escape(part))
        critical = re.findall(r"^ +(\S.*): critical$", text, re.M)
        self.assertLessEqual(set(critical), {"X509v3 Basic Constraints", "X509v3 Key Usage",
                                             "X509v3 Extended Key Usage"})
        self.assertEqual(text.count("X509v3 Basic Constraints"), 1)

    def autosign(self, config, answer_of):
        """Puppet's texts at submission; the CSR stays, and its signing later says the same."""
        self.begin('default = "sign"\n', config)
        for case, name, request in self.made():
            wanted = answer_of(case).replace("{name}", re.escape(name))
            with self.subTest(case.case):
                status, text = self.put(name, request)
                if not wanted:
                    self.assertEqual((status, text), (200, ""))
                    status, pem = self.ask("GET", "/puppet-ca/v1/certificate/" + name)
                    self.assertEqual(status, 200, pem)
                    self.check_certificate(pem, name, case)
                    continue
                self.assertEqual(status, 400, text)
                self.assertRegex(text, wanted)
                self.queued(name)
                status, text = self.operator("PUT", "/puppet-ca/v1/certificate_status/" + name,
                                             {"desired_state": "signed"})
                self.assertEqual(status, 409, text)
                self.assertRegex(text, wanted)
                self.queued(name)
        self.still_serves()

    def test_puppets_autosign_refuses_them_in_puppets_words(self):
        self.autosign(AUTOSIGN, lambda case: case.autosign)

    def test_puppets_allow_settings_open_no_more_than_they_say(self):
        self.autosign(ALLOW, lambda case: case.allowed)

    def test_without_autosign_puppets_path_takes_them_and_refuses_to_sign_them(self):
        """Puppet looks at what is asked for only when it signs; so a 200 here."""
        self.begin(SIGNS, "[puppet]\nautosign = false\n")
        for case, name, request in self.made():
            wanted = case.autosign.replace("{name}", re.escape(name))
            with self.subTest(case.case):
                self.assertEqual(self.put(name, request), (200, ""))
                self.queued(name)
                status, text = self.operator("PUT", "/puppet-ca/v1/certificate_status/" + name,
                                             {"desired_state": "signed"})
                self.assertEqual(status, 409 if wanted else 204, text)
                self.assertRegex(text, wanted or "^$")
        self.still_serves_without_autosign()

    def still_serves_without_autosign(self):
        self.assertEqual(self.put("still", csr("still", key("other"))), (200, ""))
        self.assertEqual(self.operator("PUT", "/puppet-ca/v1/certificate_status/still",
                                       {"desired_state": "signed"})[0], 204)

    def test_ones_own_name_is_no_extra_name(self):
        self.begin(SIGNS, AUTOSIGN)
        self.assertEqual(self.put("own", csr("own", key(), make.alt_names(make.dns("own")))),
                         (200, ""))
        self.assertEqual(self.ask("GET", "/puppet-ca/v1/certificate/own")[0], 200)

    def test_sign_all_holds_them_back(self):
        self.begin(SIGNS)
        made = list(self.made())
        for _, name, request in made:
            self.assertEqual(self.put(name, request), (200, ""))
        result = self.ca.cli("sign", "--all", "--yes", check=False)
        self.assertNotEqual(result.returncode, 0, result.stdout)
        self.nothing_signed()
        self.assertEqual({row["state"] for row in self.requests()}, {"queued"})


class HarmlessRequests(Case):
    """Odd, and yet good: nothing but the certname gets from them into the certificate."""

    def requests_made(self):
        ec = key()
        compressed = bytes([2 + (ec.point[-1] & 1)]) + ec.point[1:33]
        cn = make.COMMON_NAME
        password = make.attribute(make.CHALLENGE_PASSWORD, tlv(make.PRINTABLE, b"secret"))
        unknown = make.attribute("1.2.3.4", tlv(make.BMP, "ä".encode("utf-16-be")), integer(5))
        microsoft = make.requested(make.alt_names(make.dns("evil.example.com")),
                                   type_=make.MICROSOFT_REQUEST)
        standard = make.requested(make.alt_names(make.dns("odd-both")))

        def named(name, tag, encoding="ascii"):
            return make.common_name(tlv(tag, name.encode(encoding)))

        longest = ".".join(["a" * 60] * 4) + "." + "b" * 9
        yield "odd-bmp", csr(named("odd-bmp", make.BMP, "utf-16-be"), ec)
        yield "odd-universal", csr(named("odd-universal", make.UNIVERSAL, "utf-32-be"), ec)
        yield "odd-t61", csr(named("odd-t61", make.T61), ec)
        yield "odd-printable", csr(named("odd-printable", make.PRINTABLE), ec)
        yield "odd-parts", csr(make.subject([("2.5.4.6", tlv(make.PRINTABLE, b"DE"))],
                                            [(make.ORGANIZATION, "Ö"), (cn, "odd-parts")],
                                            [("1.2.840.113549.1.9.1", tlv(make.IA5, b"a@b"))]), ec)
        yield longest, csr(longest, ec)
        for name in ("_x.example.com", "root_ca", "a-b.c1", "a.-b", "7", "a" * 64):
            yield name, csr(name, ec)
        yield "odd-absent", csr("odd-absent", ec, attributes_part=b"")
        # X.690 11.6 wants a SET OF in order; many makers do not sort, and nothing rests on it.
        yield "odd-order", csr("odd-order", ec, sort=False,
                               attributes=sorted([password, unknown], reverse=True))
        yield "odd-empty", csr("odd-empty", ec, attributes=[make.requested()])
        yield "odd-both", csr("odd-both", ec, attributes=[standard, microsoft])
        yield "odd-upper-san", csr("odd-upper-san", ec, make.alt_names(make.dns("ODD-upper-SAN")))
        yield "odd-same-san", csr("odd-same-san", ec,
                                  make.alt_names(*[make.dns("odd-same-san")] * 3))
        yield "odd-compressed", csr("odd-compressed", ec, spki=ec.with_point(compressed))
        yield "odd-e3", csr("odd-e3", make.RsaKey.of_bits(2048, exponent=3))
        yield "odd-three-primes", csr("odd-three-primes", make.RsaKey(
            {make.RsaKey.prime(700): 1 for _ in range(3)}))
        yield "odd-no-null", csr("odd-no-null", key("rsa"),
                                 algorithm=sequence(oid(make.RSA_SHA256)))

    def test_a_name_that_ends_in_a_dot_is_kept_for_an_operator(self):
        self.begin(SIGNS)
        self.assertEqual(self.put("rootca.", csr("rootca.", key())), (200, ""))
        _, text = self.operator("GET", "/v1/requests?state=queued")
        [row] = json.loads(text)["requests"]
        self.assertIn("ends in a dot", row["reason"])
        path = f"/v1/requests/{row['id']}/approve"
        status, text = self.operator("POST", path)
        self.assert_problem((status, json.loads(text)), 403, "not-granted", "ends in a dot")
        self.assertEqual(json.loads(self.operator("POST", "/puppet-ca/v1/sign/all")[1])["signed"], [])
        self.assertEqual(self.operator("POST", path, {"reserved_names": True})[0], 200)

    def test_they_are_signed_for_their_certname_and_no_more(self):
        self.begin(SIGNS)
        for number, (name, request) in enumerate(self.requests_made()):
            with self.subTest(name):
                if number % 2:
                    self.assertEqual(self.put(name, request), (200, ""))
                else:
                    status, answer = self.post(request)
                    self.assertEqual(status, 201, answer)
                status, pem = self.ask("GET", "/puppet-ca/v1/certificate/" + name)
                self.assertEqual(status, 200, pem)
                self.assertEqual(
                    self.certificate_text(pem, "-subject", "-nameopt", "RFC2253,show_type"),
                    f"subject=CN=UTF8STRING:{name}\n")
                san = self.certificate_text(pem, "-ext", "subjectAltName").splitlines()
                self.assertEqual(san[1:], ["    DNS:" + name])
                text = self.certificate_text(pem, "-text")
                self.assertNotIn("evil", text)
                self.assertNotIn("secret", text)

    def test_a_pem_may_have_text_around_it_and_any_line_ends(self):
        self.begin(SIGNS)
        for name, change in (
            ("pem-crlf", lambda pem: pem.replace(b"\n", b"\r\n")),
            ("pem-text", lambda pem: b"Certificate Request:\n  Version: 1\n\n" + pem + b"\nbye\n"),
            ("pem-new", lambda pem: pem.replace(b"CERTIFICATE", b"NEW CERTIFICATE")),
            ("pem-one-line", lambda pem: b"\n".join(
                [pem.splitlines()[0], b"".join(pem.splitlines()[1:-1]), pem.splitlines()[-1]])),
            ("pem-no-newline", lambda pem: pem.rstrip()),
        ):
            with self.subTest(name):
                body = change(make.pem(csr(name, key())))
                self.assertEqual(self.ask("PUT", PUPPET + name, body), (200, ""))
                self.assertEqual(self.ask("GET", "/puppet-ca/v1/certificate/" + name)[0], 200)


class Names(Case):
    def test_the_name_in_the_path_must_be_the_name_in_the_subject(self):
        self.begin()
        self.assertEqual(self.put("two", csr("one", key())),
                         (400, 'Instance name "one" does not match requested key "two"'))
        # Byte for byte: what differs only in case or by a dot is another name.
        for path in ("ONE", "one.", "o%6ee.x"):
            with self.subTest(path):
                status, text = self.put(path, csr("one", key()))
                self.assertEqual(status, 400)
                self.assertEqual(text, 'Instance name "one" does not match requested key '
                                       f'"{urllib.parse.unquote(path)}"')
        self.nothing_stored()
        # One level of percent-encoding is no difference.
        self.assertEqual(self.put("%6fne", csr("one", key())), (200, ""))

    def test_a_path_outside_puppets_alphabet_is_no_path(self):
        self.begin()
        for path in ("a%20b", "a%25b", "%256fne", "*.example.com", "a:b", "a%0ab", "caf%C3%A9",
                     "a/b", "a%2fb", "one/", ".", "..", "%2e%2e", "a%7fb", "a%5cb", "", "/one"):
            with self.subTest(path):
                status, text = self.put(path, csr("one", key()))
                self.assertEqual((status, text), (404, "Not Found"))
        for path in ("a%00b", "%", "%zz", "a/../one", "a%2f..%2fone", "../../v1/requests"):
            with self.subTest(path):
                status, text = self.put(path, csr("one", key()))
                self.assertEqual(status, 403)
                self.assertRegex(text, r"(?s)^Forbidden request: .* \(method :put\)\. Please see "
                                       r"the server logs for details\.$")
        self.nothing_stored()
        self.still_serves()


class SecondRequests(Case):
    """The name is taken: by a queued request, a live certificate, or a revoked one."""

    QUEUED, LIVE, REVOKED = (
        "{} already has a %s certificate; ignoring certificate request" % state
        for state in ("requested", "signed", "revoked"))

    def refuse_second(self, name, slug, text):
        for kind in ("other", "rsa"):
            request = csr(name, key(kind))
            self.assert_problem(self.post(request), 409, slug, "^" + re.escape(text) + "$")
            self.assertEqual(self.put(name, request), (400, text))

    def test_another_key_is_refused_for_a_queued_and_for_a_live_name(self):
        self.begin(LIVE)
        self.assertEqual(self.post(csr("queued", key()))[0], 202)
        self.assertEqual(self.post(csr("live", key()))[0], 201)
        signed = self.serials()
        self.refuse_second("queued", "request-exists", self.QUEUED.format("queued"))
        self.refuse_second("live", "certificate-exists", self.LIVE.format("live"))
        self.assertEqual(self.serials(), signed)
        self.assertEqual(sorted((row["certname"], row["state"]) for row in self.requests()),
                         [("live", "signed"), ("queued", "queued")])

    def test_the_same_key_in_another_csr_is_refused_as_well(self):
        self.begin(LIVE)
        self.assertEqual(self.post(csr("live", key()))[0], 201)
        again = csr("live", key(), make.alt_names(make.dns("live")))
        self.assert_problem(self.post(again), 409, "certificate-exists", "live already has")

    def test_the_same_csr_gets_the_same_answer_by_rest_and_puppets_text_by_puppet(self):
        self.begin(LIVE)
        for name, status, text in (("queued", 202, self.QUEUED), ("live", 201, self.LIVE)):
            request = csr(name, key())
            first = self.post(request)
            self.assertEqual(first[0], status)
            self.assertEqual(self.post(request)[1]["id"], first[1]["id"])
            self.assertEqual(self.put(name, request), (400, text.format(name)))
        self.assertEqual(len(self.requests()), 2)

    def test_a_csr_for_a_revoked_name_waits_for_a_clean(self):
        self.begin(LIVE)
        first = csr("live", key())
        self.assertEqual(self.post(first)[0], 201)
        self.ca.cli("revoke", "live")
        self.refuse_second("live", "revoked-exists", self.REVOKED.format("live"))
        # Not even the very CSR that was signed once.
        self.assert_problem(self.post(first), 409, "revoked-exists", "revoked certificate")
        self.assertEqual(self.put("live", first), (400, self.REVOKED.format("live")))
        self.ca.cli("clean", "live")
        self.assertEqual(self.post(csr("live", key("other")))[0], 201)

    def test_a_bad_csr_for_a_taken_name_is_told_its_own_fault(self):
        self.begin(LIVE)
        self.assertEqual(self.post(csr("live", key()))[0], 201)
        bad = make.signed(make.info(make.common_name("live"), key("other").spki), key())
        self.assert_problem(self.post(bad), 400, "bad-proof", "does not prove")

    def test_with_duplicates_allowed_a_newer_request_takes_the_place_on_puppets_paths_only(self):
        self.begin(LIVE, "[puppet]\nallow_duplicate_certs = true\n")
        second = csr("queued", key("other"))
        self.assertEqual(self.put("queued", csr("queued", key())), (200, ""))
        self.assert_problem(self.post(second), 409, "request-exists", "queued already has")
        self.assertEqual(self.put("queued", second), (200, ""))
        self.assertEqual(self.ask("GET", PUPPET + "queued"), (200, make.pem(second).decode()))
        self.assertEqual(sorted(row["state"] for row in self.requests()), ["queued", "withdrawn"])

        self.assertEqual(self.put("live", csr("live", key())), (200, ""))
        first = self.ask("GET", "/puppet-ca/v1/certificate/live")[1]
        self.assert_problem(self.post(csr("live", key("other"))), 409, "certificate-exists",
                            "live already has")
        self.assertEqual(self.put("live", csr("live", key("other"))), (200, ""))
        newer = self.ask("GET", "/puppet-ca/v1/certificate/live")[1]
        self.assertNotEqual(first, newer)
        self.assertEqual(len(self.serials() - self.certificates_before), 2)

        self.ca.cli("revoke", "live")
        self.assert_problem(self.post(csr("live", key("rsa"))), 409, "revoked-exists",
                            "live already has")
        self.assertEqual(self.put("live", csr("live", key("rsa"))), (200, ""))
        # A bad one still takes no place.
        bad = make.signed(make.info(make.common_name("live"), key().spki), key("other"))
        self.assertEqual(self.put("live", bad)[0], 400)
        self.assertEqual(len(self.serials() - self.certificates_before), 3)


class Bodies(Case):
    def test_json_that_is_not_what_the_route_takes_is_named(self):
        self.begin()
        good = make.pem(csr("one", key())).decode()
        deep = '{"csr":' + "[" * 5000 + "]" * 5000 + "}"
        for body, status, text in (
            ("", 400, "'csr' must be a text"), ("{", 400, "not JSON"), ("[]", 400, "JSON object"),
            ("null", 400, "JSON object"), ("{}", 400, "'csr' must be a text"),
            ('{"csr": 1}', 400, "'csr' must be a text"), ('{"csr": null}', 400, "must be a text"),
            ('{"cert": "x"}', 400, "Unknown member 'cert'. Known here: csr"),
            (json.dumps({"csr": good, "profile": "server"}), 400, "Unknown member 'profile'"),
            (json.dumps({"csr": good}) + "x", 400, "not JSON"),
            ('{"csr": "\\ud800"}', 400, "not JSON"), (b'{"csr": "\xff"}', 400, "not JSON"),
            (deep, 400, "not JSON"), ('{"csr": ""}', 400, "is missing|is empty"),
        ):
            with self.subTest(str(body)[:40]):
                got, answer = self.ask("POST", "/v1/requests", body, "application/json")
                self.assert_problem((got, json.loads(answer)), status, "malformed", text)
        for kind in ("text/html", "application/x-www-form-urlencoded", "multipart/form-data", None):
            with self.subTest(kind):
                got, answer = self.ask("POST", "/v1/requests", good.encode(), kind)
                self.assert_problem((got, json.loads(answer)), 415, "malformed",
                                    "application/json or application/pkcs10")
        self.nothing_stored()
        self.still_serves()

    def test_what_operators_and_pipelines_send_is_checked_as_well(self):
        self.begin()
        whole, serial = "must be a whole number from 1 to 1000", "serial is written in hexadecimal"
        revoke = "/v1/certificates/00/revoke"
        for method, path, body, status, text in (
            ("GET", "/v1/requests?limit=0", None, 400, whole),
            ("GET", "/v1/requests?limit=-1", None, 400, whole),
            ("GET", "/v1/requests?limit=1001", None, 400, whole),
            ("GET", "/v1/requests?limit=99999999999999999999", None, 400, whole),
            ("GET", "/v1/requests?limit=", None, 400, whole),
            ("GET", "/v1/requests?state=bogus", None, 400, "'bogus' is no state"),
            ("GET", "/v1/requests?cursor=%27", None, 400, "cursor is not ours"),
            ("GET", "/v1/requests?match=(", None, 400, "not a regular expression: missing"),
            ("GET", "/v1/requests?match=%FF", None, 400, "invalid UTF-8"),
            ("GET", "/v1/requests?match=(a%7B1000%7D)%7B1000%7D", None, 400, "repetition size"),
            ("GET", "/v1/certificates?state=bogus", None, 400, "'bogus' is no state"),
            ("GET", "/v1/certificates?cursor=%27", None, 400, "cursor is not ours"),
            ("GET", "/v1/certificates?expires_before=soon", None, 400, "must be a time like"),
            ("GET", "/v1/requests/%27%20or%201", None, 404, "no request with this id"),
            ("GET", "/v1/requests/%00", None, 404, "no such path"),
            ("GET", "/v1/requests/..%2f", None, 404, "no such path"),
            ("GET", "/v1/certificates/zz", None, 400, serial),
            ("GET", "/v1/certificates/" + "A" * 2000, None, 400, serial),
            ("GET", "/v1/certificates/00", None, 404, "no certificate with this serial"),
            ("POST", "/v1/requests/zz/approve", b"{", 400, "not JSON"),
            ("POST", "/v1/requests/zz/approve", {"names": []}, 400, "Unknown member 'names'"),
            ("POST", "/v1/requests/zz/approve", {"subject_alt_names": 1}, 400,
             "'subject_alt_names' must be true or false"),
            ("POST", "/v1/requests/zz/approve", {"validity_seconds": -1}, 400, "positive"),
            ("POST", "/v1/requests/zz/approve", {"validity_seconds": 1e30}, 400, "positive"),
            ("POST", "/v1/requests/zz/approve", {}, 404, "no request with this id"),
            ("POST", "/v1/requests/zz/deny", {}, 400, "'reason' must be a text"),
            ("POST", revoke, {"reason": "bored"}, 400, "'bored' is no revocation reason"),
            ("POST", revoke, {"reason": "removeFromCRL"}, 400, "is no revocation reason"),
            ("POST", revoke, {"reason": 1}, 400, "must be a text"),
            ("POST", revoke, {"reason": "keyCompromise"}, 404, "no certificate with this"),
            ("POST", "/v1/certificates/zz/revoke", {"reason": "keyCompromise"}, 400, serial),
            ("POST", "/v1/tokens", {}, 400, "give 'certname' or 'certname_regex'"),
            ("POST", "/v1/tokens", {"role": "god"}, 400, "no role 'god'"),
            ("POST", "/v1/policy/explain", {}, 400, "'csr' must be a text"),
        ):
            with self.subTest(f"{method} {path[:60]} {body}"):
                got, answer = self.operator(method, path, body)
                slug = "malformed" if status == 400 else "not-found"
                self.assert_problem((got, json.loads(answer)), status, slug, text)
        self.nothing_stored()
        self.still_serves()

    def test_unknown_paths_and_methods_are_named(self):
        self.begin()
        self.assertEqual(self.ask("GET", "/v1/nothing")[0], 404)
        self.assertEqual(self.ask("GET", "/")[0], 404)
        self.assertEqual(self.ask("DELETE", "/v1/requests")[0], 405)
        self.assertEqual(self.ask("PUT", "/puppet-ca/v1/nothing")[0], 403)

    def test_of_a_member_given_twice_the_last_one_counts(self):
        """RFC 8259 4 leaves it open. It is one request and one certificate."""
        self.begin()
        one, two = (make.pem(csr(name, key())).decode() for name in ("one", "two"))
        body = f'{{"csr": {json.dumps(one)}, "csr": {json.dumps(two)}}}'
        status, _ = self.ask("POST", "/v1/requests", body, "application/json")
        self.assertEqual(status, 201)
        self.assertEqual([row["certname"] for row in self.requests()], ["two"])

    def test_a_body_of_a_mebibyte_is_refused_on_each_path(self):
        self.begin()
        body = b"x" * (1 << 20)
        chunk = b"%x\r\n%s\r\n" % (len(body), body)
        for path, method in (("/v1/requests", "POST"), (PUPPET + "big", "PUT")):
            head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {PKCS10}\r\n"
            length = head.encode() + b"Content-Length: %d\r\n\r\n" % len(body)
            chunked = head.encode() + b"Transfer-Encoding: chunked\r\n\r\n"
            for case, data in (("whole", length + body),
                               ("only announced", length),
                               ("chunked", chunked + chunk + b"0\r\n\r\n"),
                               ("in many chunks", chunked + b"400\r\n%s\r\n" % body[:1024] * 1024)):
                with self.subTest(case, path=path):
                    status, headers, text = exchange(self.ca, data)
                    self.assertEqual(status, 413, text)
                    self.assertIn("The body is larger than 524288 bytes.", text)
                    self.assertEqual("X-Puppet-Version" in headers, method == "PUT")
        self.nothing_stored()
        self.still_serves()


def exchange(ca, data):
    """Sends these octets by TLS; the first answer as (status, headers, body), or None: closed."""
    with ca.tls_socket() as connection, connection.makefile("rb") as stream:
        try:
            connection.sendall(data)
        except ConnectionError:
            pass  # an answer may be there all the same
        return read_answer(stream)


def read_answer(stream):
    try:
        line = stream.readline()
        if not line:
            return None
        headers = http.client.parse_headers(stream)
        body = stream.read(int(headers.get("Content-Length", 0)))
    except ConnectionError:
        return None
    return int(line.split()[1]), headers, body.decode()


class Transport(Case):
    LIMITS = '[limits]\nheader_bytes = 4096\nhandshake = "1s"\nread = "1s"\nidle = "1s"\n'

    def begin_with_limits(self):
        self.begin(SIGNS, self.LIMITS)
        # The kept connection would be cut between two uses.
        self.connection.close()

    def still_serves(self):
        self.connection.close()
        super().still_serves()

    def post_head(self, *lines, path="/v1/requests"):
        return "\r\n".join([f"POST {path} HTTP/1.1", "Host: localhost",
                            f"Content-Type: {PKCS10}", *lines, "", ""]).encode()

    def test_what_is_no_http_is_answered_or_closed(self):
        self.begin_with_limits()
        body = csr("smuggled", key())
        size = len(body)
        get = "GET /v1/health/live HTTP/1.1\r\nHost: localhost\r\n"
        chunked = self.post_head("Transfer-Encoding: chunked")
        for case, data, wanted in (
            ("garbage", b"\x16\x03\x01\0\xff\0\0\r\n\r\n", 400),
            ("only a line end", b"\r\n\r\n", 400),
            ("a word", b"hello\r\n\r\n", 400),
            ("an empty line in front", ("\r\n" + get + "\r\n").encode(), 400),
            ("HTTP/0.9", b"GET /\r\n\r\n", 400),
            ("HTTP/3.0", b"GET / HTTP/3.0\r\n\r\n", 400),
            ("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
            ("a version in lower case", b"GET / http/1.1\r\nHost: localhost\r\n\r\n", 400),
            ("a control character in the target", b"GET /v1/\x01 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("a NUL in the target", b"GET /v1/\0 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("a blank in the target", b"GET /v1/health /live HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("a NUL in a header's value", (get + "X: a\0b\r\n\r\n").encode(), 400),
            ("a NUL in a header's name", (get + "X\0Y: a\r\n\r\n").encode(), 400),
            ("a header without a colon", (get + "hello\r\n\r\n").encode(), 400),
            ("a blank before the colon", (get + "X : a\r\n\r\n").encode(), 400),
            ("a bare CR in a header", (get + "X: a\rY: b\r\n\r\n").encode(), 400),
            ("a header of 5 KiB", (get + "X: " + "a" * 5000 + "\r\n\r\n").encode(), 431),
            ("2,000 headers", (get + "X: a\r\n" * 2000 + "\r\n").encode(), 431),
            ("a header of 5 KiB on Puppet's path",
             f"PUT {PUPPET}one HTTP/1.1\r\nHost: a\r\nX: {'a' * 5000}\r\n\r\n".encode(), 431),
            ("a target of 5 KiB", b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 431),
            ("no Host", b"GET /v1/health/live HTTP/1.1\r\n\r\n", 400),
            ("two Hosts", (get + "Host: other\r\n\r\n").encode(), 400),
            ("a coding that is not known",
             self.post_head("Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n", 501),
            ("no chunks behind a coding", self.post_head("Transfer-Encoding: gzip") + body, 501),
            ("chunks twice", self.post_head("Transfer-Encoding: chunked, chunked") + body, 501),
            ("a chunk that is no number", chunked + b"zz\r\n" + body + b"\r\n0\r\n\r\n", 400),
            ("a negative chunk", chunked + b"-1\r\n" + body + b"\r\n0\r\n\r\n", 400),
            ("a chunk of 2^64", chunked + b"10000000000000000\r\n" + body, 400),
            ("a chunk that is longer than it says",
             chunked + b"%x\r\n%s\r\n0\r\n\r\n" % (size - 1, body), 400),
            ("two lengths that differ",
             self.post_head(f"Content-Length: {size}", "Content-Length: 3") + body, 400),
            ("two lengths that differ in one",
             self.post_head(f"Content-Length: {size}, 3") + body, 400),
            ("a negative length", self.post_head("Content-Length: -1") + body, 400),
            ("a length with a sign", self.post_head(f"Content-Length: +{size}") + body, 400),
            ("a length in hexadecimal", self.post_head("Content-Length: 0x10") + body, 400),
            ("a length that is no number", self.post_head("Content-Length: many") + body, 400),
            ("a length over 64 bits", self.post_head("Content-Length: 99999999999999999999"), 400),
            ("a length of 63 bits", self.post_head("Content-Length: 9223372036854775807"), 413),
            ("a length and chunks",
             self.post_head(f"Content-Length: {size}", "Transfer-Encoding: chunked") + b"0\r\n\r\n"
             + body, 400),
            ("chunks and a length",
             self.post_head("Transfer-Encoding: chunked", f"Content-Length: {size}") + body, 400),
        ):
            with self.subTest(case):
                answer = exchange(self.ca, data)
                self.assertIsNotNone(answer, "closed without a word")
                self.assertEqual(answer[0], wanted, answer)
        self.nothing_stored()
        self.still_serves()

    def test_odd_but_right_http_is_served(self):
        self.begin_with_limits()
        get = "/v1/health/live"
        for case, data, wanted in (
            ("HTTP/1.0", f"GET {get} HTTP/1.0\r\n\r\n", 200),
            ("an absolute target",
             f"GET https://localhost{get} HTTP/1.1\r\nHost: localhost\r\n\r\n", 200),
            ("a method that nobody knows", f"BREW {get} HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
            ("a method in lower case", f"get {get} HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
            ("CONNECT", "CONNECT localhost:1 HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
            ("TRACE", f"TRACE {get} HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
            ("OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
            ("a query", f"GET {get}?%00=%zz&&&= HTTP/1.1\r\nHost: localhost\r\n\r\n", 200),
            ("an encoded letter", "GET /v1/h%65alth/live HTTP/1.1\r\nHost: localhost\r\n\r\n", 200),
            ("two slashes", "GET //v1/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
            ("two slashes within", "GET /v1//health/live HTTP/1.1\r\nHost: a\r\n\r\n", 404),
            ("a slash at the end", f"GET {get}/ HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
            ("two dots", "GET /v1/x/../health/live HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
            ("two encoded dots", "GET /v1/x/%2e%2e/health/live HTTP/1.1\r\nHost: a\r\n\r\n", 404),
            ("an encoded slash", "GET /v1%2Fhealth/live HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
            ("an encoded NUL", "GET /v1/requests/%00 HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
            ("a broken percent", "GET /v1/requests/%2 HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
            ("a method of Puppet's that nobody knows",
             f"BREW {PUPPET}one HTTP/1.1\r\nHost: localhost\r\n\r\n", 403),
        ):
            with self.subTest(case):
                answer = exchange(self.ca, data.encode())
                self.assertIsNotNone(answer, "closed without a word")
                self.assertEqual(answer[0], wanted, answer)
        self.nothing_stored()
        self.still_serves()

    def test_a_request_in_chunks_and_two_at_once_are_served(self):
        self.begin_with_limits()
        one, two = csr("one", key()), csr("two", key())
        chunks = b"%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n" % (1, one[:1], len(one) - 1, one[1:])
        answer = exchange(self.ca, self.post_head("Transfer-Encoding: chunked") + chunks)
        self.assertEqual(answer[0], 201, answer)
        # RFC 9110 8.6: the same length twice is one length.
        length = self.post_head(f"Content-Length: {len(two)}, {len(two)}") + two
        with self.ca.tls_socket() as connection, connection.makefile("rb") as stream:
            connection.sendall(length + length)
            first, second = read_answer(stream), read_answer(stream)
        self.assertEqual((first[0], second[0]), (201, 201), (first, second))
        self.assertEqual(first[2], second[2], "the same CSR gets the same answer")
        self.assertEqual(len(self.requests()), 2)

    def test_half_a_request_is_no_request(self):
        self.begin_with_limits()
        body = csr("half", key())
        pem = make.pem(body)
        for case, data in (
            ("a body that is cut", self.post_head(f"Content-Length: {len(body)}") + body[:-1]),
            ("a whole CSR in a longer body",
             self.post_head(f"Content-Length: {len(pem) + 100}") + pem),
            ("chunks without an end",
             self.post_head("Transfer-Encoding: chunked") + b"%x\r\n%s\r\n" % (len(body), body)),
            ("a header that is cut", b"POST /v1/requests HTTP/1.1\r\nHost: loc"),
        ):
            with self.subTest(case), self.ca.tls_socket() as connection:
                connection.sendall(data)
                connection = connection.unwrap()  # the end of what is sent
                connection.close()
        self.nothing_stored()
        self.still_serves()

    def cut(self, connection, send, step):
        """Bytes are sent one by one until the service closes; others are served meanwhile."""
        served = False
        end = time.monotonic() + 30
        connection.settimeout(step)
        for byte in send:
            self.assertLess(time.monotonic(), end, "the service does not cut a slow client")
            try:
                connection.send(bytes([byte]))
            except OSError:
                break
            if not served:
                self.assertEqual(self.ca.curl("/v1/health/live")[0], 200)
                served = True
            try:
                self.assertEqual(connection.recv(1), b"")
                break
            except TimeoutError:
                continue
            except OSError:
                break
        else:
            self.fail("the service took it all")
        self.assertTrue(served)

    def test_a_slow_client_is_cut_and_others_are_served_meanwhile(self):
        self.begin_with_limits()
        body = csr("slow", key())
        head = self.post_head(f"Content-Length: {len(body)}")
        for case, begin, rest in (("a slow header", b"", head + body), ("a slow body", head, body)):
            with self.subTest(case), self.ca.tls_socket() as connection:
                connection.sendall(begin)
                self.cut(connection, rest, 0.05)
        self.nothing_stored()
        self.still_serves()

    def test_a_silent_client_is_cut_and_others_are_served_meanwhile(self):
        self.begin_with_limits()
        with self.ca.tcp_socket() as before, self.ca.tls_socket() as after:
            kept = self.ca.kept_connection()
            kept.request("GET", "/v1/health/live")
            self.assertEqual(kept.getresponse().read() and 200, 200)
            self.assertEqual(self.ca.curl("/v1/health/live")[0], 200)
            for case, silent in (("before the handshake", before), ("behind it", after),
                                 ("between two requests", kept.sock)):
                with self.subTest(case):
                    self.assertEqual(silent.recv(1), b"", "the service must close the connection")
            kept.close()
        self.still_serves()

    def test_what_is_no_tls_is_closed(self):
        self.begin_with_limits()
        hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
        connections = []
        for case, data in (
            ("plain HTTP", b"GET /v1/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"),
            ("garbage", b"\xff" * 1000),
            ("half a hello", hello),
            ("a hello of garbage", hello + b"\xff" * 505),
            ("SSL 2.0", b"\x80\x2e\x01\x00\x02" + b"\0" * 43),
        ):
            connection = self.ca.tcp_socket()
            self.addCleanup(connection.close)
            connection.sendall(data)
            connections.append((case, connection))
        for case, connection in connections:
            with self.subTest(case):
                received = b""
                try:
                    while part := connection.recv(4096):
                        received += part
                except ConnectionError:
                    pass
                self.assertNotIn(b"HTTP/", received)
        self.nothing_stored()
        self.still_serves()

    def test_old_tls_is_refused(self):
        self.begin_with_limits()
        for version, code, words in (("-tls1", 1, "alert protocol version"),
                                     ("-tls1_1", 1, "alert protocol version"),
                                     ("-tls1_2", 0, ""), ("-tls1_3", 0, "")):
            with self.subTest(version):
                result = run("openssl", "s_client", version, "-connect",
                             f"localhost:{self.ca.port}", "-cipher", "ALL:@SECLEVEL=0", input="", check=False)
                self.assertEqual(result.returncode, code, result.stderr)
                self.assertIn(words, result.stderr)
        self.still_serves()


if __name__ == "__main__":
    main()
