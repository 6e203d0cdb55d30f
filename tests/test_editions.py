import base64
import io
import json

import nbformat
import numpy as np
import pytest
from PIL import Image

from course_utils.authoring import outputs, paths
from course_utils.authoring.alternatives import alternative
from course_utils.authoring.cells import cut
from course_utils.authoring.editions import build, speaker_notes
from course_utils.authoring.files import build_all, check_all, to_text
from course_utils.authoring.rules import SourceError
from course_utils.authoring.solved import exercise_functions
from course_utils.authoring.source import read_lesson
from course_utils.errors import CourseError
from course_utils.still import picture_still

GOOD = '''# %% [markdown] lesson="42" title="Doubling" minutes=5 needs="00"
# You will be able to double.

# %% tags=["setup"]
import math

# %%
# a worked cell
two = 1 + 1
# and its second prompt
two * 2

# %% [markdown] exercise="42.1" title="Double it" points=2 difficulty=2 importance=5 minutes=1
# Return twice the number.

# %% exercise="42.1"
def double(x):
    """Twice a number.

    x: a number, returns: a number
    """
    factor = 2
    ### BEGIN SOLUTION
    return factor * x
    ### END SOLUTION


check("42.1", double)

# %% [markdown] fold="Hint"
# Twice.

# %% picture="42.1"
draw(double(2))

# %% uses="42.1"
print(double(2))

# %% [markdown] solution="42.1"
# Because.

# %% [markdown] notes="1" minutes=3
# Speak slowly.

# %% [markdown] exercise="42.2" title="Spot the bug" points=1 difficulty=1 importance=1 minutes=2
# Mend it.

# %% exercise="42.2"
def triple(x):
    """Three times a number."""
    ### BEGIN SOLUTION
    return 3 * x
    ### END SOLUTION
    ### BEGIN STUB
    # if x:
    #     return 2 * x
    # return x
    ### END STUB


check("42.2", triple)
'''


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A project with one lesson."""
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    monkeypatch.setattr(paths, "SOURCE", tmp_path / "notebooks" / "source")
    (tmp_path / "notebooks" / "source").mkdir(parents=True)
    write(tmp_path, GOOD)
    return tmp_path


def write(place, text):
    path = place / "notebooks" / "source" / "42_doubling.py"
    path.write_text(text)
    return path


def sources(book):
    return [c.source for c in book.cells]


def by_id(book, cell_id):
    return next(c for c in book.cells if c["id"] == cell_id)


def test_the_head_and_the_exercises_get_their_lines(place):
    lesson = read_lesson(write(place, GOOD))
    assert (lesson.number, lesson.title, lesson.minutes, lesson.needs) == ("42", "Doubling", 5, "00")
    assert {e.id: e.points for e in lesson.exercises} == {"42.1": 2, "42.2": 1}
    text = sources(build(lesson))
    assert text[0] == "# 42 · Doubling\n\n*5 minutes · needs lesson 00*\n\nYou will be able to double."
    assert "### Exercise 42.1 · Double it\n\n*difficulty ●●○○○ · importance ●●●●● · 1 minute · 2 points*" in text[3]


def test_the_student_gets_the_stub_and_the_solution_edition_the_solution(place):
    lesson = read_lesson(write(place, GOOD))
    student, solution = build(lesson), build(lesson, "solution")
    stub, solved = by_id(student, "exercise-42-1").source, by_id(solution, "exercise-42-1").source
    assert 'raise NotImplementedError("42.1: write this function")' in stub and "return factor" not in stub
    assert "return factor * x" in solved and "BEGIN" not in solved + stub
    assert "factor = 2" in stub and "Twice a number" in stub and stub.endswith('check("42.1", double)')
    bug = by_id(student, "exercise-42-2").source
    assert "    if x:\n        return 2 * x\n    return x\n" in bug and "3 * x" not in bug
    assert "2 * x" not in by_id(solution, "exercise-42-2").source
    assert not any("Because" in s for s in sources(student)) and any("Because" in s for s in sources(solution))
    assert not any("Speak slowly" in s for s in sources(student) + sources(solution))


def test_cells_carry_what_tests_and_graders_need(place):
    student = build(read_lesson(write(place, GOOD)))
    cell = by_id(student, "exercise-42-1")
    assert cell.metadata == {"exercise": "42.1", "points": 2, "tags": ["exercise", "raises-exception"]}
    marked = [c["id"] for c in student.cells if "raises-exception" in c.metadata.get("tags", [])]
    assert marked == ["exercise-42-1", "picture-42-1", "uses-42-1", "exercise-42-2"]
    assert by_id(student, "expected-42-1").cell_type == "markdown"
    assert not any(
        "raises-exception" in c.metadata.get("tags", [])
        for c in build(read_lesson(write(place, GOOD)), "solution").cells
    )


def test_the_live_edition_keeps_prompts_and_notes(place):
    lesson = read_lesson(write(place, GOOD))
    text = "\n".join(sources(build(lesson, "live")))
    assert "# a worked cell" in text and "# and its second prompt" in text and "two = 1 + 1" not in text
    assert "return factor" not in text and "import math" in text
    assert "Speak slowly" not in text and "Speak slowly" in speaker_notes(lesson), "the room sees the notebook"


def test_the_same_source_gives_the_same_bytes_and_ids_stay_with_their_cells(place):
    lesson = read_lesson(write(place, GOOD))
    assert to_text(build(lesson)) == to_text(build(read_lesson(lesson.path)))
    ids = [c["id"] for c in build(lesson).cells]
    assert len(set(ids)) == len(ids)
    longer = GOOD.replace("# %%\n# a worked cell", "# %%\n# another cell\n1\n\n# %%\n# a worked cell")
    assert set(ids) < {c["id"] for c in build(read_lesson(write(place, longer))).cells}


def test_equal_cells_get_different_ids(place):
    twice = GOOD + "\n# %%\n# same\n1\n\n# %%\n# same\n1\n"
    ids = [c["id"] for c in build(read_lesson(write(place, twice))).cells]
    assert len(set(ids)) == len(ids)


def test_solutions_and_stubs_as_functions(place):
    lesson = read_lesson(write(place, GOOD))
    solved, stubs = exercise_functions(lesson), exercise_functions(lesson, "student")
    assert solved["42.1"](4) == 8 and solved["42.2"](4) == 12 and stubs["42.2"](4) == 8
    with pytest.raises(NotImplementedError, match="42.1"):
        stubs["42.1"](4)


BAD = {
    "no head": (GOOD.split("\n\n", 1)[1], "the first cell must be"),
    "wrong number": (GOOD.replace('lesson="42"', 'lesson="41"'), "number of the file name"),
    "unknown key": (GOOD.replace('fold="Hint"', 'folded="Hint"'), "unknown key 'folded'"),
    "unknown tag": (GOOD.replace('tags=["setup"]', 'tags=["set-up"]'), "unknown tag 'set-up'"),
    "missing points": (GOOD.replace(" points=2", ""), "needs points"),
    "no end": (GOOD.replace("    ### END SOLUTION\n\n\ncheck(\"42.1\"", "\n\ncheck(\"42.1\""), "exactly one region"),
    "two solutions": (GOOD.replace("    factor = 2\n", "    ### BEGIN SOLUTION\n    factor = 2\n    ### END SOLUTION\n"), "exactly one region"),
    "unknown region": (GOOD.replace("STUB", "STOB"), "unknown region 'STOB'"),
    "no check": (GOOD.replace('check("42.1", double)', "double(1)"), "must call check"),
    "other id in check": (GOOD.replace('check("42.1"', 'check("42.2"'), "must call check"),
    "no docstring": (GOOD.replace('    """Three times a number."""\n', ""), "no docstring"),
    "def inside the region": (
        GOOD.replace("def triple(x):\n", "### BEGIN SOLUTION\ndef triple(x):\n").replace("    ### BEGIN SOLUTION\n    return 3", "    return 3"),
        "not Python|missing from the stub|exactly one",
    ),
    "docstring inside the region": (
        GOOD.replace('    """Three times a number."""\n    ### BEGIN SOLUTION\n', '    ### BEGIN SOLUTION\n    """Three times a number."""\n'),
        "docstring",
    ),
    "code without text": (GOOD.replace('# %% [markdown] exercise="42.1"', '# %% [markdown] exercise="42.3"'), "differ"),
    "exercise of another lesson": (GOOD.replace("42.2", "43.2"), "is called 42.1"),
    "picture of nothing": (GOOD.replace('picture="42.1"', 'picture="42.9"'), "names no exercise"),
    "solution in a worked cell": (GOOD.replace("two * 2", "### BEGIN SOLUTION\ntwo * 2\n### END SOLUTION"), "without exercise"),
    "empty cell": (GOOD + "\n# %%\n\n# %%\n1\n", "empty cell"),
    "broken code": (GOOD.replace("return 3 * x", "return 3 *"), "not Python"),
    "paper without an address": (GOOD + "\n# %% [markdown]\n# **Papers.** Doe: *Two of\n# Two*, 2020.\n", "paper 'Two of Two' is not in"),
    "paper named otherwise": (GOOD + "\n# %% [markdown]\n# **Papers.** Tan & Le: *EfficientNet*, 2019.\n", "Tan, Le: \\*EfficientNet\\*, ICML 2019"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_source_is_refused_with_its_place(place, name):
    text, message = BAD[name]
    assert text != GOOD
    with pytest.raises(SourceError, match=message) as caught:
        read_lesson(write(place, text))
    assert str(caught.value).startswith("42_doubling.py: ") and "\n" not in str(caught.value)


def test_cut_keeps_indentation_of_nested_stubs():
    assert cut("def f():\n    ### BEGIN SOLUTION\n    x = 1\n    return x\n    ### END SOLUTION", "student", "1") == (
        'def f():\n    raise NotImplementedError("1: write this function")'
    )


def test_building_writes_the_student_edition_and_check_finds_it_fresh(place):
    assert check_all() == ["42_doubling.ipynb is missing"]
    (path,) = build_all()
    assert path == place / "notebooks" / "42_doubling.ipynb" and check_all() == []
    (solution,) = build_all("solution")
    assert solution == place / "build" / "solution" / "42_doubling.ipynb"


def test_a_notebook_that_could_not_be_written_whole_is_as_before(place, monkeypatch):
    (path,) = build_all()
    before = path.read_bytes()
    write(place, GOOD.replace("two = 1 + 1", "two = 3 - 1"))

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", killed)
    with pytest.raises(KeyboardInterrupt):
        build_all()
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "spoil",
    [
        lambda book: book.cells[1].update(source="import os"),
        lambda book: book.cells[1].update(id="other"),
        lambda book: book.cells.pop(),
        lambda book: book.cells[1].metadata.update(tags=[]),
        lambda book: book.metadata.update(other=1),
    ],
    ids=["source", "id", "missing cell", "cell metadata", "metadata"],
)
def test_check_finds_every_kind_of_stale_notebook(place, spoil):
    (path,) = build_all()
    book = nbformat.read(path, as_version=4)
    spoil(book)
    path.write_text(to_text(book))
    assert check_all() == ["42_doubling.ipynb differs from 42_doubling.py"]


def test_check_finds_notebooks_that_are_none_or_have_no_source(place):
    (path,) = build_all()
    (place / "notebooks" / "43_x.ipynb").write_text(path.read_text())
    path.write_text("{")
    assert check_all() == ["42_doubling.ipynb is not a notebook", "43_x.ipynb has no source"]


def test_a_changed_source_is_stale_and_outputs_are_not_compared(place):
    (path,) = build_all()
    book = nbformat.read(path, as_version=4)
    book.cells[2].outputs = [nbformat.v4.new_output("stream", text="4")]
    by_id(book, "expected-42-1").attachments = {"expected.png": {"image/png": "AAAA"}}
    path.write_text(to_text(book))
    assert check_all() == []
    build_all()
    assert json.loads(path.read_text())["cells"][2]["outputs"], "building keeps outputs of unchanged cells"
    write(place, GOOD.replace("1 + 1", "1 + 2"))
    assert check_all() == ["42_doubling.ipynb differs from 42_doubling.py"]
    build_all()
    again = nbformat.read(path, as_version=4)
    assert again.cells[2].outputs == [] and by_id(again, "expected-42-1").attachments


def test_an_unknown_lesson_or_edition_is_said_in_one_line(place):
    with pytest.raises(CourseError, match="no lesson '99'; there are 42"):
        build_all("student", ["99"])
    with pytest.raises(CourseError, match="no edition 'teacher'"):
        build_all("teacher")


def png(size=(200, 100)):
    file = io.BytesIO()
    Image.effect_noise(size, 90).convert("RGB").save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def test_kept_outputs_are_small_and_free_of_progress_bars_and_paths():
    new = nbformat.v4.new_output
    widget = {"application/vnd.jupyter.widget-view+json": {"model_id": "x"}}
    data, metadata = picture_still("image/png", png(), "an explorer").bundle()
    kept = outputs.clean_outputs(
        [
            new("stream", name="stderr", text="100%|####|"),
            new("stream", name="stdout", text='Downloading: "x" to /home/someone/.cache\nkept\n'),
            new("display_data", {**widget, "text/plain": "IntProgress()"}),
            new("display_data", {**widget, "text/plain": "1. A question\n   a) yes"}),
            new("execute_result", {"image/png": png(), "text/plain": "<Figure>"}, execution_count=7),
            new("display_data", data, metadata=nbformat.from_dict(metadata)),
        ]
    )
    assert [k.output_type for k in kept] == ["stream", "display_data", "execute_result", "display_data"]
    assert kept[0].text == "kept\n" and list(kept[1].data) == ["text/plain"]
    (kind,) = kept[2].data
    assert len(kept[2].data[kind]) < len(png()) and kept[2].execution_count is None
    assert set(kept[3].data) == {kind}, "of what stays of a widget, the picture alone"
    assert kept[3].metadata == {kind: {"alt": "an explorer"}} and kept[2].metadata == {}


@pytest.mark.parametrize("exact", [outputs.EXACT_BYTES, 0])
def test_a_drawing_keeps_its_rare_colors(exact, monkeypatch):
    """One blue square among many shades of red: with too few colors for them it would become gray."""
    monkeypatch.setattr(outputs, "EXACT_BYTES", exact)
    pixels = np.full((90, 160, 3), 255, dtype=np.uint8)
    pixels[:80, :, 0] = 90 + np.arange(160) // 10 * 10  # 16 x 20 squares
    pixels[:80, :, 1:] = np.arange(80)[:, None, None] // 4 * 6
    pixels[12:18, 12:18] = (5, 48, 97)
    held = io.BytesIO()
    Image.fromarray(pixels).save(held, "PNG")
    data = {"image/png": base64.b64encode(held.getvalue()).decode()}
    (kept,) = outputs.clean_outputs([nbformat.v4.new_output("display_data", data=data)])
    shown = Image.open(io.BytesIO(base64.b64decode(kept.data["image/png"]))).convert("RGB")
    off = np.abs(np.asarray(shown).astype(int) - pixels).max(2)
    assert off[12:18, 12:18].max() <= 8 and off.max() <= (24 if exact == 0 else 0)


def test_a_picture_without_a_text_gets_what_its_cell_says():
    held = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(held, "PNG")
    data = {"image/png": base64.b64encode(held.getvalue()).decode()}
    bare = nbformat.v4.new_output("display_data", data=data)
    own = nbformat.v4.new_output("display_data", data=data, metadata={"image/png": {"alt": "a red field"}})
    kept = outputs.clean_outputs([bare, own], "# the first of two fields\nshow(field)")
    assert [next(iter(output.metadata.values()))["alt"] for output in kept] == [
        "The first of two fields",
        "The first of two fields: a red field",
    ]
    assert outputs.clean_outputs(kept, "# the first of two fields\nshow(field)") == kept
    assert outputs.clean_outputs([bare], "show(field)")[0].metadata == {}


EXPLORE = """# %% [markdown] lesson="explore" title="All explorers" minutes=5
# Turn the knobs.

# %% tags=["setup"]
import math

# %%
# a worked cell
math.pi
"""


def test_the_notebook_of_all_explorers_is_built_and_checked_with_the_lessons(place):
    source = place / "notebooks" / "source" / "explore.py"
    source.write_text(EXPLORE)
    assert [p.name for p in paths.source_paths()] == ["42_doubling.py", "explore.py"]
    assert paths.source_paths(["explore"]) == [source]
    assert [p.name for p in paths.source_paths(["42"])] == ["42_doubling.py"]
    assert [p.name for p in paths.lesson_paths()] == ["42_doubling.py"], (
        "it is no lesson: no exercises, no live edition"
    )
    build_all()
    path = place / "notebooks" / "explore.ipynb"
    book = nbformat.read(path, as_version=4)
    assert sources(book)[0] == "# All explorers\n\n*5 minutes*\n\nTurn the knobs."
    assert check_all() == []
    source.write_text(EXPLORE.replace("pi", "e"))
    assert check_all() == check_all(["explore"]) == ["explore.ipynb differs from explore.py"]
    path.unlink()
    assert check_all() == ["explore.ipynb is missing"]


def test_a_notebook_that_is_too_large_gets_photos_of_lower_quality(monkeypatch):
    file = io.BytesIO()
    noise = Image.effect_noise((300, 300), 90).convert("RGB")
    noise.save(file, "JPEG", quality=76)
    data = {"image/jpeg": base64.b64encode(file.getvalue()).decode()}
    pictures = [nbformat.v4.new_output("display_data", dict(data)) for _ in range(3)]
    cell = nbformat.v4.new_code_cell("x", outputs=pictures)
    cell["id"] = "photos"
    book = nbformat.v4.new_notebook(cells=[cell])
    before = len(to_text(book))
    monkeypatch.setattr(outputs, "MOST_BYTES", before)
    outputs.fit(book)
    assert len(to_text(book)) == before, "small enough: nothing changes"
    monkeypatch.setattr(outputs, "MOST_BYTES", round(before * 0.7))
    outputs.fit(book)
    assert len(to_text(book)) <= before * 0.7
    for output in book.cells[0].outputs:
        assert Image.open(io.BytesIO(base64.b64decode(output.data["image/jpeg"]))).size == (300, 300)


def test_a_notebook_that_is_too_large_gets_its_large_drawings_as_photos_and_keeps_the_small_ones(monkeypatch):
    held = io.BytesIO()
    Image.effect_noise((300, 300), 90).convert("RGB").quantize(256).save(held, "PNG")
    small = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(small, "PNG")
    drawings = [base64.b64encode(file.getvalue()).decode() for file in (held, small)]
    metadata = {"image/png": {"alt": "noise"}}
    made = [
        nbformat.v4.new_output("display_data", {"image/png": one}, metadata=nbformat.from_dict(metadata))
        for one in drawings
    ]
    cell = nbformat.v4.new_code_cell("x", outputs=made)
    cell["id"] = "drawings"
    book = nbformat.v4.new_notebook(cells=[cell])
    monkeypatch.setattr(outputs, "MOST_BYTES", 0.8 * len(to_text(book)))
    outputs.fit(book)
    large, same = book.cells[0].outputs
    assert set(large.data) == {"image/jpeg"} and large.metadata == {"image/jpeg": {"alt": "noise"}}
    assert same.data["image/png"] == drawings[1] and same.metadata == metadata


def test_a_text_alternative_says_what_the_cell_does_and_what_is_written_in_the_picture(place):
    code = "# two photos\n# and [one] map\n\n# not this\nshow(x)"
    assert alternative(code) == "Two photos and [one] map"
    assert alternative(code, "cat, dog") == "Two photos and [one] map: cat, dog"
    assert alternative(code, "Two photos") == alternative(code, "Two photos and [one] map")
    assert alternative(code, "Two photos and [one] map: cat") == "Two photos and [one] map: cat", "not twice"
    assert alternative("show(x)", "cat") == "cat" and alternative("show(x)") == ""
    assert alternative("# turn\nexplorers.Occlusion()", "Occlusion. It shows: a cat") == "Occlusion. It shows: a cat"
    text = GOOD.replace("draw(double(2))", "# twice [two]\n# (four)\ndraw(double(2))")
    student = build(read_lesson(write(place, text)))
    assert "![Expected picture: Twice (two) (four)](attachment:expected.png)" in by_id(student, "expected-42-1").source
    student = build(read_lesson(write(place, GOOD)))
    assert "![Expected picture](attachment:expected.png)" in by_id(student, "expected-42-1").source


def test_a_build_renews_the_texts_of_pictures_that_stay(place):
    (path,) = build_all()
    book = nbformat.read(path, as_version=4)
    (cell,) = [cell for cell in book.cells if cell.source.startswith("# a worked cell")]
    metadata = {"image/png": {"alt": "four"}}
    cell.outputs = [nbformat.v4.new_output("display_data", {"image/png": "AAAA"}, metadata=metadata)]
    path.write_text(to_text(book), encoding="utf-8")
    build_all()
    kept = next(c for c in nbformat.read(path, as_version=4).cells if c["id"] == cell["id"])
    assert kept.outputs[0].metadata == {"image/png": {"alt": "A worked cell: four"}}
