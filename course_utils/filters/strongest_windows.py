"""Where a first-layer filter answers most in photos."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from course_utils.filters.first_layer import convolutions, filter_response
from course_utils.networks.network import Network
from course_utils.validate import check_images, check_whole

FRAME = (1.0, 0.0, 1.0)  # magenta is rare in photos


def strongest_windows(
    net: Network,
    images: Tensor,
    channel: int,
    *,
    k: int = 4,
    size: int = 24,
    per_image: int | None = None,
    framed: bool = False,
) -> list[Tensor]:
    """The windows of photos where a first-layer filter responds most, none overlapping.

    Args:
        net: the network.
        images: `(N, 3, H, W)` in [0, 1].
        channel: which filter of the first convolution.
        k: how many windows, out of all photos together.
        size: side of a window in pixels.
        per_image: at most so many from one photo; None for any number.
        framed: draw a thin frame around the pixels that the filter itself sees, magenta (white if not RGB).

    Returns:
        at most `k` pictures `(3, size, size)`, the strongest first.

    Raises:
        ValueError: no such channel, or a number that is none.
    """
    check_whole(k=k, size=size)
    if per_image is not None:
        check_whole(per_image=per_image)
    images = check_images(net, images).cpu()
    left = filter_response(net, images, channel=channel).cpu().clone()
    scale = images.shape[-1] / left.shape[-1]
    seen = net.layer(convolutions(net)[0]).kernel_size[0]
    taken = [0] * len(images)
    windows: list[Tensor] = []
    while len(windows) < k and not torch.isneginf(left.amax()):
        number, place = divmod(int(left.argmax()), left[0].numel())
        row, column = divmod(place, left.shape[2])
        middle = int((row + 0.5) * scale), int((column + 0.5) * scale)
        picture = _frame(images[number], middle, seen // 2 + 1) if framed else images[number]
        y, x = (max(0, min(m - size // 2, side - size)) for m, side in zip(middle, images.shape[2:], strict=True))
        windows.append(picture[:, y : y + size, x : x + size])
        half = max(1, round(size / scale))
        left[number, max(0, row - half) : row + half + 1, max(0, column - half) : column + half + 1] = -math.inf
        taken[number] += 1
        if taken[number] == per_image:
            left[number] = -math.inf
    return windows


def _frame(image: Tensor, middle: tuple[int, int], radius: int) -> Tensor:
    """A copy with a frame of one pixel, `radius` pixels from the middle."""
    top, left = (max(0, m - radius) for m in middle)
    bottom, right = (m + radius for m in middle)
    color = torch.tensor(FRAME if len(image) == 3 else [1.0], dtype=image.dtype)[:, None]
    framed = image.clone()
    framed[:, top : bottom + 1, left : right + 1] = color[:, :, None]
    inside = slice(None), slice(top + 1, bottom), slice(left + 1, right)
    framed[inside] = image[inside]
    return framed
