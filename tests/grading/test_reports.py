"""What students and instructors get to read."""

import csv
import io
import json
import os

import pytest

from course_utils.grading import folder
from course_utils.grading import report as reports
from course_utils.grading.results import Report, Result


def result(exercise="07.1", state="passed", points=3, **options):
    return Result(exercise, "saliency_map", "The map", points, state, **options)


def test_not_graded_is_no_zero():
    report = Report("ann", [result(state="not graded", problem="the file is damaged")])
    data = reports.as_gradescope(report)
    assert "score" not in data and "score" not in data["tests"][0]
    assert "Not graded" in data["output"] and "not a zero" in data["output"]
    rows = list(csv.reader(io.StringIO(reports.gradebook([report]))))
    assert rows[2] == ["ann", "not graded", "", "", "", "the file is damaged"]
    assert "– / 3" in reports.feedback_page(report)


def test_a_zero_is_a_zero():
    report = Report("ann", [result(state="failed", problem="wrong"), result("07.2", points=2)])
    data = reports.as_gradescope(report)
    assert data["score"] == 2 and [t["score"] for t in data["tests"]] == [0, 2]
    assert [t["status"] for t in data["tests"]] == ["failed", "passed"]
    rows = list(csv.reader(io.StringIO(reports.gradebook([report]))))
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
    page += reports.summary_page([Report(evil, [result(state="error", problem=evil, cause=evil)], [evil])])
    assert "<script" not in page and "&lt;script&gt;" in page


def test_file_names_are_safe_and_unlike():
    names = ["ann", "an/n", "an:n", "an_n", "../../etc", ".", "..", "ünal", "a" * 300, "a" * 301, "x\udcff"]
    files = [folder.file_name(n) for n in names]
    assert len(set(files)) == len(files)
    assert all("/" not in f and not f.startswith(".") and len(f) < 100 for f in files)


def test_a_spreadsheet_runs_no_name():
    text = reports.gradebook([Report('=HYPERLINK("x")', [result()])])
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
    text = reports.summary_text(every)
    assert "07.1 The map: 1 of 3 passed, 1 not graded" in text
    assert "most often (2): You took the mean." in text
    assert "not graded: d: the file is damaged" in text
    assert json.dumps(reports.as_gradescope(every[0]))
