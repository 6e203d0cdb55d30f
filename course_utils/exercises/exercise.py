"""An exercise: its check, and the slips that it knows. A check is registered here when its lesson is imported."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from types import ModuleType

import numpy as np

from course_utils.exercises.call import Call, LocalCall
from course_utils.exercises.compare import CheckFailed, collect_failures
from course_utils.exercises.draws import Draw
from course_utils.exercises.left_behind import known_settings
from course_utils.exercises.messages import leftover


@dataclass(eq=False)
class Exercise:
    """One graded exercise.

    Attributes:
        id: "07.1".
        function: the name of the student's function.
        run: the check.
        slips: from a sentence ("You took the mean over the channels.") to the wrong answer that it describes, a
            function with the arguments of the student's. Where two slips give the same values, the first is told.
        changes: the numbers of the inputs (0 for the first) that the text asks to change in place. A network that is to
            be trained keeps the gradients of the last step, and its mode is the student's choice.
    """

    id: str
    function: str
    run: Callable[[Call, Draw], None]
    slips: dict[str, Callable] = field(default_factory=dict)
    changes: Collection[int] = ()

    def draw(self, seed: int | Sequence[int]) -> Draw:
        """The inputs of this exercise for one seed."""
        lesson, number = self.id.split(".")
        return Draw([*np.atleast_1d(seed).tolist(), int(lesson), int(number)])

    def leftover(self, call: Call) -> CheckFailed | None:
        """What the calls of a check left behind although they should not: the first of it is the problem."""
        allowed = {(code, number) for number in self.changes for code in ("values", "grad", "mode")}
        found = [one for one in call.left if one not in allowed]
        if not found:
            return None
        first, *others = [leftover(one, call.names) for one in found]
        return CheckFailed(first, cause=" ".join(others), kind=found[0])

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
    call = LocalCall(function)
    with collect_failures() as found:
        try:
            one.run(call, one.draw(seed))
        except CheckFailed as last:
            found.append(last)
        except Exception:  # a wrong answer may lead anywhere; what was compared before still counts
            pass
    if left := one.leftover(call):
        found.append(left)
    for failed in found:
        failed.answers = call.answers
    return found


_EXERCISES: dict[str, Exercise] = {}


def exercise(exercise_id: str, function: str, *, changes: Collection[int] = ()):
    """Register the check of an exercise; the decorated function takes `(call, draw)` and becomes an `Exercise`.

    Args:
        exercise_id: "07.1".
        function: the name of the student's function.
        changes: see `Exercise`.
    """

    def register(run: Callable[[Call, Draw], None]) -> Exercise:
        _EXERCISES[exercise_id] = Exercise(exercise_id, function, run, changes=changes)
        return _EXERCISES[exercise_id]

    return register


def lesson_module(lesson: str) -> ModuleType:
    """The module with the checks and the quiz of a lesson ("07").

    Raises:
        ValueError: the lesson has no exercises.
    """
    name = f"course_utils.exercises.lesson_{lesson}"
    try:
        with known_settings():  # a lesson may make tensors when it is imported
            return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if not name.startswith(str(error.name)):  # something that the lesson imports
            raise
        raise ValueError(f'There is no lesson {lesson!r} with exercises; a lesson is written like "07".') from None


def lesson_exercises(lesson: str) -> list[Exercise]:
    """The exercises of a lesson ("07"), in order.

    Raises:
        ValueError: the lesson has no exercises.
    """
    lesson_module(lesson)
    return sorted((e for e in _EXERCISES.values() if e.id.split(".")[0] == lesson), key=lambda e: e.id)


def get_exercise(exercise_id: str) -> Exercise:
    """The exercise of this id ("07.1").

    Raises:
        ValueError: no such lesson or exercise.
    """
    lesson = str(exercise_id).split(".")[0]
    known = lesson_exercises(lesson)
    for one in known:
        if one.id == exercise_id:
            return one
    raise ValueError(f"There is no exercise {exercise_id!r}; lesson {lesson} has {', '.join(e.id for e in known)}.")
