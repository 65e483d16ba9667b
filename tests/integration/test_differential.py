"""The same requests to Debian's puppetserver 7.9.5 and to ours: what differs is what is written down.

docs/puppet-differences.md has a line for each request that the two answer differently, with both
answers and the reason. An answer there that is no longer given, and a difference that is not there,
both fail. `test_differential.py --table` prints the lines as they are now.
"""

import difflib
import hashlib
import pathlib
import re
import shutil
import sys
import tempfile
import types
import unittest

import csr_maker as make
import puppet_answers
import puppet_cases as cases
import puppet_party
from harness import main

DIFFERENCES = pathlib.Path(__file__).resolve().parents[2] / "docs/puppet-differences.md"
SETTINGS = ("by file", "true", "false")
SHOWN = 160  # characters of an answer in the document; a longer one is cut, with a hash of the whole


def cell(answer, shown=None):
    """An answer as the document has it: whole, or `shown` of it with a hash of the whole."""
    text = answer if shown is None else shown
    text = text if len(text) <= SHOWN else text[:SHOWN - 1] + "…"
    clean = re.sub(r"\s", " ", text).replace("|", "\\|").replace("`", "'").strip()
    digest = hashlib.sha256(answer.encode()).hexdigest()[:8]
    return f"`{clean}`" + ("" if clean == answer else f" ({digest})")


def fields(text):
    return re.split(r"(?<=[;,]) ", text)


def differing(theirs, ours):
    """The cells of two answers, None if they are the same."""
    if theirs == ours:
        return None
    (head, _, body), (our_head, _, our_body) = (text.partition(": ") for text in (theirs, ours))
    if body == our_body:
        return cell(theirs), f"`{our_head}: the same body`"
    if head != our_head or max(len(theirs), len(ours)) <= SHOWN:
        return cell(theirs), cell(ours)
    lists = fields(body), fields(our_body)
    changes = [code[1:] for code in difflib.SequenceMatcher(None, *lists, False).get_opcodes()
               if code[0] != "equal"]
    parts = (f"{head}: … " + " … ".join(" ".join(list_[change[at]:change[at + 1]]) or "nothing"
                                        for change in changes)
             for list_, at in zip(lists, (0, 2)))
    return tuple(cell(text, part) for text, part in zip((theirs, ours), parts))


ROW = re.compile(r"\| (\d+[a-z]?) \| (.*?) \| (`.*?`(?: \(\w{8}\))?) \| (`.*?`(?: \(\w{8}\))?) \| (.*) \|")


def row(number, theirs, ours, reason):
    """The line of the document."""
    step = STEPS[number]
    request = step.request + (f" ({step.given})" if step.given not in ("", "same") else "")
    return f"| {number} | {request} | {theirs} | {ours} | {reason} |"


STEPS = {step.number: step for step in cases.STEPS}


def listed():
    """number -> (the line, its reason) of the table in the document."""
    rows = {}
    for line in DIFFERENCES.read_text().splitlines():
        match = ROW.fullmatch(line)
        if match:
            number, reason = match.group(1), match.group(5)
            assert number not in rows, f"{number} is there twice"
            rows[number] = (line, reason)
    return rows


def play(party, setting):
    """number -> answer as a text, of the steps of one setting."""
    steps = [step for step in cases.STEPS if step.setting == setting and step.put]
    return {step.number: puppet_answers.shown(party.play(step, name), step, name, party)
            for step, name in puppet_party.named(steps)}


def play_all():
    """(their answers, ours) to every step that is put to both: number -> text."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="countersign-test-"))
    parties, theirs, ours = [], {}, {}
    try:
        for setting in SETTINGS:
            (folder / setting).mkdir()
            party = puppet_party.ours(folder / setting, setting)
            parties.append(party)
            party.server.start()
            ours |= play(party, setting)
        party = puppet_party.puppetserver(folder, SETTINGS[0])
        parties.append(party)
        party.server.start()
        for setting in SETTINGS:
            if setting != SETTINGS[0]:
                puppet_party.reload_puppetserver(party, setting)
            theirs |= play(party, setting)
    finally:
        for party in parties:
            party.server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return theirs, ours


def differences(theirs, ours):
    """number -> the two cells."""
    pairs = {number: differing(theirs[number], answer) for number, answer in ours.items()}
    return {number: pair for number, pair in pairs.items() if pair}


class Differential(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.theirs, cls.ours = play_all()
        cls.found = differences(cls.theirs, cls.ours)

    def test_what_differs_is_in_the_document_and_nothing_else(self):
        lines = listed()
        now = {number: row(number, *pair, lines.get(number, ("", "?"))[1])
               for number, pair in self.found.items()}
        self.assertEqual("\n".join(now[n] for n in sorted(now)),
                         "\n".join(lines[n][0] for n in sorted(lines)))

    def test_every_step_was_put_to_both(self):
        put = {step.number for step in cases.STEPS if step.put}
        self.assertEqual(set(self.theirs), put)
        self.assertEqual(set(self.ours), put)


class TheDocument(unittest.TestCase):
    def test_every_line_has_a_reason(self):
        self.assertTrue(listed())
        for number, (_, reason) in listed().items():
            self.assertGreater(len(reason), 12, number)

    def test_has_no_line_that_is_not_understood(self):
        text = DIFFERENCES.read_text().splitlines()
        looks_like_one = [line for line in text if re.match(r"\| *\d+[a-z]* *\|.*`", line)]
        self.assertEqual(len(looks_like_one), len(listed()))

    def test_says_why_the_other_cases_are_not_compared(self):
        apart = {match.group(1): match.group(2) for match in
                 re.finditer(r"^\| (\d+[a-z]?) \| ([^|`]+) \|$", DIFFERENCES.read_text(), re.M)}
        self.assertEqual(apart, cases.NOT_COMPARED)
        self.assertEqual(set(apart), {step.number for step in cases.STEPS if not step.put})


# The normaliser: what it may take for the same, and what it must not.

def issued(serial=5, lasts=24, critical=b"", sans=("a", "b"), key=0, extra=(), ca=False):
    """A certificate for "n", as PEM; the signature is of no matter here."""
    key = cases.key(key)
    constraints = make.sequence(b"\x01\x01\xff") if ca else make.sequence()
    extensions = [
        make.extension(make.BASIC_CONSTRAINTS, constraints, b"\x01\x01\xff"),
        make.extension(make.SUBJECT_ALT_NAME, make.sequence(*map(make.dns, sans)), critical),
        *extra]
    begin = puppet_party.utc_time(puppet_party.HOUR * -24)
    return make.pem(make.signed(make.sequence(
        make.tlv(0xA0, make.integer(2)), make.integer(serial), key.algorithm,
        make.common_name("CA"), make.sequence(begin, puppet_party.utc_time(puppet_party.HOUR * lasts)),
        make.common_name("n"), key.spki,
        make.tlv(0xA3, make.sequence(*extensions))), key, signature=b""), "CERTIFICATE").decode()


def status(**change):
    said = {"name": "n", "state": "signed", "fingerprint": ":".join(["0A"] * 32),
            "fingerprints": {"SHA1": ":".join(["0A"] * 20)}, "serial_number": 7,
            "not_before": "2026-01-01T00:00:00UTC", "not_after": "2026-01-02T00:00:00UTC",
            "dns_alt_names": ["DNS:a", "DNS:b"]}
    said |= change
    return puppet_answers.json.dumps({key: value for key, value in said.items() if value != "-"})


ROLE = make.text_extension(make.PP_ROLE, "web")
PARTY = types.SimpleNamespace(
    folder=pathlib.Path("/tmp/here"), server=types.SimpleNamespace(port=12345),
    sent={"n": cases.plain("n")}, bundle=None)
ALIKE = (
    ("serial and key of a certificate", issued(), issued(serial=2 ** 100, key=1)),
    ("a serial", status(), status(serial_number=2 ** 100)),
    ("a fingerprint", status(), status(fingerprint=":".join(["FF"] * 32))),
    ("the moment of issue", status(), status(not_before="2025-01-01T00:00:00UTC",
                                             not_after="2025-01-02T00:00:00UTC")),
    ("the folder", "at /tmp/here/x", "at <folder>/x"),
    ("the port", "https://localhost:12345", "https://localhost:<port>"),
)
UNLIKE = (
    ("one letter of a text", "Could not find", "could not find"),
    ("an empty line at the end", "text", "text\n"),
    ("text outside of a PEM block", issued(), issued() + "x"),
    ("how many certificates", issued(), issued() + issued()),
    ("a CA certificate for another", issued(), issued(ca=True)),
    ("the order of names", issued(), issued(sans=("b", "a"))),
    ("a name less", issued(), issued(sans=("a",))),
    ("a critical flag", issued(), issued(critical=b"\x01\x01\xff")),
    ("an extension more", issued(), issued(extra=[ROLE])),
    ("an hour of validity", issued(), issued(lasts=25)),
    ("a request that is not the one sent", cases.plain("n").decode(), cases.another("n").decode()),
    ("a field less", status(), status(not_after="-")),
    ("a serial that is a text", status(), status(serial_number="7")),
    ("a fingerprint in lower case", status(), status(fingerprint=":".join(["0a"] * 32))),
    ("a fingerprint of another size", status(), status(fingerprint=":".join(["0A"] * 20))),
    ("a fingerprint that is not the request's",
     status(state="requested", fingerprint=":".join(["0B"] * 32)), status(state="requested")),
    ("another form of a date", status(), status(not_after="2026-01-02T00:00:00Z")),
    ("an hour of a status", status(), status(not_after="2026-01-02T01:00:00UTC")),
    ("the state", status(), status(state="revoked")),
    ("the order of names of a status", status(), status(dns_alt_names=["DNS:b", "DNS:a"])),
    ("a row less", f"[{status()}]", '[{"fingerprint":"","name":"m","state":"signed"}]'),
    ("certificates before requests", f"[{status()}]",
     f'[{status()},{{"fingerprint":"","name":"m","state":"requested"}}]'),
)
STEP = cases.Step("1", "", "", 200, "", None)
VERSION = {"X-Puppet-Version": "8.7.0"}


def line(body="x", status_=200, type_="text/plain; charset=utf-8", headers=VERSION):
    return puppet_answers.shown(puppet_party.Answer(status_, type_, body, headers), STEP, "n", PARTY)


class TheNormaliser(unittest.TestCase):
    def test_takes_for_the_same_what_two_cas_must_have_apart(self):
        for what, one, other in ALIKE:
            with self.subTest(what):
                self.assertEqual(line(one), line(other))
        self.assertEqual(line(), line(type_="text/plain;charset=UTF-8"))
        self.assertEqual(line(), line(headers={"X-Puppet-Version": "7.9.5", "Date": "today"}))

    def test_finds_a_planted_difference(self):
        for what, one, other in UNLIKE:
            with self.subTest(what):
                self.assertNotEqual(line(one), line(other))
        for what, other in (("status", line(status_=201)), ("type", line(type_="text/html")),
                            ("charset", line(type_="text/plain")), ("no type", line(type_=None)),
                            ("no version", line(headers={})),
                            ("a bad version", line(headers={"X-Puppet-Version": "eight"}))):
            with self.subTest(what):
                self.assertNotEqual(line(), other)

    def test_shows_the_difference_wherever_it_is(self):
        long = "x" * 4000
        for theirs, ours in (("200 t: " + long + "a", "200 t: " + long + "b"),
                             ("200 t: " + long, "200 t: " + long + "b"),
                             ("200 t: a" + long, "200 t: b" + long),
                             ("200 t: a b", "200 t: a\nb"), ("200 t: a", "200 t: a ")):
            self.assertNotEqual(*differing(theirs, ours))
            self.assertEqual(differing(theirs, ours), differing(theirs, ours))
        # One that the text of the cell does not show is in its hash.
        self.assertNotEqual(cell("200 t: " + long + "a"), cell("200 t: " + long + "b"))

    def test_a_line_of_the_document_is_read_as_it_was_written(self):
        for theirs, ours in (("200 t: a|b", "200 t: `c`"), ("200 t: " + "x" * 500, "404 t: \n")):
            pair = differing(theirs, ours)
            match = ROW.fullmatch(row("1", *pair, "the reason | of it"))
            self.assertEqual(match.group(3, 4, 5), (*pair, "the reason | of it"))


def print_table():
    """The lines of the document as they are now, with the reasons that it has."""
    reasons = ({number: reason for number, (_, reason) in listed().items()}
               if DIFFERENCES.exists() else {})
    for number, pair in differences(*play_all()).items():
        print(row(number, *pair, reasons.get(number, "")))


if __name__ == "__main__":
    print_table() if sys.argv[1:] == ["--table"] else main()
