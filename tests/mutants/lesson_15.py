"""Wrong answers to the exercises of lesson 15."""

import torch
from torch.nn import functional as F

from tests.mutants import mutant


def norm(features, eps, dims=(2, 3), correction=0):
    mean = features.mean(dims, keepdim=True)
    variance = features.var(dims, keepdim=True, correction=correction)
    return (features - mean) / (variance + eps) ** 0.5


def scaled(normal, gamma, beta):
    return normal * gamma[:, None, None] + beta[:, None, None]


@mutant("15.1", "This is batch norm")
def batch_norm(features, gamma, beta, eps):
    return F.batch_norm(features, None, None, gamma, beta, training=True, eps=eps)


@mutant("15.1", "This is layer norm")
def layer_norm(features, gamma, beta, eps):
    return scaled(norm(features, eps, (1, 2, 3)), gamma, beta)


@mutant("15.1", "over one row of pixels")
def last_dimension(features, gamma, beta, eps):
    return scaled(norm(features, eps, (3,)), gamma, beta)


@mutant("15.1", "divided by H * W - 1")
def unbiased(features, gamma, beta, eps):
    return scaled(norm(features, eps, correction=1), gamma, beta)


@mutant("15.1", "divided by the variance")
def by_variance(features, gamma, beta, eps):
    mean, variance = features.mean((2, 3), keepdim=True), features.var((2, 3), keepdim=True, unbiased=False)
    return scaled((features - mean) / (variance + eps), gamma, beta)


@mutant("15.1", "added to the standard deviation")
def eps_outside(features, gamma, beta, eps):
    mean, deviation = features.mean((2, 3), keepdim=True), features.std((2, 3), keepdim=True, unbiased=False)
    return scaled((features - mean) / (deviation + eps), gamma, beta)


@mutant("15.1", "eps is missing")
def no_eps(features, gamma, beta, eps):
    return scaled(norm(features, 0), gamma, beta)


@mutant("15.1", "mean is not subtracted")
def no_mean(features, gamma, beta, eps):
    return scaled(features / (features.var((2, 3), keepdim=True, unbiased=False) + eps).sqrt(), gamma, beta)


@mutant("15.1", "gamma and beta are not used")
def only_normal(features, gamma, beta, eps):
    return norm(features, eps)


@mutant("15.1", "beta is added before")
def wrong_order(features, gamma, beta, eps):
    return (norm(features, eps) + beta[:, None, None]) * gamma[:, None, None]


def convolved(large, weight, mode="reflect"):
    return F.conv2d(F.pad(large, (1, 1, 1, 1), mode=mode), weight)


@mutant("15.2", "padded with zeros")
def zero_padding(features, weight):
    return F.conv2d(F.interpolate(features, scale_factor=2), weight, padding=1)


@mutant("15.2", "bilinear")
def bilinear(features, weight):
    return convolved(F.interpolate(features, scale_factor=2, mode="bilinear"), weight)


@mutant("15.2", "bicubic")
def bicubic(features, weight):
    return convolved(F.interpolate(features, scale_factor=2, mode="bicubic"), weight)


@mutant("15.2", "convolved first")
def convolves_first(features, weight):
    return F.interpolate(convolved(features, weight), scale_factor=2)


@mutant("15.2", "repeated the whole picture")
def tiles(features, weight):
    return convolved(features.repeat(1, 1, 2, 2), weight)


@mutant("15.2", "zeros between the pixels")
def zeros_between(features, weight):
    n, c, h, w = features.shape
    large = torch.zeros(n, c, 2 * h, 2 * w, dtype=features.dtype)
    large[:, :, ::2, ::2] = features
    return convolved(large, weight)


@mutant("15.2", "padded before you enlarged")
def pads_first(features, weight):
    large = F.interpolate(F.pad(features, (1, 1, 1, 1), mode="reflect"), scale_factor=2)
    return F.conv2d(large, weight)[:, :, 1:-1, 1:-1]


def distances(grams, targets):
    return ((grams - targets) ** 2).mean((1, 2))


def grams(features):
    flat = features.flatten(2)
    return flat @ flat.mT / flat.shape[2]


@mutant("15.3", "one for the whole batch, so the pictures share")
def batch_gram(features, targets):
    flat = features.transpose(0, 1).flatten(1)
    return distances(flat @ flat.T / flat.shape[1], targets)


@mutant("15.3", "divided by the positions of one picture")
def batch_gram_of_one(features, targets):
    flat = features.transpose(0, 1).flatten(1)
    return distances(flat @ flat.T / (features.shape[2] * features.shape[3]), targets)


@mutant("15.3", "mixes pictures and channels")
def scrambled(features, targets):
    flat = features.reshape(features.shape[1], -1)
    return distances(flat @ flat.T / flat.shape[1], targets)


@mutant("15.3", "not divided by the number of positions")
def sums(features, targets):
    flat = features.flatten(2)
    return distances(flat @ flat.mT, targets)


@mutant("15.3", "divided by channels times positions")
def by_size(features, targets):
    return distances(grams(features) / features.shape[1], targets)


@mutant("15.3", "mean over the batch")
def mean_of_batch(features, targets):
    return ((grams(features) - targets) ** 2).mean()


@mutant("15.3", "added up the squares of a picture")
def sum_of_squares(features, targets):
    return ((grams(features) - targets) ** 2).sum((1, 2))


@mutant("15.3", "compared with the first target")
def first_target(features, targets):
    return distances(grams(features), targets[0])


def in_style(normal, gamma, beta):
    return normal * gamma[:, :, None, None] + beta[:, :, None, None]


@mutant("15.4", "strongest style only")
def strongest(features, gammas, betas, mix):
    return in_style(norm(features, 1e-5), gammas[mix.argmax(1)], betas[mix.argmax(1)])


@mutant("15.4", "All styles count alike")
def equal_shares(features, gammas, betas, mix):
    return scaled(norm(features, 1e-5), gammas.mean(0), betas.mean(0))


@mutant("15.4", "weights of the first one")
def first_picture(features, gammas, betas, mix):
    return scaled(norm(features, 1e-5), mix[0] @ gammas, mix[0] @ betas)


@mutant("15.4", "weights of the pictures are averaged")
def mean_picture(features, gammas, betas, mix):
    return scaled(norm(features, 1e-5), mix.mean(0) @ gammas, mix.mean(0) @ betas)


@mutant("15.4", "softmax")
def softmax(features, gammas, betas, mix):
    return in_style(norm(features, 1e-5), mix.softmax(1) @ gammas, mix.softmax(1) @ betas)


@mutant("15.4", "betas are not used")
def no_betas(features, gammas, betas, mix):
    return norm(features, 1e-5) * (mix @ gammas)[:, :, None, None]


@mutant("15.4", "not normalized")
def not_normalized(features, gammas, betas, mix):
    return in_style(features, mix @ gammas, mix @ betas)


@mutant("15.4", "those of the whole batch")
def batch_statistics(features, gammas, betas, mix):
    return in_style(norm(features, 1e-5, (0, 2, 3)), mix @ gammas, mix @ betas)


@mutant("15.4", "over all channels together")
def all_channels(features, gammas, betas, mix):
    return in_style(norm(features, 1e-5, (1, 2, 3)), mix @ gammas, mix @ betas)
