"""Wrong answers to the exercises of lesson 09 that have no sentence of their own."""

from course_utils.exercises.lesson_09 import ascended, picture, radial
from tests.mutants import mutant


@mutant("09.1", "minus its logarithm")
def cross_entropy(net, image, target, steps, lr):
    return ascended(net, image, target, steps, lr, of=lambda scores: scores.log_softmax(1))


@mutant("09.4", "division by 0")
def division_by_zero(real, imaginary, decay, height, width):
    return picture(real, imaginary, decay, height, width, weights=lambda decay, *sides: radial(*sides) ** -decay)
