"""Notebooks as files: written with their old outputs, kept if typed into, and compared with their sources."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterator, Sequence
from copy import deepcopy
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_utils.authoring import paths
from course_utils.authoring.alternatives import renew
from course_utils.authoring.editions import build, fingerprint, speaker_notes
from course_utils.authoring.source import read_lesson
from course_utils.exercises.quizzes import quiz_text
from course_utils.languages import languages, translated_lessons
from course_utils.places import lesson_files, written_whole

_DAMAGED = (ValueError, KeyError, AttributeError, nbformat.reader.NotJSONError)  # what nbformat raises


def to_text(book: NotebookNode) -> str:
    """A notebook as it stands in its file."""
    return nbformat.writes(book, version=4).rstrip("\n") + "\n"


def write(path: Path, text: str) -> None:
    """Write a file, if it does not say this already. It is never seen half-written: pytest's workers build lessons."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        with written_whole(path) as part:
            part.write_text(text, encoding="utf-8", newline="\n")


def build_all(edition: str = "student", lessons: Sequence[str] | None = None, *, language: str = "") -> list[Path]:
    """Write one edition of all lessons (or of some). Outputs of cells that did not change are kept. Returns the paths.

    In another language than English it is of the lessons that are translated, with the outputs of the English ones.

    A live notebook that somebody typed into stays as it is: see `build_live`.
    """
    if edition == "live":
        return [path for path, _ in build_live(lessons)]
    written = []
    for source in translated_paths(language, lessons) if language else paths.source_paths(lessons):
        lesson = read_lesson(source)
        book, path = build(lesson, edition, language=language), paths.notebook_path(lesson.name, edition, language)
        if (english := paths.notebook_path(lesson.name, edition)).exists():
            keep_outputs(book, english)
        write(path, to_text(book))
        written.append(path)
    return written


def translated_paths(language: str, lessons: Sequence[str] | None = None) -> list[Path]:
    """The sources of the lessons that are translated into a language, or of the given ones of them."""
    numbers = translated_lessons(language)
    if lessons and set(lessons) == {paths.EXPLORE}:  # the explorers have no texts of their own
        return []
    chosen = paths.lesson_paths([n for n in lessons if n != paths.EXPLORE]) if lessons else paths.lesson_paths()
    return [path for path in chosen if path.stem[:2] in numbers]


def build_live(lessons: Sequence[str] | None = None, *, fresh: bool = False) -> Iterator[tuple[Path, str]]:
    """Write the live edition of all lessons (or of some) and its speaker notes, and say what was done.

    What a person typed into a notebook is not lost: such a notebook is kept, or with `fresh` moved aside first.

    Args:
        lessons: lesson numbers.
        fresh: begin anew, without what was typed and without outputs.

    Yields:
        `(path, what was done)` for each lesson.
    """
    for source in paths.lesson_paths(lessons):
        lesson = read_lesson(source)
        book, path = build(lesson, "live"), paths.notebook_path(lesson.name, "live")
        if notes := speaker_notes(lesson):
            write(paths.notes_path(path), notes)
        if not path.exists():
            done = "built"
        elif _typed_into(path):
            if not fresh:
                yield path, "kept as it is, with what was typed; --fresh begins anew"
                continue
            names = (path.with_suffix(f".typed-{number}.ipynb") for number in itertools.count(1))
            aside = next(name for name in names if not name.exists())
            os.replace(path, aside)
            done = f"begun anew; what was typed is now in {aside.name}"
        elif fresh:
            done = "begun anew"
        else:
            keep_outputs(book, path)
            done = "up to date"
        write(path, to_text(book))
        yield path, done


def _typed_into(path: Path) -> bool:
    """Whether a live notebook's cells differ from how they were built; also true if it cannot be read."""
    try:
        book = nbformat.read(path, as_version=4)
        return book.metadata["course"]["built"] != fingerprint(book)
    except _DAMAGED:
        return True


def keep_outputs(book: NotebookNode, path: Path) -> None:
    """Put the outputs and pictures of an earlier notebook's equal cells into `book`."""
    try:
        old = {c["id"]: c for c in nbformat.read(path, as_version=4).cells if "id" in c}
    except (ValueError, nbformat.reader.NotJSONError):
        return
    for cell in book.cells:
        before = old.get(cell["id"])
        if before is None or before.cell_type != cell.cell_type:
            continue
        if cell.cell_type == "code" and before.source == cell.source:
            cell.outputs = before.outputs
            renew(cell.outputs, cell.source)
            _renew_quiz(cell)
        if before.get("attachments"):
            cell.attachments = before.attachments


def _renew_quiz(cell: NotebookNode) -> None:
    """The questions below the call of a quiz, as the package has them now."""
    if asked := re.search(r'^quiz\("(\w\w)"(?:, language="(\w+)")?\)$', cell.source, re.M):
        for output in cell.outputs:
            if "text/plain" in output.get("data", {}):
                output["data"]["text/plain"] = quiz_text(asked[1], language=asked[2] or "")


def check_all(lessons: Sequence[str] | None = None, edition: str = "student") -> list[str]:
    """What is stale: notebooks whose cells, ids or metadata are not what their source and the package say.

    Args:
        lessons: lesson numbers; None for all, and then a student notebook without a source is stale, too.
        edition: which notebooks. What was typed into a live one does not make it stale.
    """
    sources = paths.lesson_paths(lessons) if edition == "live" else paths.source_paths(lessons)
    made = [(source, "") for source in sources]
    if edition == "student":
        made += [(source, code) for code in languages() for source in translated_paths(code, lessons)]
    stale, wanted = [], set()
    for source, language in made:
        path = paths.notebook_path(source.stem, edition, language)
        wanted.add(path)
        if problem := _problem(path, build(read_lesson(source), edition, language=language)):
            stale.append(f"{_short(path)} {problem.format(source=source.name)}")
    if edition == "student" and not lessons:
        folder = paths.ROOT / "notebooks"
        stale += [f"{_short(path)} has no source" for path in lesson_files(folder) if path not in wanted]
    return stale


def _problem(path: Path, book: NotebookNode) -> str:
    """What is wrong with a notebook's file, where it should say what `book` says; "" if nothing is."""
    if not path.exists():
        return "is missing"
    try:
        found = _said(nbformat.read(path, as_version=nbformat.NO_CONVERT))
    except _DAMAGED:
        return "is not a notebook"
    return "" if found == _said(book) else "differs from {source}"


def _short(path: Path) -> str:
    """A notebook's name, with the folder of its language."""
    return f"{path.parent.name}/{path.name}" if path.parent.name in languages() else path.name


def _said(book: NotebookNode) -> str:
    """What the builder wrote into a notebook: all but outputs; of a live one, which is typed into, its fingerprint."""
    course = book.metadata.get("course", {})
    if course.get("edition") == "live":
        return course["built"]
    book = deepcopy(book)
    for cell in book.cells:
        cell.pop("attachments", None)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return to_text(book)
