"""Pictures with one known thing in them: edges, stripes, pairs of colors."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from course_utils.validate import check_whole


def simple_patterns(size: int = 224) -> dict[str, Tensor]:
    """Pictures with one known thing in them: gray, edges and stripes in four directions, pairs of opponent colors.

    Returns:
        a dictionary from a name to `(1, 3, size, size)` in [0, 1].

    Raises:
        ValueError, TypeError: a size that is no whole number greater than 0.
    """
    check_whole(size=size)
    y, x = torch.meshgrid(torch.linspace(-1, 1, size), torch.linspace(-1, 1, size), indexing="ij")
    patterns = {"gray": torch.full((3, size, size), 0.5)}
    for name, angle in {"0": 0, "45": 45, "90": 90, "135": 135}.items():
        along = x * math.cos(math.radians(angle)) + y * math.sin(math.radians(angle))
        patterns[f"stripes {name}°"] = (0.5 + 0.5 * torch.sin(along * size / 2 * 2 * math.pi / 8)).expand(3, -1, -1)
    half = (x > 0).float()
    for name, a, b in (
        ("black | white", (0, 0, 0), (1, 1, 1)),
        ("red | green", (0.9, 0.2, 0.2), (0.1, 0.6, 0.2)),
        ("blue | yellow", (0.2, 0.3, 0.9), (0.8, 0.8, 0.2)),
    ):
        left, right = (torch.tensor(color, dtype=torch.float32).view(3, 1, 1) for color in (a, b))
        patterns[name] = left * (1 - half) + right * half
    return {name: image[None].contiguous() for name, image in patterns.items()}
