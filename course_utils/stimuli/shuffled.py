"""A picture cut into square tiles: in another order, or in place under gray lines. How much does the order count?"""

from __future__ import annotations

import torch
from torch import Tensor

from course_utils.validate import check_images, check_number, check_whole, seeded


def shuffled_tiles(images: Tensor, side: int, *, seed: int = 0) -> Tensor:
    """Cut each picture into square tiles and put them together in another order, drawn for each picture.

    Args:
        images: `(N, 3, H, W)` in [0, 1].
        side: of a tile in pixels; it divides H and W.
        seed: of the orders.

    Returns:
        `(N, 3, H, W)`: the same tiles, elsewhere.

    Raises:
        ValueError: images that are none, or a side that does not divide theirs.
    """
    images = _check(images, side)
    rows, columns = (length // side for length in images.shape[2:])
    tiles = images.unfold(2, side, side).unfold(3, side, side).flatten(2, 3)  # (N, 3, tiles, side, side)
    generator = seeded(seed)
    orders = [torch.randperm(rows * columns, generator=generator).to(images.device) for _ in images]
    moved = torch.stack([one[:, order] for one, order in zip(tiles, orders, strict=True)])
    return moved.unflatten(2, (rows, columns)).transpose(3, 4).flatten(4, 5).flatten(2, 3)


def lined_tiles(images: Tensor, side: int, *, width: int = 4, gray: float = 0.5) -> Tensor:
    """Draw gray lines over all borders between tiles, so that nobody sees whether the tiles were moved.

    Args:
        images: `(N, 3, H, W)` in [0, 1].
        side: of a tile in pixels; it divides H and W.
        width: of the lines in pixels, half of it on each side of a border.
        gray: of the lines, in [0, 1].

    Returns:
        `(N, 3, H, W)`, a copy with lines.

    Raises:
        ValueError: images that are none, a side that does not divide theirs, lines as wide as a tile, or a gray
            outside of [0, 1].
        TypeError: gray is no number.
    """
    images = _check(images, side).clone()
    check_whole(width=width)
    check_number(gray=gray)
    if not 0 <= gray <= 1:
        raise ValueError(f"gray must lie in [0, 1], not {gray}.")
    if not width < side:
        raise ValueError(f"width must be smaller than a tile, {side} pixels; not {width}.")
    for axis in (2, 3):
        for border in range(side, images.shape[axis], side):
            images.narrow(axis, border - width // 2, width).fill_(gray)
    return images


def _check(images: Tensor, side: int) -> Tensor:
    images = check_images(None, images)
    check_whole(side=side)
    height, width = images.shape[2:]
    if height % side or width % side:
        raise ValueError(f"side must divide the pictures' height and width, {height} and {width}; {side} does not.")
    return images
