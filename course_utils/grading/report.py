"""What comes out: a JSON and a page for each student, a gradebook and a summary for the class."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from course_utils.grading.folder import file_name, write_atomically
from course_utils.grading.results import Report, Result
from course_utils.grading.words import plain

_WORDS = {
    "passed": "passed",
    "failed": "not right yet",
    "error": "it raised an error",
    "not written": "not written",
    "not graded": "not graded",
}
_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem;color:#1f2328}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.35rem .6rem;border-bottom:1px solid #d0d7de;vertical-align:top}
td.n,th.n{text-align:right;white-space:nowrap}.passed{color:#1a7f37}.failed,.error{color:#b35900}.none{color:#57606a}
.cause{color:#57606a}h1{font-size:1.5rem}
"""


def shown(student: str) -> str:
    """A student's name on a page, in a spreadsheet or a terminal."""
    return plain(student, 200) or "(no name)"


# --- a student --------------------------------------------------------------------------------------------------------


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
        "output": "\n".join([_headline(report), *report.notes]),
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": tests,
        "extra_data": {
            "student": report.student,
            "state": report.state,
            "key": report.key,
            "notes": report.notes,
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
    return Report(student, [Result(**r) for r in extra["exercises"]], list(extra["notes"]), extra["key"])


def _headline(report: Report) -> str:
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
        f"<h1>{html.escape(shown(report.student))}</h1><p>{html.escape(_headline(report))}</p>"
        f'<table><tr><th>Exercise</th><th>Result</th><th class="n">Points</th></tr>{"".join(rows)}</table>'
        + (f"<h2>Remarks on your notebook</h2><ul>{notes}</ul>" if notes else "")
    )
    return _page(f"Feedback: {shown(report.student)}", body)


def _page(title: str, body: str) -> str:
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style><body>{body}</body></html>\n"
    )


# --- the class --------------------------------------------------------------------------------------------------------


def gradebook(reports: Sequence[Report]) -> str:
    """A CSV with a line for every student. An exercise that is not graded is an empty field, never 0."""
    exercises = list(dict.fromkeys(r.exercise for report in reports for r in report.results))
    exercises.sort()
    most = {r.exercise: r.points for report in reports for r in report.results}
    lessons = sorted({e.split(".")[0] for e in exercises})
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(["student", "state", *exercises, *(f"lesson {n}" for n in lessons), "total", "not graded because"])
    writer.writerow(["(points)", "", *(most[e] for e in exercises)]
                    + [sum(most[e] for e in exercises if e.startswith(n + ".")) for n in lessons]
                    + [sum(most.values()), ""])  # fmt: skip
    for report in reports:
        scores = {r.exercise: r.score for r in report.results}
        row = ["" if scores.get(e) is None else scores[e] for e in exercises]
        sums = [_sum(s for e, s in scores.items() if e.startswith(n + ".")) for n in lessons]
        reasons = "; ".join(dict.fromkeys(r.problem for r in report.results if r.score is None))
        writer.writerow(
            [_cell(shown(report.student)), report.state, *row, *sums, _sum(scores.values()), _cell(reasons)]
        )
    return text.getvalue()


def _sum(scores) -> int | str:
    known = [s for s in scores if s is not None]
    return sum(known) if known else ""


def _cell(text: str) -> str:
    """A spreadsheet would run what looks like a formula, also behind what it takes for the end of a field."""
    return re.sub(r"(^|[;,|])(\s*)([=+\-@\uff1d\uff0b\uff0d\uff20])", r"\1\2'\3", text)


def summary_rows(reports: Sequence[Report]) -> list[tuple[str, str, int, int, int, str, int]]:
    """For each exercise: id, title, passed, graded, not graded, the most common failure, how often."""
    rows = []
    for which in sorted({r.exercise for report in reports for r in report.results}):
        mine = [r for report in reports for r in report.results if r.exercise == which]
        graded = [r for r in mine if r.score is not None]
        failures = Counter((r.cause or r.problem or r.state) for r in graded if r.state != "passed")
        common, times = failures.most_common(1)[0] if failures else ("", 0)
        passed = sum(r.state == "passed" for r in graded)
        rows.append((which, mine[0].title, passed, len(graded), len(mine) - len(graded), common, times))
    return rows


def summary_text(reports: Sequence[Report]) -> str:
    """The summary for a terminal."""
    states = Counter(r.state for r in reports)
    lines = [", ".join(f"{n} {state}" for state, n in sorted(states.items()))]
    for which, title, passed, graded, missing, common, times in summary_rows(reports):
        rest = f", {missing} not graded" if missing else ""
        lines.append(f"{which} {title}: {passed} of {graded} passed{rest}")
        if common:
            lines.append(f"      most often ({times}): {common}")
    for report in reports:
        if report.state == "not graded":
            lines.append(
                f"not graded: {shown(report.student)}: {'; '.join(dict.fromkeys(r.problem for r in report.results))}"
            )
    return "\n".join(lines)


def summary_page(reports: Sequence[Report]) -> str:
    """The summary as a page, with a link to every student's feedback."""
    rows = "".join(
        f"<tr><td>{html.escape(which)} {html.escape(title)}</td><td class='n'>{passed} / {graded}</td>"
        f"<td class='n'>{missing or ''}</td><td>{html.escape(common)}{f' ({times})' if common else ''}</td></tr>"
        for which, title, passed, graded, missing, common, times in summary_rows(reports)
    )
    students = "".join(
        f'<tr><td><a href="feedback/{html.escape(file_name(r.student).replace("#", "%23"))}.html">'
        f"{html.escape(shown(r.student))}</a></td>"
        f"<td>{html.escape(_headline(r))}</td></tr>"
        for r in reports
    )
    return _page(
        "Summary",
        f"<h1>Summary</h1><table><tr><th>Exercise</th><th class='n'>Passed</th><th class='n'>Not graded</th>"
        f"<th>Most common failure</th></tr>{rows}</table><h2>Students</h2><table>{students}</table>",
    )


def save_student(out: Path, report: Report) -> None:
    """Write a student's two files; the JSON last, since it says that the student is done."""
    name = file_name(report.student)
    write_atomically(out / "feedback" / f"{name}.html", feedback_page(report))
    write_atomically(out / "results" / f"{name}.json", json.dumps(as_gradescope(report), indent=1) + "\n")


def load_student(out: Path, student: str) -> Report | None:
    """A student's report of an earlier run, if it is there and whole."""
    try:
        data = json.loads((out / "results" / f"{file_name(student)}.json").read_text(encoding="utf-8"))
        return from_gradescope(data, student)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def save_class(out: Path, reports: Sequence[Report]) -> None:
    """Write the gradebook and the summary."""
    write_atomically(out / "gradebook.csv", gradebook(reports))
    write_atomically(out / "summary.html", summary_page(reports))
