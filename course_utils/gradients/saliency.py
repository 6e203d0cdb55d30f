"""Saliency maps: which pixels would change the class score most (Simonyan, Vedaldi & Zisserman, 2014)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from course_utils.networks.network import Network, frozen
from course_utils.validate import check_choice, check_images, check_positive, check_target

Target = int | str | Sequence | Tensor | None
QUANTITIES = ("score", "probability", "loss")


def input_gradient(net: Network, images: Tensor, target: Target = None, *, of: str = "score") -> Tensor:
    """The gradient of one class quantity with respect to the pixels.

    Args:
        net: a classifier.
        images: `(N, 3, H, W)` RGB in [0, 1].
        target: None for the predicted class of each image, a class (index or name), or one per image.
        of: "score" S_c before the softmax, "probability" after it, or "loss", the cross-entropy -log p_c.

    Returns:
        `(N, 3, H, W)`, in units of the quantity per unit of pixel value.
    """
    check_choice("of", of, QUANTITIES)
    pixels = check_images(net, images).clone()
    with frozen(net), torch.enable_grad():
        pixels.requires_grad_()
        scores = net(pixels)
        classes = check_target(net, target, scores)
        if of == "probability":
            scores = scores.softmax(1)
        elif of == "loss":
            scores = -scores.log_softmax(1)
        chosen = scores.gather(1, classes[:, None])
        # The images of a batch do not see each other, so the gradient of the sum holds each image's own gradient.
        (gradient,) = torch.autograd.grad(chosen.sum(), pixels)
    return gradient.to(images.device)


def saliency(net: Network, images: Tensor, target: Target = None, *, of: str = "score") -> Tensor:
    """The saliency map `M_ij = max_c |dS/dx_cij|`: the gradient of the class score, its size, the largest of RGB.

    Args:
        net: a classifier.
        images: `(N, 3, H, W)` RGB in [0, 1].
        target: None for the predicted class of each image, a class (index or name), or one per image.
        of: what is differentiated: "score" as in the paper, "probability" or "loss" to compare.

    Returns:
        `(N, H, W)`, not negative.

    Reference:
        Simonyan, Vedaldi, Zisserman: Deep Inside Convolutional Networks, ICLR Workshop 2014.
    """
    return input_gradient(net, images, target, of=of).abs().amax(1)


def smoothgrad(
    net: Network,
    images: Tensor,
    target: Target = None,
    *,
    samples: int = 25,
    noise: float = 0.15,
    seed: int = 0,
    batch_size: int = 8,
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

    Reference:
        Smilkov et al.: SmoothGrad: removing noise by adding noise, 2017.
    """
    check_positive(samples=samples, batch_size=batch_size)
    if noise < 0:
        raise ValueError(f"noise must not be negative, got {noise}.")
    clean = check_images(net, images)
    generator = torch.Generator().manual_seed(seed)
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
                    total[index] += torch.autograd.grad(score, noisy)[0].sum(0)
    return (total / samples).abs().amax(1).to(images.device)


def edges(images: Tensor) -> Tensor:
    """An edge detector that knows no network: the length of the Sobel gradient, the largest of RGB.

    The baseline to hold a saliency map against: what looks the same needs no network to explain it.

    Args:
        images: `(N, 3, H, W)` in [0, 1].

    Returns:
        `(N, H, W)`, not negative.
    """
    images = check_images(None, images)
    across = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]], device=images.device, dtype=images.dtype) / 8
    filters = torch.stack([across, across.T])[:, None]
    padded = torch.nn.functional.pad(images, (1, 1, 1, 1), mode="replicate")
    gradients = torch.nn.functional.conv2d(padded.flatten(0, 1)[:, None], filters)
    return gradients.norm(dim=1).unflatten(0, images.shape[:2]).amax(1)


def rank_correlation(a: Tensor, b: Tensor) -> float:
    """Spearman's correlation of two maps: 1 for the same order of pixels, 0 for unrelated ones."""
    from scipy.stats import spearmanr

    return float(spearmanr(a.detach().flatten().cpu().numpy(), b.detach().flatten().cpu().numpy()).statistic)
