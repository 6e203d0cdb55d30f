"""A lesson, ready to be graded: its exercises, the hidden inputs, and whether its own checks are in order."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from course_utils.authoring import solved
from course_utils.authoring.paths import lesson_paths
from course_utils.authoring.source import Lesson, read_lesson
from course_utils.errors import CourseError
from course_utils.exercises.left_behind import Found
from course_utils.exercises.machine import NOTEBOOK_SEEDS, LocalCall, Refused, lesson_exercises, run_check
from course_utils.grading.answers import NoAnswer, fits
from course_utils.grading.notebooks import handed_out

HIDDEN = 4  # hidden draws for each exercise


@dataclass
class Task:
    """A lesson, ready to be graded.

    Attributes:
        lesson: its source.
        seeds: of the hidden inputs, by exercise.
        faulty: what is wrong with its own checks, by exercise.
        cells: the code cells as they were handed out.
        asked: it was named by the instructor, so a student without it is not graded in it.
    """

    lesson: Lesson
    seeds: dict[str, list[tuple[int, int]]]
    faulty: dict[str, str]
    cells: list
    asked: bool = True


def hidden_seeds(seed: int, exercise: str) -> list[tuple[int, int]]:
    """Seeds of the hidden inputs, from the instructor's seed and the exercise; never the notebook's."""
    digest = hashlib.sha256(f"hidden inputs|{seed}|{exercise}".encode()).digest()
    return [(int.from_bytes(digest[4 * k : 4 * k + 4], "big") + 1000, k + 1) for k in range(HIDDEN)]


class _Limited(LocalCall):
    """The course's own solution, within the grader's limits for an answer."""

    def run(self, arguments: Sequence[Any], times: int, gradient: bool) -> tuple[list[Any], list[Found]]:
        values, left = super().run(arguments, times, gradient)
        try:
            fits(values)
        except NoAnswer as error:
            raise Refused(str(error)) from None
        return values, left


def prepare(lessons: Sequence[str] | None, seed: int) -> list[Task]:
    """Read the lessons, and try every check with the course's own solution: a check that fails it grades nobody.

    Its answers have to keep the limits that hold for a submission's.

    Raises:
        CourseError: there is no such lesson, or it has no exercises.
    """
    tasks = []
    for path in lesson_paths(lessons):
        lesson = read_lesson(path)
        if not lesson.exercises:
            if lessons:
                raise CourseError(f"Lesson {lesson.number} has no exercises to grade.")
            continue
        seeds = {e.id: hidden_seeds(seed, e.id) for e in lesson_exercises(lesson.number)}
        faulty = {}
        right = solved.exercise_functions(lesson)
        for which, draws in seeds.items():
            try:
                outcome = run_check(which, _Limited(right[which]), seeds=[*NOTEBOOK_SEEDS, *draws])
                problem = "" if outcome.passed else outcome.problem
            except Exception as error:
                problem = f"{type(error).__name__}: {error}"
            if problem:
                faulty[which] = f"the check does not accept the course's own solution ({problem})"
        tasks.append(Task(lesson, seeds, faulty, handed_out(lesson), asked=bool(lessons)))
    if not tasks:
        raise CourseError("There are no lessons with exercises.")
    return tasks
