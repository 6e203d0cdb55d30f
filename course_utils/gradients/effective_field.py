"""The effective receptive field: how much each pixel moves the middle of a layer (Luo et al., 2016)."""

from __future__ import annotations

import torch
from torch import Tensor

from course_utils.hooks import forward_to
from course_utils.networks.network import Network, check_network, frozen
from course_utils.validate import check_images, check_whole, split_batch


@torch.inference_mode(False)  # a caller who switched gradients off gets them here
def effective_field(
    net: Network, images: Tensor, layer: str, *, channel: int | None = None, batch_size: int = 8
) -> Tensor:
    """The mean size of the gradient of a layer's center place, for every pixel: `E_ij = mean |d f / d x_cij|`.

    f is the answer of the place `(H // 2, W // 2)` of the layer's map; the mean goes over images and colors. The
    receptive field says which pixels *can* have an effect: outside of it the map is 0. This map says how large it is.

    Args:
        net: the network.
        images: `(N, 3, H, W)` RGB in [0, 1]; many different ones, or the map shows the photo.
        layer: a dotted path or alias, with feature maps.
        channel: one channel; None for the sum of all channels at this place.
        batch_size: images at a time.

    Returns:
        `(H, W)`, not negative, on the images' device.

    Raises:
        ValueError: no such layer or channel, a layer without feature maps, or images that are none.

    Reference:
        Luo, Li, Urtasun, Zemel: Understanding the Effective Receptive Field, NeurIPS 2016.
    """
    check_network(net)
    pixels = check_images(net, images)
    check_whole(batch_size=batch_size)
    if channel is not None:
        check_whole(least=0, channel=channel)
    total = torch.zeros(pixels.shape[2:], dtype=pixels.dtype, device=pixels.device)
    with frozen(net), torch.enable_grad():
        for part in split_batch(pixels, batch_size):
            part = part.clone().requires_grad_()
            center = _center(net, part, layer, channel)
            # The images of a batch do not see each other, so the gradient of the sum holds each image's own gradient.
            (gradient,) = torch.autograd.grad(center.sum(), part)
            total += gradient.abs().mean(1).sum(0)
    return (total / len(pixels)).to(images.device)


def _center(net: Network, pixels: Tensor, layer: str, channel: int | None) -> Tensor:
    """The answers of the layer's center place, `(N, C)`, or `(N, 1)` for one channel."""
    maps = forward_to(net, pixels, [layer])[layer]
    if maps.ndim != 4:
        raise ValueError(f"layer {layer} has no feature maps: its output has shape {tuple(maps.shape)}.")
    if channel is not None and channel >= maps.shape[1]:
        raise ValueError(f"layer {layer} has channels 0 to {maps.shape[1] - 1}, not {channel}.")
    center = maps[:, :, maps.shape[2] // 2, maps.shape[3] // 2]
    return center if channel is None else center[:, channel : channel + 1]
