"""What style transfer makes small: the distance from one picture's features, and from others' Gram matrices."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from course_utils.fun.gram import gram_loss, gram_matrix, mean_gram, texture_grams
from course_utils.hooks import forward_to
from course_utils.networks.network import Network, frozen
from course_utils.optimize.objectives import Objective
from course_utils.validate import check_list, precise

CONTENT_LAYERS = ("relu4_2",)
STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")


def content_loss(net: Network, content: Tensor, *, layers: Sequence[str] = CONTENT_LAYERS) -> Objective:
    """How far features are from those of the content: the mean squared difference, added over layers.

    The paper takes half of the sum.

    Args:
        net: the network.
        content: `(N, 3, H, W)`; its values are not checked.
        layers: dotted paths or aliases.

    Returns:
        An objective.

    Raises:
        ValueError: no such layer.
        TypeError: one name instead of a list.
    """
    layers = check_list("layers", layers, "names")
    with frozen(net), torch.no_grad():
        seen = forward_to(net, content, layers) if layers else {}
    wanted = {name: precise(maps) for name, maps in seen.items()}
    return Objective(
        lambda net, seen: sum((seen[name] - wanted[name]).flatten(1).square().mean(1) for name in wanted),
        layers=layers,
        name="content",
    )


def style_loss(
    net: Network,
    styles: Sequence[Tensor],
    *,
    layers: Sequence[str] = STYLE_LAYERS,
    shares: Sequence[float] | None = None,
    convention: str = "johnson",
) -> Objective:
    """How far Gram matrices are from those of the styles: `gram_loss`, added over layers.

    Args:
        net: the network.
        styles: a list of `(1, 3, h, w)`; their values are not checked.
        layers: dotted paths or aliases.
        shares: how much of each style, together 1; None for equal shares.
        convention: of `gram_loss`. The default weighs layers as Gatys' code does, by `1 / C^2`.

    Returns:
        An objective.

    Raises:
        ValueError: no such layer or convention, or shares that do not fit the styles.
        TypeError: one name instead of a list.
    """
    layers = check_list("layers", layers, "names")
    seen = [texture_grams(net, style, layers) for style in styles]
    shares = [1 / len(seen)] * len(seen) if shares is None else shares
    wanted = {name: mean_gram([one[name] for one in seen], shares) for name in layers}
    return Objective(
        lambda net, seen: sum(
            gram_loss(gram_matrix(seen[name]), gram, convention=convention) for name, gram in wanted.items()
        ),
        layers=layers,
        name="style",
    )
