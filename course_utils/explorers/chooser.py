"""Choose a photo of the gallery, or a picture of one's own."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import ipywidgets
import traitlets
from torch import Tensor

from course_utils.errors import ImageError, did_you_mean
from course_utils.explorers.thumbnails import Thumbnails
from course_utils.explorers.upload import Upload
from course_utils.images import gallery, load_image
from course_utils.stimuli.textures import DRAWN, FOLDER

OWN = "my own picture"


@dataclass(frozen=True)
class Chosen:
    """A chosen picture: a name of the gallery or of a texture, or the name and the bytes of a person's own file."""

    name: str
    data: bytes | None = None

    def tensor(self, size: int | tuple[int, int] | None = 224, *, crop: bool = True) -> Tensor:
        """The picture as `load_image` gives it: `(1, 3, H, W)` in [0, 1]. Do not change it: it is kept for the next knob."""
        return _tensor(self, size, crop)

    def square(self, named: Callable[[str, int], Tensor], size: int) -> Tensor:
        """A square `(1, 3, size, size)`: the middle of a person's own file; of a name, `named(name, size)`."""
        return named(self.name, size) if self.data is None else self.tensor(size)


@lru_cache(maxsize=4)
def _tensor(chosen: Chosen, size, crop: bool) -> Tensor:
    if chosen.data is not None:
        return load_image(io.BytesIO(chosen.data), size, crop=crop)
    return load_image(_path(chosen.name), size, crop=crop)


def _path(name: str) -> Path:
    return FOLDER / f"{name}.png" if name in DRAWN else gallery()(name).path


class PhotoChooser(ipywidgets.HBox):
    """A list of the gallery's photos, a button that shows all of them small, and one for a file of one's own.

    Args:
        name: the photo at the beginning.
        label: the label of the list.
        names: what to choose from, such as names of styles; None for the gallery. Whoever uses other names than those
            of the gallery and of the drawn textures, asks `Chosen.square` for the picture.

    Attributes:
        value: the `Chosen` picture.
        problem: why a file cannot be used, in words; empty if it can.
    """

    value = traitlets.Instance(Chosen)
    problem = traitlets.Unicode()

    def __init__(self, name: str, *, label: str = "Photo", names: list[str] | None = None):
        names = list(names or gallery().names)
        if name not in {*names, *DRAWN, *gallery().names}:
            raise ImageError(f"There is no picture {name!r}. {did_you_mean(name, names)}".rstrip())
        self.photos = ipywidgets.Dropdown(options=names if name in names else [name, *names], value=name, description=label)  # fmt: skip
        self.upload = Upload(self.receive, self.refuse)
        self._own: Chosen | None = None
        parts = [self.photos, self.upload]
        if {*names, name} <= {*DRAWN, *gallery().names}:  # styles, say, have no files of these names
            self.thumbnails = Thumbnails(self.photos.options, _path)
            ipywidgets.link((self.photos, "value"), (self.thumbnails, "value"))
            parts.append(self.thumbnails)
        super().__init__(parts, value=Chosen(name), layout={"flex_flow": "row wrap"})
        self.photos.observe(self._choose, "value")

    def _choose(self, change) -> None:
        self.problem = ""
        self.value = self._own if change.new == OWN else Chosen(change.new)

    def receive(self, name: str, data: bytes) -> None:
        """Take a person's own file, or say in `problem` why it cannot be used; then the value stays."""
        own = Chosen(name, data)
        try:
            own.tensor()
        except ImageError as error:
            said = str(error).replace("The file", name, 1)
            self.refuse(said if name in said else f"{name}: {said}")
            return
        except Exception as error:  # whatever a decoder says of a strange file, it is no reason for a stack trace
            self.refuse(f"{name} cannot be read as a picture ({type(error).__name__}).")
            return
        self.problem = ""
        self._own = own
        if OWN not in self.photos.options:
            self.photos.options = [OWN, *self.photos.options]
        if self.photos.value == OWN:
            self.value = own
        else:
            self.photos.value = OWN

    def refuse(self, why: str) -> None:
        """Say why a file cannot be used; also if the same was said before."""
        self.problem = ""
        self.problem = why
