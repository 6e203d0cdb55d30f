"""Wrong answers to the exercises of lesson 10 that have no sentence of their own."""

import torch

from tests.mutants import mutant


def gradient(net, images, classes, of="loss"):
    pixels = images.clone().requires_grad_()
    scores = net(pixels)
    values = scores if of == "score" else -scores.log_softmax(1)
    return torch.autograd.grad(values[range(len(images)), classes].sum(), pixels)[0]


@mutant("10.3", "not brought back")
def ball_around_the_present_images(images, clean, gradient, alpha, eps):
    return (images + (alpha * gradient.sign()).clamp(-eps, eps)).clamp(0, 1)
