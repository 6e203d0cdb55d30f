"""A picture in a notebook that can be clicked, dragged over, and used by keyboard."""

from __future__ import annotations

import io
from pathlib import Path

import anywidget
import traitlets
from PIL import Image
from torch import Tensor

from course_utils.images import to_pil

_HERE = Path(__file__).parent


class Picture(anywidget.AnyWidget):
    """A picture with a caption; by `kind` also a place to click on, or to drag a window over.

    Traits:
        image: the picture file, PNG or JPEG; `show` sets it.
        caption: the line beneath it, also what a screen reader says.
        kind: "view", "click" or "drag".
        x, y: the last place that was clicked or dragged to, in 0..1 from the left and from the top.
        clicks: counts the clicks, so that a second click on the same place is also told.
        step: how far an arrow key moves, `(x, y)` in 0..1; with the shift key five times as far.
        boxes: frames drawn on the picture, each `[left, top, right, bottom]` in 0..1.
        window: `[width, height]` in 0..1 of a frame around (x, y) that follows the mouse; [] for none.
        cross: whether a cross marks (x, y).
        width: in pixels of the page; the height follows.

    Below the caption, *Larger* shows the picture as large as the page, and *Save* keeps it as a file.

    Keyboard: arrow keys move the cross (drag: the window); Enter or space clicks.
    """

    _esm = _HERE / "clickable.js"
    _css = _HERE / "clickable.css"

    image = traitlets.Bytes().tag(sync=True)
    caption = traitlets.Unicode().tag(sync=True)
    kind = traitlets.Enum(["view", "click", "drag"], "view").tag(sync=True)
    x = traitlets.Float(0.5).tag(sync=True)
    y = traitlets.Float(0.5).tag(sync=True)
    clicks = traitlets.Int(0).tag(sync=True)
    step = traitlets.Tuple(traitlets.Float(), traitlets.Float(), default_value=(0.05, 0.05)).tag(sync=True)
    boxes = traitlets.List().tag(sync=True)
    window = traitlets.List().tag(sync=True)
    cross = traitlets.Bool(False).tag(sync=True)
    width = traitlets.Int(280).tag(sync=True)
    pixelated = traitlets.Bool(False).tag(sync=True)

    @traitlets.validate("x", "y")
    def _inside(self, proposal):
        return min(max(proposal.value, 0.0), 1.0)

    def show(self, picture: Image.Image | Tensor, caption: str | None = None, **traits) -> None:
        """Show a picture: a PIL picture, or a tensor `(1, 3, H, W)`, `(3, H, W)` or `(H, W)` in [0, 1].

        Args:
            picture: the picture; one narrower than half of `width` is shown with sharp pixels.
            caption: its new caption; None keeps the old one.
            traits: other traits to set in the same message, such as `boxes`.
        """
        picture = to_pil(picture) if isinstance(picture, Tensor) else picture
        if caption is not None:
            traits["caption"] = caption
        traits["pixelated"] = picture.width * 2 <= traits.get("width", self.width)
        with self.hold_sync():
            self.set_trait("image", encode(picture))
            for name, value in traits.items():
                self.set_trait(name, value)

    def alt(self) -> str:
        """What is seen, in one line."""
        return " ".join(self.caption.split())

    def to_pil(self) -> Image.Image:
        """What the page shows, as a picture `width` pixels wide, with its frames and its cross."""
        from PIL import ImageDraw

        if not self.image:
            return Image.new("RGB", (self.width, self.width), "#dddddd")
        picture = Image.open(io.BytesIO(self.image)).convert("RGB")
        height = max(1, round(self.width * picture.height / picture.width))
        how = Image.Resampling.NEAREST if self.pixelated else Image.Resampling.BICUBIC
        picture = picture.resize((self.width, height), how)
        draw = ImageDraw.Draw(picture)
        frames = list(self.boxes)
        if self.window:
            w, h = self.window
            frames.append([self.x - w / 2, self.y - h / 2, self.x + w / 2, self.y + h / 2])
        for color, line in (("black", 4), ("white", 2)):  # white within black: visible on any picture
            for left, top, right, bottom in frames:
                corners = [v * s for v, s in zip((left, top, right, bottom), (self.width, height) * 2, strict=True)]
                draw.rectangle([c - (line - 2) / 2 if i < 2 else c + (line - 2) / 2 for i, c in enumerate(corners)], outline=color, width=line)  # fmt: skip
            if self.cross:
                x, y, arm = self.x * self.width, self.y * height, 9
                draw.line([x - arm, y, x + arm, y], fill=color, width=line)
                draw.line([x, y - arm, x, y + arm], fill=color, width=line)
        return picture


def encode(picture: Image.Image) -> bytes:
    """A picture as a small file, fast: PNG if it is small or gray, else JPEG."""
    file = io.BytesIO()
    if picture.mode in ("L", "P") or picture.width * picture.height <= 128 * 128:
        picture.save(file, "PNG", compress_level=3)
    else:
        picture.convert("RGB").save(file, "JPEG", quality=88)
    return file.getvalue()
