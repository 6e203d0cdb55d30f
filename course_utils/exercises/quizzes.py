"""Quizzes: four questions at the end of a lesson, with an explanation for every answer. Not graded."""

from __future__ import annotations

import hashlib
import html
import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from course_utils.exercises.exercise import lesson_module
from course_utils.exercises.passed import note_quiz
from course_utils.languages import Texts


@dataclass(frozen=True)
class Question:
    """A question with one right answer.

    Attributes:
        text: the question.
        options: for each answer, its text and what to say when it is chosen.
        answer: the index of the right one.
    """

    text: str
    options: tuple[tuple[str, str], ...]
    answer: int


def read_quiz(text: str) -> tuple[Question, ...]:
    """The questions of a text.

    An empty line stands before the next question. A line with "+" is the right option and one with "-" a wrong one;
    what to say when it is chosen stands below it, indented. The options of a question are shuffled, always in the same
    way, so that no letter tells the right one.

        How many color channels does an image have here?
        - One
          That would be a gray one.
        + Three
          Yes: red, green and blue.
    """
    found = []
    for block in text.strip().split("\n\n"):
        asked, *options = re.split(r"\n(?=[+-] )", block)
        options.sort(key=lambda option, asked=asked: hashlib.sha256(f"{asked} {option}".encode()).digest())
        pairs = [option[2:].split("\n", 1) for option in options]
        found.append(
            Question(
                text=" ".join(asked.split()),
                options=tuple((head.strip(), " ".join(why.split())) for head, why in pairs),
                answer=[option[0] for option in options].index("+"),
            )
        )
    return tuple(found)


def questions(lesson: str, say: Callable[[str, str], str] | None = None) -> tuple[Question, ...]:
    """The questions of a lesson ("07"), in English or as `say` says them.

    Raises:
        ValueError: the lesson has no quiz.
    """
    asked = lesson_module(lesson).QUIZ
    if say is None:
        return asked
    return tuple(
        Question(say(q.text, "quiz"), tuple((say(a, "quiz"), say(b, "quiz")) for a, b in q.options), q.answer)
        for q in asked
    )


def quiz(lesson: str, answers: str | Sequence[str] | None = None, *, language: str = "") -> object | None:
    """Show a lesson's quiz, or correct it.

    In a notebook: buttons to choose from, and an explanation at once. Without widgets, the questions appear as text;
    answer with letters: `quiz("07", "bacd")`.

    Args:
        lesson: "07".
        answers: one letter a question, as a word or as a list.
        language: such as "ko"; English if not given, and where there is no translation.
    """
    say = Texts(lesson, language)
    try:
        asked = questions(lesson, say)
    except ValueError as error:
        print(error)
        return None
    if answers is not None:
        letters = "".join(map(str, answers if isinstance(answers, Sequence) else ())).replace(" ", "").lower()
        if len(letters) != len(asked) or any(
            not 0 <= ord(c) - 97 < len(q.options) for c, q in zip(letters, asked, strict=False)
        ):
            example = f'quiz("{lesson}", "{"a" * len(asked)}")'
            print(f"Give one letter for each of the {len(asked)} questions, for example {example}.")
            return None
        note_quiz(lesson, [ord(letter) - 97 == q.answer for q, letter in zip(asked, letters, strict=True)])
        for number, (question, letter) in enumerate(zip(asked, letters, strict=True), 1):
            chosen = ord(letter) - 97
            word = say("Right." if chosen == question.answer else "Not quite.")
            print(f"{number}{letter}: {word[:1].lower()}{word[1:]} {_plain(question.options[chosen][1])}")
        return None
    try:
        return _widget(lesson, asked, say)
    except ImportError:
        print(as_text(lesson, asked, say))
        return None


def quiz_text(lesson: str, *, language: str = "") -> str:
    """What stands below the call of a quiz where nobody can click, such as on a page.

    Raises:
        ValueError: the lesson has no quiz.
    """
    say = Texts(lesson, language)
    return as_text(lesson, questions(lesson, say), say)


def as_text(lesson: str, asked: tuple[Question, ...], say: Callable[[str], str] = str) -> str:
    """The questions as lines of text, and how to answer them."""

    def wrapped(mark: str, text: str) -> str:  # a notebook breaks long lines anywhere, also inside of a word
        return textwrap.fill(mark + _plain(text), width=100, subsequent_indent=" " * len(mark), break_on_hyphens=False)

    lines = []
    for number, question in enumerate(asked, 1):
        lines.append(wrapped(f"{number}. ", question.text))
        lines += [wrapped(f"   {chr(97 + i)}) ", text) for i, (text, _) in enumerate(question.options)]
    lines.append(f'{say("Answer with one letter a question:")} quiz("{lesson}", "{"a" * len(asked)}")')
    return "\n".join(lines)


def _plain(text: str) -> str:
    """A text without the marks around code, for places that show only letters."""
    return text.replace("`", "")


def _marked(text: str) -> str:
    """A text as HTML, with code between backticks."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))


_LETTERS = '<ol style="list-style-type: lower-alpha">'


def _widget(lesson: str, asked: tuple[Question, ...], say: Callable[[str], str]):
    import ipywidgets as widgets

    from course_utils.still import Keys, show, text_still

    blocks, choices = [], []
    for number, question in enumerate(asked, 1):
        choice = widgets.RadioButtons(
            options=[(_plain(text), i) for i, (text, _) in enumerate(question.options)],
            value=None,
            layout=widgets.Layout(width="auto"),
        )
        answer = widgets.HTML()

        def explain(change, question=question, answer=answer):
            answer.value = _explanation(question, change["new"], say)

        choice.observe(explain, names="value")
        choices.append(choice)
        blocks.append(widgets.VBox([widgets.HTML(f"<b>{number}. {_marked(question.text)}</b>"), choice, answer]))
    box = widgets.VBox([*blocks, Keys()])
    text = as_text(lesson, asked, say)

    def still():
        return text_still(_as_html(asked, [choice.value for choice in choices], say), text)

    def display(**kwargs):
        renew = show(box, f"The quiz of lesson {lesson}", still())
        for choice in choices:
            choice.observe(lambda _: renew(still()), names="value")
            choice.observe(lambda _: note_quiz(lesson, _right(asked, choices)), names="value")

    box._ipython_display_ = display
    return box


def _right(asked: tuple[Question, ...], choices: list) -> list[bool | None]:
    """Of each question whether the chosen answer is right."""
    pairs = zip(asked, (choice.value for choice in choices), strict=True)
    return [None if chosen is None else chosen == question.answer for question, chosen in pairs]


def _explanation(question: Question, chosen: int, say: Callable[[str], str]) -> str:
    word = f"✓ {say('Right.')}" if chosen == question.answer else f"✗ {say('Not quite.')}"
    return f"<b>{word}</b> {_marked(question.options[chosen][1])}"


def _as_html(asked: tuple[Question, ...], chosen: list[int | None], say: Callable[[str], str]) -> str:
    """The questions, each with the answer that was chosen and its explanation."""
    parts = []
    for number, (question, index) in enumerate(zip(asked, chosen, strict=True), 1):
        mark = f" <b>← {html.escape(say('chosen'))}</b>"
        options = "".join(
            f"<li>{_marked(text)}{mark if i == index else ''}</li>" for i, (text, _) in enumerate(question.options)
        )
        why = "" if index is None else f"<p>{_explanation(question, index, say)}</p>"
        parts.append(f"<p><b>{number}. {_marked(question.text)}</b></p>{_LETTERS}{options}</ol>{why}")
    return "".join(parts)
