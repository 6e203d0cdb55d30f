"""The rules that a lesson's source must keep, as docs/authoring.md tells them to authors."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from nbformat import NotebookNode

from course_utils.authoring import papers
from course_utils.authoring.cells import cut, functions, is_claim, names
from course_utils.authoring.own_version import find, named, overlap
from course_utils.errors import CourseError

if TYPE_CHECKING:
    from course_utils.authoring.source import Lesson

_OF_LESSONS = {"lesson", "title", "minutes", "needs"}
_OF_EXERCISES = {"exercise", "points", "difficulty", "importance", "picture", "uses", "solution", "own"}
_KEYS = _OF_LESSONS | _OF_EXERCISES | {"fold", "notes", "tags", "claim"}
_TAGS = {"setup", "slow"}
_REGIONS = {"SOLUTION", "STUB"}


class SourceError(CourseError):
    """A lesson's source is not written as docs/authoring.md says."""


def problems(lesson: Lesson, text: str) -> Iterator[str]:
    """What is wrong with a source, the worst first.

    Args:
        lesson: the source, read but not yet checked.
        text: the source as it stands in the file, to tell lines.
    """
    if not lesson.title or not lesson.minutes or lesson.path.stem.split("_")[0] != lesson.number:
        yield 'the first cell needs lesson="NN" (the number of the file name), title="..." and minutes=NN.'
    for index, cell in enumerate(lesson.cells):
        first = next(iter(cell.source.strip().splitlines()), "empty")
        yield from (f"cell {index} ({first[:50]}): {problem}" for problem in _cell_problems(cell))
    yield from _exercises_do_not_match(lesson)
    yield from _claim_problems(lesson)
    yield from _own_problems(lesson, text)


def _cell_problems(cell: NotebookNode) -> Iterator[str]:
    data, text = cell.metadata, cell.cell_type == "markdown"
    if unknown := set(data) - _KEYS:
        yield f"unknown key {min(unknown)!r}; known: {', '.join(sorted(_KEYS))}."
    if wrong := set(data.get("tags", [])) - _TAGS:
        yield f"unknown tag {min(wrong)!r}; known: {', '.join(sorted(_TAGS))}."
    if not cell.source.strip():
        yield "an empty cell."
    if "own" in data and not text:
        yield 'own="..." stands on a text cell: the exercise\'s, or one that tells of the method.'
    if text and "exercise" in data:
        missing = [k for k in ("title", "points", "difficulty", "importance", "minutes") if k not in data]
        if missing:
            yield f"exercise {data['exercise']} needs {', '.join(missing)}."
    yield from papers.problems(cell.source) if text else ()
    if text and "### BEGIN" in cell.source:
        yield "a solution region in a text cell."
    elif not text and "exercise" in data:
        yield from _exercise_problems(cell.source, data["exercise"])
    elif "### BEGIN" in cell.source:
        yield 'a solution region in a cell without exercise="...".'


def _exercise_problems(source: str, exercise_id: str) -> Iterator[str]:
    begins = re.findall(r"^[ \t]*### (BEGIN|END) (\w+)[ \t]*$", source, re.M)
    names = [name for _, name in begins]
    if unknown := set(names) - _REGIONS:
        yield f"unknown region {min(unknown)!r}; known: SOLUTION, STUB."
        return
    flat = [word for pair in begins for word in pair]
    if names.count("SOLUTION") != 2 or any(
        flat[i : i + 4] not in (["BEGIN", "SOLUTION", "END", "SOLUTION"], ["BEGIN", "STUB", "END", "STUB"])
        for i in range(0, len(flat), 4)
    ):
        yield "needs exactly one region `### BEGIN SOLUTION` ... `### END SOLUTION` (and at most one STUB region)."
        return
    try:
        solved, empty = functions(cut(source, "solution")), functions(cut(source, "student", exercise_id))
    except SyntaxError as error:
        yield f"an edition of this cell is not Python: {error.msg} (line {error.lineno})."
        return
    if not solved:
        yield "defines no function."
        return
    for name, node in solved.items():
        twin = empty.get(name)
        if twin is None:
            yield f"the function {name} is missing from the stub: keep its `def` line outside of the region."
        elif ast.dump(node.args) != ast.dump(twin.args):
            yield f"the stub and the solution of {name} differ in their arguments."
        elif ast.get_docstring(node) != ast.get_docstring(twin):
            yield f"the stub and the solution of {name} differ in their docstring: keep it outside of the region."
    last = list(solved)[-1]
    if not ast.get_docstring(solved[last]):
        yield f"the function {last} has no docstring that says what goes in and what comes out."
    if f'check("{exercise_id}", {last})' not in source:
        yield f'must call check("{exercise_id}", {last}) on its last function.'


def _exercises_do_not_match(lesson: Lesson) -> Iterator[str]:
    """Each exercise has one text cell and one code cell, and other cells name only exercises that there are."""
    told, coded = (
        [cell.metadata["exercise"] for cell in lesson.cells if cell.cell_type == kind and "exercise" in cell.metadata]
        for kind in ("markdown", "code")
    )
    for kind, ids in (("text", told), ("code", coded)):
        if doubles := {i for i in ids if ids.count(i) > 1}:
            yield f"exercise {min(doubles)} has two {kind} cells."
    if told != coded:
        yield f"exercises in text cells {told} and in code cells {coded} differ; each needs one of both, text first."
    if any(not i.startswith(lesson.number + ".") for i in coded):
        number = lesson.number
        yield f"an exercise of lesson {number} is called {number}.1, {number}.2, ...; found {coded}."
    for cell in lesson.cells:
        for key in ("picture", "uses", "solution"):
            if key in cell.metadata and cell.metadata[key] not in coded:
                yield f"{key}={cell.metadata[key]!r} names no exercise of this lesson."


def _claim_problems(lesson: Lesson) -> Iterator[str]:
    """A claim asserts something, and leaves no name behind that another cell knows: students do not run it."""
    others = [c.source for c in lesson.cells if c.cell_type == "code" and not is_claim(c)]
    used, made = names(others)
    for cell in lesson.cells:
        if not is_claim(cell):
            continue
        claim = cell.metadata["claim"]
        if cell.cell_type != "code" or set(cell.metadata) != {"claim"}:
            yield f"claim={claim!r} stands alone on a code cell."
            continue
        if not any(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(cell.source))):
            yield f"claim={claim!r} asserts nothing."
        if taken := names([cell.source])[1] & (used | made):
            yield f"claim={claim!r} gives {min(taken)!r} a value, and another cell has this name: choose a new one."


def _own_problems(lesson: Lesson, text: str) -> Iterator[str]:
    """Each own="..." names a function of the course; what students see of it is no answer to an exercise."""
    heads = (number for number, said in enumerate(text.splitlines(), 1) if said.startswith("# %%"))
    shown, answers = [], []
    for line, cell in zip(heads, lesson.cells, strict=False):
        for name in named(cell):
            try:
                version = find(name)
            except CourseError as error:
                yield f"line {line}: own={name!r}: {error}"
            else:
                (answers if "exercise" in cell.metadata else shown).append((line, version, cell))
    for line, version, _ in shown:
        for _, answer, cell in answers:
            if overlap(version, answer):
                which = cell.metadata["exercise"]
                yield f"line {line}: own={version.name!r} would show students an answer to exercise {which}."
