"""Texture pixel by pixel, outward from a seed: each pixel copies what follows its neighborhood in the sample.

Efros & Leung, "Texture Synthesis by Non-parametric Sampling", ICCV 1999.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from tqdm.auto import tqdm

from course_utils.engines.growth import Growth
from course_utils.engines.neighborhoods import check_sample, copy_pixels, ring_of, waves
from course_utils.validate import check_not_negative, check_positive, check_seed


def window_weights(window: int) -> np.ndarray:
    """Efros & Leung's Gaussian over the window, `sigma = window / 6.4`, as whole numbers, `window * window` of them.

    Pixels are whole numbers from 0 to 255 here and weights are rounded to 1/65536. Every sum is then exact, in whatever
    order a matrix product adds, and two programs that do the same arithmetic choose the same pixels.
    """
    offsets = np.arange(window) - window // 2
    bell = np.exp(-(offsets**2) / (2 * (window / 6.4) ** 2))
    return np.round(65536 * np.outer(bell, bell)).ravel()


def efros_leung(
    sample: Tensor,
    size: int | tuple[int, int] = 64,
    *,
    window: int = 11,
    tolerance: float = 0.1,
    max_error: float = 0.3,
    seed: int = 0,
    callback: Callable[[int, Tensor, Tensor], object] | None = None,
    progress: bool = True,
) -> Tensor:
    """Grow a texture from a 3 x 3 seed: each pixel copies the middle of a sample window that looks like its own window.

    `plain_efros_leung` is the same method to read. This one fills all pixels of a ring that do not see each other at
    once, and compares their windows with those of the sample by one matrix product.

    Args:
        sample: `(1, 3, h, w)` RGB in [0, 1].
        size: of the result, one number for a square, or `(H, W)`.
        window: side of the square window, odd; it must be larger than the texture's largest regular element.
        tolerance: a pixel is drawn from all sample windows whose error is at most `(1 + tolerance)` times the smallest.
        max_error: a pixel whose match has a larger weighted mean squared error (of values in [0, 1]) waits for more
            neighbors; the limit rises by a tenth when no pixel of a ring could be filled.
        seed: for the seed's place in the sample and the draws.
        callback: called as `callback(ring, picture, share)` before each ring of pixels is filled, with the picture so
            far and the share of its pixels that are filled, `(1,)`. True ends the growth.
        progress: show a progress bar.

    Returns:
        `(1, 3, H, W)`, every pixel a copy of one of the sample's, on the sample's device. Interrupted, it returns what
        is filled; the rest is gray.

    Raises:
        ValueError: not one image, an even window, a window larger than the sample, or a size below 3.
    """
    options = {"window": window, "tolerance": tolerance, "max_error": max_error, "seed": seed}
    return copy_pixels(sample, efros_leung_sources(sample, size, **options, callback=callback, progress=progress))


def efros_leung_sources(
    sample: Tensor,
    size: int | tuple[int, int] = 64,
    *,
    window: int = 11,
    tolerance: float = 0.1,
    max_error: float = 0.3,
    seed: int = 0,
    callback: Callable[[int, Tensor, Tensor], object] | None = None,
    progress: bool = True,
) -> Tensor:
    """Where each pixel of the grown texture comes from; `copy_pixels(sample, sources)` is the texture.

    Args:
        sample, size, window, tolerance, max_error, seed, callback, progress: as in `efros_leung`.

    Returns:
        `(H, W, 2)`, row and column in the sample; -1 where an interrupted run has filled nothing.

    Raises:
        ValueError: as in `efros_leung`.
    """
    pixels, height, width = check_sample(sample, size, window)
    check_positive(max_error=max_error)
    check_not_negative(tolerance=tolerance)
    rng, rings = np.random.default_rng(check_seed(seed)), 0
    grown = Growth(pixels, (height, width), window_weights(window))
    grown.plant(rng)
    bar = tqdm(total=height * width, initial=9, desc="Efros-Leung", leave=False, disable=not progress)
    try:
        while not grown.filled[grown.inside].all():
            if callback is not None:
                so_far = copy_pixels(sample, torch.from_numpy(grown.sources[grown.middle]))
                if callback(rings, so_far, torch.tensor([float(grown.filled[grown.inside].mean())])):
                    break
            rings += 1
            ring = ring_of(grown.filled, grown.inside, rng)
            draws, before = rng.random(len(ring)), grown.filled.sum()
            for wave in waves(ring, window // 2, grown.filled.shape):
                errors, totals = grown.errors(ring[wave])
                limits = errors.min(1) * (1 + tolerance)
                for index, error, limit, total in zip(wave, errors, limits, totals, strict=True):
                    good = np.flatnonzero(error <= limit)
                    pick = good[int(draws[index] * len(good))]
                    if error[pick] <= max_error * total * (3 * 255**2):
                        grown.fill(ring[index], pick)
                        bar.update()
            if grown.filled.sum() == before:
                max_error *= 1.1
    except KeyboardInterrupt:
        pass
    finally:
        bar.close()
    return torch.from_numpy(grown.sources[grown.middle].copy()).to(sample.device)
