"""L-BFGS: gradient descent that learns the curvature of the loss from its last steps (Liu & Nocedal, 1989)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from math import isfinite

from torch import Tensor


def lbfgs(
    evaluate: Callable[[Tensor], tuple[float, Tensor]], x: Tensor, steps: int, *, lr: float = 1.0, history: int = 50
) -> Iterator[float]:
    """Minimize, one evaluation at a time.

    `torch.optim.LBFGS` either takes every step it is given, and now and then makes the loss a thousand times larger, or looks for
    a step that fulfills the strong Wolfe conditions, which costs more evaluations. Here a step is taken unless it makes the loss
    larger; then a shorter one is tried. The first step changes a value by `lr` on average.

    Args:
        evaluate: from a tensor to its loss and its gradient.
        x: the start; it is not changed.
        steps: evaluations after the first.
        lr: length of a step, as a share of the one that the learned curvature proposes.
        history: from how many steps the curvature is learned.

    Yields:
        The loss of each evaluation. It ends early where there is nothing left to gain.
    """
    loss, gradient = evaluate(x)
    yield loss
    pairs: deque[tuple[Tensor, Tensor]] = deque(maxlen=history)
    direction, length, tries = None, lr, 0
    for _ in range(steps):
        if direction is None:
            direction, length, tries = _downhill(gradient, pairs), lr, 0
            slope = _dot(gradient, direction)
            if not slope < 0:
                return
        trial = x + length * direction
        new_loss, new_gradient = evaluate(trial)
        if new_loss <= loss + 1e-4 * length * slope:
            step, change = trial - x, new_gradient - gradient
            if _dot(step, change) > 0:  # the loss curves upward along this step
                pairs.append((step, change))
            x, loss, gradient, direction = trial, new_loss, new_gradient, None
        else:
            tries += 1
            # the minimum of the parabola through both losses with the slope at x, if that makes sense
            bend = new_loss - loss - length * slope
            best = -slope * length**2 / (2 * bend) if isfinite(bend) and bend > 0 else 0.0
            length = min(max(best, 0.1 * length), 0.5 * length)
            if tries == 5:  # the curvature is of no use here: forget it
                if not pairs:
                    return
                pairs.clear()
                direction = None
        yield new_loss


def _downhill(gradient: Tensor, pairs: deque[tuple[Tensor, Tensor]]) -> Tensor:
    """Minus the gradient, multiplied by an estimate of the inverse Hessian (the two loops of Nocedal, 1980)."""
    if not pairs:
        return -gradient / gradient.abs().mean().clamp(min=1e-30)
    direction, shares = -gradient, []
    for step, change in reversed(pairs):
        share = _dot(step, direction) / _dot(step, change)
        shares.append(share)
        direction = direction - share * change
    step, change = pairs[-1]
    direction = direction * (_dot(step, change) / _dot(change, change))
    for (step, change), share in zip(pairs, reversed(shares), strict=True):
        direction = direction + step * (share - _dot(change, direction) / _dot(step, change))
    return direction


def _dot(a: Tensor, b: Tensor) -> float:
    return float((a * b).sum())
