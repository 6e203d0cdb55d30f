"""Small textures to learn from: six color textures drawn by a seeded program, and three gray photos of scikit-image."""

from __future__ import annotations

from numbers import Integral

from torch import Tensor

from course_utils.images import load_image, photo
from course_utils.places import data_file
from course_utils.validate import check_whole

FOLDER = data_file("textures")
SIDE = 256  # pixels, of every picture
# how long the side of the whole photo is made before a piece is cut out, so that a brick is about 30 pixels long
PHOTOS = {"brick": 256, "grass": 384, "gravel": 384}
DRAWN = ("pebbles", "leaves", "coral", "wood", "scales", "weave")
TEXTURES = (*DRAWN, *PHOTOS)


def texture_sample(name: str, size: int = 64) -> Tensor:
    """A piece of a texture, cut from its middle at a scale where the elements are some 10 to 30 pixels large.

    Args:
        name: one of `TEXTURES`: pebbles, leaves, coral, wood, scales, weave (drawn, in color), brick, grass, gravel
            (photos of scikit-image, gray).
        size: side in pixels; at most 256.

    Returns:
        `(1, 3, size, size)` in [0, 1].

    Raises:
        ValueError: no such texture, or a size that is not from 1 to 256.
    """
    if name not in TEXTURES:
        raise ValueError(f"there is no texture {name!r}; there are {', '.join(TEXTURES)}.")
    if isinstance(size, bool) or not isinstance(size, Integral) or not 1 <= size <= SIDE:
        raise ValueError(f"size must be a whole number from 1 to {SIDE}, not {size!r}.")
    whole = photo(name, PHOTOS[name], crop=False) if name in PHOTOS else load_image(FOLDER / f"{name}.png", None)
    top, left = (whole.shape[2] - size) // 2, (whole.shape[3] - size) // 2
    return whole[:, :, top : top + size, left : left + size].clone()


def on_paper(image: Tensor, size: int) -> Tensor:
    """A picture `(1, 3, h, w)` in the corner of a white sheet `(1, 3, size, size)`, to be shown at others' scale.

    Raises:
        ValueError, TypeError: a size that is no whole number, or smaller than the picture.
    """
    check_whole(least=max(image.shape[2:]), size=size)
    sheet = image.new_ones((1, image.shape[1], size, size))
    sheet[:, :, : image.shape[2], : image.shape[3]] = image
    return sheet
