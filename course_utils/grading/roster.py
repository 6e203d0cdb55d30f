"""The list of a class: who should have handed in, and which submission is whose."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from course_utils.errors import CourseError
from course_utils.grading.plain_text import plain_text
from course_utils.grading.submissions import Submission

NOTHING = "nothing was handed in"
# what a column may be called, the first name that is there counts; Canvas' and Moodle's own lists have such names
_COLUMNS = {
    "id": ("id", "student id", "studentid", "id number", "idnumber", "sis user id"),
    "email": ("email", "e-mail", "email address", "e-mail address", "mail", "sis login id"),
    "name": ("name", "full name", "student", "student name"),
    "first": ("first name", "firstname", "given name"),
    "last": ("last name", "lastname", "surname", "family name"),
    "sis_user_id": ("sis user id",),
    "sis_login_id": ("sis login id",),
    "section": ("section",),
}
_ID = r"[A-Za-z0-9](?:[A-Za-z0-9._@+-]{0,62}[A-Za-z0-9_@+])?"
# Canvas: nameofstudent_LATE_4711_9042_file.ipynb, with Canvas' number of the student
# Moodle: Full Name_815_assignsubmission_file
_CANVAS = re.compile(r"[^_]*?(?P<late>_LATE)?_(?P<id>\d+)_\d+_.+", re.I)
_MOODLE = re.compile(r"(?P<name>.+)_\d+_assignsubmission(_\w*)?", re.I)


@dataclass(frozen=True)
class Person:
    """A line of the roster.

    Attributes:
        id: what names the student's files: letters, digits and . _ @ + -; no two are equal, whatever their case.
        sis_user_id, sis_login_id, section: of a list that came from Canvas.
        canvas_id: "ID" of such a list.
    """

    id: str
    email: str
    name: str
    sis_user_id: str = ""
    sis_login_id: str = ""
    section: str = ""
    canvas_id: str = ""


@dataclass
class Matched:
    """Which submission is whose.

    Attributes:
        submissions: one for each person of the roster, in its order; without notebooks for who handed in nothing.
        strangers: submissions that fit no person or more than one, with the reason.
        late: the ids of those whose file says that it was late.
    """

    submissions: list[Submission]
    strangers: list[tuple[str, str]] = field(default_factory=list)
    late: set[str] = field(default_factory=set)


def read_roster(path: Path) -> list[Person]:
    """The students of a CSV file with the columns id, e-mail and name; commas, semicolons or tabs between them.

    Without a column of ids, the e-mail address is the id; Canvas' list needs no e-mail address.

    Raises:
        CourseError: no such file, no text, a column is missing, an id is missing, odd or there twice, nobody is in it.
    """
    rows = _rows(path)
    if not rows:
        raise CourseError(f"{path}: the roster is empty; it needs a line with id,email,name, and one for each student.")
    titles = [" ".join(title.casefold().split()) for title in rows[0][1]]
    where = {
        key: next((titles.index(name) for name in names if name in titles), None) for key, names in _COLUMNS.items()
    }
    from_canvas = where["sis_user_id"] is not None or where["sis_login_id"] is not None
    from_canvas = from_canvas or (where["email"] is None and {"student", "id", "section"} <= {*titles})
    in_parts = where["first"] is not None and where["last"] is not None
    what_is_the_id = "id" if where["id"] is not None else "e-mail address, and no column of ids"
    if where["id"] is None:
        where["id"] = where["email"]
    needless = {"email": from_canvas, "name": in_parts}
    missing = [key for key in ("id", "email", "name") if where[key] is None and not needless.get(key)]
    if missing:
        has = ", ".join(plain_text(title, 30) for title in rows[0][1])
        raise CourseError(f"{path}: the roster has no column {' and no '.join(missing)}; its columns are: {has}.")
    people: list[Person] = []
    seen: dict[tuple[str, str], int] = {}
    for line, row in rows[1:]:
        if len(row) > len(titles):
            raise CourseError(f"{path}, line {line}: {len(row)} fields under {len(titles)} columns.")
        got = {key: "" if at is None or at >= len(row) else " ".join(row[at].split()) for key, at in where.items()}
        if "points possible" in got["name"].casefold():  # Canvas' second line
            continue
        if not got["name"] and in_parts:
            got["name"] = f"{got['first']} {got['last']}".strip()
        if not got["id"]:
            raise CourseError(f"{path}, line {line}: there is no {what_is_the_id}.")
        if not re.fullmatch(_ID, got["id"]):
            raise CourseError(
                f"{path}, line {line}: the id {plain_text(got['id'], 40)!r} names files, "
                "so it has letters, digits and . _ @ + - only, 64 at most."
            )
        for key in ("id", "email"):
            if got[key] and seen.setdefault((key, form(got[key])), line) != line:
                first = seen[key, form(got[key])]
                raise CourseError(f"{path}: {plain_text(got[key], 60)} stands in line {first} and in line {line}.")
        people.append(
            Person(
                id=got["id"],
                email=plain_text(got["email"], 200),
                name=plain_text(got["name"], 200),
                sis_user_id=plain_text(got["sis_user_id"]),
                sis_login_id=plain_text(got["sis_login_id"]),
                section=plain_text(got["section"]),
                canvas_id=got["id"] if from_canvas and titles[where["id"]] == "id" else "",
            )
        )
    if not people:
        raise CourseError(f"{path}: there is no student in the roster, only its first line.")
    return people


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    """The lines of a CSV file that have something in them, each with its number."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CourseError(f"{path}: the roster cannot be read ({error.strerror}).") from None
    wide = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    try:
        text = data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise CourseError(f"{path}: the roster is no text in UTF-8; in a spreadsheet, save it as CSV UTF-8.")
    head = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        return [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise CourseError(f"{path}, line {reader.line_num}: it is not CSV ({error}).") from None


def form(text: str) -> str:
    """One form for all spellings: case, accents in one or two characters, spaces and underscores."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().replace("_", " ").split())


def match(people: Sequence[Person], submissions: Sequence[Submission]) -> Matched:
    """Give each submission to the person whose id, e-mail or name it carries.

    The id counts first, then the e-mail, then what stands before its @, then the name. What fits two people is
    nobody's.
    Names that Canvas and Moodle give to downloaded files are read, too. Several submissions of one person become one.
    """
    keys: list[dict[str, set[int]]] = [{}, {}, {}, {}]
    for index, one in enumerate(people):
        swapped = " ".join(reversed(re.split(r",\s*", one.name, maxsplit=1)))  # "Lee, Ann"
        for table, words in zip(
            keys, ([one.id], [one.email], [one.email.split("@")[0]], [one.name, swapped]), strict=True
        ):
            for word in filter(None, words):
                table.setdefault(form(word), set()).add(index)
    matched = Matched([Submission(one.id, problem=NOTHING) for one in people])
    theirs: dict[int, list[Submission]] = {}
    for submission in submissions:
        said = _said(submission.student)
        fits = next((table[form(word)] for table in keys for word in said if form(word) in table), set())
        if len(fits) == 1:
            (index,) = fits
            theirs.setdefault(index, []).append(submission)
            if (file := _CANVAS.fullmatch(submission.student)) and file["late"]:
                matched.late.add(people[index].id)
        else:
            several = ", ".join(sorted(people[index].id for index in fits))
            reason = (
                f"it fits more than one student: {several}"
                if fits
                else "no student of the roster has this id, e-mail or name"
            )
            matched.strangers.append((submission.student, reason))
    for index, some in theirs.items():
        matched.submissions[index] = _joined(people[index].id, some)
    return matched


def _said(name: str) -> list[str]:
    """The words by which a submission's name may say whose it is."""
    if file := _CANVAS.fullmatch(name):
        return [name, file["id"]]
    if file := _MOODLE.fullmatch(name):
        return [name, file["name"]]
    return [name, re.sub(r"\++$", "", name)]  # alice.ipynb beside a folder alice


def _joined(student: str, some: Sequence[Submission]) -> Submission:
    one = Submission(student)
    for part in some:
        one.notebooks += part.notebooks
        one.modules += part.modules
        one.remarks += [*part.remarks, *([part.problem] if part.problem and len(some) > 1 else [])]
    if len(some) > 1:
        one.remarks.append(f"handed in {len(some)} times: {', '.join(part.student for part in some)}")
    if not one.notebooks:
        one.problem = "; ".join(part.problem for part in some if part.problem) or NOTHING
        one.remarks = []
    return one
