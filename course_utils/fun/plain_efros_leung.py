"""Efros & Leung's texture synthesis with loops only, one pixel after the other: the method to read.

It needs minutes where `efros_leung` needs seconds, and chooses the same pixels.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from course_utils.engines.neighborhoods import check_sample, copy_pixels
from course_utils.validate import check_not_negative, check_positive, check_seed

NEAR = [(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1)]


def plain_efros_leung(
    sample: Tensor,
    size: int | tuple[int, int] = 64,
    *,
    window: int = 11,
    tolerance: float = 0.1,
    max_error: float = 0.3,
    seed: int = 0,
) -> Tensor:
    """Grow a texture from a 3 x 3 seed, pixel by pixel: compare all windows, draw one of the best, copy its middle.

    Args:
        sample, size, window, tolerance, max_error, seed: as in `efros_leung`.

    Returns:
        `(1, 3, H, W)`, every pixel a copy of one of the sample's.

    Raises:
        ValueError: not one image, an even window, a window larger than the sample, or a size below 3.
    """
    pixels, height, width = check_sample(sample, size, window)
    check_positive(max_error=max_error)
    check_not_negative(tolerance=tolerance)
    pixels = pixels.astype(int).tolist()  # whole numbers, so that sums are exact in any order
    source, rng = {}, np.random.default_rng(check_seed(seed))

    top, left = (int(rng.integers(0, side - 2)) for side in sample.shape[2:])
    for a, b in NEAR:  # the seed, in the middle
        source[height // 2 + a, width // 2 + b] = (top + 1 + a, left + 1 + b)

    while len(source) < height * width:
        empty = [(y, x) for y in range(height) for x in range(width) if (y, x) not in source]
        filled = {(y, x): sum((y + a, x + b) in source for a, b in NEAR) for y, x in empty}
        ring = [place for place in empty if filled[place]]
        ring = [ring[i] for i in rng.permutation(len(ring))]
        ring.sort(key=lambda place: -filled[place])  # most filled neighbors first
        draws, before = rng.random(len(ring)), len(source)
        for (y, x), draw in zip(ring, draws, strict=True):
            errors, total = window_errors(pixels, source, y, x, window)
            good = [place for place, error in errors.items() if error <= min(errors.values()) * (1 + tolerance)]
            chosen = good[int(draw * len(good))]
            if errors[chosen] <= max_error * total * (3 * 255**2):
                source[y, x] = chosen
        if len(source) == before:
            max_error *= 1.1  # no pixel of the ring could be filled
    sources = torch.tensor([[source[y, x] for x in range(width)] for y in range(height)])
    return copy_pixels(sample, sources)


def window_errors(pixels: list, source: dict, y: int, x: int, window: int) -> tuple[dict, int]:
    """How far each window of the sample is from what is filled around a place.

    Args:
        pixels: `[row][column][color]` of the sample.
        source: place -> place in the sample, for the pixels that are filled.
        y, x: the place that is asked for.
        window: side of the window.

    Returns:
        A dictionary from the middle of each window to the weighted sum of squared differences, and the sum of the
        weights.
    """
    half, known = window // 2, []
    for a in range(-half, half + 1):
        for b in range(-half, half + 1):
            if (y + a, x + b) in source:
                row, column = source[y + a, x + b]
                known.append((a, b, pixels[row][column], weight(a, b, window)))
    errors = {}
    for top in range(half, len(pixels) - half):
        for left in range(half, len(pixels[0]) - half):
            errors[top, left] = sum(
                w * sum((old - new) ** 2 for old, new in zip(color, pixels[top + a][left + b], strict=True))
                for a, b, color, w in known
            )
    return errors, sum(w for *_, w in known)


def weight(a: int, b: int, window: int) -> int:
    """Efros & Leung's Gaussian, `sigma = window / 6.4`, at an offset; a whole number: sums are exact."""
    return round(65536 * math.exp(-(a**2 + b**2) / (2 * (window / 6.4) ** 2)))
