"""Wrong answers to the exercises of lesson 16 that have no sentence of their own."""

import torch

from course_utils.exercises.lesson_16 import by_heat, explained, painted, probability, score
from tests.mutants import mutant


@mutant("16.1", "Return two things")
def no_bias(maps, weight, bias, one, two):
    return explained(maps, weight, bias, one, two)[0]


@mutant("16.2", "second call")
def spoils_the_cover(net, image, cover, box, target):
    without = score(net, painted(image, cover, box), target)
    cover.copy_(painted(cover, image, box))
    return without, score(net, cover, target)


@mutant("16.3", "second call")
def piles_up(net, image, heat, cover, counts, target):
    values = []
    for count in counts:
        image[0].flatten(1)[:, by_heat(heat)[:count]] = cover[0].flatten(1)[:, by_heat(heat)[:count]]
        with torch.no_grad():
            values.append(probability(net(image))[0, target])
    return torch.stack(values)
