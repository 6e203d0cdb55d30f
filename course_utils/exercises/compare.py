"""What a check says: what was expected, what came, and the likeliest cause. No check fails without words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np
import torch

from course_utils.exercises.causes import shape_cause, value_cause

# how close: what float32 inside explains passes; a rounded constant, or float16, does not
RTOL, ATOL = 2e-5, 5e-6
ZERO = 0.02  # the scale where everything should be 0: what is left of numbers near 1 passes


class CheckFailed(Exception):
    """An answer is wrong.

    Attributes:
        problem: what is wrong, without numbers of the inputs or of the right answer: a grader may show it.
        detail: expected and got, with numbers: only the student's own notebook shows it.
        cause: what such a failure usually comes from, or "". A slip that fits says more.
        got: the values that were compared, or None if something else than values is wrong.
        rtol, atol: how close two such values count as the same.
        kind: what failed, to know it again in another answer: the problem's words, if nothing else is given.
        answers: all that the function had returned when the check failed.
    """

    def __init__(
        self,
        problem: str,
        *,
        detail: str = "",
        cause: str = "",
        got: np.ndarray | None = None,
        rtol: float = RTOL,
        atol: float = ATOL,
        kind: object = None,
    ):
        super().__init__(problem)
        self.problem, self.detail, self.cause = problem, detail, cause
        self.got, self.rtol, self.atol = got, max(rtol, RTOL), max(atol, ATOL)
        self.kind = problem if kind is None else kind
        self.answers: list[Any] = []

    def same_as(self, other: CheckFailed) -> bool:
        """Did another answer fail in the same comparison, with the same values?"""
        if self.kind != other.kind or (self.got is None) != (other.got is None):
            return False
        if self.got is None:
            return alike(self.answers, other.answers)
        return _same(self.got, other.got, self.rtol, self.atol)


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
        got: the student's values, if a slip should be known by them; without, by all that the function returned.
    """
    if not condition:
        values = None if got is None else np.asarray(got, dtype=np.float64)
        raise CheckFailed(problem, detail=detail, cause=cause, got=values)


def number(value: Any, what: str = "your answer") -> float:
    """A single number out of a number or an array with one element."""
    values = array(value, what)
    require(values.size == 1, f"{what} should be one number; you returned an array of shape {values.shape}.")
    return float(values.reshape(()))


def array(value: Any, what: str = "your answer") -> np.ndarray:
    """Every form of an answer as one array of float64, for checks that compute something from it.

    Args:
        value: an array, a tensor, a number, or a list or tuple of those, also in lists.
        what: what it is called in messages.

    Raises:
        CheckFailed: it is something else, or its parts have different shapes.
    """
    require(value is not None, f"You returned None for {what}.", cause="A function without `return` returns None.")
    parts = list(_parts(value))
    for part in parts:
        if part is None or isinstance(part, (str, dict)):
            kind = "None" if part is None else "text" if isinstance(part, str) else "a dictionary"
            inside = "" if part is value else f" with {kind} in it"
            named = f"a {type(value).__name__}{inside}" if inside else kind
            raise CheckFailed(f"{what} should be an array of numbers; you returned {named}.")
    try:
        return np.array(_plain(value)).astype(np.float64)
    except OverflowError:
        raise CheckFailed(f"{what} should be an array of numbers; you returned a number that is too large.") from None
    except (ValueError, TypeError):
        tensors = sum(isinstance(part, torch.Tensor) and part.ndim > 0 for part in parts)
        raise CheckFailed(
            f"{what} should be one array; the parts of your list have different shapes.",
            cause="torch.stack makes one tensor of a list of tensors, if all of them have the same shape."
            if tensors > 1
            else "",
        ) from None


def _parts(value: Any) -> Iterator[Any]:
    """What lies in lists and tuples, however deep."""
    if isinstance(value, (list, tuple)):
        for part in value:
            yield from _parts(part)
    else:
        yield value


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    return value.numpy() if isinstance(value, torch.Tensor) else value


def alike(one: Any, other: Any) -> bool:
    """Whether two plain answers, with all that lies in their lists, are the same up to rounding."""
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, (str, dict, type(None))) or isinstance(other, (str, dict, type(None))):
        return type(one) is type(other) and repr(one) == repr(other)
    try:
        return _same(array(one, "one"), array(other, "other"), RTOL, ATOL)
    except CheckFailed:
        return False


def close(
    got: Any,
    want: Any,
    *,
    what: str = "your answer",
    rtol: float = RTOL,
    atol: float = ATOL,
    scale: float | None = None,
) -> None:
    """Raise `CheckFailed` unless `got` has the shape and the values of `want`.

    Args:
        got: what the student's function returned (already plain): an array, or a list or tuple of numbers or arrays.
        want: the right answer. For a number, an array with one element is as good, also in a list.
        what: what it is called in messages, e.g. "the saliency map".
        rtol, atol: how close; atol counts in units of `scale`.
        scale: the size of the numbers from which the answer is computed, if they cancel in it; without, the largest
            right value.
    """
    right, mine = array(want, "the right answer"), array(got, what)
    flat_list = isinstance(got, (list, tuple)) and not any(isinstance(part, (list, tuple)) for part in got)
    if (right.ndim == 0 and mine.size == 1) or (flat_list and mine.shape == (right.size, 1) and right.ndim == 1):
        mine = mine.reshape(right.shape)
    if scale is not None:
        atol *= scale / (_scale(right) or ZERO)
    if _same(mine, right, rtol, atol):
        return
    failed = _wrong(mine, right, what, {"got": mine, "rtol": rtol, "atol": atol})
    if (failures := _collected.get()) is None:
        raise failed
    failures.append(failed)


def _wrong(mine: np.ndarray, right: np.ndarray, what: str, values: dict[str, Any]) -> CheckFailed:
    if mine.shape != right.shape:
        return CheckFailed(
            f"What you returned has the wrong shape: {what}.",
            detail=f"expected shape {right.shape}, got {mine.shape}",
            cause=shape_cause(mine, right),
            **values,
        )
    if np.isnan(mine).any() and not np.isnan(right).any():
        return CheckFailed(
            f"What you returned contains NaN (not a number): {what}.",
            cause="Look for 0 / 0, or the root or logarithm of a negative number.",
            **values,
        )
    if np.isinf(mine).any() and not np.isinf(right).any():
        return CheckFailed(
            f"What you returned contains infinity: {what}.",
            cause="Look for a division by 0, or an exponential that is too large.",
            **values,
        )
    with np.errstate(invalid="ignore"):
        apart = np.nan_to_num(np.abs(mine - right), nan=np.inf)
    where = np.unravel_index(np.argmax(apart), right.shape) if right.ndim else ()
    place = f" at {tuple(int(i) for i in where)}" if right.ndim else ""
    return CheckFailed(
        f"What you returned has the wrong {'values' if right.ndim else 'value'}: {what}.",
        detail=f"largest difference{place}: {_side_by_side(right[where], mine[where])}",
        cause=value_cause(mine, right),
        **values,
    )


def _side_by_side(right: float, mine: float) -> str:
    """Both numbers, with as many digits as it takes to see the difference."""
    for digits in (5, 8, 12, 17):
        expected, got = f"{right:.{digits}g}", f"{mine:.{digits}g}"
        if expected != got:
            break
    return f"expected {expected}, got {got}"


def _scale(right: np.ndarray) -> float:
    return float(np.abs(right[np.isfinite(right)]).max(initial=0))


def _same(mine: np.ndarray, right: np.ndarray, rtol: float, atol: float) -> bool:
    scale = _scale(right) or ZERO
    return mine.shape == right.shape and np.allclose(
        mine, right, rtol=rtol, atol=atol * max(scale, 1e-12), equal_nan=True
    )
