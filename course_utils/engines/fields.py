"""What one place of a layer sees of the image, as numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace

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

    def middle(self, window: int) -> ReceptiveField:
        """The same places with smaller boxes: `window` pixels a side around the middle of each field.

        A window that would reach over the border is moved inside, so that all are equally large.
        """
        if not self.rows:
            return self
        spans = [
            tuple(_window(low + i * step + size // 2, window, side) for i in range(len(places)))
            for low, step, size, side, places in zip(
                self.start, self.stride, self.size, self.image, (self.rows, self.columns), strict=True
            )
        ]
        return replace(self, rows=spans[0], columns=spans[1])


def _window(middle: int, window: int, side: int) -> tuple[int, int]:
    """The first pixel and the one after the last, of at most `side`."""
    first = max(0, min(middle - window // 2, side - window))
    return first, min(side, first + window)
