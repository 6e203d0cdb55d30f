"""Wrong answers to the exercises of lesson 06."""

import math

import torch
import torch.nn.functional as F

from tests.mutants import mutant


def starts(size, window, stride):
    return [i * stride for i in range(math.ceil((size - window) / stride) + 1)]


def grid(net, image, target, window, stride, gray, *, places=starts, read=None, copy=True):
    read = read or (lambda x: net(x)[0, target])
    clean, rows, covered = read(image), [], image.clone()
    for top in places(image.shape[2], window, stride):
        row = []
        for left in places(image.shape[3], window, stride):
            covered = image.clone() if copy else covered
            covered[:, :, top : top + window, left : left + window] = gray
            row.append(clean - read(covered))
        rows.append(torch.stack(row))
    return torch.stack(rows)


@mutant("06.1", "sign is turned")
def rise_instead_of_drop(net, image, target, window, stride, gray):
    return -grid(net, image, target, window, stride, gray)


@mutant("06.1", "scores themselves")
def scores_themselves(net, image, target, window, stride, gray):
    return net(image)[0, target] - grid(net, image, target, window, stride, gray)


@mutant("06.1", "probability")
def probability(net, image, target, window, stride, gray):
    return grid(net, image, target, window, stride, gray, read=lambda x: net(x).softmax(1)[0, target])


@mutant("06.1", "pile up")
def windows_pile_up(net, image, target, window, stride, gray):
    return grid(net, image, target, window, stride, gray, copy=False)


@mutant("06.1", "covered with 0")
def black(net, image, target, window, stride, gray):
    return grid(net, image, target, window, stride, 0.0)


@mutant("06.1", "`stride` pixels further")
def stride_ignored(net, image, target, window, stride, gray):
    return grid(net, image, target, window, window, gray)


@mutant("06.1", "last windows are missing")
def last_windows_missing(net, image, target, window, stride, gray):
    return grid(net, image, target, window, stride, gray, places=lambda n, w, s: range(0, n - w + 1, s))


@mutant("06.1", "windows too many")
def windows_too_many(net, image, target, window, stride, gray):
    return grid(net, image, target, window, stride, gray, places=lambda n, w, s: range(0, n, s))


@mutant("06.1", "Rows and columns")
def transposed(net, image, target, window, stride, gray):
    return grid(net, image, target, window, stride, gray).T


@mutant("06.1", "caller's image")
def paints_into_the_image(net, image, target, window, stride, gray):
    result = grid(net, image, target, window, stride, gray)
    image.fill_(gray)
    return result


def windows(drops, height, width, window, stride):
    for i, row in enumerate(drops):
        for j, drop in enumerate(row):
            yield slice(i * stride, i * stride + window), slice(j * stride, j * stride + window), drop


def total_and_count(drops, height, width, window, stride):
    total, count = torch.zeros(height, width, dtype=drops.dtype), torch.zeros(height, width, dtype=drops.dtype)
    for rows, columns, drop in windows(drops, height, width, window, stride):
        total[rows, columns] += drop
        count[rows, columns] += 1
    return total, count


@mutant("06.2", "added up")
def sum_of_windows(drops, height, width, window, stride):
    return total_and_count(drops, height, width, window, stride)[0]


@mutant("06.2", "overwrite")
def last_window_wins(drops, height, width, window, stride):
    out = torch.zeros(height, width, dtype=drops.dtype)
    for rows, columns, drop in windows(drops, height, width, window, stride):
        out[rows, columns] = drop
    return out


@mutant("06.2", "area of the window")
def divided_by_area(drops, height, width, window, stride):
    return total_and_count(drops, height, width, window, stride)[0] / window**2


@mutant("06.2", "same number everywhere")
def divided_by_the_inner_count(drops, height, width, window, stride):
    total, count = total_and_count(drops, height, width, window, stride)
    return total / count.max()


@mutant("06.2", "all windows")
def divided_by_all(drops, height, width, window, stride):
    return total_and_count(drops, height, width, window, stride)[0] / drops.numel()


@mutant("06.2", "stretched the grid")
def stretched(drops, height, width, window, stride):
    return F.interpolate(drops[None, None], size=(height, width))[0, 0]


@mutant("06.2", "smoothly")
def stretched_smoothly(drops, height, width, window, stride):
    return F.interpolate(drops[None, None], size=(height, width), mode="bilinear")[0, 0]


def reach(start, stop, kernel, stride, padding, size):
    count = (size + 2 * padding - kernel) // stride + 1
    first = max(0, math.ceil((start + padding - kernel + 1) / stride))
    return first, min(count, (stop - 1 + padding) // stride + 1)


@mutant("06.3", "padding is missing")
def no_padding(start, stop, kernel, stride, padding, size):
    count = (size + 2 * padding - kernel) // stride + 1
    return max(0, math.ceil((start - kernel + 1) / stride)), min(count, (stop - 1) // stride + 1)


@mutant("06.3", "rounded down")
def rounded_down(start, stop, kernel, stride, padding, size):
    return max(0, (start + padding - kernel + 1) // stride), reach(start, stop, kernel, stride, padding, size)[1]


@mutant("06.3", "border")
def not_cut(start, stop, kernel, stride, padding, size):
    return math.ceil((start + padding - kernel + 1) / stride), (stop - 1 + padding) // stride + 1


@mutant("06.3", "after the last")
def last_instead_of_stop(start, stop, kernel, stride, padding, size):
    first, last = reach(start, stop, kernel, stride, padding, size)
    return first, last - 1


@mutant("06.3", "start and length")
def start_and_length(start, stop, kernel, stride, padding, size):
    first, last = reach(start, stop, kernel, stride, padding, size)
    return first, last - first


@mutant("06.3", "One output too many")
def stop_has_changed(start, stop, kernel, stride, padding, size):
    return reach(start, stop + 1, kernel, stride, padding, size)[0], reach(
        start, stop + 1, kernel, stride, padding, size
    )[1]


@mutant("06.3", "kernel's width")
def kernel_ignored(start, stop, kernel, stride, padding, size):
    return max(0, math.ceil((start + padding) / stride)), reach(start, stop, kernel, stride, padding, size)[1]


def pasted(x, patch, top, left):
    x = x.clone()
    x[:, :, top : top + patch.shape[2], left : left + patch.shape[3]] = patch
    return x


@mutant("06.4", "patch alone")
def no_halo(x, y, weight, patch, top, left):
    return pasted(y, F.conv2d(patch, weight, padding=1), top, left)


@mutant("06.4", "one pixel outside")
def no_ring(x, y, weight, patch, top, left):
    full = F.conv2d(pasted(x, patch, top, left), weight, padding=1)
    h, w = patch.shape[2:]
    return pasted(y, full[:, :, top : top + h, left : left + w], top, left)


@mutant("06.4", "zeros around")
def zeros_around(x, y, weight, patch, top, left):
    h, w = patch.shape[2:]
    height, width = x.shape[2:]
    outside = F.pad(patch, (left, width - left - w, top, height - top - h))
    new = F.conv2d(outside, weight, padding=1)
    a, b, c, d = max(0, top - 1), min(height, top + h + 1), max(0, left - 1), min(width, left + w + 1)
    return pasted(y, new[:, :, a:b, c:d], a, c)


@mutant("06.4", "Nothing has changed")
def unchanged(x, y, weight, patch, top, left):
    return y.clone()


@mutant("06.4", "Everything but the patch")
def rest_is_zero(x, y, weight, patch, top, left):
    return F.conv2d(pasted(torch.zeros_like(x), patch, top, left), weight, padding=1)
