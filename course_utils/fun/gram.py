"""Gram matrices: which channels of a layer are active together, wherever that is."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from course_utils.hooks import forward_to
from course_utils.networks.network import Network, frozen
from course_utils.validate import check_choice, check_weights, precise


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


def gram_loss(gram: Tensor, target: Tensor, *, convention: str = "gatys") -> Tensor:
    """How far one Gram matrix is from another, in one of the scales that programs use. They differ by a factor only.

    With `C` channels, `M` positions, `F` the features and `A` the target, all of them are multiples of the paper's
    `E = sum((F F^T - A)^2) / (4 C^2 M^2)`:

    ==========  =========================================================  ==========
    convention  who, and what the program computes                         equals
    ==========  =========================================================  ==========
    gatys       the papers, DeepTextures                                   E
    cs231n      CS231n: sum((G - A)^2), Gram matrices divided by C M       4 E
    pystiche    pystiche, Gatys' PyTorch code: mean((G - A)^2), by M       4 E
    johnson     fast-neural-style, pytorch/examples, neural-style:         4 E / C^2
                mean((G - A)^2), Gram matrices divided by C M
    ==========  =========================================================  ==========

    Args:
        gram, target: `(N, C, C)` from `gram_matrix(..., normalize="positions")`, each divided by its own picture's
            number of positions, so that pictures of different sizes can be compared. One target serves all images.
        convention: one of the names above.

    Returns:
        `(N,)`, one loss for each image.

    Raises:
        ValueError: shapes that do not fit, or an unknown convention.
    """
    check_choice("convention", convention, list(_CONVENTIONS))
    if gram.ndim != 3 or gram.shape[1] != gram.shape[2] or target.shape not in (gram.shape, (1, *gram.shape[1:])):
        raise ValueError(
            f"gram and target must have shape (N, C, C), not {tuple(gram.shape)} and {tuple(target.shape)}."
        )
    return _CONVENTIONS[convention](gram.shape[1]) * (gram - target).square().mean((1, 2))


_CONVENTIONS = {
    "gatys": lambda channels: 1 / 4,
    "cs231n": lambda channels: 1,
    "pystiche": lambda channels: 1,
    "johnson": lambda channels: 1 / channels**2,
}


def texture_grams(net: Network, sample: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
    """What a texture is, to the network: the Gram matrix of each layer, `(N, C, C)`, by position, without gradients.

    Args:
        net: the network.
        sample: `(N, 3, H, W)`; its values are not checked.
        layers: dotted paths or aliases.

    Raises:
        ValueError: no such layer.
    """
    with frozen(net), torch.no_grad():
        seen = forward_to(net, sample, layers) if layers else {}
        return {name: gram_matrix(precise(maps)) for name, maps in seen.items()}


def mean_gram(grams: Sequence[Tensor], shares: Sequence[float]) -> Tensor:
    """The weighted mean of several styles' Gram matrices.

    A weighted sum of squared distances to several targets has the gradient of the squared distance to their weighted
    mean, if the weights add up to 1: `sum_s w_s (G - A_s)^2 = (G - sum_s w_s A_s)^2 + constant`. One target is enough.

    Args:
        grams: `(N, C, C)` of each style.
        shares: how much of each, together 1.

    Returns:
        `(N, C, C)`.

    Raises:
        ValueError: too many shares or too few, a negative one, or all 0.
        TypeError: no list of numbers.
    """
    shares = check_weights(shares, len(grams), "shares", "styles")
    return sum(share * gram for share, gram in zip(shares, grams, strict=True))
