"""A network that has learned nothing: the same architecture with random weights, for sanity checks."""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor, nn

from course_utils.networks.network import Network, check_network
from course_utils.validate import check_choice, check_images, check_whole, seeded

SCALES = ("trained", "he")


def randomized(
    net: Network, *, last: int | None = None, scale: str = "trained", refit: Tensor | None = None, seed: int = 0
) -> Network:
    """A copy of a network whose convolution and linear weights are drawn anew.

    With their old scale the signals of an untrained network may fade or grow from layer to layer, and a comparison
    with the trained one may only show this. `scale="he"` keeps them at one size on their way through layers with ReLUs.
    Batch norm divides by the spread that its channels had in training, which new weights do not have; `refit` gives it
    the spread that they have.

    Args:
        net: the network; it is not changed.
        last: only the last so many of these layers, counted from the output; None for all. 0 gives a plain copy.
        scale: "trained": the weights of each layer have their old mean and spread, and its biases stay; "he": mean 0
            and standard deviation `sqrt(2 / fan_in)`, where fan_in is how many numbers each output is a sum of, and
            biases 0. What is no convolution or linear layer, such as batch norm, stays as it is.
        refit: images `(N, 3, H, W)` in [0, 1], from which batch norm takes its means and spreads anew, with scale 1 and
            shift 0; None: all of it stays.
        seed: of the new weights.

    Returns:
        The copy; its name ends in "(randomized)".

    Raises:
        ValueError: `last` is negative, or larger than the number of these layers, or an unknown scale.

    References:
        Adebayo et al.: Sanity Checks for Saliency Maps, NeurIPS 2018 (the cascading randomization).
        He et al.: Delving Deep into Rectifiers, ICCV 2015 (the scale "he").
    """
    check_network(net)
    check_choice("scale", scale, SCALES)
    fresh = copy.deepcopy(net)
    layers = [m for m in fresh.model.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    if last is not None:
        check_whole(least=0, last=last)
        if not last <= len(layers):
            raise ValueError(f"last must be from 0 to {len(layers)} for {net.name}, not {last}.")
        layers = layers[len(layers) - last :]
    generator = seeded(seed)
    with torch.no_grad():
        for layer in layers:
            old = layer.weight
            draw = torch.randn(old.shape, generator=generator, dtype=torch.float32).to(old)
            if scale == "he":
                layer.weight.copy_(draw * math.sqrt(2 / old[0].numel()))
                if layer.bias is not None:
                    layer.bias.zero_()
            else:
                layer.weight.copy_(old.mean() + old.std(correction=0) * draw)
    if refit is not None:
        _refit(fresh, check_images(fresh, refit))
    fresh.name = f"{net.name} (randomized)"
    return fresh


def _refit(net: Network, images: Tensor) -> None:
    """Give each batch norm the mean and the variance of what comes in; its scale and shift are 1 and 0."""
    norms = [module for module in net.model.modules() if isinstance(module, nn.BatchNorm2d)]
    before = [(norm.training, norm.momentum) for norm in norms]
    for norm in norms:
        norm.reset_parameters()
        norm.train().momentum = None  # the plain mean over all batches, here of one
    with torch.no_grad():
        net.model(net.normalize(images))
    for norm, (training, momentum) in zip(norms, before, strict=True):
        norm.train(training).momentum = momentum
