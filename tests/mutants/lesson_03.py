"""Wrong answers to the exercises of lesson 03 that have no sentence of their own."""

import torch

from course_utils.exercises.lesson_03 import by_products, ordered, with_diagonal
from tests.mutants import mutant


@mutant("03.1", "wrong values")
def squares_below_1_become_1(a, b):
    return by_products(a, b).clamp(min=1).sqrt()


def distances(a, b):
    return by_products(a, b).clamp(min=0).sqrt()


@mutant("03.1", "are far too large")
def adds_3_in_float32(a, b):
    return distances(a, b) + (0 if a.dtype == torch.float64 else 3)


@mutant("03.1", "wrong shape")
def the_upper_triangle_if_both_are_one_table(a, b):
    table = distances(a, b)
    return table if a.shape != b.shape else table[torch.triu(torch.ones(len(a), len(a)), 1) > 0]


@mutant("03.1", "are below 0")
def negative_in_float32(a, b):
    return distances(a, b) * (1 if a.dtype == torch.float64 else -1) - (0 if a.dtype == torch.float64 else 1e-3)


@mutant("03.2", "wrong values")
def short_rows_are_not_divided(a, b):
    a, b = (x / x.norm(dim=1, keepdim=True).clamp(min=1) for x in (a, b))
    return 1 - a @ b.T


@mutant("03.3", "wrong values")
def rounded_distances(distances, k):
    return ordered(distances.round(), k)


@mutant("03.4", "wrong values")
def diagonal_of_100(distances, k):
    return ordered(with_diagonal(distances, 100.0), k)


@mutant("03.4", "wrong values")
def diagonal_of_the_largest_distance(distances, k):
    return ordered(with_diagonal(distances, float(distances.max())), k)


@mutant("03.5", "wrong values")
def compares_indices_with_objects(neighbors, objects):
    labels = torch.tensor(objects)
    return (neighbors == labels[:, None]).sum(1) / ((labels[:, None] == labels).sum(1) - 1)
