"""Numbers that are far apart, for answers that are ranks: float32 puts them in the same order as float64."""

from __future__ import annotations

import numpy as np
import torch

from course_utils.exercises.machine import Draw


def apart(draw: Draw, *shape: int) -> torch.Tensor:
    """Numbers from -1 to 1 in a random order, no two of them nearly equal."""
    count = int(np.prod(shape))
    steps = torch.from_numpy(draw.rng.permutation(count)) + draw.uniform(count, low=-0.3, high=0.3)
    return (2 * (steps + 0.5) / count - 1).view(shape)
