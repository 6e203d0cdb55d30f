"""One source per lesson: `notebooks/source/NN_name.py`, jupytext py:percent, with the solutions inside.

What an author may write on a cell's `# %%` line is in docs/authoring.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from nbformat import NotebookNode

from course_utils.authoring import paths
from course_utils.authoring.cells import is_claim, is_complete, is_setup
from course_utils.authoring.rules import SourceError, problems

BEGINNING = "Beginning"  # the section before a lesson's first heading


@dataclass(frozen=True)
class ExerciseText:
    """What a lesson says about one of its exercises."""

    id: str
    title: str
    points: int
    difficulty: int
    importance: int
    minutes: int


@dataclass
class Lesson:
    """A lesson's source, read and checked."""

    path: Path
    number: str
    title: str
    minutes: int
    needs: str
    cells: list[NotebookNode]
    exercises: list[ExerciseText] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.path.stem


@dataclass(frozen=True)
class Section:
    """A `##` section of a lesson: its title and its cells. The cells before the first heading are one, too."""

    title: str
    cells: list[NotebookNode]

    @property
    def work(self) -> list[NotebookNode]:
        """The code cells that a class goes through: not the setup cell, no claims, and not what stays complete."""
        code = [c for c in self.cells if c.cell_type == "code" and not is_claim(c)]
        return [c for c in code if not is_setup(c) and not is_complete(c)]


def read_lesson(path: str | Path) -> Lesson:
    """Read a source and check that it keeps the rules.

    Raises:
        SourceError: it does not; the message names the file, the cell and the rule.
    """
    import jupytext

    path = Path(path)
    text = path.read_text(encoding="utf-8")
    cells = jupytext.reads(text, fmt="py:percent").cells
    for cell in cells:
        cell.metadata.pop("lines_to_next_cell", None)  # jupytext's note on blank lines in the file
    if not cells or "lesson" not in cells[0].metadata:
        raise SourceError(f'{path.name}: the first cell must be `# %% [markdown] lesson="NN" title="..." minutes=NN`.')
    head = cells[0].metadata
    lesson = Lesson(
        path=path,
        number=str(head["lesson"]),
        title=str(head.get("title", "")),
        minutes=int(head.get("minutes", 0)),
        needs=str(head.get("needs", "")),
        cells=cells,
    )
    if problem := next(problems(lesson, text), None):
        raise SourceError(f"{path.name}: {problem}")
    for cell in cells:
        data = cell.metadata
        if cell.cell_type == "markdown" and "exercise" in data:
            numbers = {k: int(data[k]) for k in ("points", "difficulty", "importance", "minutes")}
            lesson.exercises.append(ExerciseText(data["exercise"], data["title"], **numbers))
    return lesson


def title_of(name: str) -> str:
    """The title of a lesson, by the name of its source; only its first line, which has it, is read."""
    with open(paths.SOURCE / f"{name}.py", encoding="utf-8") as file:
        found = re.search(r'\btitle="([^"]*)"', file.readline())
    return found[1] if found else ""


def sections(lesson: Lesson) -> list[Section]:
    """The sections of a lesson. Equal titles are numbered: "In the head first", "In the head first (2)"."""
    found, seen = [Section(BEGINNING, [])], {}
    for cell in lesson.cells:
        heading = re.search(r"^## (.+)$", cell.source, re.M) if cell.cell_type == "markdown" else None
        if heading:
            title = heading[1].strip()
            seen[title] = seen.get(title, 0) + 1
            found.append(Section(title if seen[title] == 1 else f"{title} ({seen[title]})", []))
        found[-1].cells.append(cell)
    return found
