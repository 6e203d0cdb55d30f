"""Probabilities as bars: text that can be read and selected, and bars that need no color to be understood."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path

import ipywidgets
import matplotlib
from PIL import Image, ImageDraw, ImageFont


class Bars(ipywidgets.HTML):
    """A table of names, bars and values in 0..1, such as the most probable classes.

    Args:
        caption: the line above it.
        width: in pixels of the page.
    """

    def __init__(self, caption: str, *, width: int = 300):
        super().__init__()
        self.caption, self.pixels = caption, width
        self.rows: list[tuple[str, float]] = []
        self.show([])

    def show(self, rows: Sequence[tuple[str, float]]) -> None:
        """Show `(name, value)` rows, values in 0..1, in the given order."""
        self.rows = [(str(name), float(value)) for name, value in rows]
        lines = "".join(
            f"<tr><th scope='row' style='width:44%;text-align:left;font-weight:normal'>{html.escape(name)}</th>"
            f"<td style='width:36%'><div style='height:10px;border:1px solid currentColor;width:{100 * value:.1f}%;"
            f"box-sizing:border-box;background:#3b6ea5'></div></td>"
            f"<td style='text-align:right;font-variant-numeric:tabular-nums'>{value:.1%}</td></tr>"
            for name, value in self.rows
        )
        self.value = (
            f"<table style='width:{self.pixels}px;table-layout:fixed;line-height:1.5;border-spacing:6px 0'>"
            f"<caption style='text-align:left;padding-left:6px'>{html.escape(self.caption)}</caption>{lines}</table>"
        )

    def alt(self) -> str:
        """The same in words."""
        return f"{self.caption}: " + ", ".join(f"{name} {value:.1%}" for name, value in self.rows)

    def to_pil(self) -> Image.Image:
        """The same as a picture."""
        height, line = 22, font(12)
        picture = Image.new("RGB", (self.pixels, height * (len(self.rows) + 1)), "white")
        draw = ImageDraw.Draw(picture)
        draw.text((0, 3), self.caption, "black", font(13))
        for index, (name, value) in enumerate(self.rows, start=1):
            y = index * height
            while name and draw.textlength(name, line) > 0.5 * self.pixels - 8:
                name = name[:-2] + "…" if len(name) > 2 else ""
            draw.text((0, y + 3), name, "black", line)
            left, room = self.pixels // 2, self.pixels // 2 - 48
            draw.rectangle([left, y + 5, left + max(1, room * value), y + 15], fill="#3b6ea5", outline="black")
            draw.text((self.pixels - 44, y + 3), f"{value:.1%}", "black", line)
        return picture


def font(size: int) -> ImageFont.FreeTypeFont:
    """The font of the course's figures, DejaVu Sans, which Matplotlib ships."""
    return ImageFont.truetype(str(Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")), size)
