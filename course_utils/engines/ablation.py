"""Channels set to 0 while a block runs, and what a network loses by it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from numbers import Integral

import torch
from torch import Tensor

from course_utils.networks.axes import ChannelAxes, one_tensor
from course_utils.networks.network import Network, check_network
from course_utils.validate import plain


@contextmanager
def ablated(net: Network, layer: str, channels: Sequence[int] | Tensor) -> Iterator[Network]:
    """Run a block with some channels of a layer set to 0, as if their filters had been cut out.

        with ablated(net, "blocks.3", [4, 17]) as cut:
            cut(images)

    Nothing but two hooks changes, and they are gone when the block ends.

    Args:
        net: the network.
        layer: a dotted path or alias.
        channels: which channels; none is allowed.

    Yields:
        The network itself.

    Raises:
        ValueError: no such layer, or (when the network runs) no such channel or a layer that does not run.
        TypeError: channels that are no whole numbers, or (when the network runs) a layer that puts out several tensors.
    """
    check_network(net)
    module, axes, runs = net.layer(layer), ChannelAxes(net), []
    chosen = plain(channels)
    chosen = [chosen] if isinstance(chosen, Integral) else [plain(one) for one in chosen]
    if not all(isinstance(one, Integral) and not isinstance(one, bool) for one in chosen):
        raise TypeError(f"channels must be whole numbers, not {chosen!r}.")

    def hook(module, inputs, output):
        runs.append(True)
        gates, axis = torch.ones_like(one_tensor(net, layer, output)[:1]), axes.of(output)
        count = output.shape[axis] if output.ndim > 1 else 0
        if chosen and not 0 <= min(chosen) <= max(chosen) < count:
            raise ValueError(f"{layer} has channels 0 to {count - 1}; you asked for {chosen}.")
        return output * gates.index_fill(axis, torch.tensor(chosen, dtype=torch.long, device=output.device), 0)

    def after(module, inputs, output):  # an attention reads the weights of some layers and never runs them
        if not runs:
            raise ValueError(f"{net.name} never runs layer {layer!r} on this input, so nothing can be cut out of it.")

    handles = [module.register_forward_hook(hook), net.register_forward_hook(after)]
    try:
        with axes:
            yield net
    finally:
        for handle in handles:
            handle.remove()


def class_losses(scores: Tensor, classes: Tensor) -> Tensor:
    """Each image's own cross-entropy, `(N,)`."""
    return torch.nn.functional.cross_entropy(scores, classes, reduction="none")


def rest_of(
    net: Network, layer: str, images: Tensor, maps: Tensor, scores: Tensor
) -> Callable[[Tensor], Tensor] | None:
    """The part of the network behind a layer, as a function of the layer's output; None if it cannot be cut there.

    One small picture goes in, and a hook at the layer puts the wanted activations in its place: what lies in front of
    the layer costs next to nothing. That is wrong where a skip connection leads around the layer, so it is tried first
    with the clean activations, and used only if the scores come out right.
    """
    small = images[:1, :, : max(32, images.shape[2] // 4), : max(32, images.shape[3] // 4)]
    module = net.layer(layer)

    def rest(wanted: Tensor) -> Tensor:
        handle = module.register_forward_hook(lambda module, inputs, output: wanted.clone())
        try:
            return net(small)
        finally:
            handle.remove()

    try:
        with torch.no_grad():
            again = rest(maps)
    except Exception:  # whatever a network says to shapes that do not fit together around the layer
        return None
    right = again.shape == scores.shape and torch.allclose(
        again, scores, rtol=1e-3, atol=1e-3 * scores.abs().max().item()
    )
    return rest if right else None
