"""Maps of pictures and points, and how much each principal component holds."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from course_utils.activations.image_map import fit_square
from course_utils.plots import MARKERS, new_figure, to_array
from course_utils.validate import check_number, check_positive, check_whole, to_numpy


def show_scree(
    spectra: dict[str, Tensor],
    *,
    title: str | None = None,
    most: int = 40,
    log: bool = False,
    mark: int | None = None,
) -> Figure:
    """How much variance each direction holds, and how much the first ones hold together.

    Args:
        spectra: a name and the `Pca.ratio` of one or more spaces.
        title: one line above.
        most: directions to show.
        log: whether the shares are on a logarithmic scale.
        mark: a dotted line at this direction.
    """
    figure, axes = new_figure(1, 2, width=7.5, aspect=0.72, title=title)
    for name, ratio in spectra.items():
        share = to_numpy(ratio)[:most]
        axes[0, 0].plot(np.arange(1, len(share) + 1), share, marker=".", markersize=4, label=name)
        axes[0, 1].plot(np.arange(1, len(share) + 1), share.cumsum(), marker=".", markersize=4, label=name)
    axes[0, 0].set_ylabel("share of the variance", fontsize=9)
    if log:
        axes[0, 0].set_yscale("log")
    axes[0, 1].set_ylabel("of the first ones together", fontsize=9)
    axes[0, 1].set_ylim(0, 1.02)
    for ax in axes[0]:
        ax.set_xlabel("direction", fontsize=9)
        if mark is not None:
            ax.axvline(mark, color="gray", linestyle=":", linewidth=1)
        ax.tick_params(labelsize=8)
        ax.grid(alpha=0.25)
        for side in ("top", "right"):
            ax.spines[side].set_visible(False)
    axes[0, 1].legend(fontsize=8)
    return figure


def show_points(
    maps: dict[str, Tensor] | Tensor,
    labels: Sequence[int] | Tensor,
    *,
    names: Sequence[str] | None = None,
    columns: int | None = None,
    title: str | None = None,
    text: bool = False,
    width: float = 9.0,
) -> Figure:
    """Maps side by side, one mark per point, with color and form by label.

    Args:
        maps: a title and the points `(N, 2)` of each map, or one map.
        labels: `(N,)` integers.
        names: of the labels, for a legend.
        columns: maps side by side; None for at most 3.
        title: one line above.
        text: write the label in place of a dot (for digits).
        width: of the figure in inches.
    """
    maps = {"": maps} if isinstance(maps, Tensor) else maps
    labels = torch.as_tensor(labels).resolve_neg().cpu().numpy()
    columns = columns or min(len(maps), 3)
    rows = math.ceil(len(maps) / columns)
    figure, axes = new_figure(rows, columns, width=min(width, 4.2 * columns), aspect=1.06, title=title)
    colors = _palette(int(labels.max()) + 1)
    for ax in axes.flat[len(maps) :]:
        ax.axis("off")
    for ax, (name, points) in zip(axes.flat, maps.items(), strict=False):
        places = to_numpy(points)
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set(visible=True, color="lightgray")  # a frame, or two maps side by side look like one
        if text:
            for (x, y), label in zip(places, labels, strict=True):
                ax.text(x, y, str(label), color=colors[label], fontsize=6, ha="center", va="center", weight="bold")
            ax.update_datalim(places)  # text alone does not count, and an equal aspect would cut the map
            ax.margins(0.05)
            ax.autoscale_view()
        else:
            for label in np.unique(labels):
                ax.scatter(*places[labels == label].T, color=colors[label], marker=_mark(label), s=12, linewidths=0)
        ax.set_aspect("equal", adjustable="datalim")
        ax.set_title(name, fontsize=9)
    if names is not None:
        from matplotlib.lines import Line2D

        dots = [Line2D([], [], marker=_mark(i), linestyle="", color=colors[i], label=n) for i, n in enumerate(names)]
        figure.legend(handles=dots, fontsize=7, loc="outside right center", frameon=False)
    return figure


def show_map(
    images: Tensor, points: Tensor, *, size: float = 0.085, title: str | None = None, width: float = 8.0
) -> Figure:
    """Every picture at its place on a map.

    Args:
        images: `(N, 3, H, W)` or `(N, H, W)`.
        points: `(N, 2)`.
        size: of a picture, as a share of the map's width.
        title: one line above.
        width: of the figure in inches.

    Raises:
        ValueError: another number of points than of images, or a size that is not greater than 0.
    """
    if len(images) != len(points):
        raise ValueError(f"{len(images)} images but {len(points)} points.")
    check_number(size=size)
    check_positive(size=size)
    places = to_numpy(fit_square(points)) * (1 - size) + size / 2
    figure, axes = new_figure(width=width, aspect=1.0 if title is None else 1.05, title=title)
    ax = axes[0, 0]
    for image, (x, y) in zip(images, places, strict=True):
        box = (x - size / 2, x + size / 2, y - size / 2, y + size / 2)
        ax.imshow(_small(image), extent=box, cmap="gray_r", interpolation="antialiased", zorder=2)
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1)
    ax.set_aspect("equal")
    ax.axis("off")
    return figure


def show_grid(images: Tensor, cells: Tensor, *, title: str | None = None, width: float = 8.0, side: int = 48) -> Figure:
    """Every picture in its cell of a grid, edge to edge.

    Args:
        images: `(N, 3, H, W)` or `(N, H, W)`.
        cells: `(N, 2)`, `(row, column)` from `grid_cells`.
        title: one line above.
        width: of the figure in inches.
        side: pixels of one picture.

    Raises:
        ValueError: another number of cells than of images, or a side that is not greater than 0.
    """
    if len(images) != len(cells):
        raise ValueError(f"{len(images)} images but {len(cells)} cells.")
    check_whole(side=side)
    rows, columns = (cells.amax(0) + 1).tolist()
    sheet = np.ones((rows * side, columns * side, 3), dtype=np.float32)
    for image, (row, column) in zip(images, cells.tolist(), strict=True):
        sheet[row * side : (row + 1) * side, column * side : (column + 1) * side] = _small(image, side)
    figure, axes = new_figure(width=width, aspect=rows / columns + (0.05 if title else 0), title=title)
    axes[0, 0].imshow(sheet, interpolation="antialiased")
    axes[0, 0].axis("off")
    return figure


def _small(image: Tensor, side: int = 64) -> np.ndarray:
    image = image.expand(3, -1, -1) if image.ndim == 3 else image.expand(3, *image.shape)
    shrunk = torch.nn.functional.interpolate(image[None].float(), size=(side, side), mode="bilinear", antialias=True)
    return to_array(shrunk).clip(0, 1)


def _mark(label: int) -> str:
    return MARKERS[label % len(MARKERS)]


def _palette(count: int) -> np.ndarray:
    import matplotlib

    if count <= 10:
        return matplotlib.colormaps["tab10"](np.arange(10))[: max(count, 1)]
    return matplotlib.colormaps["gist_ncar"](np.linspace(0.03, 0.95, count))
