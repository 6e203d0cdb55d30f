"""Wrong answers to the exercises of lesson 16."""

import torch

from tests.mutants import mutant


def summed(maps, row):
    return torch.einsum("k,khw->hw", row, maps)


@mutant("16.1", "not divided by the number of places")
def not_divided(maps, weight, bias, one, two):
    return summed(maps, weight[one] - weight[two]), bias[one] - bias[two]


@mutant("16.1", "sign is turned around")
def two_minus_one(maps, weight, bias, one, two):
    return summed(maps, weight[two] - weight[one]) / maps[0].numel(), bias[one] - bias[two]


@mutant("16.1", "class one alone")
def only_one(maps, weight, bias, one, two):
    return summed(maps, weight[one]) / maps[0].numel(), bias[one] - bias[two]


@mutant("16.1", "mean over the channels")
def mean_of_channels(maps, weight, bias, one, two):
    return ((weight[one] - weight[two])[:, None, None] * maps).mean(0), bias[one] - bias[two]


@mutant("16.1", "Only positive parts")
def rectified(maps, weight, bias, one, two):
    return (summed(maps, weight[one] - weight[two]) / maps[0].numel()).clamp(min=0), bias[one] - bias[two]


@mutant("16.1", "bias is in the map")
def bias_everywhere(maps, weight, bias, one, two):
    difference = bias[one] - bias[two]
    return summed(maps, weight[one] - weight[two]) / maps[0].numel() + difference, difference


@mutant("16.1", "bias of class one")
def one_bias(maps, weight, bias, one, two):
    return summed(maps, weight[one] - weight[two]) / maps[0].numel(), bias[one]


@mutant("16.1", "Return two things")
def no_bias(maps, weight, bias, one, two):
    return summed(maps, weight[one] - weight[two]) / maps[0].numel()


def cut(image, other, box):
    top, left, bottom, right = box
    changed = image.clone()
    changed[:, :, top:bottom, left:right] = other[:, :, top:bottom, left:right]
    return changed


def scores(net, target, *images):
    with torch.no_grad():
        return tuple(net(image)[0, target] for image in images)


@mutant("16.2", "Work on a copy")
def as_given(net, image, cover, box, target):
    top, left, bottom, right = box
    without = image
    without[:, :, top:bottom, left:right] = cover[:, :, top:bottom, left:right]
    only = cover.clone()
    only[:, :, top:bottom, left:right] = image[:, :, top:bottom, left:right]
    return scores(net, target, without, only)


@mutant("16.2", "wrong order")
def other_order(net, image, cover, box, target):
    return scores(net, target, cut(cover, image, box), cut(image, cover, box))


@mutant("16.2", "whole image")
def whole_image(net, image, cover, box, target):
    return scores(net, target, cut(image, cover, box), image)


@mutant("16.2", "first outside")
def one_too_many(net, image, cover, box, target):
    top, left, bottom, right = box
    box = (top, left, bottom + 1, right + 1)
    return scores(net, target, cut(image, cover, box), cut(cover, image, box))


@mutant("16.2", "Rows and columns are exchanged")
def exchanged(net, image, cover, box, target):
    top, left, bottom, right = box
    box = (left, top, right, bottom)
    return scores(net, target, cut(image, cover, box), cut(cover, image, box))


@mutant("16.2", "returned the drops")
def drops(net, image, cover, box, target):
    clean, without, only = scores(net, target, image, cut(image, cover, box), cut(cover, image, box))
    return clean - without, clean - only


@mutant("16.2", "second call")
def spoils_the_cover(net, image, cover, box, target):
    top, left, bottom, right = box
    (without,) = scores(net, target, cut(image, cover, box))
    cover[:, :, top:bottom, left:right] = image[:, :, top:bottom, left:right]
    return without, *scores(net, target, cover)


def curve(net, image, heat, cover, counts, target, *, order=None, of="probability"):
    order = heat.flatten().argsort(descending=True) if order is None else order
    values = []
    for count in counts:
        mask = torch.zeros(heat.numel(), dtype=torch.bool)
        mask[order[:count]] = True
        with torch.no_grad():
            found = net(torch.where(mask.reshape(heat.shape), cover, image))
        values.append((found.softmax(1) if of == "probability" else found)[0, target])
    return torch.stack(values)


@mutant("16.3", "least important")
def ascending(net, image, heat, cover, counts, target):
    return curve(net, image, heat, cover, counts, target, order=heat.flatten().argsort())


@mutant("16.3", "Ranks and pixel numbers")
def ranks(net, image, heat, cover, counts, target):
    order = heat.flatten().argsort(descending=True).argsort()
    return curve(net, image, heat, cover, counts, target, order=order)


@mutant("16.3", "returned scores")
def raw_scores(net, image, heat, cover, counts, target):
    return curve(net, image, heat, cover, counts, target, of="score")


@mutant("16.3", "This is insertion")
def insertion(net, image, heat, cover, counts, target):
    return curve(net, cover, heat, image, counts, target)


@mutant("16.3", "strongly negative")
def by_size(net, image, heat, cover, counts, target):
    return curve(net, image, heat.abs(), cover, counts, target)


@mutant("16.3", "covered with 0")
def covers_with_black(net, image, heat, cover, counts, target):
    return curve(net, image, heat, torch.zeros_like(cover), counts, target)


@mutant("16.3", "turned around")
def backwards(net, image, heat, cover, counts, target):
    return curve(net, image, heat, cover, counts, target).flip(0)


@mutant("16.3", "Only one channel")
def red_only(net, image, heat, cover, counts, target):
    mixed = image.clone()
    mixed[:, 0] = cover[:, 0]
    return curve(net, image, heat, mixed, counts, target)


@mutant("16.3", "second call")
def piles_up(net, image, heat, cover, counts, target):
    order, values = heat.flatten().argsort(descending=True), []
    for count in counts:
        image[0].flatten(1)[:, order[:count]] = cover[0].flatten(1)[:, order[:count]]
        with torch.no_grad():
            values.append(net(image).softmax(1)[0, target])
    return torch.stack(values)
