"""Neural style transfer: the content of one picture, the Gram matrices of others (Gatys, Ecker & Bethge, CVPR 2016)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from course_utils.fun.colors import keep_colors, match_colors
from course_utils.fun.dream import dream
from course_utils.fun.style_losses import CONTENT_LAYERS, STYLE_LAYERS, content_loss, style_loss
from course_utils.hooks import check_size, smallest_size
from course_utils.networks.network import Network
from course_utils.optimize.descend import Callback, Watch, descend
from course_utils.optimize.objectives import Objective, total_variation
from course_utils.optimize.octaves import scaled, stretch, through_sizes
from course_utils.optimize.pictures import Pixels, Smooth
from course_utils.validate import (
    check_choice,
    check_images,
    check_list,
    check_not_negative,
    check_number,
    check_positive,
    check_shares,
    check_whole,
    plain,
    precise,
    seeded,
)


@torch.inference_mode(False)  # a gradient is needed, also in a caller's inference mode
def style_transfer(
    net: Network,
    content: Tensor,
    styles: Tensor | Sequence[Tensor],
    *,
    style_weights: Sequence[float] | None = None,
    content_weight: float = 1.0,
    style_weight: float = 1e3,
    tv_weight: float = 0.0,
    content_layers: Sequence[str] = CONTENT_LAYERS,
    style_layers: Sequence[str] = STYLE_LAYERS,
    steps: int | Sequence[int] = 60,
    scales: int = 2,
    init: str | Tensor = "content",
    optimizer: str = "lbfgs",
    lr: float | None = None,
    smoothness: float = 0.5,
    style_size: int | None = None,
    preserve_color: str | None = None,
    dream_layer: str | None = None,
    dream_weight: float = 0.0,
    seed: int = 0,
    callback: Callback | None = None,
    progress: bool = True,
) -> Tensor:
    """Repaint `content` with the style of other pictures.

    Minimizes `content_weight * content_loss + style_weight * style_loss + tv_weight * V(x) / (3 H W)`.

    Args:
        net: the network; VGG-19 for the layers named here.
        content: `(N, 3, H, W)` RGB in [0, 1]; each image is repainted by itself.
        styles: `(S, 3, h, w)`, or a list of `(1, 3, h, w)` of any sizes.
        style_weights: one number for each style, used as shares of their sum; None for equal shares.
        content_weight, style_weight, tv_weight: of the three losses. More style, less content: raise `style_weight`.
        content_layers, style_layers: layers whose features, and whose Gram matrices, are to be matched.
        steps: updates at each size, each with one pass through the network (L-BFGS: also the tries of its line search);
            or a list of numbers, one for each size, the smallest size first.
        scales: how many sizes, each twice the one before: half the size costs a quarter of the time and places the
            large strokes. Sizes too small for the layers are left out.
        init: "content", "noise" (with `seed`), or an image of the content's shape.
        optimizer: "lbfgs" or "adam".
        lr: step length; None for 1 (L-BFGS) or 0.02 (Adam, in units of a pixel's range).
        smoothness: of L-BFGS's steps: for the same push a frequency moves as far as `1 / frequency^smoothness`. 0:
            plain pixels as variables. It moves no minimum, but it may change which one is reached.
        style_size: longer side of the style pictures in pixels, which sets how large the strokes get. None: as they
            are.
        preserve_color: "match" recolors the styles with the content's colors first, "luminance" takes only the
            brightness of the result. None: the style's colors.
        dream_layer, dream_weight: also let this layer dream, as in `deepdream`: subtracts
            `dream_weight * mean(a^2) / 2`.
        seed: of the noise.
        callback: called as `callback(step, picture, loss)` before each update and after the last, with the picture that
            is looked at, at its full size, and its total loss, `(1,)`. Steps count on over sizes and images. True ends
            the search as Ctrl-C does.
        progress: show a progress bar.

    Returns:
        `(N, 3, H, W)` in [0, 1], the image with the smallest loss at the full size (Ctrl-C: the best so far; images
        whose turn has not come are as they start).

    Raises:
        ValueError: pictures smaller than the layers can take, weights that fit nothing, unknown choices.

    Reference:
        Gatys, Ecker, Bethge: Image Style Transfer Using Convolutional Neural Networks, CVPR 2016. The weights of the
        layers are those of the authors' code, `1 / C^2`, and the default ratio of style to content is theirs, 1000.
    """
    check_choice("optimizer", optimizer, ["lbfgs", "adam"])
    check_choice("preserve_color", preserve_color or "match", ["match", "luminance"])
    check_positive(lr=1.0 if lr is None else lr)
    numbers = {"content_weight": content_weight, "style_weight": style_weight, "tv_weight": tv_weight}
    check_not_negative(**numbers, smoothness=smoothness)
    check_number(dream_weight=dream_weight)
    plan = _plan(steps, scales)
    content_layers = check_list("content_layers", content_layers, "names")
    style_layers = check_list("style_layers", style_layers, "names")
    wanted = [*content_layers, *style_layers, *([dream_layer] if dream_layer else [])]
    if not wanted:
        raise ValueError("give at least one content layer or style layer.")
    contents = precise(check_images(net, content, name="content")).contiguous()
    check_size(net, contents, wanted, what="content")
    pictures = _styles(net, styles, style_size, wanted)
    shares = [1.0] * len(pictures) if style_weights is None else style_weights
    shares = check_shares(shares, len(pictures), "style_weights")
    starts, results = _starts(net, init, contents, seed), []
    least = smallest_size(net, wanted, size=tuple(contents.shape[2:]))

    def total_loss(photo: Tensor, painted: list[Tensor]) -> Objective:
        """What is made small, for a photo and styles of one size."""
        loss = content_weight * content_loss(net, photo, layers=content_layers)
        loss = loss + style_weight * style_loss(net, painted, layers=style_layers, shares=shares)
        loss = loss + tv_weight / net.channels * total_variation()
        return loss - dream_weight * dream(dream_layer) if dream_layer else loss

    looks = len(contents) * sum(s + 1 for s in plan.values())
    with Watch(callback, looks=looks, name="style", progress=progress) as watch:
        for one, start in zip(contents.split(1), starts, strict=True):
            painted = [match_colors(p, one) if preserve_color == "match" else p for p in pictures]
            sizes = [zoom for zoom, count in plan.items() if count]
            zooms = [z for z in sizes if z == 1 or all(min(scaled(p.shape[2:], z)) >= least for p in [one, *painted])]

            def draw(picture: Tensor, zoom: float, one=one, painted=painted) -> Tensor:
                """Minimize the loss at one size."""
                photo, *small = (stretch(p, scaled(p.shape[2:], zoom)) for p in [one, *painted])
                begin = Smooth(picture, smoothness) if optimizer == "lbfgs" else Pixels(picture)
                how = {"optimizer": optimizer, "lr": lr or {"lbfgs": 1.0, "adam": 0.02}[optimizer]}
                return descend(net, total_loss(photo, small), begin, steps=plan[zoom], watch=watch, **how).images

            base = torch.zeros_like(start) if isinstance(init, str) and init == "noise" else start
            image = through_sizes(base, zooms, draw, watch, start=start)
            results.append(keep_colors(image, one) if preserve_color == "luminance" else image)
    return torch.cat(results).clamp(0, 1).to(content.device)


def _plan(steps: int | Sequence[int], scales: int) -> dict[float, int]:
    """From by how much a size is divided to its steps, the smallest size first."""
    check_whole(scales=scales)
    steps = plain(steps)
    plan = list(steps) if isinstance(steps, (list, tuple)) else [steps] * scales
    for one in plan:
        check_whole(least=0, steps=one)
    if len(plan) != scales:
        raise ValueError(f"steps must be one number, or one for each of the {scales} sizes, not {steps}.")
    return {2.0 ** (scales - 1 - number): count for number, count in enumerate(plan)}


def _styles(net: Network, styles: Tensor | Sequence[Tensor], style_size: int | None, layers: list[str]) -> list[Tensor]:
    """A list of checked `(1, 3, h, w)` pictures."""
    if not isinstance(styles, (Tensor, list, tuple)):
        raise TypeError(f"styles must be a tensor (S, 3, h, w) or a list of (1, 3, h, w), not {type(styles).__name__}.")
    if len(styles) == 0:
        raise ValueError("styles is empty; give at least one picture.")
    given = [styles] if isinstance(styles, Tensor) else styles
    pictures = [
        one for batch in given for one in precise(check_images(net, batch, name="styles")).contiguous().split(1)
    ]
    if style_size is not None:
        check_whole(style_size=style_size)
        pictures = [stretch(p, scaled(p.shape[2:], max(p.shape[2:]) / style_size)) for p in pictures]
    for picture in pictures:
        check_size(net, picture, layers, what="a style")
    return pictures


def _starts(net: Network, init: str | Tensor, contents: Tensor, seed: int) -> Sequence[Tensor]:
    """Where each picture starts, `(1, 3, H, W)`."""
    if isinstance(init, Tensor):
        start = check_images(net, init, name="init").to(contents)
        if start.shape != contents[:1].shape:
            raise ValueError(
                f"init must have the content's shape {tuple(contents[:1].shape)}, not {tuple(start.shape)}."
            )
        return [start] * len(contents)
    check_choice("init", init, ["content", "noise"])
    if init == "content":
        return contents.split(1)
    noise = torch.randn(contents[:1].shape, generator=seeded(seed), dtype=torch.float64)
    return [(0.5 + 0.1 * noise).clamp(0, 1).to(contents)] * len(contents)
