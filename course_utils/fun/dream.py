"""What a layer that dreams makes large, and the lecture's recipe for its gradient (Mordvintsev, Olah & Tyka, 2015)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from course_utils.hooks import forward_to
from course_utils.networks.network import Network, frozen
from course_utils.optimize.objectives import Objective, channel_of, layer_of
from course_utils.validate import check_batch, check_list


def dream(layer: str | Sequence[str], *, guide: Tensor | None = None) -> Objective:
    """How strongly a layer answers: the mean of `1/2 a^2` over its numbers.

    The derivative of `1/2 a^2` is `a`. So the gradient is what the lecture's recipe gives: forward to the layer, set
    its gradient to its own activation, backward. Several layers: the sum of the logarithms of their means, so that an
    answer which grows by a tenth counts the same in each, however large its numbers are.

    Args:
        layer: a layer, or "layer:channel" for one channel of it; or several of them.
        guide: `(positions, C)`, vectors: each position of the layer goes toward the one that fits it best. Then it is
            the mean of `1/2 a v`, where `v` is the vector that `a` goes toward.

    Returns:
        An objective.

    Raises:
        ValueError: no layer at all, or a guide for several.
        TypeError: neither a name nor a list of names.
    """
    if not isinstance(layer, str):
        layers = check_list("layer", layer, "names, or one name")
        if not layers or guide is not None:
            raise ValueError("a guide needs one whole layer, not several." if layers else "layer is an empty list.")
        return _together([dream(str(one)) for one in layers])

    def value(net, seen):
        maps = channel_of(net, seen, layer) if ":" in layer else seen[layer]
        toward = maps if guide is None else _best_matches(maps.detach(), guide)
        return (maps * toward).reshape(len(maps), -1).mean(1) / 2

    return Objective(value, layers=[layer_of(layer)], name=f"dream of {layer}")


def _together(answers: list[Objective]) -> Objective:
    """The sum of the logarithms; an answer of 0 has no gradient."""

    def value(net, seen):
        values = torch.stack([answer.value(net, seen) for answer in answers])
        return values.clamp(min=torch.finfo(values.dtype).tiny).log().sum(0)

    layers = frozenset().union(*(answer.layers for answer in answers))
    return Objective(value, layers=layers, name=" and ".join(answer.name for answer in answers))


@torch.inference_mode(False)  # a gradient is needed, also in a caller's inference mode
def dream_gradient(net: Network, images: Tensor, layer: str, *, guide: Tensor | None = None) -> Tensor:
    """The gradient of a dream, step by step as in the lecture: that of `1/2 * sum of a^2`.

    Args:
        net: the network.
        images: `(N, 3, H, W)`; their values are not checked.
        layer: a layer, or "layer:channel" for one channel of it.
        guide: `(positions, C)`, vectors as for `dream`.

    Returns:
        `(N, 3, H, W)`.

    Raises:
        ValueError: no such layer or channel.
    """
    with frozen(net), torch.enable_grad():
        pixels = check_batch(net, images).detach().clone().requires_grad_()
        seen = forward_to(net, pixels, [layer_of(layer)])  # 1. forward, as far as the layer
        activation = channel_of(net, seen, layer) if ":" in layer else seen[layer]
        seed = activation.detach()  # 2. the layer's gradient is its own activation
        if guide is not None:
            seed = _best_matches(seed, guide.to(seed))
        (gradient,) = torch.autograd.grad(activation, pixels, grad_outputs=seed)  # 3. backward to the pixels
    return gradient  # 4. is the update, in `dream_step`


@torch.inference_mode(False)
def dream_step(net: Network, images: Tensor, layer: str, *, step_size: float, guide: Tensor | None = None) -> Tensor:
    """One step uphill: `x + step_size * g / mean|g|`, cut off at 0 and 1. Where the gradient is 0, nothing changes.

    Args:
        net, images, layer, guide: as in `dream_gradient`.
        step_size: mean change of a pixel value, before values are cut off.

    Returns:
        `(N, 3, H, W)` in [0, 1].

    Raises:
        ValueError: no such layer or channel.
    """
    gradient = dream_gradient(net, images, layer, guide=guide)
    size = gradient.abs().mean((1, 2, 3), keepdim=True)  # of each image by itself
    return (images + step_size * gradient / size.clamp(min=torch.finfo(size.dtype).tiny)).clamp(0, 1)


def _best_matches(activation: Tensor, vectors: Tensor) -> Tensor:
    """At each position the guide's vector with the largest inner product with the activation there."""
    here = activation.movedim(1, -1)  # (N, H, W, C)
    return vectors[(here @ vectors.T).argmax(-1)].movedim(-1, 1)
