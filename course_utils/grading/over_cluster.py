"""A class over the workers of a cluster: the same reports as `classroom.grade_class`, each worker with its sandbox."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from course_utils.cluster.run import Died, NotHere, Nowhere, Unfit, results
from course_utils.errors import CourseError
from course_utils.grading.classroom import files_digest, fingerprint, in_any_case, to_warm
from course_utils.grading.grader import nothing_graded
from course_utils.grading.limits import Limits
from course_utils.grading.results import Report
from course_utils.grading.sandbox import Sandbox, SandboxError
from course_utils.grading.submissions import Submission
from course_utils.grading.tasks import Task
from course_utils.grading.walls import bubblewrap_problem
from course_utils.places import holds_something

if TYPE_CHECKING:
    from distributed import Client


@contextmanager
def _a_sandbox_that_works() -> Iterator[None]:
    try:
        yield
    except (SandboxError, OSError) as error:
        raise Unfit(f"its sandbox does not start ({error})") from None


DIED = "each worker that began to grade it died; ask whoever runs the cluster whether this work kills them"


UNSEEN = "no worker that was there sees its files; run the same command again"
OTHER_FILES = "the worker that graded it saw other files than were listed; run the same command again"


@dataclass
class Grading:
    """What lies on each worker, and the sandbox that it makes for itself.

    Attributes:
        tasks, limits: as in `grade_class`.
        submissions: the folder in which they are; each worker reads it.
        secrets: folders that must not be readable in a sandbox.
    """

    tasks: Sequence[Task]
    limits: Limits
    submissions: Path
    secrets: Sequence[Path]
    sandbox = None
    ended = False  # nobody waits for a report any more

    def begin(self, folder: str) -> str:
        """Why this worker cannot grade, or ""; `folder` is for its files."""
        self.folder, self.sandbox, self.ended = Path(folder), None, False
        torch.set_num_threads(1)  # the networks are tiny
        return self._blind() or bubblewrap_problem()

    def _blind(self, submission: Submission | None = None) -> str:
        """What this worker does not see, or "": the submissions, or the files of one."""
        files = [*submission.notebooks, *submission.modules] if submission else []
        missing = self.submissions
        if holds_something(missing):
            # a student's folder may be a link to a drive, or closed
            if not files or any(holds_something(one.parent) for one in files):
                return ""
            missing = files[0]
        return f"it does not see {missing}: submissions are read where the workers run"

    def __call__(self, asked: tuple[Submission, str, bytes]) -> Report:
        """A student's report.

        Args:
            asked: the submission, the key of its report, and a hash of its files as who asks sees them.

        Raises:
            NotHere: this worker does not see the submissions.
            Unfit: this worker cannot grade anybody.
        """
        submission, key, files = asked
        if files_digest(submission) != files:
            if problem := self._blind(submission):
                raise NotHere(problem)
            return nothing_graded(submission, self.tasks, OTHER_FILES)  # without a key: the next run tries again
        report = in_any_case(self._ready(), submission, self.tasks, key)
        if report.key or self.ended:
            return report
        self._stop()  # is it the sandbox, or what was handed in?
        with _a_sandbox_that_works():
            self._ready().start().close()
        return in_any_case(self._ready(), submission, self.tasks, key)

    def _ready(self) -> Sandbox:
        if self.sandbox is None:
            options = {"warm": to_warm(self.tasks), "secrets": self.secrets, "place": self.folder}
            with _a_sandbox_that_works():
                self.sandbox = Sandbox(self.limits, **options)
        return self.sandbox

    def end(self) -> None:
        """Called when the work is taken away, perhaps while another thread still grades."""
        self.ended = True
        self._stop()

    def _stop(self) -> None:
        sandbox, self.sandbox = self.sandbox, None
        if sandbox is not None:
            sandbox.stop()
            sandbox.close()


def grade_over(
    client: Client,
    submissions: Sequence[Submission],
    tasks: Sequence[Task],
    *,
    seed: int,
    place: Path,
    limits: Limits | None = None,
    secrets: Sequence[Path] = (),
    known: Callable[[Submission, str], bool] = lambda *_: False,
) -> Iterator[Report | Submission]:
    """Grade many students over a cluster; yields as `grade_class` does, but always in sandboxes.

    A submission whose worker dies is graded by another one, three times (Dask's `allowed-failures`), and at the end
    once more in the same way, alone. Then it is not graded, its report says so, and a later run tries again.

    Args:
        client: of the workers; each grades one submission at a time.
        submissions: whom to grade; their paths are absolute.
        tasks, seed, limits, secrets, known: as in `grade_class`.
        place: the folder of the submissions, which every worker must see.

    Raises:
        CourseError: no worker can grade (no bubblewrap, another version), or the scheduler is gone.
    """
    limits = limits or Limits()
    before: list[Submission] = []

    def new() -> Iterator[tuple[Submission, str, bytes]]:
        for submission in submissions:
            key = fingerprint(submission, tasks, seed, limits, True)
            if known(submission, key):
                before.append(submission)
            else:
                yield submission, key, files_digest(submission)

    for (submission, *_), report in results(client, Grading(tasks, limits, place, secrets), new()):
        if isinstance(report, Nowhere):
            if not holds_something(place) or f"does not see {place}:" in report.said:
                raise CourseError(f"No worker can do this; {report.said}.")
            print(f"{submission.student}: {report.said}", file=sys.stderr)
            report = nothing_graded(submission, tasks, UNSEEN)  # without a key, as below
        if isinstance(report, Died):
            report = nothing_graded(submission, tasks, DIED)  # without a key: the next run tries again
        yield report
        while before:
            yield before.pop()
    yield from before
