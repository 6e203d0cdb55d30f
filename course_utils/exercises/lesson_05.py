"""Checks of lesson 05: receptive fields and maximally activating patches."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from course_utils.exercises.compare import close
from course_utils.exercises.machine import Call, Draw, exercise
from course_utils.exercises.quizzes import Question


def _plain(value):
    return list(value) if isinstance(value, tuple) else value


def _field(layers, *, grow=True, dilate=True, less_one=True, pad=True, jump_pad=True, first=False) -> np.ndarray:
    """size, stride, start; the options leave a piece of the formula out."""
    size, jump, start = 1, 1, 0
    for kernel, stride, padding, dilation in layers:
        reach = (kernel - (1 if less_one else 0)) * (dilation if dilate else 1)
        if first:
            jump *= stride
        size += reach * (jump if grow else 1)
        if pad:
            start -= padding * (jump if jump_pad else 1)
        if not first:
            jump *= stride
    return np.array([size, jump, start])


@exercise("05.1", "field_of")
def field_of(call: Call, draw: Draw) -> None:
    stacks = []
    for _ in range(3):
        layers = [
            (draw.choice([3, 5]), 2, draw.integer(1, 2), 1),
            (3, 1, draw.integer(1, 3), draw.integer(2, 3)),
            (draw.choice([2, 4]), draw.choice([2, 3]), 1, 1),
            (draw.choice([3, 5]), 1, draw.integer(0, 1), 1),
        ]
        stacks.append(layers)
    got = [_plain(call(layers)) for layers in stacks]

    def variant(**options):
        return lambda: np.array([_field(layers, **options) for layers in stacks])

    def backward():
        return np.array([_field(layers[::-1]) for layers in stacks])

    close(
        got,
        np.array([_field(layers) for layers in stacks]),
        what="size, stride and start",
        causes={
            "You added kernel - 1 without the stride so far. One step of a deep layer is many pixels wide.":
                variant(grow=False),
            "The dilation is missing: a kernel of k places reaches (k - 1) * dilation.": variant(dilate=False),
            "A kernel of k places adds k - 1 steps, not k: the first place is there already.": variant(less_one=False),
            "The start is missing: padding moves the first field to the left.": variant(pad=False),
            "The padding is counted in places of its own layer: multiply it by the stride so far.":
                variant(jump_pad=False),
            "You multiplied the stride too early: a layer's own stride counts from the next layer on.":
                variant(first=True),
            "You went through the layers from last to first.": backward,
        },
    )  # fmt: skip


def _box(y, x, size, stride, start, height, width, *, cut=True) -> np.ndarray:
    top, left = start + y * stride, start + x * stride
    box = np.array([top, left, top + size, left + size])
    return np.array([max(0, top), max(0, left), min(height, top + size), min(width, left + size)]) if cut else box


@exercise("05.2", "patch_box")
def patch_box(call: Call, draw: Draw) -> None:
    size, stride, start = draw.integer(9, 12), draw.integer(3, 5), -draw.integer(2, 4)
    height, width = draw.integer(40, 44), draw.integer(52, 58)
    last_y, last_x = (height - 3 - start) // stride, (width - 3 - start) // stride
    places = [
        (0, draw.integer(3, 6)),
        (draw.integer(2, 4), 0),
        (last_y, last_x),
        (draw.integer(3, 4), draw.integer(5, 7)),
    ]
    rest = (size, stride, start, height, width)

    def all_of(function):
        return lambda: np.array([function(y, x) for y, x in places])

    def moved_inside(y, x):
        top, left, bottom, right = _box(y, x, *rest, cut=False)
        down, across = max(0, -top) - max(0, bottom - height), max(0, -left) - max(0, right - width)
        return np.array([top + down, left + across, bottom + down, right + across])

    def cut_start(y, x):
        top, left = max(0, start + y * stride), max(0, start + x * stride)
        return np.array([top, left, min(height, top + size), min(width, left + size)])

    close(
        [_plain(call(y, x, *rest)) for y, x in places],
        all_of(lambda y, x: _box(y, x, *rest))(),
        what="the boxes",
        causes={
            "The box reaches over the border; cut it off there.": all_of(lambda y, x: _box(y, x, *rest, cut=False)),
            "You cut the top left corner first and measured the size from there. Cut both ends by themselves.":
                all_of(cut_start),
            "You moved the box inside. What lies outside of the photo was padding: cut it off.": all_of(moved_inside),
            "The start is missing: the first field does not begin at pixel 0.":
                all_of(lambda y, x: _box(y, x, size, stride, 0, height, width)),
            "The stride is missing: one step in the map is `stride` pixels.":
                all_of(lambda y, x: _box(y, x, size, 1, start, height, width)),
            "Rows and columns are exchanged: y counts rows, from the top.":
                all_of(lambda y, x: _box(x, y, *rest)),
            "Bottom and right are the last pixels; they should be one after the last, as in a slice.":
                all_of(lambda y, x: _box(y, x, *rest) - np.array([0, 0, 1, 1])),
            "The order is top, left, bottom, right.": all_of(lambda y, x: _box(y, x, *rest)[[1, 0, 3, 2]]),
            "You put the place in the middle of the box; `start` says where its first pixel is.":
                all_of(lambda y, x: np.clip(_box(y, x, *rest, cut=False) - size // 2, 0, [height, width, height, width])),
        },
    )  # fmt: skip


def _top(maps: Tensor, k: int, *, smallest=False, sizes=False) -> Tensor:
    flat = maps.flatten(2)
    best, where = (flat.abs() if sizes else flat).max(2)
    order = best.argsort(dim=0, descending=not smallest)[:k]
    rows = []
    for channel in range(maps.shape[1]):
        n = order[:, channel]
        at = where[n, channel]
        rows.append(torch.stack([n, at // maps.shape[3], at % maps.shape[3]], 1))
    return torch.stack(rows).double()


@exercise("05.3", "top_places")
def top_places(call: Call, draw: Draw) -> None:
    count, channels, height, width = draw.integer(6, 7), draw.integer(3, 4), draw.integer(4, 5), draw.integer(8, 9)
    maps, k = draw.normal(count, channels, height, width), 3
    # One image holds the two largest values of every channel, and the largest in size is negative.
    for channel in range(channels):
        image = draw.integer(0, count - 1)
        maps[image, channel, 0, 1], maps[image, channel, height - 1, width - 1] = 5.0, 6.0 + draw.number()
        maps[(image + 1) % count, channel, 1, draw.integer(0, width - 1)] = -9.0
    right = _top(maps, k)

    def anywhere():
        flat = maps.transpose(0, 1).flatten(1)
        where = flat.topk(k, dim=1).indices
        n, at = where // (height * width), where % (height * width)
        return torch.stack([n, at // width, at % width], -1).double()

    def turned():
        at = right[..., 1] * width + right[..., 2]
        return torch.stack([right[..., 0], at // height, at % height], -1)

    def by_mean():
        order = maps.mean((2, 3)).argsort(dim=0, descending=True)[:k]
        where = maps.flatten(2).argmax(2)
        rows = [
            torch.stack([order[:, c], where[order[:, c], c] // width, where[order[:, c], c] % width], 1)
            for c in range(channels)
        ]
        return torch.stack(rows).double()

    close(
        call(maps, k),
        right,
        what="the places",
        causes={
            "One image appears twice for a channel. Take the best place of every image first, then the best images.": anywhere,
            "Rows and columns are exchanged.": right[..., [0, 2, 1]],
            "You divided the flat index by the height. A row holds `width` places: y = index // width, x = index % width.":
                turned,
            "You took the smallest answers.": _top(maps, k, smallest=True),
            "You took the largest size. A strongly negative answer is not a strong answer.": _top(maps, k, sizes=True),
            "You ordered the images by their mean answer; order them by their largest one.": by_mean,
            "The weakest comes first; put the strongest first.": right.flip(1),
            "The first index of the result is the channel, the second the rank.": right.transpose(0, 1),
        },
    )  # fmt: skip


@exercise("05.4", "merge_top")
def merge_top(call: Call, draw: Draw) -> None:
    channels, k = draw.integer(3, 5), draw.integer(3, 4)

    def sorted_run(first):
        values = draw.uniform(channels, k).sort(dim=1, descending=True).values
        rows = [
            sorted(draw.rng.choice(50, size=k, replace=False).tolist(), key=lambda _: draw.number())
            for _ in range(channels)
        ]
        return values, torch.tensor(rows) + first

    (va, ia), (vb, ib) = sorted_run(0), sorted_run(100)
    values, images = torch.cat([va, vb], 1), torch.cat([ia, ib], 1)
    order = values.argsort(dim=1, descending=True)[:, :k]

    def both(v, i):
        return torch.stack([v.double(), i.double()])

    right = both(values.gather(1, order), images.gather(1, order))
    got = call(va, ia, vb, ib)
    pair = [np.asarray(one, dtype=float) for one in got] if isinstance(got, (tuple, list)) else got
    close(
        np.stack(pair) if isinstance(pair, list) and len({p.shape for p in pair}) == 1 else pair,
        right,
        what="the merged values and image numbers",
        causes={
            "The image numbers did not move with their values: order both with the same indices.":
                both(values.gather(1, order), images[:, :k]),
            "You sorted the image numbers by themselves. They must keep the order of their values.":
                both(values.gather(1, order), images.sort(dim=1, descending=True).values[:, :k]),
            "You compared rank with rank. Both of the best may be in one half: put the halves together, then take the k best.":
                both(torch.maximum(va, vb), torch.where(va >= vb, ia, ib)),
            "The smallest values are kept.":
                both(*(t.gather(1, values.argsort(dim=1)[:, :k]) for t in (values, images))),
            "You kept all 2k; only the k best stay, so that memory does not grow.":
                both(*(t.gather(1, values.argsort(dim=1, descending=True)) for t in (values, images))),
            "Only the first half is there.": both(va, ia),
            "All channels were mixed: each row is a channel of its own.":
                lambda: _mixed(values, images, k),
        },
    )  # fmt: skip


def _mixed(values: Tensor, images: Tensor, k: int) -> Tensor:
    order = values.flatten().argsort(descending=True)[: len(values) * k]
    return torch.stack([t.flatten()[order].reshape(len(values), k).double() for t in (values, images)])


QUIZ = (
    Question(
        "Two layers with 3 x 3 kernels and stride 1 follow each other. How large is the receptive field?",
        (
            ("3 x 3", "That is one layer."),
            ("5 x 5", "Yes: 1 + 2 + 2. Each layer adds kernel - 1 pixels while the stride is 1."),
            ("6 x 6", "The fields overlap: a kernel of 3 adds 2."),
            ("9 x 9", "They add up; they do not multiply."),
        ),
        1,
    ),
    Question(
        "Why is at most one patch taken from each photo here?",
        (
            ("A photo has only one maximum.", "The neighbors of the maximum are often the next best."),
            ("Otherwise neighbors in one photo fill the row, and it looks as if the channel liked nothing else.", "Yes: nine nearly equal patches say less than nine from nine photos."),
            ("It is faster.", "Slightly, but that is not the reason."),
            ("The memory would not suffice.", "The memory is channels times k either way."),
        ),
        1,
    ),
    Question(
        "All nine top patches of a channel show dog faces. What may you conclude?",
        (
            ("The channel answers to dog faces and to nothing else.", "You have seen the nine best of these photos only. Weaker answers may look very different."),
            ("Among these photos, dog faces drive it most.", "Yes. In a set without dogs it would show something else."),
            ("The network was trained on dog faces only.", "A channel says nothing about the whole training set."),
            ("Without this channel, dogs are not recognized.", "That is a question for an experiment: switch it off."),
        ),
        1,
    ),
    Question(
        "The patches are 196 pixels wide, but the channel seems to like a small detail in the middle. Why?",
        (
            ("The receptive field was computed wrongly.", "It is exact: no pixel outside can have any effect."),
            ("The field says what can have an effect. Pixels at its rim have few paths to the unit, so their effect is small.", "Yes: the effective field is much smaller, with most weight in the middle."),
            ("The patch was resized.", "It is cut out at its own size."),
            ("Pooling throws the rim away.", "Pooling takes the largest value, wherever it is."),
        ),
        1,
    ),
)  # fmt: skip
