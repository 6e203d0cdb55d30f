"""Wrong answers to the exercises of lesson 00."""

import torch

from tests.mutants import mutant


@mutant("00.1", "own brightness")
def one_number(images):
    return images.mean()


@mutant("00.1", "divide by how many")
def summed(images):
    return images.sum((1, 2, 3))


@mutant("00.1", "over the positions only")
def per_color(images):
    return images.mean((2, 3))


@mutant("00.1", "over the colors only")
def per_pixel(images):
    return images.mean(1)


@mutant("00.1", "dimension 0")
def mean_image(images):
    return images.mean(0)


@mutant("00.1", "largest value")
def largest(images):
    return images.amax((1, 2, 3))


@mutant("00.1", "first color")
def red_only(images):
    return images[:, 0].mean((1, 2))


@mutant("00.3", "dimension 0")
def over_images(scores):
    return torch.softmax(scores, 0)


@mutant("00.3", "own sum")
def one_sum(scores):
    return scores.exp() / scores.exp().sum()


@mutant("00.3", "not divided by their sum")
def not_normalized(scores):
    return scores.exp()


@mutant("00.3", "without taking exponentials")
def no_exponential(scores):
    return scores / scores.sum(1, keepdim=True)


@mutant("00.3", "infinity")
def overflows(scores):
    return scores.exp() / scores.exp().sum(1, keepdim=True)


@mutant("00.3", "whole batch")
def one_maximum(scores):
    powers = (scores - scores.max()).exp()
    return powers / powers.sum(1, keepdim=True)


@mutant("00.3", "logarithm")
def logarithm(scores):
    return scores.log_softmax(1)


@mutant("00.4", "Return their indices")
def values_not_indices(scores, k):
    return scores.topk(k, dim=1).values


@mutant("00.4", "worst classes")
def worst(scores, k):
    return scores.argsort(1)[:, :k]


@mutant("00.4", "best class should come first")
def best_last(scores, k):
    return scores.argsort(1)[:, -k:]


@mutant("00.4", "dimension 0")
def over_images_sorted(scores, k):
    return scores.argsort(0, descending=True)[:, :k]


@mutant("00.4", "without its sign")
def by_size(scores, k):
    return scores.abs().topk(k, dim=1).indices


@mutant("00.4", "keep the first k")
def all_of_them(scores, k):
    return scores.argsort(1, descending=True)


@mutant("00.2", "three columns")
def broadcast_to_columns(images, mean, std):
    return (images - mean) / std


@mutant("00.2", "divide by it")
def multiplied(images, mean, std):
    return (images - mean.view(3, 1, 1)) * std.view(3, 1, 1)


@mutant("00.2", "divided first")
def divided_first(images, mean, std):
    return images / std.view(3, 1, 1) - mean.view(3, 1, 1)


@mutant("00.2", "not subtracted")
def no_mean(images, mean, std):
    return images / std.view(3, 1, 1)


@mutant("00.2", "not divided")
def no_std(images, mean, std):
    return images - mean.view(3, 1, 1)


@mutant("00.2", "use the given ones")
def own_mean(images, mean, std):
    return (images - images.mean((0, 2, 3), keepdim=True)) / std.view(3, 1, 1)
