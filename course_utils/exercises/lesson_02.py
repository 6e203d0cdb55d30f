"""Checks of lesson 02: feature maps."""

from __future__ import annotations

import torch
from torch import Tensor

from course_utils.exercises.compare import close
from course_utils.exercises.machine import Call, Draw, exercise
from course_utils.exercises.quizzes import Question


def _stretch(maps: Tensor, over) -> Tensor:
    low, high = maps.amin(over, keepdim=True), maps.amax(over, keepdim=True)
    return (maps - low) / torch.where(high > low, high - low, 1.0)


@exercise("02.1", "to_gray")
def to_gray(call: Call, draw: Draw) -> None:
    maps = draw.normal(draw.integer(4, 6), draw.integer(3, 4), draw.integer(5, 7)) + 0.5
    maps = maps * torch.arange(1, len(maps) + 1)[:, None, None]
    maps[draw.integer(1, len(maps) - 1)] = draw.number(0.2, 0.8)  # a constant map
    every, each = (0, 1, 2), (1, 2)
    for own in (False, True):
        over, other = (each, every) if own else (every, each)
        low, high = maps.amin(over, keepdim=True), maps.amax(over, keepdim=True)
        close(
            call(maps, own),
            _stretch(maps, over),
            what=f"the gray pictures with own={own}",
            causes={
                "Own and shared scaling are exchanged: `own=True` stretches each map by itself.":
                    lambda over=other: _stretch(maps, over),
                "A constant map gives 0 / 0. It has nothing to stretch: return 0 for it.": (maps - low) / (high - low),
                "You divided by the largest value without taking the smallest away: black is then not 0.": maps / high,
                "You divided by the largest value, not by the range from smallest to largest.": (maps - low) / high,
                "You cut negative values off at 0. Before a ReLU they are part of the picture.":
                    lambda over=over: _stretch(maps.clamp(min=0), over),
                "You took the absolute value first: a strong negative answer is then as white as a positive one.":
                    lambda over=over: _stretch(maps.abs(), over),
                "You stretched over the channels (dimension 0), place by place.": lambda: _stretch(maps, (0,)),
                "You stretched each row of a map by itself.": lambda: _stretch(maps, (2,)),
                "Black and white are exchanged: the largest value is white, 1.":
                    (high - maps) / torch.where(high > low, high - low, 1.0),
            },
        )  # fmt: skip


def _sheet(maps: Tensor, columns: int) -> Tensor:
    count, h, w = maps.shape
    rows = -(-count // columns)
    full = torch.zeros(rows * columns, h, w, dtype=maps.dtype)
    full[:count] = maps
    return full.view(rows, columns, h, w).permute(0, 2, 1, 3).reshape(rows * h, columns * w)


@exercise("02.2", "contact_sheet")
def contact_sheet(call: Call, draw: Draw) -> None:
    columns = draw.integer(3, 4)
    rows, h, w = columns + 1, draw.integer(3, 4), draw.integer(5, 6)
    maps = draw.uniform(rows * columns - draw.integer(1, 2), h, w) + 0.1
    count = len(maps)
    full = torch.zeros(rows * columns, h, w, dtype=maps.dtype)
    full[:count] = maps
    right = _sheet(maps, columns)
    by_column = full.view(columns, rows, h, w).permute(1, 2, 0, 3).reshape(rows * h, columns * w)
    close(
        call(maps, columns),
        right,
        what="the contact sheet",
        causes={
            "You reshaped without moving dimensions: the rows of different maps are mixed. The order must become "
            "(grid row, map row, grid column, map column).": full.reshape(rows * h, columns * w),
            "The maps run down the columns; they should run along the rows, like text.": by_column,
            "You made `columns` rows; it is the number of maps side by side.": lambda: _sheet(maps, rows),
            "The maps in the last, unfinished row are missing.": right[: (rows - 1) * h],
            "The last row is missing; its places are empty.":
                torch.cat([right[: (rows - 1) * h], torch.zeros_like(right[:h])]),
            "Each map is turned over its diagonal: its height and width are exchanged.":
                lambda: _sheet(maps.transpose(1, 2), columns),
            "The whole sheet is turned over its diagonal.": right.T,
            "Empty places should be 0 (black).": lambda: torch.where(_sheet(torch.ones_like(maps), columns) > 0, right, 1.0),
        },
    )  # fmt: skip


@exercise("02.4", "selectivity")
def selectivity(call: Call, draw: Draw) -> None:
    n, c = draw.integer(6, 9), draw.integer(4, 5)
    r = draw.uniform(n, c) ** 3 * 5
    r[:, 1] = 0  # a dead channel
    r[:, 2] = 0
    r[draw.integer(0, n - 1), 2] = 3.0  # one that answers to a single image
    mean, power = r.mean(0), r.square().mean(0)
    share = torch.where(power > 0, mean.square() / power.clamp(min=1e-300), 1.0)
    right = (1 - share) / (1 - 1 / n)
    alive = torch.arange(c) != 1
    close(
        call(r),
        right,
        what="the selectivity",
        causes={
            "A channel that never answers gives 0 / 0. Return 0 for it.": (1 - mean.square() / power) / (1 - 1 / n),
            "A channel that never answers got selectivity above 0; a dead channel selects nothing: 0.":
                torch.where(alive, right, 1 / (1 - 1 / n)),
            "The division by (1 - 1/N) is missing: the largest value is then not 1.": 1 - share,
            "The step `1 - ...` is missing: you return how *even* the answers are.": share,
            "The mean was squared after the division. It is the square of the mean over the mean of the squares.":
                torch.where(alive, (1 - (mean / power.clamp(min=1e-300)).square()) / (1 - 1 / n), 0.0),
            "You divided by the square of the mean twice (mean of squares and square of mean are different).":
                torch.zeros(c, dtype=r.dtype),
            "You computed one number per image. The mean runs over the images: dimension 0.":
                lambda: (1 - r.mean(1).square() / r.square().mean(1)) / (1 - 1 / c),
            "You used sums in place of means: with N images the share is then N times too large.":
                torch.where(alive, (1 - share * n) / (1 - 1 / n), (1 - share) / (1 - 1 / n)),
            "You divided by (1 - 1/C); N is the number of images.": (1 - share) / (1 - 1 / c),
            "Without the squares every channel has the same share.": torch.zeros(c, dtype=r.dtype),
        },
    )  # fmt: skip


@exercise("02.5", "separation")
def separation(call: Call, draw: Draw) -> None:
    n, c = draw.integer(9, 12), draw.integer(3, 5)
    r = draw.uniform(n, c).mul(4).round()  # few levels: ties
    inside = draw.rng.permutation(n)[:4].tolist()
    group = [i in inside for i in range(n)]
    chosen = torch.tensor(group)
    a, b = r[chosen][:, None], r[~chosen][None]
    wins, ties = (a > b).double().mean((0, 1)), (a == b).double().mean((0, 1))
    close(
        call(r, group),
        wins + ties / 2,
        what="the separation",
        causes={
            "Equal answers count as lost; each counts one half.": wins,
            "Equal answers count as won; each counts one half.": wins + ties,
            "The sides are exchanged: count how often the group is *higher*.": 1 - wins - ties / 2,
            "You compared the means of the two sides. Count the pairs.": r[chosen].mean(0) - r[~chosen].mean(0),
            "You asked if the mean of the group is higher: that is one bit. Count the pairs.":
                (r[chosen].mean(0) > r[~chosen].mean(0)).double(),
            "You counted the pairs but did not divide by their number.": (wins + ties / 2) * 4 * (n - 4),
            "You divided by the square of the number of images; divide by the number of pairs (inside, outside).":
                (wins + ties / 2) * 4 * (n - 4) / n**2,
            "You compared the group with all images, also with itself.":
                lambda: ((r[chosen][:, None] > r[None]).double() + (r[chosen][:, None] == r[None]).double() / 2).mean((0, 1)),
            "You asked if *every* image of the group lies above all others. Count the pairs.":
                (r[chosen].amin(0) > r[~chosen].amax(0)).double(),
        },
    )  # fmt: skip


@exercise("02.3", "record")
def record(call: Call, draw: Draw) -> None:
    net, images = draw.net("conv", inplace=True), draw.images(2)
    layer = draw.choice(["0", "3"])
    model = list(net.model)
    with torch.no_grad():
        before = images if layer == "0" else model[2](model[1](model[0](images.clone())))
        right = model[int(layer)](before)
        scores = net(images)
    close(
        call(net, images, layer),
        right,
        what="the recorded maps",
        causes={
            "You have what came out of the ReLU: the layer after this one works *in place* and wrote over your record. "
            "Clone the output in the hook.": right.clamp(min=0),
            "You recorded what went into the layer; its output is the third argument of the hook.": before,
            "You returned the scores of the network, not the output of the layer.": scores,
            "You averaged the maps over their positions; return them whole.": right.mean((2, 3)),
            "You returned one image's maps; return all of them.": right[0],
            "You returned one image's maps; return the whole batch.": right[:1],
            "You recorded the other convolution; `layer` says which one.":
                lambda: model[3](model[2](model[1](model[0](images.clone())))) if layer == "0" else model[0](images),
            "You took the absolute value.": right.abs(),
        },
    )  # fmt: skip


QUIZ = (
    Question(
        "With `own` scaling, two maps of a layer both show a bright spot. What may you conclude?",
        (
            ("Both channels answer equally strongly.", "Own scaling stretches each map to its own largest value, so even a whisper becomes white."),
            ("Each map has its largest value at its bright spot; nothing about which is stronger.", "Yes. Compare strengths with shared scaling."),
            ("Both channels look for the same thing.", "The place of a maximum says nothing about what else a channel answers to."),
            ("Both channels are selective.", "Selectivity is about many images; here is one."),
        ),
        1,
    ),
    Question(
        "A ReLU channel is black in all 37 photos. What do you know?",
        (
            ("It is broken and can be removed.", "It may answer to something that is in none of these photos."),
            ("It was silent for these photos.", "Yes, and no more. Dead is a statement about a set of images."),
            ("Its weights are 0.", "Its weights can be anything; the sum stayed at or below 0."),
            ("The network was not trained.", "Trained networks have silent channels, too."),
        ),
        1,
    ),
    Question(
        "Of 512 channels, five put your three face photos above the other 34. Are all five face channels?",
        (
            ("Yes, they separate perfectly.", "On three photos. One of the five failed on new faces in this lesson."),
            ("No: with so many channels some do this by luck; test them on new pictures.", "Yes. The photos that chose a channel cannot also judge it."),
            ("No, networks have no face channels.", "Channel 457 of relu5_1 also found the faces among small gray patches it was not chosen on."),
            ("Only if they are in the same layer.", "The layer does not protect against luck."),
        ),
        1,
    ),
    Question(
        "You planted words, and the channel answered also to the word upside down. What does this say?",
        (
            ("It reads words in any direction.", "It does not read: it cannot tell the word from its mirror image."),
            ("It answers to something that letters have in any direction, such as strokes with gaps of a certain size.", "Yes, more than to bars or blocks of the same size."),
            ("The experiment failed.", "It told you what the name \"text channel\" hides."),
            ("It answers to any black and white patch.", "Bars and blocks moved it less than words."),
        ),
        1,
    ),
)  # fmt: skip
