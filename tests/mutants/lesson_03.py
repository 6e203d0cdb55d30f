"""Wrong answers to the exercises of lesson 03 that have no sentence of their own."""

import torch

from course_utils.exercises.lesson_03 import by_products, ordered, with_diagonal
from tests.mutants import mutant


@mutant("03.1", "wrong values")
def squares_below_1_become_1(a, b):
    return by_products(a, b).clamp(min=1).sqrt()


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
