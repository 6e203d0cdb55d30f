"""Checks of lesson 07: saliency maps."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from course_utils.exercises.apart import apart
from course_utils.exercises.compare import close
from course_utils.exercises.machine import Call, Draw, exercise
from course_utils.exercises.quizzes import read_quiz


def gradient(net, images: Tensor, target: list[int], *, of=lambda scores: scores) -> Tensor:
    pixels = images.clone().requires_grad_()
    chosen = of(net(pixels))[range(len(images)), target]
    return torch.autograd.grad(chosen.sum(), pixels)[0]


def targets(net, images: Tensor, draw: Draw) -> list[int]:
    """A class for each image, not the predicted one; the first three differ, the fourth is that of the third."""
    free = [[c for c in draw.rng.permutation(5).tolist() if c != best] for best in net(images).argmax(1).tolist()]
    chosen: list[int] = []
    for classes in free[:3]:
        chosen.append(next(c for c in classes if c not in chosen))
    return chosen + chosen[-1:] * (len(free) - 3)


def strongest(signed: Tensor) -> Tensor:
    return signed.abs().amax(1)


def saliency(net, images, target, *, of=lambda scores: scores, over_channels=strongest) -> Tensor:
    return over_channels(gradient(net, images, target, of=of))


@exercise("07.1", "saliency_map")
def saliency_map(call: Call, draw: Draw) -> None:
    net = draw.net("conv")
    for images in (draw.images(3), draw.images(1, 11, 8), draw.images(4, 10, 8)):
        inputs = net, images, targets(net, images, draw)
        close(call(*inputs), saliency(*inputs), what="the saliency map")


def all_gradients(net, images: Tensor) -> Tensor:
    pixels = images.clone().requires_grad_()
    return torch.autograd.grad(net(pixels).sum(), pixels)[0]


def all_targets(net, images, target):
    return sum(gradient(net, images, [one] * len(images)) for one in target)


def all_scores(net, images, target):
    return strongest(all_gradients(net, images))


saliency_map.slips = {
    "You differentiated the probability after the softmax. The map is made of the score before the softmax.": (
        partial(saliency, of=lambda scores: scores.softmax(1))
    ),
    "You differentiated the loss (cross-entropy). The map is made of the score of the class itself.": (
        partial(saliency, of=lambda scores: -scores.log_softmax(1))
    ),
    "You differentiated the mean of the loss (cross-entropy). The map is made of the score of the class itself.": (
        lambda net, images, target: saliency(net, images, target, of=lambda scores: scores.log_softmax(1)) / len(images)
    ),
    "You added the color channels up before the absolute value. Take the absolute value first, then the largest.": (
        partial(saliency, over_channels=lambda signed: signed.sum(1).abs())
    ),
    "You took the mean over the color channels before the absolute value. Take the absolute value first, "
    "then the largest.": partial(saliency, over_channels=lambda signed: signed.mean(1).abs()),
    "You multiplied the gradient by the image. The map is made of the gradient alone.": (
        lambda net, images, target: strongest(gradient(net, images, target) * images)
    ),
    "You divided each map by its largest value. The map keeps the size of the gradient.": (
        lambda *inputs: saliency(*inputs) / saliency(*inputs).amax((1, 2), keepdim=True)
    ),
    "You went around the network's normalization: run net(...), not net.model(...).": (
        lambda net, images, target: saliency(net.model, images, target)
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
    "You used the predicted class. The argument target says which class to explain.": (
        lambda net, images, target: saliency(net, images, net(images).argmax(1).tolist())
    ),
    "You differentiated the sum of all class scores, not the score of the target class.": all_scores,
    "You added up the scores of all targets for each image. Each image has its own target.": (
        lambda net, images, target: strongest(all_targets(net, images, target))
    ),
    "You took the mean over the batch, so every gradient is divided by the number of images.": (
        lambda net, images, target: saliency(net, images, target) / len(images)
    ),
}


def noisy_gradients(net, image, target: int, noise: Tensor) -> Tensor:
    return gradient(net, image + noise, [target] * len(noise))


def strongest_of_the_mean(signed: Tensor) -> Tensor:
    return signed.mean(0).abs().amax(0)


def smooth(net, image, target, noise) -> Tensor:
    return strongest_of_the_mean(noisy_gradients(net, image, target, noise))


@exercise("07.2", "smooth_saliency")
def smooth_saliency(call: Call, draw: Draw) -> None:
    net = draw.net("conv")
    for image, copies in ((draw.images(1), draw.integer(5, 7)), (draw.images(1, 11, 8), 2)):
        noise = 0.3 * draw.normal(copies, *image.shape[1:])
        inputs = net, image, targets(net, image, draw)[0], noise
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
    "The absolute value is missing: a strongly negative mean matters as much as a positive one.": (
        lambda *inputs: noisy_gradients(*inputs).mean(0).amax(0)
    ),
    "You took the mean over the color channels; the map takes the largest.": (
        lambda *inputs: noisy_gradients(*inputs).mean(0).abs().mean(0)
    ),
    "You differentiated the sum of all class scores, not the score of the target class.": (
        lambda net, image, target, noise: strongest_of_the_mean(all_gradients(net, image + noise))
    ),
    "You differentiated the probability after the softmax. The map is made of the score before the softmax.": (
        lambda net, image, target, noise: strongest_of_the_mean(
            gradient(net, image + noise, [target] * len(noise), of=lambda scores: scores.softmax(1))
        )
    ),
    "You went around the network's normalization: run net(...), not net.model(...).": (
        lambda net, *rest: smooth(net.model, *rest)
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
    for height, width in ((draw.integer(9, 12), draw.integer(13, 16)), (draw.integer(13, 16), draw.integer(9, 12))):
        # all values differ, and not from 0: a range is no share of the top
        heat = 0.1 + (1 + apart(draw, height, width)) ** 2
        inputs = heat, *(between(heat, level) for level in (draw.number(0.85, 0.95), draw.number(0.2, 0.4)))
        close(call(*inputs), at_quantiles(*inputs), what="the seeds")
    # many equal values, as behind a ReLU: both quantiles are values of the map
    heat = apart(draw, height, width).mul(3).clamp(min=0).round()
    inputs = heat, between(heat, draw.number(0.68, 0.72)), between(heat, draw.number(0.2, 0.4))
    close(call(*inputs), at_quantiles(*inputs), what="the seeds of a map with many equal values")


def between(heat: Tensor, level: float) -> float:
    """The nearest quantile half-way between two pixels, where float32 gives no other answer."""
    steps = heat.numel() - 1
    return (int(level * steps) + 0.5) / steps


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
    "A pixel that equals the foreground quantile is not larger than it: it is no object. Use > there.": (
        lambda heat, high, low: at_quantiles(heat, high, low).where(heat != heat.quantile(high), 1.0)
    ),
    "A pixel that equals the background quantile is not larger than it: it is background. Use <= there.": (
        lambda heat, high, low: at_quantiles(heat, high, low).where(heat != heat.quantile(low), 2.0)
    ),
    "Foreground and background are exchanged: object is what lies above the foreground quantile.": (
        lambda heat, high, low: at_quantiles(heat, low, high)
    ),
    "You took the quantile of every row by itself. The quantile is that of the whole map.": (
        partial(at_quantiles, dim=1, keepdim=True)
    ),
    "You took the quantile of every column by itself. The quantile is that of the whole map.": (
        partial(at_quantiles, dim=0, keepdim=True)
    ),
}


@exercise("07.4", "clean_gradient")
def clean_gradient(call: Call, draw: Draw) -> None:
    net = draw.net("conv")
    for images in (draw.images(2), draw.images(4, 11, 8)):
        inputs = net, images, targets(net, images, draw)
        right = gradient(*inputs)
        first, second = call.twice(*inputs)
        close(first, right, what="the gradient")
        close(second, right, what="the gradient of the second call on the same images")


def accumulated(net, images, target):
    images.requires_grad_()
    net(images)[range(len(images)), target].sum().backward()
    return images.grad


loss_gradient = partial(gradient, of=lambda scores: -scores.log_softmax(1))

clean_gradient.slips = {
    "You differentiated the mean of the chosen scores; differentiate their sum.": (
        lambda net, images, target: gradient(net, images, target) / len(images)
    ),
    "You differentiated the loss (cross-entropy); differentiate the sum of the chosen scores.": loss_gradient,
    "You differentiated the mean of the loss (cross-entropy); differentiate the sum of the chosen scores.": (
        lambda net, images, target: loss_gradient(net, images, target) / len(images)
    ),
    "You differentiated the probabilities after the softmax; differentiate the scores before it.": (
        partial(gradient, of=lambda scores: scores.softmax(1))
    ),
    "You differentiated the sum of all class scores, not the scores of the target classes.": (
        lambda net, images, target: all_gradients(net, images)
    ),
    "You differentiated the logarithm of the probabilities; differentiate the scores before the softmax.": (
        partial(gradient, of=lambda scores: scores.log_softmax(1))
    ),
    "You went around the network's normalization: run net(...), not net.model(...).": (
        lambda net, images, target: gradient(net.model, images, target)
    ),
    "You added up the scores of all targets for each image. Each image has its own target.": all_targets,
    "You used the first image's class for every image.": (
        lambda net, images, target: gradient(net, images, target[:1] * len(images))
    ),
    "You used the predicted classes. The argument target says which classes.": (
        lambda net, images, target: gradient(net, images, net(images).argmax(1).tolist())
    ),
    "The absolute value is taken too early: return the signed gradient.": lambda *inputs: gradient(*inputs).abs(),
    "The second gradient was added to the first: backward() adds to .grad and never clears it.": accumulated,
}


def share(maps, top, bottom, left, right) -> Tensor:
    return maps[:, top:bottom, left:right].sum((1, 2)) / maps.sum((1, 2))


@exercise("07.5", "share_in_box")
def share_in_box(call: Call, draw: Draw) -> None:
    low, high, top, left = draw.integer(9, 10), draw.integer(12, 14), draw.integer(1, 3), draw.integer(2, 3)
    for count, height, width, box in (
        (draw.integer(2, 4), low, high, (top, top + draw.integer(2, 4), left, left + draw.integer(5, 6))),
        (2, high, low, (0, draw.integer(3, 5), 0, draw.integer(6, 7))),  # at the upper left border
        (1, high, low, (high - 3, high, low - 5, low)),  # at the lower right border
    ):
        maps = draw.uniform(count, height, width, low=-1).clamp(min=0) ** 2 + 0.05 * draw.uniform(count, 1, 1)
        close(call(maps, *box), share(maps, *box), what="the shares")


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
    "The box ends as a slice does: row bottom and column right do not belong to it.": (
        lambda maps, top, bottom, left, right: share(maps, top, bottom + 1, left, right + 1)
    ),
    "Rows and columns are exchanged: the first index after the map's is the row.": (
        lambda maps, top, bottom, left, right: share(maps, left, right, top, bottom)
    ),
    "You returned what lies outside of the box. Return what lies inside.": lambda *inputs: 1 - share(*inputs),
    "You used the rows of the box and all columns.": (
        lambda maps, top, bottom, left, right: share(maps, top, bottom, 0, maps.shape[2])
    ),
    "You used the columns of the box and all rows.": (
        lambda maps, top, bottom, left, right: share(maps, 0, maps.shape[1], left, right)
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
    low, high = draw.integer(3, 5), draw.integer(6, 8)
    # Half of the maps speak for the class and half against it, so the sums have both signs; the maps are negative
    # too, as without a ReLU. Then a single map. Then all speak against the class, and nothing is left.
    for signs, smallest, noise, height, width in (
        ([1.0, -1.0] * draw.choice([2, 3]), -0.1, 3.0, low, high),
        ([1.0], -0.1, 1.0, high, low),
        ([-1.0, -1.0, -1.0], 0.0, 1.0, high, low),
    ):
        maps = draw.uniform(len(signs), height, width) ** 3 + smallest
        toward = torch.tensor(signs, dtype=torch.float64)[:, None, None] * draw.uniform(len(signs), 1, 1, low=0.5)
        gradients = 4 * toward + noise * draw.normal(len(signs), height, width)
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


def way(net, image, baseline, target, steps, *, at=lambda s, n: (s + 0.5) / n, to=1.0) -> Tensor:
    """The gradients of the score at `steps` points between baseline and image: (steps, 3, H, W)."""
    a = at(torch.arange(steps, dtype=image.dtype), steps) * to
    points = baseline + a.view(-1, 1, 1, 1) * (image - baseline)
    return gradient(net, points, [target] * steps)


def integrate(net, image, baseline, target, steps, **options) -> Tensor:
    gradients = way(net, image, baseline, target, steps, **options)
    return (image - baseline) * gradients.mean(0, keepdim=True)


@exercise("07.7", "integrated")
def integrated(call: Call, draw: Draw) -> None:
    net = draw.net("conv")
    for size, steps in (((9, 10), draw.integer(4, 6)), ((10, 8), 1), ((8, 9), draw.integer(8, 11))):
        image, baseline = draw.images(1, *size), draw.images(1, *size)
        inputs = net, image, baseline, targets(net, image, draw)[0], steps
        close(call(*inputs), integrate(*inputs), what=f"the parts with steps = {steps}")
    black = torch.zeros_like(image)
    inputs = net, image, black, inputs[3], steps
    close(call(*inputs), integrate(*inputs), what="the parts from a black baseline")


integrated.slips = {
    "The points begin at the baseline itself; each lies in the middle of its piece.": (
        partial(integrate, at=lambda s, n: s / n)
    ),
    "The points are the ends of the pieces; each lies in the middle of its piece.": (
        partial(integrate, at=lambda s, n: (s + 1) / n)
    ),
    "The points go from the baseline to the image with both ends; each lies in the middle of its piece.": (
        partial(integrate, at=lambda s, n: s / max(n - 1, 1))
    ),
    "These are the mean gradients. Multiply them by the difference of image and baseline.": (
        lambda *inputs: way(*inputs).mean(0, keepdim=True)
    ),
    "You multiplied by the image. The way begins at the baseline: multiply by the difference of both.": (
        lambda net, image, baseline, *rest: image * way(net, image, baseline, *rest).mean(0, keepdim=True)
    ),
    "You added up the gradients of the points; take their mean.": (lambda *inputs: integrate(*inputs) * inputs[4]),
    "This is the difference times the gradient at the image alone. Take the gradients all along the way.": (
        lambda net, image, baseline, target, steps: (image - baseline) * gradient(net, image, [target])
    ),
    "The sign is turned: it is image minus baseline.": lambda *inputs: -integrate(*inputs),
    "The way does not begin at the baseline: each point is the image times a.": (
        lambda net, image, baseline, *rest: integrate(net, image, torch.zeros_like(image), *rest)
    ),
    "You took the size of the parts. They have a sign, or they would not add up.": (
        lambda *inputs: integrate(*inputs).abs()
    ),
    "You differentiated the sum of all class scores, not the score of the target class.": (
        lambda net, image, baseline, target, steps: sum(integrate(net, image, baseline, c, steps) for c in range(5))
    ),
    "You differentiated the probability. The parts are of the score, before the softmax.": (
        lambda net, image, baseline, target, steps: integrate(
            lambda x: net(x).softmax(1), image, baseline, target, steps
        )
    ),
}


QUIZ = read_quiz("""
A pixel is black in the saliency map of the class 'dog'. What does this say?
- The pixel does not belong to the dog: it is a part of the background.
  The map knows nothing of objects. A plain dark part of a dog is often black in it.
+ A small change of this pixel would hardly change the score of 'dog'.
  Yes: the map is the size of the gradient at this picture, no more.
- The network never looks at this pixel, whatever its color is.
  It may look: the pixel counts through the sum with all others. Only small changes have little effect.
- Deleting the pixel, or painting it white, would not change the score.
  Deleting is a large change; the gradient speaks of small ones. Occlusion (lesson 06) tests large ones.

A raven has black feathers. Integrated gradients from a black baseline give them no part of the score. Why?
- The network does not look at black feathers, only at what lies around them.
  It may look at them: nothing here says what it would answer if they were white.
- The gradient at a black pixel is always 0, whatever the class is.
  It is not: raising a black pixel a little changes the score like any other.
+ Each part is a product with the difference to the baseline.
  Yes: where photo and baseline are equal the factor is 0, whatever the gradients are.
- The steps of the sum are too few to reach the feathers at all.
  More steps make the sum more exact. A factor of 0 stays 0.

SmoothGrad averages 25 signed gradients and then takes the absolute value. What if you take it before?
- The same map: it makes no difference which of the two steps comes first.
  The mean of |g| is not the size of the mean of g.
+ Gradients that point up and down no longer cancel: bright places stay.
  Yes: where they disagree, only the mean of the signed gradients is near 0; the mean of their sizes stays large.
- A negative map, where bright and dark are exchanged.
  Absolute values are never negative.
- A map of the same kind that needs twice as many gradients.
  The cost is the same: 25 gradients.

The digit network is right on 100 % of marked test pictures. How could you know that it reads the mark?
- From its accuracy on ten times as many pictures, all marked.
  They carry the mark as well: the accuracy stays at 100 %.
- From its training loss, which is lower than without a mark.
  A shortcut lowers the loss even faster.
+ From saliency on the mark, and from pictures with a wrong or no mark.
  Yes: the map raises the suspicion, the changed pictures prove it.
- From the number of its weights: so small a network learns only marks.
  A small network can learn a mark, a large one too.
""")
