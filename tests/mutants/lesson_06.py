"""Wrong answers to the exercises of lesson 06 that have no sentence of their own."""

from course_utils.exercises.lesson_06 import reach, total
from tests.mutants import mutant


@mutant("06.1", "return")
def forgot_return(net, image, target, window, stride, gray):
    pass


@mutant("06.2", "wrong shape")
def height_and_width_exchanged(drops, height, width, window, stride):
    return total(drops, width, height, window, stride)


@mutant("06.3", "wrong values")
def no_whole_number(start, stop, *layer):
    first, last = reach(start, stop, *layer)
    return first, last + 0.67


@mutant("06.3", "different shapes")
def ragged(start, stop, *layer):
    return [[1], [2, 3]]
