"""A box of widgets in a notebook, and what stays of it in the file: a picture or a text, as an output of its own.

A widget is gone when its kernel is gone. The output below it is then what a reader sees; it says to run the cell again.
While the widget lives, that output is hidden; it is renewed when the widget has changed.
"""

from __future__ import annotations

import html
import uuid
from collections.abc import Callable
from dataclasses import dataclass

import anywidget
import ipywidgets

AGAIN = "Run this cell again to use it."

# A live widget hides what stays of it; what JupyterLab shows of a lost widget is hidden above what stays. No script: a
# notebook that was just opened runs none of ours.
_LIVE = ":has(.course-live:not(.jupyter-widgets-disconnected))"
_STYLE = (
    "<style>"
    f".jp-OutputArea-child{_LIVE} + .jp-OutputArea-child:has(.course-still), "
    f".jp-OutputArea-child:not({_LIVE}):has(+ .jp-OutputArea-child .course-still) {{ display: none }}"
    ".course-still { margin: 0 } .course-still img { max-width: 100% }"
    "</style>"
)


class Keys(anywidget.AnyWidget):
    """Shows nothing, and keeps the keys that are pressed in the box around it from the notebook's command mode.

    There an arrow key leaves the cell, and typing `dd` deletes it. Combinations such as Ctrl-S and Shift-Enter pass.
    """

    _esm = """
        const OFF = "data-lm-suppress-shortcuts"; // Lumino's; it counts only on the element that has the keyboard
        function render({ el }) {
          function keep(event) {
            const box = el.closest(".course-live");
            if (!box?.contains(event.target)) return;
            const passes = event.ctrlKey || event.metaKey || event.altKey || (event.key === "Enter" && event.shiftKey);
            event.target.toggleAttribute(OFF, !passes);
          }
          window.addEventListener("keydown", keep, { capture: true }); // before the notebook's own listener
          return () => window.removeEventListener("keydown", keep, { capture: true });
        }
        export default { render };
    """

    def __init__(self):
        super().__init__(layout={"display": "none"})


@dataclass(frozen=True)
class Still:
    """What stays of a widget.

    Attributes:
        body: HTML.
        text: the same for readers without HTML; of a picture, what it shows.
        pictures: `{MIME type: base64}` of a picture that says the same.
    """

    body: str
    text: str
    pictures: dict[str, str]

    def bundle(self) -> tuple[dict[str, str], dict[str, dict]]:
        """`(data, metadata)` of the output."""
        page = f'{_STYLE}<figure class="course-still">{self.body}<figcaption>{AGAIN}</figcaption></figure>'
        data = {"text/html": page, "text/plain": self.text, **self.pictures}
        return data, {kind: {"alt": self.text} for kind in self.pictures}


def picture_still(kind: str, data: str, alt: str) -> Still:
    """A picture file, base64, and what a screen reader says of it."""
    return Still(f'<img alt="{html.escape(alt, quote=True)}" src="data:{kind};base64,{data}">', alt, {kind: data})


def text_still(body: str, text: str) -> Still:
    """HTML and the same as plain text."""
    return Still(body, text, {})


def show(box: ipywidgets.Box, title: str, still: Still) -> Callable[[Still], None]:
    """Display a box of widgets and, as the next output, what stays of it.

    Args:
        box: the widgets; one of them should be `Keys()`.
        title: what it is, for readers without widgets.
        still: what stays.

    Returns:
        A function that takes what stays from now on; from any thread.
    """
    from IPython.display import display, update_display

    box.add_class("course-live")
    view = box._repr_mimebundle_()
    view = dict(view[0] if isinstance(view, tuple) else view or {})
    view["text/plain"] = f"{title}: run this cell to use it."
    display(view, raw=True)
    data, metadata = still.bundle()
    name = uuid.uuid4().hex
    display(data, metadata=metadata, raw=True, display_id=name)

    def renew(still: Still) -> None:
        data, metadata = still.bundle()
        update_display(data, metadata=metadata, raw=True, display_id=name)

    return renew
