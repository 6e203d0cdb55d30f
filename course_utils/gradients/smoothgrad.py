"""SmoothGrad: the mean of many gradients, each with other noise on the photo (Smilkov et al., 2017)."""

from __future__ import annotations

import torch
from torch import Tensor

from course_utils.networks.network import Network, frozen
from course_utils.validate import (
    Target,
    check_graph,
    check_images,
    check_not_negative,
    check_target,
    check_whole,
    seeded,
)


@torch.inference_mode(False)  # a caller who switched gradients off gets them here
def smoothgrad(
    net: Network,
    images: Tensor,
    target: Target = None,
    *,
    samples: int = 25,
    noise: float = 0.15,
    seed: int = 0,
    batch_size: int = 16,
) -> Tensor:
    """SmoothGrad: the mean gradient over noisy copies of the image, then its size and the largest of RGB.

    The noisy copies are not cut off at 0 and 1, as in the paper. The signed gradients are averaged, so that what points
    up in one copy and down in the next cancels.

    Args:
        net, images, target: as in `saliency`; the class is chosen on the clean images.
        samples: noisy copies of each image.
        noise: standard deviation of the noise, as a share of the range [0, 1]; 0 gives `saliency`.
        seed: of the noise.
        batch_size: noisy images at a time.

    Returns:
        `(N, H, W)`, not negative.

    Raises:
        ValueError: no samples, negative noise, no such class, or images that are none.

    Reference:
        Smilkov et al.: SmoothGrad: removing noise by adding noise, 2017.
    """
    check_whole(samples=samples, batch_size=batch_size)
    check_not_negative(noise=noise)
    clean = check_images(net, images)
    generator = seeded(seed)
    total = torch.zeros_like(clean)
    with frozen(net):
        with torch.no_grad():
            classes = check_target(net, target, net(clean))
        for done in range(0, samples, batch_size):
            count = min(batch_size, samples - done)
            draws = torch.randn((count, *clean.shape), generator=generator, dtype=torch.float64)
            for index in range(len(clean)):
                noisy = clean[index] + noise * draws[:, index].to(clean)
                with torch.enable_grad():
                    noisy.requires_grad_()
                    score = net(noisy)[:, classes[index]].sum()
                    check_graph(net, score)
                    total[index] += torch.autograd.grad(score, noisy)[0].sum(0)
    return (total / samples).abs().amax(1).to(images.device)
