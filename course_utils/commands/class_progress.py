"""`course progress FOLDER`: which exercises have passed in the notebooks of a class, by their saved outputs.

Nothing is run, so it takes a second for a class and needs no sandbox. It is no grade: a saved output says what its
notebook's owner made of it.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from course_utils.authoring.paths import lesson_paths
from course_utils.authoring.source import read_lesson
from course_utils.commands.progress import exercise_states
from course_utils.errors import CourseError
from course_utils.grading.folder import write_atomically
from course_utils.grading.notebooks import MAX_NOTEBOOK
from course_utils.grading.plain_text import plain_text
from course_utils.grading.roster import match, read_roster
from course_utils.grading.submissions import Submission, find_submissions

_MARKS = {"passed": "✓", "not yet": "✗", "an error": "!", "not written": "○", "not run": "·", "": " "}
_WORDS = {**{state: state for state in _MARKS}, "": "no notebook"}
_BEST_FIRST = [*_MARKS]
_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;margin:2rem;color:#1f2328;background:#fff}
table{border-collapse:collapse}th,td{padding:.25rem .5rem;border-bottom:1px solid #d0d7de;text-align:center}
th:first-child,td:first-child{text-align:left;white-space:nowrap}
.passed{background:#dafbe1}.new{border-left:2px solid #57606a}
h1{font-size:1.4rem}@media print{body{margin:0}}
"""


@dataclass(frozen=True)
class Row:
    """What a student's notebooks say: the state of each exercise, and what could not be read."""

    student: str
    states: dict[str, str]
    problem: str = ""

    def passed(self, ids: Sequence[str]) -> int:
        """How many of these exercises have passed."""
        return sum(self.states.get(which) == "passed" for which in ids)


def tell_class_progress(folder: Path, *, page: Path | None = None, roster: Path | None = None) -> int:
    """Print a table of students and exercises; returns the exit status, 0.

    Args:
        folder: as `course grade` takes it: a folder of notebooks, or with a folder for each student.
        page: an HTML file to write the table to.
        roster: the list of the class, for its names and for who has handed in nothing.

    Raises:
        CourseError: there is no such folder, nothing is in it, or a file cannot be read or written.
    """
    if page is not None and page.suffix.lower() not in (".html", ".htm"):
        raise CourseError(f"--page names an HTML file, such as progress.html; {page} is none.")
    found, strangers, names = find_submissions(folder), [], {}
    if roster is not None:
        people = read_roster(roster)
        matched = match(people, found)
        found, strangers = matched.submissions, matched.strangers
        names = {person.id: f"{person.name} ({person.id})" for person in people if person.name}
    rows = [_row(one, names.get(one.student, one.student)) for one in found]
    ids = _exercises({which for row in rows for which in row.states})
    print(as_text(rows, ids))
    for name, why in strangers:
        print(f"not in the table: {plain_text(name)}: {why}")
    if page is not None:
        write_atomically(page, as_page(rows, ids))
        print(page)
    return 0


def _exercises(said: set[str]) -> list[str]:
    """All exercises of the lessons that some notebook is of, in their order."""
    numbers = {which[:2] for which in said}
    lessons = [read_lesson(path) for path in lesson_paths() if path.stem[:2] in numbers]
    return [one.id for lesson in lessons for one in lesson.exercises if {e.id for e in lesson.exercises} & said]


def _row(one: Submission, name: str) -> Row:
    states: dict[str, str] = {}
    problems = [one.problem] if one.problem else []
    for path in one.notebooks:
        try:
            said = exercise_states(path) if path.stat().st_size <= MAX_NOTEBOOK else None
        except OSError:
            said = None
        if said is None:
            problems.append(f"{path.name} cannot be read as a notebook")
        for which, state in (said or {}).items():
            # of two notebooks of one lesson, the better counts
            states[str(which)] = min(state, states.get(str(which), ""), key=_BEST_FIRST.index)
    return Row(plain_text(name, 60) or "(no name)", states, plain_text("; ".join(problems), 200))


def as_text(rows: Sequence[Row], ids: Sequence[str]) -> str:
    """The table for a terminal, one sign for each exercise, lessons apart."""
    lessons = {which[:2]: [i for i in ids if i[:2] == which[:2]] for which in ids}
    each = max(2, len(str(len(rows))))
    wide = max([len(f"{len(rows)} people"), *(len(row.student) for row in rows)])

    def line(name: str, cells: dict[str, str], end: str) -> str:
        parts = [" ".join(f"{cells.get(i, ' '):>{each}}" for i in group) for group in lessons.values()]
        return f"{name:<{wide}}  {'   '.join(parts)}  {end}".rstrip()

    counts = _counts(rows, ids)
    lines = [
        line("lesson", {group[0]: lesson for lesson, group in lessons.items()}, ""),
        line("exercise", {i: i.split(".")[1] for i in ids}, "passed"),
        *(_line_of(row, ids, line) for row in rows),
        line(f"{len(rows)} people", {i: str(n) for i, n in counts.items()}, "have passed"),
        "✓ passed, ✗ not yet, ! an error, ○ not written, · not run; as they were saved. Grades: course grade.",
    ]
    return "\n".join(lines)


def _line_of(row: Row, ids: Sequence[str], line) -> str:
    end = f"{row.passed(ids)} of {len(ids)}{f'; {row.problem}' if row.problem else ''}"
    return line(row.student, {i: _MARKS[row.states.get(i, "")] for i in ids}, end)


def _counts(rows: Sequence[Row], ids: Sequence[str]) -> dict[str, int]:
    return {i: sum(row.states.get(i) == "passed" for row in rows) for i in ids}


def as_page(rows: Sequence[Row], ids: Sequence[str]) -> str:
    """The table as a page; each sign has its word, for screen readers and under the pointer."""
    first = {i for before, i in zip(["", *ids], ids, strict=False) if before[:2] != i[:2]}

    def cell(which: str, text: str, tag: str = "td", kind: str = "", more: str = "") -> str:
        kinds = " ".join(filter(None, [kind, "new" if which in first else ""]))
        return f'<{tag} class="{kinds}"{more}>{text}</{tag}>'

    def state(which: str, row: Row) -> str:
        said = row.states.get(which, "")
        more = f' title="{which} {_WORDS[said]}" aria-label="{_WORDS[said]}"'
        return cell(which, _MARKS[said], kind="passed" if said == "passed" else "", more=more)

    head = "".join(cell(i, i, "th", more=' scope="col"') for i in ids)
    lines = []
    for row in rows:
        states = "".join(state(i, row) for i in ids)
        name, files = html.escape(row.student), html.escape(row.problem)
        lines.append(f'<tr><th scope="row">{name}</th>{states}<td>{row.passed(ids)}</td><td>{files}</td></tr>')
    body = "".join(lines)
    counts = "".join(cell(i, str(n)) for i, n in _counts(rows, ids).items())
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Who has passed what</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>'
        f"<h1>Who has passed what: {len(rows)} people</h1>"
        "<p>✓ passed, ✗ not yet, ! an error, ○ not written, · not run. As the notebooks were saved; "
        "nothing was run, and this is no grade.</p>"
        f'<table><tr><th scope="col">student</th>{head}<th scope="col">passed</th><th scope="col">files</th></tr>{body}'
        f'<tr><th scope="row">have passed</th>{counts}<td></td><td></td></tr></table></body></html>\n'
    )
