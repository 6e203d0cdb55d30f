"""Texture from a network's Gram matrices (Gatys, Ecker & Bethge: Texture Synthesis Using CNNs, 2015)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from course_utils.fun.gram import gram_matrix, texture_grams
from course_utils.hooks import check_size
from course_utils.networks.network import Network, check_network
from course_utils.optimize.descend import Callback, Watch, descend
from course_utils.optimize.objectives import Objective
from course_utils.optimize.octaves import stretch
from course_utils.optimize.pictures import Pixels
from course_utils.validate import check_choice, check_images, check_list, check_pair, check_weights, check_whole, seeded

TEXTURE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")  # of a VGG network
COARSE = 8  # pixels: smooth noise has no finer detail


def texture_loss(
    net: Network, sample: Tensor, layers: Sequence[str], *, layer_weights: Sequence[float] | None = None
) -> Objective:
    """How far images are from a texture: `sum over layers l of w_l * |G_l - A_l|^2 / |A_l|^2`.

    The paper weighs `E_l` with given numbers. We divide by the size of the sample's own Gram matrix instead: at 0 the
    textures are equal, at 1 the difference is as large as the texture itself, in each layer, whatever its activations
    are like.

    Args:
        net: the network.
        sample: `(1, 3, h, w)`.
        layers: whose Gram matrices are compared.
        layer_weights: one number for each layer; None for equal weights that add up to 1.

    Returns:
        An objective.

    Raises:
        ValueError: no such layer, no layers, or weights that do not fit them, are negative, or all 0.
        TypeError: one name instead of a list, or weights that are no numbers.
    """
    layers = check_list("layers", layers, "names")
    if not layers:
        raise ValueError("layers is empty; give at least one layer, such as relu1_1 of vgg19.")
    weights = [1 / len(layers)] * len(layers) if layer_weights is None else layer_weights
    weights = check_weights(weights, len(layers), "layer_weights", "layers")
    targets = texture_grams(net, sample, layers)

    def value(net, seen):
        errors = []
        for name, target in targets.items():
            size = target.square().sum()
            difference = (gram_matrix(seen[name]) - target).square().sum((1, 2))
            errors.append(difference / torch.where(size > 0, size, 1))  # a layer may be silent on a sample of one color
        return sum(weight * error for weight, error in zip(weights, errors, strict=True))

    return Objective(value, layers=layers, name="texture")


@torch.inference_mode(False)  # a gradient is needed, also in a caller's inference mode
def synthesize_texture(
    net: Network,
    sample: Tensor,
    size: int | tuple[int, int] | None = None,
    *,
    layers: Sequence[str] = TEXTURE_LAYERS,
    layer_weights: Sequence[float] | None = None,
    steps: int = 100,
    init: str | Tensor = "smooth",
    seed: int = 0,
    callback: Callback | None = None,
    progress: bool = True,
) -> Tensor:
    """Change noise until the network's Gram matrices are those of a sample.

    L-BFGS-B keeps every pixel in [0, 1] on the way, as in the authors' own code. Differs from it: the noise has no
    detail finer than 8 pixels. The layers hardly react to fine colored noise, so what the start has of it stays.

    Args:
        net: the network, `vgg19` for the layers' default names.
        sample: `(1, 3, h, w)` RGB in [0, 1].
        size: of the result, one number for a square, or `(H, W)`; None for the sample's.
        layers: whose Gram matrices are compared. Deep layers see larger elements of the texture.
        layer_weights: one number for each layer; None for equal weights that add up to 1.
        steps: how many times the loss and its gradient are computed, at most, and once more at the end.
        init: "smooth" noise, "noise" (every pixel by itself, as in the paper), or a picture `(1, 3, H, W)` of the
            result's size to start from.
        seed: of the noise.
        callback: called as `callback(step, picture, loss)` at each of these times, with the picture that is looked at
            and its loss, `(1,)` (see `texture_loss`). True ends the search; the best picture so far is returned.
        progress: show a progress bar.

    Returns:
        `(1, 3, H, W)` in [0, 1] on the sample's device: the best picture seen, also when interrupted.

    Raises:
        ValueError: not one image, no layers, weights that do not fit them, a picture smaller than a layer can take,
            unknown layers, or a start that is none or of another size.

    Reference:
        Gatys, Ecker & Bethge: Texture Synthesis Using Convolutional Neural Networks, NeurIPS 2015.
    """
    ready, layers = check_images(net, sample, name="sample"), check_list("layers", layers, "names")
    if len(ready) != 1:
        raise ValueError(f"sample must be one image, not a batch of {len(ready)}.")
    check_whole(steps=steps)
    check_network(net)
    height, width = ready.shape[2:] if size is None else check_pair("size", size)
    start = _start(net, init, (height, width), seed)
    if layers:
        check_size(net, ready, layers, what="sample")
        check_size(net, start, layers, what="the result")
    loss = texture_loss(net, ready, layers, layer_weights=layer_weights)
    with Watch(callback, looks=steps + 1, name="texture", progress=progress) as watch:
        # lr: the gradient of a mean over many pixels is tiny
        best = descend(net, loss, Pixels(start), steps=steps, optimizer="lbfgsb", lr=1e4, watch=watch).images
    return best.to(sample)


def _start(net: Network, init: str | Tensor, size: tuple[int, int], seed: int) -> Tensor:
    """Where the search begins, `(1, 3, H, W)`."""
    if isinstance(init, Tensor):
        start = check_images(net, init, name="init")
        if tuple(start.shape) != (1, net.channels, *size):
            raise ValueError(
                f"init must be one picture of the result's size {size[0]}x{size[1]}, not {tuple(start.shape)}."
            )
        return start
    check_choice("init", init, ["smooth", "noise"])
    if init == "noise":
        noise = torch.randn((1, net.channels, *size), generator=seeded(seed))
    else:
        few = [max(2, -(-side // COARSE)) for side in size]
        noise = stretch(torch.randn((1, net.channels, *few), generator=seeded(seed)), size)
        noise = noise / noise.std()
    return (0.5 + 0.1 * noise).clamp(0, 1)
