"""The course as a site of static pages, made by Sphinx: `course site --to FOLDER`. It asks no other host for anything.

| file | what it does |
|---|---|
| `lessons` | a student notebook, with its outputs, as a page |
| `api` | the pages of the public functions and classes, from their docstrings |
| `commands` | the page of the `course` command |
| `stage` | all sources of the site in one folder |
| `settings` | Sphinx's settings, and formulas as MathML |
| `links` | the finished pages: links that lead nowhere, what is asked from other hosts |
| `look.css`, `favicon.svg` | what differs from the theme; the site's small picture |
"""

from __future__ import annotations

import io
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import typer

from course_utils.authoring import paths
from course_utils.authoring.site import links, settings, stage
from course_utils.errors import CourseError


@dataclass(frozen=True)
class Built:
    """What a site holds.

    Attributes:
        pages: how many pages.
        megabytes: the size of the folder.
        seconds: how long it took.
        warnings: what Sphinx says is wrong.
        broken: links that lead nowhere, as "page: link".
        outside: what pages would ask from other hosts, as "page: address".
    """

    pages: int
    megabytes: float
    seconds: float
    warnings: list[str]
    broken: list[str]
    outside: list[str]


def build_site(
    folder: Path,
    lessons: Sequence[str] | None = None,
    *,
    api: bool = True,
    command: typer.Typer | None = None,
    lab: Callable[[Path], object] | None = None,
    tour: Callable[[Path], object] | None = None,
) -> Built:
    """Build the site in a folder, which must be empty or hold an earlier site.

    Args:
        folder: where the pages go; it is made if it is not there.
        lessons: lesson numbers; None for all, and for the notebook of all explorers.
        api: also the pages of the public functions, which need PyTorch to be imported.
        command: the `course` command, for its page; None for none.
        lab: builds the lab in the folder that it is given; the front page then links to it.
        tour: makes the page of the tour in the folder that it is given; the front page and the lessons then link to it.

    Raises:
        CourseError: the folder is a file or holds other things, there is no such lesson, or Sphinx is not installed.
    """
    started = time.monotonic()
    paths.check_folder(folder, "site", mark="searchindex.js")
    wanted = paths.source_paths(lessons)  # a lesson that is not there is said before anything is removed
    try:
        from sphinx.application import Sphinx
        from sphinx.util.docutils import docutils_namespace, patch_docutils
    except ImportError:
        raise CourseError("The site needs Sphinx; pip install -e .[site] brings it.") from None
    _remove_earlier(folder)
    said = io.StringIO()
    with tempfile.TemporaryDirectory(prefix="course-site-") as place:
        source, extra = Path(place) / "source", Path(place) / "extra"
        stage.write_sources(source, extra, wanted, api=api, command=command, lab=lab is not None, tour=tour is not None)
        with patch_docutils(), docutils_namespace():  # a second site in this process begins anew
            app = Sphinx(
                source,
                None,
                folder,
                Path(place) / "doctrees",
                "html",
                confoverrides=settings.settings(extra),
                status=None,
                warning=said,
            )
            app.build(force_all=True)
        for name in ("objects.inv", ".buildinfo"):  # of use to other Sphinx sites only
            (folder / name).unlink(missing_ok=True)
    pages = [page for page in sorted(folder.rglob("*.html")) if page.parent not in (folder / "lab", folder / "tour")]
    for page in pages:
        language = page.parent.name if page.parent.parent == folder / "notebooks" else ""
        text = for_everybody(page.read_text(encoding="utf-8"), language)
        page.write_text(text, encoding="utf-8", newline="\n")
    if lab is not None:
        lab(folder / "lab")
    if tour is not None:
        tour(folder / "tour")
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    told = re.sub(r"\x1b\[[\d;]*m", "", said.getvalue()).replace(f"{source}/", "")  # without colors
    warnings = [line for line in told.splitlines() if line.strip()]
    broken, outside = links.check(folder)
    return Built(len(pages), size / 1e6, time.monotonic() - started, warnings, broken, outside)


def _remove_earlier(folder: Path) -> None:
    """Remove the pages and pictures of an earlier site, and nothing else."""
    for name in (*stage.FOLDERS, "_static", "_images", "_downloads"):
        shutil.rmtree(folder / name, ignore_errors=True)
    for page in folder.glob("*.html"):
        page.unlink()


def for_everybody(page: str, language: str = "") -> str:
    """What keyboards and screen readers need and Sphinx leaves out: what scrolls, kinds of lists, headings, languages.

    Args:
        page: as Sphinx wrote it.
        language: of its text, such as "ko"; English if not given.
    """
    if language:
        page = re.sub(r'(<html\b[^>]*\blang=")en"', rf'\g<1>{language}"', page, count=1)
    page = page.replace("<pre>", '<pre tabindex="0">')  # on a narrow screen, both are scrolled with the arrow keys
    page = page.replace('<div class="table-wrapper', '<div tabindex="0" class="table-wrapper')
    # a signature in several lines is a list that defines nothing
    page = page.replace('<dl>\n<dd><em class="sig-param">', '<dl role="presentation">\n<dd><em class="sig-param">')
    return page.replace('class="caption" role="heading"', 'class="caption" role="heading" aria-level="2"')
