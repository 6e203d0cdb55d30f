"""t-SNE: a map in which near features stay near (van der Maaten & Hinton, 2008)."""

from __future__ import annotations

import math
import random

import torch
from torch import Tensor

from course_utils.activations.distances import check_rows, l2_distances
from course_utils.activations.pca import pca
from course_utils.validate import check_choice, check_seed, check_whole

INITS = ("pca", "random")


def perplexity_of(p: Tensor) -> Tensor:
    """The perplexity `2^H` of each row, `H = -sum_j p_j log2 p_j`: how many neighbors the row effectively has. `(N,)`."""
    return torch.special.entr(p).sum(1).exp()


def affinities(x: Tensor, *, perplexity: float = 30.0, steps: int = 100) -> Tensor:
    """The conditional affinities of t-SNE: row i says how likely point i would choose each other point as its neighbor.

    `p_(j|i)` is proportional to `exp(-beta_i |x_i - x_j|^2)` with `p_(i|i) = 0`. The width of each point's Gaussian,
    `beta_i = 1 / (2 sigma_i^2)`, is found by bisection so that every row has the wanted perplexity: narrow where points
    are dense, wide where they are rare.

    Args:
        x: `(N, D)`.
        perplexity: the effective number of neighbors of each point.
        steps: of the bisection, which halves the interval of log beta each time.

    Returns:
        `(N, N)`, rows sum to 1, zero diagonal. A point with more exact copies of itself than `perplexity` can only
        share its row among them: its perplexity then is the number of copies.

    Raises:
        ValueError: `perplexity` does not lie between 1 and N - 1.

    Reference:
        van der Maaten & Hinton: Visualizing Data using t-SNE, JMLR 2008, equation 1.
    """
    x = check_rows(x, "x")
    check_perplexity(perplexity, len(x))
    check_whole(steps=steps)
    exact = x.double() if x.device.type != "mps" else x
    squares = l2_distances(exact).square()
    squares.fill_diagonal_(math.inf)  # exp(-inf) = 0: no point is its own neighbor
    # Adding a constant to a row does not change its affinities; the nearest other point then has exp(0) = 1.
    squares = squares - squares.amin(1, keepdim=True)
    finite = squares.masked_fill(~torch.isfinite(squares), 0)
    scale = (finite.sum(1, keepdim=True) / (len(x) - 1)).clamp(min=torch.finfo(exact.dtype).tiny)
    low, high = torch.full_like(scale, -40.0), torch.full_like(scale, 40.0)  # of log(beta * scale)
    for _ in range(steps):
        middle = (low + high) / 2
        too_many = perplexity_of(_rows(squares, middle.exp() / scale))[:, None] > perplexity
        low, high = torch.where(too_many, middle, low), torch.where(too_many, high, middle)
    return _rows(squares, ((low + high) / 2).exp() / scale).to(x)


def _rows(squares: Tensor, beta: Tensor) -> Tensor:
    weights = torch.exp(-beta * squares)
    return weights / weights.sum(1, keepdim=True)


def joint(conditional: Tensor) -> Tensor:
    """The joint affinities `p_ij = (p_(j|i) + p_(i|j)) / 2N`: symmetric, and all together they sum to 1. `(N, N)`."""
    return (conditional + conditional.T) / (2 * len(conditional))


def map_affinities(points: Tensor) -> Tensor:
    """The affinities of a map, `q_ij` proportional to `1 / (1 + |y_i - y_j|^2)`, zero diagonal, sum 1.

    The heavy tail of this Student t distribution gives points that are only moderately alike room on the plane.

    Args:
        points: `(N, 2)`, places on the map.

    Returns:
        `(N, N)`.

    Raises:
        ValueError, TypeError: points that are no rows of numbers (see `l2_distances`).
    """
    weights = 1 / (1 + l2_distances(points).square())
    weights.fill_diagonal_(0)
    return weights / weights.sum()


def kl_divergence(p: Tensor, q: Tensor) -> float:
    """`sum_ij p_ij log(p_ij / q_ij)`, what t-SNE makes small; 0 if the map keeps every affinity."""
    q = q.clamp(min=torch.finfo(q.dtype).tiny)
    return float((torch.xlogy(p, p) - p * q.log()).sum())


def tsne(
    x: Tensor,
    *,
    perplexity: float = 30.0,
    init: str = "pca",
    seed: int = 0,
    steps: int = 1000,
    dimensions: int = 50,
) -> Tensor:
    """A map in which neighbors stay neighbors: scikit-learn's t-SNE, after PCA as the paper does it.

    Args:
        x: `(N, D)`.
        perplexity: the effective number of neighbors; must be smaller than N.
        init: where the points start: "pca" or "random".
        seed: of the random start and of the order of work.
        steps: of gradient descent, at least 250.
        dimensions: PCA to at most so many first.

    Returns:
        `(N, 2)` float on x's device. Its axes, its scale and the distances between far groups mean nothing.

    Raises:
        ValueError: `perplexity` too large for N, fewer than 250 steps, or rows that PCA cannot spread on a plane.

    Reference:
        van der Maaten & Hinton: Visualizing Data using t-SNE, JMLR 2008.
    """
    x = check_rows(x, "x")
    check_perplexity(perplexity, len(x))
    check_choice("init", init, INITS)
    check_whole(dimensions=dimensions)
    check_whole(least=0, steps=steps)
    if steps < 250:
        raise ValueError(f"steps must be at least 250 (the first 250 only gather the groups), not {steps}.")
    state = random.getstate()  # loading scikit-learn's t-SNE draws from Python's generator
    from sklearn.manifold import TSNE

    k = min(dimensions, *x.shape)
    data = (pca(x, k=k).project(x) if k < x.shape[1] else x).float().cpu()
    if init == "pca":
        check_spread(data)  # scikit-learn divides by the spread, and its tree of places crashes on NaN
    how = {"perplexity": float(perplexity), "init": init, "max_iter": int(steps), "learning_rate": "auto"}
    method = TSNE(random_state=check_seed(seed) % 2**32, **how)
    try:
        return torch.from_numpy(method.fit_transform(data.numpy())).to(x)
    finally:
        random.setstate(state)


def check_spread(x: Tensor) -> None:
    """Raise unless PCA can give the rows first places on a plane."""
    spread = x.var(0, correction=0).max().item()
    if not 0 < spread < math.inf:
        words = "all rows are (almost) the same" if spread == 0 else "the numbers are too large"
        raise ValueError(f'{words}, so PCA has no first places for them; use init="random".')
    if x.shape[1] < 2:
        raise ValueError('x has one column, and PCA needs two for first places on a plane; use init="random".')


def check_perplexity(perplexity: float, count: int) -> None:
    """Raise unless a point among `count` can have so many neighbors."""
    if count < 3:
        raise ValueError(f"t-SNE needs at least 3 points, not {count}.")
    if not (1 <= perplexity < count - 1):
        raise ValueError(
            f"perplexity {perplexity:g} is impossible for {count} points: each has only {count - 1} others. "
            f"Choose at least 1 and less than {count - 1}; usual is 5 to {max(5, min(50, (count - 1) // 3))}."
        )
