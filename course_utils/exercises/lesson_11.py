"""Checks of lesson 11: feature inversion, and which feature maps matter."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, pad

from course_utils.exercises.compare import close
from course_utils.exercises.machine import Call, Draw, exercise
from course_utils.exercises.quizzes import read_quiz
from course_utils.exercises.steady import steady
from course_utils.hooks import forward_to


def differences(image: Tensor) -> tuple[Tensor, Tensor]:
    """Down and to the right; the last row and the last column have none."""
    return pad(image.diff(dim=1), (0, 0, 0, 1)), pad(image.diff(dim=2), (0, 1))


def squares(image, *, of=differences) -> Tensor:
    down, right = of(image)
    return down**2 + right**2


def variation(image, beta, *, of=differences, power=lambda beta: beta / 2) -> Tensor:
    return (squares(image, of=of) ** power(beta)).sum()


@exercise("11.1", "total_variation")
def total_variation(call: Call, draw: Draw) -> None:
    image = draw.images(1)[0]
    beta = draw.choice([1.2, 1.5, 3.0])
    close(call(image, beta), variation(image, beta), what="the total variation")
    height, width = draw.integer(4, 5), draw.integer(6, 8)
    beside, below = torch.zeros(2, 1, height, width, dtype=torch.float64)
    beside[:, :, width // 2 :], below[:, height // 2 :] = 1, 1
    for flat, border, where in ((beside, height, "beside"), (below, width, "below")):
        what = f"the total variation of a white half {where} a black half"
        close(call(flat, beta), float(border), what=what)


total_variation.slips = {
    "The last row and the last column are left out. They count as well: a difference to what is not there is 0.": (
        partial(variation, of=lambda image: (image.diff(dim=1)[:, :, :-1], image.diff(dim=2)[:, :-1]))
    ),
    "The power is beta. The squares are already there, so the power of their sum is beta / 2.": (
        partial(variation, power=lambda beta: beta)
    ),
    "beta is not used.": partial(variation, power=lambda beta: 1),
    "The power is 2 / beta, upside down: it is beta / 2.": partial(variation, power=lambda beta: 2 / beta),
    "Rows and columns get their powers one by one. The power belongs to the sum of both squares.": (
        lambda image, beta: sum((one.abs() ** beta).sum() for one in differences(image))
    ),
    "The differences to what lies outside are counted, as if the picture were black there. They are 0.": (
        partial(variation, of=lambda image: (pad(image, (0, 0, 0, 1)).diff(dim=1), pad(image, (0, 1)).diff(dim=2)))
    ),
    "The sizes of both differences are added up and then raised to the power beta. Add up their squares, and raise "
    "the sum to beta / 2.": lambda image, beta: (sum(one.abs() for one in differences(image)) ** beta).sum(),
    "The squares of all channels are added up before the power. Each channel has its own power.": (
        lambda image, beta: (squares(image).sum(0) ** (beta / 2)).sum()
    ),
    "You took the mean; add up all pixels and channels.": lambda image, beta: variation(image, beta) / image.numel(),
    "Only differences between columns count in your sum. Add those between rows.": (
        lambda image, beta: (image.diff(dim=2).abs() ** beta).sum()
    ),
    "Only differences between rows count in your sum. Add those between columns.": (
        lambda image, beta: (image.diff(dim=1).abs() ** beta).sum()
    ),
    "The last pixel of a row is compared with the first one (roll goes around). There the difference is 0.": (
        partial(variation, of=lambda image: (image.roll(-1, 1) - image, image.roll(-1, 2) - image))
    ),
    "The differences are added up before the power. Each pixel has its own power.": (
        lambda image, beta: squares(image).sum() ** (beta / 2)
    ),
}


def relative(features: Tensor, wanted: Tensor) -> Tensor:
    return (features - wanted).square().sum() / wanted.square().sum()


def gradient(net, layer, image, wanted, *, error=relative) -> Tensor:
    pixels = image.clone().requires_grad_()
    return torch.autograd.grad(error(forward_to(net, pixels, [layer])[layer], wanted), pixels)[0]


def features(net, layer: str, image: Tensor) -> Tensor:
    with torch.no_grad():
        return forward_to(net, image, [layer])[layer]


@steady(gradient)
def searches(draw: Draw, layer: str) -> tuple:
    net, image = draw.net("conv", inplace=True), draw.images(1)
    return net, layer, image, features(net, layer, draw.uniform(*image.shape))


@exercise("11.2", "error_gradient")
def error_gradient(call: Call, draw: Draw) -> None:
    inputs, right = searches(draw, "4")
    first, second = call.twice(*inputs)
    close(first, right, what="the gradient of the feature error in layer '4'")
    close(second, right, what="the gradient of the second call on the same image")
    inputs, right = searches(draw, "1")
    close(call(*inputs), right, what="the gradient of the feature error in layer '1'")


def accumulated(net, layer, image, wanted):
    relative(forward_to(net, image.requires_grad_(), [layer])[layer], wanted).backward()
    return image.grad


error_gradient.slips = {
    "The error is not divided by |F0|^2, the sum of the squares of the wanted features.": (
        partial(gradient, error=lambda f, wanted: (f - wanted).square().sum())
    ),
    "You took the mean of the squares; the relative error is their sum, divided by |F0|^2.": (
        partial(gradient, error=lambda f, wanted: (f - wanted).square().mean())
    ),
    "You took the length of the difference (a root). The error is the sum of squares without a root.": (
        partial(gradient, error=lambda f, wanted: (f - wanted).norm() / wanted.norm())
    ),
    "You divided by the features of the image. Divide by the wanted features: they stay as they are.": (
        partial(gradient, error=lambda f, wanted: (f - wanted).square().sum() / f.square().sum())
    ),
    "Sizes of differences are added up; the error takes their squares.": (
        partial(gradient, error=lambda f, wanted: (f - wanted).abs().sum() / wanted.abs().sum())
    ),
    "You divided by the length of the wanted features; divide by its square.": (
        partial(gradient, error=lambda f, wanted: (f - wanted).square().sum() / wanted.norm())
    ),
    "You compared with another layer: the one before the ReLU.": (
        lambda net, layer, *rest: gradient(net, {"1": "0", "4": "3"}[layer], *rest)
    ),
    "The gradient points down. Return the gradient itself; the minus belongs to the step.": (
        lambda *inputs: -gradient(*inputs)
    ),
    "The second gradient was added to the first: backward() adds to .grad. Use torch.autograd.grad on a copy.": (
        accumulated
    ),
}


def descended(net, layer, start, wanted, lr, steps, *, anew=True, rule=lambda g: g, cut="end") -> Tensor:
    image = start
    for _ in range(steps):
        image = image - lr * rule(gradient(net, layer, image if anew else start, wanted))
        image = image.clamp(0, 1) if cut == "always" else image
    return image if cut == "never" else image.clamp(0, 1)


def leaves_the_range(right: Tensor, *inputs) -> bool:
    """Whether it makes a difference when the picture is cut off."""
    return bool((descended(*inputs, cut="always") - right).abs().max() > 1e-2)


@steady(descended, fits=leaves_the_range)
def descents(draw: Draw, layer: str) -> tuple:
    net, start = draw.net("conv", inplace=True), draw.images(1)
    wanted = features(net, layer, draw.uniform(*start.shape))
    # steps that are long enough to leave [0, 1] on the way, and short enough to go down
    lr = draw.number(0.15, 0.2) / gradient(net, layer, start, wanted).abs().max().item()
    return net, layer, start, wanted, lr, draw.integer(5, 7)


@exercise("11.3", "invert_features")
def invert_features(call: Call, draw: Draw) -> None:
    inputs, right = descents(draw, "3")
    mine, again = call.twice(*inputs)
    close(mine, right, what="the picture that you found for layer '3'")
    close(again, right, what="the picture of the second call from the same start")
    inputs, right = descents(draw, "1")
    close(call(*inputs), right, what="the picture that you found for layer '1'")


def changes_its_start(net, layer, start, *rest):
    return start.copy_(descended(net, layer, start, *rest))


invert_features.slips = {
    "You walk up the error. Inversion goes down: subtract the step.": partial(descended, rule=lambda g: -g),
    "You cut off after every step. The task cuts off once, at the end.": partial(descended, cut="always"),
    "The picture leaves the range [0, 1]: cut it off at the end.": partial(descended, cut="never"),
    "The gradient is computed once. It belongs to one picture: compute it again after every step.": (
        partial(descended, anew=False)
    ),
    "The step is normalized. Here it is lr times the gradient: it gets shorter as the error gets smaller.": (
        partial(descended, rule=lambda g: g / g.norm())
    ),
    "It takes one step too few.": lambda *inputs: descended(*inputs[:-1], inputs[-1] - 1),
    "It takes one step too many.": lambda *inputs: descended(*inputs[:-1], inputs[-1] + 1),
    "Only one step is taken.": lambda *inputs: descended(*inputs[:-1], 1),
    "The picture is still the start.": lambda net, layer, start, *rest: start,
    "Your function changes the caller's start: work on a copy, and make steps with x = x - step.": changes_its_start,
}


def rates(lr, steps, every, *, fallen=lambda i, every: i // every) -> Tensor:
    return torch.tensor([lr * 0.1 ** fallen(i, every) for i in range(steps)], dtype=torch.float64)


@exercise("11.4", "learning_rates")
def learning_rates(call: Call, draw: Draw) -> None:
    lr, every = draw.number(0.5, 2.0), draw.integer(3, 5)
    inputs = lr, 3 * every + draw.integer(1, every - 1), every
    close(call(*inputs), rates(*inputs), what="the learning rates")
    close(call(lr, every, every), rates(lr, every, every), what="the learning rates of one block of steps")
    close(call(lr, 4, 1), rates(lr, 4, 1), what="the learning rates that fall after every step")


learning_rates.slips = {
    "The rate falls before the first step: 0 is a multiple of every number, so i % every == 0 holds for i = 0.": (
        partial(rates, fallen=lambda i, every: i // every + 1)
    ),
    "The rate falls one step too early: the first every steps all have the full rate.": (
        partial(rates, fallen=lambda i, every: (i + 1) // every)
    ),
    "The rate falls one step too late.": partial(rates, fallen=lambda i, every: max(i - 1, 0) // every),
    "The rate falls at every step.": partial(rates, fallen=lambda i, every: i),
    "The rate falls once only. It falls again after every block of steps.": (
        partial(rates, fallen=lambda i, every: int(i >= every))
    ),
    "The rate never falls.": partial(rates, fallen=lambda i, every: 0),
    "The rate is divided by 10 times the number of the block; it falls by a factor of 10 each time.": (
        lambda lr, steps, every: [lr / max(1, 10 * (i // every)) for i in range(steps)]
    ),
}


def without(net, layer: str, images: Tensor, channels: int | list[int]) -> Tensor:
    def hook(module, inputs, output):
        output = output.clone()
        output[:, channels] = 0
        return output

    handle = net.layer(layer).register_forward_hook(hook)
    try:
        with torch.no_grad():
            return net(images)
    finally:
        handle.remove()


def losses(scores: Tensor, labels: list[int]) -> Tensor:
    return cross_entropy(scores, torch.tensor(labels), reduction="none")


def each_without(net, layer, images, labels, *, measure=losses, leave_out=lambda channel: channel) -> Tensor:
    """`(channels, images)`: the measure without each channel."""
    channels = features(net, layer, images).shape[1]
    return torch.stack([measure(without(net, layer, images, leave_out(c)), labels) for c in range(channels)])


def changes(net, layer, images, labels, *, measure=losses, **options) -> Tensor:
    return each_without(net, layer, images, labels, measure=measure, **options) - measure(net(images), labels)


def importances(*inputs, **options) -> Tensor:
    return changes(*inputs, **options).abs().mean(1)


@exercise("11.5", "importance")
def importance(call: Call, draw: Draw) -> None:
    net, images = draw.net("conv"), draw.images(4)
    labels = [0, draw.integer(1, 2), draw.integer(3, 4), draw.integer(0, 4)]
    for layer in ("4", "1"):
        inputs = net, layer, images, labels
        what = f"the importances of the channels of layer '{layer}'"
        close(call(*inputs), importances(*inputs), what=what, atol=1e-4)  # small differences of large losses


importance.slips = {
    "You averaged the changes with their signs. Ups and downs of different images cancel: average their sizes.": (
        lambda *inputs: changes(*inputs).mean(1)
    ),
    "You took the size after the mean. Take the size of each image's change first, then the mean.": (
        lambda *inputs: changes(*inputs).mean(1).abs()
    ),
    "The sign is turned around as well: loss before minus loss after.": lambda *inputs: -changes(*inputs).mean(1),
    "This is the loss without the channel. Subtract the loss of the whole network.": (
        lambda *inputs: each_without(*inputs).mean(1)
    ),
    "You used the score. Importance here is the change of the loss.": (
        partial(importances, measure=lambda scores, labels: scores[range(len(labels)), labels])
    ),
    "You used the probability. Importance here is the change of the loss.": (
        partial(importances, measure=lambda scores, labels: scores.softmax(1)[range(len(labels)), labels])
    ),
    "You used the predicted classes. labels holds the right ones.": (
        lambda net, layer, images, labels: importances(net, layer, images, net(images).argmax(1).tolist())
    ),
    "You added up the images; take the mean.": lambda *inputs: changes(*inputs).abs().sum(1),
    "You took the largest change over the images; take the mean.": lambda *inputs: changes(*inputs).abs().amax(1),
    "Squares are averaged; take the sizes.": lambda *inputs: changes(*inputs).square().mean(1),
    "You measured the mean activation. Remove each channel and look at the loss.": (
        lambda net, layer, images, labels: features(net, layer, images).abs().mean((0, 2, 3))
    ),
    "The channels stay removed: each one is taken out of the whole network, not of what is left.": (
        partial(importances, leave_out=lambda channel: list(range(channel + 1)))
    ),
}


QUIZ = read_quiz("""
A picture was changed until its features of a deep layer were near to those of the photo. After 40 steps its colors are
wrong. What follows?
- The layer has dropped the colors: it gives the same features for the photo in other colors.
  That is one possibility. In this lesson the fur's color at relu5_1 came back with more steps.
+ Nothing yet: is its feature error small beside that of a picture you can tell from the photo?
  Yes. If it is not, let the search run on. If it is, the layer leaves the colors open.
- The network cannot see colors: all of its layers are blind to them.
  From a shallow layer, the colors come back at once.
- The photo itself had wrong colors, and they are in the features.
  Then the picture would show them as they are in the photo.

For beta = 1 the plain formula of the total variation can give NaN in a flat region. Why?
- There are no pixels in a flat region, and an empty sum is NaN.
  It has pixels; their differences are 0.
+ The derivative of a root at 0 is infinite, and it is multiplied by 0.
  Yes: the value is fine, its gradient is not. Treat zero differences separately.
- The sum is divided by the number of its differences, which is 0 there.
  Nothing is divided by it, and their number is not 0.
- The sum over a flat region becomes too large for a floating point number.
  In a flat region it is 0.

Removing a channel makes the loss of five photos fall. Should it be the first to go?
- Yes: the network is better without it, as the five photos show.
  On these five photos. On others the same change can raise the loss.
+ No: on other photos the change can go the other way.
  Yes. That is why sizes of changes are averaged, and why you measure on photos that were not used for the ranking.
- Yes: its activation is negative, so it works against the others.
  The sign of the loss change is not that of the activation.
- No: a trained network needs all of its channels, so none may go.
  Many can: see the curve.

A network with random weights can be inverted from a shallow layer almost as well as the trained one. So a good
inversion of that layer shows
- that the layer has learned to see what is in the photo.
  The random one has learned nothing.
+ that the information is there, not that it is used.
  Yes. What is kept and what matters are two questions; removing channels asks the second.
- that the photo was one of those used for training.
  Random weights have no training set.
- nothing about the layer: any layer can be inverted.
  It shows what the layer still tells apart, and a layer need not keep everything.
""")
