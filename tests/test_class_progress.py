"""Who has passed what: from the saved outputs of a class's notebooks, and nothing is run."""

import json
import re

import pytest

from course_utils import cli
from course_utils.authoring.paths import lesson_paths
from course_utils.authoring.source import read_lesson
from course_utils.commands import class_progress
from course_utils.exercises.outcome import Outcome
from tests.test_cli import assert_one_line, course, ran  # noqa: F401  fixtures

NAMES = {e.id: "f" for path in lesson_paths(["00", "07"]) for e in read_lesson(path).exercises}


def notebook(path, **states):
    """A saved notebook: `x00_1="passed"`; an exercise that is not named was not run."""
    lesson = next(iter(states))[1:3]
    said = {name[1:].replace("_", "."): state for name, state in states.items()}
    cells = [
        ran(which, str(Outcome(which, "f", said[which])) if which in said else "")
        for which in [*NAMES, "99.1"]
        if which.startswith((lesson, "99"))
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"cells": cells}), encoding="utf-8")


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "in"
    notebook(place / "ann" / "a.ipynb", x00_1="passed", x00_2="failed", x00_3="error", x00_4="not written")
    notebook(place / "ann" / "b.ipynb", x00_1="not written", x00_2="passed")
    notebook(place / "ann" / "c.ipynb", x07_1="passed")
    notebook(place / "bob.ipynb", x00_1="passed")
    (place / "eve").mkdir()
    (place / "eve" / "<b>.ipynb").write_text("[" * 100_000)
    (place / "zoe.zip").write_text("")
    return place


def test_a_line_for_each_student(course, folder):  # noqa: F811
    lines = course("progress", folder).stdout.splitlines()
    assert re.split(r"\s+", lines[0].strip()) == ["lesson", "00", "07"]
    assert re.split(r"\s+", lines[1].strip())[:6] == ["exercise", "1", "2", "3", "4", "1"]
    assert lines[2].split()[:6] == ["ann", "✓", "✓", "!", "○", "✓"] and lines[2].endswith("3 of 11")
    assert lines[3].split()[:5] == ["bob", "✓", "·", "·", "·"] and lines[3].endswith("1 of 11")
    assert lines[4].endswith("0 of 11; <b>.ipynb cannot be read as a notebook")
    assert lines[5].startswith("zoe") and "zip" in lines[5]
    assert lines[6].split()[:7] == ["4", "people", "2", "1", "0", "0", "1"]
    assert lines[2].index("✓") == lines[1].index("1") == lines[6].index("2"), "one below the other"


def test_a_page_says_in_words_what_the_signs_say(course, folder, tmp_path):  # noqa: F811
    page = tmp_path / "out" / "progress.html"
    result = course("progress", folder, "--page", page)
    assert result.exit_code == 0 and str(page) in result.stdout
    text = page.read_text(encoding="utf-8")
    assert 'title="00.3 an error" aria-label="an error">!' in text and 'class="passed' in text
    assert "&lt;b&gt;.ipynb" in text and "<b>" not in text and "99.1" not in text
    assert (
        len(re.findall(r'<th scope="row">', text)) == 5 and "<td>3</td>" in text and not re.search(r"https?://", text)
    )


def test_with_a_roster_who_handed_in_nothing_is_there_too(course, folder, tmp_path):  # noqa: F811
    (tmp_path / "class.csv").write_text("id,email,name\nann,a@x,Ann Lee\nkim,k@x,\n", encoding="utf-8")
    said = course("progress", folder, "--roster", tmp_path / "class.csv").stdout
    assert re.search(r"^Ann Lee \(ann\) .*3 of 11$", said, re.M), "an id alone says nothing in front of a class"
    assert re.search(r"^kim .*0 of 11; nothing was handed in$", said, re.M)
    assert "not in the table: bob: no student of the roster" in said


def test_slips(course, folder, tmp_path, monkeypatch):  # noqa: F811
    assert_one_line(course("progress", tmp_path / "none"), "no such file or folder")
    assert_one_line(course("progress", folder, "--page", "x.csv"), "--page names an HTML file")
    assert_one_line(course("progress", "--page", "x.html"), "are for a class")
    monkeypatch.setattr(cli, "_COMMANDS", tmp_path)
    monkeypatch.setattr(cli, "_command", None)
    assert_one_line(course("progress", folder), "has the whole course")


def test_a_hundred_people_stay_in_their_columns():
    rows = [class_progress.Row(f"s{number}", {"00.1": "passed", "00.2": "not yet"}) for number in range(100)]
    head, *_, counts, _legend = class_progress.as_text(rows, ["00.1", "00.2"]).splitlines()[1:]
    assert re.search(r"100 people\s+100   0", counts) and head.index("2") == counts.rindex("0")
