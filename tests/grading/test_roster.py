"""A class with a roster: everybody has one row, and what Canvas and Moodle import has the columns that they document."""

import csv
import io
import json
import os
import re
import time

import pytest
from typer.testing import CliRunner

from course_utils import cli
from course_utils.commands import grade as command
from course_utils.errors import CourseError
from course_utils.grading import classroom, gradebook, imports, tasks, walls
from course_utils.grading import report as reports
from course_utils.grading.results import Report, Result
from course_utils.grading.roster import NOTHING, Person, match, read_roster
from course_utils.grading.submissions import Submission

PEOPLE = [
    Person("s1", "ann.lee@uni.edu", "Ann Lee"),
    Person("s2", "bob@uni.edu", "Bob Ray"),
    Person("s3", "cyd@uni.edu", "Cyd Ångström"),
    Person("4711", "bob@other.edu", "Lee, Dan"),
]


def roster(tmp_path, text, name="students.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


# ------------------------------------------------------------------------------------------------------- the roster


@pytest.mark.parametrize(
    "text",
    [
        "id,e-mail,name\ns1,ann@uni.edu,Ann Lee\ns2,,Bo Ray\n",
        "\ufeffid,e-mail,name\r\ns1,ann@uni.edu,Ann Lee\r\n\r\ns2,,Bo Ray\r\n",
        "Student ID;Email;Full name\ns1;ann@uni.edu;Ann Lee\ns2;;Bo Ray\n;;\n",
        "name\tID\temail address\nAnn  Lee\ts1\tann@uni.edu\nBo Ray\ts2\n",
        "id,email,name\ns1,ann@uni.edu,Ann Lee\ns2,,Bo Ray\n".encode("utf-16"),
        "First name,Last name,ID number,Email address\nAnn,Lee,s1,ann@uni.edu\nBo,Ray,s2,\n",
        '"id","email","name"\n"s1","ann@uni.edu","Ann Lee"\n"s2","","Bo Ray"',
    ],
    ids=["plain", "BOM", "semicolons", "tabs", "UTF-16", "Moodle", "quotes"],
)
def test_rosters_as_spreadsheets_and_platforms_write_them(tmp_path, text):
    people = read_roster(roster(tmp_path, text))
    assert people[0] == Person("s1", "ann@uni.edu", "Ann Lee")
    if isinstance(text, bytes) or "\tID\t" not in text:
        assert people[1:] == [Person("s2", "", "Bo Ray")]


def test_canvas_own_list_is_a_roster_and_goes_back_as_it_came(tmp_path):
    text = (
        "Student,ID,SIS User ID,SIS Login ID,Section,Old work (77)\n    Points Possible,,,,,10\n"
        '"Lee, Ann",4711,u1,ann@uni.edu,A,3\n"Ray, Bo",4712,u2,bo@uni.edu,B,\n'
    )
    people = read_roster(roster(tmp_path, text))
    assert [(p.id, p.email, p.name) for p in people] == [
        ("4711", "ann@uni.edu", "Lee, Ann"),
        ("4712", "bo@uni.edu", "Ray, Bo"),
    ]
    rows = list(csv.reader(io.StringIO(imports.canvas(people, [Report("4711"), Report("4712")]))))
    assert rows[2][:5] == ["Lee, Ann", "4711", "u1", "ann@uni.edu", "A"]


def test_canvas_list_for_who_may_not_see_sis_numbers(tmp_path):
    people = read_roster(roster(tmp_path, 'Student,ID,Section\n    Points Possible,,\n"Lee, Ann",4711,A\n'))
    rows = list(csv.reader(io.StringIO(imports.canvas(people, [Report("4711")]))))
    assert [p.id for p in people] == ["4711"] and rows[2][:5] == ["Lee, Ann", "4711", "", "", "A"]


def test_without_ids_the_e_mail_address_is_the_id(tmp_path):
    """Moodle's list of participants, as it usually is."""
    text = "\ufeffFirst name,Last name,Email address,Groups\nAnn,Lee,ann@uni.edu,\nBo,Ray,bo@uni.edu,\n"
    people = read_roster(roster(tmp_path, text))
    assert people == [Person("ann@uni.edu", "ann@uni.edu", "Ann Lee"), Person("bo@uni.edu", "bo@uni.edu", "Bo Ray")]


BAD = {
    "empty": ("", ["the roster is empty", "id,email,name"]),
    "only spaces": (" \n,,\n", ["the roster is empty"]),
    "only titles": ("id,email,name\n", ["no student"]),
    "no id": ("name,group\nAnn,A\n", ["no column id and no email", "name, group"]),
    "no e-mail address in place of an id": ("email,name\na@b,Ann\n,Bo\n", ["line 3", "no e-mail address"]),
    "two columns missing": ("id\ns1\n", ["no column email and no name"]),
    "an id is missing": ("id,email,name\ns1,a@b,Ann\n,c@d,Bo\n", ["line 3", "no id"]),
    "an id twice": ("id,email,name\ns1,a@b,Ann\ns2,c@d,Bo\nS1,e@f,Cy\n", ["S1", "line 2 and in line 4"]),
    "an e-mail twice": ("id,email,name\ns1,a@b,Ann\ns2,A@B,Bo\n", ["A@B", "line 2 and in line 3"]),
    "an id that is a path": ("id,email,name\n../x,a@b,Ann\n", ["line 2", "'../x'", "letters"]),
    "an id that is a formula": ("id,email,name\n=1+1,a@b,Ann\n", ["line 2", "letters"]),
    "too many fields": ("id,email,name\ns1,a@b,Lee, Ann\n", ["line 2", "4 fields under 3 columns"]),
    "not UTF-8": (b"id,email,name\ns1,a@b,M\xfcller\n", ["UTF-8"]),
    "a spreadsheet": (b"PK\x03\x04\x00\x00", ["UTF-8"]),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_roster_is_told_in_one_line(tmp_path, name):
    text, words = BAD[name]
    path = roster(tmp_path, text)
    result = CliRunner().invoke(cli.app, ["grade", str(tmp_path), "--roster", str(path), "--no-sandbox"])
    line = result.stderr.strip().splitlines()[-1]
    assert result.exit_code == 2 and "Traceback" not in result.output
    assert line.startswith(f"course: {path}") and line.isprintable()
    for word in words:
        assert word in line


def test_a_roster_that_is_not_there(tmp_path):
    with pytest.raises(CourseError, match="cannot be read"):
        read_roster(tmp_path / "none.csv")
    with pytest.raises(CourseError, match="cannot be read"):
        read_roster(tmp_path)


# ------------------------------------------------------------------------------------------------- whose is it


@pytest.mark.parametrize(
    ("name", "whose"),
    [
        ("s1", "s1"),
        ("S1", "s1"),
        ("ann.lee@uni.edu", "s1"),
        ("ann.lee", "s1"),
        ("Ann Lee", "s1"),
        ("ann_lee", "s1"),
        ("Cyd A\u030angstro\u0308m", "s3"),
        ("Dan Lee", "4711"),
        ("Lee, Dan", "4711"),
        ("Ann Lee_815_assignsubmission_file_", "s1"),
        ("Ann Lee_815_assignsubmission_file", "s1"),
        ("leedan_4711_9042_07_saliency_maps", "4711"),
        ("leedan_LATE_4711_9042_07_saliency_maps", "4711"),
        ("bob@uni.edu", "s2"),
        ("bob", None),
        ("s11", None),
        ("Ann", None),
        ("", None),
    ],
)
def test_whose_a_submission_is(name, whose):
    found = match(PEOPLE, [Submission(name, [__file__])])
    assert [one.student for one in found.submissions] == ["s1", "s2", "s3", "4711"], "all, once, in the roster's order"
    assert [one.student for one in found.submissions if one.notebooks] == ([whose] if whose else [])
    assert [stranger for stranger, _ in found.strangers] == ([] if whose else [name])
    assert found.late == ({whose} if "LATE" in name else set())


def test_what_fits_two_students_is_nobodys():
    ((name, why),) = match(PEOPLE, [Submission("bob", ["x"])]).strangers
    assert name == "bob" and why == "it fits more than one student: 4711, s2"


def test_an_id_comes_before_a_name():
    people = [Person("lee", "", "Ann Lee"), Person("s2", "", "lee")]
    assert [s.student for s in match(people, [Submission("lee", ["x"])]).submissions if s.notebooks] == ["lee"]


def test_several_submissions_of_a_person_are_one():
    some = [
        Submission("s1", ["a.ipynb"], modules=["a.py"]),
        Submission("Ann Lee", ["b.ipynb"], remarks=["odd"]),
        Submission("ann.lee", problem="work.zip was handed in"),
    ]
    one = match(PEOPLE, some).submissions[0]
    assert one.notebooks == ["a.ipynb", "b.ipynb"] and one.modules == ["a.py"] and not one.problem
    assert one.remarks == ["odd", "work.zip was handed in", "handed in 3 times: s1, Ann Lee, ann.lee"]
    alone = match(PEOPLE, [Submission("s2", problem="work.zip was handed in")]).submissions[1]
    assert alone.problem == "work.zip was handed in"


# --------------------------------------------------------------------------------------- a class of three hundred


EXERCISES = [("07.1", "The map", 3), ("07.2", "Spot the bug: a sum (2)", 2), ("16.1", "=Evidence", 2)]


def faked(student, passed=(), state="failed"):
    def one(which, title, points):
        return Result(which, "f", title, points, "passed" if which in passed else state, "It is wrong.")

    return Report(student, [one(*e) for e in EXERCISES])


@pytest.fixture
def course(monkeypatch):
    """`course grade` in which nothing is run: what a student gets, `scores` says; counts who is graded."""
    scores, graded = {}, []

    def grade_class(submissions, tasks, *, known, **options):
        for one in submissions:
            key = f"{one.problem} {one.notebooks} {[p.read_text() for p in one.notebooks]}"
            if known(one, key):
                yield one
                continue
            graded.append(one.student)
            report = faked(one.student, scores.get(one.student, ())) if one.notebooks else faked(one.student)
            if not one.notebooks:
                for result in report.results:
                    result.state, result.problem = "not graded", one.problem
            report.key = key
            yield report

    monkeypatch.setattr(classroom, "grade_class", grade_class)
    monkeypatch.setattr(tasks, "prepare", lambda *_: [])
    monkeypatch.setattr(walls, "bubblewrap_problem", lambda: "")

    def run(place, out, **options):
        limits = {"call_seconds": 30.0, "total_seconds": 300.0, "memory_mb": 2048}
        defaults = {"lessons": None, "seed": 5, "jobs": 1, "student": None, "sandbox": True}
        return command.grade(place, out=out, **{**defaults, **limits, **options})

    run.scores, run.graded = scores, graded
    return run


def table(path):
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))


def test_three_hundred_submissions_with_a_roster(course, tmp_path, capsys):
    people = [(f"S{1000 + k}", f"student{k}@uni.edu", f"Given{k} Family{k}") for k in range(320)]
    path = roster(tmp_path, "id,email,name\n" + "".join(",".join(one) + "\n" for one in people))
    place, out = tmp_path / "in", tmp_path / "graded"
    place.mkdir()
    for k, (id_, email, name) in enumerate(
        people[:300]
    ):  # handed in under the id, the e-mail, the name; or from Moodle
        written = (id_.lower(), email, name, f"{name}_{k}_assignsubmission_file_")[k % 4]
        (place / written).mkdir()
        (place / written / "07.ipynb").write_text(f"work {k}")
        course.scores[id_] = [e[0] for e in EXERCISES][: k % 4]
    (place / "nobody@else.edu.ipynb").write_text("x")
    start = time.perf_counter()
    assert course(place, out, roster=path) == 1, "a stranger's work is not graded"
    seconds = time.perf_counter() - start
    said = capsys.readouterr()
    assert "not graded: nobody@else.edu: no student of the roster has this id, e-mail or name" in said.err
    assert f"{NOTHING} (20): S1300, S1301" in said.out
    print(f"\n320 students on the roster, 300 submissions: {seconds:.1f} s without running them")

    ids = [one[0] for one in people]
    points = {id_: sum(p for e, _, p in EXERCISES if e in course.scores.get(id_, ())) for id_ in ids}
    book = table(out / "gradebook.csv")
    assert [row["student"] for row in book] == ["(points)", *ids], "no student missing, none twice"
    assert [row["e-mail"] for row in book[1:]] == [one[1] for one in people]
    handed_in = [row for row in book[1:] if row["state"] != NOTHING]
    assert len(handed_in) == 300 and all(row["total"] == str(points[row["student"]]) for row in handed_in)
    assert all(row["total"] == row["07.1"] == "" and row["not graded because"] == NOTHING for row in book[301:])

    canvas = list(csv.reader(io.StringIO((out / "canvas.csv").read_text(encoding="utf-8"))))
    assert [row[2] for row in canvas[2:]] == ids
    moodle = table(out / "moodle.csv")
    assert [row["ID number"] for row in moodle] == ids
    by_canvas = {row[2]: sum(map(int, filter(None, row[5:]))) for row in canvas[2:]}
    by_moodle = {r["ID number"]: sum(int(r[f"Lesson {n}"] or 0) for n in ("07", "16")) for r in moodle}
    assert by_canvas == by_moodle == points
    assert sorted(p.stem for p in (out / "to-return").iterdir()) == sorted(ids)
    assert "2 of 2 points" not in (out / "to-return/S1002.html").read_text()
    assert "nobody@else.edu" in (out / "summary.html").read_text()

    course.graded.clear()
    (place / "nobody@else.edu.ipynb").unlink()
    assert course(place, out, roster=path) == 0 and course.graded == [], "who handed in nothing does no harm"
    assert [row["student"] for row in table(out / "attempts.csv")] == ids


def test_earlier_results_are_kept_beside_the_latest(course, tmp_path):
    path = roster(tmp_path, "id,email,name\nann,ann@uni.edu,Ann Lee\nbo,,Bo Ray\n")
    place, out = tmp_path / "in", tmp_path / "graded"
    place.mkdir()
    (place / "ann.ipynb").write_text("first")
    os.utime(place / "ann.ipynb", (1.7e9, 1.7e9))
    course.scores["ann"] = ["07.1"]
    assert course(place, out, roster=path) == 0
    (place / "bo.ipynb").write_text("too late")
    (place / "ann.ipynb").write_text("second")
    course.scores["ann"] = ["07.2"]
    assert course(place, out, roster=path) == 0
    rows = table(out / "attempts.csv")
    assert [(r["student"], r["attempt"], r["latest"], r["total"]) for r in rows] == [
        ("ann", "1", "", "3"),
        ("ann", "2", "yes", "2"),
        ("bo", "1", "", ""),
        ("bo", "2", "yes", "0"),
    ]
    assert rows[0]["handed in"] == "2023-11-14 22:13" and rows[2]["state"] == NOTHING
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", row["graded"]) for row in rows)
    assert [r.score for r in reports.earlier(out, "ann")[0].results] == [3, 0, 0]
    assert "3 of 7 points" in (out / "earlier/ann.1.html").read_text()
    assert [row["total"] for row in table(out / "gradebook.csv")[1:]] == ["2", "0"], "the latest counts"
    assert course(place, out, roster=path) == 0
    assert len(table(out / "attempts.csv")) == 4, "graded before: no new attempt"


def test_a_late_file_from_canvas_is_marked(course, tmp_path):
    path = roster(tmp_path, "id,email,name\n4711,,Ann Lee\n4712,,Bo Ray\n")
    place = tmp_path / "in"
    place.mkdir()
    (place / "leeann_LATE_4711_9_07.ipynb").write_text("x")
    (place / "raybo_4712_8_07.ipynb").write_text("x")
    assert course(place, tmp_path / "out", roster=path) == 0
    assert [row["late"] for row in table(tmp_path / "out/attempts.csv")] == ["late", ""]
    (place / "leeann_LATE_4711_9_07.ipynb").write_text("graded again, for another reason")
    assert course(place, tmp_path / "out", roster=path) == 0
    assert [row["late"] for row in table(tmp_path / "out/attempts.csv")] == ["late", "late", ""]
    assert course(place, tmp_path / "out", roster=path) == 0, "nothing new"
    assert [row["late"] for row in table(tmp_path / "out/attempts.csv")] == ["late", "late", ""]


def test_of_an_earlier_roster_nothing_is_left_to_return(course, tmp_path):
    place = tmp_path / "in"
    place.mkdir()
    (place / "ann.ipynb").write_text("x")
    for ids in (("ann", "bo"), ("ann",)):
        path = roster(tmp_path, "id,email,name\n" + "".join(f"{i},,\n" for i in ids))
        course(place, tmp_path / "out", roster=path)
        assert sorted(p.stem for p in (tmp_path / "out/to-return").iterdir()) == sorted(ids)


def test_a_roster_and_one_student_do_not_go_together(course, tmp_path):
    with pytest.raises(CourseError, match="--roster for a class"):
        course(tmp_path, tmp_path / "out", roster=tmp_path / "x.csv", student="ann")


# ------------------------------------------------------------------------------------------------ Canvas and Moodle


def test_the_file_for_canvas_has_its_documented_form():
    """Student, ID, SIS User ID, SIS Login ID, Section, then assignments; "Points Possible" in the second line."""
    people = [Person("s1", "a@b", "=Ann"), Person("s2", "", "Bo")]
    nothing = faked("s2", state="not graded")
    rows = list(csv.reader(io.StringIO(imports.canvas(people, [faked("s1", ["07.1"]), nothing]))))
    assert rows[0] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *canvas_titles()]
    assert rows[1] == ["    Points Possible", "", "", "", "", "3", "2", "2"]
    assert rows[2] == ["'=Ann", "", "s1", "a@b", "", "3", "0", "0"]
    assert rows[3] == ["Bo", "", "s2", "", "", "", "", ""], "not graded is empty, not 0"
    assert len({len(row) for row in rows}) == 1 and len(set(rows[0])) == len(rows[0])


def canvas_titles():
    return ["07.1 The map", "07.2 Spot the bug: a sum 2", "16.1 =Evidence"]


def test_no_column_has_a_title_that_canvas_reads_otherwise():
    """Canvas takes a number in brackets at the end for its own number of an assignment, and some titles as its sums."""
    from course_utils.authoring.paths import lesson_paths
    from course_utils.authoring.source import read_lesson

    exercises = [e for path in lesson_paths() for e in read_lesson(path).exercises]
    every = [*(Result(e.id, "f", e.title, e.points, "passed") for e in exercises), *faked("ann").results]
    titles = [imports.column(one) for one in every]
    assert len(set(titles)) == len(titles) > 60
    for title in titles:
        assert not re.search(r"\(\d+\)$|(Current|Final|Override) (Score|Points|Grade|Status)", title), title


def test_the_file_for_moodle_has_a_line_for_each_student_and_feedback():
    people = [Person("s1", "a@b", "Ann"), Person("s2", "c@d", "Bo")]
    nothing = faked("s2", state="not graded")
    for result in nothing.results:
        result.problem = NOTHING
    text = imports.moodle(people, [faked("s1", ["07.1"]), nothing])
    first, second = csv.DictReader(io.StringIO(text))
    assert list(first)[:6] == ["ID number", "Email address", "Full name", *canvas_titles()]
    assert list(first)[6:] == ["Lesson 07", "Lesson 07 (feedback)", "Lesson 16", "Lesson 16 (feedback)"]
    assert first["Lesson 07"] == "3" and second["Lesson 07"] == second["07.1 The map"] == ""
    assert first["Lesson 07 (feedback)"] == "07.1: Passed. | 07.2: Not right yet. It is wrong."
    assert second["Lesson 07 (feedback)"] == f"Not graded: {NOTHING}."


def test_a_result_of_an_older_version_of_the_course_can_be_read(tmp_path):
    data = reports.as_gradescope(faked("ann", ["07.1"]))
    del data["extra_data"]["handed_in"], data["extra_data"]["graded_at"], data["extra_data"]["late"]
    (tmp_path / "results").mkdir()
    (tmp_path / "results/ann.json").write_text(json.dumps(data))
    assert reports.load_student(tmp_path, "ann") == faked("ann", ["07.1"])


def test_a_gradebook_without_a_roster_is_as_before():
    assert gradebook.gradebook([faked("ann")]).splitlines()[0].startswith('"student","state","07.1"')
