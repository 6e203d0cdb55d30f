"""Random pictures that are as smooth as given ones, and have no direction."""

from __future__ import annotations

import torch
from torch import Tensor

from course_utils.validate import check_whole, seeded


def same_spectrum(pictures: Tensor, *, draws: int = 200, seed: int = 0) -> Tensor:
    """Random pictures with as much of each spatial frequency as the given ones, in random directions.

    The control for what is said of edges and other shapes: what is only smoothness is in these pictures, too.

    Args:
        pictures: `(..., H, W)`, real numbers of any size and sign.
        draws: how many random pictures for each.
        seed: of the random pictures.

    Returns:
        `(draws, ..., H, W)`. All waves of one length together have the energy that they have in the picture; so the
        mean of the picture is kept, up to its sign.

    Raises:
        ValueError: pictures without height and width, or numbers that are not finite.
    """
    check_whole(draws=draws)
    if pictures.ndim < 2 or not pictures.is_floating_point() or not pictures.numel():
        raise ValueError(f"pictures must be (..., H, W), real numbers, not {tuple(pictures.shape)} {pictures.dtype}.")
    if not pictures.isfinite().all():
        raise ValueError("pictures have NaN or infinity in them.")
    height, width = pictures.shape[-2:]
    down, across = (torch.fft.fftfreq(side, dtype=torch.float32) for side in (height, width))
    frequency = down[:, None].square() + across.square()
    noise = torch.randn(draws, *pictures.shape, generator=seeded(seed), dtype=pictures.dtype)
    noise, own = torch.fft.fft2(noise), torch.fft.fft2(pictures.detach().cpu())
    for length in (frequency * 1e6).round().unique():
        ring = (frequency * 1e6).round() == length
        noise[..., ring] *= (own[..., ring].norm(dim=-1) / noise[..., ring].norm(dim=-1))[..., None]
    return torch.fft.ifft2(noise).real
