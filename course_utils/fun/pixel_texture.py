"""Texture pixel by pixel, without a network: look up, in a small sample, what usually follows the pixels around.

Efros & Leung, "Texture Synthesis by Non-parametric Sampling", 1999: grows outward from a seed.
Wei & Levoy, "Fast Texture Synthesis using Tree-structured Vector Quantization", 2000: scans row by row, coarse to fine.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from tqdm.auto import tqdm

from course_utils.validate import check_images, check_positive


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
    return_sources: bool = False,
    callback: Callable[[int, Tensor, Tensor], object] | None = None,
    progress: bool = True,
) -> Tensor | tuple[Tensor, Tensor]:
    """Grow a texture from a 3 x 3 seed: each pixel copies the middle of a sample window that looks like its own window.

    Args:
        sample: `(1, 3, h, w)` RGB in [0, 1].
        size: of the result, one number for a square, or `(H, W)`.
        window: side of the square window, odd; it must be larger than the texture's largest regular element.
        tolerance: a pixel is drawn from all sample windows whose error is at most `(1 + tolerance)` times the smallest.
        max_error: a pixel whose match has a larger weighted mean squared error (of values in [0, 1]) waits for more
            neighbors; the limit rises by a tenth when no pixel of a ring could be filled.
        seed: for the seed's place in the sample and the draws.
        return_sources: also return where each pixel comes from.
        callback: called as `callback(ring, picture, share)` before each ring of pixels is filled, with the picture so far
            and the share of its pixels that are filled, `(1,)`. True ends the growth.
        progress: show a progress bar.

    Returns:
        `(1, 3, H, W)`, every pixel a copy of one of the sample's, on the sample's device; with `return_sources` also
        `(H, W, 2)`, row and column in the sample. Interrupted, it returns what is filled; the rest is gray (source -1).

    Raises:
        ValueError: not one image, an even window, a window larger than the sample, or a size below 3.
    """
    pixels, height, width = _check(sample, size, window)
    check_positive(max_error=max_error)
    if not tolerance >= 0:
        raise ValueError(f"tolerance must be 0 or greater, not {tolerance!r}.")
    rng, half = np.random.default_rng(seed), window // 2
    weights = window_weights(window)
    table, centers = _table(pixels, window), (pixels.shape[0] - 2 * half, pixels.shape[1] - 2 * half)

    # the result has a margin of never filled pixels, so that every window lies inside
    out = np.zeros((height + 2 * half, width + 2 * half, 3))
    filled = np.zeros(out.shape[:2], bool)
    inside = np.zeros(out.shape[:2], bool)
    middle = np.s_[half : half + height, half : half + width]
    inside[middle] = True
    sources = np.full((*out.shape[:2], 2), -1)
    top, left = rng.integers(0, pixels.shape[0] - 2), rng.integers(0, pixels.shape[1] - 2)
    row, column = half + height // 2 - 1, half + width // 2 - 1
    block = np.s_[row : row + 3, column : column + 3]
    sources[block] = np.stack(np.mgrid[top : top + 3, left : left + 3], -1)
    out[block], filled[block] = pixels[top : top + 3, left : left + 3], True
    windows = np.lib.stride_tricks.sliding_window_view(out, (window, window), (0, 1))
    masks = np.lib.stride_tricks.sliding_window_view(filled, (window, window))

    bar = tqdm(total=height * width, initial=9, desc="Efros-Leung", leave=False, disable=not progress)
    rings = 0
    try:
        while not filled[inside].all():
            if callback is not None:
                so_far, share = _result(sample, sources[middle], False), float(filled[inside].mean())
                if callback(rings, so_far, torch.tensor([share])):
                    break
            rings += 1
            ring = _ring(filled, inside, rng)
            draws, before = rng.random(len(ring)), filled.sum()
            for wave in _waves(ring, half, filled.shape):
                rows, columns = ring[wave, 0], ring[wave, 1]
                known = masks[rows - half, columns - half].reshape(len(wave), -1) * weights
                around = windows[rows - half, columns - half].reshape(len(wave), 3, -1)
                # weighted sum of squared differences: sum w (s - t)^2 = sum w s^2 - 2 sum w s t + sum w t^2
                question = np.concatenate([known, (known[:, None] * around).reshape(len(wave), -1)], 1)
                errors = question @ table + (known[:, None] * around**2).sum((1, 2))[:, None]
                limits = errors.min(1) * (1 + tolerance)
                for index, error, limit, total in zip(wave, errors, limits, known.sum(1), strict=True):
                    good = np.flatnonzero(error <= limit)
                    pick = good[int(draws[index] * len(good))]
                    if error[pick] <= max_error * total * (3 * 255**2):
                        y, x = ring[index]
                        sources[y, x] = np.unravel_index(pick, centers)
                        sources[y, x] += half
                        out[y, x], filled[y, x] = pixels[tuple(sources[y, x])], True
                        bar.update()
            if filled.sum() == before:
                max_error *= 1.1
    except KeyboardInterrupt:
        pass
    finally:
        bar.close()
    return _result(sample, sources[middle], return_sources)


def wei_levoy(
    sample: Tensor,
    size: int | tuple[int, int] = 128,
    *,
    window: int = 5,
    levels: int = 3,
    dimensions: int = 16,
    eps: float = 1.0,
    seed: int = 0,
    return_sources: bool = False,
    progress: bool = True,
) -> Tensor | tuple[Tensor, Tensor]:
    """Write a texture row by row, small and blurred first, each pixel by one search in a tree of neighborhoods.

    The neighborhood of a pixel is the half of its window that is already written (the rows above, and what is left of it),
    and the 3 x 3 pixels around its place in the smaller picture. All neighborhoods of the sample go into a k-d tree.

    Differences from the paper: a k-d tree on the neighborhoods' principal components in place of a tree of code words;
    each level starts from the smaller result, enlarged, in place of noise; and pixels that do not see each other are
    written together, so that the scan's front leans: `x + (window // 2 + 1) * y` grows.

    Args:
        sample: `(1, 3, h, w)` RGB in [0, 1].
        size: of the result, one number for a square, or `(H, W)`. Left meets right and top meets bottom: it can tile a wall.
        window: side of the square window, odd.
        levels: how many sizes, each half as large as the one before; 1 for no smaller pictures.
        dimensions: principal components that are kept of each neighborhood.
        eps: the search may return a neighbor up to `1 + eps` times as far as the nearest; 0 for the nearest.
        seed: for the noise that the smallest picture starts from.
        return_sources: also return where each pixel comes from.
        progress: show a progress bar.

    Returns:
        `(1, 3, H, W)`, every pixel a copy of one of the sample's, on the sample's device; with `return_sources` also
        `(H, W, 2)`, row and column in the sample. Interrupted, it returns what it has, at whatever level it is.

    Raises:
        ValueError: not one image, an even window, or a sample that is too small for the window at the smallest level.
    """
    pixels, height, width = _check(sample, size, window)
    check_positive(levels=levels, dimensions=dimensions)
    if not eps >= 0:
        raise ValueError(f"eps must be 0 or greater, not {eps!r}.")
    if min(pixels.shape[:2]) < (smallest := (window + 1) * 2 ** (levels - 1)):
        given = f"{pixels.shape[0]}x{pixels.shape[1]}"
        raise ValueError(f"{levels} levels with window {window} need a sample of {smallest}x{smallest}, not {given}.")
    pyramid = [pixels]
    for _ in range(levels - 1):
        pyramid.append(_halved(pyramid[-1]))

    rng, parent, sources = np.random.default_rng(seed), None, None
    bar = tqdm(total=sum(_level_size(height, n) * _level_size(width, n) for n in range(levels)), desc="Wei-Levoy", leave=False, disable=not progress)  # fmt: skip
    try:
        for level in reversed(range(levels)):
            known, rows, columns = pyramid[level], _level_size(height, level), _level_size(width, level)
            if sources is None:
                sources = np.stack([rng.integers(0, side, (rows, columns)) for side in known.shape[:2]], -1)
            else:
                sources = _enlarged(sources, rows, columns)
            out = known[sources[..., 0], sources[..., 1]]
            places = _places(known.shape, window, with_parent=parent is not None)
            features = _around(known, places, window, pyramid[level + 1] if parent is not None else None)
            mean, basis = _principal(features, dimensions)
            tree = _tree((features - mean) @ basis)

            order, ends = _leaning_scan(rows, columns, window // 2)
            neighbors = _flat_indices(order, _causal(window), rows, columns)
            values = 3 * len(_causal(window))
            fixed = -mean @ basis  # what does not change during the scan: the smaller picture's part
            if parent is not None:
                fixed = fixed + _parents(parent, order) @ basis[values:]
            fixed = np.broadcast_to(fixed, (len(order), basis.shape[1]))
            flat, flat_sources = out.reshape(-1, 3), sources.reshape(-1, 2)
            for start, end in zip(ends[:-1], ends[1:], strict=True):
                here = flat[neighbors[start:end]].reshape(end - start, values)
                nearest = tree.query(here @ basis[:values] + fixed[start:end], eps=eps)[1]
                pixel = order[start:end, 0] * columns + order[start:end, 1]
                flat_sources[pixel] = places[nearest]
                flat[pixel] = known[places[nearest, 0], places[nearest, 1]]
                bar.update(end - start)
            parent = out
    except KeyboardInterrupt:
        while sources is not None and sources.shape[:2] != (height, width):
            level -= 1
            sources = _enlarged(sources, _level_size(height, level), _level_size(width, level))
    finally:
        bar.close()
    sources = np.minimum(sources, np.array(pixels.shape[:2]) - 1)
    return _result(sample, sources, return_sources)


def _level_size(side: int, level: int) -> int:
    return -(-side // 2**level)


def _halved(pixels: np.ndarray) -> np.ndarray:
    height, width = pixels.shape[0] // 2, pixels.shape[1] // 2
    return pixels[: 2 * height, : 2 * width].reshape(height, 2, width, 2, 3).mean((1, 3))


def _enlarged(sources: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Sources in the next larger picture: pixel 2 y + a, 2 x + b of the source block of a pixel y, x."""
    y, x = np.mgrid[:rows, :columns]
    return 2 * sources[y // 2, x // 2] + np.stack([y % 2, x % 2], -1)


def _causal(window: int) -> np.ndarray:
    """Offsets of the pixels that a scan by rows has written: the rows above, and the pixels to the left."""
    half = window // 2
    offsets = np.stack(np.mgrid[-half:1, -half : half + 1], -1).reshape(-1, 2)
    return offsets[: len(offsets) - half - 1]


def _flat_indices(places: np.ndarray, offsets: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Indices `(places, offsets)` in the flattened picture; what leaves it at one side enters at the other."""
    y = (places[:, None, 0] + offsets[:, 0]) % rows
    x = (places[:, None, 1] + offsets[:, 1]) % columns
    return y * columns + x


def _parents(parent: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The 3 x 3 pixels around each place in the picture of half the size: `(places, 27)`."""
    offsets = np.stack(np.mgrid[-1:2, -1:2], -1).reshape(-1, 2)
    return parent.reshape(-1, 3)[_flat_indices(places // 2, offsets, *parent.shape[:2])].reshape(len(places), -1)


def _places(shape: tuple[int, ...], window: int, *, with_parent: bool) -> np.ndarray:
    """The sample's pixels whose whole neighborhood lies inside it."""
    half, edge = window // 2, 2 if with_parent else 0
    bottom, right = shape[0] // 2 * 2 - edge, shape[1] // 2 * 2 - max(edge, half)
    return np.stack(np.mgrid[max(half, edge) : bottom, max(half, edge) : right], -1).reshape(-1, 2)


def _around(known: np.ndarray, places: np.ndarray, window: int, parent: np.ndarray | None) -> np.ndarray:
    values = known.reshape(-1, 3)[_flat_indices(places, _causal(window), *known.shape[:2])].reshape(len(places), -1)
    return values if parent is None else np.concatenate([values, _parents(parent, places)], 1)


def _principal(features: np.ndarray, dimensions: int) -> tuple[np.ndarray, np.ndarray]:
    mean = features.mean(0)
    _, vectors = np.linalg.eigh((features - mean).T @ (features - mean))
    return mean, np.ascontiguousarray(vectors[:, ::-1][:, :dimensions])


def _tree(points: np.ndarray):
    from scipy.spatial import cKDTree

    return cKDTree(points, leafsize=8)


def _leaning_scan(rows: int, columns: int, half: int) -> tuple[np.ndarray, list[int]]:
    """All places, in groups that follow each other: a pixel comes after the half window that it sees."""
    places = np.stack(np.mgrid[:rows, :columns], -1).reshape(-1, 2)
    time = places[:, 1] + (half + 1) * places[:, 0]
    order = np.argsort(time, kind="stable")
    return places[order], [0, *(np.flatnonzero(np.diff(time[order])) + 1).tolist(), len(order)]


def _table(pixels: np.ndarray, window: int) -> np.ndarray:
    """One column for each whole window of the sample: its squares summed over colors, then -2 times its values."""
    windows = np.lib.stride_tricks.sliding_window_view(pixels, (window, window), (0, 1))
    values = windows.reshape(-1, 3, window * window)
    return np.concatenate([(values**2).sum(1), -2 * values.reshape(len(values), -1)], 1).T


def _ring(filled: np.ndarray, inside: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The unfilled pixels that touch filled ones: in random order, then those with most filled neighbors first."""
    padded = np.pad(filled, 1)
    neighbors = np.lib.stride_tricks.sliding_window_view(padded, (3, 3)).sum((2, 3))
    ring = rng.permutation(np.argwhere((neighbors > 0) & ~filled & inside))
    return ring[np.argsort(-neighbors[ring[:, 0], ring[:, 1]], kind="stable")]


def _waves(ring: np.ndarray, half: int, shape: tuple[int, int]) -> list[np.ndarray]:
    """Split a ring in groups that can be filled at once, with the same result as one pixel after the other.

    A pixel sees those that come before it in the ring and lie in its window: its wave follows the last of theirs.
    """
    wave = np.zeros(shape, int)
    for y, x in ring.tolist():
        wave[y, x] = wave[y - half : y + half + 1, x - half : x + half + 1].max() + 1
    numbers = wave[ring[:, 0], ring[:, 1]]
    order = np.argsort(numbers, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1)


def _check(sample: Tensor, size: int | tuple[int, int], window: int) -> tuple[np.ndarray, int, int]:
    """The sample as whole numbers `(h, w, 3)`, and the result's height and width."""
    ready = check_images(None, sample, name="sample")
    if len(ready) != 1:
        raise ValueError(f"sample must be one image, not a batch of {len(ready)}.")
    if isinstance(window, bool) or not isinstance(window, int) or window < 3 or window % 2 == 0:
        raise ValueError(f"window must be an odd number from 3, not {window!r}.")
    if min(ready.shape[2:]) < window:
        h, w = ready.shape[2:]
        raise ValueError(
            f"a window of {window}x{window} does not fit in a sample of {h}x{w}; make one of them smaller."
        )
    height, width = (size, size) if isinstance(size, int) else size
    if min(height, width) < 3:
        raise ValueError(f"size must be at least 3, not {size!r}.")
    pixels = ready[0].permute(1, 2, 0).double().mul(255).round().clamp(0, 255).cpu().numpy()
    return pixels, int(height), int(width)


def _result(sample: Tensor, sources: np.ndarray, return_sources: bool) -> Tensor | tuple[Tensor, Tensor]:
    where = torch.from_numpy(np.ascontiguousarray(sources)).to(sample.device)
    image = sample.detach()[:, :, where[..., 0], where[..., 1]].clone()
    image[:, :, where[..., 0] < 0] = 0.5
    return (image, where) if return_sources else image
