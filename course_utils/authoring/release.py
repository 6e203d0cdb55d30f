"""The student edition as one zip file, ready to hand out."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from course_utils.authoring import paths
from course_utils.authoring.editions import build
from course_utils.authoring.files import keep_outputs, to_text
from course_utils.authoring.source import read_lesson
from course_utils.errors import CourseError

_TOP = ("README.md", "LICENSE", "environment.yml", "requirements.txt", "pyproject.toml")
_LEFT_OUT = {"__pycache__", ".ipynb_checkpoints"}
_DATE = (2000, 1, 1, 0, 0, 0)  # the same course gives the same bytes


def release(folder: Path, lessons: Sequence[str] | None = None) -> Path:
    """Write `looking-inside-convnets.zip` with the student notebooks and everything that they need.

    Sources, solutions and tests are not in it. Notebooks are made anew from their sources; the pictures of worked cells
    are kept from `notebooks/`.

    Args:
        folder: where to write; it is made if it is not there.
        lessons: only these lessons.

    Returns:
        The path of the zip file.
    """
    if folder.exists() and not folder.is_dir():
        raise CourseError(f"{folder} is a file; --to needs a folder.")
    folder.mkdir(parents=True, exist_ok=True)
    files = dict(_student_files())
    for source in paths.lesson_paths(lessons):
        lesson = read_lesson(source)
        book, built = build(lesson, "student"), paths.notebook_path(lesson.name, "student")
        if built.exists():
            keep_outputs(book, built)
        files[f"notebooks/{lesson.name}.ipynb"] = to_text(book).encode()
    path = folder / "looking-inside-convnets.zip"
    write_zip(path, {f"looking-inside-convnets/{name}": data for name, data in files.items()})
    return path


def _student_files() -> Iterator[tuple[str, bytes]]:
    for name in _TOP:
        if (paths.ROOT / name).exists():
            yield name, (paths.ROOT / name).read_bytes()
    yield from tree("course_utils")
    yield from tree("data")
    yield from ((n, d) for n, d in tree("docs") if n.endswith((".jpg", ".png")))


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
    part = path.with_name(f".part-{path.name}")
    part.write_bytes(held.getvalue())
    os.replace(part, path)
