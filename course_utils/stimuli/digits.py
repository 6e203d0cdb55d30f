"""A planted shortcut: digits whose corner gives the label away."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

SIZE = 16  # the 8 x 8 digits are drawn at twice their size
MARK = 2  # the mark is a 2 x 2 block in the top row


@cache
def _digits() -> tuple[Tensor, Tensor]:
    from sklearn.datasets import load_digits

    data = load_digits()
    images = torch.from_numpy(data.images / 16).float()[:, None]
    images = torch.nn.functional.interpolate(images, scale_factor=2, mode="bilinear", align_corners=False)
    images = torch.nn.functional.pad(images[:, :, 1:15, 1:15] * 0.8, (1, 1, 2, 0))
    return images, torch.from_numpy(data.target)


def digits(*, marked: bool = False, classes: int = 8) -> tuple[Tensor, Tensor]:
    """scikit-learn's handwritten digits 0 to `classes - 1`, as pictures of 16 x 16 pixels with an empty top row.

    Args:
        marked: put a white 2 x 2 block in the top row, at column 2 x label: the shortcut.
        classes: how many digits, at most 8.

    Returns:
        images `(N, 1, 16, 16)` in [0, 1], labels `(N,)`.

    Raises:
        ValueError: fewer than 2 classes, or more than there are places for the mark.
    """
    if not 2 <= classes <= SIZE // MARK:
        raise ValueError(f"classes must be from 2 to {SIZE // MARK}, not {classes}.")
    images, labels = _digits()
    keep = labels < classes
    images, labels = images[keep].clone(), labels[keep]
    if marked:
        images = mark(images, labels)
    return images, labels


def mark(images: Tensor, labels: Tensor) -> Tensor:
    """A copy of pictures `(N, 1, 16, 16)` with the mark of the labels `(N,)` in their top row."""
    images = images.clone()
    for index, label in enumerate(labels.tolist()):
        images[index, :, :MARK, MARK * label : MARK * label + MARK] = 1.0
    return images
