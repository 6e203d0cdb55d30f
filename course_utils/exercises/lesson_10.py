"""Checks of lesson 10: fooling images."""

from __future__ import annotations

import torch
from torch import Tensor

from course_utils.exercises.compare import close
from course_utils.exercises.machine import Call, Draw, exercise
from course_utils.exercises.quizzes import Question


def _gradient(net, images: Tensor, classes: list[int], *, of: str = "loss") -> Tensor:
    """Each image's own gradient of the cross-entropy or of the score of its class."""
    pixels = images.clone().requires_grad_()
    scores = net(pixels)
    values = scores if of == "score" else -scores.log_softmax(1)
    chosen = values[torch.arange(len(images)), torch.tensor(classes)]
    return torch.autograd.grad(chosen.sum(), pixels)[0]


def _unit(gradient: Tensor) -> Tensor:
    return gradient / gradient.flatten(1).norm(dim=1)[:, None, None, None]


@exercise("10.1", "attack_in_one_step")
def attack_in_one_step(call: Call, draw: Draw) -> None:
    net, images = draw.net("conv"), draw.images(3)
    predicted = net(images).argmax(1).tolist()
    labels = [(predicted[0] + 1) % 5, predicted[1], (predicted[2] + 2) % 5]
    labels = labels if len(set(labels)) > 1 else [labels[0], (labels[0] + 1) % 5, labels[2]]
    eps = draw.number(0.1, 0.3)
    gradient = _gradient(net, images, labels)
    score = _gradient(net, images, labels, of="score")
    close(
        call(net, images, labels, eps),
        (images + eps * gradient.sign()).clamp(0, 1),
        what="the attacked images",
        causes={
            "You went down the loss, toward the label. To leave a class, its loss has to rise: add the step.":
                (images - eps * gradient.sign()).clamp(0, 1),
            "You went up the score of the label. That makes the network more sure; the loss has to rise.":
                (images + eps * score.sign()).clamp(0, 1),
            "You went down the score of the label. FGSM goes up its loss (cross-entropy), in which the other classes count as well.":
                (images - eps * score.sign()).clamp(0, 1),
            "The result leaves the range [0, 1]: it is no image any more. Cut it off at the end.":
                images + eps * gradient.sign(),
            "The gradient itself is added. FGSM adds only its sign, so that every pixel moves by eps.":
                (images + eps * gradient).clamp(0, 1),
            "The gradient is divided by its length. FGSM takes the sign of every pixel's gradient.":
                (images + eps * _unit(gradient)).clamp(0, 1),
            "All three colors of a pixel get the same sign. Each color has its own gradient.":
                (images + eps * gradient.sum(1, keepdim=True).sign()).clamp(0, 1),
            "You used the first image's label for every image.":
                lambda: (images + eps * _gradient(net, images, [labels[0]] * 3).sign()).clamp(0, 1),
            "You used the predicted class. `labels` says which class to leave.":
                lambda: (images + eps * _gradient(net, images, predicted).sign()).clamp(0, 1),
            "You returned the change alone. Return the changed images.": eps * gradient.sign(),
        },
    )  # fmt: skip


def _climb(net, image: Tensor, target: int, lr: float, steps: int, *, stop: bool = True, of: str = "score", late: bool = False,
           rule=_unit, cut: bool = True, sign: float = 1.0, once: bool = False) -> Tensor:  # fmt: skip
    first = None
    for _ in range(steps):
        says = net(image).argmax(1).item() == target
        if stop and says and not late:
            break
        gradient = first if once and first is not None else _gradient(net, image, [target], of=of)
        first = gradient if first is None else first
        image = image + sign * lr * rule(gradient)
        image = image.clamp(0, 1) if cut else image
        if late and says:
            break
    return image


@exercise("10.2", "fool_image")
def fool_image(call: Call, draw: Draw) -> None:
    # a few steps on a curved network: is the step right?
    net, image = draw.net("conv"), draw.images(1)
    target = net(image).argmin(1).item()
    lr = draw.number(1.2, 1.8)
    names = {
        "The step is not normalized: divide the gradient by its length, the root of the sum of all its squares.":
            {"rule": lambda g: g},
        "You walk down the score. Fooling climbs it: add the step.": {"sign": -1.0},
        "You took the sign of the gradient. Here the step is the gradient divided by its length.": {"rule": torch.sign},
        "You went up the loss of the target class. It is the score of the target that has to rise.": {"of": "loss"},
        "You went down the loss. The task climbs the score of the target class.": {"of": "loss", "sign": -1.0},
        "The image leaves the range [0, 1]. Cut it off after every step.": {"cut": False},
        "The gradient is computed once. It belongs to one image: compute it again after every step.": {"once": True},
        "Every color has its own length in your step. The length is that of the whole gradient.":
            {"rule": lambda g: g / g.flatten(2).norm(dim=2)[..., None, None]},
        "You divided by the largest value of the gradient; divide by its length.": {"rule": lambda g: g / g.abs().max()},
    }  # fmt: skip
    first, second = call.twice(net, image, target, lr, 3)
    right = _climb(net, image, target, lr, 3)
    close(
        first,
        right,
        what="the image after three steps",
        causes={
            **{text: _climb(net, image, target, lr, 3, **options) for text, options in names.items()},
            "The image is cut off at the end only. Cut it after every step: the next gradient is taken at a real image.":
                _climb(net, image, target, lr, 3, cut=False).clamp(0, 1),
            "It takes one step too few.": _climb(net, image, target, lr, 2),
            "It takes one step too many.": _climb(net, image, target, lr, 4),
            "The image did not change at all.": image,
        },
    )  # fmt: skip
    close(second, right, what="the image of the second call", causes={
        "Your function changes the caller's image: work on a copy, image.clone(), and add steps with x = x + step.":
            _climb(net, right, target, lr, 3),
    })  # fmt: skip
    # a linear network, where the way to success is known: does it stop?
    height, width = draw.integer(5, 7), draw.integer(8, 10)
    net, image = draw.net("linear", height=height, width=width), draw.images(1, height, width)
    target = net(image).argmin(1).item()
    small = 0.02
    lr = small
    for count in range(1, 400):  # how far is it?
        if net(_climb(net, image, target, small, count)).argmax(1).item() == target:
            lr = small * count / 5.5
            break
    close(
        call(net, image, target, lr, 40),
        _climb(net, image, target, lr, 40),
        what="the fooling image",
        causes={
            "It goes on after the network is fooled. Stop as soon as the network says the target class.":
                _climb(net, image, target, lr, 40, stop=False),
            "It takes one step too many: look at the scores of the present image before the step, and stop if they show the target.":
                _climb(net, image, target, lr, 40, late=True),
        },
    )  # fmt: skip
    already = net(image).argmax(1).item()
    close(
        call(net, image, already, lr, 10),
        image,
        what="the image when the network says the target class from the start",
        causes={"It needs no step at all: look at the scores first.": _climb(net, image, already, lr, 1, stop=False)},
    )


@exercise("10.3", "pgd_step")
def pgd_step(call: Call, draw: Draw) -> None:
    clean = draw.images(2)
    eps = draw.number(0.1, 0.2)
    alpha = draw.number(0.5, 0.9) * eps
    present = (clean + eps * draw.uniform(*clean.shape, low=-1, high=1)).clamp(0, 1)
    gradient = draw.normal(*clean.shape)
    step = present + alpha * gradient.sign()
    change = step - clean
    length = change.flatten(1).norm(dim=1)[:, None, None, None]
    close(
        call(present, clean, gradient, alpha, eps),
        (clean + change.clamp(-eps, eps)).clamp(0, 1),
        what="the images after the step",
        causes={
            "The images are not brought back into the ball around the clean photos: cut the change from `clean` to [-eps, eps].":
                step.clamp(0, 1),
            "The images may leave the range [0, 1]: cut them off at the end.": clean + change.clamp(-eps, eps),
            "You cut the image itself to [-eps, eps]. It is the change that has to lie in this range.":
                step.clamp(-eps, eps),
            "The gradient itself is added. The step takes only its sign.":
                (clean + (present + alpha * gradient - clean).clamp(-eps, eps)).clamp(0, 1),
            "You walk against the gradient. It already points where to go: add the step.":
                (clean + (present - alpha * gradient.sign() - clean).clamp(-eps, eps)).clamp(0, 1),
            "Every step starts from the clean photos. It goes on from the present images.":
                (clean + (alpha * gradient.sign()).clamp(-eps, eps)).clamp(0, 1),
            "The step has length eps. It has length alpha; eps is the radius of the ball.":
                (clean + (present + eps * gradient.sign() - clean).clamp(-eps, eps)).clamp(0, 1),
            "The change is shortened as a whole (an L2 ball). Here the limit holds for every pixel by itself.":
                (clean + change * (eps / length).clamp_max(1)).clamp(0, 1),
            "Only positive changes are limited: cut at -eps as well.": (clean + change.clamp(max=eps)).clamp(0, 1),
            "You returned the change. Return the images.": change.clamp(-eps, eps),
        },
    )  # fmt: skip


@exercise("10.4", "magnified")
def magnified(call: Call, draw: Draw) -> None:
    before = draw.images(1)
    after = (before + 0.06 * draw.normal(*before.shape)).clamp(0, 1)
    factor = draw.number(8, 12)
    change = after - before
    mean = torch.tensor([0.485, 0.456, 0.406], dtype=torch.float64).view(1, 3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225], dtype=torch.float64).view(1, 3, 1, 1)
    close(
        call(before, after, factor),
        (0.5 + factor * change).clamp(0, 1),
        what="the picture of the change",
        causes={
            "A mean color is added to a difference. The mean has canceled out when you subtracted; and all values are too large by far.":
                factor * (change * std + mean),
            "A mean color is added to a difference. Where nothing changes, the picture has to be gray: 0.5 in all colors.":
                (mean + factor * change).clamp(0, 1),
            "Negative changes are black, the same as no change. Add 0.5, so that both directions show.":
                (factor * change).clamp(0, 1),
            "The absolute value loses the direction of the change. Add 0.5 instead.": (factor * change.abs()).clamp(0, 1),
            "The sign is wrong: the change is after minus before.": (0.5 - factor * change).clamp(0, 1),
            "The values leave the range [0, 1]: cut them off.": 0.5 + factor * change,
            "You magnified 0.5 together with the change. Add it after the multiplication.":
                (factor * (0.5 + change)).clamp(0, 1),
            "You stretched the change from its own smallest to its largest value. Then every picture looks equally strong.":
                (change - change.min()) / (change.max() - change.min()),
            "The factor is not used.": 0.5 + change,
        },
    )  # fmt: skip


QUIZ = (
    Question(
        "A linear score S = w x + b of 150 000 pixels. No pixel may change by more than 0.01. By how much can the score rise?",
        (
            ("By 0.01, whatever the weights are.", "That is the change of one pixel. All of them add up."),
            ("By 0.01 times the sum of the sizes of all weights.", "Yes: each pixel moves in the direction of its own weight, and 150 000 small rises add up."),
            ("By 0.01 times the largest weight.", "That would be the best if only one pixel could change."),
            ("Not at all: the changes are too small to see.", "What the eye sees and what the sum sees are different things."),
        ),
        1,
    ),
    Question(
        "Two attacks use the same eps. One takes a single step of length eps, the other twenty small ones. Why do the twenty reach a chosen class more often?",
        (
            ("They may change every pixel twenty times as much.", "No: after every step the change is cut back to eps."),
            ("The gradient is computed again after each step, so the way can bend.", "Yes: the score is not linear; the sign at the photo is right for a short way only."),
            ("They use the score, and the single step uses the loss.", "Both can use either."),
            ("They start from a random image.", "They may, but that is not what makes the difference."),
        ),
        1,
    ),
    Question(
        "Where nothing has changed, a picture of the change (magnified ten times) should be",
        (
            ("black.", "Then a negative change cannot be told from no change."),
            ("gray, 0.5 in every color.", "Yes: brighter is more, darker is less."),
            ("the mean color of ImageNet.", "The mean cancels out in a difference. Adding it again shows a color that is not there."),
            ("white.", "White is the largest positive change."),
        ),
        1,
    ),
    Question(
        "An attacked photo fools network A. Network B, trained on the same photos, sees it and says the right class. What follows?",
        (
            ("B cannot be fooled.", "Attack B with B's own gradient: it falls as easily."),
            ("The change was made with A's gradient. It fits A best; it can, but need not, fool others.", "Yes. To fool an unknown network, attackers use several networks at once, or more steps and a larger eps."),
            ("The photo was not changed.", "It was: A is fooled."),
            ("A is a worse network than B.", "Nothing was measured that compares them."),
        ),
        1,
    ),
)  # fmt: skip
