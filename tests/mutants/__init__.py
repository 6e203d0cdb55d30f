"""Wrong answers that the checks must reject, each for its stated reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """A named, plausible wrong answer.

    Attributes:
        exercise: "07.1".
        function: the wrong function; its name says what is wrong.
        reason: a piece of the text that the check must answer with.
    """

    exercise: str
    function: Callable
    reason: str

    @property
    def name(self) -> str:
        return f"{self.exercise}-{self.function.__name__}"


def mutant(exercise: str, reason: str):
    """Register a wrong answer to an exercise, and a piece of the message that must come back."""

    def register(function):
        MUTANTS.append(Mutant(exercise, function, reason))
        return function

    return register


MUTANTS: list[Mutant] = []
