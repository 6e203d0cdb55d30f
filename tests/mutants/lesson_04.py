"""Wrong answers to the exercises of lesson 04 that have no sentence of their own."""

from course_utils.exercises.lesson_04 import by_hand, coordinates, searched
from tests.mutants import mutant


@mutant("04.1", "wrong values")
def absolute_coordinates(x, k):
    return coordinates(x, k).abs()


@mutant("04.3", "too imprecise")
def rows_do_not_sum_to_1(squares, wanted):
    return 1.001 * searched(squares, wanted)


@mutant("04.3", "for small distances")
def bounds_of_5(squares, wanted):
    large = squares.amax() > 1000
    return searched(squares, wanted, bound=30.0 if large else 5.0)


@mutant("04.5", "wrong shape")
def columns_of_forces(conditional, y):
    return by_hand(conditional, y).T


@mutant("04.5", "NaN")
def a_direction_of_length_1(conditional, y):
    apart = y[:, None] - y[None]
    return 4 * (apart / apart.norm(dim=2, keepdim=True)).sum(1)
