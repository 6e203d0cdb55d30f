"""Checks of lesson 15: fast style transfer, one network for many styles."""

from __future__ import annotations

from copy import deepcopy
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from course_utils.exercises.compare import close
from course_utils.exercises.machine import Call, Draw, exercise
from course_utils.exercises.quizzes import read_quiz
from course_utils.exercises.steady import steady

EACH = (2, 3)  # the dimensions of the positions


def divided(x: Tensor, variance: Tensor, eps: float) -> Tensor:
    return x / (variance + eps).sqrt()


def normal(x: Tensor, eps: float, *, over=EACH, correction=0, center=True, divide=divided) -> Tensor:
    variance, mean = torch.var_mean(x, dim=over, keepdim=True, correction=correction)
    return divide(x - mean if center else x, variance, eps)


def painted(x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
    """`gamma` and `beta` are `(C,)` or `(N, C)`."""
    return x * gamma[..., None, None] + beta[..., None, None]


def normalized(features, gamma, beta, eps, **how) -> Tensor:
    return painted(normal(features, eps, **how), gamma, beta)


def contrasts(count: int, *values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)[:count, None, None, None]


@exercise("15.1", "instance_norm")
def instance_norm(call: Call, draw: Draw) -> None:
    count, channels = draw.integer(2, 3), draw.integer(4, 5)
    shape = (count, channels, draw.integer(3, 4), draw.integer(5, 6))
    features = contrasts(count, 0.5, 2.0, 4.0) * draw.normal(*shape) + draw.normal(count, channels, 1, 1)
    gamma, beta, eps = draw.uniform(channels, low=0.5, high=2), 1 + draw.uniform(channels), draw.number(0.1, 0.3)
    gamma[0] *= -1
    inputs = features, gamma, beta, eps
    close(call(*inputs), normalized(*inputs), what="the normalized features")


instance_norm.slips = {
    "This is batch norm: mean and variance over all pictures. Each picture has its own.": (
        partial(normalized, over=(0, 2, 3))
    ),
    "This is layer norm: mean and variance over all channels together. Each channel has its own.": (
        partial(normalized, over=(1, 2, 3))
    ),
    "Mean and variance are taken over one row of pixels; take them over height and width.": (
        partial(normalized, over=(3,))
    ),
    "The variance is divided by H * W - 1; divide by H * W (unbiased=False, or correction=0).": (
        partial(normalized, correction=1)
    ),
    "You divided by the variance; divide by its square root.": (
        partial(normalized, divide=lambda x, variance, eps: x / (variance + eps))
    ),
    "eps is added to the standard deviation; add it to the variance, under the root.": (
        partial(normalized, divide=lambda x, variance, eps: x / (variance.sqrt() + eps))
    ),
    "eps is missing.": lambda features, gamma, beta, eps: normalized(features, gamma, beta, 0),
    "The mean is not subtracted.": partial(normalized, center=False),
    "gamma is not used.": lambda features, gamma, beta, eps: normalized(features, gamma**0, beta, eps),
    "beta is not used.": lambda features, gamma, beta, eps: normalized(features, gamma, 0 * beta, eps),
    "gamma and beta are not used.": lambda features, gamma, beta, eps: normal(features, eps),
    "gamma and beta are exchanged.": lambda features, gamma, beta, eps: normalized(features, beta, gamma, eps),
    "beta is added before gamma multiplies; multiply first.": (
        lambda features, gamma, beta, eps: normalized(features, gamma, beta * gamma, eps)
    ),
}


def a_mean(losses: Tensor) -> Tensor:
    return losses.mean()


def trained(
    net,
    judge,
    batches,
    lr,
    *,
    clean=True,
    by=torch.optim.Adam,
    anew=False,
    steps=True,
    of=a_mean,
    swap=False,
    seen=lambda batches: batches,
    after=False,
) -> list[float]:
    """Trains `net` itself."""

    def loss_of(photos):
        pictures = net(photos)
        return judge(photos, pictures) if swap else judge(pictures, photos)

    optimizer, losses = by(net.parameters(), lr=lr), []
    for photos in seen(batches):
        if anew:
            optimizer = by(net.parameters(), lr=lr)
        if clean:
            optimizer.zero_grad()
        one = of(loss_of(photos))
        one.backward()
        if steps:
            optimizer.step()
        if after:
            with torch.no_grad():
                one = of(loss_of(photos))
        losses.append(one.item())
    return losses


def two_trainings(net, judge, batches, lr, **how) -> Tensor:
    """The losses of a copy, and of a second training of the same copy, `(2, steps)`."""
    copy = deepcopy(net)
    return torch.tensor([trained(copy, judge, batches, lr, **how) for _ in range(2)], dtype=torch.float64)


@steady(two_trainings)
def trainings(draw: Draw) -> tuple:
    batches = [draw.images(draw.integer(2, 3)) for _ in range(draw.integer(5, 6))]
    return draw.net("painter"), draw.net("judge"), batches, draw.number(0.02, 0.04)


@exercise("15.2", "train", changes=[0])
def train(call: Call, draw: Draw) -> None:
    inputs, right = trainings(draw)
    first, second = call.twice(*inputs)
    close(first, right[0], what="the losses of the training")
    close(second, right[1], what="the losses of a second training, which goes on with the same network")


train.slips = {
    "The gradients add up from step to step: call optimizer.zero_grad() in the loop.": partial(trained, clean=False),
    "The weights do not change. The order is zero_grad(), backward(), step().": partial(trained, steps=False),
    "The optimizer is made anew in every step, so that Adam forgets its means: make it once, before the loop.": (
        partial(trained, anew=True)
    ),
    "You trained a copy. Train the network that you got: it is wanted afterwards.": (
        lambda net, *rest: trained(deepcopy(net), *rest)
    ),
    "judge takes the painted pictures first, then the photos.": partial(trained, swap=True),
    "All steps see the first batch; take another batch in each step.": (
        partial(trained, seen=lambda batches: batches[:1] * len(batches))
    ),
    "The losses are those after the steps; return the loss that the step was made from.": partial(trained, after=True),
    "The losses are sums over the pictures of a batch; take their mean.": (partial(trained, of=torch.sum)),
    "You used the first picture of each batch only; take the mean over all of them.": (
        partial(trained, of=lambda losses: losses[0])
    ),
    "This is plain gradient descent. The task takes torch.optim.Adam.": partial(trained, by=torch.optim.SGD),
    "Adam's lr is not the one that was given.": (lambda net, judge, batches, lr: trained(net, judge, batches, 1e-3)),
    "The batches are used in the wrong order.": partial(trained, seen=lambda batches: batches[::-1]),
}


def twice(features: Tensor) -> Tensor:
    return features.repeat_interleave(2, 2).repeat_interleave(2, 3)


def convolved(large: Tensor, weight: Tensor, *, mode="reflect") -> Tensor:
    return F.conv2d(F.pad(large, (1, 1, 1, 1), mode=mode), weight)


def enlarged(features, weight, *, larger=twice, mode="reflect") -> Tensor:
    return convolved(larger(features), weight, mode=mode)


@exercise("15.3", "enlarge")
def enlarge(call: Call, draw: Draw) -> None:
    channels, outputs = draw.integer(2, 3), draw.integer(4, 5)
    weight = draw.normal(outputs, channels, 3, 3)
    for size in ((2, channels, draw.integer(3, 4), draw.integer(5, 6)), (1, channels, draw.integer(4, 5), 2)):
        features = draw.normal(*size)
        close(call(features, weight), enlarged(features, weight), what="the enlarged features")


def zeros_between(features):
    out = torch.zeros_like(twice(features))
    out[:, :, ::2, ::2] = features
    return out


def padded_first(features, weight):
    return F.conv2d(twice(F.pad(features, (1, 1, 1, 1), mode="reflect")), weight)[:, :, 1:-1, 1:-1]


enlarge.slips = {
    "The border is padded with zeros; reflect it.": partial(enlarged, mode="constant"),
    "The border is taken from the other side (circular); reflect it.": partial(enlarged, mode="circular"),
    "You enlarged with bilinear interpolation; repeat every pixel (mode='nearest').": (
        partial(enlarged, larger=partial(F.interpolate, scale_factor=2, mode="bilinear"))
    ),
    "You enlarged with bicubic interpolation; repeat every pixel (mode='nearest').": (
        partial(enlarged, larger=partial(F.interpolate, scale_factor=2, mode="bicubic"))
    ),
    "You convolved first and enlarged afterwards; enlarge first, so that the filter smooths the steps.": (
        lambda features, weight: twice(convolved(features, weight))
    ),
    "You repeated the whole picture (repeat); repeat each pixel (repeat_interleave, or mode='nearest').": (
        partial(enlarged, larger=lambda features: features.repeat(1, 1, 2, 2))
    ),
    "You put zeros between the pixels, as a transposed convolution does; repeat the pixels.": (
        partial(enlarged, larger=zeros_between)
    ),
    "The kernel is turned around; F.conv2d takes it as it is.": (
        lambda features, weight: enlarged(features, weight.flip(2, 3))
    ),
    "You padded before you enlarged, and the border is too wide. Enlarge, pad, convolve.": padded_first,
}


def gram(features: Tensor) -> Tensor:
    flat = features.flatten(2)
    return flat @ flat.transpose(1, 2) / flat.shape[2]


def losses(features, targets, *, grams=gram) -> Tensor:
    return (grams(features) - targets).square().mean((1, 2))


@exercise("15.4", "style_losses")
def style_losses(call: Call, draw: Draw) -> None:
    count, channels = draw.integer(2, 3), draw.integer(4, 5)
    shape = (count, channels, draw.integer(3, 4), draw.integer(5, 6))
    features = contrasts(count, 0.5, 1.5, 3.0) * draw.normal(*shape)
    inputs = features, gram(draw.normal(count, channels, 6, 7))
    close(call(*inputs), losses(*inputs), what="the style loss of each picture")


def one_gram(features):
    """One matrix for the whole batch."""
    return gram(features.transpose(0, 1).flatten(1)[None, ..., None])


def scrambled(features):
    return gram(features.reshape(1, features.shape[1], -1, 1))


style_losses.slips = {
    "The Gram matrix is one for the whole batch, so the pictures share their statistics. Each picture has its own.": (
        partial(losses, grams=one_gram)
    ),
    "The Gram matrix is one for the whole batch, and divided by the positions of one picture.": (
        partial(losses, grams=lambda features: one_gram(features) * len(features))
    ),
    "reshape to (C, ...) mixes pictures and channels. Keep the first dimension: features.flatten(2).": (
        partial(losses, grams=scrambled)
    ),
    "The Gram matrices are not divided by the number of positions.": (
        partial(losses, grams=lambda features: gram(features) * features[0, 0].numel())
    ),
    "The Gram matrices are divided by channels times positions; divide by the positions.": (
        partial(losses, grams=lambda features: gram(features) / features.shape[1])
    ),
    "You took the mean over the batch; return one number for each picture.": lambda *inputs: losses(*inputs).mean(),
    "You added up over the batch; return one number for each picture.": lambda *inputs: losses(*inputs).sum(),
    "You added up the squares of a picture; take their mean.": (
        lambda features, targets: losses(features, targets) * features.shape[1] ** 2
    ),
    "All pictures are compared with the first target; each has its own.": (
        lambda features, targets: losses(features, targets[:1])
    ),
    "The targets are averaged over the batch; each picture has its own.": (
        lambda features, targets: losses(features, targets.mean(0, keepdim=True))
    ),
}


def styled(features, gammas, betas, mix, *, over=EACH) -> Tensor:
    return painted(normal(features, 1e-5, over=over), mix @ gammas, mix @ betas)


@exercise("15.5", "conditional_norm")
def conditional_norm(call: Call, draw: Draw) -> None:
    count, styles, channels = draw.integer(2, 3), draw.integer(4, 5), draw.integer(6, 7)
    shape = (count, channels, draw.integer(3, 4), draw.integer(5, 6))
    features = contrasts(count, 0.5, 2.0, 4.0) * draw.normal(*shape)
    gammas, betas = draw.uniform(styles, channels, low=0.5, high=2), draw.normal(styles, channels)
    gammas[:, 0] *= -1
    mix = draw.uniform(count, styles, low=0.1)
    inputs = features, gammas, betas, mix / mix.sum(1, keepdim=True)
    close(call(*inputs), styled(*inputs), what="the normalized features in the mixed style")
    one = torch.zeros(count, styles, dtype=torch.float64)
    for picture in range(count):
        one[picture, draw.integer(0, styles - 1)] = 1
    close(
        call(features, gammas, betas, one),
        styled(features, gammas, betas, one),
        what="the features of pictures that have one style each (weight 1)",
    )


def with_mix(change):
    """The right answer to other weights."""
    return lambda features, gammas, betas, mix: styled(features, gammas, betas, change(mix))


def features_as_they_are(features, gammas, betas, mix):
    return painted(features, mix @ gammas, mix @ betas)


conditional_norm.slips = {
    "Every picture is painted in its strongest style only; mix the rows with the weights.": (
        with_mix(lambda mix: F.one_hot(mix.argmax(1), mix.shape[1]).to(mix))
    ),
    "All styles count alike: the weights are not used.": (with_mix(lambda mix: torch.full_like(mix, 1 / mix.shape[1]))),
    "All pictures use the weights of the first one; row n of mix belongs to picture n.": with_mix(lambda mix: mix[:1]),
    "The weights of the pictures are averaged; row n of mix belongs to picture n.": (
        with_mix(lambda mix: mix.mean(0, keepdim=True))
    ),
    "The weights went through a softmax; they are shares already.": with_mix(lambda mix: mix.softmax(1)),
    "The betas are not mixed: they are averaged with equal shares.": (
        lambda features, gammas, betas, mix: styled(features, gammas, betas.mean(0).expand_as(betas), mix)
    ),
    "The betas are not used.": lambda features, gammas, betas, mix: styled(features, gammas, 0 * betas, mix),
    "The gammas are not used.": lambda features, gammas, betas, mix: styled(features, gammas**0, betas, mix),
    "gammas and betas are exchanged.": lambda features, gammas, betas, mix: styled(features, betas, gammas, mix),
    "The features are not normalized.": features_as_they_are,
    "Mean and variance are those of the whole batch; each picture has its own.": partial(styled, over=(0, 2, 3)),
    "Mean and variance are taken over all channels together; each channel has its own.": (
        partial(styled, over=(1, 2, 3))
    ),
}


QUIZ = read_quiz("""
What does training a style network minimize?
- The distance between its pictures and the pictures that lesson 14 made of the same photos.
  No such pictures are made: the loss is computed from VGG-19's features.
+ The loss of lesson 14, over the network's weights and many photos.
  Yes: the same content and style loss; weights are changed instead of pixels.
- The number of pictures that VGG-19 puts into another class than the photo.
  VGG-19 stays as it is and classifies nothing here.
- The loss of one photo until it is small, then that of the next photo, and so on.
  Then it would forget the photos before. Every step takes other photos.

A copy of a photo has half the contrast. Behind a layer with instance norm, its features are ...
- half as large as those of the photo.
  This holds without a norm, and with batch norm at test time.
+ nearly the same as those of the photo.
  Yes: each channel of each picture is brought to variance 1.
- zero, since weak features are cut off.
  Dividing by the standard deviation brings them back.
- twice as large as those of the photo.
  A smaller deviation divides a smaller feature: the two cancel.

A network knows eight styles by conditional instance norm. What does a ninth style, with the convolutions kept, need?
- A second network, which is trained on the ninth style.
  The convolutions can be shared.
- A picture of the ninth style, given when it paints a photo.
  The network never sees a style picture when it paints.
+ One more row of gamma and beta in every layer, trained on it.
  Yes: a few thousand numbers.
- Nothing: a mixture of the eight rows gives any style.
  Mixtures give what lies between the eight, no more.

Why enlarge by repeating pixels and convolve afterwards, instead of a transposed convolution?
- It needs fewer weights: one filter serves both directions.
  Both have a 3 x 3 filter for each pair of channels.
+ With stride 2 most filters write some pixels more strongly: a checkerboard.
  Yes. After repeating, every pixel of a flat area gets the same sum, whatever the 3 x 3 filter is.
- A transposed convolution has no gradient, so that the network could not be trained.
  It has one; it is the gradient of a convolution.
- A transposed convolution mirrors the picture, so that it would stand on its head.
  Neither of the two mirrors anything.
""")
