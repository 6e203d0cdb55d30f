"""Grading: every exercise of every submission, checked here, while the student's code runs elsewhere.

A check first draws the inputs that the notebook draws, which every student knows. What a student's code says about them
(messages of exceptions) may be shown. Only when all exercises have been through that, the hidden inputs are drawn; from
then on no word of the student's code is shown to anybody, so that no hidden input can leave in an error message.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Sequence

from course_utils.exercises.machine import NOTEBOOK_SEEDS, lesson_exercises, run_check
from course_utils.exercises.reference import ANSWERS
from course_utils.grading.notebooks import Notebook, Unreadable, read_notebook, steps
from course_utils.grading.results import Report, Result
from course_utils.grading.sandbox import Sandbox, SandboxError
from course_utils.grading.session import RemoteCall, Session
from course_utils.grading.submissions import Submission
from course_utils.grading.tasks import Task

_CAUSES = {
    "Timeout": "Is there a loop that never ends? The real inputs of the notebook are not larger.",
    "Memory": "Is something collected in a list, or a tensor much larger than the images?",
    "Processes": "An exercise needs no processes of its own.",
    "Died": "Does your code call exit, or does it crash Python? Restart the kernel and run your notebook from the top.",
    "Size": "Is something collected that is not asked for? Return the answer alone.",
    "Protocol": "Your code wrote where only the grader writes.",
}


# --- one notebook -----------------------------------------------------------------------------------------------------


def grade_notebook(sandbox: Sandbox, notebook: Notebook, task: Task) -> tuple[list[Result], list[str]]:
    """Grade one notebook; returns the results and remarks on its cells."""
    session = Session(sandbox, steps(notebook, task.cells), ANSWERS.get(task.lesson.number, ()))
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
        outcome = run_check(one.exercise, call, seeds=seeds)
        if session.broken != "Died" or attempt == 2:
            break  # a process that died without a reason that we know gets a second try
    one.state, one.problem, one.cause = outcome.state, outcome.problem, outcome.cause
    if session.broken and not outcome.passed:
        one.cause = _CAUSES.get(session.broken, "")
    elif call.missing:
        one.state, one.problem = "not written", f"There is no function `{one.function}` in the notebook."
        one.cause = "Did its cell raise an error? See the remarks on the cells." if session.notes else ""
    elif outcome.error is not None and not call.answers:
        one.state, one.problem, one.cause = (
            "not graded",
            f"the check itself failed ({type(outcome.error).__name__})",
            "",
        )
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
    report = Report(submission.student, notes=list(submission.remarks))
    chosen, reasons = _choose(submission, tasks, report.notes)
    for task in tasks:
        number = task.lesson.number
        if number in chosen:
            try:
                results, notes = grade_notebook(sandbox, chosen[number], task)
            except SandboxError as error:
                results, notes, report.failed = _not_graded(task, str(error)), [], True
            report.results += results
            report.notes += notes
        elif task.asked or len(submission.notebooks) != 1 or not chosen:  # else it stands for its lesson alone
            reason = "; ".join([*reasons, *submission.remarks]) or f"no notebook of lesson {number} was handed in"
            report.results += _not_graded(task, reason)
    if chosen:
        report.notes += reasons
    return report


def nothing_graded(submission: Submission, tasks: Sequence[Task], reason: str) -> Report:
    """The report of a student whose work could not be graded at all."""
    return Report(submission.student, [r for task in tasks for r in _not_graded(task, reason)])


def _not_graded(task: Task, reason: str) -> list[Result]:
    return [_result(task, e.id, problem=reason) for e in task.lesson.exercises]


def _choose(submission: Submission, tasks: Sequence[Task], notes: list[str]) -> tuple[dict[str, Notebook], list[str]]:
    """One notebook for each lesson, and why others cannot be graded; `notes` gets what the student should know."""
    chosen: dict[str, Notebook] = {}
    reasons = [submission.problem] if submission.problem else []
    for path in submission.notebooks:
        try:
            notebook = read_notebook(path, [t.lesson for t in tasks], submission.modules)
        except Unreadable as error:
            reasons.append(f"{path.name}: {error}")
            continue
        except OSError as error:
            reasons.append(f"{path.name}: it cannot be read ({error.strerror})")
            continue
        other = chosen.get(notebook.lesson)
        if other is not None:
            notebook = max(other, notebook, key=lambda n: (n.path.stat().st_mtime, n.path.name))
            notes.append(f"lesson {notebook.lesson} was handed in more than once; graded: {notebook.path.name}")
        chosen[notebook.lesson] = notebook
    notes += dict.fromkeys(remark for notebook in chosen.values() for remark in notebook.remarks)
    return chosen, reasons
