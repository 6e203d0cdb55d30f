"""Neural style transfer: the content of one picture, the Gram matrices of others (Gatys, Ecker & Bethge, CVPR 2016)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import isfinite

import torch
from torch import Tensor
from tqdm.auto import tqdm

from course_utils.errors import Spent
from course_utils.fun.deepdream import resize
from course_utils.fun.texture import gram_matrix
from course_utils.hooks import check_size, forward_to, smallest_size
from course_utils.networks.network import Network, frozen
from course_utils.validate import check_choice, check_images, check_positive, check_shares

CONTENT_LAYERS = ("relu4_2",)
STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
DEFINITIONS = ("gatys", "cs231n", "pystiche", "johnson")


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
    return_losses: bool = False,
    callback: Callable[[int, Tensor, Tensor], object] | None = None,
    progress: bool = True,
) -> Tensor | tuple[Tensor, list[dict[str, float]]]:
    """Repaint `content` with the style of other pictures.

    Minimizes `content_weight * content_loss + style_weight * style_loss + tv_weight * tv_loss`, summed over the layers.

    Args:
        net: the network; VGG-19 for the layers named here.
        content: `(N, 3, H, W)` RGB in [0, 1]; each image is repainted by itself.
        styles: `(S, 3, h, w)`, or a list of `(1, 3, h, w)` of any sizes.
        style_weights: one number for each style, used as shares of their sum; None for equal shares.
        content_weight, style_weight, tv_weight: of the three losses. More style, less content: raise `style_weight`.
        content_layers, style_layers: layers whose features, and whose Gram matrices, are to be matched.
        steps: updates at each size, each with one pass through the network (L-BFGS: also the tries of its line search); or a
            list of numbers, one for each size, the smallest size first.
        scales: how many sizes, each twice the one before: half the size costs a quarter of the time and places the large
            strokes. Sizes too small for the layers are left out.
        init: "content", "noise" (with `seed`), or an image of the content's shape.
        optimizer: "lbfgs" or "adam".
        lr: step length; None for 1 (L-BFGS) or 0.02 (Adam, in units of a pixel's range).
        smoothness: of L-BFGS's steps: for the same push a frequency moves as far as `1 / frequency^smoothness`. 0: plain pixels
            as variables. It changes how fast the minimum is reached, not where it is.
        style_size: longer side of the style pictures in pixels, which sets how large the strokes get. None: as they are.
        preserve_color: "match" recolors the styles with the content's colors first, "luminance" takes only the
            brightness of the result. None: the style's colors.
        dream_layer, dream_weight: also let this layer dream, as in `deepdream`: subtracts `dream_weight * mean(a^2) / 2`.
        seed: of the noise.
        return_losses: also return the losses before each update and after the last.
        callback: called as `callback(step, picture, loss)` before each update and after the last, with the picture that is
            looked at, at the size it has then, and its total loss, `(1,)`. Steps count on over sizes and images. True ends
            the search as Ctrl-C does.
        progress: show a progress bar.

    Returns:
        `(N, 3, H, W)` in [0, 1], the image with the smallest loss at the full size (Ctrl-C: the best so far; images whose
        turn has not come are as they start). With `return_losses` also a list of dictionaries "total", "content",
        "style", "tv", "dream", "scale" (0 is the full size).

    Raises:
        ValueError: pictures smaller than the layers can take, weights that fit nothing, unknown choices.

    Reference:
        Gatys, Ecker, Bethge: Image Style Transfer Using Convolutional Neural Networks, CVPR 2016. The weights of the
        layers are those of the authors' code, `1 / C^2`, and the default ratio of style to content is theirs, 1000.
    """
    check_choice("optimizer", optimizer, ["lbfgs", "adam"])
    check_positive(scales=scales, lr=1.0 if lr is None else lr)
    numbers = {"content_weight": content_weight, "style_weight": style_weight, "tv_weight": tv_weight}
    for name, value in {**numbers, "smoothness": smoothness}.items():
        if not (value >= 0 and isfinite(value)):
            raise ValueError(f"{name} must be 0 or greater, not {value!r}.")
    if preserve_color is not None:
        check_choice("preserve_color", preserve_color, ["match", "luminance"])
    plan = [steps] * scales if isinstance(steps, int) else list(steps)
    if len(plan) != scales or min(plan) < 0 or not isfinite(dream_weight):
        raise ValueError(
            f"steps must not be negative (one number, or one for each of the {scales} sizes) and dream_weight must be finite; "
            f"not {steps}, {dream_weight}."
        )
    wanted = [*content_layers, *style_layers, *([dream_layer] if dream_layer else [])]
    if not wanted:
        raise ValueError("give at least one content layer or style layer.")
    contents = check_images(net, content, name="content")
    check_size(net, contents, wanted, what="content")
    pictures = _styles(net, styles, style_size, wanted)
    equal = [1.0] * len(pictures)
    shares = check_shares(equal if style_weights is None else style_weights, len(pictures), "style_weights")
    starts = [_start(init, one, seed) for one in contents.split(1)]
    weights = {"content": content_weight, "style": style_weight, "tv": tv_weight, "dream": -dream_weight}
    least, results, log, stopped = smallest_size(net, wanted), [], [], False
    with frozen(net):
        for one, start in zip(contents.split(1), starts, strict=True):
            painted = [match_colors(p, one) if preserve_color == "match" else p for p in pictures]
            # From size to size only what was painted is enlarged; a photo comes anew from the original, as sharp as ever.
            base = torch.zeros_like(start) if isinstance(init, str) and init == "noise" else start
            image, change = start, None
            for k in reversed(range(scales)):
                size, small = _scaled(one, k), [_scaled(p, k) for p in painted]
                if stopped or (k and min(min(s) for s in [size, *small]) < least):
                    continue
                begin = resize(start, size) if change is None else resize(base, size) + resize(change, size)
                resized = [resize(p, s) for p, s in zip(painted, small, strict=True)]
                targets = Targets.of(net, resize(one, size), resized, shares, content_layers, style_layers, dream_layer)
                watch = None if callback is None else partial(_watch, callback, len(log))
                image, some, stopped = _minimize(
                    lambda x, t=targets: t.losses(net, x),
                    weights,
                    begin,
                    plan[-1 - k],
                    optimizer=optimizer,
                    lr=lr,
                    smoothness=smoothness,
                    watch=watch,
                    progress=progress,
                )
                log += [{**losses, "scale": k} for losses in some]
                change = image - resize(base, size)
            if image.shape != one.shape:  # stopped at a small size
                image = base + resize(change, one.shape[2:])
            results.append(keep_colors(image, one) if preserve_color == "luminance" else image)
    result = torch.cat(results).clamp(0, 1).to(content.device)
    return (result, log) if return_losses else result


def content_loss(features: Tensor, target: Tensor) -> Tensor:
    """The mean squared difference of two feature maps `(N, C, H, W)`. (The paper: half the sum.)"""
    return (features - target).square().mean()


def style_loss(gram: Tensor, target: Tensor, *, definition: str = "johnson") -> Tensor:
    """How different two Gram matrices are.

    With `E = sum((G - A)^2) / (4 N^2 M^2)` of the paper, for `N` channels, `M` positions, sums `G` and `A`:

    | definition | formula | equals |
    |---|---|---|
    | "gatys" | the paper, DeepTextures | E |
    | "cs231n" | sum of squares of Gram / (N M) | 4 E |
    | "pystiche" | mean of squares of Gram / M | 4 E |
    | "johnson" | mean of squares of Gram / (N M); the same as the layer weight 1 / N^2 of Gatys' code | 4 E / N^2 |

    Args:
        gram, target: `(N, C, C)` from `gram_matrix`, each divided by its own number of positions, as it does by default.
    """
    check_choice("definition", definition, DEFINITIONS)
    channels = gram.shape[-1]
    return (gram - target).square().mean() * {"gatys": 1 / 4, "johnson": 1 / channels**2}.get(definition, 1.0)


def tv_loss(images: Tensor) -> Tensor:
    """Total variation: squared differences of neighboring pixels, summed both ways, divided by the number of values.

    Times that number `N * C * H * W` it is CS231n's `tv_loss`, and `tv_norm` with `beta=2`.
    """
    across = (images[..., :, 1:] - images[..., :, :-1]).square().sum()
    down = (images[..., 1:, :] - images[..., :-1, :]).square().sum()
    return (across + down) / images.numel()


def mean_gram(grams: Sequence[Tensor], shares: Sequence[float]) -> Tensor:
    """The weighted mean of several styles' Gram matrices.

    A weighted sum of squared distances to several targets has the gradient of the squared distance to their weighted
    mean, if the weights add up to 1: `sum_s w_s (G - A_s)^2 = (G - sum_s w_s A_s)^2 + constant`. One target is enough.
    """
    return sum(share * gram for share, gram in zip(shares, grams, strict=True))


@dataclass
class Targets:
    """What a picture is compared with: features of the content, Gram matrices of the style."""

    content: dict[str, Tensor]
    style: dict[str, Tensor]
    dream_layer: str | None = None

    @classmethod
    def of(cls, net, content, styles, shares, content_layers, style_layers, dream_layer=None) -> Targets:
        with torch.no_grad():
            wanted = forward_to(net, content, list(content_layers)) if content_layers else {}
            seen = [forward_to(net, style, list(style_layers)) for style in styles] if style_layers else []
            grams = {layer: mean_gram([gram_matrix(s[layer]) for s in seen], shares) for layer in style_layers}
        return cls(wanted, grams, dream_layer)

    def losses(self, net: Network, image: Tensor) -> dict[str, Tensor]:
        """The unweighted losses of an image; the network runs once, and only as far as the last layer needed."""
        layers = dict.fromkeys([*self.content, *self.style, *([self.dream_layer] if self.dream_layer else [])])
        seen, zero = forward_to(net, image, list(layers)), image.new_zeros(())
        return {
            "content": sum((content_loss(seen[name], target) for name, target in self.content.items()), zero),
            "style": sum((style_loss(gram_matrix(seen[name]), target) for name, target in self.style.items()), zero),
            "tv": tv_loss(image),
            "dream": seen[self.dream_layer].square().mean() / 2 if self.dream_layer else zero,
        }


def _minimize(
    losses: Callable[[Tensor], dict[str, Tensor]],
    weights: dict[str, float],
    start: Tensor,
    steps: int,
    *,
    optimizer: str,
    lr: float | None,
    smoothness: float,
    watch: Callable[[int, Tensor, float], None] | None,
    progress: bool,
) -> tuple[Tensor, list[dict[str, float]], bool]:
    """Returns the best image, the losses before each update and after the last, and whether Ctrl-C or `watch` ended it."""
    best, best_total, log, stopped = start.clamp(0, 1), float("inf"), [], False
    if not steps:
        return best, log, stopped
    by_lbfgs, spread = optimizer == "lbfgs", smooth_steps(start.shape[2:], start, smoothness)
    variable = (torch.zeros_like(start) if by_lbfgs else start.clone()).requires_grad_()
    bar = tqdm(total=steps + 1, desc=f"style {start.shape[2]}x{start.shape[3]}", leave=False, disable=not progress)

    def picture_now() -> Tensor:
        if not by_lbfgs:
            return variable * 1
        change = torch.fft.irfft2(torch.fft.rfft2(variable) * spread, s=start.shape[2:])
        return start + change / 255  # so that a first step of 1 is one step of an 8-bit pixel

    def objective() -> Tensor:
        nonlocal best, best_total
        with torch.enable_grad():
            picture = picture_now()
            parts = losses(picture)
            total = sum((weights[name] * value for name, value in parts.items() if weights[name]), 0 * picture.sum())
            (variable.grad,) = torch.autograd.grad(total, [variable])
        log.append({"total": total.item(), **{name: value.item() for name, value in parts.items()}})
        if log[-1]["total"] < best_total:  # False for NaN
            best, best_total = picture.detach().clamp(0, 1), log[-1]["total"]
        if watch is not None:
            watch(len(log) - 1, picture.detach().clamp(0, 1), log[-1]["total"])
        bar.update()
        bar.set_postfix_str(f"loss {log[-1]['total']:.3g}", refresh=False)
        if len(log) > steps or not isfinite(log[-1]["total"]):
            raise Spent
        return total.detach()

    try:
        if by_lbfgs:
            # Pixels are not cut off inside, or L-BFGS would fail: its model of the loss is a smooth one. Without the line search
            # some steps make the loss a thousand times larger. With tolerances it would stop early.
            torch.optim.LBFGS(
                [variable], lr=lr or 1.0, max_iter=steps, max_eval=2 * steps, history_size=50, tolerance_grad=0,
                tolerance_change=0, line_search_fn="strong_wolfe",
            ).step(objective)  # fmt: skip
        else:
            search = torch.optim.Adam([variable], lr=lr or 0.02)
            while True:
                search.step(objective)
                variable.detach().clamp_(0, 1)
    except Spent:
        pass
    except KeyboardInterrupt:
        stopped = True
    finally:
        bar.close()
    return best, log, stopped


def _watch(callback: Callable, first: int, step: int, picture: Tensor, loss: float) -> None:
    if callback(first + step, picture, picture.new_tensor([loss])):
        raise KeyboardInterrupt  # a callback that ends the search and a person's Ctrl-C are the same


def smooth_steps(size: tuple[int, int], like: Tensor, smoothness: float) -> Tensor:
    """How far each frequency of a picture moves for the same push: `1 / frequency^smoothness`, of mean square 1.

    A change of variables, as in Olah et al., Feature Visualization, 2017: the picture is the optimizer's variable with its low
    frequencies amplified. The minimum is the same; L-BFGS gets there in about half the steps, since broad areas no longer wait.
    """
    height, width = size
    fy = torch.fft.fftfreq(height, dtype=like.dtype, device=like.device)[:, None]
    fx = torch.fft.rfftfreq(width, dtype=like.dtype, device=like.device)[None, :]
    frequency = (fy**2 + fx**2).sqrt()
    lowest = 1 / max(height, width)
    scale = (lowest / frequency.clamp(min=lowest)) ** smoothness
    return scale / scale.square().mean().sqrt()


def match_colors(style: Tensor, content: Tensor) -> Tensor:
    """Give a picture another one's colors: a linear map after which mean and covariance of RGB are the content's.

    `A = C_content^(1/2) C_style^(-1/2)`. Values may leave [0, 1]. A style of one color gets the content's mean color.

    Args:
        style: `(1, 3, h, w)`.
        content: `(1, 3, H, W)`.

    Returns:
        `(1, 3, h, w)`.

    Reference:
        Gatys et al.: Preserving Color in Neural Artistic Style Transfer, 2016.
    """
    pixels, wanted = style[0].flatten(1).double(), content[0].flatten(1).double()
    mean, goal = pixels.mean(1, keepdim=True), wanted.mean(1, keepdim=True)
    away = _power(torch.cov(pixels, correction=0), -0.5)
    toward = _power(torch.cov(wanted, correction=0), 0.5)
    return (toward @ away @ (pixels - mean) + goal).view_as(style[0])[None].to(style.dtype)


def _power(matrix: Tensor, exponent: float) -> Tensor:
    values, vectors = torch.linalg.eigh(matrix)
    real = values > 1e-10  # colors that do not occur have no direction to be stretched
    powers = torch.where(real, values.clamp(min=1e-10) ** exponent, 0.0)
    return vectors @ torch.diag(powers) @ vectors.T


def keep_colors(images: Tensor, content: Tensor) -> Tensor:
    """The brightness (luma Y of ITU-R BT.601) of `images` with the colors (U, V) of `content`, both `(N, 3, H, W)`.

    U and V depend on R - Y and B - Y only, so it is enough to add the difference in Y to all three channels.
    """
    luma = images.new_tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    return content + ((images - content) * luma).sum(1, keepdim=True)


def _styles(net: Network, styles: Tensor | Sequence[Tensor], style_size: int | None, layers: list[str]) -> list[Tensor]:
    """A list of checked `(1, 3, h, w)` pictures."""
    if not isinstance(styles, (Tensor, list, tuple)):
        raise TypeError(f"styles must be a tensor (S, 3, h, w) or a list of (1, 3, h, w), not {type(styles).__name__}.")
    if len(styles) == 0:
        raise ValueError("styles is empty; give at least one picture.")
    given = [styles] if isinstance(styles, Tensor) else styles
    pictures = [one for batch in given for one in check_images(net, batch, name="styles").split(1)]
    if style_size is not None:
        check_positive(style_size=style_size)
        pictures = [
            resize(p, [max(1, round(s * style_size / max(p.shape[2:]))) for s in p.shape[2:]]) for p in pictures
        ]
    for picture in pictures:
        check_size(net, picture, layers, what="a style")
    return pictures


def _start(init: str | Tensor, content: Tensor, seed: int) -> Tensor:
    if isinstance(init, Tensor):
        start = check_images(None, init, name="init").to(content)
        if start.shape != content.shape:
            raise ValueError(f"init must have the content's shape {tuple(content.shape)}, not {tuple(start.shape)}.")
        return start
    check_choice("init", init, ["content", "noise"])
    if init == "content":
        return content.clone()
    noise = torch.randn(content.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return (0.5 + 0.1 * noise).clamp(0, 1).to(content)


def _scaled(image: Tensor, halvings: int) -> tuple[int, int]:
    return tuple(max(1, round(side / 2**halvings)) for side in image.shape[2:])
