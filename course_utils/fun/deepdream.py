"""DeepDream: whatever a layer sees in a picture, make the picture show more of it (Mordvintsev, Olah & Tyka, 2015)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from course_utils.fun.dream import dream
from course_utils.hooks import check_size, forward_to, smallest_size
from course_utils.networks.network import Network, frozen
from course_utils.optimize.descend import Callback, Watch, descend
from course_utils.optimize.octaves import octave_zooms, through_sizes
from course_utils.optimize.pictures import Pixels
from course_utils.optimize.transforms import Roll
from course_utils.validate import (
    check_images,
    check_not_negative,
    check_number,
    check_whole,
    precise,
    seeded,
    shown,
)


@torch.inference_mode(False)  # a gradient is needed, also in a caller's inference mode
def deepdream(
    net: Network,
    images: Tensor,
    layer: str | Sequence[str] = "relu5_2",
    *,
    guide: Tensor | None = None,
    octaves: int = 4,
    octave_scale: float = 1.4,
    steps: int = 10,
    step_size: float = 2 / 255,
    jitter: int = 16,
    seed: int = 0,
    callback: Callback | None = None,
    progress: bool = True,
) -> Tensor:
    """Let a network dream on pictures: gradient ascent on `1/2 |a|^2` of a layer, from small sizes to large ones.

    Args:
        net: the network; VGG-19 dreams well.
        images: `(N, 3, H, W)` RGB in [0, 1], photos or noise.
        layer: a layer such as "relu5_2", or one channel of it, "relu5_2:137"; or several of them, which dream
            together (see `dream`).
        guide: `(1, 3, h, w)`, another picture: dream of what its features show, not of the strongest ones.
        octaves: how many sizes. Those too small for the layer are left out.
        octave_scale: how many times larger each size is than the one before.
        steps: at each size.
        step_size: mean change of a pixel value in one step, before values are cut off at 0 and 1.
        jitter: pixels; each step rolls the picture by a random shift of at most this much, and back afterwards.
        seed: of the shifts.
        callback: called as `callback(step, images, values)` in each step, with the dream before the step at its full
            size and, `(N,)`, how strongly the layer answers to it (see `dream`). Steps count on over the sizes. True
            ends the dream.
        progress: show a progress bar.

    Returns:
        `(N, 3, H, W)` in [0, 1]. Interrupted, it returns the dream so far.

    Raises:
        ValueError: images or guide smaller than the layer can take, no such layer or channel, none at all, a guide for
            something else than one whole layer, a setting out of range.

    Reference:
        Mordvintsev, Olah, Tyka: Inceptionism, 2015; the notebook at github.com/google/deepdream.
    """
    check_whole(octaves=octaves)
    check_whole(least=0, steps=steps, jitter=jitter)
    check_not_negative(step_size=step_size)
    check_number(octave_scale=octave_scale)
    if octave_scale <= 1:
        raise ValueError(f"octave_scale must be greater than 1, not {shown(octave_scale)}.")
    photo = precise(check_images(net, images))
    answer, random = dream(layer, guide=_guide_vectors(net, guide, layer)), seeded(seed)
    layers, size = sorted(answer.layers), tuple(photo.shape[2:])
    check_size(net, photo, layers)
    zooms = octave_zooms(size, octaves, octave_scale, smallest_size(net, layers, size=size))
    with Watch(callback, looks=len(zooms) * steps, name="DeepDream", progress=progress) as watch:

        def draw(picture: Tensor, zoom: float) -> Tensor:
            """Steps uphill at one size, each on a picture that is rolled by a random shift."""
            how = {"maximize": True, "best": False, "optimizer": "ascent", "steps": steps, "lr": step_size}
            how |= {"transforms": [Roll(jitter)], "generator": random, "watch": watch}
            return descend(net, answer, Pixels(picture), **how).images

        dreamed = through_sizes(photo, zooms if steps and step_size else [], draw, watch, start=photo)
    return dreamed.to(images.device)


def _guide_vectors(net: Network, guide: Tensor | None, layer: str | Sequence[str]) -> Tensor | None:
    """One vector of `C` numbers for each position of the guide picture, `(positions, C)`."""
    if guide is None:
        return None
    if not isinstance(layer, str):
        raise ValueError(f"a guide needs one whole layer, not {shown(layer)}.")
    if ":" in layer:
        raise ValueError(f"a guide needs a whole layer, not the one channel {layer!r}.")
    guide = check_images(net, guide, name="guide")
    if len(guide) != 1:
        raise ValueError(f"guide must be one image, not a batch of {len(guide)}.")
    check_size(net, guide, [layer], what="guide")
    with frozen(net), torch.no_grad():
        maps = precise(forward_to(net, guide, [layer])[layer])[0]
    return maps.reshape(len(maps), -1).T
