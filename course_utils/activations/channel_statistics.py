"""What the channels of a layer do over any number of images: means, spreads and quantiles, without a list of all."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from course_utils.engines.accumulators import ChannelStatistics
from course_utils.engines.passes import go_over
from course_utils.engines.statistics_pass import StatisticsPass
from course_utils.networks.network import Network
from course_utils.validate import check_whole

if TYPE_CHECKING:
    from distributed import Client


def channel_statistics(
    net: Network,
    images: Iterable | Tensor | str | Path,
    layer: str,
    *,
    quantiles: bool = False,
    batch_size: int = 16,
    size: int = 224,
    progress: bool = True,
    client: Client | None = None,
    checkpoint: str | Path | None = None,
    chunk: int | None = None,
) -> ChannelStatistics:
    """Measure every channel of a layer over any number of images.

    `channels` keeps a number for each image and channel; this keeps none, so memory does not grow with the images.

    Args:
        net, images, layer: as in `top_patches`.
        quantiles: also keep a sketch of each channel's peaks, for `found.quantiles.at(0.99)`; needs the package
            ddsketch.
        batch_size, size, progress, client, checkpoint, chunk: as in `top_patches`. Parts are added in float64; their
            order changes the last digits only.

    Returns:
        A `ChannelStatistics`.

    Raises:
        ValueError: no images, no such layer, or a layer without feature maps.
        CourseError: as in `top_patches`, or quantiles without ddsketch.
    """
    check_whole(batch_size=batch_size, size=size)
    task = StatisticsPass(net, layer, int(batch_size), int(size), quantiles)
    options = {"client": client, "checkpoint": checkpoint, "chunk": chunk, "progress": progress}
    over = go_over(task, images, **options, title=f"channels of {layer}")
    over.warn(images)
    if over.found is None:
        raise ValueError("there are no images to look at.")
    return over.found
