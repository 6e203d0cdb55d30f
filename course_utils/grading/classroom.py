"""A class: many students at a time, each with a report, whatever was handed in."""

from __future__ import annotations

import hashlib
import os
import platform
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import torch

from course_utils.cluster.versions import code_digest, file_digest
from course_utils.grading.grader import grade_student, nothing_graded
from course_utils.grading.limits import Limits
from course_utils.grading.notebooks import imports
from course_utils.grading.results import Report
from course_utils.grading.sandbox import Sandbox
from course_utils.grading.submissions import Submission
from course_utils.grading.tasks import Task
from course_utils.grading.visible import PACKAGE


@cache
def code_of_the_course() -> str:
    """A hash of the whole package's code and of what it runs on; the code that runs is that of the first call."""
    versions = platform.python_version(), torch.__version__, np.__version__
    return hashlib.sha256(repr((versions, code_digest(PACKAGE))).encode()).hexdigest()


def fingerprint(submission: Submission, tasks: Sequence[Task], seed: int, limits: Limits, walls: bool) -> str:
    """A hash of all that a result depends on: the files, the lessons, the course's code, the seed, limits and walls."""
    said = submission.student, submission.problem, submission.remarks, seed, limits, walls, [t.asked for t in tasks]
    digest = hashlib.sha256(repr((said, code_of_the_course())).encode())
    for task in tasks:
        digest.update(file_digest(task.lesson.path, task.lesson.path.name))
    digest.update(files_digest(submission))
    return digest.hexdigest()


def files_digest(submission: Submission) -> bytes:
    """A hash of the files' names and contents, as this machine sees them."""
    digest = hashlib.sha256()
    files = [*sorted(submission.notebooks, key=_changed), *submission.modules]  # the newest of two notebooks is graded
    top = os.path.commonpath([path.parent for path in files]) if files else ""
    for path in files:
        digest.update(file_digest(path, os.path.relpath(path, top)))
    return digest.digest()


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def grade_class(
    submissions: Sequence[Submission],
    tasks: Sequence[Task],
    *,
    seed: int,
    jobs: int = 1,
    limits: Limits | None = None,
    walls: bool = True,
    secrets: Sequence[Path] = (),
    place: Path | None = None,
    known: Callable[[Submission, str], bool] = lambda *_: False,
) -> Iterator[Report | Submission]:
    """Grade many students, `jobs` at a time; yields each report when it is ready, and `known` submissions as they are.

    Args:
        submissions: whom to grade.
        tasks: in which lessons.
        seed: of the hidden inputs.
        jobs: how many at a time.
        limits: what a notebook may use.
        walls, secrets, place: see `Sandbox`.
        known: whether a submission with this fingerprint is graded already.

    Raises:
        SandboxError: no sandbox can be started.
    """
    limits = limits or Limits()
    waiting: queue.SimpleQueue = queue.SimpleQueue()
    ready: queue.Queue = queue.Queue(maxsize=2 * jobs)
    for submission in submissions:
        waiting.put(submission)
    warm = to_warm(tasks)
    stop = threading.Event()
    sandboxes: list[Sandbox] = []

    def work() -> None:
        sandbox: Sandbox | None = None
        try:
            while not stop.is_set():
                try:
                    submission = waiting.get_nowait()
                except queue.Empty:
                    break
                key = fingerprint(submission, tasks, seed, limits, walls)
                if known(submission, key):
                    ready.put(submission)
                    continue
                if sandbox is None:
                    sandbox = Sandbox(limits, walls=walls, warm=warm, secrets=secrets, place=place)
                    sandboxes.append(sandbox)
                if stop.is_set():  # it was set while the sandbox was made, so nobody has stopped this one
                    break
                report = in_any_case(sandbox, submission, tasks, key)
                if not stop.is_set():  # a stopped sandbox says of everybody that nothing was graded
                    ready.put(report)
        except BaseException as error:
            ready.put(error)
        finally:
            if sandbox is not None:
                sandbox.close()
            ready.put(None)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(max(1, min(jobs, len(submissions))))]
    for thread in threads:
        thread.start()
    running = len(threads)
    try:
        while running:
            item = ready.get()
            if item is None:
                running -= 1
            elif isinstance(item, BaseException):
                raise item
            else:
                yield item
    finally:
        stop.set()
        for sandbox in sandboxes:
            sandbox.stop()
        while any(t.is_alive() for t in threads):  # let them put their last report, and take down their sandboxes
            try:
                ready.get(timeout=0.1)
            except queue.Empty:
                continue


def to_warm(tasks: Sequence[Task]) -> list[str]:
    """The imports of all lessons, which a sandbox runs once."""
    return list(dict.fromkeys(line for task in tasks for line in imports(task.lesson)))


def in_any_case(sandbox: Sandbox, submission: Submission, tasks: Sequence[Task], key: str) -> Report:
    """A student's report, also when the grader itself fails on this student's work: nobody else may lose by it.

    Args:
        sandbox, submission, tasks: see `grade_student`.
        key: the report's fingerprint. If the grader or its sandbox failed, it has none, so a later run tries again.
    """
    try:
        report = grade_student(sandbox, submission, tasks).cleaned()
    except Exception as error:
        reason = f"the grader itself failed on this submission ({type(error).__name__}: {error}): please report it"
        return nothing_graded(submission, tasks, reason).cleaned()
    report.key = "" if report.failed else key
    return report


def default_jobs() -> int:
    """As many as there are processors to run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
