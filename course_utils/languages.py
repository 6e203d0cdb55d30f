"""Other languages than English: the translations of the lessons' texts, as gettext files.

`notebooks/locale/ko/07.po` holds lesson 07 and its quiz in Korean, `notebooks/locale/ko/course.po` the words that the
builder and the quizzes put around them. What has no translation stays English. docs/authoring.md says how to translate.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from course_utils.errors import CourseError
from course_utils.places import ROOT

LOCALE = ROOT / "notebooks" / "locale"
WORDS = "course"  # the file of the words that belong to no lesson
NOTE_ON_THE_SITE = (
    "You read the lesson here as students get it: the exercises are open, and the pictures are those of the solution. "
    "To work in it, install the course and run `course lab {number}`. What moves in a notebook, such as the knobs of "
    "an explorer, stands still on this page."
)


def languages() -> list[str]:
    """The codes of the languages that have translations, such as "ko"; English is not among them."""
    return sorted(path.name for path in LOCALE.iterdir() if path.is_dir()) if LOCALE.is_dir() else []


def translated_lessons(language: str) -> list[str]:
    """The numbers of the lessons that are translated into a language.

    Raises:
        CourseError: there are no translations into it.
    """
    if language not in languages():
        there = ", ".join(languages()) or "none"
        raise CourseError(f"There are no translations into {language!r}; there are: {there}. English needs no option.")
    return sorted(path.stem for path in (LOCALE / language).glob("[0-9][0-9].po"))


class Texts:
    """Says the texts of a lesson in one language.

    Args:
        lesson: its number.
        language: a code such as "ko"; "" says everything in English.
    """

    def __init__(self, lesson: str, language: str = ""):
        self.language, self._said = language, {}
        if language:
            self._said = {**_texts(LOCALE / language / f"{WORDS}.po"), **_texts(LOCALE / language / f"{lesson}.po")}

    def __call__(self, text: str, context: str = WORDS) -> str:
        """The translation of a text; the text itself, if there is none.

        Args:
            text: in English.
            context: what it is: "text", "title", "fold", "solution", "quiz", or "course" for a word of the course.
        """
        return self._said.get((context, text), text)


@lru_cache(maxsize=8)
def _texts(path: Path) -> dict[tuple[str, str], str]:
    """From `(context, English text)` to the translation; without those that a program guessed."""
    if not path.is_file():
        return {}
    return {(m.context, m.id): m.string for m in read_translations(path) if is_said(m)}


def is_said(message) -> bool:
    """Whether an entry of a gettext file is used: translated, not guessed by a program, all its {fields} there."""
    if not (message.id and message.string) or message.fuzzy:
        return False
    return message.context != WORDS or _fields(message.string) == _fields(message.id)


def _fields(text: str) -> list[str]:
    return sorted(re.findall(r"{\w+}|[{}]", text))


def po_bytes(catalog) -> bytes:
    """A `babel.messages.Catalog` as a gettext file."""
    from io import BytesIO

    from babel.messages.pofile import write_po

    held = BytesIO()
    write_po(held, catalog, width=100, include_previous=True)
    return held.getvalue()


def read_translations(path: Path):
    """A gettext file as a `babel.messages.Catalog`.

    Raises:
        CourseError: it is no gettext file.
    """
    from babel.messages.pofile import PoFileError, read_po

    try:
        with open(path, "rb") as file:
            return read_po(file, abort_invalid=True)
    except (PoFileError, UnicodeDecodeError) as error:
        raise CourseError(f"{path} is no gettext file: {error}") from None
