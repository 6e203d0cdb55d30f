"""Checks of lesson 02: feature maps."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from course_utils.exercises.compare import close
from course_utils.exercises.machine import Call, Draw, exercise
from course_utils.exercises.quizzes import read_quiz


def dimensions(own: bool) -> tuple[int, ...]:
    return (1, 2) if own else (0, 1, 2)


def gray(maps, own, *, over=dimensions, lowest=Tensor.amin, flat=1.0) -> Tensor:
    """Stretched to [0, 1]; `flat` is the range that a constant map gets."""
    low, high = lowest(maps, over(own), keepdim=True), maps.amax(over(own), keepdim=True)
    return (maps - low) / torch.where(high > low, high - low, flat)


@exercise("02.1", "to_gray")
def to_gray(call: Call, draw: Draw) -> None:
    low, high = draw.integer(3, 4), draw.integer(5, 7)
    for height, width, unit in ((low, high, 1.0), (high, low, 0.1)):
        maps = draw.normal(draw.integer(6, 7), height, width) + 0.5
        maps = maps * torch.arange(1, len(maps) + 1)[:, None, None] * unit
        zero, above, below, negative, *_ = draw.rng.permutation(len(maps)).tolist()
        maps[zero], maps[above], maps[below] = 0, draw.number(0.2, 0.8), -draw.number(0.2, 0.8)  # constant maps
        maps[negative] = -maps[negative].abs() - 0.1
        for own in (False, True):
            close(call(maps, own), gray(maps, own), what=f"the gray pictures with own={own}")
    weak, flat = 0.3 * gray(maps, False) + 0.1, torch.full_like(maps, draw.number(0.2, 0.8))
    close(call(weak, False), gray(weak, False), what="the gray pictures of weak maps with own=False")
    close(call(flat, False), gray(flat, False), what="the gray pictures of constant maps with own=False")


def range_not_used(maps, own):
    low, high = maps.amin(dimensions(own), keepdim=True), maps.amax(dimensions(own), keepdim=True)
    return (maps - low) / high


def no_range_below_one(maps, own):
    low, high = maps.amin(dimensions(own), keepdim=True), maps.amax(dimensions(own), keepdim=True)
    return (maps - low) / (high - low).clamp(min=1)


def negative_picture(maps, own):
    return gray(-maps, own)


to_gray.slips = {
    "With own=False you stretched each map by itself. There all maps share one smallest and one largest value.": (
        lambda maps, own: gray(maps, True)
    ),
    "With own=True you used one scale for all maps. There each map is stretched by itself.": (
        lambda maps, own: gray(maps, False)
    ),
    "With own=False you set constant maps to 0. They share one scale with the others, so each keeps its gray there.": (
        lambda maps, own: gray(maps, own).where(maps.amax((1, 2), True) > maps.amin((1, 2), True), 0.0)
    ),
    "A constant map gives 0 / 0. It has nothing to stretch: return 0 for it.": (
        lambda maps, own: gray(maps, own, flat=0.0) if own else gray(maps, own)
    ),
    "With own=False the range can be 0 as well, when all maps are the same constant. Return 0 for them.": (
        lambda maps, own: gray(maps, own) if own else gray(maps, own, flat=0.0)
    ),
    "You divided by the largest value without taking the smallest away: black is then not 0.": (
        lambda maps, own: maps / maps.amax(dimensions(own), keepdim=True)
    ),
    "You divided by the largest value, not by the range from smallest to largest.": range_not_used,
    "Where the range is smaller than 1 you divided by 1. Only a range of 0 needs another divisor.": no_range_below_one,
    "You cut negative values off at 0. Before a ReLU they are part of the picture.": (
        lambda maps, own: gray(maps.clamp(min=0), own)
    ),
    "You took the absolute value first: a strong negative answer is then as white as a positive one.": (
        lambda maps, own: gray(maps.abs(), own)
    ),
    "You stretched over the channels (dimension 0), place by place.": partial(gray, over=lambda own: (0,)),
    "You stretched each row of a map by itself.": partial(gray, over=lambda own: (2,)),
    "Black and white are exchanged: the largest value is white, 1.": negative_picture,
}


def filled(maps: Tensor, columns: int, empty: float = 0.0) -> Tensor:
    """The maps, and empty ones until the last row is full."""
    places = -(-len(maps) // columns) * columns
    return torch.cat([maps, torch.full((places - len(maps), *maps.shape[1:]), empty, dtype=maps.dtype)])


def sheet(maps, columns, *, empty=0.0) -> Tensor:
    h, w = maps.shape[1:]
    return filled(maps, columns, empty).view(-1, columns, h, w).permute(0, 2, 1, 3).reshape(-1, columns * w)


@exercise("02.2", "contact_sheet")
def contact_sheet(call: Call, draw: Draw) -> None:
    columns, low, high = draw.integer(3, 4), draw.integer(3, 4), draw.integer(5, 6)
    rows = columns + 1
    for count, beside, h, w in (
        ((rows - 1) * columns + 1, columns, low, high),  # a single map in the last row
        (rows * columns, columns, high, low),
        (columns - 1, columns, high, low),  # one row, with one empty place
        (3, 1, low, high),
    ):
        maps = draw.normal(count, h, w)
        close(call(maps, beside), sheet(maps, beside), what="the contact sheet")


def down_the_columns(maps, columns):
    h, w = maps.shape[1:]
    return filled(maps, columns).view(columns, -1, h, w).permute(1, 2, 0, 3).reshape(-1, columns * w)


def last_row_empty(maps, columns):
    out = sheet(maps, columns)
    out[-maps.shape[1] :] = 0
    return out


contact_sheet.slips = {
    "You reshaped without moving dimensions: the rows of different maps are mixed. The order must become "
    "(grid row, map row, grid column, map column).": (
        lambda maps, columns: filled(maps, columns).reshape(-1, columns * maps.shape[2])
    ),
    "The maps run down the columns; they should run along the rows, like text.": down_the_columns,
    "You made as many rows as columns says; it is the number of maps side by side.": (
        lambda maps, columns: sheet(maps, -(-len(maps) // columns))
    ),
    "The maps in the last, unfinished row are missing.": (
        lambda maps, columns: sheet(maps[: len(maps) // columns * columns], columns)
    ),
    "The last row is missing; its places are empty.": last_row_empty,
    "Where the last row of maps is full, there is an empty row too many: round len(maps) / columns up.": (
        lambda maps, columns: sheet(filled(torch.cat([maps, 0 * maps[:1]]), columns), columns)
    ),
    "Each map is turned over its diagonal: its height and width are exchanged.": (
        lambda maps, columns: sheet(maps.transpose(1, 2), columns)
    ),
    "The whole sheet is turned over its diagonal.": lambda maps, columns: sheet(maps, columns).T,
    "Empty places should be 0 (black).": partial(sheet, empty=1.0),
}


def share(r: Tensor, *, dead: float = 1.0) -> Tensor:
    """The square of the mean over the mean of the squares; `dead` for channels that never answer."""
    return (r.mean(0).square() / r.square().mean(0)).nan_to_num(dead)


def selective(r, *, share=share, n=None) -> Tensor:
    return (1 - share(r)) / (1 - 1 / (n or len(r)))


@exercise("02.4", "selectivity")
def selectivity(call: Call, draw: Draw) -> None:
    for n, c in ((draw.integer(7, 9), 6), (4, draw.integer(5, 6))):
        r = draw.uniform(n, c) ** 3 * 5
        dead, single, alike, weak, *_ = draw.rng.permutation(c).tolist()
        r[:, [dead, single]] = 0
        r[draw.integer(0, n - 1), single] = 3.0
        r[:, alike] = 0.7
        r[:, weak] *= 0.01
        close(call(r), selective(r), what="the selectivity")


selectivity.slips = {
    "A channel that never answers gives 0 / 0. Return 0 for it.": partial(
        selective, share=partial(share, dead=torch.nan)
    ),
    "A channel that never answers got selectivity above 0; a dead channel selects nothing: 0.": (
        partial(selective, share=partial(share, dead=0.0))
    ),
    "The division by (1 - 1/N) is missing: the largest value is then not 1.": lambda r: 1 - share(r),
    "You multiplied by (1 - 1/N); divide by it.": lambda r: (1 - share(r)) * (1 - 1 / len(r)),
    "Above and below the fraction are exchanged: it is the square of the mean over the mean of the squares.": (
        partial(selective, share=lambda r: (r.square().mean(0) / r.mean(0).square()).nan_to_num(1))
    ),
    "The step 1 - ... is missing: you return how even the answers are.": share,
    "The mean was squared after the division. It is the square of the mean over the mean of the squares.": (
        partial(selective, share=lambda r: (r.mean(0) / r.square().mean(0)).square().nan_to_num(1))
    ),
    "You divided by the square of the mean twice (mean of squares and square of mean are different).": (
        partial(selective, share=lambda r: torch.ones_like(r[0]))
    ),
    "You computed one number per image. The mean runs over the images: dimension 0.": lambda r: selective(r.T),
    "You used sums in place of means: with N images the share is then N times too large.": (
        partial(selective, share=lambda r: (share(r, dead=torch.nan) * len(r)).nan_to_num(1))
    ),
    "You divided by (1 - 1/C); N is the number of images.": lambda r: selective(r, n=r.shape[1]),
}


def sides(r: Tensor, group: list[bool]) -> tuple[Tensor, Tensor]:
    chosen = torch.tensor(group)
    return r[chosen], r[~chosen]


def won(a: Tensor, b: Tensor, *, tie: float = 0.5) -> Tensor:
    """How often a row of `a` is higher than one of `b`, for each channel."""
    return ((a[:, None] > b).double() + tie * (a[:, None] == b)).mean((0, 1))


@exercise("02.5", "separation")
def separation(call: Call, draw: Draw) -> None:
    n, c = draw.integer(9, 12), draw.integer(4, 5)
    for size in (4, 1, n - 2):
        r = draw.uniform(n, c).mul(4).round() / 4 - 0.5  # few levels: ties
        inside = draw.rng.permutation(n)[:size].tolist()
        group = [i in inside for i in range(n)]
        r[:, 1] = 0  # all pairs are ties
        r[inside, 2] = 3  # all pairs are won
        close(call(r, group), won(*sides(r, group)), what="the separation")


def difference_of_means(r, group):
    a, b = sides(r, group)
    return a.mean(0) - b.mean(0)


def pairs(group: list[bool]) -> int:
    return sum(group) * (len(group) - sum(group))


separation.slips = {
    "Equal answers count as lost; each counts one half.": lambda r, group: won(*sides(r, group), tie=0),
    "Equal answers count as won; each counts one half.": lambda r, group: won(*sides(r, group), tie=1),
    "The sides are exchanged: count how often the group is higher.": lambda r, group: won(*sides(r, group)[::-1]),
    "You compared the means of the two sides. Count the pairs.": difference_of_means,
    "You asked if the mean of the group is higher: that is one bit. Count the pairs.": (
        lambda r, group: (difference_of_means(r, group) > 0).double()
    ),
    "You counted the pairs but did not divide by their number.": (
        lambda r, group: won(*sides(r, group)) * pairs(group)
    ),
    "You divided by the square of the number of images; divide by the number of pairs (inside, outside).": (
        lambda r, group: won(*sides(r, group)) * pairs(group) / len(r) ** 2
    ),
    "You compared the group with all images, also with itself.": lambda r, group: won(sides(r, group)[0], r),
    "You set negative answers to 0 first. They count as they are.": lambda r, group: won(*sides(r.clamp(min=0), group)),
    "You left equal answers out. They count one half each.": (
        lambda r, group: (
            won(*sides(r, group), tie=0) / (1 - won(*sides(r, group), tie=1) + won(*sides(r, group), tie=0))
        )
    ),
    "You asked if every image of the group lies above all others. Count the pairs.": (
        lambda r, group: (sides(r, group)[0].amin(0) > sides(r, group)[1].amax(0)).double()
    ),
}


def hooked(net, images, layer, *, keep=lambda inputs, output: output.clone()):
    """What a hook keeps, and the scores."""
    seen = []
    handle = net.layer(layer).register_forward_hook(lambda module, inputs, output: seen.append(keep(inputs[0], output)))
    with torch.no_grad():
        scores = net(images)
    handle.remove()
    return seen[0], scores


def recorded(net, images, layer, *, normalize=None) -> Tensor:
    """Layer by layer, without a hook."""
    x = (normalize or net.normalize)(images)
    for name, module in net.model.named_children():
        x = module(x)
        if name == layer:
            return x.detach()


@exercise("02.3", "record")
def record(call: Call, draw: Draw) -> None:
    for count, layer in ((2, "0"), (1, "3"), (3, "2")):
        inputs = draw.net("conv", inplace=True), draw.images(count), layer
        close(call(*inputs), recorded(*inputs), what="the recorded maps")


record.slips = {
    "You have what came out of the ReLU: the layer after this one works in place and wrote over your record. "
    "Clone the output in the hook.": lambda *inputs: hooked(*inputs, keep=lambda inputs, output: output)[0],
    "You recorded what went into the layer; its output is the third argument of the hook.": (
        lambda *inputs: hooked(*inputs, keep=lambda inputs, output: inputs.clone())[0]
    ),
    "You returned the scores of the network, not the output of the layer.": lambda *inputs: hooked(*inputs)[1],
    "You averaged the maps over their positions; return them whole.": lambda *inputs: recorded(*inputs).mean((2, 3)),
    "You returned one image's maps; return all of them.": lambda *inputs: recorded(*inputs)[0],
    "You returned one image's maps; return the whole batch.": lambda *inputs: recorded(*inputs)[:1],
    "You went around the network's normalization: run net(images), not net.model(images).": (
        lambda net, images, layer: recorded(net, images, layer, normalize=lambda images: images.clone())
    ),
    "You normalized the images, and the network did so again. It takes plain images.": (
        lambda net, images, layer: recorded(net, net.normalize(images), layer)
    ),
    "You recorded the other convolution; the argument layer says which one.": (
        lambda net, images, layer: recorded(net, images, "3" if layer == "0" else "0")
    ),
    "You took the absolute value.": lambda *inputs: recorded(*inputs).abs(),
}


QUIZ = read_quiz("""
With own scaling (own=True), two maps of a layer both show a bright spot. What may you conclude?
- Both channels answer equally strongly at their bright spots.
  Own scaling stretches each map to its own largest value, so even a whisper becomes white.
+ Each map has its largest value at its bright spot.
  Yes, and nothing about which is stronger. Compare strengths with shared scaling.
- Both channels look for the same thing and found it at two places.
  The place of a maximum says nothing about what else a channel answers to.
- Both channels are selective: they answer to few photos.
  Selectivity is about many images; here is one.

A ReLU channel is black in all 37 photos. What do you know?
- It is broken: the network would answer the same without it.
  It may answer to something that is in none of these photos.
+ It was silent for these photos, and no more than that.
  Yes. Dead is a statement about a set of images.
- Its weights are 0, so that nothing can make it answer.
  Its weights can be anything; the sum stayed at or below 0.
- The network was not trained to the end.
  Trained networks have silent channels, too.

Of 512 channels, five put your three face photos above the other 34. Are all five face channels?
- Yes: they separate the faces perfectly, and that is no luck.
  Luck may help, and photos of people share more than a face. One of the five failed on new faces in this lesson.
+ Not surely: the photos share other things too, and they chose the channels.
  Yes: clothes, for example. Test on new pictures, against controls that differ only by the face.
- No: networks that were trained to tell objects apart have no channels for faces.
  Channel 457 of relu5_1 also found the faces among small gray patches it was not chosen on.
- Only if all five of them are in the same layer.
  The layer does not protect against something that comes with the faces.

You planted words, and the channel answered also to the word upside down. What does this say?
- It reads words in any direction, also those that somebody has put on their head.
  It does not read: it cannot tell the word from its mirror image.
+ It answers to something that letters keep upside down, but we don't know what.
  Yes: shuffled strips of words, in which only pieces of letters are left, moved it as much.
- The experiment failed: a channel for text does not answer to a word on its head.
  It told you what the name "text channel" hides.
- It answers to any black and white patch, whatever is drawn on it.
  An empty plate moved it little, and regular bars less than words.
""")
