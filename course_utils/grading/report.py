"""What comes out for each student: a JSON and a page."""

from __future__ import annotations

import html
import json
from itertools import count
from pathlib import Path

from course_utils.grading.folder import file_name, keep_as, write_atomically
from course_utils.grading.plain_text import plain_text
from course_utils.grading.results import Report, Result

_WORDS = {
    "passed": "passed",
    "failed": "not right yet",
    "error": "it raised an error",
    "not written": "not written",
    "not graded": "not graded",
}
_FOLDERS = {"html": "feedback", "json": "results"}
_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem;color:#1f2328}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.35rem .6rem;border-bottom:1px solid #d0d7de;vertical-align:top}
td.n,th.n{text-align:right;white-space:nowrap}.passed{color:#1a7f37}.failed,.error{color:#b35900}.none{color:#57606a}
.cause{color:#57606a}h1{font-size:1.5rem}
"""


def shown_name(student: str) -> str:
    """A student's name on a page, in a spreadsheet or a terminal."""
    return plain_text(student, 200) or "(no name)"


def message(result: Result) -> str:
    """What the student reads about one exercise."""
    if result.state == "passed":
        return "Passed."
    parts = [f"{_WORDS[result.state].capitalize()}. {result.problem}"]
    if result.cause:
        parts.append(f"Likely cause: {result.cause}")
    return "\n".join(parts)


def as_gradescope(report: Report) -> dict:
    """The report in the form of Gradescope's results.json. What is not graded has no score: it is not a zero."""
    tests = []
    for one in report.results:
        test = {
            "name": f"{one.exercise} {one.function}",
            "number": one.exercise,
            "max_score": one.points,
            "output": message(one),
            "output_format": "text",
            "visibility": "visible",
        }
        if one.score is not None:
            test |= {"score": one.score, "status": "passed" if one.state == "passed" else "failed"}
        tests.append(test)
    data = {
        "output": "\n".join([headline(report), *report.notes]),
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": tests,
        "extra_data": {
            "student": report.student,
            "state": report.state,
            "key": report.key,
            "notes": report.notes,
            "handed_in": report.handed_in,
            "graded_at": report.graded_at,
            "late": report.late,
            "exercises": [vars(r) for r in report.results],
        },
    }
    if report.state != "not graded":
        data = {"score": sum(r.score or 0 for r in report.results), **data}
    return data


def from_gradescope(data: dict, student: str) -> Report:
    """The report that `as_gradescope` wrote.

    Raises:
        ValueError: it is another student's.
    """
    extra = data["extra_data"]
    if extra["student"] != student:
        raise ValueError(f"these are the results of {extra['student']!r}")
    # results of an older version of the course have no such fields
    when = extra.get("handed_in", ""), extra.get("graded_at", ""), extra.get("late", False)
    return Report(student, [Result(**r) for r in extra["exercises"]], list(extra["notes"]), extra["key"], *when)


def headline(report: Report) -> str:
    """The points of a student in a line, or why there are none."""
    if report.state == "not graded":
        reasons = dict.fromkeys(r.problem for r in report.results)
        return f"Not graded: {'; '.join(reasons)}. This is not a zero: ask your instructor."
    most = sum(r.points for r in report.results if r.score is not None)
    text = f"{sum(r.score or 0 for r in report.results)} of {most} points"
    return text if report.state == "graded" else f"{text}; some exercises are not graded"


def feedback_page(report: Report) -> str:
    """An HTML page for the student: points, messages, likely causes. Everything in it is escaped."""
    rows = []
    for one in report.results:
        css = {"passed": "passed", "failed": "failed", "error": "error"}.get(one.state, "none")
        points = "–" if one.score is None else str(one.score)
        cause = f'<div class="cause">Likely cause: {html.escape(one.cause)}</div>' if one.cause else ""
        rows.append(
            f"<tr><td>{html.escape(one.exercise)} {html.escape(one.title)}<br>"
            f"<code>{html.escape(one.function)}</code></td>"
            f'<td><b class="{css}">{_WORDS[one.state]}</b><div>{html.escape(one.problem)}</div>{cause}</td>'
            f'<td class="n">{points} / {one.points}</td></tr>'
        )
    notes = "".join(f"<li>{html.escape(note)}</li>" for note in report.notes)
    body = (
        f"<h1>{html.escape(shown_name(report.student))}</h1><p>{html.escape(headline(report))}</p>"
        f'<table><tr><th>Exercise</th><th>Result</th><th class="n">Points</th></tr>{"".join(rows)}</table>'
        + (f"<h2>Remarks on your notebook</h2><ul>{notes}</ul>" if notes else "")
    )
    return page(f"Feedback: {shown_name(report.student)}", body)


def page(title: str, body: str) -> str:
    """An HTML page that loads nothing and runs nothing; the body must be escaped already."""
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style><body>{body}</body></html>\n"
    )


def save_student(out: Path, report: Report) -> None:
    """Write a student's two files; the JSON last, since it says that the student is done.

    Other results of an earlier run are not lost: they move to `earlier/NAME.1.json` and `.html`, `.2`, and so on.
    """
    name = file_name(report.student)
    before = load_student(out, report.student)
    if before is not None and before.key != report.key:
        number = 1 + len(earlier(out, report.student))
        for kind in ("html", "json"):
            keep_as(out / _FOLDERS[kind] / f"{name}.{kind}", out / "earlier" / f"{name}.{number}.{kind}")
    write_atomically(out / "feedback" / f"{name}.html", feedback_page(report))
    write_atomically(out / "results" / f"{name}.json", json.dumps(as_gradescope(report), indent=1) + "\n")


def load_student(out: Path, student: str) -> Report | None:
    """A student's report of the latest run, if it is there and whole."""
    return _load(out / "results" / f"{file_name(student)}.json", student)


def earlier(out: Path, student: str) -> list[Report]:
    """A student's reports of runs before the latest, the oldest first."""
    found, name = [], file_name(student)
    for number in count(1):
        path = out / "earlier" / f"{name}.{number}.json"
        if not path.exists():
            return found
        found.append(_load(path, student) or Report(student, notes=[f"{path.name} is damaged"]))


def _load(path: Path, student: str) -> Report | None:
    try:
        return from_gradescope(json.loads(path.read_text(encoding="utf-8")), student)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
