"""Wrong answers to the exercises of lesson 08."""

import torch

from tests.mutants import mutant


def right(x, R, rule):
    passes = {"gradient": x > 0, "deconvnet": R > 0, "guided": (x > 0) & (R > 0)}
    return R * passes[rule]


@mutant("08.1", "the rule 'gradient'")
def always_the_gradient(x, R, rule):
    return right(x, R, "gradient")


@mutant("08.1", "only the sign of R counts")
def deconvnet_is_guided(x, R, rule):
    return right(x, R, "guided" if rule == "deconvnet" else rule)


@mutant("08.1", "rule 'deconvnet'")
def guided_is_deconvnet(x, R, rule):
    return right(x, R, "deconvnet" if rule == "guided" else rule)


@mutant("08.1", "x > 0, not x >= 0")
def open_at_zero(x, R, rule):
    passes = {"gradient": x >= 0, "deconvnet": R > 0, "guided": (x >= 0) & (R > 0)}
    return R * passes[rule]


@mutant("08.1", "value of the ReLU")
def times_the_value(x, R, rule):
    return right(x, R, rule) * torch.relu(x)


@mutant("08.1", "ones and zeros")
def returns_the_mask(x, R, rule):
    return (right(x, R, rule) != 0).double()


@mutant("08.1", "absolute value of R")
def absolute_signal(x, R, rule):
    return right(x, R.abs(), rule)


@mutant("08.1", "only where both hold")
def or_instead_of_and(x, R, rule):
    return R * ((x > 0) | (R > 0)) if rule == "guided" else right(x, R, rule)


def forward(weights, image):
    inputs, a = [], image
    for W in weights[:-1]:
        inputs.append(W @ a)
        a = torch.relu(inputs[-1])
    return inputs, weights[-1] @ a


def backward(weights, image, target, rule, start=None, rules=None):
    inputs, scores = forward(weights, image)
    R = torch.zeros_like(scores)
    R[target] = 1
    R = R if start is None else start
    for layer in (2, 1, 0):
        R = weights[layer].T @ R
        if layer:
            R = right(inputs[layer - 1], R, rules[layer - 1] if rules else rule)
    return R


@mutant("08.2", "Only the last ReLU")
def hook_on_the_last_relu_only(weights, image, target, rule):
    return backward(weights, image, target, rule, rules=["gradient", rule])


@mutant("08.2", "Only the first ReLU")
def hook_on_the_first_relu_only(weights, image, target, rule):
    return backward(weights, image, target, rule, rules=[rule, "gradient"])


@mutant("08.2", "no ReLU below the first layer")
def cuts_off_at_the_pixels(weights, image, target, rule):
    return backward(weights, image, target, rule).clamp(min=0)


@mutant("08.2", "1 for every class")
def sum_of_all_scores(weights, image, target, rule):
    return backward(weights, image, target, rule, start=torch.ones(len(weights[-1]), dtype=torch.float64))


@mutant("08.2", "value of the score")
def starts_with_the_scores_value(weights, image, target, rule):
    _, scores = forward(weights, image)
    start = torch.zeros_like(scores)
    start[target] = scores[target]
    return backward(weights, image, target, rule, start=start)


@mutant("08.2", "This is the rule 'gradient'")
def plain_backprop(weights, image, target, rule):
    return backward(weights, image, target, "gradient")


@mutant("08.2", "This is the rule 'deconvnet'")
def deconvnet_for_guided(weights, image, target, rule):
    return backward(weights, image, target, "deconvnet" if rule == "guided" else rule)


@mutant("08.2", "in the forward pass are missing")
def forward_without_relus(weights, image, target, rule):
    inputs = [weights[0] @ image, weights[1] @ weights[0] @ image]
    R = weights[1].T @ right(inputs[1], weights[2][target], rule)
    return weights[0].T @ right(inputs[0], R, rule)


@mutant("08.2", "pass everything back")
def relus_forgotten(weights, image, target, rule):
    return (weights[2] @ weights[1] @ weights[0])[target]


@mutant("08.2", "do not fit together")
def not_transposed(weights, image, target, rule):
    R = torch.zeros(len(weights[-1]), dtype=torch.float64)
    R[target] = 1
    return weights[0] @ weights[1] @ weights[2] @ R


def places(values):
    index = values.flatten(1).argmax(1)
    return torch.stack([index // values.shape[2], index % values.shape[2]], 1)


@mutant("08.3", "row comes first")
def column_first(maps, channel):
    return places(maps[:, channel]).flip(1)


@mutant("08.3", "searched all channels")
def over_all_channels(maps, channel):
    return places(maps.amax(1))


@mutant("08.3", "strongest image")
def one_position_for_all(maps, channel):
    height, width = maps.shape[2:]
    row, column = divmod(int(maps[:, channel].argmax()) % (height * width), width)
    return torch.tensor([[row, column]] * len(maps))


@mutant("08.3", "divide by the width")
def divided_by_the_height(maps, channel):
    index, height = maps[:, channel].flatten(1).argmax(1), maps.shape[2]
    return torch.stack([index // height, index % height], 1)


@mutant("08.3", "flattened map")
def flat_indices(maps, channel):
    return maps[:, channel].flatten(1).argmax(1)


@mutant("08.3", "values there")
def values_instead_of_places(maps, channel):
    return maps[:, channel].amax((1, 2))


@mutant("08.4", "sum of both branches")
def hook_on_the_shared_tensor(x, R, w):
    return (R * (x > 0) + w * R).clamp(min=0)


@mutant("08.4", "plain gradient")
def plain_gradient(x, R, w):
    return R * (x > 0) + w * R


@mutant("08.4", "deconvnet")
def deconvnet(x, R, w):
    return R.clamp(min=0) + w * R


@mutant("08.4", "skip branch is missing")
def without_the_skip(x, R, w):
    return R.clamp(min=0) * (x > 0)


@mutant("08.4", "negative signals pass")
def rule_on_the_skip(x, R, w):
    return R.clamp(min=0) * (x > 0) + w * R.clamp(min=0)


@mutant("08.4", "where x is negative")
def mask_on_the_skip(x, R, w):
    return (R.clamp(min=0) + w * R) * (x > 0)


@mutant("08.4", "weight w")
def forgets_the_weight(x, R, w):
    return R.clamp(min=0) * (x > 0) + R


@mutant("08.5", "smallest to its largest")
def stretched(gradients):
    low, high = gradients.amin((1, 2, 3), keepdim=True), gradients.amax((1, 2, 3), keepdim=True)
    return (gradients - low) / (high - low)


@mutant("08.5", "one scale for all images")
def one_scale_for_the_batch(gradients):
    return 0.5 + gradients / (2 * gradients.abs().max())


@mutant("08.5", "own scale")
def each_color_alone(gradients):
    return 0.5 + gradients / (2 * gradients.abs().amax((2, 3), keepdim=True))


@mutant("08.5", "absolute value")
def absolute(gradients):
    return gradients.abs() / gradients.abs().amax((1, 2, 3), keepdim=True)


@mutant("08.5", "largest value")
def largest_value_not_size(gradients):
    return 0.5 + gradients / (2 * gradients.amax((1, 2, 3), keepdim=True))


@mutant("08.5", "from -0.5 to 1.5")
def not_halved(gradients):
    return 0.5 + gradients / gradients.abs().amax((1, 2, 3), keepdim=True)


@mutant("08.5", "cut them off")
def cut_off(gradients):
    return (gradients + 0.5).clamp(0, 1)
