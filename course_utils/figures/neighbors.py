"""Nearest neighbors in rows, and distances as a table of colors."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from matplotlib.figure import Figure
from torch import Tensor

from course_utils.plots import WIDTH, new_figure, to_array
from course_utils.validate import to_numpy


def show_neighbors(
    images: Tensor,
    indices: Tensor,
    queries: Sequence[int] | None = None,
    *,
    query_images: Tensor | None = None,
    objects: Tensor | Sequence[int] | None = None,
    framed: Sequence[bool] | Tensor | None = None,
    distances: Tensor | None = None,
    labels: Sequence[str] | None = None,
    names: Sequence[str] | None = None,
    title: str | None = None,
    width: float = WIDTH,
    columns: int = 1,
) -> Figure:
    """Each row: a picture, then its neighbors, nearest first; framed green if they show the same object, else red.

    Args:
        images: `(M, 3, H, W)`, the searched set.
        indices: `(N, k)` from `neighbors`.
        queries: which rows of `indices` to show; None for all.
        query_images: the pictures asked for, if they are not the set itself.
        objects: `(M,)`, which object each picture shows; without it there are no frames. The queries are the set
            itself.
        framed: M booleans in place of `objects`, if all queries show the same: True for green.
        distances: `(N, k)`; written above the pictures.
        labels: one line per query, above it.
        names: M names, written above the neighbors if there are no distances.
        title: one line above all.
        width: of the figure in inches.
        columns: how many queries side by side, each with its neighbors.
    """
    rows = list(range(len(indices))) if queries is None else list(queries)
    k = indices.shape[1]
    aspect = images.shape[2] / images.shape[3] + (0.14 if distances is not None or labels or names else 0.03)
    block = [1.0] * (k + 1)  # a query and its neighbors; a narrow gap before the next block
    widths = block + (columns - 1) * [0.25, *block]
    figure, axes = new_figure(
        math.ceil(len(rows) / columns),
        len(widths),
        width=width,
        aspect=aspect * len(widths) / sum(widths),
        gridspec_kw={"width_ratios": widths},
        title=title,
    )
    for ax in axes.flat:
        ax.axis("off")
    asked = images if query_images is None else query_images
    for place, row in enumerate(rows):
        line, left = place // columns, place % columns * (k + 2)
        query, *found = axes[line, left : left + k + 1]
        query.imshow(to_array(asked[row]).clip(0, 1))
        query.set_title(labels[place] if labels else "asked with", fontsize=8, pad=3)
        for rank, (ax, index) in enumerate(zip(found, indices[row].tolist(), strict=True)):
            ax.imshow(to_array(images[index]).clip(0, 1))
            if distances is not None:
                ax.set_title(f"{distances[row, rank].item():.3g}", fontsize=7, pad=2)
            elif names is not None:
                ax.set_title(names[index], fontsize=7, pad=2)
            if objects is not None or framed is not None:
                same = bool(framed[index]) if framed is not None else int(objects[index]) == int(objects[row])
                ax.set(xticks=[], yticks=[])
                ax.set_axis_on()
                for side in ax.spines.values():
                    side.set(color="#2a9d3a" if same else "#d1453b", linewidth=3)
    return figure


def show_distances(
    distances: Tensor, objects: Tensor | Sequence[int] | None = None, *, title: str | None = None, width: float = 4.0
) -> Figure:
    """A table of distances as a picture: dark is near. Pictures of one object lie in blocks on the diagonal.

    Args:
        distances: `(N, M)`.
        objects: `(N,)`, which object each picture shows: white lines where one ends. None for no lines.
        title: one line above.
        width: of the figure in inches.
    """
    table = to_numpy(distances)
    figure, axes = new_figure(width=width, aspect=1.08)
    off = table[~torch.eye(len(table), dtype=torch.bool).numpy()] if table.shape[0] == table.shape[1] else table
    axes[0, 0].imshow(table, cmap="magma", vmin=off.min(), vmax=off.max())
    axes[0, 0].axis("off")
    if objects is not None:
        cuts = torch.nonzero(torch.diff(torch.as_tensor(objects)))[:, 0].tolist()
        for cut in cuts:
            axes[0, 0].axhline(cut + 0.5, color="white", linewidth=0.3)
            axes[0, 0].axvline(cut + 0.5, color="white", linewidth=0.3)
    if title:
        axes[0, 0].set_title(title, fontsize=9)
    return figure
