"""`course live`: a notebook to type into, in JupyterLab with large letters."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from course_utils.authoring import files, paths
from course_utils.authoring.editions import notes_by_section
from course_utils.authoring.source import Lesson, read_lesson
from course_utils.commands import lab
from course_utils.errors import CourseError

USUAL = 14  # pixels: the letters for which pictures and their captions are made
_NOTES = Path(__file__).with_name("notes.html")
_EXTENSION = Path(__file__).with_name("presentation.js")


def open_live(
    lesson: str | None,
    *,
    every: bool = False,
    fresh: bool = False,
    browser: bool = True,
    port: int | None = None,
    font_size: int = 20,
) -> int:
    """Build the live edition of a lesson and open it; or build all of them.

    Args:
        lesson: a lesson number.
        every: build all lessons and open none.
        fresh: begin anew where somebody has typed.
        browser: open the browser.
        port: the port to listen on; None for 8888 or the next free one.
        font_size: of code and text, in pixels.

    Raises:
        CourseError: both or none of `lesson` and `every`, no such lesson, or the port is taken.
    """
    if every and lesson is not None:
        raise CourseError("Give a lesson number or --all, not both.")
    if every:
        return write_live(None, fresh=fresh)
    if lesson is None:
        raise CourseError("Which lesson? For example: course live 07. To build them all: course live --all.")
    if port is not None:
        lab.check_port(port)
    write_live([lesson], fresh=fresh)
    (source,) = paths.lesson_paths([lesson])
    path = paths.notebook_path(source.stem, "live")
    with TemporaryDirectory(prefix="course-live-") as place:
        options = presentation(Path(place), font_size=font_size, notes=notes_page(read_lesson(source)))
        print("Alt+N in the notebook opens your notes in a window of their own; it follows the section you are in.")
        return lab.start(path, paths.ROOT, options, browser=browser, port=port)


def write_live(lessons: Sequence[str] | None, *, fresh: bool = False) -> int:
    """Build live notebooks and say for each what was done."""
    for source, (path, done) in zip(paths.lesson_paths(lessons), files.build_live(lessons, fresh=fresh), strict=True):
        print(f"{path}: {done}", flush=True)
        if (notes := paths.notes_path(path)).is_file():
            page = notes.with_suffix(".html")  # the same text, with its headings and emphasis drawn
            files.write(page, notes_page(read_lesson(source)))
            print(f"{page}: your notes; print them, or open them where the room does not look", flush=True)
    return 0


def notes_page(lesson: Lesson) -> str:
    """The speaker notes of a lesson as a page that follows the notebook; see notes.html."""
    from nbconvert.filters.markdown_mistune import markdown2html_mistune

    parts = [
        f'<section data-title="{html.escape(title)}"><h2>{html.escape(title)}</h2>'
        f"{markdown2html_mistune(text)}</section>"
        for title, text in notes_by_section(lesson).items()
    ]
    page = _NOTES.read_text(encoding="utf-8").replace("TITLE", html.escape(f"{lesson.number} · {lesson.title}"))
    return page.replace("NUMBER", lesson.number).replace("SECTIONS", "\n".join(parts))


def presentation(place: Path, *, font_size: int, notes: str = "") -> list[str]:
    """Settings of JupyterLab for a projector, and the options that make it use them.

    A person's own settings are neither read nor written: settings and window layout live in `place`.

    Args:
        place: an empty folder that lasts as long as the server.
        font_size: of code and text, in pixels.
        notes: the page of the speaker notes, HTML.
    """
    settings = {
        "apputils-extension/themes": {"theme": "JupyterLab Light", "overrides": {"ui-font-size1": "15px"}},
        "notebook-extension/tracker": {"codeCellConfig": {"lineWrap": True}},  # a projector shows few columns
        # no question about news and no hint at updates in front of a room
        "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True},
    }
    for name, values in settings.items():
        file = place / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values), encoding="utf-8")
    # JupyterLab has no setting that starts it in presentation mode; a small extension switches it on
    extension = place / "labextensions" / "course-presentation"
    (extension / "static").mkdir(parents=True)
    build = {"load": "static/presentation.js", "extension": "./extension"}
    package = {"name": extension.name, "version": "1.0.0", "jupyterlab": {"extension": True, "_build": build}}
    (extension / "package.json").write_text(json.dumps(package), encoding="utf-8")
    script = _EXTENSION.read_text(encoding="utf-8").replace("FONT_SIZE", f"{font_size}px")
    script = script.replace("ZOOM", f"{max(1.0, font_size / USUAL):.2f}")
    (extension / build["load"]).write_text(script, encoding="utf-8")
    (extension / "static" / "notes.html").write_text(notes, encoding="utf-8")
    return [
        f"--LabApp.user_settings_dir={place / 'settings'}",
        f"--LabApp.workspaces_dir={place / 'workspaces'}",
        f"--LabApp.extra_labextensions_path={place / 'labextensions'}",
    ]
