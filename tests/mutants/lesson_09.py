"""Wrong answers to the exercises of lesson 09 that have no sentence of their own."""

import torch

from tests.mutants import mutant


def gradient(net, image, target, of=lambda scores: scores):
    pixels = image.detach().clone().requires_grad_()
    return torch.autograd.grad(of(net(pixels))[:, target].sum(), pixels)[0]


@mutant("09.1", "minus its logarithm")
def cross_entropy(net, image, target, steps, lr):
    x = image.clone()
    for _ in range(steps):
        g = gradient(net, x, target, lambda s: s.log_softmax(1))
        x = (x + lr * g / g.abs().mean()).clamp(0, 1)
    return x


def lengths(height, width):
    rows = torch.fft.fftfreq(height, dtype=torch.float64)[:, None]
    return (rows**2 + torch.fft.rfftfreq(width, dtype=torch.float64)[None] ** 2).sqrt()


def back(z, height, width, **options):
    return torch.fft.irfft2(z, **{"s": (height, width), "norm": "ortho", **options})


@mutant("09.4", "division by 0")
def division_by_zero(real, imaginary, decay, height, width):
    return back(torch.complex(real, imaginary) / lengths(height, width) ** decay, height, width)
