"""`course grade` against nbgrader's autograde: submissions of lesson 07 per minute, in one run on this machine.

    python tests/benchmarks/bench_grading.py [--students 40] [--nbgrader 2] [--jobs 2]

Both grade the same lesson: `course export nbgrader` writes it for nbgrader, whose autograde runs the whole notebook. So that
nbgrader is not slowed down by the lesson's pictures, it is timed a second time on a notebook of nothing but the setup cell, the
exercises and their tests ("bare").
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
import psutil

from course_utils.authoring.cells import is_claim
from course_utils.authoring.editions import build
from course_utils.authoring.files import to_text
from course_utils.authoring.paths import lesson_paths
from course_utils.authoring.source import read_lesson
from course_utils.grading.export import export_nbgrader

LESSON = "07"


def submit(course: Path, students: int, *, bare: bool) -> str:
    """Solved notebooks in nbgrader's folders; returns the assignment."""
    name = f"lesson-{LESSON}"
    (source,) = (course / "source" / name).glob("*.ipynb")
    if bare:
        book = nbformat.read(source, as_version=4)
        book.cells = [c for c in book.cells if "nbgrader" in c.metadata or "setup" in c.metadata.get("tags", [])]
        nbformat.write(book, source)
        nbgrader(course, "generate_assignment", name, "--create", "--force")
    for i in range(students):
        folder = course / "submitted" / f"student{i:03}" / name
        folder.mkdir(parents=True)
        shutil.copy(source, folder)
    return name


def nbgrader(course: Path, *words: str) -> float:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    started = time.monotonic()
    command = [sys.executable, "-m", "nbgrader", *words]
    ran = subprocess.run(command, cwd=course, env=environment, capture_output=True, text=True)
    if ran.returncode:
        raise SystemExit(ran.stderr[-2000:])
    return time.monotonic() - started


def ours(folder: Path, jobs: int) -> tuple[float, int]:
    """Seconds for all submissions in a folder, with the start of everything, and the largest memory in MB."""
    out = folder.parent / "graded"
    command = [sys.executable, "-c", "from course_utils.cli import main; main()", "grade", str(folder)]
    command += ["--out", str(out), "--lessons", LESSON, "--jobs", str(jobs)]
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    most = 0
    while process.poll() is None:
        try:
            family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
            most = max(most, sum(p.memory_info().rss for p in family) >> 20)
        except psutil.Error:
            pass
        time.sleep(0.5)
    if process.returncode:
        raise SystemExit(process.stderr.read().decode()[-2000:])
    return time.monotonic() - started, most


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--students", type=int, default=40, help="for course grade")
    parser.add_argument("--nbgrader", type=int, default=2, help="students for nbgrader")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--bare", action="store_true", help="time nbgrader on the bare notebook only")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        whole, bare = Path(place) / "whole", Path(place) / "bare"
        for course in (bare,) if options.bare else (bare, whole):
            export_nbgrader(course, [LESSON])
        rates = {}
        for label, course in (("nbgrader, bare notebook", bare), ("nbgrader, the lesson", whole)):
            if not course.exists():
                continue
            name = submit(course, options.nbgrader, bare=course == bare)
            seconds = nbgrader(course, "autograde", name)
            rates[label] = 60 * options.nbgrader / seconds
            print(
                f"{label}: {options.nbgrader} submissions in {seconds:.1f} s, {rates[label]:.1f} a minute", flush=True
            )
        folder = Path(place) / "ours" / "submitted"
        lesson = read_lesson(lesson_paths([LESSON])[0])
        book = build(lesson, "solution")
        book.cells = [cell for cell in book.cells if not is_claim(cell)]  # students do not have them
        text = to_text(book)
        folder.mkdir(parents=True)
        for i in range(options.students):
            (folder / f"student{i:03}.ipynb").write_text(text)
        seconds, memory = ours(folder, options.jobs)
        mine = 60 * options.students / seconds
        print(f"course grade: {options.students} submissions in {seconds:.1f} s with {options.jobs} jobs, {mine:.1f} a minute, "
              f"all processes together {memory} MB")  # fmt: skip
        for label, rate in rates.items():
            print(f"course grade / {label}: {mine / rate:.1f}")


if __name__ == "__main__":
    main()
