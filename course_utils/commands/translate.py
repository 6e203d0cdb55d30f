"""`course translate`: the files that a translator fills in, and how far they are."""

from __future__ import annotations

from collections.abc import Sequence

from course_utils.authoring import paths, translate
from course_utils.authoring.source import read_lesson
from course_utils.errors import CourseError
from course_utils.languages import languages, translated_lessons


def tell_translations(language: str, lessons: Sequence[str] | None) -> int:
    """Write the files of some lessons (or renew those that are there) and say how far each is.

    Returns:
        The exit status, 0.

    Raises:
        CourseError: no code of a language, or one without translations and no lessons.
    """
    translate.translation_file(None, language)  # is it a language's code?
    if not lessons and language not in languages():
        raise CourseError(
            f"There is no translation into {language!r} yet. Name the first lesson: course translate {language} 00"
        )
    chosen = paths.lesson_paths(lessons or translated_lessons(language))
    for lesson in (None, *map(read_lesson, chosen)):
        print(translate.update(lesson, language))
        print(translate.report(lesson, language))
    return 0
