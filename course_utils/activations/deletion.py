"""Deletion curves: take away what a map calls important, and see how fast the score falls (Petsiuk et al., 2018)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from course_utils.engines.baselines import baseline_images
from course_utils.networks.network import Network, frozen
from course_utils.validate import Target, check_images, check_target, check_whole, split_batch


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

    A map that names the right pixels lets the probability fall early. `insert` goes the other way: from the covered
    image the most important pixels are put back first, and the probability should rise early. The mean of a curve is
    the area under it.

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
        Petsiuk, Das, Saenko: RISE, BMVC 2018. They use blur for insertion and black for deletion; here one choice
        serves both.
    """
    check_whole(steps=steps, batch_size=batch_size)
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
            parts = split_batch(torch.stack(stages), batch_size)
            curves.append(torch.cat([net(part).softmax(1)[:, one] for part in parts]))
    return torch.stack(curves).to(images.device)
