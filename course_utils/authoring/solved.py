"""The solutions of a lesson as functions, for the tests and the grader."""

from __future__ import annotations

from collections.abc import Callable

from course_utils.authoring.cells import cut, functions, is_setup
from course_utils.authoring.source import Lesson


def exercise_functions(lesson: Lesson, edition: str = "solution") -> dict[str, Callable]:
    """The functions of a lesson's exercise cells, by exercise id.

    Only the setup cell and the exercise cells are run, which is also what the grader relies on.

    Args:
        lesson: the lesson.
        edition: "solution" for solved functions, "student" for stubs.
    """
    space: dict = {"__name__": f"lesson_{lesson.number}"}
    found = {}
    for cell in lesson.cells:
        if cell.cell_type != "code":
            continue
        if is_setup(cell):
            exec(compile(cell.source, f"<{lesson.name} setup>", "exec"), space)
        elif "exercise" in cell.metadata:
            which = cell.metadata["exercise"]
            space["check"] = lambda *_: None
            text = cut(cell.source, edition, which)
            exec(compile(text, f"<exercise {which}>", "exec"), space)
            found[which] = space[list(functions(text))[-1]]
    return found
