"""Which feature maps matter: remove a channel, and see what the network loses (Zeiler & Fergus, 2014, section 4.3)."""

from __future__ import annotations

import torch
from torch import Tensor
from tqdm.auto import tqdm

from course_utils.engines.ablation import ablated, class_losses, rest_of
from course_utils.hooks import forward_to
from course_utils.networks.axes import ChannelAxes
from course_utils.networks.network import Network, frozen
from course_utils.validate import Target, check_choice, check_graph, check_images, check_target, split_batch

MEASURES = ("ablation", "taylor", "activation")


@torch.inference_mode(False)  # a caller who switched gradients off gets them here
def channel_importance(
    net: Network,
    images: Tensor,
    layer: str,
    target: Target = None,
    *,
    by: str = "ablation",
    signed: bool = False,
    batch_size: int = 64,  # only the layers behind run: a fifth less time than with 16
    progress: bool = True,
) -> Tensor:
    """How much each channel of a layer matters for the class of the images.

    - "ablation": how much each image's cross-entropy changes when the channel is set to 0, up or down; the mean over
      the images. Exact, one forward pass a channel.
    - "taylor": the same to first order, the size of `sum(a * dL/da)` over the positions; one backward pass for all
      channels.
    - "activation": the mean size of the activation. It knows no class.

    A channel whose removal lowers the loss of a few images is not useless: it says something, and on other images the
    same change can hurt. So sizes are averaged; `signed=True` averages the changes themselves, for comparison.

    Args:
        net: a classifier.
        images: `(N, 3, H, W)` RGB in [0, 1].
        layer: a dotted path or alias of a layer with channels.
        target: the right class of each image; None for the predicted one.
        by: one of the three.
        signed: the mean rise of the loss, which can be negative; not for "activation".
        batch_size: images at a time.
        progress: show a bar.

    Returns:
        `(C,)`, larger for more important.

    Raises:
        ValueError: no such layer, class or measure, or a layer without channels.

    Reference:
        Molchanov et al.: Pruning Convolutional Neural Networks for Resource Efficient Inference, ICLR 2017 ("taylor").
    """
    check_choice("by", by, MEASURES)
    ready = check_images(net, images)
    parts = split_batch(ready, batch_size)
    with frozen(net):
        with torch.no_grad():
            scores = torch.cat([net(part) for part in parts])
            classes = check_target(net, target, scores)
            maps = torch.cat([forward_to(net, part, [layer])[layer] for part in parts])
        if maps.ndim < 2:
            raise ValueError(f"{layer} has no channels: its output has shape {tuple(maps.shape)}.")
        if by == "activation":
            return maps.abs().transpose(0, 1).flatten(1).mean(1).to(images.device)
        if by == "taylor":
            rises = _taylor(net, ready, layer, classes, maps.shape[1], batch_size)
        else:
            rises = _ablation(net, ready, layer, classes, maps, scores, batch_size, progress)
    return (rises if signed else rises.abs()).mean(1).to(images.device)


def _taylor(net: Network, images: Tensor, layer: str, classes: Tensor, channels: int, batch_size: int) -> Tensor:
    """`(C, N)`: the rise of each image's loss without each channel, to first order.

    Each channel goes through a gate that stands at 1. The loss's slope in the gate is `sum(a * dL/da)`, over all
    positions and over all runs of a layer that is used more than once; closing the gate takes one step down from 1.
    """
    rises, axes = [], ChannelAxes(net)
    for part, wanted in zip(split_batch(images, batch_size), split_batch(classes, batch_size), strict=True):
        gates = torch.ones(len(part), channels, dtype=part.dtype, device=part.device, requires_grad=True)

        def hook(module, inputs, output, gates=gates):
            places = [1 if axis not in (0, axes.of(output)) else -1 for axis in range(output.ndim)]
            return output * gates.view(len(gates), *places[1:])

        handle = net.layer(layer).register_forward_hook(hook)
        try:
            with torch.enable_grad(), axes:
                loss = class_losses(net(part), wanted).sum()
                check_graph(net, loss)
                (slope,) = torch.autograd.grad(loss, gates)
        finally:
            handle.remove()
        rises.append(-slope.T)
    return torch.cat(rises, 1)


def _ablation(net, images, layer, classes, maps, scores, batch_size, progress) -> Tensor:
    """`(C, N)`: the rise of each image's loss without each channel."""
    before = class_losses(scores, classes)
    rest = rest_of(net, layer, images, maps, scores)
    rises = []
    with torch.no_grad():
        for channel in tqdm(range(maps.shape[1]), desc=f"ablate {layer}", leave=False, disable=not progress):
            if rest is None:
                with ablated(net, layer, [channel]):
                    after = torch.cat([net(part) for part in split_batch(images, batch_size)])
            else:
                cut = maps.clone()
                cut[:, channel] = 0
                after = torch.cat([rest(part) for part in split_batch(cut, batch_size)])
            rises.append(class_losses(after, classes) - before)
    return torch.stack(rises)
