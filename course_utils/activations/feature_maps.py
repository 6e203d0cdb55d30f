"""Feature maps: every channel of a layer as a small gray picture, and what single channels answer to."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from course_utils.hooks import layer_outputs
from course_utils.networks.network import Network
from course_utils.validate import check_choice, check_not_negative, check_whole

SCALINGS = ("shared", "own")


def feature_maps(net: Network, images: Tensor, layer: str, *, batch_size: int = 16) -> Tensor:
    """What a layer puts out: one small gray picture per channel.

    Args:
        net: the network.
        images: `(N, 3, H, W)` RGB in [0, 1].
        layer: its dotted path or alias, such as "relu3_1".
        batch_size: images at a time.

    Returns:
        `(N, C, h, w)` on the images' device, in the layer's own units. After a ReLU nothing is negative.

    Raises:
        ValueError: no such layer, or a layer without width and height (its output is one vector per image).
    """
    maps = layer_outputs(net, images, [layer], batch_size=batch_size)[layer]
    if maps.ndim != 4:
        raise ValueError(
            f"layer {layer!r} of {net.name} has no maps: its output has shape {tuple(maps.shape)}, without width and "
            "height. Choose a layer before the pooling; for vectors use features()."
        )
    return maps


def scale_maps(maps: Tensor, *, scaling: str = "shared") -> Tensor:
    """Turn feature maps into gray pictures: 0 is black, 1 is white.

    Args:
        maps: `(C, h, w)`, the channels of one image (or one channel of many images).
        scaling: "shared" takes one black and one white for all, so that brightness can be compared between pictures.
            "own" stretches each picture from its own smallest to its own largest value: every detail becomes visible,
            and a channel that whispers looks as loud as one that shouts.

    Returns:
        `(C, h, w)` in [0, 1]. A constant picture has nothing to stretch and is black under "own".

    Raises:
        ValueError: another shape, no maps, NaN, or no such scaling.
    """
    check_choice("scaling", scaling, SCALINGS)
    maps = check_maps(maps, 3)
    over = (0, 1, 2) if scaling == "shared" else (1, 2)
    low, high = maps.amin(over, keepdim=True), maps.amax(over, keepdim=True)
    span = high - low
    return (maps - low) / torch.where(span > 0, span, torch.ones_like(span))


def tile(pictures: Tensor, *, columns: int | None = None, gap: int = 1, fill: float = 0.35) -> Tensor:
    """Lay gray pictures out as one picture, row by row.

    Args:
        pictures: `(C, h, w)`.
        columns: how many side by side; None for nearly square.
        gap: pixels between them.
        fill: the gray of the gaps and of empty places.

    Returns:
        `(rows * (h + gap) - gap, columns * (w + gap) - gap)`.

    Raises:
        ValueError: no pictures, no columns, or a negative gap or fill.
    """
    pictures = check_maps(pictures, 3)
    count, height, width = pictures.shape
    columns = math.ceil(math.sqrt(count)) if columns is None else columns
    check_whole(columns=columns)
    check_whole(least=0, gap=gap)
    check_not_negative(fill=fill)
    rows = math.ceil(count / columns)
    sheet = pictures.new_full((rows, columns, height + gap, width + gap), fill)
    sheet.flatten(0, 1)[:count, :height, :width] = pictures
    sheet = sheet.permute(0, 2, 1, 3).reshape(rows * (height + gap), columns * (width + gap))
    return sheet[: rows * (height + gap) - gap, : columns * (width + gap) - gap]


def check_maps(maps: Tensor, ndim: int) -> Tensor:
    """The maps, detached; a ValueError unless they are a tensor of `ndim` axes that holds finite numbers."""
    if not isinstance(maps, Tensor) or maps.ndim != ndim:
        given = tuple(maps.shape) if isinstance(maps, Tensor) else type(maps).__name__
        raise ValueError(f"maps must be a tensor of shape (C, h, w), the channels of one image; not {given}.")
    if maps.numel() == 0:
        raise ValueError(f"there are no maps (shape {tuple(maps.shape)}).")
    if not torch.isfinite(maps).all():
        raise ValueError("maps contain NaN or infinity.")
    return maps.detach()
