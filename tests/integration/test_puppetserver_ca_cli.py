"""The real `puppetserver ca` 2.4.0 against the service and against puppetserver 7.9.5: one table.

The commands are given in the order of the table to each of the two, which start alike; exit code and
output must be the same, but for the lines of docs/puppet-differences.md.
"""

import json
import pathlib
import re
import shutil
import tempfile
import unittest

import puppet_answers as answers
import puppet_cases as cases
import puppet_party
from harness import main

# Requests that wait at the start: a plain one, one with more names, one that asks for a right.
WAITING = {
    "cli-1.test": cases.plain, "cli-2.test": cases.plain, "cli-3.test": cases.plain,
    "cli-4.test": cases.plain, "cli-5.test": cases.plain, "cli-6.test": cases.plain,
    "cli-7.test": cases.sans("www.test", "{n}"), "role.test": cases.role,
}

# (command, exit code); docs/puppet-differences.md says for which 7.9.5 answers otherwise, and why.
COMMANDS = (
    # list
    ("list", 0),
    ("list --all", 0),
    ("list --format json", 0),
    ("list --format text", 0),
    ("list --all --format json", 0),
    ("list --certname cli-1.test", 0),
    ("list --certname cli-1.test,cli-2.test", 0),
    ("list --certname cli-1.test --format json", 0),
    ("list --certname cli-1.test,nobody.test", 1),
    ("list --certname nobody.test --format json", 1),
    ("list --all --certname cli-1.test", 1),
    ("list --format xml", 1),
    # sign
    ("sign --certname cli-1.test,cli-2.test", 0),
    ("sign --certname cli-1.test", 1),
    ("sign --certname cli-3.test,nobody.test", 1),
    ("sign --certname nobody.test", 1),
    ("sign --certname role.test", 1),
    ("sign --certname cli-4.test --ttl 1h", 0),
    ("sign --certname cli-5.test --ttl 3600", 1),
    ("sign --certname cli-5.test --ttl soon", 1),
    ("sign --certname cli-5.test --ttl 90d", 0),
    ("sign --certname cli-7.test", 0),
    ("sign --all --certname cli-6.test", 1),
    ("sign --certname --all", 1),
    ("sign", 1),
    ("sign --all", 1),
    ("list --certname cli-4.test,cli-5.test,cli-7.test --format json", 0),
    # revoke
    ("revoke --certname cli-1.test", 0),
    ("revoke --certname cli-1.test", 0),
    ("revoke --certname cli-2.test,cli-3.test", 0),
    ("revoke --certname role.test", 24),
    ("revoke --certname nobody.test", 1),
    ("revoke --certname cli-4.test,nobody.test", 1),
    ("revoke --certname cli-4.test,role.test", 24),
    ("revoke", 1),
    ("list --all", 0),
    # clean
    ("clean --certname cli-1.test", 0),
    ("clean --certname cli-2.test,cli-3.test", 0),
    ("clean --certname cli-2.test", 0),
    ("clean --certname cli-4.test,nobody.test", 1),
    ("clean --certname cli-5.test", 0),
    ("clean --certname nobody.test", 1),
    ("clean --certname role.test", 24),
    ("clean", 1),
    ("revoke --certname cli-5.test", 0),
    ("sign --all", 24),
    ("list", 0),
    # generate
    ("generate --certname made-1.test", 0),
    ("generate --certname made-1.test", 1),
    ("generate --certname made-2.test,made-3.test", 0),
    ("generate --certname made-4.test --ttl 1h", 0),
    ("generate --certname made-5.test --ttl soon", 1),
    ("generate --certname made-6.test --subject-alt-names www.test,IP:192.0.2.1", 0),
    ("generate --certname made-7.test --subject-alt-names DNS:ftp.test --ttl 2d", 0),
    ("generate --certname cli-6.test", 1),
    ("generate --certname Made.test", 1),
    ("generate", 1),
    ("list --all --format json", 0),
    # What works on the files of a CA wants the service stopped.
    ("generate --ca-client --certname made-9.test", 1),
    ("generate --ca-client --force --certname made-9.test", 1),
    ("migrate", 1),
    ("prune", 1),
    # Not part of 2.4.0.
    ("delete --expired", 1),
)


DIFFERENCES = pathlib.Path(__file__).resolve().parents[2] / "docs/puppet-differences.md"
LISTED = {(match.group(1), int(match.group(2)), int(match.group(3))) for match in re.finditer(
    r"^\| `([^`]+)` \| exit (\d+) \| exit (\d+) \| [^|]{12,} \|$", DIFFERENCES.read_text(), re.M)}


class Session:
    """One CA and what the commands did there."""

    def __init__(self, make):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="countersign-test-"))
        self.party = make(self.folder, "names allowed")
        self.ended = []

    def run(self):
        self.party.server.start()
        for name, request in WAITING.items():
            answer = self.party.submit(name, request(name))
            assert answer.status == 200, (name, answer)
        for command, _ in COMMANDS:
            ended = self.party.cli(*command.split())
            self.ended.append((ended.returncode, self.text(ended.stdout), self.text(ended.stderr)))

    def end(self):
        self.party.server.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def text(self, output):
        """What was printed, but for names of the CA's own, keys, folders and the width of columns."""
        lines, rows = [], []
        for line in output.splitlines():
            if "(SHA256)" in line:
                rows.append(re.sub(r"(?:[0-9A-F]{2}:){31}[0-9A-F]{2}(?=$|\t)", "<32 octets>", line))
                continue
            lines += self.sorted(rows)
            rows = []
            lines.append(self.listed(line) if line.startswith("{") else line)
        lines += self.sorted(rows)
        return "\n".join(lines).replace(str(self.folder), "<folder>").replace(
            str(self.party.server.port), "<port>")

    @staticmethod
    def sorted(rows):
        """Rows of `list` under one heading: puppetserver has them in no order."""
        return sorted(re.sub(r" +", " ", row) for row in rows if row.split()[0].endswith(".test"))

    def listed(self, line):
        """The JSON of `list`."""
        said = json.loads(line)
        rows = {state: [self.row(row) for row in sorted(rows, key=str) if self.ours(row)]
                for state, rows in said.items()}
        return json.dumps(rows, sort_keys=True)

    @staticmethod
    def ours(row):
        return (row if isinstance(row, str) else row["name"]).endswith(".test")

    def row(self, row):
        if isinstance(row, str):
            return row
        return answers.status_object(row, self.party)


def play(make):
    session = Session(make)
    try:
        session.run()
        return session.ended
    finally:
        session.end()


class CommandLine(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.ours = play(puppet_party.ours)
        cls.theirs = play(puppet_party.puppetserver)

    def test_exit_codes_are_those_of_the_contract(self):
        for (command, code), (got, *output) in zip(COMMANDS, self.ours, strict=True):
            with self.subTest(command):
                self.assertEqual(got, code, output)

    def test_ends_and_prints_as_with_puppetserver_but_where_the_document_says_why(self):
        differ = set()
        for (command, _), ours, theirs in zip(COMMANDS, self.ours, self.theirs, strict=True):
            listed = (command, theirs[0], ours[0]) in LISTED
            with self.subTest(command):
                if listed:
                    differ.add((command, theirs[0], ours[0]))
                    self.assertNotEqual(ours, theirs, "no longer a difference")
                else:
                    self.assertEqual(ours, theirs)
        self.assertEqual(differ, LISTED)

    def test_every_command_prints_something(self):
        for (command, _), (_, out, err) in zip(COMMANDS, self.ours, strict=True):
            self.assertTrue(out or err, command)


if __name__ == "__main__":
    main()
