"""An answer of a Puppet CA as one line of text that is the same for two CAs that answer alike.

Left out is only what must differ: serials, keys, signatures, the CA's own names, the moment of issue,
folder and port. In its place stands a word for its form, so that another form is a difference.
"""

import datetime
import hashlib
import json
import re

import csr_maker as make
import x509_facts as facts

NETSCAPE_COMMENT = "2.16.840.1.113730.1.13"
# In every certificate of the one and of the other; put down for the case that is about the profile.
IN_THE_PROFILE_ONLY = (facts.AUTHORITY_KEY, NETSCAPE_COMMENT)
PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.S)
DATE = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dUTC"
HASHES = {"SHA1": "sha1", "SHA256": "sha256", "SHA512": "sha512", "default": "sha256"}


def hours(span):
    return round(span.total_seconds() / 3600)


def certificate_text(pem, check):
    found = facts.Certificate.read(pem)
    if found.is_ca:
        return f"<CA certificate, {'self-issued' if found.issuer == found.subject else 'issued'}>"
    lines = found.profile()
    if check != "the_profile":
        lines = [line for line in lines if not line.startswith(IN_THE_PROFILE_ONLY)]
    age = datetime.datetime.now(datetime.timezone.utc) - found.not_before
    return f"<certificate: {'; '.join([*lines, f'begun {hours(age)} h ago'])}>"


def crl_text(pem, check, party):
    found = facts.crls(pem)[0]
    cas = [facts.Certificate.read(match.group()).subject
           for match in PEM.finditer(party.bundle.read_text())]
    lines = [f"of CA {cas.index(found.issuer) + 1}" if found.issuer in cas else "of no CA"]
    if check == "the_crl_profile" and found.issuer == cas[0]:
        lines += found.profile()
    return f"<CRL {'; '.join(lines)}>"


def request_text(pem, name, party):
    """The request that was put for this name, or all of it."""
    der = facts.blocks(pem, "CERTIFICATE REQUEST")[0]
    sent = party.sent.get(name, b"").decode()
    return "<request as sent>" if [der] == facts.blocks(sent, "CERTIFICATE REQUEST") else der.hex()


def fingerprint_text(value, algorithm, row, party):
    """A request has the same one at every CA, a certificate has one of its own."""
    size = hashlib.new(algorithm).digest_size
    sent = facts.blocks(party.sent.get(row["name"], b"").decode(), "CERTIFICATE REQUEST")
    if row["state"] == "requested" and sent:
        digest = hashlib.new(algorithm, sent[0]).hexdigest().upper()
        return "<of the request>" if value == ":".join(re.findall("..", digest)) else value
    if re.fullmatch(r"[0-9A-F]{2}(:[0-9A-F]{2})*", value) and len(value) == 3 * size - 1:
        return f"<{size} octets>"
    return value


def status_object(row, party):
    """A certificate status without key, serial and moment of issue."""
    shown = dict(row)
    shown["fingerprint"] = fingerprint_text(row["fingerprint"], "sha256", row, party)
    shown["fingerprints"] = {
        key: fingerprint_text(value, HASHES.get(key, "sha256"), row, party)
        for key, value in row["fingerprints"].items()}
    if type(row.get("serial_number")) is int and row["serial_number"] > 0:
        shown["serial_number"] = "<number>"
    dates = [row.get("not_before", ""), row.get("not_after", "")]
    if all(re.fullmatch(DATE, str(date)) for date in dates):
        begin, end = (datetime.datetime.strptime(date, "%Y-%m-%dT%H:%M:%SUTC") for date in dates)
        shown["not_before"], shown["not_after"] = "<date>", f"<{hours(end - begin)} h later>"
    return shown


def statuses(rows, name, party):
    """The rows of the name; that of others, each CA's own among them, the order of the states."""
    states = ["request" if row["state"] == "requested" else "certificate" for row in rows]
    in_order = sorted(states, reverse=True) == states
    return {"requests first": in_order,
            "rows": [status_object(row, party) for row in rows if row["name"] == name]}


def body_text(body, party, name="", check=""):
    if '"fingerprint"' in body:
        said = json.loads(body)
        said = (statuses(said, name, party) if isinstance(said, list)
                else status_object(said, party))
        return json.dumps(said, sort_keys=True)
    if body.startswith("{") and '"ca-certs"' in body:  # named by the CAs: the number of each kind is left
        said = json.loads(body)
        return json.dumps({kind: [re.sub(DATE, "<date>", str(date)) for date in dates.values()]
                           for kind, dates in said.items()}, sort_keys=True)

    def block(match):
        kind = match.group(1)
        if kind == "CERTIFICATE":
            return certificate_text(match.group(), check)
        if kind == "X509 CRL":
            return crl_text(match.group(), check, party)
        if kind == "CERTIFICATE REQUEST":
            return request_text(match.group(), name, party)
        return match.group()

    text = PEM.sub(block, body)
    return text.replace(str(party.folder), "<folder>").replace(str(party.server.port), "<port>")


def version_text(headers):
    """X-Puppet-Version, which agents and the command line read as a version."""
    value = headers.get("X-Puppet-Version")
    if value is None:
        return ", no X-Puppet-Version"
    return "" if re.fullmatch(r"\d+\.\d+\.\d+", value) else f", X-Puppet-Version {value}"


def shown(answer, step, name, party):
    """Status, type, body, and X-Puppet-Version where it is not as it should be.

    Types are compared without regard to case and the space behind ';' (RFC 9110 8.3.1).
    """
    type_ = "no type" if answer.type is None else answer.type.replace("; ", ";").lower()
    body = body_text(answer.body, party, name, step.check)
    return f"{answer.status} {type_}{version_text(answer.headers)}: {body or '<empty>'}"
