"""Saliency maps: which pixels would change the class score most (Simonyan, Vedaldi & Zisserman, 2014)."""

from __future__ import annotations

import torch
from torch import Tensor

from course_utils.networks.network import Network, frozen
from course_utils.validate import Target, check_choice, check_graph, check_images, check_target

QUANTITIES = ("score", "probability", "loss")


@torch.inference_mode(False)  # a caller who switched gradients off gets them here
def input_gradient(net: Network, images: Tensor, target: Target = None, *, of: str = "score") -> Tensor:
    """The gradient of one class quantity with respect to the pixels.

    Args:
        net: a classifier.
        images: `(N, 3, H, W)` RGB in [0, 1].
        target: None for the predicted class of each image, a class (index or name), or one per image.
        of: "score" S_c before the softmax, "probability" after it, or "loss", the cross-entropy -log p_c.

    Returns:
        `(N, 3, H, W)`, in units of the quantity per unit of pixel value.

    Raises:
        ValueError: no such class or quantity, no class scores, or images that are none.
    """
    check_choice("of", of, QUANTITIES)
    pixels = check_images(net, images).clone()
    with frozen(net), torch.enable_grad():
        pixels.requires_grad_()
        scores = net(pixels)
        classes = check_target(net, target, scores)
        check_graph(net, scores)
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

    Raises:
        ValueError: as in `input_gradient`.

    Reference:
        Simonyan, Vedaldi, Zisserman: Deep Inside Convolutional Networks, ICLR Workshop 2014.
    """
    return input_gradient(net, images, target, of=of).abs().amax(1)
