"""Wrong answers to the exercises of lesson 02 that have no sentence of their own."""

from course_utils.exercises.lesson_02 import gray, hooked, sheet, sides, won
from tests.mutants import mutant


@mutant("02.1", "With own=False you stretched each map by itself")
def exchanged(maps, own):
    return gray(maps, not own)


@mutant("02.3", "wrote over your record")
def detached_only(net, images, layer):
    return hooked(net, images, layer, keep=lambda inputs, output: output.detach())[0]


@mutant("02.1", "wrong values")
def constant_maps_are_gray(maps, own):
    constant = maps.amax((1, 2), keepdim=True) == maps.amin((1, 2), keepdim=True)
    return gray(maps, own).where(~constant, 0.5) if own else gray(maps, own)


@mutant("02.1", "NaN")
def only_maps_of_zeros_are_constant(maps, own):
    over = (1, 2) if own else (0, 1, 2)
    silent = maps.abs().amax(over, keepdim=True) == 0
    return gray(maps, own, flat=0.0).where(~silent, 0.0)


@mutant("02.2", "unfinished row")
def rows_are_rounded(maps, columns):
    return sheet(maps[: round(len(maps) / columns) * columns], columns)


@mutant("02.3", "a hook")
def the_hook_stays(net, images, layer):
    seen = []
    net.layer(layer).register_forward_hook(lambda module, inputs, output: seen.append(output.clone()))
    net(images)
    return seen[0].detach()


@mutant("02.3", "wrong shape")
def always_the_first_layer(net, images, layer):
    return hooked(net, images, "0")[0]


@mutant("02.4", "wrong values")
def weak_channels_are_silent(responses):
    power = responses.square().mean(0)
    return ((1 - responses.mean(0).square() / power) / (1 - 1 / len(responses))).where(power > 0.01, 0.0)


@mutant("02.5", "wrong values")
def rounded_responses(responses, group):
    return won(*sides(responses.round(), group))
