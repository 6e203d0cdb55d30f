"""Does a map depend on what it claims to? Edges, rank correlation, and the share inside of a box."""

from __future__ import annotations

import torch
from torch import Tensor

from course_utils.validate import check_images, precise, to_numpy


def edges(images: Tensor) -> Tensor:
    """An edge detector that knows no network: the length of the Sobel gradient, the largest of RGB.

    The baseline to hold a saliency map against: what looks the same needs no network to explain it.

    Args:
        images: `(N, 3, H, W)` in [0, 1].

    Returns:
        `(N, H, W)`, not negative.

    Raises:
        ValueError: images that are none (see `check_images`).
    """
    images = precise(check_images(None, images, gray=True))
    across = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]], device=images.device, dtype=images.dtype) / 8
    filters = torch.stack([across, across.T])[:, None]
    padded = torch.nn.functional.pad(images, (1, 1, 1, 1), mode="replicate")
    gradients = torch.nn.functional.conv2d(padded.flatten(0, 1)[:, None], filters)
    return gradients.norm(dim=1).unflatten(0, images.shape[:2]).amax(1)


def rank_correlation(a: Tensor, b: Tensor) -> float:
    """Spearman's correlation of two maps: 1 for the same order of pixels, 0 for unrelated ones."""
    from scipy.stats import spearmanr

    one, two = (to_numpy(x).ravel() for x in (a, b))
    return float(spearmanr(one, two).statistic)


def share_inside(heat: Tensor, rows: slice, columns: slice) -> Tensor:
    """The share of each map's total that lies in a box.

    Args:
        heat: `(N, H, W)`, not negative.
        rows, columns: the box.

    Returns:
        `(N,)` in [0, 1].
    """
    return heat[:, rows, columns].sum((1, 2)) / heat.sum((1, 2)).clamp_min(1e-30)
