"""What the numbers of a wrong answer show by themselves. Nothing is said that they do not show."""

from __future__ import annotations

import numpy as np

NEARLY = 1e-3  # of the largest value: float32, float16 or a rounded constant explain such a difference, a slip rarely

_IMPRECISE = (
    "Nearly right, but too imprecise (float32?): make new tensors with the dtype of the input, and round no constant."
)


def shape_cause(mine: np.ndarray, right: np.ndarray) -> str:
    """What the shape of a wrong answer shows."""
    if mine.ndim == 0:
        return "You returned a single number."
    if mine.ndim == right.ndim and mine.T.shape == right.shape and _near(mine.T, right):
        return "The order of the dimensions is reversed."
    if mine.ndim == right.ndim + 1 and mine.shape[0] == 1 and mine.shape[1:] == right.shape:
        return "There is one dimension too many in front: index it away with [0]."
    if mine.ndim > right.ndim:
        return "There is a dimension too many: is something still to be reduced (summed, averaged, maximized)?"
    if mine.ndim < right.ndim:
        return "There is a dimension too few: was something reduced (summed, averaged, maximized) that should stay?"
    return ""


def value_cause(mine: np.ndarray, right: np.ndarray) -> str:
    """What the values of a wrong answer of the right shape show: all zeros, the sign, a factor, a shift, the order."""
    if not (np.isfinite(mine).all() and np.isfinite(right).all()):
        return ""
    if mine.size and not mine.any():
        return "Everything is 0."
    size = np.abs(right).max(initial=0)
    if size == 0:
        return ""
    if _near(mine, right):
        return "" if (right == np.round(right)).all() else _IMPRECISE
    if _near(mine, -right):
        return "The sign is wrong everywhere."
    factor = (mine * right).sum() / (right * right).sum()
    if np.count_nonzero(right) > 1 and _near(mine, factor * right):
        return f"All values are {factor:.4g} times the right ones."
    shift = np.full_like(right, (mine - right).mean())
    if _near(mine - right, shift) and _near(mine - mine.mean(), right - right.mean()):
        return "All values are shifted by the same amount."
    if mine.size > 1 and _near(np.sort(mine, axis=None), np.sort(right, axis=None)):
        return "These are the right values, in another order."
    return ""


def _near(one: np.ndarray, other: np.ndarray) -> bool:
    """Up to a small part of the largest value, which is not 0."""
    size = np.abs(other).max(initial=0)
    return size > 0 and np.abs(one - other).max(initial=0) <= NEARLY * size
