"""The conformance checklist of a Puppet CA: one table, a line a request, numbered as its 89 cases.

A line is a request to a CA in a known state and the answer that we give. What puppetserver answers to
the same request is found by test_differential.py; where it is another, docs/puppet-differences.md says
why.
"""

import dataclasses
import email.utils
import functools
import subprocess
import time
import urllib.parse

import csr_maker as make

UNKNOWN_EXTENSION = "1.9.9.9.9.9.9"
PP_UUID = "1.3.6.1.4.1.34380.1.1.1"
HOUR = 3600


@functools.cache
def key(number=0):
    return make.Key.ec()


# Requests for a certificate: each takes the name and gives PEM, the same for the same name.

@functools.cache
def plain(name):
    return make.pem(make.csr(name, key()))


@functools.cache
def another(name):
    return make.pem(make.csr(name, key(1)))


@functools.cache
def forged(name):
    body = make.info(make.common_name(name), key().spki)
    return make.pem(make.signed(body, key(1)))


def of(cn):
    return lambda name: plain(cn)


def asking(*extensions):
    return functools.cache(lambda name: make.pem(make.csr(name, key(), *extensions)))


def sans(*names):
    return functools.cache(lambda name: make.pem(make.csr(
        name, key(), make.alt_names(*(make.dns(text.replace("{n}", name)) for text in names)))))


strange = asking(make.text_extension(UNKNOWN_EXTENSION, "x"))
role = asking(make.text_extension(make.PP_AUTH_ROLE, "web"))
uuid = asking(make.text_extension(PP_UUID, "ED803750-E3C7-44F5"), make.text_extension(make.PP_ROLE, "db"))
renewable = functools.cache(lambda name: make.pem(make.csr(name, key(), attributes=[
    make.attribute("1.3.6.1.4.1.34380.1.3.2", make.tlv(make.PRINTABLE, b"true"))])))
a_ca = asking(make.extension(make.BASIC_CONSTRAINTS, make.sequence(b"\x01\x01\xff"), b"\x01\x01\xff"))


def text(body):
    """A body that is a text; {n} stands for the name."""
    return lambda name: body.replace("{n}", name).encode()


SIGNED, REVOKED = text('{"desired_state":"signed"}'), text('{"desired_state":"revoked"}')


def since(seconds):
    return lambda: {"If-Modified-Since": email.utils.formatdate(time.time() + seconds, usegmt=True)}


@functools.cache
def another_ca():
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-subj", "/CN=n71.test", "-keyout", "/dev/null"],
        capture_output=True, text=True, check=True, timeout=60)
    return made.stdout


def of_another_ca():
    """What a TLS terminator says of a client whose certificate is not ours."""
    return {"X-Client-Verify": "SUCCESS", "X-Client-DN": "CN=n71.test",
            "X-Client-Cert": urllib.parse.quote(another_ca(), safe="")}


def header(name, value):
    return lambda: {name: value}


@dataclasses.dataclass(frozen=True)
class Step:
    number: str  # of the checklist; letters tell its requests apart
    given: str  # what there is of the name: see Party.give; "same": the name of the step before
    request: str  # who asks, method, path; {n} is the name
    status: int
    type: str
    answer: object  # the whole body; a compiled-by-use regex if it begins with "~"; None: see `check`
    body: object = None
    headers: object = dict
    setting: str = "by file"  # one of party.SETTINGS
    autosign: str = ""  # what the file of "by file" holds; "": there is none
    name: str = ""  # instead of one made from the number
    check: str = ""  # a method of test_conformance.Checks
    put: bool = True  # is it put to puppetserver too?

    @property
    def case(self):
        return int(self.number.rstrip("abcdefghijklmnopqrstuvwxyz"))


S = Step
TEXT, UTF8, UTF8_UPPER = "text/plain", "text/plain; charset=utf-8", "text/plain; charset=UTF-8"
HTML = "text/html; charset=utf-8"
JSON, JSON_UTF8 = "application/json", "application/json;charset=utf-8"
CERT, CSR, CRL = "~^-----BEGIN CERTIFICATE-", "~^-----BEGIN CERTIFICATE REQUEST-", "~^-----BEGIN X509 CRL-"
HOST = "Subject hostname format is invalid"
LATER, EARLIER, BAD_DATE = since(HOUR), since(-HOUR), header("If-Modified-Since", "yesterday")
FORBIDDEN = "Forbidden request: /puppet-ca/v1/%s (method :%s). Please see the server logs for details."
NO_EXTRA_NAMES = (
    "CSR '{n}' contains extra subject alternative names (%s), which are disallowed. To allow subject "
    "alternative names, set allow-subject-alt-names to true in your ca.conf file. Then restart the "
    "puppetserver and try signing this certificate again.")
NO_AUTHORIZATION = (
    "CSR '{n}' contains an authorization extension, which is disallowed. To allow authorization "
    "extensions, set allow-authorization-extensions to true in your ca.conf file. Then restart the "
    "puppetserver and try signing this certificate again.")
NOT_PERMITTED = "Found extensions that are not permitted: "
OPERATORS_ONLY = (("GET", "certificate_status/x"), ("PUT", "certificate_status/x"),
                  ("DELETE", "certificate_status/x"), ("GET", "certificate_statuses/x"),
                  ("POST", "sign"), ("POST", "sign/all"), ("PUT", "clean"),
                  ("PUT", "certificate_revocation_list"))

READ, NODE, ADMIN = "anon GET ", "node ", "admin "
CA_CERT, CA_CRL = READ + "certificate/ca", READ + "certificate_revocation_list/ca"
GET_CERT, GET_CSR = READ + "certificate/{n}", READ + "certificate_request/{n}"
SUBMIT = "anon PUT certificate_request/{n}"
STATUS, SET, DELETE = (ADMIN + method + " certificate_status/{n}" for method in ("GET", "PUT", "DELETE"))
LIST = ADMIN + "GET certificate_statuses/any_key"

STEPS = [
    # Reads
    S("1", "", CA_CERT, 200, TEXT, CERT, check="whole_bundle"),
    S("2", "", READ + "certificate/unknown", 404, TEXT, "Could not find certificate unknown"),
    S("3", "", CA_CERT, 304, TEXT, "", headers=LATER),
    S("4", "", CA_CERT, 200, TEXT, CERT, headers=EARLIER, check="whole_bundle"),
    S("5", "", CA_CERT, 200, TEXT, CERT, headers=BAD_DATE, check="whole_bundle"),
    S("6", "", CA_CRL, 200, TEXT, CRL, check="a_crl_for_each_ca"),
    S("7a", "", CA_CRL, 304, TEXT, "", headers=LATER),
    S("7b", "", CA_CRL, 200, TEXT, CRL, headers=EARLIER),
    S("7c", "", CA_CRL, 200, TEXT, CRL, headers=BAD_DATE),
    S("8", "", READ + "certificate_revocation_list/foo", 403, TEXT, FORBIDDEN % ("certificate_revocation_list/foo", "get")),
    S("9a", "pending", GET_CSR, 200, TEXT, CSR, check="csr_as_sent"),
    S("9b", "", GET_CSR, 404, TEXT, "Could not find certificate_request {n}"),
    S("10a", "", CA_CERT, 200, TEXT, CERT, check="version_header"),
    S("10b", "", READ + "nothing", 403, TEXT, FORBIDDEN % ("nothing", "get"), check="version_header"),
    S("11", "", CA_CERT + "?environment=production", 200, TEXT, CERT, check="whole_bundle"),
    # Submit
    S("12a", "", SUBMIT, 200, TEXT, "", body=plain),
    S("12b", "same", GET_CSR, 200, TEXT, CSR, check="csr_as_sent"),
    S("12c", "same", GET_CERT, 404, TEXT, "Could not find certificate {n}"),
    S("12d", "", SUBMIT, 400, UTF8, "~.", body=text("nonsense")),
    S("12e", "", SUBMIT, 400, UTF8, "~.", body=lambda name: plain(name) * 2),
    S("12f", "", SUBMIT, 200, TEXT, "", body=lambda name: b"text before\n" + plain(name)),
    S("12g", "same", GET_CSR, 200, TEXT, CSR, check="csr_as_sent"),
    S("13a", "", SUBMIT, 200, TEXT, "", body=plain, setting="true"),
    S("13b", "same", GET_CERT, 200, TEXT, CERT, setting="true"),
    S("13c", "same", GET_CSR, 404, TEXT, "Could not find certificate_request {n}", setting="true"),
    S("14", "pending", SUBMIT, 400, UTF8, "{n} already has a requested certificate; ignoring certificate request", body=plain),
    S("15", "signed", SUBMIT, 400, UTF8, "{n} already has a signed certificate; ignoring certificate request", body=another),
    S("16", "revoked", SUBMIT, 400, UTF8, "{n} already has a revoked certificate; ignoring certificate request", body=another),
    S("17", "cleaned", SUBMIT, 200, TEXT, "", body=another),
    S("18a", "pending", SUBMIT, 200, TEXT, "", body=another, setting="false"),
    S("18b", "same", GET_CSR, 200, TEXT, CSR, setting="false", check="csr_as_sent"),
    S("18c", "signed", SUBMIT, 200, TEXT, "", body=another, setting="false"),
    S("19a", "", SUBMIT, 400, UTF8, 'Instance name "other.test" does not match requested key "{n}"', body=of("other.test")),
    S("19b", "", GET_CSR, 404, TEXT, "Could not find certificate_request {n}", name="other.test"),
    S("20", "", SUBMIT, 400, UTF8, "Certificate names must be lower case.", body=plain, name="N20.test"),
    S("21a", "", SUBMIT, 400, UTF8, HOST, body=plain, name="n21-"),
    S("21b", "", SUBMIT, 400, UTF8, HOST, body=plain, name="-n21"),
    S("21c", "", SUBMIT, 400, UTF8, HOST, body=plain, name="n21..b"),
    S("21d", "", SUBMIT, 404, HTML, "Not Found", body=plain, name="n21%20b"),
    S("22a", "", SUBMIT, 200, TEXT, "", body=plain, name="rootca."),
    S("22b", "", SUBMIT, 200, TEXT, "", body=plain, name="_x.example.com"),
    S("22c", "", SUBMIT, 200, TEXT, "", body=plain, name="root_ca"),
    S("22d", "", SUBMIT, 200, TEXT, "", body=plain, name="a-b.c1"),
    S("22e", "", SUBMIT, 200, TEXT, "", body=plain, name="long." * 30 + "test"),
    S("23a", "", SUBMIT, 200, TEXT, "", body=sans("{n}", "www.test")),
    S("23b", "", SUBMIT, 200, TEXT, "", body=strange),
    S("23c", "", SUBMIT, 400, UTF8, "CSR contains a public key that does not correspond to the signing key", body=forged),
    S("24a", "", SUBMIT, 400, UTF8, NOT_PERMITTED + UNKNOWN_EXTENSION, body=strange, setting="true"),
    S("24b", "same", GET_CSR, 200, TEXT, CSR, setting="true"),
    S("25", "", SUBMIT, 400, UTF8, "CSR contains a public key that does not correspond to the signing key", body=forged, setting="true"),
    S("26", "", SUBMIT, 400, UTF8, NO_EXTRA_NAMES % "DNS:www.test, DNS:ftp.test", body=sans("www.test", "{n}", "ftp.test"), setting="true"),
    S("27", "put", GET_CERT, 200, TEXT, CERT, body=sans("{n}"), setting="true"),
    S("28a", "put", SET, 204, TEXT, "", body=(sans("www.test"), SIGNED), setting="false"),
    S("28b", "same", STATUS, 200, JSON_UTF8, None, headers=header("Accept", JSON), setting="false", check="names_asked_for_and_the_cn"),
    S("28c", "put", SET, 204, TEXT, "", body=(sans("b.test", "{n}", "a.test"), SIGNED), setting="false"),
    S("28d", "same", GET_CERT, 200, TEXT, CERT, setting="false"),
    S("29a", "", SUBMIT, 400, UTF8, NO_AUTHORIZATION, body=role, setting="true"),
    S("29b", "put", SET, 204, TEXT, "", body=(role, SIGNED), setting="false"),
    S("29c", "same", STATUS, 200, JSON_UTF8, None, headers=header("Accept", JSON), setting="false", check="has_the_role"),
    S("30", "put", GET_CERT, 200, TEXT, CERT, body=uuid, setting="true", check="keeps_the_uuid"),
    # Autosign
    S("31", "put", GET_CERT, 404, TEXT, "Could not find certificate {n}", body=plain),
    S("32a", "put", GET_CERT, 200, TEXT, CERT, body=plain, autosign="n32a.test\n"),
    S("32b", "put", GET_CERT, 404, TEXT, "Could not find certificate {n}", body=plain, autosign="N32b.test\n"),
    S("33a", "put", GET_CERT, 200, TEXT, CERT, body=plain, autosign="*.example.org\n", name="a.b.example.org"),
    S("33b", "put", GET_CERT, 404, TEXT, "Could not find certificate {n}", body=plain, autosign="*.example.org\n", name="notexample.org"),
    S("33c", "put", GET_CERT, 200, TEXT, CERT, body=plain, autosign="*.example.org\n", name="example.org"),
    S("34", "put", GET_CERT, 200, TEXT, CERT, body=plain, autosign="*\n"),
    S("35a", "put", GET_CERT, 404, TEXT, "Could not find certificate {n}", body=plain, autosign="#n35a.test\n\n"),
    S("35b", "put", GET_CERT, 404, TEXT, "Could not find certificate {n}", body=plain, autosign="n35b.test \n"),
    S("35c", "put", GET_CERT, 200, TEXT, CERT, body=plain, autosign="#no\n\nbar \nn35c.test\n"),
    S("36a", "put", GET_CERT, 200, TEXT, CERT, body=plain, autosign='#!/bin/sh\n[ "$1" = n36a.test ] && grep -q "BEGIN CERTIFICATE REQUEST"\n'),
    S("36b", "put", GET_CERT, 404, TEXT, "Could not find certificate {n}", body=plain, autosign='#!/bin/sh\n[ "$1" = n36a.test ]\n'),
    S("37a", "put", GET_CERT, 404, TEXT, "Could not find certificate {n}", body=plain, autosign="#!/bin/sh\nexit 1\n"),
    S("37b", "same", GET_CSR, 200, TEXT, CSR),
    S("38", "put", GET_CERT, 200, TEXT, CERT, body=plain, autosign="#!/bin/sh\necho careful >&2\n"),
    S("39", "put", GET_CERT, 200, TEXT, CERT, body=plain, autosign="#!/bin/sh\nexec <&-\nexit 0\n"),
    # Status API
    S("40", "signed", STATUS, 200, JSON_UTF8, None, headers=header("Accept", JSON), check="describes_a_certificate"),
    S("40b", "", STATUS, 404, TEXT, "Resource not found."),
    S("41", "pending", STATUS, 200, JSON_UTF8, None, headers=header("Accept", JSON), check="describes_a_request"),
    S("42a", "pending", STATUS, 200, "text/pson;charset=utf-8", None, headers=header("Accept", "text/pson"), check="describes_a_request"),
    S("42b", "same", STATUS, 200, JSON_UTF8, None, check="describes_a_request"),
    S("42c", "same", STATUS, 406, UTF8, "No acceptable resource available.", headers=header("Accept", "text/html")),
    S("42d", "same", STATUS, 200, JSON_UTF8, None, headers=header("Accept", None), check="describes_a_request"),
    S("43a", "pending", LIST + "?state=requested", 200, JSON_UTF8, None, headers=header("Accept", JSON), check="is_listed"),
    S("43b", "same", LIST + "?state=signed", 200, JSON_UTF8, None, headers=header("Accept", JSON), check="is_not_listed"),
    S("43c", "signed", LIST + "?state=signed", 200, JSON_UTF8, None, headers=header("Accept", JSON), check="is_listed"),
    S("43d", "revoked", LIST + "?state=revoked", 200, JSON_UTF8, None, headers=header("Accept", JSON), check="is_listed"),
    S("43e", "same", LIST + "?state=signed", 200, JSON_UTF8, None, headers=header("Accept", JSON), check="is_not_listed"),
    S("43f", "same", LIST + "?state=bogus", 200, JSON_UTF8, None, headers=header("Accept", JSON), check="is_listed"),
    S("44", "", ADMIN + "GET certificate_statuses/", 400, UTF8, "Missing URL Segment"),
    S("45a", "pending", SET, 204, TEXT, "", body=SIGNED),
    S("45b", "pending", SET, 204, TEXT, "", body=text('{"desired_state":"signed","cert_ttl":3600}')),
    S("45c", "same", STATUS, 200, JSON_UTF8, None, headers=header("Accept", JSON), check="lasts_an_hour"),
    S("45d", "pending", SET, 409, UTF8_UPPER, "~.", body=text('{"desired_state":"signed","cert_ttl":0}')),
    S("46a", "pending", SET, 400, UTF8, "Request body is not JSON."),
    S("46b", "same", SET, 400, UTF8, "Request body is not JSON.", body=text("this is not json")),
    S("46c", "same", SET, 400, UTF8, 'Missing required parameter "desired_state"', body=text("{}")),
    S("46d", "same", SET, 400, UTF8, "State bogus invalid; Must specify desired state of 'signed' or 'revoked' for host {n}.", body=text('{"desired_state":"bogus"}')),
    S("46e", "same", SET, 400, UTF8, 'cert_ttl specified for host {n} must be an integer, not "astring"', body=text('{"desired_state":"signed","cert_ttl":"astring"}')),
    S("47a", "pending", SET, 415, UTF8, "Unsupported media type.", body=SIGNED, headers=header("Content-Type", "bogus")),
    S("47b", "same", SET, 204, TEXT, "", body=SIGNED, headers=header("Content-Type", "application/json; charset=utf-8")),
    S("48", "", SET, 404, UTF8_UPPER, "Invalid certificate subject.", body=SIGNED),
    S("48b", "", SET, 404, UTF8_UPPER, "Invalid certificate subject.", body=REVOKED),
    S("49", "signed", SET, 409, UTF8_UPPER, "Cannot sign certificate for host {n} without a certificate request", body=SIGNED),
    S("50", "pending", SET, 409, UTF8_UPPER, "Cannot revoke certificate for host {n} without a signed certificate", body=REVOKED),
    S("51a", "signed", CA_CRL, 200, TEXT, CRL, check="remembers_the_number"),
    S("51b", "same", SET, 204, TEXT, "", body=REVOKED),
    S("51c", "same", SET, 204, TEXT, "", body=REVOKED),
    S("51d", "same", CA_CRL, 200, TEXT, CRL, check="number_rises_once"),
    S("51e", "cleaned", SET, 204, TEXT, "", body=REVOKED),
    S("52", "put", SET, 409, UTF8_UPPER, NOT_PERMITTED + make.BASIC_CONSTRAINTS, body=(a_ca, SIGNED)),
    S("53a", "pending", DELETE, 204, TEXT, ""),
    S("53b", "same", GET_CSR, 404, TEXT, "Could not find certificate_request {n}"),
    S("53c", "", DELETE, 404, TEXT, "Resource not found."),
    S("53d", "cleaned", DELETE, 204, TEXT, ""),
    S("53e", "cleaned", SET, 409, UTF8_UPPER, "Cannot sign certificate for host {n} without a certificate request", body=SIGNED),
    S("54a", "pending", ADMIN + "GET certificate_status/%6e54a.test", 200, JSON_UTF8, None, headers=header("Accept", JSON), check="describes_a_request"),
    S("54b", "same", ADMIN + "GET certificate_status/%256e54a.test", 404, HTML, "Not Found"),
    # Bulk, clean, CRL, expirations
    S("55", "put", ADMIN + "POST sign", 200, JSON, '{"signed":[],"no-csr":["missing.test"],"signing-errors":["{n}"]}', body=(strange, text('{"certnames":["missing.test","{n}"]}'))),
    S("55b", "pending", ADMIN + "POST sign", 200, JSON, '{"signed":["{n}"],"no-csr":["missing.test"],"signing-errors":[]}', body=text('{"certnames":["{n}","missing.test"]}')),
    S("56", "", ADMIN + "POST sign", 422, JSON, '~^{"kind":"schema-violation"', body=text('{"certnames":[1,2,3]}')),
    S("57", "nothing pending", ADMIN + "POST sign/all", 200, JSON, '{"signed":[],"no-csr":[],"signing-errors":[]}', body=text("{}")),
    S("58a", "signed", ADMIN + "PUT clean", 200, TEXT, "Successfully cleaned all certs.", body=text('{"certnames":["{n}"]}')),
    S("58b", "same", GET_CERT, 404, TEXT, "Could not find certificate {n}"),
    S("58c", "same", CA_CRL, 200, TEXT, CRL, check="is_revoked"),
    S("59a", "signed", ADMIN + "PUT clean", 200, TEXT, 'The following certs do not exist and cannot be revoked: ["unknown"]', body=text('{"certnames":["{n}","unknown"]}')),
    S("59b", "same", GET_CERT, 404, TEXT, "Could not find certificate {n}"),
    S("59c", "cleaned", ADMIN + "PUT clean", 200, TEXT, "Successfully cleaned all certs.", body=text('{"certnames":["{n}"]}')),
    S("59d", "pending", ADMIN + "PUT clean", 200, TEXT, '~.', body=text('{"certnames":["{n}"]}')),
    S("60a", "", ADMIN + "PUT clean", 400, TEXT, "Request body is not JSON.", body=text("nonsense")),
    S("60b", "", ADMIN + "PUT clean", 400, TEXT, "Missing required key: 'certnames'. Please supply the list of certs you want to clean.", body=text("{}")),
    S("60c", "", ADMIN + "PUT clean", 400, TEXT, "Async mode is not currently supported.", body=text('{"certnames":["x"],"async":true}')),
    S("61a", "", ADMIN + "PUT certificate_revocation_list", 200, UTF8, "Successfully updated CRLs.", body="root_crl"),
    S("61b", "", CA_CRL, 200, TEXT, CRL, check="root_crl_is_the_uploaded_one"),
    S("62a", "", ADMIN + "PUT certificate_revocation_list", 400, UTF8, "No valid CRLs submitted.", body=text("garbage")),
    S("62b", "", ADMIN + "PUT certificate_revocation_list", 400, UTF8, "Could not determine newest CRL.", body="two_of_one_number"),
    S("63a", "", ADMIN + "PUT certificate_revocation_list", 400, UTF8, "Cannot support delta CRL.", body="delta_crl"),
    S("63b", "", ADMIN + "PUT certificate_revocation_list", 400, UTF8, "One or more submitted CRLs do not have an authority key identifier.", body="crl_without_aki"),
    S("63c", "", ADMIN + "PUT certificate_revocation_list", 200, UTF8, "Successfully updated CRLs.", body="unrelated_crl"),
    S("63d", "", CA_CRL, 200, TEXT, CRL, check="root_crl_is_the_uploaded_one"),
    S("64a", "", NODE + "GET expirations", 200, JSON, None, check="expirations"),
    S("64b", "", READ + "expirations", 403, TEXT, FORBIDDEN % ("expirations", "get")),
    # Authorization
    *(S("65" + chr(ord("a") + at), "", f"{who} {method} {path}", 403, TEXT, FORBIDDEN % (path, method.lower()),
        body=text("{}") if method in ("PUT", "POST") else None)
      for at, (who, (method, path)) in enumerate((who, call) for who in ("anon", "node") for call in OPERATORS_ONLY)),
    S("66", "", "revoked GET certificate/ca", 0, "", "the TLS handshake is refused"),
    S("67", "", "anon POST certificate_renewal", 403, TEXT, FORBIDDEN % ("certificate_renewal", "post")),
    S("68", "", LIST.replace("admin", "anon"), 403, TEXT, FORBIDDEN % ("certificate_statuses/any_key", "get"),
      headers=lambda: {"X-Client-Verify": "SUCCESS", "X-Client-DN": "CN=admin"}),
    # Renewal
    S("69", "", NODE + "POST certificate_renewal", 404, TEXT, "Not Found"),
    S("70", "", "own POST certificate_renewal", 200, TEXT, CERT, setting="renewing", check="same_key_and_names_renewed", put=False),
    S("71", "", "anon POST certificate_renewal", 403, TEXT, "Certificate present, but does not match signature", setting="header", headers=of_another_ca, put=False),
    S("72", "", "own POST certificate_renewal", 200, TEXT, CERT, setting="renewing", check="both_go_with_the_name", put=False),
    S("73a", "put", GET_CERT, 200, TEXT, CERT, body=plain, setting="renewing", check="lasts_ca_ttl", put=False),
    S("73b", "put", GET_CERT, 200, TEXT, CERT, body=renewable, setting="renewing", check="lasts_renewal_ttl", put=False),
    # Profile and files
    S("74", "signed", GET_CERT, 200, TEXT, CERT, check="the_profile"),
    S("75", "revoked", CA_CRL, 200, TEXT, CRL, check="the_crl_profile"),
    S("76a", "", "", 0, "", None, check="serials_are_random_numbers_of_128_bits", put=False),
    S("76b", "", "", 0, "", None, check="the_serial_that_is_exported", put=False),
    S("77", "", "", 0, "", None, check="the_inventory_that_is_exported", put=False),
    S("78", "", "", 0, "", None, check="no_start_without_the_key", put=False),
    S("79", "signed", GET_CERT, 200, TEXT, CERT, check="issuer_is_the_subject_of_the_intermediate"),
    S("79b", "", "", 0, "", None, check="an_import_keeps_several_rdns_byte_for_byte", put=False),
    S("80", "", "", 0, "", None, check="the_infra_crl", put=False),
    S("81", "", "", 0, "", None, check="a_new_crl_at_every_start", put=False),
    # Clients
    S("82", "", "", 0, "", None, check="an_agent_enrols", put=False),
    S("83", "", "", 0, "", None, check="an_agent_that_waits_is_signed_by_the_cli", put=False),
    S("84", "", "", 0, "", None, check="the_cli_does_its_work", put=False),
    S("85", "nothing pending", "", 0, "", None, check="sign_all_of_nothing_is_24", put=False),
    S("86", "pending", "", 0, "", None, check="revoke_of_a_request_is_24", put=False),
    S("87a", "", READ + "/status/v1/simple/ca", 200, UTF8, "running"),
    S("87b", "", READ + "/status/v1/simple/server", 200, UTF8, "running"),
    S("87c", "", READ + "/status/v1/simple/master", 200, UTF8, "running"),
    S("87d", "", READ + "/status/v1/simple", 200, UTF8, "running"),
    S("87e", "", READ + "/status/v1/simple/nothing", 404, UTF8, "not found: nothing"),
    S("87f", "", READ + "/status/v1/services/nothing", 404, JSON_UTF8, '{"kind":"service-not-found","msg":"No status information found for service nothing"}'),
    S("87g", "", READ + "/status/v1/services/ca", 200, JSON_UTF8, '~"state":"running"'),
    S("87h", "", READ + "/status/v1/nothing", 403, TEXT, (FORBIDDEN % ("nothing", "get")).replace("puppet-ca", "status")),
    S("88", "", "", 0, "", None, check="offline_commands_refuse", put=False),
    S("89", "", "", 0, "", None, check="an_import_keeps_all", put=False),
]

# Steps that are not put to puppetserver 7.9.5, and why (put=False).
NOT_COMPARED = {
    "70": "7.9.5 has no renewal",
    "71": "7.9.5 has no renewal",
    "72": "7.9.5 has no renewal",
    "73a": "7.9.5 has no renewal",
    "73b": "7.9.5 has no renewal",
    "76a": "no request: 7.9.5 counts serials in a file, ours are random (RFC 5280 4.1.2.2)",
    "76b": "no request: 7.9.5 writes the file itself, ours is exported",
    "77": "no request: 7.9.5 writes the file itself, ours is exported",
    "78": "no request: the files of a CA have other names here",
    "79b": "no request: the import of a folder of 7.9.5",
    "80": "no request: it is about two files of 7.9.5",
    "81": "no request: 7.9.5 does so in the last 30 days of five years",
    "82": "a whole run of an agent; test_conformance.py",
    "83": "a whole run of an agent; test_conformance.py",
    "84": "compared by test_puppetserver_ca_cli.py",
    "85": "compared by test_puppetserver_ca_cli.py",
    "86": "compared by test_puppetserver_ca_cli.py",
    "88": "compared by test_puppetserver_ca_cli.py",
    "89": "no request: the import of a folder of 7.9.5",
}
