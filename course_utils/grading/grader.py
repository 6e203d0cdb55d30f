"""Grading: every exercise of every submission, checked here, while the student's code runs elsewhere.

A check first draws the inputs that the notebook draws, which every student knows. What a student's code says about them
(messages of exceptions) may be shown. Only when all exercises have been through that, the hidden inputs are drawn; from
then on no word of the student's code is shown to anybody, so that no hidden input can leave in an error message.
"""

from __future__ import annotations

import builtins
import hashlib
import os
import queue
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from course_utils.authoring import solved
from course_utils.authoring.paths import lesson_paths
from course_utils.authoring.source import Lesson, read_lesson
from course_utils.errors import CourseError
from course_utils.exercises.machine import NOTEBOOK_SEEDS, Outcome, lesson_exercises, run_check
from course_utils.grading.limits import Limits
from course_utils.grading.results import Report, Result
from course_utils.grading.sandbox import Sandbox, SandboxError
from course_utils.grading.session import RemoteCall, Session
from course_utils.grading.submissions import (
    Notebook,
    Submission,
    Unreadable,
    handed_out,
    imports,
    read_notebook,
    steps,
)

HIDDEN = 4  # hidden draws for each exercise

_CAUSES = {
    "Timeout": "Is there a loop that never ends? The real inputs of the notebook are not larger.",
    "Memory": "Is something collected in a list, or a tensor much larger than the images?",
    "Processes": "An exercise needs no processes of its own.",
    "Died": "Does your code call exit, or does it crash Python? Restart the kernel and run your notebook from the top.",
    "Protocol": "Your code wrote where only the grader writes.",
}


@dataclass
class Task:
    """A lesson, ready to be graded: its exercises, points, seeds, and what is wrong with its own checks."""

    lesson: Lesson
    seeds: dict[str, list[tuple[int, int]]]
    faulty: dict[str, str]
    cells: list  # the code cells as they were handed out


def hidden_seeds(seed: int, exercise: str) -> list[tuple[int, int]]:
    """Seeds of the hidden inputs, from the instructor's seed and the exercise; never the notebook's."""
    digest = hashlib.sha256(f"hidden inputs|{seed}|{exercise}".encode()).digest()
    return [(int.from_bytes(digest[4 * k : 4 * k + 4], "big") + 1000, k + 1) for k in range(HIDDEN)]


def prepare(lessons: Sequence[str] | None, seed: int) -> list[Task]:
    """Read the lessons, and try every check with the course's own solution: a check that fails it grades nobody.

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
                outcome = run_check(which, right[which], seeds=[*NOTEBOOK_SEEDS, *draws])
                problem = "" if outcome.passed else outcome.problem
            except Exception as error:
                problem = f"{type(error).__name__}: {error}"
            if problem:
                faulty[which] = f"the check does not accept the course's own solution ({problem})"
        tasks.append(Task(lesson, seeds, faulty, handed_out(lesson)))
    if not tasks:
        raise CourseError("There are no lessons with exercises.")
    return tasks


# --- one notebook -----------------------------------------------------------------------------------------------------


def grade_notebook(sandbox: Sandbox, notebook: Notebook, task: Task) -> tuple[list[Result], list[str]]:
    """Grade one notebook; returns the results and remarks on its cells."""
    session = Session(sandbox, steps(notebook, task.cells))
    try:
        results = {e.id: _result(task, e.id) for e in task.lesson.exercises}
        for which, one in results.items():
            if which in task.faulty:
                one.state, one.problem = "not graded", task.faulty[which]
            else:
                _check(session, one, NOTEBOOK_SEEDS, hidden=False)
        for which, one in results.items():
            if one.state == "passed":
                _check(session, one, task.seeds[which], hidden=True)
        passed = all(r.state == "passed" for r in results.values())
        return list(results.values()), [] if passed else session.notes
    finally:
        session.close()


def _result(task: Task, which: str, state: str = "not graded", problem: str = "") -> Result:
    text = next(e for e in task.lesson.exercises if e.id == which)
    function = next(e.function for e in lesson_exercises(task.lesson.number) if e.id == which)
    return Result(which, function, text.title, text.points, state, problem)


def _check(session: Session, one: Result, seeds: Sequence, *, hidden: bool) -> None:
    call = RemoteCall(session, one.function)
    for attempt in (1, 2):
        try:
            outcome = run_check(one.exercise, call, seeds=seeds)
        except SandboxError:
            raise
        except (
            Exception
        ):  # the solution passes this check with these seeds: so the answer is one that cannot be compared
            outcome = Outcome(one.exercise, one.function, "failed", "your answer has a form that cannot be compared.")
        if session.broken != "Died" or attempt == 2:
            break  # a process that died without a reason that we know gets a second try
    one.state, one.problem, one.cause = outcome.state, outcome.problem, outcome.cause
    if session.broken and not outcome.passed:
        one.cause = _CAUSES.get(session.broken, "")
    elif outcome.problem.startswith("Missing"):
        one.state, one.problem = "not written", f"There is no function `{one.function}` in the notebook."
        one.cause = "Did its cell raise an error? See the remarks on the cells." if session.notes else ""
    elif hidden and not outcome.passed:
        _say_nothing_hidden(one)


def _say_nothing_hidden(one: Result) -> None:
    """From hidden inputs, only words of our own are shown: no message of an exception, no shapes, no factors."""
    if one.state == "error":
        kind = one.problem.split(":")[0]
        known = isinstance(getattr(builtins, kind, None), type)
        one.problem = f"It raised {kind if known else 'an error'} on other inputs than the notebook's."
    else:
        one.problem = re.sub(r"\(\d[\d, ]*\)", "(...)", one.problem)
        one.problem = f"On other inputs than the notebook's: {one.problem}"
        one.cause = re.sub(r"(?<=are )[-+.\de]+(?= times)", "a number", one.cause)
    one.cause = one.cause or "Does it hold for other sizes, other classes, more images?"


# --- one student ------------------------------------------------------------------------------------------------------


def grade_student(sandbox: Sandbox, submission: Submission, tasks: Sequence[Task]) -> Report:
    """Grade all notebooks of a student. What cannot be graded is said, and is no zero."""
    report = Report(submission.student)
    by_number = {t.lesson.number: t for t in tasks}
    chosen: dict[str, Notebook] = {}
    reasons: list[str] = [submission.problem] if submission.problem else []
    for path in submission.notebooks:
        try:
            notebook = read_notebook(path, [t.lesson for t in tasks])
        except (Unreadable, OSError) as error:
            reasons.append(f"{path.name}: {error}")
            continue
        other = chosen.get(notebook.lesson)
        if other is not None:
            newer = max(other, notebook, key=lambda n: (n.path.stat().st_mtime, n.path.name))
            report.notes.append(f"lesson {notebook.lesson} was handed in more than once; graded: {newer.path.name}")
            notebook = newer
        chosen[notebook.lesson] = notebook
    single = len(submission.notebooks) == 1 and len(tasks) > 1  # one notebook stands for its lesson alone
    for number, task in by_number.items():
        if number in chosen:
            try:
                results, notes = grade_notebook(sandbox, chosen[number], task)
            except SandboxError as error:
                results = [_result(task, e.id, problem=str(error)) for e in task.lesson.exercises]
                notes = []
            report.results += results
            report.notes += notes
        elif not (single and chosen):
            reason = "; ".join(reasons) or f"no notebook of lesson {number} was handed in"
            report.results += [_result(task, e.id, problem=reason) for e in task.lesson.exercises]
    if chosen:
        report.notes += reasons
    return report


# --- the class --------------------------------------------------------------------------------------------------------


def fingerprint(submission: Submission, tasks: Sequence[Task], seed: int, limits: Limits) -> str:
    """A hash of all that a result depends on: the notebooks, the lessons and their checks, the seed, the grader."""
    digest = hashlib.sha256(f"{submission.student}|{submission.problem}|{seed}|{limits}".encode())
    package = Path(__file__).resolve().parents[1]
    ours = [*sorted((package / "exercises").glob("*.py")), *sorted((package / "grading").rglob("*.py"))]
    for path in [*(t.lesson.path for t in tasks), *ours, *submission.notebooks]:
        digest.update(f"|{path.name}|".encode())
        try:
            with open(path, "rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        except OSError:
            digest.update(b"unreadable")
    return digest.hexdigest()


def grade_class(
    submissions: Sequence[Submission],
    tasks: Sequence[Task],
    *,
    seed: int,
    jobs: int = 1,
    limits: Limits | None = None,
    walls: bool = True,
    secrets: Sequence[Path] = (),
    known: Callable[[Submission, str], bool] = lambda *_: False,
) -> Iterator[Report | Submission]:
    """Grade many students, `jobs` at a time; yields each report when it is ready, and `known` submissions as they are.

    Raises:
        SandboxError: no sandbox can be started.
    """
    limits = limits or Limits()
    waiting: queue.SimpleQueue = queue.SimpleQueue()
    ready: queue.Queue = queue.Queue(maxsize=2 * jobs)
    for submission in submissions:
        waiting.put(submission)
    warm = list(dict.fromkeys(line for t in tasks for line in imports(t.lesson)))
    stop = threading.Event()

    def work() -> None:
        sandbox: Sandbox | None = None
        try:
            while not stop.is_set():
                try:
                    submission = waiting.get_nowait()
                except queue.Empty:
                    break
                key = fingerprint(submission, tasks, seed, limits)
                if known(submission, key):
                    ready.put(submission)
                    continue
                sandbox = sandbox or Sandbox(limits, walls=walls, warm=warm, secrets=secrets)
                report = grade_student(sandbox, submission, tasks)
                report.key = key
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
        while any(t.is_alive() for t in threads):  # let them put their last report, and take down their sandboxes
            try:
                ready.get(timeout=0.1)
            except queue.Empty:
                continue


def default_jobs() -> int:
    """As many as there are processors to run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
