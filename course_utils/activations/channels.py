"""What single channels answer to: responses over many photos, selectivity, separation of two groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from course_utils.activations.feature_maps import feature_maps
from course_utils.networks.network import Network
from course_utils.validate import check_batch, split_batch


@dataclass(frozen=True)
class Channels:
    """What the channels of a layer did over a set of images; C channels, N images.

    Attributes:
        peak: `(N, C)`, the largest value of each map.
        mean: `(N, C)`, the mean of each map.
        dead: `(C,)` bool; the channel had one and the same value everywhere in every image.
        selectivity: `(C,)` in [0, 1]: 0 for a channel that answers alike to every image, 1 for one that answers to a
            single image; 0 for dead channels.
    """

    peak: Tensor
    mean: Tensor
    dead: Tensor
    selectivity: Tensor

    def strongest(self, image: int = 0, k: int = 8) -> Tensor:
        """The `k` channels with the highest peak in one image, strongest first; ties by the lower number. `(k,)` int64.

        Raises:
            ValueError: no such image, or fewer than `k` channels.
        """
        count, channels = self.peak.shape
        if not -count <= image < count:
            raise ValueError(f"there is no image {image}; there are {count}.")
        if not 1 <= k <= channels:
            raise ValueError(f"k must be between 1 and {channels}, the number of channels; not {k}.")
        return self.peak[image].argsort(descending=True, stable=True)[:k]


def channels(net: Network, images: Tensor, layer: str, *, batch_size: int = 16) -> Channels:
    """Measure every channel of a layer over many images: peaks, means, dead and selective channels.

    The maps themselves are not kept, so that many images fit. For a folder, an iterator, or a cluster's workers:
    `channel_statistics`.

    Args:
        net, images, layer: as in `feature_maps`.
        batch_size: images at a time.

    Returns:
        `Channels`: peaks, means, which channels are dead, how selective they are.

    Raises:
        ValueError: as in `feature_maps`; fewer than two images have no selectivity.
    """
    peaks, means, low, high = [], [], [], []
    for part in split_batch(check_batch(net, images, others="channel_statistics"), batch_size):
        maps = feature_maps(net, part, layer)
        peaks.append(maps.amax((2, 3)))
        means.append(maps.mean((2, 3)))
        low.append(maps.amin((0, 2, 3)))
        high.append(maps.amax((0, 2, 3)))
    peak, mean = torch.cat(peaks), torch.cat(means)
    dead = torch.stack(low).amin(0) == torch.stack(high).amax(0)
    chosen = torch.where(dead, torch.zeros_like(dead, dtype=peak.dtype), selectivity(peak))
    return Channels(peak, mean, dead, chosen)


def selectivity(responses: Tensor) -> Tensor:
    """How few images a channel answers to: `(1 - (mean r)^2 / mean(r^2)) / (1 - 1/N)`.

    Args:
        responses: `(N, C)`, one number per image and channel; negative ones count as no response.

    Returns:
        `(C,)` in [0, 1]: 0 if all images give the same response (or none does), 1 if exactly one image gives any.

    Raises:
        ValueError: another shape, or fewer than two images.

    Reference:
        Vinje & Gallant: Sparse coding and decorrelation in primary visual cortex, Science 2000 (lifetime sparseness).
    """
    if responses.ndim != 2 or len(responses) < 2:
        raise ValueError(f"responses must have shape (N, C) with N >= 2; this one has shape {tuple(responses.shape)}.")
    r = responses.clamp(min=0).double() if responses.device.type != "mps" else responses.clamp(min=0)
    r = r / r.amax(0).clamp(min=torch.finfo(r.dtype).tiny)  # the measure has no unit; this avoids underflow of squares
    power = r.square().mean(0)
    share = torch.where(power > 0, r.mean(0).square() / power.clamp(min=1e-30), torch.ones_like(power))
    return ((1 - share) / (1 - 1 / len(r))).clamp(0, 1).to(responses.dtype)


def separation(responses: Tensor, group: Sequence[bool] | Tensor) -> Tensor:
    """How well each channel tells a group of images from the others: the area under the ROC curve.

    It is the probability that a random image of the group gives a higher response than a random other one; an equal
    response counts one half.

    Args:
        responses: `(N, C)`, such as `channels(...).peak`.
        group: N booleans, True for the images of the group.

    Returns:
        `(C,)` in [0, 1]: 1 if every image of the group lies above all others, 0.5 for a channel that does not care.

    Raises:
        ValueError: shapes that do not fit, or a group with all images or none.
        TypeError: a group that does not hold booleans.
    """
    group = torch.as_tensor(group, device=responses.device)
    if group.dtype != torch.bool:
        raise TypeError(f"group must hold booleans, one per image, not {group.dtype}.")
    if responses.ndim != 2 or group.shape != responses.shape[:1]:
        raise ValueError(
            f"responses must be (N, C) and group (N,); these are {tuple(responses.shape)}, {tuple(group.shape)}."
        )
    if group.all() or not group.any():
        raise ValueError("group must hold at least one True and one False, or there is nothing to tell apart.")
    inside, outside = responses[group][:, None], responses[~group][None]
    wins = (inside > outside).to(responses.dtype) + (inside == outside).to(responses.dtype) / 2
    return wins.mean((0, 1))
