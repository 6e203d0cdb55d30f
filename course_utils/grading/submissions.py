"""What was handed in: whose notebooks, which lesson each of them is, and which of its cells the grader runs."""

from __future__ import annotations

import ast
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from course_utils.authoring.cells import cell_id, is_setup
from course_utils.authoring.editions import build
from course_utils.authoring.source import Lesson
from course_utils.errors import CourseError
from course_utils.grading.syntax import parse

MAX_NOTEBOOK = 100 << 20  # bytes


class Unreadable(CourseError):
    """A notebook that cannot be graded, and why."""


@dataclass
class Submission:
    """One student and the notebooks handed in; `problem` says why there are none."""

    student: str
    notebooks: list[Path] = field(default_factory=list)
    problem: str = ""


@dataclass
class Notebook:
    """A notebook as it was handed in: its code cells, and the lesson that it is."""

    path: Path
    lesson: str
    cells: list[dict]


@dataclass
class Step:
    """A cell to run.

    Attributes:
        source: its text; nothing here parses it, that is done in the sandbox.
        name: what it is called in remarks.
        short: run only its imports, functions, classes and constants.
        handed_out: it is as it was handed out: no student's mistake if it fails.
    """

    source: str
    name: str
    short: bool = False
    handed_out: bool = False


# --- whose ------------------------------------------------------------------------------------------------------------


def find_submissions(path: str | Path, student: str | None = None) -> list[Submission]:
    """The submissions at a path: one notebook, a folder of notebooks, or a folder with a folder for every student.

    Args:
        path: a file or a folder.
        student: treat everything there as the work of this one student.

    Raises:
        CourseError: there is nothing at this path.
    """
    path = Path(path)
    if not path.exists():
        raise CourseError(f"{path}: there is no such file or folder.")
    if path.is_file():
        return [Submission(student or path.stem, [path])]
    if student:
        return [_of_folder(student, path)]
    found: dict[str, Submission] = {}
    for entry in sorted(path.iterdir()):
        if entry.name.startswith((".", "__")):
            continue
        if entry.is_symlink():
            one = Submission(entry.stem, problem="a link was handed in, not a file")
        elif entry.is_dir():
            one = _of_folder(entry.name, entry)
        elif _is_notebook(entry):
            one = Submission(_stem(entry), [entry])
        else:
            continue
        while one.student in found:  # alice.ipynb and alice/
            one.student += "+"
        found[one.student] = one
    if not found:
        raise CourseError(f"{path}: no notebooks and no folders of students in it.")
    return list(found.values())


def _of_folder(student: str, folder: Path) -> Submission:
    notebooks = []
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith((".", "__")))
        paths = [Path(place) / f for f in sorted(files) if not f.startswith(".")]
        notebooks += [p for p in paths if _is_notebook(p) and p.is_file() and not p.is_symlink()]
    return Submission(student, notebooks, "" if notebooks else "no notebook was handed in")


def _is_notebook(path: Path) -> bool:
    return ".ipynb" in path.name.lower()  # learning platforms make .ipynb.txt and .ipynb.json


def _stem(path: Path) -> str:
    return path.name[: path.name.lower().index(".ipynb")] or path.name


# --- which lesson -----------------------------------------------------------------------------------------------------


def read_notebook(path: Path, lessons: Sequence[Lesson]) -> Notebook:
    """Read a notebook and find out which lesson it is, whatever its file is called.

    Raises:
        Unreadable: it is damaged, too large, or none of these lessons.
    """
    size = path.stat().st_size
    if size > MAX_NOTEBOOK:
        raise Unreadable(f"the notebook is too large ({size >> 20} MB; at most {MAX_NOTEBOOK >> 20} MB)")
    try:
        book = json.loads(path.read_bytes())
        cells = [_code_cell(c) for c in book["cells"] if c["cell_type"] == "code"]
        heading = next((_source(c) for c in book["cells"] if c["cell_type"] == "markdown"), "")
        metadata = book.get("metadata") or {}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Unreadable("the file is damaged: it is not a Jupyter notebook") from None
    number = _lesson_number(path, metadata, cells, heading, lessons)
    if number is None:
        raise Unreadable("the notebook is none of the lessons to be graded")
    return Notebook(path, number, cells)


def _source(cell: dict) -> str:
    source = cell["source"]
    return source if isinstance(source, str) else "".join(str(line) for line in source)


def _code_cell(cell: dict) -> dict:
    metadata = cell.get("metadata")
    return {
        "source": _source(cell),
        "id": str(cell.get("id", "")),
        "exercise": str(metadata.get("exercise", "")) if isinstance(metadata, dict) else "",
    }


def _lesson_number(path: Path, metadata: Any, cells: list[dict], heading: str, lessons: Sequence[Lesson]) -> str | None:
    """By the notebook's metadata, else by its cells, its heading, its functions, its file name."""
    known = {lesson.number: lesson for lesson in lessons}
    course = metadata.get("course") if isinstance(metadata, dict) else None
    guesses = [str(course.get("lesson", "")) if isinstance(course, dict) else ""]
    guesses += [c["exercise"].split(".")[0] for c in cells if c["exercise"]]
    guesses += [m[1] for c in cells if (m := re.match(r"exercise-(\d\d)-", c["id"]))]
    if match := re.match(r"\s*#\s*(\d\d) · ", heading):
        guesses.append(match[1])
    if found := next((g for g in guesses if g), None):
        return found if found in known else None
    names = {name for c in cells for name in defined(c["source"])}
    best = max(lessons, key=lambda one: len(names & set(_function_names(one))), default=None)
    if best is not None and names & set(_function_names(best)):
        return best.number
    return path.name[:2] if path.name[:2] in known else None


def _function_names(lesson: Lesson) -> list[str]:
    return [n for c in lesson.cells if c.cell_type == "code" and "exercise" in c.metadata for n in defined(c.source)]


def defined(source: str) -> list[str]:
    """The names of the functions that a cell defines, also in a cell that does not parse."""
    return re.findall(r"^(?:async\s+)?def\s+(\w+)", source, re.M)


# --- which cells ------------------------------------------------------------------------------------------------------


def handed_out(lesson: Lesson) -> list[NotebookNode]:
    """The code cells of the student edition."""
    return [c for c in build(lesson, "student").cells if c.cell_type == "code"]


def steps(notebook: Notebook, originals: Sequence[NotebookNode]) -> list[Step]:
    """The cells to run, in order; `originals` are the code cells as they were handed out.

    The setup cell runs first, as it was handed out; then everything that the student has added or changed. Of worked
    cells that are as they were handed out, only imports and definitions run. A stub that is still as it was handed out
    does not run when another cell defines the same function.
    """
    setup = [c.source for c in originals if is_setup(c)]
    stubs = {c.source.strip(): defined(c.source) for c in originals if "exercise" in c.metadata}
    worked = {c.source.strip() for c in originals if "exercise" not in c.metadata}
    found = [Step(source, "the setup cell", handed_out=True) for source in setup]
    own = [d for c in notebook.cells if c["source"].strip() not in stubs for d in defined(c["source"])]
    for index, cell in enumerate(notebook.cells, 1):
        source = cell["source"].strip()
        if not source or source in {s.strip() for s in setup}:
            continue
        if source in stubs and set(stubs[source]) & set(own):
            continue
        name = f"the cell of exercise {cell['exercise']}" if cell["exercise"] else f"code cell {index}"
        if source in worked or _untouched(cell, notebook.lesson):
            found.append(Step(source, name, short=True, handed_out=True))
        else:
            found.append(Step(source, name))
    return found


def _untouched(cell: dict, number: str) -> bool:
    """Was it handed out like this, perhaps by an older version? A cell's id is a hash of what it said."""
    seen: dict[str, int] = {}
    return any(cell["id"] == cell_id(number, "code", cell["source"].strip("\n"), seen) for _ in range(3))


def imports(lesson: Lesson) -> list[str]:
    """The import lines of a lesson's setup cell."""
    lines = []
    for cell in lesson.cells:
        if cell.cell_type == "code" and is_setup(cell):
            nodes = parse(cell.source).body
            lines += [ast.unparse(n) for n in nodes if isinstance(n, (ast.Import, ast.ImportFrom))]
    return lines
