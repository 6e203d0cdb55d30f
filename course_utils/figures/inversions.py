"""Inverted pictures in the order of their layers, and below them how far each is from its photo."""

from __future__ import annotations

import numpy as np
import torch
from matplotlib.figure import Figure

from course_utils import plots
from course_utils.gradients.picture_error import PARTS, picture_error
from course_utils.images import photo
from course_utils.stimuli.inversions import Inversions

COLORS = ("#222222", "#e08214", "#7b3294")  # of the parts
ON_LINES = "+x1"  # the marks of the parts
TOP = 4.0  # of the scale of errors, the same in every figure
MARKS = "os^Dv"  # of the photos
SQUARE = 8  # pixels, as in `picture_error`


def show_inversions(found: Inversions, *, weights: str = "trained", beside: str | None = None) -> Figure:
    """A row of pictures for each photo; below, the errors of all layers, and what they were after half of the steps.

    Without `beside` there is one more line, the error of the chroma of squares (the mean color of each 8 x 8 pixels),
    which can be compared with luma coarse; and the legend tells the marks.

    Args:
        found: from `inversions`.
        weights: whose pictures, "trained" or "random".
        beside: weights whose pictures of the same photos are shown below, and whose mean errors are drawn, dashed.

    Raises:
        ValueError: no such weights.
    """
    rows = found.of(weights)
    photos = [found.rows[row][0] for row in rows]
    others = [] if beside is None else [row for row in found.of(beside) if found.rows[row][0] in photos]
    columns, side = len(found.layers) + 1, found.pictures.shape[-1]
    figure, axes = plots.new_figure(len(rows + others) + 2, columns, aspect=1.08)
    for row, line in zip(rows + others, axes, strict=False):
        name, its_weights = found.rows[row]
        pictures = [photo(name, side)[0], *found.pictures[row]]
        first = "the photo" if beside is None else f"photo; {its_weights}"
        for ax, picture, title in zip(line, pictures, [first, *found.layers], strict=True):
            ax.imshow(plots.to_array(picture))
            ax.set_title(title if row == rows[0] or (row in others and title == first) else "", fontsize=9)
            ax.axis("off")
    for ax in axes[len(rows + others) :].flat:
        ax.remove()
    below = figure.add_subplot(axes[0, 0].get_gridspec()[len(rows + others) :, :])
    places = np.arange(1, columns)
    for part, (name, color, on_line) in enumerate(zip(PARTS, COLORS, ON_LINES, strict=True)):
        for row, mark in zip(rows, MARKS, strict=False):
            half, whole = found.errors[row, :, :, part].T.numpy()
            at = places + 0.06 * (part - 1)
            aside = {"color": color, "markersize": 5, "gid": plots.TOLD_APART}  # by the place, see the axis
            below.plot(at, whole, mark, **aside)
            below.vlines(at, np.minimum(half, whole), np.maximum(half, whole), color=color, linewidth=1)
            below.plot(at, half, mark, fillstyle="none", **aside)
        line = {"color": color, "marker": on_line}
        below.plot(places, found.errors[rows, :, -1, part].mean(0), **line, label=f"{name}, {weights}")
        if others:
            other = found.errors[others, :, -1, part].mean(0)
            below.plot(places, other, linestyle="--", linewidth=1, **line, label=f"{name}, {beside}")
    if beside is None:
        below.plot(places, _of_squares(found, rows).mean(0), ":", color=COLORS[2], label="chroma of squares")
        for row, mark in zip(rows, MARKS, strict=False):
            below.plot([], [], mark, color="gray", markersize=5, label=found.rows[row][0])
        below.plot([], [], MARKS[0], color="gray", markersize=5, fillstyle="none", label="after half of the steps")
    below.axhline(1, color="gray", linewidth=0.8, linestyle=":")
    below.text(-0.45, 1.03, "1: one even color", fontsize=8, color="gray")
    below.set(xlim=(-0.5, columns - 0.5), ylim=(0, TOP), xticks=places, xticklabels=found.layers)
    below.set_ylabel(f"error; from left to right:\n{', '.join(PARTS)}", fontsize=8)
    below.legend(fontsize=8, loc="upper left")
    return figure


def _of_squares(found: Inversions, rows: list[int]) -> torch.Tensor:
    """`(rows, layers)`: the error of the chroma of squares."""
    squares, errors = torch.nn.AvgPool2d(SQUARE), []
    for row in rows:
        wanted = squares(photo(found.rows[row][0], found.pictures.shape[-1]))
        errors.append(picture_error(squares(found.pictures[row]), wanted)[:, PARTS.index("chroma")])
    return torch.stack(errors)
