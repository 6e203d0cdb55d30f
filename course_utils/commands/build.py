"""`course build`: from notebooks/source to notebooks, and to the pages in docs/ that are made from the lessons."""

from __future__ import annotations

from course_utils.authoring import files, pages, run


def build_notebooks(lessons: list[str] | None, *, edition: str, check: bool, execute: bool) -> int:
    """Build, execute or only check the notebooks of some lessons (None for all).

    Returns:
        The exit status: 1 if `check` found stale notebooks.
    """
    if check:
        stale = files.check_all(lessons, edition)
        if edition == "student" and not lessons:
            stale += pages.stale_pages()
        for text in stale:
            print(f"stale: {text}")
        again = "course build" if edition == "student" else f"course build --edition {edition}"
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
            pages.write_pages()
            return 0
    if edition == "live":
        from course_utils.commands.teach import write_live  # says which notebooks it kept

        return write_live(lessons)
    for path in files.build_all(edition, lessons):
        print(path)
    if edition == "student":
        for path in pages.write_pages():
            print(path)
    return 0
