"""A button for a picture file of one's own. The browser makes a large photo smaller before it is sent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anywidget
import traitlets

_HERE = Path(__file__).parent
MOST_BYTES = 8_000_000  # one message to the kernel holds 10 MB; a larger one would end the connection, without a word


class Upload(anywidget.AnyWidget):
    """The button.

    Args:
        receive: called with the file's name and its bytes.
        refuse: called with one line that says why a file was not sent.

    Traits:
        description: the text on the button.
        most: bytes of the largest file that is sent; a photo is first made smaller.
    """

    _esm = _HERE / "upload.js"

    description = traitlets.Unicode("My own picture").tag(sync=True)
    most = traitlets.Int(MOST_BYTES).tag(sync=True)

    def __init__(self, receive: Callable[[str, bytes], None], refuse: Callable[[str], None]):
        super().__init__()
        self._receive, self._refuse = receive, refuse
        self.on_msg(self._told)

    def _told(self, _, content: dict, buffers: list) -> None:
        if "problem" in content:
            self._refuse(content["problem"])
        else:
            self._receive(content["name"], bytes(buffers[0]) if buffers else b"")
