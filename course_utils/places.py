"""Where the course's own files are: beside the package in a clone, inside of it in a wheel (see pyproject.toml)."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
IN_WHEEL = (_PACKAGE / "data").is_dir()  # False in a clone
ROOT = _PACKAGE if IN_WHEEL else _PACKAGE.parent  # the folder that holds data/ and notebooks/
# the command that brings back what is missing
INSTALL = "pip install looking_inside_convnets-*.whl" if IN_WHEEL else "pip install -r requirements.txt"


def lesson_files(folder: Path) -> list[Path]:
    """The lessons' notebooks in a folder, and those in other languages below it (`ko/07_saliency_maps.ipynb`)."""
    places = ("", "[a-z][a-z]/", "[a-z][a-z]_*/")  # codes of languages; not the hidden folder of checkpoints
    return [path for place in places for path in sorted(folder.glob(f"{place}[0-9][0-9]_*.ipynb"))]


@contextmanager
def written_whole(path: Path, *, sync: bool = False) -> Iterator[Path]:
    """A file that is there whole or not at all, also when this process is killed while it writes.

    Args:
        path: the file; its folder must be there.
        sync: whether it must also outlive a machine that loses its power.

    Yields:
        The path of another file beside it, to write to; it gets its name when the block ends.

    Raises:
        OSError: it cannot be written.
    """
    # a name no longer than any file system allows, and of this writer alone
    part = path.with_name(f".part-{os.getpid()}-{threading.get_ident()}")
    try:
        yield part
        if sync:
            with open(part, "r+b") as file:
                os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def ready_to_write(folder: Path) -> None:
    """Make a folder, and look whether a file can be written in it: at the start of what takes long, not at its end.

    Raises:
        OSError: it cannot.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass


def holds_something(folder: Path) -> bool:
    """Whether this process sees anything in a folder. Where a drive is not mounted, there is an empty one."""
    try:
        with os.scandir(folder) as entries:
            return next(entries, None) is not None
    except OSError:  # not there, not for us, or its drive has failed
        return False


def data_file(name: str) -> Path:
    """The path of a file or folder below `data`, such as `"weights/styles.safetensors"`."""
    return ROOT / "data" / name
