"""What of the course a student's function may use: the same in a notebook's check and in the grader's sandbox.

In the sandbox the other files are stand-ins; see `grading.visible`. In a notebook they are all there: a function that
only hands its inputs on to the course's own version could pass, and then get no points.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from pathlib import PurePath
from types import FrameType
from typing import TypeVar

Returned = TypeVar("Returned")

# files and folders of the package that are there as they are
WHOLE = (
    "__init__.py",
    "errors.py",
    "places.py",
    "validate.py",
    "hooks.py",
    "images.py",
    "plots.py",
    "networks",
    "exercises/left_behind.py",
    "exercises/runner.py",
    "exercises/tiny.py",
    "exercises/transport.py",
    "grading/__init__.py",
    "grading/inside",
)
# of these, what answers an exercise of a lesson: it is not there for the functions of that lesson
ANSWERS = {"02": ("hooks.py",)}

# packages that hold what lessons ask for
_REFERENCE = ("filters", "activations", "gradients", "fun", "optimize", "engines")
IS_REFERENCE = "is the reference; it is not there while grading: your function must compute it itself"
_IS_MISSING = "is not there while grading"
_PACKAGE = __name__.split(".")[0]


def is_whole(name: PurePath) -> bool:
    """Whether a file of the package, such as "networks/network.py", is there as it is."""
    return any(part.as_posix() in WHOLE for part in (name, *name.parents))


def why_missing(name: PurePath) -> str:
    """What is said of a name in a file that is not there."""
    return IS_REFERENCE if name.with_suffix("").parts[0] in _REFERENCE else _IS_MISSING


def call_as_while_grading(function: Callable[[], Returned], lesson: str) -> Returned:
    """Call a function. A function of the course that is not there while grading raises as its stand-in does.

    Python reports each call, so it is seen however the function came there: as a name of the notebook, in a list, in a
    `partial`. Calls in other threads are not seen.

    Args:
        function: without arguments.
        lesson: to whose exercises it belongs, "07".
    """

    def look(frame: FrameType, event: str, _: object) -> None:
        if event != "call":
            return
        module, name = frame.f_globals.get("__name__"), frame.f_code.co_qualname
        why = _why_refused(module, lesson)
        if why and not _is_importing(frame):
            raise RuntimeError(f"{module if '<' in name else f'{module}.{name}'} {why}")

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        return function()
    finally:
        sys.setprofile(before)


@cache
def _why_refused(module: str | None, lesson: str) -> str:
    """Why the functions of a module are not there while grading, or ""."""
    package, *parts = (module or "").split(".")
    if package != _PACKAGE or not parts:
        return ""
    name = PurePath(*parts).with_suffix(".py")
    if name.as_posix() in ANSWERS.get(lesson, ()):
        return IS_REFERENCE
    return "" if is_whole(name) else why_missing(name)


def _is_importing(frame: FrameType | None) -> bool:
    """Whether a module of the course is being imported: that is allowed, as in the sandbox."""
    while frame is not None:
        if frame.f_code.co_name == "<module>" and str(frame.f_globals.get("__name__")).startswith(f"{_PACKAGE}."):
            return True
        frame = frame.f_back
    return False
