"""The pages for teachers and students that are made from the lessons: `docs/*.md`, and the graph of what needs what.

| file | the page |
|---|---|
| `outline` | what every page needs to know of a lesson |
| `syllabus` | `docs/syllabus.md`: how long, what needs what, three paths |
| `graph` | `docs/needs.svg`: what needs what, as a picture |
| `lecture_map` | `docs/lecture_map.md`: from each slide of the lecture to the lessons |
| `questions` | `docs/questions.md`: common questions in class, from the folds |
| `glossary` | `docs/glossary.md`: each term once, with its lesson |
| `literature` | `docs/papers.md`: each paper once, with its lessons |

`course build` writes them, and `course build --check` says which are stale.
"""

from __future__ import annotations

from pathlib import Path

from course_utils.authoring import paths
from course_utils.authoring.files import write
from course_utils.authoring.pages import glossary, lecture_map, literature, needs_graph, questions, syllabus
from course_utils.authoring.pages.outline import Outline, read_outlines

_MADE = "<!-- Made by `course build`. Do not edit this page; edit {source}. -->\n\n"
PAGES = {
    "docs/syllabus.md": (syllabus.page, "docs/teaching/paths.toml and the lessons"),
    "docs/lecture_map.md": (lecture_map.page, "docs/teaching/lecture_map.toml"),
    "docs/questions.md": (questions.page, "the folds in the lessons"),
    "docs/glossary.md": (glossary.page, "docs/teaching/glossary.toml"),
    "docs/papers.md": (literature.page, "docs/teaching/papers.toml"),
}


def made(outlines: dict[str, Outline] | None = None) -> dict[str, str]:
    """Every page as it should be: `{path below the project: text}`."""
    outlines = read_outlines() if outlines is None else outlines
    pages = {name: _MADE.format(source=source) + page(outlines) for name, (page, source) in PAGES.items()}
    return pages | {"docs/needs.svg": needs_graph.picture(outlines)}


def write_pages() -> list[Path]:
    """Write every page that is not as it should be. Returns the paths of all."""
    written = []
    for name, text in made().items():
        write(paths.ROOT / name, text)
        written.append(paths.ROOT / name)
    return written


def stale_pages() -> list[str]:
    """Which pages are not what the lessons and the files in docs/teaching say."""
    stale = []
    for name, text in made().items():
        path = paths.ROOT / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(f"{name} is not what the lessons say")
    return stale
