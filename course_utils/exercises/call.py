"""A student's function as a check sees it: it takes values and gives back plain values, wherever it runs."""

from __future__ import annotations

import inspect
import json
import traceback
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NoReturn

from course_utils.exercises.compare import CheckFailed
from course_utils.exercises.left_behind import Found
from course_utils.exercises.reference import call_as_while_grading
from course_utils.exercises.runner import run
from course_utils.exercises.transport import REASONS, decode, encode


class StudentError(Exception):
    """The student's function raised, or one of the classes below: what a student calls an exception is none of them.

    Attributes:
        kind: the name of the exception.
        message: what it says.
        line: the student's own line that raised, if known.
    """

    def __init__(self, kind: str, message: str, *, line: str = ""):
        super().__init__(f"{kind}: {message}" if message else kind)
        self.kind, self.message, self.line = kind, message, line


class Refused(StudentError):
    """It returned what cannot be compared; `message` says what, in words of our own: "more than 64 MB"."""

    def __init__(self, message: str):
        super().__init__("Refused", message)


class Call:
    """A student's function in one check. Notebook and grader differ only in `run`.

    Attributes:
        names: of its inputs, where they are known.
        again: whether plain calls are made twice as well, to see whether the answer stays the same.
        answers: what it returned so far.
        second: the same, with the second answer of every call that was made twice.
        left: what its calls left behind so far.
        on_the_way: whether the last call has not come back: an error is that of the way to the function then, not one
            of the check.
    """

    names: Sequence[str] = ()

    def __init__(self):
        self.begin()

    def begin(self, *, again: bool = False) -> None:
        """Forget earlier calls: a check begins."""
        self.again = again
        self.answers: list[Any] = []
        self.second: list[Any] = []
        self.left: list[Found] = []
        self.on_the_way = False

    def run(self, arguments: Sequence[Any], times: int, gradient: bool) -> tuple[list[Any], list[Found]]:
        """Run the function; see `runner.run`.

        Returns:
            The plain answer of each call, and what the calls left behind.

        Raises:
            StudentError: it raised, or did not come back, or its answer is not plain.
        """
        raise NotImplementedError

    def __call__(self, *args: Any) -> Any:
        values = self._asked(args, 2 if self.again else 1)
        self.answers.append(values[0])
        self.second.append(values[-1])
        return values[0]

    def twice(self, *args: Any) -> tuple[Any, Any]:
        """Run it two times on the very same objects: what did the first run leave behind in them?"""
        first, second = self._asked(args, 2)
        self.answers += [first, second]
        self.second.append((first, second))
        return first, second

    def gradient(self, *args: Any) -> list:
        """Differentiate its answer (or the sum of it) by every tensor in its inputs.

        Args:
            *args: the inputs.

        Returns:
            A gradient for each tensor in the inputs, in their order.

        Raises:
            CheckFailed: the answer has no graph.
        """
        try:
            (gradients,) = self._asked(args, 1, gradient=True)
        except StudentError as error:
            if "requires grad" not in error.message:
                raise
            gradients = None  # NumPy refuses such tensors: there the graph would end
        self.answers.append(gradients)
        self.second.append(gradients)
        if gradients is None:
            raise CheckFailed(
                "No gradient can be taken through your answer: its graph is cut.",
                cause="`.item()`, `float(...)`, `.detach()`, NumPy and `torch.no_grad()` cut it: compute with the "
                "tensors you got, up to the end.",
            )
        return gradients

    def _asked(self, args: Sequence[Any], times: int, *, gradient: bool = False) -> list[Any]:
        self.on_the_way = True
        try:
            values, left = self.run(args, times, gradient)
        except StudentError:
            self.on_the_way = False
            raise
        self.on_the_way = False
        self.left += [one for one in left if one not in self.left]
        return values


class SecondAnswers:
    """In the place of a `Call`: gives the second answers that it got, without running anything."""

    def __init__(self, call: Call):
        self._answers: Iterator[Any] = iter(call.second)

    def __call__(self, *args: Any) -> Any:
        return next(self._answers)

    twice = gradient = __call__


class LocalCall(Call):
    """Run a function in this process, on copies of the inputs, the way the grader does in another one.

    Args:
        function: a student's, or one of the course's own.
        lesson: whose exercise a student's function answers, "07": it may not use what is not there while grading. None
            for the course's own functions.
    """

    def __init__(self, function: Callable, *, lesson: str | None = None):
        super().__init__()
        self.function, self.names = function, _names(function)
        self.lesson = lesson

    def run(self, arguments: Sequence[Any], times: int, gradient: bool) -> tuple[list[Any], list[Found]]:
        trees = json.loads(json.dumps([encode(a) for a in arguments]))  # fresh objects, as in the grader
        try:
            asked = partial(run, self.function, trees, times=times, gradient=gradient)
            reply = asked() if self.lesson is None else call_as_while_grading(asked, self.lesson)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            _told(error)
        if "ok" not in reply:
            raise Refused(REASONS[reply["refused"]])
        return [decode(tree) for tree in reply["values"]], [tuple(one) for one in reply["left"]]


def _names(function: Callable) -> list[str]:
    """Of the inputs, in their order."""
    try:
        parameters = inspect.signature(function).parameters.values()
        return [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    except Exception:  # built-in functions have none, and objects may raise whatever they like
        return []


def _told(error: BaseException) -> NoReturn:
    try:
        message = str(error)
    except Exception:
        message = ""
    raise StudentError(type(error).__name__, message, line=_own_line(error)) from None


def _own_line(error: BaseException) -> str:
    """The last line of the traceback that is the student's own code: in a cell, not in a library."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if "ipykernel" in f.filename or f.filename.startswith("<")]
    return f"line {own[-1].lineno}: {own[-1].line}" if own and own[-1].line else ""
