"""Faces and other things as small gray pictures, and pictures pasted into photos."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from course_utils.images import resize
from course_utils.networks.weights import package_file
from course_utils.validate import check_whole


def face_patches(count: int = 50, *, size: int = 96) -> tuple[Tensor, Tensor]:
    """Small gray pictures, half of them faces: the LFW subset that scikit-image ships (200 patches of 25 x 25 pixels).

    Args:
        count: how many, at most 200; half of them faces.
        size: side in pixels to which they are enlarged.

    Returns:
        `(count, 3, size, size)` in [0, 1], and `(count,)` bool, True for a face.

    Raises:
        ValueError: fewer than 2, or more than there are.
    """
    check_whole(least=2, count=count)
    if count > 200:
        raise ValueError(f"count must be from 2 to 200, the patches there are; not {count}.")
    patches = torch.from_numpy(np.load(package_file("skimage", "data/lfw_subset.npy"))).float()
    chosen = torch.linspace(0, 199, count).round().long()  # the first 100 are faces
    return resize(patches[chosen, None].repeat(1, 3, 1, 1), size), chosen < 100


def paste(images: Tensor, patch: Tensor, *, place: tuple[float, float] = (0.5, 0.5)) -> Tensor:
    """Copies of photos with a patch put in.

    Args:
        images: `(N, 3, H, W)`.
        patch: `(3, h, w)`, not larger than the images.
        place: the middle of the patch, (down, right) as shares of the image; moved inwards where it would stick out.

    Returns:
        `(N, 3, H, W)`, a copy.

    Raises:
        ValueError: a patch that is larger than the images.
    """
    height, width = images.shape[2:]
    h, w = patch.shape[1:]
    if h > height or w > width:
        raise ValueError(f"a patch of {h}x{w} does not fit in images of {height}x{width}.")
    top = min(max(round(place[0] * height - h / 2), 0), height - h)
    left = min(max(round(place[1] * width - w / 2), 0), width - w)
    out = images.clone()
    out[:, :, top : top + h, left : left + w] = patch.to(images)
    return out
