"""What a submission may answer: its size and form are looked at before anything is built of it.

A reply may be forged. So the grader's time and memory for it are bounded by numbers that stand here, whatever it says:
few values in lists, arrays of a size that a right answer never comes near, no large dictionary (its keys can be made
to collide), no network (the grader would build it).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from typing import Any

from course_utils.exercises.transport import MAX_DEPTH, decode, encode

MAX_MESSAGE = 16 << 20  # bytes of one reply
MAX_VALUES = 100_000  # numbers and texts in lists
MAX_KEYS = 20  # of a dictionary, which no exercise asks for
MAX_NUMBERS = 1 << 18  # in all arrays of one answer
MAX_TEXT = 10_000  # letters of one text, digits of one number

_MARKS = (b"[", b"{", b",", b":")  # every value of JSON stands behind one of them


class NoAnswer(ValueError):
    """It cannot be an answer; the message says what was returned, in words of our own: "more than 100,000 values"."""


def read_reply(line: bytes) -> Any:
    """The JSON of a reply, or None if it is none.

    Raises:
        NoAnswer: it has more values than an answer can have.
    """
    if sum(line.count(mark) for mark in _MARKS) > 4 * MAX_VALUES:
        raise NoAnswer(f"more than {MAX_VALUES:,} values in lists: return an array, and a smaller one")
    try:
        return json.loads(line)
    except (ValueError, RecursionError, MemoryError):
        return None


def answer(tree: Any) -> Any:
    """The plain value of an answer's tree; see `transport.encode`.

    Raises:
        NoAnswer: it is too large, a dictionary or a network, or no tree at all.
    """
    left = [MAX_NUMBERS]
    _look(tree, left, 0)
    try:
        return decode(tree)
    except Exception:  # whatever else a forged tree can do to the decoder
        raise NoAnswer("something that cannot be compared") from None


def fits(values: Sequence[Any]) -> None:
    """Look at the plain answers of one reply as at those that come out of the sandbox.

    Raises:
        NoAnswer: the grader would refuse them.
    """
    line = json.dumps({"values": [encode(value) for value in values]}).encode()
    if len(line) > MAX_MESSAGE:
        raise NoAnswer(f"more than {MAX_MESSAGE >> 20} MB")
    for tree in read_reply(line)["values"]:
        answer(tree)


def _look(tree: Any, left: list[int], depth: int) -> None:
    if depth > 2 * MAX_DEPTH:
        raise NoAnswer("lists that are nested too deeply")
    if tree is None or type(tree) in (bool, int, float):
        return
    if type(tree) is str:
        if len(tree) > MAX_TEXT:
            raise NoAnswer("a text that is too long to be an answer")
        return
    if type(tree) is not dict or len(tree) != 1:
        raise NoAnswer("something that cannot be compared")
    ((kind, body),) = tree.items()
    if kind in ("list", "tuple") and type(body) is list:
        for value in body:
            _look(value, left, depth + 1)
    elif kind in ("array", "tensor"):
        left[0] -= _numbers(body)
        if left[0] < 0:
            raise NoAnswer(f"more than {MAX_NUMBERS:,} numbers: the right answer is much smaller")
    elif kind == "dict" and type(body) is list and len(body) <= MAX_KEYS:
        for pair in body:
            _look({"list": pair}, left, depth + 1)
    elif kind not in ("int", "float") or type(body) is not str or len(body) > MAX_TEXT:
        raise NoAnswer("something that cannot be compared")


def _numbers(body: Any) -> int:
    """How many numbers an array has; an empty one counts without its zeros, since a sum over it can be as large."""
    if type(body) is list and len(body) == 3:
        code, shape, text = body
        good = type(code) is str and re.fullmatch(r"[<>=|][biuf]\d{1,2}", code) and type(text) is str
        if good and type(shape) is list and len(shape) <= 32 and all(type(n) is int and n >= 0 for n in shape):
            return math.prod(max(n, 1) for n in shape)
    raise NoAnswer("something that cannot be compared")
