"""What a check says: what was expected, what came, and the likeliest cause. No check fails without words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np
import torch


class CheckFailed(Exception):
    """An answer is wrong.

    Attributes:
        problem: what is wrong, without numbers of the inputs or of the right answer: a grader may show it.
        detail: expected and got, with numbers: only the student's own notebook shows it.
        cause: what such a failure usually comes from, or "". A slip that fits says more.
        got: the values that were compared, or None if something else than values is wrong.
        rtol, atol: how close two such values count as the same.
    """

    def __init__(
        self,
        problem: str,
        *,
        detail: str = "",
        cause: str = "",
        got: np.ndarray | None = None,
        rtol: float = 1e-5,
        atol: float = 1e-7,
    ):
        super().__init__(problem)
        self.problem, self.detail, self.cause = problem, detail, cause
        self.got, self.rtol, self.atol = got, max(rtol, 1e-5), max(atol, 1e-7)

    def same_as(self, other: CheckFailed) -> bool:
        """Did another answer fail in the same way, with the same values?"""
        if self.problem != other.problem or (self.got is None) != (other.got is None):
            return False
        return self.got is None or _same(self.got, other.got, self.rtol, self.atol)


_collected: ContextVar[list[CheckFailed] | None] = ContextVar("collected", default=None)


@contextmanager
def collect_failures() -> Iterator[list[CheckFailed]]:
    """In this context a wrong answer goes into the list, and the check goes on to its next comparison."""
    failures: list[CheckFailed] = []
    token = _collected.set(failures)
    try:
        yield failures
    finally:
        _collected.reset(token)


def require(condition: bool, problem: str, *, detail: str = "", cause: str = "", got: Any = None) -> None:
    """Raise `CheckFailed` unless the condition holds.

    Args:
        condition: what must hold.
        problem, detail, cause: see `CheckFailed`.
        got: the student's values, if a slip should be known by them; without, by the problem alone.
    """
    if not condition:
        values = None if got is None else np.asarray(got, dtype=np.float64)
        raise CheckFailed(problem, detail=detail, cause=cause, got=values)


def number(value: Any, what: str = "your answer") -> float:
    """A single number out of a number or an array with one element."""
    array = _array(value, what)
    require(array.size == 1, f"{what} should be one number; you returned an array of shape {array.shape}.")
    return float(array.reshape(()))


def _array(value: Any, what: str) -> np.ndarray:
    require(
        value is not None,
        f"{what} is None.",
        cause="A function without a `return` line returns None.",
    )
    if isinstance(value, torch.Tensor):
        value = value.numpy()
    if isinstance(value, (tuple, dict, str)) or (isinstance(value, list) and not _numeric(value)):
        raise CheckFailed(f"{what} should be an array of numbers; you returned a {type(value).__name__}.")
    return np.asarray(value)


def _numeric(value: Any) -> bool:
    if isinstance(value, list):
        return all(_numeric(v) for v in value)
    return isinstance(value, (bool, int, float)) or (isinstance(value, (np.ndarray, torch.Tensor)) and value.ndim == 0)


def close(
    got: Any,
    want: Any,
    *,
    what: str = "your answer",
    rtol: float = 1e-5,
    atol: float = 1e-8,
) -> None:
    """Raise `CheckFailed` unless `got` has the shape and the values of `want`.

    Args:
        got: what the student's function returned (already plain).
        want: the right answer.
        what: what it is called in messages, e.g. "the saliency map".
        rtol, atol: how close; atol is also scaled by the largest right value.
    """
    right = _array(want, "the right answer").astype(np.float64)
    mine = _array(got, what)
    require(
        mine.dtype.kind in "biuf",
        f"{what} holds {mine.dtype}, not numbers.",
    )
    mine = mine.astype(np.float64)
    if _same(mine, right, rtol, atol):
        return
    failed = _wrong(mine, right, what, {"got": mine, "rtol": rtol, "atol": atol})
    if (failures := _collected.get()) is None:
        raise failed
    failures.append(failed)


def _wrong(mine: np.ndarray, right: np.ndarray, what: str, values: dict[str, Any]) -> CheckFailed:
    if mine.shape != right.shape:
        return CheckFailed(
            f"{what} has the wrong shape.",
            detail=f"expected shape {right.shape}, got {mine.shape}",
            cause=_shape_cause(mine.shape, right.shape),
            **values,
        )
    if np.isnan(mine).any() and not np.isnan(right).any():
        return CheckFailed(
            f"{what} contains NaN (not a number).",
            cause="Look for 0 / 0, or the root or logarithm of a negative number.",
            **values,
        )
    if np.isinf(mine).any() and not np.isinf(right).any():
        return CheckFailed(
            f"{what} contains infinity.",
            cause="Look for a division by 0, or an exponential that is too large.",
            **values,
        )
    where = np.unravel_index(np.argmax(np.abs(mine - right)), right.shape) if right.ndim else ()
    place = f" at {tuple(int(i) for i in where)}" if right.ndim else ""
    return CheckFailed(
        f"{what} has the wrong {'values' if right.ndim else 'value'}.",
        detail=f"largest difference{place}: expected {right[where]:.5g}, got {mine[where]:.5g}",
        cause=_value_cause(mine, right),
        **values,
    )


def _same(mine: np.ndarray, right: np.ndarray, rtol: float, atol: float) -> bool:
    scale = float(np.nanmax(np.abs(np.where(np.isfinite(right), right, 0)))) if right.size else 0.0
    return mine.shape == right.shape and np.allclose(
        mine, right, rtol=rtol, atol=atol * max(scale, 1e-12) + 1e-14, equal_nan=True
    )


def _shape_cause(mine: tuple, right: tuple) -> str:
    if len(mine) == len(right) + 1 and mine[0] == 1 and mine[1:] == right:
        return "There is one dimension too many in front: index it away with [0]."
    if len(mine) == len(right) and mine[::-1] == right:
        return "The order of the dimensions is reversed."
    if len(mine) > len(right):
        return "There is a dimension too many: is something still to be reduced (summed, averaged, maximized)?"
    if len(mine) < len(right):
        return "There is a dimension too few: was something reduced (summed, averaged, maximized) that should stay?"
    return ""


def _value_cause(mine: np.ndarray, right: np.ndarray) -> str:
    """Slips that every exercise shares: all zeros, the sign, a constant factor, a constant shift."""
    if mine.size and not mine.any():
        return "Everything is 0."
    if np.allclose(mine, -right, rtol=1e-4):
        return "The sign is wrong everywhere."
    nonzero = np.abs(right) > 1e-9 * max(np.abs(right).max(initial=0), 1e-300)
    if nonzero.sum() > 1 and not mine[~nonzero].any():
        factors = mine[nonzero] / right[nonzero]
        if np.allclose(factors, factors[0], rtol=1e-4):
            return f"All values are {factors[0]:.4g} times the right ones."
    if mine.size > 1 and np.allclose(mine - right, (mine - right).flat[0], rtol=1e-4):
        return "All values are shifted by the same amount."
    return ""
