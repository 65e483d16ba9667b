"""What a certificate or a CRL says, with all that differs between two CAs left out (RFC 5280)."""

import base64
import dataclasses
import datetime
import re

import csr_maker as make

CRL_NUMBER, AUTHORITY_KEY, SUBJECT_KEY = "2.5.29.20", "2.5.29.35", "2.5.29.14"


def blocks(pem, label):
    """The DER of each PEM block with this label."""
    found = re.findall(f"-----BEGIN {label}-----(.*?)-----END {label}-----", pem, re.S)
    return [base64.b64decode(text) for text in found]


def dotted(content):
    arcs, value = [], 0
    for octet in content:
        value = value << 7 | octet & 0x7F
        if not octet & 0x80:
            arcs.append(value)
            value = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(str(arc) for arc in [first, arcs[0] - 40 * first, *arcs[1:]])


def time(part):
    tag, content, _ = part
    text = content.decode()
    if tag == 0x17:
        text = ("19" if int(text[:2]) >= 50 else "20") + text
    return datetime.datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=datetime.timezone.utc)


def text(der):
    """DER for a reader: its texts and OIDs as they are, other octets in hex, tags in brackets."""
    shown = []
    for tag, content, _ in make.parts_of(der):
        if tag & 0x20:
            shown.append(f"{{{text(content)}}}")
        elif tag == make.OID:
            shown.append(dotted(content))
        elif tag in (make.UTF8, make.PRINTABLE, make.IA5, 0x82):
            shown.append(f"[{tag:02x}] {content.decode()!r}")
        else:
            shown.append(f"[{tag:02x}] {content.hex()}")
    return ", ".join(shown)


def extensions(content):
    """OID -> (critical, value)."""
    found = {}
    for _, inner, _ in make.parts_of(make.parts_of(content)[0][1]):
        parts = make.parts_of(inner)
        found[dotted(parts[0][1])] = (len(parts) == 3, parts[-1][1])
    return found


@dataclasses.dataclass
class Certificate:
    serial: int
    issuer: bytes
    subject: bytes
    not_before: datetime.datetime
    not_after: datetime.datetime
    spki: bytes
    extensions: dict

    @classmethod
    def read(cls, pem):
        tbs = make.parts_of(make.parts_of(make.parts_of(
            blocks(pem, "CERTIFICATE")[0])[0][1])[0][1])
        dates = make.parts_of(tbs[4][1])
        return cls(int.from_bytes(tbs[1][1], "big"), tbs[3][2], tbs[5][2], time(dates[0]),
                   time(dates[1]), tbs[6][2], extensions(tbs[7][1]))

    @property
    def key_id(self):
        return make.parts_of(self.extensions[SUBJECT_KEY][1])[0][1]

    @property
    def is_ca(self):
        _, value = self.extensions.get(make.BASIC_CONSTRAINTS, (False, b""))
        return b"\x01\x01\xff" in value

    def profile(self):
        """All but the key, the serial, the names of the CA and the date of issue, as text lines."""
        lines = [f"subject {text(self.subject)}",
                 f"lasts {round((self.not_after - self.not_before).total_seconds() / 3600)} h"]
        for type_, (critical, value) in sorted(self.extensions.items()):
            shown = text(value)
            if type_ == AUTHORITY_KEY:
                parts = make.parts_of(make.parts_of(value)[0][1])
                shown = " ".join(f"[{part[0] & 0x1F}]" for part in parts)
            if type_ == SUBJECT_KEY:
                shown = f"{len(value)} octets"
            lines.append(f"{type_}{' critical' if critical else ''} {shown}")
        return lines


@dataclasses.dataclass
class Crl:
    version: int
    issuer: bytes
    this_update: datetime.datetime
    next_update: datetime.datetime
    entries: dict  # serial -> reason, None if there is none
    extensions: dict

    @classmethod
    def read(cls, der):
        tbs = make.parts_of(make.parts_of(make.parts_of(der)[0][1])[0][1])
        entries = {}
        if len(tbs) > 5 and tbs[5][0] == make.SEQUENCE:
            for _, inner, _ in make.parts_of(tbs[5][1]):
                parts = make.parts_of(inner)
                reason = None
                if len(parts) > 2:
                    found = extensions(parts[2][2]).get("2.5.29.21")
                    reason = found[1][-1] if found else None
                entries[int.from_bytes(parts[0][1], "big")] = reason
        return cls(tbs[0][1][0] + 1, tbs[2][2], time(tbs[3]), time(tbs[4]), entries,
                   extensions(tbs[-1][1]))

    @property
    def number(self):
        return int.from_bytes(make.parts_of(self.extensions[CRL_NUMBER][1])[0][1], "big")

    def profile(self):
        lines = [f"v{self.version}", f"reasons {sorted(set(self.entries.values()))}",
                 f"lasts {(self.next_update - self.this_update).days} days"]
        lines += [f"{type_}{' critical' if critical else ''}"
                  for type_, (critical, _) in sorted(self.extensions.items())]
        return lines


def crls(pem):
    return [Crl.read(der) for der in blocks(pem, "X509 CRL")]
