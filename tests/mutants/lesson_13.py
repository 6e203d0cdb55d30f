"""Wrong answers to the exercises of lesson 13 that have no sentence of their own."""

from course_utils.exercises.lesson_13 import chosen, copied
from tests.mutants import mutant


@mutant("13.2", "the color")
def always_the_first_good(distances, patches, tolerance, u):
    return copied(chosen)(distances, patches, tolerance, 0)


@mutant("13.2", "IndexError")
def divides_by_a_smallest_of_0(distances, patches, tolerance, u):
    return copied(lambda *given: chosen(*given, among=lambda d, tolerance: d / d.min() <= 1 + tolerance))(
        distances, patches, tolerance, u
    )
