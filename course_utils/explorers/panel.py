"""The frame of every explorer: knobs, pictures, a line of status; work in the background; a figure without a browser."""

from __future__ import annotations

import base64
import inspect
import io
import os
import textwrap
import time
import traceback
import weakref
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace

import ipywidgets
from IPython import get_ipython
from PIL import Image, ImageDraw

from course_utils.errors import CourseError
from course_utils.explorers.bars import font
from course_utils.explorers.chooser import PhotoChooser
from course_utils.explorers.clickable import Picture
from course_utils.explorers.status import Status
from course_utils.explorers.worker import Worker
from course_utils.still import Keys, Still, picture_still, show

FIGURE_WIDTH = 900  # pixels of the static figure
FIGURE_BYTES = 60_000
PROGRESS_SECONDS = 0.1
ONLY_A_PICTURE = "A picture of the explorer. Run this cell; then you can turn its knobs and click."

# the explorers that each cell of the notebook has made, as long as they live
_by_cell: dict[str, weakref.WeakSet[Explorer]] = {}


class Explorer:
    """Base class; `course_utils.explorers` says how to write one.

    Attributes:
        title: the heading; also names the explorer for screen readers.
        first_steps: how many steps of a long `update` run when the explorer is made; None for all.
        error: the exception of the last work, or None.
    """

    title = ""
    first_steps: int | None = None

    def __init__(self):
        self.error: BaseException | None = None
        self.status = Status()
        self.worker = Worker(on_start=self._begin, on_step=self._step, on_end=self._end, on_rest=self._rest)
        self._renew: Callable[[Still], None] | None = None  # what the notebook keeps of it, once it is displayed
        self._said = True  # whether the work that runs now has said something
        self._old_text: str | None = None  # what was said before it
        self._progress, self._next_progress = (0, 0), 0.0  # (step, steps), and when the page is told of the next
        self._knobs: dict[str, ipywidgets.Widget] = {}
        self._controls: list[ipywidgets.Widget] = []
        self._views: list[ipywidgets.Widget] = []
        self._stop = ipywidgets.Button(description="Stop", icon="stop", disabled=True, layout={"width": "auto"})
        self._stop.on_click(lambda _: self.worker.stop())
        self._has_stop = False
        self.box = ipywidgets.VBox()
        self.box.add_class("course-explorer")

    # --- for the author of an explorer ----------------------------------------------------------------------------------

    def update(self, knobs: SimpleNamespace):
        """Compute and show what the knobs say; a generator if it is long."""
        raise NotImplementedError

    def knob(
        self,
        name: str,
        widget: ipywidgets.Widget,
        *,
        update: bool = True,
        preview: Callable[[SimpleNamespace], object] | None = None,
    ) -> ipywidgets.Widget:
        """Add a control; `knobs.<name>` is its value. Unless `update` is False, a change starts `update`.

        Args:
            name: of the value.
            widget: the control.
            update: whether a change starts `update`.
            preview: called at once at a change, while other work goes on: shows what needs no Start.
        """
        labelled = widget.photos if isinstance(widget, PhotoChooser) else widget
        if not getattr(labelled, "description", ""):
            raise ValueError(f"the knob {name!r} has no description: every control needs a label that can be read.")
        labelled.style.description_width = "initial"
        self._knobs[name] = widget
        self._controls.append(widget)
        if isinstance(widget, PhotoChooser):
            widget.observe(lambda change: self.status.set_trait("error", change.new), "problem")
        if update:
            widget.observe(lambda _: self.run(self.update), "value")
        if preview is not None:
            widget.observe(lambda _: self._preview(preview), "value")
        return widget

    def button(self, text: str, work: Callable[[SimpleNamespace], object], **options) -> ipywidgets.Button:
        """Add a button that starts `work(knobs)`; a generator if it is long."""
        button = ipywidgets.Button(description=text, layout={"width": "auto"}, **options)
        button.on_click(lambda _: self.run(work))
        self._has_stop |= inspect.isgeneratorfunction(work)
        self._controls.append(button)
        return button

    def picture(self, caption: str, *, name: str | None = None, update: bool = True, **traits) -> Picture:
        """Add a picture. With `kind="click"` or `"drag"`, `knobs.<name>` is the `(x, y)` in 0..1 of the last place."""
        picture = Picture(caption=caption, **traits)
        if name:
            self._knobs[name] = picture
            if update:
                places = ["clicks"] if picture.kind == "click" else ["x", "y"]
                picture.observe(lambda _: self.run(self.update), places)
        return self.view(picture)

    def view(self, widget: ipywidgets.Widget) -> ipywidgets.Widget:
        """Add something to look at: a widget with `to_pil()`, and `alt()`, the same in words, for the static figure."""
        self._views.append(widget)
        return widget

    def say(self, text: str) -> None:
        """Say in the status line what is shown."""
        self._said, self._old_text = True, None
        self.status.text = text

    def start(self) -> None:
        """Put the parts together and compute the first picture, here and now; its exceptions are the caller's.

        The last line of every explorer's `__init__`.
        """
        self._has_stop |= inspect.isgeneratorfunction(self.update)
        wrap = ipywidgets.Layout(flex_flow="row wrap", grid_gap="4px 16px", align_items="flex-start")
        controls = [*self._controls, *([self._stop] if self._has_stop else [])]
        heading = ipywidgets.HTML(f"<b role='heading' aria-level='3'>{self.title}</b>")
        self.box.children = [
            heading,
            ipywidgets.HBox(controls, layout=wrap),
            self.status,  # above the pictures: those may be higher than the window
            ipywidgets.HBox(self._views, layout=wrap),
            Keys(),
        ]
        self._replace_the_one_before()
        result = self.update(self.knobs())
        if inspect.isgenerator(result):
            for count, _ in enumerate(result, start=1):
                if count == self.first_steps:
                    break
            result.close()

    # --- what happens ---------------------------------------------------------------------------------------------------

    def knobs(self) -> SimpleNamespace:
        """The values of all knobs at this moment."""
        return SimpleNamespace(
            **{name: (w.x, w.y) if isinstance(w, Picture) else w.value for name, w in self._knobs.items()}
        )

    def run(self, work: Callable[[SimpleNamespace], object]) -> None:
        """Start `work` in the background with the knobs as they are now; it replaces what waits or runs."""
        self.worker.submit(partial(work, self.knobs()))

    def waits(self, work: Callable[[SimpleNamespace], object]) -> bool:
        """Whether `work` was asked for and has not begun."""
        waiting = self.worker.waiting
        return isinstance(waiting, partial) and waiting.func == work

    def stop(self) -> None:
        """End long work at its next step; what it has shown stays."""
        self.worker.stop()

    def wait(self, timeout: float = 60.0) -> None:
        """Block until nothing runs or waits (for tests and scripts)."""
        self.worker.wait(timeout)

    def close(self) -> None:
        """Stop, and take the explorer off the page."""
        self._renew = None
        self.worker.stop()
        for widget in (*self._controls, *self._views, self._stop, *self.box.children, self.box):
            widget.close()

    def _replace_the_one_before(self) -> None:
        """A cell that runs again makes new explorers: the old ones must not go on computing."""
        cell = _running_cell()
        if cell:
            made = _by_cell.setdefault(cell, weakref.WeakSet())
            for one in list(made):
                one.stop()
            made.add(self)

    def _preview(self, preview: Callable[[SimpleNamespace], object]) -> None:
        if self.worker.busy:  # what runs goes on, with its own choice
            preview(self.knobs())
        else:
            self.run(lambda knobs: (preview(knobs), self.say("This is the new choice. Press Start.")))

    def _begin(self) -> None:
        self.error, self._said, self._old_text = None, False, None
        self._progress, self._next_progress = (0, 0), 0.0
        with self.status.hold_sync():
            self.status.error, self.status.busy, self.status.steps = "", True, 0
        self._stop.disabled = False

    def _step(self, step: int, steps: int, left: float) -> None:
        if not self._said and self._old_text is None:  # the sentence is about what was shown before this long work
            self._old_text, self.status.text = self.status.text, ""
        self._progress = step, steps
        if time.monotonic() >= self._next_progress or step == steps:  # a page that gets hundreds a second falls behind
            self._next_progress = time.monotonic() + PROGRESS_SECONDS
            with self.status.hold_sync():
                self.status.step, self.status.steps = step, steps
                self.status.seconds_left = left if left == left else -1.0

    def _end(self, error: BaseException | None, stopped: bool) -> None:
        self.error = error
        if error is not None and os.environ.get("COURSE_TRACE"):
            traceback.print_exception(error)
        with self.status.hold_sync():
            self.status.busy = False
            self.status.step, self.status.steps = self._progress
            if error is not None:
                self.status.error = in_words(error)
            elif stopped and self._progress[1]:
                self.status.text = "Stopped at step {} of {}.".format(*self._progress)
            elif self._old_text is not None:  # the work had nothing new to say
                self.status.text = self._old_text
        self._stop.disabled = True

    # --- how it is shown ------------------------------------------------------------------------------------------------

    def figure(self) -> Image.Image:
        """What the explorer shows now, as one picture: for readers without a browser, and for files."""
        blocks = []
        for view in self._views:
            if hasattr(view, "to_pil") and view.layout.display != "none":
                caption = view.caption if isinstance(view, Picture) else ""
                blocks.append(_with_caption(view.to_pil(), caption))
        rows, row, used = [], [], 0
        for block in blocks:
            if row and used + block.width > FIGURE_WIDTH:
                rows.append(row)
                row, used = [], 0
            row.append(block)
            used += block.width + 16
        rows.append(row)
        text = [self.title, *textwrap.wrap(self.status.text, 130), ONLY_A_PICTURE]
        top = 22 * len(text) + 6
        height = top + sum(max((b.height for b in row), default=0) + 12 for row in rows)
        width = max((sum(b.width + 16 for b in row) for row in rows), default=0)
        page = Image.new("RGB", (max(width, 320), height), "white")
        draw, y = ImageDraw.Draw(page), top
        for index, line in enumerate(text):
            draw.text((0, 22 * index + 2), line, "black", font(15 if index == 0 else 13))
        for row in rows:
            x = 0
            for block in row:
                page.paste(block, (x, y))
                x += block.width + 16
            y += max((b.height for b in row), default=0) + 12
        return page

    def still(self, *, quick: bool = False) -> Still:
        """What stays of the explorer in the notebook's file; `quick`: a larger file, while knobs may be turned."""
        kind, data = _jpeg(self.figure(), quality=65) if quick else _small_file(self.figure())
        shown = [view.alt() for view in self._views if hasattr(view, "alt") and view.layout.display != "none"]
        alt = f"{self.title}. {self.status.text} It shows: {'; '.join(filter(None, shown))}."
        return picture_still(kind, base64.b64encode(data).decode("ascii"), alt)

    def _ipython_display_(self, **kwargs) -> None:
        self._renew = show(self.box, self.title, self.still())

    def _rest(self) -> None:
        if self._renew is not None:
            self._renew(self.still(quick=True))


def _running_cell() -> str | None:
    """The id of the notebook's cell that runs now; None outside of a notebook, or if its program does not tell."""
    shell = get_ipython()
    request = shell.get_parent() if hasattr(shell, "get_parent") else {}
    return request.get("metadata", {}).get("cellId")


def in_words(error: BaseException) -> str:
    """An exception as one line for a person; never a traceback."""
    lines = str(error).strip().splitlines()
    words = lines[0] if lines else ""
    if isinstance(error, (CourseError, ValueError)) and words:
        return words
    return f"something went wrong ({type(error).__name__}{': ' + words if words else ''})."


def _with_caption(picture: Image.Image, caption: str) -> Image.Image:
    lines = [part for line in caption.splitlines() for part in textwrap.wrap(line, max(12, picture.width // 7))]
    block = Image.new("RGB", (picture.width, picture.height + 17 * len(lines) + 4), "white")
    block.paste(picture, (0, 0))
    draw = ImageDraw.Draw(block)
    for index, line in enumerate(lines):
        draw.text((0, picture.height + 3 + 17 * index), line, "black", font(12))
    return block


def _jpeg(picture: Image.Image, **options: int) -> tuple[str, bytes]:
    file = io.BytesIO()
    picture.save(file, "JPEG", **options)
    return "image/jpeg", file.getvalue()


def _small_file(picture: Image.Image) -> tuple[str, bytes]:
    """`(mime type, file)`, a palette PNG or a JPEG, at most FIGURE_BYTES."""
    file = io.BytesIO()
    picture.quantize(64, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
    best = ("image/png", file.getvalue())
    for scale, quality in ((1, 80), (1, 65), (1, 50), (0.8, 65), (0.8, 45), (0.6, 45)):
        size = (round(picture.width * scale), round(picture.height * scale))
        smaller = _jpeg(picture.resize(size, Image.Resampling.LANCZOS), quality=quality, optimize=True)
        best = min(best, smaller, key=lambda one: len(one[1]))
        if len(best[1]) <= FIGURE_BYTES:
            break
    return best
