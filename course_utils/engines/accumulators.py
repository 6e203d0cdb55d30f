"""Numbers over any number of images that can be taken in parts: the order and the size of the parts do not matter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from course_utils.errors import CourseError

ACCURACY = 0.01  # of a quantile: at most so much of its own value away


@dataclass
class Moments:
    """Mean and spread of C numbers over what was seen so far, in float64.

    Attributes:
        count: how many times.
        mean: `(C,)`.
        squares: `(C,)`, the sum of squared distances from the mean.

    Reference:
        Chan, Golub, LeVeque: Updating formulae and a pairwise algorithm for computing sample variances, 1979.
    """

    count: int
    mean: Tensor
    squares: Tensor

    @classmethod
    def of(cls, values: Tensor) -> Moments:
        """Of `(N, C)` values."""
        values = values.cpu().double()
        mean = values.mean(0)
        return cls(len(values), mean, (values - mean).square().sum(0))

    def merge(self, other: Moments) -> Moments:
        """Of both together, as a new object."""
        count = self.count + other.count
        change = other.mean - self.mean
        squares = self.squares + other.squares + change.square() * (self.count * other.count / count)
        return Moments(count, self.mean + change * (other.count / count), squares)

    @property
    def variance(self) -> Tensor:
        """`(C,)`, of the values themselves: divided by their number."""
        return self.squares / self.count


@dataclass
class Quantiles:
    """Quantiles of C numbers, at most one percent of their value away from an exact one; smaller than a list of all.

    They are counts in bins, so parts merge to the same counts in any order.

    Attributes:
        sketches: one `DDSketch` for each of the C.

    Reference:
        Masson, Rim, Lee: DDSketch, a fast and fully-mergeable quantile sketch with relative-error guarantees, 2019.
    """

    sketches: list[Any]

    @classmethod
    def of(cls, values: Tensor) -> Quantiles:
        """Of `(N, C)` values.

        Raises:
            CourseError: the package ddsketch is not installed.
        """
        try:
            from ddsketch import DDSketch
        except ImportError:
            raise CourseError(
                "Quantiles need the package ddsketch: pip install ddsketch. Without them: quantiles=False."
            ) from None
        sketches = [DDSketch(ACCURACY) for _ in range(values.shape[1])]
        for sketch, column in zip(sketches, values.T.tolist(), strict=True):
            for value in column:
                sketch.add(value)
        return cls(sketches)

    def merge(self, other: Quantiles) -> Quantiles:
        """Of both together, as a new object: an interrupted merge leaves both as they were."""
        from ddsketch import DDSketch

        sketches = [DDSketch(ACCURACY) for _ in self.sketches]
        for new, mine, theirs in zip(sketches, self.sketches, other.sketches, strict=True):
            new.merge(mine)
            new.merge(theirs)
        return Quantiles(sketches)

    def at(self, share: float) -> Tensor:
        """`(C,)`: the value that the given share of all values does not exceed.

        Raises:
            ValueError: a share that is not between 0 and 1.
        """
        if not 0 <= share <= 1:
            raise ValueError(f"share must be between 0 and 1, not {share}.")
        values = [sketch.get_quantile_value(share) for sketch in self.sketches]
        return torch.tensor(values, dtype=torch.float64)


@dataclass
class ChannelStatistics:
    """What the channels of a layer did over any number of images; C channels.

    Attributes:
        images: how many.
        peak: of the largest value of each map.
        mean: of the mean of each map.
        response: of the peaks, where a negative one counts as 0.
        low, high: `(C,)`, the smallest and the largest value of all maps.
        quantiles: of the peaks; None if they were not asked for.
    """

    peak: Moments
    mean: Moments
    response: Moments
    low: Tensor
    high: Tensor
    quantiles: Quantiles | None = None

    @classmethod
    def of(cls, maps: Tensor, *, quantiles: bool) -> ChannelStatistics:
        """Of feature maps `(N, C, H, W)`; `quantiles`: whether to have them."""
        peaks, means = maps.amax((2, 3)), maps.mean((2, 3))
        moments = Moments.of(peaks), Moments.of(means), Moments.of(peaks.clamp(min=0))
        low, high = maps.amin((0, 2, 3)).cpu(), maps.amax((0, 2, 3)).cpu()
        return cls(*moments, low, high, Quantiles.of(peaks) if quantiles else None)

    def merge(self, other: ChannelStatistics) -> ChannelStatistics:
        """Over both sets of images, as a new object.

        Raises:
            ValueError: one has quantiles, and the other has none.
        """
        if (self.quantiles is None) != (other.quantiles is None):
            raise ValueError("one has quantiles, and the other has none.")
        quantiles = None if self.quantiles is None else self.quantiles.merge(other.quantiles)
        moments = [getattr(self, name).merge(getattr(other, name)) for name in ("peak", "mean", "response")]
        low, high = torch.minimum(self.low, other.low), torch.maximum(self.high, other.high)
        return ChannelStatistics(*moments, low, high, quantiles)

    @property
    def images(self) -> int:
        return self.peak.count

    @property
    def dead(self) -> Tensor:
        """`(C,)` bool; the channel had one and the same value everywhere in every image."""
        return self.low == self.high

    @property
    def selectivity(self) -> Tensor:
        """`(C,)` in [0, 1], as in `Channels`: 1 for a channel that answers to a single image; 0 for dead channels."""
        r = self.response
        power = r.variance + r.mean.square()
        share = torch.where(power > 0, r.mean.square() / power.clamp(min=torch.finfo(power.dtype).tiny), 1.0)
        chosen = ((1 - share) / (1 - 1 / max(r.count, 2))).clamp(0, 1)
        return torch.where(self.dead, torch.zeros_like(chosen), chosen)
