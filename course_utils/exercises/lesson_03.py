"""Checks of lesson 03: nearest neighbors."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from course_utils.exercises.compare import array, close, require
from course_utils.exercises.machine import Call, Draw, exercise
from course_utils.exercises.quizzes import read_quiz


def differences(a: Tensor, b: Tensor) -> Tensor:
    return a[:, None] - b[None]


def squares(a: Tensor, b: Tensor) -> Tensor:
    return differences(a, b).square().sum(2)


@exercise("03.1", "l2_distances")
def l2_distances(call: Call, draw: Draw) -> None:
    n, m, d = draw.integer(3, 5), draw.integer(6, 8), draw.integer(9, 12)
    a, b = draw.normal(n, d), draw.normal(m, d)
    close(call(a, b), squares(a, b).sqrt(), what="your table of distances")
    # rows that are nearly alike and far from zero: the squares hide the difference, and it comes out below zero
    near = (100 + 1e-4 * draw.normal(8, 64)).float()
    got = array(call(near, near), "your table of distances")
    require(not np.isnan(got).any(), "The distances between nearly equal rows contain NaN (not a number).")
    require(got.shape == (8, 8), "The distances between nearly equal rows have the wrong shape.")
    require(bool((got >= 0).all()), "Some distances between nearly equal rows are below 0.", got=got)
    require(bool((got < 2.0).all()), "Some distances between nearly equal rows are far too large.", got=got)
    lengths, products = near.square().sum(1), near @ near.T
    for errors in (lengths[:, None] - 2 * products + lengths, lengths[:, None] + lengths - 2 * products):
        below = errors < 0
        require(
            not below.any() or not np.allclose(got[below], errors[below].abs().sqrt(), rtol=1e-3),
            "The distances between nearly equal rows are wrong: squares below 0 did not become 0.",
            got=got,
        )
    # more rows in a than in b, and two of them stand in both: integers, so that these distances are exactly 0
    a, b = draw.normal(m, d).mul(3).round(), draw.normal(n, d).mul(3).round()
    b[1], b[2] = a[0], a[3]
    close(call(a, b), squares(a, b).sqrt(), what="your table of distances where some rows are equal", atol=1e-3)


def by_products(a, b, *, product=-2.0, a_squared=1.0, b_squared=1.0) -> Tensor:
    """The squares, from |a|^2 - 2 ab + |b|^2."""
    return a_squared * a.square().sum(1)[:, None] + product * a @ b.T + b_squared * b.square().sum(1)


l2_distances.slips = {
    "The root is missing: these are squared distances.": squares,
    "You took the absolute value of the squares. What comes out below 0 is an error of rounding: set it to 0.": (
        lambda a, b: by_products(a, b).abs().sqrt()
    ),
    "You added up absolute differences (the city-block distance); L2 adds up squares and takes the root.": (
        lambda a, b: differences(a, b).abs().sum(2)
    ),
    "You took the mean of the squares; the distance adds them up.": (
        lambda a, b: differences(a, b).square().mean(2).sqrt()
    ),
    "The products are added once; the formula has -2 times the product.": (
        lambda a, b: by_products(a, b, product=-1.0).clamp(min=0).sqrt()
    ),
    "The sign of the product is wrong: it is minus two times the product.": (
        lambda a, b: by_products(a, b, product=2.0).sqrt()
    ),
    "The squared length of the rows of b is missing.": (
        lambda a, b: by_products(a, b, b_squared=0.0).clamp(min=0).sqrt()
    ),
    "The squared length of the rows of a is missing.": (
        lambda a, b: by_products(a, b, a_squared=0.0).clamp(min=0).sqrt()
    ),
    "Rows and columns are exchanged: row i belongs to a, column j to b.": lambda a, b: squares(b, a).sqrt(),
    "You took the largest difference; the distance adds up all of them.": lambda a, b: differences(a, b).abs().amax(2),
    "A difference of large numbers came out a little below zero, and its root is NaN. "
    "Set negative squares to 0 first, with .clamp(min=0).": lambda a, b: by_products(a, b).sqrt(),
    "You set squares that come out below 0 to infinity: set them to 0.": (
        lambda a, b: (squares := by_products(a, b)).masked_fill(squares < 0, torch.inf).sqrt()
    ),
}


def length(x: Tensor) -> Tensor:
    return x.norm(dim=1, keepdim=True).clamp(min=1e-300)


def cosine(a, b, *, length=length) -> Tensor:
    return (a / length(a)) @ (b / length(b)).T


@exercise("03.2", "cosine_distances")
def cosine_distances(call: Call, draw: Draw) -> None:
    n, m, d = draw.integer(4, 5), draw.integer(6, 8), draw.integer(4, 6)
    a = draw.normal(n, d) * draw.uniform(n, 1, low=0.5, high=4)
    b = draw.normal(m, d) * draw.uniform(m, 1, low=0.5, high=4)
    zero_in_a, short, *_ = draw.rng.permutation(n).tolist()
    zero, same, opposite, *_ = draw.rng.permutation(m).tolist()
    a[short] *= 0.05
    b[same], b[opposite] = 3 * a[short], -2 * a[short]
    b[zero] = 0
    close(call(a, b), 1 - cosine(a, b), what="your table of distances")
    a[zero_in_a] = 0
    close(call(b, a), 1 - cosine(b, a), what="your table of distances where both have a row of zeros")


cosine_distances.slips = {
    "A row of zeros gives 0 / 0. It has no direction: its cosine with everything is 0, its distance 1.": (
        lambda a, b: 1 - cosine(a, b, length=lambda x: x.norm(dim=1, keepdim=True))
    ),
    "You returned the cosine, which is large for what is near. The distance is 1 minus the cosine.": cosine,
    "The rows are not divided by their length: this is the plain product.": lambda a, b: 1 - a @ b.T,
    "Only the rows of a are divided by their length.": lambda a, b: 1 - (a / length(a)) @ b.T,
    "Only the rows of b are divided by their length.": lambda a, b: 1 - a @ (b / length(b)).T,
    "You divided by the sum of the absolute values; the length is the root of the sum of squares.": (
        lambda a, b: 1 - cosine(a, b, length=lambda x: x.abs().sum(1, keepdim=True).clamp(min=1e-300))
    ),
    "You divided by the squared lengths; the root is missing.": (
        lambda a, b: 1 - cosine(a, b, length=lambda x: x.square().sum(1, keepdim=True).clamp(min=1e-300))
    ),
    "You returned the angle. The distance is 1 minus the cosine of it.": (
        lambda a, b: torch.arccos(cosine(a, b).clamp(-1, 1))
    ),
    "You took the absolute value of the cosine: opposite directions are far apart, distance 2.": (
        lambda a, b: 1 - cosine(a, b).abs()
    ),
    "You cut the distances off at 1. Opposite directions are far apart, distance 2.": (
        lambda a, b: (1 - cosine(a, b)).clamp(0, 1)
    ),
    "A row of zeros got distance 0. It has no direction: its cosine with everything is 0, its distance 1.": (
        lambda a, b: (1 - cosine(a, b, length=lambda x: x.norm(dim=1, keepdim=True))).nan_to_num(0.0)
    ),
    "Rows and columns are exchanged: row i belongs to a, column j to b.": lambda a, b: 1 - cosine(b, a),
    "You divided the columns by their length, not the rows.": (
        lambda a, b: 1 - cosine(a, b, length=lambda x: x.norm(dim=0))
    ),
}


def ordered(distances, k) -> Tensor:
    return distances.argsort(dim=1, stable=True)[:, :k]


def last_of_the_ties(distances, k):
    return distances.shape[1] - 1 - ordered(distances.flip(1), k)


@exercise("03.3", "k_nearest")
def k_nearest(call: Call, draw: Draw) -> None:
    n, m = draw.integer(4, 6), draw.integer(18, 24)
    distances = draw.uniform(n, m).mul(5).round() / 4  # few levels: many ties, and some distances of 0
    distances[0] = 2.0
    for rows, k in ((distances, draw.integer(3, 4)), (distances[1:2], 1), (distances, m)):
        close(call(rows, k), ordered(rows, k), what="your table of indices")


k_nearest.slips = {
    "Among equal distances the higher index came first; it should be the lower one.": last_of_the_ties,
    "You have the farthest pictures: sort from small to large.": lambda distances, k: ordered(-distances, k),
    "You returned the distances. Return the indices of the pictures.": lambda distances, k: distances.sort()[0][:, :k],
    "You left out the nearest one. These are queries from outside: the first one counts.": (
        lambda distances, k: ordered(distances, k + 1)[:, 1:]
    ),
    "You sorted the columns: each row belongs to one query.": (
        lambda distances, k: distances.argsort(dim=0, stable=True)[:, :k]
    ),
    "You have one nearest picture more than k.": lambda distances, k: ordered(distances, k + 1),
    "You have the ranks of the first pictures, not the indices of the nearest.": (
        lambda distances, k: ordered(distances, None).argsort(dim=1)[:, :k]
    ),
    "The order is farthest first; the nearest should come first.": lambda distances, k: ordered(distances, k).flip(1),
}


def hits(neighbors: Tensor, objects: list[int]) -> Tensor:
    labels = torch.tensor(objects)
    return (labels[neighbors] == labels[:, None]).sum(1).double()


def others(objects: list[int]) -> Tensor:
    labels = torch.tensor(objects)
    return (labels[:, None] == labels).sum(1) - 1


def found(neighbors, objects) -> Tensor:
    return hits(neighbors, objects) / others(objects)


@exercise("03.5", "recall")
def recall(call: Call, draw: Draw) -> None:
    sizes = [2, 3, 5, draw.integer(3, 4)]
    objects = [i for i, size in enumerate(sizes) for _ in range(size)]
    objects = [objects[i] for i in draw.rng.permutation(len(objects))]
    n, labels = len(objects), torch.tensor(objects)
    for k, names in ((3, [0, 1, 2, 3]), (1, [17, 4, 250, 9]), (n - 1, [0, 1, 2, 3])):
        order = torch.tensor([[j for j in draw.rng.permutation(n).tolist() if j != i] for i in range(n)])
        for i in range(0, n, 2):  # enough hits to tell the answers apart
            mates = labels[order[i]] == labels[i]
            order[i] = torch.cat([order[i][mates], order[i][~mates]])
        inputs = order[:, :k], [names[i] for i in objects]
        close(call(*inputs), found(*inputs), what=f"the recall for k = {k}")


recall.slips = {
    "You divided by k. That is the precision: the share of the neighbors that are right. "
    "Recall divides by what there is to find.": (
        lambda neighbors, objects: hits(neighbors, objects) / neighbors.shape[1]
    ),
    "You counted the picture itself among those to find. Subtract it.": (
        lambda neighbors, objects: hits(neighbors, objects) / (others(objects) + 1)
    ),
    "You returned the number of hits; divide by the number of pictures there are to find.": hits,
    "You asked if there is at least one hit; recall counts all of them.": (
        lambda neighbors, objects: (hits(neighbors, objects) > 0).double()
    ),
    "You asked if all neighbors are right; recall counts them.": (
        lambda neighbors, objects: (hits(neighbors, objects) == neighbors.shape[1]).double()
    ),
    "You looked at the nearest one only.": lambda neighbors, objects: found(neighbors[:, :1], objects),
    "You returned the mean; return one number for each picture.": lambda *inputs: found(*inputs).mean(),
    "You divided by the smaller of k and the number to find; plain recall divides by the number to find.": (
        lambda neighbors, objects: hits(neighbors, objects) / others(objects).clamp(max=neighbors.shape[1])
    ),
    "You divided by the number of all pictures; divide by the number of other pictures of the same object.": (
        lambda neighbors, objects: hits(neighbors, objects) / len(objects)
    ),
}


def with_diagonal(distances: Tensor, value: float = torch.inf) -> Tensor:
    return distances.clone().fill_diagonal_(value)


@exercise("03.4", "without_itself")
def without_itself(call: Call, draw: Draw) -> None:
    n = draw.integer(8, 10)
    x = draw.normal(n, 2).mul(400).round()  # integers: what is equal is so in float32 as well
    copies = draw.rng.permutation(n)[:3].tolist()
    for i in copies[1:]:
        x[i] = x[copies[0]]  # three identical pictures
    distances = squares(x, x).sqrt()
    rounded = with_diagonal(distances, 0.25)  # a picture is not always at distance 0 from itself: see 03.1
    close(call(distances, 3), ordered(with_diagonal(distances), 3), what="your table of indices")
    close(call(distances, n - 1), ordered(with_diagonal(distances), n - 1), what="your table of indices for k = N - 1")
    right = ordered(with_diagonal(rounded), 3)
    close(call(rounded, 3), right, what="your table of indices where the diagonal is not exactly 0")


def removed_after_the_cut(distances, k):
    rows = enumerate(ordered(distances, k))
    return torch.stack([torch.cat([row[row != i], row[-1:]])[:k] for i, row in rows])


without_itself.slips = {
    "You removed the first of each row. Where a copy of the picture comes first, that is not the picture itself.": (
        lambda distances, k: ordered(distances, k + 1)[:, 1:]
    ),
    "Each picture is its own neighbor: leave it out.": ordered,
    "You removed everything at distance 0. A copy is a neighbor, too: only the picture itself must go.": (
        lambda distances, k: ordered(distances.where(distances > 0, torch.inf), k)
    ),
    "You made the diagonal smaller than everything, so each picture is its own neighbor. "
    "Make it larger than everything.": lambda distances, k: ordered(with_diagonal(distances, -1.0), k),
    "Among equal distances the higher index came first; it should be the lower one.": (
        lambda distances, k: last_of_the_ties(with_diagonal(distances), k)
    ),
    "You removed the picture itself after cutting the row to k: then one neighbor is missing or wrong.": (
        removed_after_the_cut
    ),
    "You have the farthest pictures: sort from small to large.": lambda distances, k: ordered(-distances, k),
    "You returned the distances. Return the indices.": lambda distances, k: with_diagonal(distances).sort()[0][:, :k],
}


QUIZ = read_quiz("""
Two photos show the same cup, once left and once right. Why are their pixels far apart?
- The cup has another size, so that its pixels cannot be compared.
  The same photo, moved: the size is the same.
+ L2 compares the same place in both, and there is now something else.
  Yes. Pixel distance knows no moving.
- The pixels of the moved photo are no longer in [0, 1].
  They are, in both photos.
- The colors have changed: whatever is moved gets another light on it.
  Moving changes no color.

|a|^2 - 2 a.b + |b|^2 gave -0.003. What happened?
- The vectors are complex: squares of real numbers are not negative.
  They are ordinary numbers.
+ Large numbers were subtracted; the few digits that are left are wrong.
  Yes: the true value is near 0. Set to 0, it gives no NaN; take the mean of the data away first, and the error is
  smaller.
- The vectors a and b are opposite, so that the product of both is negative.
  Then the value would be large.
- The formula is only an approximation of the distance.
  It is exact; the arithmetic of the computer is not.

All features of a photo are multiplied by 3. What happens to its neighbors?
- Nothing, for both measures.
  The L2 distances change.
+ L2 may give others; the cosine gives the same ones.
  Yes. The cosine knows directions, not lengths.
- The cosine may give others; L2 gives the same ones.
  It is the other way round.
- Both measures may give others.
  The cosine does not change.

The tiles of a photo are shuffled, and gray lines hide the borders. Among 37 photos with the same lines its features
find it for tiles of 56 pixels, mostly for tiles of 28, and for tiles of 14 in one case of five. Cropped photos with
these lines are nearly all found. What follows?
- The order of the pieces never counts: it is enough which of them are there.
  Then tiles of 14 pixels would find it, too: all of them are there.
+ Pieces of 56 pixels are enough without their order; pieces of 14 between these lines seldom are.
  Yes. With their order they are, between the same lines: see the cropped photos.
- The lines hide the photo: small tiles have more of them, so less of the photo is left to find it by.
  The cropped photos have the same lines, and they are found.
- The colors and grays are enough: shuffling keeps every single one of them.
  Tiles of 14 pixels keep them, too, and four of five photos are lost.
""")
