"""The `course` command. Each command reads its options here and does its work in `course_utils.commands`.

Only light imports at the top: `course --help` must answer at once.
"""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from course_utils import __version__
from course_utils.commands import need_clone
from course_utils.errors import CourseError
from course_utils.one_line import OneLineGroup

_COMMANDS = Path(__file__).with_name("commands")


class Edition(StrEnum):
    """The editions of a lesson."""

    student = "student"
    solution = "solution"
    live = "live"


app = typer.Typer(
    name="course",
    help="Looking inside convolutional networks: a course.",
    cls=OneLineGroup,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _say_version(wanted: bool) -> None:
    if wanted:
        print(f"course {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Say the version, and do nothing.")
    ] = False,
) -> None:
    """Looking inside convolutional networks: a course."""


def _command(module: str, group: typer.Typer = app):
    """Make a command, if its file is there: a handout has a student's commands, and its help shows no other."""
    return group.command() if (_COMMANDS / f"{module}.py").is_file() else lambda function: function


RUNTIME = "For the lab: the file of npm pack, on a machine without npm."
Scheduler = Annotated[str | None, typer.Option(help="Of a Dask cluster, such as tcp://10.0.0.5:8786.")]
LocalWorkers = Annotated[int | None, typer.Option(min=1, help="Start so many processes on this machine instead.")]
Lessons = Annotated[list[str] | None, typer.Argument(metavar="[LESSON]...", help="Lesson numbers, such as 07.")]
Language = Annotated[str, typer.Option(metavar="CODE", help="Of the texts, such as ko or zh; English if not given.")]


@_command("lab")
def lab(
    notebook: Annotated[
        str | None,
        typer.Argument(help="A lesson number, such as 07, explore, or a notebook file; else the first lesson."),
    ] = None,
    browser: Annotated[bool, typer.Option(help="Open the browser.")] = True,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="The port to listen on.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Copy the lessons here without asking, if they are not.")] = False,
    language: Language = "",
) -> None:
    """Open a lesson in JupyterLab."""
    from course_utils.commands.lab import open_lab

    raise typer.Exit(open_lab(notebook, browser=browser, port=port, yes=yes, language=language))


@_command("copies")
def reset(
    lesson: Annotated[str, typer.Argument(help="A lesson number, such as 07, or explore.")],
    language: Language = "",
) -> None:
    """Begin a lesson anew; what you wrote is kept beside it."""
    from course_utils.commands.copies import reset as begin_anew

    raise typer.Exit(begin_anew(lesson, language=language))


@_command("progress")
def progress(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[FOLDER]", help="The collected notebooks of a class; else your own.")
    ] = None,
    page: Annotated[Path | None, typer.Option(help="Of a class: also write the table as this HTML file.")] = None,
    roster: Annotated[Path | None, typer.Option(help="Of a class: CSV with id, e-mail, name.")] = None,
) -> None:
    """Say which exercises have passed in your notebooks, or in those of a class."""
    if folder is None:
        if page is not None or roster is not None:
            raise CourseError("--page and --roster are for a class: course progress FOLDER --page progress.html")
        from course_utils.commands.progress import tell_progress

        raise typer.Exit(tell_progress())
    if not (_COMMANDS / "class_progress.py").is_file():
        raise CourseError("A class's progress is for who has the whole course; of your own: course progress")
    from course_utils.commands.class_progress import tell_class_progress

    raise typer.Exit(tell_class_progress(folder, page=page, roster=roster))


@_command("teach")
def live(
    lesson: Annotated[str | None, typer.Argument(help="A lesson number, such as 07.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Build all lessons, and open none.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin anew; what was typed is kept beside it.")] = False,
    browser: Annotated[bool, typer.Option(help="Open the browser.")] = True,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="The port to listen on.")] = None,
    font_size: Annotated[int, typer.Option(min=8, max=60, help="Of code and text, in pixels.")] = 20,
) -> None:
    """Open a lesson for coding live: prompts instead of finished cells, large letters."""
    need_clone("course live")
    from course_utils.commands.teach import open_live

    options = {"browser": browser, "port": port, "font_size": font_size}
    raise typer.Exit(open_live(lesson, every=every, fresh=fresh, **options))


@_command("tour")
def tour(
    photo: Annotated[
        Path | None, typer.Argument(metavar="[PHOTO]", help="A picture file, or the name of a gallery photo.")
    ] = None,
    image: Annotated[Path | None, typer.Option(help="The same as PHOTO.")] = None,
    out: Annotated[Path, typer.Option(help="The folder for the page.")] = Path("tour"),
) -> None:
    """Every method on one photo, as one page: tour/index.html."""
    from course_utils.commands.tour import make_tour

    if photo is not None and image is not None:
        raise CourseError(f"The tour is of one photo; {photo} and {image} are two.")
    raise typer.Exit(make_tour(photo if image is None else image, out))


@_command("photos")
def photos(
    to: Annotated[Path, typer.Option(help="The folder for them.")] = Path("photos"),
) -> None:
    """Download 13,000 small photos (Imagenette, 99 MB), for lessons that look at many."""
    from course_utils.commands.photos import get_photos

    raise typer.Exit(get_photos(to))


@_command("patches")
def patches(
    images: Annotated[Path, typer.Option(help="A folder of pictures; subfolders, too.")],
    layer: Annotated[str, typer.Option(help="Such as relu4_1.")],
    network: Annotated[str, typer.Option(help="Such as vgg19 or efficientnet_lite0.")],
    out: Annotated[Path, typer.Option(help="The folder for the results.")] = Path("patches"),
    channels: Annotated[str | None, typer.Option(help="Such as 3,17; all if not given.")] = None,
    k: Annotated[int, typer.Option(min=1, help="Patches of each channel.")] = 9,
    window: Annotated[int | None, typer.Option(min=1, help="Pixels a side; else the receptive field.")] = None,
    size: Annotated[int | None, typer.Option(min=1, help="Of the pictures; else the network's own.")] = None,
    scheduler: Scheduler = None,
    local_workers: LocalWorkers = None,
    checkpoint: Annotated[Path | None, typer.Option(help="A file from which the same command goes on.")] = None,
) -> None:
    """The patches that make the channels of a layer answer most, over any number of pictures."""
    from course_utils.commands.patches import find_patches

    options = {"out": out, "channels": channels, "k": k, "window": window, "size": size}
    options |= {"scheduler": scheduler, "local_workers": local_workers, "checkpoint": checkpoint}
    raise typer.Exit(find_patches(images, layer=layer, network=network, **options))


@_command("doctor")
def doctor() -> None:
    """Say what is installed and ready, and cure what is not."""
    from course_utils.commands.doctor import run_doctor

    raise typer.Exit(run_doctor())


@_command("build")
def build(
    lessons: Lessons = None,
    edition: Annotated[Edition, typer.Option(help="Which edition.")] = Edition.student,
    check: Annotated[bool, typer.Option("--check", help="Only say which notebooks are stale; exit 1 if any.")] = False,
    execute: Annotated[bool, typer.Option("--execute", help="Run the solutions and renew the pictures.")] = False,
    language: Language = "",
) -> None:
    """Build notebooks from notebooks/source."""
    need_clone("course build")
    from course_utils.commands.build import build_notebooks

    options = {"edition": edition.value, "check": check, "execute": execute, "language": language}
    raise typer.Exit(build_notebooks(lessons or None, **options))


@_command("translate")
def translate(
    language: Annotated[str, typer.Argument(metavar="CODE", help="A language, such as ko, zh or pt_BR.")],
    lessons: Lessons = None,
) -> None:
    """Write the files that translators fill in, and say how far they are."""
    need_clone("course translate")
    from course_utils.commands.translate import tell_translations

    raise typer.Exit(tell_translations(language, lessons or None))


@_command("claims")
def claims(
    lessons: Lessons = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Of PyTorch.")] = None,
) -> None:
    """Run what the lessons say of their pictures and numbers; exit 1 if something does not hold."""
    need_clone("course claims")
    from course_utils.commands.claims import tell_claims

    raise typer.Exit(tell_claims(lessons or None, threads=threads))


@_command("grade")
def grade(
    submissions: Annotated[Path, typer.Argument(help="A notebook, a folder of notebooks, or a folder per student.")],
    out: Annotated[Path, typer.Option(help="The folder for the results.")] = Path("graded"),
    lessons: Annotated[str | None, typer.Option(help="Lesson numbers, such as 01,07; all if not given.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the hidden inputs; drawn once if not given.")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="How many submissions at a time.")] = None,
    student: Annotated[str | None, typer.Option(help="Treat everything as the work of this one student.")] = None,
    sandbox: Annotated[bool, typer.Option(help="Without it: only for your own notebooks.")] = True,
    call_seconds: Annotated[float, typer.Option(min=0.1, help="Limit for one cell or call.")] = 30.0,
    total_seconds: Annotated[float, typer.Option(min=1, help="Limit for one notebook.")] = 300.0,
    memory_mb: Annotated[int, typer.Option(min=64, help="Memory for one notebook, in MB.")] = 2048,
    roster: Annotated[
        Path | None, typer.Option(help="CSV of the class: id, e-mail, name. For Canvas and Moodle.")
    ] = None,
    scheduler: Scheduler = None,
    local_workers: LocalWorkers = None,
) -> None:
    """Grade submissions in a sandbox; results as JSON, pages and a gradebook."""
    need_clone("course grade")
    from course_utils.commands.grade import grade as grade_submissions

    options = {"call_seconds": call_seconds, "total_seconds": total_seconds, "memory_mb": memory_mb, "roster": roster}
    options |= {"scheduler": scheduler, "local_workers": local_workers}
    status = grade_submissions(
        submissions, out=out, lessons=lessons, seed=seed, jobs=jobs, student=student, sandbox=sandbox, **options
    )
    raise typer.Exit(status)


@_command("grade")
def release(
    to: Annotated[Path, typer.Option(help="The folder for the zip file.")],
    lessons: Lessons = None,
    solutions: Annotated[
        bool, typer.Option("--solutions", help="Each solution folded under its hints: for who studies alone.")
    ] = False,
    language: Language = "",
) -> None:
    """Write the student edition as a zip file, ready to hand out."""
    need_clone("course release")
    from course_utils.commands.grade import hand_out

    raise typer.Exit(hand_out(to, lessons or None, solutions=solutions, language=language))


@_command("site")
def site(
    to: Annotated[Path, typer.Option(help="The folder for the pages: empty, or with an earlier site.")],
    lessons: Lessons = None,
    lab: Annotated[bool, typer.Option("--lab", help="Also the lab (course web), linked from the front page.")] = False,
    runtime: Annotated[Path | None, typer.Option(help=RUNTIME)] = None,
    tour: Annotated[bool, typer.Option("--tour", help="Also the tour of one photo, linked from the lessons.")] = False,
) -> None:
    """Build the course as a site: lessons with their pictures, functions, pages to read, search."""
    need_clone("course site")
    from course_utils.commands.site import make_site

    raise typer.Exit(make_site(to, lessons or None, app, lab=lab, runtime=runtime, tour=tour))


@_command("web")
def web(
    to: Annotated[Path, typer.Option(help="The folder for the page, such as SITE/lab: empty, or with an earlier lab.")],
    runtime: Annotated[Path | None, typer.Option(help=RUNTIME)] = None,
) -> None:
    """Build the lab: a page that looks inside of a network in the browser, on anybody's photo."""
    need_clone("course web")
    from course_utils.commands.web import make_lab

    raise typer.Exit(make_lab(to, runtime))


export = typer.Typer(help="Write the lessons for other graders.", rich_markup_mode=None, add_completion=False)
if (_COMMANDS / "grade.py").is_file():
    app.add_typer(export, name="export")


@export.callback(invoke_without_command=True)
def choose_grader(context: typer.Context) -> None:
    """Write the lessons for other graders."""
    if context.invoked_subcommand is None:
        print(context.get_help())


Seed = Annotated[int | None, typer.Option(min=0, help="Seed of the hidden inputs; drawn if not given.")]


@export.command()
def nbgrader(
    to: Annotated[Path, typer.Option(help="The folder of the nbgrader course.")],
    lessons: Lessons = None,
    seed: Seed = None,
) -> None:
    """An nbgrader course: source and release notebooks with grade ids and points."""
    need_clone("course export nbgrader")
    from course_utils.commands.grade import export_to_nbgrader

    raise typer.Exit(export_to_nbgrader(to, lessons or None, seed))


@export.command()
def gradescope(
    to: Annotated[Path, typer.Option(help="The folder for the zip file.")],
    lessons: Annotated[list[str], typer.Argument(metavar="LESSON...", help="Lesson numbers, such as 07.")],
    seed: Seed = None,
) -> None:
    """A Gradescope autograder as a zip file. It holds the solutions: not for students."""
    need_clone("course export gradescope")
    from course_utils.commands.grade import export_to_gradescope

    raise typer.Exit(export_to_gradescope(to, lessons, seed))


def main() -> None:
    """The entry point of the `course` command."""
    # nbformat and JupyterLab import jsonschema, which compiles a grammar of international addresses (IRIs) at each
    # start: four seconds. It does without where this import fails, and no notebook has a field that needs it.
    sys.modules.setdefault("rfc3987_syntax", None)
    app()
