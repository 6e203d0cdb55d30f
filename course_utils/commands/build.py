"""`course build`: from notebooks/source to notebooks."""

from __future__ import annotations

from course_utils import editions


def build_notebooks(lessons: list[str] | None, *, edition: str, check: bool, execute: bool) -> int:
    """Build, or only check, the notebooks of some lessons (None for all).

    Returns:
        The exit status: 1 if `check` found stale notebooks.
    """
    if check:
        stale = editions.check_all()
        for name in stale:
            print(f"stale: {name} (run: course build)")
        print(f"{len(stale)} stale notebooks" if stale else "every notebook is up to date")
        return 1 if stale else 0
    if execute:
        editions.execute(lessons)
    for path in editions.build_all(edition, lessons):
        print(path)
    return 0
