"""Checks of lesson 16, the capstone: evidence that adds up, and tests of explanations."""

from __future__ import annotations

import torch
from torch import Tensor

from course_utils.exercises.compare import close, number, require
from course_utils.exercises.machine import Call, Draw, exercise
from course_utils.exercises.quizzes import Question


@exercise("16.1", "evidence")
def evidence(call: Call, draw: Draw) -> None:
    channels, height, width = draw.integer(4, 6), draw.integer(2, 3), draw.integer(4, 5)
    classes = draw.integer(4, 5)
    maps, weight = draw.uniform(channels, height, width), draw.normal(classes, channels)
    bias = torch.arange(classes, dtype=torch.float64) + draw.uniform(classes, low=0.1, high=0.9)
    one = draw.integer(0, classes - 1)
    two = (one + draw.integer(1, classes - 1)) % classes

    def summed(row: Tensor) -> Tensor:
        return torch.einsum("k,khw->hw", row, maps)

    places = height * width
    answer = call(maps, weight, bias, one, two)
    require(
        isinstance(answer, tuple | list) and len(answer) == 2,
        "Return two things: the map and the difference of the biases.",
    )
    found, rest = answer
    right, difference = summed(weight[one] - weight[two]) / places, (bias[one] - bias[two]).item()
    close(
        found,
        right,
        what="the map",
        causes={
            "The map is not divided by the number of places: its sum is too large by that factor.": right * places,
            "The sign is turned around: it is class one minus class two.": -right,
            "This is the map of class one alone. Subtract class two.": summed(weight[one]) / places,
            "This is the map of class two alone. It is class one minus class two.": summed(weight[two]) / places,
            "The two classes are added; subtract.": summed(weight[one] + weight[two]) / places,
            "You took the mean over the channels; add them up and divide by the number of places.":
                summed(weight[one] - weight[two]) / channels,
            "Only positive parts are kept. Evidence against a class counts as well.": right.clamp(min=0),
            "The bias is spread over the places. It belongs to none; return it beside the map.":
                right + difference / places,
            "The bias is in the map. It belongs to no place; return it beside the map.": right + difference,
        },
    )  # fmt: skip
    got = number(rest, "the second answer")
    close(
        got,
        difference,
        what="the difference of the biases",
        causes={
            "The difference of the biases has the wrong sign: it is that of class one minus that of class two.": -difference,
            "This is the bias of class one; subtract that of class two.": bias[one],
            "This is the bias of class two; it is that of class one minus it.": bias[two],
            "The biases are divided by the number of places. They are no mean; leave them as they are.":
                difference / places,
            "This is the whole difference of the scores; the second number holds the biases only.":
                right.sum() + difference,
        },
    )  # fmt: skip


def _score(net, image: Tensor, target: int) -> float:
    with torch.no_grad():
        return net(image)[0, target].item()


@exercise("16.2", "without_and_only")
def without_and_only(call: Call, draw: Draw) -> None:
    net, image = draw.net("conv"), draw.images(1, draw.choice([9, 11]), draw.choice([13, 15]))
    cover = draw.images(1, image.shape[2], image.shape[3])
    top, left = draw.integer(1, 2), draw.integer(4, 5)
    bottom, right = top + draw.integer(4, 5), left + draw.integer(6, 7)
    target = draw.integer(0, 4)
    box = (top, left, bottom, right)

    def painted(base: Tensor, other: Tensor, t=top, le=left, b=bottom, r=right) -> float:
        changed = base.clone()
        changed[:, :, t:b, le:r] = other[:, :, t:b, le:r]
        return _score(net, changed, target)

    kept = image.clone()
    answer = call(net, image, cover, box, target)
    require(isinstance(answer, tuple | list) and len(answer) == 2, "Return two scores.")
    got = torch.tensor([number(value, "each of the two answers") for value in answer], dtype=torch.float64)
    without, only = painted(image, cover), painted(cover, image)
    clean, covered = _score(net, image, target), _score(net, cover, target)
    close(
        got,
        torch.tensor([without, only], dtype=torch.float64),
        what="the two scores",
        causes={
            "The second image is the cover alone: the box was covered in `image` before it was read. Work on a copy.":
                torch.tensor([without, covered], dtype=torch.float64),
            "Both images carry the covered box: `image` was changed. Work on a copy.":
                torch.tensor([without, without], dtype=torch.float64),
            "The two scores are in the wrong order.": torch.tensor([only, without], dtype=torch.float64),
            "The first image is not covered at all.": torch.tensor([clean, only], dtype=torch.float64),
            "The second number is the score of the whole image.": torch.tensor([without, clean], dtype=torch.float64),
            "You returned the drops. Return the scores themselves.":
                torch.tensor([clean - without, clean - only], dtype=torch.float64),
            "The last row and the last column of the box are counted in; they are the first outside.":
                lambda: torch.tensor(
                    [painted(image, cover, b=bottom + 1, r=right + 1), painted(cover, image, b=bottom + 1, r=right + 1)],
                    dtype=torch.float64,
                ),
            "Rows and columns are exchanged: a box is top, left, bottom, right.":
                lambda: torch.tensor(
                    [painted(image, cover, left, top, right, bottom), painted(cover, image, left, top, right, bottom)],
                    dtype=torch.float64,
                ),
        },
    )  # fmt: skip
    _, again = call.twice(net, kept, cover, box, target)
    again = torch.tensor([number(value, "each of the two answers") for value in again], dtype=torch.float64)
    close(
        again,
        got,
        what="the answer to a second call with the same image (a call must not change the image or the cover)",
    )


@exercise("16.3", "deletion")
def deletion(call: Call, draw: Draw) -> None:
    net, image = draw.net("conv"), draw.images(1, draw.choice([8, 10]), draw.choice([11, 13]))
    cover = draw.images(1, image.shape[2], image.shape[3])
    heat = draw.normal(image.shape[2], image.shape[3])
    pixels, target = heat.numel(), draw.integer(0, 4)
    counts = [0, draw.integer(5, 9), draw.integer(20, 30), draw.integer(45, 60), pixels]
    order = heat.flatten().argsort(descending=True)

    def curve(order=order, *, start=image, end=cover, of="probability", each=None, piled=False) -> Tensor:
        values = []
        for index, count in enumerate(counts):
            chosen = order[counts[index - 1] if piled and index else 0 : count]
            mask = torch.zeros(pixels, dtype=torch.bool)
            mask[chosen] = True
            mask = mask.reshape(heat.shape) if each is None else each(mask.reshape(heat.shape))
            with torch.no_grad():
                scores = net(torch.where(mask, end, start))
            values.append((scores.softmax(1) if of == "probability" else scores)[0, target])
        return torch.stack(values)

    right = curve()
    one_channel = torch.zeros(1, 3, 1, 1, dtype=torch.bool)
    one_channel[:, 0] = True
    got, again = call.twice(net, image, heat, cover, counts, target)
    close(
        got,
        right,
        what="the deletion curve",
        causes={
            "The least important pixels are covered first. Sort in descending order.": curve(order.flip(0)),
            "Ranks and pixel numbers are mixed up: argsort says which pixel has a rank, argsort of that the rank of a pixel.":
                curve(order.argsort()),
            "You returned scores; return probabilities, after the softmax.": curve(of="score"),
            "This is insertion: it starts with the cover and puts the image back.": curve(start=cover, end=image),
            "The pixels are sorted by the size of the heat; a strongly negative one is not important.":
                curve(heat.abs().flatten().argsort(descending=True)),
            "Each point covers only the new pixels. Those of the points before stay covered.": curve(piled=True),
            "Only one channel is covered. A pixel is covered in all three.":
                curve(each=lambda mask: mask[None, None] & one_channel),
            "The curve is turned around: it begins with nothing covered.": right.flip(0),
            "You covered with 0. `cover` says what a covered pixel shows.": curve(end=torch.zeros_like(cover)),
            "These are drops. Return the probabilities themselves.": right[0] - right,
        },
    )  # fmt: skip
    close(again, got, what="the answer to a second call with the same image (a call must not change its inputs)")


QUIZ = (
    Question(
        "Why explain the difference of two scores, and not one score?",
        (
            ("The difference is cheaper to compute.", "It costs the same: one more row of weights."),
            ("What speaks for both classes drops out, and the question gets an answer: why this and not that.", "Yes: cap, face and cloth speak for many classes of clothes."),
            ("One score has no gradient.", "It has one, and lesson 07 used it."),
            ("The softmax needs two classes.", "The softmax takes all 1000 scores; the question is yours, not its."),
        ),
        1,
    ),
    Question(
        "A gray box over the cap lowers the score, a blurred cap does not. What do you know?",
        (
            ("The cap causes the score.", "Then the blurred cap should lower it too."),
            ("The cap does not matter.", "Then the gray box should not lower it."),
            ("What the score does depends on the cover as well, so the claim about the cap is not settled.", "Yes: a cover is a change of the photo, with an effect of its own."),
            ("The network is broken.", "It answers to pictures that it never met in training. That is not a defect of this network only."),
        ),
        2,
    ),
    Question(
        "In the deletion test a map of random pixels beats occlusion. What follows?",
        (
            ("Random pixels explain the prediction.", "They hold nothing about the network."),
            ("The test also rewards fine grain: holes everywhere destroy any class. Compare maps of the same grain.", "Yes. A control shows what a test measures besides truth."),
            ("Occlusion maps are always wrong.", "In insertion they come out best here."),
            ("The probability is the wrong number.", "With the scores the random map does the same."),
        ),
        1,
    ),
    Question(
        "The evidence of all places adds up to the score exactly. Why is an experiment on the photo still needed?",
        (
            ("Rounding.", "It is exact to five digits."),
            ("A place of the last layer has seen most of the photo: what it adds need not come from the pixels above it.", "Yes: the sum says what the last layer used, not what caused it."),
            ("The sum leaves out the softmax.", "True, but the softmax only compares the scores."),
            ("It is not needed.", "The collar's evidence was clear in the map, and the experiments disagreed."),
        ),
        1,
    ),
)  # fmt: skip
