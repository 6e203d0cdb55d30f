"""All pictures of a list, small and with their names: a button opens them, and one is chosen."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import anywidget
import traitlets

from course_utils.images import load_image, to_pil

_HERE = Path(__file__).parent
SIDE = 72  # pixels of a small picture


class Thumbnails(anywidget.AnyWidget):
    """The button, and the pictures below it while it is open.

    Args:
        names: of the pictures.
        path_of: the file of a name.

    Traits:
        description: the text on the button.
        names: of the pictures, in their order.
        value: the chosen name; one that is not among the names leaves all of them unchosen.
    """

    _esm = _HERE / "thumbnails.js"
    _css = _HERE / "thumbnails.css"

    description = traitlets.Unicode("Show all").tag(sync=True)
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    value = traitlets.Unicode().tag(sync=True)

    def __init__(self, names: Sequence[str], path_of: Callable[[str], Path]):
        super().__init__(names=list(names))
        self._path_of = path_of
        self.on_msg(self._opened)

    def _opened(self, *_) -> None:
        self.send({"pictures": len(self.names)}, [small(self._path_of(name)) for name in self.names])


@lru_cache(maxsize=128)
def small(path: Path) -> bytes:
    """A picture file as a JPEG of `SIDE` x `SIDE` pixels: the square in its middle, as networks get it."""
    file = io.BytesIO()
    to_pil(load_image(path, SIDE)[0]).save(file, "JPEG", quality=80)
    return file.getvalue()
