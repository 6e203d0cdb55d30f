"""Wrong answers to the exercises of lesson 03."""

import torch

from tests.mutants import mutant


def squares(a, b):
    return (a.square().sum(1)[:, None] - 2 * a @ b.T + b.square().sum(1)).clamp(min=0)


@mutant("03.1", "root is missing")
def no_root(a, b):
    return squares(a, b)


@mutant("03.1", "nearly equal rows contain NaN")
def not_clamped(a, b):
    return (a.square().sum(1)[:, None] - 2 * a @ b.T + b.square().sum(1)).sqrt()


@mutant("03.1", "absolute differences")
def city_block(a, b):
    return (a[:, None] - b[None]).abs().sum(2)


@mutant("03.1", "mean of the squares")
def mean_of_squares(a, b):
    return (a[:, None] - b[None]).square().mean(2).sqrt()


@mutant("03.1", "-2 times")
def product_once(a, b):
    return (a.square().sum(1)[:, None] - a @ b.T + b.square().sum(1)).clamp(min=0).sqrt()


@mutant("03.1", "sign of the product")
def plus_product(a, b):
    return (a.square().sum(1)[:, None] + 2 * a @ b.T + b.square().sum(1)).sqrt()


@mutant("03.1", "exchanged")
def transposed(a, b):
    return squares(b, a).sqrt()


@mutant("03.1", "length of the rows of b is missing")
def no_length_of_b(a, b):
    return (a.square().sum(1)[:, None] - 2 * a @ b.T).clamp(min=0).sqrt()


def cosine(a, b):
    return (a / a.norm(dim=1, keepdim=True)) @ (b / b.norm(dim=1, keepdim=True).clamp(min=1e-12)).T


@mutant("03.2", "returned the cosine")
def similarity(a, b):
    return cosine(a, b)


@mutant("03.2", "0 / 0")
def zero_row_not_a_number(a, b):
    return 1 - (a / a.norm(dim=1, keepdim=True)) @ (b / b.norm(dim=1, keepdim=True)).T


@mutant("03.2", "not divided by their length")
def plain_product(a, b):
    return 1 - a @ b.T


@mutant("03.2", "Only the rows of a")
def one_side_only(a, b):
    return 1 - (a / a.norm(dim=1, keepdim=True)) @ b.T


@mutant("03.2", "sum of the absolute values")
def l1_length(a, b):
    return 1 - a @ b.T / (a.abs().sum(1)[:, None] * b.abs().sum(1)).clamp(min=1e-12)


@mutant("03.2", "squared lengths")
def squared_lengths(a, b):
    return 1 - a @ b.T / (a.square().sum(1)[:, None] * b.square().sum(1)).clamp(min=1e-12)


@mutant("03.2", "angle")
def angle(a, b):
    return torch.arccos(cosine(a, b).clamp(-1, 1))


@mutant("03.2", "absolute value of the cosine")
def absolute_cosine(a, b):
    return 1 - cosine(a, b).abs()


def ordered(distances, k):
    return distances.argsort(dim=1, stable=True)[:, :k]


@mutant("03.3", "higher index came first")
def last_of_the_ties(distances, k):
    return distances.shape[1] - 1 - ordered(distances.flip(1), k)


@mutant("03.3", "farthest")
def farthest(distances, k):
    return distances.argsort(dim=1, descending=True, stable=True)[:, :k]


@mutant("03.3", "returned the distances")
def the_distances(distances, k):
    return distances.sort(dim=1).values[:, :k]


@mutant("03.3", "left out the nearest one")
def skips_the_first(distances, k):
    return ordered(distances, k + 1)[:, 1:]


@mutant("03.3", "one nearest picture more")
def one_too_many(distances, k):
    return ordered(distances, k + 1)


@mutant("03.3", "ranks of the first")
def ranks(distances, k):
    return distances.argsort(dim=1, stable=True).argsort(dim=1)[:, :k]


@mutant("03.3", "nearest should come first")
def reversed_order(distances, k):
    return ordered(distances, k).flip(1)


def hits_and_others(neighbors, objects):
    labels = torch.tensor(objects)
    hits = (labels[neighbors] == labels[:, None]).sum(1)
    return hits, (labels[:, None] == labels[None]).sum(1) - 1


@mutant("03.5", "precision")
def precision(neighbors, objects):
    return hits_and_others(neighbors, objects)[0] / neighbors.shape[1]


@mutant("03.5", "counted the picture itself")
def itself_counted(neighbors, objects):
    hits, others = hits_and_others(neighbors, objects)
    return hits / (others + 1)


@mutant("03.5", "number of hits")
def hits_only(neighbors, objects):
    return hits_and_others(neighbors, objects)[0]


@mutant("03.5", "at least one hit")
def any_hit(neighbors, objects):
    return (hits_and_others(neighbors, objects)[0] > 0).double()


@mutant("03.5", "one number for each picture")
def averaged(neighbors, objects):
    hits, others = hits_and_others(neighbors, objects)
    return (hits / others).double().mean()


@mutant("03.5", "smaller of k")
def capped(neighbors, objects):
    hits, others = hits_and_others(neighbors, objects)
    return hits / others.clamp(max=neighbors.shape[1])


@mutant("03.5", "nearest one only")
def first_only(neighbors, objects):
    labels = torch.tensor(objects)
    return (labels[neighbors[:, 0]] == labels).double() / hits_and_others(neighbors, objects)[1]


@mutant("03.4", "removed the first of each row")
def first_removed(distances, k):
    return ordered(distances, k + 1)[:, 1:]


@mutant("03.4", "its own neighbor")
def itself_kept(distances, k):
    return ordered(distances, k)


@mutant("03.4", "everything at distance 0")
def copies_removed(distances, k):
    return ordered(torch.where(distances == 0, torch.inf, distances), k)


@mutant("03.4", "higher index came first")
def last_of_the_copies(distances, k):
    far = distances.clone().fill_diagonal_(torch.inf)
    return len(far) - 1 - ordered(far.flip(1), k)


@mutant("03.4", "returned the distances")
def distances_back(distances, k):
    return distances.clone().fill_diagonal_(torch.inf).sort(dim=1).values[:, :k]


@mutant("03.4", "its own neighbor")
def diagonal_zero(distances, k):
    return ordered(distances.clone().fill_diagonal_(0).fill_diagonal_(-1), k)
