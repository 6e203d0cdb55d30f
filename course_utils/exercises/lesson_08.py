"""Checks of lesson 08: backprop, deconvnet and guided backprop to one neuron."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from course_utils.exercises.compare import close
from course_utils.exercises.machine import Call, Draw, exercise
from course_utils.exercises.quizzes import read_quiz
from course_utils.exercises.steady import steady

RULES = ("gradient", "deconvnet", "guided")


def gate(x: Tensor, R: Tensor, rule: str) -> Tensor:
    """1 where the signal passes a ReLU with input x, and 0 elsewhere."""
    on, up = (x > 0).to(R), (R > 0).to(R)
    return {"gradient": on, "deconvnet": up, "guided": on * up}[rule]


def passed(x: Tensor, R: Tensor, rule: str) -> Tensor:
    """The signal below a ReLU with input x."""
    return R * gate(x, R, rule)


@exercise("08.1", "relu_backward")
def relu_backward(call: Call, draw: Draw) -> None:
    shape = draw.integer(3, 5), draw.integer(6, 8)
    x, R = draw.normal(*shape), draw.normal(*shape)
    x[0, :3], R[0, :3] = torch.tensor([0.0, 0, 1.5]), torch.tensor([1.5, -1.5, 0])  # a ReLU is off at 0
    x[1, :4], R[1, :4] = torch.tensor([1.0, 2, -1, -2]), torch.tensor([1.0, -1, 2, -2])  # all four cases
    for rule in RULES:
        close(call(x, R, rule), passed(x, R, rule), what=f"the signal below the ReLU by the rule '{rule}'")


relu_backward.slips = {
    "This is the rule 'guided'. For 'deconvnet' only the sign of R counts.": (
        lambda x, R, rule: passed(x, R, "guided" if rule == "deconvnet" else rule)
    ),
    "This is the rule 'guided'. For 'gradient' negative signals pass, too.": lambda x, R, rule: passed(x, R, "guided"),
    "This is the rule 'gradient'.": lambda x, R, rule: passed(x, R, "gradient"),
    "This is the rule 'deconvnet'. The other rules also ask whether the ReLU was on.": (
        lambda x, R, rule: passed(x, R, "deconvnet")
    ),
    "At x = 0 the ReLU is off: the test is x > 0, not x >= 0.": lambda x, R, rule: passed(x + (x == 0), R, rule),
    "The signal passed where the ReLU was off: you exchanged x > 0 and x <= 0.": lambda x, R, rule: passed(-x, R, rule),
    "You passed the negative signals and stopped the positive ones.": lambda x, R, rule: -passed(x, -R, rule),
    "You multiplied with the value of the ReLU. Only whether it was on counts.": (
        lambda x, R, rule: passed(x, R, rule) * x.clamp(min=0)
    ),
    "You took the absolute value of R. A negative signal becomes 0, it does not become positive.": (
        lambda x, R, rule: passed(x, R.abs(), rule)
    ),
    "You returned ones and zeros: multiply them with R.": gate,
    "You passed x on. The ReLU passes R, the signal from above.": lambda x, R, rule: x * gate(x, R, rule),
    "For 'guided' you asked whether x and R have the same sign. Both must be above 0.": (
        lambda x, R, rule: R * (x * R > 0) if rule == "guided" else passed(x, R, rule)
    ),
    "You added the two conditions: R passes only where both hold.": (
        lambda x, R, rule: R * ((x > 0).double() + (R > 0).double()) if rule == "guided" else passed(x, R, rule)
    ),
    "R passes where one of the two conditions holds; it should pass only where both hold.": (
        lambda x, R, rule: R * ((x > 0) | (R > 0)) if rule == "guided" else passed(x, R, rule)
    ),
}


def relu_inputs(weights: list[Tensor], image: Tensor, *, relu=torch.relu) -> list[Tensor]:
    inputs, a = [], image
    for W in weights[:-1]:
        inputs.append(W @ a)
        a = relu(inputs[-1])
    return inputs


def backward(
    weights, image, target, rule, *, start=lambda R, scores: R, rules=None, inputs=relu_inputs, on=lambda x: x
) -> Tensor:
    """`rules` has one for each ReLU, from the first to the last; `on` gives what is asked whether it is above 0."""
    x = inputs(weights, image)
    R = torch.zeros(len(weights[-1]), dtype=torch.float64)
    R[target] = 1
    R = start(R, weights[-1] @ torch.relu(x[-1]))
    for layer in reversed(range(len(weights))):
        R = weights[layer].T @ R
        if layer:
            R = passed(on(x[layer - 1]), R, rules(rule)[layer - 1] if rules else rule)
    return R


def by_all_rules(weights, image, target, **options) -> Tensor:
    return torch.stack([backward(weights, image, target, rule, **options) for rule in RULES])


def off_at_0(x: Tensor) -> Tensor:
    return x + (x == 0)


def every_slip_shows(right: Tensor, weights: list[Tensor], image: Tensor, target: int) -> bool:
    inputs, (_, _, guided) = relu_inputs(weights, image), right
    some_on = all(2 <= int((x > 0).sum()) < len(x) for x in inputs)
    at_0 = by_all_rules(weights, image, target, on=off_at_0) - right
    other_class = (weights[-1] @ torch.relu(inputs[-1])).argmax().item() not in (0, target)
    return some_on and (guided > 0).any() and (guided < 0).any() and at_0[[0, 2]].any(1).all() and other_class


@steady(by_all_rules, fits=every_slip_shows)
def towers(draw: Draw) -> tuple:
    sizes = [draw.integer(7, 8), 6, draw.integer(9, 10), 5]
    weights = [draw.normal(n, m) for m, n in zip(sizes, sizes[1:], strict=False)]
    image = draw.uniform(sizes[0], low=-1)
    image[0], weights[0][0, 1:] = 0, 0  # the first ReLU gets exactly 0
    return weights, image, draw.integer(1, 4)


@exercise("08.2", "backprop_by_hand")
def backprop_by_hand(call: Call, draw: Draw) -> None:
    inputs, answers = towers(draw)
    for rule, right in zip(RULES, answers, strict=True):
        close(call(*inputs, rule), right, what=f"the signal at the pixels by the rule '{rule}'")


backprop_by_hand.slips = {
    "This is the rule 'gradient' at every ReLU.": lambda *inputs: backward(*inputs[:-1], "gradient"),
    "This is the rule 'deconvnet' at every ReLU.": lambda *inputs: backward(*inputs[:-1], "deconvnet"),
    "This is the rule 'guided' at every ReLU.": lambda *inputs: backward(*inputs[:-1], "guided"),
    "Only the last ReLU follows the rule; the first one passes the plain gradient. Every ReLU must follow it.": (
        partial(backward, rules=lambda rule: ["gradient", rule])
    ),
    "Only the first ReLU follows the rule; the last one passes the plain gradient. Every ReLU must follow it.": (
        partial(backward, rules=lambda rule: [rule, "gradient"])
    ),
    "You cut the signal off at the pixels, too. There is no ReLU below the first layer: the result has a sign.": (
        lambda *inputs: backward(*inputs).clamp(min=0)
    ),
    "The signal starts with 1 for every class. Start with 1 for the target and 0 elsewhere.": (
        partial(backward, start=lambda R, scores: torch.ones_like(R))
    ),
    "The signal starts with the value of the score. Start with 1 for the target: dS/dS = 1.": (
        partial(backward, start=lambda R, scores: R * scores)
    ),
    "The signal starts at class 0, not at the target.": (
        lambda weights, image, target, rule: backward(weights, image, 0, rule)
    ),
    "The signal starts at the class with the largest score, not at the target.": (
        lambda weights, image, target, rule: backward(
            weights, image, int((weights[2] @ torch.relu(relu_inputs(weights, image)[1])).argmax()), rule
        )
    ),
    "At x = 0 the ReLU is off: the test is x > 0, not x >= 0.": partial(backward, on=off_at_0),
    "You took the absolute value at the end. The signal has a sign.": lambda *inputs: backward(*inputs).abs(),
    "The ReLUs in the forward pass are missing, so that you ask the wrong numbers whether they are above 0.": (
        partial(backward, inputs=partial(relu_inputs, relu=lambda x: x))
    ),
    "The ReLUs pass everything back: this is the product of the matrices alone.": (
        lambda weights, image, target, rule: (weights[2] @ weights[1] @ weights[0])[target]
    ),
}


def positions(values: Tensor, row_length: int | None = None) -> Tensor:
    """`(N, 2)`: row and column of the largest value in each of `(N, H, W)`."""
    places, row_length = values.flatten(1).argmax(1), row_length or values.shape[2]
    return torch.stack([places // row_length, places % row_length], 1)


@exercise("08.3", "strongest")
def strongest(call: Call, draw: Draw) -> None:
    channels, height, width = draw.integer(4, 6), draw.integer(4, 5), draw.integer(7, 9)
    channel = draw.integer(1, channels - 1)
    # the last position of all, one in the first row, and one inside of maps that are negative everywhere
    places = [(height - 1, width - 1), (0, draw.integer(1, width - 2)), (2, draw.integer(3, width - 2))]
    maps = with_peaks(draw.normal(3, channels, height, width), channel, places)
    maps[2] -= 10
    maps[:, channel % (channels - 1) + 1] += 3  # another channel is stronger, and it is not channel 0
    maps[1, channel] += 1  # one image is stronger than the others
    close(call(maps, channel), positions(maps[:, channel]), what="the positions")
    upright = with_peaks(draw.normal(1, channels, width, height), channel, [(width - 1, 1)])
    what = "the position in one image whose maps are higher than wide"
    close(call(upright, channel), positions(upright[:, channel]), what=what)


def with_peaks(maps: Tensor, channel: int, places: list[tuple[int, int]]) -> Tensor:
    """Maps whose largest value in a channel stands out, at a place for each image."""
    for image, (row, column) in zip(maps, places, strict=True):
        image[channel, row, column] = image[channel].max() + 0.5
    return maps


def of_the_strongest_image(maps, channel):
    strongest_image = maps[:, channel].amax((1, 2)).argmax()
    return positions(maps[:, channel])[strongest_image].expand(len(maps), 2)


strongest.slips = {
    "Row and column are exchanged: the row comes first.": lambda maps, channel: positions(maps[:, channel]).flip(1),
    "You searched all channels. Only the given channel counts.": lambda maps, channel: positions(maps.amax(1)),
    "You used the sum over the channels. Only the given channel counts.": lambda maps, channel: positions(maps.sum(1)),
    "You used channel 0. Only the given channel counts.": lambda maps, channel: positions(maps[:, 0]),
    "Every image got the position of the strongest image. Each image has its own.": of_the_strongest_image,
    "You divided by the height. Positions are numbered row by row, so divide by the width.": (
        lambda maps, channel: positions(maps[:, channel], row_length=maps.shape[2])
    ),
    "These are numbers in the flattened map. Turn each into a row and a column: divmod(int(number), width).": (
        lambda maps, channel: maps[:, channel].flatten(1).argmax(1)
    ),
    "You took absolute values first. The largest value is asked for, with its sign.": (
        lambda maps, channel: positions(maps[:, channel].abs())
    ),
    "You searched for a value above 0. The largest one can be negative: start from the first value.": (
        lambda maps, channel: positions(maps[:, channel].clamp(min=0))
    ),
    "You looked for the smallest value.": lambda maps, channel: positions(-maps[:, channel]),
    "You returned the values there. Return where they are.": lambda maps, channel: maps[:, channel].amax((1, 2)),
}


def with_skip(x, R, w, *, rule="guided", on=lambda x: x) -> Tensor:
    return passed(on(x), R, rule) + w * R


@exercise("08.4", "guided_with_skip")
def guided_with_skip(call: Call, draw: Draw) -> None:
    shape = draw.integer(3, 4), draw.integer(5, 6)
    x, R = draw.normal(*shape), draw.normal(*shape)
    x[0, :4], R[0, :4] = torch.tensor([1.0, 2, -1, -2]), torch.tensor([1.0, -1, 2, -2])
    x[1, :2], R[1, :2] = torch.tensor([0.0, 2]), torch.tensor([1.0, 0])
    for w in (-draw.number(0.4, 0.8), draw.number(0.4, 0.8)):  # with a positive w alone two different slips are equal
        close(call(x, R, w), with_skip(x, R, w), what="the signal at x")


guided_with_skip.slips = {
    "You cut off the sum of both branches. Only what comes through the ReLU follows the rule; "
    "what comes through the skip passes as it is.": (lambda x, R, w: with_skip(x, R, w, rule="gradient").clamp(min=0)),
    "You cut off the sum of both branches, after the rule.": lambda x, R, w: with_skip(x, R, w).clamp(min=0),
    "This is the plain gradient: negative signals may not pass the ReLU.": partial(with_skip, rule="gradient"),
    "This is the deconvnet: the ReLU passes nothing where x is not above 0.": partial(with_skip, rule="deconvnet"),
    "The skip branch is missing: y = relu(x) + w x.": lambda x, R, w: with_skip(x, R, 0),
    "The skip branch has no ReLU: its signal passes where x is negative, too.": lambda x, R, w: with_skip(
        x, R, w * (x > 0)
    ),
    "The skip branch has no ReLU: its negative signals pass, too.": lambda x, R, w: with_skip(x, R, w * (R > 0)),
    "The skip branch has no ReLU: its negative signals pass.": lambda x, R, w: with_skip(x, R, w * (w * R > 0)),
    "At x = 0 the ReLU is off: the test is x > 0, not x >= 0.": partial(with_skip, on=off_at_0),
    "The weight w of the skip branch is missing.": lambda x, R, w: with_skip(x, R, 1),
}


def largest(g: Tensor) -> Tensor:
    return g.abs().amax((1, 2, 3), keepdim=True)


def grays(g, *, scale=largest) -> Tensor:
    return 0.5 + g / (2 * scale(g))


@exercise("08.5", "as_gray")
def as_gray(call: Call, draw: Draw) -> None:
    g = draw.normal(3, 3, draw.integer(4, 5), draw.integer(6, 7)) + 0.3
    g = g * torch.tensor([0.02, 1.0, 40.0], dtype=torch.float64)[:, None, None, None]
    g[0, 2, -1, -1], g[1, 1, 0, -1], g[2, 0, 2, 0] = -0.2, 5.0, 300.0  # the largest size: once negative, twice positive
    close(call(g), grays(g), what="the pictures")


def stretched(g):
    low, high = g.amin((1, 2, 3), keepdim=True), g.amax((1, 2, 3), keepdim=True)
    return (g - low) / (high - low)


as_gray.slips = {
    "You stretched each image from its smallest to its largest value. Then 0 is another gray in every picture.": (
        stretched
    ),
    "You used one scale for all images: weak images turn gray. Each image has its own.": (
        partial(grays, scale=lambda g: g.abs().max())
    ),
    "Each color got its own scale, which changes the colors.": (
        partial(grays, scale=lambda g: g.abs().amax((2, 3), keepdim=True))
    ),
    "You took the absolute value. The sign should stay: negative is darker than 0.5.": lambda g: g.abs() / largest(g),
    "You divided by the largest value. A strongly negative value then falls below 0.": (
        partial(grays, scale=lambda g: g.amax((1, 2, 3), keepdim=True))
    ),
    "The values go from -0.5 to 1.5: divide by twice the largest size before you add 0.5.": lambda g: (
        0.5 + g / largest(g)
    ),
    "Only the first color decides the scale. Take the largest size over all three.": (
        partial(grays, scale=lambda g: largest(g[:, :1]))
    ),
    "The 0.5 is missing: 0 should become middle gray.": lambda g: g / (2 * largest(g)),
    "You moved the values by 0.5 and cut them off. Scale them first.": lambda g: (g + 0.5).clamp(0, 1),
}


QUIZ = read_quiz("""
What does guided backprop stop at a ReLU that the plain gradient lets through?
- Positive signals where the ReLU was off.
  The plain gradient stops these as well.
+ Negative signals where the ReLU was on.
  Yes. What remains is a positive sum at every ReLU.
- Positive signals where the ReLU was on.
  Both rules let these through.
- Signals that come from other neurons.
  Only one neuron sends a signal, in every rule.

A program changes the backward pass of every `nn.ReLU` module by a hook. On your network it returns exactly the plain
gradient. Why?
- The weights are so small that both rules round to the same.
  Weights do not switch a hook off.
- The network is in eval mode, in which no hook is called.
  Hooks run in eval mode.
+ The network calls `F.relu`: no `nn.ReLU` module ever runs.
  Yes. A tool should say so; `backprop` changes the operation itself, and raises where there is no ReLU.
- The class is not in the image, so all signals are negative.
  That changes the picture, not the rule.

The guided image of 'bald eagle' shows a crisp eagle. After the tests of this lesson: what is the best explanation?
- The network used the eagle's outline to decide for this class.
  The image for 'strawberry' is nearly the same picture.
- The last layers of the network have learned what an eagle is.
  With random last layers the image stays the same.
+ The rule draws what stands in the photo, for any class.
  Yes: random upper layers and another class changed next to nothing. About the class the picture says next to nothing.
- These are the pixels that would raise the score of the class.
  That is what the gradient says. Guided backprop is not the derivative of the score.

A neuron is off: its ReLU puts out 0. The signal starts from 1. Which rule still draws a picture for it?
- The gradient.
  Its first factor [x > 0] is 0: nothing passes.
+ The deconvnet.
  Yes. It asks only for the sign of the signal, so it draws what would speak for a neuron that did not respond.
- Guided backprop.
  It also has the factor [x > 0].
- None.
  One of them does not look at x at all.
""")
