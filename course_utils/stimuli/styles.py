"""Eight painterly pictures for style transfer, free to use (CC0); `drawing/styles.py` drew them."""

from __future__ import annotations

from torch import Tensor

from course_utils.images import center_crop, load_image, resize
from course_utils.places import data_file
from course_utils.validate import check_choice, check_pair

SIDE = 400  # pixels of a stored picture
FOLDER = data_file("styles")
STYLES = ("night", "glass", "waves", "mosaic", "ink", "geometry", "dots", "woodcut")


def style_image(name: str, size: int | tuple[int, int] | None = 256) -> Tensor:
    """One of the course's own style pictures.

    Args:
        name: one of `style_names()`.
        size: side of the square, `(H, W)`, or None for the stored 400 pixels.

    Returns:
        `(1, 3, H, W)` RGB in [0, 1].

    Raises:
        ValueError: no such picture.
    """
    check_choice("name", name, style_names())
    image = load_image(FOLDER / f"{name}.jpg", None)
    if size is None:
        return image
    height, width = check_pair("size", size)
    side = max(height, width)
    return center_crop(resize(image, side), (height, width))


def style_names() -> list[str]:
    """The names of the style pictures."""
    return list(STYLES)
