"""Which images are done, and the file from which a run goes on."""

from __future__ import annotations

import hashlib
import pickle
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from course_utils.errors import CourseError
from course_utils.places import ready_to_write, written_whole

_SAFE = ("course_utils.engines.", "ddsketch.")  # whose classes a file of ours may hold


class OtherImages(CourseError):
    """The images are not those of a checkpoint."""

    def __init__(self) -> None:
        super().__init__(
            "The images are not those of the checkpoint: some came, went or changed. Put them back, or begin a new one."
        )


class Done:
    """The numbers that are done, as spans, and a sum of hashes of the names that they had.

    Attributes:
        spans: `[first, end, sum]`, rising, with gaps between them.
    """

    def __init__(self, spans: Iterable[list[int]] = ()):
        self.spans: list[list[int]] = [list(span) for span in spans]

    def __len__(self) -> int:
        return sum(end - first for first, end, _ in self.spans)

    def add(self, first: int, names: Iterable[str]) -> None:
        """Take the names of some numbers, beginning with `first`.

        Raises:
            ValueError: one of them was done before.
        """
        hashes = [_hash(first + i, name) for i, name in enumerate(names)]
        place = bisect_right(self.spans, first, key=lambda span: span[0])
        new = [first, first + len(hashes), sum(hashes) % _MOST]
        before, after = self.spans[place - 1 : place] if place else [], self.spans[place : place + 1]
        if (before and before[0][1] > first) or (after and after[0][0] < new[1]):
            raise ValueError(f"images {first} to {new[1] - 1} were counted before.")
        begin, end = place, place
        if before and before[0][1] == first:
            new, begin = [before[0][0], new[1], (before[0][2] + new[2]) % _MOST], place - 1
        if after and after[0][0] == new[1]:
            new, end = [new[0], after[0][1], (after[0][2] + new[2]) % _MOST], place + 1
        self.spans[begin:end] = [new]

    def left(self, items: Iterable, name: Any = str) -> Iterator[tuple[int, Any]]:
        """What is not done of all items, with their numbers.

        Args:
            items: all, in the order that they always had.
            name: gives an item's name.

        Yields:
            A number and its item.

        Raises:
            OtherImages: items that were done are others now, or are no more.
        """
        spans = [list(span) for span in self.spans]
        rest = 0
        for number, item in enumerate(items):
            if spans and spans[0][0] <= number:
                rest = (rest + _hash(number, name(item))) % _MOST
                if number == spans[0][1] - 1:
                    if rest != spans.pop(0)[2]:
                        raise OtherImages
                    rest = 0
            else:
                yield number, item
        if spans:
            raise OtherImages


_DAMAGED = (RuntimeError, ValueError, TypeError, AttributeError, AssertionError)  # what torch.load raises
_MOST = 2**61


def _hash(number: int, name: str) -> int:
    return int.from_bytes(hashlib.blake2b(f"{number}|{name}".encode("utf-8", "replace"), digest_size=7).digest(), "big")


def can_be_saved(path: Path) -> None:
    """Look whether a checkpoint can be written; makes its folder.

    Raises:
        CourseError: it cannot.
    """
    try:
        ready_to_write(path.parent)
    except OSError as error:
        raise _unwritable(path, error) from None


def _unwritable(path: Path, error: Exception) -> CourseError:
    return CourseError(f"{path}: the checkpoint cannot be written ({error}).")


def save(path: Path, key: str, done: Done, broken: list[tuple[int, str]], found: Any) -> None:
    """Write a checkpoint; it is there whole or not at all.

    Raises:
        CourseError: it cannot be written.
    """
    import torch

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path, sync=True) as part, open(part, "wb") as file:
            torch.save({"key": key, "done": done.spans, "broken": [list(b) for b in broken], "found": found}, file)
    except (OSError, RuntimeError) as error:
        raise _unwritable(path, error) from None


def _our_class(name: str) -> list[type]:
    module, _, kind = name.rpartition(".")
    one = getattr(import_module(module), kind, None) if name.startswith(_SAFE) else None
    return [one] if isinstance(one, type) and one.__module__.startswith(_SAFE) else []


def load(path: Path, key: str) -> tuple[Done, list[tuple[int, str]], Any]:
    """Read a checkpoint: what is done, which files were broken, what was found. With no file, that nothing is.

    Only data and the classes of our results are made of it: a file of somebody else's cannot run code here.

    Raises:
        CourseError: a file that is no checkpoint, or one of another run.
    """
    import torch

    if not path.exists():
        return Done(), [], None
    try:
        names = torch.serialization.get_unsafe_globals_in_checkpoint(path)
        with torch.serialization.safe_globals([one for name in names for one in _our_class(name)]):
            saved = torch.load(path, weights_only=True)
        if not isinstance(saved, dict):
            raise TypeError("what is saved is no dictionary")
        done, broken = Done(saved["done"]), [tuple(b) for b in saved["broken"]]
        same, found = saved["key"] == key, saved["found"]
    except PermissionError as error:
        raise CourseError(f"{path}: the checkpoint cannot be read ({error.strerror}).") from None
    except (OSError, KeyError, EOFError, ImportError, pickle.UnpicklingError, *_DAMAGED):
        raise CourseError(f"{path} is no checkpoint of the course; choose another file.") from None
    if not same:
        raise CourseError(
            f"{path} is of another run: network, layer, options, folder and versions must be the same. "
            "Delete it, or choose another file."
        )
    return done, broken, found
