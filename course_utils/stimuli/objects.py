"""Where the object is in photos of the gallery: boxes drawn by hand, and outlines that GrabCut finds in them."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Tensor

from course_utils.engines.grab_cut import grab_cut
from course_utils.images import photo

# (top, left, bottom, right) at 224 x 224 pixels, of the labelled photos that show one thing with an outline. Left out:
# several chairs, strawberries, geese and chestnuts, the roof, the tents, the drum, the windows, the sand-colored jeep.
OBJECT_BOXES = {
    "bull_mastiff": (12, 42, 210, 136),
    "beaker": (108, 74, 223, 146),
    "jeep_blue": (58, 2, 180, 223),
    "bottlecap": (28, 2, 222, 217),
    "loafer": (26, 1, 162, 223),
    "cannon": (16, 1, 216, 212),
    "spoonbill": (64, 68, 136, 114),
    "dalmatian": (1, 20, 188, 194),
    "bald_eagle": (44, 1, 168, 223),
    "leafhopper": (4, 46, 220, 188),
    "dung_beetle": (50, 4, 186, 202),
}


@cache
def _mask(name: str) -> Tensor:
    import cv2

    top, left, bottom, right = OBJECT_BOXES[name]
    marks = np.full((224, 224), cv2.GC_BGD, np.uint8)
    marks[top:bottom, left:right] = cv2.GC_PR_FGD
    return grab_cut(photo(name), marks)


def object_masks() -> tuple[list[str], Tensor]:
    """The photos of the gallery with one outlined thing, and where it is.

    Returns:
        names, as `photo` takes them, and masks `(N, 224, 224)` bool, True on the thing. They are GrabCut's, from a box
        drawn by hand, and not exact to the pixel.
    """
    return list(OBJECT_BOXES), torch.stack([_mask(name) for name in OBJECT_BOXES])
