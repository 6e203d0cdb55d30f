"""Checks of lesson 14: neural style transfer."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from course_utils.exercises.compare import close
from course_utils.exercises.machine import Call, Draw, exercise
from course_utils.exercises.quizzes import read_quiz


def positions(features: Tensor) -> int:
    return features[0].numel()


def gram(features: Tensor, *, divisor=positions) -> Tensor:
    flat = features.flatten(1)
    return flat @ flat.T / divisor(features)


def mean_square(difference: Tensor) -> Tensor:
    return difference.square().mean()


def loss(features, targets, weights, *, error=mean_square, divisor=positions) -> Tensor:
    layers = zip(features, targets, weights, strict=True)
    return sum(w * error(gram(f, divisor=divisor) - target) for f, target, w in layers)


@exercise("14.1", "style_loss")
def style_loss(call: Call, draw: Draw) -> None:
    sizes = [
        (draw.integer(2, 3), draw.integer(5, 6), draw.integer(7, 8)),
        (draw.integer(4, 5), 3, draw.integer(4, 5)),
        (draw.integer(6, 7), 2, 3),
    ]
    features = [draw.normal(*size) for size in sizes]
    targets = [gram(draw.normal(size[0], 6, 9)) for size in sizes]
    weights = [draw.number(0.5, 1), draw.number(2, 3), draw.number(1.2, 1.6)]
    for count, what in ((3, "the style loss"), (1, "the style loss of one layer alone")):
        inputs = features[:count], targets[:count], weights[:count]
        close(call(*inputs), loss(*inputs), what=what)
    # the picture moves along the gradient of the loss
    leaves = [one.clone().requires_grad_() for one in features]
    right = torch.autograd.grad(loss(leaves, targets, weights), leaves)
    for layer, (mine, wanted) in enumerate(zip(call.gradient(features, targets, weights), right, strict=False), 1):
        close(mine, wanted, what=f"the gradient that your loss has at the features of layer {layer}")


style_loss.slips = {
    "You added up the squared differences of a layer; take their mean.": (
        partial(loss, error=lambda difference: difference.square().sum())
    ),
    "The Gram matrix is not divided by the number of positions.": partial(loss, divisor=lambda features: 1),
    "The Gram matrix is divided by the number of channels as well; divide by the positions only.": (
        partial(loss, divisor=torch.numel)
    ),
    "The Gram matrix is divided by the number of channels; divide by the number of positions.": (
        partial(loss, divisor=len)
    ),
    "You took absolute differences; square them.": partial(loss, error=lambda difference: difference.abs().mean()),
    "The weights of the layers are not used.": (
        lambda features, targets, weights: loss(features, targets, [1] * len(weights))
    ),
    "You took the mean over the layers; add them up.": (
        lambda features, targets, weights: loss(features, targets, weights) / len(weights)
    ),
    "You divided by the sum of the weights. Each layer counts with its weight as it is.": (
        lambda features, targets, weights: loss(features, targets, weights) / sum(weights)
    ),
    "The weight is squared: multiply the mean square by it, not the difference.": (
        lambda features, targets, weights: loss(features, targets, [weight**2 for weight in weights])
    ),
    "The differences are not squared, so plus and minus cancel.": partial(loss, error=torch.mean),
    "Only the first layer is used.": lambda *inputs: loss(*(layers[:1] for layers in inputs)),
    "Only the last layer is used.": lambda *inputs: loss(*(layers[-1:] for layers in inputs)),
    "You took the root of the mean square (a distance); the loss is the mean square.": (
        partial(loss, error=lambda difference: mean_square(difference).sqrt())
    ),
}


def differences(image: Tensor) -> tuple[Tensor, Tensor]:
    return image.diff(dim=3), image.diff(dim=2)


def variation(image, *, of=differences, measure=lambda difference: difference.square().sum()) -> Tensor:
    return sum(measure(difference) for difference in of(image))


@exercise("14.2", "tv_loss")
def tv_loss(call: Call, draw: Draw) -> None:
    image = draw.images(1)
    close(call(image), variation(image), what="the total variation")


tv_loss.slips = {
    "You took absolute differences; square them.": partial(
        variation, measure=lambda difference: difference.abs().sum()
    ),
    "You took means; add up.": partial(variation, measure=mean_square),
    "You divided by the number of values; add up only.": lambda image: variation(image) / image.numel(),
    "Only neighbors side by side are compared; those above each other count as well.": (
        partial(variation, of=lambda image: [image.diff(dim=3)])
    ),
    "Only neighbors above each other are compared; those side by side count as well.": (
        partial(variation, of=lambda image: [image.diff(dim=2)])
    ),
    "With roll, the last column is compared with the first: neighbors only, no circle.": (
        partial(variation, of=lambda image: [image - image.roll(1, 3), image - image.roll(1, 2)])
    ),
    "You squared after adding up, so that differences cancel. Square each difference.": (
        partial(variation, measure=lambda difference: difference.sum() ** 2)
    ),
    "You took the square root at the end; leave it out.": lambda image: variation(image).sqrt(),
    "You also compared the color channels with each other; only positions have neighbors.": (
        partial(variation, of=lambda image: [*differences(image), image.diff(dim=1)])
    ),
}


def rows_of(pictures: Tensor) -> Tensor:
    """One row for each channel: its values in all pictures, one picture after the other."""
    return pictures.transpose(0, 1).flatten(1)


def painter(pictures, *, rows=rows_of, divisor=lambda pictures, flat: flat.shape[1]) -> Tensor:
    flat = rows(pictures)
    return flat @ flat.T / divisor(pictures, flat)


@exercise("14.3", "painters_gram")
def painters_gram(call: Call, draw: Draw) -> None:
    channels = draw.integer(4, 6)
    for count, what in ((3, "the Gram matrix of three pictures"), (1, "the Gram matrix of one picture")):
        pictures = draw.normal(count, channels, draw.integer(2, 3), draw.integer(4, 5)) + 0.2
        close(call(pictures), painter(pictures), what=what)
    twice = torch.cat([pictures, pictures])  # the same style again
    close(call(twice), painter(pictures), what="the Gram matrix of a picture and its copy (as of the picture alone)")


painters_gram.slips = {
    "reshape does not move the channels to the front: with several pictures, the rows mix channels. "
    "Move them first, with transpose(0, 1).": (
        partial(painter, rows=lambda pictures: pictures.reshape(pictures.shape[1], -1))
    ),
    "It is divided by the positions of one picture; there are N times as many.": (
        partial(painter, divisor=lambda pictures, flat: pictures[0, 0].numel())
    ),
    "It is not divided by the number of positions.": partial(painter, divisor=lambda pictures, flat: 1),
    "It is divided by the number of values, channels times positions. Divide by the positions of all pictures.": (
        partial(painter, divisor=lambda pictures, flat: flat.numel())
    ),
    "It is divided by the number of channels; divide by the number of positions.": (
        partial(painter, divisor=lambda pictures, flat: len(flat))
    ),
    "You took the mean of the features of all pictures first. Multiply in each picture, then take the mean.": (
        lambda pictures: painter(pictures.mean(0, keepdim=True))
    ),
    "Only the first picture is used.": lambda pictures: painter(pictures[:1]),
    "You returned one matrix for each picture. Return their mean, one matrix.": (
        lambda pictures: torch.stack([painter(one[None]) for one in pictures])
    ),
    "Your matrix has a row for each channel of each picture: pairs of channels from different pictures are in it.": (
        partial(painter, rows=lambda pictures: pictures.flatten(0, 1).flatten(1))
    ),
    "You multiplied the other way round: that compares positions, not channels.": (
        partial(painter, rows=lambda pictures: rows_of(pictures).T, divisor=lambda pictures, flat: len(flat))
    ),
}


def weighted(values: list[Tensor], weights) -> Tensor:
    return sum(w * value for w, value in zip(weights, values, strict=True))


def mixed(styles, weights, *, divisor=positions, shares=lambda weights: [w / sum(weights) for w in weights]) -> Tensor:
    return weighted([gram(style, divisor=divisor) for style in styles], shares(weights))


@exercise("14.4", "mixed_target")
def mixed_target(call: Call, draw: Draw) -> None:
    channels = draw.integer(3, 5)
    styles = [draw.normal(channels, *size) for size in ((4, draw.integer(5, 6)), (draw.integer(6, 7), 9), (3, 4))]
    weights = [draw.number(0.5, 1), draw.number(2, 3), draw.number(4, 5)]
    close(call(styles, weights), mixed(styles, weights), what="the mixed target")
    close(call(styles[:1], weights[2:]), mixed(styles[:1], weights[2:]), what="the target of one style alone")


def features_weighted(styles, weights):
    return sum(gram(w / sum(weights) * style, divisor=positions) for w, style in zip(weights, styles, strict=True))


mixed_target.slips = {
    "The weights are not divided by their sum.": partial(mixed, shares=lambda weights: weights),
    "The weights are divided by the largest one; divide by their sum.": (
        partial(mixed, shares=lambda weights: [w / max(weights) for w in weights])
    ),
    "The mean is divided by the number of styles once more. The shares add up to 1 already.": (
        lambda styles, weights: mixed(styles, weights) / len(styles)
    ),
    "The weights are divided by the number of styles; divide by their sum.": (
        partial(mixed, shares=lambda weights: [w / len(weights) for w in weights])
    ),
    "All styles count alike: the weights are not used.": lambda styles, weights: mixed(styles, [1] * len(styles)),
    "The Gram matrices are not divided by their number of positions.": partial(mixed, divisor=lambda style: 1),
    "You joined all positions to one large picture, so a large style counts more. Each style counts by its weight.": (
        lambda styles, weights: gram(torch.cat([style.flatten(1) for style in styles], 1))
    ),
    "You multiplied the features by the weights. In the Gram matrix they then count squared: weight the matrices.": (
        features_weighted
    ),
    "You put the weights through a softmax; divide them by their sum.": (
        partial(mixed, shares=lambda weights: torch.tensor(weights, dtype=torch.float64).softmax(0))
    ),
    "Only the style with the largest weight is used.": (
        lambda styles, weights: gram(styles[max(range(len(weights)), key=weights.__getitem__)])
    ),
}


WEIGHTS = (0.299, 0.587, 0.114)


def brightness(image: Tensor, *, weights=WEIGHTS) -> Tensor:
    return (image * torch.tensor(weights, dtype=torch.float64).view(3, 1, 1)).sum(1, keepdim=True)


def recolored(painted, photo, *, luma=brightness) -> Tensor:
    return (photo + luma(painted) - luma(photo)).clamp(0, 1)


@exercise("14.5", "keep_colors")
def keep_colors(call: Call, draw: Draw) -> None:
    painted = draw.images(1)
    inputs = painted, draw.uniform(*painted.shape)
    # books print the other rows of the matrix of colors with five digits
    close(call(*inputs), recolored(*inputs), what="the painting in the photo's colors", atol=1e-4)


keep_colors.slips = {
    "The values are not cut off at 0 and 1.": lambda painted, photo: photo + brightness(painted) - brightness(photo),
    "Photo and painting are exchanged: this has the brightness of the photo and the colors of the painting.": (
        lambda painted, photo: recolored(photo, painted)
    ),
    "The brightness difference has the wrong sign.": partial(recolored, luma=lambda image: -brightness(image)),
    "You took the mean of R, G and B as brightness. Y weights them by 0.299, 0.587 and 0.114.": (
        partial(recolored, luma=lambda image: image.mean(1, keepdim=True))
    ),
    "You took other weights for the brightness: those of another standard (0.2126, 0.7152, 0.0722). Use the text's.": (
        partial(recolored, luma=partial(brightness, weights=(0.2126, 0.7152, 0.0722)))
    ),
    "The three weights stand in the wrong order. R has 0.299, G has 0.587, B has 0.114.": (
        partial(recolored, luma=partial(brightness, weights=(0.114, 0.587, 0.299)))
    ),
    "Each color is moved by its own part of the difference. All three move by the whole difference in Y.": (
        lambda painted, photo: (
            photo + (painted - photo) * torch.tensor(WEIGHTS, dtype=torch.float64).view(3, 1, 1)
        ).clamp(0, 1)
    ),
    "You scaled the photo to the painting's brightness. Then the color differences grow with it: "
    "add the difference in Y.": (lambda painted, photo: (photo * brightness(painted) / brightness(photo)).clamp(0, 1)),
    "This is the painting in gray: the colors of the photo are missing.": (
        lambda painted, photo: brightness(painted).expand(1, 3, -1, -1)
    ),
    "You added the painting's brightness without taking the photo's away.": (
        lambda painted, photo: (photo + brightness(painted)).clamp(0, 1)
    ),
    "The brightness was averaged over the whole picture; every pixel has its own.": (
        partial(recolored, luma=lambda image: brightness(image).mean())
    ),
}


QUIZ = read_quiz("""
What does a Gram matrix of a layer remember of a picture?
- Where in the picture each feature of the layer is.
  The sum over positions forgets all places.
+ Which channels are active together, wherever that is.
  Yes, and how strongly: it is a statistic of the texture.
- Which objects are in the picture, and how many.
  It holds what is inside of the patches that the layer sees. How patches lie beside each other gets lost.
- The colors of the picture, and nothing about its forms.
  Already relu1_1 holds edges next to colors, deeper layers hold more.

You want less paint and more photo. Which change does that?
+ A smaller style_weight.
  Yes, or a larger content_weight: only their ratio counts.
- A style picture with fewer pixels.
  This makes the strokes finer, not weaker.
- More steps from the photo, with the same weights.
  They lower the sum of both losses. From the photo, where the content loss is 0, the way leads to more paint.
- Starting from noise, with the same weights and steps.
  The start decides, too. In the lesson's portrait, the search from noise ended with less of the photo.

The style picture is twice as large as the content. Its Gram matrix must be divided by ...
- the content's number of positions, so that both are treated alike.
  Then the style's sums are four times too large. This is the bug of 13.6.
+ its own number of positions.
  Yes: a mean over positions does not depend on how many there are.
- nothing: sums of squares are sums of squares.
  The sum grows with the number of positions.
- the number of styles.
  That is another mean, over several styles.

Two styles, weights 0.3 and 0.7. You may add two weighted losses, or use one loss to the weighted mean of the Gram
matrices. What differs?
- The picture you get: one way mixes, the other averages.
  The gradients are equal, so are the minima.
- The gradient, since the squares are taken before the sum.
  It is the same: a weighted sum of squared distances and the distance to the weighted mean differ by a constant.
+ Only the value of the loss, by a constant.
  Yes: the constant is the spread of the targets.
- Nothing at all, neither the values nor the gradients.
  The values differ, unless both styles have the same Gram matrices.
""")
