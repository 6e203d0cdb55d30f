"""One place that looks at what callers hand in, and says in one line what is wrong and what is possible."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from numbers import Integral

import torch
from torch import Tensor

# A class for each image: None for the predicted one, an index or a name for all, or one for each.
Target = int | str | Sequence | Tensor | None


def check_images(net: torch.nn.Module | None, images: Tensor, *, name: str = "images") -> Tensor:
    """Check a batch of pictures and bring it to the network's device and dtype, detached from any graph.

    Args:
        net: the network that will see the images, or None for methods without one.
        images: `(N, 3, H, W)` RGB in [0, 1]; `(N, C, H, W)` if `net.channels` says so.
        name: what to call the argument in messages.

    Returns:
        The images, detached, on the device and in the dtype of the network's parameters.

    Raises:
        TypeError: not a floating-point tensor.
        ValueError: wrong rank, no images, wrong number of channels, NaN or infinity, or values outside [0, 1].
    """
    if not isinstance(images, Tensor):
        raise TypeError(f"{name} must be a torch tensor of shape (N, 3, H, W), not {type(images).__name__}.")
    shape = tuple(images.shape)
    if images.ndim != 4:
        extra = " Add the batch dimension with images[None]." if images.ndim == 3 else ""
        raise ValueError(f"{name} must have shape (N, 3, H, W); this one has shape {shape}.{extra}")
    if images.shape[0] == 0:
        raise ValueError(f"{name} is an empty batch (shape {shape}); give at least one image.")
    channels = getattr(net, "channels", 3)
    if images.shape[1] != channels:
        extra = " Channels come first: images.permute(0, 3, 1, 2)." if images.shape[3] == channels else ""
        raise ValueError(f"{name} must have {channels} channels; shape {shape} has {images.shape[1]}.{extra}")
    if images.shape[2] == 0 or images.shape[3] == 0:
        raise ValueError(f"{name} has no pixels (shape {shape}).")
    if not images.is_floating_point():
        raise TypeError(f"{name} must be floating point in [0, 1], not {images.dtype}; divide by 255 first.")
    low, high = images.detach().aminmax()
    low, high = low.item(), high.item()
    if not (low == low and high == high and abs(low) != float("inf") and abs(high) != float("inf")):
        raise ValueError(f"{name} contains NaN or infinity; clean it before you hand it in.")
    if low < -1e-4 or high > 1 + 1e-4:
        extra = " Divide by 255." if high > 2 and low >= 0 else ""
        raise ValueError(f"{name} must lie in [0, 1]; this one goes from {low:.4g} to {high:.4g}.{extra}")
    images = images.detach()
    parameter = next(net.parameters(), None) if net is not None else None
    return images if parameter is None else images.to(device=parameter.device, dtype=parameter.dtype)


def check_target(net: torch.nn.Module, target: Target, scores: Tensor) -> Tensor:
    """Turn `target` into one class index per image.

    Args:
        net: the network; its `class_index` reads class names.
        target: None for the predicted class of each image, one class (index or name) for all, or one per image.
        scores: `(N, classes)`, the network's output.

    Returns:
        `(N,)` int64 on the scores' device.

    Raises:
        TypeError: something that is neither an index nor a name.
        ValueError: a network without class scores, no such class, or a wrong number of classes.
    """
    if scores.ndim != 2:
        name = getattr(net, "name", type(net).__name__)
        raise ValueError(
            f"{name} has no class scores (its output has shape {tuple(scores.shape)}); "
            "use a classifier such as efficientnet_lite0, or name a layer or unit."
        )
    count, classes = scores.shape
    if target is None:
        return scores.detach().argmax(1)
    if isinstance(target, Tensor):
        target = target.tolist()
    many = (
        list(target) if isinstance(target, (list, tuple, range)) or hasattr(target, "__array__") else [target] * count
    )
    if len(many) != count:
        raise ValueError(f"target has {len(many)} classes for {count} images; give one class, or one per image.")
    indices = []
    for one in many:
        if isinstance(one, str):
            one = net.class_index(one)
        if isinstance(one, bool) or not (isinstance(one, Integral) or hasattr(one, "__index__")):
            raise TypeError(f"target must be a class index or a class name, not {one!r}.")
        if not 0 <= int(one) < classes:
            raise ValueError(f"target {int(one)} is out of range: this network has classes 0 to {classes - 1}.")
        indices.append(int(one))
    return torch.tensor(indices, device=scores.device)


def check_positive(**values: float) -> None:
    """Look whether each named number is greater than 0, e.g. `check_positive(stride=stride)`.

    Raises:
        ValueError: one is not.
    """
    for name, value in values.items():
        if isinstance(value, bool) or not value > 0:
            raise ValueError(f"{name} must be greater than 0, not {value!r}.")


def check_shares(weights: Sequence[float], count: int, name: str) -> list[float]:
    """The numbers divided by their sum.

    Args:
        weights: one number for each of `count` styles.
        name: what to call the argument in messages.

    Returns:
        `count` numbers that add up to 1.

    Raises:
        ValueError: too many or too few, a negative one, or all 0.
    """
    weights = [float(weight) for weight in weights]
    if len(weights) != count:
        raise ValueError(f"{name} has {len(weights)} numbers for {count} styles.")
    if not all(weight >= 0 and isfinite(weight) for weight in weights) or not sum(weights) > 0:
        raise ValueError(f"{name} must not be negative, and not all 0; not {weights}.")
    return [weight / sum(weights) for weight in weights]


def check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    """Look whether a value is one of those there are.

    Args:
        name: what to call the argument in messages.
        value: what was given.
        choices: what is possible.

    Raises:
        ValueError: it is not.
    """
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}; not {value!r}.")
