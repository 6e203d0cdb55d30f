"""Occlusion maps beside and over their photo."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure
from torch import Tensor

from course_utils import plots


def show_occlusion(
    image: Tensor, heat: Tensor, titles: Sequence[str] | None = None, *, title: str | None = None
) -> Figure:
    """Photo, occlusion map and overlay: red where covering hurts the score, blue where it helps. See `plots.show_heat`."""
    return plots.show_heat(image, heat, titles, title=title, signed=True)
