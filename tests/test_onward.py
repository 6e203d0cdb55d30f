"""The end of a student notebook: the next lesson, which is there, and the tour, which the handout has."""

import re

import pytest

from course_utils.authoring import paths
from course_utils.authoring.editions import build
from course_utils.authoring.source import read_lesson, title_of
from course_utils.grading.export import nbgrader_source
from course_utils.languages import languages, translated_lessons

LESSONS = {path.stem[:2]: read_lesson(path) for path in paths.lesson_paths()}
NAMES = [lesson.name for lesson in LESSONS.values()]


def end(book):
    """The text of the cell; "" if there is none."""
    return "".join(cell.source for cell in book.cells if cell["id"] == "onward")


def links(text):
    return re.findall(r"\]\(([^)]+)\)", text)


@pytest.mark.parametrize("number", LESSONS)
def test_every_lesson_ends_with_the_next_one_and_the_tour(number):
    book = build(LESSONS[number])
    following = [*NAMES, paths.EXPLORE][NAMES.index(LESSONS[number].name) + 1]
    assert links(end(book)) == [f"{following}.ipynb", "tour/index.html"]
    assert (paths.ROOT / "notebooks" / f"{following}.ipynb").is_file()
    assert [cell["id"] for cell in book.cells if cell.cell_type == "markdown"][-1] == "onward"
    assert "`course tour my_photo.jpg`" in end(book)
    if following != paths.EXPLORE:
        assert f"[{following[:2]} · {LESSONS[following[:2]].title}]" in end(book)


def test_a_title_is_read_from_the_first_line():
    assert {name: title_of(name) for name in NAMES} == {lesson.name: lesson.title for lesson in LESSONS.values()}


def test_only_what_students_get_has_it():
    assert not end(build(LESSONS["07"], "solution")) and not end(build(LESSONS["07"], "live"))
    assert not end(build(read_lesson(paths.SOURCE / f"{paths.EXPLORE}.py")))
    assert not links(end(nbgrader_source(LESSONS["07"]))), "there each lesson lies in a folder of its own"


def test_a_handout_leads_to_what_is_in_it():
    beside = [LESSONS["07"].name, LESSONS["12"].name, paths.EXPLORE]
    first, last = (end(build(LESSONS[number], beside=beside)) for number in ("07", "12"))
    assert links(first) == [f"{LESSONS['12'].name}.ipynb"] and "tour" not in first + last
    assert links(last) == ["explore.ipynb"] and "[Explore]" in last, "it does not have all explorers"
    assert end(build(LESSONS["12"], beside=beside[:2])) == ""
    assert "tour/index.html" in end(build(LESSONS["16"], beside=NAMES))


@pytest.mark.parametrize("code", languages())
def test_a_translated_lesson_leads_to_a_translated_one_or_says_the_command(code):
    there = translated_lessons(code)
    for number in there:
        book = end(build(LESSONS[number], language=code))
        following = f"{int(number) + 1:02d}"
        assert (f"]({LESSONS[following].name}.ipynb)" in book) == (following in there)
        assert (f"`course lab {following}`" in book) == (following not in there)
        assert "Next" not in book and "[tour/index.html](tour/index.html)" in book
        all_beside = end(build(LESSONS[number], language=code, beside=NAMES))
        assert f"]({LESSONS[following].name}.ipynb)" in all_beside, "a handout's lessons lie side by side"
