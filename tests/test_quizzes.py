"""Quizzes: neither the place nor the length of an answer tells the right one."""

import re
from collections import Counter

import nbformat
import pytest

from course_utils.authoring.paths import ROOT, lesson_paths
from course_utils.exercises import quiz
from course_utils.exercises.quizzes import Question, as_text, questions, quiz_text, read_quiz

LESSONS = [path.stem[:2] for path in lesson_paths()]
ALL = [(lesson, question) for lesson in LESSONS for question in questions(lesson)]


def letter(index: int) -> str:
    return chr(97 + index)


def right_letters(lesson: str) -> str:
    return "".join(letter(question.answer) for question in questions(lesson))


def test_no_letter_is_the_right_one_too_often():
    counts = Counter(question.answer for _, question in ALL)
    assert max(counts.values()) <= 0.35 * len(ALL), counts


def test_the_length_of_an_answer_does_not_tell_the_right_one():
    """Always choosing the longest, the second, the third or the shortest: none is right much more often than chance."""
    right = Counter()
    for lesson, question in ALL:
        lengths = [len(text) for text, _ in question.options]
        mine = lengths[question.answer]
        assert len(lengths) == 4, f"{lesson}: {question.text}"
        longer, equal = sum(length > mine for length in lengths), lengths.count(mine)
        for rank in range(longer, longer + equal):
            right[rank] += 1 / equal  # whoever chooses among equally long ones is right in a part of the cases
        assert mine <= 1.15 * max(lengths[: question.answer] + lengths[question.answer + 1 :]), (
            f"{lesson}: the right answer of {question.text[:60]!r} is far longer than the others"
        )
    assert max(right.values()) <= 0.3 * len(ALL), right


def test_no_text_names_a_letter():
    for lesson, question in ALL:
        for text in (question.text, *(part for option in question.options for part in option)):
            assert not re.search(r"\b(answer|option) [a-d]\b|\([a-d]\)", text), f"{lesson}: {text}"


def test_a_quiz_is_read_from_text_and_shuffled():
    text = """
How many
channels?
- One - or so
  No.
+ Three
  Yes: red, green
  and blue.

Why?
+ So
  Yes.
- No
  No.
"""
    first, second = read_quiz(text)
    assert first.text == "How many channels?"
    assert sorted(first.options) == [("One - or so", "No."), ("Three", "Yes: red, green and blue.")]
    assert first.options[first.answer][0] == "Three" and second.options[second.answer] == ("So", "Yes.")
    assert read_quiz(text) == (first, second)
    places = {read_quiz(f"Question {i}?\n+ Right\n  Yes.\n- Wrong\n  No.")[0].answer for i in range(20)}
    assert places == {0, 1}


@pytest.mark.parametrize("lesson", LESSONS)
def test_the_letters_that_are_shown_are_the_letters_that_are_corrected(lesson, capsys):
    asked = questions(lesson)
    shown = re.sub(r"\s+", " ", as_text(lesson, asked))
    for question in asked:
        for index, (text, _) in enumerate(question.options):
            assert f"{letter(index)}) {text.replace('`', '')}" in shown
    quiz(lesson, right_letters(lesson))
    assert capsys.readouterr().out.count("right.") >= len(asked)
    wrong = "".join(letter((question.answer + 1) % len(question.options)) for question in asked)
    quiz(lesson, wrong)
    assert capsys.readouterr().out.count(": not quite.") == len(asked)


def test_the_wrong_number_of_letters_and_no_widgets(capsys, monkeypatch):
    quiz("07", "ab")
    assert "one letter for each of the 4 questions" in capsys.readouterr().out
    monkeypatch.setitem(__import__("sys").modules, "ipywidgets", None)
    assert quiz("07") is None
    assert "1. A pixel is black" in capsys.readouterr().out


@pytest.mark.parametrize(("given", "says"), [
    (("7",), "There is no lesson '7'"), ((7,), "There is no lesson 7"), (("99",), "no lesson '99'"), (("",), "no lesson ''"),
    (("../x",), "no lesson '../x'"), ((None,), "no lesson None"), (("07", 5), "Give one letter for each of the 4"),
    (("07", [None] * 4), "Give one letter for each"), (("07", ["a", "b", "c", "d"]), "4d: "), (("07", "A B c d"), "4d: "),
])  # fmt: skip
def test_what_is_no_lesson_and_no_answer_is_said(given, says, capsys):
    assert quiz(*given) is None
    assert says in capsys.readouterr().out


def test_the_quiz_as_buttons():
    box = quiz("07")
    asked: Question = questions("07")[0]
    choice, answer = box.children[0].children[1:]
    choice.value = (asked.answer + 1) % len(asked.options)
    assert "Not quite" in answer.value
    choice.value = asked.answer
    assert "✓ Right" in answer.value
    assert callable(box._ipython_display_)  # what stays of it: tests/test_still.py


@pytest.mark.parametrize(
    "path", sorted(ROOT.glob("notebooks/**/[0-9]*.ipynb")), ids=lambda path: f"{path.parent.name}/{path.stem}"
)
def test_a_stored_quiz_asks_what_the_package_asks(path):
    """`course build` renews it: nobody runs a lesson for a word in its quiz."""
    for cell in nbformat.read(path, as_version=4).cells:
        if asked := re.search(r'^quiz\("(\w\w)"(?:, language="(\w+)")?\)$', cell.source, re.M):
            for output in cell.get("outputs", []):
                assert output.data["text/plain"] == quiz_text(asked[1], language=asked[2] or "")
