"""A notebook that was handed in: which lesson it is, and which of its cells the grader runs."""

from __future__ import annotations

import ast
import json
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
MAX_VALUES = 3_000_000  # of its JSON: each takes a hundred bytes of memory or more
MAX_CODE = 4 << 20  # letters in all code cells
MAX_MODULE_BYTES = 1 << 20  # bytes of the Python files beside a notebook, together

_NO_NOTEBOOK = "the file is damaged: it is not a Jupyter notebook"
# how other files begin that get a notebook's name
_OTHERS = {
    b"PK\x03\x04": "it is a zip file: unpack it",
    b"%PDF": "it is a PDF, not a notebook",
    b"<": "it is a web page, not a notebook: download the file itself",
    b"version https://git-lfs": "it is a link of Git LFS, not the notebook",
}
_MILDER = {"whole": "pieces", "pieces": "definitions"}


class Unreadable(CourseError):
    """A notebook that cannot be graded, and why."""


@dataclass
class Notebook:
    """A notebook as it was handed in: its code cells, the lesson that it is, and modules that it may import.

    Attributes:
        path: the file.
        lesson: its number.
        cells: the code cells.
        modules: the text of each module, by file name.
        remarks: which modules were left out, and why.
    """

    path: Path
    lesson: str
    cells: list[dict]
    modules: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


@dataclass
class Step:
    """A cell to run.

    Attributes:
        source: its text; nothing here parses it, that is done in the sandbox.
        name: what it is called in remarks.
        how: "whole", "pieces" or "definitions"; see `inside.cells`.
        handed_out: it is as it was handed out: no student's mistake if it fails.
    """

    source: str
    name: str
    how: str = "whole"
    handed_out: bool = False

    def milder(self, how: str) -> Step:
        """What to run in its place after it has killed the process when it ran like this; in the end nothing."""
        return Step(self.source if how in _MILDER else "", self.name, _MILDER.get(how, how), self.handed_out)


# --- which lesson -----------------------------------------------------------------------------------------------------


def read_notebook(path: Path, lessons: Sequence[Lesson], modules: Sequence[Path] = ()) -> Notebook:
    """Read a notebook and find out which lesson it is, whatever its file is called.

    Args:
        path: the file.
        lessons: those that are graded.
        modules: the student's `.py` files; those beside the notebook come with it.

    Raises:
        Unreadable: it is damaged, too large, or none of these lessons.
        OSError: it cannot be read.
    """
    size = path.stat().st_size
    if size > MAX_NOTEBOOK:
        raise Unreadable(f"the notebook is too large ({size >> 20} MB; at most {MAX_NOTEBOOK >> 20} MB)")
    data = path.read_bytes()
    for start, what in _OTHERS.items():
        if data[:200].lstrip().startswith(start):
            raise Unreadable(what)
    if sum(data.count(mark) for mark in (b"[", b"{", b",", b":")) > MAX_VALUES:
        raise Unreadable("the notebook holds too much: clear its outputs, save it, and hand it in again")
    try:
        book = json.loads(data)
        if "worksheets" in book and "cells" not in book:
            raise Unreadable("the notebook has an old format (3 or older): open it in a current Jupyter and save it")
        cells = [_code_cell(c) for c in book["cells"] if c["cell_type"] == "code"]
        heading = next((_source(c) for c in book["cells"] if c["cell_type"] == "markdown"), "")
        metadata = book.get("metadata") or {}
    except Unreadable:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, MemoryError):
        raise Unreadable(_NO_NOTEBOOK) from None
    if sum(len(c["source"]) for c in cells) > MAX_CODE:
        raise Unreadable(f"the notebook holds more than {MAX_CODE >> 20} MB of code")
    number = _lesson_number(path, metadata, cells, heading, lessons)
    if number is None:
        raise Unreadable("the notebook is none of the lessons to be graded")
    return Notebook(path, number, cells, *_beside(path, modules))


def _beside(path: Path, modules: Sequence[Path]) -> tuple[dict[str, str], list[str]]:
    """The text of the modules in the notebook's folder, by file name, and which were left out."""
    texts, remarks, room = {}, [], MAX_MODULE_BYTES
    for module in modules:
        if module.parent != path.parent or not module.stem.isidentifier():
            continue
        try:
            size = module.stat().st_size
            data = module.read_bytes() if size <= room else b""
        except OSError as error:
            remarks.append(f"{module.name} was left out: it cannot be read ({error.strerror})")
            continue
        if size > room:
            most = f"{MAX_MODULE_BYTES >> 20} MB together"
            remarks.append(f"{module.name} was left out: the Python files beside a notebook may have {most}")
            continue
        texts[module.name] = _text(data.decode("utf-8", "replace"))
        room -= size
    return texts, remarks


def _text(value: Any) -> str:
    """Text that can be written as UTF-8 (JSON can hold halves of characters), with one kind of line end."""
    return str(value).encode("utf-8", "replace").decode().replace("\r\n", "\n").replace("\r", "\n")


def _source(cell: dict) -> str:
    source = cell["source"]
    return _text(source if isinstance(source, str) else "".join(str(line) for line in source))


def _code_cell(cell: dict) -> dict:
    metadata = cell.get("metadata")
    return {
        "source": _source(cell),
        "id": _text(cell.get("id", "")),
        "exercise": _text(metadata.get("exercise", "")) if isinstance(metadata, dict) else "",
    }


def _lesson_number(path: Path, metadata: Any, cells: list[dict], heading: str, lessons: Sequence[Lesson]) -> str | None:
    """By the notebook's metadata, else by its cells, its heading, its functions, its file name."""
    known = {lesson.number: lesson for lesson in lessons}
    course = metadata.get("course") if isinstance(metadata, dict) else None
    guesses = [_text(course.get("lesson", "")) if isinstance(course, dict) else ""]
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


def _assigned(source: str) -> list[str]:
    """The names of functions that a cell defines, and names that it gives a value, such as `f = lambda x: x`."""
    return defined(source) + re.findall(r"^(\w+)[ \t]*=(?!=)", source, re.M)


# --- which cells ------------------------------------------------------------------------------------------------------


def handed_out(lesson: Lesson) -> list[NotebookNode]:
    """The code cells of the student edition."""
    return [c for c in build(lesson, "student").cells if c.cell_type == "code"]


def steps(notebook: Notebook, originals: Sequence[NotebookNode]) -> list[Step]:
    """The cells to run, in order; `originals` are the code cells as they were handed out.

    The setup cell runs first, as it was handed out, and again where the student has it; then everything that the
    student has added or changed. Of worked cells that are as they were handed out, only imports and definitions run. A
    stub that is still as it was handed out does not run when another cell defines the same function.
    """
    setups = [c.source.strip() for c in originals if is_setup(c)]
    stubs = {c.source.strip(): defined(c.source) for c in originals if "exercise" in c.metadata}
    worked = {c.source.strip() for c in originals if "exercise" not in c.metadata}
    found = [Step(_written(*module), module[0], handed_out=True) for module in notebook.modules.items()]
    found += [Step(source, "the setup cell", handed_out=True) for source in setups]
    before = len(found)
    sources = {c["source"].strip() for c in notebook.cells} - set(stubs)
    own = {name for s in sources for name in (defined(s) if s in worked else _assigned(s))}
    for index, cell in enumerate(notebook.cells, 1):
        source = cell["source"].strip()
        if source in setups and len(found) > before:
            found.append(Step(source, "the setup cell", handed_out=True))  # something may have deleted its names
        if not source or source in setups:
            continue
        if source in stubs and set(stubs[source]) & own:
            continue
        name = f"the cell of exercise {cell['exercise']}" if cell["exercise"] else f"code cell {index}"
        if source in worked or _untouched(cell, notebook.lesson):
            found.append(Step(source, name, "definitions", handed_out=True))
        else:
            found.append(Step(source, name))
    return found


def _written(name: str, text: str) -> str:
    """A cell that writes a module of the student's, so that the others can import it."""
    return f"__import__('pathlib').Path({name!r}).write_text({text!r}, encoding='utf-8')"


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
