"""What students and instructors get to read."""

import csv
import errno
import io
import json
import os
import re
import unicodedata

import pytest

from course_utils.errors import CourseError
from course_utils.grading import folder, gradebook
from course_utils.grading import report as reports
from course_utils.grading.plain_text import plain_text
from course_utils.grading.results import Report, Result


def result(exercise="07.1", state="passed", points=3, **options):
    return Result(exercise, "saliency_map", "The map", points, state, **options)


def test_not_graded_is_no_zero():
    report = Report("ann", [result(state="not graded", problem="the file is damaged")])
    data = reports.as_gradescope(report)
    assert "score" not in data and "score" not in data["tests"][0]
    assert "Not graded" in data["output"] and "not a zero" in data["output"]
    rows = list(csv.reader(io.StringIO(gradebook.gradebook([report]))))
    assert rows[2] == ["ann", "not graded", "", "", "", "the file is damaged"]
    assert "– / 3" in reports.feedback_page(report)


def test_a_zero_is_a_zero():
    report = Report("ann", [result(state="failed", problem="wrong"), result("07.2", points=2)])
    data = reports.as_gradescope(report)
    assert data["score"] == 2 and [t["score"] for t in data["tests"]] == [0, 2]
    assert [t["status"] for t in data["tests"]] == ["failed", "passed"]
    rows = list(csv.reader(io.StringIO(gradebook.gradebook([report]))))
    assert rows[1] == ["(points)", "", "3", "2", "5", "5", ""]
    assert rows[2] == ["ann", "graded", "0", "2", "2", "2", ""]


def test_partly_graded_says_so():
    report = Report("ann", [result(state="not graded", problem="x"), result("07.2", points=2)])
    assert report.state == "partly graded"
    assert "2 of 2 points; some exercises are not graded" in reports.as_gradescope(report)["output"]


def test_the_json_comes_back_as_it_was(tmp_path):
    report = Report("Ann Ü", [result(state="error", problem="ValueError: x", cause="y")], ["a note"], "key")
    reports.save_student(tmp_path, report)
    assert reports.load_student(tmp_path, "Ann Ü") == report
    assert reports.load_student(tmp_path, "Bob") is None


@pytest.mark.parametrize("text", ["", "{", '{"extra_data": {}}', "[]", "null"])
def test_a_damaged_result_counts_as_none(text, tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "ann.json").write_text(text)
    assert reports.load_student(tmp_path, "ann") is None


def test_everything_on_a_page_is_escaped():
    evil = "<script>alert(1)</script>"
    page = reports.feedback_page(Report(evil, [result(state="error", problem=evil, cause=evil)], [evil]))
    page += gradebook.summary_page([Report(evil, [result(state="error", problem=evil, cause=evil)], [evil])])
    assert "<script" not in page and "&lt;script&gt;" in page


def test_file_names_are_safe_and_unlike():
    names = ["ann", "an/n", "an:n", "an_n", "../../etc", ".", "..", "ünal", "a" * 300, "a" * 301, "x\udcff"]
    files = [folder.file_name(n) for n in names]
    assert len(set(files)) == len(files)
    assert all("/" not in f and not f.startswith(".") and len(f) < 100 for f in files)


def test_a_spreadsheet_runs_no_name():
    text = gradebook.gradebook([Report('=HYPERLINK("x")', [result()])])
    assert "'=HYPERLINK" in text


def test_a_file_is_whole_or_not_there(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    folder.write_atomically(path, "old")

    def fail(*_):
        raise OSError("the disk is full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(folder.NotWritten, match="the disk is full"):
        folder.write_atomically(path, "new and longer")
    assert path.read_text() == "old"
    folder.clean_up(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_the_summary_counts():
    every = [
        Report("a", [result()]),
        Report("b", [result(state="failed", problem="p", cause="You took the mean.")]),
        Report("c", [result(state="failed", problem="p", cause="You took the mean.")]),
        Report("d", [result(state="not graded", problem="the file is damaged")]),
    ]
    text = gradebook.summary_text(every)
    assert "07.1 The map: 1 of 3 passed, 1 not graded" in text
    assert "most often (2): You took the mean." in text
    assert "not graded: d: the file is damaged" in text
    assert json.dumps(reports.as_gradescope(every[0]))


def test_names_that_were_made_to_collide_do_not(tmp_path):
    names = [
        "jose_",
        "Jose\u0301",
        "Jos\u00e9",
        "JOSE\u0301",
        "o'brien",
        "O'Brien",
        "ann",
        "Ann",
        "ann ",
        " ann",
        "\u5f35" * 80,
        "\u5f35" * 81,
    ]
    names += [folder.file_name(name) for name in names]  # a name that is another's file name
    files = [folder.file_name(name) for name in dict.fromkeys(names)]
    assert len({unicodedata.normalize("NFKC", f).casefold() for f in files}) == len(files)
    assert all(len(f.encode()) < 120 for f in files)
    for name in dict.fromkeys(names):
        reports.save_student(tmp_path, Report(name, [result()], key=name))
    assert all(reports.load_student(tmp_path, name).key == name for name in names)


def test_results_of_another_student_are_not_taken(tmp_path):
    reports.save_student(tmp_path, Report("ann", [result()]))
    (tmp_path / "results" / "ann.json").rename(tmp_path / "results" / "bob.json")
    assert reports.load_student(tmp_path, "bob") is None


@pytest.mark.parametrize(
    "name",
    ["a\rb", "=1+1", "x;=1+1", "x\r\n=1+1", "a,b", '"; =cmd|x', "\uff1d1", " @x", "a\x1b[31m\u202eb", "a\udcffb"],
)
def test_the_gradebook_is_a_table_whatever_the_names_are(name):
    text = gradebook.gradebook([Report(name, [result(state="not graded", problem=plain_text("why; =1+1"))])])
    rows = list(csv.reader(io.StringIO(text)))
    assert len(rows) == 3 and len(text.splitlines()) == 3 and {len(r) for r in rows} == {6}
    assert text.isprintable() or {c for c in text if not c.isprintable()} == {"\n"}
    for cell in rows[2]:
        assert not any(
            piece.strip()[:1] in ("=", "+", "-", "@", "\uff1d") for piece in re.split("[;,\r\n]", cell) if piece
        )


def test_remarks_have_an_end_and_are_one_line_each():
    remarks = ["\x1b[2J\ud83d\n" + "x" * 10_000] * 5000
    report = Report("ann", [result(state="not graded", problem="y" * 10**6)], remarks).cleaned()
    assert len(reports.feedback_page(report)) < 20_000
    assert report.notes[-1] == "... and 4980 more remarks"
    assert all(note.isprintable() for note in report.notes)
    reports.feedback_page(report).encode("utf-8")


def test_only_one_grader_in_a_folder(tmp_path):
    with folder.only_grader(tmp_path / "out"):
        (tmp_path / "out" / ".part-7").write_text("half")
        with (
            pytest.raises(CourseError, match="another `course grade` works there"),
            folder.only_grader(tmp_path / "out"),
        ):
            pass
        assert (tmp_path / "out" / ".part-7").exists()
    (tmp_path / "out" / ".course-grading-x").mkdir()
    with folder.only_grader(tmp_path / "out"):
        assert list((tmp_path / "out").iterdir()) == []


def test_what_cannot_be_written_is_told_with_its_cure(tmp_path, monkeypatch):
    (tmp_path / "results").write_text("I am a file")
    with pytest.raises(folder.NotWritten, match=r"results: .*there is a file of this name; move it away"):
        folder.write_atomically(tmp_path / "results" / "ann.json", "x")
    with pytest.raises(folder.NotWritten, match="file of this name"), folder.only_grader(tmp_path / "results"):
        pass
    (tmp_path / "gradebook.csv").mkdir()
    with pytest.raises(folder.NotWritten, match=r"gradebook.csv: .*folder of this name"):
        folder.write_atomically(tmp_path / "gradebook.csv", "x")

    for number, cure in ((errno.ENOSPC, "free some space"), (errno.EROFS, "choose another --out")):

        def fail(*_, number=number):
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises(folder.NotWritten, match=cure):
            folder.write_atomically(tmp_path / "x.json", "x")
