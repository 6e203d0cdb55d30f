"""Checks of lesson 06: occlusion."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils.exercises.compare import close, number, require
from course_utils.exercises.machine import Call, Draw, exercise
from course_utils.exercises.quizzes import read_quiz


def starts(size: int, window: int, stride: int) -> Iterable[int]:
    return range(0, stride * math.ceil((size - window) / stride) + 1, stride)


def drops(
    net, image, target, window, stride, gray, *, read=lambda s, k: s[0, k], places=starts, pile_up=False
) -> Tensor:
    """The right grid; `read` gets the scores and the target, `places` says where windows begin."""
    clean, rows, covered = read(net(image), target), [], image.clone()
    for top in places(image.shape[2], window, stride):
        rows.append([])
        for left in places(image.shape[3], window, stride):
            covered = covered if pile_up else image.clone()
            covered[:, :, top : top + window, left : left + window] = gray
            rows[-1].append(clean - read(net(covered), target))
    return torch.tensor(rows, dtype=torch.float64)


@exercise("06.1", "drop_grid")
def drop_grid(call: Call, draw: Draw) -> None:
    net, image = draw.net("conv"), draw.images(1, draw.choice([10, 13]), draw.choice([14, 16]))
    target, gray = draw.integer(0, 4), draw.number(0.55, 0.9)
    inputs = net, image, target, 4, 3, gray
    right = drops(*inputs)
    got, again = call.twice(*inputs)
    close(got, right, what="the grid of drops")
    close(again, right, what="the grid of the second call on the same image")


def paints_into_the_image(net, image, target, window, stride, gray):
    grid = drops(net, image, target, window, stride, gray)
    image.fill_(gray)
    return grid


drop_grid.slips = {
    "The sign is turned around: it is the clean score minus the score with the window covered.": (
        lambda *inputs: -drops(*inputs)
    ),
    "You returned the scores themselves. The grid holds how far each score falls below the clean one.": (
        lambda net, image, target, *rest: net(image)[0, target] - drops(net, image, target, *rest)
    ),
    "You used the probability after the softmax; use the score before it.": (
        partial(drops, read=lambda scores, target: scores.softmax(1)[0, target])
    ),
    "The windows pile up: each one must cover a fresh copy of the image.": partial(drops, pile_up=True),
    "You covered with 0. `gray` says what covers.": lambda *inputs: drops(*inputs[:-1], 0.0),
    "The next window begins where the last one ended. It begins `stride` pixels further.": (
        lambda net, image, target, window, stride, gray: drops(net, image, target, window, window, gray)
    ),
    "The last windows are missing: they hang over the border and are cut there. Round the number of steps up.": (
        partial(drops, places=lambda size, window, stride: range(0, size - window + 1, stride))
    ),
    "There are windows too many: the last one is the first that reaches the border.": (
        partial(drops, places=lambda size, window, stride: range(0, size, stride))
    ),
    "Rows and columns are exchanged: the first index of the grid is the row.": lambda *inputs: drops(*inputs).T,
    "The class is not the target: you used the predicted one.": (
        lambda net, image, target, *rest: drops(net, image, net(image).argmax(), *rest)
    ),
    "You painted into the caller's image. Cover a copy: image.clone().": paints_into_the_image,
}


def painted(out: Tensor, grid: Tensor, window: int, stride: int, paint: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """Go through the windows and set what lies in each to `paint(what is there, drop)`."""
    for i, row in enumerate(grid):
        for j, drop in enumerate(row):
            place = slice(i * stride, i * stride + window), slice(j * stride, j * stride + window)
            out[place] = paint(out[place], drop)
    return out


def total(grid, height, width, window, stride) -> Tensor:
    return painted(grid.new_zeros(height, width), grid, window, stride, lambda there, drop: there + drop)


def count(grid, height, width, window, stride) -> Tensor:
    return painted(grid.new_zeros(height, width), grid, window, stride, lambda there, drop: there + 1)


@exercise("06.2", "spread")
def spread(call: Call, draw: Draw) -> None:
    window, stride = draw.choice([(5, 3), (4, 2), (5, 2)])
    height, width = draw.integer(12, 14), draw.integer(16, 19)
    grid = draw.normal(len(starts(height, window, stride)), len(starts(width, window, stride)))
    inputs = grid, height, width, window, stride
    close(call(*inputs), total(*inputs) / count(*inputs), what="the map")


def last_window_wins(grid, height, width, window, stride):
    return painted(grid.new_zeros(height, width), grid, window, stride, lambda there, drop: drop)


def corner_only(grid, height, width, window, stride):
    return painted(grid.new_zeros(height, width), grid, 1, stride, lambda there, drop: drop)


def largest_drop(grid, height, width, window, stride):
    lowest = grid.new_full((height, width), -math.inf)
    return painted(lowest, grid, window, stride, lambda there, drop: there.clamp(min=drop))


def stretched(grid, height, width, window, stride, *, mode="nearest"):
    return F.interpolate(grid[None, None], size=(height, width), mode=mode)[0, 0]


spread.slips = {
    "You added up the windows that cover a pixel; divide by how many there are.": total,
    "Later windows overwrite earlier ones. Average all windows that cover a pixel.": last_window_wins,
    "You divided by the area of the window. Divide by the number of windows that cover the pixel.": (
        lambda grid, height, width, window, stride: total(grid, height, width, window, stride) / window**2
    ),
    "You divided by the same number everywhere. Near the border fewer windows cover a pixel.": (
        lambda *inputs: total(*inputs) / count(*inputs).max()
    ),
    "You divided by the number of all windows.": lambda *inputs: total(*inputs) / inputs[0].numel(),
    "You put each drop at the window's corner only. It belongs to every pixel of the window.": corner_only,
    "You took the largest drop of the windows that cover a pixel; take the mean.": largest_drop,
    "You stretched the grid to the size of the image. Average the windows that cover each pixel.": stretched,
    "You stretched the grid smoothly to the size of the image. Average the windows that cover each pixel.": (
        partial(stretched, mode="bilinear")
    ),
}


def reach(start, stop, kernel, stride, padding, size) -> tuple[int, int]:
    """By trying every output, so that no formula is trusted."""
    outputs = range((size + 2 * padding - kernel) // stride + 1)
    hit = [o for o in outputs if o * stride - padding < stop and o * stride - padding + kernel > start]
    return hit[0], hit[-1] + 1


@exercise("06.3", "reached")
def reached(call: Call, draw: Draw) -> None:
    cases = []
    for layer in ((3, 1, 1), (5, 2, 2), (3, 2, 1), (5, 1, 0), (4, 3, 1), (2, 2, 0), (3, 1, 1), (3, 2, 1)):
        start, size = draw.integer(8, 13), draw.integer(30, 36)
        cases.append([start, start + draw.integer(3, 7), *layer, size])
    for which, corner in ((0, 0), (3, 0), (6, 1), (7, 1)):  # windows at the border
        cases[which][1] = cases[which][5] if corner else cases[which][1] - cases[which][0]
        cases[which][0] = cases[which][5] - 4 if corner else 0
    for start in (9, 10, 11, 12):  # every remainder of the stride
        cases.append([start, start + 5, 4, 3, 1, 34])
    got = []
    for case in cases:
        pair = call(*case)
        require(
            isinstance(pair, (tuple, list)) or getattr(pair, "shape", ()) != (),
            "the function should return two numbers, first and stop.",
            cause="A function without a `return` line returns None." if pair is None else "",
        )
        got.append([int(number(one, "each of the two numbers")) for one in pair])
    close(np.array(got), np.array([reach(*case) for case in cases]), what="the range of outputs")


def not_cut(start, stop, kernel, stride, padding, size):
    return math.ceil((start + padding - kernel + 1) / stride), (stop - 1 + padding) // stride + 1


def rounded_down(start, stop, kernel, stride, padding, size):
    return max(0, (start + padding - kernel + 1) // stride), reach(start, stop, kernel, stride, padding, size)[1]


def padding_missing(start, stop, kernel, stride, padding, size):
    outputs = (size + 2 * padding - kernel) // stride + 1
    first, last = not_cut(start, stop, kernel, stride, 0, size)
    return max(0, first), min(outputs, last)


reached.slips = {
    "The padding is missing: output o reads the inputs from o * stride - padding on.": padding_missing,
    "The first output is rounded down; it must be rounded up, or it does not see the window.": rounded_down,
    "Cut the range at the border: outputs go from 0 to the number of outputs.": not_cut,
    "The kernel's width is not used: an output sees `kernel` inputs, so outputs before the window see it, too.": (
        lambda start, stop, kernel, stride, padding, size: (
            max(0, math.ceil((start + padding) / stride)),
            reach(start, stop, kernel, stride, padding, size)[1],
        )
    ),
    "The second number is the last output; it should be the one after the last, as in a slice.": (
        lambda *inputs: (reach(*inputs)[0], reach(*inputs)[1] - 1)
    ),
    "One output too many at the end: the input at `stop` has not changed.": (
        lambda start, stop, *layer: (reach(start, stop, *layer)[0], reach(start, stop + 1, *layer)[1])
    ),
    "You gave start and length; give start and stop.": lambda *inputs: (reach(*inputs)[0], np.ptp(reach(*inputs))),
}


def pasted(x: Tensor, patch: Tensor, top: int, left: int) -> Tensor:
    out = x.clone()
    out[:, :, top : top + patch.shape[2], left : left + patch.shape[3]] = patch
    return out


def convolved(x, y, weight, patch, top, left) -> Tensor:
    return F.conv2d(pasted(x, patch, top, left), weight, padding=1)


@exercise("06.4", "update")
def update(call: Call, draw: Draw) -> None:
    for corner in (False, True):
        height, width = draw.integer(9, 11), draw.integer(12, 14)
        x, weight = draw.normal(1, 3, height, width), draw.normal(4, 3, 3, 3)
        h, w = draw.integer(2, 3), draw.integer(4, 5)
        top, left = (0, width - w) if corner else (draw.integer(2, 4), draw.integer(2, 5))
        inputs = x, F.conv2d(x, weight, padding=1), weight, draw.normal(1, 3, h, w), top, left
        close(call(*inputs), convolved(*inputs), what="the new output")


def no_halo(x, y, weight, patch, top, left):
    return pasted(y, F.conv2d(patch, weight, padding=1), top, left)


def no_ring(x, y, weight, patch, top, left):
    h, w = patch.shape[2:]
    full = convolved(x, y, weight, patch, top, left)
    return pasted(y, full[:, :, top : top + h, left : left + w], top, left)


def rest_is_zero(x, y, weight, patch, top, left):
    return convolved(torch.zeros_like(x), y, weight, patch, top, left)


def zeros_around(x, y, weight, patch, top, left):
    alone = rest_is_zero(x, y, weight, patch, top, left)
    rows = slice(max(0, top - 1), top + patch.shape[2] + 1)
    columns = slice(max(0, left - 1), left + patch.shape[3] + 1)
    return pasted(y, alone[:, :, rows, columns], rows.start, columns.start)


update.slips = {
    "You convolved the patch alone, with zeros around it, and put it at its own place. It needs the clean neighbors "
    "around it, and the outputs one pixel outside change, too.": no_halo,
    "Outputs one pixel outside of the patch change as well: a 3 x 3 kernel reaches over its edge.": no_ring,
    "The range is right, but there are zeros around the patch. Outside of it, the input is the clean one.": (
        zeros_around
    ),
    "Nothing has changed: this is the clean output.": lambda x, y, *rest: y,
    "Everything but the patch is gone: outside of the reach, the output is the clean one.": rest_is_zero,
}


def class_grid(
    net, image, window, stride, gray, *, choose=lambda s: s[0].argmax(), places=starts, pile_up=False
) -> Tensor:
    """The right grid; `choose` gets the scores (1, classes) of a covered image, `places` says where windows begin."""
    rows, covered = [], image.clone()
    for top in places(image.shape[2], window, stride):
        rows.append([])
        for left in places(image.shape[3], window, stride):
            covered = covered if pile_up else image.clone()
            covered[:, :, top : top + window, left : left + window] = gray
            rows[-1].append(choose(net(covered)))
    return torch.tensor(rows, dtype=torch.float64)


def _between_classes(draw: Draw) -> tuple:
    """Inputs for which the winner changes with the place and with the cover, and no two classes are close to a tie."""
    while True:
        net, image = draw.net("conv"), draw.images(1, draw.choice([10, 13]), draw.choice([14, 16]))
        inputs = net, image, 6, 3, 0.9
        right = class_grid(*inputs)
        others = class_grid(*inputs[:-1], 0.0), class_grid(*inputs, pile_up=True), net(image).argmax() + 0 * right
        lead = class_grid(*inputs, choose=lambda scores: -scores[0].topk(2).values.diff())
        if len({tuple(grid.flatten().tolist()) for grid in (right, *others)}) == 4 and lead.min() > 1e-4:
            return inputs


@exercise("06.5", "winners")
def winners(call: Call, draw: Draw) -> None:
    inputs = _between_classes(draw)
    close(call(*inputs), class_grid(*inputs), what="the grid of classes")


def falls_most(net, image, window, stride, gray):
    clean = net(image)[0]
    return class_grid(net, image, window, stride, gray, choose=lambda s: (clean - s[0]).argmax())


winners.slips = {
    "This is the class of the photo without a window, at every place.": (
        lambda net, image, *rest: torch.full_like(class_grid(net, image, *rest), net(image)[0].argmax().item())
    ),
    "You returned the largest score. Return the index of the class that has it: argmax.": (
        partial(class_grid, choose=lambda scores: scores[0].max().item())
    ),
    "You took the class with the smallest score; the winner has the largest.": (
        partial(class_grid, choose=lambda scores: scores[0].argmin())
    ),
    "You took the class whose score falls most. The winner has the largest score of the covered image.": falls_most,
    "The windows pile up: each one must cover a fresh copy of the image.": partial(class_grid, pile_up=True),
    "You covered with 0. `gray` says what covers.": lambda *inputs: class_grid(*inputs[:-1], 0.0),
    "Rows and columns are exchanged: the first index of the grid is the row.": lambda *inputs: class_grid(*inputs).T,
    "The next window begins where the last one ended. It begins `stride` pixels further.": (
        lambda net, image, window, stride, gray: class_grid(net, image, window, window, gray)
    ),
    "The last windows are missing: they hang over the border and are cut there. Round the number of steps up.": (
        partial(class_grid, places=lambda size, window, stride: range(0, size - window + 1, stride))
    ),
    "There are windows too many: the last one is the first that reaches the border.": (
        partial(class_grid, places=lambda size, window, stride: range(0, size, stride))
    ),
}


QUIZ = read_quiz("""
An occlusion map is strongly negative (blue) on a part of the photo. What does this say?
+ Covering this part raises the score: what is there speaks against the class.
  Yes: the drop S(x) - S(covered) is negative, so the covered image scores higher.
- The network does not look at this part.
  Then the drop would be close to 0.
- The window was too large.
  The sign does not depend on the size of the window.
- The class is not in the photo.
  A map of a class that is there can have negative parts, too.

Two equal objects are in a photo. You cover one of them, and the score hardly falls. What follows?
- The network does not use these objects.
  It may use whichever is left. Cover both to find out.
+ One window cannot tell: the other object may carry the score.
  Yes: occlusion asks what happens when one place is lost, and the rest can make up for it.
- The baseline was wrong.
  Any baseline leaves the second object visible.
- The object should have been larger.
  It is not a question of size.

Why do occlusion maps with a gray, a blurred and a noisy window differ?
- Noise is slower.
  The time is the same.
+ What covers a place is itself a picture: the network sees something new, not nothing.
  Yes: a gray square has edges, noise has a texture. A finding should survive more than one baseline.
- The window has another size.
  Its size is the same in all of them.
- Only gray is correct.
  There is no image of nothing. Each choice asks a slightly different question.

Exact incremental inference gains a lot in early layers and little in late ones. Why?
- Late layers have more weights.
  The number of weights is the same for the crop and for the whole map.
+ Through every layer the reached part of the map grows, until it is the whole map.
  Yes: the receptive field read backward. Where everything is reached, nothing can be saved.
- Late layers are not convolutions.
  In VGG-19 all 16 layers of weights here are.
- Rounding errors grow.
  It is exact: the same numbers are added up, up to the order.
""")
