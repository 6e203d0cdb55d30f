"""Checks of lesson 05: receptive fields, maximally activating patches, and images that stream by."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from course_utils.exercises.apart import apart
from course_utils.exercises.compare import array, close
from course_utils.exercises.machine import Call, Draw, exercise
from course_utils.exercises.quizzes import read_quiz
from course_utils.exercises.several import several


def field(layers, *, grow=True, dilate=True, places=1, pad=True, pad_grows=True, stride_first=False) -> list[int]:
    """Size, stride and start; the options leave a piece of the formula out."""
    size, jump, start = 1, 1, 0
    for kernel, stride, padding, dilation in layers:
        jump *= stride if stride_first else 1
        size += (kernel - places) * (dilation if dilate else 1) * (jump if grow else 1)
        start -= padding * (jump if pad_grows else 1) if pad else 0
        jump *= 1 if stride_first else stride
    return [size, jump, start]


@exercise("05.1", "field_of")
def field_of(call: Call, draw: Draw) -> None:
    stacks = [
        [
            (draw.choice([3, 5]), 2, draw.integer(1, 2), 1),
            (3, 1, draw.integer(1, 3), draw.integer(2, 3)),
            (draw.choice([2, 4]), draw.choice([2, 3]), 1, 1),
            (draw.choice([3, 5]), last, draw.integer(0, 1), 1),
        ]
        for last in (1, 2)
    ]
    stacks += [[(5, 3, 2, 2)], [(1, 1, 0, 1), (4, 2, 1, 1), (3, 2, 2, draw.integer(2, 3)), (1, 2, 0, 1), (3, 1, 1, 1)]]
    right = [field(layers) for layers in stacks]
    got = several(call, [[layers] for layers in stacks], what="size, stride and start")
    close(got, right, what="size, stride and start, for several networks")


field_of.slips = {
    "You added kernel - 1 without the stride so far. One step of a deep layer is many pixels wide.": (
        partial(field, grow=False)
    ),
    "Neither the size nor the start counts the stride so far. One step of a deep layer is many pixels wide.": (
        partial(field, grow=False, pad_grows=False)
    ),
    "The dilation is missing: a kernel of k places reaches (k - 1) * dilation.": partial(field, dilate=False),
    "A kernel of k places adds k - 1 steps, not k: the first place is there already.": partial(field, places=0),
    "The start is missing: padding moves the first field to the left.": partial(field, pad=False),
    "The padding is counted in places of its own layer: multiply it by the stride so far.": (
        partial(field, pad_grows=False)
    ),
    "You multiplied the stride too early: a layer's own stride counts from the next layer on.": (
        partial(field, stride_first=True)
    ),
    "You went through the layers from last to first.": lambda layers: field(layers[::-1]),
    "The stride of the last layer is missing: the result is the stride of its own map.": (
        lambda layers: [field(layers)[0], field(layers[:-1])[1], field(layers)[2]]
    ),
    "You returned the stride of the last layer alone. The strides of all layers multiply.": (
        lambda layers: [field(layers)[0], layers[-1][1], field(layers)[2]]
    ),
    "You added the strides up; they multiply.": (
        lambda layers: [field(layers)[0], sum(stride for _, stride, _, _ in layers), field(layers)[2]]
    ),
    "The sign of the start is wrong: padding moves the first field to the left, below 0.": (
        lambda layers: [*field(layers)[:2], -field(layers)[2]]
    ),
    "The order is size, stride, start.": lambda layers: [field(layers)[i] for i in (1, 0, 2)],
}


def whole_box(y, x, size, stride, start, height, width) -> list[int]:
    top, left = start + y * stride, start + x * stride
    return [top, left, top + size, left + size]


def box(y, x, size, stride, start, height, width, *, moved=0) -> list[int]:
    top, left, bottom, right = (edge + moved for edge in whole_box(y, x, size, stride, start, height, width))
    return [max(0, top), max(0, left), min(height, bottom), min(width, right)]


@exercise("05.2", "patch_box")
def patch_box(call: Call, draw: Draw) -> None:
    cases, short, long = [], draw.integer(40, 44), draw.integer(52, 58)
    for start, height, width in ((-draw.integer(2, 4), short, long), (0, long, short)):
        size, stride = draw.integer(9, 12), draw.integer(3, 5)
        last_y, last_x = (height - 3 - start) // stride, (width - 3 - start) // stride
        places = [
            (0, draw.integer(3, 6)),
            (draw.integer(2, 4), 0),
            (last_y, last_x),
            (draw.integer(3, 4), draw.integer(5, 7)),
        ]
        cases += [(y, x, size, stride, start, height, width) for y, x in places]
    cases.append((1, 2, draw.integer(90, 99), 8, -draw.integer(30, 34), short, long))  # larger than the photo
    got = several(call, cases, what="the box")
    close(got, [box(*case) for case in cases], what="the boxes, for several units")


def measured_after_the_cut(y, x, size, stride, start, height, width):
    top, left = max(0, start + y * stride), max(0, start + x * stride)
    return [top, left, min(height, top + size), min(width, left + size)]


def moved_inside(y, x, size, stride, start, height, width):
    top, left, bottom, right = whole_box(y, x, size, stride, start, height, width)
    down, across = max(0, -top) - max(0, bottom - height), max(0, -left) - max(0, right - width)
    return [top + down, left + across, bottom + down, right + across]


patch_box.slips = {
    "The box reaches over the border; cut it off there.": whole_box,
    "You cut the top left corner first and measured the size from there. Cut both ends by themselves.": (
        measured_after_the_cut
    ),
    "You moved the box inside. What lies outside of the photo was padding: cut it off.": moved_inside,
    "The start is missing: the first field does not begin at pixel 0.": (
        lambda y, x, size, stride, start, *sides: box(y, x, size, stride, 0, *sides)
    ),
    "The stride is missing: one step in the map is a stride of many pixels.": (
        lambda y, x, size, stride, *rest: box(y, x, size, 1, *rest)
    ),
    "You subtracted the start. It is below 0 already where there is padding: add it.": (
        lambda y, x, size, stride, start, *sides: box(y, x, size, stride, -start, *sides)
    ),
    "You cut the box at the top and at the left only. Cut it at the bottom and at the right as well.": (
        lambda *inputs: [*box(*inputs)[:2], *whole_box(*inputs)[2:]]
    ),
    "You cut the box at the bottom and at the right only. Cut it at the top and at the left as well.": (
        lambda *inputs: [*whole_box(*inputs)[:2], *box(*inputs)[2:]]
    ),
    "Height and width of the image are exchanged.": (
        lambda y, x, size, stride, start, height, width: box(y, x, size, stride, start, width, height)
    ),
    "Rows and columns are exchanged: y counts rows, from the top.": lambda y, x, *rest: box(x, y, *rest),
    "Bottom and right are the last pixels; they should be one after the last, as in a slice.": (
        lambda *inputs: [edge - last for edge, last in zip(box(*inputs), [0, 0, 1, 1], strict=True)]
    ),
    "The order is top, left, bottom, right.": lambda *inputs: [box(*inputs)[edge] for edge in (1, 0, 3, 2)],
    "You put the place in the middle of the box; start says where its first pixel is.": (
        lambda y, x, size, *rest: box(y, x, size, *rest, moved=-(size // 2))
    ),
}


def row_and_column(flat: Tensor, width: int) -> list[Tensor]:
    return [flat // width, flat % width]


def strongest(maps, k, *, row_length=None, smallest=False, by=lambda maps: maps.amax((2, 3))) -> Tensor:
    """`(C, k, 3)`: image, row and column of the best place of the k images whose `by` is the largest."""
    where = maps.flatten(2).argmax(2)
    images = by(maps).argsort(dim=0, descending=not smallest)[:k]
    return torch.stack([images, *row_and_column(where.gather(0, images), row_length or maps.shape[3])], 2).transpose(
        0, 1
    )


@exercise("05.3", "top_places")
def top_places(call: Call, draw: Draw) -> None:
    count, channels, low, high = draw.integer(6, 7), draw.integer(3, 4), draw.integer(4, 5), draw.integer(8, 9)
    for height, width, k in ((low, high, 3), (high, low, 1), (high, low, count)):
        maps = apart(draw, count, channels, height, width)
        # One image holds the two largest values of every channel, and the largest in size is negative.
        for channel in range(channels):
            image = draw.integer(0, count - 1)
            maps[image, channel, 0, 1], maps[image, channel, height - 1, width - 1] = 5.0, 6.0 + draw.number()
            maps[(image + 1) % count, channel, 1, draw.integer(0, width - 1)] = -9.0
        maps[:, draw.integer(0, channels - 1)] -= 10  # a channel that is negative everywhere
        close(call(maps, k), strongest(maps, k), what="the places")


def one_image_twice(maps, k):
    where = maps.transpose(0, 1).flatten(1).topk(k, dim=1).indices
    places = maps[0, 0].numel()
    return torch.stack([where // places, *row_and_column(where % places, maps.shape[3])], 2)


def places_of_the_first(maps, k):
    images, where = strongest(maps, k)[..., 0], maps.flatten(2).argmax(2)[:k].T
    return torch.stack([images, *row_and_column(where, maps.shape[3])], 2)


def largest_size(maps, k):
    return strongest(maps.abs(), k)


top_places.slips = {
    "One image appears twice for a channel. Take the best place of every image first, then the best images.": (
        one_image_twice
    ),
    "Rows and columns are exchanged.": lambda maps, k: strongest(maps, k)[..., [0, 2, 1]],
    "You divided the flat index by the height. A row holds width places: y = index // width, x = index % width.": (
        lambda maps, k: strongest(maps, k, row_length=maps.shape[2])
    ),
    "You took the smallest answers.": partial(strongest, smallest=True),
    "You took the largest size. A strongly negative answer is not a strong answer.": largest_size,
    "You ordered the images by their mean answer; order them by their largest one.": (
        partial(strongest, by=lambda maps: maps.mean((2, 3)))
    ),
    "You ordered the images by the size of their best answer, without its sign.": (
        partial(strongest, by=lambda maps: maps.amax((2, 3)).abs())
    ),
    "The places are those of the first images, not of the best ones. Take them in the order of the images (gather).": (
        places_of_the_first
    ),
    "The weakest comes first; put the strongest first.": lambda maps, k: strongest(maps, k).flip(1),
    "The first index of the result is the channel, the second the rank.": (
        lambda maps, k: strongest(maps, k).transpose(0, 1)
    ),
}


def both_halves(va, ia, vb, ib) -> tuple[Tensor, Tensor]:
    return torch.cat([va, vb], 1), torch.cat([ia, ib], 1)


def merged(va, ia, vb, ib, *, descending=True, keep=None) -> tuple[Tensor, Tensor]:
    values, images = both_halves(va, ia, vb, ib)
    order = values.argsort(dim=1, descending=descending)[:, : keep or va.shape[1]]
    return values.gather(1, order), images.gather(1, order)


@exercise("05.4", "merge_top")
def merge_top(call: Call, draw: Draw) -> None:
    for channels, k in ((draw.integer(4, 5), draw.integer(3, 4)), (4, 1)):
        both = apart(draw, channels, 2 * k)
        both[0] = both[0].sort(descending=True).values.view(k, 2).T.flatten() - 2  # in turn, and all negative
        both[1, :k] += 2  # all of the best are in the first half,
        both[2, k:] += 2  # or in the second
        both[3] = both[3] - 3 * (torch.arange(2 * k) >= k)  # the largest in size are the smallest
        images = torch.stack([torch.from_numpy(draw.rng.permutation(150)[: 2 * k]) for _ in range(channels)])
        (va, by_a), (vb, by_b) = (half.sort(1, descending=True) for half in both.split(k, 1))
        inputs = va, images[:, :k].gather(1, by_a), vb, images[:, k:].gather(1, by_b)
        right = torch.stack([one.double() for one in merged(*inputs)])
        got = array(call(*inputs), "the merged values and image numbers")
        close(got, right, what="the merged values and image numbers", scale=1.0)


def rank_by_rank(va, ia, vb, ib):
    return torch.maximum(va, vb), torch.where(va >= vb, ia, ib)


def channels_mixed(*halves):
    va = halves[0]
    values, images = (both.flatten() for both in both_halves(*halves))
    order = values.argsort(descending=True)[: va.numel()]
    return values[order].view_as(va), images[order].view_as(va)


def by_size(va, ia, vb, ib):
    values, images = both_halves(va, ia, vb, ib)
    order = values.abs().argsort(dim=1, descending=True)[:, : va.shape[1]]
    return values.gather(1, order), images.gather(1, order)


merge_top.slips = {
    "The image numbers did not move with their values: order both with the same indices.": (
        lambda va, ia, vb, ib: (merged(va, ia, vb, ib)[0], ia)
    ),
    "You sorted the image numbers by themselves. They must keep the order of their values.": (
        lambda va, ia, vb, ib: (merged(va, ia, vb, ib)[0], merged(ia, ia, ib, ib)[0])
    ),
    "You compared rank with rank. Both of the best may be in one half: put the halves together, "
    "then take the k best.": rank_by_rank,
    "The smallest values are kept.": partial(merged, descending=False),
    "You kept all 2k; only the k best stay, so that memory does not grow.": (
        lambda *halves: merged(*halves, keep=2 * halves[0].shape[1])
    ),
    "Only the first half is there.": lambda va, ia, vb, ib: (va, ia),
    "All channels were mixed: each row is a channel of its own.": channels_mixed,
    "You compared the values without their sign. A strongly negative value is a small one.": by_size,
    "You returned their places in the joined rows. Return the numbers of the images that stand there.": (
        lambda va, ia, vb, ib: (
            merged(va, ia, vb, ib)[0],
            both_halves(va, ia, vb, ib)[0].argsort(1, True)[:, : va.shape[1]],
        )
    ),
    "The order is values, images.": lambda *halves: merged(*halves)[::-1],
}


def streamed(
    batches,
    k,
    *,
    by=lambda maps: maps.amax((2, 3)),
    numbers_go_on=True,
    width=None,
    forget=False,
    start=None,
    down=True,
) -> tuple[Tensor, Tensor]:
    """`(C, k)` values and image numbers of the best images over all batches; the options make the usual mistakes."""
    values, images, seen = None, None, 0
    for number, maps in enumerate(batches):
        best = by(maps).T
        first = (seen if width is None else number * width(batches)) if numbers_go_on else 0
        numbers = (first + torch.arange(len(maps))).expand_as(best)
        seen += len(maps)
        if values is None and start is not None:
            values, images = torch.full((len(best), k), start, dtype=best.dtype), torch.zeros(len(best), k, dtype=int)
        if values is not None and not forget:
            best, numbers = torch.cat([values, best], 1), torch.cat([images, numbers], 1)
        order = best.argsort(dim=1, descending=down)[:, :k]
        values, images = best.gather(1, order), numbers.gather(1, order)
    return values, images


@exercise("05.5", "stream_top")
def stream_top(call: Call, draw: Draw) -> None:
    channels, height, width = draw.integer(3, 4), draw.integer(2, 3), draw.integer(4, 5)
    # batches of different sizes, a first one with fewer images than k, a batch of one image, one batch alone
    for sizes, k in (([2, 4, 1, 3], 3), ([3, 1, 2], 1), ([4], 4), ([1, 1, 3], 2)):
        maps = apart(draw, sum(sizes), channels, height, width)
        maps[:, draw.integer(0, channels - 1)] -= 3  # a channel that is negative everywhere
        strongest = draw.integer(0, channels - 1)
        maps[sizes[0] - 1, strongest, 0, 0], maps[sizes[0] - 1, strongest, 0, 1] = (
            2.0,
            1.9,
        )  # the two largest in one image
        batches = list(maps.split(sizes))
        right = torch.stack([one.double() for one in streamed(batches, k)])
        got = array(call(batches, k), "the values and image numbers")
        close(got, right, what="the values and image numbers", scale=1.0)


def all_places(batches, k):
    """Every place of every image stands for itself, so that one image fills a row."""
    maps = torch.cat(batches)
    values, where = maps.transpose(0, 1).flatten(1).topk(k, dim=1)
    return values, where // maps[0, 0].numel()


def the_best_of_every_batch(batches, k):
    values, images = zip(*(streamed([maps], k) for maps in batches), strict=True)
    return torch.cat(values, 1), torch.cat(images, 1)


def numbers_in_the_order_of_arrival(batches, k):
    values = streamed(batches, k)[0]
    return values, torch.arange(values.shape[1]).expand(values.shape)


def rows_are_ranks(batches, k):
    values, images = streamed(batches, k)
    return values.T, images.T


stream_top.slips = {
    "The numbers of the images begin at 0 again in every batch. They go on: add how many images came before.": (
        partial(streamed, numbers_go_on=False)
    ),
    "You counted the images with the size of the first batch. Batches differ: add len(maps) each time.": (
        partial(streamed, width=lambda batches: len(batches[0]))
    ),
    "Only the last batch is left. Put the best so far beside each new batch, then take the k best.": (
        partial(streamed, forget=True)
    ),
    "You began with zeros, and they beat channels that are always negative. Begin with -inf or the first batch.": (
        partial(streamed, start=0.0)
    ),
    "You took the mean over the places. An image counts with its best place.": (
        partial(streamed, by=lambda maps: maps.mean((2, 3)))
    ),
    "You took the largest size. A strongly negative answer is not a strong answer.": (
        partial(streamed, by=lambda maps: maps.abs().amax((2, 3)))
    ),
    "One image appears twice for a channel. Take the best place of every image first.": all_places,
    "You kept the k best of every batch. Only k stay for each channel, or the memory grows.": the_best_of_every_batch,
    "The smallest values are kept.": partial(streamed, down=False),
    "The image numbers did not move with their values: order both with the same indices.": (
        numbers_in_the_order_of_arrival
    ),
    "The order is values, images.": lambda batches, k: streamed(batches, k)[::-1],
    "The first index of the result is the channel, the second the rank.": rows_are_ranks,
}


QUIZ = read_quiz("""
Two layers with 3 x 3 kernels and stride 1 follow each other. How large is the receptive field?
- 3 x 3
  That is one layer.
+ 5 x 5
  Yes: 1 + 2 + 2. Each layer adds kernel - 1 pixels while the stride is 1.
- 6 x 6
  The fields overlap: a kernel of 3 adds 2.
- 9 x 9
  They add up; they do not multiply.

Why is at most one patch taken from each photo here?
- A photo has only one maximum, so there is no second patch.
  The neighbors of the maximum are often the next best.
+ Otherwise neighbors in one photo would fill the row.
  Yes: it would look as if the channel liked nothing else. Nine nearly equal patches say less than nine from nine
  photos.
- It is faster: most of the places need not be computed.
  All places are computed either way.
- The memory would not suffice for several patches a photo.
  The memory is channels times k either way.

All nine top patches of a channel show dog faces. What may you conclude?
- The channel answers to dog faces and to nothing else.
  You have seen the nine best of these photos only. Weaker answers may look very different.
+ Among these photos, dog faces drive it most.
  Yes. In a set without dogs it would show something else.
- The network was trained on dog faces only.
  A channel says nothing about the whole training set.
- Without this channel, dogs are not recognized.
  That is a question for an experiment: switch it off.

The patches are 156 pixels wide, but the channel seems to like a small detail in the middle. Why?
- The receptive field was computed wrongly: it is only as large as the detail.
  It is exact: no pixel outside can have any effect.
+ Pixels at the rim of the field have few paths to the unit, so their effect is small.
  Yes: the field says what can have an effect. The effective field is much smaller, with most weight in the middle.
- The patch was made larger for the figure: in the photo it is as small as the detail.
  It is cut out at its own size.
- Pooling throws the rim of the field away, so that only its middle reaches the unit at all.
  Pooling takes the largest value, wherever it is.
""")
