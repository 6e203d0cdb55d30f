"""Checks of lesson 13: texture, pixel by pixel and by Gram matrices."""

from __future__ import annotations

import torch
from torch import Tensor

from course_utils.exercises.compare import close, number, require
from course_utils.exercises.machine import Call, Draw, exercise
from course_utils.exercises.quizzes import Question


@exercise("13.1", "window_distance")
def window_distance(call: Call, draw: Draw) -> None:
    side, count = draw.choice([3, 5]), draw.integer(6, 9)
    window, patches = draw.uniform(3, side, side), draw.uniform(count, 3, side, side)
    weights = draw.uniform(side, side, low=0.1, high=1.0)
    known = (draw.uniform(side, side) < 0.6).double()
    known[0, 0], known[side // 2, side // 2], known[0, 1] = 1, 0, 0
    window = window * known  # pixels that are not written yet hold 0
    squares = (patches - window).square()
    both = known * weights

    def average(values: Tensor, over: Tensor) -> Tensor:
        return (values * over).sum((1, 2, 3)) / over.sum()

    close(
        call(window, known, weights, patches),
        average(squares, both),
        what="the distances",
        causes={
            "You compared all pixels of the window. Those that are not written yet must not count: multiply by `known`.":
                average(squares, weights),
            "You compared only known pixels, but divided by the sum of all weights. Divide by the weights of the known ones.":
                (squares * both).sum((1, 2, 3)) / weights.sum(),
            "The weights are missing: pixels close to the middle count more.": average(squares, known),
            "Neither `known` nor `weights` is used.": squares.mean((1, 2, 3)),
            "You did not divide by the sum of the weights of the known pixels.": (squares * both).sum((1, 2, 3)),
            "You divided by the number of known pixels. Divide by the sum of their weights.":
                (squares * both).sum((1, 2, 3)) / known.sum(),
            "You took absolute differences; the distance adds up squares.": average((patches - window).abs(), both),
            "You weighted the differences and then squared: the weights are squared as well.":
                (squares * both**2).sum((1, 2, 3)) / both.sum(),
            "You divided by 3, or took the mean over the colors; add the colors up.": average(squares, both) / 3,
            "You took a square root at the end; the distance stays squared.": average(squares, both).sqrt(),
        },
    )  # fmt: skip


@exercise("13.2", "choose")
def choose(call: Call, draw: Draw) -> None:
    distances = draw.uniform(draw.integer(12, 16), low=0.2, high=0.6)
    order = torch.randperm(len(distances), generator=torch.Generator().manual_seed(draw.integer(0, 10**6)))
    smallest = draw.number(0.10, 0.12)
    good = sorted(order[:5].tolist())
    distances[good] = smallest * torch.tensor([1.25, 1.0, 1.28, 1.1, 1.2], dtype=torch.float64)
    tolerance, picks = 0.3, []
    asked = [0.05, 0.25, 0.45, 0.65, 0.85]
    got = [number(call(distances, tolerance, u), what="the index") for u in asked]
    for value in got:
        require(
            value in range(len(distances)),
            "the index is not one of a distance.",
            detail=f"you returned {value} for {len(distances)} distances.",
            cause="Return the place in `distances`, a whole number from 0.",
        )
    picks = [int(v) for v in got]
    best = int(distances.argmin())
    require(
        not all(p == best for p in picks),
        "the index is always that of the smallest distance.",
        cause="With the best match alone the texture repeats itself. Draw one of the matches that are nearly as good.",
    )
    positions = [0, 1, 2, 3, 4]
    require(
        picks != positions,
        "the index is the number among the good ones.",
        cause="You returned the place in the list of good matches. Return the place in `distances`: good[k], not k.",
    )
    bad = [p for p in picks if p not in good]
    absolute = (distances <= distances.min() + tolerance).nonzero().flatten().tolist()
    if bad:
        everything = [int(u * len(distances)) for u in asked]
        if picks == everything:
            cause = "You drew from all matches. Only those with a distance of at most (1 + tolerance) times the smallest may be drawn."
        elif picks == [absolute[int(u * len(absolute))] for u in asked]:
            cause = "You added the tolerance to the smallest distance. It is a share: multiply by (1 + tolerance)."
        else:
            cause = ""
        require(False, "you chose a match whose distance is too large.", cause=cause)
    by_distance = sorted(good, key=lambda i: distances[i].item())
    mutual = {
        "You sorted the good matches by distance. Keep them in the order in which they stand.": by_distance,
        "You counted from the end: u = 0 is the first good match.": good[::-1],
    }
    cause = next((text for text, order_ in mutual.items() if picks == order_), "")
    if not cause and len(set(picks)) < 5:
        cause = "Some good match is never chosen. The limit is (1 + tolerance) times the smallest; the number is int(u * how many)."
    require(picks == good, "the index is another one of the good matches.", cause=cause)
    exact = torch.tensor([4.0, 2.0, 3.0, 2.0], dtype=torch.float64)
    edge = [int(number(call(exact, 0.5, u), what="the index")) for u in (0.0, 0.4, 0.9)]
    require(
        edge == [1, 2, 3],
        "a distance that equals the limit should count.",
        cause="Compare with <=, not with <. (With tolerance 0 the best match itself would be lost.)",
    )


def _causal(image: Tensor, y: int, x: int, half: int, *, wrap: bool = True) -> Tensor:
    height, width = image.shape[1:]
    places = [(dy, dx) for dy in range(-half, 1) for dx in range(-half, half + 1) if dy < 0 or dx < 0]
    return _pixels(image, [(y + dy, x + dx) for dy, dx in places], wrap=wrap)


def _pixels(image: Tensor, places: list[tuple[int, int]], *, wrap: bool = True) -> Tensor:
    height, width = image.shape[1:]
    if not wrap:
        places = [(min(max(y, 0), height - 1), min(max(x, 0), width - 1)) for y, x in places]
    return torch.stack([image[:, y % height, x % width] for y, x in places])


@exercise("13.3", "causal_neighborhood")
def causal_neighborhood(call: Call, draw: Draw) -> None:
    half = draw.choice([1, 2])
    image = draw.uniform(3, draw.integer(7, 8), draw.integer(9, 11))
    height, width = image.shape[1:]
    columns = range(-half, half + 1)
    for y, x in ((half + 1, half + 2), (0, width - 1), (height - 1, 0)):
        above = [(y + dy, x + dx) for dy in range(-half, 0) for dx in columns]
        left = [(y, x + dx) for dx in range(-half, 0)]
        full = [(y + dy, x + dx) for dy in columns for dx in columns]
        by_columns = [(y + dy, x + dx) for dx in columns for dy in range(-half, 1) if dy < 0 or dx < 0]
        right = _causal(image, y, x, half)
        close(
            call(image, y, x, half),
            right,
            what="the neighborhood",
            causes={
                "The pixel itself is in the neighborhood. It is not written yet.":
                    _pixels(image, [*above, *left, (y, x)]),
                "The row of the pixel has pixels to its right. They are not written yet.":
                    _pixels(image, [*above, *[(y, x + dx) for dx in columns]]),
                "The neighborhood is the whole window. Only the rows above, and the pixels to the left, are written.":
                    _pixels(image, full),
                "The whole window without its middle is too much: the pixels to the right and below are not written yet.":
                    _pixels(image, [p for p in full if p != (y, x)]),
                "The pixels to the left in the same row are missing.": _pixels(image, above),
                "Rows above the pixel have smaller row numbers: you took rows below it.":
                    _pixels(image, [*[(y - dy, x + dx) for dy in range(-half, 0) for dx in columns], *left]),
                "Rows and columns are exchanged: image[:, y, x].":
                    _pixels(image, [(x + dx, y + dy) for dy in range(-half, 1) for dx in columns if dy < 0 or dx < 0]),
                "The pixels come column by column. Go row by row, from left to right.": _pixels(image, by_columns),
                "At the border you repeat the last pixel. Here what leaves the picture at one side enters at the other: use %.":
                    _causal(image, y, x, half, wrap=False),
                "The shape is (3, K); it should be (K, 3): one row for each pixel.": right.T,
            },
        )  # fmt: skip


@exercise("13.4", "gram")
def gram(call: Call, draw: Draw) -> None:
    count, channels = draw.integer(2, 3), draw.integer(4, 6)
    maps = draw.normal(count, channels, draw.integer(3, 4), draw.integer(5, 6)) + 0.3
    height, width = maps.shape[2:]
    flat = maps.flatten(2)
    total = flat @ flat.transpose(1, 2)
    right = total / (height * width)
    centered = flat - flat.mean(2, keepdim=True)
    mixed = maps.reshape(count, height * width, channels)
    length = flat.norm(dim=2)
    close(
        call(maps),
        right,
        what="the Gram matrices",
        causes={
            "You did not divide by the number of positions H * W.": total,
            "You divided by C * H * W. Here the sum over positions is divided by H * W.": right / channels,
            "You divided by the number of channels. Divide by the number of positions H * W.": total / channels,
            "You divided by the number of images as well. Each image has its own Gram matrix.": right / count,
            "You subtracted each channel's mean first: that is a covariance. The Gram matrix keeps the means.":
                centered @ centered.transpose(1, 2) / (height * width),
            "You multiplied the other way round: that compares positions (H * W of them), not channels.":
                flat.transpose(1, 2) @ flat / (height * width),
            "You reshaped to (N, H * W, C). That does not move the channels to the end, it mixes channels and positions; "
            "use flatten(2) or permute.": mixed.transpose(1, 2) @ mixed / (height * width),
            "You mixed the images of the batch: each image has its own matrix.":
                right.mean(0, keepdim=True).expand_as(right),
            "You returned one matrix for the whole batch; each image has its own.": right.mean(0),
            "You divided each channel by its length: that is a cosine. The Gram matrix keeps how strong a channel is.":
                total / (length[:, :, None] * length[:, None, :]),
            "You averaged each channel over its positions before you multiplied. Multiply at each position, then average.":
                flat.mean(2)[:, :, None] * flat.mean(2)[:, None, :],
        },
    )  # fmt: skip


@exercise("13.5", "gram_distance")
def gram_distance(call: Call, draw: Draw) -> None:
    channels = draw.choice([3, 5])  # not 4: the factor 1 / (4 C^2) should not hide a slip
    same = draw.choice([3, 4])
    for sizes in (((same, 5), (same, 5)), ((4, draw.integer(5, 6)), (3, draw.integer(7, 8)))):
        maps, wanted = draw.normal(channels, *sizes[0]) + 0.4, draw.normal(channels, *sizes[1]) + 0.2
        a, b = maps.flatten(1), wanted.flatten(1)
        m, k = a.shape[1], b.shape[1]
        gram, target = a @ a.T, b @ b.T

        def loss(x: Tensor, y: Tensor) -> Tensor:
            return (x - y).square().sum() / (4 * channels**2)

        close(
            number(call(maps, wanted), what="the distance"),
            loss(gram / m, target / k),
            what="the distance",
            causes={
                "Both Gram matrices are divided by the positions of the first picture. Each has its own number of positions."
                " With equal sizes nobody notices.": loss(gram / m, target / m),
                "Both Gram matrices are divided by the positions of the sample. Each has its own number of positions.":
                    loss(gram / k, target / k),
                "The numbers of positions are exchanged: each Gram matrix is divided by its own.": loss(gram / k, target / m),
                "The Gram matrices are not divided by their numbers of positions.": loss(gram, target),
                "The factor 1 / (4 C^2) is missing.": loss(gram / m, target / k) * 4 * channels**2,
                "The factor is 1 / (4 C^2), with C squared.": loss(gram / m, target / k) * channels,
                "The 4 in the factor 1 / (4 C^2) is missing.": loss(gram / m, target / k) * 4,
                "You compared the feature maps through the absolute difference of Gram matrices; square it.":
                    (gram / m - target / k).abs().sum() / (4 * channels**2),
                "You divided by C as well in the Gram matrices: C * H * W. Divide by H * W.":
                    loss(gram / m, target / k) / channels**2,
            },
        )  # fmt: skip


QUIZ = (
    Question(
        "Efros-Leung copies every pixel from the sample. Why is the result not a plain copy of the sample?",
        (
            ("It is drawn at another scale.", "The scale stays the same: elements are as large as in the sample."),
            ("Each pixel is drawn from several places that fit about equally well, and the places change from pixel to pixel.", "Yes. With tolerance 0 and a large window, long pieces are copied."),
            ("Noise is added to the pixels.", "No value is changed: every output pixel occurs in the sample."),
            ("The window is too small to see the sample.", "A small window makes the result less ordered, but the reason is the draw among several places."),
        ),
        1,
    ),
    Question(
        "A texture has stripes that repeat every 20 pixels. Which window can keep the stripes in step?",
        (
            ("3 x 3: it is the fastest.", "It sees only the next pixel; it cannot know when the next stripe is due."),
            ("11 x 11: half a period is enough.", "A window half a period wide often lies inside one stripe and sees no edge."),
            ("A window of at least about 20 pixels.", "Yes: it always sees where it is inside a period."),
            ("Every window, since the pixels are copied.", "Copied pixels in the wrong places are still in the wrong places."),
        ),
        2,
    ),
    Question(
        "You shuffle all positions of a feature map, the same way in each channel. What happens to the Gram matrix?",
        (
            ("It stays the same.", "Yes: it is a sum over positions, and a sum does not know the order."),
            ("It becomes diagonal.", "Channels that were active together are still active together, only elsewhere."),
            ("It is shuffled as well.", "Its rows and columns are channels; no channel has moved."),
            ("It becomes zero on average.", "The products at each position are the same numbers as before."),
        ),
        0,
    ),
    Question(
        "Why do Gram matrices of deep layers bring larger structures into the texture?",
        (
            ("Deep layers have more channels.", "relu5_1 has as many channels as relu4_1, but makes larger structures."),
            ("One position of a deep layer sees a large piece of the picture.", "Yes: its receptive field. What is inside it is kept together; beyond it, order is lost."),
            ("Deep layers are weighted more.", "All layers have the same weight here."),
            ("Deep layers know what objects are called.", "The Gram matrices know no names; this network does not even have its classifier."),
        ),
        1,
    ),
)  # fmt: skip
