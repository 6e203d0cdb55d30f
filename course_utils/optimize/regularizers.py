"""What pulls the pixels back after each step: decay, blur, and pixels set to the mean color.

Each is a function of the pixels `z` (counted from the mean color, so that 0 is "nothing"), of the gradient, and of the
step's number. They act in the order in which they are given; Yosinski's order is decay, blur, small norm, small
contribution.

Reference:
    Yosinski, Clune, Nguyen, Fuchs, Lipson: Understanding Neural Networks Through Deep Visualization, ICML Workshop
    2015.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from course_utils.validate import check_number, check_positive, check_whole


@dataclass(frozen=True)
class L2Decay:
    """`z <- (1 - decay) z`: the gradient step of an L2 penalty. Extreme pixels shrink most.

    Raises:
        ValueError, TypeError: `decay` is no number in [0, 1].
    """

    decay: float = 1e-4

    def __post_init__(self):
        check_number(decay=self.decay)
        if not 0 <= self.decay <= 1:
            raise ValueError(f"decay must lie between 0 and 1, not {self.decay!r}.")

    def __call__(self, z: Tensor, gradient: Tensor, step: int) -> Tensor:
        return (1 - self.decay) * z


@dataclass(frozen=True)
class Blur:
    """A Gaussian blur of `sigma` pixels every `every` steps: fine noise goes. Below 0.3 it does almost nothing.

    Raises:
        ValueError: a number that is not greater than 0.
    """

    sigma: float = 1.0
    every: int = 4

    def __post_init__(self):
        check_positive(sigma=self.sigma)
        check_whole(every=self.every)

    def __call__(self, z: Tensor, gradient: Tensor, step: int) -> Tensor:
        return gaussian_blur(z, self.sigma) if step % self.every == 0 else z


@dataclass(frozen=True)
class ClipSmallNorm:
    """The `percent` of pixels with the smallest norm over their colors become 0: only the main object stays."""

    percent: float = 20

    def __post_init__(self):
        _check_percent(self.percent)

    def __call__(self, z: Tensor, gradient: Tensor, step: int) -> Tensor:
        return _without_smallest(z, z.norm(dim=1, keepdim=True), self.percent)


@dataclass(frozen=True)
class ClipSmallContribution:
    """The `percent` of pixels whose removal would change the objective least become 0.

    Removing a pixel changes it by about `|sum over colors of gradient * (-z)|`, to first order.
    """

    percent: float = 20

    def __post_init__(self):
        _check_percent(self.percent)

    def __call__(self, z: Tensor, gradient: Tensor, step: int) -> Tensor:
        return _without_smallest(z, (gradient * -z).sum(1, keepdim=True).abs(), self.percent)


Regularizer = L2Decay | Blur | ClipSmallNorm | ClipSmallContribution


def _check_percent(percent: float) -> None:
    check_number(percent=percent)
    if not 0 <= percent <= 100:
        raise ValueError(f"percent must lie between 0 and 100, not {percent!r}.")


def _without_smallest(z: Tensor, sizes: Tensor, percent: float) -> Tensor:
    """`z` with 0 at the pixels whose size lies below the percentile of its image."""
    border = torch.quantile(sizes.flatten(1), percent / 100, dim=1)
    return torch.where(sizes < border[:, None, None, None], torch.zeros_like(z), z)


def gaussian_blur(images: Tensor, sigma: float) -> Tensor:
    """A Gaussian blur of a batch `(N, C, H, W)`, each channel alone, cut off at 4 sigma; the border is mirrored."""
    from torchvision.transforms.v2.functional import gaussian_blur

    radius = min(max(1, math.ceil(4 * sigma)), *(side - 1 for side in images.shape[2:]))  # no more than can be mirrored
    return gaussian_blur(images, [2 * radius + 1] * 2, [sigma, sigma])


# The four settings of the paper's Table 1, for 1 pixel = 1 / 255 as everywhere; steps and learning rates are the
# caller's.
YOSINSKI = {
    1: (Blur(0.5, 4), ClipSmallNorm(50)),
    2: (L2Decay(0.3), ClipSmallNorm(20)),
    3: (L2Decay(1e-4), Blur(1.0, 4)),
    4: (Blur(0.5, 4), ClipSmallContribution(90)),
}
