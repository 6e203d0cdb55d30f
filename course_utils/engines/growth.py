"""A picture that grows outward from a seed, for Efros and Leung's method: what is filled, and how windows differ."""

from __future__ import annotations

import numpy as np

from course_utils.engines.neighborhoods import window_table


class Growth:
    """A picture in the making, and the place in the sample from which each of its pixels comes.

    Around it lies a margin of pixels that are never filled, so that the window of every pixel lies inside.

    Args:
        pixels: `(h, w, 3)`, the sample, whole numbers from 0 to 255.
        size: `(height, width)` of the picture.
        weights: `(window * window,)`, how much each pixel of a window counts.

    Attributes:
        filled: which pixels are filled, with the margin.
        inside: which pixels are not the margin.
        middle: the picture without the margin, as slices.
        sources: `(height, width, 2)` with the margin, row and column in the sample; -1 where nothing is filled.
    """

    def __init__(self, pixels: np.ndarray, size: tuple[int, int], weights: np.ndarray):
        window = round(len(weights) ** 0.5)
        self._pixels, self._weights, self._half = pixels, weights, window // 2
        self._table = window_table(pixels, window)
        self._centers = (pixels.shape[0] - 2 * self._half, pixels.shape[1] - 2 * self._half)
        self._out = np.zeros((size[0] + 2 * self._half, size[1] + 2 * self._half, 3))
        self.filled = np.zeros(self._out.shape[:2], bool)
        self.middle = tuple(slice(self._half, self._half + side) for side in size)
        self.inside = np.zeros(self._out.shape[:2], bool)
        self.inside[self.middle] = True
        self.sources = np.full((*self._out.shape[:2], 2), -1)
        self._windows = np.lib.stride_tricks.sliding_window_view(self._out, (window, window), (0, 1))
        self._masks = np.lib.stride_tricks.sliding_window_view(self.filled, (window, window))

    def plant(self, rng: np.random.Generator) -> None:
        """Fill the 3 x 3 pixels in the middle with those from a random place of the sample."""
        top, left = rng.integers(0, self._pixels.shape[0] - 2), rng.integers(0, self._pixels.shape[1] - 2)
        height, width = (side.stop - side.start for side in self.middle)
        row, column = self._half + height // 2 - 1, self._half + width // 2 - 1
        block = np.s_[row : row + 3, column : column + 3]
        self.sources[block] = np.stack(np.mgrid[top : top + 3, left : left + 3], -1)
        self._out[block], self.filled[block] = self._pixels[top : top + 3, left : left + 3], True

    def errors(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How much the filled part of the window around each place differs from every window of the sample.

        Returns:
            `(places, windows)`, weighted sums of squared differences, and `(places,)`, the sums of the weights.
        """
        rows, columns = places[:, 0] - self._half, places[:, 1] - self._half
        known = self._masks[rows, columns].reshape(len(places), -1) * self._weights
        around = self._windows[rows, columns].reshape(len(places), 3, -1)
        # weighted sum of squared differences: sum w (s - t)^2 = sum w s^2 - 2 sum w s t + sum w t^2
        question = np.concatenate([known, (known[:, None] * around).reshape(len(places), -1)], 1)
        errors = question @ self._table + (known[:, None] * around**2).sum((1, 2))[:, None]
        return errors, known.sum(1)

    def fill(self, place: np.ndarray, window: int) -> None:
        """Copy the middle of one window of the sample, by its number."""
        y, x = place
        self.sources[y, x] = np.unravel_index(window, self._centers)
        self.sources[y, x] += self._half
        self._out[y, x], self.filled[y, x] = self._pixels[tuple(self.sources[y, x])], True
