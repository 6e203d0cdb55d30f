"""The fold "The course's own version": where it stands, that it is the package's source, and that it gives no answer away."""

import importlib
import inspect
from textwrap import dedent

import nbformat
import pytest

from course_utils.authoring import own_version, paths
from course_utils.authoring.editions import build
from course_utils.authoring.files import build_all, build_live, check_all
from course_utils.authoring.own_version import find
from course_utils.authoring.paths import lesson_paths
from course_utils.authoring.rules import SourceError
from course_utils.authoring.source import read_lesson
from course_utils.errors import CourseError
from course_utils.grading.export import nbgrader_source
from course_utils.grading.notebooks import handed_out

LESSONS = {path.stem[:2]: path for path in lesson_paths()}

METHODS = '''"""Methods."""
import torch  # a stand-in: reading this file imports nothing

raise RuntimeError("nobody runs this file")


@staticmethod
def double(x):
    """Twice a number."""
    # by adding

    return x + x


class Power:
    def square(self, x):
        return x * x


def half(x):
    return x / 2
'''

SOURCE = '''# %% [markdown] lesson="42" title="Doubling" minutes=5
# You will be able to double.

# %% [markdown]
# ## One

# %% [markdown] exercise="42.1" title="Double it" points=2 difficulty=2 importance=5 minutes=1 own="course_utils.methods:double"
# Return twice the number.

# %% exercise="42.1"
def twice(x):
    """Twice a number."""
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION


check("42.1", twice)

# %% [markdown] fold="Hint"
# Twice.

# %% uses="42.1"
print(twice(2))

# %%
# a worked cell
1 + 1

# %% [markdown] solution="42.1"
# Because.

# %% [markdown] exercise="42.2" title="Square" points=1 difficulty=1 importance=1 minutes=2 own="course_utils.methods:Power.square course_utils.methods:double"
# Square it.

# %% exercise="42.2"
def square(x):
    """The square."""
    ### BEGIN SOLUTION
    return x * x
    ### END SOLUTION


check("42.2", square)

# %% [markdown] fold="Hint"
# Times itself.

# %% [markdown] own="course_utils.methods:half"
# ## Two
# The course has a function for the half.

# %%
# half of it
2 / 2
'''


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A project with one lesson, and a package that exports its methods again."""
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    monkeypatch.setattr(paths, "SOURCE", tmp_path / "notebooks" / "source")
    monkeypatch.setattr(own_version, "PACKAGE", tmp_path / "course_utils")
    (tmp_path / "notebooks" / "source").mkdir(parents=True)
    (tmp_path / "course_utils" / "methods").mkdir(parents=True)
    (tmp_path / "course_utils" / "methods" / "core.py").write_text(METHODS)
    exports = "import torch\nfrom course_utils.methods.core import Power, half, double\n"
    (tmp_path / "course_utils" / "methods" / "__init__.py").write_text(exports)
    write(tmp_path, SOURCE)
    return tmp_path


def write(place, text):
    path = place / "notebooks" / "source" / "42_doubling.py"
    path.write_text(text)
    return path


def edition(name):
    return build(read_lesson(lesson_paths(["42"])[0]), name)


def labels(book):
    """A word for each cell: "own double" for a fold, else how the cell begins."""
    return [
        f"own {c.metadata.own.split(':')[1]}" if "own" in c.metadata else c.source.splitlines()[0] for c in book.cells
    ]


DOUBLE = '''<details>
<summary>The course's own version: <code>methods/core.py</code></summary>

```python
@staticmethod
def double(x):
    """Twice a number."""
    # by adding

    return x + x
```

</details>'''


def test_in_the_solution_it_stands_behind_the_explanation_or_what_follows_the_code(place):
    book = edition("solution")
    found = labels(book)
    after = {found[i - 1]: label for i, label in enumerate(found) if label.startswith("own")}
    assert found.count("own double") == 2
    assert after["**Why this is the solution.** Because."] == "own double"
    assert found[found.index("own Power.square") - 2 : found.index("own Power.square") + 2] == [
        "def square(x):",
        "<details>",  # the hint
        "own Power.square",
        "own double",
    ]
    assert after["## Two"] == "own half"
    assert book.cells[found.index("own double")].source == DOUBLE
    square = book.cells[found.index("own Power.square")].source
    assert "```python\ndef square(self, x):\n    return x * x\n```" in square


def test_in_the_live_edition_it_stands_behind_the_catch_up_cell_of_its_section(place):
    found = labels(edition("live"))
    (first, second) = (i for i, label in enumerate(found) if label.startswith("# catch up"))
    assert found[first + 1 : first + 4] == ["own double", "own Power.square", "own double"]
    assert found[first + 4 : first + 6] == ["## Two", "own half"] and second == len(found) - 1


def test_students_see_only_what_is_no_exercise(place):
    book = edition("student")
    assert [label for label in labels(book) if label.startswith("own")] == ["own half"]
    assert "x + x" not in "".join(c.source for c in book.cells)


@pytest.mark.parametrize("shown", ["methods:double", "methods.core:double", "methods:Power"])
def test_an_answer_to_an_open_exercise_is_not_shown_to_students(place, shown):
    """Not by another name either, nor by the class of a method."""
    write(place, SOURCE.replace("methods:half", shown))
    which = "42.2" if "Power" in shown else "42.1"
    message = f"42_doubling.py: line 49: own='course_utils.{shown}' would show students an answer to exercise {which}."
    with pytest.raises(SourceError, match=message):
        edition("student")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("course_utils.methods:third", "line 49: .*no function or class 'third' in course_utils.methods"),
        (
            "course_utils.methods:Power.cube",
            "line 49: .*no function or class 'Power.cube' in course_utils.methods.core",
        ),
        ("course_utils.method:half", "line 49: .*no module 'course_utils.method'"),
        ("torch:half", "line 49: .*no module 'torch'"),
        ("course_utils.methods", "line 49: .*write module:function"),
    ],
)
def test_a_name_that_the_course_does_not_have_is_told_with_its_line(place, wrong, message):
    write(place, SOURCE.replace("course_utils.methods:half", wrong))
    with pytest.raises(SourceError, match=message) as caught:
        edition("student")
    assert str(caught.value).startswith("42_doubling.py: ")


def test_it_belongs_on_a_text_cell(place):
    write(place, SOURCE.replace("# %%\n# half", '# %% own="course_utils.methods:half"\n# half'))
    with pytest.raises(SourceError, match="stands on a text cell"):
        edition("student")


def test_a_change_of_the_package_makes_notebooks_stale(place):
    core = place / "course_utils" / "methods" / "core.py"
    for name in ("student", "solution", "live"):
        build_all(name)
        assert check_all(edition=name) == []
    core.write_text(METHODS.replace("x + x", "sum([x, x])"))
    assert check_all() == [], "students do not see it"
    assert (
        check_all(edition="solution") == check_all(edition="live") == ["42_doubling.ipynb differs from 42_doubling.py"]
    )
    core.write_text(METHODS.replace("x / 2", "0.5 * x"))
    assert check_all() == ["42_doubling.ipynb differs from 42_doubling.py"]
    (path,) = build_all()
    assert check_all() == [] and "0.5 * x" in path.read_text()


def test_a_live_notebook_that_was_typed_into_is_stale_only_when_its_source_changes(place):
    ((path, _),) = build_live()
    book = nbformat.read(path, as_version=4)
    book.cells[-2].source += "\n2 / 2"
    nbformat.write(book, path)
    assert check_all(edition="live") == []
    write(place, SOURCE.replace("# half of it", "# one half of it"))
    assert check_all(edition="live") == ["42_doubling.ipynb differs from 42_doubling.py"]


def test_graders_do_not_see_it(place):
    lesson = read_lesson(lesson_paths(["42"])[0])
    assert not any("own" in cell.metadata for cell in handed_out(lesson))


# Exercises that show no version of the course's own, and why. The list only shrinks.
NONE = "the package has no such function"
NO_OWN = dict.fromkeys(("00.1", "00.3", "06.5", "09.5", "09.6", "11.4", "14.3", "16.2"), NONE) | {
    "03.3": "`nearest` holds the answer of 03.4, and is shown there",
    "05.2": "`ReceptiveField.box` looks up what was measured, and computes nothing",
    "06.1": "`plain_occlusion` holds the answer of 06.2, and is shown there",
    "06.4": "in the fast engine the halo is no function of its own",
    "08.3": "in `backprop` it is one line among other positions",
}


def test_every_exercise_shows_what_the_course_has():
    cells = [cell for path in LESSONS.values() for cell in read_lesson(path).cells if cell.cell_type == "markdown"]
    without = {cell.metadata.exercise for cell in cells if "exercise" in cell.metadata and not own_version.named(cell)}
    assert sorted(without - set(NO_OWN)) == [], 'write own="module:function" on its text cell, or here why not'
    assert sorted(set(NO_OWN) - without) == [], "it has one now: take it off the list"


@pytest.mark.parametrize("number", LESSONS)
def test_every_lesson_shows_the_package_as_it_is(number):
    lesson = read_lesson(LESSONS[number])
    books = {name: build(lesson, name) for name in ("student", "solution", "live")}
    named = {kind: [] for kind in ("worked", "exercise")}
    for cell in lesson.cells:
        named["exercise" if "exercise" in cell.metadata else "worked"] += own_version.named(cell)
    shown = {name: [c for c in book.cells if "own" in c.metadata] for name, book in books.items()}
    assert sorted(c.metadata.own for c in shown["student"]) == sorted(named["worked"])
    for name in ("solution", "live"):
        assert sorted(c.metadata.own for c in shown[name]) == sorted(named["worked"] + named["exercise"])
        for cell in shown[name]:
            module, _, path = cell.metadata.own.partition(":")
            thing = importlib.import_module(module)
            for part in path.split("."):
                thing = getattr(thing, part)
            assert f"```python\n{dedent(inspect.getsource(thing)).rstrip()}\n```" in cell.source
            assert cell.source.count("```") == 2, "a fence inside would end the fold"
    whole = "\n".join(c.source for c in books["student"].cells)
    for name in named["exercise"]:
        assert find(name).text not in whole
    if lesson.exercises:
        assert not any("own" in c.metadata and "nbgrader" in c.metadata for c in nbgrader_source(lesson).cells)


def test_a_module_outside_of_the_course_is_not_looked_up():
    with pytest.raises(CourseError, match="no module 'os'"):
        find("os:getcwd")
