"""`course patches` and `course grade` with workers: the files of the run without, and mistakes in one line."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from course_utils.activations import top_patches
from course_utils.authoring.paths import lesson_paths
from course_utils.authoring.source import read_lesson
from course_utils.cli import app
from course_utils.cluster import bar
from course_utils.cluster.run import Died, NotHere, Unfit
from course_utils.commands import grade as grade_command
from course_utils.commands import patches as patches_command
from course_utils.engines.patch_pass import PatchPass
from course_utils.errors import CourseError
from course_utils.grading import over_cluster
from course_utils.grading import report as reports
from course_utils.grading.limits import Limits
from course_utils.grading.results import Report
from course_utils.grading.sandbox import Sandbox
from course_utils.grading.submissions import Submission, find_submissions
from course_utils.grading.tasks import Task, prepare
from course_utils.grading.walls import bubblewrap_problem
from course_utils.images import save_image
from tests.grading.hostile import notebook

needs_walls = pytest.mark.skipif(bool(bubblewrap_problem()), reason=f"no sandbox here: {bubblewrap_problem()}")
LIMITS = {"call_seconds": 30.0, "total_seconds": 300.0, "memory_mb": 2048}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place, generator = tmp_path_factory.mktemp("pictures"), torch.Generator().manual_seed(1)
    for n in range(20):
        save_image(torch.rand(3, 40, 40, generator=generator), place / f"{n:02}.png")
    (place / "05b.png").write_text("no picture")
    return place


def find(folder, out, **options):
    return patches_command.find_patches(folder, layer="conv1", network="cifar_net", out=out, **options)


def line_by_line(monkeypatch):
    """As where nobody watches for a minute, which is over at once."""
    monkeypatch.setattr(bar, "_SECONDS", 0)


def test_the_patches_and_their_files(folder, tmp_path, threads, cifar, monkeypatch, capsys):
    assert find(folder, tmp_path / "b", k=3) == 0
    assert "of 21" not in capsys.readouterr().err  # it took less than a minute
    line_by_line(monkeypatch)
    assert find(folder, tmp_path / "a", k=3) == 0
    said = capsys.readouterr()
    assert "patches of conv1: 20 of 21 in " in said.err
    assert "20 images in" in said.out and "1 broken" in said.out and "05b.png" in said.err
    address = threads.scheduler.address
    assert find(folder, tmp_path / "b", k=3, scheduler=address, checkpoint=tmp_path / "c") == 0
    assert find(folder, tmp_path / "c2", k=3, checkpoint=tmp_path / "c") == 0
    assert find(folder, tmp_path / "d", k=3, channels="2,2,1") == 0
    rows = list(csv.DictReader((tmp_path / "d" / "patches.csv").open()))
    assert [row["channel"] for row in rows] == ["2"] * 3 + ["1"] * 3
    texts = [(tmp_path / name / "patches.csv").read_text() for name in ("a", "b", "c2")]
    assert texts[0] == texts[1] == texts[2]
    rows = list(csv.DictReader(texts[0].splitlines()))
    found = top_patches(cifar, sorted(folder.glob("*.png")), "conv1", k=3, size=32, progress=False)
    assert len(rows) == 3 * len(found.channels)
    for row in rows:
        channel, rank = int(row["channel"]), int(row["rank"]) - 1
        assert float(row["value"]) == found.values[channel, rank].item()
        assert row["image"] == sorted(folder.glob("*.png"))[found.images[channel, rank]].name
    assert (tmp_path / "b" / "patches.png").stat().st_size > 10_000
    assert (tmp_path / "b" / "broken.txt").read_text().endswith("05b.png\n")


def test_stopped_before_the_end_it_keeps_what_it_has(folder, tmp_path, monkeypatch, capsys):
    take = PatchPass.take

    def stopped(self, found, first, batch):
        if first:
            raise KeyboardInterrupt
        return take(self, found, first, batch)

    monkeypatch.setattr(PatchPass, "take", stopped)
    assert find(folder, tmp_path / "a", k=3) == 130
    assert "6 images in" in capsys.readouterr().out and (tmp_path / "a" / "patches.csv").exists()


def test_a_name_that_is_no_text_and_a_folder_that_changes(folder, tmp_path, monkeypatch):
    place = tmp_path / "pictures"
    place.mkdir()
    odd = os.fsdecode(b"M\xfcller.png")
    for name in (odd, "b.png"):
        (place / name).write_bytes((folder / "03.png").read_bytes())
    (place / (odd + ".png")).write_text("no picture")
    assert find(place, tmp_path / "a", k=1) == 0
    assert odd.encode(errors="surrogateescape") in (tmp_path / "a" / "patches.csv").read_bytes()
    assert (tmp_path / "a" / "broken.txt").read_bytes() == os.fsencode(place / (odd + ".png")) + b"\n"
    take = PatchPass.take

    def meanwhile(*given):
        (place / "a.png").write_bytes((folder / "04.png").read_bytes())
        return take(*given)

    monkeypatch.setattr(PatchPass, "take", meanwhile)
    with pytest.raises(CourseError, match="Files were added to"):
        find(place, tmp_path / "b", k=1)
    with pytest.raises(CourseError, match="would be one of the next run's"):
        find(place, place / "patches", k=1)


@pytest.mark.parametrize(
    "words, said",
    [
        (["--layer", "conv9"], "has no layer 'conv9'"),
        (["--layer", "conv1", "--channels", "3;4"], "--channels takes numbers such as 3,17,200"),
        (["--layer", "conv1", "--channels", "99"], "has channels 0 to 15, not"),
        (["--layer", "conv1", "--images", "nowhere"], "There is no folder"),
        (["--layer", "conv1", "--out", "/proc/nope/o"], "/proc/nope/o: the patches cannot be written"),
        (["--layer", "conv1", "--checkpoint", "/proc/nope/c"], "/proc/nope/c: the checkpoint cannot be written"),
        (["--layer", "conv1", "--scheduler", "tcp://127.0.0.1:1", "--local-workers", "2"], "give a scheduler or"),
    ],
)
def test_a_mistake_is_told_in_one_line(words, said, folder, tmp_path, monkeypatch):
    if "channels 0" not in said:  # for this one it has to begin
        monkeypatch.setattr(PatchPass, "take", lambda *_: pytest.fail("it has begun"))
    words = words if "--images" in words else [*words, "--images", str(folder)]
    run = CliRunner().invoke(app, ["patches", "--network", "cifar_net", "--out", str(tmp_path / "o"), *words])
    assert run.exit_code == 2 and said in run.output and run.output.count("\n") == 1, run.output


@pytest.fixture
def own_scheduler(tmp_path):
    """A scheduler with one worker: its process, which can be killed, and its address."""
    file, processes = tmp_path / "scheduler.json", []
    for name, options in (("scheduler", ["--port", "0"]), ("worker", ["--nthreads", "1", "--no-nanny"])):
        options += ["--scheduler-file", file, "--dashboard-address", ":0"]
        line = [sys.executable, "-m", f"distributed.cli.dask_{name}", *map(str, options)]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": tmp_path}
        processes.append(subprocess.Popen(line, **quiet))
    try:
        while not file.exists() or not file.read_text():
            assert processes[0].poll() is None
            time.sleep(0.05)
        yield processes[0], json.loads(file.read_text())["address"]
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_a_killed_scheduler_is_told_and_the_run_goes_on(folder, tmp_path, own_scheduler, monkeypatch):
    """The scheduler is killed when some of the work is done; the rest is done here."""
    scheduler, address = own_scheduler
    merge = PatchPass.merge

    def deadly(self, found, other):
        scheduler.kill()
        return merge(self, found, other)

    options = {"k": 3, "checkpoint": tmp_path / "c", "out": tmp_path / "b"}
    monkeypatch.setattr("course_utils.engines.passes.FILES", 4)
    monkeypatch.setattr(patches_command, "BATCH", 2)
    with monkeypatch.context() as patch, pytest.raises(CourseError, match="The scheduler is gone"):
        patch.setattr(PatchPass, "merge", deadly)
        find(folder, scheduler=address, **options)
    assert (tmp_path / "c").exists() and not list((tmp_path / "b").iterdir())
    assert find(folder, **options) == 0
    assert find(folder, tmp_path / "a", k=3) == 0
    assert (tmp_path / "a" / "patches.csv").read_text() == (tmp_path / "b" / "patches.csv").read_text()


# --- grading ----------------------------------------------------------------------------------------------------------


def grade(place, out, **options):
    fixed = {"lessons": "07", "seed": 5, "jobs": None, "student": None, "sandbox": True, **LIMITS}
    return grade_command.grade(place, out=out, **{**fixed, **options})


def written(out):
    files = {}
    for path in sorted(p for p in out.rglob("*") if p.is_file() and p.name != "attempts.csv"):
        files[path.relative_to(out).as_posix()] = text = path.read_text()
        if path.parent.name == "results":
            files[path.relative_to(out).as_posix()] = text = json.loads(text)
            text["extra_data"].pop("graded_at")
    return files


@pytest.fixture(scope="module")
def submissions(tmp_path_factory):
    """Four small notebooks: one right, one not written, one odd name, one that is no notebook."""
    place = tmp_path_factory.mktemp("submissions")
    for name, edition in (("ann", "solution"), ("bob", "student"), (os.fsdecode(b"M\xfcller"), "solution")):
        book = notebook(edition)
        cells = [
            c
            for c in book["cells"]
            if c["metadata"].get("exercise") == "07.5" or "setup" in c["metadata"].get("tags", [])
        ]
        (place / f"{name}.ipynb").write_text(json.dumps({**book, "cells": cells}))
    (place / "old.ipynb").write_text('{"nbformat": 3, "worksheets": []}')
    return place


@needs_walls
def test_a_worker_whose_sandbox_starts_no_process_is_unfit(submissions, tmp_path, monkeypatch):
    """Seen inside of a grading, where the grader tells it as a result; with walls that work it is the submission."""
    one = Submission("ann", [submissions / "ann.ipynb"])
    work = over_cluster.Grading(prepare(["07"], 5), Limits(), submissions, [])
    assert work.begin(str(tmp_path)) == ""
    start, calls = Sandbox.start, []

    def failing(self, *given):
        calls.append(1)
        if len(calls) in broken:
            raise over_cluster.SandboxError("The sandbox does not start a process: no memory.")
        return start(self, *given)

    monkeypatch.setattr(Sandbox, "start", failing)
    broken = {1}
    report = work((one, "k", over_cluster.files_digest(one)))
    assert report.key == "k" and report.state != "not graded"
    calls.clear()
    broken = range(99)
    with pytest.raises(Unfit, match="its sandbox does not start.*no memory"):
        work((one, "k", over_cluster.files_digest(one)))
    work.end()


@needs_walls
def test_work_that_is_taken_away_while_it_grades_begins_nothing_new(submissions, tmp_path, monkeypatch):
    one = Submission("ann", [submissions / "ann.ipynb"])
    work = over_cluster.Grading(prepare(["07"], 5), Limits(), submissions, [])
    assert work.begin(str(tmp_path)) == ""
    made, true = [], Sandbox.start

    def start(self, *given):
        made.append(1)
        work.end()  # as from another thread
        return true(self, *given)

    monkeypatch.setattr(Sandbox, "start", start)
    report = work((one, "k", over_cluster.files_digest(one)))
    assert report.key == "" and work.sandbox is None
    assert len(made) <= 2


@pytest.fixture(scope="module")
def plain(submissions, tmp_path_factory):
    """What one process writes of them."""
    out = tmp_path_factory.mktemp("plain")
    assert grade(submissions, out, jobs=1) == 1
    return written(out)


@pytest.fixture
def saved(monkeypatch):
    """Whose results are written, as often as they are."""
    names, save = [], reports.save_student
    monkeypatch.setattr(reports, "save_student", lambda out, one: names.append(one.student) or save(out, one))
    return names


@needs_walls
def test_workers_give_the_files_of_one_process(submissions, plain, tmp_path, threads):
    assert grade(submissions, tmp_path, scheduler=threads.scheduler.address) == 1
    assert grade(submissions, tmp_path, scheduler="tcp://127.0.0.1:1") == 1  # of a class that is done nobody asks it
    assert len(plain) == 11 and written(tmp_path) == plain


@dataclass
class Deadly(over_cluster.Grading):
    """Who grades ann dies the first time, who grades bob every time; `deaths` is a folder in which they are counted."""

    deaths: Path

    def __call__(self, asked):
        name = asked[0].student
        died = self.deaths / name
        if name == "bob" or (name == "ann" and not died.exists()):
            with open(died, "a") as file:
                file.write("x")
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(asked)


@needs_walls
def test_workers_that_die_while_they_grade(submissions, plain, tmp_path, processes, saved, monkeypatch, capsys):
    """One submission is graded by the next worker; one that kills them all is named, and graded by the next run."""
    options = {"out": tmp_path / "out", "scheduler": processes.scheduler.address}
    line_by_line(monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr(over_cluster, "Grading", partial(Deadly, deaths=tmp_path))
        assert grade(submissions, **options) == 1
    assert [(tmp_path / name).read_text() for name in ("ann", "bob")] == ["x", "xxxx"]  # two workers, and two alone
    assert sorted(saved) == sorted(one.student for one in find_submissions(submissions))
    assert "4 of 4 in " in (said := capsys.readouterr().err) and "not graded=1" in said
    found = written(tmp_path / "out")
    other = {name for name in plain | found if plain.get(name) != found.get(name)}
    assert other == {"results/bob.json", "feedback/bob.html", "gradebook.csv", "summary.html"}
    assert over_cluster.DIED in str(found["results/bob.json"])
    saved.clear()
    assert grade(submissions, **options) == 1
    found = written(tmp_path / "out")
    assert saved == ["bob"] and {name: found[name] for name in found if not name.startswith("earlier/")} == plain


@needs_walls
def test_a_killed_scheduler_while_it_grades(submissions, plain, tmp_path, own_scheduler, saved, monkeypatch):
    """It is killed when the first results are written; the rest is graded here, and nobody twice."""
    scheduler, address = own_scheduler
    save = reports.save_student
    with monkeypatch.context() as patch, pytest.raises(CourseError, match="The scheduler is gone"):
        patch.setattr(reports, "save_student", lambda out, one: (save(out, one), scheduler.kill()))
        grade(submissions, tmp_path / "out", scheduler=address)
    everybody = sorted(one.student for one in find_submissions(submissions))
    assert 0 < len(saved) < len(everybody)
    assert grade(submissions, tmp_path / "out", jobs=1) == 1
    assert sorted(saved) == everybody and written(tmp_path / "out") == plain


def test_a_submission_whose_workers_die_is_named_and_tried_again_later(threads, tmp_path, monkeypatch):
    """Its report has no key, so no later run takes it for one that is done."""
    submissions, lessons = [Submission("ann"), Submission("bob")], prepared()
    monkeypatch.setattr(over_cluster, "results", lambda client, work, items: ((one, Died()) for one in items))
    known = {"place": tmp_path, "seed": 1, "known": lambda submission, key: submission.student == "bob"}
    report, before = over_cluster.grade_over(threads, submissions, lessons, **known)
    assert report.state == "not graded" and report.key == "" and before is submissions[1]
    assert {one.problem for one in report.results} == {over_cluster.DIED}


def test_what_is_not_the_submissions_fault_has_no_key(tmp_path, monkeypatch):
    """Other files than were listed; a sandbox that breaks once, twice, and one that does not start."""
    (tmp_path / "ann.ipynb").write_text("{}")
    submission, made = Submission("ann", [tmp_path / "ann.ipynb"]), []
    files = over_cluster.files_digest(submission)

    class Box:
        def __init__(self, *_, **__):
            made.append(1)
            if len(made) > 4:
                raise over_cluster.SandboxError("no room")

        def stop(self):
            pass

        def start(self):
            return self

        close = stop

    def fails(times):
        left = [1] * times

        def grade_student(*_):
            report = over_cluster.nothing_graded(submission, [], "")
            report.failed = bool(left and left.pop())
            return report

        return grade_student

    monkeypatch.setattr(over_cluster, "Sandbox", Box)
    work = over_cluster.Grading(prepared(), None, tmp_path, [])
    assert work.begin(str(tmp_path)) == bubblewrap_problem()
    for times, key in ((0, "k"), (1, "k"), (2, "")):
        monkeypatch.setattr("course_utils.grading.classroom.grade_student", fails(times))
        assert work((submission, "k", files)).key == key
    (tmp_path / "ann.ipynb").write_text("{ }")
    report = work((submission, "k", files))
    assert report.key == "" and {one.problem for one in report.results} == {over_cluster.OTHER_FILES}
    work.end()
    work.sandbox = None
    made[:] = [1] * 4
    with pytest.raises(Unfit, match="its sandbox does not start"):
        work((submission, "k", over_cluster.files_digest(submission)))


def prepared():
    """Lesson 07 as a task, without a look at its checks."""
    lesson = read_lesson(lesson_paths(["07"])[0])
    return [Task(lesson, {}, {}, [])]


def test_a_worker_without_bubblewrap_is_refused(tmp_path, threads, monkeypatch):
    monkeypatch.setattr(over_cluster, "bubblewrap_problem", lambda: "bubblewrap is not installed")
    (tmp_path / "ann.ipynb").touch()
    with pytest.raises(CourseError, match=r"^Worker \S+ is refused: bubblewrap is not installed\. Worker"):
        list(over_cluster.grade_over(threads, [Submission("ann")], [], seed=1, place=tmp_path))


def test_a_worker_that_does_not_see_the_submissions_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()  # as where a drive is not mounted
    for place in ("nowhere", "empty"):
        work = over_cluster.Grading([], None, tmp_path / place, [])
        assert "it does not see" in work.begin(str(tmp_path))
        with pytest.raises(NotHere, match="it does not see"):
            work((Submission("ann"), "key", b"other files"))


def test_a_worker_that_does_not_see_one_students_folder_asks_another(tmp_path):
    """It sees the folder above; that of the student is closed to it, or a link to a drive that is not mounted."""
    (tmp_path / "all" / "ann").mkdir(parents=True)
    work = over_cluster.Grading([], None, tmp_path / "all", [])
    with pytest.raises(NotHere, match=r"it does not see \S+ann/07.ipynb"):
        work((Submission("ann", [tmp_path / "all" / "ann" / "07.ipynb"]), "key", b"other files"))
    (tmp_path / "all" / "ann" / "08.ipynb").touch()  # its folder is seen, so the file has changed
    report = work((Submission("ann", [tmp_path / "all" / "ann" / "07.ipynb"]), "key", b"other files"))
    assert isinstance(report, Report) and not report.key  # the next run tries again


@pytest.mark.parametrize(
    "options, words", [({"jobs": 2}, "--jobs is for"), ({"sandbox": False}, "--no-sandbox is for")]
)
def test_options_that_do_not_go_together(options, words, tmp_path):
    with pytest.raises(CourseError, match=words):
        grade(tmp_path, tmp_path / "out", local_workers=2, **options)
