"""Receptive fields by intervals: what one recorded operation sees, from what its inputs see."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from course_utils.engines.incremental import POINTWISE, sliding_window


@dataclass
class Axis:
    """One axis of a map. Far from borders, place i sees the pixels `low + i jump` to `high + i jump`; `seen` `(n, 2)` holds
    the first and the last pixel that each place really sees."""

    low: int
    high: int
    jump: int
    seen: Tensor

    def slide(self, kernel: int, stride: int, padding: int, dilation: int, count: int) -> Axis:
        taps = torch.arange(count)[:, None] * stride - padding + torch.arange(kernel) * dilation
        inside = (taps >= 0) & (taps < len(self.seen))
        first, last = self.seen[taps.clamp(0, len(self.seen) - 1)].unbind(-1)
        seen = torch.stack([first.where(inside, NOTHING[0]).amin(1), last.where(inside, NOTHING[1]).amax(1)], 1)
        low = self.low - padding * self.jump
        high = self.high + ((kernel - 1) * dilation - padding) * self.jump
        return Axis(low, high, self.jump * stride, seen)

    def pad(self, before: int, count: int) -> Axis:
        return self.slide(1, 1, before, 1, count)  # padding is a sliding window of one place that begins outside

    def joined(self, other: Axis) -> Axis:
        seen = torch.stack([self.seen[:, 0].minimum(other.seen[:, 0]), self.seen[:, 1].maximum(other.seen[:, 1])], 1)
        return Axis(min(self.low, other.low), max(self.high, other.high), self.jump, seen)


NOTHING = (torch.tensor(2**31), torch.tensor(-1))  # first and last pixel of a place that sees only padding


Span = tuple[Axis, Axis] | None  # None: every place sees the whole image


def span_after(op, inputs: list[Span], values: dict) -> Span:
    """What the output of one operation sees, from what its inputs see."""
    if any(span is None for span in inputs):
        return None
    name, shape = op.name, values[op.inputs[0]].shape
    size = values[op.out[0]].shape[2:]
    slid = sliding_window(op)
    if slid is not None:
        return tuple(axis.slide(*(v[a] for v in slid), size[a]) for a, axis in enumerate(inputs[0]))
    if name == "constant_pad_nd" and len(op.args[1]) <= 4:
        left, top = op.args[1][0], op.args[1][2] if len(op.args[1]) > 2 else 0
        return inputs[0][0].pad(top, size[0]), inputs[0][1].pad(left, size[1])
    same_plane = len(shape) == 4 and all(values[n].shape[2:] == size for n in op.inputs)
    if name in POINTWISE or name == "native_batch_norm" or (name == "cat" and op.args[1] in (1, -3)):
        if not same_plane:
            raise ValueError(f"{name} joins maps of different sizes")
        hull = inputs[0]
        for span in inputs[1:]:
            if any(a.jump != b.jump for a, b in zip(hull, span, strict=True)):
                raise ValueError(f"{name} joins branches with different strides")
            hull = tuple(a.joined(b) for a, b in zip(hull, span, strict=True))
        return hull
    if name in ("slice", "split", "chunk") and same_plane:
        return inputs[0]
    if name == "mean" and len(shape) == 4 and {2, 3} <= {d % 4 for d in op.args[1]}:
        return None
    if name in ("addmm", "mm", "view", "_unsafe_view", "reshape") and len(values[op.out[0]].shape) == 2:
        return None  # the plane is gone: flattened, or summed over by a linear layer
    if name == "_adaptive_avg_pool2d" and all(n % m == 0 for n, m in zip(shape[2:], size, strict=True)):
        if tuple(size) == (1, 1):
            return None
        return tuple(a.slide(n // m, n // m, 0, 1, m) for a, n, m in zip(inputs[0], shape[2:], size, strict=True))
    raise ValueError(f"it goes through {name}, whose field has no fixed size and stride")
