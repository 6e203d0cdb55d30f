"""`course site`: the course as a site of static pages."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import typer

from course_utils.authoring.site import build_site
from course_utils.authoring.web import needed
from course_utils.commands.web import make_lab
from course_utils.errors import CourseError


def make_site(
    to: Path,
    lessons: list[str] | None,
    command: typer.Typer,
    *,
    lab: bool,
    runtime: Path | None,
    tour: bool = False,
) -> int:
    """Build the site and say what it holds.

    Args:
        to: the folder for the pages.
        lessons: only these lessons; None for all.
        command: the `course` command, for its page.
        lab: also the lab, in the folder `lab`, with a link from the front page.
        runtime: for the lab: the npm package of its runtime; None to ask npm.
        tour: also the tour of the default photo, in the folder `tour`, with links from the front page and the lessons.

    Returns:
        The exit status: 1 if a link leads nowhere, or a page would ask another host for something.

    Raises:
        CourseError: a lab beside some lessons only, or one that cannot be built here.
    """
    if lab and lessons:
        raise CourseError("The lab links to many lessons: with --lab, build the site of all of them.")
    if lab:
        runtime = needed(runtime)  # said before the site is built, which takes minutes
    build_lab = partial(make_lab, runtime=runtime) if lab else None
    built = build_site(to, lessons, command=command, lab=build_lab, tour=_make_tour if tour else None)
    for kind, found in (("warning", built.warnings), ("broken link", built.broken), ("outside request", built.outside)):
        for text in found:
            print(f"{kind}: {text}")
    print(
        f"{built.pages} pages, {len(built.broken)} broken links, {len(built.outside)} outside requests, "
        f"{built.megabytes:.1f} MB, {built.seconds:.0f} s: {to / 'index.html'}"
    )
    return 1 if built.broken or built.outside else 0


def _make_tour(folder: Path) -> None:
    from course_utils.commands.tour import make_tour  # needs PyTorch

    if make_tour(out=folder):
        raise CourseError("The site's pages are there, but a picture of its tour failed: see above.")
