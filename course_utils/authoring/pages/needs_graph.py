"""`docs/needs.svg`: the lessons, and an arrow from each to those that build on it."""

from __future__ import annotations

import textwrap
from html import escape

from course_utils.authoring.pages.outline import Outline, all_needs, by_number

_WIDTH, _HEIGHT = 118, 60  # of a box
_ACROSS, _DOWN = 128, 104  # from box to box
_STYLE = (
    "rect { fill: #eef3f8; stroke: #35506b; } text { font: 12px sans-serif; fill: #16222e; text-anchor: middle; }"
    " .number { font-weight: bold; font-size: 14px; } path { fill: none; stroke: #35506b; }"
)


def depth(outlines: dict[str, Outline], number: str) -> int:
    """How many lessons stand in a row above a lesson, at most."""
    return max((depth(outlines, one) + 1 for one in outlines[number].needs), default=0)


def arrows(outlines: dict[str, Outline]) -> list[tuple[str, str]]:
    """`(needed, needs it)` for each arrow. What follows from other arrows has none of its own."""
    found = []
    for one in by_number(outlines):
        further = set().union(*(all_needs(outlines, n) for n in one.needs))
        found += [(needed, one.number) for needed in one.needs if needed not in further]
    return found


def places(outlines: dict[str, Outline]) -> dict[str, tuple[int, int]]:
    """The middle of the upper edge of each box. A row holds lessons of one depth, each near to what it needs."""
    rows: dict[int, list[str]] = {}
    for number in sorted(outlines):
        rows.setdefault(depth(outlines, number), []).append(number)
    widest = max(map(len, rows.values()))
    found: dict[str, tuple[int, int]] = {}
    for row, numbers in sorted(rows.items()):
        above = {n: [found[needed][0] for needed in outlines[n].needs] or [0] for n in numbers}
        ordered = sorted(numbers, key=lambda n: (sum(above[n]) / len(above[n]), n))
        left = (widest - len(numbers)) * _ACROSS // 2
        for column, number in enumerate(ordered):
            found[number] = (left + column * _ACROSS + _ACROSS // 2, 10 + row * _DOWN)
    return found


def picture(outlines: dict[str, Outline]) -> str:
    """The graph as SVG."""
    where = places(outlines)
    width = max(x for x, _ in where.values()) + _ACROSS // 2
    height = max(y for _, y in where.values()) + _HEIGHT + 10
    said = "; ".join(f"{one.number} needs {', '.join(one.needs) or 'nothing'}" for one in by_number(outlines))
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img">',
        f"<title>What needs what</title><desc>{escape(said)}</desc>",
        f"<style>{_STYLE}</style>",
        '<rect width="100%" height="100%" style="fill: #ffffff; stroke: none"/>',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path d="M 0 0 L 8 4 L 0 8 z" style="fill: #35506b; stroke: none"/></marker></defs>',
    ]
    for needed, needs in arrows(outlines):
        (x, y), (to_x, to_y) = where[needed], where[needs]
        y, bend = y + _HEIGHT, (_DOWN - _HEIGHT) // 2
        curve = f"M {x} {y} C {x} {y + bend}, {to_x} {to_y - bend}, {to_x} {to_y}"
        lines.append(f'<path d="{curve}" marker-end="url(#tip)"/>')
    for one in by_number(outlines):
        x, y = where[one.number]
        lines.append(f'<rect x="{x - _WIDTH // 2}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="6"/>')
        lines.append(f'<text class="number" x="{x}" y="{y + 19}">{one.number}</text>')
        for line, text in enumerate(_name(one)):
            lines.append(f'<text x="{x}" y="{y + 36 + 15 * line}">{escape(text)}</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"


def _name(one: Outline) -> list[str]:
    """The name of a lesson's file as one or two lines."""
    return textwrap.wrap(" ".join(one.lesson.name.split("_")[1:]), 18)[:2]
