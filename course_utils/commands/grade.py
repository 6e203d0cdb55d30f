"""`course grade`, `course release` and `course export`: the instructor's commands."""

from __future__ import annotations

import json
import secrets
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from course_utils.errors import CourseError


def grade(
    submissions: Path,
    *,
    out: Path,
    lessons: str | None,
    seed: int | None,
    jobs: int | None,
    student: str | None,
    sandbox: bool,
    call_seconds: float,
    total_seconds: float,
    memory_mb: int,
    roster: Path | None = None,
    scheduler: str | None = None,
    local_workers: int | None = None,
) -> int:
    """Grade submissions and write the results; returns the exit status, 1 if somebody could not be graded.

    With a roster, its students are who is graded; a submission that fits none of them is named, and is not graded. With
    a scheduler or local workers, Dask's workers grade, each in a sandbox of its own; see docs/cluster.md.
    """
    import torch

    from course_utils.cluster import workers
    from course_utils.cluster.bar import long_bar
    from course_utils.grading import gradebook
    from course_utils.grading import report as reports
    from course_utils.grading.classroom import default_jobs, fingerprint, grade_class
    from course_utils.grading.folder import only_grader
    from course_utils.grading.limits import Limits
    from course_utils.grading.over_cluster import grade_over
    from course_utils.grading.plain_text import plain_text
    from course_utils.grading.results import Report
    from course_utils.grading.roster import NOTHING, Matched, match, read_roster
    from course_utils.grading.submissions import find_submissions
    from course_utils.grading.tasks import prepare
    from course_utils.grading.walls import bubblewrap_problem

    on_cluster = scheduler is not None or local_workers is not None
    if on_cluster and (jobs is not None or not sandbox):
        other = "--jobs" if jobs is not None else "--no-sandbox"
        raise CourseError(f"{other} is for grading in this process; on a cluster, every worker has one sandbox.")
    if sandbox:
        problem = "" if scheduler is not None else bubblewrap_problem()  # the workers look themselves
        if problem:
            raise CourseError(
                f"Refused: other people's code runs only in a sandbox, and {problem}. "
                "For your own notebooks there is --no-sandbox."
            )
    else:
        print(
            "--no-sandbox: the notebooks run as you: they can read and change all your files and use the network, "
            "and can look up the solutions. Only for your own notebooks.",
            file=sys.stderr,
        )
    torch.set_num_threads(1)  # the networks are tiny
    if out.exists() and not out.is_dir():
        raise CourseError(f"{out} is a file; --out needs a folder.")
    if out.resolve() == submissions.resolve():
        raise CourseError(f"{out}: the results need a folder of their own; choose another --out.")
    if roster is not None and student is not None:
        raise CourseError("--student is for the work of one, --roster for a class: give one of them.")
    if on_cluster:  # workers have folders of their own
        submissions, out = submissions.absolute(), out.absolute()
    people = read_roster(roster) if roster is not None else []
    found = find_submissions(
        submissions, student, leave_out=out, tell=lambda line: print(plain_text(line), file=sys.stderr)
    )
    matched = match(people, found) if people else Matched(found)
    for name, why in matched.strangers:
        print(f"not graded: {plain_text(name)}: {why}", file=sys.stderr)
    found = matched.submissions
    by_name = {one.student: one for one in found}
    limits = Limits(call=call_seconds, total=total_seconds, memory=memory_mb << 20)
    every: dict[str, Report] = {}
    before = missed = 0

    def known(submission, key: str) -> bool:
        old = reports.load_student(out, submission.student)
        if old is None or old.key != key or not (out / "feedback").is_dir():
            return False
        old.late = old.student in matched.late  # an older version of the course did not write it
        every[submission.student] = old
        return True

    with only_grader(out), _ended_by_signals():
        seed = _seed(out, seed)
        tasks = prepare([n.strip() for n in lessons.split(",") if n.strip()] if lessons else None, seed)
        for task in tasks:
            for which, problem in task.faulty.items():
                print(f"{which} will not be graded: {problem}", file=sys.stderr)
        shared = {"seed": seed, "limits": limits, "secrets": [submissions, out], "known": known}
        if on_cluster and all(known(one, fingerprint(one, tasks, seed, limits, sandbox)) for one in found):
            scheduler = local_workers = None  # nobody is left for them
        with workers(scheduler, local=local_workers) as client:
            if client is None:
                work = grade_class(found, tasks, jobs=jobs or default_jobs(), walls=sandbox, place=out, **shared)
            else:
                work = grade_over(client, found, tasks, place=submissions, **shared)
            with closing(work), long_bar(len(found), unit="student") as bar:
                for item in work:
                    if isinstance(item, Report):
                        missed += item.state == "not graded"
                        item.graded_at, item.handed_in = _when(time.time()), _changed(by_name[item.student].notebooks)
                        item.late = item.student in matched.late
                        reports.save_student(out, item)
                        every[item.student] = item
                    else:
                        before += 1
                    bar.set_postfix({"not graded": missed}, refresh=False)
                    bar.update()
        in_order = [every[s.student] for s in found]
        gradebook.save_class(out, in_order, people, matched.strangers)
    print(gradebook.summary_text(in_order))
    print(f"{len(found)} students ({before} were graded before), seed {seed}: {out / 'gradebook.csv'}")
    left = [r for r in in_order if r.state != "graded" and gradebook.state(r) != NOTHING]
    return 1 if left or matched.strangers else 0


def _when(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(seconds))


def _changed(files: Sequence[Path]) -> str:
    """When the newest of these files was changed."""
    times = []
    for path in files:
        with suppress(OSError):
            times.append(path.stat().st_mtime)
    return _when(max(times)) if times else ""


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Ctrl-C, SIGTERM and a closed terminal end the command: sandboxes and their folders go, and it is said."""

    def end(number: int, _: object) -> None:
        print("stopped; start it again to go on: who is graded already is skipped", file=sys.stderr)
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _seed(out: Path, seed: int | None) -> int:
    """The seed of the hidden inputs: as given, else that of the earlier run, else a new one that nobody can guess."""
    from course_utils.grading.folder import write_atomically

    path = out / "grading.json"
    if seed is None:
        try:
            seed = int(json.loads(path.read_text(encoding="utf-8"))["seed"])
        except (OSError, ValueError, KeyError, TypeError):
            seed = secrets.randbelow(10**9)
    write_atomically(path, json.dumps({"seed": seed}) + "\n")
    return seed


def hand_out(to: Path, lessons: list[str] | None, *, solutions: bool = False, language: str = "") -> int:
    """`course release`. For the options see `release.release`."""
    from course_utils.authoring.paths import lesson_paths
    from course_utils.authoring.release import carried, release
    from course_utils.authoring.source import read_lesson
    from course_utils.languages import translated_lessons

    print(release(to, lessons, solutions=solutions, language=language))
    sources = sorted(set(lesson_paths(lessons)))
    if language and (left := [s.stem[:2] for s in sources if s.stem[:2] not in translated_lessons(language)]):
        print(f"Not translated into {language}, so in English: {', '.join(left)}.")
    if solutions:
        print("It holds the solutions of its exercises: not for a class that is graded.")
    others = carried([read_lesson(path) for path in sources])
    if others:
        said = "; ".join(f"{', '.join(which)} ({file})" for file, which in others.items())
        print(f"These lessons use methods that are the answers of exercises you do not hand out: {said}.")
    return 0


def export_to_nbgrader(to: Path, lessons: list[str] | None, seed: int | None) -> int:
    """`course export nbgrader`."""
    from course_utils.grading.export import export_nbgrader

    seed = secrets.randbelow(10**9) if seed is None else seed
    names = export_nbgrader(to, lessons, seed=seed)
    print(f"{to}: {', '.join(names)}")
    if not (to / "release").is_dir():
        print("nbgrader is not installed here (pip install nbgrader==0.9.6); there, for each of them:")
        print(f"    cd {to} && nbgrader generate_assignment {names[0]} --create")
    print("nbgrader runs the tests inside of the student's notebook, where they can be cheated; course grade does not.")
    return 0


def export_to_gradescope(to: Path, lessons: list[str], seed: int | None) -> int:
    """`course export gradescope`."""
    from course_utils.grading.export import export_gradescope

    print(export_gradescope(to, lessons, seed=secrets.randbelow(10**9) if seed is None else seed))
    return 0
