"""Where the sources of the lessons lie, and the notebooks made from them, and where something built may go."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from course_utils.errors import CourseError
from course_utils.places import ROOT

SOURCE = ROOT / "notebooks" / "source"
EXPLORE = "explore"  # the notebook of all explorers: built like a lesson, but without a number and a live edition


def lesson_paths(lessons: Sequence[str] | None = None) -> list[Path]:
    """The sources of all lessons, or of the given numbers.

    Raises:
        CourseError: a number that no lesson has.
    """
    paths = sorted(SOURCE.glob("[0-9][0-9]_*.py"))
    if not lessons:
        return paths
    by_number = {path.stem[:2]: path for path in paths}
    for number in lessons:
        if str(number).zfill(2) not in by_number:
            raise CourseError(f"There is no lesson {number!r}; there are {', '.join(by_number) or 'none'}.")
    return [by_number[str(number).zfill(2)] for number in lessons]


def source_paths(notebooks: Sequence[str] | None = None) -> list[Path]:
    """The sources of all notebooks, or of the given ones: lesson numbers, and "explore".

    Raises:
        CourseError: a number that no lesson has.
    """
    numbers = [n for n in notebooks or () if n != EXPLORE]
    paths = lesson_paths(numbers) if numbers or not notebooks else []
    explore = SOURCE / f"{EXPLORE}.py"
    return [*paths, explore] if explore.exists() and (not notebooks or EXPLORE in notebooks) else paths


def notebook_path(name: str, edition: str, language: str = "") -> Path:
    """Where an edition's notebook lies: the student edition in notebooks/, the others in the ignored build/.

    Args:
        name: the source's name without its suffix, such as "07_saliency_maps".
        edition: "student", "solution" or "live".
        language: such as "ko": a folder of its own, below that of the English ones.
    """
    folder = ROOT / "notebooks" if edition == "student" else ROOT / "build" / edition
    return folder / language / f"{name}.ipynb"


def notes_path(notebook: Path) -> Path:
    """Where the speaker notes of a live notebook lie: beside it, because the room sees the notebook."""
    return notebook.with_suffix(".notes.md")


def make_folder(folder: Path, file: str = "") -> None:
    """Make the folder that a command writes to.

    Args:
        folder: what `--to` named.
        file: the name of the file that the command writes there, if it is one.

    Raises:
        CourseError: it is a file, or its name is that of one, such as "handout.zip".
    """
    _refuse_file(folder)
    if file and folder.suffix == Path(file).suffix and not folder.exists():
        raise CourseError(f"--to names the folder that {file} is written to; {folder.name} is a file's name.")
    folder.mkdir(parents=True, exist_ok=True)


def check_folder(folder: Path, what: str, *, mark: str) -> None:
    """Refuse a folder in which something else than an earlier build lies.

    Args:
        folder: where a build is to go; it need not exist.
        what: is built, in a word.
        mark: a file that every earlier build of it has.

    Raises:
        CourseError: it is a file, or it holds other things.
    """
    _refuse_file(folder)
    if folder.exists() and any(folder.iterdir()) and not (folder / mark).exists():
        raise CourseError(f"{folder} is not empty, and no earlier {what}; give an empty folder.")


def _refuse_file(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise CourseError(f"{folder} is a file; --to needs a folder.")
