"""Checks of lesson 07: saliency maps."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from course_utils.exercises.compare import close, require
from course_utils.exercises.machine import Call, Draw, exercise
from course_utils.exercises.quizzes import read_quiz


def gradient(net, images: Tensor, target: list[int], *, of=lambda scores: scores) -> Tensor:
    pixels = images.clone().requires_grad_()
    chosen = of(net(pixels))[range(len(images)), target]
    return torch.autograd.grad(chosen.sum(), pixels)[0]


def strongest(signed: Tensor) -> Tensor:
    return signed.abs().amax(1)


def saliency(net, images, target, *, of=lambda scores: scores, over_channels=strongest) -> Tensor:
    return over_channels(gradient(net, images, target, of=of))


@exercise("07.1", "saliency_map")
def saliency_map(call: Call, draw: Draw) -> None:
    inputs = draw.net("conv"), draw.images(3), [draw.integer(0, 1), draw.integer(2, 3), 4]
    close(call(*inputs), saliency(*inputs), what="the saliency map")


def all_scores(net, images, target):
    pixels = images.clone().requires_grad_()
    return strongest(torch.autograd.grad(net(pixels).sum(), pixels)[0])


saliency_map.slips = {
    "You differentiated the probability after the softmax. The map is made of the score before the softmax.": (
        partial(saliency, of=lambda scores: scores.softmax(1))
    ),
    "You differentiated the loss (cross-entropy). The map is made of the score of the class itself.": (
        partial(saliency, of=lambda scores: -scores.log_softmax(1))
    ),
    "You took the mean over the color channels; the map takes the largest.": (
        partial(saliency, over_channels=lambda signed: signed.abs().mean(1))
    ),
    "You added up the color channels; the map takes the largest.": (
        partial(saliency, over_channels=lambda signed: signed.abs().sum(1))
    ),
    "You took the length of the gradient over the channels (a square root of squares); the map takes the largest.": (
        partial(saliency, over_channels=lambda signed: signed.norm(dim=1))
    ),
    "The absolute value is missing: a strongly negative gradient matters as much as a positive one.": (
        partial(saliency, over_channels=lambda signed: signed.amax(1))
    ),
    "You took the maximum first and the absolute value after it. A channel with gradient -5 then loses against 1.": (
        partial(saliency, over_channels=lambda signed: signed.amax(1).abs())
    ),
    "You used the first image's class for every image.": (
        lambda net, images, target: saliency(net, images, target[:1] * len(images))
    ),
    "You used the predicted class. `target` says which class to explain.": (
        lambda net, images, target: saliency(net, images, net(images).argmax(1).tolist())
    ),
    "You differentiated the sum of all class scores, not the score of the target class.": all_scores,
    "You took the mean over the batch, so every gradient is divided by the number of images.": (
        lambda net, images, target: saliency(net, images, target) / len(images)
    ),
}


def noisy_gradients(net, image, target: int, noise: Tensor) -> Tensor:
    return gradient(net, image + noise, [target] * len(noise))


def smooth(net, image, target, noise) -> Tensor:
    return noisy_gradients(net, image, target, noise).mean(0).abs().amax(0)


@exercise("07.2", "smooth_saliency")
def smooth_saliency(call: Call, draw: Draw) -> None:
    net, image = draw.net("conv"), draw.images(1)
    noise = 0.3 * draw.normal(6, *image.shape[1:])
    inputs = net, image, draw.integer(0, 4), noise
    close(call(*inputs), smooth(*inputs), what="the smooth map")


smooth_saliency.slips = {
    "You took the absolute value of every gradient before the mean. "
    "Then nothing cancels: average the signed gradients.": (
        lambda *inputs: noisy_gradients(*inputs).abs().mean(0).amax(0)
    ),
    "You averaged finished maps. Average the signed gradients, then make one map.": (
        lambda *inputs: strongest(noisy_gradients(*inputs)).mean(0)
    ),
    "You averaged the noisy images and took one gradient. The mean comes after the gradient.": (
        lambda net, image, target, noise: smooth(net, image, target, noise.mean(0, keepdim=True))
    ),
    "The noise is not used: this is the plain saliency map.": (
        lambda net, image, target, noise: saliency(net, image, [target])[0]
    ),
    "You added up the gradients; divide by the number of noisy copies.": (
        lambda *inputs: noisy_gradients(*inputs).sum(0).abs().amax(0)
    ),
    "The network saw the noise alone: add it to the image.": (
        lambda net, image, target, noise: smooth(net, 0 * image, target, noise)
    ),
    "Only one noisy copy is used.": lambda net, image, target, noise: smooth(net, image, target, noise[:1]),
    "Only one noisy copy is used (the last).": lambda net, image, target, noise: smooth(net, image, target, noise[-1:]),
    "You cut the noisy images off at 0 and 1. SmoothGrad leaves them as they are.": (
        lambda net, image, target, noise: smooth(net, 0 * image, target, (image + noise).clamp(0, 1))
    ),
}


def marks(heat: Tensor, high, low) -> Tensor:
    """1 above `high`, 0 up to `low`, 2 between them."""
    out = torch.full(heat.shape, 2.0, dtype=torch.float64)
    out[heat <= low] = 0
    out[heat > high] = 1
    return out


def at_quantiles(heat, high, low, *, names=(0, 1, 2), **which) -> Tensor:
    right = marks(heat, heat.quantile(high, **which), heat.quantile(low, **which))
    return torch.tensor(names, dtype=torch.float64)[right.long()]


@exercise("07.3", "seeds")
def seeds(call: Call, draw: Draw) -> None:
    heat = (
        0.1 + draw.uniform(draw.integer(9, 12), draw.integer(13, 16)) ** 3
    )  # not from 0: a range is no share of the top
    inputs = heat, draw.number(0.85, 0.95), draw.number(0.2, 0.4)
    close(call(*inputs), at_quantiles(*inputs), what="the seeds")


def shares_of_the_range(heat, high, low):
    span = heat.max() - heat.min()
    return marks(heat, heat.min() + high * span, heat.min() + low * span)


seeds.slips = {
    "You compared with a share of the largest value. A quantile counts pixels: use torch.quantile.": (
        lambda heat, high, low: marks(heat, high * heat.max(), low * heat.max())
    ),
    "You compared with a share of the range from smallest to largest. A quantile counts pixels.": shares_of_the_range,
    "You compared the map with the two quantile levels themselves, not with the values at these quantiles.": marks,
    "Object and background are exchanged: 1 is for the object (large values), 0 for the background.": (
        partial(at_quantiles, names=(1, 0, 2))
    ),
    "All pixels that are not surely object are marked as background. Those in between are undecided: 2.": (
        partial(at_quantiles, names=(0, 1, 0))
    ),
    "The undecided pixels should be 2.": partial(at_quantiles, names=(2, 1, 0)),
    "You took the quantile of every row by itself. The quantile is that of the whole map.": (
        partial(at_quantiles, dim=1, keepdim=True)
    ),
    "You took the quantile of every column by itself. The quantile is that of the whole map.": (
        partial(at_quantiles, dim=0, keepdim=True)
    ),
}


@exercise("07.4", "clean_gradient")
def clean_gradient(call: Call, draw: Draw) -> None:
    inputs = draw.net("conv"), draw.images(2), draw.integers(2, 0, 4)
    right = gradient(*inputs)
    require(bool(right.any()), "internal: the drawn network gives no gradient.")
    first, second = call.twice(*inputs)
    close(first, right, what="the gradient")
    close(second, right, what="the gradient of the second call on the same images")


def accumulated(net, images, target):
    images.requires_grad_()
    net(images)[range(len(images)), target].sum().backward()
    return images.grad


clean_gradient.slips = {
    "You differentiated the loss or a mean; differentiate the sum of the chosen scores.": (
        lambda net, images, target: gradient(net, images, target) / len(images)
    ),
    "The absolute value is taken too early: return the signed gradient.": lambda *inputs: gradient(*inputs).abs(),
    "The second gradient was added to the first: `backward()` adds to `.grad` and never clears it.": accumulated,
}


def share(maps, top, bottom, left, right) -> Tensor:
    return maps[:, top:bottom, left:right].sum((1, 2)) / maps.sum((1, 2))


@exercise("07.5", "share_in_box")
def share_in_box(call: Call, draw: Draw) -> None:
    maps = draw.uniform(3, 10, 12) ** 2
    top, left = draw.integer(0, 3), draw.integer(0, 3)
    inputs = maps, top, top + draw.integer(2, 5), left, left + draw.integer(3, 6)
    close(call(*inputs), share(*inputs), what="the shares")


share_in_box.slips = {
    "You divided means. A share is the sum inside the box divided by the sum of the whole map.": (
        lambda maps, top, bottom, left, right: maps[:, top:bottom, left:right].mean((1, 2)) / maps.mean((1, 2))
    ),
    "The sum inside the box is not divided by the sum of the map.": (
        lambda maps, top, bottom, left, right: maps[:, top:bottom, left:right].sum((1, 2))
    ),
    "You divided by the sum over all maps. Each map has its own total.": (
        lambda maps, top, bottom, left, right: maps[:, top:bottom, left:right].sum((1, 2)) / maps.sum()
    ),
    "You counted pixels. Add up the values of the map.": lambda maps, *box: share(torch.ones_like(maps), *box),
    "The last row and column belong to the box as in a slice: `top:bottom` leaves out `bottom`.": (
        lambda maps, top, bottom, left, right: share(maps, top, bottom + 1, left, right + 1)
    ),
    "Rows and columns are exchanged: the first index after the map's is the row.": (
        lambda maps, top, bottom, left, right: share(maps, left, right, top, bottom)
    ),
    "You divided by what lies outside of the box.": lambda *inputs: share(*inputs) / (1 - share(*inputs)),
    "You returned one number for all maps; each map has its own share.": (
        lambda maps, top, bottom, left, right: maps[:, top:bottom, left:right].sum() / maps.sum()
    ),
}


def added_up(maps: Tensor, gradients: Tensor) -> Tensor:
    return (gradients.mean((1, 2))[:, None, None] * maps).sum(0)


def class_activation(maps: Tensor, gradients: Tensor) -> Tensor:
    return added_up(maps, gradients).clamp(min=0)


def weighted_in_place(maps: Tensor, gradients: Tensor) -> Tensor:
    return maps.mul_(gradients.mean((1, 2))[:, None, None]).sum(0).clamp(min=0)


@exercise("07.6", "class_map")
def class_map(call: Call, draw: Draw) -> None:
    count, height, width = draw.choice([4, 6]), draw.integer(3, 5), draw.integer(6, 8)
    maps = draw.uniform(count, height, width) ** 3 - 0.1  # negative too, as behind a layer without a ReLU
    # half of the maps speak for the class and half against it, so the sums have both signs
    signs = torch.tensor([1.0, -1.0], dtype=torch.float64).repeat(count // 2)[:, None, None]
    gradients = signs * draw.uniform(count, 1, 1, low=0.5) + 0.3 * draw.normal(count, height, width)
    got, again = call.twice(maps, gradients)
    right = class_activation(maps, gradients)
    close(got, right, what="the map")
    close(again, right, what="the map of a second call on the same arrays")


class_map.slips = {
    "The negative sums are still there: they speak against the class and become 0.": added_up,
    "You took the absolute value. What is negative speaks against the class and becomes 0.": (
        lambda maps, gradients: added_up(maps, gradients).abs()
    ),
    "You multiplied each place by its own gradient. A map has one weight: the mean of its gradient over all places.": (
        lambda maps, gradients: (gradients * maps).sum(0).clamp(min=0)
    ),
    "You added up the gradients of a map; its weight is their mean.": (
        lambda maps, gradients: class_activation(maps, gradients) * maps[0].numel()
    ),
    "You took the absolute value of the gradient. A weight has a sign: some maps speak against the class.": (
        lambda maps, gradients: class_activation(maps, gradients.abs())
    ),
    "You took the absolute value of the weights. A weight has a sign: some maps speak against the class.": (
        lambda maps, gradients: (gradients.mean((1, 2)).abs()[:, None, None] * maps).sum(0).clamp(min=0)
    ),
    "Negative weights became 0 too. Only sums do: a map that speaks against the class must lower them.": (
        lambda maps, gradients: (gradients.mean((1, 2)).clamp(min=0)[:, None, None] * maps).sum(0).clamp(min=0)
    ),
    "You changed the maps that you were given (an operation in place). Make new arrays.": weighted_in_place,
    "Each weighed map was cut off at 0 before the sum. Add up first: maps may cancel each other.": (
        lambda maps, gradients: (gradients.mean((1, 2))[:, None, None] * maps).clamp(min=0).sum(0)
    ),
    "Negative weights became 0. A map that speaks against the class must lower the sum.": (
        lambda maps, gradients: (gradients.mean((1, 2)).clamp(min=0)[:, None, None] * maps).sum(0)
    ),
    "You took the mean over the maps; the map is their sum.": (
        lambda maps, gradients: class_activation(maps, gradients) / len(maps)
    ),
    "The weights are not used: this is the sum of the maps.": lambda maps, gradients: maps.sum(0),
    "The maps are not used: this is the sum of the gradients.": (lambda maps, gradients: gradients.sum(0).clamp(min=0)),
    "Maps and gradients are exchanged: the weight is the mean of the gradient.": (
        lambda maps, gradients: class_activation(gradients, maps)
    ),
    "You divided by the largest value. The map keeps the units of the score.": (
        lambda maps, gradients: class_activation(maps, gradients) / class_activation(maps, gradients).max()
    ),
}


QUIZ = read_quiz("""
A pixel is black in the saliency map of the class 'dog'. What does this say?
- The pixel does not belong to the dog.
  The map knows nothing of objects. A plain dark part of a dog is often black in it.
+ A small change of this pixel would hardly change the score of 'dog'.
  Yes: the map is the size of the gradient at this picture, no more.
- The network never looks at this pixel.
  It may look: the pixel counts through the sum with all others. Only small changes have little effect.
- Deleting the pixel would not change the score.
  Deleting is a large change; the gradient speaks of small ones. Occlusion (lesson 06) tests large ones.

Why the score before the softmax, and not the probability?
- The softmax cannot be differentiated.
  It can; you have seen its map above.
+ The probability can grow because other classes fall, and its gradient fades where the network is sure.
  Yes: dp/dx = p (dS/dx - the mean over all classes), which also speaks of the other classes.
- The score lies between 0 and 1.
  The probability does. A score can be any number.
- It is faster.
  Both cost one forward and one backward pass.

SmoothGrad averages 25 signed gradients and then takes the absolute value. What if you take it before?
- The same map.
  The mean of |g| is not the size of the mean of g.
+ The noise stays: where gradients point up and down by chance they no longer cancel.
  Yes. This is the mutant of exercise 07.2.
- A negative map.
  Absolute values are never negative.
- It takes twice as long.
  The cost is the same: 25 gradients.

The digit network is right on 100 % of marked test pictures. How could you know that it reads the mark?
- From its accuracy on more marked pictures.
  They carry the mark as well: the accuracy stays at 100 %.
- From a lower training loss.
  A shortcut lowers the loss even faster.
+ From saliency on the mark, and from pictures with a wrong or no mark.
  Yes: the map raises the suspicion, the changed pictures prove it.
- From the number of its weights.
  A small network can learn a mark, a large one too.
""")
