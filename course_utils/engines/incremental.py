"""Exact incremental inference: recompute only what an occluding window can reach, layer by layer.

The clean pass is recorded once. A window changes a rectangle of the image; the next layer changes in a slightly larger
rectangle (by the kernel, divided by the stride), and so on. Outside that rectangle every value equals the clean one, so
a layer runs on a small crop: the clean values around the rectangle (the halo), with the changed values pasted in.

The idea is that of Krypton (Nakandala, Kumar, Papakonstantinou: Incremental and Approximate Inference for Faster
Occlusion-based Deep CNN Explanations, SIGMOD 2019), here in its exact form only, for any list of operations: one that
is not local in the plane, or not known here, gets whole maps.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils._pytree import tree_map

from course_utils.engines.recording import Op, Recording, Value

POINTWISE = {
    *("relu", "hardtanh", "hardswish", "hardsigmoid", "sigmoid", "silu", "gelu", "elu", "leaky_relu", "tanh"),
    *("add", "sub", "mul", "div", "maximum", "minimum", "clamp", "clamp_min", "clamp_max", "neg", "abs", "exp"),
    *("clone", "alias", "detach"),
}


# The images of a batch do not see each other in these, so that all positions run as one batch once they hold whole maps.
BATCHWISE = POINTWISE | {
    "convolution",
    "max_pool2d_with_indices",
    "avg_pool2d",
    "_adaptive_avg_pool2d",
    "constant_pad_nd",
}


KNOWN = BATCHWISE | {"cat", "mean", "addmm", "view", "_unsafe_view", "_softmax", "_log_softmax", "native_batch_norm"}


# Their result can share memory with their input, so it must not be overwritten.
SHARING = {"alias", "detach", "view", "_unsafe_view", "expand", "permute", "transpose", "slice", "select", "split"}


@dataclass
class Stack:
    """Changed rectangles of equal size: `tensor[i]` lies at `(tops[i], lefts[i])` in the map of position `ids[i]`."""

    ids: list[int]
    tops: list[int]
    lefts: list[int]
    tensor: Tensor


class Rectangles:
    """What differs from the clean map, for every position; a position that is absent does not differ."""

    def __init__(self, stacks: list[Stack]):
        self.stacks = stacks
        self._at = None

    @property
    def at(self) -> dict[int, tuple[int, int, Tensor]]:
        """position -> (top, left, tensor `(C, h, w)`)"""
        if self._at is None:
            self._at = {
                i: (t, left, one)
                for c in self.stacks
                for i, t, left, one in zip(c.ids, c.tops, c.lefts, c.tensor.unbind(0), strict=True)
            }
        return self._at


class Whole:
    """One whole tensor for every position, as a list of tensors of the recorded shape, or as one batch of them."""

    def __init__(self, parts: list[Tensor] | None = None, batch: Tensor | None = None):
        self._parts, self._batch = parts, batch

    @property
    def parts(self) -> list[Tensor]:
        if self._parts is None:
            self._parts = list(self._batch.split(1))
        return self._parts

    @property
    def batch(self) -> Tensor:
        if self._batch is None:
            self._batch = torch.cat(self._parts)
        return self._batch


@dataclass
class Local:
    """A layer with a sliding window: per axis (y, x) its kernel, stride, padding and dilation, and what to run on a crop."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    run: object
    fill: float = 0.0

    def reach(self, axis: int, start: int, length: int, size: int) -> tuple[int, int]:
        """Where the outputs lie that see any of the inputs `start ... start + length - 1`, cut to `0 ... size - 1`."""
        k, s, p, d = self.kernel[axis], self.stride[axis], self.padding[axis], self.dilation[axis]
        first = max(0, -((-(start + p - (k - 1) * d)) // s))
        last = min(size - 1, (start + length - 1 + p) // s)
        return first, last - first + 1

    def need(self, axis: int, start: int, length: int) -> tuple[int, int]:
        """The inputs (start, length) that the outputs `start ... start + length - 1` see; it may lie outside the map."""
        k, s, p, d = self.kernel[axis], self.stride[axis], self.padding[axis], self.dilation[axis]
        return start * s - p, (length - 1) * s + (k - 1) * d + 1


def gather(
    clean: Tensor, crops: Rectangles | None, boxes: list[tuple[int, int, int]], size, fill: float = 0.0
) -> Tensor:
    """Cut equal rectangles out of changed maps: clean values, changed ones pasted in, `fill` outside the map.

    Args:
        clean: `(1, C, H, W)`.
        crops: what differs from it; None for nothing.
        boxes: `(position, top, left)` of each rectangle.
        size: `(h, w)` of the rectangles.

    Returns:
        `(len(boxes), C, h, w)`, channels last in memory, so that a row of a crop is one stretch.
    """
    (h, w), (height, width) = size, clean.shape[2:]
    out = torch.empty(
        (len(boxes), clean.shape[1], h, w), dtype=clean.dtype, device=clean.device, memory_format=torch.channels_last
    )
    base, at = clean[0], crops.at if crops is not None else {}
    for one, (position, top, left) in zip(out.unbind(0), boxes, strict=True):
        y0, y1, x0, x1 = max(top, 0), min(top + h, height), max(left, 0), min(left + w, width)
        if y1 - y0 < h or x1 - x0 < w:
            one.fill_(fill)
        t, x, changed = at.get(position, (0, 0, None))
        a, b, c, d = (0, 0, 0, 0)
        if changed is not None:
            a, b = max(t, y0), min(t + changed.shape[1], y1)
            c, d = max(x, x0), min(x + changed.shape[2], x1)
        if a >= b or c >= d:
            one[:, y0 - top : y1 - top, x0 - left : x1 - left] = base[:, y0:y1, x0:x1]
            continue
        # Only the frame around the changed part comes from the clean map.
        for p, q, r, s in ((y0, a, x0, x1), (b, y1, x0, x1), (a, b, x0, c), (a, b, d, x1)):
            if p < q and r < s:
                one[:, p - top : q - top, r - left : s - left] = base[:, p:q, r:s]
        one[:, a - top : b - top, c - left : d - left] = changed[:, a - t : b - t, c - x : d - x]
    return out


class Incremental:
    """The recorded network, ready to be run again for windows of the image.

    Args:
        recording: of the clean image.
        wanted: the number of the value to compute.
        channel: compute only this channel of it; the last convolution is cut to what that needs.

    Attributes:
        whole_maps: names of the operations that are not local (or not known), which get whole maps.
        unsure: whether there are operations among them that this module does not know, so that a result is to be
            checked.
    """

    def __init__(self, recording: Recording, wanted: int, channel: int | None = None):
        self.wanted = wanted
        needed, ops = {wanted}, []
        for op in reversed(recording.ops):
            if needed & set(op.out):
                ops.insert(0, op)
                needed |= set(op.inputs)
        self.clean = {n: recording.values[n] for n in needed}
        self.size = {n: tuple(v.shape) for n, v in recording.values.items() if isinstance(v, Tensor)}
        self.users = defaultdict(int, {wanted: 1})
        for op in ops:
            for number in op.inputs:
                self.users[number] += 1
        self.ops = self._folded(ops)
        if channel is not None:
            self._watch(channel)
        self.layers = {op.out[0]: layer for op in self.ops if (layer := local_layer(op)) is not None}
        alive = {self.wanted, *(n for op in self.ops for n in op.inputs)}
        self.clean = {n: _channels_last(v) for n, v in self.clean.items() if n in alive}
        self.whole_maps: set[str] = set()
        self.unsure = any(op.name not in KNOWN for op in self.ops)

    def _folded(self, ops: list[Op]) -> list[Op]:
        """The operations with every batch norm folded into the convolution before it, and activations in place."""
        out, made_by = [], {}
        for op in ops:
            op = Op(op.name, op.call, op.args, op.kwargs, list(op.out))  # a copy: the recording stays as it was
            source = op.inputs[0]
            before = made_by.get(source)
            private = before is not None and self.users[source] == 1  # nobody else reads what this operation reads
            if op.name == "native_batch_norm" and not op.args[5] and self.users[op.out[0]]:
                x, gamma, beta, mean, var, _, _, eps = op.args
                scale = (var + eps).rsqrt() * (1 if gamma is None else gamma)
                shift = (0 if beta is None else beta) - mean * scale
                if private and before.name == "convolution" and not before.args[6]:
                    x, weight, bias, *rest = before.args
                    bias = shift if bias is None else bias * scale + shift
                    before.args, before.out = (x, weight * scale.view(-1, 1, 1, 1), bias, *rest), op.out[:1]
                    made_by[op.out[0]] = before
                    continue
                a, b = scale.view(1, -1, 1, 1), shift.view(1, -1, 1, 1)
                op = Op("add", lambda x, a=a, b=b: torch.addcmul(b, x, a), (x,), {}, op.out[:1])
            elif private and before.name not in SHARING and op.name in ("relu", "hardtanh"):
                op.call = torch.relu_ if op.name == "relu" else F.hardtanh_
            elif op.name in ("view", "_unsafe_view"):
                op.call = torch.reshape  # channels-last tensors cannot always be viewed
            out.append(op)
            made_by[op.out[0]] = op
        return out

    def _watch(self, channel: int) -> None:
        """Compute one channel only: cut the last convolution to it if only channel-by-channel operations follow."""
        made_by = {op.out[0]: op for op in self.ops}
        number, passed = self.wanted, []
        while number in made_by and self.users[number] == 1:
            op = made_by[number]
            passed.append(number)
            if op.name == "convolution" and op.args[8] == 1 and not op.args[6]:
                x, weight, bias, *rest = op.args
                op.args = (
                    x,
                    weight[channel : channel + 1],
                    None if bias is None else bias[channel : channel + 1],
                    *rest,
                )
                for one in passed:
                    self.clean[one] = self.clean[one][:, channel : channel + 1]
                return
            constants = any(isinstance(a, Tensor) and a.numel() > 1 for a in op.args)
            known = op.name in POINTWISE and op.call.__class__.__name__ != "function" and not constants
            if len(op.inputs) != 1 or not (known or op.name in ("max_pool2d_with_indices", "avg_pool2d")):
                break
            number = op.inputs[0]
        cut = max(self.clean) + 1
        self.ops.append(Op("alias", lambda x: x[:, channel : channel + 1], (Value(self.wanted),), {}, [cut]))
        self.clean[cut] = self.clean[self.wanted][:, channel : channel + 1]
        self.size[cut] = self.clean[cut].shape
        self.users[cut], self.wanted = 1, cut

    @torch.no_grad()
    def run(self, patches: list[Tensor], tops: list[int], lefts: list[int]) -> Tensor:
        """The wanted value for images in which `patches[i]`, `(C, h, w)`, covers the rectangle at `(tops[i], lefts[i])`.

        Returns:
            `(P, ...)`, one wanted value for each patch.
        """
        count, groups = len(patches), defaultdict(list)
        for index, patch in enumerate(patches):
            groups[patch.shape].append(index)
        stacks = [
            Stack(i, [tops[j] for j in i], [lefts[j] for j in i], _channels_last(torch.stack([patches[j] for j in i])))
            for i in groups.values()
        ]
        state: dict[int, Rectangles | Whole] = {0: Rectangles(stacks)}
        unread = dict(self.users)
        for op in self.ops:
            state.update(zip(op.out, self._step(op, state, count), strict=False))
            for number in op.inputs:
                unread[number] -= 1
                if not unread[number]:
                    state.pop(number, None)
        return self._whole(state[self.wanted], self.wanted, count).batch

    def _step(self, op: Op, state: dict, count: int) -> list[Rectangles | Whole]:
        numbers = list(dict.fromkeys(op.inputs))
        shapes = [self.size[n] for n in (*numbers, op.out[0])]
        local = all(isinstance(state[n], Rectangles) for n in numbers) and all(len(s) == 4 for s in shapes)
        if local and not any(self.users[n] for n in op.out[1:]):
            if op.out[0] in self.layers:
                return [self._slide(self.layers[op.out[0]], op, state[numbers[0]])]
            same_plane = all(s[2:] == shapes[-1][2:] for s in shapes)
            if same_plane and (
                op.name in POINTWISE
                and _flat_constants(op)
                or op.name == "cat"
                and op.args[1] in (1, -3)
                and _no_constants(op)
            ):
                return [self._pointwise(op, state, numbers)]
            if op.name == "constant_pad_nd" and len(op.args[1]) <= 4 and min(op.args[1]) >= 0:
                return [_shifted(state[numbers[0]], op.args[1])]
            if op.name == "mean" and len(numbers) == 1 and sorted(d % 4 for d in op.args[1]) == [2, 3]:
                return [self._mean(op, state[numbers[0]], count)]
        return self._anyhow(op, state, numbers, count)

    def _slide(self, layer: Local, op: Op, crops: Rectangles) -> Rectangles:
        """A convolution or pooling: on the rectangles its outputs can change in, plus the halo it reads."""
        clean, size = self.clean[op.inputs[0]], self.size[op.out[0]][2:]
        if layer.kernel == layer.stride == (1, 1) and layer.padding == (0, 0):
            return Rectangles([Stack(c.ids, c.tops, c.lefts, layer.run(c.tensor)) for c in crops.stacks])
        groups = defaultdict(list)
        for position, (top, left, one) in crops.at.items():
            y, h = layer.reach(0, top, one.shape[1], size[0])
            x, w = layer.reach(1, left, one.shape[2], size[1])
            if h > 0 and w > 0:
                groups[h, w].append((position, y, x))
        stacks = []
        for (h, w), outs in groups.items():
            boxes = [(i, layer.need(0, y, h)[0], layer.need(1, x, w)[0]) for i, y, x in outs]
            need = layer.need(0, 0, h)[1], layer.need(1, 0, w)[1]
            result = layer.run(gather(clean, crops, boxes, need, layer.fill))
            stacks.append(Stack([o[0] for o in outs], [o[1] for o in outs], [o[2] for o in outs], result))
        return Rectangles(stacks)

    def _pointwise(self, op: Op, state: dict, numbers: list[int]) -> Rectangles:
        """An operation that looks at one place at a time: on the rectangles, or on their common hull if it has several inputs."""
        if len(numbers) == 1:
            return Rectangles(
                [
                    Stack(c.ids, c.tops, c.lefts, op.call(*_filled(op, {numbers[0]: c.tensor}), **op.kwargs))
                    for c in state[numbers[0]].stacks
                ]
            )
        groups = defaultdict(list)
        for position in dict.fromkeys(i for n in numbers for i in state[n].at):
            boxes = [state[n].at[position] for n in numbers if position in state[n].at]
            top, left = min(b[0] for b in boxes), min(b[1] for b in boxes)
            h = max(b[0] + b[2].shape[1] for b in boxes) - top
            w = max(b[1] + b[2].shape[2] for b in boxes) - left
            groups[h, w].append((position, top, left))
        stacks = []
        for size, boxes in groups.items():
            ids, tops, lefts = map(list, zip(*boxes, strict=True))
            inputs = {}
            for n in numbers:
                ready = [
                    c.tensor
                    for c in state[n].stacks
                    if (c.ids, c.tops, c.lefts) == (ids, tops, lefts) and c.tensor.shape[2:] == size
                ]
                inputs[n] = ready[0] if ready else gather(self.clean[n], state[n], boxes, size)
            stacks.append(Stack(ids, tops, lefts, op.call(*_filled(op, inputs), **op.kwargs)))
        return Rectangles(stacks)

    def _mean(self, op: Op, crops: Rectangles, count: int) -> Whole:
        """Global average pooling: the clean mean, plus what changed, divided by the number of places."""
        clean = self.clean[op.inputs[0]]
        base = clean.mean((2, 3), keepdim=True)
        out = base.repeat(count, 1, 1, 1)
        for stack in crops.stacks:
            h, w = stack.tensor.shape[2:]
            before = [
                clean[:, :, t : t + h, x : x + w].sum((2, 3)) for t, x in zip(stack.tops, stack.lefts, strict=True)
            ]
            change = (stack.tensor.sum((2, 3)) - torch.cat(before)) / (clean.shape[2] * clean.shape[3])
            out[stack.ids] += change[:, :, None, None]
        keep = len(op.args) > 2 and op.args[2] or op.kwargs.get("keepdim", False)
        return Whole(batch=out if keep else out[:, :, 0, 0])

    def _whole(self, value: Rectangles | Whole, number: int, count: int) -> Whole:
        if isinstance(value, Whole):
            return value
        clean = self.clean[number]
        h, w = clean.shape[2:]
        return Whole(batch=gather(clean, value, [(i, 0, 0) for i in range(count)], (h, w)))

    def _anyhow(self, op: Op, state: dict, numbers: list[int], count: int) -> list[Whole]:
        """Any other operation: on whole tensors, as one batch where the images of a batch do not see each other."""
        self.whole_maps.add(op.name)
        wholes = {n: self._whole(state[n], n, count) for n in numbers}
        args = self._batched(op, count)
        if args is not None:
            batch = Op(op.name, op.call, args, op.kwargs, op.out)
            results = [op.call(*_filled(batch, {n: w.batch for n, w in wholes.items()}), **op.kwargs)]
            results = results[0] if isinstance(results[0], (tuple, list)) else results
            return [Whole(batch=r) for r in results[: len(op.out)]]
        rows = []
        for i in range(count):
            # The recorded shapes hold for one image; a copy, since some calls overwrite or share what they get.
            row = op.call(
                *_filled(op, {n: w.parts[i].clone(memory_format=torch.contiguous_format) for n, w in wholes.items()}),
                **op.kwargs,
            )
            rows.append(row if isinstance(row, (tuple, list)) else [row])
        return [Whole(parts=list(column)) for column in zip(*rows, strict=True)]

    def _batched(self, op: Op, count: int) -> tuple | None:
        """The arguments for a batch of `count` images instead of one, or None if that is not known to be the same."""
        shapes = [self.size[n] for n in (*op.inputs, op.out[0])]
        if any(not s or s[0] != 1 for s in shapes):
            return None
        rank = len(shapes[0])
        if op.name in BATCHWISE and all(len(s) == rank for s in shapes):
            return op.args
        if op.name in ("view", "_unsafe_view", "reshape") and op.args[1][0] == 1:
            return (op.args[0], [count, *op.args[1][1:]])
        if op.name == "addmm" and isinstance(op.args[1], Value) and len(op.inputs) == 1:
            return op.args
        if op.name in ("mean", "cat", "_softmax", "_log_softmax", "native_layer_norm"):
            if op.name == "native_layer_norm":
                return op.args if rank > len(op.args[1]) else None
            if op.name == "cat" and not _no_constants(op):  # a constant has one row, and a batch has more
                return None
            dims = op.args[1] if op.name == "mean" else [op.args[1]]
            return op.args if all(d % rank for d in dims) else None
        return None


def sliding_window(op: Op) -> tuple[tuple[int, int], ...] | None:
    """Kernel, stride, padding and dilation, each `(y, x)`, of a convolution or pooling; None for anything else."""
    if op.name == "convolution":
        _, weight, _, stride, padding, dilation, transposed, *_ = op.args
        if transposed or weight.ndim != 4:
            return None
        return tuple(weight.shape[2:]), _pair(stride), _pair(padding), _pair(dilation)
    if op.name in ("max_pool2d_with_indices", "avg_pool2d"):
        _, kernel, *rest = op.args
        stride = rest[0] if rest and rest[0] else kernel
        padding = rest[1] if len(rest) > 1 else 0
        dilation = rest[2] if op.name.startswith("max") and len(rest) > 2 else 1
        return _pair(kernel), _pair(stride), _pair(padding), _pair(dilation)
    return None


def local_layer(op: Op) -> Local | None:
    """A convolution or pooling, ready to run on crops; None for anything else."""
    slid = sliding_window(op)
    if slid is None:
        return None
    kernel, stride, padding, dilation = slid
    if op.name == "convolution":
        weight, bias, groups = _channels_last(op.args[1]), op.args[2], op.args[8]
        return Local(*slid, lambda x: F.conv2d(x, weight, bias, stride, 0, dilation, groups))
    if op.name == "max_pool2d_with_indices":
        return Local(*slid, lambda x: F.max_pool2d(x, kernel, stride, 0, dilation), -math.inf)
    ceil, include, divisor = (*op.args[4:], *(False, True, None)[len(op.args) - 4 if len(op.args) > 4 else 0 :])
    if ceil or divisor is not None or (padding != (0, 0) and not include):
        return None  # the divisor depends on the place
    return Local(*slid, lambda x: F.avg_pool2d(x, kernel, stride))


def _pair(value) -> tuple[int, int]:
    value = list(value) if isinstance(value, (list, tuple)) else [value]
    return (value[0], value[-1])


def _channels_last(tensor: Tensor) -> Tensor:
    return tensor.contiguous(memory_format=torch.channels_last) if tensor.ndim == 4 else tensor


def _filled(op: Op, tensors: dict[int, Tensor]):
    return tree_map(lambda a: tensors[a.number] if isinstance(a, Value) else a, op.args)


def _flat_constants(op: Op) -> bool:
    """Whether every constant of the operation is the same in the whole plane."""
    return all(
        a.numel() == 1 or a.ndim >= 3 and a.shape[-2:] == (1, 1)
        for a in (*op.args, *op.kwargs.values())
        if isinstance(a, Tensor)
    )


def _no_constants(op: Op) -> bool:
    """Whether everything that is joined by a `cat` depends on the image."""
    return all(isinstance(a, Value) for a in op.args[0])


def _shifted(crops: Rectangles, padding: list[int]) -> Rectangles:
    """Padding with a constant: what changed has moved."""
    left, top = padding[0], padding[2] if len(padding) > 2 else 0
    return Rectangles(
        [Stack(c.ids, [t + top for t in c.tops], [x + left for x in c.lefts], c.tensor) for c in crops.stacks]
    )
