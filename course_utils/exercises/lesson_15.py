"""Checks of lesson 15: fast style transfer, one network for many styles."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from course_utils.exercises.compare import close
from course_utils.exercises.machine import Call, Draw, exercise
from course_utils.exercises.quizzes import Question

EACH = (2, 3)  # the dimensions of the positions


def _normal(x: Tensor, eps: float, *, over: tuple[int, ...] = EACH, correction: int = 0) -> Tensor:
    variance, mean = torch.var_mean(x, dim=over, keepdim=True, correction=correction)
    return (x - mean) / (variance + eps).sqrt()


def _column(values: Tensor) -> Tensor:
    """`(C,)` or `(N, C)` as a factor of `(N, C, H, W)`."""
    return values.reshape(-1, values.shape[-1], 1, 1)


@exercise("15.1", "instance_norm")
def instance_norm(call: Call, draw: Draw) -> None:
    count, channels = draw.integer(2, 3), draw.integer(4, 5)
    contrast = torch.tensor([0.5, 2.0, 4.0], dtype=torch.float64)[:count, None, None, None]
    shape = (count, channels, draw.integer(3, 4), draw.integer(5, 6))
    features = contrast * draw.normal(*shape) + draw.normal(count, channels, 1, 1)
    gamma, beta, eps = draw.uniform(channels, low=0.5, high=2), 1 + draw.uniform(channels), draw.number(0.1, 0.3)

    def scaled(normal: Tensor) -> Tensor:
        return normal * _column(gamma) + _column(beta)

    mean = features.mean(EACH, keepdim=True)
    variance = features.var(EACH, keepdim=True, correction=0)
    close(
        call(features, gamma, beta, eps),
        scaled(_normal(features, eps)),
        what="the normalized features",
        causes={
            "This is batch norm: mean and variance over all pictures. Each picture has its own.":
                scaled(_normal(features, eps, over=(0, 2, 3))),
            "This is layer norm: mean and variance over all channels together. Each channel has its own.":
                scaled(_normal(features, eps, over=(1, 2, 3))),
            "Mean and variance are taken over one row of pixels; take them over height and width.":
                scaled(_normal(features, eps, over=(3,))),
            "The variance is divided by H * W - 1; divide by H * W (unbiased=False, or correction=0).":
                scaled(_normal(features, eps, correction=1)),
            "You divided by the variance; divide by its square root.": scaled((features - mean) / (variance + eps)),
            "eps is added to the standard deviation; add it to the variance, under the root.":
                scaled((features - mean) / (variance.sqrt() + eps)),
            "eps is missing.": scaled((features - mean) / variance.sqrt()),
            "The mean is not subtracted.": scaled(features / (variance + eps).sqrt()),
            "gamma is not used.": _normal(features, eps) + _column(beta),
            "beta is not used.": _normal(features, eps) * _column(gamma),
            "gamma and beta are not used.": _normal(features, eps),
            "gamma and beta are exchanged.": _normal(features, eps) * _column(beta) + _column(gamma),
            "beta is added before gamma multiplies; multiply first.":
                (_normal(features, eps) + _column(beta)) * _column(gamma),
        },
    )  # fmt: skip


@exercise("15.2", "enlarge")
def enlarge(call: Call, draw: Draw) -> None:
    channels, outputs = draw.integer(2, 3), draw.integer(4, 5)
    features = draw.normal(draw.integer(1, 2), channels, draw.integer(3, 4), draw.integer(5, 6))
    weight = draw.normal(outputs, channels, 3, 3)

    def after(large: Tensor, mode: str = "reflect", kernel: Tensor = weight) -> Tensor:
        return F.conv2d(F.pad(large, (1, 1, 1, 1), mode=mode), kernel)

    twice = features.repeat_interleave(2, 2).repeat_interleave(2, 3)
    zeros = torch.zeros_like(twice)
    zeros[:, :, ::2, ::2] = features
    large = {m: F.interpolate(features, scale_factor=2, mode=m, align_corners=False) for m in ("bilinear", "bicubic")}
    close(
        call(features, weight),
        after(twice),
        what="the enlarged features",
        causes={
            "The border is padded with zeros; reflect it.": after(twice, "constant"),
            "The border is taken from the other side (circular); reflect it.": after(twice, "circular"),
            "You enlarged with bilinear interpolation; repeat every pixel (mode='nearest').": after(large["bilinear"]),
            "You enlarged with bicubic interpolation; repeat every pixel (mode='nearest').": after(large["bicubic"]),
            "You convolved first and enlarged afterwards; enlarge first, so that the filter smooths the steps.":
                after(features).repeat_interleave(2, 2).repeat_interleave(2, 3),
            "You repeated the whole picture (repeat); repeat each pixel (repeat_interleave, or mode='nearest').":
                after(features.repeat(1, 1, 2, 2)),
            "You put zeros between the pixels, as a transposed convolution does; repeat the pixels.": after(zeros),
            "The kernel is turned around; F.conv2d takes it as it is.": after(twice, kernel=weight.flip(2, 3)),
            "You padded before you enlarged, and the border is too wide. Enlarge, pad, convolve.":
                F.conv2d(F.interpolate(F.pad(features, (1, 1, 1, 1), mode="reflect"), scale_factor=2), weight)[
                    :, :, 1:-1, 1:-1
                ],
        },
    )  # fmt: skip


def _gram(features: Tensor) -> Tensor:
    flat = features.flatten(2)
    return flat @ flat.transpose(1, 2) / flat.shape[2]


@exercise("15.3", "style_losses")
def style_losses(call: Call, draw: Draw) -> None:
    count, channels = draw.integer(2, 3), draw.integer(4, 5)
    contrast = torch.tensor([0.5, 1.5, 3.0], dtype=torch.float64)[:count, None, None, None]
    features = contrast * draw.normal(count, channels, draw.integer(3, 4), draw.integer(5, 6))
    targets = _gram(draw.normal(count, channels, 6, 7))
    positions = features[0, 0].numel()

    def loss(grams: Tensor, to: Tensor = targets) -> Tensor:
        return (grams - to).square().mean((1, 2))

    together = features.transpose(0, 1).flatten(1)
    scrambled = features.reshape(channels, -1)
    right = loss(_gram(features))
    close(
        call(features, targets),
        right,
        what="the style loss of each picture",
        causes={
            "The Gram matrix is one for the whole batch, so the pictures share their statistics. Each picture has its own.":
                loss((together @ together.T / together.shape[1])[None]),
            "The Gram matrix is one for the whole batch, and divided by the positions of one picture.":
                loss((together @ together.T / positions)[None]),
            "reshape to (C, ...) mixes pictures and channels. Keep the first dimension: features.flatten(2).":
                loss((scrambled @ scrambled.T / scrambled.shape[1])[None]),
            "The Gram matrices are not divided by the number of positions.": loss(_gram(features) * positions),
            "The Gram matrices are divided by channels times positions; divide by the positions.":
                loss(_gram(features) / channels),
            "You took the mean over the batch; return one number for each picture.": right.mean(),
            "You added up over the batch; return one number for each picture.": right.sum(),
            "You added up the squares of a picture; take their mean.": right * channels**2,
            "All pictures are compared with the first target; each has its own.": loss(_gram(features), targets[:1]),
            "The targets are averaged over the batch; each picture has its own.":
                loss(_gram(features), targets.mean(0, keepdim=True)),
        },
    )  # fmt: skip


@exercise("15.4", "conditional_norm")
def conditional_norm(call: Call, draw: Draw) -> None:
    count, styles, channels = draw.integer(2, 3), draw.integer(4, 5), draw.integer(6, 7)
    contrast = torch.tensor([0.5, 2.0, 4.0], dtype=torch.float64)[:count, None, None, None]
    features = contrast * draw.normal(count, channels, draw.integer(3, 4), draw.integer(5, 6))
    gammas, betas = draw.uniform(styles, channels, low=0.5, high=2), draw.normal(styles, channels)
    mix = draw.uniform(count, styles, low=0.1)
    mix = mix / mix.sum(1, keepdim=True)
    eps = 1e-5
    normal = _normal(features, eps)

    def painted(gamma: Tensor, beta: Tensor, of: Tensor = normal) -> Tensor:
        return of * _column(gamma) + _column(beta)

    gamma, beta = mix @ gammas, mix @ betas
    strongest = mix.argmax(1)
    close(
        call(features, gammas, betas, mix),
        painted(gamma, beta),
        what="the normalized features in the mixed style",
        causes={
            "Every picture is painted in its strongest style only; mix the rows with the weights.":
                painted(gammas[strongest], betas[strongest]),
            "All styles count alike: the weights are not used.": painted(gammas.mean(0), betas.mean(0)),
            "All pictures use the weights of the first one; row n of mix belongs to picture n.":
                painted(gamma[:1], beta[:1]),
            "The weights of the pictures are averaged; row n of mix belongs to picture n.":
                painted(gamma.mean(0), beta.mean(0)),
            "The weights went through a softmax; they are shares already.":
                painted(mix.softmax(1) @ gammas, mix.softmax(1) @ betas),
            "The betas are not mixed: they are averaged with equal shares.": painted(gamma, betas.mean(0)),
            "The betas are not used.": painted(gamma, torch.zeros_like(beta)),
            "The gammas are not used.": painted(torch.ones_like(gamma), beta),
            "gammas and betas are exchanged.": painted(beta, gamma),
            "The features are not normalized.": painted(gamma, beta, features),
            "Mean and variance are those of the whole batch; each picture has its own.":
                painted(gamma, beta, _normal(features, eps, over=(0, 2, 3))),
            "Mean and variance are taken over all channels together; each channel has its own.":
                painted(gamma, beta, _normal(features, eps, over=(1, 2, 3))),
        },
    )  # fmt: skip
    one = torch.zeros(count, styles, dtype=torch.float64)
    for picture in range(count):
        one[picture, draw.integer(0, styles - 1)] = 1
    close(
        call(features, gammas, betas, one),
        painted(one @ gammas, one @ betas),
        what="the features of pictures that have one style each (weight 1)",
    )


QUIZ = (
    Question(
        "What does training a style network minimize?",
        (
            ("The distance between its pictures and pictures from lesson 14.", "No such pictures are made: the loss is computed from VGG-19's features."),
            ("The content and style loss of lesson 14, over the network's weights and many photos.", "Yes: the same loss; weights are changed instead of pixels."),
            ("The classification error of VGG-19.", "VGG-19 stays as it is and classifies nothing here."),
            ("The loss of one photo until it is small, then that of the next.", "Then it would forget the photos before. Every step takes other photos."),
        ),
        1,
    ),
    Question(
        "A copy of a photo has half the contrast. Behind a layer with instance norm, its features are ...",
        (
            ("half as large.", "This holds without a norm, and with batch norm at test time."),
            ("nearly the same as those of the photo.", "Yes: each channel of each picture is brought to variance 1."),
            ("zero.", "Dividing by the standard deviation brings them back."),
            ("twice as large.", "A smaller deviation divides a smaller feature: the two cancel."),
        ),
        1,
    ),
    Question(
        "A network knows eight styles by conditional instance norm. What does a ninth style, with the convolutions kept, need?",
        (
            ("A second network.", "The convolutions can be shared."),
            ("A photo in the ninth style at test time.", "The network never sees a style picture when it paints."),
            ("One more row of gamma and beta in every layer, trained on that style.", "Yes: a few thousand numbers."),
            ("Nothing: a mixture of the eight rows gives any style.", "Mixtures give what lies between the eight, no more."),
        ),
        2,
    ),
    Question(
        "Why enlarge by repeating pixels and convolve afterwards, instead of a transposed convolution?",
        (
            ("It needs fewer weights.", "Both have a 3 x 3 filter for each pair of channels."),
            ("A transposed convolution with stride 2 and a 3 x 3 filter writes some pixels more often than others: a checkerboard.", "Yes: after repeating, every pixel gets the same number of contributions."),
            ("A transposed convolution has no gradient.", "It has one; it is the gradient of a convolution."),
            ("The picture would be mirrored otherwise.", "Neither of the two mirrors anything."),
        ),
        1,
    ),
)  # fmt: skip
