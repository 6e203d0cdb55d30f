"""The student edition as one zip file, ready to hand out: the lessons, what they need of the package, a README."""

from __future__ import annotations

import ast
import io
import os
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from nbformat import NotebookNode

from course_utils.authoring import needed, own_version, paths
from course_utils.authoring.editions import build
from course_utils.authoring.files import keep_outputs, to_text
from course_utils.authoring.source import Lesson, read_lesson, sections
from course_utils.languages import LOCALE, WORDS, po_bytes, read_translations, translated_lessons
from course_utils.places import written_whole

NAME = "looking-inside-convnets"
_TOP = ("LICENSE", "requirements.txt")
_LEFT_OUT = {"__pycache__", ".ipynb_checkpoints"}
_DATE = (2000, 1, 1, 0, 0, 0)  # the same course gives the same bytes
_README = Path(__file__).with_name("handout.md")
_SOLUTIONS = (
    "\nEach exercise has its solution, folded under the hints. "
    "Open it when your own function has passed, or when you are stuck.\n"
)
_EMPTY = "Explore: the explorers of these lessons"
_DATA = re.compile(r"""data_file\(f?\\?["'](\w+)""")  # as code names a folder of data/; in a notebook's JSON, too
# tables of pyproject.toml that are for maintainers
_TABLES = r"\[(project\.optional-dependencies|tool\.(ruff|pytest|importlinter))"


def release(folder: Path, lessons: Sequence[str] | None = None, *, solutions: bool = False, language: str = "") -> Path:
    """Write `looking-inside-convnets.zip` with the student notebooks and everything that they need.

    Sources, solutions, tests and the grader are not in it, nor checks, methods and data that only other lessons need.
    Notebooks are made anew from their sources; the pictures of worked cells are kept from `notebooks/`.

    Args:
        folder: where to write; it is made if it is not there.
        lessons: only these lessons.
        solutions: put each solution, folded, under the hints of its exercise: for who studies alone.
        language: of the lessons that are translated into it, such as "ko"; the others, and the README, are English.

    Returns:
        The path of the zip file.

    Raises:
        CourseError: the folder is a file or named as one, no such lesson, or no translations into the language.
    """
    if language:
        translated_lessons(language)
    paths.make_folder(folder, f"{NAME}.zip")
    read = [read_lesson(path) for path in dict.fromkeys(sorted(paths.lesson_paths(lessons)))]
    path = folder / f"{NAME}.zip"
    write_zip(
        path, {f"{NAME}/{name}": data for name, data in handout(read, solutions=solutions, language=language).items()}
    )
    return path


def handout(lessons: Sequence[Lesson], *, solutions: bool = False, language: str = "") -> dict[str, bytes]:
    """The files of a handout: from their names to their contents. For the options see `release`."""
    names = modules_of(lessons)
    files = {name: (paths.ROOT / name).read_bytes() for name in _TOP}
    files["pyproject.toml"] = _pyproject().encode()
    files |= dict(_package(names))
    translated = translated_lessons(language) if language else []
    explore = _explore(names)
    beside = [one.name for one in (*lessons, explore) if one is not None]
    books = {}
    for lesson in lessons:
        said_in = language if lesson.number in translated else ""
        books[lesson.name] = build(lesson, "student", folded_solutions=solutions, language=said_in, beside=beside)
    if explore:
        books[explore.name] = build(explore, "student")
    for name, book in books.items():
        files[f"notebooks/{name}.ipynb"] = _with_pictures(name, book)
    texts = [data.decode() for name, data in files.items() if name.endswith((".py", ".ipynb"))]
    for folder in sorted({folder for text in texts for folder in _DATA.findall(text)}):
        files |= dict(tree(f"data/{folder}"))
    files["README.md"] = _readme(lessons, explore is not None, names, solutions=solutions).encode()
    if language:
        files |= _quizzes(lessons, language)
    return files


def modules_of(lessons: Sequence[Lesson]) -> set[str]:
    """The modules of the package that a handout holds; with all lessons, the tour too."""
    names = needed.needed(lessons)
    if len(lessons) == len(paths.lesson_paths()):
        names |= needed.closure([f"{needed.TOP}.commands.tour"])
    return names


def carried(lessons: Sequence[Lesson]) -> dict[str, list[str]]:
    """The exercises of lessons that are not handed out, whose method is in the handout, because a lesson uses it.

    Returns:
        From the file of the method, such as "gradients/guided.py", to the exercises: `["08.2"]`.
    """
    names, numbers = modules_of(lessons), {lesson.number for lesson in lessons}
    found: dict[str, list[str]] = {}
    for which, file in _methods():
        if which.split(".")[0] not in numbers and needed.module_of(file) in names:
            found.setdefault(file, []).append(which)
    return dict(sorted(found.items()))


@cache
def _methods() -> list[tuple[str, str]]:
    """Each exercise with a file of the course's own version of it: `("07.1", "gradients/saliency.py")`."""
    found = {}
    for lesson in map(read_lesson, paths.lesson_paths()):
        for cell in lesson.cells:
            for name in own_version.named(cell) if "exercise" in cell.metadata else ():
                found[cell.metadata["exercise"], own_version.find(name).file] = None
    return list(found)


def _with_pictures(name: str, book: NotebookNode) -> bytes:
    built = paths.notebook_path(name, "student")
    if built.exists():
        keep_outputs(book, built)
    return to_text(book).encode()


def _quizzes(lessons: Sequence[Lesson], language: str) -> dict[str, bytes]:
    """What a quiz reads when it runs: only this of the translations: the others hold explanations of solutions."""
    files = {}
    for name in (WORDS, *(lesson.number for lesson in lessons)):
        path = LOCALE / language / f"{name}.po"
        if path.is_file():
            catalog = read_translations(path)
            for entry in [entry for entry in catalog if entry.id and entry.context not in (WORDS, "quiz")]:
                catalog.delete(entry.id, entry.context)
            catalog.obsolete.clear()
            files[path.relative_to(paths.ROOT).as_posix()] = po_bytes(catalog)
    return files


def _explore(names: set[str]) -> Lesson | None:
    """The notebook of all explorers, with those only that need nothing more than the lessons do."""
    explore = read_lesson(paths.SOURCE / f"{paths.EXPLORE}.py")
    head, *parts = sections(explore)
    with_code = [part for part in parts if any(cell.cell_type == "code" for cell in part.cells)]
    used = [needed.of_lesson(replace(explore, cells=[*head.cells, *part.cells])) for part in with_code]
    parts_there = [part for part, uses in zip(with_code, used, strict=True) if needed.closure(uses) <= names]
    if not parts_there:
        return None
    title = explore.title if len(parts_there) == len(with_code) else _EMPTY
    cells = [*head.cells, *(cell for part in parts_there for cell in part.cells)]
    cells[0].metadata["title"] = title
    return replace(explore, title=title, cells=cells)


def _package(names: set[str]) -> Iterator[tuple[str, bytes]]:
    """The files of these modules, and what lies beside them and is named in them (a style sheet, a script)."""
    for name in sorted(names):
        path = needed.modules()[name]
        text = path.read_text(encoding="utf-8")
        if needed.is_package(name):
            text = _without(text, names)
        yield path.relative_to(paths.ROOT).as_posix(), text.encode()
        for beside in sorted(path.parent.iterdir()):
            if beside.suffix in (".css", ".js") and (beside.name in text or beside.stem == path.stem):
                yield beside.relative_to(paths.ROOT).as_posix(), beside.read_bytes()


def _without(text: str, names: set[str]) -> str:
    """A package's `__init__`, which imports what is there. An older handout in the same folder may have more of it."""
    lines = text.splitlines()
    statements = [node for node in ast.parse(text).body if isinstance(node, ast.ImportFrom)]
    missing = [s for s in statements if s.module in needed.modules() and s.module not in names]
    if not missing:
        return text
    for statement in reversed(missing):
        first, last = statement.lineno - 1, statement.end_lineno
        lines[first:last] = ["with suppress(ModuleNotFoundError):", *(f"    {line}" for line in lines[first:last])]
    start = min(s.lineno for s in statements if s.module != "__future__") - 1
    lines.insert(start, "from contextlib import suppress\n")
    return "\n".join([*lines, "", "__all__ = [name for name in __all__ if name in globals()]", ""])


def _pyproject() -> str:
    """The project's file, without what only maintainers use."""
    text = (paths.ROOT / "pyproject.toml").read_text(encoding="utf-8")
    head, *tables = re.split(r"^(?=\[)", text, flags=re.M)
    return "".join([head, *(table for table in tables if not re.match(_TABLES, table) and table[:2] != "[[")])


def _readme(lessons: Sequence[Lesson], explore: bool, names: set[str], *, solutions: bool) -> str:
    first, graded = lessons[0], [lesson for lesson in lessons if lesson.exercises]
    rows = ["| lesson | minutes | exercises | points |", "|---|---|---|---|"]
    for one in lessons:
        points = sum(e.points for e in one.exercises)
        rows.append(f"| {one.number} · {one.title} | {one.minutes} | {len(one.exercises)} | {points} |")
    said = {
        f"course lab {lessons[-1].number}": "opens a lesson by its number",
        "course lab explore": "opens all explorers of these lessons in one notebook: sliders, clicks, "
        "a photo of your own",
        f"course reset {first.number}": "begins a lesson anew; what you wrote is kept beside it",
        "course progress": "says which exercises have passed in your notebooks",
        "course tour my_photo.jpg": "every method of the course on one photo, as one page: `tour/index.html`",
        "course doctor": "says what is installed and ready, and a cure for each problem",
    }
    if not explore:
        del said["course lab explore"]
    there = {c: text for c, text in said.items() if c.split()[1] in ("lab", "reset") or _command(c) in names}
    table = ["| more commands | |", "|---|---|", *(f"| `.venv/bin/{c}` | {text} |" for c, text in there.items())]
    files = "\n".join(f"- `my-notebooks/{one.name}.ipynb`" for one in graded)
    hand_in = f"Hand in, as your instructor asks for it:\n\n{files}" if graded else "There is nothing to hand in."
    text = _README.read_text(encoding="utf-8")
    filled = {
        "first": f"lesson {first.number}",
        "lessons": "\n".join(rows),
        "commands": "\n".join(table),
        "hand_in": hand_in,
        "solutions": _SOLUTIONS if solutions else "",
    }
    return re.sub(r"\{(\w+)\}", lambda match: filled[match[1]], text)


def _command(line: str) -> str:
    return f"{needed.TOP}.commands.{line.split()[1]}"


def tree(folder: str) -> Iterator[tuple[str, bytes]]:
    """The files of a folder of the project: `(name, content)`, without what Python and Jupyter leave behind."""
    for place, folders, files in os.walk(paths.ROOT / folder):
        folders[:] = sorted(f for f in folders if f not in _LEFT_OUT and not f.startswith("."))
        for name in sorted(files):
            path = Path(place) / name
            if not name.startswith(".") and path.suffix != ".pyc" and path.is_file():
                yield path.relative_to(paths.ROOT).as_posix(), path.read_bytes()


def write_zip(path: Path, files: dict[str, bytes], executable: Sequence[str] = ()) -> None:
    """Write a zip file, whole or not at all."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _DATE)
            entry.external_attr = (0o755 if name in executable else 0o644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name])
    with written_whole(path) as part:
        part.write_bytes(held.getvalue())
