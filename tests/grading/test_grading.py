"""The sandbox's walls, and `course grade` from beginning to end."""

import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from contextlib import suppress

import nbformat
import psutil
import pytest
import torch
from typer.testing import CliRunner

from course_utils.authoring import solved
from course_utils.authoring.editions import build
from course_utils.authoring.paths import ROOT, lesson_paths
from course_utils.authoring.source import read_lesson
from course_utils.cli import app
from course_utils.commands import grade as command
from course_utils.errors import CourseError
from course_utils.exercises import tiny_net
from course_utils.exercises.machine import NOTEBOOK_SEEDS, StudentError, lesson_exercises
from course_utils.grading import report as reports
from course_utils.grading.classroom import grade_class
from course_utils.grading.limits import Limits
from course_utils.grading.sandbox import Sandbox, SandboxError
from course_utils.grading.student_process import Broken
from course_utils.grading.submissions import find_submissions
from course_utils.grading.tasks import hidden_seeds, prepare
from course_utils.grading.walls import bubblewrap_problem
from tests.grading.hostile import ALL, notebook, with_body, write_all

sandboxed = pytest.mark.skipif(bool(bubblewrap_problem()), reason=f"no sandbox here: {bubblewrap_problem()}")
POINTS = {e.id: e.points for e in read_lesson(lesson_paths(["07"])[0]).exercises}
GRADED = [n for n in (p.stem[:2] for p in lesson_paths()) if read_lesson(lesson_paths([n])[0]).exercises]
pytestmark = pytest.mark.timeout(1500)


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(Limits(call=20, total=200, memory=1 << 30)) as made:
        yield made


@pytest.fixture
def worker(sandbox):
    made = sandbox.start()
    yield made
    made.close()


def tell(worker, body):
    """What a function with this body returns inside."""
    worker.run_cell("def f(*args):\n" + "\n".join("    " + line for line in body.splitlines()))
    return worker.call("f", [])[0]


# --- walls -----------------------------------------------------------------------------------------------------------------


@sandboxed
def test_a_function_gets_and_gives_plain_values(worker):
    worker.run_cell("def f(net, images): return net(images)")
    net, images = tiny_net("conv", seed=3), torch.rand(2, 3, 8, 9, dtype=torch.float64)
    assert torch.allclose(worker.call("f", [net, images])[0], net(images))


@sandboxed
def test_a_tensor_whose_sign_is_still_to_be_turned_is_an_answer(worker):
    got = tell(worker, "import torch\nreturn torch.tensor([1 + 2j]).conj().imag")
    assert got.tolist() == [-2]


@sandboxed
def test_twice_uses_the_same_objects(worker):
    worker.run_cell("def f(x):\n    x += 1\n    return x")
    first, second = worker.call("f", [torch.zeros(2)], times=2)
    assert first.tolist() == [1, 1] and second.tolist() == [2, 2]


@sandboxed
def test_nothing_of_the_host_is_there(worker, tmp_path):
    (tmp_path / "secret").write_text("x")
    paths = [
        str(ROOT),
        str(tmp_path),
        os.path.expanduser("~/.bashrc"),
        "/etc/passwd",
        "/proc/self",
        "/sys",
        "/var",
    ]
    assert tell(worker, f"import os\nreturn [p for p in {paths} if os.path.exists(p)]") == []
    found = tell(worker, "import os\nreturn sorted(os.environ)")
    assert not {"COURSE_STRICT", "PYTEST_CURRENT_TEST"} & set(found)
    assert tell(worker, "import os\nreturn [os.getpid(), os.getuid()]") == [1, 1000]


@sandboxed
def test_no_rights_are_left(worker):
    body = "import ctypes\nlibc = ctypes.CDLL(None)\n" \
           "return [libc.prctl(39, 0, 0, 0, 0), libc.prctl(23, 21, 0, 0, 0), libc.umount(b'/proc'), libc.umount(b'/dev/shm')]"  # fmt: skip
    no_new_privileges, admin_in_bounds, *umounts = tell(worker, body)
    assert no_new_privileges == 1 and admin_in_bounds == 0 and umounts == [-1, -1]


@sandboxed
def test_what_one_submission_leaves_the_next_does_not_see(sandbox):
    worker = sandbox.start()
    tell(worker, "import os\nfor p in ('/tmp', '/dev/shm', '/', '/dev', os.path.expanduser('~'), '/course'):\n"
                 "    try: open(p + '/left', 'w').write('x')\n    except OSError: pass")  # fmt: skip
    worker.run_cell("import torch, course_utils.exercises.transport as t\nt.encode = None; torch.zeros = None")
    worker.close()
    worker = sandbox.start()
    assert (
        tell(worker, "import os\nreturn [os.path.join(a, f) for a, _, c in os.walk('/') for f in c if f == 'left']")
        == []
    )
    assert tell(worker, "import torch\nreturn torch.zeros(2)").tolist() == [0, 0]
    worker.close()


@sandboxed
def test_memory_of_many_processes_is_added_up(sandbox):
    worker = sandbox.start()
    body = "import os, time\nfor _ in range(6):\n    if os.fork() == 0:\n        x = bytearray(b'x' * (300 << 20)); time.sleep(60)\ntime.sleep(60)"
    with pytest.raises(Broken) as caught:
        tell(worker, body)
    assert caught.value.kind == "Memory"


@sandboxed
@pytest.mark.parametrize("body, kind", [("import os; os._exit(1)", "Died"), ("while True: pass", "Timeout")])
def test_a_broken_process_is_told_and_replaced(body, kind):
    with Sandbox(Limits(call=3)) as small:
        worker = small.start()
        with pytest.raises(Broken) as caught:
            tell(worker, body)
        assert caught.value.kind == kind
        assert tell(small.start(), "return 1") == 1


@sandboxed
def test_without_inner_walls_every_submission_gets_its_own_sandbox(monkeypatch):
    with Sandbox(Limits(call=30)) as small:
        small._nested = False  # as on a host that allows no namespaces inside of others
        first = small.start()
        pid = small._process.pid
        assert tell(first, "return 1") == 1
        first.close()
        assert tell(small.start(), "return 2") == 2
        assert small._process.pid != pid


@sandboxed
@pytest.mark.parametrize("spelling", [
    "import course_utils.exercises.runner as runner, course_utils.exercises.left_behind as left_behind",
    "from course_utils.exercises import runner, left_behind",
    "import course_utils; runner, left_behind = (getattr(course_utils.exercises, n) for n in ('runner', 'left_behind'))",
])  # fmt: skip
def test_what_a_call_leaves_behind_is_seen_in_the_sandbox(worker, spelling):
    """Also if a cell puts something else in the place of what looks."""
    with suppress(StudentError):
        worker.run_cell(spelling)
    worker.run_cell(
        "import torch\nif 'runner' in globals():\n"
        "    runner.Watch = runner.run = left_behind._looked_at = left_behind._settings = None\n"
        "import os\n"
        "def f(x, y):\n    y += 1\n    torch.set_default_dtype(torch.float64)\n    torch.manual_seed(0)\n"
        "    os.environ['MINE'] = '1'\n    os.chdir('/tmp' if os.getcwd() == '/' else '/')\n    return x"
    )
    x = torch.zeros(2)
    values, left = worker.ask("f", [x, x], times=2)
    assert [v.tolist() for v in values] == [[0, 0], [0, 0]]
    everywhere = ("default dtype", "folder", "environment", "seed of torch")
    assert left == [("values", 1), *((code, None) for code in everywhere)]
    worker.run_cell("def g(x): return (x ** 2).sum()")
    values, left = worker.ask("g", [x + 3], gradient=True)
    assert values[0][0].tolist() == [6, 6] and left == []


FORGING = """
import json
real = json.dumps
def dumps(reply, **options):
    forged = FORGED if isinstance(reply, dict) and "values" in reply else {}
    return real({**reply, **forged}, **options)
json.dumps = dumps
def f(): return 1
"""


@sandboxed
def test_answers_hold_no_networks_and_no_forged_numbers(worker):
    worker.run_cell(FORGING)
    for forged in ({"net": ["conv", {}]}, {"array": ["<f8", [9], ""]}, {"float": []}, {"int": "9" * 10**5}):
        worker.run_cell(f"FORGED = {{'values': [{forged!r}]}}")
        with pytest.raises(StudentError, match="cannot be compared"):
            worker.call("f", [])


@sandboxed
@pytest.mark.parametrize("left", [None, 3, [3], [["values", 0]], [["values", None]], [["nonsense", None]], [[{}, []]]])
def test_nobody_forges_what_was_left_behind(sandbox, left):
    worker = sandbox.start()
    worker.run_cell(FORGING)
    worker.run_cell(f"FORGED = {{'left': {left!r}}}")
    with pytest.raises(Broken, match="interfered"):
        worker.call("f", [])


@sandboxed
def test_the_reference_refuses_with_a_reason(worker):
    worker.run_cell("from course_utils.gradients import saliency\nimport course_utils.fun.deepdream")
    with pytest.raises(
        StudentError, match="course_utils.gradients.saliency is the reference; it is not there while grading"
    ):
        tell(worker, "return saliency(1, 2)")


# --- course grade ----------------------------------------------------------------------------------------------------------


def run(folder, out, **options):
    defaults = {"lessons": "07", "seed": 5, "jobs": 1, "student": None, "sandbox": True}
    limits = {"call_seconds": 30.0, "total_seconds": 300.0, "memory_mb": 2048}
    return command.grade(folder, out=out, **{**defaults, **limits, **options})


@sandboxed
@pytest.mark.parametrize("edition", ["solution", pytest.param("student", marks=pytest.mark.slow)])
def test_the_solution_gets_full_marks_in_every_lesson_and_the_stub_none(edition, tmp_path):
    (tmp_path / "in" / "ann").mkdir(parents=True)
    for path in lesson_paths(GRADED):
        lesson = read_lesson(path)
        nbformat.write(build(lesson, edition), tmp_path / "in" / "ann" / f"{lesson.name}.ipynb")
    (report,) = grade_class(find_submissions(tmp_path / "in"), prepare(GRADED, 3), seed=3)
    assert [r.exercise for r in report.results] == [e.id for n in GRADED for e in lesson_exercises(n)]
    wanted = (lambda r: r.points) if edition == "solution" else (lambda r: 0)
    assert [str(r) for r in report.results if r.score != wanted(r)] == []
    assert edition == "student" or report.notes == []


@sandboxed
def test_the_same_seed_gives_the_same_bytes_and_graded_ones_are_kept(tmp_path, capsys):
    write_all(tmp_path / "in", ("correct", "blank", "wrong"))
    assert run(tmp_path / "in", tmp_path / "a") == 0
    assert run(tmp_path / "in", tmp_path / "b", jobs=2) == 0
    files = [p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*") if p.is_file()]
    assert len(files) == 3 * 2 + 4
    for name in files:
        # all but the time of grading, to the minute
        one, other = (re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "TIME", (tmp_path / x / name).read_text()) for x in "ab")
        assert one == other, name

    times = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "a" / "results").iterdir()}
    path = tmp_path / "in" / "blank" / "07_saliency_maps.ipynb"
    path.write_text(json.dumps(notebook()))
    capsys.readouterr()
    assert run(tmp_path / "in", tmp_path / "a", seed=None) == 0
    assert "(2 were graded before), seed 5" in capsys.readouterr().out
    now = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "a" / "results").iterdir()}
    assert [n for n in now if now[n] != times[n]] == ["blank.json"]
    assert reports.load_student(tmp_path / "a", "blank").results[0].score == 3


@sandboxed
def test_one_lesson_of_two_handed_in(tmp_path):
    if len(GRADED) < 2:
        pytest.skip("only one lesson")
    other = next(n for n in GRADED if n != "07")
    write_all(tmp_path / "in", ("correct",))
    (tmp_path / "in" / "correct" / "broken.ipynb").write_text("{")
    report = None
    for report in grade_class(find_submissions(tmp_path / "in"), prepare(["07", other], 1), seed=1):
        assert report.state == "partly graded"
    assert all(r.score == (r.points if r.exercise in ALL else None) for r in report.results)
    assert any("damaged" in r.problem for r in report.results if r.score is None)


def test_seeds_are_repeatable_and_never_the_notebooks():
    for which in ALL:
        seeds = hidden_seeds(3, which)
        assert seeds == hidden_seeds(3, which) != hidden_seeds(4, which)
        assert not {s[0] for s in seeds} & set(NOTEBOOK_SEEDS) and len(set(seeds)) == len(seeds)
    assert hidden_seeds(3, "07.1") != hidden_seeds(3, "07.2")


def test_without_bubblewrap_it_refuses(tmp_path, monkeypatch):
    write_all(tmp_path / "in", ("correct",))
    monkeypatch.setattr(shutil, "which", lambda name: None)
    result = CliRunner().invoke(app, ["grade", str(tmp_path / "in"), "--out", str(tmp_path / "out")])
    assert result.exit_code == 2 and "apt install bubblewrap" in result.output and "--no-sandbox" in result.output
    assert not (tmp_path / "out").exists()


def test_without_a_sandbox_it_warns_and_grades(tmp_path, capsys):
    write_all(tmp_path / "in", ("correct", "exits_in_a_function"))
    assert run(tmp_path / "in", tmp_path / "out", sandbox=False) == 0
    assert "your files" in capsys.readouterr().err
    assert reports.load_student(tmp_path / "out", "correct").results[0].score == 3
    lost = [r.exercise for r in reports.load_student(tmp_path / "out", "exits_in_a_function").results if not r.score]
    assert lost == ["07.1"]


@sandboxed
def test_a_check_that_fails_its_own_solution_grades_nobody(tmp_path, monkeypatch):
    write_all(tmp_path / "in", ("correct",))
    solve = solved.exercise_functions

    def spoiled(lesson, edition="solution"):
        return {**solve(lesson, edition), "07.3": lambda *_: 0}

    monkeypatch.setattr(solved, "exercise_functions", spoiled)
    assert run(tmp_path / "in", tmp_path / "out") == 1
    report = reports.load_student(tmp_path / "out", "correct")
    wanted = [None if r.exercise == "07.3" else r.points for r in report.results]
    assert [r.score for r in report.results] == wanted and len(wanted) > 1
    assert "own solution" in report.results[2].problem


@sandboxed
@pytest.mark.parametrize("kind", [SandboxError, ZeroDivisionError])
def test_a_sandbox_that_breaks_costs_nobody_points(kind, tmp_path, monkeypatch):
    write_all(tmp_path / "in", ("correct",))

    def broken(self, hidden):
        raise kind("The sandbox does not start a process: no memory.")

    monkeypatch.setattr(Sandbox, "start", broken)
    assert run(tmp_path / "in", tmp_path / "out") == 1
    report = reports.load_student(tmp_path / "out", "correct")
    assert {r.score for r in report.results} == {None} and report.key == "", "the next run tries again"


@pytest.mark.parametrize("options, words", [
    (["--lessons", "77"], "There is no lesson '77'"), (["--jobs", "0"], "--jobs"), (["--seed", "-1"], "--seed"),
])  # fmt: skip
@sandboxed
def test_bad_options_are_told_in_one_line(options, words, tmp_path):
    write_all(tmp_path / "in", ("correct",))
    result = CliRunner().invoke(app, ["grade", str(tmp_path / "in"), "--out", str(tmp_path / "out"), *options])
    assert result.exit_code == 2 and words in result.output and "Traceback" not in result.output


@sandboxed
def test_what_a_student_calls_an_exception_is_no_word_of_the_grader(tmp_path):
    """And an answer that is too large says so, on the notebook's inputs and on others."""
    book = with_body(notebook(), "07.1", "class MissingLayer(Exception): pass\nraise MissingLayer('no layer 3')")
    book = with_body(book, "07.2", "class Answer(Exception): pass\nraise Answer('it is 3')")
    book = with_body(book, "07.3", "return torch.zeros(2**19)")
    book = with_body(book, "07.4", "def given(): pass", after="del " + lesson_exercises("07")[3].function)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "ann.ipynb").write_text(json.dumps(book))
    assert run(tmp_path / "in", tmp_path / "out") == 0
    first, second, third, fourth, *_ = reports.load_student(tmp_path / "out", "ann").results
    assert (first.state, first.problem) == ("error", "MissingLayer: no layer 3")
    assert (second.state, second.problem) == ("error", "Answer: it is 3")
    assert third.state == "failed" and third.problem.startswith("Your function returned more than 262,144 numbers")
    assert fourth.state == "not written" and "There is no function" in fourth.problem


# --- killed, and many ------------------------------------------------------------------------------------------------------


def many(folder, count):
    folder.mkdir(exist_ok=True)
    right, wrong = json.dumps(notebook()), json.dumps(with_body(notebook(), "07.5", "return 0"))
    for i in range(count):
        (folder / f"student{i:03}.ipynb").write_text(wrong if i % 3 == 0 else right)


@sandboxed
@pytest.mark.parametrize("count", [8, pytest.param(40, marks=pytest.mark.slow)])
def test_killed_and_started_again(count, tmp_path):
    folder, out = tmp_path / "in", tmp_path / "out"
    many(folder, count)
    line = [
        sys.executable,
        "-m",
        "course_utils.cli",
        "grade",
        str(folder),
        "--out",
        str(out),
        "--lessons",
        "07",
        "--jobs",
        "2",
    ]
    line[1:3] = ["-c", "from course_utils.cli import main; main()"]
    first = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT)
    while len(list((out / "results").glob("*.json"))) < count // 2:
        assert first.poll() is None, "it ended before it could be killed"
        time.sleep(0.02)
    family = psutil.Process(first.pid).children(recursive=True)
    first.send_signal(signal.SIGKILL)
    first.wait()
    half = {p.name: p.stat().st_mtime_ns for p in (out / "results").glob("*.json")}
    assert count // 2 <= len(half) < count
    for path in [*(out / "results").glob("*.json"), *(out / "feedback").glob("*.html")]:
        assert path.read_text().endswith(("}\n", "</html>\n"))
    psutil.wait_procs(family, timeout=10)
    assert not [p for p in family if p.is_running() and p.status() != psutil.STATUS_ZOMBIE], "a sandbox lives on"

    again = subprocess.run(line, capture_output=True, text=True, cwd=ROOT)
    assert again.returncode == 0, again.stderr
    assert f"{count} students ({len(half)} were graded before)" in again.stdout
    now = {p.name: p.stat().st_mtime_ns for p in (out / "results").iterdir()}
    assert len(now) == count and all(now[n] == half[n] for n in half)
    rows = (out / "gradebook.csv").read_text().splitlines()
    assert len(rows) == count + 2 and len({r.split(",")[0] for r in rows}) == count + 2
    assert not list(out.rglob(".part-*"))
    full = sum(POINTS.values())
    assert [r.split(",")[-2] for r in rows[2:]] == [str(full - POINTS["07.5"] * (i % 3 == 0)) for i in range(count)]


@sandboxed
@pytest.mark.parametrize("count", [24, pytest.param(300, marks=pytest.mark.slow)])
def test_many_submissions_need_no_more_memory_and_files(count, tmp_path, monkeypatch):
    monkeypatch.setattr(Sandbox, "renew_after", max(8, count // 4))
    folder = tmp_path / "in"
    many(folder, count)
    me, seen = psutil.Process(), []
    for report in grade_class(find_submissions(folder), prepare(["07"], 1), seed=1, jobs=2):
        assert report.state == "graded"
        inside = [p.memory_info().rss for p in me.children(recursive=True) if p.is_running()]
        seen.append((me.memory_info().rss >> 20, me.num_fds(), max(inside, default=0) >> 20))
    third = count // 3
    memory, files, _ = (max(column) for column in zip(*seen[third : 2 * third], strict=True))
    late_memory, late_files, _ = (max(column) for column in zip(*seen[2 * third :], strict=True))
    print(f"\n{count}: grader {seen[0][0]} MB at first, {memory} MB in the middle, {late_memory} MB at the end; files {files}, {late_files}; "
          f"largest process inside {max(s[2] for s in seen)} MB")  # fmt: skip
    assert len(seen) == count
    assert late_memory <= memory + 40 and late_files <= files + 4
    assert me.num_fds() <= seen[0][1] + 2


# --- release and export ----------------------------------------------------------------------------------------------------


def test_the_release_holds_no_solutions(tmp_path):
    result = CliRunner().invoke(app, ["release", "--to", str(tmp_path), "07"])
    assert result.exit_code == 0, result.output
    with zipfile.ZipFile(tmp_path / "looking-inside-convnets.zip") as archive:
        names = [n.removeprefix("looking-inside-convnets/") for n in archive.namelist()]
        books = [json.loads(archive.read(n)) for n in archive.namelist() if n.endswith(".ipynb")]
    assert {"README.md", "requirements.txt", "notebooks/07_saliency_maps.ipynb", "course_utils/cli.py"} <= set(names)
    assert not [n for n in names if "notebooks/source" in n or n.startswith("tests") or "__pycache__" in n]
    for book in books:
        for cell in book["cells"]:
            if cell["metadata"].get("exercise"):
                assert "autograd.grad(chosen" not in "".join(cell["source"])
    first = (tmp_path / "looking-inside-convnets.zip").read_bytes()
    CliRunner().invoke(app, ["release", "--to", str(tmp_path), "07"])
    assert (tmp_path / "looking-inside-convnets.zip").read_bytes() == first


@sandboxed
def test_the_gradescope_zip_grades(tmp_path):
    result = CliRunner().invoke(app, ["export", "gradescope", "--to", str(tmp_path), "07", "--seed", "3"])
    assert result.exit_code == 0, result.output
    with zipfile.ZipFile(tmp_path / "gradescope-07.zip") as archive:
        archive.extractall(tmp_path / "source")
        assert archive.getinfo("run_autograder").external_attr >> 16 == 0o755
    assert (tmp_path / "source" / "course" / "notebooks" / "source" / "07_saliency_maps.py").exists()
    write_all(tmp_path / "submission", ("wrong",))
    program = tmp_path / "course"
    program.write_text(
        f"#!/bin/sh\ncd {tmp_path}/source/course\nexec {sys.executable} -c 'from course_utils.cli import main; main()' \"$@\"\n"
    )
    program.chmod(0o755)
    environment = {**os.environ, "AUTOGRADER_ROOT": str(tmp_path), "COURSE_COMMAND": str(program)}
    ran = subprocess.run(
        ["bash", tmp_path / "source" / "run_autograder"], env=environment, capture_output=True, text=True
    )
    data = json.loads((tmp_path / "results" / "results.json").read_text())
    assert [t["score"] for t in data["tests"]] == [0, *list(POINTS.values())[1:]], ran.stdout + ran.stderr
    assert data["score"] == sum(POINTS.values()) - POINTS["07.1"]


def test_the_nbgrader_source_has_regions_ids_and_points():
    from course_utils.grading.export import nbgrader_source

    for number in GRADED:
        lesson = read_lesson(lesson_paths([number])[0])
        cells = [c for c in nbgrader_source(lesson).cells if "nbgrader" in c.metadata]
        assert sum(c.metadata["nbgrader"].get("points", 0) for c in cells) == sum(e.points for e in lesson.exercises)
        ids = [c.metadata["nbgrader"]["grade_id"] for c in cells]
        assert len(ids) == len(set(ids)) == 2 * len(lesson.exercises)
        for cell in cells:
            compile(cell.source, "cell", "exec")
            assert "BEGIN SOLUTION" in cell.source or "BEGIN HIDDEN TESTS" in cell.source


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("nbgrader") is None, reason="nbgrader is not installed")
def test_nbgrader_grades_the_export(tmp_path):
    result = CliRunner().invoke(app, ["export", "nbgrader", "--to", str(tmp_path), "07", "--seed", "3"])
    assert result.exit_code == 0, result.output
    released = json.loads((tmp_path / "release" / "lesson-07" / "07_saliency_maps.ipynb").read_text())
    assert "BEGIN" not in "".join("".join(c["source"]) for c in released["cells"])
    solved = tmp_path / "submitted" / "ann" / "lesson-07"
    solved.mkdir(parents=True)
    shutil.copy(tmp_path / "source" / "lesson-07" / "07_saliency_maps.ipynb", solved)
    blank = tmp_path / "submitted" / "bob" / "lesson-07"
    shutil.copytree(tmp_path / "release" / "lesson-07", blank)
    environment = {
        **os.environ,
        "PATH": f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}",
        "OMP_NUM_THREADS": "1",
    }
    for words in (["autograde", "lesson-07"], ["export"]):
        ran = subprocess.run(
            [sys.executable, "-m", "nbgrader", *words], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert ran.returncode == 0, ran.stderr
    rows = [line.split(",") for line in (tmp_path / "grades.csv").read_text().splitlines()]
    score, student = rows[0].index("score"), rows[0].index("student_id")
    assert {r[student]: float(r[score]) for r in rows[1:]} == {"ann": sum(POINTS.values()), "bob": 0.0}
    assert run(tmp_path / "submitted", tmp_path / "out") == 0  # what nbgrader collects, `course grade` grades
    totals = {s: sum(r.score for r in reports.load_student(tmp_path / "out", s).results) for s in ("ann", "bob")}
    assert totals == {"ann": sum(POINTS.values()), "bob": 0}


def test_out_must_be_a_folder(tmp_path):
    (tmp_path / "file").write_text("x")
    write_all(tmp_path / "in", ("correct",))
    with pytest.raises(CourseError, match="needs a folder"):
        run(tmp_path / "in", tmp_path / "file", sandbox=False)
