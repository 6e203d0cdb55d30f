"""What comes out for the class: a gradebook and a summary."""

from __future__ import annotations

import csv
import html
import io
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from course_utils.grading.folder import file_name, write_atomically
from course_utils.grading.report import headline, page, shown
from course_utils.grading.results import Report


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
        f"<td>{html.escape(headline(r))}</td></tr>"
        for r in reports
    )
    return page(
        "Summary",
        f"<h1>Summary</h1><table><tr><th>Exercise</th><th class='n'>Passed</th><th class='n'>Not graded</th>"
        f"<th>Most common failure</th></tr>{rows}</table><h2>Students</h2><table>{students}</table>",
    )


def save_class(out: Path, reports: Sequence[Report]) -> None:
    """Write the gradebook and the summary."""
    write_atomically(out / "gradebook.csv", gradebook(reports))
    write_atomically(out / "summary.html", summary_page(reports))
