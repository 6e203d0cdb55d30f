"""Integrated gradients: what each pixel adds to the score on the way from black to the photo (Sundararajan, 2017)."""

from __future__ import annotations

import torch
from torch import Tensor

from course_utils.engines.baselines import baseline_images
from course_utils.gradients.saliency import input_gradient
from course_utils.networks.network import Network, frozen
from course_utils.validate import Target, check_images, check_target, check_whole, split_batch


@torch.inference_mode(False)  # a caller who switched gradients off gets them here
def integrated_gradients(
    net: Network,
    images: Tensor,
    target: Target = None,
    *,
    baseline: str | float | Tensor = 0.0,
    steps: int = 32,
    batch_size: int = 16,
) -> Tensor:
    """Each pixel's part of the difference between the score of the photo and that of a baseline.

        part = (image - baseline) * mean over a in (0, 1) of  dS / dx  at  baseline + a (image - baseline)

    The parts of all pixels add up to S(image) - S(baseline), up to the error of the mean over `steps` points: this is
    the axiom of completeness. The gradient alone has no such sum.

    Args:
        net: a classifier.
        images: `(N, 3, H, W)` RGB in [0, 1].
        target: None for the predicted class of each image, a class (index or name), or one per image.
        baseline: the picture that stands for "nothing": 0.0 for black as in the paper, or as in `occlusion`. A pixel
            that equals the baseline gets 0, whatever the network makes of it.
        steps: points on the way, in the middle of equal pieces.
        batch_size: pictures at a time.

    Returns:
        `(N, 3, H, W)`, signed, in units of the score.

    Raises:
        ValueError: no steps, no such class or baseline, or images that are none.

    Reference:
        Sundararajan, Taly, Yan: Axiomatic Attribution for Deep Networks, ICML 2017.
    """
    check_whole(steps=steps, batch_size=batch_size)
    photos = check_images(net, images)
    empty = baseline_images(photos, baseline).to(photos)
    with frozen(net), torch.no_grad():
        classes = check_target(net, target, net(photos))
    places = (torch.arange(int(steps), device=photos.device, dtype=photos.dtype) + 0.5) / steps
    parts = []
    for photo, start, wanted in zip(photos, empty, classes, strict=True):
        total = torch.zeros_like(photo)
        for some in split_batch(places, batch_size):
            on_the_way = start + some[:, None, None, None] * (photo - start)
            total += input_gradient(net, on_the_way, [int(wanted)] * len(some)).sum(0)
        parts.append((photo - start) * total / steps)
    return torch.stack(parts).to(images.device)
