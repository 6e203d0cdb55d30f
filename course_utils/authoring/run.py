"""Outputs are not built but executed, on purpose: those of the solution are put into the student notebook."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass

from nbformat import NotebookNode

from course_utils.authoring import paths
from course_utils.authoring.editions import PASSED, build
from course_utils.authoring.files import to_text, write
from course_utils.authoring.outputs import clean_outputs, first_picture, fit
from course_utils.authoring.rules import SourceError
from course_utils.authoring.source import read_lesson
from course_utils.errors import CourseError


@dataclass
class Execution:
    """How long a lesson ran, in seconds: in all, until its first picture, and its slowest cell."""

    lesson: str
    seconds: float
    first_picture: float
    slowest: float
    slowest_cell: str
    size_kb: int


def execute(lessons: Sequence[str] | None = None, *, timeout: int = 600) -> Iterator[Execution]:
    """Run the solution edition, and put its pictures into the student notebook.

    Worked cells keep their outputs; exercises get their expected pictures.

    Raises:
        CourseError: a cell of the solution edition raised, or a solution failed its check.
    """
    for source in paths.source_paths(lessons):
        lesson = read_lesson(source)
        solved, cell_times, total = run_notebook(build(lesson, "solution"), timeout=timeout)
        student = build(lesson, "student")
        outputs = {c["id"]: clean_outputs(c.outputs, c.source) for c in solved.cells if c.cell_type == "code"}
        for cell in student.cells:
            own = cell["id"].startswith(("exercise-", "picture-", "uses-")) or PASSED in cell.metadata.get("tags", ())
            if cell.cell_type == "code" and not own:
                cell.outputs = outputs.get(cell["id"], [])
            elif cell["id"].startswith("expected-"):
                picture = first_picture(outputs.get(cell["id"].replace("expected", "picture", 1), []))
                if not picture:
                    raise SourceError(
                        f'{source.name}: the cell picture="{cell["id"][9:]}" shows no picture; write uses="..."'
                    )
                cell.attachments = {"expected.png": picture}
        path = paths.notebook_path(lesson.name, "student")
        fit(student)
        write(path, to_text(student))
        first = next((end for end, cell in cell_times if first_picture(cell.outputs)), float("nan"))
        starts = [0.0, *(end for end, _ in cell_times)]
        slowest = max(range(len(cell_times)), key=lambda i: cell_times[i][0] - starts[i])
        yield Execution(
            lesson=lesson.number,
            seconds=total,
            first_picture=first,
            slowest=cell_times[slowest][0] - starts[slowest],
            slowest_cell=cell_times[slowest][1].source.strip().splitlines()[0][:60],
            size_kb=path.stat().st_size // 1000,
        )


def run_notebook(
    book: NotebookNode,
    *,
    timeout: int = 600,
    allow: Sequence[str] = (),
    watch: Callable[[NotebookNode], object] | None = None,
):
    """Execute a notebook in a fresh kernel of this Python.

    Args:
        book: the notebook; it is not changed.
        timeout: seconds for one cell.
        allow: names of exceptions that may occur.
        watch: is called with each code cell that has run.

    Returns:
        `(executed notebook, [(seconds since the start, code cell), ...], seconds in all)`; starting the kernel counts.

    Raises:
        CourseError: a cell raised, took too long, or ended its kernel.
        KeyboardInterrupt: a person pressed Ctrl-C.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    book, number = deepcopy(book), book.metadata["course"]["lesson"]
    started = time.monotonic()
    times: list[tuple[float, NotebookNode]] = []

    def has_run(cell: NotebookNode, cell_index: int, execute_reply: dict) -> None:
        times.append((time.monotonic() - started, cell))
        if watch:
            watch(cell)

    client = NotebookClient(
        book,
        timeout=timeout,
        kernel_name="python3",
        allow_error_names=list(allow),
        resources={"metadata": {"path": str(paths.ROOT / "notebooks")}},
        on_cell_executed=has_run,
    )
    strict = os.environ.get("COURSE_STRICT")
    os.environ["COURSE_STRICT"] = "" if allow else "1"
    try:
        client.execute()
    except CellExecutionError as error:
        if error.ename == "KeyboardInterrupt":  # a terminal sends Ctrl-C to the kernel, too
            raise KeyboardInterrupt from None
        broken = next(c for c in book.cells if any(o.output_type == "error" for o in c.get("outputs", [])))
        cell = broken.source.strip().splitlines()[0]
        raise CourseError(f"lesson {number}, in the cell that begins {cell!r}: {error.ename}: {error.evalue}") from None
    except CellTimeoutError as error:
        raise CourseError(f"lesson {number}: {error}") from None
    except AssertionError:  # nbclient's own: its answer to Ctrl-C is to take the kernel away from its next call
        raise KeyboardInterrupt from None
    except DeadKernelError:
        raise CourseError(f"lesson {number}: its kernel died (was the memory full?)") from None
    finally:
        os.environ.pop("COURSE_STRICT")
        if strict is not None:
            os.environ["COURSE_STRICT"] = strict
    return book, times, time.monotonic() - started
