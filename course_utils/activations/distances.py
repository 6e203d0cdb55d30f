"""Distances between all pictures of two sets, without a loop, and the smallest of each row."""

from __future__ import annotations

from numbers import Real

import torch
from torch import Tensor

from course_utils.validate import plain, precise


def l2_distances(a: Tensor, b: Tensor | None = None) -> Tensor:
    """All Euclidean distances between the rows of `a` and the rows of `b`, without a loop over rows.

    `|a - b|^2 = |a|^2 - 2 a.b + |b|^2`: one matrix product instead of N x M differences. The price is a difference of
    large numbers: for rows that are alike it can come out below zero, and the root of that is NaN. So the mean is
    taken away first (it changes no distance and makes the numbers small), the sum is kept in double precision, and
    what is still negative is set to 0.

    Args:
        a: `(N, D)`.
        b: `(M, D)`; None for `a` itself.

    Returns:
        `(N, M)`, not negative, on a's device; exactly 0 between a row and itself when b is None.

    Raises:
        ValueError: not rows of numbers, of different lengths, or with NaN.
    """
    a, other = check_rows(a, "a"), a if b is None else b
    other = check_rows(other, "b", a)
    first, second = (x.cpu() if x.device.type == "mps" else x for x in (a, other))  # MPS has no double precision
    squares = torch.zeros((len(first), len(second)), dtype=torch.float64, device=first.device)
    # Blocks of columns, not of rows: a copy of all pixels in double precision would need gigabytes.
    for x, y in zip(first.split(16384, 1), second.split(16384, 1), strict=True):
        center = y.double().mean(0)
        x, y = x.double() - center, y.double() - center
        squares += x.square().sum(1)[:, None] - 2 * x @ y.T + y.square().sum(1)[None]
    if b is None:
        squares.fill_diagonal_(0)
    return squares.clamp(min=0).sqrt().to(a)


def cosine_distances(a: Tensor, b: Tensor | None = None) -> Tensor:
    """All cosine distances `1 - a.b / (|a| |b|)` between rows: 0 for one direction, 1 for a right angle, 2 for opposite.

    The length of the vectors does not count. A row of zeros has no direction; its distance to everything is 1, as in
    scikit-learn.

    Args:
        a: `(N, D)`.
        b: `(M, D)`; None for `a` itself.

    Returns:
        `(N, M)` in [0, 2], on a's device; exactly 0 between a row and itself when b is None.

    Raises:
        ValueError: not rows of numbers, of different lengths, or with NaN.
    """
    a, other = check_rows(a, "a"), a if b is None else b
    other = check_rows(other, "b", a)
    one, two = (x / x.norm(dim=1, keepdim=True).clamp(min=torch.finfo(x.dtype).tiny) for x in (a, other))
    distances = (1 - one @ two.T).clamp(0, 2)
    if b is None:
        distances.fill_diagonal_(0)
    return distances


def nearest(distances: Tensor, k: int, *, exclude_self: bool = False) -> tuple[Tensor, Tensor]:
    """The `k` smallest distances of each row; among equal ones the lower index comes first, so that the answer is unique.

    Args:
        distances: `(N, M)`.
        k: how many.
        exclude_self: leave out entry `(i, i)`: a picture is not its own neighbor. Needs `N == M`.

    Returns:
        `(indices, distances)`, both `(N, k)`, nearest first.

    Raises:
        ValueError: `k` is larger than the number of candidates, or the distances contain NaN.
    """
    if not isinstance(distances, Tensor) or distances.ndim != 2:
        given = tuple(distances.shape) if isinstance(distances, Tensor) else type(distances).__name__
        raise ValueError(f"distances must be a tensor of shape (N, M), not {given}.")
    rows, columns = distances.shape
    if exclude_self and rows != columns:
        raise ValueError(f"exclude_self needs the same pictures on both sides; this table is {rows}x{columns}.")
    candidates = columns - bool(exclude_self)
    if isinstance(k, bool) or not isinstance(plain(k), Real) or k % 1 or not 1 <= k <= candidates:
        without = " without the picture itself" if exclude_self else ""
        raise ValueError(f"k must be a whole number from 1 to {candidates}, the size of the set{without}; not {k}.")
    if torch.isnan(distances).any():
        raise ValueError("distances contain NaN; the root of a negative square makes one (clamp it to 0 first).")
    order = distances.argsort(dim=1, stable=True)
    if exclude_self:
        own = torch.arange(rows, device=order.device)[:, None]
        order = order[order != own].view(rows, candidates)
    order = order[:, : int(k)]
    return order, distances.gather(1, order)


def check_rows(x: Tensor, name: str, other: Tensor | None = None) -> Tensor:
    """Rows of numbers, detached and at least in float32, or an error that says what is wrong.

    Args:
        x: `(N, D)`.
        name: what to call it in messages.
        other: rows that it will be compared with; x is brought to their device and kind of number.

    Raises:
        ValueError: another shape, empty, NaN or infinity, or rows of another length than the other's.
        TypeError: not floating point.
    """
    if not isinstance(x, Tensor) or x.ndim != 2:
        given = tuple(x.shape) if isinstance(x, Tensor) else type(x).__name__
        raise ValueError(f"{name} must be a tensor of shape (N, D), one row per picture; not {given}. Try flatten(1).")
    if not x.is_floating_point():
        raise TypeError(f"{name} must be floating point, not {x.dtype}.")
    if x.numel() == 0:
        raise ValueError(f"{name} is empty (shape {tuple(x.shape)}).")
    if not torch.isfinite(x).all():
        raise ValueError(f"{name} contains NaN or infinity.")
    if other is not None and x.shape[1] != other.shape[1]:
        raise ValueError(f"rows of {other.shape[1]} and of {x.shape[1]} numbers cannot be compared.")
    x = precise(x.detach())
    return x if other is None else x.to(other)
