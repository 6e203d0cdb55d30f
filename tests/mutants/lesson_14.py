"""Wrong answers to the exercises of lesson 14."""

import torch

from tests.mutants import mutant


def gram(features, divisor):
    flat = features.flatten(1)
    return flat @ flat.T / divisor


def positions(features):
    return features[0].numel()


def loss(features, targets, weights, *, divisor=positions, compare=lambda d: (d**2).mean()):
    layers = zip(features, targets, weights, strict=True)
    return sum(w * compare(gram(f, divisor(f)) - a) for f, a, w in layers)


@mutant("14.1", "take their mean")
def sum_of_squares(features, targets, weights):
    return loss(features, targets, weights, compare=lambda d: (d**2).sum())


@mutant("14.1", "not divided by the number of positions")
def plain_gram(features, targets, weights):
    return loss(features, targets, weights, divisor=lambda f: 1)


@mutant("14.1", "channels as well")
def divided_by_all(features, targets, weights):
    return loss(features, targets, weights, divisor=lambda f: f.numel())


@mutant("14.1", "absolute differences")
def absolute(features, targets, weights):
    return loss(features, targets, weights, compare=lambda d: d.abs().mean())


@mutant("14.1", "weights of the layers")
def unweighted(features, targets, weights):
    return loss(features, targets, [1.0] * len(weights))


@mutant("14.1", "mean over the layers")
def mean_of_layers(features, targets, weights):
    return loss(features, targets, weights) / len(features)


@mutant("14.1", "plus and minus cancel")
def not_squared(features, targets, weights):
    return loss(features, targets, weights, compare=lambda d: d.mean())


@mutant("14.1", "Only the first layer")
def returns_in_the_loop(features, targets, weights):
    return loss(features[:1], targets[:1], weights[:1])


@mutant("14.1", "Only the last layer")
def overwrites_the_total(features, targets, weights):
    return loss(features[-1:], targets[-1:], weights[-1:])


@mutant("14.1", "root of the mean square")
def distance(features, targets, weights):
    return loss(features, targets, weights, compare=lambda d: (d**2).mean().sqrt())


@mutant("14.2", "absolute differences")
def tv_absolute(image):
    return image.diff(dim=3).abs().sum() + image.diff(dim=2).abs().sum()


@mutant("14.2", "You took means")
def tv_means(image):
    return (image.diff(dim=3) ** 2).mean() + (image.diff(dim=2) ** 2).mean()


@mutant("14.2", "Only neighbors side by side")
def tv_rows(image):
    return (image.diff(dim=3) ** 2).sum()


@mutant("14.2", "no circle")
def tv_circle(image):
    return sum(((image - image.roll(1, dim)) ** 2).sum() for dim in (2, 3))


@mutant("14.2", "Square each difference")
def tv_square_of_sum(image):
    return image.diff(dim=3).sum() ** 2 + image.diff(dim=2).sum() ** 2


@mutant("14.2", "square root")
def tv_root(image):
    return ((image.diff(dim=3) ** 2).sum() + (image.diff(dim=2) ** 2).sum()).sqrt()


@mutant("14.2", "color channels with each other")
def tv_colors(image):
    return sum((image.diff(dim=dim) ** 2).sum() for dim in (1, 2, 3))


def distance_of(picture, style, a, b):
    return ((gram(picture, a) - gram(style, b)) ** 2).mean()


@mutant("14.3", "picture's number of positions")
def divided_by_the_picture(picture, style):
    return distance_of(picture, style, positions(picture), positions(picture))


@mutant("14.3", "style's number of positions")
def divided_by_the_style(picture, style):
    return distance_of(picture, style, positions(style), positions(style))


@mutant("14.3", "divided by nothing")
def divided_by_nothing(picture, style):
    return distance_of(picture, style, 1, 1)


@mutant("14.3", "exchanged")
def divisors_exchanged(picture, style):
    return distance_of(picture, style, positions(style), positions(picture))


@mutant("14.3", "channels times positions")
def divided_by_all_values(picture, style):
    return distance_of(picture, style, picture.numel(), style.numel())


@mutant("14.3", "one side only")
def divided_by_the_width(picture, style):
    return distance_of(picture, style, picture.shape[2], style.shape[2])


def mixed(styles, weights, *, divisor=positions):
    return sum(w * gram(s, divisor(s)) for w, s in zip(weights, styles, strict=True))


@mutant("14.4", "not divided by their sum")
def weights_as_they_are(styles, weights):
    return mixed(styles, weights)


@mutant("14.4", "number of styles")
def weights_by_count(styles, weights):
    return mixed(styles, weights) / len(styles)


@mutant("14.4", "weights are not used")
def equal_weights(styles, weights):
    return mixed(styles, [1 / len(styles)] * len(styles))


@mutant("14.4", "not divided by their number of positions")
def sums_of_products(styles, weights):
    return mixed(styles, weights, divisor=lambda s: 1) / sum(weights)


@mutant("14.4", "one large picture")
def joined(styles, weights):
    together = torch.cat([s.flatten(1) for s in styles], 1)
    return together @ together.T / together.shape[1]


@mutant("14.4", "count squared")
def weighted_features(styles, weights):
    scaled = [w / sum(weights) * s for w, s in zip(weights, styles, strict=True)]
    return mixed(scaled, [1.0] * len(styles))


@mutant("14.4", "softmax")
def softmax_weights(styles, weights):
    return mixed(styles, torch.tensor(weights, dtype=torch.float64).softmax(0))


def luma(image):
    weights = torch.tensor([0.299, 0.587, 0.114], dtype=image.dtype).view(1, 3, 1, 1)
    return (image * weights).sum(1, keepdim=True)


@mutant("14.5", "not cut off")
def no_clamp(painted, photo):
    return photo + luma(painted) - luma(photo)


@mutant("14.5", "exchanged")
def roles_exchanged(painted, photo):
    return (painted + luma(photo) - luma(painted)).clamp(0, 1)


@mutant("14.5", "mean of R, G and B")
def mean_as_brightness(painted, photo):
    return (photo + painted.mean(1, keepdim=True) - photo.mean(1, keepdim=True)).clamp(0, 1)


@mutant("14.5", "scaled the photo")
def ratio(painted, photo):
    return (photo * luma(painted) / luma(photo)).clamp(0, 1)


@mutant("14.5", "in gray")
def gray(painted, photo):
    return luma(painted).repeat(1, 3, 1, 1)


@mutant("14.5", "without taking the photo's away")
def only_added(painted, photo):
    return (photo + luma(painted)).clamp(0, 1)


@mutant("14.5", "wrong sign")
def sign(painted, photo):
    return (photo - luma(painted) + luma(photo)).clamp(0, 1)


@mutant("14.5", "every pixel has its own")
def one_brightness(painted, photo):
    return (photo + luma(painted).mean() - luma(photo).mean()).clamp(0, 1)
