"""Checks of lesson 16, the capstone: evidence that adds up, and tests of explanations."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from torch import Tensor

from course_utils.exercises.compare import array, close, number, require
from course_utils.exercises.machine import Call, Draw, exercise
from course_utils.exercises.quizzes import read_quiz


def evidence_map(maps: Tensor, row: Tensor) -> Tensor:
    """The maps, weighted with one number for each channel, over the number of places."""
    return torch.einsum("k,khw->hw", row, maps) / maps[0].numel()


def explained(maps, weight, bias, one, two, *, row=torch.sub, rest=torch.sub) -> tuple[Tensor, Tensor]:
    """The map and the difference of the biases."""
    return evidence_map(maps, row(weight[one], weight[two])), rest(bias[one], bias[two])


@exercise("16.1", "evidence")
def evidence(call: Call, draw: Draw) -> None:
    channels, height, width = draw.integer(4, 6), draw.integer(2, 3), draw.integer(4, 5)
    classes = draw.integer(4, 5)
    maps, weight = draw.normal(channels, height, width) + 0.3, draw.normal(classes, channels)
    bias = torch.arange(classes, dtype=torch.float64) + draw.uniform(classes, low=0.1, high=0.9)
    one = draw.integer(0, classes - 1)
    two = (one + draw.integer(1, classes - 1)) % classes
    for pair in ((one, two), (two, one)):
        inputs = maps, weight, bias, *pair
        answer = call(*inputs)
        require(
            isinstance(answer, tuple | list) and len(answer) == 2,
            "Return two things: the map and the difference of the biases.",
        )
        right, difference = explained(*inputs)
        close(answer[0], right, what="the map")
        close(number(answer[1], "the second answer"), difference, what="the difference of the biases")


def changed_map(change):
    """The right answer with `change(map, difference of the biases)` as the map."""

    def slip(*inputs):
        found, rest = explained(*inputs)
        return change(found, rest), rest

    return slip


def channels_averaged(maps, weight, bias, one, two):
    found, rest = explained(maps, weight, bias, one, two)
    return found * found.numel() / len(maps), rest


def whole_difference(*inputs):
    found, rest = explained(*inputs)
    return found, found.sum() + rest


evidence.slips = {
    "The map is not divided by the number of places: its sum is too large by that factor.": (
        changed_map(lambda found, rest: found * found.numel())
    ),
    "The two answers stand in the wrong order. The map comes first, then the difference of the biases.": (
        lambda *inputs: explained(*inputs)[::-1]
    ),
    "You took the size of the map. Evidence against a class stays negative.": (
        changed_map(lambda found, rest: found.abs())
    ),
    "The sign is turned around: it is class one minus class two.": changed_map(lambda found, rest: -found),
    "This is the map of class one alone. Subtract class two.": partial(explained, row=lambda one, two: one),
    "This is the map of class two alone. It is class one minus class two.": partial(
        explained, row=lambda one, two: two
    ),
    "The two classes are added; subtract.": partial(explained, row=torch.add),
    "You took the mean over the channels; add them up and divide by the number of places.": channels_averaged,
    "Only positive parts are kept. Evidence against a class counts as well.": (
        changed_map(lambda found, rest: found.clamp(min=0))
    ),
    "The bias is spread over the places. It belongs to none; return it beside the map.": (
        changed_map(lambda found, rest: found + rest / found.numel())
    ),
    "The bias is in the map. It belongs to no place; return it beside the map.": (
        changed_map(lambda found, rest: found + rest)
    ),
    "The difference of the biases has the wrong sign: it is that of class one minus that of class two.": (
        partial(explained, rest=lambda one, two: two - one)
    ),
    "This is the bias of class one; subtract that of class two.": partial(explained, rest=lambda one, two: one),
    "This is the bias of class two; it is that of class one minus it.": partial(explained, rest=lambda one, two: two),
    "The biases are divided by the number of places. They are no mean; leave them as they are.": (
        lambda maps, *rest: (explained(maps, *rest)[0], explained(maps, *rest)[1] / maps[0].numel())
    ),
    "This is the whole difference of the scores; the second number holds the biases only.": whole_difference,
}


def probability(scores: Tensor) -> Tensor:
    return scores.softmax(1)


def score(net, image: Tensor, target: int, *, read=lambda scores: scores) -> float:
    with torch.no_grad():
        return read(net(image))[0, target].item()


def painted(base: Tensor, other: Tensor, box: tuple[int, int, int, int]) -> Tensor:
    """`base` with what `other` shows in the box."""
    top, left, bottom, right = box
    changed = base.clone()
    changed[:, :, top:bottom, left:right] = other[:, :, top:bottom, left:right]
    return changed


def two_scores(net, image, cover, box, target, **how) -> tuple[float, float]:
    return score(net, painted(image, cover, box), target, **how), score(net, painted(cover, image, box), target, **how)


def two_numbers(answer) -> np.ndarray:
    pair = array(answer, "the two scores")
    require(pair.size == 2, "Return two scores.")
    return pair.reshape(2)


@exercise("16.2", "without_and_only")
def without_and_only(call: Call, draw: Draw) -> None:
    net, image = draw.net("conv"), draw.images(1, draw.choice([9, 11]), draw.choice([13, 15]))
    cover = draw.images(1, image.shape[2], image.shape[3])
    top, left = draw.integer(1, 2), draw.integer(4, 5)
    bottom, right = top + draw.integer(4, 5), left + draw.integer(6, 7)
    inputs = net, image, cover, (top, left, bottom, right), draw.integer(0, 4)
    got = two_numbers(call(*inputs))
    close(got, two_numbers(two_scores(*inputs)), what="the two scores")
    _, again = call.twice(*inputs)
    close(
        two_numbers(again),
        got,
        what="the answer to a second call with the same image (a call must not change the image or the cover)",
    )
    bottom, right = image.shape[2:]
    inputs = net, image, cover, (bottom - 3, right - 5, bottom, right), draw.integer(0, 4)
    what = "the two scores for a box in the last corner"
    close(two_numbers(call(*inputs)), two_numbers(two_scores(*inputs)), what=what)


def image_was_covered(net, image, cover, box, target):
    changed = painted(image, cover, box)
    return score(net, changed, target), score(net, painted(cover, changed, box), target)


without_and_only.slips = {
    "The second image is the cover alone: the box was covered in image before it was read. Work on a copy.": (
        image_was_covered
    ),
    "Both images carry the covered box: image was changed. Work on a copy.": (
        lambda *inputs: (two_scores(*inputs)[0],) * 2
    ),
    "The two scores are in the wrong order.": lambda *inputs: two_scores(*inputs)[::-1],
    "The first image is not covered at all.": (
        lambda net, image, cover, box, target: (
            score(net, image, target),
            two_scores(net, image, cover, box, target)[1],
        )
    ),
    "The second number is the score of the whole image.": (
        lambda net, image, cover, box, target: (
            two_scores(net, image, cover, box, target)[0],
            score(net, image, target),
        )
    ),
    "You returned the drops. Return the scores themselves.": (
        lambda net, image, cover, box, target: [
            score(net, image, target) - one for one in two_scores(net, image, cover, box, target)
        ]
    ),
    "You returned probabilities. Return the scores, before the softmax.": (
        lambda *inputs: two_scores(*inputs, read=probability)
    ),
    "You covered with 0. The cover says what a covered pixel shows.": (
        lambda net, image, cover, box, target: two_scores(net, image, 0 * cover, box, target)
    ),
    "You used the class with the largest score. The target says which class.": (
        lambda net, image, cover, box, target: two_scores(net, image, cover, box, net(image).argmax().item())
    ),
    "The last row and the last column of the box are counted in; they are the first outside.": (
        lambda net, image, cover, box, target: two_scores(net, image, cover, (*box[:2], box[2] + 1, box[3] + 1), target)
    ),
    "Rows and columns are exchanged: a box is top, left, bottom, right.": (
        lambda net, image, cover, box, target: two_scores(net, image, cover, [box[i] for i in (1, 0, 3, 2)], target)
    ),
}


def by_heat(heat: Tensor) -> Tensor:
    """The pixels, the hottest first."""
    return heat.flatten().argsort(descending=True)


def curve(
    net, image, heat, cover, counts, target, *, order=by_heat, read=probability, piled=False, channels=3
) -> Tensor:
    values, before = [], 0
    for count in counts:
        mask = torch.zeros(1, 3, heat.numel(), dtype=torch.bool)
        mask[:, :channels, order(heat)[before:count]] = True
        before = count if piled else 0
        with torch.no_grad():
            values.append(read(net(torch.where(mask.view_as(image), cover, image)))[0, target])
    return torch.stack(values)


@exercise("16.3", "deletion")
def deletion(call: Call, draw: Draw) -> None:
    net, image = draw.net("conv"), draw.images(1, draw.choice([8, 10]), draw.choice([11, 13]))
    cover = draw.images(1, image.shape[2], image.shape[3])
    ranks = torch.from_numpy(draw.rng.permutation(image[0, 0].numel())).double()
    heat = (ranks - ranks.numel() * draw.number(0.4, 0.6)).view(image.shape[2:]) / 20  # no two values are close
    target = draw.integer(0, 4)
    counts = [0, draw.integer(5, 9), draw.integer(20, 30), draw.integer(45, 60), heat.numel()]
    inputs = net, image, heat, cover, counts, target
    got, again = call.twice(*inputs)
    close(got, curve(*inputs), what="the deletion curve")
    close(again, got, what="the answer to a second call with the same image (a call must not change its inputs)")
    inputs = *inputs[:4], counts[2:4], target
    close(call(*inputs), curve(*inputs), what="the deletion curve at two points only")


def drops(*inputs):
    return curve(*inputs)[0] - curve(*inputs)


deletion.slips = {
    "The least important pixels are covered first. Sort in descending order.": (
        partial(curve, order=lambda heat: by_heat(heat).flip(0))
    ),
    "Ranks and pixel numbers are mixed up: argsort says which pixel has a rank, "
    "argsort of that the rank of a pixel.": partial(curve, order=lambda heat: by_heat(heat).argsort()),
    "You returned scores; return probabilities, after the softmax.": partial(curve, read=lambda scores: scores),
    "This is insertion: it starts with the cover and puts the image back.": (
        lambda net, image, heat, cover, *rest: curve(net, cover, heat, image, *rest)
    ),
    "The pixels are sorted by the size of the heat; a strongly negative one is not important.": (
        partial(curve, order=lambda heat: by_heat(heat.abs()))
    ),
    "Each point covers only the new pixels. Those of the points before stay covered.": partial(curve, piled=True),
    "Only one channel is covered. A pixel is covered in all three.": partial(curve, channels=1),
    "The curve is turned around: it begins with nothing covered.": lambda *inputs: curve(*inputs).flip(0),
    "You covered with 0. The cover says what a covered pixel shows.": (
        lambda net, image, heat, cover, *rest: curve(net, image, heat, 0 * cover, *rest)
    ),
    "These are drops. Return the probabilities themselves.": drops,
}


QUIZ = read_quiz("""
Why explain the difference of two scores, and not one score?
- The difference is cheaper: one pass serves both of the classes.
  It costs the same: one more row of weights.
+ What speaks for both classes drops out: the rest says why this and not that.
  Yes: cap, face and cloth speak for many classes of clothes.
- One score alone has no gradient with respect to the pixels.
  It has one, and lesson 07 used it.
- The softmax compares two classes and no more, so one score is not enough for it.
  The softmax takes all 1000 scores; the question is yours, not its.

A blurred cap lowers the score, a gray box over the cap does not. What do you know?
- The cap causes the score: without it the score falls.
  Then the gray box should lower it too.
- The cap does not matter: the score stays without it.
  Then the blurred cap should not lower it.
+ The cover has an effect of its own: the claim is not settled.
  Yes: a gray box is another change of the photo than a blur.
- The network is broken: it should answer alike to both.
  It answers to pictures that it never met in training. That is not a defect of this network only.

In the deletion test a map of random pixels does as well as occlusion. What follows?
- Random pixels explain the prediction just as well as occlusion does.
  They hold nothing about the network.
+ The test also rewards fine grain: compare maps of equal grain.
  Yes: single random pixels know nothing and do well. A control shows what a test measures besides truth.
- Occlusion maps are wrong, and should not be used in any test.
  With equal grain they beat their own moved copies, and their insertion grade is the best of the four maps.
- The curve is at fault: only its first point, at 20 %, should count.
  There the random pixels are near the floor already: one point tells even less.

The evidence of all places adds up to the score exactly. Why is an experiment on the photo still needed?
- Because of rounding: the sum of all places is never quite exact.
  What rounding takes away is far too small to matter.
+ Each place of the last layer has seen more than the square above it.
  Yes: what it adds need not come from the pixels above it. The sum says what the last layer used, not what caused it.
- Because the sum leaves out the softmax, which decides in the end.
  True, but the softmax only compares the scores.
- It is not needed: an exact sum is the best evidence there is.
  The collar's evidence was clear in the map, and the experiments disagreed.
""")
