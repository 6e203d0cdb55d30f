"""Whose notebook it is, which lesson, and which of its cells run."""

import ast
import errno
import json
import os
import re
import subprocess
import unicodedata
from pathlib import Path

import pytest

from course_utils.authoring.cells import cell_id
from course_utils.authoring.editions import build
from course_utils.authoring.paths import lesson_paths
from course_utils.authoring.source import read_lesson
from course_utils.errors import CourseError
from course_utils.grading import grader
from course_utils.grading.inside.cells import pieces
from course_utils.grading.notebooks import Notebook, Unreadable, handed_out, read_notebook, steps
from course_utils.grading.submissions import find_submissions
from course_utils.grading.tasks import Task
from tests.grading.hostile import notebook, with_cell

LESSONS = [read_lesson(path) for path in lesson_paths()]
LESSON = next(one for one in LESSONS if one.number == "07")


def names(folder, **options):
    return {s.student: [p.name for p in s.notebooks] or s.problem for s in find_submissions(folder, **options)}


def test_the_three_layouts(tmp_path):
    (tmp_path / "alice.ipynb").write_text("{}")
    (tmp_path / "bob" / "week 3" / ".ipynb_checkpoints").mkdir(parents=True)
    (tmp_path / "bob" / "07.ipynb").write_text("{}")
    (tmp_path / "bob" / "week 3" / "01.IPYNB.txt").write_text("{}")
    (tmp_path / "bob" / "week 3" / ".ipynb_checkpoints" / "01-checkpoint.ipynb").write_text("{}")
    (tmp_path / "carol").mkdir()
    (tmp_path / "dan.ipynb").symlink_to("/etc/hostname")
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "notes.txt").write_text("not a notebook")
    assert names(tmp_path) == {
        "alice": ["alice.ipynb"],
        "bob": ["07.ipynb", "01.IPYNB.txt"],
        "carol": "no notebook was handed in",
        "dan": "a link was handed in, not a file",
    }
    assert names(tmp_path / "alice.ipynb") == {"alice": ["alice.ipynb"]}
    assert names(tmp_path / "bob", student="me") == {"me": ["07.ipynb", "01.IPYNB.txt"]}


def test_two_students_of_one_name_stay_two(tmp_path):
    (tmp_path / "eve").mkdir()
    (tmp_path / "eve" / "a.ipynb").write_text("{}")
    (tmp_path / "eve.ipynb").write_text("{}")
    assert sorted(names(tmp_path)) == ["eve", "eve+"]


def test_nothing_there_is_said(tmp_path):
    with pytest.raises(CourseError, match="no such file"):
        find_submissions(tmp_path / "nowhere")
    with pytest.raises(CourseError, match="no notebooks"):
        find_submissions(tmp_path)


@pytest.mark.parametrize("keep", ["metadata", "exercise", "id", "heading", "functions", "file name"])
def test_the_lesson_is_recognized_by_what_is_left(keep, tmp_path):
    book = notebook()
    if keep != "metadata":
        book["metadata"] = {}
    for cell in book["cells"]:
        cell["metadata"] = cell["metadata"] if keep == "exercise" else {}
        if keep != "id":
            cell.pop("id", None)
    if keep in ("functions", "file name"):
        book["cells"] = [c for c in book["cells"] if not c["source"].startswith("# 07")]
    if keep == "file name":
        book["cells"] = []
    path = tmp_path / ("07_x.ipynb" if keep == "file name" else "x.ipynb")
    path.write_text(json.dumps(book))
    assert read_notebook(path, LESSONS).lesson == "07"


def test_another_lesson_is_not_taken_for_this_one(tmp_path):
    path = tmp_path / "x.ipynb"
    path.write_text(json.dumps(notebook()))
    others = [one for one in LESSONS if one.number != "07"]
    with pytest.raises(Unreadable, match="none of the lessons"):
        read_notebook(path, others)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"cells": 3}', '{"cells": [3]}', '{"cells": [{"cell_type": "code"}]}', "\0\0", "[" * 10**5],
)
def test_damage_is_said(text, tmp_path):
    path = tmp_path / "x.ipynb"
    path.write_text(text)
    with pytest.raises(Unreadable, match="damaged|none of the lessons"):
        read_notebook(path, LESSONS)


def the_steps(book):
    cells = [
        {"source": c["source"], "id": c["id"], "exercise": c["metadata"].get("exercise", "")}
        for c in book["cells"]
        if c["cell_type"] == "code"
    ]
    return steps(Notebook(None, "07", cells), handed_out(LESSON))


def test_worked_cells_do_not_run_and_own_cells_do():
    book = with_cell(notebook(), "mine = 1 + 1", 3)
    run = [s.source for s in the_steps(book) if s.how == "whole"]
    assert "mine = 1 + 1" in run
    assert not any("show_heat(eagle" in s or "train_digit_net(images" in s for s in run)
    assert len([s for s in run if "def saliency_map" in s]) == 1


def test_an_older_version_of_a_worked_cell_does_not_run():
    book = with_cell(notebook(), "slow_old_cell()", 3)
    cell = next(c for c in book["cells"] if c["source"] == "slow_old_cell()")
    assert [s.how for s in the_steps(book) if "slow_old_cell" in s.source] == ["whole"]
    cell["id"] = cell_id("07", "code", cell["source"], {})
    assert [s.how for s in the_steps(book) if "slow_old_cell" in s.source] == ["definitions"]


def test_definitions_are_what_does_not_compute():
    text = "import a\nN = 3\nROWS = (1, 2)\nSCALE = -1 / 2\nf = lambda x: slow()\nx = slow()\ndef f(): return N\n"
    text += "while True: pass\nclass C: pass\nsize = maps.shape"
    kept = "\n".join(ast.unparse(node) for node in pieces(text, definitions=True))
    assert "x = slow" not in kept and "while" not in kept and "size" not in kept
    for piece in ("import a", "N = 3", "ROWS", "SCALE", "lambda", "def f", "class C"):
        assert piece in kept
    assert pieces("def broken(") == []


def test_every_lessons_student_edition_is_itself():
    for lesson in LESSONS:
        if lesson.exercises:
            book = json.loads(json.dumps(build(lesson)))
            cells = [
                {"source": c["source"], "id": c["id"], "exercise": c["metadata"].get("exercise", "")}
                for c in book["cells"]
                if c["cell_type"] == "code"
            ]
            run = [s for s in steps(Notebook(None, lesson.number, cells), handed_out(lesson)) if not s.handed_out]
            assert len(run) == len(lesson.exercises)


# --- what people bring -----------------------------------------------------------------------------------------------------


def test_nobody_is_passed_over_in_silence(tmp_path):
    for name in (
        "zoe.zip",
        "yan.py",
        "xi.pdf",
        "wes.docx",
        "vic.tar.gz",
        "notes.txt",
        "grades.csv",
        ".DS_Store",
        "._al.ipynb",
    ):
        (tmp_path / name).write_bytes(b"x")
    for name in ("__init__", "__MACOSX", ".ipynb_checkpoints", "tim", "uli/deep"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "__init__" / "07.ipynb").write_text("{}")
    (tmp_path / "tim" / "work.zip").write_bytes(b"x")
    (tmp_path / "sam.ipynb").write_text("{}")
    (tmp_path / "sam.pdf").write_text("x")
    (tmp_path / ".ron.ipynb").write_text("{}")
    os.mkfifo(tmp_path / "bob.ipynb")
    told = []
    found = {s.student: s for s in find_submissions(tmp_path, tell=told.append)}
    said = {name: one.problem for name, one in found.items()}
    assert said == {
        ".ron": "",
        "__init__": "",
        "bob": "bob.ipynb is not a file with contents",
        "sam": "",
        "tim": "no notebook was handed in, only work.zip",
        "uli": "no notebook was handed in",
        "vic": "vic.tar.gz was handed in: unpack it; only notebooks (.ipynb) are graded",
        "wes": "wes.docx was handed in: only notebooks (.ipynb) are graded",
        "xi": "xi.pdf was handed in: only notebooks (.ipynb) are graded",
        "yan": "yan.py was handed in: only notebooks (.ipynb) are graded",
        "zoe": "zoe.zip was handed in: unpack it; only notebooks (.ipynb) are graded",
    }
    assert found["sam"].remarks == ["sam.pdf was handed in: only notebooks (.ipynb) are graded"]
    assert told == ["passed over: grades.csv, no notebook", "passed over: notes.txt, no notebook"]


def test_a_folder_of_odd_things(tmp_path):
    ann = tmp_path / "ann"
    (ann / "a" / "b").mkdir(parents=True)
    os.mkfifo(ann / "pipe.ipynb")
    (ann / "link.ipynb").symlink_to("/etc/passwd")
    (ann / "a" / "07.ipynb").write_text("{}")
    (ann / "a" / "my_utils.py").write_text("two = 2")
    (ann / "a" / "b" / "of_another_folder.py").write_text("")
    (one,) = find_submissions(tmp_path)
    assert [p.name for p in one.notebooks] == ["07.ipynb"] and [p.name for p in one.modules] == ["my_utils.py"]
    assert one.remarks == [f"{n} is a link or no file, and was not read" for n in ("link.ipynb", "pipe.ipynb")]


def lock(folder, monkeypatch):
    """As a folder of mode 000 is for everybody but root: nothing in it can be looked at."""

    def locked(look, itself):
        def looked(path=".", *args, **options):
            if not isinstance(path, int) and folder in [*Path(path).parents, *([Path(path)] if itself else [])]:
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
            return look(path, *args, **options)

        return looked

    for name in ("stat", "lstat", "scandir", "listdir"):
        monkeypatch.setattr(os, name, locked(getattr(os, name), name in ("scandir", "listdir")))


def test_a_bad_entry_ends_nobody_elses_grading(tmp_path, monkeypatch):
    for name in ("ann", "bob", "graded"):
        (tmp_path / "in" / name).mkdir(parents=True)
        (tmp_path / "in" / name / "07.ipynb").write_text("{}")
    (tmp_path / "in" / "loop").symlink_to("loop")
    (tmp_path / "in" / "loop.ipynb").symlink_to("loop.ipynb")
    (tmp_path / "locked").mkdir()
    (tmp_path / "in" / "eve").symlink_to(tmp_path / "locked" / "eve")
    lock(tmp_path / "in" / "bob", monkeypatch)
    lock(tmp_path / "locked", monkeypatch)
    found = {s.student: s.problem for s in find_submissions(tmp_path / "in", leave_out=tmp_path / "in" / "graded")}
    link = "a link was handed in, not a file"
    reason = "no notebook was handed in; bob: the folder cannot be read (Permission denied)"
    assert found == {"ann": "", "bob": reason, "eve": link, "loop": link, "loop+": link}


def test_a_folder_in_which_nothing_can_be_looked_at(tmp_path, monkeypatch):
    """It has mode 444: the names can be listed, and no more."""
    (tmp_path / "in" / "ann").mkdir(parents=True)
    (tmp_path / "in" / "bob.ipynb").write_text("{}")
    listdir = os.listdir
    lock(tmp_path / "in", monkeypatch)
    with pytest.raises(CourseError, match=r"in: it cannot be read \(Permission denied\)"):
        find_submissions(tmp_path / "in")
    with pytest.raises(CourseError, match=r"bob.ipynb: it cannot be read \(Permission denied\)"):
        find_submissions(tmp_path / "in" / "bob.ipynb")
    monkeypatch.setattr(os, "listdir", listdir)
    found = {s.student: s.problem for s in find_submissions(tmp_path / "in")}
    assert found == {n.split(".")[0]: f"{n}: it cannot be read (Permission denied)" for n in ("ann", "bob.ipynb")}


def test_files_of_which_the_system_says_nothing(tmp_path, monkeypatch):
    """As on a network drive that is gone: not even what kind of entry it is."""

    class Gone:
        def __init__(self, name):
            self.name, self.path = name, str(tmp_path / "ann" / name)

        def is_dir(self, follow_symlinks=True):
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    (tmp_path / "ann").mkdir()
    monkeypatch.setattr(os, "scandir", lambda _: [Gone("07.ipynb")])
    (one,) = find_submissions(tmp_path)
    assert one.problem == "no notebook was handed in; 07.ipynb: it cannot be read (" + os.strerror(errno.ESTALE) + ")"


@pytest.fixture
def deep(tmp_path):
    """A folder with 1500 folders in each other; taken away afterwards by `rm`, since Python's own way cannot."""
    here = os.getcwd()
    try:
        os.chdir(tmp_path)
        for _ in range(1500):
            os.mkdir("d" * 20)
            os.chdir("d" * 20)
        os.chdir(here)
        yield tmp_path
    finally:
        os.chdir(here)
        subprocess.run(["rm", "-r", str(tmp_path / ("d" * 20))], check=True)


def test_folders_in_folders_without_end(deep):
    (deep / "ann.ipynb").write_text("{}")
    found = {s.student: s.problem for s in find_submissions(deep)}
    assert found == {"ann": "", "d" * 20: "no notebook was handed in; folders deeper than 30 were not looked into"}


def test_the_results_are_no_student(tmp_path):
    for name in ("graded", "ann", "graded last week"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "07.ipynb").write_text("{}")
    for name in ("grading.json", "gradebook.csv"):
        (tmp_path / "graded last week" / name).write_text("{}")
    told = []
    assert [s.student for s in find_submissions(tmp_path, leave_out=tmp_path / "graded", tell=told.append)] == ["ann"]
    assert told == ["passed over: graded last week, the results of an earlier run"]


def test_names_that_a_file_system_may_take_for_one_stay_two(tmp_path):
    for name in ("Jos\u00e9", "Jose\u0301", "jos\u00e9", "ann", "Ann"):
        (tmp_path / f"{name}.ipynb").write_text("{}")
    students = [s.student for s in find_submissions(tmp_path)]
    assert len({unicodedata.normalize("NFC", s).casefold() for s in students}) == 5


def unreadable(path):
    with pytest.raises(Unreadable) as caught:
        read_notebook(path, LESSONS)
    return str(caught.value)


@pytest.mark.parametrize("data, words", [
    (b"PK\x03\x04....", "zip file: unpack"),
    (b"%PDF-1.4", "PDF"),
    (b"\n<!doctype html>", "web page"),
    (b'{"nbformat": 3, "worksheets": [{"cells": []}]}', "old format .* current Jupyter"),
    (b'{"cells": [' + b"[]," * 3_100_000 + b"[]]}", "clear its outputs"),
    (b'{"cells": [{"cell_type": "code", "source": "' + b"x" * (5 << 20) + b'"}]}', "4 MB of code"),
    (b'{"cells": [{"cell_type": "code", "source": "\xff"}]}', "damaged"),
    (b'{"cells": ' + b"9" * 5000 + b"}", "damaged"),
])  # fmt: skip
def test_what_a_file_is_instead(data, words, tmp_path):
    (tmp_path / "07.ipynb").write_bytes(data)
    assert re.search(words, unreadable(tmp_path / "07.ipynb"))


def test_a_module_that_cannot_be_taken_costs_only_itself(tmp_path, monkeypatch):
    ann = tmp_path / "ann"
    ann.mkdir()
    for name in ("07_a.ipynb", "07_b.ipynb"):
        (ann / name).write_text(json.dumps(notebook()))
    (ann / "data.py").write_bytes(b"#" * ((1 << 20) + 1))
    (ann / "good.py").write_text("two = 2")
    (ann / "locked.py").write_text("three = 3")
    (ann / "long.py").write_bytes(b"#" * ((1 << 20) - 3))
    read = Path.read_bytes

    def read_bytes(path):
        if path.name == "locked.py":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    (one,) = find_submissions(tmp_path)
    seen = []
    monkeypatch.setattr(grader, "grade_notebook", lambda _, notebook, task: (seen.append(notebook) or [], []))
    notes = grader.grade_student(None, one, [Task(LESSON, {}, {}, [])]).notes
    assert [n.modules for n in seen] == [{"good.py": "two = 2"}]
    large = "was left out: the Python files beside a notebook may have 1 MB together"
    locked = "locked.py was left out: it cannot be read (Permission denied)"
    assert notes[1:] == [f"data.py {large}", locked, f"long.py {large}"]


def test_more_modules_than_are_taken_is_said(tmp_path):
    (tmp_path / "ann").mkdir()
    for name in ["07.ipynb", *(f"m{k:02}.py" for k in range(52))]:
        (tmp_path / "ann" / name).write_text("")
    (one,) = find_submissions(tmp_path)
    assert len(one.modules) == 50 and one.remarks == ["only 50 of the 52 Python files beside notebooks were taken"]


def test_halves_of_characters_and_line_ends(tmp_path):
    book = with_cell(notebook(), "x = '\ud83d'", 3)
    for cell in book["cells"]:
        cell["source"] = cell["source"].replace("\n", "\r\n")
        if cell["source"].startswith("x ="):
            cell["metadata"]["exercise"] = "07.\udcff"
    (tmp_path / "07.ipynb").write_text(json.dumps(book))
    read = read_notebook(tmp_path / "07.ipynb", LESSONS)
    run = steps(read, handed_out(LESSON))
    assert json.dumps([vars(s) for s in run], ensure_ascii=False).encode("utf-8")
    assert [s.name for s in run if s.source == "x = '?'"] == ["the cell of exercise 07.?"]
    assert len([s for s in run if s.how == "whole"]) == 1 + 1 + len(LESSON.exercises)  # setup, own, exercises


def test_a_stub_behind_another_form_of_the_function_does_not_run():
    book = notebook("student")
    book = with_cell(book, "saliency_map = lambda net, images, target: images", 1)
    assert not any("def saliency_map" in s.source for s in the_steps(book))
