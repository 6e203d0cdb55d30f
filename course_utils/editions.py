"""One source per lesson (`notebooks/source/NN_name.py`, jupytext py:percent) -> student, solution and live notebooks.

What an author may write on a cell's `# %%` line is in docs/authoring.md. The same source gives the same bytes: cell ids are
hashes of what a cell says. Outputs are the one thing that is not built but executed, on purpose (`execute`), and kept.
"""

from __future__ import annotations

import ast
import base64
import hashlib
import io
import itertools
import json
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_utils.errors import CourseError

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "notebooks" / "source"
EDITIONS = ("student", "solution", "live")
EXPLORE = (
    "explore"  # the notebook of all explorers: written and built like a lesson, but without a number and a live edition
)
MOST_BYTES = 590_000  # of a notebook with its pictures

_MARKERS = {"SOLUTION", "STUB"}
_REGION = re.compile(r"^[ \t]*### BEGIN (\w+)\n(.*?)^[ \t]*### END (\w+)[ \t]*(?:\n|\Z)", re.S | re.M)
_KEYS = {
    "lesson", "title", "minutes", "needs", "exercise", "points", "difficulty", "importance",
    "picture", "uses", "solution", "fold", "notes", "tags",
}  # fmt: skip
_TAGS = {"setup", "slow"}


class SourceError(CourseError):
    """A lesson's source is not written as docs/authoring.md says."""


@dataclass(frozen=True)
class ExerciseText:
    """What a lesson says about one of its exercises."""

    id: str
    title: str
    points: int
    difficulty: int
    importance: int
    minutes: int


@dataclass(frozen=True)
class Section:
    """A `##` section of a lesson: its title, and its cells in order. The cells before the first heading are one, too."""

    title: str
    cells: list[NotebookNode]

    @property
    def work(self) -> list[NotebookNode]:
        """The code cells that a class goes through: all but the setup cell, and what the live edition shows complete."""
        return [c for c in self.cells if c.cell_type == "code" and not _is_setup(c) and not _is_complete(c)]


@dataclass
class Lesson:
    """A lesson's source, read and checked."""

    path: Path
    number: str
    title: str
    minutes: int
    needs: str
    cells: list[NotebookNode]
    exercises: list[ExerciseText] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.path.stem


# --- reading -----------------------------------------------------------------------------------------------------------


def lesson_paths(lessons: Sequence[str] | None = None) -> list[Path]:
    """The sources of all lessons, or of the given numbers.

    Raises:
        CourseError: a number that no lesson has.
    """
    paths = sorted(SOURCE.glob("[0-9][0-9]_*.py"))
    if not lessons:
        return paths
    by_number = {path.stem[:2]: path for path in paths}
    for number in lessons:
        if str(number).zfill(2) not in by_number:
            raise CourseError(f"There is no lesson {number!r}; there are {', '.join(by_number) or 'none'}.")
    return [by_number[str(number).zfill(2)] for number in lessons]


def source_paths(notebooks: Sequence[str] | None = None) -> list[Path]:
    """The sources of all notebooks, or of the given ones: lesson numbers, and "explore".

    Raises:
        CourseError: a number that no lesson has.
    """
    numbers = [n for n in notebooks or () if n != EXPLORE]
    paths = lesson_paths(numbers) if numbers or not notebooks else []
    explore = SOURCE / f"{EXPLORE}.py"
    return [*paths, explore] if explore.exists() and (not notebooks or EXPLORE in notebooks) else paths


def read_lesson(path: str | Path) -> Lesson:
    """Read a source and check that it keeps the rules.

    Raises:
        SourceError: it does not; the message names the file, the cell and the rule.
    """
    import jupytext

    path = Path(path)
    cells = jupytext.reads(path.read_text(encoding="utf-8"), fmt="py:percent").cells
    for cell in cells:
        cell.metadata.pop("lines_to_next_cell", None)  # jupytext's note on blank lines in the file
    if not cells or "lesson" not in cells[0].metadata:
        raise SourceError(f'{path.name}: the first cell must be `# %% [markdown] lesson="NN" title="..." minutes=NN`.')
    head = cells[0].metadata
    lesson = Lesson(
        path=path,
        number=str(head["lesson"]),
        title=str(head.get("title", "")),
        minutes=int(head.get("minutes", 0)),
        needs=str(head.get("needs", "")),
        cells=cells,
    )
    problems = list(_problems(lesson))
    if problems:
        raise SourceError(f"{path.name}: {problems[0]}")
    for cell in cells:
        data = cell.metadata
        if cell.cell_type == "markdown" and "exercise" in data:
            numbers = {k: int(data[k]) for k in ("points", "difficulty", "importance", "minutes")}
            lesson.exercises.append(ExerciseText(data["exercise"], data["title"], **numbers))
    return lesson


def _problems(lesson: Lesson) -> Iterator[str]:
    if not lesson.title or not lesson.minutes or lesson.path.stem.split("_")[0] != lesson.number:
        yield 'the first cell needs lesson="NN" (the number of the file name), title="..." and minutes=NN.'
    told, coded = [], []
    for index, cell in enumerate(lesson.cells):
        data, where = (
            cell.metadata,
            f"cell {index} ({cell.source.strip().splitlines()[0][:50] if cell.source.strip() else 'empty'})",
        )
        unknown = set(data) - _KEYS
        if unknown:
            yield f"{where}: unknown key {sorted(unknown)[0]!r}; known: {', '.join(sorted(_KEYS))}."
        wrong = set(data.get("tags", [])) - _TAGS
        if wrong:
            yield f"{where}: unknown tag {sorted(wrong)[0]!r}; known: {', '.join(sorted(_TAGS))}."
        if not cell.source.strip():
            yield f"{where}: an empty cell."
        if cell.cell_type == "markdown":
            if "exercise" in data:
                told.append(data["exercise"])
                missing = [k for k in ("title", "points", "difficulty", "importance", "minutes") if k not in data]
                if missing:
                    yield f"{where}: exercise {data['exercise']} needs {', '.join(missing)}."
            if "### BEGIN" in cell.source:
                yield f"{where}: a solution region in a text cell."
        elif "exercise" in data:
            coded.append(data["exercise"])
            yield from (f"{where}: {p}" for p in _exercise_problems(cell.source, data["exercise"]))
        elif "### BEGIN" in cell.source:
            yield f'{where}: a solution region in a cell without exercise="...".'
    for kind, ids in (("text", told), ("code", coded)):
        doubles = {i for i in ids if ids.count(i) > 1}
        if doubles:
            yield f"exercise {sorted(doubles)[0]} has two {kind} cells."
    if told != coded:
        yield f"exercises in text cells {told} and in code cells {coded} differ; each needs one of both, text first."
    if any(not i.startswith(lesson.number + ".") for i in coded):
        yield f"an exercise of lesson {lesson.number} is called {lesson.number}.1, {lesson.number}.2, ...; found {coded}."
    known = set(coded)
    for cell in lesson.cells:
        for key in ("picture", "uses", "solution"):
            if key in cell.metadata and cell.metadata[key] not in known:
                yield f"{key}={cell.metadata[key]!r} names no exercise of this lesson."


def _exercise_problems(source: str, exercise_id: str) -> Iterator[str]:
    begins = re.findall(r"^[ \t]*### (BEGIN|END) (\w+)[ \t]*$", source, re.M)
    names = [name for _, name in begins]
    if set(names) - _MARKERS:
        yield f"unknown region {sorted(set(names) - _MARKERS)[0]!r}; known: SOLUTION, STUB."
        return
    flat = [word for pair in begins for word in pair]
    if names.count("SOLUTION") != 2 or any(
        flat[i : i + 4] not in (["BEGIN", "SOLUTION", "END", "SOLUTION"], ["BEGIN", "STUB", "END", "STUB"])
        for i in range(0, len(flat), 4)
    ):
        yield "needs exactly one region `### BEGIN SOLUTION` ... `### END SOLUTION` (and at most one STUB region)."
        return
    try:
        full, stub = ast.parse(cut(source, "solution")), ast.parse(cut(source, "student", exercise_id))
    except SyntaxError as error:
        yield f"an edition of this cell is not Python: {error.msg} (line {error.lineno})."
        return
    solved, empty = _functions(full), _functions(stub)
    if not solved:
        yield "defines no function."
        return
    for name, node in solved.items():
        twin = empty.get(name)
        if twin is None:
            yield f"the function {name} is missing from the stub: keep its `def` line outside of the region."
        elif ast.dump(node.args) != ast.dump(twin.args):
            yield f"the stub and the solution of {name} differ in their arguments."
        elif ast.get_docstring(node) != ast.get_docstring(twin):
            yield f"the stub and the solution of {name} differ in their docstring: keep it outside of the region."
    last = list(solved)[-1]
    if not ast.get_docstring(solved[last]):
        yield f"the function {last} has no docstring that says what goes in and what comes out."
    if f'check("{exercise_id}", {last})' not in source:
        yield f'must call check("{exercise_id}", {last}) on its last function.'


def _functions(tree: ast.Module) -> dict[str, ast.FunctionDef]:
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}


BEGINNING = "Beginning"  # the section before a lesson's first heading


def sections(lesson: Lesson) -> list[Section]:
    """The sections of a lesson. Equal titles are numbered: "In the head first", "In the head first (2)"."""
    found, seen = [Section(BEGINNING, [])], {}
    for cell in lesson.cells:
        heading = re.search(r"^## (.+)$", cell.source, re.M) if cell.cell_type == "markdown" else None
        if heading:
            title = heading[1].strip()
            seen[title] = seen.get(title, 0) + 1
            found.append(Section(title if seen[title] == 1 else f"{title} ({seen[title]})", []))
        found[-1].cells.append(cell)
    return found


def _is_setup(cell: NotebookNode) -> bool:
    return "setup" in cell.metadata.get("tags", [])


def _is_complete(cell: NotebookNode) -> bool:
    """Whether a cell has nothing that a class would type: it only shows the quiz or an explorer."""
    body = ast.parse(cell.source).body if "exercise" not in cell.metadata else []
    return len(body) == 1 and re.match(r"quiz\(|explorers\.", ast.unparse(body[0])) is not None


# --- editions ----------------------------------------------------------------------------------------------------------


def cut(source: str, edition: str, exercise_id: str = "") -> str:
    """An exercise cell's code in one edition: with the solution, or with the stub that the student completes."""

    def region(match: re.Match) -> str:
        name, body = match[1], match[2]
        if edition == "solution":
            return body if name == "SOLUTION" else ""
        if name == "STUB":
            return re.sub(r"^([ \t]*)# ?", r"\1", body, flags=re.M)
        if "### BEGIN STUB" in source:
            return ""
        indent = re.match(r"[ \t]*", body)[0]
        return f'{indent}raise NotImplementedError("{exercise_id}: write this function")\n'

    return _REGION.sub(region, source).rstrip("\n")


def _dots(count: int) -> str:
    return "●" * count + "○" * (5 - count)


def _minutes(count: int) -> str:
    return f"{count} minute{'s' if count != 1 else ''}"


def _cell_id(stem: str, kind: str, source: str, seen: dict[str, int]) -> str:
    key = f"{kind}\n{source}"
    seen[key] = seen.get(key, 0) + 1
    return hashlib.sha1(f"{stem}\n{seen[key]}\n{key}".encode()).hexdigest()[:12]


def build(lesson: Lesson, edition: str = "student") -> NotebookNode:
    """One edition of a lesson as a notebook without outputs."""
    if edition not in EDITIONS:
        raise CourseError(f"There is no edition {edition!r}; there are {', '.join(EDITIONS)}.")
    points = {e.id: e.points for e in lesson.exercises}
    cells, seen, clock = [], {}, 0

    def add(kind: str, source: str, cell_id: str | None = None, **metadata) -> None:
        make = nbformat.v4.new_markdown_cell if kind == "markdown" else nbformat.v4.new_code_cell
        cell = make(source=source.strip("\n"), metadata=metadata)
        cell["id"] = cell_id or _cell_id(lesson.number, kind, cell.source, seen)
        cells.append(cell)

    def add_cell(cell: NotebookNode) -> None:
        nonlocal clock
        data, source = cell.metadata, cell.source
        if ("solution" in data and edition != "solution") or ("notes" in data and edition != "live"):
            return
        if "notes" in data:
            clock += int(data.get("minutes", 0))
            until = f" · {_minutes(data['minutes'])}, until {clock} of {lesson.minutes}" if "minutes" in data else ""
            add("markdown", _folded(f"Speaker notes{until}", source))
        elif cell.cell_type == "markdown":
            add("markdown", _markdown(lesson, data, source))
        elif "exercise" in data:
            which, tag = data["exercise"], data["exercise"].replace(".", "-")
            text = cut(source, "solution" if edition == "solution" else "student", which)
            add("code", text, f"exercise-{tag}", exercise=which, points=points[which], tags=["exercise"])
        elif "picture" in data or "uses" in data:
            which = data.get("picture") or data["uses"]
            tag, kind = which.replace(".", "-"), "picture" if "picture" in data else "uses"
            tags = {} if edition == "solution" else {"tags": ["raises-exception"]}
            number = sum(c["id"].startswith(f"{kind}-{tag}") for c in cells)
            suffix = f"{tag}-{number}" if number else tag
            add("code", source, f"{kind}-{suffix}", uses=which, **tags)
            if edition == "student" and kind == "picture":
                add(
                    "markdown",
                    _folded("Expected picture", "![expected picture](attachment:expected.png)"),
                    f"expected-{suffix}",
                )
        elif edition == "live" and not _is_setup(cell) and not _is_complete(cell):
            add("code", _prompts(source))
        else:
            add("code", source, **({"tags": list(data["tags"])} if data.get("tags") else {}))

    for section in sections(lesson):
        for cell in section.cells:
            add_cell(cell)
        if edition == "live" and section.work:
            add("code", _catch_up(lesson, section), tags=["catch-up"], jupyter={"source_hidden": True})
    book = nbformat.v4.new_notebook(cells=cells)
    book.metadata = nbformat.from_dict(
        {
            "course": {"edition": edition, "lesson": lesson.number},
            "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    if edition == "live":
        book.metadata["course"]["built"] = _fingerprint(book)
    book.nbformat, book.nbformat_minor = 4, 5
    nbformat.validate(book)
    return book


def _markdown(lesson: Lesson, data: dict, source: str) -> str:
    if "lesson" in data:
        needs = f" · needs lesson {lesson.needs}" if lesson.needs else ""
        number = f"{lesson.number} · " if lesson.number.isdigit() else ""
        return f"# {number}{lesson.title}\n\n*{_minutes(lesson.minutes)}{needs}*\n\n{source}"
    if "exercise" in data:
        points = f"{data['points']} point{'s' if data['points'] != 1 else ''}"
        facts = f"difficulty {_dots(data['difficulty'])} · importance {_dots(data['importance'])} · {_minutes(data['minutes'])} · {points}"
        return f"### Exercise {data['exercise']} · {data['title']}\n\n*{facts}*\n\n{source}"
    if "fold" in data:
        return _folded(data["fold"], source)
    if "solution" in data:
        return f"**Why this is the solution.** {source}"
    return source


def _folded(summary: str, body: str) -> str:
    return f"<details>\n<summary>{summary}</summary>\n\n{body}\n\n</details>"


def _prompts(source: str) -> str:
    """A worked cell in the live edition: the comments that begin its paragraphs, to be typed under."""
    comments = [line for line in source.splitlines() if line.startswith("#")]
    return "\n\n".join(comments) or "# type here"


def _catch_up(lesson: Lesson, section: Section) -> str:
    """The cell after a section of the live edition, for a class that is behind."""
    call = f"catch_up({json.dumps(lesson.number)}, {json.dumps(section.title, ensure_ascii=False)})"
    return (
        f"# catch up: run this cell, and it does all of {section.title!r}\n"
        f"from course_utils.live import catch_up\n\n{call}  # show_code=True also shows the code"
    )


def _fingerprint(book: NotebookNode) -> str:
    """What the cells of a notebook say, in 16 letters. Running them does not change it, typing does."""
    said = [(cell.get("id"), cell.cell_type, cell.source) for cell in book.cells]
    return hashlib.sha1(repr(said).encode()).hexdigest()[:16]


# --- files -------------------------------------------------------------------------------------------------------------


def target_path(lesson: Lesson, edition: str) -> Path:
    """Where an edition's notebook lies: the student edition in notebooks/, the others in the ignored build/."""
    return (ROOT / "notebooks" if edition == "student" else ROOT / "build" / edition) / f"{lesson.name}.ipynb"


def to_text(book: NotebookNode) -> str:
    return nbformat.writes(book, version=4).rstrip("\n") + "\n"


def build_all(edition: str = "student", lessons: Sequence[str] | None = None) -> list[Path]:
    """Write one edition of all lessons (or of some). Outputs of cells that did not change are kept. Returns the paths.

    A live notebook that somebody typed into stays as it is: see `build_live`.
    """
    if edition == "live":
        return [path for path, _ in build_live(lessons)]
    written = []
    for source in source_paths(lessons):
        lesson = read_lesson(source)
        book, path = build(lesson, edition), target_path(lesson, edition)
        if path.exists():
            _keep_outputs(book, path)
        _write(path, to_text(book))
        written.append(path)
    return written


def build_live(lessons: Sequence[str] | None = None, *, fresh: bool = False) -> Iterator[tuple[Path, str]]:
    """Write the live edition of all lessons (or of some), and say what was done.

    What a person typed into a notebook is not lost: such a notebook is kept, or with `fresh` moved aside first.

    Args:
        lessons: lesson numbers.
        fresh: begin anew, without what was typed and without outputs.

    Yields:
        `(path, what was done)` for each lesson.
    """
    for source in lesson_paths(lessons):
        lesson = read_lesson(source)
        book, path = build(lesson, "live"), target_path(lesson, "live")
        if not path.exists():
            done = "built"
        elif _typed_into(path):
            if not fresh:
                yield path, "kept as it is, with what was typed; --fresh begins anew"
                continue
            names = (path.with_suffix(f".typed-{number}.ipynb") for number in itertools.count(1))
            aside = next(name for name in names if not name.exists())
            os.replace(path, aside)
            done = f"begun anew; what was typed is now in {aside.name}"
        elif fresh:
            done = "begun anew"
        else:
            _keep_outputs(book, path)
            done = "up to date"
        _write(path, to_text(book))
        yield path, done


def _typed_into(path: Path) -> bool:
    """Whether a live notebook's cells differ from how they were built; also true if it cannot be read."""
    try:
        book = nbformat.read(path, as_version=4)
        return book.metadata["course"]["built"] != _fingerprint(book)
    except (ValueError, KeyError, AttributeError, nbformat.reader.NotJSONError):
        return True


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8", newline="\n")


def _keep_outputs(book: NotebookNode, path: Path) -> None:
    try:
        old = {c["id"]: c for c in nbformat.read(path, as_version=4).cells if "id" in c}
    except (ValueError, nbformat.reader.NotJSONError):
        return
    for cell in book.cells:
        before = old.get(cell["id"])
        if before is None or before.cell_type != cell.cell_type:
            continue
        if cell.cell_type == "code" and before.source == cell.source:
            cell.outputs = before.outputs
        if before.get("attachments"):
            cell.attachments = before.attachments


def _bare(book: NotebookNode) -> NotebookNode:
    book = deepcopy(book)
    for cell in book.cells:
        cell.pop("attachments", None)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return book


def check_all(lessons: Sequence[str] | None = None) -> list[str]:
    """What is stale: student notebooks whose cells, ids or metadata are not what their source says, or without a source."""
    stale = []
    wanted = set()
    for source in source_paths(lessons):
        lesson = read_lesson(source)
        path = target_path(lesson, "student")
        wanted.add(path)
        if not path.exists():
            stale.append(f"{path.name} is missing")
            continue
        try:
            found = to_text(_bare(nbformat.read(path, as_version=nbformat.NO_CONVERT)))
        except (ValueError, KeyError, AttributeError, nbformat.reader.NotJSONError):
            stale.append(f"{path.name} is not a notebook")
            continue
        if found != to_text(build(lesson)):
            stale.append(f"{path.name} differs from {source.name}")
    if not lessons:
        numbered = set((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
        stale += [f"{path.name} has no source" for path in sorted(numbered - wanted)]
    return stale


# --- solutions as functions (for tests and the grader) --------------------------------------------------------------------


def exercise_functions(lesson: Lesson, edition: str = "solution") -> dict[str, Callable]:
    """The functions of a lesson's exercise cells, by exercise id: solved ("solution"), or as stubs ("student").

    Only the setup cell and the exercise cells are run, which is also what the grader relies on.
    """
    space: dict = {"__name__": f"lesson_{lesson.number}"}
    found = {}
    for cell in lesson.cells:
        if cell.cell_type != "code":
            continue
        if "setup" in cell.metadata.get("tags", []):
            exec(compile(cell.source, f"<{lesson.name} setup>", "exec"), space)
        elif "exercise" in cell.metadata:
            which = cell.metadata["exercise"]
            space["check"] = lambda *_: None
            text = cut(cell.source, edition, which)
            exec(compile(text, f"<exercise {which}>", "exec"), space)
            found[which] = space[list(_functions(ast.parse(text)))[-1]]
    return found


# --- outputs -----------------------------------------------------------------------------------------------------------


@dataclass
class Execution:
    """How long a lesson ran, in seconds: in all, until its first picture, and its slowest cell."""

    lesson: str
    seconds: float
    first_picture: float
    slowest: float
    slowest_cell: str
    size_kb: int


def execute(lessons: Sequence[str] | None = None, *, timeout: int = 600) -> Iterator[Execution]:
    """Run the solution edition and put its pictures into the student notebook: outputs of worked cells, expected pictures.

    Raises:
        CourseError: a cell of the solution edition raised, or a solution failed its check.
    """
    for source in source_paths(lessons):
        lesson = read_lesson(source)
        solved, cell_times, total = run_notebook(build(lesson, "solution"), timeout=timeout)
        student = build(lesson, "student")
        outputs = {c["id"]: _clean_outputs(c.outputs) for c in solved.cells if c.cell_type == "code"}
        for cell in student.cells:
            if cell.cell_type == "code" and not cell["id"].startswith(("exercise-", "picture-", "uses-")):
                cell.outputs = outputs.get(cell["id"], [])
            elif cell["id"].startswith("expected-"):
                picture = _first_picture(outputs.get(cell["id"].replace("expected", "picture", 1), []))
                if not picture:
                    raise SourceError(
                        f'{source.name}: the cell picture="{cell["id"][9:]}" shows no picture; write uses="..."'
                    )
                cell.attachments = {"expected.png": picture}
        path = target_path(lesson, "student")
        _fit(student)
        _write(path, to_text(student))
        first = next((end for end, cell in cell_times if _first_picture(cell.outputs)), float("nan"))
        starts = [0.0, *(end for end, _ in cell_times)]
        slowest = max(range(len(cell_times)), key=lambda i: cell_times[i][0] - starts[i])
        yield Execution(
            lesson=lesson.number,
            seconds=total,
            first_picture=first,
            slowest=cell_times[slowest][0] - starts[slowest],
            slowest_cell=cell_times[slowest][1].source.strip().splitlines()[0][:60],
            size_kb=path.stat().st_size // 1000,
        )


def run_notebook(book: NotebookNode, *, timeout: int = 600, allow: Sequence[str] = ()):
    """Execute a notebook in a fresh kernel of this Python.

    Args:
        book: the notebook; it is not changed.
        timeout: seconds for one cell.
        allow: names of exceptions that may occur.

    Returns:
        `(executed notebook, [(seconds since the start, code cell), ...], seconds in all)`; starting the kernel counts.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError

    book = deepcopy(book)
    started = time.monotonic()
    times: list[tuple[float, NotebookNode]] = []
    client = NotebookClient(
        book,
        timeout=timeout,
        kernel_name="python3",
        allow_error_names=list(allow),
        resources={"metadata": {"path": str(ROOT / "notebooks")}},
        on_cell_executed=lambda cell, cell_index, execute_reply: times.append((time.monotonic() - started, cell)),
    )
    strict = os.environ.get("COURSE_STRICT")
    os.environ["COURSE_STRICT"] = "" if allow else "1"
    try:
        client.execute()
    except (CellExecutionError, CellTimeoutError) as error:
        raise CourseError(f"lesson {book.metadata['course']['lesson']}: {error}") from None
    finally:
        os.environ.pop("COURSE_STRICT")
        if strict is not None:
            os.environ["COURSE_STRICT"] = strict
    return book, times, time.monotonic() - started


def _clean_outputs(outputs: list) -> list:
    """What is worth keeping: no progress bars, no widgets without a kernel, small pictures, no counters."""
    kept = []
    for output in deepcopy(outputs):
        if output.output_type == "stream":
            # progress bars and warnings go to stderr; torch hub tells where on this computer it puts a download
            output.text = "".join(line for line in output.text.splitlines(True) if not line.startswith("Downloading:"))
            if output.name == "stderr" or not output.text:
                continue
        if "data" in output:
            data = output.data
            if data.pop("application/vnd.jupyter.widget-view+json", None) is not None and not (
                "image/png" in data or "image/jpeg" in data or "\n" in data.get("text/plain", "")
            ):
                continue
            output.metadata = {}
            _shrink(data)
            if "image/png" in data or "image/jpeg" in data:
                data.pop("text/plain", None)
        output.pop("execution_count", None)
        if output.output_type == "execute_result":
            output.execution_count = None
        kept.append(output)
    return kept


def _shrink(data: dict) -> None:
    """Photos become JPEG and drawings palette PNG, whichever is smaller."""
    if "image/png" not in data:
        return
    from PIL import Image

    raw = base64.b64decode(data["image/png"])
    picture = Image.open(io.BytesIO(raw)).convert("RGB")
    jpeg, palette = io.BytesIO(), io.BytesIO()
    picture.save(jpeg, "JPEG", quality=76, optimize=True)
    picture.quantize(64, dither=Image.Dither.NONE).save(palette, "PNG", optimize=True)
    if jpeg.tell() < palette.tell():
        del data["image/png"]
        data["image/jpeg"] = base64.b64encode(jpeg.getvalue()).decode("ascii")
    else:
        data["image/png"] = base64.b64encode(palette.getvalue()).decode("ascii")


def _fit(book: NotebookNode) -> None:
    """Photos at a lower quality, until the notebook is small enough for a repository that holds all of them."""
    from PIL import Image

    outputs = [
        o.data for c in book.cells if c.cell_type == "code" for o in c.outputs if "image/jpeg" in o.get("data", {})
    ]
    originals = [base64.b64decode(data["image/jpeg"]) for data in outputs]
    for quality in (60, 45, 32, 24):
        if len(to_text(book).encode()) <= MOST_BYTES:
            return
        for data, original in zip(outputs, originals, strict=True):
            smaller = io.BytesIO()
            Image.open(io.BytesIO(original)).save(smaller, "JPEG", quality=quality, optimize=True)
            if smaller.tell() < len(original):
                data["image/jpeg"] = base64.b64encode(smaller.getvalue()).decode("ascii")


def _first_picture(outputs: list) -> dict | None:
    for output in outputs:
        data = output.get("data", {})
        for kind in ("image/png", "image/jpeg"):
            if kind in data:
                return {kind: data[kind]}
    return None


def points(lesson: Lesson) -> dict[str, int]:
    """The points of a lesson's exercises, by id."""
    return {e.id: e.points for e in lesson.exercises}
