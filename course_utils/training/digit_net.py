"""Train a small network on digits: with a planted mark it learns the mark (lesson 07)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from course_utils.networks.network import Network, frozen
from course_utils.stimuli.digits import SIZE


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
    """The share of pictures whose predicted class is the label.

    Args:
        net: a classifier.
        images: `(N, 1, 16, 16)` in [0, 1].
        labels: `(N,)`.
    """
    with frozen(net):
        return (net(images.to(net.device)).argmax(1).cpu() == labels).float().mean().item()
