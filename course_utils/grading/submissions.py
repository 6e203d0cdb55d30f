"""What was handed in, and by whom. Nobody is passed over: what cannot be graded is a student's, with a reason."""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from course_utils.errors import CourseError

MAX_NOTEBOOKS = 100  # of one student
MAX_MODULES = 50  # files beside them
MAX_DEPTH = 30  # folders in folders

# what computers put beside people's files; no student's work
_LITTER = re.compile(r"\._.*|\.ds_store|__macosx|__pycache__|\.ipynb_checkpoints|thumbs\.db|desktop\.ini|icon\r", re.I)
# files of the instructor's that may lie there
_LISTS = (".csv", ".tsv", ".xls", ".xlsx", ".ods", ".txt", ".md", ".log", ".json", ".toml", ".yml", ".yaml")
_ARCHIVES = (".zip", ".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz")


@dataclass
class Submission:
    """One student and the notebooks handed in.

    Attributes:
        student: the name of the folder or file.
        notebooks: all that were found.
        problem: why there are none, or "".
        remarks: what else there is to say about the files.
        modules: `.py` files beside the notebooks, which these may import.
    """

    student: str
    notebooks: list[Path] = field(default_factory=list)
    problem: str = ""
    remarks: list[str] = field(default_factory=list)
    modules: list[Path] = field(default_factory=list)


def find_submissions(
    path: str | Path,
    student: str | None = None,
    *,
    leave_out: Path | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> list[Submission]:
    """The submissions at a path: one notebook, a folder of notebooks, or a folder with a folder for every student.

    Args:
        path: a file or a folder.
        student: treat everything there as the work of this one student.
        leave_out: a folder that is no student's: that of the results.
        tell: called with a line about every file that is nobody's work.

    Raises:
        CourseError: there is nothing at this path, or it cannot be read.
    """
    path = Path(path)
    try:
        here = path.stat().st_mode
        entries = sorted(path.iterdir()) if stat.S_ISDIR(here) else []
    except (FileNotFoundError, NotADirectoryError):
        raise CourseError(f"{path}: there is no such file or folder.") from None
    except OSError as error:
        raise CourseError(f"{path}: it cannot be read ({error.strerror}).") from None
    if not stat.S_ISDIR(here):
        one = _of_file(path)
        return [Submission(student or one.student, one.notebooks, one.problem)]
    if student:
        return [_of_folder(student, path, leave_out)]
    found: dict[str, Submission] = {}
    others: dict[str, list[Submission]] = defaultdict(list)  # files that are no notebooks, by their names
    for entry in entries:
        if _LITTER.fullmatch(entry.name) or _same(entry, leave_out):
            continue
        is_folder, is_file = stat.S_ISDIR(_mode(entry)), stat.S_ISREG(_mode(entry))
        if is_folder and _mode(entry / "grading.json") and _mode(entry / "gradebook.csv"):
            tell(f"passed over: {entry.name}, the results of an earlier run")
            continue
        is_link = os.path.islink(entry)
        one = _of_folder(entry.name, entry, leave_out) if is_folder and not is_link else _of_file(entry)
        if entry.name.startswith(".") and not one.notebooks:
            continue
        if is_file and not one.notebooks and entry.suffix.lower() in _LISTS:
            tell(f"passed over: {entry.name}, no notebook")
        elif is_file and not one.notebooks:
            others[one.student].append(one)
        else:
            _add(found, one)
    for name, files in others.items():
        if name in found:
            found[name].remarks += [one.problem for one in files]
        else:
            _add(found, Submission(name, problem="; ".join(one.problem for one in files)))
    if not found:
        raise CourseError(f"{path}: no notebooks and no folders of students in it.")
    return sorted(found.values(), key=lambda one: one.student)


def _add(found: dict[str, Submission], one: Submission) -> None:
    """Two students never have one name, also where only its case or the form of its accents differs."""
    taken = {_form(name) for name in found}
    while _form(one.student) in taken:  # alice.ipynb and alice/
        one.student += "+"
    found[one.student] = one


def _mode(path: Path) -> int:
    """What kind of thing a path leads to; 0 if to nothing, or if nobody can say. Anything may lie there: no errors."""
    try:
        return path.stat().st_mode
    except OSError:
        return 0


def _same(path: Path, other: Path | None) -> bool:
    """Do both lead to one place? Also for links that lead nowhere or to themselves."""
    return other is not None and os.path.realpath(path) == os.path.realpath(other)


def _form(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _of_file(path: Path) -> Submission:
    """A file that was handed in alone."""
    name = path.name
    student = name[: name.lower().index(".ipynb")] if _is_notebook(name) else re.sub(r"(\.tar)?\.\w+$", "", name)
    student = student or name
    try:
        mode = path.lstat().st_mode
    except OSError as error:
        return Submission(student, problem=f"{name}: it cannot be read ({error.strerror})")
    if stat.S_ISLNK(mode):
        return Submission(student, problem="a link was handed in, not a file")
    if not stat.S_ISREG(mode):
        return Submission(student, problem=f"{name} is not a file with contents")
    if _is_notebook(name):
        return Submission(student, [path])
    cure = "unpack it; " if path.suffix.lower() in _ARCHIVES else ""
    return Submission(student, problem=f"{name} was handed in: {cure}only notebooks (.ipynb) are graded")


def _of_folder(student: str, folder: Path, leave_out: Path | None = None) -> Submission:
    one = Submission(student)
    others: list[str] = []
    waiting = [(folder, 0)]
    while waiting:
        place, depth = waiting.pop()
        try:
            entries = sorted(os.scandir(place), key=lambda e: e.name)
        except OSError as error:
            one.remarks.append(f"{place.name}: the folder cannot be read ({error.strerror})")
            continue
        below = []
        for entry in entries:
            if entry.name.startswith(".") or _LITTER.fullmatch(entry.name):
                continue
            path = Path(entry.path)
            try:
                is_folder, is_file = entry.is_dir(follow_symlinks=False), entry.is_file(follow_symlinks=False)
            except OSError as error:  # on some file systems, this asks for more than the list of names has
                one.remarks.append(f"{entry.name}: it cannot be read ({error.strerror})")
                continue
            if is_folder:
                if not _same(path, leave_out):
                    below.append((path, depth + 1))
            elif not is_file:
                one.remarks.append(f"{entry.name} is a link or no file, and was not read")
            elif _is_notebook(entry.name):
                one.notebooks.append(path)
            else:
                others.append(entry.name)
                if entry.name.endswith(".py"):
                    one.modules.append(path)
        if below and depth == MAX_DEPTH:
            one.remarks.append(f"folders deeper than {MAX_DEPTH} were not looked into")
        else:
            waiting += reversed(below)
    if len(one.notebooks) > MAX_NOTEBOOKS:
        one.remarks.append(f"only {MAX_NOTEBOOKS} of the {len(one.notebooks)} notebooks were looked at")
        del one.notebooks[MAX_NOTEBOOKS:]
    beside = {notebook.parent for notebook in one.notebooks}
    one.modules = [path for path in one.modules if path.parent in beside]
    if len(one.modules) > MAX_MODULES:
        one.remarks.append(f"only {MAX_MODULES} of the {len(one.modules)} Python files beside notebooks were taken")
        del one.modules[MAX_MODULES:]
    if not one.notebooks:
        only = f", only {', '.join(others[:5])}{', ...' if len(others) > 5 else ''}" if others else ""
        one.problem = "; ".join([f"no notebook was handed in{only}", *one.remarks])
        one.remarks = []
    return one


def _is_notebook(name: str) -> bool:
    return ".ipynb" in name.lower()  # learning platforms make .ipynb.txt and .ipynb.json
