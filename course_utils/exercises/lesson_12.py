"""Checks of lesson 12: DeepDream."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from course_utils.exercises.compare import close
from course_utils.exercises.machine import Call, Draw, exercise
from course_utils.exercises.quizzes import Question


def _gradient(net, images: Tensor, seed=lambda a: a) -> Tensor:
    pixels = images.clone().requires_grad_()
    activation = net(pixels)
    return torch.autograd.grad(activation, pixels, seed(activation.detach()))[0]


@exercise("12.1", "dream_gradient")
def dream_gradient(call: Call, draw: Draw) -> None:
    net, images = draw.net("maps"), draw.images(2)
    size = net(images).square().sum().sqrt()
    close(
        call(net, images),
        _gradient(net, images),
        what="the dream gradient",
        causes={
            "The layer's gradient was set to 1 everywhere: you ascend the sum of the activations. Set it to the activation itself.":
                lambda: _gradient(net, images, torch.ones_like),
            "You differentiated the mean of the activations. Set the layer's gradient to the activation itself.":
                lambda: _gradient(net, images, lambda a: torch.ones_like(a) / a.numel()),
            "You differentiated the sum of squares without the factor 1/2; its gradient is twice the activation.":
                lambda: 2 * _gradient(net, images),
            "You took a mean of squares. The recipe sets the gradient to the activation, and divides by nothing.":
                lambda: 2 * _gradient(net, images) / net(images).numel(),
            "The layer's gradient was set to the square of the activation; set it to the activation.":
                lambda: _gradient(net, images, lambda a: a**2),
            "You differentiated the length of the activation (a square root of squares).":
                lambda: _gradient(net, images) / size,
            "Only the strongest activation was used. The whole layer is set to its own activation.":
                lambda: _gradient(net, images, lambda a: a * (a == a.max())),
            "The sign is wrong: this goes downhill.": lambda: -_gradient(net, images),
        },
    )  # fmt: skip


@exercise("12.2", "step")
def step(call: Call, draw: Draw) -> None:
    image, size = draw.images(1), draw.number(0.05, 0.2)
    gradient = draw.normal(*image.shape) * draw.number(2, 9) + 0.5
    size_of_g = gradient.abs().mean()
    moved = image + size * gradient / size_of_g
    close(
        call(image, gradient, size),
        moved.clamp(0, 1),
        what="the image after the step",
        causes={
            "The values are not cut off at 0 and 1.": moved,
            "You divided by the largest |g|; the step divides by the mean of |g|.":
                (image + size * gradient / gradient.abs().max()).clamp(0, 1),
            "You divided by the length of the gradient (a square root of squares); the step divides by the mean of |g|.":
                (image + size * gradient / gradient.norm()).clamp(0, 1),
            "You divided by the mean of g, where plus and minus cancel. Take the mean of |g|.":
                (image + size * gradient / gradient.mean()).clamp(0, 1),
            "You divided by the standard deviation; the step divides by the mean of |g|.":
                (image + size * gradient / gradient.std()).clamp(0, 1),
            "The gradient is not divided by its mean size.": (image + size * gradient).clamp(0, 1),
            "You used the sign of the gradient only; DeepDream keeps its values.":
                (image + size * gradient.sign()).clamp(0, 1),
            "The step goes downhill: add it.": (image - size * gradient / size_of_g).clamp(0, 1),
            "Each color channel was divided by its own mean; divide by one number for the whole image.":
                (image + size * gradient / gradient.abs().mean((2, 3), keepdim=True)).clamp(0, 1),
        },
    )  # fmt: skip
    flat = torch.zeros_like(image)
    close(
        call(image, flat, size),
        image,
        what="the image after a step with a gradient of 0 everywhere",
        causes={
            "0 / 0 gives NaN. Where the layer sees nothing the image should stay as it is.": image * float("nan"),
        },
    )


@exercise("12.3", "jittered_gradient")
def jittered_gradient(call: Call, draw: Draw) -> None:
    net, images = draw.net("maps"), draw.images(1, 10, 14)
    dy, dx = draw.choice([-3, -1, 1, 3]), draw.choice([-5, 2, 4])

    def answer(there, back, dims=(2, 3)):
        return _gradient(net, images.roll(there, dims)).roll(back, dims)

    close(
        call(net, images, dy, dx),
        answer((dy, dx), (-dy, -dx)),
        what="the jittered gradient",
        causes={
            "The gradient was rolled on in the same direction. It belongs to the rolled image: roll it back, by (-dy, -dx).":
                lambda: answer((dy, dx), (dy, dx)),
            "The gradient was not rolled back: it fits the rolled image, not the one you were given.":
                lambda: answer((dy, dx), (0, 0)),
            "The image was not rolled before the network saw it.": lambda: answer((0, 0), (-dy, -dx)),
            "Nothing was rolled: this is the plain gradient.": lambda: answer((0, 0), (0, 0)),
            "The image was rolled by (-dy, -dx); the shift is (dy, dx).": lambda: answer((-dy, -dx), (dy, dx)),
            "Rows and columns are exchanged: dy rolls dimension 2, dx rolls dimension 3.":
                lambda: answer((dx, dy), (-dx, -dy)),
            "On the way back rows and columns are exchanged.": lambda: answer((dy, dx), (-dx, -dy)),
        },
    )  # fmt: skip


def _resize(image: Tensor, like: Tensor) -> Tensor:
    return interpolate(image, size=like.shape[2:], mode="bilinear", align_corners=False)


@exercise("12.4", "next_octave")
def next_octave(call: Call, draw: Draw) -> None:
    small, large = draw.images(1, 6, 9), draw.images(1, 9, 13)
    dream = draw.images(1, 6, 9)
    detail = _resize(dream - small, large)
    close(
        call(small, dream, large),
        large + detail,
        what="the start of the next octave",
        causes={
            "You enlarged the whole dream: the photo in it is blurred by the enlargement. Enlarge only what was dreamed, and add it to the sharp photo.":
                lambda: _resize(dream, large),
            "You added the enlarged dream to the photo, so the photo counts twice. Subtract the small photo first.":
                lambda: large + _resize(dream, large),
            "The detail has the wrong sign: it is dream minus photo.": large - detail,
            "The sharp photo is missing: this is the enlarged detail alone.": detail,
            "The dream is missing: this is the photo.": large,
            "You took the mean of photo and dream.": lambda: (large + _resize(dream, large)) / 2,
            "You added the detail to the enlarged small photo, which is blurred. Add it to the large photo.":
                lambda: _resize(small, large) + detail,
        },
    )  # fmt: skip


@exercise("12.5", "guide_seed")
def guide_seed(call: Call, draw: Draw) -> None:
    channels = draw.integer(4, 6)
    activation = draw.uniform(channels, draw.integer(3, 4), draw.integer(5, 6)) ** 2
    guide = draw.uniform(channels, draw.integer(4, 5), draw.integer(6, 7)) ** 2
    guide = guide * draw.uniform(1, *guide.shape[1:], low=0.7, high=1.3)
    here, there = activation.flatten(1).T, guide.flatten(1).T  # one row for each position
    length = there.norm(dim=1)

    def pick(which: Tensor) -> Tensor:
        return there[which].T.reshape(activation.shape)

    products = here @ there.T
    best = products.argmax(1)
    close(
        call(activation, guide),
        pick(best),
        what="the layer's gradient",
        causes={
            "You divided by the lengths (cosine). The recipe takes the largest inner product.":
                pick((products / length).argmax(1)),
            "You took the vector at the smallest distance. The recipe takes the largest inner product.":
                pick(torch.cdist(here, there).argmin(1)),
            "You took the smallest inner product; take the largest.": pick(products.argmin(1)),
            "You took the guide's vector with the largest sum over all positions, the same one everywhere. Each position has its own.":
                pick(products.sum(0).argmax().expand(len(here))),
            "You took the mean of the guide's vectors. Each position takes one of them.":
                there.mean(0)[:, None, None].expand(activation.shape),
            "You returned the activation, as without a guide. Each position takes a vector of the guide.": activation,
            "You multiplied the vector with the activation; the vector itself is the gradient.": pick(best) * activation,
            "Each channel was matched by itself. A position is matched with all its channels at once.":
                lambda: guide.flatten(1)[
                    torch.arange(channels)[:, None],
                    (activation.flatten(1)[:, :, None] * guide.flatten(1)[:, None]).argmax(2),
                ].reshape(activation.shape),
            "You scaled the vector by the inner product; the vector itself is the gradient.":
                (there[best] * products.amax(1, keepdim=True)).T.reshape(activation.shape),
        },
    )  # fmt: skip


QUIZ = (
    Question(
        "You set a layer's gradient to its own activation and go backward. Which quantity do you ascend?",
        (
            ("The sum of the activations.", "Its gradient with respect to the layer is 1 everywhere."),
            ("Half the sum of the squared activations.", "Yes: the derivative of a²/2 is a."),
            ("The largest activation.", "Its gradient is 1 at one place and 0 elsewhere."),
            ("The score of the predicted class.", "No class takes part. VGG-19 has no classifier here at all."),
        ),
        1,
    ),
    Question(
        "Why is the gradient divided by its mean size?",
        (
            ("To make its sum 1.", "The mean of its absolute values becomes 1, not its sum."),
            ("So that a step changes the picture by the same amount, whatever the layer and the size of the gradient.", "Yes: one step size fits all layers and octaves."),
            ("To keep pixels between 0 and 1.", "The clamp does that."),
            ("To remove its noise.", "Dividing by one number changes no pattern."),
        ),
        1,
    ),
    Question(
        "From octave to octave DeepDream enlarges the detail and not the dream. Why?",
        (
            ("It is faster.", "Both enlarge one picture."),
            ("The photo stays as sharp as the original.", "Yes: only what was dreamed has been enlarged."),
            ("The detail has fewer channels.", "It has the same three."),
            ("The network could not see the dream.", "It sees it: photo plus detail."),
        ),
        1,
    ),
    Question(
        "A dog's head grows out of a bush. What does this tell you?",
        (
            ("There is a dog in the photo.", "No. The layer's filters found the bush a little dog-like, and ascent did the rest."),
            ("The network believes that the photo shows a dog.", "The layer has no opinion about the photo as a whole. Ask a classifier: before the dream it says something else."),
            ("Among the layer's channels are many for the parts of animals, since the training pictures had many.", "Yes. The dream shows what the layer is made of."),
            ("The network has a bug.", "It does what it was trained to do, on a picture that was changed to please it."),
        ),
        2,
    ),
)  # fmt: skip
