"""Checks of lesson 06: occlusion."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils.exercises.compare import close
from course_utils.exercises.machine import Call, Draw, exercise
from course_utils.exercises.quizzes import read_quiz
from course_utils.exercises.several import several


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
    net, gray = draw.net("conv"), draw.number(0.6, 0.9)
    # the last window fits along one side of the image and hangs over the border along the other
    for height, width, window, stride in (
        (draw.choice([10, 13]), draw.choice([14, 17]), 4, 3),
        (draw.choice([12, 14]), draw.choice([9, 11]), 5, 2),
    ):
        image = draw.images(1, height, width)
        target = (int(net(image).argmax()) + draw.integer(1, 4)) % 5  # not the prediction
        inputs = net, image, target, window, stride, gray
        close(call(*inputs), drops(*inputs), what="the grid of drops")


def square_grid(net, image, target, window, stride, gray, dimension) -> Tensor:
    """As many rows as columns, counted along one dimension of the image; what lies outside covers nothing."""
    size = image.shape[dimension]
    return drops(net, image, target, window, stride, gray, places=lambda _, *steps: starts(size, *steps))


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
    "You covered with 0. The argument gray says what covers.": lambda *inputs: drops(*inputs[:-1], 0.0),
    "The next window begins where the last one ended. It begins one stride further.": (
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
    "You went around the network's normalization: run net(...), not net.model(...).": (
        lambda net, *rest: drops(net.model, *rest)
    ),
    "You covered with 0.5. The argument gray says what covers.": lambda *inputs: drops(*inputs[:-1], 0.5),
    "You covered with the mean of the image. The argument gray says what covers.": (
        lambda net, image, *rest: drops(net, image, *rest[:-1], image.mean())
    ),
    "You took as many columns as rows. The width says how many columns there are.": (
        lambda net, image, target, window, stride, gray: square_grid(net, image, target, window, stride, gray, 2)
    ),
    "You took as many rows as columns. The height says how many rows there are.": (
        lambda net, image, target, window, stride, gray: square_grid(net, image, target, window, stride, gray, 3)
    ),
    "You set negative drops to 0. Where covering raises the score, the drop is negative.": (
        lambda *inputs: drops(*inputs).clamp(min=0)
    ),
    "You took the absolute value. Where covering raises the score, the drop is negative.": (
        lambda *inputs: drops(*inputs).abs()
    ),
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
    for window, stride, height, width in (
        (5, 3, draw.choice([12, 13]), draw.choice([16, 18, 19])),
        (*draw.choice([(4, 2), (6, 2)]), draw.choice([17, 19]), draw.choice([11, 13])),
        (3, 3, draw.integer(10, 11), draw.choice([7, 8])),  # windows side by side
    ):  # sizes where the last windows hang over the border
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


def outputs(kernel, stride, padding, size) -> int:
    """How many a layer has."""
    return (size + 2 * padding - kernel) // stride + 1


def reach(start, stop, kernel, stride, padding, size) -> tuple[int, int]:
    """By trying every output, so that no formula is trusted."""
    tried = range(outputs(kernel, stride, padding, size))
    hit = [o for o in tried if o * stride - padding < stop and o * stride - padding + kernel > start]
    return hit[0], hit[-1] + 1


@exercise("06.3", "reached")
def reached(call: Call, draw: Draw) -> None:
    cases = []
    for layer in ((3, 1, 1), (5, 2, 2), (3, 2, 1), (5, 1, 0), (4, 3, 1), (2, 2, 0)):
        start, size = draw.integer(8, 13), draw.integer(30, 36)
        cases.append([start, start + draw.integer(3, 7), *layer, size])
    for layer in ((3, 1, 1), (5, 1, 0), (3, 2, 1), (4, 3, 1)):  # windows at both borders
        size, length = draw.choice([30, 34, 36]), draw.integer(3, 6)  # with a last input that begins no output
        cases += [[0, length, *layer, size], [size - length, size, *layer, size]]
    cases += [[0, 31, 5, 2, 2, 31], [12, 13, 3, 1, 1, 31]]  # the whole input, and a single number of it
    for start in (9, 10, 11, 12):  # every remainder of the stride
        cases.append([start, start + 5, 4, 3, 1, 34])
    right = [reach(*case) for case in cases]
    got = several(call, cases, what="the range, first and stop")
    close(got, right, what="the ranges of outputs, for several windows")


def not_cut(start, stop, kernel, stride, padding, size):
    return math.ceil((start + padding - kernel + 1) / stride), (stop - 1 + padding) // stride + 1


def rounded_down(start, stop, kernel, stride, padding, size):
    return max(0, (start + padding - kernel + 1) // stride), reach(start, stop, kernel, stride, padding, size)[1]


def bounds(start, stop, *layer):
    first, last = not_cut(start, stop, *layer)
    return max(0, first), min(outputs(*layer), last)


def padding_missing(start, stop, kernel, stride, padding, size):
    first, last = not_cut(start, stop, kernel, stride, 0, size)
    return max(0, first), min(outputs(kernel, stride, padding, size), last)


def not_rounded(start, stop, *layer):
    kernel, stride, padding, _ = layer
    first, last = (start + padding - kernel + 1) / stride, (stop - 1 + padding) / stride
    return max(0, first), min(outputs(*layer), last + 1)


def inside_only(start, stop, *layer):
    kernel, stride, padding, _ = layer
    first, last = math.ceil((start + padding) / stride), (stop - kernel + padding) // stride
    return max(0, first), min(outputs(*layer), last + 1)


reached.slips = {
    "The padding is missing: output o reads the inputs from o * stride - padding on.": padding_missing,
    "The first output is rounded down; it must be rounded up, or it does not see the window.": rounded_down,
    "Cut the range at the border: outputs go from 0 to the number of outputs.": not_cut,
    "The kernel's width is not used: an output sees several inputs, so outputs before the window see it, too.": (
        lambda start, stop, kernel, stride, padding, size: (
            max(0, math.ceil((start + padding) / stride)),
            reach(start, stop, kernel, stride, padding, size)[1],
        )
    ),
    "The second number is the last output; it should be the one after the last, as in a slice.": (
        lambda *inputs: (reach(*inputs)[0], reach(*inputs)[1] - 1)
    ),
    "There is one output too many at the end: the input number stop has not changed.": (
        lambda start, stop, *layer: (reach(start, stop, *layer)[0], reach(start, stop + 1, *layer)[1])
    ),
    "The padding is missing, in the number of outputs as well.": (
        lambda start, stop, kernel, stride, padding, size: bounds(start, stop, kernel, stride, 0, size)
    ),
    "The range is cut at its end only. Outputs begin at 0: cut it there as well.": (
        lambda *inputs: (not_cut(*inputs)[0], reach(*inputs)[1])
    ),
    "The range is cut at its beginning only. Cut its end at the number of outputs as well.": (
        lambda *inputs: (reach(*inputs)[0], not_cut(*inputs)[1])
    ),
    "There is one output more: (size + 2 * padding - kernel) // stride + 1. You left out the + 1.": (
        lambda *inputs: (reach(*inputs)[0], min(reach(*inputs)[1], outputs(*inputs[2:]) - 1))
    ),
    "The first output is one too early: an output sees kernel - 1 more inputs after its first one.": (
        lambda start, *rest: (reach(max(0, start - 1), *rest)[0], reach(start, *rest)[1])
    ),
    "You divided without rounding. The numbers of outputs are integers.": not_rounded,
    "You counted only outputs that lie in the window as a whole. One changed input is enough.": inside_only,
    "You cut at the number of inputs. There are fewer outputs: (size + 2 * padding - kernel) // stride + 1.": (
        lambda start, stop, kernel, stride, padding, size: (
            reach(start, stop, kernel, stride, padding, size)[0],
            min(size, (stop - 1 + padding) // stride + 1),
        )
    ),
    "These are all outputs of the layer, not only those that see the window.": (
        lambda start, stop, *layer: (0, outputs(*layer))
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
    low, high = draw.integer(9, 11), draw.integer(12, 14)
    flat, long = draw.integer(2, 3), draw.integer(4, 5)
    for height, width, h, w, top, left in (
        (low, high, flat, long, draw.integer(2, 4), draw.integer(2, 5)),  # inside
        (low, high, flat, long, 0, high - long),  # top right
        (high, low, long, flat, high - long, 0),  # bottom left
        (low, high, 1, 1, 1, draw.integer(2, 5)),  # one pixel, beside the border
        (low, high, low, long, 0, draw.integer(2, 4)),  # as high as the image
    ):
        x, weight = draw.normal(1, 3, height, width), draw.normal(4, 3, 3, 3)
        inputs = x, F.conv2d(x, weight, padding=1), weight, draw.normal(1, 3, h, w), top, left
        close(call(*inputs), convolved(*inputs), what="the new output")


def no_halo(x, y, weight, patch, top, left):
    return pasted(y, F.conv2d(patch, weight, padding=1), top, left)


def ring(x, y, weight, patch, top, left, *, rows: int, columns: int) -> Tensor:
    """The right output in the patch and so many rows and columns around it."""
    full = convolved(x, y, weight, patch, top, left)
    a, c = max(0, top - rows), max(0, left - columns)
    return pasted(y, full[:, :, a : top + patch.shape[2] + rows, c : left + patch.shape[3] + columns], a, c)


def crop_with_zeros(x, y, weight, patch, top, left):
    a, c = max(0, top - 1), max(0, left - 1)
    crop = pasted(x, patch, top, left)[:, :, a : top + patch.shape[2] + 1, c : left + patch.shape[3] + 1]
    return pasted(y, F.conv2d(crop, weight, padding=1), a, c)


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
    "Outputs one pixel outside of the patch change as well: a 3 x 3 kernel reaches over its edge.": (
        partial(ring, rows=0, columns=0)
    ),
    "The range is right, but there are zeros around the patch. Outside of it, the input is the clean one.": (
        zeros_around
    ),
    "Nothing has changed: this is the clean output.": lambda x, y, *rest: y,
    "You cut the changed input out without its neighbors and padded it with zeros: the outputs at the edge of the cut "
    "are wrong. Cut one pixel more on each side, and pad only at the border of the image.": crop_with_zeros,
    "Only the rows above and below the patch were added. The columns beside it change as well.": (
        partial(ring, rows=1, columns=0)
    ),
    "Only the columns beside the patch were added. The rows above and below it change as well.": (
        partial(ring, rows=0, columns=1)
    ),
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
+ With this cover the score is higher than with what is there; more it does not say.
  Yes: the drop S(x) - S(covered) is negative. Another cover or another window may turn the sign.
- The network does not look at this part: it does not matter what is there.
  Then the drop would be close to 0.
- The window was too large: with the right size of window this part would be red.
  The sign can change with the window. But no size is the right one: each asks another question.
- The class is not in the photo: the map of a class that is there is not negative.
  A map of a class that is there can have negative parts, too.

Two equal objects are in a photo. You cover one of them, and the probability hardly falls. What
follows?
- The network does not use these objects: it knows the class from the rest.
  It may use whichever is left. Look at the log-odds, and cover both.
+ One window cannot tell: the network may still be sure by the other one.
  Yes: where it is sure, the softmax is flat, and the probability hides what the log-odds show. Cover both.
- The baseline was wrong: with another color the probability would have fallen.
  Any baseline leaves the second object visible.
- The object should have been larger.
  It is not a question of size.

Why do occlusion maps with a gray, a blurred and a noisy window differ?
- Noise is slower: the network needs more steps to see through it.
  The time is the same.
+ What covers a place is itself a picture: the network sees something new.
  Yes, and not nothing: a gray square has edges, noise has a texture. A finding should survive more than one baseline.
- The window has another size: blur and noise reach over its edge.
  Its size is the same in all of them.
- Only gray is correct: it is the image of nothing, and the others are mistakes.
  There is no image of nothing. Each choice asks a slightly different question.

Exact incremental inference gains a lot in early layers and little in late ones. Why?
- Late layers have more weights, and a crop of the photo needs all of those weights, too.
  The number of weights is the same for the crop and for the whole map.
+ The reached part grows with the kernels and strides, until it is the whole map.
  Yes: the receptive field read backward. Where everything is reached, nothing can be saved.
- Late layers are no convolutions any more, so that no part of their work can be left out.
  In VGG-19 all 16 layers of weights here are.
- Rounding errors grow from layer to layer.
  It is exact: the same numbers are added up, up to the order.
""")
