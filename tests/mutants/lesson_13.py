"""Wrong answers to the exercises of lesson 13 that have no sentence of their own."""

from course_utils.exercises.lesson_13 import chosen
from tests.mutants import mutant


@mutant("13.2", "never chosen")
def always_the_first_good(distances, tolerance, u):
    return chosen(distances, tolerance, 0)


@mutant("13.2", "IndexError")
def divides_by_a_smallest_of_0(distances, tolerance, u):
    return chosen(distances, tolerance, u, among=lambda d, tolerance: d / d.min() <= 1 + tolerance)
