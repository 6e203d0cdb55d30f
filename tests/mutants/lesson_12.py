"""Wrong answers to the exercises of lesson 12 that have no sentence of their own."""

from course_utils.exercises.lesson_12 import dreamed, picked, resized
from tests.mutants import mutant


@mutant("12.1", "wrong shape")
def returns_the_activation(net, images):
    return net(images)


@mutant("12.4", "wrong shape")
def shrinks_the_photo(small, dream, large):
    return resized(large, small) + dream - small


@mutant("12.6", "wrong shape")
def matches_the_wrong_way_round(activation, guide):
    return picked(guide, activation)


@mutant("12.4", "changed its input `large`")
def adds_in_place(small, dream, large):
    large += resized(dream - small, large)
    return large


@mutant("12.1", "left a gradient")
def differentiates_the_given_images(net, images):
    activation = net(images.requires_grad_())
    activation.backward(activation.detach())
    return images.grad


@mutant("12.5", "wrong shape")
def goes_from_large_to_small(net, photo, sizes, *rest):
    return dreamed(net, photo, sizes[::-1], *rest)
