"""What grading gives: a result for every exercise, a report for every student."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from course_utils.grading.plain_text import plain_text

MAX_NOTES = 20  # remarks on one student's notebooks


@dataclass
class Result:
    """What one exercise gave.

    Attributes:
        state: "passed", "failed", "error", "not written", or "not graded".
        score: the points, or None if it is not graded.
    """

    exercise: str
    function: str
    title: str
    points: int
    state: str
    problem: str = ""
    cause: str = ""

    def cleaned(self) -> Result:
        """With words that can be written and shown anywhere, and not too many of them."""
        return replace(self, problem=plain_text(self.problem, 1000), cause=plain_text(self.cause, 1000))

    @property
    def score(self) -> int | None:
        if self.state == "not graded":
            return None
        return self.points if self.state == "passed" else 0


@dataclass
class Report:
    """A student's results in all lessons, and remarks on the notebooks.

    Attributes:
        key: a hash of all that the results depend on.
        late: whether a file's name says so.
        failed: whether the sandbox failed, so that a later run must try again; it is not written to files.
        handed_in, graded_at: when, as text ("2026-11-27 18:05", UTC); "" if nobody knows.
    """

    student: str
    results: list[Result] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    key: str = ""
    handed_in: str = ""
    graded_at: str = ""
    late: bool = False
    failed: bool = False

    def cleaned(self) -> Report:
        """With words that can be written and shown anywhere, and not too many of them."""
        notes = [plain_text(note, 500) for note in self.notes[:MAX_NOTES]]
        if len(self.notes) > MAX_NOTES:
            notes.append(f"... and {len(self.notes) - MAX_NOTES} more remarks")
        return replace(self, results=[r.cleaned() for r in self.results], notes=notes)

    @property
    def state(self) -> str:
        graded = [r.state != "not graded" for r in self.results]
        return "graded" if all(graded) and graded else "partly graded" if any(graded) else "not graded"
