"""Backprop to one neuron, with three rules for the ReLU: the gradient, the deconvnet, and guided backprop."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from course_utils.engines.relu_rules import RULES, relu_rule
from course_utils.hooks import forward_to
from course_utils.networks.network import Network, check_network, frozen, is_unit
from course_utils.validate import (
    Target,
    check_choice,
    check_graph,
    check_images,
    check_module,
    check_positive,
    check_target,
)

POSITIONS = ("strongest", "center")
STARTS = ("one", "activation")


Position = str | Sequence[int] | Tensor


@torch.inference_mode(False)  # a caller who switched gradients off gets them here
def backprop(
    net: Network,
    images: Tensor,
    target: Target = None,
    *,
    rule: str = "gradient",
    position: Position = "strongest",
    start: str = "one",
) -> Tensor:
    """Send one neuron's activation back to the pixels, with one of three rules at each ReLU.

    With a ReLU's input `x` and the signal `R` that arrives from above, what goes on below is

        "gradient"     R * [x > 0]              backprop: what the forward pass let through
        "deconvnet"    R * [R > 0]              what speaks for the neuron from above
        "guided"       R * [x > 0] * [R > 0]    both

    and for a ReLU6 `[x > 0]` means `[0 < x < 6]`. All else is ordinary backprop, max-pooling too. Only "gradient" is
    the derivative of anything.

    Args:
        net: the network.
        images: `(N, 3, H, W)` RGB in [0, 1].
        target: the neuron. A class (index or name, or one per image), None for the predicted class, or a unit
            `"relu5_1:137"`: channel 137 of that layer, at `position`.
        rule: "gradient", "deconvnet" or "guided".
        position: where a unit of a feature map is taken: "strongest" (for each image), "center" (`H // 2, W // 2`),
            `(row, column)`, or one `(row, column)` per image.
        start: what is sent down from the neuron, all other neurons of its layer being 0: "one", so that rule "gradient"
            gives the derivative; or its own "activation" `a`, as Zeiler and Fergus do. Every rule passes `a` times the
            signal for a positive `a`, so the result is `a` times that of "one", and 0 for a neuron that is off.

    Returns:
        `(N, 3, H, W)`, signed, on the images' device. See `as_picture`.

    Raises:
        ValueError: rule "deconvnet" or "guided" where no ReLU lies between image and neuron: they would be the plain
            gradient under another name. Other activations (GELU, SiLU, leaky ReLU) are not ReLUs, and those of a
            scripted network cannot be reached. Or no such rule, class, unit, position or start.

    References:
        Zeiler, Fergus: Visualizing and Understanding Convolutional Networks, ECCV 2014 (deconvnet).
        Springenberg, Dosovitskiy, Brox, Riedmiller: Striving for Simplicity, ICLR Workshop 2015 (guided backprop).
    """
    check_choice("rule", rule, RULES)
    check_choice("start", start, STARTS)
    pixels = check_images(net, images).clone()
    check_module(net)
    if rule != "gradient" and any(isinstance(module, torch.jit.ScriptModule) for module in net.modules()):
        raise ValueError(f"{rule} cannot reach the ReLUs of a network from torch.jit.script; give it before scripting.")
    with frozen(net), torch.enable_grad():
        pixels.requires_grad_()
        with relu_rule(rule) as relus:
            neuron = _neuron(net, pixels, target, position)
        if rule != "gradient" and not relus.count:
            where = "the class score" if not is_unit(target) else f"unit {target}"
            raise ValueError(
                f"{rule} changes ReLUs, and there is none between the image and {where} of "
                f"{getattr(net, 'name', type(net).__name__)}; use rule='gradient' or a unit further up."
            )
        check_graph(net, neuron)
        # Each image has its own neuron, and the images of a batch do not see each other.
        sent = neuron.detach() if start == "activation" else torch.ones_like(neuron)
        (R,) = torch.autograd.grad(neuron, pixels, sent)
    return R.to(images.device)


def _neuron(net: Network, pixels: Tensor, target, position: Position) -> Tensor:
    """The activation of each image's neuron, `(N,)`."""
    if not is_unit(target):
        scores = net(pixels)
        return scores.gather(1, check_target(net, target, scores)[:, None])[:, 0]
    check_network(net)
    layer, channel = net.unit(target)
    maps = forward_to(net, pixels, [layer])[layer]
    if maps.ndim < 2 or not channel < maps.shape[1]:
        known = f"channels 0 to {maps.shape[1] - 1}" if maps.ndim > 1 else "no channels"
        raise ValueError(f"{target}: layer {layer} has {known}.")
    chosen = maps[:, channel].reshape(len(maps), -1)  # (N, positions), also for layers without positions
    return chosen.gather(1, _positions(position, maps, channel)[:, None])[:, 0]


def _positions(position: Position, maps: Tensor, channel: int) -> Tensor:
    """One index into the flattened map of the channel for each image, `(N,)`."""
    count = len(maps)
    if maps.ndim == 2:
        return torch.zeros(count, dtype=torch.long, device=maps.device)
    if isinstance(position, str):
        check_choice("position", position, POSITIONS)
    if isinstance(position, str) and position == "strongest":
        return maps[:, channel].detach().reshape(len(maps), -1).argmax(1)
    if maps.ndim != 4:
        raise ValueError(f'this layer has no rows and columns; use position="strongest", not {position!r}.')
    height, width = maps.shape[2:]
    if isinstance(position, str):
        position = (height // 2, width // 2)
    if position is None:
        raise TypeError("position must be 'strongest', 'center' or (row, column), not None.")
    points = torch.as_tensor(position).to(maps.device)
    points = points.expand(count, 2) if points.ndim == 1 and points.numel() == 2 else points
    if points.shape != (count, 2) or points.is_floating_point():
        raise ValueError(f"position must be (row, column), or one for each of the {count} images; not {position!r}.")
    inside = (points >= 0).all() and (points[:, 0] < height).all() and (points[:, 1] < width).all()
    if not inside:
        raise ValueError(f"position {points.tolist()} lies outside the layer's map of {height}x{width}.")
    return points[:, 0] * width + points[:, 1]


def as_picture(gradients: Tensor, *, percentile: float = 99.9) -> Tensor:
    """Signed gradients as pictures: 0 becomes middle gray, the strongest values white or black, each image on its own.

    Args:
        gradients: `(N, 3, H, W)`, any range.
        percentile: the share of sizes that is not cut off, so that one pixel does not gray out the rest.

    Returns:
        `(N, 3, H, W)` in [0, 1]. Where all gradients are 0 the picture is gray.

    Raises:
        ValueError: a percentile that is not in (0, 100].
    """
    check_positive(percentile=percentile)
    if percentile > 100:
        raise ValueError(f"percentile must be at most 100, not {percentile!r}.")
    sizes = gradients.detach().abs().flatten(1)
    kept = max(1, round(sizes.shape[1] * percentile / 100))
    top = sizes.kthvalue(kept, dim=1).values
    top = torch.where(top > 0, top, sizes.amax(1)).clamp(min=torch.finfo(sizes.dtype).tiny)
    return (0.5 + gradients.detach() / (2 * top[:, None, None, None])).clamp(0, 1)
