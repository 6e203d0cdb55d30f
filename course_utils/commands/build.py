"""`course build`: from notebooks/source to notebooks."""

from __future__ import annotations

from course_utils import editions


def build_notebooks(lessons: list[str] | None, *, edition: str, check: bool, execute: bool) -> int:
    """Build, execute or only check the notebooks of some lessons (None for all).

    Returns:
        The exit status: 1 if `check` found stale notebooks.
    """
    if check:
        stale = editions.check_all(lessons)
        for text in stale:
            print(f"stale: {text}")
        print(f"{len(stale)} stale; run: course build" if stale else "every notebook is up to date")
        return 1 if stale else 0
    if execute:  # writes the student notebooks, with their pictures
        for run in editions.execute(lessons):
            print(
                f"{run.lesson}: {run.seconds:.0f} s, first picture after {run.first_picture:.1f} s, {run.size_kb} kB; "
                f"slowest cell {run.slowest:.1f} s: {run.slowest_cell}",
                flush=True,
            )
        if edition == "student":
            return 0
    if edition == "live":
        from course_utils.commands.live import build_live  # says which notebooks it kept

        return build_live(lessons)
    for path in editions.build_all(edition, lessons):
        print(path)
    return 0
