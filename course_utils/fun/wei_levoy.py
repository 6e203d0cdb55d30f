"""Texture row by row, coarse to fine, each pixel by one search in a tree.

Wei & Levoy, "Fast Texture Synthesis using Tree-structured Vector Quantization", SIGGRAPH 2000.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from tqdm.auto import tqdm

from course_utils.engines.neighborhoods import (
    around,
    causal_offsets,
    check_sample,
    copy_pixels,
    enlarged_sources,
    flat_indices,
    halved,
    inner_places,
    leaning_scan,
    level_size,
    nearest_tree,
    parents,
    principal,
)
from course_utils.validate import check_not_negative, check_seed, check_whole


def wei_levoy(
    sample: Tensor,
    size: int | tuple[int, int] = 128,
    *,
    window: int = 5,
    levels: int = 3,
    dimensions: int = 16,
    eps: float = 1.0,
    seed: int = 0,
    progress: bool = True,
) -> Tensor:
    """Write a texture row by row, small and blurred first, each pixel by one search in a tree of neighborhoods.

    The neighborhood of a pixel is the half of its window that is already written (the rows above, and what is left of
    it), and the 3 x 3 pixels around its place in the smaller picture. All neighborhoods of the sample go into a k-d
    tree.

    Differences from the paper: a k-d tree on the neighborhoods' principal components in place of a tree of code words;
    each level starts from the smaller result, enlarged, in place of noise; and pixels that do not see each other are
    written together, so that the scan's front leans: `x + (window // 2 + 1) * y` grows.

    Args:
        sample: `(1, 3, h, w)` RGB in [0, 1].
        size: of the result, one number for a square, or `(H, W)`. Left meets right and top meets bottom: it can tile a
            wall.
        window: side of the square window, odd.
        levels: how many sizes, each half as large as the one before; 1 for no smaller pictures.
        dimensions: principal components that are kept of each neighborhood.
        eps: the search may return a neighbor up to `1 + eps` times as far as the nearest; 0 for the nearest.
        seed: for the noise that the smallest picture starts from.
        progress: show a progress bar.

    Returns:
        `(1, 3, H, W)`, every pixel a copy of one of the sample's, on the sample's device. Interrupted, it returns what
        it has, at whatever level it is.

    Raises:
        ValueError: not one image, an even window, or a sample that is too small for the window at the smallest level.
    """
    options = {"window": window, "levels": levels, "dimensions": dimensions, "eps": eps, "seed": seed}
    return copy_pixels(sample, wei_levoy_sources(sample, size, **options, progress=progress))


def wei_levoy_sources(
    sample: Tensor,
    size: int | tuple[int, int] = 128,
    *,
    window: int = 5,
    levels: int = 3,
    dimensions: int = 16,
    eps: float = 1.0,
    seed: int = 0,
    progress: bool = True,
) -> Tensor:
    """Where each pixel of the written texture comes from; `copy_pixels(sample, sources)` is the texture.

    Args:
        sample, size, window, levels, dimensions, eps, seed, progress: as in `wei_levoy`.

    Returns:
        `(H, W, 2)`, row and column in the sample.

    Raises:
        ValueError: as in `wei_levoy`.
    """
    pixels, height, width = check_sample(sample, size, window)
    check_whole(levels=levels, dimensions=dimensions)
    check_not_negative(eps=eps)
    if min(pixels.shape[:2]) < (smallest := (window + 1) * 2 ** (levels - 1)):
        given = f"{pixels.shape[0]}x{pixels.shape[1]}"
        raise ValueError(f"{levels} levels with window {window} need a sample of {smallest}x{smallest}, not {given}.")
    pyramid = [pixels]
    for _ in range(levels - 1):
        pyramid.append(halved(pyramid[-1]))

    rng, parent, sources = np.random.default_rng(check_seed(seed)), None, None
    sizes = [(level_size(height, level), level_size(width, level)) for level in range(levels)]
    bar = tqdm(total=sum(map(math.prod, sizes)), desc="Wei-Levoy", leave=False, disable=not progress)
    try:
        for level in reversed(range(levels)):
            known = pyramid[level]
            if sources is None:
                sources = np.stack([rng.integers(0, side, sizes[level]) for side in known.shape[:2]], -1)
            else:
                sources = enlarged_sources(sources, *sizes[level])
            out = known[sources[..., 0], sources[..., 1]]
            smaller = None if parent is None else (parent, pyramid[level + 1])
            for written in _write(out, sources, known, smaller, window, dimensions, eps):
                bar.update(written)
            parent = out
    except KeyboardInterrupt:
        while sources is not None and sources.shape[:2] != (height, width):
            level -= 1
            sources = enlarged_sources(sources, *sizes[level])
    finally:
        bar.close()
    sources = np.minimum(sources, np.array(pixels.shape[:2]) - 1)
    return torch.from_numpy(sources).to(sample.device)


def _write(
    out: np.ndarray,
    sources: np.ndarray,
    known: np.ndarray,
    smaller: tuple[np.ndarray, np.ndarray] | None,
    window: int,
    dimensions: int,
    eps: float,
) -> Iterator[int]:
    """Write one size, in place, and say after each step how many pixels it wrote.

    `out` is the picture and `known` the sample at this size, `smaller` both at half of it (None for the smallest).
    """
    rows, columns = out.shape[:2]
    places = inner_places(known.shape, window, with_parent=smaller is not None)
    features = around(known, places, window, smaller and smaller[1])
    mean, basis = principal(features, dimensions)
    tree = nearest_tree((features - mean) @ basis)

    order, ends = leaning_scan(rows, columns, window // 2)
    neighbors = flat_indices(order, causal_offsets(window), rows, columns)
    values = 3 * len(causal_offsets(window))
    fixed = -mean @ basis  # what does not change during the scan: the smaller picture's part
    if smaller is not None:
        fixed = fixed + parents(smaller[0], order) @ basis[values:]
    fixed = np.broadcast_to(fixed, (len(order), basis.shape[1]))
    flat, flat_sources = out.reshape(-1, 3), sources.reshape(-1, 2)
    for start, end in itertools.pairwise(ends):
        here = flat[neighbors[start:end]].reshape(end - start, values)
        nearest = tree.query(here @ basis[:values] + fixed[start:end], eps=eps)[1]
        pixel = order[start:end, 0] * columns + order[start:end, 1]
        flat_sources[pixel] = places[nearest]
        flat[pixel] = known[places[nearest, 0], places[nearest, 1]]
        yield end - start
