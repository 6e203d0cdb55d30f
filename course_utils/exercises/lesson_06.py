"""Checks of lesson 06: occlusion."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils.exercises.compare import close, number, require
from course_utils.exercises.machine import Call, Draw, exercise
from course_utils.exercises.quizzes import Question


def _starts(size: int, window: int, stride: int) -> list[int]:
    return [i * stride for i in range(math.ceil((size - window) / stride) + 1)]


def _grid(net, image, target, window, stride, gray, *, of="score", starts=_starts, fill=None, keep=False) -> Tensor:
    def read(x):
        scores = net(x)
        scores = scores.softmax(1) if of == "probability" else scores
        return scores[0, target].item()

    height, width = image.shape[2:]
    clean, rows, covered = read(image), [], image.clone()
    for top in starts(height, window, stride):
        rows.append([])
        for left in starts(width, window, stride):
            covered = covered if keep else image.clone()
            covered[:, :, top : top + window, left : left + window] = gray if fill is None else fill
            rows[-1].append(clean - read(covered))
    return torch.tensor(rows, dtype=torch.float64)


@exercise("06.1", "drop_grid")
def drop_grid(call: Call, draw: Draw) -> None:
    net, image = draw.net("conv"), draw.images(1, draw.choice([10, 13]), draw.choice([14, 16]))
    target, gray = draw.integer(0, 4), draw.number(0.55, 0.9)
    window, stride = 4, 3
    right = _grid(net, image, target, window, stride, gray)

    def variant(**options):
        return lambda: _grid(net, image, target, window, stride, gray, **options)

    got, again = call.twice(net, image, target, window, stride, gray)
    causes = {
        "The sign is turned around: it is the clean score minus the score with the window covered.": -right,
        "You returned the scores themselves. The grid holds how far each score falls below the clean one.":
            lambda: net(image)[0, target].item() - right,
        "You used the probability after the softmax; use the score before it.": variant(of="probability"),
        "The windows pile up: each one must cover a fresh copy of the image.": variant(keep=True),
        "You covered with 0. `gray` says what covers.": variant(fill=0.0),
        "The next window begins where the last one ended. It begins `stride` pixels further.":
            lambda: _grid(net, image, target, window, window, gray),
        "The last windows are missing: they hang over the border and are cut there. Round the number of steps up.":
            variant(starts=lambda n, w, s: list(range(0, n - w + 1, s))),
        "There are windows too many: the last one is the first that reaches the border.":
            variant(starts=lambda n, w, s: list(range(0, n, s))),
        "Rows and columns are exchanged: the first index of the grid is the row.": right.T,
        "The class is not the target: you used the predicted one.":
            lambda: _grid(net, image, int(net(image).argmax()), window, stride, gray),
    }  # fmt: skip
    close(got, right, what="the grid of drops", causes=causes)
    close(again, right, what="the grid of the second call on the same image", causes={
        "You painted into the caller's image. Cover a copy: image.clone().":
            lambda: _grid(net, torch.full_like(image, gray), target, window, stride, gray),
    })  # fmt: skip


def _spread(drops: Tensor, size: tuple[int, int], window: int, stride: int) -> tuple[Tensor, Tensor, Tensor]:
    total, count, last = (torch.zeros(size, dtype=torch.float64) for _ in range(3))
    for i, row in enumerate(drops):
        for j, drop in enumerate(row):
            place = (slice(i * stride, i * stride + window), slice(j * stride, j * stride + window))
            total[place] += drop
            count[place] += 1
            last[place] = drop
    return total, count, last


@exercise("06.2", "spread")
def spread(call: Call, draw: Draw) -> None:
    window, stride = draw.choice([(5, 3), (4, 2), (5, 2)])
    height, width = draw.integer(12, 14), draw.integer(16, 19)
    drops = draw.normal(len(_starts(height, window, stride)), len(_starts(width, window, stride)))
    total, count, last = _spread(drops, (height, width), window, stride)
    corner = torch.zeros((height, width), dtype=torch.float64)
    corner[: (len(drops) - 1) * stride + 1 : stride, : (drops.shape[1] - 1) * stride + 1 : stride] = drops[
        : len(range(0, height, stride)), : len(range(0, width, stride))
    ]
    close(
        call(drops, height, width, window, stride),
        total / count,
        what="the map",
        causes={
            "You added up the windows that cover a pixel; divide by how many there are.": total,
            "Later windows overwrite earlier ones. Average all windows that cover a pixel.": last,
            "You divided by the area of the window. Divide by the number of windows that cover the pixel.":
                total / window**2,
            "You divided by the same number everywhere. Near the border fewer windows cover a pixel.":
                total / count.max(),
            "You divided by the number of all windows.": total / drops.numel(),
            "You put each drop at the window's corner only. It belongs to every pixel of the window.": corner,
            "You took the largest drop of the windows that cover a pixel; take the mean.":
                lambda: _largest(drops, (height, width), window, stride),
            "You stretched the grid to the size of the image. Average the windows that cover each pixel.":
                lambda: F.interpolate(drops[None, None], size=(height, width), mode="nearest")[0, 0],
            "You stretched the grid smoothly to the size of the image. Average the windows that cover each pixel.":
                lambda: F.interpolate(drops[None, None], size=(height, width), mode="bilinear")[0, 0],
        },
    )  # fmt: skip


def _largest(drops: Tensor, size: tuple[int, int], window: int, stride: int) -> Tensor:
    out = torch.full(size, -math.inf, dtype=torch.float64)
    for i, row in enumerate(drops):
        for j, drop in enumerate(row):
            place = (slice(i * stride, i * stride + window), slice(j * stride, j * stride + window))
            out[place] = out[place].clamp(min=float(drop))
    return out


def _reach(start: int, stop: int, kernel: int, stride: int, padding: int, size: int) -> tuple[int, int]:
    """By trying every output, so that no formula is trusted."""
    count = (size + 2 * padding - kernel) // stride + 1
    hit = [o for o in range(count) if o * stride - padding < stop and o * stride - padding + kernel > start]
    return hit[0], hit[-1] + 1


def _formula(
    start, stop, kernel, stride, padding, size, *, pad=True, wide=True, up=True, cut=True, last=0
) -> list[int]:
    count = (size + 2 * padding - kernel) // stride + 1
    pad = padding if pad else 0
    low = (start + pad - (kernel if wide else 1) + 1) / stride
    low = math.ceil(low) if up else math.floor(low)
    high = (stop - 1 + last + pad) // stride + 1
    return [max(0, low), min(count, high)] if cut else [low, high]


@exercise("06.3", "reached")
def reached(call: Call, draw: Draw) -> None:
    cases = []
    for kernel, stride, padding in (
        (3, 1, 1),
        (5, 2, 2),
        (3, 2, 1),
        (5, 1, 0),
        (4, 3, 1),
        (2, 2, 0),
        (3, 1, 1),
        (3, 2, 1),
    ):
        start, size = draw.integer(8, 13), draw.integer(30, 36)
        cases.append([start, start + draw.integer(3, 7), kernel, stride, padding, size])
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
    right = np.array([_reach(*case) for case in cases])

    def variant(**options):
        return lambda: np.array([_formula(*case, **options) for case in cases])

    close(
        np.array(got),
        right,
        what="the range of outputs",
        causes={
            "The padding is missing: output o reads the inputs from o * stride - padding on.": variant(pad=False),
            "The first output is rounded down; it must be rounded up, or it does not see the window.": variant(up=False),
            "Cut the range at the border: outputs go from 0 to the number of outputs.": variant(cut=False),
            "The kernel's width is not used: an output sees `kernel` inputs, so outputs before the window see it, too.":
                variant(wide=False),
            "The second number is the last output; it should be the one after the last, as in a slice.":
                right - np.array([0, 1]),
            "One output too many at the end: the input at `stop` has not changed.": variant(last=1),
            "You gave start and length; give start and stop.": np.stack([right[:, 0], right[:, 1] - right[:, 0]], 1),
        },
    )  # fmt: skip


@exercise("06.4", "update")
def update(call: Call, draw: Draw) -> None:
    for corner in (False, True):
        height, width = draw.integer(9, 11), draw.integer(12, 14)
        x, weight = draw.normal(1, 3, height, width), draw.normal(4, 3, 3, 3)
        h, w = draw.integer(2, 3), draw.integer(4, 5)
        top, left = (0, width - w) if corner else (draw.integer(2, 4), draw.integer(2, 5))
        patch = draw.normal(1, 3, h, w)
        y = F.conv2d(x, weight, padding=1)
        changed = x.clone()
        changed[:, :, top : top + h, left : left + w] = patch
        right = F.conv2d(changed, weight, padding=1)

        def no_halo(y=y, patch=patch, weight=weight, top=top, left=left, h=h, w=w):
            out = y.clone()
            out[:, :, top : top + h, left : left + w] = F.conv2d(patch, weight, padding=1)
            return out

        def no_ring(y=y, right=right, top=top, left=left, h=h, w=w):
            out = y.clone()
            out[:, :, top : top + h, left : left + w] = right[:, :, top : top + h, left : left + w]
            return out

        def zero_around(y=y, patch=patch, weight=weight, top=top, left=left, h=h, w=w):
            full = F.conv2d(F.pad(patch, (2, 2, 2, 2)), weight)
            out = y.clone()
            a, b, c, d = max(0, top - 1), min(y.shape[2], top + h + 1), max(0, left - 1), min(y.shape[3], left + w + 1)
            out[:, :, a:b, c:d] = full[:, :, a - top + 1 : b - top + 1, c - left + 1 : d - left + 1]
            return out

        def rest_is_zero(patch=patch, weight=weight, top=top, left=left, h=h, w=w, height=height, width=width):
            alone = F.pad(patch, (left, width - left - w, top, height - top - h))
            return F.conv2d(alone, weight, padding=1)

        causes = {
            "You convolved the patch alone, with zeros around it, and put it at its own place. It needs the clean neighbors "
            "around it, and the outputs one pixel outside change, too.": no_halo,
            "Outputs one pixel outside of the patch change as well: a 3 x 3 kernel reaches over its edge.": no_ring,
            "The range is right, but there are zeros around the patch. Outside of it, the input is the clean one.": zero_around,
            "Nothing has changed: this is the clean output.": y,
            "Everything but the patch is gone: outside of the reach, the output is the clean one.": rest_is_zero,
        }  # fmt: skip
        close(call(x, y, weight, patch, top, left), right, what="the new output", causes=causes)


QUIZ = (
    Question(
        "An occlusion map is strongly negative (blue) on a part of the photo. What does this say?",
        (
            ("Covering this part raises the score: what is there speaks against the class.", "Yes: the drop S(x) - S(covered) is negative, so the covered image scores higher."),
            ("The network does not look at this part.", "Then the drop would be close to 0."),
            ("The window was too large.", "The sign does not depend on the size of the window."),
            ("The class is not in the photo.", "A map of a class that is there can have negative parts, too."),
        ),
        0,
    ),
    Question(
        "Two equal objects are in a photo. You cover one of them, and the score hardly falls. What follows?",
        (
            ("The network does not use these objects.", "It may use whichever is left. Cover both to find out."),
            ("One window cannot tell: the other object may carry the score.", "Yes: occlusion asks what happens when one place is lost, and the rest can make up for it."),
            ("The baseline was wrong.", "Any baseline leaves the second object visible."),
            ("The object should have been larger.", "It is not a question of size."),
        ),
        1,
    ),
    Question(
        "Why do occlusion maps with a gray, a blurred and a noisy window differ?",
        (
            ("Noise is slower.", "The time is the same."),
            ("What covers a place is itself a picture: the network sees something new, not nothing.", "Yes: a gray square has edges, noise has a texture. A finding should survive more than one baseline."),
            ("The window has another size.", "Its size is the same in all of them."),
            ("Only gray is correct.", "There is no image of nothing. Each choice asks a slightly different question."),
        ),
        1,
    ),
    Question(
        "Exact incremental inference gains a lot in early layers and little in late ones. Why?",
        (
            ("Late layers have more weights.", "The number of weights is the same for the crop and for the whole map."),
            ("Through every layer the reached part of the map grows, until it is the whole map.", "Yes: the receptive field read backward. Where everything is reached, nothing can be saved."),
            ("Late layers are not convolutions.", "In VGG-19 all 16 layers of weights here are."),
            ("Rounding errors grow.", "It is exact: the same numbers are added up, up to the order."),
        ),
        1,
    ),
)  # fmt: skip
