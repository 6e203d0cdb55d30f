"""What the pages need to know of each lesson: its header, its sections with their minutes, and links to them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from course_utils.authoring import paths
from course_utils.authoring.source import BEGINNING, Lesson, Section, read_lesson, sections
from course_utils.errors import CourseError


@dataclass(frozen=True)
class Outline:
    """One lesson.

    Attributes:
        lesson: its source, read.
        sections: by title; see `source.sections`.
    """

    lesson: Lesson
    sections: dict[str, Section]

    @property
    def number(self) -> str:
        return self.lesson.number

    @property
    def needs(self) -> list[str]:
        """The lessons that its header names."""
        return [number.strip() for number in self.lesson.needs.split(",") if number.strip()]

    def minutes(self, title: str) -> int:
        """Those of a section's notes."""
        return sum(int(c.metadata.get("minutes", 0)) for c in self.sections[title].cells if "notes" in c.metadata)

    def link(self, title: str = BEGINNING, text: str = "") -> str:
        """A link from a page in docs/ to the notebook that students open, or to one of its sections."""
        target = f"../notebooks/{self.lesson.name}.ipynb"
        if title != BEGINNING:
            target += "#" + quote(heading(title).replace(" ", "-"), safe=",:'!-")
        return f"[{text or title}]({target})"


def heading(title: str) -> str:
    """A section's heading as it stands in the lesson: without the number that tells equal headings apart."""
    return title[:-4] if title.endswith((" (2)", " (3)", " (4)")) else title


def read_outlines() -> dict[str, Outline]:
    """Every lesson, by number."""
    lessons = map(read_lesson, paths.lesson_paths())
    return {one.number: Outline(one, {s.title: s for s in sections(one)}) for one in lessons}


def find(outlines: dict[str, Outline], place: str) -> tuple[Outline, str | None]:
    """The lesson and the section that "07: The idea" names; the section is None for a whole lesson, "07".

    Raises:
        CourseError: there is no such lesson or section.
    """
    number, _, title = place.partition(": ")
    if number not in outlines:
        raise CourseError(f"There is no lesson {number!r}, which {place!r} names.")
    if title and title not in outlines[number].sections:
        there = ", ".join(map(repr, outlines[number].sections))
        raise CourseError(f"Lesson {number} has no section {title!r}; it has {there}.")
    return outlines[number], title or None


def all_needs(outlines: dict[str, Outline], number: str) -> set[str]:
    """The lessons that a lesson needs, those that they need, and so on."""
    direct = set(outlines[number].needs)
    return direct.union(*(all_needs(outlines, one) for one in direct))


def by_number(outlines: dict[str, Outline]) -> Iterator[Outline]:
    """All lessons in their order."""
    return (outlines[number] for number in sorted(outlines))
