"""Texture from a network's Gram matrices (Gatys, Ecker & Bethge, "Texture Synthesis Using Convolutional Neural Networks", 2015)."""

from __future__ import annotations

import torch
from torch import Tensor

from course_utils.validate import check_choice


def gram_matrix(features: Tensor, *, normalize: str | None = "positions") -> Tensor:
    """Which channels are active together, wherever that is: `G[i, j] = sum over positions p of F[i, p] * F[j, p]`.

    The sum runs over all positions, so moving the positions around changes nothing: what a texture is made of stays,
    where it is gets lost.

    Args:
        features: `(N, C, H, W)` feature maps, floating point. The result has a gradient if they have.
        normalize: "positions" divides by `H * W` (the mean over positions, comparable between pictures of different
            sizes), "size" divides by `C * H * W` (Johnson et al., CS231n), None keeps the sum (Gatys et al.).

    Returns:
        `(N, C, C)`, symmetric, with no negative eigenvalues.

    Raises:
        TypeError: not a floating-point tensor.
        ValueError: not four dimensions, an empty dimension, or an unknown `normalize`.
    """
    if not isinstance(features, Tensor) or not features.is_floating_point():
        given = features.dtype if isinstance(features, Tensor) else type(features).__name__
        raise TypeError(f"features must be a floating-point tensor of shape (N, C, H, W), not {given}.")
    if features.ndim != 4 or 0 in features.shape:
        shape = tuple(features.shape)
        extra = " Add the batch dimension with features[None]." if features.ndim == 3 else ""
        raise ValueError(f"features must have shape (N, C, H, W) with no empty dimension, not {shape}.{extra}")
    if normalize is not None:
        check_choice("normalize", normalize, ["positions", "size"])
    count, channels, height, width = features.shape
    flat = features.flatten(2)  # one row of H * W numbers per channel
    gram = torch.bmm(flat, flat.transpose(1, 2))
    divisor = {None: 1, "positions": height * width, "size": channels * height * width}[normalize]
    return gram / divisor
