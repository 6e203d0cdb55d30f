"""Stands in for `course_utils.exercises`: while grading, the checks run elsewhere, and here they do nothing."""

from course_utils.exercises.tiny import tiny_net

__all__ = [
    "NOTEBOOK_SEEDS",
    "check",
    "get_exercise",
    "lesson_exercises",
    "passed_so_far",
    "quiz",
    "run_check",
    "tiny_net",
]

NOTEBOOK_SEEDS = (0, 1, 2)


def check(*args: object, **options: object) -> None:
    return None


quiz = passed_so_far = run_check = get_exercise = lesson_exercises = check
