"""Checks of lesson 03: nearest neighbors."""

from __future__ import annotations

import torch
from torch import Tensor

from course_utils.exercises.compare import close, require
from course_utils.exercises.machine import Call, Draw, exercise
from course_utils.exercises.quizzes import Question


def _differences(a: Tensor, b: Tensor) -> Tensor:
    return a[:, None] - b[None]


@exercise("03.1", "l2_distances")
def l2_distances(call: Call, draw: Draw) -> None:
    n, m, d = draw.integer(3, 5), draw.integer(6, 8), draw.integer(9, 12)
    a, b = draw.normal(n, d), draw.normal(m, d)
    difference = _differences(a, b)
    squares = difference.square().sum(2)
    close(
        call(a, b),
        squares.sqrt(),
        what="your table of distances",
        causes={
            "The root is missing: these are squared distances.": squares,
            "You added up absolute differences (the city-block distance); L2 adds up squares and takes the root.":
                difference.abs().sum(2),
            "You took the mean of the squares; the distance adds them up.": squares.div(d).sqrt(),
            "The products are added once; the formula has -2 times the product.":
                (a.square().sum(1)[:, None] - a @ b.T + b.square().sum(1)).clamp(min=0).sqrt(),
            "The sign of the product is wrong: it is minus two times the product.":
                (a.square().sum(1)[:, None] + 2 * a @ b.T + b.square().sum(1)).sqrt(),
            "The squared length of the rows of b is missing.":
                (a.square().sum(1)[:, None] - 2 * a @ b.T).clamp(min=0).sqrt(),
            "The squared length of the rows of a is missing.":
                (b.square().sum(1)[None] - 2 * a @ b.T).clamp(min=0).sqrt(),
            "Rows and columns are exchanged: row i belongs to a, column j to b.": squares.sqrt().T,
            "You took the largest difference; the distance adds up all of them.": difference.abs().amax(2),
        },
    )  # fmt: skip
    # rows that are nearly alike and far from zero: the squares hide the difference, and it comes out below zero
    near = (100 + 1e-4 * draw.normal(8, 64)).float()
    got = torch.as_tensor(call(near, near)).double()
    require(
        not torch.isnan(got).any(),
        "the distances between nearly equal rows contain NaN (not a number).",
        cause="A difference of large numbers came out a little below zero, and its root is NaN. Set negative squares to 0 first: "
        "`.clamp(min=0)`.",
    )
    require(
        got.shape == (8, 8) and bool((got >= 0).all()) and bool((got.diagonal() < 2.0).all()),
        "the distances between nearly equal rows are wrong: a row is far from itself.",
        cause="Set negative squares to 0 (not their absolute value, and not a large number).",
    )


@exercise("03.2", "cosine_distances")
def cosine_distances(call: Call, draw: Draw) -> None:
    n, m, d = draw.integer(3, 5), draw.integer(6, 8), draw.integer(4, 6)
    a, b = (
        draw.normal(n, d) * draw.uniform(n, 1, low=0.5, high=4),
        draw.normal(m, d) * draw.uniform(m, 1, low=0.5, high=4),
    )
    b[draw.integer(0, m - 1)] = 0
    la, lb = a.norm(dim=1, keepdim=True), b.norm(dim=1, keepdim=True).clamp(min=1e-300)
    cosine = (a / la) @ (b / lb).T
    raw = a @ b.T
    close(
        call(a, b),
        1 - cosine,
        what="your table of distances",
        causes={
            "A row of zeros gives 0 / 0. It has no direction: its cosine with everything is 0, its distance 1.":
                1 - raw / (la * b.norm(dim=1)),
            "You returned the cosine, which is large for what is near. The distance is 1 minus the cosine.": cosine,
            "The rows are not divided by their length: this is the plain product.": 1 - raw,
            "Only the rows of a are divided by their length.": 1 - raw / la,
            "Only the rows of b are divided by their length.": 1 - raw / lb.T,
            "You divided by the sum of the absolute values; the length is the root of the sum of squares.":
                1 - raw / (a.abs().sum(1)[:, None] * b.abs().sum(1).clamp(min=1e-300)),
            "You divided by the squared lengths; the root is missing.": 1 - raw / (la * lb.T).square().clamp(min=1e-300),
            "You returned the angle. The distance is 1 minus the cosine of it.": torch.arccos(cosine.clamp(-1, 1)),
            "You took the absolute value of the cosine: opposite directions are far apart, distance 2.": 1 - cosine.abs(),
            "Rows and columns are exchanged: row i belongs to a, column j to b.": (1 - cosine).T,
            "You divided the columns by their length, not the rows.":
                1 - (a / a.norm(dim=0)) @ (b / b.norm(dim=0)).T,
        },
    )  # fmt: skip


def _ordered(distances: Tensor, k: int, *, last_first: bool = False) -> Tensor:
    if last_first:
        columns = distances.shape[1]
        return columns - 1 - distances.flip(1).argsort(dim=1, stable=True)[:, :k]
    return distances.argsort(dim=1, stable=True)[:, :k]


@exercise("03.3", "k_nearest")
def k_nearest(call: Call, draw: Draw) -> None:
    n, m, k = draw.integer(4, 6), draw.integer(18, 24), draw.integer(3, 4)
    distances = draw.uniform(n, m).mul(5).round() + 1  # few levels: many ties
    distances[0] = 2.0
    right = _ordered(distances, k)
    close(
        call(distances, k),
        right,
        what="your table of indices",
        causes={
            "Among equal distances the higher index came first; it should be the lower one.":
                _ordered(distances, k, last_first=True),
            "You have the *farthest* pictures: sort from small to large.": _ordered(-distances, k),
            "You returned the distances. Return the indices of the pictures.": distances.gather(1, right),
            "You left out the nearest one. These are queries from outside: the first one counts.":
                _ordered(distances, k + 1)[:, 1:],
            "You sorted the columns: each row belongs to one query.": distances.argsort(dim=0, stable=True)[:, :k],
            "You have one nearest picture more than k.": _ordered(distances, k + 1),
            "You have the ranks of the first pictures, not the indices of the nearest.":
                distances.argsort(dim=1, stable=True).argsort(dim=1)[:, :k],
            "The order is farthest first; the nearest should come first.": right.flip(1),
        },
    )  # fmt: skip


@exercise("03.5", "recall")
def recall(call: Call, draw: Draw) -> None:
    sizes = [2, 3, 5, draw.integer(3, 4)]
    objects = [i for i, size in enumerate(sizes) for _ in range(size)]
    objects = [objects[i] for i in draw.rng.permutation(len(objects))]
    k, n = 3, len(objects)
    neighbors = torch.stack(
        [torch.tensor([j for j in draw.rng.permutation(n).tolist() if j != i][: k + 1]) for i in range(n)]
    )[:, :k]
    labels = torch.tensor(objects)
    for i in range(0, n, 2):  # enough hits to tell the answers apart
        mate = int(torch.nonzero((labels == labels[i]) & (torch.arange(n) != i))[0])
        if mate not in neighbors[i].tolist():
            neighbors[i, 0] = mate
    hits = (labels[neighbors] == labels[:, None]).sum(1).double()
    others = (labels[:, None] == labels[None]).sum(1) - 1
    close(
        call(neighbors, objects),
        hits / others,
        what="the recall",
        causes={
            "You divided by k. That is the precision: the share of the neighbors that are right. Recall divides by what there is to find.":
                hits / k,
            "You counted the picture itself among those to find. Subtract it.": hits / (others + 1),
            "You returned the number of hits; divide by the number of pictures there are to find.": hits,
            "You asked if there is at least one hit; recall counts all of them.": (hits > 0).double(),
            "You asked if all neighbors are right; recall counts them.": (hits == k).double(),
            "You looked at the nearest one only.": (labels[neighbors[:, 0]] == labels).double() / others,
            "You returned the mean; return one number for each picture.": (hits / others).mean(),
            "You divided by the smaller of k and the number to find; plain recall divides by the number to find.":
                hits / others.clamp(max=k),
            "You divided by the number of all pictures; divide by the number of other pictures of the same object.": hits / n,
        },
    )  # fmt: skip


@exercise("03.4", "without_itself")
def without_itself(call: Call, draw: Draw) -> None:
    n, k = draw.integer(8, 10), 3
    x = draw.normal(n, 2)
    copies = draw.rng.permutation(n)[:3].tolist()
    for i in copies[1:]:
        x[i] = x[copies[0]]  # three identical pictures
    distances = _differences(x, x).square().sum(2).sqrt()
    far = distances.clone()
    far.fill_diagonal_(torch.inf)
    right = _ordered(far, k)
    order = _ordered(distances, n)
    close(
        call(distances, k),
        right,
        what="your table of indices",
        causes={
            "You removed the first of each row. Where a copy of the picture comes first, that is not the picture itself.":
                order[:, 1 : k + 1],
            "Each picture is its own neighbor: leave it out.": order[:, :k],
            "You removed everything at distance 0. A copy is a neighbor, too: only the picture itself must go.":
                lambda: _ordered(torch.where(distances == 0, torch.inf, distances), k),
            "You made the diagonal smaller than everything, so each picture is its own neighbor. Make it larger than everything.":
                lambda: _ordered(distances.clone().fill_diagonal_(-1.0), k),
            "Among equal distances the higher index came first; it should be the lower one.":
                _ordered(far, k, last_first=True),
            "You removed the picture itself after cutting the row to k: then one neighbor is missing or wrong.":
                lambda: torch.stack([torch.cat([row[row != i], row[-1:]])[:k] for i, row in enumerate(order[:, :k])]),
            "You have the farthest pictures: sort from small to large.": lambda: _ordered(-distances, k),
            "You returned the distances. Return the indices.": far.gather(1, right),
        },
    )  # fmt: skip


QUIZ = (
    Question(
        "Two photos show the same cup, once left and once right. Why are their pixels far apart?",
        (
            ("The cup has another size.", "The same photo, moved: the size is the same."),
            ("L2 compares the pixel at a place with the pixel at the same place, and there is now something else.", "Yes. Pixel distance knows no moving."),
            ("Pixels are not in [0, 1].", "They are, in both photos."),
            ("The colors have changed.", "Moving changes no color."),
        ),
        1,
    ),
    Question(
        "|a|^2 - 2 a.b + |b|^2 gave -0.003. What happened?",
        (
            ("The vectors are complex.", "They are ordinary numbers."),
            ("Large numbers were subtracted; the few digits that are left are wrong. The true value is near 0.", "Yes. So set negative values to 0, or take the mean of the data away first."),
            ("a and b are opposite.", "Then the value would be large."),
            ("The formula is only an approximation.", "It is exact; the arithmetic of the computer is not."),
        ),
        1,
    ),
    Question(
        "All features of a photo are multiplied by 3. What happens to its neighbors?",
        (
            ("Nothing, for both measures.", "The L2 distances change."),
            ("L2 may give others; the cosine gives the same ones.", "Yes. The cosine knows directions, not lengths."),
            ("The cosine may give others; L2 gives the same ones.", "It is the other way round."),
            ("Both may give others.", "The cosine does not change."),
        ),
        1,
    ),
    Question(
        "The features of a photo with its tiles shuffled are still near the photo's own features. What follows?",
        (
            ("The network sees objects as people do.", "People see at once that the photo is broken."),
            ("Much of the agreement comes from texture and color of small parts, which shuffling keeps.", "Yes. Near in feature space does not mean understood."),
            ("The recall was computed wrongly.", "The recall is right; its interpretation needs care."),
            ("Shuffling does not change pixels.", "It moves nearly all of them."),
        ),
        1,
    ),
)  # fmt: skip
