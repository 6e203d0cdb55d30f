"""Neighborhoods of pixels, for both ways of growing a texture pixel by pixel: tables, orders and searches."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from torch import Tensor

from course_utils.validate import check_images, check_pair


def level_size(side: int, level: int) -> int:
    """A side of the picture that was halved `level` times, rounded up."""
    return -(-side // 2**level)


def halved(pixels: np.ndarray) -> np.ndarray:
    """Means of 2 x 2 pixels; the last row or column of an odd side is left out."""
    height, width = pixels.shape[0] // 2, pixels.shape[1] // 2
    return pixels[: 2 * height, : 2 * width].reshape(height, 2, width, 2, 3).mean((1, 3))


def enlarged_sources(sources: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Sources in the next larger picture: pixel 2 y + a, 2 x + b of the source block of a pixel y, x."""
    y, x = np.mgrid[:rows, :columns]
    return 2 * sources[y // 2, x // 2] + np.stack([y % 2, x % 2], -1)


def causal_offsets(window: int) -> np.ndarray:
    """Offsets of the pixels that a scan by rows has written: the rows above, and the pixels to the left."""
    half = window // 2
    offsets = np.stack(np.mgrid[-half:1, -half : half + 1], -1).reshape(-1, 2)
    return offsets[: len(offsets) - half - 1]


def flat_indices(places: np.ndarray, offsets: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Indices `(places, offsets)` in the flattened picture; what leaves it at one side enters at the other."""
    y = (places[:, None, 0] + offsets[:, 0]) % rows
    x = (places[:, None, 1] + offsets[:, 1]) % columns
    return y * columns + x


def parents(parent: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The 3 x 3 pixels around each place in the picture of half the size: `(places, 27)`."""
    offsets = np.stack(np.mgrid[-1:2, -1:2], -1).reshape(-1, 2)
    return parent.reshape(-1, 3)[flat_indices(places // 2, offsets, *parent.shape[:2])].reshape(len(places), -1)


def inner_places(shape: tuple[int, ...], window: int, *, with_parent: bool) -> np.ndarray:
    """The sample's pixels whose whole neighborhood lies inside it."""
    half, edge = window // 2, 2 if with_parent else 0
    bottom, right = shape[0] // 2 * 2 - edge, shape[1] // 2 * 2 - max(edge, half)
    return np.stack(np.mgrid[max(half, edge) : bottom, max(half, edge) : right], -1).reshape(-1, 2)


def around(known: np.ndarray, places: np.ndarray, window: int, parent: np.ndarray | None) -> np.ndarray:
    """What the sample has around each place: the causal neighborhood, and the parent's 3 x 3 pixels if there is one."""
    values = known.reshape(-1, 3)[flat_indices(places, causal_offsets(window), *known.shape[:2])].reshape(
        len(places), -1
    )
    return values if parent is None else np.concatenate([values, parents(parent, places)], 1)


def principal(features: np.ndarray, dimensions: int) -> tuple[np.ndarray, np.ndarray]:
    """The mean of the rows, and their first principal components as columns."""
    mean = features.mean(0)
    _, vectors = np.linalg.eigh((features - mean).T @ (features - mean))
    return mean, np.ascontiguousarray(vectors[:, ::-1][:, :dimensions])


def nearest_tree(points: np.ndarray):
    """A k-d tree of the rows."""
    from scipy.spatial import cKDTree

    return cKDTree(points, leafsize=8)


def leaning_scan(rows: int, columns: int, half: int) -> tuple[np.ndarray, list[int]]:
    """All places, in groups that follow each other: a pixel comes after the half window that it sees."""
    places = np.stack(np.mgrid[:rows, :columns], -1).reshape(-1, 2)
    time = places[:, 1] + (half + 1) * places[:, 0]
    order = np.argsort(time, kind="stable")
    return places[order], [0, *(np.flatnonzero(np.diff(time[order])) + 1).tolist(), len(order)]


def window_table(pixels: np.ndarray, window: int) -> np.ndarray:
    """One column for each whole window of the sample: its squares summed over colors, then -2 times its values."""
    windows = np.lib.stride_tricks.sliding_window_view(pixels, (window, window), (0, 1))
    values = windows.reshape(-1, 3, window * window)
    return np.concatenate([(values**2).sum(1), -2 * values.reshape(len(values), -1)], 1).T


def ring_of(filled: np.ndarray, inside: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The unfilled pixels that touch filled ones: in random order, then those with most filled neighbors first."""
    padded = np.pad(filled, 1)
    neighbors = np.lib.stride_tricks.sliding_window_view(padded, (3, 3)).sum((2, 3))
    ring = rng.permutation(np.argwhere((neighbors > 0) & ~filled & inside))
    return ring[np.argsort(-neighbors[ring[:, 0], ring[:, 1]], kind="stable")]


def waves(ring: np.ndarray, half: int, shape: tuple[int, int]) -> list[np.ndarray]:
    """Split a ring in groups that can be filled at once, with the same result as one pixel after the other.

    A pixel sees those that come before it in the ring and lie in its window: its wave follows the last of theirs.
    """
    wave = np.zeros(shape, int)
    for y, x in ring.tolist():
        wave[y, x] = wave[y - half : y + half + 1, x - half : x + half + 1].max() + 1
    numbers = wave[ring[:, 0], ring[:, 1]]
    order = np.argsort(numbers, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1)


def check_sample(sample: Tensor, size: int | tuple[int, int], window: int) -> tuple[np.ndarray, int, int]:
    """The sample as whole numbers `(h, w, 3)`, and the result's height and width.

    Args:
        sample: `(1, 3, h, w)` RGB in [0, 1].
        size: of the result, one number or `(H, W)`.
        window: side of the square window.

    Raises:
        ValueError: not one image, an even window, a window larger than the sample, or a size below 3.
    """
    ready = check_images(None, sample, name="sample")
    if len(ready) != 1:
        raise ValueError(f"sample must be one image, not a batch of {len(ready)}.")
    if isinstance(window, bool) or not isinstance(window, Integral) or window < 3 or window % 2 == 0:
        raise ValueError(f"window must be an odd number from 3, not {window!r}.")
    if min(ready.shape[2:]) < window:
        h, w = ready.shape[2:]
        raise ValueError(
            f"a window of {window}x{window} does not fit in a sample of {h}x{w}; make one of them smaller."
        )
    height, width = check_pair("size", size)
    if min(height, width) < 3:
        raise ValueError(f"size must be at least 3, not {size!r}.")
    pixels = ready[0].permute(1, 2, 0).double().mul(255).round().clamp(0, 255).cpu().numpy()
    return pixels, height, width


def copy_pixels(sample: Tensor, sources: Tensor) -> Tensor:
    """The picture whose pixels are copies of a sample's.

    Args:
        sample: `(1, 3, h, w)`.
        sources: `(H, W, 2)`, row and column in the sample for each pixel; -1 for a pixel that nothing was copied to.

    Returns:
        `(1, 3, H, W)`, gray where the source is -1.
    """
    rows, columns = sources.to(sample.device).unbind(-1)
    image = sample.detach()[:, :, rows, columns].clone()
    image[:, :, rows < 0] = 0.5
    return image
