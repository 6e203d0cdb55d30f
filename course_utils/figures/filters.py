"""Filters as pictures."""

from __future__ import annotations

import math

from matplotlib.figure import Figure
from torch import Tensor

from course_utils.filters.first_layer import filters_as_images, raw_weight_sheet
from course_utils.plots import new_figure, to_array
from course_utils.validate import check_whole


def show_filters(weights: Tensor, *, columns: int = 16, title: str | None = None, numbers: bool = False) -> Figure:
    """First-layer filters as color pictures in a grid.

    Args:
        weights: `(C_out, 3, k, k)`.
        columns: how many side by side.
        title: one line above.
        numbers: write each filter's number above it.

    Raises:
        ValueError: weights of another shape, or no columns.
    """
    if weights.ndim != 4 or weights.shape[1] != 3:
        raise ValueError(
            f"color pictures need weights (C_out, 3, k, k), not {tuple(weights.shape)}; see show_raw_weights."
        )
    check_whole(columns=columns)
    images = filters_as_images(weights)
    rows = math.ceil(len(images) / columns)
    figure, axes = new_figure(rows, columns, aspect=1.22 if numbers else 1.02, title=title)
    for ax in axes.flat:
        ax.axis("off")
    for index, (ax, image) in enumerate(zip(axes.flat, images, strict=False)):
        ax.imshow(to_array(image), interpolation="nearest")
        if numbers:
            ax.set_title(str(index), fontsize=7, pad=2)
    return figure


def show_raw_weights(weights: Tensor, *, rows: int = 20, columns: int = 40, title: str | None = None) -> Figure:
    """The filters of a deeper layer as gray k x k slices: a row for each filter, a column for each input channel.

    Args:
        weights: `(C_out, C_in, k, k)`.
        rows: show only the first so many filters.
        columns: show only the first so many input channels.
        title: one line above.

    Raises:
        ValueError, TypeError: no rows or columns.
    """
    check_whole(rows=rows, columns=columns)
    sheet = raw_weight_sheet(weights[:rows, :columns])
    figure, axes = new_figure(aspect=sheet.shape[0] / sheet.shape[1] + 0.06)
    axes[0, 0].imshow(to_array(sheet), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes[0, 0].axis("off")
    if title:
        axes[0, 0].set_title(title, fontsize=10)
    return figure
