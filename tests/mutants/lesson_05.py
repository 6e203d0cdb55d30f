"""Wrong answers to the exercises of lesson 05 that have no sentence of their own."""

import torch

from tests.mutants import mutant


def box(y, x, size, stride, start, height, width, cut=True):
    top, left = start + y * stride, start + x * stride
    if not cut:
        return top, left, top + size, left + size
    return max(0, top), max(0, left), min(height, top + size), min(width, left + size)


@mutant("05.2", "over the border")
def not_cut(y, x, size, stride, start, height, width):
    return box(y, x, size, stride, start, height, width, cut=False)


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
