"""`course build`: from notebooks/source to notebooks, and to the pages in docs/ that are made from the lessons."""

from __future__ import annotations

from course_utils.authoring import files, pages, run
from course_utils.authoring.source import read_lesson
from course_utils.authoring.translate import report
from course_utils.errors import CourseError
from course_utils.languages import languages


def build_notebooks(lessons: list[str] | None, *, edition: str, check: bool, execute: bool, language: str = "") -> int:
    """Build, execute or only check the notebooks of some lessons (None for all).

    The student edition is built in every language; with a `language` it is built in this one, and it is said how far
    the translation is.

    Returns:
        The exit status: 1 if `check` found stale notebooks.

    Raises:
        CourseError: `language` together with `check` or `execute`, or there are no translations into it.
    """
    if language and (check or execute):
        raise CourseError("--language is for building; --check looks at all languages, and --execute runs English.")
    if language and edition == "live":
        raise CourseError("The live edition is in English only.")
    if language:
        return _build_in(language, lessons, edition)
    if check:
        stale = files.check_all(lessons, edition)
        if edition == "student" and not lessons:
            stale += pages.stale_pages()
        for text in stale:
            print(f"stale: {text}")
        again = "course build" if edition == "student" else f"course build --edition {edition}"
        if edition == "student":
            tell_gaps(lessons)
        print(f"{len(stale)} stale; run: {again}" if stale else "everything is up to date")
        return 1 if stale else 0
    if execute:  # writes the student notebooks, with their pictures
        for done in run.execute(lessons):
            print(
                f"{done.lesson}: {done.seconds:.0f} s, "
                f"first picture after {done.first_picture:.1f} s, {done.size_kb} kB; "
                f"slowest cell {done.slowest:.1f} s: {done.slowest_cell}",
                flush=True,
            )
        if edition == "student":
            for code in languages():
                files.build_all(edition, lessons, language=code)
            pages.write_pages()
            return 0
    if edition == "live":
        from course_utils.commands.teach import write_live  # says which notebooks it kept

        return write_live(lessons)
    for path in files.build_all(edition, lessons):
        print(path)
    if edition == "student":
        for code in languages():
            for path in files.build_all(edition, lessons, language=code):
                print(path)
        tell_gaps(lessons)
        for path in pages.write_pages():
            print(path)
    return 0


def tell_gaps(lessons: list[str] | None) -> None:
    """Say which translations have texts that are in English, or are of an older English one."""
    for code in languages():
        for source in files.translated_paths(code, lessons):
            found = report(read_lesson(source), code)
            if found.missing or found.stale:
                print(found)


def _build_in(language: str, lessons: list[str] | None, edition: str) -> int:
    """Build the translated lessons, and say for each how far its translation is."""
    sources = files.translated_paths(language, lessons)
    for source, path in zip(sources, files.build_all(edition, lessons, language=language), strict=True):
        print(path)
        print(report(read_lesson(source), language))
    if not sources:
        print(f"None of these lessons is translated yet; course translate {language} 07 writes the file for lesson 07.")
    return 0
