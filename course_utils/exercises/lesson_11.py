"""Checks of lesson 11: feature inversion, and which feature maps matter."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, pad

from course_utils.exercises.compare import close
from course_utils.exercises.machine import Call, Draw, exercise
from course_utils.exercises.quizzes import Question
from course_utils.hooks import forward_to


def _differences(image: Tensor) -> tuple[Tensor, Tensor]:
    down = pad(image[:, 1:] - image[:, :-1], (0, 0, 0, 1))
    right = pad(image[:, :, 1:] - image[:, :, :-1], (0, 1))
    return down, right


@exercise("11.1", "total_variation")
def total_variation(call: Call, draw: Draw) -> None:
    image = draw.images(1)[0]
    beta = draw.choice([1.2, 1.5, 3.0])
    down, right = _differences(image)
    squares = down**2 + right**2
    cropped = (image[:, 1:, :-1] - image[:, :-1, :-1]) ** 2 + (image[:, :-1, 1:] - image[:, :-1, :-1]) ** 2
    around = (image.roll(-1, 1) - image) ** 2 + (image.roll(-1, 2) - image) ** 2
    close(
        call(image, beta),
        (squares ** (beta / 2)).sum(),
        what="the total variation",
        causes={
            "The last row and the last column are left out. They count as well: a difference to what is not there is 0.":
                (cropped ** (beta / 2)).sum(),
            "The power is beta. The squares are already there, so the power of their sum is beta / 2.":
                (squares**beta).sum(),
            "beta is not used.": squares.sum(),
            "The power is 2 / beta, upside down: it is beta / 2.": (squares ** (2 / beta)).sum(),
            "Rows and columns get their powers one by one. The power belongs to the sum of both squares.":
                (down.abs() ** beta).sum() + (right.abs() ** beta).sum(),
            "You took the mean; add up all pixels and channels.": (squares ** (beta / 2)).mean(),
            "Only differences between columns count in your sum. Add those between rows.": (right.abs() ** beta).sum(),
            "Only differences between rows count in your sum. Add those between columns.": (down.abs() ** beta).sum(),
            "The last pixel of a row is compared with the first one (roll goes around). There the difference is 0.":
                (around ** (beta / 2)).sum(),
            "The differences are added up before the power. Each pixel has its own power.":
                squares.sum() ** (beta / 2),
        },
    )  # fmt: skip
    height = draw.integer(4, 6)
    flat = torch.zeros(1, height, height, dtype=torch.float64)
    flat[:, :, height // 2 :] = 1
    close(call(flat, beta), float(height), what="the total variation of a white half beside a black half")


def _feature_gradient(net, layer: str, image: Tensor, wanted: Tensor, of: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    pixels = image.clone().requires_grad_()
    return torch.autograd.grad(of(forward_to(net, pixels, [layer])[layer], wanted), pixels)[0]


def _relative(features: Tensor, wanted: Tensor) -> Tensor:
    return (features - wanted).square().sum() / wanted.square().sum()


def _wanted(net, layer: str, image: Tensor) -> Tensor:
    with torch.no_grad():
        return forward_to(net, image, [layer])[layer]


@exercise("11.2", "error_gradient")
def error_gradient(call: Call, draw: Draw) -> None:
    net, layer = draw.net("conv", inplace=True), draw.choice(["1", "4"])
    image = draw.images(1)
    wanted = _wanted(net, layer, draw.uniform(*image.shape))
    before = {"1": "0", "4": "3"}[layer]
    gradient = lambda of: _feature_gradient(net, layer, image, wanted, of)  # noqa: E731
    right = gradient(_relative)
    first, second = call.twice(net, layer, image, wanted)
    causes = {
        "The error is not divided by |F0|^2, the sum of the squares of the wanted features.":
            lambda: gradient(lambda f, w: (f - w).square().sum()),
        "You took the mean of the squares; the relative error is their sum, divided by |F0|^2.":
            lambda: gradient(lambda f, w: (f - w).square().mean()),
        "You took the length of the difference (a root). The error is the sum of squares without a root.":
            lambda: gradient(lambda f, w: (f - w).norm() / w.norm()),
        "You divided by the features of the image. Divide by the wanted features: they stay as they are.":
            lambda: gradient(lambda f, w: (f - w).square().sum() / f.square().sum()),
        "Sizes of differences are added up; the error takes their squares.":
            lambda: gradient(lambda f, w: (f - w).abs().sum() / w.abs().sum()),
        "You divided by the length of the wanted features; divide by its square.":
            lambda: gradient(lambda f, w: (f - w).square().sum() / w.norm()),
        "You compared with another layer: the one before the ReLU.":
            lambda: _feature_gradient(net, before, image, wanted, _relative),
        "The gradient points down. Return the gradient itself; the minus belongs to the step.": lambda: -right,
    }  # fmt: skip
    close(first, right, what="the gradient of the feature error", causes=causes)
    close(second, right, what="the gradient of the second call on the same image", causes={
        "The second gradient was added to the first: `backward()` adds to `.grad`. Use torch.autograd.grad on a copy.":
            2 * right,
    })  # fmt: skip


def _descend(net, layer, image, wanted, lr, steps, *, sign=-1.0, cut="end", once=False, unit=False) -> Tensor:
    gradient = None
    for _ in range(steps):
        if gradient is None or not once:
            gradient = _feature_gradient(net, layer, image, wanted, _relative)
        image = image + sign * lr * (gradient / gradient.norm() if unit else gradient)
        image = image.clamp(0, 1) if cut == "always" else image
    return image if cut == "never" else image.clamp(0, 1)


@exercise("11.3", "invert_features")
def invert_features(call: Call, draw: Draw) -> None:
    net, layer = draw.net("conv", inplace=True), draw.choice(["1", "3"])
    start = draw.images(1)
    wanted = _wanted(net, layer, draw.uniform(*start.shape))
    # steps that are long enough to leave [0, 1] on the way, and short enough to go down
    first = _feature_gradient(net, layer, start, wanted, _relative)
    lr, steps = draw.number(0.15, 0.2) / first.abs().max().item(), draw.integer(5, 7)
    run = lambda **options: _descend(net, layer, start, wanted, lr, steps, **options)  # noqa: E731
    right = run()
    mine, again = call.twice(net, layer, start, wanted, lr, steps)
    close(
        mine,
        right,
        what="the picture that you found",
        causes={
            "You walk up the error. Inversion goes down: subtract the step.": run(sign=1.0),
            "You cut off after every step. The task cuts off once, at the end.": run(cut="always"),
            "The picture leaves the range [0, 1]: cut it off at the end.": run(cut="never"),
            "The gradient is computed once. It belongs to one picture: compute it again after every step.": run(once=True),
            "The step is normalized. Here it is lr times the gradient: it gets shorter as the error gets smaller.": run(unit=True),
            "It takes one step too few.": _descend(net, layer, start, wanted, lr, steps - 1),
            "It takes one step too many.": _descend(net, layer, start, wanted, lr, steps + 1),
            "Only one step is taken.": _descend(net, layer, start, wanted, lr, 1),
            "The picture is still the start.": start,
        },
    )  # fmt: skip
    close(again, right, what="the picture of the second call from the same start", causes={
        "Your function changes the caller's start: work on a copy, and make steps with x = x - step.":
            _descend(net, layer, right, wanted, lr, steps),
    })  # fmt: skip


@exercise("11.4", "learning_rates")
def learning_rates(call: Call, draw: Draw) -> None:
    lr, every = draw.number(0.5, 2.0), draw.integer(3, 5)
    steps = 3 * every + draw.integer(1, every - 1)
    rates = lambda fallen: torch.tensor([lr * 0.1 ** fallen(i) for i in range(steps)], dtype=torch.float64)  # noqa: E731
    close(
        call(lr, steps, every),
        rates(lambda i: i // every),
        what="the learning rates",
        causes={
            "The rate falls before the first step: 0 is a multiple of every number, so `i % every == 0` holds for i = 0.":
                rates(lambda i: i // every + 1),
            "The rate falls one step too early: the first `every` steps all have the full rate.":
                rates(lambda i: (i + 1) // every),
            "The rate falls one step too late.": rates(lambda i: max(i - 1, 0) // every),
            "The rate falls at every step.": rates(lambda i: i),
            "The rate falls once only. It falls again after every block of steps.": rates(lambda i: int(i >= every)),
            "The rate never falls.": rates(lambda i: 0),
            "The rate is divided by 10 times the number of the block; it falls by a factor of 10 each time.":
                torch.tensor([lr / (10 * (i // every)) if i >= every else lr for i in range(steps)], dtype=torch.float64),
        },
    )  # fmt: skip


def _without(net, layer: str, images: Tensor, channel: int | list[int]) -> Tensor:
    def hook(module, inputs, output):
        output = output.clone()
        output[:, channel] = 0
        return output

    handle = net.layer(layer).register_forward_hook(hook)
    try:
        with torch.no_grad():
            return net(images)
    finally:
        handle.remove()


@exercise("11.5", "importance")
def importance(call: Call, draw: Draw) -> None:
    net, images = draw.net("conv"), draw.images(4)
    layer = draw.choice(["1", "4"])
    labels = [0, draw.integer(1, 2), draw.integer(3, 4), draw.integer(0, 4)]
    classes = torch.tensor(labels)
    count = {"1": 6, "4": 8}[layer]
    clean = net(images)
    cut = torch.stack([_without(net, layer, images, c) for c in range(count)])
    loss = lambda scores: cross_entropy(scores, classes, reduction="none")  # noqa: E731
    changes = torch.stack([loss(scores) for scores in cut]) - loss(clean)
    chosen = cut[:, range(4), labels] - clean[range(4), labels]
    probability = (cut.softmax(2) - clean.softmax(1))[:, range(4), labels]
    predicted = clean.argmax(1)
    wrong = torch.stack([cross_entropy(s, predicted, reduction="none") for s in cut]) - cross_entropy(
        clean, predicted, reduction="none"
    )
    close(
        call(net, layer, images, labels),
        changes.abs().mean(1),
        what="the importances",
        causes={
            "You averaged the changes with their signs. Ups and downs of different images cancel: average their sizes.":
                changes.mean(1),
            "You took the size after the mean. Take the size of each image's change first, then the mean.":
                changes.mean(1).abs(),
            "The sign is turned around as well: loss before minus loss after.": -changes.mean(1),
            "This is the loss without the channel. Subtract the loss of the whole network.":
                torch.stack([loss(scores) for scores in cut]).mean(1),
            "You used the score. Importance here is the change of the loss.": chosen.abs().mean(1),
            "You used the probability. Importance here is the change of the loss.": probability.abs().mean(1),
            "You used the predicted classes. `labels` are the right ones.": wrong.abs().mean(1),
            "You added up the images; take the mean.": changes.abs().sum(1),
            "You took the largest change over the images; take the mean.": changes.abs().amax(1),
            "Squares are averaged; take the sizes.": changes.square().mean(1),
            "You measured the mean activation. Remove each channel and look at the loss.":
                lambda: forward_to(net, images, [layer])[layer].abs().mean((0, 2, 3)),
            "The channels stay removed: each one is taken out of the whole network, not of what is left.":
                lambda: torch.stack([
                    (loss(_without(net, layer, images, list(range(c + 1)))) - loss(clean)).abs().mean()
                    for c in range(count)
                ]),
        },
    )  # fmt: skip


QUIZ = (
    Question(
        "A picture found from the features of relu5_1 shows the cat's eyes in the right place and in the wrong colors. What follows?",
        (
            ("The optimizer made a mistake.", "Its feature error is small: for the layer, the picture is nearly the photo."),
            ("The layer keeps where the eyes are, and gives nearly the same features for other colors.", "Yes: inversion shows what a layer no longer tells apart."),
            ("The network cannot see colors.", "It can: from a shallow layer, the colors come back."),
            ("The photo had wrong colors.", "The photo is not used, only its features."),
        ),
        1,
    ),
    Question(
        "For beta = 1 the plain formula of the total variation can give NaN in a flat region. Why?",
        (
            ("A flat region has no pixels.", "It has pixels; their differences are 0."),
            ("The derivative of a root at 0 is infinite, and infinity times 0 is not a number.", "Yes: the value is fine, its gradient is not. Treat zero differences separately."),
            ("Because of the division by the number of pixels.", "That number is never 0."),
            ("The sum becomes too large.", "In a flat region it is 0."),
        ),
        1,
    ),
    Question(
        "Removing a channel makes the loss of five photos fall. Should it be the first to go?",
        (
            ("Yes, the network is better without it.", "On these five photos. On others the same change can raise the loss."),
            ("Not for this reason: it says something, and on other photos the change can go the other way.", "Yes. That is why sizes of changes are averaged, and why you measure on photos that were not used for the ranking."),
            ("Yes, its activation is negative.", "The sign of the loss change is not that of the activation."),
            ("No, a channel must never be removed.", "Many can: see the curve."),
        ),
        1,
    ),
    Question(
        "A network with random weights can be inverted from a shallow layer almost as well as the trained one. So a good inversion of that layer shows",
        (
            ("that the network has learned to see.", "The random one has learned nothing."),
            ("that the information is still there, not that the network uses it.", "Yes. What is kept and what matters are two questions; removing channels asks the second."),
            ("that the photo was in the training set.", "Random weights have no training set."),
            ("nothing at all.", "It shows what the layer still tells apart."),
        ),
        1,
    ),
)  # fmt: skip
