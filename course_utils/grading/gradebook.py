"""What comes out for the class: a gradebook and a summary."""

from __future__ import annotations

import csv
import html
import io
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from course_utils.grading import imports
from course_utils.grading.folder import file_name, write_atomically
from course_utils.grading.report import earlier, feedback_page, headline, page, shown_name
from course_utils.grading.results import Report
from course_utils.grading.roster import NOTHING, Person


def gradebook(reports: Sequence[Report], people: Sequence[Person] = ()) -> str:
    """A CSV with a line for every student. An exercise that is not graded is an empty field, never 0.

    Args:
        reports: of the students.
        people: the roster, in the same order; then names, e-mail addresses and sections stand there, too.
    """
    exercises = list(dict.fromkeys(r.exercise for report in reports for r in report.results))
    exercises.sort()
    most = {r.exercise: r.points for report in reports for r in report.results}
    lessons = sorted({e.split(".")[0] for e in exercises})
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    known = ["name", "e-mail", "section"] if people else []
    writer.writerow(
        ["student", *known, "state", *exercises, *(f"lesson {n}" for n in lessons), "total", "not graded because"]
    )
    writer.writerow(["(points)", *("" for _ in known), "", *(most[e] for e in exercises)]
                    + [sum(most[e] for e in exercises if e.startswith(n + ".")) for n in lessons]
                    + [sum(most.values()), ""])  # fmt: skip
    for index, report in enumerate(reports):
        scores = {r.exercise: r.score for r in report.results}
        row = ["" if scores.get(e) is None else scores[e] for e in exercises]
        sums = [_sum(s for e, s in scores.items() if e.startswith(n + ".")) for n in lessons]
        reasons = "; ".join(dict.fromkeys(r.problem for r in report.results if r.score is None))
        who = [people[index].name, people[index].email, people[index].section] if people else []
        writer.writerow(
            [
                _cell(shown_name(report.student)),
                *map(_cell, who),
                state(report),
                *row,
                *sums,
                _sum(scores.values()),
                _cell(reasons),
            ]
        )
    return text.getvalue()


def state(report: Report) -> str:
    """The state of a report, and that there was nothing to grade."""
    nothing = report.results and all(r.problem == NOTHING for r in report.results)
    return NOTHING if nothing else report.state


def attempts(out: Path, reports: Sequence[Report]) -> str:
    """A CSV with a line for every result that a student ever got: those of earlier runs, then the latest.

    Args:
        out: the folder of the results.
        reports: the latest.
    """
    exercises = sorted({r.exercise for report in reports for r in report.results})
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(["student", "attempt", "latest", "late", "handed in", "graded", "state", "total", *exercises])
    for report in reports:
        every = [*earlier(out, report.student), report]
        for number, one in enumerate(every, 1):
            scores = {r.exercise: r.score for r in one.results}
            latest = number == len(every)
            told = ["yes" if latest else "", "late" if one.late else ""]
            row = [_cell(shown_name(one.student)), number, *told, one.handed_in, one.graded_at, state(one)]
            writer.writerow(
                [*row, _sum(scores.values())] + ["" if scores.get(e) is None else scores[e] for e in exercises]
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
    states = Counter(map(state, reports))
    lines = [", ".join(f"{n} {state}" for state, n in sorted(states.items()))]
    for which, title, passed, graded, missing, common, times in summary_rows(reports):
        rest = f", {missing} not graded" if missing else ""
        lines.append(f"{which} {title}: {passed} of {graded} passed{rest}")
        if common:
            lines.append(f"      most often ({times}): {common}")
    for report in reports:
        if report.state == "not graded" and state(report) != NOTHING:
            why = "; ".join(dict.fromkeys(r.problem for r in report.results))
            lines.append(f"not graded: {shown_name(report.student)}: {why}")
    if nothing := [shown_name(report.student) for report in reports if state(report) == NOTHING]:
        lines.append(f"{NOTHING} ({len(nothing)}): {', '.join(nothing)}")
    return "\n".join(lines)


def summary_page(reports: Sequence[Report], strangers: Sequence[tuple[str, str]] = ()) -> str:
    """The summary as a page, with a link to every student's feedback, and what fits no student of the roster."""
    rows = "".join(
        f"<tr><td>{html.escape(which)} {html.escape(title)}</td><td class='n'>{passed} / {graded}</td>"
        f"<td class='n'>{missing or ''}</td><td>{html.escape(common)}{f' ({times})' if common else ''}</td></tr>"
        for which, title, passed, graded, missing, common, times in summary_rows(reports)
    )
    students = "".join(
        f'<tr><td><a href="feedback/{html.escape(file_name(r.student).replace("#", "%23"))}.html">'
        f"{html.escape(shown_name(r.student))}</a></td>"
        f"<td>{html.escape(headline(r))}</td></tr>"
        for r in reports
    )
    others = "".join(f"<li>{html.escape(shown_name(name))}: {html.escape(why)}</li>" for name, why in strangers)
    return page(
        "Summary",
        f"<h1>Summary</h1><table><tr><th>Exercise</th><th class='n'>Passed</th><th class='n'>Not graded</th>"
        f"<th>Most common failure</th></tr>{rows}</table><h2>Students</h2><table>{students}</table>"
        + (f"<h2>Not graded: whose are these?</h2><ul>{others}</ul>" if others else ""),
    )


def save_class(
    out: Path,
    reports: Sequence[Report],
    people: Sequence[Person] = (),
    strangers: Sequence[tuple[str, str]] = (),
) -> None:
    """Write the gradebook, the summary and the list of all attempts; with a roster, what goes back to the platform.

    Args:
        out: the folder of the results.
        reports: of the students.
        people: the roster, in the same order.
        strangers: what fits nobody of it, with the reason.
    """
    write_atomically(out / "gradebook.csv", gradebook(reports, people))
    write_atomically(out / "attempts.csv", attempts(out, reports))
    write_atomically(out / "summary.html", summary_page(reports, strangers))
    if people:
        write_atomically(out / "canvas.csv", imports.canvas(people, reports))
        write_atomically(out / "moodle.csv", imports.moodle(people, reports))
        back = out / "to-return"
        for person, report in zip(people, reports, strict=True):
            write_atomically(back / f"{person.id}.html", feedback_page(report))
        for other in {path.name for path in back.glob("*.html")} - {f"{person.id}.html" for person in people}:
            (back / other).unlink()  # of an earlier roster
