"""Inputs of a check, drawn from a seed: the same here and in the grader."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from course_utils.exercises.tiny import tiny_net
from course_utils.networks.network import Network


class Draw:
    """Inputs drawn from a seed: float64, so that right answers are right to many digits."""

    def __init__(self, seed: int | Sequence[int]):
        self.rng = np.random.default_rng(seed)

    def integer(self, low: int, high: int) -> int:
        """An integer from low to high, both included."""
        return int(self.rng.integers(low, high + 1))

    def integers(self, count: int, low: int, high: int) -> list[int]:
        """`count` integers from low to high, both included."""
        return [self.integer(low, high) for _ in range(count)]

    def choice(self, options: Sequence) -> Any:
        """One of the options."""
        return options[self.integer(0, len(options) - 1)]

    def number(self, low: float = 0.0, high: float = 1.0) -> float:
        return float(self.rng.uniform(low, high))

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> torch.Tensor:
        return torch.from_numpy(self.rng.uniform(low, high, shape))

    def normal(self, *shape: int) -> torch.Tensor:
        return torch.from_numpy(self.rng.normal(size=shape))

    def images(
        self, count: int = 1, height: int | None = None, width: int | None = None, channels: int = 3
    ) -> torch.Tensor:
        """`(count, channels, H, W)` in [0, 1]; sizes from 8 to 12, never square, when they are not given."""
        height = height or self.integer(8, 9)
        width = width or self.integer(10, 12)
        return self.uniform(count, channels, height, width)

    def net(self, kind: str = "conv", **options) -> Network:
        """A tiny network; see `tiny_net`."""
        return tiny_net(kind, seed=self.integer(0, 10**6), **options)
