"""Wrong answers to the exercises of lesson 04 that have no sentence of their own."""

from course_utils.exercises.lesson_04 import coordinates, searched
from tests.mutants import mutant


@mutant("04.1", "wrong values")
def absolute_coordinates(x, k):
    return coordinates(x, k).abs()


@mutant("04.3", "too imprecise")
def rows_do_not_sum_to_1(squares, perplexity):
    return 1.001 * searched(squares, perplexity)


@mutant("04.3", "for small distances")
def bounds_of_5(squares, perplexity):
    large = squares.amax() > 1000
    return searched(squares, perplexity, bound=30.0 if large else 5.0)
