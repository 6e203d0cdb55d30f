"""The folder of results: files that are whole or not there, names that never collide, one grader at a time."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from course_utils.errors import CourseError
from course_utils.grading.sandbox import PREFIX
from course_utils.places import written_whole

_CURES = {
    errno.ENOSPC: "free some space, and start it again: who is graded already is skipped",
    errno.EDQUOT: "free some space, and start it again: who is graded already is skipped",
    errno.EEXIST: "there is a file of this name; move it away, or choose another --out",
    errno.ENOTDIR: "there is a file of this name; move it away, or choose another --out",
    errno.EISDIR: "there is a folder of this name; move it away, or choose another --out",
}
_OTHER_CURE = "choose another --out, in which you may write"


class NotWritten(CourseError):
    """The results cannot be written: which folder, why, and what helps."""


def _not_written(path: Path, error: OSError) -> NotWritten:
    why = error.strerror or str(error)
    return NotWritten(f"{path}: the results cannot be written ({why}): {_CURES.get(error.errno, _OTHER_CURE)}.")


def write_atomically(path: Path, text: str) -> None:
    """A file is there whole or not at all, also when this process is killed while it writes.

    Raises:
        NotWritten: the disk is full, the folder is read-only, ...
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path, sync=True) as part:
            part.write_text(text, encoding="utf-8", errors="replace", newline="")
    except OSError as error:
        raise _not_written(path if error.errno == errno.EISDIR else path.parent, error) from None


def keep_as(path: Path, other: Path) -> None:
    """Move a file, if it is there, to where it is kept.

    Raises:
        NotWritten: the folder cannot be written.
    """
    try:
        other.parent.mkdir(parents=True, exist_ok=True)
        os.replace(path, other)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise _not_written(other.parent, error) from None


def clean_up(out: Path) -> None:
    """Remove what a killed run left half-written, and the folders of its sandboxes."""
    for part in [*out.glob(".part-*"), *out.glob("results/.part-*"), *out.glob("feedback/.part-*")]:
        part.unlink(missing_ok=True)
    for folder in out.glob(f"{PREFIX}*"):
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def only_grader(out: Path) -> Iterator[None]:
    """The folder is made if it is not there, and belongs to this process alone until the block ends.

    Raises:
        CourseError: another grader works in this folder.
        NotWritten: it cannot be made.
    """
    import fcntl  # not on Windows, where nothing can be graded

    try:
        out.mkdir(parents=True, exist_ok=True)
        folder = os.open(out, os.O_RDONLY)
    except OSError as error:
        raise _not_written(out, error) from None
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CourseError(
                f"{out}: another `course grade` works there; wait for it, or choose another --out."
            ) from None
        except OSError:  # a file system without locks
            pass
        clean_up(out)
        yield
    finally:
        os.close(folder)


def file_name(student: str) -> str:
    """A student's name as a file name; two students never get the same, whatever the file system takes for equal.

    Small letters without accents stay as they are. Every other name ends in a mark that is made of all of it, and no
    name that stays as it is can end like that.
    """
    plain = re.fullmatch(r"[a-z0-9][a-z0-9._@+ -]{0,78}[a-z0-9_@+]|[a-z0-9]", student) is not None
    if plain and not re.search(r"-[0-9a-f]{16}$", student):
        return student
    mark = hashlib.sha256(student.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    readable = re.sub(r"[^\w.@+ -]", "_", student).strip(". -").encode()[:80].decode(errors="ignore")
    return f"{readable or 'student'}-{mark}"
