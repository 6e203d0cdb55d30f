"""A lesson's source -> its student, solution and live notebooks, without outputs.

The same source gives the same bytes: cell ids are hashes of what a cell says.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence

import nbformat
from nbformat import NotebookNode

from course_utils.authoring import elsewhere, own_version, papers
from course_utils.authoring.alternatives import alternative, in_markdown
from course_utils.authoring.cells import cell_id, cut, folded, is_claim, is_complete, is_setup
from course_utils.authoring.onward import onward
from course_utils.authoring.source import Lesson, Section, sections
from course_utils.errors import CourseError
from course_utils.languages import Texts

EDITIONS = ("student", "solution", "live")
PASSED = "passed"  # the tag of a lesson's last cell, which says what has passed so far
_PASSED = """# what has passed so far; it changes with each check
from course_utils import passed_so_far

passed_so_far("{number}")"""
_AFTER_AN_EXERCISE = {"fold", "picture", "uses"}  # keys of the cells that belong to the exercise above them


def build(
    lesson: Lesson,
    edition: str = "student",
    *,
    language: str = "",
    folded_solutions: bool = False,
    beside: Sequence[str] | None = None,
) -> NotebookNode:
    """One edition of a lesson as a notebook without outputs.

    Args:
        lesson: the lesson.
        edition: "student", "solution" or "live".
        language: of the texts, such as "ko"; English if not given. Code, and texts without translation, are English.
        folded_solutions: in the student edition, put each solution behind the hints of its exercise, folded.
        beside: of the student edition, the names of the notebooks that are handed out with it; None for all. See
            `onward`.

    Raises:
        CourseError: there is no such edition, or it is the live one in another language.
    """
    if edition not in EDITIONS:
        raise CourseError(f"There is no edition {edition!r}; there are {', '.join(EDITIONS)}.")
    if edition == "live" and language:
        raise CourseError("The live edition is in English only; --language is for the student and solution editions.")
    book = _Notebook(lesson, edition, Texts(lesson.number, language))
    address = elsewhere.repository() if edition == "student" else ""
    ends = _ends_of_exercises(lesson) if edition == "solution" else {}
    hinted = _ends_of_hints(lesson) if folded_solutions and edition == "student" else {}
    for section in sections(lesson):
        for cell in section.cells:
            book.add_cell(cell)
            if "exercise" not in cell.metadata:
                book.add_own_versions(cell)
            if id(cell) in ends:
                book.add_own_versions(ends[id(cell)])
            if id(cell) in hinted:
                book.add_solution(hinted[id(cell)])
            if address and "lesson" in cell.metadata:
                book.add_elsewhere(address)
        if edition == "live" and section.work:
            book.add("code", _catch_up(lesson, section), tags=["catch-up"], jupyter={"source_hidden": True})
            for cell in section.cells:
                if "exercise" in cell.metadata:
                    book.add_own_versions(cell)
    if edition == "student" and (text := onward(lesson, book.say, beside)):
        book.add("markdown", text, "onward")
    if lesson.exercises and edition != "live":
        book.add("code", _PASSED.format(number=lesson.number), tags=[PASSED])
    return book.finished()


def _ends_of_exercises(lesson: Lesson) -> dict[int, NotebookNode]:
    """The text cell of each exercise, by the id() of the cell behind which the exercise has ended."""
    ends = {}
    text = {c.metadata["exercise"]: c for c in lesson.cells if c.cell_type == "markdown" and "exercise" in c.metadata}
    for index, cell in enumerate(lesson.cells):
        if cell.cell_type == "code" and "exercise" in cell.metadata:
            which = cell.metadata["exercise"]
            explained = [c for c in lesson.cells if c.metadata.get("solution") == which]
            while index + 1 < len(lesson.cells) and _AFTER_AN_EXERCISE & set(lesson.cells[index + 1].metadata):
                index += 1
            ends[id(explained[-1] if explained else lesson.cells[index])] = text[which]
    return ends


def _ends_of_hints(lesson: Lesson) -> dict[int, NotebookNode]:
    """The code cell of each exercise, by the id() of its last hint; of the cell itself, if it has no hint."""
    ends = {}
    for index, cell in enumerate(lesson.cells):
        if cell.cell_type == "code" and "exercise" in cell.metadata:
            last = index
            for number in range(index + 1, len(lesson.cells)):
                if not _AFTER_AN_EXERCISE & set(lesson.cells[number].metadata):
                    break
                last = number if "fold" in lesson.cells[number].metadata else last
            ends[id(lesson.cells[last])] = cell
    return ends


class _Notebook:
    """A notebook that grows cell by cell."""

    def __init__(self, lesson: Lesson, edition: str, say: Texts):
        self.lesson, self.edition, self.say = lesson, edition, say
        self.points = {e.id: e.points for e in lesson.exercises}
        self.cells: list[NotebookNode] = []
        self.seen: dict[str, int] = {}
        self.clock = 0  # minutes of the notes so far

    def add(self, kind: str, source: str, name: str | None = None, **metadata) -> None:
        make = nbformat.v4.new_markdown_cell if kind == "markdown" else nbformat.v4.new_code_cell
        cell = make(source=source.strip("\n"), metadata=metadata)
        cell["id"] = name or cell_id(self.lesson.number, kind, cell.source, self.seen)
        self.cells.append(cell)

    def add_cell(self, cell: NotebookNode) -> None:
        """Add what this edition shows of a cell of the source."""
        data, source, edition = cell.metadata, cell.source, self.edition
        if ({"solution", "claim"} & set(data) and edition != "solution") or ("notes" in data and edition != "live"):
            return
        if "notes" in data:
            self._add_clock(data)
        elif cell.cell_type == "markdown":
            self.add("markdown", _markdown(self.lesson, data, source, self.say))
        elif "exercise" in data:
            which = data["exercise"]
            text = cut(source, "solution" if edition == "solution" else "student", which)
            options = {"exercise": which, "points": self.points[which], "tags": ["exercise", *self.going_on()]}
            self.add("code", text, f"exercise-{which.replace('.', '-')}", **options)
        elif "picture" in data or "uses" in data:
            self._add_use(data, source)
        elif is_claim(cell):
            hidden = {"jupyter": {"source_hidden": True}}
            self.add("code", f"{source}\n\nprint({_checked(data['claim'])})", claim=data["claim"], **hidden)
        elif edition == "live" and not is_setup(cell) and not is_complete(cell):
            self.add("code", _prompts(source))
            self.cells[-1].source += "\n"  # the first line that is typed must not join the comment
        else:
            source = _quiz_in(self.say.language, source)
            self.add("code", source, **({"tags": list(data["tags"])} if data.get("tags") else {}))

    def going_on(self) -> list[str]:
        """The tag that lets Jupyter's "Run All" go on behind a cell that raises, as a student's own code may."""
        return [] if self.edition == "solution" else ["raises-exception"]

    def _add_clock(self, data: dict) -> None:
        """The time that a section takes. What is to be said stands in `speaker_notes`: the room sees the notebook."""
        if "minutes" in data:
            self.clock += int(data["minutes"])
            self.add("markdown", f"*{_until(data, self.clock, self.lesson)}*")

    def _add_use(self, data: dict, source: str) -> None:
        """A cell that calls a student's function, and the place of the picture that it should give."""
        which, kind = data.get("picture") or data["uses"], "picture" if "picture" in data else "uses"
        tag = which.replace(".", "-")
        number = sum(c["id"].startswith(f"{kind}-{tag}") for c in self.cells)
        suffix = f"{tag}-{number}" if number else tag
        tags = self.going_on()
        self.add("code", source, f"{kind}-{suffix}", uses=which, **({"tags": tags} if tags else {}))
        if self.edition == "student" and kind == "picture":
            title = self.say("Expected picture")
            picture = in_markdown(f"{title}: {alternative(source)}".removesuffix(": "), "attachment:expected.png")
            self.add("markdown", folded(title, picture), f"expected-{suffix}")

    def add_elsewhere(self, address: str) -> None:
        """Behind the title: where else the notebook can be opened, and the cell that installs the course there."""
        if links := elsewhere.links(
            address, f"notebooks/{'/'.join(filter(None, (self.say.language, self.lesson.name)))}.ipynb"
        ):
            self.cells[-1].source += f"\n\n{links}"
        self.add("code", elsewhere.install_cell(address), "install")

    def add_solution(self, exercise: NotebookNode) -> None:
        """The fold with the solution of an exercise, and why it is the solution."""
        which = exercise.metadata["exercise"]
        code = re.sub(r"^check\(.*\n?", "", cut(exercise.source, "solution"), flags=re.M).strip("\n")
        why = [c.source for c in self.lesson.cells if c.metadata.get("solution") == which]
        text = "\n\n".join([f"```python\n{code}\n```", *(self.say(one, "solution") for one in why)])
        self.add("markdown", folded(self.say("Solution"), text), f"solution-{which.replace('.', '-')}")

    def add_own_versions(self, cell: NotebookNode) -> None:
        """The folds "The course's own version" that a text cell asks for."""
        for name in own_version.named(cell):
            self.add("markdown", own_version.fold(own_version.find(name), self.say(own_version.TITLE)), own=name)

    def finished(self) -> NotebookNode:
        book = nbformat.v4.new_notebook(cells=self.cells)
        book.metadata = nbformat.from_dict(
            {
                "course": {"edition": self.edition, "lesson": self.lesson.number},
                "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
                "language_info": {"name": "python"},
            }
        )
        if self.say.language:
            book.metadata["course"]["language"] = self.say.language
        if self.edition == "live":
            book.metadata["course"]["built"] = fingerprint(book)
        book.nbformat, book.nbformat_minor = 4, 5
        nbformat.validate(book)
        return book


def _markdown(lesson: Lesson, data: dict, source: str, say: Texts) -> str:
    text = say(source, kind_of(data))
    if papers.MARK in source:
        text = papers.linked(text)
    if "lesson" in data:
        needs = f" · {say('needs lesson {number}').format(number=lesson.needs)}" if lesson.needs else ""
        number = f"{lesson.number} · " if lesson.number.isdigit() else ""
        return f"# {number}{say(lesson.title, 'title')}\n\n*{_minutes(lesson.minutes, say)}{needs}*\n\n{text}"
    if "exercise" in data:
        dots = [f"{say(name)} {_dots(data[name])}" for name in ("difficulty", "importance")]
        points = say("{count} points" if data["points"] != 1 else "{count} point").format(count=data["points"])
        facts = " · ".join([*dots, _minutes(data["minutes"], say), points])
        head = say("Exercise {number}").format(number=data["exercise"])
        return f"### {head} · {say(data['title'], 'title')}\n\n*{facts}*\n\n{text}"
    if "fold" in data:
        return folded(say(data["fold"], "fold"), text)
    if "solution" in data:
        return f"**{say('Why this is the solution.')}** {text}"
    return text


def kind_of(data: dict) -> str:
    """The context of a text cell's translation."""
    return "solution" if "solution" in data else "text"


def _quiz_in(language: str, source: str) -> str:
    """A cell of code; where it shows the quiz, the quiz is in this language."""
    return (
        re.sub(r'^quiz\("(\w+)"\)$', rf'quiz("\1", language="{language}")', source, flags=re.M) if language else source
    )


def _checked(claim: str) -> str:
    return json.dumps(f"Checked: {claim}", ensure_ascii=False)


def _until(data: dict, clock: int, lesson: Lesson) -> str:
    return f"{_minutes(data['minutes'])}, until {clock} of {lesson.minutes}"


def _dots(count: int) -> str:
    return "●" * count + "○" * (5 - count)


def _minutes(count: int, say: Callable[[str], str] = str) -> str:
    return say("{count} minutes" if count != 1 else "{count} minute").format(count=count)


def _prompts(source: str) -> str:
    """A worked cell in the live edition: the comments that begin its paragraphs, to be typed under."""
    comments = [line for line in source.splitlines() if line.startswith("#")]
    return "\n\n".join(comments) or "# type here"


def notes_by_section(lesson: Lesson) -> dict[str, str]:
    """What to say in each section of a lesson that has notes: from its title to the text, Markdown."""
    found: dict[str, str] = {}
    clock = 0
    for section in sections(lesson):
        for cell in section.cells:
            if "notes" in cell.metadata:
                clock += int(cell.metadata.get("minutes", 0))
                until = f"*{_until(cell.metadata, clock, lesson)}*\n\n" if "minutes" in cell.metadata else ""
                before = f"{found[section.title]}\n\n" if section.title in found else ""
                found[section.title] = f"{before}{until}{cell.source}"
    return found


def speaker_notes(lesson: Lesson) -> str:
    """What to say in each section of a lesson, as Markdown; empty if its source has no notes."""
    parts = [f"## {title}\n\n{text}" for title, text in notes_by_section(lesson).items()]
    return "\n\n".join([f"# {lesson.number} · {lesson.title}: speaker notes", *parts, ""]) if parts else ""


def _catch_up(lesson: Lesson, section: Section) -> str:
    """The cell after a section of the live edition, for a class that is behind."""
    call = f"catch_up({json.dumps(lesson.number)}, {json.dumps(section.title, ensure_ascii=False)})"
    return (
        f"# catch up: run this cell, and it does all of {section.title!r}\n"
        f"from course_utils.authoring.catch_up import catch_up\n\n{call}  # show_code=True also shows the code"
    )


def fingerprint(book: NotebookNode) -> str:
    """What the cells of a notebook say, in 16 letters. Running them does not change it, typing does."""
    said = [(cell.get("id"), cell.cell_type, cell.source) for cell in book.cells]
    return hashlib.sha1(repr(said).encode()).hexdigest()[:16]
