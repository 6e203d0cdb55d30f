"""Occlusion: cover a part of the image, and see how far the class score falls (Zeiler & Fergus, 2014)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from tqdm.auto import tqdm

from course_utils.engines.windows import Watched, choose_runs, cut_window
from course_utils.networks.network import Network, frozen
from course_utils.validate import Target, check_choice, check_images, check_positive

Watch = Target | Callable[[Tensor], Tensor]


BASELINES = ("gray", "mean", "blur", "noise")


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


def occlusion(
    net: Network,
    images: Tensor,
    target: Watch = None,
    *,
    window: int | tuple[int, int] = 32,
    stride: int | tuple[int, int] = 16,
    baseline: str | float | Tensor = "gray",
    of: str = "score",
    method: str = "auto",
    batch_size: int = 64,
    seed: int = 0,
    progress: bool = True,
) -> Tensor:
    """The occlusion map: how far the score falls when a window around a pixel is covered.

    `M_ij = mean over the windows w that cover (i, j) of  S(x) - S(x with w covered)`. Positive: what was covered speaks for
    the class. Zeiler and Fergus plot the score itself, so their important places are the low ones.

    Args:
        net: the network.
        images: `(N, 3, H, W)` RGB in [0, 1].
        target: whose score is watched: None for the predicted class of each image, a class (index or name), one per image;
            a unit `"layer:channel"` (the mean of that feature map); or a function from the network's output `(P, ...)` to
            `(P,)`.
        window: side of the window in pixels, or `(height, width)`.
        stride: step from one window to the next, likewise; at most the window. The last windows are cut at the border.
        baseline: what covers the window: "gray" (0.5), "mean" (each image's mean color), "blur" (the image, blurred),
            "noise" (uniform), a number, or a picture that broadcasts to the images.
        of: "score" before the softmax, or "probability" after it.
        method: "incremental" recomputes only what a window can reach (exact), "full" runs the whole network for every
            window; "auto" takes incremental where it works and falls back to full with a warning.
        batch_size: windows at a time.
        seed: of the noise.
        progress: whether to show a bar. An interrupted run returns what it has.

    Returns:
        `(N, H, W)` on the images' device, in units of the score. Captum's `Occlusion` with
        `sliding_window_shapes=(3, window, window)`, `strides=(3, stride, stride)` and the same baseline gives the same.

    Raises:
        ValueError: a window larger than the image, a stride that is not positive or larger than the window, an unknown
            class, unit, baseline or method; or method "incremental" on a network it does not work for.

    Reference:
        Zeiler, Fergus: Visualizing and Understanding Convolutional Networks, ECCV 2014.
    """
    scores = occlusion_scores(
        net,
        images,
        target,
        window=window,
        stride=stride,
        baseline=baseline,
        of=of,
        method=method,
        batch_size=batch_size,
        seed=seed,
        progress=progress,
    )
    return scores.maps()


def occlusion_scores(
    net: Network,
    images: Tensor,
    target: Watch = None,
    *,
    window: int | tuple[int, int] = 32,
    stride: int | tuple[int, int] = 16,
    baseline: str | float | Tensor = "gray",
    of: str = "score",
    method: str = "auto",
    batch_size: int = 64,
    seed: int = 0,
    progress: bool = True,
    callback: Callable[[int, int, OcclusionScores], object] | None = None,
) -> OcclusionScores:
    """The score for every place of the window, and which method computed it; see `occlusion` for the other arguments.

    Args:
        callback: called after each batch of windows as `callback(done, windows, scores so far)`; if it returns something
            true, the work ends there, with NaN for the places that are left.
    """
    check_choice("of", of, ("score", "probability"))
    check_choice("method", method, METHODS)
    check_positive(batch_size=batch_size)
    ready = check_images(net, images)
    size = tuple(ready.shape[2:])
    window, stride = _sides("window", window), _sides("stride", stride)
    for axis, name in enumerate(("high", "wide")):
        if window[axis] > size[axis]:
            raise ValueError(f"window {window[axis]} is larger than the images, which are {size[axis]} pixels {name}.")
        if stride[axis] > window[axis]:
            raise ValueError(
                f"stride {stride[axis]} is larger than window {window[axis]}: pixels between would be skipped."
            )
    cover = baseline_images(ready, baseline, seed=seed)
    tops, lefts = window_starts(size[0], window[0], stride[0]), window_starts(size[1], window[1], stride[1])
    places = [(t, x) for t in tops for x in lefts]
    with frozen(net), torch.no_grad():
        runner = choose_runs(method, Watched(net, target, of), ready, cover, places[len(places) // 2], window)
        scores = torch.full((len(ready), len(places)), math.nan, dtype=ready.dtype, device=ready.device)
        bar = tqdm(total=scores.numel(), desc="occlusion", leave=False, disable=not progress)
        home, note = images.device, ""

        def result(note: str = "") -> OcclusionScores:
            grid = scores.view(len(ready), len(tops), len(lefts)).to(home, copy=True)
            return OcclusionScores(runner.clean.to(home), grid, window, stride, size, runner.name, runner.note + note)

        try:
            with bar:
                for image in range(len(ready)):
                    for part in torch.arange(len(places)).split(batch_size):
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
    """Where windows begin along one axis: every `stride` pixels until one reaches the border, where it is cut."""
    return [i * stride for i in range(math.ceil((size - window) / stride) + 1)]


def baseline_images(images: Tensor, baseline: str | float | Tensor = "gray", *, seed: int = 0) -> Tensor:
    """What windows show instead of the images, as whole pictures `(N, 3, H, W)`; see `occlusion`."""
    if isinstance(baseline, Tensor):
        try:
            return baseline.detach().to(images).expand_as(images)
        except RuntimeError:
            raise ValueError(
                f"a baseline of shape {tuple(baseline.shape)} does not fit images of shape {tuple(images.shape)}."
            ) from None
    if isinstance(baseline, (int, float)) and not isinstance(baseline, bool):
        if not 0 <= baseline <= 1:
            raise ValueError(f"baseline must be a gray value from 0 to 1, not {baseline}.")
        return torch.full_like(images, baseline)
    if not isinstance(baseline, str):
        raise TypeError(f"baseline must be a name, a number or a picture, not {type(baseline).__name__}.")
    check_choice("baseline", baseline, BASELINES)
    if baseline == "gray":
        return torch.full_like(images, 0.5)
    if baseline == "mean":
        return images.mean((2, 3), keepdim=True).expand_as(images)
    if baseline == "blur":
        from torchvision.transforms.functional import gaussian_blur

        sigma = max(images.shape[2:]) / 20
        kernel = min(2 * round(3 * sigma) + 1, *(2 * side - 1 for side in images.shape[2:]))
        return gaussian_blur(images, [kernel, kernel], [sigma, sigma])
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(images.shape, generator=generator, dtype=torch.float64).to(images)


def _sides(name: str, value: int | tuple[int, int]) -> tuple[int, int]:
    sides = (value, value) if not isinstance(value, (tuple, list)) else tuple(value)
    if len(sides) != 2 or any(isinstance(s, bool) or not hasattr(s, "__index__") for s in sides):
        raise TypeError(f"{name} must be a whole number of pixels or a pair (height, width), not {value!r}.")
    check_positive(**{name: min(sides)})
    return int(sides[0]), int(sides[1])
