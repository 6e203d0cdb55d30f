"""Keep the colors of a photo: before painting (`match_colors`), or after (`keep_colors`)."""

from __future__ import annotations

import torch
from torch import Tensor


def match_colors(style: Tensor, content: Tensor) -> Tensor:
    """Give a picture another one's colors: a linear map after which mean and covariance of RGB are the content's.

    `A = C_content^(1/2) C_style^(-1/2)`. Values may leave [0, 1]. A style of one color gets the content's mean color.

    Args:
        style: `(1, 3, h, w)`; gray pictures `(1, 1, h, w)` too.
        content: `(1, 3, H, W)`.

    Returns:
        `(1, 3, h, w)`.

    Reference:
        Gatys et al.: Preserving Color in Neural Artistic Style Transfer, 2016.
    """
    pixels, wanted = style[0].flatten(1).double(), content[0].flatten(1).double()
    mean, goal = pixels.mean(1, keepdim=True), wanted.mean(1, keepdim=True)
    away = _power(_covariance(pixels), -0.5)
    toward = _power(_covariance(wanted), 0.5)
    return (toward @ away @ (pixels - mean) + goal).view(style.shape).to(style.dtype)


def keep_colors(images: Tensor, content: Tensor) -> Tensor:
    """The brightness (luma Y of ITU-R BT.601) of `images` with the colors (U, V) of `content`.

    U and V depend on R - Y and B - Y only, so it is enough to add the difference in Y to all three channels.

    Args:
        images, content: `(N, 3, H, W)`; gray pictures `(N, 1, H, W)` are all brightness.

    Returns:
        `(N, 3, H, W)`. Values may leave [0, 1].
    """
    if images.shape[1] == 1:
        return images
    luma = torch.tensor([0.299, 0.587, 0.114], dtype=images.dtype, device=images.device).view(1, 3, 1, 1)
    return content + ((images - content) * luma).sum(1, keepdim=True)


def _covariance(pixels: Tensor) -> Tensor:
    return torch.cov(pixels, correction=0).reshape(len(pixels), len(pixels))  # of one channel torch gives a number


def _power(matrix: Tensor, exponent: float) -> Tensor:
    values, vectors = torch.linalg.eigh(matrix)
    real = values > 1e-10  # colors that do not occur have no direction to be stretched
    powers = torch.where(real, values.clamp(min=1e-10) ** exponent, 0.0)
    return vectors @ torch.diag(powers) @ vectors.T
