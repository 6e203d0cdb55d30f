"""Wrong answers to the exercises of lesson 04."""

import math

import torch
from scipy.optimize import linear_sum_assignment

from tests.mutants import mutant


def svd(x):
    return torch.linalg.svd(x, full_matrices=False)


@mutant("04.1", "mean of the data is not taken away")
def not_centered(x, k):
    return x @ svd(x).Vh[:k].T


@mutant("04.1", "mean of each row")
def rows_centered(x, k):
    x = x - x.mean(1, keepdim=True)
    return x @ svd(x).Vh[:k].T


@mutant("04.1", "U without S")
def left_vectors(x, k):
    return -svd(x - x.mean(0)).U[:, :k]


@mutant("04.1", "smallest variance")
def last_directions(x, k):
    x = x - x.mean(0)
    return x @ svd(x).Vh[-k:].T


@mutant("04.1", "they are its rows")
def columns_for_rows(x, k):
    x = x - x.mean(0)
    return x @ svd(x).Vh[:, :k]


@mutant("04.1", "unit variance first")
def standardized(x, k):
    x = (x - x.mean(0)) / x.std(0)
    return x @ svd(x).Vh[:k].T


@mutant("04.1", "projected the data without")
def projected_without_centering(x, k):
    return x @ svd(x - x.mean(0)).Vh[:k].T


@mutant("04.2", "0 times log 0")
def not_a_number(p):
    return 2 ** -(p * p.log2()).sum(1)


@mutant("04.2", "2 to the power of an entropy in natural")
def mixed_bases(p):
    return 2 ** torch.special.entr(p).sum(1)


@mutant("04.2", "You returned the entropy")
def entropy(p):
    return torch.special.entr(p).sum(1) / math.log(2)


@mutant("04.2", "minus sign")
def no_minus(p):
    return (-torch.special.entr(p).sum(1)).exp()


@mutant("04.2", "counted the neighbors")
def count(p):
    return (p > 0).sum(1)


@mutant("04.2", "over the columns")
def wrong_dimension(p):
    return torch.special.entr(p).sum(0).exp()


@mutant("04.2", "mean of p log p")
def mean_for_sum(p):
    return torch.special.entr(p).mean(1).exp()


def search(squares, wanted, *, own=False, of=torch.exp):
    low, high = torch.full((len(squares), 1), -30.0).double(), torch.full((len(squares), 1), 30.0).double()
    for _ in range(80):
        middle = (low + high) / 2
        weights = torch.exp(-middle.exp() * squares)
        if not own:
            weights = weights * (1 - torch.eye(len(squares)))
        p = weights / weights.sum(1, keepdim=True).clamp(min=1e-300)
        much = of(torch.special.entr(p).sum(1, keepdim=True)) > wanted
        low, high = torch.where(much, middle, low), torch.where(much, high, middle)
    return p


@mutant("04.3", "its own neighbor")
def own_neighbor(squares, perplexity):
    return search(squares, perplexity, own=True)


@mutant("04.3", "no search")
def fixed_width(squares, perplexity):
    weights = torch.exp(-squares).fill_diagonal_(0)
    return weights / weights.sum(1, keepdim=True)


@mutant("04.3", "bases are mixed")
def bits_and_nats(squares, perplexity):
    return search(squares, perplexity, of=lambda h: 2**h)


@mutant("04.3", "squared the distances again")
def squared_again(squares, perplexity):
    return search(squares**2, perplexity)


@mutant("04.3", "took the root")
def root_in_the_exponent(squares, perplexity):
    return search(squares.sqrt(), perplexity)


@mutant("04.3", "made the table symmetric")
def symmetric(squares, perplexity):
    p = search(squares, perplexity)
    return (p + p.T) / 2


@mutant("04.3", "sum of the whole table")
def whole_table(squares, perplexity):
    p = search(squares, perplexity)
    return p / p.sum()


def weights(y):
    return (1 / (1 + (y[:, None] - y[None]).square().sum(2))).fill_diagonal_(0)


@mutant("04.4", "before you divide")
def diagonal_kept(y):
    w = 1 / (1 + (y[:, None] - y[None]).square().sum(2))
    return w / w.sum()


@mutant("04.4", "after the division")
def diagonal_removed_late(y):
    return diagonal_kept(y).fill_diagonal_(0)


@mutant("04.4", "Gaussian")
def gaussian(y):
    w = torch.exp(-(y[:, None] - y[None]).square().sum(2)).fill_diagonal_(0)
    return w / w.sum()


@mutant("04.4", "*whole table* sums to 1")
def row_by_row(y):
    return weights(y) / weights(y).sum(1, keepdim=True)


@mutant("04.4", "not divided by its sum")
def not_normalized(y):
    return weights(y)


@mutant("04.4", "squared distance")
def distance_not_squared(y):
    w = (1 / (1 + torch.cdist(y, y))).fill_diagonal_(0)
    return w / w.sum()


@mutant("04.5", "share a cell")
def nearest_cell(cost):
    return cost.argmin(1)


@mutant("04.5", "in turn")
def nearest_free_cell(cost):
    free, chosen = cost.clone(), []
    for row in range(len(cost)):
        chosen.append(int(free[row].argmin()))
        free[:, chosen[-1]] = torch.inf
    return torch.tensor(chosen)


@mutant("04.5", "largest")
def largest_sum(cost):
    return torch.from_numpy(linear_sum_assignment(cost.numpy(), maximize=True)[1])


@mutant("04.5", "numbers of the points")
def the_points(cost):
    return torch.from_numpy(linear_sum_assignment(cost.numpy())[0])


@mutant("04.5", "best point for each cell")
def best_point_for_each_cell(cost):
    return cost.argmin(0)
