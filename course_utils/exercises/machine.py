"""The check machine. A check is written once; the notebook and the grader both run it.

A check is a function of `call` and `draw`. `draw` makes inputs from a seed; `call` runs the student's function on them,
here or in another process, and gives back plain values, which the check compares with an answer of its own:

    @exercise("07.1", "saliency_map")
    def saliency_map(call, draw):
        net, images, target = draw.net("conv"), draw.images(2), [3, 0]
        close(call(net, images, target), answer(net, images, target), what="the saliency map")

A slip is a wrong answer that many students give: a function like theirs, under the sentence that says what is wrong
with it. When an answer is wrong, the check runs again with each slip in the student's place. The first slip that gives
the same wrong values in the same comparison is the likely cause. The course's tests go through all slips: each must
fail with its sentence.

    saliency_map.slips = {
        "You took the mean over the channels.": lambda net, images, target: gradient(net, images, target).abs().mean(1),
    }
"""

from __future__ import annotations

import html
import importlib
import os
import random
import re
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import torch

from course_utils.exercises.compare import CheckFailed, collect_failures
from course_utils.exercises.tiny import tiny_net
from course_utils.exercises.transport import decode, encode
from course_utils.networks.network import Network

NOTEBOOK_SEEDS = (0, 1, 2)


class Call(Protocol):
    """A student's function, wherever it runs."""

    def __call__(self, *args: Any) -> Any: ...

    def twice(self, *args: Any) -> tuple[Any, Any]:
        """Run it two times on the very same objects: what did the first run leave behind in them?"""
        ...


class StudentError(Exception):
    """The student's function raised, or did not come back.

    Attributes:
        kind: the name of the exception.
        line: the student's own line that raised, if known.
    """

    def __init__(self, kind: str, message: str, *, line: str = ""):
        super().__init__(f"{kind}: {message}" if message else kind)
        self.kind, self.message, self.line = kind, message, line


class Draw:
    """Inputs drawn from a seed: float64, so that right answers are right to many digits."""

    def __init__(self, seed: int | Sequence[int]):
        self.rng = np.random.default_rng(seed)

    def integer(self, low: int, high: int) -> int:
        """An integer from low to high, both included."""
        return int(self.rng.integers(low, high + 1))

    def integers(self, count: int, low: int, high: int) -> list[int]:
        """`count` integers from low to high, both included."""
        return [self.integer(low, high) for _ in range(count)]

    def choice(self, options: Sequence) -> Any:
        """One of the options."""
        return options[self.integer(0, len(options) - 1)]

    def number(self, low: float = 0.0, high: float = 1.0) -> float:
        return float(self.rng.uniform(low, high))

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> torch.Tensor:
        return torch.from_numpy(self.rng.uniform(low, high, shape))

    def normal(self, *shape: int) -> torch.Tensor:
        return torch.from_numpy(self.rng.normal(size=shape))

    def images(
        self, count: int = 1, height: int | None = None, width: int | None = None, channels: int = 3
    ) -> torch.Tensor:
        """`(count, channels, H, W)` in [0, 1]; sizes from 8 to 12, never square, when they are not given."""
        height = height or self.integer(8, 9)
        width = width or self.integer(10, 12)
        return self.uniform(count, channels, height, width)

    def net(self, kind: str = "conv", **options) -> Network:
        """A tiny network; see `tiny_net`."""
        return tiny_net(kind, seed=self.integer(0, 10**6), **options)


@dataclass(eq=False)
class Exercise:
    """One graded exercise.

    Attributes:
        id: "07.1".
        function: the name of the student's function.
        run: the check.
        slips: from a sentence ("You took the mean over the channels.") to the wrong answer that it describes, a
            function with the arguments of the student's. Where two slips give the same values, the first is told.
    """

    id: str
    function: str
    run: Callable[[Call, Draw], None]
    slips: dict[str, Callable] = field(default_factory=dict)

    def draw(self, seed: int | Sequence[int]) -> Draw:
        """The inputs of this exercise for one seed."""
        lesson, number = self.id.split(".")
        return Draw([*np.atleast_1d(seed).tolist(), int(lesson), int(number)])

    def likely_slip(self, failed: CheckFailed, seed: int | Sequence[int]) -> str:
        """The sentence of the slip that fails as the student's function did, or "".

        A slip that goes wrong in this comparison first comes before one that was wrong in an earlier one already.
        """
        later, seed = "", tuple(np.atleast_1d(seed).tolist())
        for sentence, function in self.slips.items():
            first, *others = _failures(self, function, seed) or [None]
            if first and failed.same_as(first):
                return sentence
            if not later and any(failed.same_as(other) for other in others):
                later = sentence
        return later


@lru_cache(maxsize=1000)  # a student who tries again, or the next student, does not wait for them again
def _failures(one: Exercise, function: Callable, seed: tuple[int, ...]) -> list[CheckFailed]:
    """Every comparison that a slip fails, as far as the check can go on."""
    with collect_failures() as found:
        try:
            one.run(LocalCall(function), one.draw(seed))
        except CheckFailed as last:
            found.append(last)
        except Exception:  # a wrong answer may lead anywhere; what was compared before still counts
            pass
    return found


@dataclass
class Outcome:
    """What a check found.

    Attributes:
        state: "passed", "failed", "not written", or "error" (the student's function raised).
        problem, detail, cause: see `CheckFailed`.
    """

    exercise: str
    function: str
    state: str
    problem: str = ""
    detail: str = ""
    cause: str = ""
    seeds: Sequence = field(default=(), repr=False)

    @property
    def passed(self) -> bool:
        return self.state == "passed"

    def lines(self) -> list[tuple[str, str]]:
        named = [("", self.problem), ("details", self.detail), ("likely cause", self.cause)]
        return [(name, text) for name, text in named if text]

    @property
    def headline(self) -> str:
        words = {
            "passed": "✓ passed",
            "failed": "✗ not yet",
            "error": "✗ it raised an error",
            "not written": "○ not written yet",
        }
        return f"{self.exercise} {self.function}: {words[self.state]}"

    def __str__(self) -> str:
        return "\n".join(
            [self.headline, *(f"  {name}: {text}" if name else f"  {text}" for name, text in self.lines())]
        )

    def _repr_html_(self) -> str:
        color = {"passed": "#1a7f37", "not written": "#57606a"}.get(self.state, "#b35900")
        body = "".join(
            f"<div>{f'<i>{name}:</i> ' if name else ''}{html.escape(text)}</div>" for name, text in self.lines()
        )
        return (
            f'<div style="border-left:4px solid {color};padding:2px 10px;margin:4px 0">'
            f"<b>{html.escape(self.headline)}</b>{body}</div>"
        )


_EXERCISES: dict[str, Exercise] = {}


def exercise(exercise_id: str, function: str):
    """Register the check of an exercise; the decorated function takes `(call, draw)` and becomes an `Exercise`."""

    def register(run: Callable[[Call, Draw], None]) -> Exercise:
        _EXERCISES[exercise_id] = Exercise(exercise_id, function, run)
        return _EXERCISES[exercise_id]

    return register


def lesson_exercises(lesson: str) -> list[Exercise]:
    """The exercises of a lesson ("07"), in order.

    Raises:
        ValueError: the lesson has no exercises.
    """
    name = f"course_utils.exercises.lesson_{lesson}"
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise ValueError(f"There is no lesson {lesson!r} with exercises.") from None
    return sorted((e for e in _EXERCISES.values() if e.id.split(".")[0] == lesson), key=lambda e: e.id)


def get_exercise(exercise_id: str) -> Exercise:
    """The exercise of this id ("07.1")."""
    lesson = str(exercise_id).split(".")[0]
    known = lesson_exercises(lesson)
    for one in known:
        if one.id == exercise_id:
            return one
    raise ValueError(f"There is no exercise {exercise_id!r}; lesson {lesson} has {', '.join(e.id for e in known)}.")


class LocalCall:
    """Run a function in this process, on copies of the inputs, the way the grader does in another one."""

    def __init__(self, function: Callable):
        self.function = function

    def __call__(self, *args: Any) -> Any:
        return self._run([decode(encode(a)) for a in args])

    def twice(self, *args: Any) -> tuple[Any, Any]:
        same = [decode(encode(a)) for a in args]
        return self._run(same), self._run(same)

    def _run(self, args: list) -> Any:
        try:
            with torch.enable_grad():
                value = self.function(*args)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            raise StudentError(type(error).__name__, str(error), line=_own_line(error)) from None
        try:
            return decode(encode(value))
        except TypeError as error:
            raise StudentError("TypeError", f"it returned something that cannot be compared: {error}") from None


def _own_line(error: BaseException) -> str:
    """The last line of the traceback that is the student's own code: in a cell, not in a library."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if "ipykernel" in f.filename or f.filename.startswith("<")]
    return f"line {own[-1].lineno}: {own[-1].line}" if own and own[-1].line else ""


# from what an error says to what it usually means
_USUAL_CAUSES = {
    r"does not require grad and does not have a grad_fn": (
        "No gradient is recorded for the input: make a copy with images.detach().clone().requires_grad_() before "
        "you run the network."
    ),
    r"grad can be implicitly created only for scalar": (
        "The gradient is taken of one number: sum the scores of all images first."
    ),
    r"backward through the graph a second time": (
        "A graph is used for two backward passes: run the network again, or pass retain_graph=True."
    ),
    r"One of the differentiated Tensors appears to not have been used": (
        "The network saw another tensor than the one you differentiate: run it on the same tensor that has "
        "requires_grad."
    ),
    r"leaf Variable that requires grad.*in-place|a leaf Variable that requires grad": (
        "A tensor that requires grad is changed in place: do it inside `with torch.no_grad():`, or make a new tensor."
    ),
    r"Can't call numpy\(\) on Tensor that requires grad": ("Detach the tensor first: x.detach()."),
    r"expected scalar type|must match.*dtype|same dtype|but found (Float|Double|Long)": (
        "Two tensors have different number types: make new tensors with the dtype of the input, e.g. "
        "torch.zeros_like(x)."
    ),
    r"index \d+ is out of bounds|index out of range": ("An index is too large: look at the shape of what you index."),
    r"shapes cannot be multiplied|must match the size|Sizes of tensors must match|could not be broadcast|"
    r"not broadcastable": ("Two shapes do not fit together: print both .shape before this line."),
    r"missing \d+ required positional argument|takes \d+ positional arguments?": (
        "The function's arguments have changed: keep the given `def` line."
    ),
    r"name '.*' is not defined": ("A name is not known: run the cells above first, or is it misspelled?"),
}


def _explain(error: StudentError) -> str:
    return next((cause for pattern, cause in _USUAL_CAUSES.items() if re.search(pattern, str(error))), "")


@contextmanager
def _same_random_state() -> Iterator[None]:
    """Whatever a check or a student's function draws, the notebook's generators go on as if nothing had been drawn."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])


def run_check(exercise_id: str, call: Call | Callable, *, seeds: Sequence = NOTEBOOK_SEEDS) -> Outcome:
    """Run a check once for every seed, until one fails.

    Args:
        exercise_id: "07.1".
        call: the student's function, or a `Call` that reaches it in another process.
        seeds: what the inputs are drawn from.
    """
    one = get_exercise(exercise_id)
    call = call if hasattr(call, "twice") else LocalCall(call)
    outcome = Outcome(one.id, one.function, "passed", seeds=seeds)
    with _same_random_state():
        for seed in seeds:
            try:
                one.run(call, one.draw(seed))
            except CheckFailed as failed:
                outcome.state, outcome.problem = "failed", failed.problem
                outcome.detail, outcome.cause = failed.detail, one.likely_slip(failed, seed) or failed.cause
            except StudentError as error:
                if error.kind == "NotImplementedError":
                    outcome.state = "not written"
                    outcome.problem = "Write the body of the function in place of the line `raise NotImplementedError`."
                else:
                    outcome.state, outcome.problem = "error", str(error)
                    outcome.detail, outcome.cause = error.line, _explain(error)
            if not outcome.passed:
                break
    return outcome


def check(exercise_id: str, function: Callable) -> None:
    """Check your function and say what is right or wrong with it.

    Args:
        exercise_id: for example "07.1".
        function: the function itself, without parentheses: `check("07.1", saliency_map)`.
    """
    try:
        one = get_exercise(exercise_id)
    except ValueError as error:
        print(error)
        return
    if not callable(function):
        print(f'Hand in the function itself, without parentheses: check("{one.id}", {one.function})')
        return
    outcome = run_check(exercise_id, function)
    _show(outcome)
    if os.environ.get("COURSE_STRICT") and not outcome.passed:  # the course's own tests of the solutions
        raise AssertionError(str(outcome))


def _show(outcome: Outcome) -> None:
    try:
        from IPython import get_ipython
        from IPython.display import display
    except ImportError:
        get_ipython = lambda: None  # noqa: E731
    if get_ipython() is None:
        print(outcome)
    else:
        display({"text/plain": str(outcome), "text/html": outcome._repr_html_()}, raw=True)
