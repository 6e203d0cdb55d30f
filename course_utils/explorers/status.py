"""One line under an explorer: what it shows, how far it is, or what went wrong, in words."""

from __future__ import annotations

from pathlib import Path

import anywidget
import traitlets

_HERE = Path(__file__).parent


class Status(anywidget.AnyWidget):
    """The line that says what an explorer does.

    Traits:
        text: what it shows; a screen reader reads every change.
        error: what went wrong and what is possible; empty if nothing did.
        busy: whether it works; the page says so after a third of a second.
        step, steps: progress; no bar if `steps` is 0.
        seconds_left: how long it still takes; negative if not known.
    """

    _esm = _HERE / "status.js"
    _css = _HERE / "status.css"

    text = traitlets.Unicode().tag(sync=True)
    error = traitlets.Unicode().tag(sync=True)
    busy = traitlets.Bool(False).tag(sync=True)
    step = traitlets.Int(0).tag(sync=True)
    steps = traitlets.Int(0).tag(sync=True)
    seconds_left = traitlets.Float(-1.0).tag(sync=True)
