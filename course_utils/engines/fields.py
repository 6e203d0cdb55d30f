"""What one place of a layer sees of the image, as numbers."""

from __future__ import annotations

from dataclasses import dataclass

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class ReceptiveField:
    """What the places of a layer see, `(y, x)` each: place `(i, j)` sees `size` pixels from `start + (i, j) stride`.

    Attributes:
        size: in pixels, before it is cut at the border.
        stride: pixels between the fields of neighboring places; 0 if every place sees the whole image.
        start: of the first place's field; negative if padding lets it reach outside.
        image: `(H, W)` for which it holds.
        rows, columns: for each row (column) of the map the first pixel it sees and the one after the last, cut at the
            border of every layer on the way; empty if every place sees the whole image.
    """

    size: tuple[int, int]
    stride: tuple[int, int]
    start: tuple[int, int]
    image: tuple[int, int]
    rows: tuple[tuple[int, int], ...] = ()
    columns: tuple[tuple[int, int], ...] = ()

    def box(self, y: int, x: int) -> Box:
        """`(top, left, bottom, right)` of the pixels that place `(y, x)` sees; bottom and right are not in it."""
        if not self.rows:
            return 0, 0, *self.image
        (top, bottom), (left, right) = self.rows[y], self.columns[x]
        return top, left, bottom, right
