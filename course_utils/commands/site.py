"""`course site`: the course as a site of static pages."""

from __future__ import annotations

from pathlib import Path

import typer

from course_utils.authoring.site import build_site


def make_site(to: Path, lessons: list[str] | None, command: typer.Typer) -> int:
    """Build the site and say what it holds.

    Args:
        to: the folder for the pages.
        lessons: only these lessons; None for all.
        command: the `course` command, for its page.

    Returns:
        The exit status: 1 if a link leads nowhere, or a page would ask another host for something.
    """
    built = build_site(to, lessons, command=command)
    for kind, found in (("warning", built.warnings), ("broken link", built.broken), ("outside request", built.outside)):
        for text in found:
            print(f"{kind}: {text}")
    print(
        f"{built.pages} pages, {len(built.broken)} broken links, {len(built.outside)} outside requests, "
        f"{built.megabytes:.1f} MB, {built.seconds:.0f} s: {to / 'index.html'}"
    )
    return 1 if built.broken or built.outside else 0
