"""Checks of lesson 13: texture, pixel by pixel and by Gram matrices."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from course_utils.exercises.compare import close
from course_utils.exercises.machine import Call, Draw, exercise
from course_utils.exercises.quizzes import read_quiz
from course_utils.exercises.several import several
from course_utils.exercises.steady import steady
from course_utils.hooks import forward_to


def distance(window, known, weights, patches, *, difference=torch.square) -> Tensor:
    both = known * weights
    return (difference(patches - window) * both).sum((1, 2, 3)) / both.sum()


@exercise("13.1", "window_distance")
def window_distance(call: Call, draw: Draw) -> None:
    side, count = draw.choice([3, 5]), draw.integer(6, 9)
    window, patches = draw.uniform(3, side, side), draw.uniform(count, 3, side, side)
    weights = draw.uniform(side, side, low=0.1, high=1.0)
    known = (draw.uniform(side, side) < 0.6).double()
    known[0, 0], known[-1, -1], known[side // 2, side // 2], known[0, 1] = 1, 1, 0, 0
    window = window * known  # pixels that are not written yet hold 0,
    window[:, 0, 0], window[0, -1, -1] = 0, 0  # and so may a pixel that is written
    inputs = window, known, weights, patches
    close(call(*inputs), distance(*inputs), what="the distances")
    alone = window, torch.ones_like(known), weights, patches[:1]
    close(call(*alone), distance(*alone), what="the distance of a window that is known everywhere to one patch")


def weighted_before_the_square(window, known, weights, patches):
    both = known * weights
    return (both * (patches - window)).square().sum((1, 2, 3)) / both.sum()


def divided_by(divisor):
    """The sum of the weighted squares, divided by something else."""
    return lambda window, known, weights, patches: (
        distance(window, known, weights, patches) * (known * weights).sum() / divisor(known, weights)
    )


window_distance.slips = {
    "You took the pixels that are not 0 for the known ones. A known pixel can be black: use known.": (
        lambda window, known, weights, patches: distance(window, (window != 0).any(0), weights, patches)
    ),
    "You took the colors that are not 0 for the known ones. A known pixel can hold 0: use known.": (
        lambda window, known, weights, patches: (
            distance(window, known * (window != 0), weights, patches)
            * (known * (window != 0) * weights).sum()
            / (known * weights).sum()
        )
    ),
    "You added up the differences of the three colors before you squared. Square each color.": (
        lambda window, known, weights, patches: distance(
            window.sum(0, keepdim=True), known, weights, patches.sum(1, keepdim=True)
        )
    ),
    "You compared all pixels of the window. Those that are not written yet must not count: multiply by known.": (
        lambda window, known, weights, patches: distance(window, known**0, weights, patches)
    ),
    "You compared only known pixels, but divided by the sum of all weights. Divide by the weights of the known ones.": (
        divided_by(lambda known, weights: weights.sum())
    ),
    "The weights are missing: pixels close to the middle count more.": (
        lambda window, known, weights, patches: distance(window, known, weights**0, patches)
    ),
    "Neither known nor weights is used.": (
        lambda window, known, weights, patches: (patches - window).square().mean((1, 2, 3))
    ),
    "You did not divide by the sum of the weights of the known pixels.": divided_by(lambda known, weights: 1),
    "You divided by the number of known pixels. Divide by the sum of their weights.": (
        divided_by(lambda known, weights: known.sum())
    ),
    "You took absolute differences; the distance adds up squares.": partial(distance, difference=torch.abs),
    "You weighted the differences and then squared: the weights are squared as well.": weighted_before_the_square,
    "You divided by 3, or took the mean over the colors; add the colors up.": lambda *inputs: distance(*inputs) / 3,
    "You took a square root at the end; the distance stays squared.": lambda *inputs: distance(*inputs).sqrt(),
}


def chosen(distances, tolerance, u, *, among=lambda d, tolerance: d <= (1 + tolerance) * d.min(), cut=int) -> int:
    good = among(distances, tolerance).nonzero().flatten().tolist()
    return good[min(cut(u * len(good)), len(good) - 1)]


def middle(patches: Tensor, index: int) -> Tensor:
    side = patches.shape[-1]
    return patches[index, :, side // 2, side // 2]


def copied(choose):
    """The answer of somebody who chooses one of the distances in this way."""
    return lambda distances, patches, tolerance, u: middle(patches, choose(distances, tolerance, u))


@exercise("13.2", "next_pixel")
def next_pixel(call: Call, draw: Draw) -> None:
    distances = draw.uniform(draw.integer(12, 16), low=0.2, high=0.6)
    side = draw.choice([3, 5])
    patches = draw.uniform(len(distances), 3, side, side)
    order = torch.from_numpy(draw.rng.permutation(len(distances)))
    smallest = draw.number(0.10, 0.12)
    good = sorted(order[:5].tolist())
    distances[good] = smallest * torch.tensor([1.25, 1.0, 1.28, 1.1, 1.2], dtype=torch.float64)
    # u * 5 lies close above each whole number, and close below the next one
    cases = [(distances, patches, 0.3, (k + rest) / 5) for rest in (0.2, 0.9) for k in range(5)]
    got = several(call, cases, what="the color")
    close(got, [middle(patches, place) for place in good * 2], what="the colors for ten values of u, from 0 to 1")
    exact = torch.tensor([4.0, 2.0, 3.0, 2.0], dtype=torch.float64)
    for u, place in ((0.0, 1), (0.4, 2), (0.9, 3)):
        what = "the color where a distance equals the limit"
        close(call(exact, patches[:4], 0.5, u), middle(patches, place), what=what)
    perfect = torch.tensor([0.5, 0.0, 0.001, 0.0], dtype=torch.float64)
    for u, place in ((0.2, 1), (0.8, 3)):
        what = "the color where two windows fit without any error"
        close(call(perfect, patches[:4], 0.1, u), middle(patches, place), what=what)


def sorted_by_distance(distances, tolerance, u):
    order = distances.argsort()
    return int(order[chosen(distances[order], tolerance, u)])


next_pixel.slips = {
    "With the best match alone the texture repeats itself. Draw one of the matches that are nearly as good.": (
        copied(lambda distances, tolerance, u: distances.argmin())
    ),
    "You rounded u * how many to the nearest number. Cut it off: int(u * how many).": (
        copied(partial(chosen, cut=round))
    ),
    "You took the place in the list of good matches for the place in patches. Take patches[good[k]], not patches[k].": (
        copied(lambda distances, tolerance, u: int(u * (distances <= (1 + tolerance) * distances.min()).sum()))
    ),
    "You drew from all matches. Only those with a distance of at most (1 + tolerance) times the smallest may be "
    "drawn.": copied(lambda distances, tolerance, u: int(u * len(distances))),
    "You added the tolerance to the smallest distance. It is a share: multiply by (1 + tolerance).": (
        copied(partial(chosen, among=lambda d, tolerance: d <= d.min() + tolerance))
    ),
    "You sorted the good matches by distance. Keep them in the order in which they stand.": copied(sorted_by_distance),
    "You counted from the end: u = 0 is the first good match.": (
        copied(lambda distances, tolerance, u: chosen(distances, tolerance, 1 - 1e-9 - u))
    ),
    "Compare with <=, not with <. (With tolerance 0 the best match itself would be lost.)": (
        copied(partial(chosen, among=lambda d, tolerance: d < (1 + tolerance) * d.min()))
    ),
    "You copied the first pixel of the window. The pixel in question lies in its middle.": (
        lambda distances, patches, tolerance, u: patches[chosen(distances, tolerance, u), :, 0, 0]
    ),
    "You returned the whole window. Copy its middle pixel only.": (
        lambda distances, patches, tolerance, u: patches[chosen(distances, tolerance, u)]
    ),
    "You returned the mean of the good windows. That blurs: copy the middle of one of them.": (
        lambda distances, patches, tolerance, u: patches[
            distances <= (1 + tolerance) * distances.min(), :, patches.shape[-1] // 2, patches.shape[-1] // 2
        ].mean(0)
    ),
    "You returned the place of the window. Return the color of its middle pixel.": (
        lambda distances, patches, tolerance, u: torch.tensor(float(chosen(distances, tolerance, u)))
    ),
}


def causal(half: int) -> list[tuple[int, int]]:
    """Steps (down, right) to what is written before the pixel, row by row."""
    return [(dy, dx) for dy in range(-half, 1) for dx in range(-half, half + 1) if dy < 0 or dx < 0]


def window(half: int) -> list[tuple[int, int]]:
    return [(dy, dx) for dy in range(-half, half + 1) for dx in range(-half, half + 1)]


def neighborhood(image, y, x, half, *, steps=causal, at=lambda place, size: place % size) -> Tensor:
    height, width = image.shape[1:]
    return torch.stack([image[:, at(y + dy, height), at(x + dx, width)] for dy, dx in steps(half)])


@exercise("13.3", "causal_neighborhood")
def causal_neighborhood(call: Call, draw: Draw) -> None:
    image = draw.uniform(3, draw.integer(7, 8), draw.integer(9, 11))
    height, width = image.shape[1:]
    for half in (2, 1):
        for y, x in ((half + 1, half + 2), (0, width - 1), (height - 1, 0), (1, 1)):
            close(call(image, y, x, half), neighborhood(image, y, x, half), what="the neighborhood")


def rows_below(half):
    return [(-dy, dx) for dy, dx in causal(half)]


causal_neighborhood.slips = {
    "The pixel itself is in the neighborhood. It is not written yet.": (
        partial(neighborhood, steps=lambda half: [*causal(half), (0, 0)])
    ),
    "The row of the pixel has pixels to its right. They are not written yet.": (
        partial(neighborhood, steps=lambda half: [step for step in window(half) if step[0] <= 0])
    ),
    "The neighborhood is the whole window. Only the rows above, and the pixels to the left, are written.": (
        partial(neighborhood, steps=window)
    ),
    "The whole window without its middle is too much: the pixels to the right and below are not written yet.": (
        partial(neighborhood, steps=lambda half: [step for step in window(half) if step != (0, 0)])
    ),
    "The pixels to the left in the same row are missing.": (
        partial(neighborhood, steps=lambda half: [step for step in window(half) if step[0] < 0])
    ),
    "Rows above the pixel have smaller row numbers: you took rows below it.": partial(neighborhood, steps=rows_below),
    "Rows and columns are exchanged: image[:, y, x].": (
        lambda image, y, x, half: neighborhood(image.transpose(1, 2), y, x, half)
    ),
    "The pixels come column by column. Go row by row, from left to right.": (
        partial(neighborhood, steps=lambda half: sorted(causal(half), key=lambda step: step[::-1]))
    ),
    "At the border you repeat the last pixel. Here what leaves the picture at one side enters at the other: use %.": (
        partial(neighborhood, at=lambda place, size: min(max(place, 0), size - 1))
    ),
    "The shape is (3, K); it should be (K, 3): one row for each pixel.": lambda *inputs: neighborhood(*inputs).T,
}


def products(maps: Tensor) -> Tensor:
    """Of every two channels, added up over the positions."""
    flat = maps.flatten(2)
    return flat @ flat.transpose(1, 2)


def grams(maps) -> Tensor:
    return products(maps) / maps[0, 0].numel()


@exercise("13.4", "gram")
def gram(call: Call, draw: Draw) -> None:
    count, channels = draw.integer(2, 3), draw.integer(4, 6)
    maps = draw.normal(count, channels, draw.integer(3, 4), draw.integer(5, 6)) + 0.3
    close(call(maps), grams(maps), what="the Gram matrices")
    close(call(maps[:1]), grams(maps[:1]), what="the Gram matrix of a batch of one")


def between_positions(maps):
    flat = maps.flatten(2)
    return flat.transpose(1, 2) @ flat / flat.shape[2]


def mixed_by_reshape(maps):
    count, channels, height, width = maps.shape
    return grams(maps.reshape(count, height * width, channels).transpose(1, 2)[..., None])


def cosines(maps):
    return products(maps / maps.flatten(2).norm(dim=2)[:, :, None, None])


gram.slips = {
    "You did not divide by the number of positions H * W.": products,
    "You divided by C * H * W. Here the sum over positions is divided by H * W.": (
        lambda maps: grams(maps) / maps.shape[1]
    ),
    "You divided by the number of channels. Divide by the number of positions H * W.": (
        lambda maps: products(maps) / maps.shape[1]
    ),
    "You divided by the number of images as well. Each image has its own Gram matrix.": (
        lambda maps: grams(maps) / len(maps)
    ),
    "You subtracted each channel's mean first: that is a covariance. The Gram matrix keeps the means.": (
        lambda maps: grams(maps - maps.mean((2, 3), keepdim=True))
    ),
    "You multiplied the other way round: that compares positions (H * W of them), not channels.": between_positions,
    "You reshaped to (N, H * W, C). That does not move the channels to the end, it mixes channels and positions; "
    "use flatten(2) or permute.": mixed_by_reshape,
    "You mixed the images of the batch: each image has its own matrix.": (
        lambda maps: grams(maps).mean(0, keepdim=True).expand(len(maps), -1, -1)
    ),
    "You returned one matrix for the whole batch; each image has its own.": lambda maps: grams(maps).mean(0),
    "You divided each channel by its length: that is a cosine. The Gram matrix keeps how strong a channel is.": cosines,
    "You averaged each channel over its positions before you multiplied. Multiply at each position, then average.": (
        lambda maps: products(maps.mean((2, 3), keepdim=True))
    ),
}


def relative(grams_of, maps, wanted) -> Tensor:
    """How far a layer's Gram matrix is from the wanted one, relative to its size."""
    return (grams_of(maps) - wanted).square().sum() / wanted.square().sum()


def descended(
    net, wanted, start, lr, steps, *, error=relative, grams_of=grams, of=dict.items, cut="always", clean=True, by=None
) -> Tensor:
    pixels = start.detach().clone().requires_grad_()
    optimizer = (by or torch.optim.Adam)([pixels], lr=lr)
    for _ in range(steps):
        if clean:
            optimizer.zero_grad()
        maps = forward_to(net, pixels, list(wanted))
        sum(error(grams_of, maps[layer], target) for layer, target in of(wanted)).backward()
        optimizer.step()
        if cut == "always":
            pixels.data.clamp_(0, 1)
    return pixels.detach() if cut == "never" else pixels.detach().clamp(0, 1)


def leaves_the_range(right: Tensor, *inputs) -> bool:
    """Whether it makes a difference when the picture is cut off."""
    return all(bool((descended(*inputs, cut=cut) - right).abs().max() > 1e-2) for cut in ("end", "never"))


@steady(descended, fits=leaves_the_range)
def descents(draw: Draw) -> tuple:
    net, start = draw.net("conv", inplace=True), draw.images(1)
    with torch.no_grad():
        maps = forward_to(net, draw.uniform(1, 3, 7, 9), ["1", "4"])
        wanted = {layer: grams(one) for layer, one in maps.items()}
    return net, wanted, start, draw.number(0.1, 0.15), draw.integer(4, 6)


@exercise("13.5", "texture_from_noise")
def texture_from_noise(call: Call, draw: Draw) -> None:
    inputs, right = descents(draw)
    mine, again = call.twice(*inputs)
    close(mine, right, what="the picture that you found")
    close(again, right, what="the picture of the second call from the same start")


def changes_its_start(net, wanted, start, *rest):
    return start.copy_(descended(net, wanted, start, *rest))


texture_from_noise.slips = {
    "The gradients add up from step to step: call optimizer.zero_grad() in the loop.": partial(descended, clean=False),
    "The loss of a layer is not divided by |A|^2, so one layer counts more than the others.": (
        partial(descended, error=lambda of, maps, wanted: (of(maps) - wanted).square().sum())
    ),
    "You took the mean of the squared differences. The loss divides their sum by |A|^2.": (
        partial(descended, error=lambda of, maps, wanted: (of(maps) - wanted).square().mean())
    ),
    "You divided by the Gram matrix of the picture itself. Divide by the wanted one: it stays as it is.": (
        partial(descended, error=lambda of, maps, wanted: (of(maps) - wanted).square().sum() / of(maps).square().sum())
    ),
    "You took the length of the difference (a root). The loss has squares and no root.": (
        partial(descended, error=lambda of, maps, wanted: (of(maps) - wanted).norm() / wanted.norm())
    ),
    "Your Gram matrix is not divided by the number of positions.": partial(descended, grams_of=products),
    "Your Gram matrix is divided by C * H * W. Divide by the positions, H * W.": (
        partial(descended, grams_of=lambda maps: grams(maps) / maps.shape[1])
    ),
    "Only the first layer counts in your loss. Add up all layers.": (
        partial(descended, of=lambda wanted: list(wanted.items())[:1])
    ),
    "Only the last layer counts in your loss. Add up all layers.": (
        partial(descended, of=lambda wanted: list(wanted.items())[-1:])
    ),
    "You cut off once, at the end. The task cuts off after every step.": partial(descended, cut="end"),
    "The picture leaves the range [0, 1]: cut it off after every step.": partial(descended, cut="never"),
    "Adam's lr is not the one that was given.": (
        lambda net, wanted, start, lr, steps: descended(net, wanted, start, 1e-3, steps)
    ),
    "This is plain gradient descent. The task takes torch.optim.Adam.": partial(descended, by=torch.optim.SGD),
    "It takes one step too few.": lambda *inputs: descended(*inputs[:-1], inputs[-1] - 1),
    "It takes one step too many.": lambda *inputs: descended(*inputs[:-1], inputs[-1] + 1),
    "The picture is still the start.": lambda net, wanted, start, *rest: start,
    "Your function changes the caller's start: work on start.detach().clone().": changes_its_start,
}


def style_distance(
    maps, wanted, *, positions=lambda *own: own, error=torch.square, factor=lambda channels: 4 * channels**2
) -> Tensor:
    """`positions` says by what the two matrices are divided."""
    here, there = positions(maps[0].numel(), wanted[0].numel())
    difference = products(maps[None]) / here - products(wanted[None]) / there
    return error(difference).sum() / factor(len(maps))


@exercise("13.6", "gram_distance")
def gram_distance(call: Call, draw: Draw) -> None:
    channels = draw.choice([3, 5])  # not 4: the factor 1 / (4 C^2) should not hide a slip
    same = draw.choice([3, 4])
    equal, different = ((same, 5), (same, 5)), ((4, draw.integer(5, 6)), (3, draw.integer(9, 10)))
    for sizes, what in ((equal, "the distance"), (different, "the distance of pictures of different sizes")):
        inputs = draw.normal(channels, *sizes[0]) + 0.4, draw.normal(channels, *sizes[1]) + 0.2
        close(call(*inputs), style_distance(*inputs), what=what)


gram_distance.slips = {
    "Both Gram matrices are divided by the positions of the first picture. Each has its own number of positions."
    " With equal sizes nobody notices.": partial(style_distance, positions=lambda here, there: (here, here)),
    "Both Gram matrices are divided by the positions of the sample. Each has its own number of positions.": (
        partial(style_distance, positions=lambda here, there: (there, there))
    ),
    "The numbers of positions are exchanged: each Gram matrix is divided by its own.": (
        partial(style_distance, positions=lambda here, there: (there, here))
    ),
    "The Gram matrices are not divided by their numbers of positions.": (
        partial(style_distance, positions=lambda here, there: (1, 1))
    ),
    "The factor 1 / (4 C^2) is missing.": partial(style_distance, factor=lambda c: 1),
    "The factor is 1 / (4 C^2), with C squared.": partial(style_distance, factor=lambda c: 4 * c),
    "The 4 in the factor 1 / (4 C^2) is missing.": partial(style_distance, factor=lambda c: c**2),
    "You compared the feature maps through the absolute difference of Gram matrices; square it.": (
        partial(style_distance, error=torch.abs)
    ),
    "You divided by C as well in the Gram matrices: C * H * W. Divide by H * W.": (
        lambda maps, wanted: style_distance(maps, wanted) / len(maps) ** 2
    ),
}


QUIZ = read_quiz("""
Efros-Leung copies every pixel from the sample. Why is the result not a plain copy of the sample?
- For each pixel several places of the sample fit equally well, and one is drawn by chance.
  Beside a copied pixel its own place fits exactly, and nothing else is in the draw. You counted: draws are rare.
+ A copied piece ends at the rim of the sample or at a seam, and there another place goes on.
  Yes. Until then its own place fits exactly. Where a window meets a seam, no window does.
- Noise is added to each pixel, so that no two of them stay the same.
  No value is changed: every output pixel occurs in the sample.
- The window is too small to see the whole sample when a pixel is chosen.
  With a small window, too, the place beside the copied pixel fits exactly, so a piece is copied.

A texture has stripes of two colors, each 10 pixels wide. Which window can be relied on to keep them in step?
- 3 x 3: it is the fastest.
  It sees only the next pixel; it cannot know when the next stripe is due.
- 5 x 5: half a stripe is enough.
  It looks back 2 pixels, since only about half of a window is written. It may succeed by luck.
+ 21 x 21: clearly larger than a stripe.
  Yes: it looks back 10 pixels, a whole stripe, so it sees an edge, and when the next one is due.
- Every window, since the pixels are copied.
  Copied pixels in the wrong places are still in the wrong places.

You shuffle all positions of a feature map, the same way in each channel. What happens to the Gram matrix?
+ It stays the same.
  Yes: it is a sum over positions, and a sum does not know the order.
- It becomes diagonal.
  Channels that were active together are still active together, only elsewhere.
- It is shuffled as well.
  Its rows and columns are channels; no channel has moved.
- It becomes zero on average.
  The products at each position are the same numbers as before.

From relu1_1 to relu3_1 whole stones appeared in the texture. What can a deeper layer keep together?
- More structures at the same time: one for each of its many channels.
  relu5_1 has as many channels as relu4_1, but sees more than twice as far.
+ What lies inside the piece of the picture that one position sees.
  Yes: its receptive field, 3 pixels for relu1_1, 24 for relu3_1. It can be kept; it need not be.
- Nothing more: the losses of the layers are only added up to one number.
  Each layer's loss holds products of other features. With relu1_1 alone there were no stones.
- What belongs to the same object, by its name.
  The Gram matrices know no names; this network does not even have its classifier.
""")
