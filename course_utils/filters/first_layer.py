"""Filters as pictures: the first layer's weights, what each filter answers to, and raw weights further in."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from course_utils.hooks import layer_outputs
from course_utils.networks.network import Network, check_network
from course_utils.validate import check_whole


def convolutions(net: Network) -> list[str]:
    """The names of all convolution layers, first to last.

    Raises:
        TypeError: no network whose layers have names.
    """
    check_network(net)
    return [name for name in net.layers if isinstance(net.layer(name), nn.Conv2d)]


def filter_weights(net: Network, layer: str | None = None) -> Tensor:
    """The weights of a convolution as a tensor `(C_out, C_in, k, k)`, a copy.

    Args:
        net: the network.
        layer: a convolution's name; None for the first one, whose filters look at RGB.

    Raises:
        ValueError: no such layer, or one that is no convolution.
    """
    name = net.layer_name(layer) if layer is not None else next(iter(convolutions(net)), None)
    module = net.layer(name) if name is not None else None
    if not isinstance(module, nn.Conv2d):
        found = type(module).__name__ if module is not None else "nothing"
        some = ", ".join(convolutions(net)[:4])
        raise ValueError(f"{layer or net.name} is no convolution (it is {found}). Convolutions: {some}, ...")
    return module.weight.detach().clone()


def filters_as_images(weights: Tensor) -> Tensor:
    """Each filter as a picture: weight 0 is middle gray, its largest |weight| is black or white (or full color).

    Every filter has its own scale, so that weak ones can be seen as well; the sign stays readable.

    Args:
        weights: `(C_out, C_in, k, k)`.

    Returns:
        the same shape, in [0, 1].
    """
    largest = weights.abs().amax(dim=(1, 2, 3), keepdim=True).clamp_min(1e-12)
    return 0.5 + 0.5 * weights / largest


def color_share(weights: Tensor) -> Tensor:
    """How much of each filter is color: 0 for a filter that treats R, G and B alike, 1 for a purely color-opponent one.

    A filter splits into its gray part (the mean over RGB) and the rest; the share is the energy (sum of squares) of the
    rest.

    Args:
        weights: `(C_out, 3, k, k)`.

    Returns:
        `(C_out,)` in [0, 1].
    """
    color = weights - weights.mean(1, keepdim=True)
    return color.square().sum((1, 2, 3)) / weights.square().sum((1, 2, 3)).clamp_min(1e-30)


def filter_response(net: Network, images: Tensor, layer: str | None = None, *, channel: int) -> Tensor:
    """The response of one filter at every position, before the nonlinearity: inner product of filter and image window.

    Args:
        net: the network.
        images: `(N, 3, H, W)` in [0, 1].
        layer: a convolution; None for the first.
        channel: which filter.

    Returns:
        `(N, H', W')`, signed.

    Raises:
        ValueError: no such layer or channel, or a layer that is no convolution.
    """
    layer = layer or convolutions(net)[0]
    count = len(filter_weights(net, layer))
    check_whole(least=0, channel=channel)
    if not channel < count:
        raise ValueError(f"channel {channel} is out of range: {net.name} {layer} has channels 0 to {count - 1}.")
    return layer_outputs(net, images, [layer])[layer][:, channel]


def raw_weight_sheet(weights: Tensor, *, gap: int = 1) -> Tensor:
    """All k x k slices of a weight tensor on one sheet: a row for each output channel, a column for each input channel.

    Args:
        weights: `(C_out, C_in, k, k)`.
        gap: white pixels between the slices.

    Returns:
        `(C_out (k + gap) - gap, C_in (k + gap) - gap)` in [0, 1]; each filter (row) has its own scale, 0 is middle
        gray.

    Raises:
        ValueError: a negative gap.
    """
    check_whole(least=0, gap=gap)
    out, into, high, wide = weights.shape
    sheet = torch.ones(out, into, high + gap, wide + gap, dtype=weights.dtype)
    sheet[:, :, :high, :wide] = filters_as_images(weights).cpu()
    sheet = sheet.permute(0, 2, 1, 3).reshape(out * (high + gap), into * (wide + gap))
    return sheet[: sheet.shape[0] - gap or None, : sheet.shape[1] - gap or None]
