"""Receptive fields: which pixels one place of a layer can see.

`plain_receptive_field` asks the gradient of one place; `receptive_field` reads the fields of all places off the
operations.
"""

from __future__ import annotations

import copy

import torch
from torch import nn

from course_utils.engines.fields import Box, ReceptiveField, field_of
from course_utils.hooks import forward_to
from course_utils.networks.network import Network, check_network
from course_utils.validate import check_pair, check_whole


def plain_receptive_field(
    net: Network, layer: str, y: int, x: int, *, size: int | tuple[int, int] | None = None
) -> Box:
    """The pixels that one place of a layer depends on: those where its gradient is not 0.

    The real gradient is also 0 where a ReLU is closed, where another pixel was the maximum, or where terms cancel. So
    all weights become equal and positive, biases 0, and max-pooling becomes the mean: then every path from a pixel
    counts.

    Args:
        net: the network; its max-poolings must be modules (`nn.MaxPool2d`).
        layer: a dotted path or alias.
        y, x: the place.
        size: side of the images, or `(H, W)`; None for the network's own size.

    Returns:
        `(top, left, bottom, right)`; bottom and right are not in it. Equal to `receptive_field(...).box(y, x)`.

    Raises:
        ValueError: no such layer or place, a layer without places, or one that averages do not reach.
    """
    check_network(net)
    with torch.inference_mode(False), torch.enable_grad():
        open_net = _every_path_open(net)
        image = (
            torch.full((1, net.channels, *check_pair("size", net.input_size if size is None else size)), 0.5)
            .to(open_net.mean)
            .requires_grad_()
        )
        maps = forward_to(open_net, image, [layer])[layer]
        if maps.ndim != 4:
            raise ValueError(f"layer {layer} has no places: its output has shape {tuple(maps.shape)}.")
        check_whole(least=0, y=y, x=x)
        if not (y < maps.shape[2] and x < maps.shape[3]):
            raise ValueError(f"place {(y, x)} lies outside the layer's map of {maps.shape[2]}x{maps.shape[3]}.")
        (gradient,) = torch.autograd.grad(maps[0, :, y, x].sum(), image)
    seen = gradient[0].sum(0) != 0
    if not seen.any():
        raise ValueError(f"no pixel reaches place {(y, x)} of {layer} by averages; receptive_field reads it off.")
    rows, columns = seen.any(1).nonzero()[:, 0], seen.any(0).nonzero()[:, 0]
    return rows[0].item(), columns[0].item(), rows[-1].item() + 1, columns[-1].item() + 1


def _every_path_open(net: Network) -> Network:
    """A copy in which no gradient is lost on the way: weights are averages, and so are poolings."""
    model = copy.deepcopy(net.model).double()
    for name, weights in model.named_parameters():
        share = len(weights) / weights.numel() if weights.ndim else 1.0  # a single number is a factor
        weights.data.fill_(0.0 if name.endswith("bias") else share)
    for parent in list(model.modules()):
        if isinstance(parent, nn.BatchNorm2d):
            parent.reset_running_stats()
        for name, child in parent.named_children():
            if isinstance(child, nn.MaxPool2d):
                mean = nn.AvgPool2d(child.kernel_size, child.stride, child.padding, child.ceil_mode)
                setattr(parent, name, mean)
    return Network(model, name=net.name, mean=[0.0] * net.channels, std=[1.0] * net.channels, aliases=net.aliases)


def receptive_field(net: Network, layer: str, *, size: int | tuple[int, int] | None = None) -> ReceptiveField:
    """The exact receptive field of a layer: which pixels a place of it can depend on.

    With kernel k, stride s, padding p and dilation d, a place sees `(k-1) d + 1` places of the layer below, from
    `s i - p` on; from layer to layer, `size += (k-1) d jump`, `start -= p jump`, `jump *= s`. Where branches meet
    (residual additions, concatenations), it is the hull of what the branches see. A global pooling or a linear layer
    sees the whole image.

    Args:
        net: the network.
        layer: a dotted path or alias.
        size: side of the images, or `(H, W)`; None for the network's own size. Some networks choose their padding by
            it.

    Returns:
        `ReceptiveField`: size, stride and start for the layer, and the box of pixels of every place.

    Raises:
        ValueError: no such layer, or an operation on the way whose field is not known; the message names it.

    Reference:
        Araujo, Norris, Sim: Computing Receptive Fields of Convolutional Neural Networks, Distill 2019.
    """
    check_network(net)
    return field_of(net, layer, check_pair("size", net.input_size if size is None else size))
