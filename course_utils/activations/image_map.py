"""From points to a map of pictures: a square, a grid without overlaps, and how well labels agree with their neighbors."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from course_utils.activations.distances import check_rows, l2_distances, nearest


def fit_square(points: Tensor) -> Tensor:
    """Move and scale a map `(N, 2)` so that each axis fills [0, 1]."""
    points = check_rows(points, "points")
    low, high = points.amin(0), points.amax(0)
    return (points - low) / torch.where(high > low, high - low, torch.ones_like(high))


def grid_cells(points: Tensor, *, rows: int | None = None, columns: int | None = None) -> Tensor:
    """Give each point of a map its own cell of a grid so that the points move as little as possible.

    The sum of squared moves is the smallest there is: an assignment problem, solved exactly by SciPy.

    Args:
        points: `(N, 2)`, `(x, y)` with y upwards, as on a plot.
        rows, columns: of the grid; None for nearly square.

    Returns:
        `(N, 2)` int64, `(row, column)` of each point, row 0 on top, all different.

    Raises:
        ValueError: fewer cells than points.
    """
    from scipy.optimize import linear_sum_assignment

    square = fit_square(points)
    count = len(square)
    if columns is None:
        columns = math.ceil(math.sqrt(count)) if rows is None else math.ceil(count / rows)
    rows = math.ceil(count / columns) if rows is None else rows
    if rows * columns < count:
        raise ValueError(f"{rows} x {columns} cells are too few for {count} points.")
    row, column = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    cells = torch.stack([row.flatten(), column.flatten()], 1)
    places = torch.stack([(cells[:, 1] + 0.5) / columns, 1 - (cells[:, 0] + 0.5) / rows], 1)
    cost = torch.cdist(square.double().cpu(), places.double()).square().numpy()
    _, chosen = linear_sum_assignment(cost)
    return cells[torch.from_numpy(np.asarray(chosen))].to(points.device)


def label_agreement(x: Tensor, labels: Tensor | Sequence[int], *, k: int = 5) -> float:
    """The share of points whose `k` nearest others mostly carry their own label: is the space sorted by meaning?

    Args:
        x: `(N, D)`, rows of any space: pixels, features, places on a map.
        labels: `(N,)` integers.
        k: how many others vote.

    Returns:
        A number in [0, 1]; among equal votes the smaller label wins.

    Raises:
        ValueError: not one label for each point, or fewer than `k` others.
    """
    labels = torch.as_tensor(labels).cpu()
    if labels.shape != (len(x),):
        raise ValueError(f"{len(x)} points but labels of shape {tuple(labels.shape)}.")
    indices, _ = nearest(l2_distances(x).cpu(), k, exclude_self=True)
    return (labels[indices].mode(1).values == labels).float().mean().item()
