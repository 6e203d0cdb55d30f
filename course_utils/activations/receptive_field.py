"""Receptive fields: which pixels one place of a layer can see."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from course_utils.engines.recording import Unrecordable, record
from course_utils.engines.spans import Axis, Span, span_after
from course_utils.networks.network import Network

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class ReceptiveField:
    """What one place of a layer sees of the image, `(y, x)` each: place `(i, j)` sees `size` pixels from `start + (i, j) stride`.

    Attributes:
        size: in pixels, before it is cut at the border.
        stride: pixels between the fields of neighboring places; 0 if every place sees the whole image.
        start: of the first place's field; negative if padding lets it reach outside.
        image: `(H, W)` for which it holds.
        rows, columns: for each row (column) of the map the first pixel it sees and the one after the last, cut at the border
            of every layer on the way; empty if every place sees the whole image.
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


def receptive_field(net: Network, layer: str, *, size: int | tuple[int, int] | None = None) -> ReceptiveField:
    """The exact receptive field of a layer: which pixels a place of it can depend on.

    With kernel k, stride s, padding p and dilation d, a place sees `(k-1) d + 1` places of the layer below, from `s i - p` on;
    from layer to layer, `size += (k-1) d jump`, `start -= p jump`, `jump *= s`. Where branches meet (residual additions,
    concatenations), it is the hull of what the branches see. A global pooling or a linear layer sees the whole image.

    Args:
        net: the network.
        layer: a dotted path or alias.
        size: side of the images, or `(H, W)`; None for the network's own size. Some networks choose their padding by it.

    Raises:
        ValueError: no such layer, or an operation on the way whose field is not known; the message names it.

    Reference:
        Araujo, Norris, Sim: Computing Receptive Fields of Convolutional Neural Networks, Distill 2019.
    """
    height, width = size if isinstance(size, (tuple, list)) else (size or net.input_size,) * 2
    blank = torch.full((1, net.channels, height, width), 0.5, dtype=net.mean.dtype, device=net.device)
    try:
        recording = record(net, blank, layers=(layer,), stop=True)
    except Unrecordable as reason:
        raise ValueError(f"{net.name} has no receptive field that can be read off: {reason}.") from None
    if layer not in recording.layers:
        raise ValueError(f"{net.name} never runs layer {layer!r}, or its output is not one tensor.")
    target = recording.layers[layer]
    spans: dict[int, Span] = {0: tuple(Axis(0, 0, 1, torch.arange(n)[:, None].repeat(1, 2)) for n in (height, width))}
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
        raise ValueError(f"The receptive field of {layer} in {net.name} is not known: {unknown[target]}.")
    if spans[target] is None:
        return ReceptiveField((height, width), (0, 0), (0, 0), (height, width))
    axes = spans[target]
    tables = [tuple((max(0, min(a, b + 1)), b + 1) for a, b in axis.seen.tolist()) for axis in axes]
    return ReceptiveField(
        tuple(a.high - a.low + 1 for a in axes),
        tuple(a.jump for a in axes),
        tuple(a.low for a in axes),
        (height, width),
        *tables,
    )
