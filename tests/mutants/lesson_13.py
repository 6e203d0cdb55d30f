"""Wrong answers to the exercises of lesson 13."""

import torch

from tests.mutants import mutant


@mutant("13.1", "must not count")
def compares_unknown_pixels(window, known, weights, patches):
    return ((patches - window) ** 2 * weights).sum((1, 2, 3)) / weights.sum()


@mutant("13.1", "divided by the sum of all weights")
def divides_by_all_weights(window, known, weights, patches):
    return ((patches - window) ** 2 * known * weights).sum((1, 2, 3)) / weights.sum()


@mutant("13.1", "weights are missing")
def forgets_the_weights(window, known, weights, patches):
    return ((patches - window) ** 2 * known).sum((1, 2, 3)) / known.sum()


@mutant("13.1", "Neither")
def plain_mean(window, known, weights, patches):
    return ((patches - window) ** 2).mean((1, 2, 3))


@mutant("13.1", "did not divide")
def not_divided(window, known, weights, patches):
    return ((patches - window) ** 2 * known * weights).sum((1, 2, 3))


@mutant("13.1", "number of known pixels")
def divides_by_the_count(window, known, weights, patches):
    return ((patches - window) ** 2 * known * weights).sum((1, 2, 3)) / known.sum()


@mutant("13.1", "absolute differences")
def absolute_differences(window, known, weights, patches):
    return ((patches - window).abs() * known * weights).sum((1, 2, 3)) / (known * weights).sum()


@mutant("13.1", "weights are squared")
def squares_the_weights(window, known, weights, patches):
    both = known * weights
    return (((patches - window) * both) ** 2).sum((1, 2, 3)) / both.sum()


@mutant("13.1", "add the colors up")
def mean_over_colors(window, known, weights, patches):
    both = known * weights
    return ((patches - window) ** 2 * both).mean(1).sum((1, 2)) / both.sum()


@mutant("13.1", "square root")
def takes_the_root(window, known, weights, patches):
    both = known * weights
    return (((patches - window) ** 2 * both).sum((1, 2, 3)) / both.sum()).sqrt()


def good_ones(distances, tolerance):
    return (distances <= (1 + tolerance) * distances.min()).nonzero().flatten()


@mutant("13.2", "texture repeats itself")
def always_the_best(distances, tolerance, u):
    return distances.argmin()


@mutant("13.2", "It is a share")
def absolute_tolerance(distances, tolerance, u):
    good = (distances <= distances.min() + tolerance).nonzero().flatten()
    return good[int(u * len(good))]


@mutant("13.2", "drew from all matches")
def any_match(distances, tolerance, u):
    return int(u * len(distances))


@mutant("13.2", "good[k], not k")
def place_among_the_good(distances, tolerance, u):
    return int(u * len(good_ones(distances, tolerance)))


@mutant("13.2", "sorted the good matches")
def sorted_by_distance(distances, tolerance, u):
    good = good_ones(distances, tolerance)
    return distances.argsort()[: len(good)][int(u * len(good))]


@mutant("13.2", "counted from the end")
def from_the_end(distances, tolerance, u):
    good = good_ones(distances, tolerance).flip(0)
    return good[int(u * len(good))]


@mutant("13.2", "Compare with <=")
def strictly_smaller(distances, tolerance, u):
    good = (distances < (1 + tolerance) * distances.min()).nonzero().flatten()
    return good[int(u * len(good))]


@mutant("13.2", "never chosen")
def always_the_first_good(distances, tolerance, u):
    return good_ones(distances, tolerance)[0]


def pixels(image, places):
    height, width = image.shape[1:]
    return torch.stack([image[:, y % height, x % width] for y, x in places])


def causal(y, x, half):
    columns = range(-half, half + 1)
    return [(y + dy, x + dx) for dy in range(-half, 1) for dx in columns if dy < 0 or dx < 0]


@mutant("13.3", "pixel itself")
def includes_the_pixel(image, y, x, half):
    return pixels(image, [*causal(y, x, half), (y, x)])


@mutant("13.3", "to its right")
def includes_the_right(image, y, x, half):
    return pixels(image, [(y + dy, x + dx) for dy in range(-half, 1) for dx in range(-half, half + 1)])


@mutant("13.3", "without its middle")
def the_whole_window(image, y, x, half):
    columns = range(-half, half + 1)
    return pixels(image, [(y + dy, x + dx) for dy in columns for dx in columns if dy or dx])


@mutant("13.3", "same row are missing")
def only_above(image, y, x, half):
    return pixels(image, [p for p in causal(y, x, half) if p[0] < y])


@mutant("13.3", "Rows and columns are exchanged")
def rows_and_columns_exchanged(image, y, x, half):
    return pixels(image, [(b, a) for a, b in causal(y, x, half)])


@mutant("13.3", "column by column")
def column_by_column(image, y, x, half):
    return pixels(image, sorted(causal(y, x, half), key=lambda p: (p[1], p[0])))


@mutant("13.3", "repeat the last pixel")
def repeats_the_border(image, y, x, half):
    height, width = image.shape[1:]
    places = causal(y, x, half)
    return pixels(image, [(min(max(a, 0), height - 1), min(max(b, 0), width - 1)) for a, b in places])


@mutant("13.3", "one row for each pixel")
def transposed(image, y, x, half):
    return pixels(image, causal(y, x, half)).T


@mutant("13.4", "did not divide")
def not_divided_by_positions(features):
    flat = features.flatten(2)
    return flat @ flat.transpose(1, 2)


@mutant("13.4", "divided by C * H * W")
def divided_by_size(features):
    flat = features.flatten(2)
    return flat @ flat.transpose(1, 2) / features[0].numel()


@mutant("13.4", "covariance")
def subtracts_the_mean(features):
    flat = features.flatten(2)
    flat = flat - flat.mean(2, keepdim=True)
    return flat @ flat.transpose(1, 2) / flat.shape[2]


@mutant("13.4", "compares positions")
def positions_instead_of_channels(features):
    flat = features.flatten(2)
    return flat.transpose(1, 2) @ flat / flat.shape[2]


@mutant("13.4", "mixes channels and positions")
def wrong_view(features):
    count, channels, height, width = features.shape
    flat = features.reshape(count, height * width, channels)
    return flat.transpose(1, 2) @ flat / (height * width)


@mutant("13.4", "one matrix for the whole batch")
def one_for_the_batch(features):
    flat = features.flatten(2)
    return (flat @ flat.transpose(1, 2) / flat.shape[2]).mean(0)


@mutant("13.4", "cosine")
def cosines(features):
    flat = torch.nn.functional.normalize(features.flatten(2), dim=2)
    return flat @ flat.transpose(1, 2)


@mutant("13.4", "before you multiplied")
def product_of_means(features):
    means = features.mean((2, 3))
    return means[:, :, None] * means[:, None, :]


def distance(features, wanted, by, by_wanted):
    a, b = features.flatten(1), wanted.flatten(1)
    return ((a @ a.T / by - b @ b.T / by_wanted) ** 2).sum() / (4 * len(features) ** 2)


@mutant("13.5", "positions of the first picture")
def positions_of_the_first(features, wanted):
    return distance(features, wanted, features[0].numel(), features[0].numel())


@mutant("13.5", "positions of the sample")
def positions_of_the_sample(features, wanted):
    return distance(features, wanted, wanted[0].numel(), wanted[0].numel())


@mutant("13.5", "are exchanged")
def positions_exchanged(features, wanted):
    return distance(features, wanted, wanted[0].numel(), features[0].numel())


@mutant("13.5", "not divided by their numbers")
def raw_gram_matrices(features, wanted):
    return distance(features, wanted, 1, 1)


@mutant("13.5", "factor 1 / (4 C^2) is missing")
def no_factor(features, wanted):
    return distance(features, wanted, features[0].numel(), wanted[0].numel()) * 4 * len(features) ** 2


@mutant("13.5", "The 4 in the factor")
def mean_square(features, wanted):
    return distance(features, wanted, features[0].numel(), wanted[0].numel()) * 4


@mutant("13.5", "square it")
def absolute_difference(features, wanted):
    a, b = features.flatten(1), wanted.flatten(1)
    return (a @ a.T / a.shape[1] - b @ b.T / b.shape[1]).abs().sum() / (4 * len(a) ** 2)
