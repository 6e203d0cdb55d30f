"""Wrong answers to the exercises of lesson 14 that have no sentence of their own."""

import torch

from course_utils.exercises.lesson_14 import brightness, loss
from tests.mutants import mutant


@mutant("14.1", "graph is cut")
def a_plain_number(features, targets, weights):
    return loss(features, targets, weights).item()


@mutant("14.1", "graph is cut")
def nothing_is_recorded(features, targets, weights):
    with torch.no_grad():
        return loss(features, targets, weights)


@mutant("14.1", "gradient that your loss has")
def the_last_layer_is_detached(features, targets, weights):
    *others, last = features
    return loss([*others, last.detach()], targets, weights)


@mutant("14.5", "changed its input `photo`")
def adds_in_place(painted, photo):
    photo += brightness(painted) - brightness(photo)
    return photo.clamp_(0, 1)
