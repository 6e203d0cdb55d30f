"""Right answers that are not written like the solution, to the exercises of lessons 00 to 07: none may be rejected.

Each is written as a person might: in float32, with loops, in NumPy, with another function of a library, as a list.
"""

import heapq
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from scipy.stats import rankdata

from course_utils.exercises import lesson_exercises, run_check

SEEDS = [(14, seed) for seed in range(4)]
RIGHT = []


def right(exercise):
    def register(function):
        RIGHT.append((exercise, function))
        return function

    return register


@pytest.mark.parametrize(("exercise", "function"), RIGHT, ids=lambda one: getattr(one, "__name__", one))
def test_it_passes(exercise, function):
    outcome = run_check(exercise, function, seeds=SEEDS)
    assert outcome.passed, str(outcome)


def test_every_exercise_has_one():
    known = {one.id for lesson in range(8) for one in lesson_exercises(f"{lesson:02}")}
    assert {exercise for exercise, _ in RIGHT} == known


@right("00.1")
def list_of_numbers(images):
    return [float(sum(color.mean() for color in image) / 3) for image in images]


@right("00.2")
def colors_last_in_float32(images, mean, std):
    return ((images.float().permute(0, 2, 3, 1) - mean.float()) / std.float()).permute(0, 3, 1, 2)


@right("00.3")
def softmax_in_float32(scores):
    return scores.float().softmax(1)


@right("00.3")
def by_the_logarithm(scores):
    return (scores - scores.logsumexp(1, keepdim=True)).exp()


@right("00.4")
def sorted_lists_of_float32(scores, k):
    return [sorted(range(len(row)), key=lambda i, row=row: -row[i])[:k] for row in scores.float().tolist()]


@right("01.1")
def filter_by_filter(weights):
    return [0.5 + 0.5 * one / one.abs().max() for one in weights.float()]


@right("01.2")
def loops_in_float32(image, weights, bias):
    k = weights.shape[1]
    out = torch.zeros(image.shape[1] - k + 1, image.shape[2] - k + 1)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = (image[:, i : i + k, j : j + k] * weights).sum() + bias
    return out


@right("01.3")
def one_minus_gray_in_float32(weights):
    weights = weights.float()
    return 1 - 3 * weights.mean(1).square().sum((1, 2)) / weights.square().sum((1, 2, 3))


@right("01.4")
def blocks(weights):
    return np.block([[one.numpy() for one in row] for row in weights])


@right("02.1")
def nan_to_num_in_float32(maps, own):
    over = (1, 2) if own else (0, 1, 2)
    maps = maps.float() - maps.float().amin(over, keepdim=True)
    return torch.nan_to_num(maps / maps.amax(over, keepdim=True))


@right("02.1")
def a_tiny_number_below(maps, own):
    over = (1, 2) if own else (0, 1, 2)
    low, high = maps.amin(over, keepdim=True), maps.amax(over, keepdim=True)
    return (maps - low) / (high - low + 1e-8)


@right("02.2")
def map_by_map(maps, columns):
    count, h, w = maps.shape
    out = np.zeros((-(-count // columns) * h, columns * w))
    for i in range(count):
        y, x = divmod(i, columns)
        out[y * h : (y + 1) * h, x * w : (x + 1) * w] = maps[i]
    return out


@right("02.3")
def kept_as_numpy(net, images, layer):
    seen = []
    handle = net.layer(layer).register_forward_hook(lambda module, inputs, output: seen.append(output.numpy().copy()))
    with torch.no_grad():
        net(images)
    handle.remove()
    return seen[0]


@right("02.4")
def variance_in_float32(responses):
    r = responses.float()
    return torch.nan_to_num(r.var(0, unbiased=False) / r.square().mean(0) / (1 - 1 / len(r)))


@right("02.5")
def by_ranks(responses, group):
    group = np.array(group)
    ranks, n, m = rankdata(responses.numpy(), axis=0), group.sum(), (~group).sum()
    return (ranks[group].sum(0) - n * (n + 1) / 2) / (n * m)


@right("03.1")
def scipy_distances(a, b):
    return cdist(a.numpy(), b.numpy())


@right("03.1")
def rows_of_float32(a, b):
    a, b = a.float(), b.float()
    return [(row.square().sum() - 2 * b @ row + b.square().sum(1)).clamp(min=0).sqrt() for row in a]


@right("03.1")
def around_the_mean(a, b):
    mean = torch.cat([a, b]).mean(0)
    a, b = a - mean, b - mean
    return (a.square().sum(1)[:, None] - 2 * a @ b.T + b.square().sum(1)).clamp(min=0).sqrt()


@right("03.2")
def normalized_in_float32(a, b):
    return 1 - F.normalize(a.float(), dim=1) @ F.normalize(b.float(), dim=1).T


@right("03.2")
def nan_becomes_1(a, b):
    return torch.nan_to_num(1 - a @ b.T / (a.norm(dim=1)[:, None] * b.norm(dim=1)), nan=1.0)


@right("03.3")
def sorted_pairs(distances, k):
    return [sorted(range(len(row)), key=lambda j, row=row: (row[j], j))[:k] for row in distances.float().tolist()]


@right("03.4")
def without_its_index(distances, k):
    return [row[row != i][:k] for i, row in enumerate(distances.float().argsort(dim=1, stable=True))]


@right("03.5")
def counted(neighbors, objects):
    return [
        sum(objects[j] == objects[i] for j in row) / (objects.count(objects[i]) - 1)
        for i, row in enumerate(neighbors.tolist())
    ]


@right("04.1")
def eigenvectors_in_float32(x, k):
    centered = x.float() - x.float().mean(0)
    return centered @ torch.linalg.eigh(centered.T @ centered).eigenvectors.flip(1)[:, :k]


@right("04.1")
def rows_of_u_and_s_with_other_signs(x, k):
    u, s, _ = torch.linalg.svd(x.float() - x.float().mean(0), full_matrices=False)
    return list(u[:, :k] * s[:k] * torch.tensor([-1.0, 1.0, -1.0])[:k])


@right("04.2")
def bits_in_float32(p):
    p = p.float()
    return 2 ** -(p * p.clamp(min=1e-30).log2()).sum(1)


@right("04.3")
def doubles_the_width(squares, wanted):  # as in the program of t-SNE's author
    out = np.zeros(squares.shape)
    for i, row in enumerate(squares.numpy()):
        low, high, beta = -np.inf, np.inf, 1.0
        d = np.delete(row, i) - np.delete(row, i).min()
        for _ in range(100):
            p = np.exp(-beta * d)
            entropy = np.log(p.sum()) + beta * (d * p).sum() / p.sum()
            p = p / p.sum()
            if entropy > np.log(wanted):
                low, beta = beta, beta * 2 if high == np.inf else (beta + high) / 2
            else:
                high, beta = beta, beta / 2 if low == -np.inf else (beta + low) / 2
        out[i, np.arange(len(row)) != i] = p
    return out


@right("04.3")
def fifty_steps_in_float32(squares, wanted):
    squares = squares.float()
    squares.fill_diagonal_(torch.inf)
    squares = squares - squares.amin(1, keepdim=True)
    low, high = torch.full((len(squares), 1), -30.0), torch.full((len(squares), 1), 30.0)
    for _ in range(50):
        middle = (low + high) / 2
        p = (-middle.exp() * squares).softmax(1)
        many = torch.special.entr(p).sum(1, keepdim=True).exp() > wanted
        low, high = torch.where(many, middle, low), torch.where(many, high, middle)
    return p


@right("04.4")
def by_cdist_in_float32(y):
    weights = (1 / (1 + torch.cdist(y.float(), y.float()) ** 2)) * (1 - torch.eye(len(y)))
    return weights / weights.sum()


@right("04.5")
def point_by_point_in_numpy(conditional, y):  # as in the program of t-SNE's author
    p, y = conditional.numpy(), y.numpy()
    p = (p + p.T) / (p + p.T).sum()
    squares = (y**2).sum(1)
    weights = 1 / (1 + squares[:, None] + squares[None] - 2 * y @ y.T)
    np.fill_diagonal(weights, 0)
    both = (p - weights / weights.sum()) * weights
    return np.array([4 * (np.tile(both[:, i], (2, 1)).T * (y[i] - y)).sum(0) for i in range(len(y))])


@right("04.5")
def by_autograd_in_float32(conditional, y):
    y = y.float().requires_grad_()
    p = ((conditional + conditional.T) / (2 * len(y))).float()
    weights = 1 / (1 + (y[:, None] - y[None]).pow(2).sum(-1)) * (1 - torch.eye(len(y)))
    other = ~torch.eye(len(y), dtype=torch.bool)
    (p[other] * (p[other] / (weights / weights.sum())[other]).log()).sum().backward()
    return y.grad


@right("04.5")
def as_a_laplacian_in_float32(conditional, y):
    conditional, y = conditional.float(), y.float()
    weights = 1 / (1 + torch.cdist(y, y) ** 2)
    weights = weights - weights.diag().diag()
    both = ((conditional + conditional.T) / len(y) / 2 - weights / weights.sum()) * weights
    return 4 * (both.sum(1).diag() - both) @ y


@right("04.5")
def a_list_of_pairs(conditional, y):
    n, rows = len(y), []
    total = sum(1 / (1 + ((y[i] - y[j]) ** 2).sum()) for i in range(n) for j in range(n) if i != j)
    for i in range(n):
        force = torch.zeros(2, dtype=y.dtype)
        for j in range(n):
            if i != j:
                w = 1 / (1 + ((y[i] - y[j]) ** 2).sum())
                force += 4 * ((conditional[i, j] + conditional[j, i]) / 2 / n - w / total) * w * (y[i] - y[j])
        rows.append(force.tolist())
    return rows


@right("04.6")
def a_list_of_cells(cost):
    return list(linear_sum_assignment(-cost.float().numpy(), maximize=True)[1])


@right("05.1")
def from_the_last_layer(layers):
    size, start = 1, 0
    for kernel, stride, padding, dilation in reversed(layers):
        size, start = (size - 1) * stride + dilation * (kernel - 1) + 1, start * stride - padding
    return torch.tensor([size, math.prod(layer[1] for layer in layers), start])


@right("05.1")
def arrays_of_one_number(layers):
    size, jump, start = from_the_last_layer(layers)
    return size[None], jump[None], start[None]


@right("05.2")
def clipped(y, x, size, stride, start, height, width):
    edges = np.array([y, x, y, x]) * stride + start + np.array([0, 0, size, size])
    return np.clip(edges, 0, [height, width, height, width])


@right("05.3")
def channel_by_channel(maps, k):
    out = []
    for channel in maps.float().transpose(0, 1):
        best = sorted(range(len(channel)), key=lambda n, channel=channel: -float(channel[n].max()))[:k]
        out.append([(n, *divmod(int(channel[n].argmax()), maps.shape[3])) for n in best])
    return out


@right("05.4")
def merged_lists(values_a, images_a, values_b, images_b):
    k, rows = values_a.shape[1], zip(values_a, images_a, values_b, images_b, strict=True)
    pairs = [
        sorted(
            [*zip(va.tolist(), ia.tolist(), strict=True), *zip(vb.tolist(), ib.tolist(), strict=True)], reverse=True
        )[:k]
        for va, ia, vb, ib in rows
    ]
    return [[value for value, _ in row] for row in pairs], [[image for _, image in row] for row in pairs]


@right("05.5")
def a_heap_for_each_channel(batches, k):
    heaps, number = [[] for _ in range(batches[0].shape[1])], 0
    for maps in batches:
        for image in maps.tolist():
            for heap, channel in zip(heaps, image, strict=True):
                heapq.heappush(heap, (max(map(max, channel)), number))
                if len(heap) > k:
                    heapq.heappop(heap)
            number += 1
    rows = [sorted(heap, reverse=True) for heap in heaps]
    return [[value for value, _ in row] for row in rows], [[image for _, image in row] for row in rows]


@right("05.5")
def from_minus_infinity_in_float32(batches, k):
    values = torch.full((batches[0].shape[1], k), -torch.inf)
    images, seen = torch.full(values.shape, -1), 0
    for maps in batches:
        best = torch.cat([values, maps.float().flatten(2).max(2).values.T], 1)
        numbers = torch.cat([images, torch.arange(seen, seen + len(maps)).expand(len(values), -1)], 1)
        values, order = best.topk(k)
        images, seen = numbers.gather(1, order), seen + len(maps)
    return values, images.int()


@right("05.5")
def all_at_once_with_numpy(batches, k):
    best = np.concatenate([maps.numpy() for maps in batches]).max((2, 3)).T
    order = np.argsort(-best, axis=1)[:, :k]
    return np.take_along_axis(best, order, 1), order


@right("06.1")
def all_windows_in_one_batch(net, image, target, window, stride, gray):
    height, width = image.shape[2:]
    rows, columns = range(0, height - window + stride, stride), range(0, width - window + stride, stride)
    covered = image.repeat(len(rows) * len(columns), 1, 1, 1)
    for n, (top, left) in enumerate((top, left) for top in rows for left in columns):
        covered[n, :, top : top + window, left : left + window] = gray
    with torch.no_grad():
        return (net(image)[0, target] - net(covered)[:, target]).view(len(rows), len(columns)).float()


@right("06.2")
def transposed_convolutions(drops, height, width, window, stride):
    kernel, drops = torch.ones(1, 1, window, window), drops.float()[None, None]
    total, count = (F.conv_transpose2d(x, kernel, stride=stride) for x in (drops, torch.ones_like(drops)))
    return (total / count)[0, 0, :height, :width]


@right("06.3")
def by_trying(start, stop, kernel, stride, padding, size):
    outputs = range((size + 2 * padding - kernel) // stride + 1)
    seen = [o for o in outputs if any(start <= o * stride - padding + i < stop for i in range(kernel))]
    return np.array([seen[0], seen[-1] + 1])


@right("06.4")
def the_difference_in_float32(x, y, weight, patch, top, left):
    change = torch.zeros_like(x, dtype=torch.float32)
    place = (..., slice(top, top + patch.shape[2]), slice(left, left + patch.shape[3]))
    change[place] = (patch - x[place]).float()
    return y + F.conv2d(change, weight.float(), padding=1)


@right("06.5")
def winners_with_numpy(net, image, window, stride, gray):
    tops, lefts = (range(0, stride * math.ceil((size - window) / stride) + 1, stride) for size in image.shape[2:])
    grid = []
    for top in tops:
        grid.append([])
        for left in lefts:
            covered = image.numpy().copy()
            covered[:, :, top : top + window, left : left + window] = gray
            grid[-1].append(int(np.argmax(net(torch.from_numpy(covered)).float().numpy())))
    return grid


@right("07.1")
def image_by_image(net, images, target):
    maps = []
    for image, one in zip(images, target, strict=True):
        pixels = image[None].clone().requires_grad_()
        net(pixels)[0, one].backward()
        maps.append(pixels.grad[0].abs().amax(0).float())
    return maps


@right("07.1")
def by_one_hot(net, images, target):
    pixels = images.detach().clone().requires_grad_()
    (net(pixels) * F.one_hot(torch.tensor(target), 5)).sum().backward()
    return torch.maximum(pixels.grad.amax(1), -pixels.grad.amin(1))


@right("07.2")
def gradient_of_the_mean(net, image, target, noise):
    pixels = image.clone().requires_grad_()
    return torch.autograd.grad(net(pixels + noise)[:, target].mean(), pixels)[0][0].abs().amax(0)


@right("07.3")
def numpy_quantiles_in_float32(heat, foreground, background):
    heat = heat.numpy().astype(np.float32)
    high, low = np.quantile(heat, foreground), np.quantile(heat, background)
    return np.where(heat > high, 1, np.where(heat <= low, 0, 2))


@right("07.4")
def gradient_of_the_copy(net, images, target):
    pixels = images.clone().requires_grad_()
    net(pixels)[range(len(images)), target].sum().backward()
    return pixels.grad


@right("07.5")
def shares_in_float32(maps, top, bottom, left, right):
    return [one[top:bottom, left:right].sum() / one.sum() for one in maps.float()]


@right("07.6")
def one_product_in_float32(maps, gradients):
    return (gradients.float().flatten(1).mean(1) @ maps.float().flatten(1)).view(maps.shape[1:]).relu()


@right("07.7")
def one_point_after_the_other(net, image, baseline, target, steps):
    total = 0
    for s in range(1, steps + 1):
        point = (baseline + (s - 0.5) / steps * (image - baseline)).detach().requires_grad_()
        net(point)[0, target].backward()
        total = total + point.grad
    return ((image - baseline) * total / steps).numpy()


@right("07.7")
def from_the_image_backward(net, image, baseline, target, steps):
    parts = []
    for s in reversed(range(steps)):
        a = torch.tensor((s + 0.5) / steps, requires_grad=True)
        point = ((1 - a) * baseline + a * image).detach().requires_grad_()
        parts.append(torch.autograd.grad(net(point)[0][target], point)[0])
    return (image - baseline) * torch.stack(parts).mean(0)
