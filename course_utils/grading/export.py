"""The lessons for other people's graders: an nbgrader course, and a Gradescope autograder."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from textwrap import dedent, indent

import nbformat
from nbformat import NotebookNode

from course_utils.authoring.cells import uncommented
from course_utils.authoring.editions import build
from course_utils.authoring.files import to_text
from course_utils.authoring.paths import ROOT, lesson_paths, make_folder
from course_utils.authoring.release import tree, write_zip
from course_utils.authoring.source import Lesson, read_lesson
from course_utils.errors import CourseError
from course_utils.exercises.machine import lesson_exercises
from course_utils.grading.tasks import hidden_seeds

_PROGRAMS = Path(__file__).with_name("exports")  # files that go out as they are


def _program(name: str) -> bytes:
    return (_PROGRAMS / name).read_text(encoding="utf-8").encode()


# --- nbgrader ---------------------------------------------------------------------------------------------------------


def export_nbgrader(folder: Path, lessons: Sequence[str] | None = None, *, seed: int = 0) -> list[str]:
    """Write an nbgrader course: a source notebook for every lesson, and nbgrader's own release of it.

    Args:
        folder: the course's folder; files of an earlier export are replaced.
        lessons: only these.
        seed: of the hidden inputs.

    Returns:
        The names of the assignments, such as "lesson-07".

    Raises:
        CourseError: the folder is a file, or nbgrader refuses a notebook.
    """
    make_folder(folder)
    config = folder / "nbgrader_config.py"
    if not config.exists():
        config.write_bytes(_program("nbgrader_config.py"))
    names = []
    for path in lesson_paths(lessons):
        lesson = read_lesson(path)
        if not lesson.exercises:
            continue
        name = f"lesson-{lesson.number}"
        target = folder / "source" / name / f"{lesson.name}.ipynb"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(to_text(nbgrader_source(lesson, seed)), encoding="utf-8", newline="\n")
        names.append(name)
    if importlib.util.find_spec("nbgrader") is not None:
        for name in names:
            command = [sys.executable, "-m", "nbgrader", "generate_assignment", name, "--create", "--force"]
            # nbgrader looks for alembic there
            path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
            ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, env={**os.environ, "PATH": path})
            if ran.returncode or not (folder / "release" / name).is_dir():
                told = [line for line in ran.stderr.splitlines() if "Error" in line] or ["no message"]
                raise CourseError(f"nbgrader generate_assignment {name}: {told[-1].strip()}")
    return names


def nbgrader_source(lesson: Lesson, seed: int = 0) -> NotebookNode:
    """A lesson as nbgrader's source: solutions in regions; after each exercise a cell with hidden tests and points."""
    book = build(lesson, "student", beside=())  # each lesson in a folder of its own
    sources = {
        c.metadata["exercise"]: c.source for c in lesson.cells if c.cell_type == "code" and "exercise" in c.metadata
    }
    functions = {e.id: e.function for e in lesson_exercises(lesson.number)}
    cells = []
    for cell in book.cells:
        which = cell.metadata.get("exercise") if cell.cell_type == "code" else None
        cells.append(cell)
        if which is None:
            continue
        points, tag = cell.metadata["points"], which.replace(".", "-")
        cell.source = _with_regions(sources[which], which)
        cell.metadata["nbgrader"] = _grade_cell(f"exercise-{tag}", solution=True)
        seeds = hidden_seeds(seed, f"nbgrader {which}")[:2]
        test = nbformat.v4.new_code_cell(
            f"# the points of exercise {which}\n"
            "### BEGIN HIDDEN TESTS\n"
            "from course_utils.exercises import run_check\n\n"
            f'outcome = run_check("{which}", {functions[which]}, seeds={seeds})\n'
            "assert outcome.passed, outcome.problem\n"
            "### END HIDDEN TESTS"
        )
        test["id"] = f"test-{tag}"
        test.metadata["nbgrader"] = {**_grade_cell(f"test-{tag}", solution=False), "points": points}
        cells.append(test)
    book.cells = cells
    return book


def _grade_cell(grade_id: str, *, solution: bool) -> dict:
    return {
        "grade": not solution,
        "grade_id": grade_id,
        "locked": not solution,
        "schema_version": 3,
        "solution": solution,
        "task": False,
    }


_SOLUTION = re.compile(r"^([ \t]*)### BEGIN SOLUTION\n(.*?)^[ \t]*### END SOLUTION[ \t]*(?:\n|\Z)", re.S | re.M)
_STUB = re.compile(r"^[ \t]*### BEGIN STUB\n(.*?)^[ \t]*### END STUB[ \t]*(?:\n|\Z)", re.S | re.M)


def _with_regions(source: str, which: str) -> str:
    """The solution's region, and behind it what the student begins with: nbgrader only cuts the region out."""
    stub = _STUB.search(source)
    given = uncommented(stub[1]) if stub else ""
    source = _STUB.sub("", source)

    def behind(match: re.Match) -> str:
        space, body = match[1], match[2]
        last = ast.parse(f"def f():\n{indent(dedent(body), ' ')}").body[0].body[-1]
        rest = given or f'{space}raise NotImplementedError("{which}: write this function")\n'
        return match[0].rstrip("\n") + "\n" + (rest if isinstance(last, (ast.Return, ast.Raise)) else "")

    return _SOLUTION.sub(behind, source).rstrip("\n")


# --- Gradescope -------------------------------------------------------------------------------------------------------


def export_gradescope(folder: Path, lessons: Sequence[str], *, seed: int = 0) -> Path:
    """Write an autograder zip for some lessons: setup.sh, run_autograder, and the course with its sources.

    The zip holds the solutions: it is for Gradescope, not for students.

    Returns:
        The path of the zip file.

    Raises:
        CourseError: the folder is a file or named as one, or no such lesson.
    """
    numbers = [read_lesson(p).number for p in lesson_paths(lessons)]
    path = folder / f"gradescope-{'-'.join(numbers)}.zip"
    make_folder(folder, path.name)
    program = _program("run_autograder.sh").replace(b"LESSONS", ",".join(numbers).encode())
    files = {"setup.sh": _program("setup.sh"), "run_autograder": program.replace(b"SEED", str(seed).encode())}
    for name in ("pyproject.toml", "requirements.txt", "README.md", "LICENSE"):
        files[f"course/{name}"] = (ROOT / name).read_bytes()
    for part in ("course_utils", "data", "notebooks/source"):
        files |= {f"course/{name}": data for name, data in tree(part)}
    write_zip(path, files, executable=("setup.sh", "run_autograder"))
    return path
