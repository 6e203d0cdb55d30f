"""Wrong answers to the exercises of lesson 05 that have no sentence of their own."""

import torch

from course_utils.exercises.lesson_05 import box, field, merged, streamed, strongest
from tests.mutants import mutant


@mutant("05.1", "wrong values")
def the_padding_is_dilated(layers):
    size, jump, start = 1, 1, 0
    for kernel, stride, padding, dilation in layers:
        size, start, jump = size + (kernel - 1) * dilation * jump, start - padding * dilation * jump, jump * stride
    return size, jump, start


@mutant("05.1", "wrong values")
def the_first_layer_is_left_out(layers):
    return field(layers[1:])


@mutant("05.2", "wrong values")
def right_is_cut_at_the_height(y, x, size, stride, start, height, width):
    return box(y, x, size, stride, start, height, height)


@mutant("05.3", "wrong values")
def only_positive_answers(maps, k):
    return strongest(maps.clamp(min=0), k)


@mutant("05.4", "too imprecise")
def rounded_values(values_a, images_a, values_b, images_b):
    values, images = merged(values_a, images_a, values_b, images_b)
    return values.mul(1000).round() / 1000, images


@mutant("05.4", "wrong values")
def one_order_for_all_channels(values_a, images_a, values_b, images_b):
    values, images = torch.cat([values_a, values_b], 1), torch.cat([images_a, images_b], 1)
    order = values[0].argsort(descending=True)[: values_a.shape[1]]
    return values[:, order], images[:, order]


@mutant("05.5", "wrong values")
def only_the_best_of_each_batch_is_compared(batches, k):
    values, images = streamed(batches, 1)
    return values.repeat(1, k), images.repeat(1, k)


@mutant("05.5", "wrong values")
def the_strongest_place_instead_of_the_image(batches, k):
    values, _ = streamed(batches, k)
    maps = torch.cat(batches)
    order = maps.amax((2, 3)).T.argsort(dim=1, descending=True)[:, :k]
    return values, maps.flatten(2).argmax(2).T.gather(1, order)


@mutant("05.5", "wrong values")
def the_last_batch_is_not_looked_at(batches, k):
    return streamed(batches[:-1] or batches, k)


@mutant("05.5", "wrong shape")
def channels_are_lost(batches, k):
    values, images = streamed(batches, k)
    return values[0], images[0]
