"""Wrong answers to the exercises of lesson 02 that have no sentence of their own."""

from course_utils.exercises.lesson_02 import gray, hooked
from tests.mutants import mutant


@mutant("02.1", "With own=False you stretched each map by itself")
def exchanged(maps, own):
    return gray(maps, not own)


@mutant("02.3", "wrote over your record")
def detached_only(net, images, layer):
    return hooked(net, images, layer, keep=lambda inputs, output: output.detach())[0]
