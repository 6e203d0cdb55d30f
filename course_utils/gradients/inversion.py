"""Feature inversion: which pictures does a layer take for the same? (Mahendran & Vedaldi, 2015)."""

from __future__ import annotations

import torch
from torch import Tensor

from course_utils.hooks import forward_to
from course_utils.networks.network import Network, frozen
from course_utils.optimize.descend import Callback, Watch, descend
from course_utils.optimize.objectives import Objective, total_variation
from course_utils.optimize.pictures import Fourier, Pixels
from course_utils.validate import check_choice, check_images, check_not_negative, check_whole, precise, seeded


def feature_error(net: Network, images: Tensor, layer: str, *, features: Tensor | None = None) -> Objective:
    """How far a layer's features are from those of images, relative to their size: `|F(x) - F0|^2 / |F0|^2`.

    0 for the images themselves, 1 for a picture with no features at all.

        feature_error(vgg, cat, "relu3_1")(vgg, picture)         # (N,)

    Args:
        net: the network.
        images: `(N, 3, H, W)` RGB in [0, 1] whose features are wanted.
        layer: a dotted path or alias, such as "relu4_1".
        features: the wanted features themselves, `(N, ...)`; `images` then only tells the size of the pictures.

    Returns:
        An objective about N images.

    Raises:
        ValueError: no such layer, not a batch of pictures, or features of another shape than the layer's, or not
            finite.
    """
    return _error(_wanted(net, images, layer, features), layer)


def _error(wanted: Tensor, layer: str) -> Objective:
    size = wanted.flatten(1).square().sum(1).clamp_min(1e-30)
    return Objective(
        lambda net, seen: (seen[layer] - wanted).flatten(1).square().sum(1) / size,
        layers=[layer],
        count=len(wanted),
        name=f"error in {layer}",
    )


@torch.inference_mode(False)  # a gradient is needed, also in a caller's inference mode
def invert(
    net: Network,
    images: Tensor,
    layer: str,
    *,
    features: Tensor | None = None,
    tv_weight: float = 0.0,
    beta: float = 2.0,
    steps: int = 60,
    optimizer: str = "lbfgs",
    lr: float | None = None,
    parameterization: str = "fourier",
    init: str | Tensor = "noise",
    seed: int = 0,
    callback: Callback | None = None,
    progress: bool = True,
) -> Tensor:
    """Find a picture with the features of another: minimize `|F(x) - F0|^2 / |F0|^2 + tv_weight * V_beta(x) / (H W)`.

    Differs from the paper: the total variation is per pixel, so that one weight serves every size; L-BFGS in place of
    gradient descent with momentum; and by default the picture is described by its Fourier coefficients, low frequencies
    enlarged and colors decorrelated, which reaches the same error in about half of the steps.
    `parameterization="pixels"` is the paper's way: there the total variation is what keeps the picture from filling
    with noise.

    Args:
        net: the network.
        images: `(N, 3, H, W)` RGB in [0, 1] whose features are wanted.
        layer: a dotted path or alias, such as "relu4_1".
        features: the wanted features themselves, `(N, ...)`; `images` then only tells the size of the pictures.
        tv_weight: of the total variation; 0.1 to 1 are useful with "pixels", 10 washes a photo out.
        beta: of the total variation.
        steps: how many times the features and their gradient are computed, line search included, and once more at the
            end.
        optimizer: "lbfgs" or "adam".
        lr: None for 1 ("lbfgs"), or for "adam" 0.2 with "fourier" and 0.05 with "pixels".
        parameterization: "fourier" or "pixels".
        init: "noise", or a picture `(1, 3, H, W)` or `(N, 3, H, W)` to start from; with "fourier", black
            and white pixels hardly move, so a pale picture is a better start.
        seed: of the noise.
        callback: called as `callback(step, picture, value)` at each of these times, with the picture that is looked at,
            `(1, 3, H, W)` in [0, 1], and what is minimized, `(1,)`. Pictures come one after the other, and steps count
            on over them. True ends the search as Ctrl-C does: the best so far is returned.
        progress: show a bar.

    Returns:
        `(N, 3, H, W)` in [0, 1] on the device of `images`, the best of the way. How good they are:
        `feature_error(net, images, layer)(net, result)`.

    Raises:
        ValueError: no such layer, a setting out of range, or a start of another size.

    References:
        Mahendran, Vedaldi: Understanding Deep Image Representations by Inverting Them, CVPR 2015.
        Olah, Mordvintsev, Schubert: Feature Visualization, Distill 2017, for the Fourier description.
    """
    check_choice("optimizer", optimizer, ["lbfgs", "adam"])
    check_choice("parameterization", parameterization, list(_PICTURES))
    check_not_negative(tv_weight=tv_weight)
    check_whole(steps=steps)
    wanted, size = _wanted(net, images, layer, features), tuple(images.shape[2:])
    begin, found = _starts(net, init, len(wanted), size), []
    if lr is None:
        lr = 1.0 if optimizer == "lbfgs" else _LR[parameterization]
    with Watch(callback, looks=len(wanted) * (steps + 1), name=f"invert {layer}", progress=progress) as watch:
        for one, start in zip(wanted.split(1), begin, strict=True):
            loss = _error(one, layer) + tv_weight * total_variation(beta)
            picture, noise = _PICTURES[parameterization](start), seeded(seed)
            how = {"steps": steps, "size": size, "optimizer": optimizer, "lr": lr}
            found.append(descend(net, loss, picture, generator=noise, watch=watch, **how).images)
    return torch.cat(found).to(images.device)


_PICTURES = {
    "fourier": lambda start: Fourier(start, decay=1.0, noise=0.09),
    "pixels": lambda start: Pixels(start, noise=0.1),
}
_LR = {"fourier": 0.2, "pixels": 0.05}  # of Adam


def _wanted(net: Network, images: Tensor, layer: str, features: Tensor | None) -> Tensor:
    """The features to be found, `(N, ...)`."""
    pictures = check_images(net, images)
    with frozen(net), torch.no_grad():
        wanted = precise(forward_to(net, pictures, [layer])[layer])
    if features is None:
        return wanted
    if not isinstance(features, Tensor):
        raise TypeError(f"features must be a torch tensor (N, ...), not {type(features).__name__}.")
    if features.shape[1:] != wanted.shape[1:] or len(features) == 0:
        raise ValueError(
            f"features of {layer} have shape (N, {', '.join(map(str, wanted.shape[1:]))}) for pictures of size "
            f"{tuple(pictures.shape[2:])}; these have shape {tuple(features.shape)}."
        )
    if not torch.isfinite(features).all():
        raise ValueError("the features contain NaN or infinity; clean them before you hand them in.")
    return features.detach().to(wanted)


def _starts(net: Network, init: str | Tensor, count: int, size: tuple[int, int]) -> list[str | Tensor]:
    if not isinstance(init, Tensor):
        check_choice("init", init, ["noise"])
        return [init] * count
    starts = check_images(net, init, name="init")
    if starts.shape[2:] != size or len(starts) not in (1, count):
        raise ValueError(f"init has shape {tuple(starts.shape)}; this needs (1 or {count}, 3, {size[0]}, {size[1]}).")
    return list(starts.expand(count, -1, -1, -1).split(1))
