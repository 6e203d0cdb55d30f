"""Gradient times input: how much the score would change to first order if a pixel became black."""

from __future__ import annotations

from torch import Tensor

from course_utils.gradients.saliency import input_gradient
from course_utils.networks.network import Network
from course_utils.validate import Target, check_images


def gradient_times_input(net: Network, images: Tensor, target: Target = None) -> Tensor:
    """The gradient of the class score by each pixel, times the pixel.

    It is the first term of the Taylor series for S(image) - S(image with this pixel black). A black pixel gets 0.

    Args:
        net: a classifier.
        images: `(N, 3, H, W)` RGB in [0, 1].
        target: None for the predicted class of each image, a class (index or name), or one per image.

    Returns:
        `(N, 3, H, W)`, signed, in units of the score.

    Raises:
        ValueError: as in `input_gradient`.

    Reference:
        Shrikumar, Greenside, Shcherbina, Kundaje: Not Just a Black Box, 2016.
    """
    return input_gradient(net, images, target) * check_images(net, images).to(images.device)
