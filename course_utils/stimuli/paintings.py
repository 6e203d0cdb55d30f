"""Style transfers that take too long for a lesson: a large one, and one photo with other starts and other layers."""

from __future__ import annotations

import json
from dataclasses import dataclass

from torch import Tensor

from course_utils.images import load_image
from course_utils.places import data_file
from course_utils.validate import check_choice

FOLDER = data_file("paintings")
KINDS = ("large", "layers")


@dataclass(frozen=True, eq=False)
class Painting:
    """One style transfer, how it was made, and what is left of its losses.

    The units of the losses: a content loss of 1 is the style picture's (stretched to the photo's shape), a style loss
    of 1 is the photo's.

    Attributes:
        content, style: names of the photo and of the style picture.
        style_size: side of the style picture in pixels.
        start: "content" or "noise".
        seed: of the noise.
        content_layer, style_layers: whose features, and whose Gram matrices, were matched.
        weight: of the style loss, when the content loss counts 1, both in their units.
        steps: at each size, the smallest size first.
        content_loss, style_loss: in their units, after half of the steps at the full size, and after all.
        picture: `(3, H, W)` RGB in [0, 1].
    """

    content: str
    style: str
    style_size: int
    start: str
    seed: int
    content_layer: str
    style_layers: list[str]
    weight: float
    steps: list[int]
    content_loss: list[float]
    style_loss: list[float]
    picture: Tensor


def paintings(kind: str) -> list[Painting]:
    """The course's stored paintings; `training/paintings.py` made them with VGG-19 in about a quarter of an hour.

    Args:
        kind: "large" (a photo in a style, 320 pixels) or "layers" (one photo and one style, 128 pixels, with
            other starts, content layers and style layers).

    Returns:
        The paintings, in the order in which they were made.

    Raises:
        ValueError: no such kind.
    """
    check_choice("kind", kind, KINDS)
    said = json.loads((FOLDER / "paintings.json").read_text(encoding="utf-8"))[kind]
    if kind == "large":
        pictures = [load_image(FOLDER / f"{one['content']}_{one['style']}.jpg", None)[0] for one in said]
    else:
        pictures = load_image(FOLDER / "layers.png", None)[0].chunk(len(said), 2)
    return [Painting(**one, picture=picture) for one, picture in zip(said, pictures, strict=True)]
