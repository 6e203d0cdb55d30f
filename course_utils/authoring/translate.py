"""A lesson's texts for translators: the gettext files in notebooks/locale, kept in step with the lesson's source."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from course_utils import __version__, languages
from course_utils.authoring import onward, own_version
from course_utils.authoring.editions import kind_of
from course_utils.authoring.source import Lesson
from course_utils.errors import CourseError
from course_utils.languages import WORDS, is_said, po_bytes, read_translations

_PROJECT = "Looking inside convolutional networks"
# what the builder and the quizzes say around the texts of every lesson
COMMON = (
    "{count} minute",
    "{count} minutes",
    "{count} point",
    "{count} points",
    "needs lesson {number}",
    "Exercise {number}",
    "difficulty",
    "importance",
    "Expected picture",
    "Solution",
    "Why this is the solution.",
    own_version.TITLE,
    onward.NEXT,
    onward.TOUR,
    "Right.",
    "Not quite.",
    "chosen",
    "Answer with one letter a question:",
    languages.NOTE_ON_THE_SITE,
)


@dataclass(frozen=True)
class TranslationReport:
    """How far a translation is.

    Attributes:
        texts: how many there are.
        missing: those without a translation: in English in the notebook.
        stale: translations of texts that the lesson no longer has, or that were guessed from an older text.
    """

    language: str
    name: str
    texts: int
    missing: list[str]
    stale: list[str]

    def __str__(self) -> str:
        done = self.texts - len(self.missing)
        lines = [f"{self.language} {self.name}: {done} of {self.texts} texts are translated"]
        lines += [f"  in English: {_short(text)}" for text in self.missing]
        lines += [f"  stale, its English text has changed: {_short(text)}" for text in self.stale]
        return "\n".join(lines)


def lesson_texts(lesson: Lesson) -> Iterator[tuple[str, str]]:
    """What a translator translates: `(context, text)`, in the order of the lesson, then of its quiz.

    Speaker notes, claims and code are not among them, nor what has no words.
    """
    from course_utils.exercises.quizzes import questions

    for cell in lesson.cells:
        data = cell.metadata
        if cell.cell_type != "markdown" or "notes" in data:
            continue
        if "title" in data:
            yield "title", data["title"]
        if "fold" in data:
            yield "fold", data["fold"]
        yield kind_of(data), cell.source
    for question in questions(lesson.number):
        said = [question.text, *(text for option in question.options for text in option)]
        yield from (("quiz", text) for text in said if re.search(r"[A-Za-z]{2}", text))


def texts_of(lesson: Lesson | None) -> list[tuple[str, str]]:
    """The texts of a lesson, each once; without one, the words that belong to no lesson."""
    found = lesson_texts(lesson) if lesson else ((WORDS, text) for text in COMMON)
    return list(dict.fromkeys(found))


def translation_file(lesson: Lesson | None, language: str) -> Path:
    """Where the translation of a lesson lies; without a lesson, that of the course's words.

    Raises:
        CourseError: the language is no code such as "ko" or "pt_BR".
    """
    if not re.fullmatch(r"[a-z]{2,3}(_[A-Z]{2})?", language):
        raise CourseError(f"A language is a code such as ko, zh or pt_BR; {language!r} is none.")
    return languages.LOCALE / language / f"{lesson.number if lesson else WORDS}.po"


def report(lesson: Lesson | None, language: str) -> TranslationReport:
    """How far the translation of a lesson is."""
    path, texts = translation_file(lesson, language), texts_of(lesson)
    entries = [m for m in read_translations(path) if m.id] if path.is_file() else []
    good = {(m.context, m.id) for m in entries if is_said(m)}
    missing = [text for key, text in texts if (key, text) not in good]
    stale = [m.id for m in entries if m.string and (m.fuzzy or (m.context, m.id) not in texts)]
    return TranslationReport(language, path.stem, len(texts), missing, stale)


def update(lesson: Lesson | None, language: str) -> Path:
    """Write the file that a translator fills in: new texts are empty, changed ones fuzzy, gone ones commented out.

    Args:
        lesson: the lesson; None for the words of the course.
        language: a code such as "ko".

    Returns:
        The path of the file.
    """
    from babel.messages import Catalog

    path = translation_file(lesson, language)
    about = {"project": _PROJECT, "version": __version__, "header_comment": f"# {_PROJECT}", "fuzzy": False}
    template = Catalog(**about)
    for context, text in texts_of(lesson):
        template.add(text, context=context)
    catalog = read_translations(path) if path.is_file() else Catalog(language, **about)
    catalog.msgid_bugs_address = catalog.last_translator = catalog.language_team = ""  # not Babel's EMAIL@ADDRESS
    catalog.update(template, update_creation_date=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(po_bytes(catalog))
    return path


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 70 else f"{line[:69]}…"
