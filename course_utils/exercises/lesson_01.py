"""Checks of lesson 01: first-layer filters."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from course_utils.exercises.compare import close
from course_utils.exercises.machine import Call, Draw, exercise
from course_utils.exercises.quizzes import read_quiz

WHOLE = (1, 2, 3)  # the dimensions of one filter


def largest(weights: Tensor, over=WHOLE) -> Tensor:
    return weights.abs().amax(over, keepdim=True)


def pictures(weights, *, scale=largest) -> Tensor:
    return 0.5 + 0.5 * weights / scale(weights)


@exercise("01.1", "filters_to_pictures")
def filters_to_pictures(call: Call, draw: Draw) -> None:
    size = draw.choice([3, 5])
    weights = draw.normal(draw.integer(4, 5), 3, size, size)
    weights[0, 0, 0, 1], weights[1, 2, 1, 0] = -5.0, 5.0  # the largest |weight| is negative, and positive
    weights[2], weights[3] = weights[2].abs() + 0.1, -weights[3].abs() - 0.1  # only one sign
    weights = weights * draw.uniform(len(weights), 1, 1, 1, low=0.2, high=3)
    weights[0] *= 0.02  # a weak filter
    for some in (weights, weights[:1]):
        close(call(some), pictures(some), what="the pictures")


def stretched(weights, *, over=WHOLE):
    low, high = weights.amin(over, keepdim=True), weights.amax(over, keepdim=True)
    return (weights - low) / (high - low)


filters_to_pictures.slips = {
    "You stretched each filter from its smallest to its largest weight. "
    "Then weight 0 has another gray in every filter; divide by the largest |weight|.": stretched,
    "You used one scale for all filters, so weak filters stay gray. Each filter has its own.": (
        partial(pictures, scale=lambda weights: weights.abs().max())
    ),
    "You stretched all filters together from the smallest to the largest weight.": partial(
        stretched, over=(0, 1, 2, 3)
    ),
    "Each color channel was scaled by itself, which changes the filter's colors. One scale for a whole filter.": (
        partial(pictures, scale=partial(largest, over=(2, 3)))
    ),
    "You divided by the largest weight, not by the largest |weight|: "
    "a filter with strong negative weights leaves [0, 1].": (
        partial(pictures, scale=lambda weights: weights.amax(WHOLE, keepdim=True))
    ),
    "You divided by the largest weight, not by the largest |weight|, and cut off what leaves [0, 1].": (
        lambda weights: pictures(weights, scale=lambda weights: weights.amax(WHOLE, keepdim=True)).clamp(0, 1)
    ),
    "You did not divide by the largest |weight| of the filter.": lambda weights: 0.5 + 0.5 * weights,
    "Light and dark are exchanged: a positive weight is brighter than 0.5.": lambda weights: pictures(-weights),
    "The half in front is missing: weight 0 should become 0.5.": lambda weights: weights / largest(weights),
    "You moved the picture by 0.5 and did not halve the weights first, so it leaves [0, 1].": (
        lambda weights: 0.5 + weights / largest(weights)
    ),
    "You took the absolute value. The sign should stay readable: negative weights are darker than 0.5.": (
        lambda weights: weights.abs() / largest(weights)
    ),
}


def slide(image, weights, bias, **options) -> Tensor:
    bias = torch.tensor([bias], dtype=weights.dtype)
    return torch.nn.functional.conv2d(image[None], weights[None], bias, **options)[0, 0]


@exercise("01.2", "respond")
def respond(call: Call, draw: Draw) -> None:
    cases = [  # the window's size, the image's height and width
        (5, draw.integer(8, 9), draw.integer(10, 12)),
        (draw.choice([2, 4]), draw.integer(9, 10), draw.integer(6, 8)),
        (3, 3, draw.integer(5, 6)),  # the window is as high as the image
    ]
    for sign, (size, height, width) in zip((1, -1, 1), cases, strict=True):
        inputs = draw.normal(3, height, width), draw.normal(3, size, size), sign * draw.number(0.2, 0.9)
        close(call(*inputs), slide(*inputs), what="the response")


respond.slips = {
    "The bias is missing.": lambda image, weights, bias: slide(image, weights, 0.0),
    "You turned the filter around (a true convolution). Networks do not: they take the plain inner product.": (
        lambda image, weights, bias: slide(image, weights.flip(1, 2), bias)
    ),
    "You added zeros around the image. Here the window stays inside, so the response is smaller than the image.": (
        lambda image, weights, bias: slide(image, weights, bias, padding=weights.shape[-1] // 2)
    ),
    "You cut the negative responses off. The filter's response is signed; the ReLU comes after it.": (
        lambda *inputs: slide(*inputs).clamp_min(0)
    ),
    "You took the mean over the window; an inner product is a sum.": (
        lambda image, weights, bias: slide(image, weights / weights.numel(), bias)
    ),
    "Only the first color channel is used. The window has three channels, and so has the filter.": (
        lambda image, weights, bias: slide(image[:1], weights[:1], bias)
    ),
    "The bias is added once for every color channel.": lambda image, weights, bias: slide(image, weights, 3 * bias),
    "The bias is added once for every number in the window. Add it once, after the sum.": (
        lambda image, weights, bias: slide(image, weights, weights.numel() * bias)
    ),
    "The last row and the last column are missing: H - k + 1 windows fit into H rows.": (
        lambda *inputs: slide(*inputs)[:-1, :-1]
    ),
    "The filter's rows and columns are exchanged.": (
        lambda image, weights, bias: slide(image, weights.transpose(1, 2), bias)
    ),
    "Rows and columns are exchanged.": lambda *inputs: slide(*inputs).T,
    "The windows do not overlap: move by one pixel, not by the size of the filter.": (
        lambda image, weights, bias: slide(image, weights, bias, stride=weights.shape[-1])
    ),
}


def energy(weights: Tensor) -> Tensor:
    return weights.square().sum(WHOLE)


def color(weights: Tensor, over=1) -> Tensor:
    return weights - weights.mean(over, keepdim=True)


def color_share(weights, *, over=1) -> Tensor:
    return energy(color(weights, over)) / energy(weights)


@exercise("01.3", "color_share_of")
def color_share_of(call: Call, draw: Draw) -> None:
    size = draw.choice([3, 5])
    weights = draw.normal(draw.integer(4, 6), 3, size, size)
    weights[0] = weights[0, :1]  # a gray filter
    weights[1] = color(weights)[1]  # a purely color-opponent one
    weights[2] += 1.0
    weights[3] *= 0.05  # a weak one
    for some in (weights, weights[2:3]):
        close(call(some), color_share(some), what="the color share")


color_share_of.slips = {
    "This is the share of gray. The color share is the rest.": lambda weights: 1 - color_share(weights),
    "You added up absolute values. Energy is a sum of squares.": (
        lambda weights: color(weights).abs().sum(WHOLE) / weights.abs().sum(WHOLE)
    ),
    "The gray part is kept with one channel only: it stands in all three, so its energy counts three times.": (
        lambda weights: 1 - energy(weights.mean(1, keepdim=True)) / energy(weights)
    ),
    "You subtracted the mean of the whole filter. The gray part is the mean over R, G and B at every position.": (
        partial(color_share, over=WHOLE)
    ),
    "You subtracted the mean over the positions. The gray part is the mean over R, G and B at every position.": (
        partial(color_share, over=(2, 3))
    ),
    "The energy of the color part is not divided by the energy of the filter.": lambda weights: energy(color(weights)),
    "You divided by the energy of all filters together. Each filter has its own share.": (
        lambda weights: energy(color(weights)) / energy(weights).sum()
    ),
    "You took square roots: a share of lengths, not of energies.": lambda weights: color_share(weights).sqrt(),
    "You divided a mean by a sum. Take the sum of the squares above and below.": (
        lambda weights: color(weights).square().mean(WHOLE) / energy(weights)
    ),
    "You averaged the shares of the positions. Add up the energies of the whole filter first, then divide.": (
        lambda weights: (color(weights).square().sum(1) / weights.square().sum(1)).mean((1, 2))
    ),
    "You divided the color part by the gray part, not by the whole.": (
        lambda weights: energy(color(weights)) / energy(weights - color(weights))
    ),
}


def sheet(weights, *, order=(0, 2, 1, 3)) -> Tensor:
    """One row of slices for each first dimension of `order`, one column for each third."""
    slices = weights.permute(order)
    return slices.reshape(slices.shape[0] * slices.shape[1], -1)


@exercise("01.4", "weight_sheet")
def weight_sheet(call: Call, draw: Draw) -> None:
    for out, into, h, w in (
        (draw.integer(3, 4), draw.integer(5, 6), 2, 3),
        (draw.integer(5, 6), draw.integer(3, 4), 4, 3),
    ):
        weights = draw.normal(out, into, h, w)
        close(call(weights), sheet(weights), what="the sheet")


def reshaped_only(weights):
    return weights.reshape(sheet(weights).shape)


weight_sheet.slips = {
    "You reshaped without moving the axes first, so rows of different slices are mixed. Bring the axes into the order "
    "(out, height, in, width), then reshape.": reshaped_only,
    "Output and input channels are exchanged: one row of the sheet for each output channel.": (
        partial(sheet, order=(1, 2, 0, 3))
    ),
    "Each slice lies on its side: height and width of the slices are exchanged.": partial(sheet, order=(0, 3, 1, 2)),
    "You averaged over the input channels; every slice should be visible.": (
        lambda weights: sheet(weights.mean(1, keepdim=True))
    ),
    "Only the first input channel is shown.": lambda weights: sheet(weights[:, :1]),
    "The sheet is turned: it should have one row for each output channel.": lambda weights: sheet(weights).T,
}


QUIZ = read_quiz("""
Why can the first layer's filters be shown in color, and those of the second layer not?
- The second layer's weights are so small that all of them would be the same gray.
  They can be scaled, like the first layer's.
+ The first layer's input channels are R, G and B; the second layer's are feature maps.
  Yes. A weight of the second layer says how much it wants of 'edge 17', not of red.
- The second layer has no weights of its own: it passes on what the first layer found.
  It has more of them than the first.
- Colors are used up in the first layer: behind it the network works on gray pictures.
  Color information goes on, mixed into the feature maps.

A filter is drawn with weight 0 as middle gray. A patch of the filter is black. What does it want there?
- Nothing: black means that the weight is 0 at this place.
  Weight 0 is middle gray.
+ Dark pixels: the brighter the image there, the smaller the response.
  Yes: a negative weight times a bright pixel lowers the sum.
- Bright pixels: the brighter the image there, the larger the response.
  That is white: a positive weight.
- An edge: the image must change from dark to bright at this very place.
  An edge needs two signs side by side.

All numbers that a filter sees in its window are equal. Its weights add up to 0. What is its response
(without bias)?
+ 0, whatever the number is.
  Yes: the number times the sum of the weights. Such a filter sees only changes.
- It depends on the number.
  The number multiplies a sum of 0.
- The largest possible response.
  For that, the image must look like the filter.
- It is always negative.
  A number times 0 is 0.

Which image window of fixed length (sum of squares) gives a filter its largest response?
- A white one: every pixel is as bright as it can be.
  It may even give 0: think of a filter whose weights add up to 0.
+ One that is a positive multiple of the filter itself.
  Yes: by the Cauchy-Schwarz inequality, an inner product is largest for parallel vectors. That is why the filter's
  picture shows what it looks for.
- One with random noise, which holds a little of everything.
  Noise is nearly at a right angle to every filter.
- The negative of the filter, where light and dark are exchanged.
  That gives the smallest response.
""")
