"""What the channels of a layer do, as a pass that several workers can share."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from course_utils.engines.accumulators import ChannelStatistics
from course_utils.engines.passes import Pass
from course_utils.hooks import forward_to
from course_utils.validate import check_images


@dataclass
class StatisticsPass(Pass):
    """`channel_statistics` as a pass; `quantiles` is explained there."""

    quantiles: bool

    def take(self, found: ChannelStatistics | None, first: int, batch: Tensor) -> ChannelStatistics:
        """See `Pass`.

        Raises:
            ValueError: no such layer, or one without maps.
        """
        maps = forward_to(self.net, check_images(self.net, batch), [self.layer])[self.layer]
        if maps.ndim != 4:
            raise ValueError(f"layer {self.layer} has no feature maps: its output has shape {tuple(maps.shape)}.")
        new = ChannelStatistics.of(maps, quantiles=self.quantiles)
        return new if found is None else found.merge(new)

    def merge(self, found: ChannelStatistics, other: ChannelStatistics) -> ChannelStatistics:
        """See `Pass`."""
        return found.merge(other)
