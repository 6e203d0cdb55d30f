"""Channels set to 0 while a block runs, and what a network loses by it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from course_utils.networks.network import Network


@contextmanager
def ablated(net: Network, layer: str, channels: Sequence[int] | Tensor) -> Iterator[Network]:
    """Run a block with some channels of a layer set to 0, as if their filters had been cut out.

        with ablated(net, "blocks.3", [4, 17]) as cut:
            cut(images)

    Nothing but one hook changes, and it is gone when the block ends.

    Args:
        net: the network.
        layer: a dotted path or alias.
        channels: which channels; none is allowed.

    Yields:
        The network itself.

    Raises:
        ValueError: no such layer, or (when the network runs) no such channel.
    """
    module = net.layer(layer)
    chosen = torch.as_tensor(channels, dtype=torch.long).flatten()

    def hook(module, inputs, output):
        if len(chosen) and not 0 <= int(chosen.min()) <= int(chosen.max()) < output.shape[1]:
            raise ValueError(f"{layer} has channels 0 to {output.shape[1] - 1}; you asked for {chosen.tolist()}.")
        keep = torch.ones(output.shape[1], device=output.device, dtype=output.dtype)
        keep[chosen.to(output.device)] = 0
        return output * keep.view(1, -1, *[1] * (output.ndim - 2))

    handle = module.register_forward_hook(hook)
    try:
        yield net
    finally:
        handle.remove()


def class_losses(scores: Tensor, classes: Tensor) -> Tensor:
    """Each image's own cross-entropy, `(N,)`."""
    return torch.nn.functional.cross_entropy(scores, classes, reduction="none")
