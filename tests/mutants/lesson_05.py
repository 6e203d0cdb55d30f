"""Wrong answers to the exercises of lesson 05."""

import torch

from tests.mutants import mutant


@mutant("05.1", "without the stride so far")
def stride_ignored(layers):
    size, jump, start = 1, 1, 0
    for kernel, stride, padding, dilation in layers:
        size += (kernel - 1) * dilation
        start -= padding * jump
        jump *= stride
    return size, jump, start


@mutant("05.1", "dilation is missing")
def dilation_ignored(layers):
    size, jump, start = 1, 1, 0
    for kernel, stride, padding, _ in layers:
        size += (kernel - 1) * jump
        start -= padding * jump
        jump *= stride
    return size, jump, start


@mutant("05.1", "adds k - 1 steps")
def kernel_instead_of_kernel_minus_one(layers):
    size, jump, start = 1, 1, 0
    for kernel, stride, padding, dilation in layers:
        size += kernel * dilation * jump
        start -= padding * jump
        jump *= stride
    return size, jump, start


@mutant("05.1", "start is missing")
def no_start(layers):
    size, jump = 1, 1
    for kernel, stride, _, dilation in layers:
        size += (kernel - 1) * dilation * jump
        jump *= stride
    return size, jump, 0


@mutant("05.1", "stride so far")
def padding_without_stride(layers):
    size, jump, start = 1, 1, 0
    for kernel, stride, padding, dilation in layers:
        size += (kernel - 1) * dilation * jump
        start -= padding
        jump *= stride
    return size, jump, start


@mutant("05.1", "too early")
def stride_too_early(layers):
    size, jump, start = 1, 1, 0
    for kernel, stride, padding, dilation in layers:
        jump *= stride
        size += (kernel - 1) * dilation * jump
        start -= padding * jump
    return size, jump, start


def box(y, x, size, stride, start, height, width, cut=True):
    top, left = start + y * stride, start + x * stride
    if not cut:
        return top, left, top + size, left + size
    return max(0, top), max(0, left), min(height, top + size), min(width, left + size)


@mutant("05.2", "over the border")
def not_cut(y, x, size, stride, start, height, width):
    return box(y, x, size, stride, start, height, width, cut=False)


@mutant("05.2", "measured the size from there")
def size_from_the_cut_corner(y, x, size, stride, start, height, width):
    top, left = max(0, start + y * stride), max(0, start + x * stride)
    return top, left, min(height, top + size), min(width, left + size)


@mutant("05.2", "start is missing")
def no_offset(y, x, size, stride, start, height, width):
    return box(y, x, size, stride, 0, height, width)


@mutant("05.2", "stride is missing")
def no_stride(y, x, size, stride, start, height, width):
    return box(y, x, size, 1, start, height, width)


@mutant("05.2", "Rows and columns")
def exchanged(y, x, size, stride, start, height, width):
    return box(x, y, size, stride, start, height, width)


@mutant("05.2", "one after the last")
def last_pixels(y, x, size, stride, start, height, width):
    top, left, bottom, right = box(y, x, size, stride, start, height, width)
    return top, left, bottom - 1, right - 1


@mutant("05.2", "order is")
def across_first(y, x, size, stride, start, height, width):
    top, left, bottom, right = box(y, x, size, stride, start, height, width)
    return left, top, right, bottom


def top(maps, k, read=lambda flat: flat, descending=True, order_by=None):
    width = maps.shape[3]
    best, where = read(maps.flatten(2)).max(2)
    order = (best if order_by is None else order_by(maps)).argsort(dim=0, descending=descending)[:k]
    at = where.gather(0, order)
    return torch.stack([order, at // width, at % width], -1).transpose(0, 1)


@mutant("05.3", "One image appears twice")
def repeats(maps, k):
    n, c, h, w = maps.shape
    where = maps.transpose(0, 1).flatten(1).topk(k).indices
    return torch.stack([where // (h * w), where % (h * w) // w, where % w], -1)


@mutant("05.3", "Rows and columns")
def x_before_y(maps, k):
    return top(maps, k)[..., [0, 2, 1]]


@mutant("05.3", "divided the flat index by the height")
def divided_by_height(maps, k):
    right, (h, w) = top(maps, k), maps.shape[2:]
    at = right[..., 1] * w + right[..., 2]
    return torch.stack([right[..., 0], at // h, at % h], -1)


@mutant("05.3", "smallest answers")
def smallest(maps, k):
    return top(maps, k, descending=False)


@mutant("05.3", "largest size")
def by_size(maps, k):
    return top(maps, k, read=torch.abs)


@mutant("05.3", "mean answer")
def by_mean(maps, k):
    return top(maps, k, order_by=lambda m: m.mean((2, 3)))


@mutant("05.3", "first index of the result")
def rank_first(maps, k):
    return top(maps, k).transpose(0, 1)


def joined(values_a, images_a, values_b, images_b):
    return torch.cat([values_a, values_b], 1), torch.cat([images_a, images_b], 1)


@mutant("05.4", "did not move with")
def numbers_left_behind(values_a, images_a, values_b, images_b):
    values, images = joined(values_a, images_a, values_b, images_b)
    k = values_a.shape[1]
    return values.sort(dim=1, descending=True).values[:, :k], images[:, :k]


@mutant("05.4", "by themselves")
def numbers_sorted(values_a, images_a, values_b, images_b):
    values, images = joined(values_a, images_a, values_b, images_b)
    k = values_a.shape[1]
    return tuple(t.sort(dim=1, descending=True).values[:, :k] for t in (values, images))


@mutant("05.4", "rank with rank")
def rank_by_rank(values_a, images_a, values_b, images_b):
    return torch.maximum(values_a, values_b), torch.where(values_a >= values_b, images_a, images_b)


@mutant("05.4", "smallest values")
def keeps_the_smallest(values_a, images_a, values_b, images_b):
    values, images = joined(values_a, images_a, values_b, images_b)
    order = values.argsort(dim=1)[:, : values_a.shape[1]]
    return values.gather(1, order), images.gather(1, order)


@mutant("05.4", "kept all 2k")
def keeps_all(values_a, images_a, values_b, images_b):
    values, images = joined(values_a, images_a, values_b, images_b)
    order = values.argsort(dim=1, descending=True)
    return values.gather(1, order), images.gather(1, order)


@mutant("05.4", "Only the first half")
def first_half(values_a, images_a, values_b, images_b):
    return values_a, images_a
