"""`docs/papers.md`: each paper that the lessons name, once, with the lessons; from `docs/teaching/papers.toml`."""

from __future__ import annotations

from course_utils.authoring.pages.outline import Outline, by_number
from course_utils.authoring.papers import read_papers, titles


def page(outlines: dict[str, Outline]) -> str:
    """The page."""
    parts = [
        "# Papers\n",
        "The papers that the lessons name at their end, each once, by the first author's last name.\n",
        "| paper | named in |",
        "|---|---|",
    ]
    named = named_in(outlines)
    for paper in sorted(read_papers().values(), key=lambda one: one.cited.lower()):
        links = ", ".join(one.link(text=one.number) for one in named.get(paper.title, ()))
        parts.append(f"| {paper.authors}: [{paper.title}]({paper.address}), {paper.where} | {links} |")
    return "\n".join(parts) + "\n"


def named_in(outlines: dict[str, Outline]) -> dict[str, list[Outline]]:
    """From each title to the lessons that name the paper."""
    found: dict[str, list[Outline]] = {}
    for one in by_number(outlines):
        for title in dict.fromkeys(title for cell in one.lesson.cells for title in titles(cell.source)):
            found.setdefault(title, []).append(one)
    return found
