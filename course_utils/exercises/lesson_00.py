"""Checks of lesson 00: start here."""

from __future__ import annotations

import torch

from course_utils.exercises.compare import close
from course_utils.exercises.machine import Call, Draw, exercise
from course_utils.exercises.quizzes import Question


@exercise("00.1", "brightness")
def brightness(call: Call, draw: Draw) -> None:
    images = draw.images(draw.integer(2, 4))
    right = images.mean((1, 2, 3))
    close(
        call(images),
        right,
        what="the brightness",
        causes={
            "You took the mean over all images together. Each image has its own brightness.": images.mean(),
            "You added the values up; divide by how many there are.": images.sum((1, 2, 3)),
            "You took the mean over the positions only: one number is left for each color. Average over the colors as well.":
                images.mean((2, 3)),
            "You took the mean over the colors only: a whole picture is left for each image.": images.mean(1),
            "You took the mean over the batch (dimension 0). Dimension 0 counts the images: keep it.": images.mean(0),
            "You took the largest value, not the mean.": images.amax((1, 2, 3)),
            "Only the first image is used.": right[:1],
            "Only the first color is used.": images[:, 0].mean((1, 2)),
        },
    )  # fmt: skip


@exercise("00.3", "softmax")
def softmax(call: Call, draw: Draw) -> None:
    scores = 3 * draw.normal(draw.integer(2, 4), draw.integer(5, 7))
    shift = torch.tensor(draw.number(0.5, 2))
    powers = scores.exp()
    close(
        call(scores + shift),
        scores.softmax(1),
        what="the probabilities",
        causes={
            "You normalized over the images (dimension 0). The probabilities of one image, a row, add up to 1.":
                lambda: (scores + shift).softmax(0),
            "You divided by the sum over the whole batch; each row has its own sum.": powers / powers.sum(),
            "The exponentials are not divided by their sum.": (scores + shift).exp(),
            "You divided the scores by their sum without taking exponentials.":
                (scores + shift) / (scores + shift).sum(1, keepdim=True),
            "You divided by the largest exponential, not by the sum.": powers / powers.amax(1, keepdim=True),
            "This is the logarithm of the probabilities.": scores.log_softmax(1),
            "You took powers of 2, not of e.": torch.softmax((scores + shift) * torch.log(torch.tensor(2.0)), 1),
            "The sign is wrong: the largest score should get the largest probability.": (-scores).softmax(1),
        },
    )  # fmt: skip
    large = scores + 2000
    close(
        call(large),
        scores.softmax(1),
        what="the probabilities of scores near 2000",
        causes={
            "exp(2000) is infinity. Subtract the largest score of each row first: that changes no probability.":
                torch.full_like(scores, float("nan")),
        },
    )  # fmt: skip
    far = scores - 2000 * torch.arange(1, len(scores) + 1)[:, None]
    close(
        call(far),
        scores.softmax(1),
        what="the probabilities of very negative scores",
        causes={
            "You subtracted the largest score of the whole batch, so other rows vanish. Each row has its own largest score.":
                lambda: (far - far.max()).exp() / (far - far.max()).exp().sum(1, keepdim=True),
            "All exponentials are 0, and 0 / 0 is not a number. Subtract the largest score of each row first.":
                torch.full_like(scores, float("nan")),
        },
    )  # fmt: skip


@exercise("00.4", "top_classes")
def top_classes(call: Call, draw: Draw) -> None:
    count, k = draw.integer(6, 9), draw.integer(2, 4)
    scores = draw.normal(draw.integer(2, 3), count)
    order = scores.argsort(1, descending=True)
    close(
        call(scores, k),
        order[:, :k],
        what="the best classes",
        causes={
            "These are the scores of the best classes. Return their indices.": scores.gather(1, order[:, :k]),
            "These are the worst classes: sort from large to small.": scores.argsort(1)[:, :k],
            "The best class should come first.": order[:, :k].flip(1),
            "You sorted over the images (dimension 0); the classes lie along dimension 1.":
                scores.argsort(0, descending=True)[:, :k],
            "You ranked by the size of the score without its sign.": scores.abs().argsort(1, descending=True)[:, :k],
            "You returned all classes; keep the first k.": order,
            "You returned one class only.": order[:, 0],
            "You returned the classes in the order of their index, not from best to worst.": order[:, :k].sort(1).values,
        },
    )  # fmt: skip


@exercise("00.2", "normalize")
def normalize(call: Call, draw: Draw) -> None:
    images = draw.images(
        draw.integer(2, 4), draw.integer(4, 6), 3
    )  # 3 wide: a mean of shape (3,) broadcasts to the width
    mean, std = draw.uniform(3, low=0.3, high=0.6), draw.uniform(3, low=0.2, high=0.4)
    m, s = mean.view(3, 1, 1), std.view(3, 1, 1)
    close(
        call(images, mean, std),
        (images - m) / s,
        what="the normalized images",
        causes={
            "The three means were subtracted from the three columns, not from the three colors: a tensor of shape (3,) lines up with the "
            "last dimension. Give it the shape (3, 1, 1).": (images - mean) / std,
            "You multiplied by the standard deviation; divide by it.": (images - m) * s,
            "You divided first and subtracted the mean afterwards.": images / s - m,
            "The mean is not subtracted.": images / s,
            "It is not divided by the standard deviation.": images - m,
            "You added the mean; subtract it.": (images + m) / s,
            "You used the mean of these images. The network was trained with fixed numbers: use the given ones.":
                lambda: (images - images.mean((0, 2, 3)).view(3, 1, 1)) / s,
        },
    )  # fmt: skip


QUIZ = (
    Question(
        "What does a classifier of this course take in?",
        (
            ("A file name.", "Files are read by `photo`; the network takes numbers."),
            ("A tensor (N, 3, H, W): N images, three colors, values from 0 to 1.", "Yes. Everywhere in the course, for every network."),
            ("A tensor (H, W, 3) with values from 0 to 255.", "That is how many image files are stored; here the color comes before the position, and values end at 1."),
            ("A list of class names.", "Names come out, not in."),
        ),
        1,
    ),
    Question(
        "The scores of one image are (2, 2, 2, 2). What are the probabilities?",
        (
            ("(2, 2, 2, 2)", "Probabilities add up to 1."),
            ("(0.25, 0.25, 0.25, 0.25)", "Yes: equal scores give equal probabilities, whatever the scores are."),
            ("(0.5, 0.5, 0.5, 0.5)", "These add up to 2."),
            ("It depends on the network.", "The softmax is a fixed formula."),
        ),
        1,
    ),
    Question(
        "You add 100 to all scores of an image. What happens to the probabilities?",
        (
            ("They grow.", "They still add up to 1."),
            ("Nothing.", "Yes: the factor exp(100) stands above and below the fraction and cancels. That is why you may subtract the largest score."),
            ("They all become equal.", "The differences between the scores stay."),
            ("They become infinite.", "Only if the program is written without care."),
        ),
        1,
    ),
    Question(
        "The network says 'cannon' with probability 0.99. What do you know?",
        (
            ("There is a cannon in the photo.", "Often, but lesson 10 makes it say so for a photo of anything."),
            ("Its score for 'cannon' is far above its other scores.", "Yes, and no more than that. Why it is so high is the question of this course."),
            ("99 of 100 such photos show a cannon.", "Only if the network is well calibrated; nobody has checked that here."),
            ("It looked at the cannon.", "It may have looked at the grass around it: see lesson 07."),
        ),
        1,
    ),
)  # fmt: skip
