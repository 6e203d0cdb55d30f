"""Checks of lesson 04: the space of features."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from course_utils.exercises.compare import close, require
from course_utils.exercises.machine import Call, Draw, exercise
from course_utils.exercises.quizzes import Question


def _aligned(values: Any) -> Any:
    """Each column turned so that its largest entry is positive: a direction has no sign. Anything else stays."""
    try:
        table = torch.as_tensor(values).double()
        if table.ndim != 2 or not table.numel():
            return values
        largest = table.gather(0, table.abs().argmax(0, keepdim=True))
        return table * torch.where(largest < 0, -1.0, 1.0)
    except (TypeError, ValueError, RuntimeError):
        return values


def _coordinates(x: Tensor, k: int) -> Tensor:
    return x @ torch.linalg.svd(x, full_matrices=False).Vh[:k].T


@exercise("04.1", "pca_coordinates")
def pca_coordinates(call: Call, draw: Draw) -> None:
    n, d, k = draw.integer(12, 15), draw.integer(6, 8), draw.integer(2, 3)
    scale = 0.7 ** torch.arange(d) * torch.tensor([3.0] + [1.0] * (d - 1))
    mixing = torch.linalg.qr(draw.normal(d, d))[0]
    x = (draw.normal(n, d) * scale) @ mixing + 3 * draw.uniform(1, d) + 2
    centered = x - x.mean(0)
    u, s, vh = torch.linalg.svd(centered, full_matrices=False)
    right = centered @ vh[:k].T
    causes = {
        "The mean of the data is not taken away first. The first direction then points to the mean.":
            _coordinates(x, k),
        "You took the mean of each row away. Take the mean over the rows away: dimension 0.":
            _coordinates(x - x.mean(1, keepdim=True), k),
        "You returned U without S: all directions then have the same length.": u[:, :k],
        "You divided by the spread: the coordinates of PCA keep their variance.": right / right.std(0),
        "You scaled each number of the data to unit variance first; plain PCA only centers.":
            _coordinates(centered / centered.std(0), k),
        "You took the last directions, those with the smallest variance.": centered @ vh[-k:].T,
        "You took columns of V^T for directions; they are its rows.": centered @ vh[:, :k],
        "The directions are right, but you projected the data without taking the mean away.": x @ vh[:k].T,
        "You returned the directions. Return the coordinates of the rows along them.": vh[:k],
    }  # fmt: skip
    close(
        _aligned(call(x, k)),
        _aligned(right),
        what="your table of coordinates (up to the sign of each column)",
        causes={text: _aligned(wrong) for text, wrong in causes.items()},
    )


@exercise("04.2", "perplexity")
def perplexity(call: Call, draw: Draw) -> None:
    n, m = draw.integer(4, 5), draw.integer(6, 9)
    p = draw.uniform(n, m) ** 3
    p[:, draw.integer(0, m - 1)] = 0
    p[0] = 0
    p[0, : draw.integer(2, 4)] = 1.0
    p = p / p.sum(1, keepdim=True)
    logs = torch.where(p > 0, p, 1.0).log()
    nats = -(p * logs).sum(1)
    close(
        call(p),
        nats.exp(),
        what="the perplexity",
        causes={
            "0 times log 0 gives NaN. A probability of 0 adds nothing to the entropy.": torch.full((n,), torch.nan),
            "You mixed the bases: 2 to the power of an entropy in natural logarithms. Use log2 with 2, or log with exp.": 2**nats,
            "You mixed the bases: exp of an entropy in bits. Use log2 with 2, or log with exp.": (nats / math.log(2)).exp(),
            "You returned the entropy. The perplexity is 2 to its power.": nats / math.log(2),
            "You returned the entropy (in natural logarithms). The perplexity is 2 to the power of the entropy in bits.": nats,
            "The minus sign of the entropy is missing.": (-nats).exp(),
            "You counted the neighbors that are not 0; the perplexity counts a weak neighbor only in part.":
                (p > 0).sum(1).double(),
            "You summed over the columns of the table: each row is one distribution.":
                lambda: (-(p * logs).sum(0)).exp(),
            "You took the mean of p log p; the entropy is the sum.": (nats / m).exp(),
            "You added a small number inside the logarithm. Leave out the zeros exactly.":
                (-(p * (p + 1e-3).log()).sum(1)).exp(),
        },
    )  # fmt: skip


def _row(squares: Tensor, i: int, beta: float, *, own: bool = False) -> Tensor:
    weights = torch.exp(-beta * (squares[i] - squares[i].min() if own else squares[i]))
    if not own:
        weights[i] = 0
    return weights / weights.sum()


def _search(squares: Tensor, wanted: float, *, own: bool = False, base: float = math.e) -> Tensor:
    rows = []
    for i in range(len(squares)):
        low, high = -30.0, 30.0
        for _ in range(80):
            middle = (low + high) / 2
            p = _row(squares, i, math.exp(middle), own=own)
            nats = torch.special.entr(p).sum().item()
            low, high = (middle, high) if base**nats > wanted else (low, middle)
        rows.append(_row(squares, i, math.exp(low), own=own))
    return torch.stack(rows)


@exercise("04.3", "affinities")
def affinities(call: Call, draw: Draw) -> None:
    n = draw.integer(9, 11)
    x = draw.normal(n, 3) * torch.linspace(0.3, 2, n)[:, None]  # dense and rare places
    squares = (x[:, None] - x[None]).square().sum(2)
    wanted = draw.number(2.5, 4.5)
    got = call(squares, wanted)
    right = _search(squares, wanted)
    weights = torch.exp(-squares)
    weights.fill_diagonal_(0)
    close(
        got,
        right,
        what="your table of affinities",
        rtol=1e-3,
        atol=1e-4,
        causes={
            "Each point is its own neighbor: p(i|i) must be 0, also during the search.": lambda: _search(squares, wanted, own=True),
            "Every point has the same width. Search a beta for each row.": lambda: _one_width(squares, wanted),
            "There is no search: every beta is 1.": weights / weights.sum(1, keepdim=True),
            "The bases are mixed: 2 to the power of an entropy in natural logarithms is not the perplexity.":
                lambda: _search(squares, wanted, base=2.0),
            "You squared the distances again: `squares` holds squared distances.": lambda: _search(squares.square(), wanted),
            "You took the root: the Gaussian has the squared distance in its exponent.": lambda: _search(squares.sqrt(), wanted),
            "You made the table symmetric. The conditional affinities are not: each row sums to 1.": (right + right.T) / 2,
            "You divided by the sum of the whole table. Each row sums to 1.": right / n,
            "You used the perplexity as the entropy: compare 2^H with it.": lambda: _search(squares, min(math.exp(wanted), n - 1.001)),
            "Rows and columns are exchanged: row i holds what point i would choose.": right.T,
        },
    )  # fmt: skip


def _one_width(squares: Tensor, wanted: float) -> Tensor:
    low, high = -30.0, 30.0
    for _ in range(80):
        middle = (low + high) / 2
        p = torch.stack([_row(squares, i, math.exp(middle)) for i in range(len(squares))])
        mean = torch.special.entr(p).sum(1).exp().mean().item()
        low, high = (middle, high) if mean > wanted else (low, middle)
    return torch.stack([_row(squares, i, math.exp(low)) for i in range(len(squares))])


@exercise("04.4", "map_affinities")
def map_affinities(call: Call, draw: Draw) -> None:
    n = draw.integer(5, 8)
    y = draw.normal(n, 2) * 2
    squares = (y[:, None] - y[None]).square().sum(2)
    off = 1 - torch.eye(n, dtype=y.dtype)
    heavy = off / (1 + squares)

    def whole(w: Tensor) -> Tensor:
        return w / w.sum()

    close(
        call(y),
        whole(heavy),
        what="your table of map affinities",
        causes={
            "A point has no affinity to itself: the diagonal is 0, before you divide by the sum.": whole(1 / (1 + squares)),
            "The diagonal is set to 0 after the division; then the sum is no longer 1.": off * whole(1 / (1 + squares)),
            "You took the Gaussian. On the map it is the Student t: 1 / (1 + squared distance).": whole(off * torch.exp(-squares)),
            "Each row sums to 1. Here the *whole table* sums to 1.": heavy / heavy.sum(1, keepdim=True),
            "The table is not divided by its sum.": heavy,
            "You used the distance; the formula has the squared distance.": whole(off / (1 + squares.sqrt())),
            "The 1 in the denominator is missing, so near points get enormous values.":
                whole(off / torch.where(off > 0, squares, 1.0)),
            "You squared the whole weight.": whole(heavy.square()),
        },
    )  # fmt: skip


@exercise("04.5", "place")
def place(call: Call, draw: Draw) -> None:
    from scipy.optimize import linear_sum_assignment

    n = draw.integer(5, 7)
    m = n + draw.integer(1, 2)
    cost = draw.uniform(n, m, low=1.0, high=2.0)
    a, b, cell, other = 0, 1, draw.integer(0, 2), draw.integer(3, 4)
    cost[a, cell], cost[b, cell] = 0.1, 0.2  # both want one cell; the first could easily go elsewhere, the second not
    cost[a, other], cost[b] = 0.3, torch.where(torch.arange(m) == cell, 0.2, cost[b] + 8)
    right = torch.from_numpy(np.array(linear_sum_assignment(cost.numpy())[1]))
    in_turn, taken = [], set()
    for row in cost.tolist():
        best = min((j for j in range(m) if j not in taken), key=row.__getitem__)
        in_turn.append(best)
        taken.add(best)
    got = call(cost)
    close(
        got,
        right,
        what="your list of cells",
        causes={
            "Each point took its nearest cell, whoever else is there: two points share a cell.": cost.argmin(1),
            "Each point in turn took the nearest free cell. The first ones get what they like and the last ones pay; the sum is not the smallest.":
                torch.tensor(in_turn),
            "You always gave the smallest free number of the table away first. That is greedy, too: the sum is not the smallest.":
                lambda: _greedy(cost),
            "This is the *largest* sum: leave out maximize=True.":
                lambda: torch.from_numpy(np.array(linear_sum_assignment(cost.numpy(), maximize=True)[1])),
            "You returned the numbers of the points. linear_sum_assignment returns two arrays; the cells are the second.":
                torch.arange(n),
            "The points were put into the cells in their order; the costs are not used.": torch.arange(n).flip(0),
            "You chose the best point for each cell; there are more cells than points.": cost.argmin(0),
        },
    )  # fmt: skip
    require(len(set(np.asarray(got).tolist())) == n, "two points share a cell.")


def _greedy(cost: Tensor) -> Tensor:
    left, out = cost.clone(), torch.zeros(len(cost), dtype=torch.int64)
    for _ in range(len(cost)):
        i, j = divmod(int(left.argmin()), cost.shape[1])
        out[i] = j
        left[i], left[:, j] = torch.inf, torch.inf
    return out


QUIZ = (
    Question(
        "Two groups lie far apart on a t-SNE map, two others close together. What may you conclude?",
        (
            ("The first two are less alike than the other two.", "Distances between groups depend on the start and the perplexity; you saw blobs at very different distances come out alike."),
            ("Nothing about the distances; only that each group's points have their neighbors within it.", "Yes. t-SNE keeps neighborhoods, not distances."),
            ("The first two have more points.", "The number of points does not decide the distance."),
            ("The perplexity was too small.", "Distances between groups mean nothing at any perplexity."),
        ),
        1,
    ),
    Question(
        "What does a perplexity of 30 ask for?",
        (
            ("30 groups on the map.", "The number of groups is not given to t-SNE."),
            ("Exactly 30 neighbors of each point, all equally strong.", "That is one row with perplexity 30, but most rows spread their weight smoothly."),
            ("A width for each point such that it effectively has 30 neighbors.", "Yes: 2 to the power of the entropy of its row is 30."),
            ("30 steps of the search.", "The search has as many steps as it needs."),
        ),
        2,
    ),
    Question(
        "You compute PCA twice, with two programs. One picture is the mirror image of the other. Which is wrong?",
        (
            ("The one with negative numbers.", "Both have negative numbers: the data are centered."),
            ("Neither: a direction has no sign of its own.", "Yes. v and -v span the same line."),
            ("The one that used the SVD.", "The SVD of the centered data gives exactly the principal directions."),
            ("Both.", "Both are right."),
        ),
        1,
    ),
    Question(
        "On the digits, pixels were better sorted than the features of a network for photos. Why?",
        (
            ("The digits are small.", "They were enlarged for the network."),
            ("The digits are centered and equally large, so pixels compare stroke with stroke; the network was trained on photos.", "Yes. As soon as the digits move about, pixels lose most of their lead."),
            ("Features are always worse.", "On the crops of photos they were far better."),
            ("t-SNE favors pixels.", "The numbers were computed before any t-SNE."),
        ),
        1,
    ),
)  # fmt: skip
