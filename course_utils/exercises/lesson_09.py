"""Checks of lesson 09: images from gradient ascent."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor

from course_utils.exercises.compare import close
from course_utils.exercises.machine import Call, Draw, exercise
from course_utils.exercises.quizzes import read_quiz
from course_utils.exercises.steady import steady


def gradient(net, image: Tensor, target: int, *, of=lambda scores: scores) -> Tensor:
    pixels = image.detach().clone().requires_grad_()
    return torch.autograd.grad(of(net(pixels))[:, target].sum(), pixels)[0]


def by_mean_size(g: Tensor) -> Tensor:
    return g / g.abs().mean()


def ascended(net, image, target, steps, lr, *, scaled=by_mean_size, clip=True, anew=True, add_up=False, **of) -> Tensor:
    x, total = image.clone(), 0
    for _ in range(steps):
        g = gradient(net, x if anew else image, target, **of)
        total = total + g
        x = x + lr * scaled(total if add_up else g)
        x = x.clamp(0, 1) if clip else x
    return x


def clipped_at_the_end(*inputs):
    return ascended(*inputs, clip=False).clamp(0, 1)


def until_predicted(net, image, target, steps, lr):
    for _ in range(steps):
        if net(image).argmax().item() == target:
            break
        image = ascended(net, image, target, 1, lr)
    return image


def turns_round(right: Tensor, net, image, target, steps, lr) -> bool:
    """Whether the gradient changes so much on the way, and the target comes so late, that every slip shows."""
    one_step = ascended(net, image, target, 1, lr)
    early = [net(image).argmax().item(), net(one_step).argmax().item()]
    if target in early or gradient(net, image, target).abs().mean() < 4e-3:
        return False

    def wrong_answers() -> Iterator[Tensor]:
        yield ascended(net, image, target, steps, lr, anew=False)
        yield ascended(net, image, target, steps, lr, add_up=True)
        yield clipped_at_the_end(net, image, target, steps, lr)
        yield ascended(net, image, target, steps - 1, lr)
        yield ascended(net, image, target, steps + 1, lr)
        yield until_predicted(net, image, target, steps, lr)

    return all((wrong - right).abs().max() > 1e-2 for wrong in wrong_answers())


@steady(ascended, fits=turns_round)
def ascents(draw: Draw) -> tuple:
    net, image = draw.net("conv"), draw.images(1)
    target = net(image)[0].argsort()[draw.choice([-2, -3])].item()  # one of the next best classes: it is reached soon
    return net, image, target, draw.integer(5, 6), draw.number(0.25, 0.3)


@exercise("09.1", "ascend")
def ascend(call: Call, draw: Draw) -> None:
    inputs, right = ascents(draw)
    first, second = call.twice(*inputs)
    close(first, right, what="the image")
    close(second, right, what="the image of the second call")


def changes_its_image(net, image, target, steps, lr):
    return image.copy_(ascended(net, image, target, steps, lr))


ascend.slips = {
    "You went downhill: the gradient is added, not subtracted.": partial(ascended, scaled=lambda g: -by_mean_size(g)),
    "You maximized the probability (or the loss, which is minus its logarithm). "
    "The objective is the score before the softmax.": partial(ascended, of=lambda scores: scores.softmax(1)),
    "The gradient is not divided by its mean size.": partial(ascended, scaled=lambda g: g),
    "You divided by the largest size of the gradient; divide by the mean of |g|.": (
        partial(ascended, scaled=lambda g: g / g.abs().max())
    ),
    "You divided by the length of the gradient; divide by the mean of |g|.": (
        partial(ascended, scaled=lambda g: g / g.norm())
    ),
    "You divided by the mean of g. Positive and negative values cancel there: take the mean of |g|.": (
        partial(ascended, scaled=lambda g: g / g.mean())
    ),
    "You divided by the standard deviation of the gradient; divide by the mean of |g|.": (
        partial(ascended, scaled=lambda g: g / g.std())
    ),
    "Each color was divided by its own mean. Divide by one number: the mean of |g| over the whole gradient.": (
        partial(ascended, scaled=lambda g: g / g.abs().mean((2, 3), keepdim=True))
    ),
    "You used only the sign of the gradient.": partial(ascended, scaled=torch.sign),
    "The image leaves [0, 1]: cut it off after every step.": partial(ascended, clip=False),
    "You cut the image off only at the end. In between the network saw impossible colors.": clipped_at_the_end,
    "The gradient is that of the first image in every step. Take it anew where you are.": partial(ascended, anew=False),
    "The gradients of all steps were added up: backward() adds to .grad.": partial(ascended, add_up=True),
    "There is one step too few.": lambda net, image, target, steps, lr: ascended(net, image, target, steps - 1, lr),
    "There is one step too many.": lambda net, image, target, steps, lr: ascended(net, image, target, steps + 1, lr),
    "Only one step shows in the result. Is the return inside of the loop, "
    "or does every step start again from the first image?": (
        lambda net, image, target, steps, lr: ascended(net, image, target, 1, lr)
    ),
    "It stops when the network says the target class. Make all steps.": until_predicted,
    "The image was not changed.": lambda net, image, *rest: image,
    "Your function changed the image it was given. Work on a copy.": changes_its_image,
}


def below_percentile(sizes: Tensor, percent: float) -> Tensor:
    return sizes < torch.quantile(sizes, percent / 100)


def up_to_percentile(sizes: Tensor, percent: float) -> Tensor:
    return sizes <= torch.quantile(sizes, percent / 100)


def length(z: Tensor, g: Tensor) -> Tensor:
    return z.norm(dim=0)


def contribution(z: Tensor, g: Tensor) -> Tensor:
    return (g * -z).sum(0).abs()


def pulled(
    z,
    g,
    decay,
    norm,
    part,
    *,
    factor=lambda decay: 1 - decay,
    small=below_percentile,
    sizes=length,
    parts=contribution,
    steps=(0, 1),
) -> Tensor:
    """Decayed, then clipped by `sizes` and by `parts`, where they are `small`."""
    z = factor(decay) * z
    for which in steps:
        measure, percent = ((sizes, norm), (parts, part))[which]
        z = z.masked_fill(small(measure(z, g), percent), 0)
    return z


def middle_of_a_gap(values: Tensor, rank: int) -> float | None:
    """A number that takes this rank among the values, or None if rounding could change its rank."""
    below, above = values.sort().values[rank - 1 : rank + 1].tolist()
    return (below + above) / 2 if above - below > 1e-3 else None


def pixels(draw: Draw) -> tuple:
    """Three pixels have exactly the size of the first percentile, and exactly the contribution of the second.

    So `<` and `<=` give different answers, and all ways to compute a percentile give the same.
    """
    shape = 3, draw.integer(8, 9), draw.integer(10, 12)
    decay, percents = draw.number(0.1, 0.3), (float(draw.integer(20, 30)), float(draw.integer(45, 60)))
    count = shape[1] * shape[2]
    norm_rank, part_rank = (round(percent / 100 * (count - 1)) - 1 for percent in percents)
    while True:
        z, g = draw.normal(3, count), draw.normal(3, count)
        three, others = slice(0, 3), slice(3, None)
        size = middle_of_a_gap(length(z, g)[others], norm_rank)
        if size is None:
            continue
        z[:, three] = torch.tensor([[size], [0], [0]], dtype=torch.float64)
        left = (1 - decay) * z * (length(z, g) >= size)
        part = middle_of_a_gap(contribution(left, g)[others], part_rank)
        if part is None:
            continue
        g[0, three] = part / left[0, three] * torch.tensor([1.0, -1, 1])
        order = torch.from_numpy(draw.rng.permutation(count))
        return z[:, order].view(shape), g[:, order].view(shape), decay, *percents


@exercise("09.2", "pull_back")
def pull_back(call: Call, draw: Draw) -> None:
    inputs = pixels(draw)
    close(call(*inputs), pulled(*inputs), what="the pixels")


def decay_subtracted(z, g, decay, norm, part):
    return pulled(z - decay, g, 0, norm, part)


def contributions_of_before(z, g, decay, norm, part):
    return pulled(z, g, decay, norm, part, parts=lambda _, g: contribution(z, g))


pull_back.slips = {
    "The decay is missing.": partial(pulled, factor=lambda decay: 1),
    "You multiplied with the decay; multiply with 1 - decay.": partial(pulled, factor=lambda decay: decay),
    "You subtracted the decay. It is a factor: (1 - decay) z.": decay_subtracted,
    "Only the clipping by contribution shows in the result. Clip by norm before it: after it, the percentile of the "
    "norms is 0 and nothing more is deleted.": partial(pulled, steps=(1, 0)),
    "You deleted the pixels that are exactly as large as the percentile, too. Delete where the size is smaller (<).": (
        partial(pulled, small=up_to_percentile)
    ),
    "You judged each color alone. A pixel goes as a whole: one norm over its three colors.": (
        partial(pulled, sizes=lambda z, g: z.abs())
    ),
    "You added up the sizes of the three colors. The norm is the root of the sum of their squares.": (
        partial(pulled, sizes=lambda z, g: z.abs().sum(0))
    ),
    "The percentile of the contributions is taken over the pixels that are left. Take it over all pixels.": (
        partial(pulled, small=lambda sizes, percent: sizes < torch.quantile(sizes[sizes > 0], percent / 100))
    ),
    "For the contribution you took sizes before the sum over the colors. Sum g * z first, then take the size.": (
        partial(pulled, parts=lambda z, g: (g * z).abs().sum(0))
    ),
    "The contribution keeps its sign in your code: take the size of the sum.": (
        partial(pulled, parts=lambda z, g: (g * -z).sum(0))
    ),
    "The contribution keeps its sign in your code; take the size of the sum.": (
        partial(pulled, parts=lambda z, g: (g * z).sum(0))
    ),
    "You took the size of the gradient as contribution. It is gradient times pixel.": (
        partial(pulled, parts=lambda z, g: g.norm(dim=0))
    ),
    "You deleted the large pixels and kept the small ones.": (
        partial(pulled, small=lambda sizes, percent: ~below_percentile(sizes, percent))
    ),
    "You clipped only by norm.": partial(pulled, steps=(0,)),
    "You exchanged the two percentages.": lambda z, g, decay, norm, part: pulled(z, g, decay, part, norm),
    "You compared with a share of the largest size. A percentile counts pixels: "
    "torch.quantile(sizes, percent / 100).": (
        partial(pulled, small=lambda sizes, percent: sizes < percent / 100 * sizes.max())
    ),
    "The contributions are those before pixels were clipped by norm. Use the pixels as they are now.": (
        contributions_of_before
    ),
}


def rolled(net, image, target, there, back, *, dims=(2, 3), cover=1) -> Tensor:
    return gradient(net, image.roll(there, dims) * cover, target).roll(back, dims)


def there_and_back(net, image, target, dy, dx) -> Tensor:
    return rolled(net, image, target, (dy, dx), (-dy, -dx))


@steady(there_and_back)
def shifts(draw: Draw) -> tuple:
    inputs = draw.net("conv"), draw.images(1), draw.integer(0, 4)
    return *inputs, draw.choice([1, -1]) * draw.integer(1, 2), draw.choice([1, -1]) * 3


@exercise("09.3", "shifted_gradient")
def shifted_gradient(call: Call, draw: Draw) -> None:
    inputs, right = shifts(draw)
    close(call(*inputs), right, what="the gradient")


def zeros_moved_in(net, image, target, dy, dx):
    rows, columns = torch.arange(image.shape[2])[:, None] - dy, torch.arange(image.shape[3]) - dx
    inside = (rows >= 0) & (rows < image.shape[2]) & (columns >= 0) & (columns < image.shape[3])
    return rolled(net, image, target, (dy, dx), (-dy, -dx), cover=inside)


def rolled_flat(net, image, target, dy, dx):
    return gradient(net, image.roll(dy + dx), target).roll(-dy - dx)


shifted_gradient.slips = {
    "The gradient was not shifted back: it belongs to the shifted image.": (
        lambda net, image, target, dy, dx: rolled(net, image, target, (dy, dx), (0, 0))
    ),
    "You shifted the gradient further in the same direction. Back means -dy and -dx.": (
        lambda net, image, target, dy, dx: rolled(net, image, target, (dy, dx), (dy, dx))
    ),
    "The image was not shifted at all.": lambda net, image, target, dy, dx: gradient(net, image, target),
    "The image was not shifted, only the gradient.": (
        lambda net, image, target, dy, dx: rolled(net, image, target, (0, 0), (-dy, -dx))
    ),
    "You exchanged dy and dx: rows are dimension 2, columns dimension 3.": (
        lambda net, image, target, dy, dx: rolled(net, image, target, (dx, dy), (-dx, -dy))
    ),
    "You shifted the image by -dy, -dx, and the gradient by dy, dx.": (
        lambda net, image, target, dy, dx: rolled(net, image, target, (-dy, -dx), (dy, dx))
    ),
    "Only the rows were shifted.": lambda net, image, target, dy, dx: rolled(net, image, target, dy, -dy, dims=2),
    "Only the columns were shifted.": lambda net, image, target, dy, dx: rolled(net, image, target, dx, -dx, dims=3),
    "roll without dimensions shifts the flattened tensor. Name the dimensions: (2, 3).": rolled_flat,
    "You used zeros where pixels moved in. roll brings back on one side what leaves on the other.": zeros_moved_in,
}


def vertical(height: int, width: int) -> Tensor:
    return torch.fft.fftfreq(height, dtype=torch.float64).abs()[:, None].expand(-1, width // 2 + 1)


def horizontal(height: int, width: int) -> Tensor:
    return torch.fft.rfftfreq(width, dtype=torch.float64).expand(height, -1)


def radial(height: int, width: int) -> Tensor:
    return torch.hypot(vertical(height, width), horizontal(height, width))


def weights(decay: float, height: int, width: int, *, frequency=radial, side=max) -> Tensor:
    return frequency(height, width).clamp(min=1 / side(height, width)) ** -decay


def picture(real, imaginary, decay, height, width, *, weights=weights, norm="ortho", narrower=0) -> Tensor:
    scaled = torch.complex(real, imaginary) * weights(decay, height, width)
    return torch.fft.irfft2(scaled, s=(height, width - narrower), norm=norm)


@exercise("09.4", "from_frequencies")
def from_frequencies(call: Call, draw: Draw) -> None:
    wide, high = (draw.integer(6, 8), draw.choice([9, 11])), (draw.integer(9, 11), draw.choice([6, 8]))
    for (height, width), lowest, what in (
        (wide, 1.2, "the picture"),
        (high, 0.4, "the picture that is higher than wide"),
    ):
        real, imaginary = draw.normal(3, height, width // 2 + 1), draw.normal(3, height, width // 2 + 1)
        inputs = real, imaginary, lowest + draw.number(0, 0.5), height, width
        close(call(*inputs), picture(*inputs), what=what)


def only_upward(height, width):
    rows = torch.linspace(0, 0.5, height, dtype=torch.float64)[:, None]
    return torch.hypot(rows, horizontal(height, width))


from_frequencies.slips = {
    "The coefficients were not divided by frequency ** decay.": partial(picture, weights=lambda *_: 1.0),
    "You multiplied with frequency ** decay: that strengthens the fine structure. Divide.": (
        partial(picture, weights=lambda *inputs: 1 / weights(*inputs))
    ),
    "You divided by the frequency itself: the exponent decay is missing.": (
        partial(picture, weights=lambda decay, *sides: weights(1, *sides))
    ),
    "The frequency is the root of the sum of squares; your root is missing.": (
        partial(picture, weights=partial(weights, frequency=lambda *sides: radial(*sides) ** 2))
    ),
    "You used only the vertical frequency.": partial(picture, weights=partial(weights, frequency=vertical)),
    "You used only the horizontal frequency.": partial(picture, weights=partial(weights, frequency=horizontal)),
    "You added the two frequencies. Their length is the root of the sum of squares.": (
        partial(picture, weights=partial(weights, frequency=lambda *sides: vertical(*sides) + horizontal(*sides)))
    ),
    "The lowest frequency is limited by one side, here the shorter one: take the longer one, 1 / max(H, W).": (
        partial(picture, weights=partial(weights, side=min))
    ),
    "The lowest frequency is always limited by the width. In a picture that is higher than wide it is the height: "
    "1 / max(H, W).": partial(picture, weights=partial(weights, side=lambda height, width: width)),
    "The vertical frequencies go up and then come back with a minus sign: use torch.fft.fftfreq for the rows.": (
        partial(picture, weights=partial(weights, frequency=only_upward))
    ),
    'The inverse transform needs norm="ortho"; without it everything is divided by the number of pixels.': (
        partial(picture, norm="backward")
    ),
    "The imaginary part has the wrong sign.": (lambda real, imaginary, *rest: picture(real, -imaginary, *rest)),
    "The imaginary part is not used.": lambda real, imaginary, *rest: picture(real, 0 * imaginary, *rest),
    "You exchanged the real and the imaginary part.": lambda real, imaginary, *rest: picture(imaginary, real, *rest),
    "You took the size of the coefficients; the phase is lost.": (
        lambda real, imaginary, *rest: picture(torch.hypot(real, imaginary), 0 * imaginary, *rest)
    ),
    "Without s=(height, width) an odd width cannot be known: the picture is one column too narrow.": (
        partial(picture, narrower=1)
    ),
}


def exchanged(one: Tensor, other: Tensor, *, height=torch.abs, phase=torch.angle, there=torch.fft.rfft2, size=None):
    heights, phases = height(there(one)), phase(there(other))
    return torch.fft.irfft2(torch.complex(heights * phases.cos(), heights * phases.sin()), s=size or one.shape[-2:])


@exercise("09.5", "exchange")
def exchange(call: Call, draw: Draw) -> None:
    shape = draw.integer(6, 8), draw.choice([9, 11])  # an odd width: it must be said
    for height, width, what in ((*shape, "the picture"), (*reversed(shape), "the picture that is higher than wide")):
        inputs = draw.uniform(3, height, width), draw.uniform(3, height, width)
        close(call(*inputs), exchanged(*inputs), what=what)


def row_by_row(one, other):
    waves = torch.polar(torch.fft.rfft(one).abs(), torch.fft.rfft(other).angle())
    return torch.fft.irfft(waves, n=one.shape[-1])


exchange.slips = {
    "You exchanged the roles: the heights are those of `one`, the phases those of `other`.": (
        lambda one, other: exchanged(other, one)
    ),
    "Your picture is `one`: the phases must come from `other`.": lambda one, other: one,
    "Your picture is `other`: the heights must come from `one`.": lambda one, other: other,
    "All phases are 0 in your picture: every wave has its crest in the upper left corner.": (
        partial(exchanged, phase=lambda waves: 0 * waves.angle())
    ),
    "The phases go only from -90 to 90 degrees: atan(imag / real) forgets the sign of the real part. Use .angle().": (
        partial(exchanged, phase=lambda waves: torch.atan(waves.imag / waves.real))
    ),
    "You squared the heights. The height of a wave is the size of its coefficient, .abs().": (
        partial(exchanged, height=lambda waves: waves.abs().square())
    ),
    "You took the real part as height. It is the size of the complex number, .abs().": (
        partial(exchanged, height=lambda waves: waves.real)
    ),
    "You transformed only along the rows. A wave of a picture has two directions: rfft2 and irfft2.": row_by_row,
    "Without s=(height, width) an odd width cannot be known: the picture is one column too narrow.": (
        lambda one, other: exchanged(one, other, size=(one.shape[-2], one.shape[-1] - 1))
    ),
    "You cut the picture off at 0 and 1. Return it as it is.": lambda one, other: exchanged(one, other).clamp(0, 1),
    "You mixed the two pictures. Only the phases of `other` are used, and only the heights of `one`.": (
        lambda one, other: (one + other) / 2
    ),
}


def climbed(image, w, steps, lr, *, step=lambda w: w, levels=None) -> Tensor:
    for _ in range(steps):
        image = (image + lr * step(w)).clamp(0, 1)
        image = levels(image * 255) / 255 if levels else image
    return image


@exercise("09.6", "climb")
def climb(call: Call, draw: Draw) -> None:
    shape = 3, draw.integer(4, 5), draw.integer(6, 7)
    w = draw.normal(*shape)
    image = (draw.uniform(*shape, low=0.2, high=0.8) * 255).round() / 255
    image[0, 0, :2], w[0, 0, :2] = torch.tensor([1.0, 0.0]), torch.tensor([2.0, -2.0])  # already at the ends
    inputs = image, w, draw.integer(30, 50), draw.number(1, 1.5) * 3e-4
    close(call(*inputs), climbed(*inputs), what="the image", atol=1e-5)


climb.slips = {
    "The image is rounded to 256 levels after every step, and small steps are lost. "
    "Round when you save it, not on the way.": partial(climbed, levels=torch.round),
    "The image is cut down to 256 levels after every step. Keep it as it is on the way.": (
        partial(climbed, levels=torch.floor)
    ),
    "The result is rounded to 256 levels. Return it as it is.": lambda *inputs: (climbed(*inputs) * 255).round() / 255,
    "The result is cut down to 256 levels. Return it as it is.": lambda *inputs: (climbed(*inputs) * 255).floor() / 255,
    "You went downhill.": partial(climbed, step=lambda w: -w),
    "Only one step is made.": lambda image, w, steps, lr: climbed(image, w, 1, lr),
    "The image leaves [0, 1].": lambda image, w, steps, lr: image + steps * lr * w,
    "You used the sign of the gradient. The step is lr times the gradient.": partial(climbed, step=torch.sign),
}


QUIZ = read_quiz("""
Plain gradient ascent gives a picture of colored noise, and the network is 100 % sure that it is a flamingo. What went
wrong?
- The step size was too small to come from noise to a picture.
  The score is as high as one could wish; a longer way only raises it further.
+ Nothing: a picture of noise can have a high score, too.
  Yes. Nothing asked for a natural picture. Transforms and regularizers ask.
- The network was not trained well enough to know a flamingo.
  It is right on most photos. Photos do not look like this.
- The probability should have been climbed, not the score.
  It asks for a natural picture no more than the score does.

Why is a second network asked to name the picture?
- It is more accurate than the network that was climbed.
  A little, but this is not the point.
+ It has other weights: the picture was not made for it.
  Yes. But it learned from the same photos, and part of what fools the maker carries over: look for yourself, too.
- The first network cannot classify a picture of its own.
  It can: plain ascent went on until it was sure.
- Its gradient makes the picture sharper in every step.
  The judge does not take part in the drawing.

With `Fourier()` instead of `Pixels()`, which pictures can be reached?
- Only smooth pictures, since fine waves are left out.
  Every coefficient is there, also those of the finest noise.
+ The same ones: only the directions of steps change.
  Yes. With Adam, a step moves coarse and fine structure alike, so the way leads elsewhere.
- Only gray ones: a wave has no color of its own.
  Each of three colors has its own coefficients.
- Also pictures with values outside of 0 to 1.
  The sigmoid at the end keeps them inside.

Your picture of a unit shows feathers. What may you say?
- The unit detects feathers, and it detects nothing else.
  One start and one picture show one facet. Another start may show another thing.
+ Feathers, drawn in this style, excite the unit strongly.
  Yes. Other things may, too: look at its top patches and at several facets before you name it.
- Feathers were frequent in the pictures of its training.
  The picture says nothing about the training set by itself.
- Nothing at all: the picture was made and not found.
  It is a stimulus that works: you can measure that.
""")
