"""What gradient ascent makes large: a class, a channel, a neuron, a direction, and sums of them.

Objectives add and scale like the formulas they stand for, and are always maximized:

    class_score("lion") + 0.5 * channel("relu4_1:137")

Given a list, an objective has one part per image, so that many units are visualized in one pass:

    class_score([1, 22, 130])                              # three images
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from numbers import Integral, Real

import torch
from torch import Tensor

from course_utils.hooks import capture, forward_to
from course_utils.networks.network import Network
from course_utils.validate import check_target

SCORES = ""  # the key of the class scores among the recorded layers


class Objective:
    """A number for each image, computed from what a network puts out.

    Attributes:
        name: the formula, for titles.
        layers: the layers whose outputs it reads.
        count: how many images it is about, or None for any number.
        value: a function `(net, seen) -> (N,)`, where `seen[layer]` is what the layer put out.
    """

    def __init__(
        self,
        value: Callable[[Network, dict[str, Tensor]], Tensor],
        *,
        layers: Iterable[str],
        count: int | None = None,
        name: str = "objective",
    ):
        self.value, self.layers, self.count, self.name = value, frozenset(layers), count, name

    def __call__(self, net: Network, images: Tensor) -> Tensor:
        """The objective of each image, `(N,)`. The network runs no further than it must."""
        if SCORES not in self.layers:
            return self.value(net, forward_to(net, images, sorted(self.layers)))
        with capture(net, sorted(self.layers - {SCORES})) as seen:
            scores = net(images)
        return self.value(net, {**seen, SCORES: scores})

    def __add__(self, other: Objective) -> Objective:
        if not isinstance(other, Objective):
            return NotImplemented
        counts = {self.count, other.count} - {None}
        if len(counts) == 2:
            raise ValueError(f"{self.name} is about {self.count} images and {other.name} about {other.count}.")
        return Objective(
            lambda net, seen: self.value(net, seen) + other.value(net, seen),
            layers=self.layers | other.layers,
            count=counts.pop() if counts else None,
            name=f"{self.name} + {other.name}",
        )

    def __mul__(self, factor: float) -> Objective:
        if not isinstance(factor, Real):
            return NotImplemented
        return Objective(
            lambda net, seen: factor * self.value(net, seen),
            layers=self.layers,
            count=self.count,
            name=f"{factor:g} * ({self.name})",
        )

    __rmul__ = __mul__

    def __neg__(self) -> Objective:
        return self * -1.0

    def __sub__(self, other: Objective) -> Objective:
        return self + (-other) if isinstance(other, Objective) else NotImplemented

    def __repr__(self) -> str:
        return f"Objective({self.name})"


def class_score(target: int | str | Sequence[int | str]) -> Objective:
    """The score S_c of a class before the softmax: an index, a name, or one for each image.

    Not the probability: that also goes up when all other scores go down, and its gradient vanishes once it is near 1.
    """

    def value(net, seen):
        scores = seen[SCORES]
        if target is None:
            raise ValueError("class_score needs a class: an index or a name.")
        return scores.gather(1, check_target(net, target, scores)[:, None])[:, 0]

    many = not isinstance(target, (str, Integral)) and target is not None
    return Objective(value, layers=[SCORES], count=len(target) if many else None, name=f"class {target}")


def channel(unit: str | Sequence[str]) -> Objective:
    """The mean activation of a channel, `"relu4_1:137"`, over all positions; or one channel for each image."""
    return _of_units(unit, lambda feature_map: feature_map.mean(), "channel")


def neuron(unit: str | Sequence[str], *, position: Sequence[int] | None = None) -> Objective:
    """The activation of one neuron: a channel at `position` (row, column), by default the center `(H // 2, W // 2)`."""

    def at(feature_map):
        if feature_map.ndim != 2:
            return feature_map.flatten()[0]
        height, width = feature_map.shape
        row, column = (height // 2, width // 2) if position is None else position
        if not (0 <= row < height and 0 <= column < width):
            raise ValueError(f"position {(row, column)} lies outside the map of {height}x{width}.")
        return feature_map[row, column]

    return _of_units(unit, at, "neuron")


def _of_units(unit: str | Sequence[str], read: Callable[[Tensor], Tensor], kind: str) -> Objective:
    units = [unit] if isinstance(unit, str) else list(unit)
    split = [(u.rpartition(":")[0], u.rpartition(":")[2]) for u in map(str, units)]
    for one, (layer, number) in zip(units, split, strict=True):
        if not layer or not number.isdigit():
            raise ValueError(f'A unit is written "layer:channel", for example "relu4_1:137"; not {one!r}.')

    def value(net, seen):
        count = len(seen[split[0][0]])
        values = []
        for image, (layer, number) in enumerate(split * count if isinstance(unit, str) else split):
            maps = seen[layer]
            if int(number) >= maps.shape[1]:
                raise ValueError(f"{layer}:{number}: layer {layer} has channels 0 to {maps.shape[1] - 1}.")
            values.append(read(maps[image, int(number)]))
        return torch.stack(values)

    count = None if isinstance(unit, str) else len(units)
    return Objective(value, layers={layer for layer, _ in split}, count=count, name=f"{kind} {unit}")


def direction(layer: str, vector: Tensor, *, position: Sequence[int] | None = None) -> Objective:
    """The mean over positions of <v, a>: how far the activations go in a direction `v` of length 1.

    Args:
        layer: the layer.
        vector: `(C,)`, or `(N, C)` for one direction per image; it is brought to length 1.
        position: only at (row, column) instead of the mean over positions.
    """
    vector = torch.as_tensor(vector).detach()
    if vector.ndim not in (1, 2) or not vector.norm(dim=-1).gt(0).all():
        raise ValueError(
            f"vector must have shape (C,) or (N, C) and not be 0; this one has shape {tuple(vector.shape)}."
        )
    unit = vector / vector.norm(dim=-1, keepdim=True)

    def value(net, seen):
        maps = seen[layer]
        maps = maps if maps.ndim == 4 else maps[:, :, None, None]
        if unit.shape[-1] != maps.shape[1]:
            raise ValueError(f"layer {layer} has {maps.shape[1]} channels, but vector has {unit.shape[-1]} numbers.")
        along = (maps * unit.to(maps).expand(len(maps), -1)[:, :, None, None]).sum(1)
        return along.mean((1, 2)) if position is None else along[:, position[0], position[1]]

    return Objective(
        value, layers=[layer], count=len(vector) if vector.ndim == 2 else None, name=f"direction in {layer}"
    )


def as_objective(thing: Objective | int | str | Sequence) -> Objective:
    """`"layer:channel"` becomes `channel`, a class `class_score`, a list of either one part per image."""
    if isinstance(thing, Objective):
        return thing
    first = thing if isinstance(thing, (str, Integral)) else next(iter(thing), None)
    if first is None:
        raise ValueError("the objective is an empty list; give at least one class or unit.")
    is_unit = isinstance(first, str) and ":" in first and first.rpartition(":")[2].isdigit()
    return channel(thing) if is_unit else class_score(thing)
