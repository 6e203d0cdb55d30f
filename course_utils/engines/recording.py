"""What a network computes, written down: the list of tensor operations of one forward pass.

`receptive_field` walks this list with intervals, and the incremental `occlusion` runs it again on small crops. It is
taken below the level of modules, so that functional calls (`F.relu`, `x + shortcut`, padding by hand) are seen too.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

from course_utils.hooks import _Stop
from course_utils.networks.network import Network, frozen

aten = torch.ops.aten


@dataclass(frozen=True)
class Value:
    """A tensor that depends on the image: its number is the place where it is kept."""

    number: int


@dataclass
class Op:
    """One operation. Arguments that depend on the image are `Value`s; everything else is there as it was."""

    name: str  # such as "convolution", without "aten." and without the underscore of in-place versions
    call: object
    args: tuple
    kwargs: dict
    out: list[int]  # the numbers of the outputs

    @property
    def inputs(self) -> list[int]:
        found = []
        tree_map(lambda a: found.append(a.number) if isinstance(a, Value) else None, (self.args, self.kwargs))
        return found


@dataclass
class Recording:
    """The operations of one pass, in order, with the tensors that came out.

    Attributes:
        ops: the operations that depend on the image.
        values: number -> the tensor of the recorded pass; 0 is the image.
        layers: layer name -> number of its (first) output.
        output: number of the network's output.
    """

    ops: list[Op] = field(default_factory=list)
    values: dict[int, Tensor] = field(default_factory=dict)
    layers: dict[str, int] = field(default_factory=dict)
    output: int = 0


class Unrecordable(ValueError):
    """The network cannot be written down as a list of operations; the message says why."""


class _Recorder(TorchDispatchMode):
    def __init__(self, image: Tensor):
        super().__init__()
        self.recording = Recording(values={0: image})
        self.number = {id(image): 0}
        self.alive = [image]  # an id is only unique as long as its tensor lives
        self.views: set[int] = set()

    def value_of(self, tensor: Tensor) -> int | None:
        return self.number.get(id(tensor))

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        name = func.overloadpacket.__name__
        if torch.Tag.nondeterministic_seeded in func.tags:
            raise Unrecordable(f"{name} draws random numbers")
        packed = tree_map(self._pack, (tuple(args), kwargs))
        watched: list[Value] = []
        tree_map(lambda a: watched.append(a) if isinstance(a, Value) else None, packed)
        if not watched:
            return func(*args, **kwargs)
        if name in ("_local_scalar_dense", "item", "equal", "is_nonzero"):
            raise Unrecordable("its forward pass reads a number out of a tensor, so its operations depend on the image")
        if torch.Tag.inplace_view in func.tags:
            raise Unrecordable(f"{name} changes the layout of a tensor in place")
        in_place = func._schema.is_mutable
        if in_place:
            number = self.value_of(args[0]) if args and isinstance(args[0], Tensor) else None
            if number is None or number in self.views or not name.endswith("_"):
                raise Unrecordable(f"{name} writes into a part of another tensor")
            self.recording.values[number] = args[0].clone()  # it is about to be overwritten
            func = getattr(getattr(aten, name[:-1]), func._overloadname)
            out = args[0].copy_(func(*args, **kwargs))
        else:
            out = func(*args, **kwargs)
        numbers = []
        for one in out if isinstance(out, (tuple, list)) else [out]:
            number = len(self.recording.values)
            numbers.append(number)
            self.recording.values[number] = one
            self.alive.append(one)
            if isinstance(one, Tensor):
                self.number[id(one)] = number
                if not in_place and any(
                    one.untyped_storage().data_ptr() == self.recording.values[w.number].untyped_storage().data_ptr()
                    for w in watched
                ):
                    self.views.update([number, *(w.number for w in watched)])
        self.recording.ops.append(Op(name.removesuffix("_") if in_place else name, func, *packed, numbers))
        return out

    def _pack(self, argument):
        if isinstance(argument, Tensor) and id(argument) in self.number:
            return Value(self.number[id(argument)])
        return argument


def record(net: Network, image: Tensor, *, layers: tuple[str, ...] = (), stop: bool = False) -> Recording:
    """Run the network once on one image and write down what it computes.

    Args:
        net: the network.
        image: `(1, 3, H, W)` on the network's device; the list holds for images of this size.
        layers: layers whose outputs are to be found again in `Recording.layers`.
        stop: end the pass as soon as all of `layers` have run; the recording then has no output.

    Raises:
        Unrecordable: the pass depends on values of the image, draws random numbers, or writes into parts of tensors.
    """
    with torch.inference_mode(False):  # inference mode hides the small operations behind larger ones
        # Pooling to one place of a channels-last map changes a layout in place, so the image is made contiguous.
        recorder = _Recorder(image.clone(memory_format=torch.contiguous_format))
    handles = []

    def remember(name):
        def hook(module, inputs, output):
            number = recorder.value_of(output) if isinstance(output, Tensor) else None
            if number is not None:
                recorder.recording.layers.setdefault(name, number)
                if stop and len(recorder.recording.layers) == len(layers):
                    raise _Stop

        return hook

    try:
        handles = [net.layer(name).register_forward_hook(remember(name)) for name in layers]
        with torch.inference_mode(False), frozen(net), torch.no_grad(), recorder:
            output = net(recorder.alive[0])
    except _Stop:
        return recorder.recording
    finally:
        for handle in handles:
            handle.remove()
    if not isinstance(output, Tensor) or recorder.value_of(output) is None:
        raise Unrecordable(f"its output is a {type(output).__name__} that does not come from the image alone")
    recorder.recording.output = recorder.value_of(output)
    return recorder.recording
