"""One place that looks at what callers hand in, and says in one line what is wrong and what is possible."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from math import inf, isfinite
from numbers import Integral, Real
from operator import index

import numpy as np
import torch
from torch import Tensor, nn

# A class for each image: None for the predicted one, an index or a name for all, or one for each.
Target = int | str | Sequence | Tensor | None


class NotFinite(ValueError):
    """NaN or infinity came out of a network or an objective."""


class WrongSize(ValueError, RuntimeError):
    """A network does not take pictures of this size. PyTorch says this by a RuntimeError, and so do we, to who asks."""


_NO_VALUES = (
    "lies on the meta device, where nothing has a value; give it weights first, with to_empty and load_state_dict."
)


def precise(values: Tensor) -> Tensor:
    """Half precision becomes float32; float32 and float64 stay. A lazy negative, which NumPy refuses, is worked out."""
    return values.resolve_neg().to(torch.promote_types(values.dtype, torch.float32))


def to_numpy(values: Tensor) -> np.ndarray:
    """The values as a NumPy array of float32 or float64, whatever graph, device or lazy view they come from."""
    return precise(values.detach()).cpu().numpy()


def check_images(net: nn.Module | None, images: Tensor, *, name: str = "images", gray: bool = False) -> Tensor:
    """Check a batch of pictures and bring it to the network's device and dtype, detached from any graph.

    Args:
        net: the network that will see the images, or None for methods without one.
        images: `(N, 3, H, W)` RGB in [0, 1]; `(N, C, H, W)` if `net.channels` says so.
        name: what to call the argument in messages.
        gray: without a network, take pictures of one channel, too.

    Returns:
        The images, detached, on the device and in the dtype of the network's parameters.

    Raises:
        TypeError: not a floating-point tensor, or no network.
        ValueError: wrong rank, no images, wrong number of channels, NaN or infinity, or values outside [0, 1].
    """
    check_batch(net, images, name=name, gray=gray)
    low, high = images.detach().aminmax()
    low, high = low.item(), high.item()
    if not (low == low and high == high and abs(low) != float("inf") and abs(high) != float("inf")):
        raise ValueError(f"{name} contains NaN or infinity; clean it before you hand it in.")
    if low < -1e-4 or high > 1 + 1e-4:
        extra = " Divide by 255." if high > 2 and low >= 0 else ""
        raise ValueError(f"{name} must lie in [0, 1]; this one goes from {low:.4g} to {high:.4g}.{extra}")
    images = images.detach().resolve_neg()
    if images.is_inference() and not torch.is_inference_mode_enabled():
        images = images.clone()  # made in a caller's inference mode: only a copy can take part in a gradient
    parameter = next(net.parameters(), None) if net is not None else None
    if parameter is not None and parameter.is_meta:
        raise ValueError(f"{getattr(net, 'name', type(net).__name__)} {_NO_VALUES}")
    return images if parameter is None else images.to(device=parameter.device, dtype=parameter.dtype)


def check_module(net: object) -> None:
    """Look whether something is a network at all.

    Raises:
        TypeError: it is not.
    """
    if not isinstance(net, nn.Module):
        raise TypeError(f"net must be a network, as load_network gives it, not {type(net).__name__}.")


def check_client(client: object) -> None:
    """Look whether something is a client of Dask's workers, or None.

    Raises:
        TypeError: it is neither.
    """
    dask = sys.modules.get("distributed")  # whoever has a client has imported it
    if client is not None and not (dask and isinstance(client, dask.Client)):
        raise TypeError(
            f"client must come from `with workers(...) as client`, or be None for this process; not {shown(client)}."
        )


def check_path(**paths: object) -> None:
    """Look whether each named path is one, e.g. `check_path(to=to)`.

    Raises:
        ValueError: one is empty.
        TypeError: one is no path.
    """
    for name, path in paths.items():
        if not isinstance(path, (str, os.PathLike)):
            raise TypeError(f"{name} must be a path, not {shown(path)}.")
        if path == "":
            raise ValueError(f"{name} is empty; give the path of a file.")


def check_batch(
    net: nn.Module | None, images: Tensor, *, name: str = "images", gray: bool = False, others: str = ""
) -> Tensor:
    """Check the shape of a batch of pictures and the kind of its numbers, not their values.

    Args:
        net, images, name, gray: as in `check_images`.
        others: the function that takes folders and files, to be named to whoever hands these in.

    Returns:
        The images as they are.

    Raises:
        TypeError: not a floating-point tensor, or no network.
        ValueError: wrong rank, no images, or wrong number of channels.
    """
    if net is not None:
        check_module(net)
    if not isinstance(images, Tensor) or images.layout != torch.strided:
        given = type(images).__name__ if not isinstance(images, Tensor) else f"a {images.layout} tensor"
        extra = f" {others} takes folders, files and iterators." if others else ""
        raise TypeError(f"{name} must be a torch tensor of shape (N, 3, H, W), not {given}.{extra}")
    shape = tuple(images.shape)
    if images.ndim != 4:
        extra = " Add the batch dimension with images[None]." if images.ndim == 3 else ""
        raise ValueError(f"{name} must have shape (N, 3, H, W); this one has shape {shape}.{extra}")
    if images.shape[0] == 0:
        raise ValueError(f"{name} is an empty batch (shape {shape}); give at least one image.")
    channels = getattr(net, "channels", 3)
    if images.shape[1] != channels and not (gray and images.shape[1] == 1):
        extra = " Channels come first: images.permute(0, 3, 1, 2)." if images.shape[3] == channels else ""
        raise ValueError(f"{name} must have {channels} channels; shape {shape} has {images.shape[1]}.{extra}")
    if images.shape[2] == 0 or images.shape[3] == 0:
        raise ValueError(f"{name} has no pixels (shape {shape}).")
    if not images.is_floating_point():
        raise TypeError(f"{name} must be floating point in [0, 1], not {images.dtype}; divide by 255 first.")
    return images


def check_finite(values: Tensor, what: str) -> None:
    """Look whether what a network puts out is made of numbers. Minus infinity may stand for "impossible".

    Args:
        values: any shape.
        what: how the message calls them.

    Raises:
        NotFinite: NaN, or plus infinity.
    """
    if values.is_meta:
        raise NotFinite(f"{what} no numbers at all: the network {_NO_VALUES}")
    if (
        values.is_floating_point() and values.numel() and not values.detach().amax().item() < inf
    ):  # NaN is never smaller
        cause = "numbers too large for half precision" if values.element_size() == 2 else "a picture far out of range"
        raise NotFinite(f"{what} NaN or infinity: look for NaN in the network's weights, or for {cause}.")


def check_graph(net: nn.Module, *values: Tensor) -> None:
    """Look whether a gradient can be taken through what a network puts out.

    Args:
        net: the network.
        values: what came out, of pixels that want a gradient.

    Raises:
        ValueError: it has no graph.
    """
    if not all(one.requires_grad for one in values):
        raise ValueError(
            f"no gradient comes through {getattr(net, 'name', type(net).__name__)}: look in its forward for "
            "torch.no_grad(), .detach(), NumPy, or layers that count in whole numbers."
        )


def shown(value: object) -> str:
    """What was given, for a message: on one line, and not too long."""
    words = " ".join(repr(value).split())
    return words if len(words) <= 80 else f"{words[:77]}..."


def plain(value: object) -> object:
    """Numbers and arrays of NumPy or PyTorch as Python's numbers and lists; everything else as it is."""
    return value.tolist() if hasattr(value, "tolist") else value


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
        ValueError: a network without class scores, scores that are NaN or no numbers with a point, no such class, or a
            wrong number of classes.
    """
    if scores.ndim != 2:
        name = getattr(net, "name", type(net).__name__)
        raise ValueError(
            f"{name} has no class scores (its output has shape {tuple(scores.shape)}); "
            "use a classifier such as efficientnet_lite0, or name a layer or unit."
        )
    name = getattr(net, "name", type(net).__name__)
    if not scores.is_floating_point():
        raise ValueError(f"the scores of {name} are {scores.dtype}, and must be numbers with a point; use .float().")
    check_finite(scores, f"the scores of {name} hold")
    count, classes = scores.shape
    if target is None:
        return scores.detach().argmax(1)
    target = plain(target)
    many = list(target) if isinstance(target, (list, tuple, range)) else [target] * count
    if len(many) != count:
        raise ValueError(f"target has {len(many)} classes for {count} images; give one class, or one per image.")
    indices = []
    for one in many:
        if isinstance(one, str):
            if not hasattr(net, "class_index"):
                raise ValueError(f"{type(net).__name__} knows no names of classes; give an index, not {shown(one)}.")
            one = net.class_index(one)
        one = plain(one)
        if isinstance(one, bool) or not isinstance(one, Integral):
            raise TypeError(f"target must be a class index or a class name, not {shown(one)}.")
        if not 0 <= one < classes:
            raise ValueError(f"target {one} is out of range: this network has classes 0 to {classes - 1}.")
        indices.append(int(one))
    return torch.tensor(indices, device=scores.device)


def check_positive(**values: float) -> None:
    """Look whether each named number is greater than 0, e.g. `check_positive(lr=lr)`.

    Raises:
        ValueError: one is not.
        TypeError: one is no number.
    """
    for name, value in values.items():
        number = plain(value)
        if not isinstance(number, Real):
            raise TypeError(f"{name} must be a number greater than 0, not {shown(value)}.")
        if isinstance(number, bool) or not number > 0:
            raise ValueError(f"{name} must be greater than 0, not {shown(value)}.")


def _real(name: str, value: object) -> Real:
    number = plain(value)
    if isinstance(number, bool) or not isinstance(number, Real):
        raise TypeError(f"{name} must be a number, not {shown(value)}.")
    return number


def check_number(**values: float) -> None:
    """Look whether each named number is one, and finite.

    Raises:
        ValueError: one is NaN or infinite.
        TypeError: one is no number.
    """
    for name, value in values.items():
        number = _real(name, value)
        if not isfinite(number):
            raise ValueError(f"{name} must be finite, not {shown(value)}.")


def check_not_negative(**values: float) -> None:
    """Look whether each named number is 0 or greater, and finite.

    Raises:
        ValueError: one is not.
        TypeError: one is no number.
    """
    for name, value in values.items():
        number = _real(name, value)
        if not 0 <= number < inf:
            raise ValueError(f"{name} must not be negative, nor infinite; not {shown(value)}.")


def check_whole(*, least: int = 1, **values: int) -> None:
    """Look whether each named number is a whole one, e.g. `check_whole(steps=steps)`.

    Args:
        least: the smallest that is allowed.
        **values: the numbers, Python's or NumPy's.

    Raises:
        ValueError: one is smaller.
        TypeError: one is no whole number.
    """
    for name, value in values.items():
        if least == 1:
            check_positive(**{name: value})
        number = plain(value)
        if isinstance(number, bool) or not isinstance(number, Integral):
            raise TypeError(f"{name} must be a whole number, not {shown(value)}.")
        if number < least:
            words = "must not be negative" if least == 0 else f"must be {least} or greater"
            raise ValueError(f"{name} {words}, not {shown(value)}.")


def check_seed(seed: int) -> int:
    """A seed as a whole number from 0, as every generator takes it; negative and huge ones go around.

    Raises:
        TypeError: no whole number.
    """
    number = plain(seed)
    if isinstance(number, bool) or not isinstance(number, Integral):
        raise TypeError(f"seed must be a whole number, not {shown(seed)}.")
    return number % 2**64


def seeded(seed: int) -> torch.Generator:
    """Random numbers that repeat.

    Raises:
        TypeError: a seed that is no whole number.
    """
    return torch.Generator().manual_seed(check_seed(seed))


def check_pair(name: str, value: int | Sequence[int]) -> tuple[int, int]:
    """`(height, width)` of one number of pixels, which means a square, or of two.

    Args:
        name: what to call it in messages.
        value: the number or the pair.

    Returns:
        Two whole numbers greater than 0.

    Raises:
        TypeError: neither a whole number nor a pair of them.
        ValueError: one that is not greater than 0.
    """
    sides = plain(value)
    sides = list(map(plain, sides)) if isinstance(sides, (tuple, list)) else [sides, sides]
    if len(sides) != 2 or any(isinstance(side, bool) or not isinstance(side, Integral) for side in sides):
        raise TypeError(f"{name} must be a whole number of pixels or a pair (height, width), not {shown(value)}.")
    check_positive(**{name: min(sides)})
    return int(sides[0]), int(sides[1])


def split_batch(images: Tensor, batch_size: int | None) -> tuple[Tensor, ...]:
    """Images as batches of at most `batch_size`; None for all at once.

    Raises:
        ValueError: a number that is not greater than 0.
        TypeError: no whole number.
    """
    if batch_size is None:
        return (images,)
    check_whole(batch_size=batch_size)
    return images.split(index(batch_size))


def check_list(name: str, values: Iterable, of: str) -> list:
    """What was given, as a list. One thing alone is none, and neither is a name, whose letters would be taken for it.

    Args:
        name: what to call the argument in messages.
        values: a list, a tuple, or what else has one thing after the other.
        of: what is in it, for messages.

    Raises:
        TypeError: one thing alone, or nothing.
    """
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise TypeError(f"{name} must be a list of {of}, not {shown(values)}.")
    return list(values)


def check_weights(weights: Sequence[float], count: int, name: str, of: str) -> list[float]:
    """Numbers that say how much each thing counts.

    Args:
        weights: one number for each of `count` things.
        name: what to call the argument in messages.
        of: what they belong to, for messages.

    Returns:
        `count` numbers.

    Raises:
        ValueError: too many or too few, a negative one, or all 0.
        TypeError: no list of numbers.
    """
    weights = plain(weights)
    if not isinstance(weights, (list, tuple)) or not all(isinstance(plain(weight), Real) for weight in weights):
        raise TypeError(f"{name} must be a list of numbers, not {shown(weights)}.")
    weights = [float(weight) for weight in weights]
    if len(weights) != count:
        raise ValueError(f"{name} has {len(weights)} numbers for {count} {of}.")
    if not all(weight >= 0 and isfinite(weight) for weight in weights) or not sum(weights) > 0:
        raise ValueError(f"{name} must not be negative, and not all 0; not {weights}.")
    return weights


def check_shares(weights: Sequence[float], count: int, name: str) -> list[float]:
    """The weights of `count` styles divided by their sum, so that they add up to 1.

    Args:
        weights, count, name: as in `check_weights`.

    Returns:
        `count` numbers that add up to 1.

    Raises:
        ValueError, TypeError: as in `check_weights`.
    """
    weights = check_weights(weights, count, name, "styles")
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
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}; not {shown(value)}.")
