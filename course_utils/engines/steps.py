"""Steps that change a photo: gradients of each image's own value, lengths, random starts."""

from __future__ import annotations

import torch
from torch import Tensor

from course_utils.networks.network import Network
from course_utils.validate import Target, check_graph, seeded


def need_target(target: Target) -> None:
    """A class to reach must be given.

    Raises:
        ValueError: it is None.
    """
    if target is None:
        raise ValueError("target is None, but this needs a class to reach: an index, a name, or one per image.")


def loss_gradient(net: Network, pixels: Tensor, classes: Tensor, of: str) -> tuple[Tensor, Tensor]:
    """The gradient of each image's own score or cross-entropy with respect to its pixels, and these values `(N,)`."""
    with torch.enable_grad():
        pixels = pixels.detach().requires_grad_()
        scores = net(pixels)
        check_graph(net, scores)
        values = (scores if of == "score" else -scores.log_softmax(1)).gather(1, classes[:, None])[:, 0]
        (gradient,) = torch.autograd.grad(values.sum(), pixels)
        return gradient, values.detach()


def l2_length(change: Tensor) -> Tensor:
    """The length of each change over all its pixels, `(N, 1, 1, 1)`."""
    return change.flatten(1).norm(dim=1)[:, None, None, None]


def unit_length(gradient: Tensor) -> Tensor:
    """Each gradient divided by its length; 0 stays 0."""
    return gradient / l2_length(gradient).clamp_min(1e-12)


def random_change(clean: Tensor, eps: float, norm: str, seed: int) -> Tensor:
    """A uniformly random point of the ball, for each image."""
    generator = seeded(seed)
    if norm == "linf":
        draw = torch.rand(clean.shape, generator=generator, dtype=torch.float64).to(clean)
        return (2 * draw - 1) * eps
    direction = unit_length(torch.randn(clean.shape, generator=generator, dtype=torch.float64))
    radius = torch.rand(len(clean), 1, 1, 1, generator=generator, dtype=torch.float64) ** (1 / clean[0].numel())
    return (eps * radius * direction).to(clean)
