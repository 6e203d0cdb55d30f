"""Occlusion: cover a part of the image, and see how far the class score falls (Zeiler & Fergus, 2014).

`plain_occlusion` is the method as the lecture tells it; `occlusion` gives the same map in less time.
"""

from __future__ import annotations

import torch
from torch import Tensor

from course_utils.engines.baselines import baseline_images
from course_utils.engines.occlusion_scores import Watchable, check_windows, occlusion_scores, window_starts
from course_utils.networks.network import Network, frozen
from course_utils.validate import Target, check_images, check_target


def plain_occlusion(
    net: Network,
    images: Tensor,
    target: Target = None,
    *,
    window: int | tuple[int, int] = 32,
    stride: int | tuple[int, int] = 16,
    baseline: str | float | Tensor = "gray",
    seed: int = 0,
) -> Tensor:
    """The occlusion map of class scores in loops: cover a place, run the network, average over the windows of a pixel.

    Args:
        net: a classifier.
        images: `(N, 3, H, W)` RGB in [0, 1].
        target: whose score is watched: None for the predicted class of each image, a class (index or name), one per
            image.
        window, stride, baseline, seed: as in `occlusion`.

    Returns:
        `(N, H, W)` on the images' device, in units of the score.

    Raises:
        ValueError: a window larger than the image, a stride that is not positive or larger than the window, an unknown
            class or baseline.
    """
    ready = check_images(net, images)
    (height, width), (down, right) = check_windows(tuple(ready.shape[2:]), window, stride)
    cover = baseline_images(ready, baseline, seed=seed)
    total, count = torch.zeros_like(ready[:, 0]), torch.zeros_like(ready[:, 0])
    with frozen(net), torch.no_grad():
        scores = net(ready)
        classes = check_target(net, target, scores)[:, None]
        clean = scores.gather(1, classes)
        for top in window_starts(ready.shape[2], height, down):
            for left in window_starts(ready.shape[3], width, right):
                place = (..., slice(top, top + height), slice(left, left + width))
                covered = ready.clone()
                covered[place] = cover[place]
                drop = clean - net(covered).gather(1, classes)
                total[place] += drop[:, :, None]
                count[place] += 1
    return (total / count).to(images.device)


def occlusion(
    net: Network,
    images: Tensor,
    target: Watchable = None,
    *,
    window: int | tuple[int, int] = 32,
    stride: int | tuple[int, int] = 16,
    baseline: str | float | Tensor = "gray",
    of: str = "score",
    method: str = "auto",
    batch_size: int = 64,  # crops are small: a tenth less time than with 16
    seed: int = 0,
    progress: bool = True,
) -> Tensor:
    """The occlusion map: how far the score falls when a window around a pixel is covered.

    `M_ij = mean over the windows w that cover (i, j) of  S(x) - S(x with w covered)`. Positive: what was covered speaks
    for the class. Zeiler and Fergus plot the score itself, so their important places are the low ones.

    Args:
        net: the network.
        images: `(N, 3, H, W)` RGB in [0, 1].
        target: whose score is watched: None for the predicted class of each image, a class (index or name), one per
            image; a unit `"layer:channel"` (the mean of that feature map); or a function from the network's output
            `(P, ...)` to `(P,)`.
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
