"""Checks of lesson 00: start here."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from course_utils.exercises.apart import apart
from course_utils.exercises.compare import close
from course_utils.exercises.machine import Call, Draw, exercise
from course_utils.exercises.quizzes import read_quiz


@exercise("00.1", "brightness")
def brightness(call: Call, draw: Draw) -> None:
    tall = draw.images(1, draw.integer(11, 12), draw.integer(8, 9))
    for images in (draw.images(draw.integer(2, 4)), tall):
        close(call(images), images.mean((1, 2, 3)), what="the brightness")


brightness.slips = {
    "You took the mean over all images together. Each image has its own brightness.": torch.mean,
    "You added the values up; divide by how many there are.": lambda images: images.sum((1, 2, 3)),
    "You took the mean over the positions only: one number is left for each color. Average over the colors as well.": (
        lambda images: images.mean((2, 3))
    ),
    "You took the mean over the colors only: a whole picture is left for each image.": lambda images: images.mean(1),
    "You took the mean over the batch (dimension 0). Dimension 0 counts the images: keep it.": (
        lambda images: images.mean(0)
    ),
    "You took the largest value, not the mean.": lambda images: images.amax((1, 2, 3)),
    "Only the first image is used.": lambda images: images[:1].mean((1, 2, 3)),
    "Only the first color is used.": lambda images: images[:, 0].mean((1, 2)),
    "All images got the same number. Each image has its own brightness.": lambda images: images.mean().repeat(
        len(images)
    ),
}


@exercise("00.3", "softmax")
def softmax(call: Call, draw: Draw) -> None:
    # multiples of 1/64: float32 holds them exactly, near 2000 as well
    scores = draw.normal(draw.integer(2, 4), draw.integer(5, 7)).mul(192).round() / 64
    right = scores.softmax(1)
    close(call(scores + draw.integer(2, 8) / 4), right, what="the probabilities")
    close(call(scores + 2000), right, what="the probabilities of scores near 2000")
    far = scores - 2000 * torch.arange(1, len(scores) + 1)[:, None]
    close(call(far), right, what="the probabilities of very negative scores")
    wide = scores[:1].clone()
    wide[0, 1] -= 2000
    wide[0, 2:4] += 2000
    close(call(wide), wide.softmax(1), what="the probabilities of a row with scores near 2000 and near -2000")


def shares(powers: Tensor) -> Tensor:
    return powers / powers.sum(1, keepdim=True)


softmax.slips = {
    "You normalized over the images (dimension 0). The probabilities of one image, a row, add up to 1.": (
        lambda scores: scores.softmax(0)
    ),
    "You divided by the sum over the whole batch; each row has its own sum.": (
        lambda scores: scores.exp() / scores.exp().sum()
    ),
    "The exponentials are not divided by their sum.": torch.exp,
    "You divided the scores by their sum without taking exponentials.": shares,
    "You divided by the largest exponential, not by the sum.": (
        lambda scores: (scores - scores.amax(1, keepdim=True)).exp()
    ),
    "This is the logarithm of the probabilities.": lambda scores: scores.log_softmax(1),
    "You took powers of 2, not of e.": lambda scores: (math.log(2) * scores).softmax(1),
    "The sign is wrong: the largest score should get the largest probability.": lambda scores: (-scores).softmax(1),
    "exp(2000) is infinity. Subtract the largest score of each row first: that changes no probability.": (
        lambda scores: shares(scores.exp())
    ),
    "You subtracted the largest score of the whole batch, so other rows vanish. Each row has its own largest score.": (
        lambda scores: shares((scores - scores.max()).exp())
    ),
    "All exponentials are 0, and 0 / 0 is not a number. Subtract the largest score of each row first.": (
        lambda scores: shares((scores - scores.amax(1, keepdim=True).clamp(min=0)).exp())
    ),
    "What you subtracted from each row is not its largest score, so an exponential can still be infinite.": (
        lambda scores: shares((scores - scores.mean(1, keepdim=True)).exp())
    ),
    "You subtracted the smallest score of each row, so the largest exponential can still be infinite. "
    "Subtract the largest.": lambda scores: shares((scores - scores.amin(1, keepdim=True)).exp()),
}


def ranked(scores, k) -> Tensor:
    return scores.argsort(1, descending=True)[:, :k]


@exercise("00.4", "top_classes")
def top_classes(call: Call, draw: Draw) -> None:
    count = draw.integer(6, 9)
    scores = apart(draw, draw.integer(2, 3), count)
    scores[0] -= 2  # a row where all scores are negative
    for rows, k in ((scores, draw.integer(2, 4)), (scores[:1], 1), (scores, count)):
        close(call(rows, k), ranked(rows, k), what="the best classes")


top_classes.slips = {
    "These are the scores of the best classes. Return their indices.": lambda scores, k: scores.topk(k).values,
    "These are the worst classes: sort from large to small.": lambda scores, k: ranked(-scores, k),
    "The best class should come first.": lambda scores, k: ranked(scores, k).flip(1),
    "You sorted over the images (dimension 0); the classes lie along dimension 1.": (
        lambda scores, k: scores.argsort(0, descending=True)[:, :k]
    ),
    "You ranked by the size of the score without its sign.": lambda scores, k: ranked(scores.abs(), k),
    "You returned all classes; keep the first k.": lambda scores, k: ranked(scores, None),
    "You returned one class only.": lambda scores, k: scores.argmax(1),
    "You returned the classes in the order of their index, not from best to worst.": (
        lambda scores, k: ranked(scores, k).sort(1).values
    ),
    "You returned which rank each of the first k classes has. Return the indices of the k best.": (
        lambda scores, k: ranked(scores, None).argsort(1)[:, :k]
    ),
}


def of_color(values: Tensor) -> Tensor:
    """`(3,)`, so that it lines up with the colors of `(N, 3, H, W)`."""
    return values.view(3, 1, 1)


def normal(images, mean, std) -> Tensor:
    return (images - of_color(mean)) / of_color(std)


@exercise("00.2", "normalize")
def normalize(call: Call, draw: Draw) -> None:
    # first 3 images of 3 x 3: three means fit any dimension there, and most of them give wrong values
    sizes = (3, 3, 3), (1, draw.integer(4, 6), draw.integer(7, 9)), (2, draw.integer(7, 9), draw.integer(4, 6))
    for size in sizes:
        inputs = draw.images(*size), draw.uniform(3, low=0.3, high=0.6), draw.uniform(3, low=0.2, high=0.4)
        close(call(*inputs), normal(*inputs), what="the normalized images")


normalize.slips = {
    "The three means were subtracted from the three columns, not from the three colors: "
    "a tensor of shape (3,) lines up with the last dimension. Give it the shape (3, 1, 1).": (
        lambda images, mean, std: (images - mean) / std
    ),
    "The three means were subtracted from the three rows, not from the three colors. Give them the shape (3, 1, 1).": (
        lambda images, mean, std: (images - mean.view(3, 1)) / std.view(3, 1)
    ),
    "Each image got a mean of its own, not each color. Give the means the shape (3, 1, 1).": (
        lambda images, mean, std: (images - mean.view(3, 1, 1, 1)) / std.view(3, 1, 1, 1)
    ),
    "The mean has the right shape. Give the standard deviation the shape (3, 1, 1) as well.": (
        lambda images, mean, std: (images - of_color(mean)) / std
    ),
    "All colors got the same mean and standard deviation. Each color has its own.": (
        lambda images, mean, std: normal(images, mean.mean().repeat(3), std.mean().repeat(3))
    ),
    "You used the mean and the standard deviation of these images. The network was trained with fixed numbers: "
    "use the given ones.": lambda images, mean, std: normal(images, images.mean((0, 2, 3)), images.std((0, 2, 3))),
    "You multiplied by the standard deviation; divide by it.": lambda images, mean, std: normal(images, mean, 1 / std),
    "You divided first and subtracted the mean afterwards.": lambda images, mean, std: normal(images, mean * std, std),
    "The mean is not subtracted.": lambda images, mean, std: normal(images, 0 * mean, std),
    "It is not divided by the standard deviation.": lambda images, mean, std: normal(images, mean, std**0),
    "You added the mean; subtract it.": lambda images, mean, std: normal(images, -mean, std),
    "You used the mean of these images. The network was trained with fixed numbers: use the given ones.": (
        lambda images, mean, std: normal(images, images.mean((0, 2, 3)), std)
    ),
}


QUIZ = read_quiz("""
What does a classifier of this course take in?
- The name or the path of an image file, which it opens by itself.
  Files are read by photo(...); the network takes numbers.
+ A tensor (N, 3, H, W) with values from 0 to 1.
  Yes: N images, three colors, H rows, W columns. Everywhere in the course, for every network.
- A tensor (H, W, 3) with values from 0 to 255.
  That is how many image files are stored; here the color comes before the position, and values end at 1.
- A list of class names, from which it chooses one.
  Names come out, not in.

The scores of one image are (2, 2, 2, 2). What are the probabilities?
- (2, 2, 2, 2)
  Probabilities add up to 1.
+ (0.25, 0.25, 0.25, 0.25)
  Yes: equal scores give equal probabilities, whatever the scores are.
- (0.50, 0.50, 0.50, 0.50)
  These add up to 2.
- It depends on the network that gave the scores.
  The softmax is a fixed formula.

You add 100 to all scores of an image. What happens to the probabilities?
- They grow.
  They still add up to 1.
+ Nothing.
  Yes: the factor exp(100) stands above and below the fraction and cancels. That is why you may subtract the largest
  score.
- They all become equal.
  The differences between the scores stay.
- They become infinite.
  Only if the program is written without care.

The network says 'cannon' with probability 0.99. What do you know?
- There is surely a cannon somewhere in the photo.
  Often, but lesson 10 makes it say so for a photo of anything.
+ Its score for 'cannon' is far above its other scores.
  Yes, and no more than that. Why it is so high is the question of this course.
- Of 100 such photos, 99 really show a cannon.
  Only if the network is well calibrated; nobody has checked that here.
- It looked at the cannon, not at what lies around it.
  It may have looked at the grass around it: see lesson 07.
""")
