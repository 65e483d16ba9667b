"""Draws the growth curves of docs/performance.md from what `run.py --json` wrote: one panel a figure.

    python3 tests/bench/curves.py run.json docs/performance/growth.svg
"""

import json
import math
import pathlib
import sys

# Key of a point, what the panel says, and the target as a line across it.
PANELS = [
    ("enrolments_s", "enrolments/s", None),
    ("ready_ms", "start to ready, ms", 1000),
    ("revoke_p99_ms", "revoke p99, ms", 10),
    ("get_p99_ms", "GET certificate p99, ms", 2),
    ("list_p99_ms", "slowest page of a list p99, ms", 20),
    ("redeem_p99_ms", "token redeem p99, ms", 10),
    ("crl_publication_s", "revoked -> in the CRL, s", 5),
    ("bytes_a_certificate", "bytes a certificate", None),
]
COLUMNS, WIDTH, HEIGHT = 2, 380, 200
LEFT, RIGHT, TOP, BOTTOM = 56, 20, 32, 36  # within a panel
STYLE = ("text{font:12px sans-serif;fill:#333}.t{font-weight:bold}.e{text-anchor:end}"
         ".m{text-anchor:middle}.a{stroke:#ccc}.c{stroke:#0b62a4;fill:none;stroke-width:2}"
         ".p{fill:#0b62a4}.g{stroke:#c0392b;stroke-dasharray:5 4}")


def short(number):
    """1000 -> 1k, 10000000 -> 10M; small ones as they are."""
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if number >= size:
            return f"{number / size:g}{letter}"
    return f"{number:g}"


def ceiling(value):
    """The next number above that is 1, 2 or 5 times a power of ten."""
    power = 10 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value)


def panel(title, target, values):
    """`values`: [(certificates, figure)], rising. Certificates on a logarithmic axis."""
    low, high = math.log10(values[0][0]), math.log10(values[-1][0])
    top = ceiling(max([value for _, value in values] + [target or 0, 1e-9]))
    wide, high_px = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def x(certificates):
        return LEFT + wide * (math.log10(certificates) - low) / ((high - low) or 1)

    def y(value):
        return TOP + high_px * (1 - value / top)

    parts = [f'<text class="t" x="{LEFT}" y="20">{title.replace(">", "&gt;")}</text>']
    for part in (0, top / 2, top):
        parts += [f'<line class="a" x1="{LEFT}" x2="{LEFT + wide}" y1="{y(part):.1f}" '
                  f'y2="{y(part):.1f}"/>',
                  f'<text class="e" x="{LEFT - 6}" y="{y(part) + 4:.1f}">{short(part)}</text>']
    if target:
        parts.append(f'<line class="g" x1="{LEFT}" x2="{LEFT + wide}" y1="{y(target):.1f}" '
                     f'y2="{y(target):.1f}"/>')
    places = [(x(certificates), y(value)) for certificates, value in values]
    parts.append('<polyline class="c" points="' +
                 " ".join(f"{px:.1f},{py:.1f}" for px, py in places) + '"/>')
    for (px, py), (certificates, value) in zip(places, values):
        parts += [f'<circle class="p" cx="{px:.1f}" cy="{py:.1f}" r="3">'
                  f"<title>{certificates:,}: {value:,.4g}</title></circle>",
                  f'<text class="m" x="{px:.1f}" y="{HEIGHT - 16}">{short(certificates)}</text>']
    return parts


def draw(points, file):
    """`points`: of Bench.points. Panels of which nothing was measured are left out."""
    points = sorted(points, key=lambda point: point["certificates"])
    drawn = [(title, target, [(point["certificates"], point[key]) for point in points if key in point])
             for key, title, target in PANELS]
    drawn = [one for one in drawn if one[2]]
    rows = -(-len(drawn) // COLUMNS)
    text = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {COLUMNS * WIDTH} '
            f'{rows * HEIGHT}">', f"<style>{STYLE}</style>",
            '<rect width="100%" height="100%" fill="#fff"/>']
    for at, one in enumerate(drawn):
        text += [f'<g transform="translate({at % COLUMNS * WIDTH} {at // COLUMNS * HEIGHT})">',
                 *panel(*one), "</g>"]
    pathlib.Path(file).parent.mkdir(parents=True, exist_ok=True)
    pathlib.Path(file).write_text("\n".join(text + ["</svg>", ""]), encoding="utf-8")


if __name__ == "__main__":
    draw(json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))["points"], sys.argv[2])
