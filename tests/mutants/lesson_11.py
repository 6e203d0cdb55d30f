"""Wrong answers to the exercises of lesson 11."""

import torch
from torch.nn.functional import cross_entropy, pad

from course_utils import capture
from course_utils.gradients import ablated
from tests.mutants import mutant


def differences(image):
    down = pad(image[:, 1:] - image[:, :-1], (0, 0, 0, 1))
    right = pad(image[:, :, 1:] - image[:, :, :-1], (0, 1))
    return down, right


@mutant("11.1", "last row and the last column")
def cropped(image, beta):
    down = image[:, 1:, :-1] - image[:, :-1, :-1]
    right = image[:, :-1, 1:] - image[:, :-1, :-1]
    return ((down**2 + right**2) ** (beta / 2)).sum()


@mutant("11.1", "The power is beta.")
def power_beta(image, beta):
    down, right = differences(image)
    return ((down**2 + right**2) ** beta).sum()


@mutant("11.1", "beta is not used")
def squares_only(image, beta):
    down, right = differences(image)
    return (down**2 + right**2).sum()


@mutant("11.1", "one by one")
def rows_and_columns_apart(image, beta):
    down, right = differences(image)
    return (down.abs() ** beta).sum() + (right.abs() ** beta).sum()


@mutant("11.1", "took the mean")
def mean_of_pixels(image, beta):
    down, right = differences(image)
    return ((down**2 + right**2) ** (beta / 2)).mean()


@mutant("11.1", "goes around")
def rolled(image, beta):
    squares = (image.roll(-1, 1) - image) ** 2 + (image.roll(-1, 2) - image) ** 2
    return (squares ** (beta / 2)).sum()


@mutant("11.1", "Only differences between columns")
def columns_only(image, beta):
    return (differences(image)[1].abs() ** beta).sum()


def gradient_of(net, layer, image, wanted, error):
    pixels = image.clone().requires_grad_()
    with capture(net, [layer]) as seen:
        net(pixels)
    return torch.autograd.grad(error(seen[layer], wanted), pixels)[0]


def relative(f, w):
    return (f - w).square().sum() / w.square().sum()


@mutant("11.2", "not divided")
def absolute_error(net, layer, image, wanted):
    return gradient_of(net, layer, image, wanted, lambda f, w: (f - w).square().sum())


@mutant("11.2", "mean of the squares")
def mean_square(net, layer, image, wanted):
    return gradient_of(net, layer, image, wanted, torch.nn.functional.mse_loss)


@mutant("11.2", "a root")
def ratio_of_lengths(net, layer, image, wanted):
    return gradient_of(net, layer, image, wanted, lambda f, w: (f - w).norm() / w.norm())


@mutant("11.2", "features of the image")
def divided_by_the_present_features(net, layer, image, wanted):
    return gradient_of(net, layer, image, wanted, lambda f, w: (f - w).square().sum() / f.square().sum())


@mutant("11.2", "Sizes of differences")
def sum_of_sizes(net, layer, image, wanted):
    return gradient_of(net, layer, image, wanted, lambda f, w: (f - w).abs().sum() / w.abs().sum())


@mutant("11.2", "divide by its square")
def divided_by_the_length(net, layer, image, wanted):
    return gradient_of(net, layer, image, wanted, lambda f, w: (f - w).square().sum() / w.norm())


@mutant("11.2", "points down")
def minus_the_gradient(net, layer, image, wanted):
    return -gradient_of(net, layer, image, wanted, relative)


@mutant("11.2", "added to the first")
def gradient_accumulates(net, layer, image, wanted):
    image.requires_grad_()
    with capture(net, [layer]) as seen:
        net(image)
    relative(seen[layer], wanted).backward()
    return image.grad.clone()


def descend(net, layer, start, wanted, lr, steps, *, sign=-1, cut="end", once=False, unit=False):
    x, g = start.clone(), None
    for _ in range(steps):
        if g is None or not once:
            g = gradient_of(net, layer, x, wanted, relative)
            g = g / g.norm() if unit else g
        x = x + sign * lr * g
        if cut == "always":
            x = x.clamp(0, 1)
    return x if cut == "never" else x.clamp(0, 1)


@mutant("11.3", "walk up the error")
def walks_up(net, layer, start, wanted, lr, steps):
    return descend(net, layer, start, wanted, lr, steps, sign=1)


@mutant("11.3", "after every step")
def cuts_off_at_every_step(net, layer, start, wanted, lr, steps):
    return descend(net, layer, start, wanted, lr, steps, cut="always")


@mutant("11.3", "leaves the range")
def never_cuts_off(net, layer, start, wanted, lr, steps):
    return descend(net, layer, start, wanted, lr, steps, cut="never")


@mutant("11.3", "computed once")
def one_gradient(net, layer, start, wanted, lr, steps):
    return descend(net, layer, start, wanted, lr, steps, once=True)


@mutant("11.3", "normalized")
def normalized_step(net, layer, start, wanted, lr, steps):
    return descend(net, layer, start, wanted, lr, steps, unit=True)


@mutant("11.3", "one step too few")
def one_step_too_few(net, layer, start, wanted, lr, steps):
    return descend(net, layer, start, wanted, lr, steps - 1)


@mutant("11.3", "caller's start")
def changes_the_start(net, layer, start, wanted, lr, steps):
    start.copy_(descend(net, layer, start, wanted, lr, steps))
    return start.clone()


@mutant("11.4", "before the first step")
def falls_at_step_zero(lr, steps, every):
    rates = []
    for i in range(steps):
        if i % every == 0:
            lr = lr / 10
        rates.append(lr)
    return rates


@mutant("11.4", "too early")
def falls_too_early(lr, steps, every):
    return [lr * 0.1 ** ((i + 1) // every) for i in range(steps)]


@mutant("11.4", "too late")
def falls_after_the_step(lr, steps, every):
    rates = []
    for i in range(steps):
        rates.append(lr)
        if i > 0 and i % every == 0:
            lr = lr / 10
    return rates


@mutant("11.4", "falls at every step")
def falls_every_step(lr, steps, every):
    return [lr * 0.1**i for i in range(steps)]


@mutant("11.4", "once only")
def falls_once(lr, steps, every):
    return [lr if i < every else lr / 10 for i in range(steps)]


@mutant("11.4", "never falls")
def forgets_to_fall(lr, steps, every):
    return [lr] * steps


def changes(net, layer, images, labels, quantity=None):
    classes = torch.tensor(labels)
    quantity = quantity or (lambda s: cross_entropy(s, classes, reduction="none"))
    with torch.no_grad():
        before, after = quantity(net(images)), []
        with capture(net, [layer]) as seen:
            net(images)
        for channel in range(seen[layer].shape[1]):
            with ablated(net, layer, [channel]) as cut:
                after.append(quantity(cut(images)))
    return torch.stack(after) - before


@mutant("11.5", "with their signs")
def signed_mean(net, layer, images, labels):
    return changes(net, layer, images, labels).mean(1)


@mutant("11.5", "after the mean")
def size_of_the_mean(net, layer, images, labels):
    return changes(net, layer, images, labels).mean(1).abs()


@mutant("11.5", "Subtract the loss")
def loss_without_the_channel(net, layer, images, labels):
    loss = cross_entropy(net(images), torch.tensor(labels), reduction="none")
    return (changes(net, layer, images, labels) + loss).mean(1).detach()


@mutant("11.5", "the score")
def change_of_the_score(net, layer, images, labels):
    return changes(net, layer, images, labels, lambda s: s[range(len(labels)), labels]).abs().mean(1)


@mutant("11.5", "the probability")
def change_of_the_probability(net, layer, images, labels):
    return changes(net, layer, images, labels, lambda s: s.softmax(1)[range(len(labels)), labels]).abs().mean(1)


@mutant("11.5", "predicted classes")
def predicted_classes(net, layer, images, labels):
    return changes(net, layer, images, net(images).argmax(1).tolist()).abs().mean(1)


@mutant("11.5", "take the mean")
def sum_over_images(net, layer, images, labels):
    return changes(net, layer, images, labels).abs().sum(1)


@mutant("11.5", "mean activation")
def mean_activation(net, layer, images, labels):
    with torch.no_grad(), capture(net, [layer]) as seen:
        net(images)
    return seen[layer].abs().mean((0, 2, 3))
