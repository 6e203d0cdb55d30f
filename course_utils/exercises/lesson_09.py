"""Checks of lesson 09: images from gradient ascent."""

from __future__ import annotations

import torch
from torch import Tensor

from course_utils.exercises.compare import close
from course_utils.exercises.machine import Call, Draw, exercise
from course_utils.exercises.quizzes import Question


def _gradient(net, image: Tensor, target: int, *, of: str = "score") -> Tensor:
    pixels = image.detach().clone().requires_grad_()
    scores = net(pixels)
    if of == "probability":
        scores = scores.softmax(1)
    return torch.autograd.grad(scores[:, target].sum(), pixels)[0]


def _mean_size(g: Tensor) -> Tensor:
    return g / g.abs().mean()


def _ascend(net, image, target, steps, lr, *, of="score", scaled=_mean_size, clip=True, where=None) -> Tensor:
    x = image.clone()
    for _ in range(steps):
        g = _gradient(net, image if where == "start" else x, target, of=of)
        x = x + lr * scaled(g)
        x = x.clamp(0, 1) if clip else x
    return x


def _adding_up(net, image, target, steps, lr) -> Tensor:
    x, total = image.clone(), torch.zeros_like(image)
    for _ in range(steps):
        total = total + _gradient(net, x, target)
        x = (x + lr * _mean_size(total)).clamp(0, 1)
    return x


def _distinct(right: Tensor, wrongs) -> bool:
    return all(w.shape != right.shape or (w - right).abs().max() > 1e-4 for w in wrongs)


@exercise("09.1", "ascend")
def ascend(call: Call, draw: Draw) -> None:
    steps, lr = draw.integer(5, 6), draw.number(0.25, 0.3)
    while True:  # until the gradient turns round on the way, so that every slip shows
        net, image = draw.net("conv"), draw.images(1)
        target = draw.integer(0, 4)
        if net(image).argmax().item() == target or not _gradient(net, image, target).any():
            continue
        right = _ascend(net, image, target, steps, lr)
        causes = {
            "You went downhill: the gradient is added, not subtracted.": _ascend(net, image, target, steps, -lr),
            "You maximized the probability (or the loss, which is minus its logarithm). The objective is the score before the softmax.":
                _ascend(net, image, target, steps, lr, of="probability"),
            "The gradient is not divided by its mean size.": _ascend(net, image, target, steps, lr, scaled=lambda g: g),
            "You divided by the largest size of the gradient; divide by the mean of |g|.":
                _ascend(net, image, target, steps, lr, scaled=lambda g: g / g.abs().max()),
            "You divided by the length of the gradient; divide by the mean of |g|.":
                _ascend(net, image, target, steps, lr, scaled=lambda g: g / g.norm()),
            "You divided by the mean of g. Positive and negative values cancel there: take the mean of |g|.":
                _ascend(net, image, target, steps, lr, scaled=lambda g: g / g.mean()),
            "You used only the sign of the gradient.": _ascend(net, image, target, steps, lr, scaled=torch.sign),
            "The image leaves [0, 1]: cut it off after every step.": _ascend(net, image, target, steps, lr, clip=False),
            "You cut the image off only at the end. In between the network saw impossible colors.":
                _ascend(net, image, target, steps, lr, clip=False).clamp(0, 1),
            "The gradient is that of the first image in every step. Take it anew where you are.":
                _ascend(net, image, target, steps, lr, where="start"),
            "The gradients of all steps were added up: `backward()` adds to `.grad`.": _adding_up(net, image, target, steps, lr),
            "There is one step too few.": _ascend(net, image, target, steps - 1, lr),
            "There is one step too many.": _ascend(net, image, target, steps + 1, lr),
            "Only one step is made: is the `return` inside of the loop?": _ascend(net, image, target, 1, lr),
            "The image was not changed.": image,
        }  # fmt: skip
        if _distinct(right, causes.values()):
            break
    first, second = call.twice(net, image, target, steps, lr)
    close(first, right, what="the image", causes=causes)
    close(
        second,
        right,
        what="the image of the second call",
        causes={
            "Your function changed the image it was given. Work on a copy.": _ascend(net, right, target, steps, lr)
        },
    )


def _clip(z: Tensor, sizes: Tensor, percent: float) -> Tensor:
    return torch.where(sizes < torch.quantile(sizes, percent / 100), torch.zeros_like(z), z)


@exercise("09.2", "pull_back")
def pull_back(call: Call, draw: Draw) -> None:
    shape = 3, draw.integer(8, 9), draw.integer(10, 12)
    z, g = draw.normal(*shape), draw.normal(*shape)
    decay, norm, part = draw.number(0.1, 0.3), float(draw.integer(20, 30)), float(draw.integer(45, 60))
    small = (1 - decay) * z

    def contribution(x: Tensor) -> Tensor:
        return (g * -x).sum(0).abs()

    def run(x: Tensor, sizes=lambda x: x.norm(dim=0), parts=contribution, first: float = norm, then: float = part):
        x = _clip(x, sizes(x), first)
        return _clip(x, parts(x), then)

    close(
        call(z, g, decay, norm, part),
        run(small),
        what="the pixels",
        causes={
            "The decay is missing.": run(z),
            "You multiplied with the decay; multiply with 1 - decay.": run(decay * z),
            "You subtracted the decay. It is a factor: (1 - decay) z.": run(z - decay),
            "You clipped by contribution first, by norm after it.":
                _clip(_clip(small, contribution(small), part), _clip(small, contribution(small), part).norm(dim=0), norm),
            "You judged each color alone. A pixel goes as a whole: one norm over its three colors.":
                _clip(_clip(small, small.abs(), norm), contribution(_clip(small, small.abs(), norm)), part),
            "For the contribution you took sizes before the sum over the colors. Sum g * z first, then take the size.":
                run(small, parts=lambda x: (g * x).abs().sum(0)),
            "The contribution keeps its sign in your code: take the size of the sum.":
                run(small, parts=lambda x: (g * -x).sum(0)),
            "The contribution keeps its sign in your code; take the size of the sum.":
                run(small, parts=lambda x: (g * x).sum(0)),
            "You took the size of the gradient as contribution. It is gradient times pixel.":
                run(small, parts=lambda x: g.norm(dim=0)),
            "You deleted the large pixels and kept the small ones.":
                _keep_small(small, contribution, norm, part),
            "You clipped only by norm.": _clip(small, small.norm(dim=0), norm),
            "You clipped only by contribution.": _clip(small, contribution(small), part),
            "You exchanged the two percentages.": run(small, first=part, then=norm),
            "You compared with a share of the largest size. A percentile counts pixels: torch.quantile(sizes, percent / 100).":
                _by_share(small, contribution, norm, part),
            "The contributions are those before pixels were clipped by norm. Use the pixels as they are now.":
                run(small, parts=lambda x: contribution(small)),
        },
    )  # fmt: skip


def _keep_small(x: Tensor, contribution, norm: float, part: float) -> Tensor:
    for sizes, percent in ((lambda x: x.norm(dim=0), norm), (contribution, part)):
        s = sizes(x)
        x = torch.where(s >= torch.quantile(s, percent / 100), torch.zeros_like(x), x)
    return x


def _by_share(x: Tensor, contribution, norm: float, part: float) -> Tensor:
    for sizes, percent in ((lambda x: x.norm(dim=0), norm), (contribution, part)):
        s = sizes(x)
        x = torch.where(s < percent / 100 * s.max(), torch.zeros_like(x), x)
    return x


@exercise("09.3", "shifted_gradient")
def shifted_gradient(call: Call, draw: Draw) -> None:
    net, image, target = draw.net("conv"), draw.images(1), draw.integer(0, 4)
    dy, dx = draw.choice([1, -1]) * draw.integer(1, 2), draw.choice([1, -1]) * 3
    there = _gradient(net, image.roll((dy, dx), (2, 3)), target)
    close(
        call(net, image, target, dy, dx),
        there.roll((-dy, -dx), (2, 3)),
        what="the gradient",
        causes={
            "The gradient was not shifted back: it belongs to the shifted image.": there,
            "You shifted the gradient further in the same direction. Back means -dy and -dx.": there.roll((dy, dx), (2, 3)),
            "The image was not shifted at all.": _gradient(net, image, target),
            "The image was not shifted, only the gradient.": _gradient(net, image, target).roll((-dy, -dx), (2, 3)),
            "You exchanged dy and dx: rows are dimension 2, columns dimension 3.":
                _gradient(net, image.roll((dx, dy), (2, 3)), target).roll((-dx, -dy), (2, 3)),
            "You shifted the image by -dy, -dx, and the gradient by dy, dx.":
                _gradient(net, image.roll((-dy, -dx), (2, 3)), target).roll((dy, dx), (2, 3)),
            "Only the rows were shifted.":
                _gradient(net, image.roll(dy, 2), target).roll(-dy, 2),
            "Only the columns were shifted.":
                _gradient(net, image.roll(dx, 3), target).roll(-dx, 3),
            "`roll` without dimensions shifts the flattened tensor. Name the dimensions: (2, 3).":
                _gradient(net, image.roll(dy).roll(dx), target).roll(-dy).roll(-dx),
            "You used zeros where pixels moved in. `roll` brings back on one side what leaves on the other.":
                _zeros_moved_in(net, image, target, dy, dx),
        },
    )  # fmt: skip


def _zeros_moved_in(net, image: Tensor, target: int, dy: int, dx: int) -> Tensor:
    rows = torch.arange(image.shape[2])[:, None]
    columns = torch.arange(image.shape[3])[None]
    inside = ((rows - dy) >= 0) & ((rows - dy) < image.shape[2])
    inside = inside & ((columns - dx) >= 0) & ((columns - dx) < image.shape[3])
    return _gradient(net, image.roll((dy, dx), (2, 3)) * inside, target).roll((-dy, -dx), (2, 3))


def _frequencies(height: int, width: int) -> Tensor:
    rows = torch.fft.fftfreq(height, dtype=torch.float64)[:, None]
    columns = torch.fft.rfftfreq(width, dtype=torch.float64)[None]
    return (rows**2 + columns**2).sqrt()


@exercise("09.4", "from_frequencies")
def from_frequencies(call: Call, draw: Draw) -> None:
    height, width = draw.integer(6, 8), draw.choice([9, 11])
    decay = draw.number(1.2, 1.8)
    real, imaginary = draw.normal(3, height, width // 2 + 1), draw.normal(3, height, width // 2 + 1)
    f = _frequencies(height, width)
    lowest = 1 / max(height, width)

    def picture(scale, z=None, **options) -> Tensor:
        z = torch.complex(real, imaginary) if z is None else z
        return torch.fft.irfft2(z * scale, **{"s": (height, width), "norm": "ortho", **options})

    right = f.clamp(min=lowest) ** -decay
    rows = torch.fft.fftfreq(height, dtype=torch.float64).abs()[:, None].expand_as(f)
    columns = torch.fft.rfftfreq(width, dtype=torch.float64)[None].expand_as(f)
    only_up = (torch.linspace(0, 0.5, height, dtype=torch.float64)[:, None] ** 2 + columns**2).sqrt()
    close(
        call(real, imaginary, decay, height, width),
        picture(right),
        what="the picture",
        causes={
            "The coefficients were not divided by frequency ** decay.": picture(1.0),
            "You multiplied with frequency ** decay: that strengthens the fine structure. Divide.": picture(1 / right),
            "You divided by the frequency itself: the exponent `decay` is missing.": picture(f.clamp(min=lowest) ** -1),
            "The frequency is the root of the sum of squares; your root is missing.":
                picture((f**2).clamp(min=lowest) ** -decay),
            "You used only the vertical frequency.": picture(rows.clamp(min=lowest) ** -decay),
            "You used only the horizontal frequency.": picture(columns.clamp(min=lowest) ** -decay),
            "You added the two frequencies. Their length is the root of the sum of squares.":
                picture((rows + columns).clamp(min=lowest) ** -decay),
            "The lowest frequency is limited by the shorter side: take the longer one.":
                picture(f.clamp(min=1 / min(height, width)) ** -decay),
            "The vertical frequencies go up and then come back with a minus sign: use torch.fft.fftfreq for the rows.":
                picture(only_up.clamp(min=lowest) ** -decay),
            'The inverse transform needs norm="ortho"; without it everything is divided by the number of pixels.':
                picture(right, norm="backward"),
            "The imaginary part is not used.": picture(right, z=torch.complex(real, torch.zeros_like(real))),
            "You exchanged the real and the imaginary part.": picture(right, z=torch.complex(imaginary, real)),
            "You took the size of the coefficients; the phase is lost.":
                picture(right, z=torch.complex(torch.hypot(real, imaginary), torch.zeros_like(real))),
            "Without `s=(height, width)` an odd width cannot be known: the picture is one column too narrow.":
                picture(right, s=(height, width - 1)),
        },
    )  # fmt: skip


@exercise("09.5", "climb")
def climb(call: Call, draw: Draw) -> None:
    shape = 3, draw.integer(4, 5), draw.integer(6, 7)
    w = draw.normal(*shape)
    image = (draw.uniform(*shape, low=0.2, high=0.8) * 255).round() / 255
    image[0, 0, :2], w[0, 0, :2] = torch.tensor([1.0, 0.0]), torch.tensor([2.0, -2.0])  # already at the ends
    steps, lr = draw.integer(30, 50), draw.number(1, 1.5) * 3e-4
    right = (image + steps * lr * w).clamp(0, 1)

    def rounded(how) -> Tensor:
        x = image
        for _ in range(steps):
            x = how((x + lr * w).clamp(0, 1) * 255) / 255
        return x

    close(
        call(image, w, steps, lr),
        right,
        what="the image",
        causes={
            "The image is rounded to 256 levels after every step, and small steps are lost. Round when you save it, not on the way.":
                rounded(torch.round),
            "The image is cut down to 256 levels after every step. Keep it as it is on the way.": rounded(torch.floor),
            "The result is rounded to 256 levels. Return it as it is.": (right * 255).round() / 255,
            "The result is cut down to 256 levels. Return it as it is.": (right * 255).floor() / 255,
            "You went downhill.": (image - steps * lr * w).clamp(0, 1),
            "Only one step is made.": (image + lr * w).clamp(0, 1),
            "The image leaves [0, 1].": image + steps * lr * w,
            "The image did not move.": image,
            "You used the sign of the gradient. The step is lr times the gradient.": (image + steps * lr * w.sign()).clamp(0, 1),
        },
        atol=1e-7,
    )  # fmt: skip


QUIZ = (
    Question(
        "Plain gradient ascent gives a picture of colored noise, and the network is 100 % sure that it is a flamingo. What went wrong?",
        (
            ("The step size was too small.", "The score is as high as one could wish; a longer way only raises it further."),
            ("Nothing in the arithmetic: among all pictures with a high score, nearly all look like noise.", "Yes. Nothing asked for a natural picture. The regularizers ask."),
            ("The network was not trained well.", "It is right on most photos. Photos do not look like this."),
            ("The score should have been the probability.", "Then it is noise as well."),
        ),
        1,
    ),
    Question(
        "Why is a second network asked to name the picture?",
        (
            ("It is more accurate.", "A little, but this is not the point."),
            ("What only fools the first network is not recognized by the second.", "Yes. What both see is more likely to be about the object."),
            ("The first network cannot see its own pictures.", "It can, and it is always sure."),
            ("To make the pictures sharper.", "The judge does not take part in the drawing."),
        ),
        1,
    ),
    Question(
        "With Fourier coefficients instead of pixels, which pictures can be reached?",
        (
            ("Only smooth ones.", "Every coefficient is there, also those of the finest noise."),
            ("The same pictures: only the direction of a step changes.", "Yes. A step moves coarse and fine structure alike, so the way leads elsewhere."),
            ("Only gray ones.", "Each of three colors has its own coefficients."),
            ("Pictures outside of [0, 1].", "The sigmoid at the end keeps them inside."),
        ),
        1,
    ),
    Question(
        "Your picture of a unit shows feathers. What may you say?",
        (
            ("The unit detects feathers and nothing else.", "One start and one picture show one facet. Another start may show another thing."),
            ("Feathers, in this style, excite the unit strongly. Other things may, too.", "Yes. Look at its top patches and at several facets before you name it."),
            ("The network was trained on feathers.", "The picture says nothing about the training set by itself."),
            ("Nothing at all.", "It is a stimulus that works: you can measure that."),
        ),
        1,
    ),
)  # fmt: skip
