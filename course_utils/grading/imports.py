"""Tables that learning platforms import: Canvas and Moodle. What is not graded is an empty field, never 0.

Canvas reads a gradebook by its first columns: Student, ID, SIS User ID, SIS Login ID, Section; behind them stands one
column for each assignment, and in a second line "Points Possible". Moodle lets a person say which column is what.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence

from course_utils.grading.report import message
from course_utils.grading.results import Report, Result
from course_utils.grading.roster import Person

CANVAS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
MOODLE = ("ID number", "Email address", "Full name")
POINTS = "    Points Possible"  # Canvas writes the four spaces itself


def exercises(reports: Sequence[Report]) -> list[Result]:
    """One result for each exercise that was graded, in order: for its title and points."""
    return [one for _, one in sorted({r.exercise: r for report in reports for r in report.results}.items())]


def canvas(people: Sequence[Person], reports: Sequence[Report]) -> str:
    """Canvas' gradebook: a column for each exercise.

    Args:
        people: the roster.
        reports: one for each of them, in the same order.
    """
    columns = exercises(reports)
    rows: list[list] = [[*CANVAS, *(column(one) for one in columns)]]
    rows.append([POINTS, "", "", "", "", *(one.points for one in columns)])
    for person, report in zip(people, reports, strict=True):
        scores = {r.exercise: r.score for r in report.results}
        known = person.canvas_id, person.sis_user_id or ("" if person.canvas_id else person.id)
        login = person.sis_login_id or ("" if person.canvas_id else person.email)
        rows.append(
            [safe(person.name), *known, safe(login), safe(person.section), *(_score(scores, one) for one in columns)]
        )
    return _table(rows)


def moodle(people: Sequence[Person], reports: Sequence[Report]) -> str:
    """A table for Moodle's grade import: a column for each exercise; for each lesson its points and its feedback.

    Args:
        people: the roster.
        reports: one for each of them, in the same order.
    """
    columns = exercises(reports)
    lessons = sorted({one.exercise.split(".")[0] for one in columns})
    last = [title for n in lessons for title in (f"Lesson {n}", f"Lesson {n} (feedback)")]
    rows: list[list] = [[*MOODLE, *(column(one) for one in columns), *last]]
    for person, report in zip(people, reports, strict=True):
        scores = {r.exercise: r.score for r in report.results}
        row = [person.id, safe(person.email), safe(person.name), *(_score(scores, one) for one in columns)]
        for number in lessons:
            mine = [r for r in report.results if r.exercise.split(".")[0] == number]
            known = [r.score for r in mine if r.score is not None]
            row += [sum(known) if known else "", safe(" | ".join(_feedback(mine)))]
        rows.append(row)
    return _table(rows)


def _feedback(results: Sequence[Result]) -> list[str]:
    """A sentence for each exercise; one for all that are not graded for the same reason."""
    reasons = list(dict.fromkeys(r.problem for r in results if r.score is None))
    graded = [f"{r.exercise}: {' '.join(message(r).split())}" for r in results if r.score is not None]
    return [*graded, *(f"Not graded: {reason}." for reason in reasons)]


def column(one: Result) -> str:
    """The title of an exercise's column. A number in brackets at its end, Canvas would take for its own number."""
    return safe(re.sub(r"\((\d+)\)$", r"\1", f"{one.exercise} {one.title}"))


def _score(scores: dict[str, int | None], one: Result) -> int | str:
    score = scores.get(one.exercise)
    return "" if score is None else score


def safe(text: str) -> str:
    """A spreadsheet would run what looks like a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20") else text


def _table(rows: Sequence[Sequence]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
