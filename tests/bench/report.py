"""The lines of the table, as text, as Markdown and as JSON."""

import dataclasses
import os


@dataclasses.dataclass
class Line:
    """One figure. `met`: whether the target is reached; None where there is none."""

    row: str
    what: str
    target: str
    reached: str
    peer: str = ""
    ratio: str = ""
    met: bool | None = None


HEAD = ("what", "target", "reached", "peer, same run", "ratio", "met")
MET = {True: "yes", False: "no", None: ""}


def cells(line):
    return (line.what, line.target, line.reached, line.peer, line.ratio, MET[line.met])


def as_text(lines):
    table = [HEAD] + [cells(line) for line in lines]
    widths = [max(len(row[column]) for row in table) for column in range(len(HEAD))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
                     for row in table)


def as_markdown(lines, notes):
    text = ["| " + " | ".join(HEAD) + " |", "|---" * len(HEAD) + "|"]
    text += ["| " + " | ".join(cells(line)) + " |" for line in lines]
    return "\n".join(text + [""] + notes)


def number(value):
    """1234567 -> 1,234,567; small ones with as many places as tell something."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def notes(speed, options):
    """What one must know to compare the figures with others."""
    sign, verify = speed.of("ecdsap256")
    rsa_sign, _ = speed.of("rsa4096")
    return [f"openssl speed in the same run, one core: P-256 {sign:,.0f} signatures/s and "
            f"{verify:,.0f} verifications/s, RSA-4096 {rsa_sign:,.0f} signatures/s; "
            f"{os.cpu_count()} cores, {options.seconds:g} s a load."]
