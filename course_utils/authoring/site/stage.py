"""All sources of the site in one folder, laid out as in the repository, so that links between pages hold."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote

import nbformat
import typer
from babel import Locale

from course_utils import languages
from course_utils.authoring import paths
from course_utils.authoring.files import write
from course_utils.authoring.site import api as functions
from course_utils.authoring.site import commands, lessons

_GROUPS = {
    "For students": ["docs/students", "docs/syllabus", "docs/questions", "docs/glossary", "docs/papers"],
    "For instructors": ["docs/instructors", "docs/lecture_map", "docs/rubric_16", "docs/jupyterhub", "docs/cluster"],
    "For maintainers": ["CONTRIBUTING", "docs/authoring"],
    "Networks and pictures": ["data/*/*"],
}
FOLDERS = ("notebooks", "docs", "data", "reference", lessons.PICTURES)  # of the site
# plain HTML: the lab is no page of Sphinx, which would not find it
_TO_THE_LAB = (
    '<p><a href="lab/index.html"><strong>Look inside a network now</strong></a>, '
    "with a photo of yours, in this browser.</p>"
)
_TO_THE_TOUR = (
    '<p><a href="tour/index.html"><strong>The tour</strong></a>: every method of the course on one photo.</p>'
)
_FILES = ("*.md", "docs/*.md", "docs/*.jpg", "docs/*.svg", "data/*/*.md", "data/strip/*.jpg", "LICENSE")


def write_sources(
    source: Path,
    extra: Path,
    wanted: Sequence[Path],
    *,
    api: bool,
    command: typer.Typer | None,
    lab: bool = False,
    tour: bool = False,
) -> None:
    """Write the site's pages in Markdown.

    Args:
        source: where they go.
        extra: a folder for what goes to the site as it is.
        wanted: the sources of the lessons.
        api: also the pages of the public functions.
        command: the `course` command, for its page.
        lab: the lab will lie beside the pages; the front page links to it.
        tour: the tour will lie beside the pages; the front page and the lessons link to it.
    """
    extra.mkdir(parents=True, exist_ok=True)
    names = [path.stem for path in wanted]
    for pattern in _FILES:
        for path in paths.ROOT.glob(pattern):
            _copy(path, source, names)
    pages = {"": names} | {code: _translated(code, names) for code in languages.languages()}
    for code, there in pages.items():
        for name in there:
            _write_lesson(source, extra, name, code, pages, tour=tour)
    groups = {"Lessons": [f"notebooks/{name}" for name in names]}
    groups["In other languages"] = [f"notebooks/{code}/{name}" for code in pages if code for name in pages[code]]
    groups |= _GROUPS
    reference = []
    if api:
        write(source / "reference" / "index.md", functions.index())
        for room in functions.ROOMS:
            write(source / "reference" / f"{room}.md", functions.page(room))
        reference.append("reference/index")
    if command:
        write(source / "reference" / "commands.md", commands.page(command))
        reference.append("reference/commands")
    if reference:
        groups["Reference"] = reference
    trees = [_tree(title, source, entries) for title, entries in groups.items()]
    readme = (source / "README.md").read_text(encoding="utf-8")
    (source / "README.md").unlink()
    if ways := [way for way, there in ((_TO_THE_LAB, lab), (_TO_THE_TOUR, tour)) if there]:
        title, _, rest = readme.partition("\n\n")
        readme = "\n\n".join([title, *ways, rest])
    write(source / "index.md", "\n\n".join([readme, *trees]) + "\n")


def _translated(language: str, names: Sequence[str]) -> list[str]:
    numbers = languages.translated_lessons(language)
    return [name for name in names if name[:2] in numbers]


def _write_lesson(
    source: Path, extra: Path, name: str, language: str, pages: dict[str, Sequence[str]], *, tour: bool
) -> None:
    """The page of a lesson in one language; it leads to the same lesson in the others.

    Args:
        pages: from a language, "" for English, to the lessons that have a page in it. Links to others become text.
        tour: the site has the tour, too.
    """
    book = nbformat.read(paths.notebook_path(name, "student", language), as_version=4)
    other = {}
    for code in pages:
        if code != language and name in pages[code]:
            way = "/".join(filter(None, (".." if language else "", code, f"{name}.md")))
            other[Locale.parse(code or "en").get_display_name()] = way
    page = lessons.page(book, "/".join(filter(None, (language, name))), extra, other=other)
    # MyST would look for the tour among its pages
    way = f'<a href="{"../" if language else ""}../tour/index.html">\\1</a>' if tour else r"\1"
    page = re.sub(r"\[([^\]]+)\]\(tour/index\.html\)", way, page)

    def link(found: re.Match) -> str:
        if found[2] in pages[language]:
            return found[0]
        # a lesson that is not translated is a page of the English ones
        return f"[{found[1]}](../{found[2]}.md{found[3]})" if found[2] in pages[""] else found[1]

    page = re.sub(r"\[([^\]]+)\]\((\d\d_\w+|explore)\.md([^)]*)\)", link, page)
    write(source / "notebooks" / language / f"{name}.md", page)


def _copy(path: Path, source: Path, names: Sequence[str]) -> None:
    """Copy a file. A link to a notebook leads to its page; where the site does not have the lesson, the text stays."""

    def link(match: re.Match) -> str:
        return f"[{match[1]}]({match[2]}{match[3]}.md{unquote(match[4] or '')})" if match[3] in names else match[1]

    target = source / path.relative_to(paths.ROOT)
    target.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".md":
        text = path.read_text(encoding="utf-8")
        text = re.sub(r"\[([^\]]+)\]\(((?:\.\./)*notebooks/)(\w+)\.ipynb(#[^)]*)?\)", link, text)
        text = text.replace("](../README.md", "](../index.md")
        write(target, text)
    else:
        shutil.copyfile(path, target)


def _tree(title: str, source: Path, entries: list[str]) -> str:
    found = []
    for entry in entries:
        found += [p.relative_to(source).with_suffix("").as_posix() for p in sorted(source.glob(f"{entry}.md"))]
    return "\n".join(["```{toctree}", ":hidden:", f":caption: {title}", "", *found, "```"])
