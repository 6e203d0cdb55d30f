"""A student's own copies of the notebooks: `course lab` makes them and opens them, `course reset` begins one anew.

The notebooks of the course stay as they came, so that `git pull` and a newer handout have nothing to lose. A copy that
nobody has written in follows the course; one that somebody has written in is never touched.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
from pathlib import Path

from course_utils.errors import CourseError
from course_utils.places import IN_WHEEL, ROOT, written_whole

FOLDER = "my-notebooks"  # beside the course's `notebooks`; git ignores it
COPIES = "looking-inside-convnets"  # the folder where an installed wheel's lessons are copied to
_RECORD = ".copied.json"  # from a copy's name to the sha256 of what was copied


def own_folder(root: Path | None = None, *, in_wheel: bool | None = None) -> Path:
    """The folder of the copies: beside the lessons, or where the student is if nobody may write there.

    The lessons of an installed wheel are copied to the folder where the student is, or to `COPIES` below it. The
    environment variable COURSE_NOTEBOOKS names another folder.
    """
    root, here = root or ROOT, Path.cwd()
    if named := os.environ.get("COURSE_NOTEBOOKS"):
        return Path(named).resolve()
    if IN_WHEEL if in_wheel is None else in_wheel:
        lessons = (root / "notebooks").glob("*.ipynb")
        return here if any((here / one.name).exists() for one in lessons) else here / COPIES
    return (root if os.access(root, os.W_OK) else here) / FOLDER


def bring(source: Path, folder: Path, *, renew: bool = True) -> tuple[int, list[str]]:
    """Copy the notebooks that are not in `folder`, and renew the copies that nobody has written in.

    Args:
        source: the course's notebooks.
        folder: the student's; it is made if it is not there.
        renew: also renew copies. Which ones nobody has written in, a hidden file in the folder tells.

    Returns:
        How many files were written, and the names of those that the course has changed while the student wrote in them.

    Raises:
        CourseError: the folder cannot be written.
    """
    record, written, behind = _read(folder), 0, []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for lesson in sorted(source.glob("*.ipynb")):
            copy, new = folder / lesson.name, lesson.read_bytes()
            old = copy.read_bytes() if copy.exists() else None
            if old is None or (renew and old != new and record.get(lesson.name) == _mark(old)):
                _write(copy, new)
                written += 1
            elif old != new:
                if record.setdefault(lesson.name, _mark(new)) != _mark(new):
                    behind.append(lesson.name)
                continue
            record[lesson.name] = _mark(new)
        if renew:
            _write_record(folder, record)
    except OSError as error:
        raise CourseError(f"The lessons cannot be copied to {folder}: {error.strerror}.") from None
    return written, behind


def begin_anew(lesson: Path, folder: Path) -> Path | None:
    """Put the course's notebook in the place of the student's copy, which is kept beside it.

    Args:
        lesson: the course's notebook.
        folder: the student's.

    Returns:
        Where the student's copy is now; None if there was none, or nothing was written in it.

    Raises:
        CourseError: the folder cannot be written.
    """
    copy, new, kept, record = folder / lesson.name, lesson.read_bytes(), None, _read(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if copy.exists() and copy.read_bytes() != new and record.get(lesson.name) != _mark(copy.read_bytes()):
            names = (copy.with_suffix(f".before-{number}.ipynb") for number in itertools.count(1))
            kept = next(name for name in names if not name.exists())
            copy.rename(kept)
        _write(copy, new)
        _write_record(folder, {**record, lesson.name: _mark(new)})
    except OSError as error:
        raise CourseError(f"{lesson.name} cannot be begun anew in {folder}: {error.strerror}.") from None
    return kept


def reset(number: str, *, language: str = "") -> int:
    """`course reset 07`: say what was done; returns the exit status, 0."""
    from course_utils.commands.lab import find_notebook

    if not number.strip().isdecimal() and number.strip() != "explore":
        raise CourseError(f"Which lesson? Give a number such as 07, or explore; {number!r} is none.")
    lesson, folder = find_notebook(number, language), own_folder() / language
    kept = begin_anew(lesson, folder)
    print(f"{folder / lesson.name}: as it was handed out")
    if kept:
        print(f"{kept}: what you had written")
    return 0


def _read(folder: Path) -> dict[str, str]:
    try:
        record = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _write_record(folder: Path, record: dict[str, str]) -> None:
    _write(folder / _RECORD, (json.dumps(record, indent=1) + "\n").encode())


def _mark(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _write(path: Path, content: bytes) -> None:
    with written_whole(path) as part:  # half a notebook would be taken for the student's own
        part.write_bytes(content)
