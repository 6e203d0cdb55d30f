"""The last cell of a lesson: what has passed so far, without running anything again."""

import IPython
import IPython.display
import pytest

from course_utils.authoring.editions import PASSED, build
from course_utils.authoring.paths import lesson_paths
from course_utils.authoring.source import read_lesson
from course_utils.exercises import check, passed, passed_so_far, quiz
from course_utils.exercises.lesson_00 import QUIZ
from course_utils.exercises.quizzes import _right

LESSONS = {path.stem[:2]: read_lesson(path) for path in lesson_paths()}


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    for name in ("_states", "_answers"):
        monkeypatch.setattr(passed, name, {})
    monkeypatch.setattr(passed, "_shown", set())
    monkeypatch.delenv("COURSE_STRICT", raising=False)  # wrong answers are not raised here


def brightness(images):
    return images.mean(dim=(1, 2, 3))


def top_classes(scores, k):
    raise NotImplementedError


@pytest.mark.parametrize("number", LESSONS)
def test_it_is_the_last_cell_of_each_lesson_with_exercises(number):
    for edition, there in (("student", True), ("solution", True), ("live", False)):
        cells = build(LESSONS[number], edition).cells
        tagged = [cell for cell in cells if PASSED in cell.metadata.get("tags", [])]
        assert tagged == ([cells[-1]] if there else [])
        assert not there or f'passed_so_far("{number}")' in cells[-1].source


def test_it_says_each_exercise_and_the_quiz(capsys):
    check("00.1", brightness)
    check("00.1", lambda images: images.sum(dim=(1, 2, 3)))
    check("00.1", brightness)
    check("00.3", lambda scores: scores)
    check("00.4", top_classes)
    right = "".join("abcd"[question.answer] for question in QUIZ)
    quiz("00", right[:3] + ("b" if right[3] == "a" else "a"))
    capsys.readouterr()
    passed_so_far("00")
    assert capsys.readouterr().out.splitlines() == [
        "Lesson 00: 1 of 4 exercises passed, 3 of 4 questions right, since the notebook was started",
        "  00.1 brightness: ✓ passed",
        "  00.2 normalize: – not checked yet",
        "  00.3 softmax: ✗ not yet",
        "  00.4 top_classes: ○ not written yet",
    ]


def test_in_a_notebook_it_changes_with_each_check(monkeypatch):
    shown = []
    monkeypatch.setattr(IPython, "get_ipython", lambda: True)
    monkeypatch.setattr(
        IPython.display, "display", lambda data, *, display_id="", **_: shown.append((display_id, data["text/html"]))
    )
    monkeypatch.setattr(
        IPython.display,
        "update_display",
        lambda data, *, display_id, **_: shown.append((display_id, data["text/html"])),
    )
    check("00.1", brightness)
    shown.clear()
    passed_so_far("00")
    check("00.4", top_classes)
    ids, pages = zip(*(one for one in shown if one[0]), strict=True)
    assert ids == ("course-passed-00",) * 2
    assert (
        "1 of 4 exercises passed" in pages[0]
        and "○ not written yet" not in pages[0]
        and "○ not written yet" in pages[1]
    )


def test_the_quiz_in_a_notebook_tells_which_answers_are_right():
    class Choice:
        def __init__(self, value):
            self.value = value

    choices = [Choice(QUIZ[0].answer), Choice((QUIZ[1].answer + 1) % 4), Choice(None), Choice(None)]
    assert _right(QUIZ, choices) == [True, False, None, None]


def test_a_lesson_without_exercises_is_no_lesson():
    with pytest.raises(ValueError, match="no lesson '99'"):
        passed_so_far("99")
