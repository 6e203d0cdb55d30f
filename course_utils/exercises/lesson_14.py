"""Checks of lesson 14: neural style transfer."""

from __future__ import annotations

import torch
from torch import Tensor

from course_utils.exercises.compare import close
from course_utils.exercises.machine import Call, Draw, exercise
from course_utils.exercises.quizzes import Question


def _gram(features: Tensor, divisor: float | None = None) -> Tensor:
    flat = features.flatten(1)
    return flat @ flat.T / (flat.shape[1] if divisor is None else divisor)


@exercise("14.1", "style_loss")
def style_loss(call: Call, draw: Draw) -> None:
    sizes = [(draw.integer(2, 3), draw.integer(5, 6), draw.integer(7, 8)), (draw.integer(4, 5), 3, draw.integer(4, 5))]
    features = [draw.normal(*size) for size in sizes]
    targets = [_gram(draw.normal(size[0], 6, 9)) for size in sizes]
    weights = [draw.number(0.5, 1), draw.number(2, 3)]
    pairs = [(f, a, w) for f, a, w in zip(features, targets, weights, strict=True)]

    def total(term) -> Tensor:
        return sum(w * term(f, a) for f, a, w in pairs)

    close(
        call(features, targets, weights),
        total(lambda f, a: (_gram(f) - a).square().mean()),
        what="the style loss",
        causes={
            "You added up the squared differences of a layer; take their mean.":
                total(lambda f, a: (_gram(f) - a).square().sum()),
            "The Gram matrix is not divided by the number of positions.":
                total(lambda f, a: (_gram(f, 1) - a).square().mean()),
            "The Gram matrix is divided by the number of channels as well; divide by the positions only.":
                total(lambda f, a: (_gram(f, f.numel()) - a).square().mean()),
            "The Gram matrix is divided by the number of channels; divide by the number of positions.":
                total(lambda f, a: (_gram(f, f.shape[0]) - a).square().mean()),
            "You took absolute differences; square them.": total(lambda f, a: (_gram(f) - a).abs().mean()),
            "The weights of the layers are not used.": sum((_gram(f) - a).square().mean() for f, a, _ in pairs),
            "You took the mean over the layers; add them up.": total(lambda f, a: (_gram(f) - a).square().mean()) / 2,
            "The differences are not squared, so plus and minus cancel.": total(lambda f, a: (_gram(f) - a).mean()),
            "Only the first layer is used.": weights[0] * (_gram(features[0]) - targets[0]).square().mean(),
            "Only the last layer is used.": weights[1] * (_gram(features[1]) - targets[1]).square().mean(),
            "You took the root of the mean square (a distance); the loss is the mean square.":
                total(lambda f, a: (_gram(f) - a).square().mean().sqrt()),
        },
    )  # fmt: skip


@exercise("14.2", "tv_loss")
def tv_loss(call: Call, draw: Draw) -> None:
    image = draw.images(1)
    across, down = image.diff(dim=3), image.diff(dim=2)
    close(
        call(image),
        across.square().sum() + down.square().sum(),
        what="the total variation",
        causes={
            "You took absolute differences; square them.": across.abs().sum() + down.abs().sum(),
            "You took means; add up.": across.square().mean() + down.square().mean(),
            "You divided by the number of values; add up only.":
                (across.square().sum() + down.square().sum()) / image.numel(),
            "Only neighbors side by side are compared; those above each other count as well.": across.square().sum(),
            "Only neighbors above each other are compared; those side by side count as well.": down.square().sum(),
            "With roll, the last column is compared with the first: neighbors only, no circle.":
                (image - image.roll(1, 3)).square().sum() + (image - image.roll(1, 2)).square().sum(),
            "You squared after adding up, so that differences cancel. Square each difference.":
                across.sum() ** 2 + down.sum() ** 2,
            "You took the square root at the end; leave it out.": (across.square().sum() + down.square().sum()).sqrt(),
            "You also compared the color channels with each other; only positions have neighbors.":
                across.square().sum() + down.square().sum() + image.diff(dim=1).square().sum(),
        },
    )  # fmt: skip


@exercise("14.3", "style_distance")
def style_distance(call: Call, draw: Draw) -> None:
    channels = draw.integer(3, 5)
    picture = draw.normal(channels, draw.integer(4, 5), draw.integer(6, 7))
    style = draw.normal(channels, draw.integer(8, 9), draw.integer(10, 12))
    here, there = picture[0].numel(), style[0].numel()

    def distance(a: float, b: float) -> Tensor:
        return (_gram(picture, a) - _gram(style, b)).square().mean()

    close(
        call(picture, style),
        distance(here, there),
        what="the distance of the two styles",
        causes={
            "Both Gram matrices are divided by the picture's number of positions. The style's is a sum over its own positions: divide it by their number.":
                distance(here, here),
            "Both Gram matrices are divided by the style's number of positions. Each is divided by its own.":
                distance(there, there),
            "The Gram matrices are divided by nothing: the larger picture has the larger sums.": distance(1, 1),
            "The two numbers of positions are exchanged.": distance(there, here),
            "The Gram matrices are divided by the number of values, channels times positions.":
                distance(picture.numel(), style.numel()),
            "You divided by one side only. The positions are height times width.":
                distance(picture.shape[2], style.shape[2]),
            "You divided by the height only. The positions are height times width.":
                distance(picture.shape[1], style.shape[1]),
        },
    )  # fmt: skip
    large = draw.normal(channels, 4, 6)
    close(
        call(large, torch.cat([large, large], 2)),
        torch.zeros((), dtype=torch.float64),
        what="the distance of a picture to two copies of itself side by side (the same style)",
    )


@exercise("14.4", "mixed_target")
def mixed_target(call: Call, draw: Draw) -> None:
    channels = draw.integer(3, 5)
    styles = [draw.normal(channels, *size) for size in ((4, draw.integer(5, 6)), (draw.integer(6, 7), 9), (3, 4))]
    weights = [draw.number(0.5, 1), draw.number(2, 3), draw.number(4, 5)]
    total = sum(weights)
    grams = [_gram(s) for s in styles]
    positions = sum(s[0].numel() for s in styles)
    close(
        call(styles, weights),
        sum(w * g for w, g in zip(weights, grams, strict=True)) / total,
        what="the mixed target",
        causes={
            "The weights are not divided by their sum.": sum(w * g for w, g in zip(weights, grams, strict=True)),
            "The weights are divided by the number of styles; divide by their sum.":
                sum(w * g for w, g in zip(weights, grams, strict=True)) / 3,
            "All styles count alike: the weights are not used.": sum(grams) / 3,
            "The Gram matrices are not divided by their number of positions.":
                sum(w * _gram(s, 1) for w, s in zip(weights, styles, strict=True)) / total,
            "You joined all positions to one large picture, so a large style counts more. Each style counts by its weight.":
                sum(_gram(s, 1) for s in styles) / positions,
            "You multiplied the features by the weights. In the Gram matrix they then count squared: weight the matrices.":
                sum(_gram(w / total * s, s[0].numel()) for w, s in zip(weights, styles, strict=True)),
            "You put the weights through a softmax; divide them by their sum.":
                sum(w * g for w, g in zip(torch.tensor(weights).double().softmax(0), grams, strict=True)),
            "Only the style with the largest weight is used.": grams[2],
        },
    )  # fmt: skip


LUMA = (0.299, 0.587, 0.114)


@exercise("14.5", "keep_colors")
def keep_colors(call: Call, draw: Draw) -> None:
    painted = draw.images(1)
    photo = draw.uniform(*painted.shape)
    weights = torch.tensor(LUMA, dtype=torch.float64).view(1, 3, 1, 1)

    def luma(image: Tensor) -> Tensor:
        return (image * weights).sum(1, keepdim=True)

    close(
        call(painted, photo),
        (photo + luma(painted) - luma(photo)).clamp(0, 1),
        what="the painting in the photo's colors",
        causes={
            "The values are not cut off at 0 and 1.": photo + luma(painted) - luma(photo),
            "Photo and painting are exchanged: this has the brightness of the photo and the colors of the painting.":
                (painted + luma(photo) - luma(painted)).clamp(0, 1),
            "The brightness difference has the wrong sign.": (photo - luma(painted) + luma(photo)).clamp(0, 1),
            "You took the mean of R, G and B as brightness. Y weights them by 0.299, 0.587 and 0.114.":
                (photo + painted.mean(1, keepdim=True) - photo.mean(1, keepdim=True)).clamp(0, 1),
            "You scaled the photo to the painting's brightness. Then the color differences grow with it: add the difference in Y.":
                (photo * luma(painted) / luma(photo)).clamp(0, 1),
            "This is the painting in gray: the colors of the photo are missing.": luma(painted).expand(1, 3, -1, -1),
            "You added the painting's brightness without taking the photo's away.": (photo + luma(painted)).clamp(0, 1),
            "The brightness was averaged over the whole picture; every pixel has its own.":
                (photo + luma(painted).mean() - luma(photo).mean()).clamp(0, 1),
        },
    )  # fmt: skip


QUIZ = (
    Question(
        "What does a Gram matrix of a layer remember of a picture?",
        (
            ("Where each feature is.", "The sum over positions forgets all places."),
            ("How strongly pairs of channels are active together, anywhere.", "Yes: it is a statistic of the texture."),
            ("The objects in it.", "Objects are arrangements, and arrangement is what gets lost."),
            ("The colors only.", "Already relu1_1 holds edges next to colors, deeper layers hold more."),
        ),
        1,
    ),
    Question(
        "You want less paint and more photo. Which change does that?",
        (
            ("A smaller style_weight.", "Yes, or a larger content_weight: only their ratio counts."),
            ("A style picture with fewer pixels.", "This makes the strokes finer, not weaker."),
            ("More steps.", "More steps come closer to the same minimum."),
            ("Starting from noise.", "The start is forgotten after enough steps, and it takes longer."),
        ),
        0,
    ),
    Question(
        "The style picture is twice as large as the content. Its Gram matrix must be divided by ...",
        (
            ("the content's number of positions, so that both are treated alike.", "Then the style's sums are four times too large. This is the bug of 14.3."),
            ("its own number of positions.", "Yes: a mean over positions does not depend on how many there are."),
            ("nothing: sums of squares are sums of squares.", "The sum grows with the number of positions."),
            ("the number of styles.", "That is another mean, over several styles."),
        ),
        1,
    ),
    Question(
        "Two styles, weights 0.3 and 0.7. You may add two weighted losses, or use one loss to the weighted mean of the Gram matrices. What differs?",
        (
            ("The picture you get.", "The gradients are equal, so are the minima."),
            ("The gradient.", "It is the same: a weighted sum of squared distances and the distance to the weighted mean differ by a constant."),
            ("Only the value of the loss, by a constant.", "Yes: the constant is the spread of the targets."),
            ("Nothing at all.", "The values differ, unless both styles have the same Gram matrices."),
        ),
        2,
    ),
)  # fmt: skip
