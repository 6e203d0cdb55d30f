"""Draws on which nothing hangs on the last digits, so that an answer in float32 is as right as one in float64.

A sign, a rank, a ReLU that is on or off: close to its border, rounding decides. Such a draw rejects a right answer by
luck of the seed. A check asks for draws away from all borders:

    @steady(gradient)
    def cases(draw):
        return draw.net("conv"), draw.images(1), draw.integer(0, 4)

    inputs, right = cases(draw)
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any

import torch

from course_utils.exercises.machine import Draw

NOISE = 1e-5  # a hundred times what float32 rounds away
TRIALS = 3


def steady(answer: Callable, *, fits: Callable[..., bool] = lambda right, *inputs: True):
    """Make a function that draws inputs draw again until the answer to them is steady.

    Args:
        answer: the right answer to the inputs, a tensor.
        fits: what else has to hold, a function of the right answer and the inputs.

    Returns:
        A decorator. The decorated function takes the check's `draw`, and options, and gives the inputs and the right
        answer. The next student with the same seed gets the same without a computation.
    """

    def decorate(make: Callable[..., tuple]) -> Callable[..., tuple[tuple, torch.Tensor]]:
        @lru_cache(maxsize=100)
        def found(seed: int, *options: Any) -> tuple[tuple, torch.Tensor]:
            draw = Draw(seed)
            while True:
                inputs = make(draw, *options)
                right = answer(*inputs)
                if fits(right, *inputs) and _is_steady(answer, inputs, right):
                    return inputs, right

        @wraps(make)
        def drawn(draw: Draw, *options: Any) -> tuple[tuple, torch.Tensor]:
            return found(draw.integer(0, 10**9), *options)

        return drawn

    return decorate


def _is_steady(answer: Callable, inputs: tuple, right: torch.Tensor) -> bool:
    generator = torch.Generator().manual_seed(0)
    near = 1e-3 * right.abs().max()
    return all((answer(*_shaken(inputs, generator)) - right).abs().max() <= near for _ in range(TRIALS))


def _shaken(value: Any, generator: torch.Generator) -> Any:
    """The same with other last digits in each tensor; a 0 stays 0, as it does in float32."""
    if isinstance(value, list | tuple):
        return [_shaken(one, generator) for one in value]
    if isinstance(value, torch.Tensor) and value.is_floating_point():
        return value * (1 + NOISE * torch.randn(value.shape, generator=generator, dtype=value.dtype))
    return value
