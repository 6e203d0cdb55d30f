"""A student's notebook while it is graded: its cells have run in the sandbox, and its functions can be called."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from course_utils.exercises.left_behind import Found
from course_utils.exercises.machine import Call, StudentError
from course_utils.grading.notebooks import Step
from course_utils.grading.sandbox import Sandbox, SandboxError
from course_utils.grading.student_process import Broken, NoSuchFunction, StudentProcess

_LATE = "the cells before it took a third of the time for the whole notebook, so each of its statements had one second."


class Session:
    """A notebook in the sandbox. If its process dies, a new one runs the cells again, without what killed it."""

    def __init__(self, sandbox: Sandbox, cells: Sequence[Step], hidden: Sequence[str] = ()):
        self.sandbox, self.cells, self.hidden = sandbox, list(cells), hidden
        self.deadline = time.monotonic() + sandbox.limits.total
        self.process: StudentProcess | None = None
        self.broken = ""  # how the last call broke: Timeout, Memory, ...
        self.notes: list[str] = []  # what cells said when they first ran
        self._noting = True
        self._spent = 0.0  # seconds in cells

    def close(self) -> None:
        if self.process is not None:
            self.process.close()
            self.process = None

    def _seconds(self) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            self.close()
            self.broken = "Timeout"
            raise Broken("Timeout", f"the {self.sandbox.limits.total:.0f} seconds for the whole notebook are used up")
        return min(left, self.sandbox.limits.call)

    def _begin(self) -> None:
        """A fresh process with all cells run."""
        while self.process is None:
            self._seconds()
            self.process = self.sandbox.start(self.hidden)
            for index, step in enumerate(self.cells):
                how, late = step.how, self._spent > self.sandbox.limits.total / 3
                if late and how == "whole":  # cells may take a third of the time, so that the exercises keep the rest
                    how = "pieces"
                    self._note(step, _LATE)
                started = time.monotonic()
                try:
                    self.process.run_cell(step.source, how=how, seconds=self._seconds())
                except Broken as error:
                    self._note(step, str(error))
                    self.process = None
                    self.cells[index] = step.milder(how)
                    break
                except StudentError as error:
                    self._note(step, f"{error}{f' ({error.line})' if error.line else ''}")
                finally:
                    self._spent += time.monotonic() - started
            self._noting = self._noting and self.process is None

    def _note(self, step: Step, text: str) -> None:
        expected = "NotImplementedError" in text or "is not there while grading" in text
        note = f"{step.name}: {text}"
        if self._noting and not step.handed_out and not expected and note not in self.notes[-5:]:
            self.notes.append(note)

    def ask(self, function: str, arguments: Sequence[Any], times: int, gradient: bool) -> tuple[list[Any], list[Found]]:
        self.broken = ""
        try:
            if self.process is None:
                self._begin()
            return self.process.ask(function, arguments, times=times, gradient=gradient, seconds=self._seconds())
        except Broken as error:
            self.broken, self.process = error.kind, None
            raise


class RemoteCall(Call):
    """A student's function, reached through the walls; what `run_check` takes for a function.

    Attributes:
        missing: whether the notebook has no such function.
    """

    def __init__(self, session: Session, function: str):
        super().__init__()
        self.session, self.function, self.missing = session, function, False

    def run(self, arguments: Sequence[Any], times: int, gradient: bool) -> tuple[list[Any], list[Found]]:
        try:
            return self.session.ask(self.function, arguments, times, gradient)
        except (StudentError, SandboxError) as error:
            self.missing = isinstance(error, NoSuchFunction)
            raise
        except Exception as error:  # no fault of the answer: without this, the check would take it for one
            raise SandboxError(f"The grader itself failed ({type(error).__name__}: {error}).") from error
