"""`course lab`: JupyterLab on a lesson."""

from __future__ import annotations

import errno
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import typer

from course_utils.commands.copies import FOLDER, bring, own_folder
from course_utils.errors import CourseError
from course_utils.places import IN_WHEEL, ROOT, lesson_files

MESSAGE_BYTES = 64_000_000  # of the largest message to a kernel; Jupyter's own limit, 10 MB, ends the connection


def open_lab(
    notebook: str | None = None,
    *,
    browser: bool = True,
    port: int | None = None,
    yes: bool = False,
    language: str = "",
) -> int:
    """Start JupyterLab on a notebook and wait until it ends.

    What is opened is the student's own copy (see `copies`), except of a file that was given by its path. The lessons of
    an installed wheel are copied to the folder where the student is, after a question.

    Args:
        notebook: a lesson number (`"07"`), `"explore"` for the notebook of all explorers, or a file; None for the first
            lesson that is there.
        browser: open the browser.
        port: the port to listen on; None for Jupyter's own choice, 8888 or the next free one.
        yes: copy without the question.
        language: of the lesson's texts, such as "ko"; English if not given.

    Raises:
        CourseError: no such lesson or file, the port is taken, or the lessons cannot be copied.
    """
    path = find_notebook(notebook, language)
    if port is not None:
        check_port(port)
    by_path = path == Path(notebook or "").resolve()
    if path.parent == ROOT / "notebooks" / language and not by_path:
        if others := [] if language else other_languages(path):
            print(f"This lesson is also there in other languages: --language {' or '.join(others)}.", flush=True)
        path = own_copy(path, language, yes=yes) if IN_WHEEL else in_own_folder(path, language)
    root = ROOT if by_path and path.is_relative_to(ROOT) and FOLDER not in path.parts else path.parent
    # sources and translations hold all solutions, and would be the first entries beside the lessons
    hidden = ("source", "locale", "__pycache__", "*.pyc", ".DS_Store", "*~") if root == ROOT else ()
    return start(path, root, [f"--ContentsManager.hide_globs={name}" for name in hidden], browser=browser, port=port)


def start(path: Path, root: Path, options: Sequence[str] = (), *, browser: bool, port: int | None) -> int:
    """Start JupyterLab on the file `path` below the folder `root`, with more of its options, and wait until it ends."""
    options = [str(path), f"--ServerApp.root_dir={root}", *options]
    options.append(f"--ServerApp.tornado_settings={{'websocket_max_message_size': {MESSAGE_BYTES}}}")
    if port is not None:
        check_port(port)
        options += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    if not browser:
        address = quote(path.relative_to(root).as_posix())
        # the address that is printed shall open the lesson
        options += ["--no-browser", f"--LabApp.default_url=/lab/tree/{address}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--allow-root")  # in a container there is often no other user

    from jupyterlab.labapp import main

    return main(options) or 0


def other_languages(lesson: Path) -> list[str]:
    """The codes of the languages in which a lesson's notebook is there, too."""
    return sorted(path.parent.name for path in lesson.parent.glob(f"*/{lesson.name}"))


def find_notebook(notebook: str | None, language: str = "") -> Path:
    """The file of a lesson number, of "explore", or of a path; of the first lesson, if None.

    Args:
        notebook: what was asked for.
        language: of the lesson, such as "ko"; English if not given.
    """
    folder = ROOT / "notebooks" / language
    lessons = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    if language and not (language.isidentifier() and lessons):
        there = sorted({path.parent.name for path in lesson_files(ROOT / "notebooks")} - {"notebooks"})
        raise CourseError(
            f"There are no lessons in {language!r} here, only in English{''.join(f', {code}' for code in there)}."
        )
    if notebook is None:
        if not lessons:
            raise CourseError(f"There are no lessons in {folder}.")
        return lessons[0]
    notebook = notebook.strip()
    if not notebook or "\0" in notebook:
        raise CourseError("Which notebook? Give a lesson number such as 07, explore, or a notebook file.")
    if notebook == "explore" and (ROOT / "notebooks" / "explore.ipynb").is_file():  # in English only
        return ROOT / "notebooks" / "explore.ipynb"
    if notebook == "explore" and not Path(notebook).exists():
        raise CourseError("There are no explorers in these lessons.")
    if notebook.isdecimal():
        found = sorted(folder.glob(f"{notebook.lstrip('0').zfill(2)}_*.ipynb"))
        if found:
            return found[0]
        numbers = ", ".join(p.name[:2] for p in lessons) or f"none in {folder}"
        where = f" in {language!r}" if language else ""
        raise CourseError(f"There is no lesson {notebook}{where}; there are: {numbers}.")
    path = Path(notebook).resolve()
    if path.is_dir():
        raise CourseError(f"{notebook} is a folder; give a lesson number such as 07, explore, or a notebook file.")
    if not path.is_file():
        raise CourseError(f"There is no file {notebook}; give a lesson number such as 07, explore, or a notebook file.")
    return path


def in_own_folder(lesson: Path, language: str = "") -> Path:
    """The student's copy of a lesson of a clone or a handout; made now if need be. Each language has its own folder.

    Raises:
        CourseError: the lessons cannot be copied.
    """
    folder = own_folder(ROOT, in_wheel=False) / language
    first = not folder.exists()
    _, behind = bring(lesson.parent, folder)
    if first:
        print(f"Your own copies of the notebooks are in {folder}: work in them.", flush=True)
    if lesson.name in behind:
        print(
            f"{lesson.name} has changed in the course; yours is as you left it. "
            f"course reset {_number(lesson)}{f' --language {language}' if language else ''} takes it, and keeps "
            "yours.",
            flush=True,
        )
    return folder / lesson.name


def _number(lesson: Path) -> str:
    return lesson.name.split("_")[0].removesuffix(".ipynb")


def own_copy(lesson: Path, language: str = "", *, yes: bool) -> Path:
    """The student's copy of a lesson of an installed wheel; made now if need be.

    Args:
        lesson: the file in the installed package.
        language: of the lesson, which then has a folder of its own; English if not given.
        yes: copy without a question.

    Raises:
        CourseError: the lessons are not here and there is no terminal to ask, or they cannot be written.
        typer.Abort: the answer was no.
    """
    folder = own_folder(ROOT, in_wheel=True) / language
    copy = folder / lesson.name
    if copy.is_file():
        return copy
    where, here = str(folder), Path.cwd()
    if folder.is_relative_to(here):
        where = "this folder" if folder == here else f"./{folder.relative_to(here).as_posix()}"
    if not yes and not sys.stdin.isatty():
        option = f" --language {language}" if language else ""
        raise CourseError(
            f"{lesson.name} is not here yet. To copy the lessons to {where}, run: course lab{option} --yes"
        )
    if not yes:
        typer.confirm(f"{lesson.name} is not here yet. Copy the lessons to {where}?", default=True, abort=True)
    print(f"{bring(lesson.parent, folder, renew=False)[0]} notebooks copied to {folder}", flush=True)
    return copy


def check_port(port: int) -> None:
    """Raise unless this computer can listen on `port`."""
    with socket.socket() as probe:
        if os.name != "nt":  # on Windows this option would let two servers share a port
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            reason = "is taken" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
            raise CourseError(
                f"Port {port} {reason}; choose another with --port, or leave it out for the next free one."
            ) from None
