"""A network of an explorer's own, so that it can work while the notebook's cells use theirs."""

from __future__ import annotations

import copy
import itertools

import torch
from torch import Tensor, nn

from course_utils.networks import Network, load_network

_ACTIVATIONS = (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.SiLU, nn.GELU, nn.Hardswish)


def own_network(net: Network | str) -> Network:
    """The same network with the same weights in memory, but with modules, and so hooks, of its own.

    An explorer works in its own thread. On a shared network its hooks would also fire in the cell that runs meanwhile.

    Args:
        net: a network, or a name for `load_network`.
    """
    net = load_network(net) if isinstance(net, str) else net
    shared = {id(tensor): tensor for tensor in itertools.chain(net.parameters(), net.buffers())}
    return copy.deepcopy(net, memo=shared)


def layers_of(net: Network, *, most: int = 16) -> list[str]:
    """Layers worth looking at: those after a ReLU (or another activation), from the first to the last, at most `most`."""
    names = [alias for alias in net.aliases if alias.startswith("relu")]
    if not names:
        names = [name for name in net.layers if isinstance(net.layer(name), _ACTIVATIONS)] or net.layers
    chosen = torch.linspace(0, len(names) - 1, min(most, len(names))).round().int().tolist()
    return [names[index] for index in chosen]


def class_of(net: Network, name: str, scores: Tensor) -> int:
    """The class that a person named; an empty name is the predicted class.

    Args:
        scores: `(1, classes)`, the network's output for the picture.

    Raises:
        ValueError: no such class; the message names close ones.
    """
    return net.class_index(name.strip()) if name.strip() else int(scores.argmax())
