"""Wrong answers to the exercises of lesson 01."""

import torch

from tests.mutants import mutant


@mutant("01.1", "from its smallest to its largest")
def stretched_per_filter(weights):
    low, high = weights.amin((1, 2, 3), keepdim=True), weights.amax((1, 2, 3), keepdim=True)
    return (weights - low) / (high - low)


@mutant("01.1", "one scale for all")
def one_scale(weights):
    return 0.5 + 0.5 * weights / weights.abs().max()


@mutant("01.1", "all filters together")
def stretched_together(weights):
    return (weights - weights.min()) / (weights.max() - weights.min())


@mutant("01.1", "color channel was scaled by itself")
def scaled_per_channel(weights):
    return 0.5 + 0.5 * weights / weights.abs().amax((2, 3), keepdim=True)


@mutant("01.1", "not by the largest |weight|")
def divided_by_largest_signed(weights):
    return 0.5 + 0.5 * weights / weights.amax((1, 2, 3), keepdim=True)


@mutant("01.1", "half in front is missing")
def zero_is_black(weights):
    return weights / weights.abs().amax((1, 2, 3), keepdim=True)


@mutant("01.1", "did not halve")
def leaves_the_range(weights):
    return 0.5 + weights / weights.abs().amax((1, 2, 3), keepdim=True)


@mutant("01.1", "absolute value")
def loses_the_sign(weights):
    return weights.abs() / weights.abs().amax((1, 2, 3), keepdim=True)


def slide(image, weights, bias, **options):
    bias = torch.tensor([bias], dtype=weights.dtype)
    return torch.nn.functional.conv2d(image[None], weights[None], bias, **options)[0, 0]


@mutant("01.2", "bias is missing")
def no_bias(image, weights, bias):
    return slide(image, weights, 0.0)


@mutant("01.2", "turned the filter around")
def true_convolution(image, weights, bias):
    return slide(image, weights.flip(1, 2), bias)


@mutant("01.2", "added zeros around")
def padded(image, weights, bias):
    return slide(image, weights, bias, padding="same")


@mutant("01.2", "negative responses off")
def with_relu(image, weights, bias):
    return slide(image, weights, bias).clamp_min(0)


@mutant("01.2", "an inner product is a sum")
def mean_instead_of_sum(image, weights, bias):
    return slide(image, weights / weights.numel(), bias)


@mutant("01.2", "first color channel")
def one_channel(image, weights, bias):
    return slide(image[:1], weights[:1], bias)


@mutant("01.2", "once for every color channel")
def bias_per_channel(image, weights, bias):
    return sum(slide(image[c : c + 1], weights[c : c + 1], bias) for c in range(3))


@mutant("01.2", "do not overlap")
def no_overlap(image, weights, bias):
    return slide(image, weights, bias, stride=weights.shape[-1])


@mutant("01.3", "share of gray")
def gray_share(weights):
    gray = weights.mean(1, keepdim=True).expand_as(weights)
    return gray.square().sum((1, 2, 3)) / weights.square().sum((1, 2, 3))


@mutant("01.3", "sum of squares")
def absolute_values(weights):
    color = weights - weights.mean(1, keepdim=True)
    return color.abs().sum((1, 2, 3)) / weights.abs().sum((1, 2, 3))


@mutant("01.3", "counts three times")
def gray_counted_once(weights):
    return 1 - weights.mean(1).square().sum((1, 2)) / weights.square().sum((1, 2, 3))


@mutant("01.3", "mean of the whole filter")
def mean_of_the_filter(weights):
    color = weights - weights.mean((1, 2, 3), keepdim=True)
    return color.square().sum((1, 2, 3)) / weights.square().sum((1, 2, 3))


@mutant("01.3", "mean over the positions")
def mean_over_positions(weights):
    color = weights - weights.mean((2, 3), keepdim=True)
    return color.square().sum((1, 2, 3)) / weights.square().sum((1, 2, 3))


@mutant("01.3", "not divided")
def energy_not_share(weights):
    return (weights - weights.mean(1, keepdim=True)).square().sum((1, 2, 3))


@mutant("01.3", "square roots")
def lengths(weights):
    return (weights - weights.mean(1, keepdim=True)).flatten(1).norm(dim=1) / weights.flatten(1).norm(dim=1)


@mutant("01.4", "without moving the axes")
def reshape_only(weights):
    out, into, high, wide = weights.shape
    return weights.reshape(out * high, into * wide)


@mutant("01.4", "Output and input channels are exchanged")
def in_and_out_exchanged(weights):
    out, into, high, wide = weights.shape
    return weights.permute(1, 2, 0, 3).reshape(into * high, out * wide)


@mutant("01.4", "lies on its side")
def slices_turned(weights):
    out, into, high, wide = weights.shape
    return weights.permute(0, 3, 1, 2).reshape(out * wide, into * high)


@mutant("01.4", "averaged over the input channels")
def averaged(weights):
    return torch.cat(list(weights.mean(1)))


@mutant("01.4", "first input channel")
def first_channel(weights):
    return torch.cat(list(weights[:, 0]))


@mutant("01.4", "turned")
def turned(weights):
    out, into, high, wide = weights.shape
    return weights.permute(0, 2, 1, 3).reshape(out * high, into * wide).T
