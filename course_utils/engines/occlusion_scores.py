"""The score of a network for every place of a window that covers a part of the image, computed fast."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from tqdm.auto import tqdm

from course_utils.engines.baselines import baseline_images
from course_utils.engines.windows import Watched, choose_runs, cut_window
from course_utils.networks.network import Network, frozen
from course_utils.validate import Target, check_choice, check_images, check_pair, check_whole, split_batch

Watchable = Target | Callable[[Tensor], Tensor]


METHODS = ("auto", "incremental", "full")


@dataclass
class OcclusionScores:
    """What occlusion measured, before it is painted as a map.

    Attributes:
        clean: `(N,)`, the score of each whole image.
        scores: `(N, rows, columns)`, the score with the window at each place; NaN where a run was interrupted.
        window, stride: in pixels, `(height, width)`.
        size: `(H, W)` of the images.
        method: "incremental" or "full", whichever was used.
        note: why, or which layers had to be computed whole.
    """

    clean: Tensor
    scores: Tensor
    window: tuple[int, int]
    stride: tuple[int, int]
    size: tuple[int, int]
    method: str
    note: str

    def drops(self) -> Tensor:
        """`(N, rows, columns)`: how far the score falls with the window at each place; negative where it rises."""
        return self.clean[:, None, None] - self.scores

    def maps(self) -> Tensor:
        """`(N, H, W)`: every pixel's mean drop over the windows that cover it."""
        drops = self.drops()
        total = torch.zeros((len(drops), *self.size), dtype=drops.dtype, device=drops.device)
        count = torch.zeros_like(total)
        for row, top in enumerate(window_starts(self.size[0], self.window[0], self.stride[0])):
            for column, left in enumerate(window_starts(self.size[1], self.window[1], self.stride[1])):
                drop = drops[:, row, column]
                place = (slice(None), slice(top, top + self.window[0]), slice(left, left + self.window[1]))
                total[place] += drop.nan_to_num(0)[:, None, None]
                count[place] += (~drop.isnan())[:, None, None]
        return total / count.clamp(min=1)


def occlusion_scores(
    net: Network,
    images: Tensor,
    target: Watchable = None,
    *,
    window: int | tuple[int, int] = 32,
    stride: int | tuple[int, int] = 16,
    baseline: str | float | Tensor = "gray",
    of: str = "score",
    method: str = "auto",
    batch_size: int = 64,  # as in `occlusion`
    seed: int = 0,
    progress: bool = True,
    callback: Callable[[int, int, OcclusionScores], object] | None = None,
) -> OcclusionScores:
    """The score for every place of the window, and which method computed it.

    Args:
        net, images, target, window, stride, baseline, of, method, batch_size, seed, progress: as in `occlusion`.
        callback: called after each batch of windows as `callback(done, windows, scores so far)`; if it returns
            something true, the work ends there, with NaN for the places that are left.

    Returns:
        `OcclusionScores`; its `maps()` are the occlusion maps.

    Raises:
        ValueError: as in `occlusion`.
    """
    check_choice("of", of, ("score", "probability"))
    check_choice("method", method, METHODS)
    check_whole(batch_size=batch_size)
    ready = check_images(net, images)
    size = tuple(ready.shape[2:])
    window, stride = check_windows(size, window, stride)
    cover = baseline_images(ready, baseline, seed=seed)
    tops, lefts = window_starts(size[0], window[0], stride[0]), window_starts(size[1], window[1], stride[1])
    places = [(t, x) for t in tops for x in lefts]
    with frozen(net), torch.no_grad():
        runner = choose_runs(method, Watched(net, target, of), ready, cover, places, window)
        scores = torch.full((len(ready), len(places)), math.nan, dtype=ready.dtype, device=ready.device)
        bar = tqdm(total=scores.numel(), desc="occlusion", leave=False, disable=not progress)
        home, note = images.device, ""

        def result(note: str = "") -> OcclusionScores:
            grid = scores.view(len(ready), len(tops), len(lefts)).to(home, copy=True)
            return OcclusionScores(runner.clean.to(home), grid, window, stride, size, runner.name, runner.note + note)

        try:
            with bar:
                for image in range(len(ready)):
                    for part in split_batch(torch.arange(len(places)), batch_size):
                        patches = [cut_window(cover[image], *places[i], window) for i in part]
                        scores[image, part] = runner.score(image, patches, [places[i] for i in part]).to(scores.dtype)
                        bar.update(len(part))
                        done = image * len(places) + int(part[-1]) + 1
                        if callback is not None and callback(done, scores.numel(), result()):
                            raise KeyboardInterrupt  # a callback that ends the work and a person's Ctrl-C are the same
        except KeyboardInterrupt:
            note = "; interrupted"
    return result(note)


def window_starts(size: int, window: int, stride: int) -> list[int]:
    """Where windows begin along one axis: every `stride` pixels until one reaches the border, where it is cut.

    Args:
        size: pixels along the axis.
        window: pixels of a window.
        stride: pixels from one window to the next.
    """
    return [i * stride for i in range(math.ceil((size - window) / stride) + 1)]


def check_windows(
    size: tuple[int, int], window: int | tuple[int, int], stride: int | tuple[int, int]
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Window and stride as pairs `(height, width)`.

    Args:
        size: `(H, W)` of the images.
        window, stride: one number of pixels, or a pair.

    Raises:
        ValueError: a window larger than the images, or a stride larger than the window; one that is not positive.
        TypeError: no whole numbers.
    """
    window, stride = check_pair("window", window), check_pair("stride", stride)
    for axis, name in enumerate(("high", "wide")):
        if window[axis] > size[axis]:
            raise ValueError(f"window {window[axis]} is larger than the images, which are {size[axis]} pixels {name}.")
        if stride[axis] > window[axis]:
            raise ValueError(
                f"stride {stride[axis]} is larger than window {window[axis]}: pixels between would be skipped."
            )
    return window, stride
