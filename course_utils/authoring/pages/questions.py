"""`docs/questions.md`: what students ask in class and what to answer, from the folds "I get: ..." and "Think: ..."."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from course_utils.authoring.pages.outline import Outline, by_number

KINDS = {"I get: ": "I get", "Think: ": "Think"}


@dataclass(frozen=True)
class CommonQuestion:
    """A fold: what somebody asks, and the answer."""

    kind: str
    asked: str
    answer: str
    section: str


def questions(one: Outline) -> Iterator[CommonQuestion]:
    """The questions of a lesson, in its order."""
    for title, section in one.sections.items():
        for cell in section.cells:
            fold = cell.metadata.get("fold", "")
            for begin, kind in KINDS.items():
                if fold.startswith(begin):
                    yield CommonQuestion(kind, fold.removeprefix(begin), cell.source.strip(), title)


def page(outlines: dict[str, Outline]) -> str:
    """The page."""
    parts = [
        "# Common questions in class\n",
        "These are the folds of the lessons, all in one place: *I get* is what goes wrong in an exercise, *Think* is "
        "a question to the room.",
        "Hints are not here, and neither are solutions. `check` knows many more wrong answers and says what is wrong "
        "with each.\n",
    ]
    for one in by_number(outlines):
        found = list(questions(one))
        if not found:
            continue
        parts.append(f"## {one.number} · {one.lesson.title}\n")
        for question in found:
            asked = question.asked[0].upper() + question.asked[1:] if question.kind == "Think" else question.asked
            parts.append(f"**{question.kind}: {asked}** (in {one.link(question.section)})\n")
            parts.append(question.answer + "\n")
    return "\n".join(parts).rstrip("\n") + "\n"
