"""Checks of lesson 04: the space of features."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from course_utils.exercises.compare import array, close
from course_utils.exercises.machine import Call, Draw, exercise
from course_utils.exercises.quizzes import read_quiz


def aligned(values: Any, right: Tensor) -> Tensor:
    """Each column turned the way of the right one: a direction has no sign. A table of another shape stays."""
    table = torch.from_numpy(array(values, "your table of coordinates"))
    return table * torch.where((table * right).sum(0) < 0, -1.0, 1.0) if table.shape == right.shape else table


def svd(x: Tensor):
    return torch.linalg.svd(x, full_matrices=False)


def centered(x: Tensor) -> Tensor:
    return x - x.mean(0)


def coordinates(x, k, *, center=centered) -> Tensor:
    return center(x) @ svd(center(x)).Vh[:k].T


@exercise("04.1", "pca_coordinates")
def pca_coordinates(call: Call, draw: Draw) -> None:
    what = "your table of coordinates (up to the sign of each column)"
    # more rows than columns, and fewer, as for features
    for n, d in ((draw.integer(12, 15), draw.integer(6, 8)), (draw.integer(6, 7), draw.integer(9, 11))):
        k, rank = draw.integer(2, 3), min(n - 1, d)
        # each direction has clearly less variance than the one before: float32 finds the same ones
        along = torch.linalg.qr(centered(draw.normal(n, rank))).Q * 9 * 0.6 ** torch.arange(rank)
        x = along @ torch.linalg.qr(draw.normal(d, d)).Q[:rank] + 3 * draw.uniform(1, d) + 2
        right = coordinates(x, k)
        close(aligned(call(x, k), right), right, what=what, rtol=1e-4, atol=3e-5)


pca_coordinates.slips = {
    "The mean of the data is not taken away first. The first direction then points to the mean.": (
        partial(coordinates, center=lambda x: x)
    ),
    "You took the mean of each row away. Take the mean over the rows away: dimension 0.": (
        partial(coordinates, center=lambda x: x - x.mean(1, keepdim=True))
    ),
    "You returned U without S: all directions then have the same length.": lambda x, k: svd(centered(x)).U[:, :k],
    "You divided by the spread: the coordinates of PCA keep their variance.": (
        lambda x, k: coordinates(x, k) / coordinates(x, k).std(0)
    ),
    "You scaled each number of the data to unit variance first; plain PCA only centers.": (
        partial(coordinates, center=lambda x: centered(x) / x.std(0))
    ),
    "You took the last directions, those with the smallest variance.": (
        lambda x, k: centered(x) @ svd(centered(x)).Vh[-k:].T
    ),
    "You took the directions with the smallest variance, the smallest first (eigh sorts from small to large).": (
        lambda x, k: centered(x) @ torch.linalg.eigh(centered(x).T @ centered(x)).eigenvectors[:, :k]
    ),
    "The direction of the largest variance should come first.": lambda x, k: coordinates(x, k).flip(1),
    "You took columns of V^T for directions; they are its rows.": (
        lambda x, k: centered(x) @ svd(centered(x)).Vh[:, :k]
    ),
    "The directions are right, but you projected the data without taking the mean away.": (
        lambda x, k: x @ svd(centered(x)).Vh[:k].T
    ),
    "You returned the directions. Return the coordinates of the rows along them.": (
        lambda x, k: svd(centered(x)).Vh[:k]
    ),
}


def nats(p: Tensor) -> Tensor:
    """The entropy of every row in natural logarithms."""
    return torch.special.entr(p).sum(1)


@exercise("04.2", "perplexity")
def perplexity(call: Call, draw: Draw) -> None:
    n, m = draw.integer(4, 5), draw.integer(6, 9)
    p = draw.uniform(n, m) ** 3 + 0.01
    p[torch.arange(n), draw.integers(n, 0, m - 1)] = 0
    p[:2] = 0
    p[0, : draw.integer(2, 4)] = 1.0
    p[1, draw.integer(0, m - 1)] = 1.0  # one neighbor has everything
    p = p / p.sum(1, keepdim=True)
    close(call(p), nats(p).exp(), what="the perplexity")


perplexity.slips = {
    "0 times log 0 gives NaN. A probability of 0 adds nothing to the entropy.": lambda p: 2 ** -(p * p.log2()).sum(1),
    "You mixed the bases: 2 to the power of an entropy in natural logarithms. Use log2 with 2, or log with exp.": (
        lambda p: 2 ** nats(p)
    ),
    "You mixed the bases: exp of an entropy in bits. Use log2 with 2, or log with exp.": (
        lambda p: (nats(p) / math.log(2)).exp()
    ),
    "You returned the entropy. The perplexity is 2 to its power.": lambda p: nats(p) / math.log(2),
    "You returned the entropy (in natural logarithms). The perplexity is 2 to the power of the entropy in bits.": nats,
    "The minus sign of the entropy is missing.": lambda p: (-nats(p)).exp(),
    "You counted the neighbors that are not 0; the perplexity counts a weak neighbor only in part.": (
        lambda p: (p > 0).sum(1)
    ),
    "You summed over the columns of the table: each row is one distribution.": lambda p: nats(p.T).exp(),
    "You took the mean of p log p; the entropy is the sum.": lambda p: (nats(p) / p.shape[1]).exp(),
    "You added a small number inside the logarithm. Leave out the zeros exactly.": (
        lambda p: (-(p * (p + 1e-3).log()).sum(1)).exp()
    ),
}


def searched(squares, wanted, *, own=False, measure=torch.exp, one_width=False, bound=30.0, wrong_half=False) -> Tensor:
    """Bisect log beta for every row (or one for all) until `measure` of the entropy is `wanted`."""
    if not own:
        squares = squares - squares.clone().fill_diagonal_(torch.inf).amin(1, keepdim=True)  # changes no p
    low = torch.full((1 if one_width else len(squares), 1), -bound, dtype=squares.dtype)
    high = -low
    for _ in range(80):
        middle = (low + high) / 2
        weights = torch.exp(-middle.exp() * squares)
        weights = weights if own else weights.fill_diagonal_(0)
        p = weights / weights.sum(1, keepdim=True).clamp(min=1e-300)
        reached = measure(nats(p))[:, None]
        much = ((reached.mean(0, keepdim=True) if one_width else reached) > wanted) ^ wrong_half
        low, high = torch.where(much, middle, low), torch.where(much, high, middle)
    return p


@exercise("04.3", "affinities")
def affinities(call: Call, draw: Draw) -> None:
    n = draw.integer(9, 11)
    x = draw.normal(n, 3) * torch.linspace(0.3, 2, n)[:, None]  # dense and rare places
    squares, wanted = squared_distances(x), draw.number(2.5, 4.5)
    right = searched(squares, wanted)
    for unit, words in ((1, ""), (1e4, " for large distances"), (1e-4, " for small distances")):
        what = f"your table of affinities{words}"
        close(call(unit * squares, wanted), right, what=what, rtol=2e-4, atol=2e-5)


def not_searched(squares, wanted):
    weights = torch.exp(-squares).fill_diagonal_(0)
    return weights / weights.sum(1, keepdim=True)


affinities.slips = {
    "Each point is its own neighbor: p(i|i) must be 0, also during the search.": partial(searched, own=True),
    "Every point has the same width. Search a beta for each row.": partial(searched, one_width=True),
    "There is no search: every beta is 1.": not_searched,
    "The bases are mixed: 2 to the power of an entropy in natural logarithms is not the perplexity.": (
        partial(searched, measure=lambda entropy: 2**entropy)
    ),
    "You squared the distances again: the argument squares holds squared distances.": (
        lambda squares, wanted: searched(squares.square(), wanted)
    ),
    "You took the root: the Gaussian has the squared distance in its exponent.": (
        lambda squares, wanted: searched(squares.sqrt(), wanted)
    ),
    "You made the table symmetric. The conditional affinities are not: each row sums to 1.": (
        lambda *inputs: (searched(*inputs) + searched(*inputs).T) / 2
    ),
    "You divided by the sum of the whole table. Each row sums to 1.": (
        lambda *inputs: searched(*inputs) / len(inputs[0])
    ),
    "You used the perplexity as the entropy: compare 2^H with it.": (
        partial(searched, measure=lambda entropy: entropy)
    ),
    "You kept the wrong half: where the perplexity is too large, beta must grow.": partial(searched, wrong_half=True),
    "Rows and columns are exchanged: row i holds what point i would choose.": lambda *inputs: searched(*inputs).T,
    "Where the distances are large, the right width lies below your lower bound. Search log beta from -30 to 30.": (
        partial(searched, bound=5.0)
    ),
    "The diagonal is set to 0 at the end only, so the rows no longer sum to 1. Leave the point itself out during the "
    "search, too.": lambda squares, wanted: searched(squares, wanted, own=True).fill_diagonal_(0),
    "The diagonal is set to 0 after the search. Leave the point itself out during the search, too.": (
        lambda squares, wanted: (lambda p: p / p.sum(1, keepdim=True))(
            searched(squares, wanted, own=True).fill_diagonal_(0)
        )
    ),
}


def squared_distances(y: Tensor) -> Tensor:
    return (y[:, None] - y[None]).square().sum(2)


def student(squares: Tensor) -> Tensor:
    return 1 / (1 + squares)


def whole(weights: Tensor) -> Tensor:
    return weights / weights.sum()


def on_the_map(y, *, weight=student) -> Tensor:
    return whole(weight(squared_distances(y)).fill_diagonal_(0))


@exercise("04.4", "map_affinities")
def map_affinities(call: Call, draw: Draw) -> None:
    y = draw.normal(draw.integer(5, 8), 2) * 2
    close(call(y), on_the_map(y), what="your table of map affinities")
    y[draw.integer(1, 4)] = y[0]
    close(call(y), on_the_map(y), what="your table of map affinities where two points are at one place")


def row_by_row(y):
    weights = on_the_map(y)
    return weights / weights.sum(1, keepdim=True)


map_affinities.slips = {
    "A point has no affinity to itself: the diagonal is 0, before you divide by the sum.": (
        lambda y: whole(student(squared_distances(y)))
    ),
    "The diagonal is set to 0 after the division; then the sum is no longer 1.": (
        lambda y: whole(student(squared_distances(y))).fill_diagonal_(0)
    ),
    "You took the Gaussian. On the map it is the Student t: 1 / (1 + squared distance).": (
        partial(on_the_map, weight=lambda squares: torch.exp(-squares))
    ),
    "Each row sums to 1. Here the whole table sums to 1.": row_by_row,
    "The table is not divided by its sum.": lambda y: student(squared_distances(y)).fill_diagonal_(0),
    "You used the distance; the formula has the squared distance.": (
        partial(on_the_map, weight=lambda squares: student(squares.sqrt()))
    ),
    "The 1 in the denominator is missing, so near points get enormous values.": (
        partial(on_the_map, weight=lambda squares: 1 / squares)
    ),
    "You squared the whole weight.": partial(on_the_map, weight=lambda squares: student(squares).square()),
    "You took the mean over the two coordinates; a squared distance is their sum.": (
        partial(on_the_map, weight=lambda squares: student(squares / 2))
    ),
    "You set every pair at distance 0 to 0. Two points at one place have affinity; a point with itself has none.": (
        partial(on_the_map, weight=lambda squares: student(squares).where(squares > 0, 0.0))
    ),
}


def joined(conditional: Tensor) -> Tensor:
    return (conditional + conditional.T) / (2 * len(conditional))


def by_hand(conditional, y, *, factor=4.0, join=joined, pull=student, share=on_the_map) -> Tensor:
    """The gradient of the Kullback-Leibler divergence, with each of its parts to be exchanged."""
    apart = y[:, None] - y[None]
    strength = (join(conditional) - share(y)) * pull(apart.square().sum(2))
    return factor * (strength[..., None] * apart).sum(1)


def by_autograd(conditional: Tensor, y: Tensor) -> Tensor:
    """The same from the definition: nothing of the formula is in it."""
    places, p = y.clone().requires_grad_(), joined(conditional)
    other = ~torch.eye(len(y), dtype=torch.bool)  # on the diagonal both tables are 0
    divergence = (torch.xlogy(p, p)[other] - p[other] * on_the_map(places)[other].log()).sum()
    return torch.autograd.grad(divergence, places)[0]


@exercise("04.5", "kl_gradient")
def kl_gradient(call: Call, draw: Draw) -> None:
    n = draw.integer(6, 9)
    squares = squared_distances(draw.normal(n, 3) * torch.linspace(0.3, 2, n)[:, None])
    conditional = searched(squares, draw.number(2.0, 3.5))
    y = draw.normal(n, 2) * 2
    close(call(conditional, y), by_autograd(conditional, y), what="the gradient")
    y[draw.integer(1, 2)] = y[0]
    y[draw.integer(3, 4)] += 30  # two at one place, one far away
    close(call(conditional, y), by_autograd(conditional, y), what="the gradient where two points are at one place")


kl_gradient.slips = {
    "The sign is turned: this goes downhill. The gradient has y_i - y_j, p - q, and a sum over j; the minus stands in "
    "the step.": partial(by_hand, factor=-4.0),
    "The factor 4 is missing.": partial(by_hand, factor=1.0),
    "The factor is 4, not 2: each pair stands twice in the table, and the square gives another 2.": (
        partial(by_hand, factor=2.0)
    ),
    "The weight 1 / (1 + squared distance) of each pair is missing. Without it this is the gradient for a Gaussian.": (
        partial(by_hand, pull=torch.ones_like)
    ),
    "p is not symmetric: you divided the conditional affinities by N. Add the transposed table, then divide by 2N.": (
        partial(by_hand, join=lambda conditional: conditional / len(conditional))
    ),
    "p is symmetric, but its sum is N, not 1: divide by 2N, not by 2.": (
        partial(by_hand, join=lambda conditional: (conditional + conditional.T) / 2)
    ),
    "The sum of p is 2, not 1: divide by 2N, not by N.": (
        partial(by_hand, join=lambda conditional: (conditional + conditional.T) / len(conditional))
    ),
    "You put the conditional affinities in place of p. Make one symmetric table of them first.": (
        partial(by_hand, join=lambda conditional: conditional)
    ),
    "You multiplied by q. The weight of a pair is 1 / (1 + squared distance), before the division by the sum.": (
        lambda conditional, y: by_hand(conditional, y, pull=lambda squares: whole(student(squares).fill_diagonal_(0)))
    ),
    "You compared p with the weights 1 / (1 + squared distance). q is the table that sums to 1.": (
        partial(by_hand, share=lambda y: student(squared_distances(y)).fill_diagonal_(0))
    ),
    "q has a 1 on its diagonal before the division; a point has no affinity to itself.": (
        partial(by_hand, share=lambda y: whole(student(squared_distances(y))))
    ),
    "Each row of q sums to 1. The whole table sums to 1.": partial(by_hand, share=lambda y: row_by_row(y)),
    "The weight has the distance in it; it is the squared distance.": (
        partial(by_hand, pull=lambda squares: student(squares.sqrt()))
    ),
    "This is the gradient for a Gaussian on the map. t-SNE has the Student t there, and its weights.": (
        partial(by_hand, pull=torch.ones_like, share=partial(on_the_map, weight=lambda squares: torch.exp(-squares)))
    ),
    "p and q have changed places: this makes the difference small the other way round.": (
        lambda conditional, y: reversed_gradient(conditional, y)
    ),
    "You took the mean over the other points; the gradient is their sum.": (
        lambda conditional, y: by_hand(conditional, y) / len(y)
    ),
}


def reversed_gradient(conditional, y):
    """The gradient of the other divergence, sum q log(q / p); where p is 0 it would be infinite."""
    places, p = y.clone().requires_grad_(), joined(conditional)
    other = ~torch.eye(len(y), dtype=torch.bool)
    q, p = on_the_map(places)[other], p[other].clamp(min=1e-12)
    divergence = (q * q.log() - q * p.log()).sum()
    return torch.autograd.grad(divergence, places)[0]


def assigned(cost, *, which=1, **options) -> Tensor:
    return torch.from_numpy(linear_sum_assignment(cost.numpy(), **options)[which])


@exercise("04.6", "place")
def place(call: Call, draw: Draw) -> None:
    n = draw.integer(5, 7)
    m = n + draw.integer(1, 2)
    cost = draw.uniform(n, m, low=1.0, high=2.0)
    a, b, cell, other = 0, 1, draw.integer(0, 2), draw.integer(3, 4)
    cost[a, cell], cost[b, cell] = 0.1, 0.2  # both want one cell; the first could easily go elsewhere, the second not
    cost[a, other], cost[b] = 0.3, torch.where(torch.arange(m) == cell, 0.2, cost[b] + 8)
    # then as many cells as points, and prices below 0, too
    for prices in (cost, draw.normal(n, n)):
        close(call(prices), assigned(prices), what="your list of cells")


def in_turn(cost):
    free, chosen = cost.clone(), []
    for row in range(len(cost)):
        chosen.append(int(free[row].argmin()))
        free[:, chosen[-1]] = torch.inf
    return torch.tensor(chosen)


def smallest_first(cost):
    free, chosen = cost.clone(), torch.zeros(len(cost), dtype=torch.int64)
    for _ in range(len(cost)):
        i, j = divmod(int(free.argmin()), cost.shape[1])
        chosen[i] = j
        free[i], free[:, j] = torch.inf, torch.inf
    return chosen


place.slips = {
    "Each point took its nearest cell, whoever else is there: two points share a cell.": lambda cost: cost.argmin(1),
    "Each point in turn took the nearest free cell. The first ones get what they like and the last ones pay; "
    "the sum is not the smallest.": in_turn,
    "You always gave the smallest free number of the table away first. That is greedy, too: "
    "the sum is not the smallest.": smallest_first,
    "This is the largest sum: leave out maximize=True.": partial(assigned, maximize=True),
    "You returned the numbers of the points. linear_sum_assignment returns two arrays; the cells are the second.": (
        partial(assigned, which=0)
    ),
    "The points were put into the cells from the last to the first; the costs are not used.": (
        lambda cost: torch.arange(len(cost)).flip(0)
    ),
    "You chose the best point for each cell; there are more cells than points.": lambda cost: cost.argmin(0),
}


QUIZ = read_quiz("""
Two groups lie far apart on one t-SNE map, two others close together. What may you conclude from it?
- The first two are less alike than the other two.
  They may be. This map cannot tell you: you saw groups at very different distances come out alike. Ask the space.
+ At most that the points of each group have their neighbors within it.
  Yes, if other perplexities and seeds show the same. Distances between groups may mean something or nothing; ask the
  space itself.
- The first two have more points, and points push each other apart.
  The number of points does not decide the distance between two groups.
- The perplexity was too small: with a large one, distances are right.
  With a very large one much of the distances came back for the three groups of the lesson, but not their sizes.

What does a perplexity of 30 ask for?
- 30 groups of points on the finished map.
  The number of groups is not given to t-SNE.
- Exactly 30 neighbors of each point, all equally strong, and no others.
  That is one row with perplexity 30, but most rows spread their weight smoothly.
+ A width for each point such that it effectively has 30 neighbors.
  Yes: 2 to the power of the entropy of its row is 30.
- 30 steps of the search for the width of each point.
  The search has as many steps as it needs.

You compute PCA twice, with two programs. One picture is the mirror image of the other. Which is wrong?
- The one with more negative numbers in its first column.
  Both have negative numbers: the data are centered.
+ Neither: a direction has no sign of its own.
  Yes. v and -v span the same line.
- The one that used the SVD and not the covariance.
  The SVD of the centered data gives exactly the principal directions.
- Both: the directions of PCA are unique, with their sign.
  Both are right.

On the digits, pixels were better sorted than the features of a network for photos. Why?
- The digits are too small for a network that was trained on large photos.
  Enlarged to the size of those photos they were sorted no better, and in the middle of a frame pixels still won.
+ The digits are centered and equally large, so pixels compare stroke with stroke.
  Yes. In several sizes pixels lose a part of their order, and when the digits move about they fall far behind.
- Features are always worse than pixels, since they leave a part of the picture out.
  On the crops of photos they were far better.
- t-SNE favors pixels, since there are more of them than there are features.
  The numbers were computed before any t-SNE.
""")
