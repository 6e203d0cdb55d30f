"""Checks of lesson 07: saliency maps."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from course_utils.exercises.compare import close, require
from course_utils.exercises.machine import Call, Draw, exercise
from course_utils.exercises.quizzes import Question


def _gradient(net, images: Tensor, target: list[int], *, of: str = "score") -> Tensor:
    pixels = images.clone().requires_grad_()
    scores = net(pixels)
    if of == "probability":
        scores = scores.softmax(1)
    elif of == "loss":
        scores = -scores.log_softmax(1)
    chosen = scores[torch.arange(len(images)), torch.tensor(target)]
    return torch.autograd.grad(chosen.sum(), pixels)[0]


@exercise("07.1", "saliency_map")
def saliency_map(call: Call, draw: Draw) -> None:
    net, images = draw.net("conv"), draw.images(3)
    target = [draw.integer(0, 1), draw.integer(2, 3), 4]
    gradient = _gradient(net, images, target)
    close(
        call(net, images, target),
        gradient.abs().amax(1),
        what="the saliency map",
        causes={
            "You differentiated the probability after the softmax. The map is made of the score before the softmax.":
                lambda: _gradient(net, images, target, of="probability").abs().amax(1),
            "You differentiated the loss (cross-entropy). The map is made of the score of the class itself.":
                lambda: _gradient(net, images, target, of="loss").abs().amax(1),
            "You took the mean over the color channels; the map takes the largest.": gradient.abs().mean(1),
            "You added up the color channels; the map takes the largest.": gradient.abs().sum(1),
            "You took the length of the gradient over the channels (a square root of squares); the map takes the largest.":
                gradient.norm(dim=1),
            "The absolute value is missing: a strongly negative gradient matters as much as a positive one.":
                gradient.amax(1),
            "You took the maximum first and the absolute value after it. A channel with gradient -5 then loses against 1.":
                gradient.amax(1).abs(),
            "You used the first image's class for every image.":
                lambda: _gradient(net, images, [target[0]] * 3).abs().amax(1),
            "You used the predicted class. `target` says which class to explain.":
                lambda: _gradient(net, images, net(images).argmax(1).tolist()).abs().amax(1),
            "You differentiated the sum of all class scores, not the score of the target class.":
                lambda: _all_scores(net, images).abs().amax(1),
            "You took the mean over the batch, so every gradient is divided by the number of images.":
                gradient.abs().amax(1) / 3,
        },
    )  # fmt: skip


def _all_scores(net, images: Tensor) -> Tensor:
    pixels = images.clone().requires_grad_()
    return torch.autograd.grad(net(pixels).sum(), pixels)[0]


@exercise("07.2", "smooth_saliency")
def smooth_saliency(call: Call, draw: Draw) -> None:
    net, image = draw.net("conv"), draw.images(1)
    noise = 0.3 * draw.normal(6, *image.shape[1:])
    target = draw.integer(0, 4)
    got = call(net, image, target, noise)
    gradients = _gradient(net, image + noise, [target] * 6)
    close(
        got,
        gradients.mean(0).abs().amax(0),
        what="the smooth map",
        causes={
            "You took the absolute value of every gradient before the mean. Then nothing cancels: average the signed gradients.":
                gradients.abs().mean(0).amax(0),
            "You averaged finished maps. Average the signed gradients, then make one map.": gradients.abs().amax(1).mean(0),
            "You averaged the noisy images and took one gradient. The mean comes after the gradient.":
                lambda: _gradient(net, image + noise.mean(0), [target]).abs().amax(1)[0],
            "The noise is not used: this is the plain saliency map.":
                lambda: _gradient(net, image, [target]).abs().amax(1)[0],
            "You added up the gradients; divide by the number of noisy copies.": gradients.sum(0).abs().amax(0),
            "The network saw the noise alone: add it to the image.":
                lambda: _gradient(net, noise, [target] * 6).mean(0).abs().amax(0),
            "Only one noisy copy is used.": gradients[0].abs().amax(0),
            "Only one noisy copy is used (the last).": gradients[-1].abs().amax(0),
            "You cut the noisy images off at 0 and 1. SmoothGrad leaves them as they are.":
                lambda: _gradient(net, (image + noise).clamp(0, 1), [target] * 6).mean(0).abs().amax(0),
        },
    )  # fmt: skip


@exercise("07.3", "seeds")
def seeds(call: Call, draw: Draw) -> None:
    heat = draw.uniform(draw.integer(9, 12), draw.integer(13, 16)) ** 3
    high, low = draw.number(0.85, 0.95), draw.number(0.2, 0.4)
    right = _seeds(heat, high, low)
    span = heat.max() - heat.min()
    close(
        call(heat, high, low),
        right,
        what="the seeds",
        causes={
            "You compared with a share of the largest value. A quantile counts pixels: use torch.quantile.":
                _threshold(heat, high * heat.max(), low * heat.max()),
            "You compared with a share of the range from smallest to largest. A quantile counts pixels.":
                _threshold(heat, heat.min() + high * span, heat.min() + low * span),
            "You compared the map with the two quantile levels themselves, not with the values at these quantiles.":
                _threshold(heat, high, low),
            "Object and background are exchanged: 1 is for the object (large values), 0 for the background.":
                _relabel(right, {0: 1, 1: 0, 2: 2}),
            "All pixels that are not surely object are marked as background. Those in between are undecided: 2.":
                _relabel(right, {0: 0, 1: 1, 2: 0}),
            "The undecided pixels should be 2.": _relabel(right, {0: 2, 1: 1, 2: 0}),
            "You took the quantile of every row by itself. The quantile is that of the whole map.":
                _threshold(heat, heat.quantile(high, dim=1, keepdim=True), heat.quantile(low, dim=1, keepdim=True)),
            "You took the quantile of every column by itself. The quantile is that of the whole map.":
                _threshold(heat, heat.quantile(high, dim=0, keepdim=True), heat.quantile(low, dim=0, keepdim=True)),
        },
    )  # fmt: skip


def _threshold(heat: Tensor, high, low) -> Tensor:
    out = torch.full(heat.shape, 2.0, dtype=torch.float64)
    out[heat <= low] = 0
    out[heat > high] = 1
    return out


def _seeds(heat: Tensor, high: float, low: float) -> Tensor:
    return _threshold(heat, heat.quantile(high), heat.quantile(low))


def _relabel(marks: Tensor, names: dict[int, int]) -> Tensor:
    return sum((marks == old) * float(new) for old, new in names.items())


@exercise("07.4", "clean_gradient")
def clean_gradient(call: Call, draw: Draw) -> None:
    net, images, target = draw.net("conv"), draw.images(2), draw.integers(2, 0, 4)
    right = _gradient(net, images, target)
    first, second = call.twice(net, images, target)
    close(
        first,
        right,
        what="the gradient",
        causes={
            "You differentiated the loss or a mean; differentiate the sum of the chosen scores.": right / 2,
            "The absolute value is taken too early: return the signed gradient.": right.abs(),
        },
    )
    close(
        second,
        right,
        what="the gradient of the second call on the same images",
        causes={
            "The second gradient was added to the first: `backward()` adds to `.grad` and never clears it.": 2 * right,
        },
    )
    require(
        not np.allclose(np.asarray(right), 0),
        "internal: the drawn network gives no gradient.",
    )
    same, again = call.twice(net, images, target)
    close(same, again, what="what you returned first, after the second call", causes={
        "Your two results are the same tensor: the second call changed what the first returned.": 2 * right,
    })  # fmt: skip


@exercise("07.5", "share_in_box")
def share_in_box(call: Call, draw: Draw) -> None:
    maps = draw.uniform(3, 10, 12) ** 2
    top, left = draw.integer(0, 3), draw.integer(0, 3)
    bottom, right = top + draw.integer(2, 5), left + draw.integer(3, 6)
    total = maps.sum((1, 2))
    inside = maps[:, top:bottom, left:right]
    close(
        call(maps, top, bottom, left, right),
        inside.sum((1, 2)) / total,
        what="the shares",
        causes={
            "You divided means. A share is the sum inside the box divided by the sum of the whole map.":
                inside.mean((1, 2)) / maps.mean((1, 2)),
            "The sum inside the box is not divided by the sum of the map.": inside.sum((1, 2)),
            "You divided by the sum over all maps. Each map has its own total.": inside.sum((1, 2)) / maps.sum(),
            "You counted pixels. Add up the values of the map.":
                torch.full((3,), (bottom - top) * (right - left) / 120, dtype=torch.float64),
            "The last row and column belong to the box as in a slice: `top:bottom` leaves out `bottom`.":
                maps[:, top : bottom + 1, left : right + 1].sum((1, 2)) / total,
            "Rows and columns are exchanged: the first index after the map's is the row.":
                maps[:, left:right, top:bottom].sum((1, 2)) / total,
            "You divided by what lies outside of the box.": inside.sum((1, 2)) / (total - inside.sum((1, 2))),
            "You returned one number for all maps; each map has its own share.": inside.sum() / maps.sum(),
        },
    )  # fmt: skip


QUIZ = (
    Question(
        "A pixel is black in the saliency map of the class 'dog'. What does this say?",
        (
            ("The pixel does not belong to the dog.", "The map knows nothing of objects. A plain dark part of a dog is often black in it."),
            ("A small change of this pixel would hardly change the score of 'dog'.", "Yes: the map is the size of the gradient at this picture, no more."),
            ("The network never looks at this pixel.", "It may look: the pixel counts through the sum with all others. Only small changes have little effect."),
            ("Deleting the pixel would not change the score.", "Deleting is a large change; the gradient speaks of small ones. Occlusion (lesson 06) tests large ones."),
        ),
        1,
    ),
    Question(
        "Why the score before the softmax, and not the probability?",
        (
            ("The softmax cannot be differentiated.", "It can; you have seen its map above."),
            ("The probability can grow because other classes fall, and its gradient fades where the network is sure.", "Yes: dp/dx = p (dS/dx - the mean over all classes), which also speaks of the other classes."),
            ("The score lies between 0 and 1.", "The probability does. A score can be any number."),
            ("It is faster.", "Both cost one forward and one backward pass."),
        ),
        1,
    ),
    Question(
        "SmoothGrad averages 25 signed gradients and then takes the absolute value. What if you take it before?",
        (
            ("The same map.", "The mean of |g| is not the size of the mean of g."),
            ("The noise stays: where gradients point up and down by chance they no longer cancel.", "Yes. This is the mutant of exercise 07.2."),
            ("A negative map.", "Absolute values are never negative."),
            ("It takes twice as long.", "The cost is the same: 25 gradients."),
        ),
        1,
    ),
    Question(
        "The digit network is right on 100 % of marked test pictures. How could you know that it reads the mark?",
        (
            ("From its accuracy on more marked pictures.", "They carry the mark as well: the accuracy stays at 100 %."),
            ("From a lower training loss.", "A shortcut lowers the loss even faster."),
            ("From saliency on the mark, and from pictures with a wrong or no mark.", "Yes: the map raises the suspicion, the changed pictures prove it."),
            ("From the number of its weights.", "A small network can learn a mark, a large one too."),
        ),
        2,
    ),
)  # fmt: skip
