"""Checks of lesson 01: first-layer filters."""

from __future__ import annotations

import torch
from torch import Tensor

from course_utils.exercises.compare import close
from course_utils.exercises.machine import Call, Draw, exercise
from course_utils.exercises.quizzes import Question


@exercise("01.1", "filters_to_pictures")
def filters_to_pictures(call: Call, draw: Draw) -> None:
    size = draw.choice([3, 5])
    weights = draw.normal(draw.integer(3, 5), 3, size, size + 1) + 0.4
    weights = weights * draw.uniform(len(weights), 1, 1, 1, low=0.2, high=3)
    largest = weights.abs().amax((1, 2, 3), keepdim=True)
    low, high = weights.amin((1, 2, 3), keepdim=True), weights.amax((1, 2, 3), keepdim=True)
    channel = weights.abs().amax((2, 3), keepdim=True)
    close(
        call(weights),
        0.5 + 0.5 * weights / largest,
        what="the pictures",
        causes={
            "You stretched each filter from its smallest to its largest weight. Then weight 0 has another gray in every filter; "
            "divide by the largest |weight|.": (weights - low) / (high - low),
            "You used one scale for all filters, so weak filters stay gray. Each filter has its own.":
                0.5 + 0.5 * weights / weights.abs().max(),
            "You stretched all filters together from the smallest to the largest weight.":
                (weights - weights.min()) / (weights.max() - weights.min()),
            "Each color channel was scaled by itself, which changes the filter's colors. One scale for a whole filter.":
                0.5 + 0.5 * weights / channel,
            "You divided by the largest weight, not by the largest |weight|: a filter with strong negative weights leaves [0, 1].":
                0.5 + 0.5 * weights / high,
            "The half in front is missing: weight 0 should become 0.5.": weights / largest,
            "You moved the picture by 0.5 and did not halve the weights first, so it leaves [0, 1].": 0.5 + weights / largest,
            "You took the absolute value. The sign should stay readable: negative weights are darker than 0.5.":
                weights.abs() / largest,
        },
    )  # fmt: skip


@exercise("01.2", "respond")
def respond(call: Call, draw: Draw) -> None:
    image, size = draw.images(1)[0], draw.choice([3, 5])
    weights, bias = draw.normal(3, size, size), draw.number(0.2, 0.9)

    def slide(w: Tensor, b: float = bias, **options) -> Tensor:
        return torch.nn.functional.conv2d(image[None], w[None], torch.tensor([b], dtype=w.dtype), **options)[0, 0]

    close(
        call(image, weights, bias),
        slide(weights),
        what="the response",
        causes={
            "The bias is missing.": slide(weights, 0.0),
            "You turned the filter around (a true convolution). Networks do not: they take the plain inner product.":
                slide(weights.flip(1, 2)),
            "You added zeros around the image. Here the window stays inside, so the response is smaller than the image.":
                lambda: slide(weights, padding="same"),
            "You cut the negative responses off. The filter's response is signed; the ReLU comes after it.": slide(weights).clamp_min(0),
            "You took the mean over the window; an inner product is a sum.": (slide(weights) - bias) / weights.numel() + bias,
            "Only the first color channel is used. The window has three channels, and so has the filter.":
                lambda: slide(torch.cat([weights[:1], 0 * weights[1:]])),
            "The bias is added once for every color channel.": slide(weights, 3 * bias),
            "Rows and columns are exchanged.": slide(weights).T,
            "The windows do not overlap: move by one pixel, not by the size of the filter.": slide(weights, stride=size),
        },
    )  # fmt: skip


@exercise("01.3", "color_share_of")
def color_share(call: Call, draw: Draw) -> None:
    weights = draw.normal(draw.integer(4, 6), 3, 3, 3)
    weights[0] = weights[0, :1]  # a gray filter
    weights[1] = weights[1] - weights[1].mean(0)  # a purely color-opponent one
    weights[2] += 1.0
    gray = weights.mean(1, keepdim=True)
    energy = weights.square().sum((1, 2, 3))
    right = (weights - gray).square().sum((1, 2, 3)) / energy
    close(
        call(weights),
        right,
        what="the color share",
        causes={
            "This is the share of gray. The color share is the rest.": 1 - right,
            "You added up absolute values. Energy is a sum of squares.":
                (weights - gray).abs().sum((1, 2, 3)) / weights.abs().sum((1, 2, 3)),
            "The gray part is kept with one channel only: it stands in all three, so its energy counts three times.":
                1 - gray.square().sum((1, 2, 3)) / energy,
            "You subtracted the mean of the whole filter. The gray part is the mean over R, G and B at every position.":
                (weights - weights.mean((1, 2, 3), keepdim=True)).square().sum((1, 2, 3)) / energy,
            "You subtracted the mean over the positions. The gray part is the mean over R, G and B at every position.":
                (weights - weights.mean((2, 3), keepdim=True)).square().sum((1, 2, 3)) / energy,
            "The energy of the color part is not divided by the energy of the filter.": (weights - gray).square().sum((1, 2, 3)),
            "You divided by the energy of all filters together. Each filter has its own share.":
                (weights - gray).square().sum((1, 2, 3)) / energy.sum(),
            "You took square roots: a share of lengths, not of energies.": right.sqrt(),
            "You divided the color part by the gray part, not by the whole.":
                lambda: right[2:] / (1 - right[2:]),
        },
    )  # fmt: skip


@exercise("01.4", "weight_sheet")
def weight_sheet(call: Call, draw: Draw) -> None:
    out, into, high, wide = draw.integer(3, 4), draw.integer(5, 6), 2, 3
    weights = draw.normal(out, into, high, wide)
    right = weights.permute(0, 2, 1, 3).reshape(out * high, into * wide)
    close(
        call(weights),
        right,
        what="the sheet",
        causes={
            "You reshaped without moving the axes first, so rows of different slices are mixed. Bring the axes into the order "
            "(out, height, in, width), then reshape.": weights.reshape(out * high, into * wide),
            "Output and input channels are exchanged: one row of the sheet for each output channel.":
                weights.permute(1, 2, 0, 3).reshape(into * high, out * wide),
            "Each slice lies on its side: height and width of the slices are exchanged.":
                weights.permute(0, 3, 1, 2).reshape(out * wide, into * high),
            "You averaged over the input channels; every slice should be visible.":
                weights.mean(1).reshape(out * high, wide),
            "Only the first input channel is shown.": weights[:, 0].reshape(out * high, wide),
            "The sheet is turned: it should have one row for each output channel.": right.T,
        },
    )  # fmt: skip


QUIZ = (
    Question(
        "Why can the first layer's filters be shown in color, and those of the second layer not?",
        (
            ("The second layer's weights are too small.", "They can be scaled, like the first layer's."),
            ("The first layer's input channels are R, G and B; the second layer's are the outputs of the first layer's filters.", "Yes. A weight of the second layer says how much it wants of 'edge 17', not of red."),
            ("The second layer has no weights.", "It has more of them than the first."),
            ("Colors are only used in the first layer.", "Color information goes on, mixed into the feature maps."),
        ),
        1,
    ),
    Question(
        "A filter is drawn with weight 0 as middle gray. A patch of the filter is black. What does it want there?",
        (
            ("Nothing: black means weight 0.", "Weight 0 is middle gray."),
            ("Dark pixels: the brighter the image there, the smaller the response.", "Yes: a negative weight times a bright pixel lowers the sum."),
            ("Bright pixels.", "That is white: a positive weight."),
            ("The image must have an edge there.", "An edge needs two signs side by side."),
        ),
        1,
    ),
    Question(
        "An image is constant gray. A filter's weights add up to 0. What is its response (without bias)?",
        (
            ("0, at every position.", "Yes: gray times the sum of the weights. Such a filter sees only changes."),
            ("It depends on the gray.", "The gray multiplies a sum of 0."),
            ("The largest possible response.", "For that, the image must look like the filter."),
            ("Negative.", "Gray times 0 is 0."),
        ),
        0,
    ),
    Question(
        "Which image window of fixed length (sum of squares) gives a filter its largest response?",
        (
            ("A white one.", "It may even give 0: see the question before."),
            ("One that is proportional to the filter itself.", "Yes: by the Cauchy-Schwarz inequality, an inner product is largest for parallel vectors. That is why the filter's picture shows what it looks for."),
            ("One with random noise.", "Noise is nearly at a right angle to every filter."),
            ("The negative of the filter.", "That gives the smallest response."),
        ),
        1,
    ),
)  # fmt: skip
