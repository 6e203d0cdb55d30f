"""Wrong answers to the exercises of lesson 02."""

import torch

from tests.mutants import mutant


def stretch(maps, over):
    low, high = maps.amin(over, keepdim=True), maps.amax(over, keepdim=True)
    return (maps - low) / torch.where(high > low, high - low, 1.0)


@mutant("02.1", "exchanged: `own=True`")
def own_and_shared_exchanged(maps, own):
    return stretch(maps, (0, 1, 2) if own else (1, 2))


@mutant("02.1", "constant map gives 0 / 0")
def constant_map_not_a_number(maps, own):
    over = (1, 2) if own else (0, 1, 2)
    low, high = maps.amin(over, keepdim=True), maps.amax(over, keepdim=True)
    return (maps - low) / (high - low)


@mutant("02.1", "without taking the smallest away")
def divided_by_the_largest(maps, own):
    return maps / maps.amax((1, 2) if own else (0, 1, 2), keepdim=True)


@mutant("02.1", "cut negative values off")
def clamped_first(maps, own):
    return stretch(maps.clamp(min=0), (1, 2) if own else (0, 1, 2))


@mutant("02.1", "absolute value first")
def absolute_first(maps, own):
    return stretch(maps.abs(), (1, 2) if own else (0, 1, 2))


@mutant("02.1", "over the channels")
def over_channels(maps, own):
    return stretch(maps, 0)


@mutant("02.1", "exchanged")
def always_own(maps, own):
    return stretch(maps, (1, 2))


@mutant("02.1", "Black and white are exchanged")
def negative_picture(maps, own):
    over = (1, 2) if own else (0, 1, 2)
    low, high = maps.amin(over, keepdim=True), maps.amax(over, keepdim=True)
    return (high - maps) / torch.where(high > low, high - low, 1.0)


def filled(maps, places, fill=0.0):
    full = torch.full((places, *maps.shape[1:]), fill, dtype=maps.dtype)
    full[: len(maps)] = maps
    return full


def sheet(maps, columns, fill=0.0):
    rows = -(-len(maps) // columns)
    h, w = maps.shape[1:]
    return filled(maps, rows * columns, fill).view(rows, columns, h, w).permute(0, 2, 1, 3).reshape(rows * h, -1)


@mutant("02.2", "without moving dimensions")
def plain_reshape(maps, columns):
    rows = -(-len(maps) // columns)
    return filled(maps, rows * columns).reshape(rows * maps.shape[1], columns * maps.shape[2])


@mutant("02.2", "run down the columns")
def column_by_column(maps, columns):
    rows = -(-len(maps) // columns)
    h, w = maps.shape[1:]
    return filled(maps, rows * columns).view(columns, rows, h, w).permute(1, 2, 0, 3).reshape(rows * h, columns * w)


@mutant("02.2", "You made `columns` rows")
def rows_for_columns(maps, columns):
    return sheet(maps, -(-len(maps) // columns))


@mutant("02.2", "unfinished row are missing")
def full_rows_only(maps, columns):
    return sheet(maps[: len(maps) // columns * columns], columns)


@mutant("02.2", "its height and width are exchanged")
def maps_transposed(maps, columns):
    return sheet(maps.transpose(1, 2), columns)


@mutant("02.2", "Empty places should be 0")
def white_empty_places(maps, columns):
    return sheet(maps, columns, 1.0)


@mutant("02.4", "0 / 0")
def dead_channel_not_a_number(r):
    return (1 - r.mean(0) ** 2 / (r**2).mean(0)) / (1 - 1 / len(r))


@mutant("02.4", "a dead channel selects nothing")
def dead_channel_very_selective(r):
    return (1 - r.mean(0) ** 2 / (r**2).mean(0).clamp(min=1e-12)) / (1 - 1 / len(r))


@mutant("02.4", "division by (1 - 1/N) is missing")
def not_normalized(r):
    return (1 - r.mean(0) ** 2 / (r**2).mean(0)).nan_to_num(0)


@mutant("02.4", "`1 - ...` is missing")
def evenness(r):
    return (r.mean(0) ** 2 / (r**2).mean(0)).nan_to_num(1)


@mutant("02.4", "one number per image")
def wrong_dimension(r):
    return (1 - r.mean(1) ** 2 / (r**2).mean(1)) / (1 - 1 / r.shape[1])


@mutant("02.4", "sums in place of means")
def sums(r):
    return ((1 - r.sum(0) ** 2 / (r**2).sum(0)) / (1 - 1 / len(r))).nan_to_num(0)


@mutant("02.4", "N is the number of images")
def channels_for_images(r):
    return ((1 - r.mean(0) ** 2 / (r**2).mean(0)) / (1 - 1 / r.shape[1])).nan_to_num(0)


def sides(r, group):
    chosen = torch.tensor(group)
    return r[chosen][:, None], r[~chosen][None]


@mutant("02.5", "count as lost")
def ties_lost(r, group):
    a, b = sides(r, group)
    return (a > b).double().mean((0, 1))


@mutant("02.5", "count as won")
def ties_won(r, group):
    a, b = sides(r, group)
    return (a >= b).double().mean((0, 1))


@mutant("02.5", "sides are exchanged")
def other_way_round(r, group):
    b, a = sides(r, group)
    return (
        (a > b).double().mean((0, 1)) + (a == b).double().mean((0, 1)) / 2
        if a.shape == b.shape
        else (1 - (b > a).double().mean((0, 1)) - (a == b).double().mean((0, 1)) / 2)
    )


@mutant("02.5", "compared the means")
def difference_of_means(r, group):
    chosen = torch.tensor(group)
    return r[chosen].mean(0) - r[~chosen].mean(0)


@mutant("02.5", "did not divide")
def counted_pairs(r, group):
    a, b = sides(r, group)
    return ((a > b).double() + (a == b).double() / 2).sum((0, 1))


@mutant("02.5", "also with itself")
def against_all(r, group):
    a, b = r[torch.tensor(group)][:, None], r[None]
    return ((a > b).double() + (a == b).double() / 2).mean((0, 1))


@mutant("02.5", "*every* image of the group")
def all_or_nothing(r, group):
    chosen = torch.tensor(group)
    return (r[chosen].amin(0) > r[~chosen].amax(0)).double()


def hooked(net, images, layer, keep):
    seen = []
    handle = net.layer(layer).register_forward_hook(lambda module, inputs, output: seen.append(keep(inputs[0], output)))
    with torch.no_grad():
        scores = net(images)
    handle.remove()
    return seen[0], scores


@mutant("02.3", "wrote over your record")
def not_cloned(net, images, layer):
    return hooked(net, images, layer, lambda i, o: o)[0]


@mutant("02.3", "wrote over your record")
def detached_only(net, images, layer):
    return hooked(net, images, layer, lambda i, o: o.detach())[0]


@mutant("02.3", "went into the layer")
def the_input(net, images, layer):
    return hooked(net, images, layer, lambda i, o: i.clone())[0]


@mutant("02.3", "scores of the network")
def the_scores(net, images, layer):
    return hooked(net, images, layer, lambda i, o: o.clone())[1]


@mutant("02.3", "averaged the maps")
def averaged(net, images, layer):
    return hooked(net, images, layer, lambda i, o: o.clone())[0].mean((2, 3))


@mutant("02.3", "whole batch")
def first_image(net, images, layer):
    return hooked(net, images[:1], layer, lambda i, o: o.clone())[0]
