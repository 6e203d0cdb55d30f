"""Grad-CAM: where do the feature maps that speak for a class answer? (Selvaraju et al., 2017)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from course_utils.networks.axes import ChannelAxes
from course_utils.networks.network import Network, check_network, frozen
from course_utils.validate import Target, check_graph, check_images, check_target


@torch.inference_mode(False)  # a gradient is needed, also in a caller's inference mode
def grad_cam(net: Network, images: Tensor, layer: str, target: Target = None, *, relu: bool = True) -> Tensor:
    """The Grad-CAM map: the feature maps `A_k` of a layer, each weighed by how much the class score wants more of it.

        w_k  = mean over the places (i, j) of  dS / dA_k(i, j)
        L_ij = sum over k of  w_k A_k(i, j),   and 0 where that is negative

    It is as coarse as the layer: to lay it over the photo, enlarge it (`show_heat` does). One place of a deep layer
    has seen much more of the photo than the square under it.

    Args:
        net: a classifier.
        images: `(N, 3, H, W)` RGB in [0, 1].
        layer: a dotted path or alias whose output has the shape `(N, C, h, w)`; the paper takes the last one before the
            positions are averaged or flattened: "bn2.act" in EfficientNet-Lite, "layer4" in a ResNet.
        target: None for the predicted class of each image, a class (index or name), or one per image.
        relu: False keeps the negative values, which speak against the class.

    Returns:
        `(N, h, w)` on the images' device, in units of the score; not negative with `relu`.

    Raises:
        ValueError: no such layer or class, a layer without positions, or a score that does not depend on the layer.

    Reference:
        Selvaraju, Cogswell, Das, Vedantam, Parikh, Batra: Grad-CAM, ICCV 2017. Where the network ends in a mean over
        positions and one linear layer, it is the class activation map of Zhou et al. 2016 (our `evidence_map`) without
        its negative values.
    """
    pixels = check_images(net, images)
    with frozen(net), torch.enable_grad(), _maps_of(net, layer) as seen, ChannelAxes(net) as axes:
        scores = net(pixels.clone().requires_grad_())
        chosen = scores.gather(1, check_target(net, target, scores)[:, None])
        A = _checked(net, layer, seen)
        check_graph(net, chosen, A)
        # Each image has its own score, and the images of a batch do not see each other.
        (gradient,) = torch.autograd.grad(chosen.sum(), A, allow_unused=True)
    if gradient is None:
        raise ValueError(f"the class score of {net.name} does not depend on layer {layer}; choose one before its end.")
    axis = axes.of(A)  # of the channels: the last one in Swin
    A, gradient = A.detach().movedim(axis, 1), gradient.movedim(axis, 1)
    weights = gradient.mean((2, 3), keepdim=True)
    found = (weights * A).sum(1)
    return (found.clamp(min=0) if relu else found).to(images.device)


@contextmanager
def _maps_of(net: Network, layer: str) -> Iterator[list[Tensor]]:
    """What a layer puts out while a block runs, at each of its runs, itself and no copy: its gradient can be asked for.

    The network goes on with a copy, so that an in-place ReLU behind the layer does not overwrite it.
    """
    seen: list[Tensor] = []

    def hook(module, inputs, output):
        seen.append(output)
        return output.clone() if isinstance(output, Tensor) else output

    check_network(net)
    handle = net.layer(layer).register_forward_hook(hook)
    try:
        yield seen
    finally:
        handle.remove()


def _checked(net: Network, layer: str, seen: list[Tensor]) -> Tensor:
    if len(seen) != 1:
        often = "never runs" if not seen else f"runs {len(seen)} times"
        raise ValueError(f"layer {layer} of {net.name} {often} on this input; Grad-CAM needs one that runs once.")
    shape = tuple(seen[0].shape) if isinstance(seen[0], Tensor) else type(seen[0]).__name__
    if not isinstance(seen[0], Tensor) or seen[0].ndim != 4:
        raise ValueError(f"layer {layer} has no feature maps (N, C, h, w): its output is {shape}.")
    return seen[0]
