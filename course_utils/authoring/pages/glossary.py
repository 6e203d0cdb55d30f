"""`docs/glossary.md`: each term once, with the section that explains it, from `docs/teaching/glossary.toml`."""

from __future__ import annotations

import tomllib

from course_utils.authoring import paths
from course_utils.authoring.pages.outline import Outline, find

SOURCE = paths.ROOT / "docs" / "teaching" / "glossary.toml"


def read_glossary() -> list[dict]:
    """The terms, by the alphabet."""
    terms = tomllib.loads(SOURCE.read_text(encoding="utf-8"))["term"]
    return sorted(terms, key=lambda term: term["name"].lower())


def page(outlines: dict[str, Outline]) -> str:
    """The page.

    Raises:
        CourseError: a section of the file is not there.
    """
    parts = [
        "# Glossary\n",
        "Each term stands here once. The link goes to the section of a lesson that explains it.\n",
        "| term | what it means | explained in |",
        "|---|---|---|",
    ]
    for term in read_glossary():
        one, section = find(outlines, term["where"])
        parts.append(
            f"| **{term['name']}** | {term['means']} | {one.link(section, text=f'{one.number} · {section}')} |"
        )
    return "\n".join(parts) + "\n"
