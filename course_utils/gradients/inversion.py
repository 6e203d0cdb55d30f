"""Feature inversion: which pictures does a layer take for the same? (Mahendran & Vedaldi, 2015)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from tqdm.auto import tqdm

from course_utils.errors import Spent
from course_utils.hooks import forward_to
from course_utils.networks.network import Network, frozen
from course_utils.validate import check_choice, check_images, check_positive

# lucid's square root of the covariance of RGB over natural pictures, columns scaled so that the longest has length 1
COLORS = ((0.26, 0.09, 0.02), (0.27, 0.00, -0.05), (0.27, -0.09, 0.03))


@dataclass
class Inversion:
    """What `invert` found.

    Attributes:
        images: `(N, 3, H, W)` in [0, 1].
        errors: `(N, steps taken + 1)`, the relative feature error before each step and at the end of the way; the error
            of the returned images, which are the best of the way and cut off at 0 and 1, is in `error`.
        error: `(N,)`, the relative feature error of `images`.
        fall: `(N,)`, by which share the error fell: 1 - error / errors[:, 0].
    """

    images: Tensor
    errors: Tensor
    error: Tensor

    @property
    def fall(self) -> Tensor:
        return 1 - self.error / self.errors[:, 0]


def tv_norm(images: Tensor, beta: float = 2.0) -> Tensor:
    """Total variation, `V_beta(x) = sum_ij ((x_i,j+1 - x_ij)^2 + (x_i+1,j - x_ij)^2)^(beta/2)`, summed over channels.

    The last row and column are repeated, so their differences are 0 and no pixel is left out (as in the authors' code;
    versions that crop give less). Where both differences are 0, the gradient is 0 for every beta: no NaN for beta < 2.

    Args:
        images: `(N, C, H, W)`, or one picture `(C, H, W)` or `(H, W)`, any range.
        beta: 1 keeps edges, 2 (the paper's choice) spreads them, above 2 punishes steep steps most.

    Returns:
        `(N,)`, or a number for one picture. Differentiable.
    """
    check_positive(beta=beta)
    down = torch.nn.functional.pad(images[..., 1:, :] - images[..., :-1, :], (0, 0, 0, 1))
    right = torch.nn.functional.pad(images[..., :, 1:] - images[..., :, :-1], (0, 1))
    squares = down**2 + right**2
    if beta != 2:
        flat = squares == 0  # the derivative of v^(beta/2) at v = 0 is infinite for beta < 2
        squares = squares.masked_fill(flat, 1.0).pow(beta / 2).masked_fill(flat, 0.0)
    return squares.flatten(1).sum(1) if images.ndim == 4 else squares.sum()


def feature_error(features: Tensor, wanted: Tensor) -> Tensor:
    """The relative error `|F - F0|^2 / |F0|^2` of each example: `(N, ...)`, `(N, ...)` -> `(N,)`; 1 for F = 0."""
    return (features - wanted).flatten(1).square().sum(1) / wanted.flatten(1).square().sum(1).clamp_min(1e-30)


def invert(
    net: Network,
    images: Tensor,
    layer: str,
    *,
    size: tuple[int, int] | None = None,
    tv_weight: float = 0.0,
    beta: float = 2.0,
    steps: int = 60,
    optimizer: str = "lbfgs",
    lr: float | None = None,
    parameterization: str = "fourier",
    init: str | Tensor = "noise",
    seed: int = 0,
    callback: Callable[[int, Tensor, Tensor], object] | None = None,
    progress: bool = True,
) -> Inversion:
    """Find a picture with given features: minimize `|F(x) - F0|^2 / |F0|^2 + tv_weight * V_beta(x) / (H W)`.

    Differs from the paper: the total variation is per pixel, so that one weight serves every size; L-BFGS in place of
    gradient descent with momentum; and by default the picture is described by its Fourier coefficients, low frequencies
    enlarged and colors decorrelated, which reaches the same error in about half of the steps. `parameterization="pixels"`
    is the paper's way: there the total variation is what keeps the picture from filling with noise.

    Args:
        net: the network.
        images: `(N, 3, H, W)` RGB in [0, 1] whose features are wanted; with `size`, the features themselves `(N, ...)`.
        layer: a dotted path or alias, such as "relu4_1".
        size: `(H, W)` of the picture to find when `images` are features.
        tv_weight: of the total variation; 0.1 to 1 are useful with "pixels", 10 washes a photo out.
        beta: of the total variation.
        steps: how many times the features and their gradient are computed, line search included.
        optimizer: "lbfgs" or "adam".
        lr: None for 1 (lbfgs) or 0.05 (adam).
        parameterization: "fourier" or "pixels".
        init: "noise", or a picture `(1, 3, H, W)` or `(N, 3, H, W)` to start from; with "fourier", black
            and white pixels hardly move, so a pale picture is a better start.
        seed: of the noise.
        callback: called as `callback(step, picture, error)` for each of these steps, with the picture that is looked at,
            `(1, 3, H, W)` in [0, 1], and its relative feature error, `(1,)`. Pictures come one after the other, and steps
            count on over them. True ends the search as Ctrl-C does: the best so far is returned.
        progress: show a bar. Interrupting returns the best pictures so far.

    Returns:
        An `Inversion`: pictures in [0, 1] and their relative feature errors, on the device of `images`.

    Reference:
        Mahendran, Vedaldi: Understanding Deep Image Representations by Inverting Them, CVPR 2015; Olah, Mordvintsev,
        Schubert: Feature Visualization, Distill 2017, for the Fourier description.
    """
    check_positive(steps=steps, beta=beta)
    check_choice("optimizer", optimizer, ("lbfgs", "adam"))
    check_choice("parameterization", parameterization, ("fourier", "pixels"))
    if tv_weight < 0:
        raise ValueError(f"tv_weight must not be negative, not {tv_weight!r}.")
    wanted, size = _wanted_features(net, images, layer, size)
    describe = _fourier(size, net.channels, wanted) if parameterization == "fourier" else _pixels()
    starts = _starts(net, init, len(wanted), size, seed, describe)
    found = []
    with frozen(net), tqdm(total=len(wanted) * steps, desc=f"invert {layer}", leave=False, disable=not progress) as bar:
        for target, start in zip(wanted.split(1), starts.split(1), strict=True):
            watch = None if callback is None else partial(_watch, callback, len(found) * steps)
            found.append(
                _invert_one(net, layer, target, start, describe, tv_weight, beta, steps, optimizer, lr, bar, watch)
            )
            if found[-1][2]:  # interrupted: the other pictures stay as they start
                found += [(s, found[-1][1][:1], True) for s in starts[len(found) :].split(1)]
                break
        pictures = torch.cat([f[0] for f in found])
        with torch.no_grad():
            error = feature_error(forward_to(net, pictures, [layer])[layer], wanted)
    length = max(len(f[1]) for f in found)
    errors = torch.tensor([f[1] + f[1][-1:] * (length - len(f[1])) for f in found])
    return Inversion(*(part.to(images.device) for part in (pictures, errors, error)))


def _watch(callback: Callable, first: int, step: int, picture: Tensor, error: float) -> None:
    if callback(first + step, picture.detach().clamp(0, 1), picture.new_tensor([error])):
        raise KeyboardInterrupt  # a callback that ends the search and a person's Ctrl-C are the same


def _invert_one(net, layer, wanted, start, describe, tv_weight, beta, steps, optimizer, lr, bar, watch=None):
    """One picture: `(picture, errors on the way, interrupted)`."""
    to_picture, from_picture, _ = describe
    code = from_picture(start).requires_grad_()
    best, best_value, errors, interrupted = code.detach().clone(), float("inf"), [], False

    def objective():
        nonlocal best, best_value
        with torch.enable_grad():
            picture = to_picture(code)
            error = feature_error(forward_to(net, picture, [layer])[layer], wanted).sum()
            value = error + tv_weight * tv_norm(picture, beta).sum() / picture[0, 0].numel() if tv_weight else error
            (code.grad,) = torch.autograd.grad(value, code)
        errors.append(error.item())
        if value.item() < best_value:  # False for NaN
            best, best_value = code.detach().clone(), value.item()
        if len(errors) > steps:
            raise Spent
        if watch is not None:
            watch(len(errors) - 1, picture, errors[-1])
        bar.update()
        bar.set_postfix_str(f"error {errors[-1]:.3f}", refresh=False)
        return value.detach()

    try:
        if optimizer == "lbfgs":
            # The line search costs a few passes and makes every step safe, also for beta near 1, where the total
            # variation has kinks. The tolerances are off, for they would stop the search early.
            torch.optim.LBFGS(
                [code], lr=lr or 1.0, max_iter=steps, history_size=10, tolerance_grad=0, tolerance_change=0,
                line_search_fn="strong_wolfe",
            ).step(objective)  # fmt: skip
        else:
            stepper = torch.optim.Adam([code], lr=lr or 0.05)
            while True:
                stepper.step(objective)
    except Spent:
        pass
    except KeyboardInterrupt:
        interrupted = True
    with torch.no_grad():
        # Cut off only here: inside the loop, cutting would make the optimizer's picture of the objective wrong.
        return to_picture(best).clamp(0, 1), errors or [float("nan")], interrupted


def _wanted_features(net: Network, images: Tensor, layer: str, size) -> tuple[Tensor, tuple[int, int]]:
    net.layer_name(layer)
    if size is None:
        pictures = check_images(net, images)
        with frozen(net), torch.no_grad():
            return forward_to(net, pictures, [layer])[layer], tuple(pictures.shape[2:])
    wanted = images.detach().to(net.device)
    with frozen(net), torch.no_grad():
        blank = torch.full((1, net.channels, *size), 0.5, device=net.device, dtype=net.mean.dtype)
        shape = forward_to(net, blank, [layer])[layer].shape
    if wanted.shape[1:] != shape[1:] or len(wanted) == 0:
        raise ValueError(
            f"features of {layer} have shape (N, {', '.join(map(str, shape[1:]))}) for pictures of size {tuple(size)}; "
            f"these have shape {tuple(wanted.shape)}."
        )
    if not torch.isfinite(wanted).all():
        raise ValueError("the features contain NaN or infinity; clean them before you hand them in.")
    return wanted.to(blank.dtype), tuple(size)


def _starts(net: Network, init: str | Tensor, count: int, size: Sequence[int], seed: int, describe) -> Tensor:
    if isinstance(init, Tensor):
        starts = check_images(net, init, name="init")
        if starts.shape[2:] != tuple(size) or len(starts) not in (1, count):
            raise ValueError(
                f"init has shape {tuple(starts.shape)}; this needs (1 or {count}, 3, {size[0]}, {size[1]})."
            )
        return starts.expand(count, -1, -1, -1)
    check_choice("init", init, ("noise",))
    generator = torch.Generator().manual_seed(seed)
    code = describe[1](torch.full((1, net.channels, *size), 0.5, device=net.device, dtype=net.mean.dtype))
    noise = torch.randn(code.shape, generator=generator, dtype=torch.float64).to(code)
    return describe[0](code + describe[2] * noise).clamp(0, 1).expand(count, -1, -1, -1)


def _pixels():
    """The picture described by its pixels: there, back, and the spread of a noise to start from."""
    return (lambda code: code), (lambda picture: picture.clone()), 0.1


def _fourier(size: Sequence[int], channels: int, like: Tensor):
    """The picture described by its Fourier coefficients, each divided by the amplitude 1/f that natural pictures have."""
    height, width = size
    options = {"device": like.device, "dtype": like.dtype}
    frequency = torch.hypot(
        torch.fft.fftfreq(height, **options)[:, None], torch.fft.rfftfreq(width, **options)[None, :]
    )
    amplitude = 1 / frequency.clamp_min(1 / max(height, width))  # the mean color has frequency 0
    amplitude = 4 * amplitude / amplitude.mean()
    colors = torch.tensor(COLORS, **options) if channels == 3 else torch.eye(channels, **options)
    colors = colors / colors.norm(dim=0).max()

    def to_picture(code: Tensor) -> Tensor:
        plane = torch.fft.irfft2(torch.view_as_complex(code) * amplitude, s=(height, width), norm="ortho")
        return torch.einsum("rc,nchw->nrhw", colors, plane).sigmoid()

    def from_picture(picture: Tensor) -> Tensor:
        plane = torch.einsum("cr,nrhw->nchw", torch.linalg.inv(colors), picture.clamp(0.01, 0.99).logit())
        return torch.view_as_real(torch.fft.rfft2(plane, norm="ortho") / amplitude).contiguous()

    return to_picture, from_picture, 0.02
