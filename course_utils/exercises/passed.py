"""What has passed so far: the last cell of a lesson shows it, and changes with each check and each quiz answer."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

from course_utils.exercises.exercise import lesson_exercises
from course_utils.exercises.outcome import STATES, Outcome

_WORDS = {**STATES, "": "– not checked yet"}
# since this kernel started: the state of each exercise; which answers of a quiz are right; which lessons are shown
_states: dict[str, str] = {}
_answers: dict[str, list[bool | None]] = {}
_shown: set[str] = set()


@dataclass(frozen=True)
class PassedSoFar:
    """The exercises of a lesson with what their last checks found, and its quiz.

    Attributes:
        exercises: `(id, name of the function, state)` of each; the state is "" before the first check.
        quiz: for each question whether the answer is right, None before there is one.
    """

    lesson: str
    exercises: tuple[tuple[str, str, str], ...]
    quiz: tuple[bool | None, ...]

    @property
    def headline(self) -> str:
        passed = sum(state == "passed" for *_, state in self.exercises)
        parts = [f"{passed} of {len(self.exercises)} exercises passed"]
        if any(answer is not None for answer in self.quiz):
            parts.append(f"{self.quiz.count(True)} of {len(self.quiz)} questions right")
        return f"Lesson {self.lesson}: {', '.join(parts)}, since the notebook was started"

    def __str__(self) -> str:
        return "\n".join([self.headline, *(f"  {one} {name}: {_WORDS[state]}" for one, name, state in self.exercises)])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{one}</td><td><code>{html.escape(name)}</code></td><td>{_WORDS[state]}</td></tr>"
            for one, name, state in self.exercises
        )
        return f"<b>{html.escape(self.headline)}</b><table>{rows}</table>"


def passed_so_far(lesson: str) -> None:
    """Show which exercises of a lesson have passed, which have not, and which were not checked yet.

    In a notebook the output changes by itself when a check runs again or a question of the quiz is answered. It knows
    what happened since the kernel started; `course progress` reads what was saved.

    Args:
        lesson: "07".

    Raises:
        ValueError: the lesson has no exercises.
    """
    from IPython import get_ipython
    from IPython.display import display

    found = _find(lesson)
    if get_ipython() is None:
        print(found)
        return
    display(_bundle(found), raw=True, display_id=_name(lesson))
    _shown.add(lesson)


def note_check(outcome: Outcome) -> None:
    """Remember what a check found, and renew what is shown."""
    _states[outcome.exercise] = outcome.state
    _renew(outcome.exercise.split(".")[0])


def note_quiz(lesson: str, right: Sequence[bool | None]) -> None:
    """Remember the answers of a quiz: whether each is right, None where there is none yet."""
    _answers[lesson] = list(right)
    _renew(lesson)


def _find(lesson: str) -> PassedSoFar:
    exercises = tuple((one.id, one.function, _states.get(one.id, "")) for one in lesson_exercises(lesson))
    return PassedSoFar(lesson, exercises, tuple(_answers.get(lesson, ())))


def _renew(lesson: str) -> None:
    if lesson in _shown:
        from IPython.display import update_display

        update_display(_bundle(_find(lesson)), raw=True, display_id=_name(lesson))


def _name(lesson: str) -> str:
    return f"course-passed-{lesson}"


def _bundle(found: PassedSoFar) -> dict[str, str]:
    return {"text/plain": str(found), "text/html": found._repr_html_()}
