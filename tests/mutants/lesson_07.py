"""Wrong answers to the exercises of lesson 07 that have no sentence of their own."""

import torch

from course_utils.exercises.lesson_07 import accumulated, gradient, marks
from tests.mutants import mutant


@mutant("07.1", "wrong shape")
def color_map(net, images, target):
    return gradient(net, images, target).abs()


@mutant("07.1", "return")
def forgot_return(net, images, target):
    gradient(net, images, target).abs().amax(1)


@mutant("07.1", "requires_grad_")
def gradient_not_recorded(net, images, target):
    return torch.autograd.grad(net(images).sum(), images)[0]


@mutant("07.3", "wrong values")
def quantiles_exchanged(heat, foreground, background):
    return marks(heat, heat.quantile(1 - background), heat.quantile(1 - foreground))


@mutant("07.4", "never clears it")
def copies_what_accumulated(net, images, target):
    return accumulated(net, images, target).clone()


@mutant("07.4", "Everything is 0")
def clears_after_the_backward_pass(net, images, target):
    return accumulated(net, images, target).zero_()


@mutant("07.4", "sign is wrong")
def descends(net, images, target):
    return -gradient(net, images, target)
