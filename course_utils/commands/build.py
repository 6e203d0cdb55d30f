"""`course build`: from notebooks/source to notebooks."""

from __future__ import annotations

from course_utils.authoring import files, run


def build_notebooks(lessons: list[str] | None, *, edition: str, check: bool, execute: bool) -> int:
    """Build, execute or only check the notebooks of some lessons (None for all).

    Returns:
        The exit status: 1 if `check` found stale notebooks.
    """
    if check:
        stale = files.check_all(lessons, edition)
        for text in stale:
            print(f"stale: {text}")
        again = "course build" if edition == "student" else f"course build --edition {edition}"
        print(f"{len(stale)} stale; run: {again}" if stale else "every notebook is up to date")
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
            return 0
    if edition == "live":
        from course_utils.commands.teach import write_live  # says which notebooks it kept

        return write_live(lessons)
    for path in files.build_all(edition, lessons):
        print(path)
    return 0
