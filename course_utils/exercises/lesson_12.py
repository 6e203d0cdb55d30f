"""Checks of lesson 12: DeepDream."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from course_utils.exercises.compare import close
from course_utils.exercises.machine import Call, Draw, exercise
from course_utils.exercises.quizzes import read_quiz
from course_utils.exercises.steady import steady


def gradient(net, images, *, seed=lambda activation: activation) -> Tensor:
    """`seed` gives the gradient that the layer is set to."""
    pixels = images.clone().requires_grad_()
    activation = net(pixels)
    return torch.autograd.grad(activation, pixels, seed(activation.detach()))[0]


@steady(gradient)
def layers(draw: Draw) -> tuple:
    return draw.net("maps"), draw.images(2)


@exercise("12.1", "dream_gradient")
def dream_gradient(call: Call, draw: Draw) -> None:
    inputs, right = layers(draw)
    close(call(*inputs), right, what="the dream gradient")


dream_gradient.slips = {
    "The layer's gradient was set to 1 everywhere: you ascend the sum of the activations. "
    "Set it to the activation itself.": partial(gradient, seed=torch.ones_like),
    "You differentiated the mean of the activations. Set the layer's gradient to the activation itself.": (
        partial(gradient, seed=lambda a: torch.ones_like(a) / a.numel())
    ),
    "You differentiated the sum of squares without the factor 1/2; its gradient is twice the activation.": (
        partial(gradient, seed=lambda a: 2 * a)
    ),
    "You took a mean of squares. The recipe sets the gradient to the activation, and divides by nothing.": (
        partial(gradient, seed=lambda a: 2 * a / a.numel())
    ),
    "The layer's gradient was set to the square of the activation; set it to the activation.": (
        partial(gradient, seed=torch.square)
    ),
    "You differentiated the length of the activation (a square root of squares).": (
        partial(gradient, seed=lambda a: a / a.norm())
    ),
    "Only the strongest activation was used. The whole layer is set to its own activation.": (
        partial(gradient, seed=lambda a: a * (a == a.max()))
    ),
    "The sign is wrong: this goes downhill.": partial(gradient, seed=torch.neg),
}


def moved(image, g, size, *, scale=lambda g: g.abs().mean(), cut=True) -> Tensor:
    out = image + size * g / (scale(g) if g.any() else 1)
    return out.clamp(0, 1) if cut else out


@exercise("12.2", "step")
def step(call: Call, draw: Draw) -> None:
    image, size = draw.images(1), draw.number(0.05, 0.2)
    inputs = image, draw.normal(*image.shape) * draw.number(2, 9) + 0.5, size
    close(call(*inputs), moved(*inputs), what="the image after the step")
    weak = image, 1e-3 * inputs[1], size
    close(call(*weak), moved(*weak), what="the image after a step with a weak gradient")
    flat = call(image, torch.zeros_like(image), size)
    close(flat, image, what="the image after a step with a gradient of 0 everywhere")


step.slips = {
    "The values are not cut off at 0 and 1.": partial(moved, cut=False),
    "You divided by the largest |g|; the step divides by the mean of |g|.": (
        partial(moved, scale=lambda g: g.abs().max())
    ),
    "You divided by the length of the gradient (a square root of squares); the step divides by the mean of |g|.": (
        partial(moved, scale=torch.norm)
    ),
    "You divided by the mean of g, where plus and minus cancel. Take the mean of |g|.": partial(
        moved, scale=torch.mean
    ),
    "You divided by the standard deviation; the step divides by the mean of |g|.": partial(moved, scale=torch.std),
    "A weak gradient is not divided by its mean size. Only a mean of 0 needs care.": (
        partial(moved, scale=lambda g: g.abs().mean().clamp(min=1))
    ),
    "The gradient is not divided by its mean size.": partial(moved, scale=lambda g: 1),
    "You used the sign of the gradient only; DeepDream keeps its values.": partial(moved, scale=lambda g: g.abs()),
    "The step goes downhill: add it.": lambda image, g, size: moved(image, -g, size),
    "Each color channel was divided by its own mean; divide by one number for the whole image.": (
        partial(moved, scale=lambda g: g.abs().mean((2, 3), keepdim=True))
    ),
    "0 / 0 gives NaN. Where the layer sees nothing the image should stay as it is.": (
        lambda image, g, size: (image + size * g / g.abs().mean()).clamp(0, 1)
    ),
}


def rolled(net, images, there, back, **options) -> Tensor:
    return gradient(net, images.roll(there, (2, 3)), **options).roll(back, (2, 3))


def there_and_back(net, images, dy, dx, **options) -> Tensor:
    return rolled(net, images, (dy, dx), (-dy, -dx), **options)


@steady(there_and_back)
def shifts(draw: Draw) -> tuple:
    images = draw.images(2, draw.choice([9, 10]), draw.choice([13, 14]))
    return draw.net("maps"), images, draw.choice([-3, -1, 1, 3]), draw.choice([-5, 2, 4])


@exercise("12.3", "jittered_gradient")
def jittered_gradient(call: Call, draw: Draw) -> None:
    inputs, right = shifts(draw)
    close(call(*inputs), right, what="the jittered gradient")


jittered_gradient.slips = {
    "The gradient was rolled on in the same direction. It belongs to the rolled image: roll it back, by (-dy, -dx).": (
        lambda net, images, dy, dx: rolled(net, images, (dy, dx), (dy, dx))
    ),
    "The gradient was not rolled back: it fits the rolled image, not the one you were given.": (
        lambda net, images, dy, dx: rolled(net, images, (dy, dx), (0, 0))
    ),
    "The image was not rolled before the network saw it.": (
        lambda net, images, dy, dx: rolled(net, images, (0, 0), (-dy, -dx))
    ),
    "Nothing was rolled: this is the plain gradient.": lambda net, images, dy, dx: gradient(net, images),
    "The image was rolled by (-dy, -dx); the shift is (dy, dx).": (
        lambda net, images, dy, dx: rolled(net, images, (-dy, -dx), (dy, dx))
    ),
    "Rows and columns are exchanged: dy rolls dimension 2, dx rolls dimension 3.": (
        lambda net, images, dy, dx: rolled(net, images, (dx, dy), (-dx, -dy))
    ),
    "Only the rows were rolled back. The columns have to go back as well.": (
        lambda net, images, dy, dx: rolled(net, images, (dy, dx), (-dy, 0))
    ),
    "The layer's gradient was set to 1 everywhere. Set it to the activation itself.": (
        partial(there_and_back, seed=torch.ones_like)
    ),
    "On the way back rows and columns are exchanged.": (
        lambda net, images, dy, dx: rolled(net, images, (dy, dx), (-dx, -dy))
    ),
}


def resized(image: Tensor, like: Tensor, *, mode="bilinear", align_corners: bool | None = False) -> Tensor:
    return interpolate(image, size=like.shape[2:], mode=mode, align_corners=align_corners)


def octave(small, dream, large, **how) -> Tensor:
    return large + resized(dream - small, large, **how)


@exercise("12.4", "next_octave")
def next_octave(call: Call, draw: Draw) -> None:
    height, width = draw.integer(5, 6), draw.integer(8, 9)
    for sizes in (((height, width), (height + 3, width + 4)), ((width, height), (width + 5, height + 2))):
        small, dream, large = draw.images(1, *sizes[0]), draw.images(1, *sizes[0]), draw.images(1, *sizes[1])
        inputs = small, dream, large
        close(call(*inputs), octave(*inputs), what="the start of the next octave")


next_octave.slips = {
    "You enlarged the whole dream: the photo in it is blurred by the enlargement. "
    "Enlarge only what was dreamed, and add it to the sharp photo.": lambda small, dream, large: resized(dream, large),
    "You added the enlarged dream to the photo, so the photo counts twice. Subtract the small photo first.": (
        lambda small, dream, large: large + resized(dream, large)
    ),
    "You cut the values off at 0 and 1. The start is the plain sum; a step cuts off when it is made.": (
        lambda *inputs: octave(*inputs).clamp(0, 1)
    ),
    "You enlarged with align_corners=True; the text says False.": partial(octave, align_corners=True),
    "You repeated the nearest pixels. Enlarge with mode='bilinear'.": (
        partial(octave, mode="nearest", align_corners=None)
    ),
    "You enlarged with bicubic interpolation. Enlarge with mode='bilinear'.": partial(octave, mode="bicubic"),
    "The detail has the wrong sign: it is dream minus photo.": lambda small, dream, large: octave(dream, small, large),
    "The sharp photo is missing: this is the enlarged detail alone.": (
        lambda small, dream, large: resized(dream - small, large)
    ),
    "The dream is missing: this is the photo.": lambda small, dream, large: large,
    "You took the mean of photo and dream.": lambda small, dream, large: (large + resized(dream, large)) / 2,
}


def dreamed(
    net,
    photo,
    sizes,
    shifts,
    step_size,
    *,
    gradient_at=there_and_back,
    carry=octave,
    antialias=True,
    **how,
) -> Tensor:
    """`carry` makes the start at a size from the photo at the size before, its dream, and the photo at this size."""
    before = picture = None
    for size in sizes:
        base = interpolate(photo, size=size, mode="bilinear", antialias=antialias)
        picture = base if before is None else carry(before, picture, base)
        for dy, dx in shifts:
            picture = moved(picture, gradient_at(net, picture, dy, dx), step_size, **how)
        before = base
    return picture


@steady(dreamed)
def dreams(draw: Draw) -> tuple:
    height, width = draw.integer(12, 13), draw.integer(15, 16)
    sizes = [(height - 6, width - 7), (height - 3, width - 4), (height, width)]
    shifts = [(draw.choice([-2, 1]), draw.choice([-1, 3])), (draw.choice([-1, 2]), draw.choice([-3, 2]))]
    return draw.net("maps"), draw.images(1, height, width), sizes, shifts, draw.number(0.08, 0.12)


@exercise("12.5", "whole_dream")
def whole_dream(call: Call, draw: Draw) -> None:
    inputs, right = dreams(draw)
    close(call(*inputs), right, what="the dream")
    inputs = *inputs[:2], inputs[2][-1:], *inputs[3:]
    close(call(*inputs), dreamed(*inputs), what="the dream at one size only, that of the photo")


def only_the_last_detail(net, photo, sizes, shifts, step_size):
    """From size to size goes what the last size added, and what the sizes before had added is lost."""
    detail = None
    for size in sizes:
        base = interpolate(photo, size=size, mode="bilinear", antialias=True)
        start = base if detail is None else base + resized(detail, base)
        picture = dreamed(net, start, [size], shifts, step_size)
        detail = picture - start
    return picture


whole_dream.slips = {
    "You enlarged the whole dream, and with it the blurred photo. "
    "Each size starts with the photo at its size plus the enlarged detail.": (
        partial(dreamed, carry=lambda before, picture, base: resized(picture, base))
    ),
    "Each size starts from the photo alone: what was dreamed at smaller sizes is lost.": (
        partial(dreamed, carry=lambda before, picture, base: base)
    ),
    "Only what the last size added was carried on. "
    "The detail is all that differs from the photo, also what came from the sizes before.": only_the_last_detail,
    "You added the enlarged dream to the photo. Enlarge dream minus photo.": (
        partial(dreamed, carry=lambda before, picture, base: base + resized(picture, base))
    ),
    "You cut the start of a size off at 0 and 1. Only the steps cut off; a start stays as it comes.": (
        partial(dreamed, carry=lambda *pictures: octave(*pictures).clamp(0, 1))
    ),
    "The gradient was rolled on in the same direction: this is the bug of 12.3.": (
        partial(dreamed, gradient_at=lambda net, images, dy, dx: rolled(net, images, (dy, dx), (dy, dx)))
    ),
    "The gradient was not rolled back.": (
        partial(dreamed, gradient_at=lambda net, images, dy, dx: rolled(net, images, (dy, dx), (0, 0)))
    ),
    "Nothing was rolled. Each step takes the gradient at the picture rolled by its shift.": (
        partial(dreamed, gradient_at=lambda net, images, dy, dx: gradient(net, images))
    ),
    "The photo was made small without antialias=True.": (partial(dreamed, antialias=False)),
    "You used the first shift only, one step at each size. Take one step for each shift.": (
        lambda net, photo, sizes, shifts, step_size: dreamed(net, photo, sizes, shifts[:1], step_size)
    ),
    "The smaller sizes are missing: all steps were made at the last size.": (
        lambda net, photo, sizes, shifts, step_size: dreamed(net, photo, sizes[-1:], len(sizes) * shifts, step_size)
    ),
    "The steps are not divided by the mean size of the gradient.": partial(dreamed, scale=lambda g: 1),
    "The steps go downhill.": (
        partial(dreamed, gradient_at=lambda net, images, dy, dx: -there_and_back(net, images, dy, dx))
    ),
}


def positions(maps: Tensor) -> Tensor:
    """One row for each position."""
    return maps.flatten(1).T


def picked(activation, guide, *, choose=lambda here, there: (here @ there.T).argmax(1)) -> Tensor:
    """For each position of the activation, the vector of the guide that `choose` gives."""
    there = positions(guide)
    return there[choose(positions(activation), there)].T.reshape(activation.shape)


def keeps_signs(right: Tensor, activation, guide) -> bool:
    """Whether the largest product is another one than the product of the largest size, somewhere."""
    by_size = picked(activation, guide, choose=lambda here, there: (here @ there.T).abs().argmax(1))
    return not torch.equal(by_size, right)


@steady(picked, fits=keeps_signs)
def guides(draw: Draw, guide_sizes: tuple[int, int]) -> tuple:
    channels = draw.integer(4, 6)
    activation = draw.uniform(channels, draw.integer(3, 4), draw.integer(5, 6), low=-0.7) ** 3
    guide = draw.uniform(channels, *guide_sizes, low=-0.7) ** 3
    return activation, guide * draw.uniform(1, *guide_sizes, low=0.7, high=1.3)


@exercise("12.6", "guide_seed")
def guide_seed(call: Call, draw: Draw) -> None:
    for sizes in ((draw.integer(4, 5), draw.integer(6, 7)), (3, 2)):
        inputs, right = guides(draw, sizes)
        close(call(*inputs), right, what="the layer's gradient")


def each_channel_alone(activation, guide):
    return torch.cat([picked(a[None], g[None]) for a, g in zip(activation, guide, strict=True)])


def scaled_by_the_product(activation, guide):
    return picked(activation, guide) * (picked(activation, guide) * activation).sum(0)


guide_seed.slips = {
    "You divided by the lengths (cosine). The recipe takes the largest inner product.": (
        partial(picked, choose=lambda here, there: (here @ (there / there.norm(dim=1, keepdim=True)).T).argmax(1))
    ),
    "You took the inner product of the largest size, also where it is negative. Take the largest one.": (
        partial(picked, choose=lambda here, there: (here @ there.T).abs().argmax(1))
    ),
    "You mixed all vectors of the guide with a softmax. Each position takes one of them.": (
        lambda activation, guide: (
            positions(guide).T @ (positions(activation) @ positions(guide).T).softmax(1).T
        ).reshape(activation.shape)
    ),
    "You took the vector at the smallest distance. The recipe takes the largest inner product.": (
        partial(picked, choose=lambda here, there: torch.cdist(here, there).argmin(1))
    ),
    "You took the smallest inner product; take the largest.": (
        partial(picked, choose=lambda here, there: (here @ there.T).argmin(1))
    ),
    "You took the guide's vector with the largest sum over all positions, the same one everywhere. "
    "Each position has its own.": (
        partial(picked, choose=lambda here, there: (here @ there.T).sum(0).argmax().expand(len(here)))
    ),
    "You took the mean of the guide's vectors. Each position takes one of them.": (
        lambda activation, guide: guide.mean((1, 2), keepdim=True).expand(activation.shape)
    ),
    "You returned the activation, as without a guide. Each position takes a vector of the guide.": (
        lambda activation, guide: activation
    ),
    "You multiplied the vector with the activation; the vector itself is the gradient.": (
        lambda activation, guide: picked(activation, guide) * activation
    ),
    "Each channel was matched by itself. A position is matched with all its channels at once.": each_channel_alone,
    "You scaled the vector by the inner product; the vector itself is the gradient.": scaled_by_the_product,
}


QUIZ = read_quiz("""
You set a layer's gradient to its own activation and go backward. Which quantity do you ascend?
- The sum of all the activations, over the whole layer.
  Its gradient with respect to the layer is 1 everywhere.
+ Half the sum of their squares, over the layer.
  Yes: the derivative of a²/2 is a.
- The largest of the activations, wherever it is found.
  Its gradient is 1 at one place and 0 elsewhere.
- The score of the class that the network predicts.
  No class takes part. VGG-19 has no classifier here at all.

Why is the gradient divided by its mean size?
- To make the sum of its values 1, as in a probability.
  The mean of its absolute values becomes 1, not its sum.
+ To make the same step size fit every layer and every octave.
  Yes: a step changes the picture by the same amount on average, whatever the size of the gradient.
- To keep all pixels between 0 and 1 after every step.
  The clamp does that.
- To remove noise, so that large forms grow faster.
  Dividing by one number changes no pattern.

From octave to octave DeepDream enlarges the detail and not the dream. Why?
- It is faster to enlarge one picture than two.
  Both enlarge one picture.
+ The photo itself stays as sharp as the original.
  Yes: only what was dreamed has been enlarged.
- The detail has fewer channels than the dream.
  It has the same three.
- The network sees only the detail in a step.
  It sees photo plus detail.

A dog's head grows out of a bush. What does this tell you?
- There was a dog in the photo, too small for you to see.
  No. The steps changed the bush until the layer was more active. That needs no dog in the photo.
- The network takes this photo for a picture of a dog that stands in a bush.
  The layer has no opinion about the photo as a whole. Ask a classifier: before the dream it says something else.
+ Ascending this layer's activation from this photo leads to such a form.
  Yes. With random weights the same steps led to none. Which channels took part, the dream does not say.
- The network has a bug: a good one would leave bushes alone.
  It does what it was trained to do, on a picture that was changed to please it.
""")
