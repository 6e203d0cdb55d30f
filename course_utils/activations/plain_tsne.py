"""t-SNE as the paper tells it, to read: push and pull every point until two tables of affinities agree.

It compares all pairs in each step; `tsne` is scikit-learn's and does the same for thousands of points.
"""

from __future__ import annotations

import torch
from torch import Tensor

from course_utils.activations.distances import check_rows
from course_utils.activations.pca import pca
from course_utils.activations.tsne import INITS, affinities, check_perplexity, check_spread, joint
from course_utils.validate import check_choice, check_positive, check_seed, check_whole

TAILS = ("student", "gaussian")


def kl_gradient(p: Tensor, points: Tensor, *, tail: str = "student") -> Tensor:
    """The gradient of `kl_divergence(p, map_affinities(points))` by the places of the points.

    Each pair pulls (where p is larger than q) or pushes (where it is smaller) along the line between its two points:
    `4 sum_j (p_ij - q_ij) w_ij (y_i - y_j)` with `w_ij = 1 / (1 + |y_i - y_j|^2)`.

    Args:
        p: `(N, N)`, joint affinities: symmetric, zero diagonal, all together they sum to 1.
        points: `(N, 2)`, places on the map.
        tail: "student", or "gaussian" for the older symmetric SNE: `q_ij` proportional to `exp(-|y_i - y_j|^2)`, and
            `w_ij = 1`.

    Returns:
        `(N, 2)`. A step against it makes the divergence smaller.

    Raises:
        ValueError: an unknown tail, or points that are no rows of numbers.

    Reference:
        van der Maaten & Hinton: Visualizing Data using t-SNE, JMLR 2008, equation 5; section 3.1 for the Gaussian.
    """
    check_choice("tail", tail, TAILS)
    points = check_rows(points, "points")
    squares = torch.cdist(points, points, compute_mode="donot_use_mm_for_euclid_dist").square()
    weights = 1 / (1 + squares) if tail == "student" else torch.exp(-squares)
    weights.fill_diagonal_(0)
    q = weights / weights.sum()
    strength = (p - q) * (weights if tail == "student" else 1)
    # sum_j strength_ij (y_i - y_j), without a table of N x N differences
    return 4 * (strength.sum(1, keepdim=True) * points - strength @ points)


def plain_tsne(
    x: Tensor,
    *,
    perplexity: float = 30.0,
    tail: str = "student",
    init: str = "pca",
    seed: int = 0,
    steps: int = 500,
    rate: float = 200.0,
    early: int = 100,
    exaggeration: float = 4.0,
) -> Tensor:
    """t-SNE by gradient descent with momentum, all pairs in every step.

    Args:
        x: `(N, D)`, a few hundred rows.
        perplexity: the effective number of neighbors; must be smaller than N.
        tail: of the affinities on the map, as in `kl_gradient`.
        init: where the points start, in any case within about 1e-4 of the middle: "pca" or "random".
        seed: of the random start.
        steps: of gradient descent.
        rate: how far a step goes.
        early: for so many steps at first, p is multiplied by `exaggeration`: groups gather.
        exaggeration: see `early`; 1 for none.

    Returns:
        `(N, 2)` on x's device. Its axes, its scale and the distances between far groups mean nothing.

    Raises:
        ValueError: `perplexity` too large for N, an unknown tail or init, or a number that is not positive.

    Reference:
        van der Maaten & Hinton: Visualizing Data using t-SNE, JMLR 2008, algorithm 1 and section 3.4.
    """
    x = check_rows(x, "x")
    check_perplexity(perplexity, len(x))
    check_choice("tail", tail, TAILS)
    check_choice("init", init, INITS)
    check_whole(steps=steps)
    check_whole(least=0, early=early)
    check_positive(rate=rate, exaggeration=exaggeration)
    p = joint(affinities(x, perplexity=perplexity))
    if init == "pca":
        check_spread(x)
        points = pca(x, k=2).project(x)
        points = 1e-4 * points / points[:, 0].std()
    else:
        points = 1e-4 * torch.randn(len(x), 2, generator=torch.Generator().manual_seed(check_seed(seed))).to(x)
    velocity = torch.zeros_like(points)
    for step in range(steps):
        wanted = exaggeration * p if step < early else p
        velocity = (0.5 if step < early else 0.8) * velocity - rate * kl_gradient(wanted, points, tail=tail)
        points = points + velocity
    return points - points.mean(0)
