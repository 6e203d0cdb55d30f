"""A network that has learned nothing: the same architecture with random weights, for sanity checks."""

from __future__ import annotations

import copy

import torch
from torch import nn

from course_utils.networks.network import Network, check_network
from course_utils.validate import check_whole, seeded


def randomized(net: Network, *, last: int | None = None, seed: int = 0) -> Network:
    """A copy of a network whose convolution and linear weights are drawn anew, each with its old mean and spread.

    Args:
        net: the network; it is not changed.
        last: only the last so many of these layers, counted from the output; None for all. 0 gives a plain copy.
        seed: of the new weights.

    Returns:
        The copy; its name ends in "(randomized)".

    Raises:
        ValueError: `last` is negative, or larger than the number of these layers.

    Reference:
        Adebayo et al.: Sanity Checks for Saliency Maps, NeurIPS 2018 (the cascading randomization).
    """
    check_network(net)
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
            draw = torch.randn(old.shape, generator=generator).to(old)
            layer.weight.copy_(old.mean() + old.std(correction=0) * draw)
    fresh.name = f"{net.name} (randomized)"
    return fresh
