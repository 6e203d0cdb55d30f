"""Wrong answers to the exercises of lesson 07."""

import torch

from tests.mutants import mutant


def gradient(net, images, target, of=lambda scores: scores):
    pixels = images.clone().requires_grad_()
    chosen = of(net(pixels))[range(len(images)), target]
    return torch.autograd.grad(chosen.sum(), pixels)[0]


@mutant("07.1", "probability")
def probability_instead_of_score(net, images, target):
    return gradient(net, images, target, lambda s: s.softmax(1)).abs().amax(1)


@mutant("07.1", "loss")
def loss_instead_of_score(net, images, target):
    pixels = images.clone().requires_grad_()
    loss = torch.nn.functional.cross_entropy(net(pixels), torch.tensor(target), reduction="sum")
    return torch.autograd.grad(loss, pixels)[0].abs().amax(1)


@mutant("07.1", "mean over the color channels")
def mean_over_channels(net, images, target):
    return gradient(net, images, target).abs().mean(1)


@mutant("07.1", "added up the color channels")
def sum_over_channels(net, images, target):
    return gradient(net, images, target).abs().sum(1)


@mutant("07.1", "absolute value is missing")
def no_absolute_value(net, images, target):
    return gradient(net, images, target).amax(1)


@mutant("07.1", "maximum first")
def maximum_before_absolute_value(net, images, target):
    return gradient(net, images, target).amax(1).abs()


@mutant("07.1", "first image's class")
def first_target_for_all(net, images, target):
    return gradient(net, images, [target[0]] * len(images)).abs().amax(1)


@mutant("07.1", "predicted class")
def predicted_class(net, images, target):
    return gradient(net, images, net(images).argmax(1).tolist()).abs().amax(1)


@mutant("07.1", "sum of all class scores")
def all_scores(net, images, target):
    pixels = images.clone().requires_grad_()
    return torch.autograd.grad(net(pixels).sum(), pixels)[0].abs().amax(1)


@mutant("07.1", "mean over the batch")
def mean_over_batch(net, images, target):
    return gradient(net, images, target).abs().amax(1) / len(images)


@mutant("07.1", "wrong shape")
def color_map(net, images, target):
    return gradient(net, images, target).abs()


@mutant("07.1", "return")
def forgot_return(net, images, target):
    gradient(net, images, target).abs().amax(1)


@mutant("07.1", "requires_grad_")
def gradient_not_recorded(net, images, target):
    return torch.autograd.grad(net(images).sum(), images)[0]


def gradients_of_copies(net, image, target, noise):
    return gradient(net, image + noise, [target] * len(noise))


@mutant("07.2", "before the mean")
def absolute_value_before_mean(net, image, target, noise):
    return gradients_of_copies(net, image, target, noise).abs().mean(0).amax(0)


@mutant("07.2", "finished maps")
def mean_of_maps(net, image, target, noise):
    return gradients_of_copies(net, image, target, noise).abs().amax(1).mean(0)


@mutant("07.2", "averaged the noisy images")
def gradient_of_mean_image(net, image, target, noise):
    return gradient(net, (image + noise).mean(0, keepdim=True), [target]).abs().amax(1)[0]


@mutant("07.2", "noise is not used")
def ignores_noise(net, image, target, noise):
    return gradient(net, image, [target]).abs().amax(1)[0]


@mutant("07.2", "divide by the number")
def sum_instead_of_mean(net, image, target, noise):
    return gradients_of_copies(net, image, target, noise).sum(0).abs().amax(0)


@mutant("07.2", "noise alone")
def only_noise(net, image, target, noise):
    return gradient(net, noise, [target] * len(noise)).mean(0).abs().amax(0)


@mutant("07.2", "cut the noisy images off")
def clamps_noisy_images(net, image, target, noise):
    return gradient(net, (image + noise).clamp(0, 1), [target] * len(noise)).mean(0).abs().amax(0)


@mutant("07.2", "Only one noisy copy")
def returns_inside_the_loop(net, image, target, noise):
    for one in noise:
        return gradient(net, image + one, [target]).abs().amax(1)[0]


def marks(heat, high, low):
    out = torch.full(heat.shape, 2)
    out[heat <= low] = 0
    out[heat > high] = 1
    return out


@mutant("07.3", "share of the largest value")
def share_of_largest(heat, foreground, background):
    return marks(heat, foreground * heat.max(), background * heat.max())


@mutant("07.3", "quantile levels themselves")
def levels_as_values(heat, foreground, background):
    return marks(heat, foreground, background)


@mutant("07.3", "exchanged")
def object_and_background_exchanged(heat, foreground, background):
    right = marks(heat, heat.quantile(foreground), heat.quantile(background))
    return torch.where(right == 2, 2, 1 - right)


@mutant("07.3", "undecided")
def no_undecided(heat, foreground, background):
    return (heat > heat.quantile(foreground)).long()


@mutant("07.3", "every row")
def quantile_per_row(heat, foreground, background):
    return marks(heat, heat.quantile(foreground, dim=1, keepdim=True), heat.quantile(background, dim=1, keepdim=True))


@mutant("07.3", "wrong values")
def quantiles_exchanged(heat, foreground, background):
    return marks(heat, heat.quantile(1 - background), heat.quantile(1 - foreground))


def with_backward(net, images, target):
    images.requires_grad_()
    net(images)[range(len(images)), target].sum().backward()
    return images.grad


@mutant("07.4", "never clears it")
def gradient_accumulates(net, images, target):
    return with_backward(net, images, target)


@mutant("07.4", "never clears it")
def copies_what_accumulated(net, images, target):
    return with_backward(net, images, target).clone()


@mutant("07.4", "the loss or a mean")
def mean_of_scores(net, images, target):
    return gradient(net, images, target) / len(images)


@mutant("07.4", "too early")
def absolute_gradient(net, images, target):
    return gradient(net, images, target).abs()


@mutant("07.4", "Everything is 0")
def clears_after_the_backward_pass(net, images, target):
    grad = with_backward(net, images, target)
    grad.zero_()
    return grad


@mutant("07.4", "sign is wrong")
def descends(net, images, target):
    return -gradient(net, images, target)


@mutant("07.5", "divided means")
def means(maps, top, bottom, left, right):
    return maps[:, top:bottom, left:right].mean((1, 2)) / maps.mean((1, 2))


@mutant("07.5", "not divided")
def not_divided(maps, top, bottom, left, right):
    return maps[:, top:bottom, left:right].sum((1, 2))


@mutant("07.5", "own total")
def total_of_all_maps(maps, top, bottom, left, right):
    return maps[:, top:bottom, left:right].sum((1, 2)) / maps.sum()


@mutant("07.5", "leaves out")
def includes_the_end(maps, top, bottom, left, right):
    return maps[:, top : bottom + 1, left : right + 1].sum((1, 2)) / maps.sum((1, 2))


@mutant("07.5", "Rows and columns")
def rows_and_columns_exchanged(maps, top, bottom, left, right):
    return maps[:, left:right, top:bottom].sum((1, 2)) / maps.sum((1, 2))


@mutant("07.5", "outside of the box")
def divided_by_the_outside(maps, top, bottom, left, right):
    inside = maps[:, top:bottom, left:right].sum((1, 2))
    return inside / (maps.sum((1, 2)) - inside)


@mutant("07.5", "one number for all maps")
def one_number(maps, top, bottom, left, right):
    return maps[:, top:bottom, left:right].sum() / maps.sum()
