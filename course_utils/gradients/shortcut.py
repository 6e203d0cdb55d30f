"""A planted shortcut: digits whose corner gives the label away, and a small network that learns the corner.

The lecture's "husky because of snow": the network is right for the wrong reason, its accuracy does not show it, and a
saliency map does.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Tensor, nn

from course_utils.networks.network import Network, frozen

SIZE = 16  # the 8 x 8 digits are drawn at twice their size
MARK = 2  # the mark is a 2 x 2 block in the top row


@cache
def _digits() -> tuple[Tensor, Tensor]:
    from sklearn.datasets import load_digits

    data = load_digits()
    images = torch.from_numpy(data.images / 16).float()[:, None]
    images = torch.nn.functional.interpolate(images, scale_factor=2, mode="bilinear", align_corners=False)
    images = torch.nn.functional.pad(images[:, :, 1:15, 1:15] * 0.8, (1, 1, 2, 0))
    return images, torch.from_numpy(data.target)


def digits(*, marked: bool = False, classes: int = 8) -> tuple[Tensor, Tensor]:
    """scikit-learn's handwritten digits 0 to `classes - 1`, as pictures of 16 x 16 pixels with an empty top row.

    Args:
        marked: put a white 2 x 2 block in the top row, at column 2 x label: the shortcut.
        classes: how many digits, at most 8.

    Returns:
        images `(N, 1, 16, 16)` in [0, 1], labels `(N,)`.
    """
    if not 2 <= classes <= SIZE // MARK:
        raise ValueError(f"classes must be from 2 to {SIZE // MARK}, not {classes}.")
    images, labels = _digits()
    keep = labels < classes
    images, labels = images[keep].clone(), labels[keep]
    if marked:
        images = mark(images, labels)
    return images, labels


def mark(images: Tensor, labels: Tensor) -> Tensor:
    """A copy of the pictures with the mark of the given labels."""
    images = images.clone()
    for index, label in enumerate(labels.tolist()):
        images[index, :, :MARK, MARK * label : MARK * label + MARK] = 1.0
    return images


def train_digit_net(images: Tensor, labels: Tensor, *, epochs: int = 12, lr: float = 3e-3, seed: int = 0) -> Network:
    """Train a small convolutional network on digits, in a few seconds.

    Args:
        images: `(N, 1, 16, 16)` in [0, 1].
        labels: `(N,)`.
        epochs, lr: of Adam, with batches of 64.
        seed: of the first weights and of the order of the images.
    """
    classes = int(labels.max()) + 1
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(32 * 4 * 4, classes),
        )  # fmt: skip
    order = np.random.default_rng(seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    with torch.enable_grad():
        for _ in range(epochs):
            for batch in torch.from_numpy(order.permutation(len(images))).split(64):
                loss = nn.functional.cross_entropy(model(images[batch]), labels[batch])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    names = [f"digit {i}" for i in range(classes)]
    return Network(model, name="digit net", mean=[0.0], std=[1.0], categories=names, input_size=SIZE)


@torch.no_grad()
def accuracy(net: Network, images: Tensor, labels: Tensor) -> float:
    """The share of pictures whose predicted class is the label."""
    with frozen(net):
        return (net(images.to(net.device)).argmax(1).cpu() == labels).float().mean().item()


def share_inside(heat: Tensor, rows: slice, columns: slice) -> Tensor:
    """The share of each map's total that lies in a box: `(N, H, W)` -> `(N,)`."""
    return heat[:, rows, columns].sum((1, 2)) / heat.sum((1, 2)).clamp_min(1e-30)
