"""Sheets of small pictures, side by side: what Zeiler and Fergus show for a channel."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from matplotlib.figure import Figure
from torch import Tensor

from course_utils.activations.feature_maps import tile
from course_utils.plots import WIDTH, show_images


def show_sheets(
    sheets: Sequence[Tensor],
    titles: Sequence[str] | None = None,
    *,
    across: int = 3,
    columns: int = 2,
    title: str | None = None,
    width: float = WIDTH,
) -> Figure:
    """Sheets of pictures, such as nine drawings beside the nine patches that they belong to.

    Args:
        sheets: each `(n, 3, h, w)` in [0, 1]; the pictures of a sheet are laid out row by row, none is stretched.
        titles: one line above each sheet.
        across: how many pictures side by side in a sheet.
        columns: how many sheets side by side.
        title: one line above all.
        width: of the figure in inches.

    Raises:
        ValueError: no sheets, or one that is no batch of pictures.

    Reference:
        Zeiler, Fergus: Visualizing and Understanding Convolutional Networks, ECCV 2014, figure 2.
    """
    for one in sheets:
        if not isinstance(one, Tensor) or one.ndim != 4 or one.shape[1] != 3:
            given = tuple(one.shape) if isinstance(one, Tensor) else type(one).__name__
            raise ValueError(f"a sheet must be a tensor of shape (n, 3, h, w), not {given}.")
    laid = [
        torch.stack([tile(one[:, c], columns=across, gap=max(2, one.shape[3] // 24), fill=1.0) for c in range(3)])
        for one in sheets
    ]
    return show_images(laid, titles, columns=columns, title=title, width=width)
