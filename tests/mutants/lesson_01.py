"""Wrong answers to the exercises of lesson 01 that have no sentence of their own."""

from course_utils.exercises.lesson_01 import pictures, slide
from tests.mutants import mutant


@mutant("01.1", "wrong values")
def a_small_number_is_added_below(weights):
    return 0.5 + 0.5 * weights / (weights.abs().amax((1, 2, 3), keepdim=True) + 1e-3)


@mutant("01.1", "wrong values")
def weak_filters_are_not_stretched(weights):
    return pictures(weights, scale=lambda weights: weights.abs().amax((1, 2, 3), keepdim=True).clamp(min=1))


@mutant("01.2", "wrong shape")
def the_window_is_always_3_wide(image, weights, bias):
    return slide(image, weights[:, :3, :3], bias)


@mutant("01.2", "wrong shape")
def as_many_columns_as_rows(image, weights, bias):
    return slide(image[:, :, : image.shape[1]], weights, bias)
