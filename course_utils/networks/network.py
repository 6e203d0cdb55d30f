"""A network that takes pictures as people have them, and knows its own layers, units and classes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from course_utils.errors import did_you_mean
from course_utils.validate import check_images


class Network(nn.Module):
    """An eval-mode, gradient-free network that takes `(N, 3, H, W)` RGB images in [0, 1] and normalizes inside.

    Attributes:
        name: what `load_network` calls it.
        model: the wrapped module; layer names are dotted paths inside it.
        mean, std: of each color channel, `(1, C, 1, 1)`; the model sees `(images - mean) / std`.
        categories: the class names in order of their index, or None for a network without a classifier.
        input_size: side in pixels of the square images it was trained on.
        layers: the names of all its layers, in the order in which they are defined.
        aliases: other names of layers, such as the VGG paper's `relu4_2`.
        feature_layer: the layer whose output is "the last-layer features" of an image.
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        name: str,
        mean: Sequence[float] = (0.0, 0.0, 0.0),
        std: Sequence[float] = (1.0, 1.0, 1.0),
        categories: Sequence[str] | None = None,
        input_size: int = 224,
        aliases: dict[str, str] | None = None,
        feature_layer: str | None = None,
    ):
        super().__init__()
        self.model = model
        self.name = name
        self.categories = list(categories) if categories is not None else None
        self.input_size = input_size
        self.aliases = dict(aliases or {})
        self.feature_layer = feature_layer
        self.channels = len(mean)
        reference = next(model.parameters(), torch.zeros(()))
        self.register_buffer("mean", torch.tensor(mean, dtype=reference.dtype).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std, dtype=reference.dtype).view(1, -1, 1, 1), persistent=False)
        self._modules_by_name = {n: m for n, m in model.named_modules() if n and not isinstance(m, nn.Identity)}
        self.requires_grad_(False)
        self.eval()

    def forward(self, images: Tensor) -> Tensor:
        """Class scores `(N, classes)` before the softmax; without a classifier, the last feature maps."""
        return self.model(self.normalize(images))

    def normalize(self, images: Tensor) -> Tensor:
        """What the wrapped model sees: `(images - mean) / std`, channel by channel."""
        return (images - self.mean) / self.std

    @property
    def layers(self) -> list[str]:
        return list(self._modules_by_name)

    @property
    def device(self) -> torch.device:
        return self.mean.device

    def layer_name(self, layer: str) -> str:
        """The dotted path of a layer given by its path or alias; a one-line error that names what exists."""
        name = self.aliases.get(layer, layer)
        if name not in self._modules_by_name:
            known = [*self.aliases, *self._modules_by_name]
            shown = list(self.aliases) or self.layers
            all_of_them = f"Its layers: {', '.join(shown[:8])}{', ...' if len(shown) > 8 else ''} (see net.layers)."
            raise ValueError(f"{self.name} has no layer {layer!r}. {did_you_mean(layer, known) or all_of_them}")
        return name

    def layer(self, layer: str) -> nn.Module:
        """The module at a dotted path or alias."""
        return self._modules_by_name[self.layer_name(layer)]

    def unit(self, unit: str) -> tuple[str, int]:
        """Split `"relu5_1:137"` into the layer's dotted path and the channel."""
        layer, colon, channel = str(unit).rpartition(":")
        if not colon or not channel.isdigit():
            raise ValueError(f'A unit is written "layer:channel", for example "{self.layers[-1]}:0"; not {unit!r}.')
        return self.layer_name(layer), int(channel)

    def class_index(self, category: int | str) -> int:
        """The index of a class given by its name (or by its index)."""
        if self.categories is None:
            raise ValueError(
                f"{self.name} has no classifier, so it has no classes; use efficientnet_lite0, for example."
            )
        if isinstance(category, str):
            names = {c.lower(): i for i, c in reversed(list(enumerate(self.categories)))}
            if category.lower() not in names:
                hint = did_you_mean(category.lower(), names) or "See net.categories."
                raise ValueError(f"{self.name} has no class {category!r}. {hint}")
            return names[category.lower()]
        if not 0 <= int(category) < len(self.categories):
            raise ValueError(
                f"Class {category} is out of range: {self.name} has classes 0 to {len(self.categories) - 1}."
            )
        return int(category)

    def category(self, index: int) -> str:
        """The name of a class."""
        return self.categories[self.class_index(int(index))]

    @torch.no_grad()
    def predict(self, images: Tensor, k: int = 5) -> list[list[tuple[str, float]]]:
        """The `k` most probable classes of each image, as `(name, probability)` pairs, best first."""
        self.class_index(0)
        probabilities = self(check_images(self, images)).softmax(1)
        top = probabilities.topk(min(k, probabilities.shape[1]), dim=1)
        return [
            [(self.categories[i], p) for i, p in zip(row_i, row_p, strict=True)]
            for row_i, row_p in zip(top.indices.tolist(), top.values.tolist(), strict=True)
        ]

    def __repr__(self) -> str:
        classes = f"{len(self.categories)} classes" if self.categories else "no classifier"
        weights = sum(p.numel() for p in self.parameters())
        size = f"{weights / 1e6:.1f} M weights, {len(self.layers)} layers"
        return f"Network({self.name!r}, {classes}, {size}, {self.device})"


def is_unit(target: object) -> bool:
    """Whether a target is written as a unit, "layer:channel" (see `Network.unit`), and not as a class."""
    return isinstance(target, str) and ":" in target


@contextmanager
def frozen(net: nn.Module) -> Iterator[nn.Module]:
    """Run a block with `net` in eval mode and without parameter gradients; afterwards every flag is as it was.

    Yields:
        `net` itself.
    """
    modes = [(m, m.training) for m in net.modules()]
    flags = [(p, p.requires_grad) for p in net.parameters()]
    try:
        net.eval()
        net.requires_grad_(False)
        yield net
    finally:
        for module, mode in modes:
            module.training = mode
        for parameter, flag in flags:
            parameter.requires_grad_(flag)
