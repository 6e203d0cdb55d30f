"""Pictures that several explorers draw: sheets of small pictures, and heat maps. With PIL, because a knob cannot wait."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib
import torch
from PIL import Image
from PIL import ImageDraw as Draw
from torch import Tensor

from course_utils.explorers.bars import font
from course_utils.images import to_pil
from course_utils.plots import heat_range

SIGNED = "PuOr_r"  # dark violet for negative, dark orange for positive: told apart by everyone who sees blue and yellow


def sheet(
    pictures: Sequence[Tensor | Image.Image],
    *,
    side: int,
    columns: int,
    labels: Sequence[str] = (),
    gap: int = 4,
    paper: str = "white",
) -> Image.Image:
    """Small pictures row by row, each with a line of text beneath if there are labels.

    Args:
        pictures: tensors `(3, h, w)` or `(h, w)` in [0, 1], or PIL pictures; each is fitted into a square.
        side: of the square, in pixels.
        columns: pictures side by side.
        labels: one line for each picture.
        gap: pixels between them.
        paper: the color between them.
    """
    rows = -(-len(pictures) // columns)
    text = 15 if labels else 0
    page = Image.new("RGB", (columns * (side + gap) - gap, rows * (side + gap + text) - gap), paper)
    draw, line = Draw.Draw(page), font(10)
    for index, picture in enumerate(pictures):
        picture = to_pil(picture) if isinstance(picture, Tensor) else picture
        scale = side / max(picture.size)
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        how = Image.Resampling.NEAREST if scale >= 2 else Image.Resampling.BILINEAR
        x, y = index % columns * (side + gap), index // columns * (side + gap + text)
        page.paste(picture.resize(size, how), (x + (side - size[0]) // 2, y + (side - size[1]) // 2))
        if labels:
            name = labels[index]
            while name and draw.textlength(name, line) > side:
                name = name[:-2] + "…" if len(name) > 2 else ""
            draw.text((x, y + side + 1), name, "black", line)
    return page


def cell(place: tuple[float, float], *, count: int, columns: int) -> int:
    """The number of the cell at a place `(x, y)` in 0..1 of a sheet without labels and with a gap of a few pixels, at most `count - 1`."""
    rows = -(-count // columns)
    column, row = min(int(place[0] * columns), columns - 1), min(int(place[1] * rows), rows - 1)
    return min(row * columns + column, count - 1)


def cell_box(index: int, *, count: int, columns: int) -> list[float]:
    """The frame of a cell, `[left, top, right, bottom]` in 0..1."""
    rows = -(-count // columns)
    row, column = divmod(index, columns)
    return [column / columns, row / rows, (column + 1) / columns, (row + 1) / rows]


def heat(values: Tensor, *, signed: bool = False, photo: Tensor | None = None) -> Image.Image:
    """A map `(H, W)` in color: black to yellow, or violet (negative), white (zero), orange (positive).

    Args:
        values: the map, brightest at its 99.5th percentile.
        signed: whether 0 is the middle.
        photo: `(1, 3, H, W)`, laid under it in gray.
    """
    values = values.detach().float().cpu()
    top = heat_range(values)
    scaled = (values / top).clamp(-1, 1)
    values = (scaled + 1) / 2 if signed else scaled.clamp(min=0)
    colors = matplotlib.colormaps[SIGNED if signed else "inferno"](values.numpy())
    picture = torch.from_numpy(colors[..., :3]).permute(2, 0, 1).float()
    if photo is not None:
        gray = 0.35 + 0.65 * photo[0].float().cpu().mean(0)
        strength = (scaled.abs() ** 0.7 * 0.9)[None]
        picture = strength * picture + (1 - strength) * gray
    return to_pil(picture)
