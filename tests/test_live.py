"""Live coding: the notebooks, `catch_up`, the command, and a person who types in a real browser."""

import builtins
import functools
import html
import importlib.util
import json
import re
from pathlib import Path

import nbformat
import pytest

from course_utils.authoring import catch_up, files, paths
from course_utils.authoring.cells import cut, is_claim, is_complete, is_setup, names
from course_utils.authoring.editions import PASSED, build, notes_by_section, speaker_notes
from course_utils.authoring.files import build_live
from course_utils.authoring.paths import lesson_paths
from course_utils.authoring.run import run_notebook
from course_utils.authoring.source import BEGINNING, read_lesson, sections
from course_utils.commands.teach import notes_page
from course_utils.errors import CourseError
from tests.explorers.browser import CHROMIUM, Lab, Notebook, Server
from tests.test_cli import assert_one_line, course  # noqa: F401  course is a fixture

LESSONS = {path.stem[:2]: path for path in lesson_paths()}
EXECUTED = ("00",)  # without --run-slow; the browser runs one more
IN_THE_BROWSER = ("01",)


@functools.cache
def lesson_of(number):
    return read_lesson(LESSONS[number])


def some(numbers):
    """All lessons, those that are not in `numbers` marked slow."""
    return [number if number in numbers else pytest.param(number, marks=pytest.mark.slow) for number in LESSONS]


def is_catch_up(cell):
    return "catch-up" in cell.metadata.get("tags", [])


# ------------------------------------------------------------------------------------------------------ the live edition


@pytest.mark.parametrize("number", LESSONS)
def test_worked_cells_are_prompts_and_no_solution_is_left(number):
    lesson = lesson_of(number)
    book = build(lesson, "live")
    whole = "\n".join(cell.source for cell in book.cells)
    for cell in lesson.cells:
        if cell.cell_type != "code":
            continue
        if "exercise" in cell.metadata:
            text = next(c.source for c in book.cells if c.metadata.get("exercise") == cell.metadata["exercise"])
            assert text == cut(cell.source, "student", cell.metadata["exercise"])
            assert cut(cell.source, "solution") not in whole
        elif not {"picture", "uses"} & set(cell.metadata) and "setup" not in cell.metadata.get("tags", []):
            code = [line for line in cell.source.splitlines() if line and not line.startswith("#")]
            assert cell.source not in whole or re.match(r"quiz|explorers", code[0]), cell.source
    shown = ("quiz(", "explorers.")
    prompts = [
        c for c in book.cells if c.cell_type == "code" and not c.metadata and not any(s in c.source for s in shown)
    ]
    assert len(prompts) >= 3
    assert all(line.startswith("#") or not line for cell in prompts for line in cell.source.splitlines())
    assert all(cell.source.endswith("\n") for cell in prompts), "what is typed must not join the comment"


@pytest.mark.parametrize("number", LESSONS)
def test_after_each_section_stands_one_folded_catch_up_cell(number):
    lesson = lesson_of(number)
    book, titles, here, made = build(lesson, "live"), [], BEGINNING, []
    for cell in book.cells:
        heading = [line for line in cell.source.splitlines() if line.startswith("## ")]
        if cell.cell_type == "markdown" and heading:
            here = heading[0][3:]
        if is_catch_up(cell):
            assert cell.metadata == {"tags": ["catch-up"], "jupyter": {"source_hidden": True}}
            assert cell.source.startswith("# catch up") and here in cell.source.splitlines()[0]
            made.append(here)
        elif cell.cell_type == "code" and not (
            cell.metadata.get("tags") == ["setup"] or re.search(r"^(quiz\(|explorers\.)", cell.source, re.M)
        ):
            assert here not in made[:-1] or here.startswith("In the head"), "a catch-up cell ends its section"
            titles.append(here)
    assert made == [t for i, t in enumerate(titles) if i == 0 or titles[i - 1] != t]


@pytest.mark.parametrize("number", LESSONS)
def test_every_section_has_its_minutes_in_the_notebook_and_its_note_elsewhere(number):
    lesson = lesson_of(number)
    notes = [cell for cell in lesson.cells if "notes" in cell.metadata]
    whole, said = [c.source for c in build(lesson, "live").cells], speaker_notes(lesson)
    clock = 0
    for cell in notes:
        minutes = int(cell.metadata["minutes"])
        clock += minutes
        until = f"*{minutes} minute{'s' * (minutes != 1)}, until {clock} of {lesson.minutes}*"
        assert until in whole and f"{until}\n\n{cell.source}\n" in said
        assert not any(cell.source in text for text in whole), "the room sees the notebook"
        assert "$" not in cell.source, "no formulas are drawn in the window of the notes, nor on paper"
    silent = [p.title for p in sections(lesson) if p.work and not any("notes" in c.metadata for c in p.cells)]
    assert not silent, "sections without a note"
    assert abs(clock - lesson.minutes) <= 5, "the notes are a plan for the lesson's minutes"


def test_the_window_of_the_notes_has_every_section():
    lesson = lesson_of("07")
    page = notes_page(lesson)
    titles = [html.unescape(title) for title in re.findall(r'<section data-title="([^"]*)">', page)]
    assert titles == list(notes_by_section(lesson)) and len(titles) == len(set(titles))
    assert "SECTIONS" not in page and "NUMBER" not in page and 'data.lesson === "07"' in page
    assert not re.search(r"https?://", page), "nothing from elsewhere"


@pytest.mark.parametrize("number", LESSONS)
def test_what_is_shown_complete_needs_only_what_came_before_its_section(number):
    """Explorers and the quiz stand above their section's catch-up cell; they must run without it."""
    made = set(dir(builtins)) | {"display"}
    for part in sections(lesson_of(number)):
        done = [catch_up.code(cell) for cell in part.work]
        for cell in part.cells:
            if is_setup(cell):
                made |= names([cell.source])[1]
            elif cell.cell_type == "code" and is_complete(cell):
                assert names([cell.source])[0] <= made, cell.source
        made |= names(done)[1]


@pytest.mark.parametrize("number", LESSONS)
def test_typed_cells_and_a_catch_up_cell_may_both_run(number):
    """No section changes a variable that it also needs: doing it twice ends in the same state."""
    for part in sections(lesson_of(number)):
        used, made = names([catch_up.code(cell) for cell in part.work])
        assert not used & made, part.title


def test_a_live_notebook_is_built_twice_with_the_same_bytes():
    for path in LESSONS.values():
        first, again = (build(read_lesson(path), "live") for _ in range(2))
        assert files.to_text(first) == files.to_text(again)
        ids = [cell["id"] for cell in first.cells]
        assert len(set(ids)) == len(ids)


# --------------------------------------------------------------------------------------------------------------- catch_up

SOURCE = '''# %% [markdown] lesson="42" title="Sums" minutes=5
# You will be able to add.

# %% tags=["setup"]
import math

from course_utils import check

# %%
# the number
base = math.floor(2.5)

# %% [markdown]
# ## One
# What is one more?

# %%
# one more
more = [base + k for k in (1,)][0]
more

# %% [markdown] exercise="42.1" title="Add" points=1 difficulty=1 importance=1 minutes=1
# Add.

# %% exercise="42.1"
def add(a, b):
    """The sum."""
    ### BEGIN SOLUTION
    return a + b
    ### END SOLUTION


check("42.1", add)

# %% [markdown]
# ## Two

# %% uses="42.1"
# by your function
total = add(more, 1)
print("total", total)

# %% [markdown]
# ## One

# %%
# broken on purpose
1 / 0
'''


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A project with one lesson; its check is always content."""
    from course_utils import exercises

    monkeypatch.setattr(paths, "ROOT", tmp_path)
    monkeypatch.setattr(paths, "SOURCE", tmp_path / "notebooks" / "source")
    # the top first: it fetches what the room has then, and that is what the end of the test puts back
    monkeypatch.setattr("course_utils.check", lambda *_: None)
    monkeypatch.setattr(exercises, "check", lambda *_: None)
    (tmp_path / "notebooks" / "source").mkdir(parents=True)
    (tmp_path / "notebooks" / "source" / "42_sums.py").write_text(SOURCE)
    return tmp_path


def run(source, space):
    """Run a cell in a notebook's variables."""
    exec(compile(source, "<cell>", "exec"), space)
    return space


CATCH_UP = "from course_utils.authoring.catch_up import catch_up\ncatch_up('42', {!r}{})"


def test_catching_up_in_order_gives_the_state_of_the_solution(place):
    book = build(read_lesson(lesson_paths()[0]), "live")
    space = {}
    for cell in book.cells[:-1]:
        if cell.cell_type == "code" and "uses" not in cell.metadata:
            run(cell.source.replace('catch_up("42", "One (2)")', "None"), space)
    assert (space["base"], space["more"], space["total"]) == (2, 3, 4)
    assert space["add"](1, 1) == 2


def test_catching_up_after_a_restart_does_what_is_needed_first_and_no_more(place, capsys):
    space = run(CATCH_UP.format("Two", ""), {})
    assert space["total"] == 4
    said = capsys.readouterr().out
    assert said.index("First the section 'Beginning'") < said.index("First the section 'One'") < said.index("total 4")
    assert run(CATCH_UP.format("One", ""), {"base": 10, "math": None, "check": lambda *_: None})["more"] == 11
    assert "First" not in capsys.readouterr().out, "everything is there"


def test_catching_up_replaces_what_was_typed_wrongly_in_its_section_only(place):
    space = run(SOURCE.split("# %%")[2].split("\n", 1)[1], {})
    space |= {"base": 5, "add": lambda a, b: a - b, "more": 0}
    run(CATCH_UP.format("One", ""), space)
    assert space["base"] == 5 and space["more"] == 6 and space["add"](2, 2) == 4
    run(CATCH_UP.format("One", ""), space)
    assert space["more"] == 6, "twice is as good as once"


def test_catching_up_shows_prompts_or_code_and_the_last_value(place, capsys):
    space = {"base": 2, "math": None, "check": lambda *_: None}
    run(CATCH_UP.format("One", ""), space)
    assert capsys.readouterr().out.splitlines() == ["# one more", "3", "# the function add"]
    run(CATCH_UP.format("One", ", show_code=True"), space)
    assert "return a + b" in space["add"].__doc__ + "\n".join(
        __import__("inspect").getsource(space["add"]).splitlines()
    )


def test_an_error_in_a_section_shows_its_line(place):
    with pytest.raises(ZeroDivisionError) as caught:
        run(CATCH_UP.format("One (2)", ""), {})
    assert "1 / 0" in "".join(__import__("traceback").format_exception(caught.value))


def test_catching_up_with_a_slip(place, monkeypatch):
    with pytest.raises(CourseError, match="no section 'Three'; there are 'Beginning', 'One', 'Two', 'One \\(2\\)'"):
        catch_up.catch_up("42", "Three")
    with pytest.raises(CourseError, match="no lesson '7'; there are 42"):
        catch_up.catch_up("7", "One")
    monkeypatch.setattr(paths, "SOURCE", place / "nowhere")
    with pytest.raises(CourseError, match="notebooks/source is not in this copy"):
        catch_up.catch_up("42", "One")


@pytest.mark.parametrize(
    ("cell", "used", "made"),
    [
        ("x = y", {"y"}, {"x"}),
        ("x = x + 1", {"x"}, {"x"}),
        ("x += 1", {"x"}, {"x"}),
        ("x = 1\ny = x", set(), {"x", "y"}),
        ("for i in rows:\n    print(i)", {"rows", "print"}, {"i"}),
        ("[a * i for i in rows]", {"a", "rows"}, set()),
        ("def f(a):\n    b = a + c\n    return b", {"c"}, {"f"}),
        ("import torch.nn as nn\nfrom math import pi", set(), {"nn", "pi"}),
        ("a[0] = 1", {"a"}, set()),
        ("a, b = b, a", {"a", "b"}, {"a", "b"}),
        ("f = lambda q: q + k", {"k"}, {"f"}),
        ("try:\n    a = b\nexcept ValueError as problem:\n    print(problem)", {"b", "ValueError", "print"}, {"a"}),
    ],
)
def test_names_that_a_cell_uses_and_makes(cell, used, made):
    assert names([cell]) == (used, made)


def test_the_latest_section_that_makes_a_name_is_the_one_that_is_run():
    codes = [["import a"], ["x = 1"], ["x = 2"], ["y = x"]]
    assert catch_up.order(codes, 3, set()) == [2, 3]
    assert catch_up.order(codes, 3, {"x"}) == [3]


# ------------------------------------------------------------------------------------------------------------ course live


@pytest.fixture
def started(monkeypatch):
    """What JupyterLab would be started with, and what lies in its settings while it runs."""
    import jupyterlab.labapp

    calls = []

    def main(options):
        place = Path(next(o for o in options if "user_settings_dir" in o).split("=")[1]).parent
        calls.append((options, {str(f.relative_to(place)): f.read_text() for f in place.rglob("*") if f.is_file()}))

    monkeypatch.setattr(jupyterlab.labapp, "main", main)
    return calls


def test_live_builds_and_opens_one_lesson(course, started, place):  # noqa: F811
    result = course("live", "42", "--no-browser", "--font-size", 31)
    assert result.exit_code == 0, result.output
    path = place / "build" / "live" / "42_sums.ipynb"
    about_notes = (
        "Alt+N in the notebook opens your notes in a window of their own; it follows the section you are in.\n"
    )
    assert result.stdout == f"{path}: built\n{about_notes}" and path.is_file()
    ((options, files),) = started
    assert options[:2] == [str(path), f"--ServerApp.root_dir={place}"] and "--no-browser" in options
    assert "31px" in files["labextensions/course-presentation/static/presentation.js"]
    assert "FONT_SIZE" not in files["labextensions/course-presentation/static/presentation.js"]
    notices = json.loads(files["settings/@jupyterlab/apputils-extension/notification.jupyterlab-settings"])
    assert notices["fetchNews"] == "false"
    assert not any(Path(o.split("=")[1]).exists() for o in options if "LabApp" in o), "the settings go with the server"


def test_live_writes_the_notes_beside_the_notebook(course, started, place):  # noqa: F811
    source = place / "notebooks" / "source" / "42_sums.py"
    note = '# %% [markdown] notes="1" minutes=5\n# Say what a sum is.\n\n'
    source.write_text(SOURCE.replace("# %%\n# the number", note + "# %%\n# the number"))
    result = course("live", "42")
    assert result.exit_code == 0, result.output
    path = place / "build" / "live" / "42_sums.notes.md"
    assert "## Beginning\n\n*5 minutes, until 5 of 5*\n\nSay what a sum is.\n" in path.read_text()
    assert "Say what" not in path.with_name("42_sums.ipynb").read_text()
    printed = path.with_suffix(".html")
    assert str(printed) in result.stdout and "<p>Say what a sum is.</p>" in printed.read_text()


def test_live_builds_all(course, started, place):  # noqa: F811
    result = course("live", "--all")
    assert result.exit_code == 0 and result.stdout.endswith("42_sums.ipynb: built\n") and not started


def test_live_with_a_slip(course, started, place):  # noqa: F811
    assert_one_line(course("live"), "course live 07", "--all")
    assert_one_line(course("live", "42", "--all"), "not both")
    assert_one_line(course("live", "43"), "no lesson '43'", "42")
    assert_one_line(course("live", "42", "--font-size", 3), "--font-size", "8")
    import socket

    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert_one_line(course("live", "42", "--port", port), f"Port {port} is taken")
    assert not started and not (place / "build").exists()


def typed(path, source="more = base + 1"):
    book = nbformat.read(path, as_version=4)
    next(c for c in book.cells if c.source == "# one more\n").source += source
    nbformat.write(book, path)
    return path.read_text()


def test_what_was_typed_is_never_lost(course, started, place):  # noqa: F811
    ((path, done),) = build_live()
    assert done == "built"
    text = typed(path)
    for again in (lambda: list(build_live()), lambda: files.build_all("live"), lambda: course("live", "42")):
        again()
        assert path.read_text() == text
    assert "kept as it is, with what was typed; --fresh" in course("build", "--edition", "live").stdout
    assert "what was typed is now in 42_sums.typed-1.ipynb" in course("live", "--all", "--fresh").stdout
    assert path.with_suffix(".typed-1.ipynb").read_text() == text and "more = base" not in path.read_text()
    typed(path, "another = 1")
    assert [done for _, done in build_live(fresh=True)][0].endswith("42_sums.typed-2.ipynb")
    assert path.with_suffix(".typed-1.ipynb").read_text() == text


def test_running_is_not_typing_and_a_newer_source_is_built(place):
    ((path, _),) = build_live()
    book = nbformat.read(path, as_version=4)
    book.metadata["language_info"]["version"] = "3.13"  # JupyterLab writes this when a kernel starts
    for cell in book.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [nbformat.v4.new_output("stream", text="ran")], 3
    nbformat.write(book, path)
    (place / "notebooks/source/42_sums.py").write_text(SOURCE.replace("# one more", "# one more than before"))
    assert [done for _, done in build_live()] == ["up to date"]
    text = path.read_text()
    assert "# one more than before" in text and "ran" in text
    assert [done for _, done in build_live(fresh=True)] == ["begun anew"] and '"ran"' not in path.read_text()


def test_a_damaged_live_notebook_is_kept(place):
    ((path, _),) = build_live()
    path.write_text("{")
    assert [done.split(",")[0] for _, done in build_live()] == ["kept as it is"] and path.read_text() == "{"


# ----------------------------------------------------------------------------------------- every live notebook to its end

# in a kernel: every name of the solution edition that is missing
MISSING = "print(*[name for name in {names!r} if name not in globals()], sep=',')"


def solution_names(lesson):
    """The names that a lesson's solution edition ends with."""
    cells = [cell for cell in build(lesson, "solution").cells if cell.cell_type == "code"]
    taught = [c for c in cells if not is_claim(c) and PASSED not in c.metadata.get("tags", [])]
    codes = [cell.source for cell in taught]
    return sorted(names(codes)[1] - set(dir(builtins)))


@pytest.mark.parametrize("number", some(EXECUTED))
def test_a_live_notebook_with_its_catch_up_cells_runs_to_the_end(number):
    lesson = lesson_of(number)
    book = build(lesson, "live")
    book.cells.append(nbformat.v4.new_code_cell(MISSING.format(names=solution_names(lesson))))
    done, _, _ = run_notebook(book, allow=["NotImplementedError", "NameError"])
    for cell in done.cells:
        if cell.cell_type == "code" and "uses" not in cell.metadata:
            assert not [o for o in cell.outputs if o.output_type == "error"], cell.source
    assert done.cells[-1].outputs[0].text.strip() == ""


# ------------------------------------------------------------------------------------------------------------ the browser

COMMAND = """
import os
import sys
from pathlib import Path
import jupyterlab.labapp
from course_utils import cli
from course_utils.authoring import paths
os.environ.pop("COURSE_STRICT", None)  # a class's unwritten functions may fail their checks
options = sys.argv[2:]
paths.ROOT = Path(next(o for o in options if "root_dir" in o).split("=")[1])
given = {option.split("=")[0] for option in options}
start = jupyterlab.labapp.main
jupyterlab.labapp.main = lambda own: start([*options, *(o for o in own if o.split("=")[0] not in given)])
sys.argv = ["course", "live", sys.argv[1]]
cli.main()
"""


# the last cell is done, or a cell that may not fail has failed (JupyterLab then stops)
ENDED = """() => {
    const cells = window.jupyterapp.shell.currentWidget.content.widgets.filter((c) => c.model.type === 'code');
    const failed = (c) => !(c.model.getMetadata('tags') ?? []).includes('raises-exception')
        && c.model.outputs.toJSON().some((o) => o.output_type === 'error');
    return cells.at(-1).model.executionCount || cells.some(failed);
}"""


@pytest.fixture
def typist(request):
    """`course live` on the lesson `request.param`, in a browser; live notebooks lie in a temporary folder."""
    if CHROMIUM is None:
        pytest.skip("chromium is not installed (Debian: apt-get install chromium); the browser tests need it")
    if importlib.util.find_spec("playwright") is None:
        pytest.skip("playwright is not installed (pip install -e .[test]); the browser tests need it")
    server = Server(command=("-c", COMMAND, request.param))
    lab = None
    try:
        lab = Lab(server, size=(1280, 800))
        yield lab
    finally:
        if lab:
            lab.close()
        server.close()


def follow_the_notes(page, lesson):
    """Open the notes' window by its key, and go to a section of the notebook: the window follows."""
    (first, _), (second, text) = list(notes_by_section(lesson).items())[:2]
    page.locator(".jp-Notebook").focus()
    with page.expect_popup() as opened:
        page.keyboard.press("Alt+n")
    notes = opened.value
    now = notes.locator("section.now h2")
    now.wait_for()
    assert now.inner_text() == first and notes.locator("section.next h2").inner_text() == second
    go = """(title) => {
        const content = window.jupyterapp.shell.currentWidget.content;
        content.activeCellIndex = content.widgets.findIndex((c) => c.model.sharedModel.source.includes(`## ${title}`)) + 1;
    }"""
    page.evaluate(go, second)
    notes.locator("section.now h2", has_text=second).wait_for()
    assert " ".join(text.split()[-3:]).strip("`*") in " ".join(notes.locator("section.now").inner_text().split())
    notes.locator("#back").click()
    assert now.inner_text() == first
    notes.close()


def type_solution(notebook, lesson, which):
    """Put the cursor into an exercise cell, and type its solution over what stands there."""
    cell = next(c for c in lesson.cells if c.cell_type == "code" and c.metadata.get("exercise") == which)
    page = notebook.page
    page.evaluate(
        """async (id) => {
            const content = window.jupyterapp.shell.currentWidget.content;
            content.activeCellIndex = content.widgets.findIndex((cell) => cell.model.id === id);
            await content.scrollToItem(content.activeCellIndex, 'smart');
        }""",
        f"exercise-{which.replace('.', '-')}",
    )
    page.locator(".jp-Notebook .jp-Cell.jp-mod-active .cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    for line in cut(cell.source, "solution").splitlines():
        page.keyboard.press("Shift+Home")  # the editor indents by itself; a line begins anew
        page.keyboard.press("Delete")
        page.keyboard.insert_text(line)
        page.keyboard.press("Enter")
    page.keyboard.press("Shift+Enter")


@pytest.mark.parametrize(
    ("typist", "number"),
    [pytest.param(n, n, id=n, marks=[] if n in IN_THE_BROWSER else [pytest.mark.slow]) for n in LESSONS],
    indirect=["typist"],
)
@pytest.mark.timeout(1200)
def test_a_lesson_is_opened_typed_into_and_run_to_the_end_in_the_browser(typist, number):
    lesson = lesson_of(number)
    path = f"build/live/{lesson.name}.ipynb"
    page = typist.page
    page.goto(f"{typist.server.url}/lab/tree/{path}", wait_until="load")
    page.wait_for_selector(".jp-mod-presentationMode .jp-NotebookPanel .jp-CodeCell .cm-content")
    page.wait_for_function("() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel")
    notebook = Notebook(typist)
    size = "(e) => parseFloat(getComputedStyle(e).fontSize)"
    assert page.locator(".jp-CodeCell .cm-content").first.evaluate(size) == 20
    assert page.locator(".jp-MarkdownCell p").first.evaluate(size) == 20
    assert page.evaluate("() => window.jupyterapp.shell.leftCollapsed")
    assert not page.locator(".jp-Dialog, .Toastify__toast").count()
    notebook.screenshot(f"live-{number}", selector=".jp-Notebook")

    follow_the_notes(page, lesson)
    which = lesson.exercises[0].id
    setup = next(i for i, c in enumerate(lesson.cells) if is_setup(c))
    assert setup == 1
    page.evaluate("() => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = 1 }")
    typist.command("notebook:run-cell")
    type_solution(notebook, lesson, which)
    notebook.idle(120)
    typist.command("runmenu:run-all")
    page.wait_for_function(ENDED, timeout=900_000)

    cells = page.evaluate(
        """() => window.jupyterapp.shell.currentWidget.content.widgets.filter((c) => c.model.type === 'code').map((c) => ({
            id: c.model.id, tags: c.model.getMetadata('tags') ?? [], source: c.model.sharedModel.source,
            count: c.model.executionCount, outputs: c.model.outputs.toJSON() }))"""
    )
    for cell in cells:
        errors = [o["ename"] for o in cell["outputs"] if o["output_type"] == "error"]
        assert not errors or ("raises-exception" in cell["tags"] and not cell["id"].startswith("exercise-")), (
            cell["source"],
            errors,
        )
    ran = [cell["count"] for cell in cells if cell["count"]]
    assert ran == sorted(ran) and cells[-1]["count"], "every cell ran, to the last"
    (mine,) = [cell for cell in cells if cell["id"] == f"exercise-{which.replace('.', '-')}"]
    assert "NotImplementedError" not in mine["source"]
    assert ": ✓ passed" in json.dumps(mine["outputs"], ensure_ascii=False)
    assert notebook.kernel(f"[name for name in {solution_names(lesson)!r} if name not in globals()]") == []
    typist.command("docmanager:save")
    saved = json.loads((typist.server.root / path).read_text())
    assert mine["source"] in ["".join(cell["source"]) for cell in saved["cells"]]
    sizes = "all => all.map((one) => [one, one.parentElement].map((e) => e.getBoundingClientRect().width / one.naturalWidth))"
    grown = page.locator(".jp-OutputArea-output > img").evaluate_all(sizes)
    assert grown and all(by > 1.4 or by > 0.95 * room for by, room in grown), "pictures grow as the letters do"
    assert not typist.console_errors and not typist.outside
