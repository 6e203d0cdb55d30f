"""Occlusion maps beside and over their photo."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure
from torch import Tensor

from course_utils import plots


def show_occlusion(
    image: Tensor, heat: Tensor, titles: Sequence[str] | None = None, *, title: str | None = None
) -> Figure:
    """Photo, occlusion map and overlay: red where covering lowers the score, blue where it raises it.

    Args:
        image: `(1, 3, H, W)` in [0, 1].
        heat: `(1, h, w)` from `occlusion`, signed.
        titles: as in `show_heat`.
        title: one line above all.
    """
    return plots.show_heat(image, heat, titles, title=title, signed=True)
