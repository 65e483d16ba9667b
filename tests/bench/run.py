#!/usr/bin/env python3
"""Measures what docs/performance.md states, and prints it beside the peers' figures of the same run.

    cmake --build --preset release --target countersign load_bench make_store
    tests/bench/run.py                           everything, an hour and more
    tests/bench/run.py --rows kept,new --seconds 5 --peer none
    tests/bench/run.py --short --peer none       tiny sizes; only whether all answers are right
"""

import argparse
import json
import sys
import time

import curves
import report
from bench import Bench
from subjects import puppetserver_installed

import rows_enrolment
import rows_load
import rows_scale

ROWS = {**rows_enrolment.ROWS, **rows_load.ROWS, **rows_scale.ROWS}
SIZES = [1_000, 10_000, 100_000, 1_000_000, 10_000_000]


def options():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=lambda text: text.split(","), default=list(ROWS),
                        help="some of " + ",".join(ROWS))
    parser.add_argument("--seconds", type=float, help="of each load; 10, or 0.5 with --short")
    parser.add_argument("--scale", type=lambda text: [int(part) for part in text.split(",")],
                        help="certificates, rising; the last one is that of the table")
    parser.add_argument("--revoked-every", type=int, default=10, metavar="N",
                        help="one in N of those certificates is revoked; 10")
    parser.add_argument("--peer", choices=("puppetserver", "none"),
                        default="puppetserver" if puppetserver_installed() else "none")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--draw", metavar="FILE.svg", help="the growth curves, of the row scale")
    parser.add_argument("--markdown", action="store_true", help="as docs/performance.md has it")
    parser.add_argument("--folder", help="where the stores are made; the system's temporary one")
    chosen = parser.parse_args()
    unknown = set(chosen.rows) - set(ROWS)
    if unknown:
        parser.error(f"there is no row {', '.join(sorted(unknown))}; there are {', '.join(ROWS)}")
    chosen.seconds = chosen.seconds or (0.5 if chosen.short else 10)
    chosen.scale = chosen.scale or ([200, 400] if chosen.short else SIZES)
    return chosen


def measure(bench, rows):
    """Each row on its own: one that fails is told of, and the others are measured. The failures."""
    failures = {}
    for row in rows:
        began = time.monotonic()
        try:
            ROWS[row](bench)
            assert any(line.row == row and line.reached for line in bench.lines), "no figure"
        except Exception as error:  # whatever it is, the other rows count
            failures[row] = f"{type(error).__name__}: {error}"
            print(f"{row}: {failures[row]}", file=sys.stderr)
        print(f"{row}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return failures


def main():
    chosen = options()
    bench = Bench(chosen)
    try:
        failures = measure(bench, chosen.rows)
        notes = report.notes(bench.speed, chosen)
    finally:
        bench.close()
    print(report.as_markdown(bench.lines, notes) if chosen.markdown
          else "\n".join([report.as_text(bench.lines), ""] + notes))
    if chosen.json:
        with open(chosen.json, "w", encoding="utf-8") as out:
            json.dump({"lines": [vars(line) for line in bench.lines], "details": bench.details,
                       "points": bench.points, "failures": failures, "notes": notes}, out, indent=1)
    if chosen.draw and bench.points:
        curves.draw(bench.points, chosen.draw)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
