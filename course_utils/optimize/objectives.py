"""The number that pictures are changed for: a class, a channel, a neuron, a direction, variation, and sums of them.

Objectives add and scale like the formulas they stand for. Those of one method stand in its file: the error of features,
the distance of Gram matrices, the dream.

    class_score("lion") + 0.5 * channel("relu4_1:137")                      # to be made large
    feature_error(net, photo, "relu3_1") + 0.1 * total_variation()          # to be made small

Given a list, an objective has one part per image, so that many units are visualized in one pass:

    class_score([1, 22, 130])                              # three images
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from numbers import Integral, Real

import torch
from torch import Tensor

from course_utils.hooks import capture, forward_to
from course_utils.networks.network import Network, check_network, in_eval_mode
from course_utils.validate import check_graph, check_list, check_positive, check_target, check_whole, plain, precise

SCORES, IMAGES = "", ":images"  # the keys of the class scores and of the images among the recorded layers


class Objective:
    """A number for each image, computed from what a network puts out, or from the image itself.

    Attributes:
        name: the formula, for titles.
        layers: the layers whose outputs it reads; SCORES for the class scores, IMAGES for the images.
        count: how many images it is about, or None for any number.
        value: a function `(net, seen) -> (N,)`, where `seen[layer]` is what the layer put out.

    Raises:
        TypeError: one name of a layer, and no list.
    """

    def __init__(
        self,
        value: Callable[[Network, dict[str, Tensor]], Tensor],
        *,
        layers: Iterable[str],
        count: int | None = None,
        name: str = "objective",
    ):
        self.layers = frozenset(check_list("layers", layers, "names"))
        self.value, self.count, self.name = value, count, name

    def __call__(self, net: Network, images: Tensor) -> Tensor:
        """The objective of each image, `(N,)`. The network runs no further than it must."""
        check_network(net)
        layers = sorted(self.layers - {SCORES, IMAGES})
        if SCORES in self.layers:
            with in_eval_mode(net), capture(net, layers) as seen:
                scores = net(images)
            seen[SCORES] = scores
            if images.requires_grad and torch.is_grad_enabled():
                check_graph(net, *seen.values())
        else:
            seen = forward_to(net, images, layers) if layers else {}
        return self.value(net, {name: precise(one) for name, one in {**seen, IMAGES: images}.items()})

    def __radd__(self, other: int) -> Objective:
        return self if isinstance(other, Integral) and other == 0 else NotImplemented  # `sum` begins with 0

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

    def __mul__(self, factor: float | Tensor) -> Objective:
        factor = plain(factor)
        if not isinstance(factor, Real):
            return NotImplemented
        return Objective(
            lambda net, seen: factor * self.value(net, seen),
            layers=self.layers,
            count=self.count,
            name=f"{factor:g} * ({self.name})",
        )

    __rmul__ = __mul__

    def __truediv__(self, divisor: float | Tensor) -> Objective:
        divisor = plain(divisor)
        return self * (1 / divisor) if isinstance(divisor, Real) else NotImplemented

    def __neg__(self) -> Objective:
        return self * -1.0

    def __sub__(self, other: Objective) -> Objective:
        return self + (-other) if isinstance(other, Objective) else NotImplemented

    def __repr__(self) -> str:
        return f"Objective({self.name})"


def class_score(target: int | str | Sequence[int | str]) -> Objective:
    """The score S_c of a class before the softmax: an index, a name, or one for each image.

    Not the probability: that also goes up when all other scores go down, and its gradient vanishes once it is near 1.

    Raises:
        ValueError: when it is computed: no class, no such class, or not one for each image.
    """

    def value(net, seen):
        scores = seen[SCORES]
        if target is None:
            raise ValueError("class_score needs a class: an index or a name.")
        return scores.gather(1, check_target(net, target, scores)[:, None])[:, 0]

    target = plain(target)
    many = isinstance(target, (list, tuple, range))
    return Objective(value, layers=[SCORES], count=len(target) if many else None, name=f"class {target}")


def channel(unit: str | Sequence[str]) -> Objective:
    """The mean activation of a channel, `"relu4_1:137"`, over all positions; or one channel for each image."""
    return _of_units(unit, lambda feature_map: feature_map.mean(), "channel")


def neuron(unit: str | Sequence[str], *, position: Sequence[int] | None = None) -> Objective:
    """The activation of one neuron: a channel at `position` (row, column), by default the center `(H // 2, W // 2)`.

    Raises:
        ValueError: when it is computed: not a unit, or a position outside of the map.
    """

    def at(feature_map):
        if feature_map.ndim == 0:
            return feature_map  # a layer without positions
        row, column = _place(feature_map, position)
        return feature_map[row, column]

    return _of_units(unit, at, "neuron")


def _place(maps: Tensor, position: Sequence[int] | None) -> tuple[int, int]:
    """(row, column) in maps `(..., H, W)`; None is the center.

    Raises:
        ValueError: the layer has no rows and columns, or a position outside of the map.
        TypeError: not two whole numbers.
    """
    if maps.ndim not in (2, 4):  # one map, or those of all channels of a batch
        raise ValueError("this layer has no rows and columns, so it has no neuron at a position.")
    height, width = maps.shape[-2:]
    pair = [height // 2, width // 2] if position is None else plain(position)
    if not isinstance(pair, (list, tuple)) or len(pair) != 2:
        raise TypeError(f"position must be (row, column), not {position!r}.")
    check_whole(least=0, row=pair[0], column=pair[1])
    if not (pair[0] < height and pair[1] < width):
        raise ValueError(f"position {tuple(pair)} lies outside the map of {height}x{width}.")
    return int(pair[0]), int(pair[1])


def _of_units(unit: str | Sequence[str], read: Callable[[Tensor], Tensor], kind: str) -> Objective:
    units = [unit] if isinstance(unit, str) else check_list("unit", unit, 'units, or one unit "layer:channel"')

    def value(net, seen):
        count = len(seen[layer_of(units[0])])
        one_each = units * count if isinstance(unit, str) else units
        return torch.stack([read(channel_of(net, seen, one)[image]) for image, one in enumerate(one_each)])

    count = None if isinstance(unit, str) else len(units)
    return Objective(value, layers=map(layer_of, units), count=count, name=f"{kind} {unit}")


def layer_of(unit: str) -> str:
    """`"relu4_1"` of `"relu4_1:137"`; a layer is its own."""
    return str(unit).rpartition(":")[0] or str(unit)


def channel_of(net: Network, seen: dict[str, Tensor], unit: str) -> Tensor:
    """What the channel `"layer:channel"` put out: `(N, H, W)`, or `(N,)` if the layer has no positions.

    Raises:
        ValueError: not a unit, or no such channel.
    """
    number, maps = net.unit(unit)[1], seen[layer_of(unit)]
    if number >= maps.shape[1]:
        raise ValueError(f"{unit}: layer {layer_of(unit)} has channels 0 to {maps.shape[1] - 1}.")
    return maps[:, number]


def direction(layer: str, vector: Tensor, *, position: Sequence[int] | None = None) -> Objective:
    """The mean over positions of <v, a>: how far the activations go in a direction `v` of length 1.

    Args:
        layer: the layer.
        vector: `(C,)`, or `(N, C)` for one direction per image; it is brought to length 1.
        position: only at (row, column) instead of the mean over positions.

    Raises:
        ValueError: a vector of another shape, or 0; when it is computed, one that does not fit the layer.
    """
    vector = torch.as_tensor(vector).detach()
    vector = precise(vector if vector.is_floating_point() else vector.float())
    length = vector.norm(dim=-1, keepdim=True)
    if vector.ndim not in (1, 2) or not (length.gt(0) & length.isfinite()).all():
        raise ValueError(
            f"vector must have shape (C,) or (N, C), be finite and not be 0; this one has shape {tuple(vector.shape)}."
        )
    unit = vector / length

    def value(net, seen):
        maps = seen[layer]
        if unit.shape[-1] != maps.shape[1]:
            raise ValueError(f"layer {layer} has {maps.shape[1]} channels, but vector has {unit.shape[-1]} numbers.")
        along = (maps.flatten(2) if maps.ndim > 2 else maps[:, :, None]) * unit.to(maps).expand(len(maps), -1)[
            ..., None
        ]
        if position is None:
            return along.sum(1).mean(1)
        row, column = _place(maps, position)
        return along.sum(1)[:, row * maps.shape[3] + column]

    return Objective(
        value, layers=[layer], count=len(vector) if vector.ndim == 2 else None, name=f"direction in {layer}"
    )


def total_variation(beta: float = 2.0) -> Objective:
    """The total variation of each picture, `tv_norm`, divided by its number of pixels: one weight serves every size.

    Raises:
        ValueError: beta is not greater than 0.
    """
    check_positive(beta=beta)
    return Objective(
        lambda net, seen: tv_norm(seen[IMAGES], beta) / seen[IMAGES][0, 0].numel(), layers=[IMAGES], name="variation"
    )


def tv_norm(images: Tensor, beta: float = 2.0) -> Tensor:
    """Total variation, `V_beta(x) = sum_ij ((x_i,j+1 - x_ij)^2 + (x_i+1,j - x_ij)^2)^(beta/2)`, summed over channels.

    The last row and column are repeated, so their differences are 0 and no pixel is left out (as in the authors' code;
    versions that crop give less). Where both differences are 0, the gradient is 0 for every beta: no NaN for beta < 2.

    Args:
        images: `(N, C, H, W)`, or one picture `(C, H, W)` or `(H, W)`, any range.
        beta: 1 keeps edges, 2 (the paper's choice) spreads them, above 2 punishes steep steps most.

    Returns:
        `(N,)`, or a number for one picture. Differentiable.

    Raises:
        ValueError: beta is not greater than 0.

    Reference:
        Mahendran, Vedaldi: Understanding Deep Image Representations by Inverting Them, CVPR 2015.
    """
    check_positive(beta=beta)
    down = torch.nn.functional.pad(images[..., 1:, :] - images[..., :-1, :], (0, 0, 0, 1))
    right = torch.nn.functional.pad(images[..., :, 1:] - images[..., :, :-1], (0, 1))
    squares = down**2 + right**2
    if beta != 2:
        flat = squares == 0  # the derivative of v^(beta/2) at v = 0 is infinite for beta < 2
        squares = squares.masked_fill(flat, 1.0).pow(beta / 2).masked_fill(flat, 0.0)
    return squares.flatten(1).sum(1) if images.ndim == 4 else squares.sum()


def as_objective(thing: Objective | int | str | Sequence) -> Objective:
    """`"layer:channel"` becomes `channel`, a class `class_score`, a list of either one part per image."""
    if isinstance(thing, Objective):
        return thing
    thing = plain(thing)
    parts = [thing] if isinstance(thing, (str, Integral)) else thing
    if not isinstance(parts, (list, tuple, range)) or any(isinstance(one, Objective) for one in parts):
        raise TypeError(
            f"an objective is an Objective, a class, a unit, or a list of classes or units; not {thing!r}. "
            "Objectives add with +."
        )
    if not parts:
        raise ValueError("the objective is an empty list; give at least one class or unit.")
    return channel(thing) if layer_of(parts[0]) != str(parts[0]) else class_score(thing)
