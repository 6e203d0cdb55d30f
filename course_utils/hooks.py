"""Look at the inside of a network while it runs, and leave nothing behind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import torch
from torch import Tensor, nn

from course_utils.networks.axes import ChannelAxes, one_tensor
from course_utils.networks.network import Network, check_network, in_eval_mode, is_compiled
from course_utils.validate import (
    check_batch,
    check_finite,
    check_graph,
    check_images,
    check_list,
    check_whole,
    split_batch,
)


class _Stop(BaseException):
    """Ends a forward pass once every wanted layer has run. Not an Exception, so that no network code swallows it."""


@contextmanager
def capture(net: Network, layers: Sequence[str]) -> Iterator[dict[str, Tensor]]:
    """Record what layers put out while a block runs.

    >>> from course_utils import capture, load_network, photo
    >>> net, image = load_network("vgg19"), photo("cat", 64)
    >>> with capture(net, ["relu1_1", "relu4_2"]) as seen:
    ...     maps = net(image)
    >>> tuple(seen["relu4_2"].shape)
    (1, 512, 8, 8)

    Outputs are cloned: many networks follow a convolution with an in-place ReLU, which would otherwise overwrite what
    was recorded. They keep their graph. A module that runs several times in one pass is recorded at its first run.
    Channels are on axis 1, also those of networks that have them last inside (see `ChannelAxes`). The hooks are gone
    when the block ends, also after an exception.

    Args:
        net: the network.
        layers: dotted paths or aliases; they are the keys of the dictionary.

    Yields:
        A dictionary from the given names to tensors `(N, C, H, W)` (or the layer's own shape), filled by `net(images)`.

    Raises:
        TypeError: one name instead of a list, or (when the network runs) a layer that puts out several tensors.
        ValueError: no such layer.
    """
    with _recording(net, layers, stop=False) as seen:
        yield seen


@contextmanager
def _recording(net: Network, layers: Sequence[str], *, stop: bool) -> Iterator[dict[str, Tensor]]:
    check_network(net)
    modules = {name: net.layer(name) for name in check_list("layers", layers, "names")}
    seen: dict[str, Tensor] = {}
    handles, fresh, axes = [], set(), ChannelAxes(net)

    def begin(module, inputs):
        fresh.clear()  # a new pass: record again

    def recorder(name):
        def hook(module, inputs, output):
            if name not in fresh:
                fresh.add(name)
                last = stop and len(fresh) == len(modules)
                output = axes.first(one_tensor(net, name, output))
                # after the last one, nothing runs that could overwrite it
                seen[name] = output if last else output.clone()
                if last:
                    raise _Stop

        return hook

    try:
        handles.append(net.register_forward_pre_hook(begin))
        for name, module in modules.items():
            handles.append(module.register_forward_hook(recorder(name)))
        with axes:
            yield seen
    finally:
        for handle in handles:
            handle.remove()


def forward_to(net: Network, images: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
    """Run the network only as far as the last of `layers`, and return what these put out.

    For the inside of loops: it does not check the images' values, and gradients flow if `images` has them. The network
    runs in eval mode. See `layer_outputs` for the checked version.

    Args:
        net: the network.
        images: `(N, 3, H, W)`, on the network's device and in its dtype.
        layers: dotted paths or aliases.

    Returns:
        A dictionary from each name to a tensor `(N, C, H, W)` (or the layer's own shape), with its graph. Channels are
        on axis 1.

    Raises:
        TypeError: one name instead of a list, or a layer that puts out several tensors.
        ValueError: no such layer, one that does not run on this input, one that puts out NaN, or one whose channels
            are on an axis that is not known. Or the images want a gradient, and none comes through.
    """
    layers = check_list("layers", layers, "names")
    with in_eval_mode(net), _recording(net, layers, stop=True) as seen, suppress(_Stop):
        net(images)
    missing = [name for name in layers if name not in seen]
    if missing:
        raise ValueError(f"{net.name} never runs layer {missing[0]!r} on this input, so there is nothing to record.")
    for name in layers:
        check_finite(seen[name], f"layer {name!r} of {net.name} puts out")
    if images.requires_grad and torch.is_grad_enabled():
        check_graph(net, *seen.values())
    return seen


def layer_outputs(
    net: Network, images: Tensor, layers: Sequence[str], *, batch_size: int | None = None
) -> dict[str, Tensor]:
    """The outputs of named layers for a batch of images, without gradients.

    Args:
        net: the network.
        images: `(N, 3, H, W)` RGB in [0, 1].
        layers: dotted paths or aliases.
        batch_size: how many images at a time; None for all at once.

    Returns:
        A dictionary from each name to a tensor `(N, C, H, W)` (or the layer's own shape), on the images' device.

    Raises:
        TypeError, ValueError: images that are none (see `check_images`), or no such layer.
    """
    ready = check_images(net, images)
    with torch.no_grad():
        parts = [forward_to(net, part, layers) for part in split_batch(ready, batch_size)]
    return {name: torch.cat([part[name] for part in parts]).to(images.device) for name in layers}


def features(net: Network, images: Tensor, *, layer: str | None = None, batch_size: int = 32) -> Tensor:
    """One vector per image: the last-layer features (1280 numbers for EfficientNet-Lite0, 4096 for AlexNet and VGG-16).

    They are what the last linear layer gets, so that `features(net, images) @ W.T + b` are the class scores, unless the
    network names another layer as its `feature_layer`. For a folder, an iterator, or a cluster's workers:
    `feature_table`.

    Args:
        net: the network.
        images: `(N, 3, H, W)` RGB in [0, 1].
        layer: another layer; feature maps are averaged over their positions.
        batch_size: how many images at a time.

    Returns:
        `(N, D)` on the images' device.

    Raises:
        TypeError, ValueError: images that are none (see `check_images`), no such layer, or a network that names no
            feature layer and does not end in a linear one.
    """
    check_batch(net, images, others="feature_table")
    layer = layer or getattr(net, "feature_layer", None)
    if layer is None:
        ready = check_images(net, images)
        return torch.cat([_before_scores(net, part) for part in split_batch(ready, batch_size)]).to(images.device)
    maps = layer_outputs(net, images, [layer], batch_size=batch_size)[layer]
    return maps.mean(dim=tuple(range(2, maps.ndim))) if maps.ndim > 2 else maps


def _before_scores(net: Network, images: Tensor) -> Tensor:
    """What the last linear layer gets, `(N, D)`, if it makes the scores of it."""
    last: list[Tensor] = [torch.empty(0)] * 2  # what the linear layer that ran last got, and what it made of it

    def hook(module, inputs, output):
        last[:] = [inputs[0], output]

    handles = [m.register_forward_hook(hook) for m in net.modules() if isinstance(m, nn.Linear)]
    try:
        with torch.no_grad(), in_eval_mode(net):
            scores = net(images)
    finally:
        for handle in handles:
            handle.remove()
    name = getattr(net, "name", type(net).__name__)
    check_finite(scores, f"the scores of {name} hold")
    vectors, made = last
    if vectors.ndim != 2 or not torch.equal(made, scores):
        if any(map(is_compiled, net.modules())):
            raise ValueError(f"{name} was compiled by torch.compile, and cannot be watched; wrap the model before.")
        raise ValueError(
            f"{name} does not end in a linear layer, so it has no last-layer features; choose a layer with layer=."
        )
    return vectors


def smallest_size(net: Network, layers: Sequence[str], *, size: tuple[int, int] | None = None, most: int = 1024) -> int:
    """The side of the smallest square image for which every one of `layers` has an output, at most `most`.

    Found by trying: pooling without padding leaves nothing of a small image, and the network then raises. A network of
    one size has this one.

    Args:
        net: the network.
        layers: dotted paths or aliases.
        size: (height, width) of pictures that it is to take. If no square that is tried works and they do, it is their
            shorter side.
        most: where the search ends. If no size works, the size is not what is wrong, and the network's error is raised.

    Raises:
        TypeError: no network whose layers have names, or a size that is no whole number.
    """
    check_network(net)
    check_whole(most=most)
    sides = {2**k for k in range(int(most).bit_length())} | {most, net.input_size, *(size or ())}
    low = 0  # too small
    for high in sorted(side for side in sides if side <= most):
        if _works(net, layers, (high, high)):
            break
        low = high
    else:
        if size is not None and _works(net, layers, size):
            return min(size)
        _try(net, layers, (most, most))  # no size works, so size is not what is wrong: let the network say it
        return most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _works(net, layers, (middle, middle)) else (middle, high)
    return high


def check_size(net: Network, images: Tensor, layers: Sequence[str], *, what: str = "images") -> None:
    """Look whether images are large enough for every one of some layers.

    Args:
        net: the network.
        images: `(N, 3, H, W)`.
        layers: dotted paths or aliases.
        what: how the message calls the images.

    Raises:
        ValueError: they are too small, and the message names the smallest size; or the network takes another size only.
    """
    check_network(net)
    height, width = check_batch(net, images, name=what).shape[2:]
    if _works(net, layers, (height, width)):
        return
    try:
        side = smallest_size(net, layers)
    except RuntimeError:  # no square works either: let the network say it of this size
        _try(net, layers, (height, width))
        raise
    if min(height, width) >= side:
        _try(net, layers, (height, width))  # large enough: the network says what else is wrong
    raise ValueError(
        f"{what} of {height}x{width} pixels are too small for {layers[-1]} of {net.name}: "
        f"the smallest size is {side}x{side}."
    )


def _works(net: Network, layers: Sequence[str], size: tuple[int, int]) -> bool:
    """Whether every one of some layers has an output for pictures of a size."""
    try:
        return all(min(seen.shape[2:], default=1) > 0 for seen in _try(net, layers, size).values())
    except (RuntimeError, AssertionError):
        return False


def _try(net: Network, layers: Sequence[str], size: tuple[int, int]) -> dict[str, Tensor]:
    """What layers put out for a black picture of a size."""
    with torch.no_grad():
        return forward_to(net, torch.zeros((1, net.channels, *size), dtype=net.mean.dtype, device=net.device), layers)
