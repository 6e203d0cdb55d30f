"""Answers for `check_answers.py` written by hand: wrong ones, right ones in another style, careless ones."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch.nn import functional as F

from course_utils.hooks import forward_to

# (exercise, kind, function); kind is "right", "wrong" or "left"
BY_HAND: list[tuple[str, str, Callable]] = []


def by_hand(exercise: str, kind: str):
    def register(function: Callable) -> Callable:
        BY_HAND.append((exercise, kind, function))
        return function

    return register


@by_hand("00.2", "right")
def with_numpy(images, mean, std):
    return (images.numpy() - mean.numpy().reshape(3, 1, 1)) / std.numpy().reshape(3, 1, 1)


@by_hand("01.1", "left")
def scales_the_weights_in_place(weights):
    weights /= weights.abs().amax((1, 2, 3), keepdim=True)
    return 0.5 + 0.5 * weights


@by_hand("01.2", "right")
def loops_in_float32(image, weights, bias):
    k = weights.shape[-1]
    out = torch.zeros(image.shape[1] - k + 1, image.shape[2] - k + 1)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = (image[:, i : i + k, j : j + k] * weights).sum() + bias
    return out


@by_hand("02.3", "left")
def leaves_its_hook(net, images, layer):
    seen = []
    net.layer(layer).register_forward_hook(lambda module, inputs, output: seen.append(output.clone()))
    with torch.no_grad():
        net(images)
    return seen[0]


@by_hand("02.3", "wrong")
def forgets_to_normalize(net, images, layer):
    seen = []
    handle = net.layer(layer).register_forward_hook(lambda module, inputs, output: seen.append(output.clone()))
    with torch.no_grad():
        net.model(images)
    handle.remove()
    return seen[0]


@by_hand("03.1", "wrong")
def size_before_the_root(a, b):
    squares = a.square().sum(1)[:, None] - 2 * a @ b.T + b.square().sum(1)[None]
    return squares.abs().sqrt()


@by_hand("03.2", "wrong")
def no_word_on_zeros(a, b):
    return 1 - (a / a.norm(dim=1, keepdim=True)) @ (b / b.norm(dim=1, keepdim=True)).T


@by_hand("05.1", "right")
def numbers_in_a_tensor(layers):
    size, jump, start = 1, 1, 0
    for kernel, stride, padding, dilation in layers:
        size, start, jump = size + (kernel - 1) * dilation * jump, start - padding * jump, jump * stride
    return torch.tensor([size, jump, start])


@by_hand("05.3", "wrong")
def strongest_by_size(maps, k):
    best, where = maps.abs().flatten(2).max(dim=2)
    order = best.argsort(dim=0, descending=True)[:k]
    index = where.gather(0, order)
    return torch.stack([order, index // maps.shape[3], index % maps.shape[3]], dim=-1).transpose(0, 1)


@by_hand("05.4", "wrong")
def merged_by_size(values_a, images_a, values_b, images_b):
    values, images = torch.cat([values_a, values_b], 1), torch.cat([images_a, images_b], 1)
    order = values.abs().argsort(dim=1, descending=True)[:, : values_a.shape[1]]
    return values.gather(1, order), images.gather(1, order)


def backward_on_the_images(net, images, target):
    images.requires_grad_()
    scores = net(images)[torch.arange(len(images)), torch.tensor(target)]
    scores.sum().backward()
    return images.grad.abs().amax(1)


by_hand("07.1", "left")(backward_on_the_images)


@by_hand("07.1", "left")
def leaves_requires_grad(net, images, target):
    images.requires_grad_()
    scores = net(images)[torch.arange(len(images)), torch.tensor(target)]
    return torch.autograd.grad(scores.sum(), images)[0].abs().amax(1)


@by_hand("07.1", "wrong")
def of_the_model(net, images, target):
    pixels = images.clone().requires_grad_()
    scores = net.model(pixels)[torch.arange(len(images)), torch.tensor(target)]
    return torch.autograd.grad(scores.sum(), pixels)[0].abs().amax(1)


@by_hand("07.4", "left")
def clears_the_gradient_but_not_the_flag(net, images, target):
    images.requires_grad_()
    net(images)[torch.arange(len(images)), torch.tensor(target)].sum().backward()
    found, images.grad = images.grad, None
    return found


@by_hand("08.1", "wrong")
def compares_objects(x, R, rule, known=("gradient", "deconvnet", "guided")):
    if rule is known[0]:
        return R * (x > 0)
    if rule is known[1]:
        return R * (R > 0)
    if rule is known[2]:
        return R * (x > 0) * (R > 0)
    return 0 * R


@by_hand("09.1", "right")
def with_a_small_number(net, image, target, steps, lr):
    x = image.detach().clone()
    for _ in range(steps):
        x.requires_grad_()
        (g,) = torch.autograd.grad(net(x)[0, target], x)
        x = (x.detach() + lr * g / (g.abs().mean() + 1e-8)).clamp(0, 1)
    return x


@by_hand("09.4", "right")
def frequencies_in_float32(real, imaginary, decay, height, width):
    f = (torch.fft.fftfreq(height)[:, None] ** 2 + torch.fft.rfftfreq(width)[None] ** 2).sqrt()
    f = f.clamp(min=1 / max(height, width)) ** decay
    return torch.fft.irfft2(torch.complex(real, imaginary) / f, s=(height, width), norm="ortho")


@by_hand("09.4", "right")
def with_numpy_fft(real, imaginary, decay, height, width):
    fy, fx = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]
    f = np.maximum(np.hypot(fy, fx), 1 / max(height, width))
    return np.fft.irfft2((real.numpy() + 1j * imaginary.numpy()) / f**decay, s=(height, width), norm="ortho")


@by_hand("09.6", "left")
def climbs_in_place(image, w, steps, lr):
    for _ in range(steps):
        image += lr * w
        image.clamp_(0, 1)
    return image


@by_hand("10.1", "left")
def moves_the_images(net, images, labels, eps):
    pixels = images.detach().clone().requires_grad_()
    (g,) = torch.autograd.grad(F.cross_entropy(net(pixels), torch.tensor(labels), reduction="sum"), pixels)
    images += eps * g.sign()
    return images.clamp_(0, 1)


@by_hand("10.1", "right")
def zeros_go_down(net, images, labels, eps):
    pixels = images.detach().clone().requires_grad_()
    (g,) = torch.autograd.grad(F.cross_entropy(net(pixels), torch.tensor(labels), reduction="sum"), pixels)
    return (images + torch.where(g > 0, eps, -eps)).clamp(0, 1)


@by_hand("11.1", "right")
def one_number_in_a_tensor(image, beta):
    down, right = F.pad(image.diff(dim=1), (0, 0, 0, 1)), F.pad(image.diff(dim=2), (0, 1))
    return ((down**2 + right**2) ** (beta / 2)).sum().reshape(1)


@by_hand("11.5", "left")
def the_last_hook_stays(net, layer, images, labels):
    channels = forward_to(net, images, [layer])[layer].shape[1]
    handle = None

    def losses():
        with torch.no_grad():
            return F.cross_entropy(net(images), torch.tensor(labels), reduction="none")

    before, values = losses(), []
    for k in range(channels):
        if handle:
            handle.remove()
        handle = net.layer(layer).register_forward_hook(
            lambda module, inputs, output, k=k: output.index_fill(1, torch.tensor(k), 0)
        )
        values.append((losses() - before).abs().mean())
    return torch.stack(values)


@by_hand("12.1", "left")
def gradient_on_the_images(net, images):
    images.requires_grad_()
    activation = net(images)
    activation.backward(activation.detach())
    return images.grad


@by_hand("12.4", "left")
def adds_to_the_large_photo(small, dream, large):
    large += F.interpolate(dream - small, size=large.shape[2:], mode="bilinear", align_corners=False)
    return large


@by_hand("13.1", "wrong")
def known_is_what_is_not_black(window, known, weights, patches):
    counts = (window != 0).any(0) * weights
    return (((patches - window) ** 2) * counts).sum((1, 2, 3)) / counts.sum()


@by_hand("13.2", "wrong")
def rounds_the_place(distances, patches, tolerance, u):
    good = (distances <= (1 + tolerance) * distances.min()).nonzero().flatten()
    return patches[good[min(round(u * len(good)), len(good) - 1)], :, patches.shape[2] // 2, patches.shape[3] // 2]


@by_hand("13.2", "wrong")
def divides_by_the_smallest(distances, patches, tolerance, u):
    good = (distances / distances.min() <= 1 + tolerance).nonzero().flatten()
    return patches[good[int(u * len(good))], :, patches.shape[2] // 2, patches.shape[3] // 2]


def style(features, targets, weights, *, form):
    total = 0
    for layer, target, weight in zip(features, targets, weights, strict=True):
        flat = form(layer).flatten(1)
        total = total + weight * ((flat @ flat.T / flat.shape[1] - target) ** 2).mean()
    return total


@by_hand("14.1", "wrong")
def the_loss_as_a_number(features, targets, weights):
    return style(features, targets, weights, form=lambda x: x).item()


@by_hand("14.1", "wrong")
def detached_features(features, targets, weights):
    return style(features, targets, weights, form=lambda x: x.detach())


@by_hand("14.1", "wrong")
@torch.no_grad()
def without_gradients(features, targets, weights):
    return style(features, targets, weights, form=lambda x: x)


@by_hand("14.2", "right")
def one_number_in_a_list(image):
    return [float(image.diff(dim=2).square().sum() + image.diff(dim=3).square().sum())]


@by_hand("14.5", "left")
def paints_on_the_photo(painted, photo):
    weights = torch.tensor([0.299, 0.587, 0.114], dtype=photo.dtype).view(1, 3, 1, 1)
    photo += ((painted - photo) * weights).sum(1, keepdim=True)
    return photo.clamp_(0, 1)
