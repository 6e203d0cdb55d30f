"""Words written into photos."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from course_utils.stimuli.faces import paste
from course_utils.validate import check_number


def write_word(images: Tensor, word: str, *, height: float = 0.18, place: tuple[float, float] = (0.5, 0.5)) -> Tensor:
    """Write a word in white on black into photos: a cause that we plant ourselves.

    Args:
        images: `(N, 3, H, W)` in [0, 1].
        word: what to write.
        height: of the letters, as a share of the image height.
        place: the middle of the word, (down, right) as shares of the image.

    Returns:
        `(N, 3, H, W)`, a copy.

    Raises:
        ValueError: an empty word, or an infinite height.
        TypeError: a height that is no number.
    """
    from PIL import Image, ImageDraw, ImageFont

    if not word.strip():
        raise ValueError("word is empty; give at least one letter.")
    check_number(height=height)
    font = ImageFont.load_default(size=max(6, round(height * images.shape[2])))
    left, top, right, bottom = font.getbbox(word)
    picture = Image.new("L", (min(right - left + 8, images.shape[3]), min(bottom - top + 8, images.shape[2])))
    ImageDraw.Draw(picture).text((4 - left, 4 - top), word, fill=255, font=font)
    patch = torch.from_numpy(np.array(picture)).to(images) / 255
    return paste(images, patch.expand(3, -1, -1), place=place)
