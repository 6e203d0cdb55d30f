"""A network that takes pictures as people have them, and knows its own layers, units and classes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from numbers import Integral

import torch
from torch import Tensor, nn

from course_utils.errors import did_you_mean
from course_utils.validate import WrongSize, check_images, check_module, check_target, check_whole, plain, precise


class Network(nn.Module):
    """An eval-mode, gradient-free network that takes `(N, 3, H, W)` RGB images in [0, 1] and normalizes inside.

    Attributes:
        name: what `load_network` calls it.
        model: the wrapped module; layer names are dotted paths inside it, as it is now.
        mean, std: of each color channel, `(1, C, 1, 1)`; the model sees `(images - mean) / std`. They are where the
            model's weights are, and of their kind.
        categories: the class names in order of their index, or None for a network without a classifier.
        input_size: side in pixels of the square images it was trained on.
        layers: the names of all its layers, in the order in which they are defined.
        aliases: other names of layers, such as the VGG paper's `relu4_2`.
        feature_layer: the layer whose output is "the last-layer features" of an image; None for what goes into the
            last linear layer.
    """

    @torch.inference_mode(False)  # what is made in inference mode can never take part in a gradient
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
        like = next(model.parameters(), torch.zeros(()))
        for name, values in (("_mean", mean), ("_std", std)):
            values = torch.tensor(values, dtype=like.dtype, device=like.device)
            self.register_buffer(name, values.view(1, -1, 1, 1), persistent=False)
        self.requires_grad_(False)
        self.eval()

    def forward(self, images: Tensor) -> Tensor:
        """Class scores `(N, classes)` before the softmax; without a classifier, the last feature maps.

        Raises:
            TypeError: no tensor of numbers with a point goes in, or something else than one tensor comes out.
            ValueError: another number of channels, or a size that the model does not take.
        """
        if not isinstance(images, Tensor) or not images.is_floating_point() or images.layout != torch.strided:
            given = (
                f"a {images.layout} tensor of {images.dtype}" if isinstance(images, Tensor) else type(images).__name__
            )
            raise TypeError(f"{self.name} takes floating-point tensors (N, {self.channels}, H, W), not {given}.")
        if images.ndim > 2 and images.shape[-3] not in (1, self.channels):
            raise ValueError(f"{self.name} takes images of {self.channels} channels, not {tuple(images.shape)}.")
        try:
            output = self.model(self.normalize(images))
        except WrongSize:
            raise
        except (RuntimeError, AssertionError) as error:
            size, usual = tuple(images.shape[2:]), (self.input_size, self.input_size)
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            about_size = re.search("size|shape|dimension|height|width|small", reason, flags=re.IGNORECASE)
            if size == usual or len(size) != 2 or not (about_size or isinstance(error, AssertionError)):
                raise  # then it is something else
            raise WrongSize(
                f"{self.name} does not take images of {size[0]}x{size[1]} pixels; its own size is {usual[0]}x{usual[1]}"
                f" ({reason})"
            ) from None
        if not isinstance(output, Tensor):
            raise TypeError(
                f"{self.name} puts out a {type(output).__name__}, not one tensor. Wrap a module whose forward returns "
                "only the scores, and call net.eval() if it has more to say in train mode."
            )
        return output

    def normalize(self, images: Tensor) -> Tensor:
        """What the wrapped model sees: `(images - mean) / std`, channel by channel, where its weights are."""
        mean = self.mean
        return (images.to(mean) - mean) / self.std

    def _like(self, values: Tensor) -> Tensor:
        """On the device and in the dtype of the model's weights, also if only the model was moved."""
        weights = next(self.model.parameters(), None)
        return values if weights is None else values.to(weights)

    @property
    def mean(self) -> Tensor:
        return self._like(self._mean)

    @property
    def std(self) -> Tensor:
        return self._like(self._std)

    @property
    def layers(self) -> list[str]:
        return [n for n, m in self.model.named_modules() if n and not isinstance(m, nn.Identity)]

    @property
    def device(self) -> torch.device:
        return self.mean.device

    def layer_name(self, layer: str) -> str:
        """The dotted path of a layer given by its path or alias.

        Raises:
            ValueError: no such layer; the message names what exists.
        """
        name = self.aliases.get(str(layer), str(layer))
        if self._find(name) is None:
            known = [*self.aliases, *self.layers]
            shown = list(self.aliases) or self.layers
            all_of_them = f"Its layers: {', '.join(shown[:8])}{', ...' if len(shown) > 8 else ''} (see net.layers)."
            raise ValueError(f"{self.name} has no layer {layer!r}. {did_you_mean(layer, known) or all_of_them}")
        return name

    def layer(self, layer: str) -> nn.Module:
        """The module at a dotted path or alias.

        Raises:
            ValueError: no such layer, or one that was compiled by `torch.jit.script` or lies in what `torch.compile`
                made: nobody can look into it.
        """
        name = self.layer_name(layer)
        module = self._find(name)
        if isinstance(module, torch.jit.ScriptModule):
            raise ValueError(
                f"layer {layer!r} of {self.name} is scripted, and cannot be watched; wrap the model before."
            )
        path = name.split(".")
        if any(is_compiled(self.model.get_submodule(".".join(path[:depth]))) for depth in range(len(path))):
            raise ValueError(
                f"layer {layer!r} of {self.name} lies in what torch.compile made, and cannot be watched; "
                "wrap the model before it is compiled."
            )
        return module

    def _find(self, name: str) -> nn.Module | None:
        """The module at a path as the model is now, also if it was put there later; None if there is none."""
        try:
            module = self.model.get_submodule(name)
        except AttributeError:
            return None
        except RuntimeError:  # a scripted network only lists its modules
            module = dict(self.model.named_modules()).get(name)
        return None if not name or isinstance(module, nn.Identity) else module

    def unit(self, unit: str) -> tuple[str, int]:
        """Split `"relu5_1:137"` into the layer's dotted path and the channel.

        Raises:
            ValueError: not written like this, or no such layer.
        """
        layer, colon, channel = str(unit).rpartition(":")
        if not colon or not channel.isdigit():
            raise ValueError(f'A unit is written "layer:channel", for example "{self.layers[-1]}:0"; not {unit!r}.')
        return self.layer_name(layer), int(channel)

    def class_index(self, category: int | str) -> int:
        """The index of a class given by its name (or by its index).

        Raises:
            ValueError: no such class, or a network without classes.
            TypeError: neither a name nor a whole number.
        """
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
        number = plain(category)
        if isinstance(number, bool) or not isinstance(number, Integral):
            raise TypeError(f"a class is given by its index or its name, not by {category!r}.")
        if not 0 <= number < len(self.categories):
            raise ValueError(
                f"Class {category} is out of range: {self.name} has classes 0 to {len(self.categories) - 1}."
            )
        return int(number)

    def category(self, index: int) -> str:
        """The name of a class.

        Raises:
            ValueError, TypeError: as in `class_index`.
        """
        return self.categories[self.class_index(index)]

    @torch.no_grad()
    def predict(self, images: Tensor, k: int = 5) -> list[list[tuple[str, float]]]:
        """The `k` most probable classes of each image, as `(name, probability)` pairs, best first.

        Raises:
            TypeError, ValueError: images that are none (see `check_images`), a network without classes, or no `k`.
        """
        self.class_index(0)
        check_whole(k=k)
        with frozen(self):
            scores = self(check_images(self, images))
        check_target(self, None, scores)  # looks whether these are scores
        if scores.shape[1] > len(self.categories):
            raise ValueError(
                f"{self.name} puts out {scores.shape[1]} scores, and has {len(self.categories)} categories."
            )
        top = precise(scores).softmax(1).topk(min(k, scores.shape[1]), dim=1)
        return [
            [(self.categories[i], p) for i, p in zip(row_i, row_p, strict=True)]
            for row_i, row_p in zip(top.indices.tolist(), top.values.tolist(), strict=True)
        ]

    def __repr__(self) -> str:
        classes = f"{len(self.categories)} classes" if self.categories else "no classifier"
        weights = sum(p.numel() for p in self.parameters())
        size = f"{weights / 1e6:.1f} M weights, {len(self.layers)} layers"
        return f"Network({self.name!r}, {classes}, {size}, {self.device})"


def check_network(net: object) -> None:
    """Look whether something is a network whose layers have names.

    Raises:
        TypeError: it is not.
    """
    if not isinstance(net, Network):
        made = 'Network(model, name="mine") makes one' if isinstance(net, nn.Module) else "load_network gives one"
        raise TypeError(f"net must be a Network, whose layers have names ({made}), not {type(net).__name__}.")


def is_compiled(module: nn.Module) -> bool:
    """Whether `torch.compile` made a module, or `module.compile()` was called: hooks on what lies in it do nothing."""
    return "_orig_mod" in module._modules or module._compiled_call_impl is not None


def is_unit(target: object) -> bool:
    """Whether a target is written as a unit, "layer:channel" (see `Network.unit`), and not as a class."""
    return isinstance(target, str) and ":" in target


@contextmanager
def in_eval_mode(net: nn.Module) -> Iterator[nn.Module]:
    """Run a block with `net` in eval mode: batch norm learns nothing, dropout drops nothing. Afterwards as it was.

    Yields:
        `net` itself.

    Raises:
        TypeError: no network.
    """
    check_module(net)
    training = [module for module in net.modules() if module.training]
    try:
        if training:
            net.eval()
        yield net
    finally:
        for module in training:
            module.training = True


@contextmanager
def frozen(net: nn.Module) -> Iterator[nn.Module]:
    """Run a block with `net` in eval mode and without parameter gradients; afterwards every flag is as it was.

    Yields:
        `net` itself.

    Raises:
        TypeError: no network.
    """
    check_module(net)
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
