"""Checks of lesson 08: backprop, deconvnet and guided backprop to one neuron."""

from __future__ import annotations

import torch
from torch import Tensor

from course_utils.exercises.compare import close
from course_utils.exercises.machine import Call, Draw, exercise
from course_utils.exercises.quizzes import Question

RULES = ("gradient", "deconvnet", "guided")


def _rule(x: Tensor, R: Tensor, rule: str) -> Tensor:
    on, up = (x > 0).to(R), (R > 0).to(R)
    return R * {"gradient": on, "deconvnet": up, "guided": on * up}[rule]


@exercise("08.1", "relu_backward")
def relu_backward(call: Call, draw: Draw) -> None:
    shape = draw.integer(3, 5), draw.integer(6, 8)
    x, R = draw.normal(*shape), draw.normal(*shape)
    x[0, 0], x[0, 1], R[0, 0], R[0, 1] = 0.0, 0.0, 1.5, -1.5  # a ReLU is off at 0
    x[1, :4], R[1, :4] = torch.tensor([1.0, 2, -1, -2]), torch.tensor([1.0, -1, 2, -2])  # all four cases
    for rule in RULES:
        close(
            call(x, R, rule),
            _rule(x, R, rule),
            what=f"the signal below the ReLU by the rule '{rule}'",
            causes={
                "This is the rule 'guided'. For 'deconvnet' only the sign of R counts." if rule == "deconvnet" else
                "This is the rule 'guided'. For 'gradient' negative signals pass, too.": _rule(x, R, "guided"),
                "This is the rule 'gradient'.": _rule(x, R, "gradient"),
                "This is the rule 'deconvnet'. The other rules also ask whether the ReLU was on.": _rule(x, R, "deconvnet"),
                "At x = 0 the ReLU is off: the test is x > 0, not x >= 0.": _rule(x + (x == 0), R, rule),
                "The signal passed where the ReLU was off: you exchanged x > 0 and x <= 0.": _rule(-x, R, rule),
                "You passed the negative signals and stopped the positive ones.": -_rule(x, -R, rule),
                "You multiplied with the value of the ReLU. Only whether it was on counts.":
                    _rule(x, R, rule) * x.clamp(min=0),
                "You took the absolute value of R. A negative signal becomes 0, it does not become positive.":
                    _rule(x, R.abs(), rule),
                "You returned ones and zeros: multiply them with R.": (_rule(x, R, rule) != 0).double(),
                "You added the two conditions: R passes only where both hold.":
                    lambda: R * ((x > 0).double() + (R > 0).double()),
                "R passes where one of the two conditions holds; it should pass only where both hold.":
                    lambda: R * ((x > 0) | (R > 0)),
            },
        )  # fmt: skip


def _forward(weights: list[Tensor], image: Tensor) -> list[Tensor]:
    """The input of each ReLU."""
    inputs, a = [], image
    for W in weights[:-1]:
        inputs.append(W @ a)
        a = inputs[-1].clamp(min=0)
    return inputs


def _backward(weights: list[Tensor], image: Tensor, target: int, rule: str, *, start=None, rules=None) -> Tensor:
    inputs = _forward(weights, image)
    R = torch.zeros(len(weights[-1]), dtype=torch.float64)
    R[target] = 1
    R = R if start is None else start(R)
    for layer in reversed(range(len(weights))):
        R = weights[layer].T @ R
        if layer:
            R = _rule(inputs[layer - 1], R, rules[layer - 1] if rules else rule)
    return R


@exercise("08.2", "backprop_by_hand")
def backprop_by_hand(call: Call, draw: Draw) -> None:
    while True:
        sizes = [draw.integer(7, 8), 6, draw.integer(9, 10), 5]
        weights = [draw.normal(n, m) for m, n in zip(sizes, sizes[1:], strict=False)]
        image = draw.uniform(sizes[0], low=-1)
        target = draw.integer(1, 4)
        guided = _backward(weights, image, target, "guided")
        inputs = _forward(weights, image)
        if all(2 <= int((x > 0).sum()) < len(x) for x in inputs) and (guided > 0).any() and (guided < 0).any():
            break
    last = torch.relu(inputs[-1])
    score = float((weights[-1] @ last)[target])
    for rule in RULES:
        others = {
            f"This is the rule '{other}' at every ReLU.": _backward(weights, image, target, other)
            for other in RULES
            if other != rule
        }
        close(
            call(weights, image, target, rule),
            _backward(weights, image, target, rule),
            what=f"the signal at the pixels by the rule '{rule}'",
            causes={
                **others,
                "Only the last ReLU follows the rule; the first one passes the plain gradient. Every ReLU must follow it.":
                    _backward(weights, image, target, rule, rules=["gradient", rule]),
                "Only the first ReLU follows the rule; the last one passes the plain gradient. Every ReLU must follow it.":
                    _backward(weights, image, target, rule, rules=[rule, "gradient"]),
                "You cut the signal off at the pixels, too. There is no ReLU below the first layer: the result has a sign.":
                    _backward(weights, image, target, rule).clamp(min=0),
                "The signal starts with 1 for every class. Start with 1 for the target and 0 elsewhere.":
                    _backward(weights, image, target, rule, start=torch.ones_like),
                "The signal starts with the value of the score. Start with 1 for the target: dS/dS = 1.":
                    _backward(weights, image, target, rule, start=lambda R: R * score),
                "The signal starts at class 0, not at the target.":
                    _backward(weights, image, 0, rule),
                "The ReLUs in the forward pass are missing, so that you ask the wrong numbers whether they are above 0.":
                    _without_relus(weights, image, target, rule),
                "The ReLUs pass everything back: this is the product of the matrices alone.":
                    lambda: (weights[2] @ weights[1] @ weights[0])[target],
            },
        )  # fmt: skip


def _without_relus(weights: list[Tensor], image: Tensor, target: int, rule: str) -> Tensor:
    inputs = [weights[0] @ image, weights[1] @ weights[0] @ image]
    R = weights[2][target]
    R = weights[1].T @ _rule(inputs[1], R, rule)
    return weights[0].T @ _rule(inputs[0], R, rule)


@exercise("08.3", "strongest")
def strongest(call: Call, draw: Draw) -> None:
    count, channels = 3, draw.integer(4, 6)
    height, width = draw.integer(4, 5), draw.integer(7, 9)
    channel = draw.integer(1, channels - 1)
    while True:
        maps = draw.normal(count, channels, height, width).clamp(min=0)
        maps[:, 0] += 3  # another channel is stronger
        maps[1, channel] *= 3  # one image is stronger than the others
        places = maps[:, channel].flatten(1).argmax(1)
        points = [divmod(int(p), width) for p in places]
        if len(set(points)) == count and all(r != c for r, c in points) and (0, 0) not in points:
            break
    right = torch.tensor(points)

    def found(values: Tensor) -> Tensor:
        return torch.stack([values.flatten(1).argmax(1) // width, values.flatten(1).argmax(1) % width], 1)

    close(
        call(maps, channel),
        right,
        what="the positions",
        causes={
            "Row and column are exchanged: the row comes first.": right.flip(1),
            "You searched all channels. Only the given channel counts.": found(maps.amax(1)),
            "You used the sum over the channels. Only the given channel counts.": found(maps.sum(1)),
            "You used channel 0. Only the given channel counts.": found(maps[:, 0]),
            "Every image got the position of the strongest image. Each image has its own.": right[1].expand(count, 2),
            "You divided by the height. Positions are numbered row by row, so divide by the width.":
                torch.stack([places // height, places % height], 1),
            "These are numbers in the flattened map. Turn each into a row and a column: divmod(number, width).": places,
            "You looked for the smallest value.": found(-maps[:, channel]),
            "You returned the values there. Return where they are.": maps[:, channel].amax((1, 2)),
        },
    )  # fmt: skip


@exercise("08.4", "guided_with_skip")
def guided_with_skip(call: Call, draw: Draw) -> None:
    shape = draw.integer(3, 4), draw.integer(5, 6)
    x, R = draw.normal(*shape), draw.normal(*shape)
    x[0, :4], R[0, :4] = torch.tensor([1.0, 2, -1, -2]), torch.tensor([1.0, -1, 2, -2])
    w = -draw.number(0.4, 0.8)  # a positive w would make two different slips equal
    through_relu = _rule(x, R, "guided")
    close(
        call(x, R, w),
        through_relu + w * R,
        what="the signal at x",
        causes={
            "You cut off the sum of both branches. Only what comes through the ReLU follows the rule; what comes through the skip "
            "passes as it is.": (R * (x > 0) + w * R).clamp(min=0),
            "You cut off the sum of both branches, after the rule.": (through_relu + w * R).clamp(min=0),
            "This is the plain gradient: negative signals may not pass the ReLU.": R * (x > 0) + w * R,
            "This is the deconvnet: the ReLU passes nothing where x is not above 0.": R.clamp(min=0) + w * R,
            "The skip branch is missing: y = relu(x) + w x.": through_relu,
            "The skip branch has no ReLU: its signal passes where x is negative, too.": through_relu + w * R * (x > 0),
            "The skip branch has no ReLU: its negative signals pass, too.": through_relu + w * R.clamp(min=0),
            "The skip branch has no ReLU: its negative signals pass.": through_relu + (w * R).clamp(min=0),
            "The weight w of the skip branch is missing.": through_relu + R,
        },
    )  # fmt: skip


@exercise("08.5", "as_gray")
def as_gray(call: Call, draw: Draw) -> None:
    g = draw.normal(3, 3, draw.integer(4, 5), draw.integer(6, 7)) + 0.3
    g = g * torch.tensor([0.02, 1.0, 40.0], dtype=torch.float64)[:, None, None, None]
    g[0, 0, 0, 0], g[1, 0, 0, 0], g[2, 0, 0, 0] = -0.2, 5.0, 300.0  # the largest size: once negative, twice positive
    size = g.abs().amax((1, 2, 3), keepdim=True)
    low, high = g.amin((1, 2, 3), keepdim=True), g.amax((1, 2, 3), keepdim=True)
    close(
        call(g),
        0.5 + g / (2 * size),
        what="the pictures",
        causes={
            "You stretched each image from its smallest to its largest value. Then 0 is another gray in every picture.":
                (g - low) / (high - low),
            "You used one scale for all images: weak images turn gray. Each image has its own.": 0.5 + g / (2 * g.abs().max()),
            "Each color got its own scale, which changes the colors.":
                0.5 + g / (2 * g.abs().amax((2, 3), keepdim=True)),
            "You took the absolute value. The sign should stay: negative is darker than 0.5.": g.abs() / size,
            "You divided by the largest value. A strongly negative value then falls below 0.": 0.5 + g / (2 * high),
            "The values go from -0.5 to 1.5: divide by twice the largest size before you add 0.5.": 0.5 + g / size,
            "The 0.5 is missing: 0 should become middle gray.": g / (2 * size),
            "You moved the values by 0.5 and cut them off. Scale them first.": (g + 0.5).clamp(0, 1),
        },
    )  # fmt: skip


QUIZ = (
    Question(
        "What does guided backprop stop at a ReLU that the plain gradient lets through?",
        (
            ("Signals where the ReLU was off.", "The plain gradient stops these as well."),
            ("Negative signals where the ReLU was on.", "Yes. What remains speaks for the neuron along every path."),
            ("Positive signals where the ReLU was on.", "Both rules let these through."),
            ("Signals from other neurons.", "Only one neuron sends a signal, in every rule."),
        ),
        1,
    ),
    Question(
        "A program changes the backward pass of every `nn.ReLU` module by a hook. On your network it returns exactly the plain gradient. Why?",
        (
            ("The weights are too small.", "Weights do not switch a hook off."),
            ("The network is in eval mode.", "Hooks run in eval mode."),
            ("The network calls `F.relu` or uses ReLU6, and no module of the kind `nn.ReLU` runs.", "Yes. A tool should say so; `backprop` changes the operation itself, and raises where there is no ReLU."),
            ("The class is not in the image.", "That changes the picture, not the rule."),
        ),
        2,
    ),
    Question(
        "The guided image of 'bald eagle' shows a crisp eagle. What follows?",
        (
            ("The network used the eagle's outline to decide for this class.", "The image for 'strawberry' is nearly the same picture."),
            ("The last layers work well.", "With random last layers the image stays the same."),
            ("The first layers respond to these edges. About the class it says next to nothing.", "Yes: that is what the two tests showed."),
            ("Guided backprop is the derivative of the score.", "Only the plain gradient is a derivative."),
        ),
        2,
    ),
    Question(
        "A neuron is off: its ReLU puts out 0. Which rule still draws a picture for it?",
        (
            ("The gradient.", "Its first factor [x > 0] is 0: nothing passes."),
            ("The deconvnet.", "Yes. It asks only for the sign of the signal, so it draws what would speak for a neuron that did not respond."),
            ("Guided backprop.", "It also has the factor [x > 0]."),
            ("None.", "One of them does not look at x at all."),
        ),
        1,
    ),
)  # fmt: skip
