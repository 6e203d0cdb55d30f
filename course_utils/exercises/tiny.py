"""Tiny networks whose answers can be known. A handle is a kind and a seed: both sides build the same network."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from course_utils.networks.network import Network

# of the colors, all different and far from 0 and 1: who forgets to normalize gets other numbers
_MEAN, _STD = (0.45, 0.3, 0.55), (0.4, 0.7, 0.25)

_KINDS: dict[str, Callable[..., nn.Module]] = {}


def kind(name: str):
    """Register a builder `f(channels, classes, **options) -> nn.Module`; its weights are drawn afterwards."""

    def register(build):
        _KINDS[name] = build
        return build

    return register


@kind("linear")
def _linear(channels: int, classes: int, *, height: int = 6, width: int = 8) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(channels * height * width, classes))


@kind("conv")
def _conv(channels: int, classes: int, *, inplace: bool = False, six: bool = False) -> nn.Module:
    """conv - ReLU - max pooling - conv - ReLU - mean over positions - linear; works on any size from 4 x 4."""

    def act() -> nn.Module:
        return nn.ReLU6(inplace) if six else nn.ReLU(inplace)

    return nn.Sequential(
        nn.Conv2d(channels, 6, 3, padding=1),
        act(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 8, 3, padding=1),
        act(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, classes),
    )


@kind("maps")
def _maps(channels: int, classes: int) -> nn.Module:
    """conv - ReLU - max pooling - conv - ReLU: ends in maps `(N, 8, H / 2, W / 2)`, as a layer of a larger network."""
    return nn.Sequential(
        nn.Conv2d(channels, 6, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 8, 3, padding=1),
        nn.ReLU(),
    )


@kind("painter")
def _painter(channels: int, classes: int) -> nn.Module:
    """Pictures in, pictures of the same size out: conv - ReLU - conv - sigmoid. Its weights can be trained."""
    return nn.Sequential(
        nn.Conv2d(channels, 5, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(5, channels, 3, padding=1),
        nn.Sigmoid(),
    )


class _Judge(nn.Module):
    """Pictures and their photos in, a loss for each picture out: the photo's features, and a fixed Gram matrix."""

    def __init__(self, channels: int):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(channels, 6, 3, padding=1), nn.Softplus())
        self.style = nn.Parameter(torch.zeros(6, 6))

    def forward(self, pictures: torch.Tensor, photos: torch.Tensor) -> torch.Tensor:
        now, before = self.features(pictures), self.features(photos)
        flat = now.flatten(2)
        gram = flat @ flat.transpose(1, 2) / flat.shape[2]
        return (now - before).square().mean((1, 2, 3)) + 2 * (gram - self.style).square().mean((1, 2))


@kind("judge")
def _judge(channels: int, classes: int) -> nn.Module:
    return _Judge(channels)


def tiny_net(
    kind: str = "conv", *, seed: int = 0, channels: int = 3, classes: int = 5, **options: object
) -> Network | nn.Module:
    """A tiny network with fixed random weights, the same on every machine.

    Args:
        kind: "linear" (one linear layer on the flattened image; options `height`, `width`), "conv" (two convolutions
            with ReLU and pooling, then a linear layer; options `inplace`, `six` for ReLU6), ... see the error for all.
        seed: of its weights.
        channels: of the images it takes.
        classes: how many scores it gives.
        options: of the kind.

    Returns:
        A `Network` in float64 that normalizes its images, with categories "class 0", "class 1", ... A "judge" is a
        plain module of two inputs.

    Raises:
        ValueError: no such kind.
    """
    if kind not in _KINDS:
        raise ValueError(f"there is no tiny network {kind!r}; there are {', '.join(_KINDS)}.")
    with torch.random.fork_rng(
        devices=[]
    ):  # modules draw weights when they are made: leave the caller's generator alone
        model = _KINDS[kind](channels, classes, **options).double()
    rng = np.random.default_rng([seed, *kind.encode()])
    for parameter in model.parameters():
        fan_in = parameter[0].numel() if parameter.ndim > 1 else 1
        scale = np.sqrt(2 / fan_in) if parameter.ndim > 1 else 0.1
        parameter.data = torch.from_numpy(rng.normal(0, scale, tuple(parameter.shape)))
    if kind == "judge":
        net = model.requires_grad_(False).eval()
        net.tiny_spec = [kind, {"seed": int(seed), "channels": channels, "classes": classes}]
        return net
    net = Network(
        model,
        name=f"tiny {kind}",
        mean=[_MEAN[c % 3] for c in range(channels)],
        std=[_STD[c % 3] for c in range(channels)],
        categories=[f"class {i}" for i in range(classes)],
        input_size=8,
    )
    net.requires_grad_(kind == "painter")  # all others stay as they are
    net.tiny_spec = [kind, {"seed": int(seed), "channels": channels, "classes": classes, **options}]
    return net
