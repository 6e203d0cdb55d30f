"""Evidence maps: what each place of the last feature maps adds to a class score, as a sum that leaves nothing out."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from course_utils.hooks import forward_to
from course_utils.networks.network import Network, frozen
from course_utils.validate import Target, check_images, check_target


def evidence_map(
    net: Network, images: Tensor, layer: str, target: Target = None, *, against: Target = None
) -> tuple[Tensor, Tensor]:
    """What each place of the last feature maps adds to a class score: class activation mapping, as a sum.

    A network that ends in the mean over all positions and one linear layer has the score
    `b + mean_ij sum_k w_k A_k(i, j)`. So each place adds `sum_k w_k A_k(i, j) / (h w)`, and the places and the bias `b`
    add up to the score. Nothing is left out: this map is the network's own arithmetic. But a place of the last layer
    has seen far more of the image than the square above it.

    Args:
        net: the network; ends in a mean over positions and a linear layer, as EfficientNet, ResNet and DenseNet do.
        images: `(N, 3, H, W)` RGB in [0, 1].
        layer: the layer whose output is averaged: `"bn2.act"` in EfficientNet-Lite.
        target: the class, see `saliency`; None for each image's own prediction.
        against: a second class. Then the map explains the difference of the two scores.

    Returns:
        `(N, h, w)`, and the biases `(N,)`: the sum of a map and its bias is the score (the difference of scores).

    Raises:
        ValueError: the parts do not add up to the score; the network ends in another way.

    Reference:
        Zhou, Khosla, Lapedriza, Oliva, Torralba: Learning Deep Features for Discriminative Localization, CVPR 2016.
        (There the map is not divided by `h w`.)
    """
    ready = check_images(net, images)
    with frozen(net), torch.no_grad():
        linear = [module for module in net.modules() if isinstance(module, nn.Linear)]
        scores, maps = net(ready), forward_to(net, ready, [layer])[layer]
        if not linear or maps.ndim != 4 or linear[-1].in_features != maps.shape[1]:
            raise ValueError(
                f"{net.name} does not end in a mean over {layer} and a linear layer, so its scores are no sum over places."
            )
        weight, bias, rows = linear[-1].weight, linear[-1].bias, torch.arange(len(ready), device=scores.device)
        bias = weight.new_zeros(len(weight)) if bias is None else bias
        one = check_target(net, target, scores)
        weights, biases, right = weight[one], bias[one], scores[rows, one]
        if against is not None:
            two = check_target(net, against, scores)
            weights, biases, right = weights - weight[two], biases - bias[two], right - scores[rows, two]
        found = torch.einsum("nk,nkhw->nhw", weights, maps) / maps[0, 0].numel()
        if not torch.allclose(found.sum((1, 2)) + biases, right, rtol=1e-3, atol=1e-3):
            raise ValueError(
                f"the parts do not add up to the score of {net.name}: it does more between {layer} and its end than a mean and a "
                "linear layer."
            )
    return found.to(images.device), biases.to(images.device)
