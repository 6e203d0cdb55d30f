"""Is an explanation true? The parts of a score that add up to it, and what happens when the pixels that a map names are taken away."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from course_utils.activations.occlusion import baseline_images
from course_utils.hooks import forward_to
from course_utils.networks.network import Network, frozen
from course_utils.validate import check_images, check_positive, check_target

Target = int | str | Sequence | Tensor | None


def evidence_map(
    net: Network, images: Tensor, layer: str, target: Target = None, *, against: Target = None
) -> tuple[Tensor, Tensor]:
    """What each place of the last feature maps adds to a class score: class activation mapping, as a sum.

    A network that ends in the mean over all positions and one linear layer has the score `b + mean_ij sum_k w_k A_k(i, j)`. So each
    place adds `sum_k w_k A_k(i, j) / (h w)`, and the places and the bias `b` add up to the score. Nothing is left out: this map is
    the network's own arithmetic. But a place of the last layer has seen far more of the image than the square above it.

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
        Zhou, Khosla, Lapedriza, Oliva, Torralba: Learning Deep Features for Discriminative Localization, CVPR 2016. (There the
        map is not divided by `h w`.)
    """
    ready = check_images(net, images)
    linear = [module for module in net.modules() if isinstance(module, nn.Linear)]
    with frozen(net), torch.no_grad():
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


def deletion_curve(
    net: Network,
    images: Tensor,
    heat: Tensor,
    target: Target = None,
    *,
    steps: int = 14,
    insert: bool = False,
    baseline: str | float | Tensor = "blur",
    seed: int = 0,
    batch_size: int = 16,
) -> Tensor:
    """The probability of a class while the pixels that a map calls important are taken away, the most important first.

    A map that names the right pixels lets the probability fall early. `insert` goes the other way: from the covered image
    the most important pixels are put back first, and the probability should rise early. The mean of a curve is the area under it.

    Args:
        net: a classifier.
        images: `(N, 3, H, W)` RGB in [0, 1].
        heat: `(N, H, W)`, or smaller maps, which are enlarged (bilinear). Only the order of the values matters.
        target: the class, see `saliency`; None for each image's own prediction.
        steps: the share of covered pixels goes from 0 to 1 in so many equal steps.
        insert: put back instead of taking away.
        baseline: what takes a pixel's place, see `occlusion`.
        seed: of the noise, with `baseline="noise"`.
        batch_size: images at a time.

    Returns:
        `(N, steps + 1)`, from the untouched image to the covered one (with `insert` the other way).

    Raises:
        ValueError: maps and images do not fit.

    Reference:
        Petsiuk, Das, Saenko: RISE, BMVC 2018. They use blur for insertion and black for deletion; here one choice serves both.
    """
    check_positive(steps=steps, batch_size=batch_size)
    ready = check_images(net, images)
    heat = torch.as_tensor(heat).detach().to(ready)
    if heat.ndim != 3 or len(heat) != len(ready) or not heat.isfinite().all():
        raise ValueError(
            f"heat must be one finite map for each of the {len(ready)} images, (N, H, W); it has shape {tuple(heat.shape)}."
        )
    cover = baseline_images(ready, baseline, seed=seed)
    heat = nn.functional.interpolate(heat[:, None], ready.shape[2:], mode="bilinear").flatten(1)
    rank = heat.argsort(dim=1, descending=True, stable=True).argsort(dim=1).reshape(len(ready), 1, *ready.shape[2:])
    pixels = rank[0].numel()
    with frozen(net), torch.no_grad():
        classes = check_target(net, target, net(ready))
        curves = []
        for image, hidden, order, one in zip(ready, cover, rank, classes, strict=True):
            stages = []
            for step in range(steps + 1):
                first = order < round(pixels * step / steps)  # the most important so many
                stages.append(torch.where(first, image, hidden) if insert else torch.where(first, hidden, image))
            parts = torch.stack(stages).split(batch_size)
            curves.append(torch.cat([net(part).softmax(1)[:, one] for part in parts]))
    return torch.stack(curves).to(images.device)
