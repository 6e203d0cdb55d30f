"""Take channels away, and see how accuracy falls."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from course_utils.engines.ablation import ablated, class_losses
from course_utils.networks.network import Network, frozen
from course_utils.validate import Target, check_images, check_list, check_target, split_batch


def pruning_curve(
    net: Network,
    images: Tensor,
    layer: str,
    target: Target,
    order: Sequence[int] | Tensor,
    *,
    shares: Sequence[float] = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5),
    batch_size: int = 16,
) -> tuple[list[float], list[float]]:
    """What is left when the first channels of an order are removed together.

    Args:
        net, images, layer: as in `channel_importance`.
        target: the right class of each image.
        order: all channels, the first to be removed first: `importance.argsort()` for the least important.
        shares: of the channels to remove, each from 0 to 1.
        batch_size: images at a time.

    Returns:
        `(accuracies, losses)`, one number for each share: the share of images whose class is right, and the mean
        cross-entropy.

    Raises:
        ValueError: an order that lacks a channel, a share outside [0, 1], no such layer or class.
    """
    ready = check_images(net, images)
    order = torch.as_tensor(order).flatten().cpu()
    if sorted(order.tolist()) != list(range(len(order))):
        raise ValueError(f"order must hold every channel once: 0 to {len(order) - 1}.")
    accuracies, losses = [], []
    with frozen(net), torch.no_grad():
        for share in check_list("shares", shares, "numbers"):
            if not 0 <= share <= 1:
                raise ValueError(f"shares must lie in [0, 1], not {share!r}.")
            with ablated(net, layer, order[: round(share * len(order))]):
                scores = torch.cat([net(part) for part in split_batch(ready, batch_size)])
            classes = check_target(net, target, scores)
            accuracies.append((scores.argmax(1) == classes).double().mean().item())
            losses.append(class_losses(scores, classes).mean().item())
    return accuracies, losses
