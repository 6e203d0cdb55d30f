"""What one place of a layer sees of the image, as numbers, and read off the operations of a network."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from course_utils.engines.recording import Recording, Unrecordable, record
from course_utils.engines.spans import Axis, Span, span_after
from course_utils.networks.network import Network

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


def field_of(net: Network, layer: str, image: tuple[int, int]) -> ReceptiveField:
    """The receptive field of a layer in images `(H, W)`; see `receptive_field`.

    Raises:
        ValueError: no such layer, or an operation on the way whose field is not known; the message names it.
    """
    blank = torch.full((1, net.channels, *image), 0.5, dtype=net.mean.dtype, device=net.device)
    try:
        recording = record(net, blank, layers=(layer,), stop=True)
    except Unrecordable as reason:
        raise ValueError(f"{net.name} has no receptive field that can be read off: {reason}.") from None
    if layer not in recording.layers:
        raise ValueError(f"{net.name} never runs layer {layer!r}, or its output is not one tensor.")
    try:
        axes = _span_of(recording, recording.layers[layer], image)
    except ValueError as error:
        raise ValueError(f"The receptive field of {layer} in {net.name} is not known: {error}.") from None
    if axes is None:
        return ReceptiveField(image, (0, 0), (0, 0), image)
    tables = [tuple((max(0, min(a, b + 1)), b + 1) for a, b in axis.seen.tolist()) for axis in axes]
    return ReceptiveField(
        tuple(a.high - a.low + 1 for a in axes), tuple(a.jump for a in axes), tuple(a.low for a in axes), image, *tables
    )


def _span_of(recording: Recording, target: int, image: tuple[int, int]) -> Span:
    """What the tensor of a number sees; None for the whole image.

    Raises:
        ValueError: an operation on the way whose span is not known.
    """
    spans: dict[int, Span] = {0: tuple(Axis(0, 0, 1, torch.arange(n)[:, None].repeat(1, 2)) for n in image)}
    unknown: dict[int, str] = {}
    for op in recording.ops:
        try:
            span = span_after(op, [spans[n] for n in op.inputs if n in spans], recording.values)
        except ValueError as error:
            span, reason = None, str(error)
            unknown.update(dict.fromkeys(op.out, reason))
        for n in op.inputs:
            if n in unknown:
                unknown.update(dict.fromkeys(op.out, unknown[n]))
        spans.update(dict.fromkeys(op.out, span))
        if target in op.out:
            break
    if target in unknown:
        raise ValueError(unknown[target])
    return spans[target]
