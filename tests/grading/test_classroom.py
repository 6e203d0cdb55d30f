"""`course grade` on what people really bring: everybody has a line in the gradebook, and nobody stops the others."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from course_utils.authoring.paths import ROOT
from course_utils.commands import grade as command
from course_utils.errors import CourseError
from course_utils.grading import classroom, folder
from course_utils.grading import report as reports
from course_utils.grading.results import Report
from course_utils.grading.sandbox import PREFIX
from course_utils.grading.submissions import Submission
from course_utils.grading.walls import bubblewrap_problem
from tests.grading.hostile import notebook, with_body, with_cell

pytestmark = pytest.mark.skipif(bool(bubblewrap_problem()), reason=f"no sandbox here: {bubblewrap_problem()}")
LONG = "\u5f35" * 80  # 240 bytes


def run(place, out, **options):
    defaults = {"lessons": "07", "seed": 5, "jobs": 1, "student": None, "sandbox": True}
    limits = {"call_seconds": 30.0, "total_seconds": 300.0, "memory_mb": 2048}
    return command.grade(place, out=out, **{**defaults, **limits, **options})


def small(book):
    """Only the cells that 07.5 needs, which gives one point."""
    book["cells"] = [
        c for c in book["cells"] if c["metadata"].get("exercise") == "07.5" or "setup" in c["metadata"].get("tags", [])
    ]
    return book


def test_a_class_of_odd_ones(tmp_path, capsys, monkeypatch):
    place, out = tmp_path / "in", tmp_path / "in" / "graded"
    place.mkdir()
    right = json.dumps(small(notebook()))
    odd = with_cell(small(notebook()), "raise ValueError('\ud83d \x1b[31m \u202e')", 1)
    names = ["ann", "Ann", "Jose\u0301", "Jose_-11b942de", LONG, "x\r=1+1", "x;=1+1", "\x1b[31mred", "__init__"]
    for name in names:
        (place / name).mkdir()
        (place / name / "07.ipynb").write_text(json.dumps(odd) if name == "Ann" else right)
    os.mkdir(os.fsencode(place) + b"/M\xfcller")
    (place / os.fsdecode(b"M\xfcller") / os.fsdecode(b"l\xf6sung.ipynb")).write_text(right)
    (place / "Jose_-11b942de" / "07.ipynb").write_text(json.dumps(small(notebook("student"))))
    (place / "old.ipynb").write_text('{"nbformat": 3, "worksheets": []}')
    (place / "work.zip").write_bytes(b"PK")
    (place / "bad.ipynb").write_text(right)
    os.mkfifo(place / "pipe.ipynb")
    grade = classroom.grade_student

    def spoiled(sandbox, submission, tasks):
        if submission.student == "bad":
            raise ZeroDivisionError("something that nobody thought of")
        return grade(sandbox, submission, tasks)

    monkeypatch.setattr(classroom, "grade_student", spoiled)
    assert run(place, out) == 1
    text = (out / "gradebook.csv").read_text()
    rows = {r["student"]: r for r in csv.DictReader(io.StringIO(text))}
    assert len(text.splitlines()) == len(rows) + 1 == 2 + len(names) + 5
    lost = {s: r["not graded because"] for s, r in rows.items() if r["state"] != "graded" and s != "(points)"}
    assert sorted(lost) == ["bad", "old", "pipe", "work"]
    assert "ZeroDivisionError" in lost["bad"] and "current Jupyter" in lost["old"]
    totals = [r["total"] for s, r in rows.items() if s not in (*lost, "(points)", "Jose_-11b942de")]
    assert set(totals) == {"1"} and rows["Jose_-11b942de"]["total"] == "0"
    said = capsys.readouterr()
    assert all(line.isprintable() for line in said.out.splitlines()) and "\x1b" not in said.out
    assert run(place, out) == 1
    # where the grader itself failed, it tries again
    assert f"{len(rows) - 1} students ({len(rows) - 2} were graded before)" in capsys.readouterr().out


def test_names_below_the_folder_in_which_one_is(tmp_path, monkeypatch):
    """As people type them: `course grade submissions`, with the results in `graded`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "submissions" / "ann").mkdir(parents=True)
    (tmp_path / "submissions" / "ann" / "07.ipynb").write_text(json.dumps(small(notebook())))
    assert run(Path("submissions"), Path("graded")) == 0
    rows = {r["student"]: r for r in csv.DictReader(io.StringIO((tmp_path / "graded" / "gradebook.csv").read_text()))}
    assert rows["ann"]["total"] == "1" and not rows["ann"]["not graded because"]


def test_a_lesson_that_was_asked_for_and_not_handed_in(tmp_path):
    (tmp_path / "in" / "ann").mkdir(parents=True)
    (tmp_path / "in" / "ann" / "07.ipynb").write_text(json.dumps(small(notebook())))
    assert run(tmp_path / "in", tmp_path / "out", lessons="02,07") == 1
    report = reports.load_student(tmp_path / "out", "ann")
    assert report.state == "partly graded"
    assert {r.problem for r in report.results if r.score is None} == {"no notebook of lesson 02 was handed in"}


def test_the_folder_of_results_is_not_the_submissions(tmp_path):
    with pytest.raises(CourseError, match="a folder of their own"):
        run(tmp_path, tmp_path)


def test_a_second_grader_is_sent_away(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "ann.ipynb").write_text(json.dumps(notebook()))
    with folder.only_grader(tmp_path / "out"), pytest.raises(CourseError, match="another `course grade`"):
        run(tmp_path / "in", tmp_path / "out")


def test_a_fingerprint_holds_every_name():
    names = ["ann", os.fsdecode(b"M\xfcller"), "\ud83d"]
    keys = {classroom.fingerprint(Submission(n, problem=n), [], 1, None, True) for n in names}
    assert len(keys) == 3


@pytest.mark.parametrize(
    "name", ["hooks.py", "networks/network.py", "exercises/messages.py", "grading/inside/serve.py"]
)
def test_a_fingerprint_holds_the_courses_code(name, tmp_path, monkeypatch):
    monkeypatch.setattr(classroom, "PACKAGE", tmp_path / "course_utils")
    file = tmp_path / "course_utils" / name
    file.parent.mkdir(parents=True)
    keys = []
    for text in ("", "# changed", ""):
        file.write_text(text)
        classroom.code_of_the_course.cache_clear()
        keys.append(classroom.fingerprint(Submission("ann"), [], 1, None, True))
    classroom.code_of_the_course.cache_clear()
    assert keys[0] == keys[2] != keys[1]


def test_a_fingerprint_holds_what_lies_where_and_what_is_newer(tmp_path):
    files = [tmp_path / "ann" / name for name in ("a/x.ipynb", "a/y.ipynb", "a/help.py", "b/help.py")]
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("{}")

    def key(module, newer):
        for file in files[:2]:
            os.utime(file, (1e9 + (file == newer), 1e9 + (file == newer)))
        return classroom.fingerprint(Submission("ann", files[:2], modules=[module]), [], 1, None, True)

    assert len({key(module, newer) for module in files[2:] for newer in files[:2]}) == 4
    before = key(files[2], files[0])
    (tmp_path / "ann").rename(tmp_path / "moved")
    files = [tmp_path / "moved" / file.relative_to(tmp_path / "ann") for file in files]
    assert key(files[2], files[0]) == before


def test_a_result_without_the_sandbox_is_none_with_it(tmp_path, monkeypatch):
    keys = []
    monkeypatch.setattr(classroom, "grade_student", lambda *_: Report("ann"))
    for walls in (True, False, True):
        (report,) = classroom.grade_class([Submission("ann")], [], seed=1, walls=walls, place=tmp_path)
        keys.append(report.key)
    assert keys[0] == keys[2] != keys[1]


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.sweep)])
def test_stopped_it_leaves_nothing(number, tmp_path):
    (tmp_path / "in").mkdir()
    book = with_body(notebook(), "07.1", "while True: pass")
    (tmp_path / "in" / "ann.ipynb").write_text(json.dumps(book))
    out = tmp_path / "out"
    line = [sys.executable, "-c", "from course_utils.cli import main; main()", "grade", str(tmp_path / "in")]
    line += ["--out", str(out), "--lessons", "07", "--jobs", "1"]
    environment = {**os.environ, "TMPDIR": str(tmp_path / "tmp")}
    (tmp_path / "tmp").mkdir()
    process = subprocess.Popen(line, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
    while not list(out.glob(f"{PREFIX}*/course_utils/grading/inside/boot.py")):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.02)
    time.sleep(2)  # in the middle of the function that never ends, or of the start of the sandbox
    process.send_signal(number)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 128 + number and "start it again to go on" in said and "Traceback" not in said
    assert sorted(p.name for p in out.iterdir()) == ["grading.json"]
    assert list((tmp_path / "tmp").iterdir()) == []
