"""Live coding: bring a class that is behind to the end of a section.

The last cell of every section of the live edition (`course live 07`) calls `catch_up`. It reads the lesson's source, so
it works where notebooks/source is: in the instructor's copy of the course.
"""

from __future__ import annotations

import ast
import builtins
import linecache
import sys
from collections.abc import Sequence

from course_utils.authoring import paths
from course_utils.authoring.cells import cut, is_setup, names
from course_utils.authoring.source import read_lesson, sections
from course_utils.errors import CourseError


def catch_up(lesson: str, section: str, *, show_code: bool = False) -> None:
    """Do all of a section: its worked cells and the solutions of its exercises, with their pictures.

    Afterwards the notebook has the variables and functions that the section ends with, whatever was typed before. If
    the section needs something that is not there, for example after a restart of the kernel, the sections that make it
    are done first.

    Args:
        lesson: "07".
        section: the title of a `##` section, or "Beginning" for what stands before the first one.
        show_code: show the code of each cell above what it prints and draws.

    Raises:
        CourseError: no such lesson or section.
    """
    space = sys._getframe(1).f_globals  # the notebook's variables
    if not paths.SOURCE.is_dir():
        raise CourseError(
            "catch_up reads the lessons' sources, and notebooks/source is not in this copy of the course."
        )
    read = read_lesson(paths.lesson_paths([lesson])[0])
    parts = sections(read)
    titles = [part.title for part in parts]
    if section not in titles:
        worked = ", ".join(repr(part.title) for part in parts if part.work)
        raise CourseError(f"Lesson {read.number} has no section {section!r}; there are {worked}.")
    setup = [cell.source for cell in read.cells if is_setup(cell)]
    codes = [setup, *([code(cell) for cell in part.work] for part in parts)]
    for step in order(codes, 1 + titles.index(section), set(space) | set(dir(builtins))):
        if step == 0:
            _run("\n".join(setup), f"<lesson {read.number}, setup>", space)
            continue
        if titles[step - 1] != section:
            print(f"First the section {titles[step - 1]!r}: {section!r} needs it.")
        for number, source in enumerate(codes[step], 1):
            _announce(source, show_code)
            _run(source, f"<lesson {read.number}, {titles[step - 1]}, cell {number}>", space)


def code(cell) -> str:
    """What a cell says in the solution edition."""
    return cut(cell.source, "solution") if "exercise" in cell.metadata else cell.source


def order(codes: Sequence[Sequence[str]], index: int, known: set[str]) -> list[int]:
    """Which groups of cells to run, in their order, so that group `index` finds every name it needs.

    Args:
        codes: the cells of each group, in the order of the notebook.
        index: the group that is wanted.
        known: names that are there already.
    """
    used, _ = names(codes[index])
    missing, steps = used - known, [index]
    for earlier in range(index - 1, -1, -1):
        used, made = names(codes[earlier])
        if made & missing:
            steps.insert(0, earlier)
            missing = (missing - made) | (used - known)
    return steps


def _announce(source: str, show_code: bool) -> None:
    from IPython.display import Code, display

    if show_code:
        display(Code(source, language="python"))
        return
    first = source.splitlines()[0]
    made = [node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    print(first if first.startswith("#") else f"# the function {', '.join(made)}" if made else "#")


def _run(source: str, name: str, space: dict) -> None:
    """Run a cell as a notebook does: the value of a last expression is shown."""
    from IPython.display import display

    linecache.cache[name] = (len(source), None, source.splitlines(True), name)  # for tracebacks and inspect.getsource
    body = ast.parse(source).body
    last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
    exec(compile(ast.Module(body, []), name, "exec"), space)
    if last is not None:
        value = eval(compile(ast.Expression(last.value), name, "eval"), space)
        if value is not None:
            display(value)
