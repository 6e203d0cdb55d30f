"""DeepDream: whatever a layer sees in a picture, make the picture show more of it (Mordvintsev, Olah & Tyka, 2015)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import interpolate
from tqdm.auto import tqdm

from course_utils.hooks import check_size, forward_to, smallest_size
from course_utils.networks.network import Network, frozen
from course_utils.validate import check_images, check_positive


def deepdream(
    net: Network,
    images: Tensor,
    *,
    layer: str = "relu5_2",
    guide: Tensor | None = None,
    octaves: int = 4,
    octave_scale: float = 1.4,
    steps: int = 10,
    step_size: float = 2 / 255,
    jitter: int = 16,
    seed: int = 0,
    callback: Callable[[int, Tensor, Tensor], object] | None = None,
    progress: bool = True,
) -> Tensor:
    """Let a network dream on top of pictures: gradient ascent on `1/2 |a|^2` of a layer, from small sizes to large ones.

    Args:
        net: the network; VGG-19 dreams well.
        images: `(N, 3, H, W)` RGB in [0, 1], photos or noise.
        layer: a layer such as "relu5_2", or one channel of it, "relu5_2:137".
        guide: `(1, 3, h, w)`, another picture: dream of what its features show, not of the strongest ones.
        octaves: how many sizes. Those too small for the layer are left out.
        octave_scale: how many times larger each size is than the one before.
        steps: at each size.
        step_size: mean change of a pixel value in one step, before values are cut off at 0 and 1.
        jitter: pixels; each step rolls the picture by a random shift of at most this much, and back afterwards.
        seed: of the shifts.
        callback: called as `callback(step, images, values)` in each step, with the dream before the step at its full size
            and, `(N,)`, how strongly the layer answers to it (see `dream_gradient`). Steps count on over the sizes. True
            ends the dream.
        progress: show a progress bar.

    Returns:
        `(N, 3, H, W)` in [0, 1]. Interrupted, it returns the dream so far.

    Raises:
        ValueError: images or guide smaller than the layer can take, no such layer or channel, a setting out of range.

    Reference:
        Mordvintsev, Olah, Tyka: Inceptionism, 2015; the notebook at github.com/google/deepdream.
    """
    check_positive(octaves=octaves)
    if not (octave_scale > 1 and steps >= 0 and step_size >= 0 and jitter >= 0):
        raise ValueError(
            "octave_scale must be greater than 1, and steps, step_size and jitter must not be negative; "
            f"not {octave_scale}, {steps}, {step_size}, {jitter}."
        )
    start = check_images(net, images)
    check_size(net, start, [_split(net, layer)[0]])
    generator = torch.Generator().manual_seed(seed)
    with frozen(net):
        wanted = None if guide is None else _guide_vectors(net, guide, layer)
        sizes = octave_sizes(start.shape[2:], octaves, octave_scale, smallest_size(net, [_split(net, layer)[0]]))
        detail = torch.zeros_like(start)
        bar = tqdm(total=len(sizes) * steps, desc="DeepDream", leave=False, disable=not progress)
        try:
            for octave, size in enumerate(sizes):
                # Only what was dreamed changes its size. The photo itself comes anew from the original, as sharp as ever.
                base = resize(start, size)
                dream = base + resize(detail, size)
                for step in range(steps):
                    dy, dx = torch.randint(-jitter, jitter + 1, (2,), generator=generator).tolist()
                    dream = dream.roll((dy, dx), (2, 3))
                    dream, values = dream_step(
                        net, dream, layer, step_size=step_size, guide_vectors=wanted, return_values=True
                    )
                    if callback is not None and callback(octave * steps + step, _with(start, detail), values):
                        return _with(start, detail).to(images.device)
                    dream = dream.roll((-dy, -dx), (2, 3))
                    detail = dream - base
                    bar.update()
        except KeyboardInterrupt:
            pass
        finally:
            bar.close()
    return _with(start, detail).to(images.device)


def _with(photo: Tensor, detail: Tensor) -> Tensor:
    """The photo with what was dreamed, at whatever size that was."""
    return (photo + resize(detail, photo.shape[2:])).clamp(0, 1)


def dream_step(
    net: Network,
    images: Tensor,
    layer: str,
    *,
    step_size: float,
    guide_vectors: Tensor | None = None,
    return_values: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:
    """One step uphill: `x + step_size * g / mean|g|`, cut off at 0 and 1. Where the gradient is 0, nothing changes.

    With `return_values` also those of `dream_gradient`, from before the step.
    """
    gradient, values = dream_gradient(net, images, layer, guide_vectors=guide_vectors, return_values=True)
    size = gradient.abs().mean((1, 2, 3), keepdim=True)  # of each image by itself
    moved = (images + step_size * gradient / size.clamp(min=torch.finfo(size.dtype).tiny)).clamp(0, 1)
    return (moved, values) if return_values else moved


def dream_gradient(
    net: Network,
    images: Tensor,
    layer: str,
    *,
    guide_vectors: Tensor | None = None,
    return_values: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:
    """The gradient of a dream, by the lecture's recipe: forward to a layer, set its gradient to its activation, backward.

    That is the gradient of `1/2 * sum of a^2`, since the derivative of `1/2 a^2` is `a`.

    Args:
        net: the network.
        images: `(N, 3, H, W)`; their values are not checked.
        layer: a layer, or "layer:channel" for `1/2 a^2` of one channel.
        guide_vectors: `(positions, C)`: each position of the layer goes toward the vector that fits it best instead.
        return_values: also return how strongly the layer answers.

    Returns:
        `(N, 3, H, W)`; with `return_values` also `(N,)`, the mean of `1/2 a^2` over the numbers of the layer or channel
        (with a guide, of `1/2 a v`, `v` the vector that `a` goes toward).
    """
    name, channel = _split(net, layer)
    with frozen(net), torch.enable_grad():
        pixels = images.detach().clone().requires_grad_()
        activation = forward_to(net, pixels, [name])[name]  # 1. forward, as far as the layer
        seed = activation.detach()  # 2. the layer's gradient is its own activation
        if channel is not None:
            if not channel < activation.shape[1]:
                raise ValueError(f"{name} has channels 0 to {activation.shape[1] - 1}; {layer!r} is out of range.")
            seed = torch.zeros_like(seed).index_copy_(1, *_one_channel(seed, channel))
        elif guide_vectors is not None:
            seed = _best_matches(seed, guide_vectors)
        (gradient,) = torch.autograd.grad(activation, pixels, grad_outputs=seed)  # 3. backward to the pixels
    if not return_values:
        return gradient  # 4. is the update, in `dream_step`
    numbers = activation[0].numel() if channel is None else activation[0, 0].numel()
    return gradient, (activation.detach() * seed).sum((1, 2, 3)) / (2 * numbers)


def octave_sizes(size: tuple[int, int], octaves: int, scale: float, smallest: int = 1) -> list[tuple[int, int]]:
    """The sizes `(H, W)` from small to large; the last is `size`, and none has a side below `smallest`."""
    height, width = size
    sizes = [(round(height / scale**k), round(width / scale**k)) for k in reversed(range(octaves))]
    return [s for s in sizes[:-1] if min(s) >= smallest] + [(height, width)]


def resize(images: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear, and the very same numbers if the size is right already. Details may be negative, so nothing is cut off."""
    if tuple(images.shape[2:]) == tuple(size):
        return images
    return interpolate(images, size=tuple(size), mode="bilinear", antialias=True, align_corners=False)


def _split(net: Network, layer: str) -> tuple[str, int | None]:
    """ "relu5_2" -> ("relu5_2", None); "relu5_2:137" -> ("features.31", 137)."""
    return net.unit(layer) if ":" in str(layer) else (net.layer_name(layer), None)


def _one_channel(activation: Tensor, channel: int) -> tuple[Tensor, Tensor]:
    index = torch.tensor([channel], device=activation.device)
    return index, activation.index_select(1, index)


def _guide_vectors(net: Network, guide: Tensor, layer: str) -> Tensor:
    """One vector of `C` numbers for each position of the guide picture."""
    name, channel = _split(net, layer)
    if channel is not None:
        raise ValueError(f"a guide needs a whole layer, not the one channel {layer!r}.")
    guide = check_images(net, guide, name="guide")
    if len(guide) != 1:
        raise ValueError(f"guide must be one image, not a batch of {len(guide)}.")
    check_size(net, guide, [name], what="guide")
    with torch.no_grad():
        return forward_to(net, guide, [name])[name][0].flatten(1).T


def _best_matches(activation: Tensor, vectors: Tensor) -> Tensor:
    """At each position the guide's vector with the largest inner product with the activation there."""
    here = activation.permute(0, 2, 3, 1)  # (N, H, W, C)
    return vectors[(here @ vectors.T).argmax(-1)].permute(0, 3, 1, 2)
