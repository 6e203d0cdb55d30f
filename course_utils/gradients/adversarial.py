"""Small changes that nobody sees: FGSM (Goodfellow et al., 2015) and PGD (Madry et al., 2018)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from tqdm.auto import tqdm

from course_utils.engines.steps import l2_length, loss_gradient, need_target, random_change, unit_length
from course_utils.networks.network import Network, frozen
from course_utils.validate import Target, check_choice, check_images, check_not_negative, check_target, check_whole

NORMS = ("linf", "l2")


def fgsm(
    net: Network,
    images: Tensor,
    target: Target = None,
    *,
    eps: float = 8 / 255,
    targeted: bool = False,
    of: str = "loss",
) -> Tensor:
    """The fast gradient sign method: one step, `x + eps * sign(dL/dx)`, kept in [0, 1].

    On a linear score `w x + b`, `of="score"` with `targeted` raises the score by exactly `eps * |w|_1` (where no pixel
    is cut off at 0 or 1): no change of the same size raises it more.

    Args:
        net: a classifier.
        images: `(N, 3, H, W)` RGB in [0, 1]; they are not changed.
        target: not `targeted`: the class to leave, None for the predicted one. `targeted`: the class to reach.
        eps: the largest change of a pixel's value, from 0 (nothing) to 1.
        targeted: go toward `target`, not away from it.
        of: "loss", the cross-entropy of the target class, as in the paper; or "score", its score before the softmax.

    Returns:
        `(N, 3, H, W)` in [0, 1].

    Raises:
        ValueError: a negative `eps`, no such class or loss, or `targeted` without a class.

    Reference:
        Goodfellow, Shlens, Szegedy: Explaining and Harnessing Adversarial Examples, ICLR 2015.
    """
    return pgd(net, images, target, eps=eps, alpha=eps, steps=1, targeted=targeted, of=of, progress=False)


@torch.inference_mode(False)  # a caller who switched gradients off gets them here
def pgd(
    net: Network,
    images: Tensor,
    target: Target = None,
    *,
    eps: float = 8 / 255,
    alpha: float | None = None,
    steps: int = 20,
    norm: str = "linf",
    targeted: bool = False,
    random_start: bool = False,
    of: str = "loss",
    seed: int = 0,
    callback: Callable[[int, Tensor, Tensor], object] | None = None,
    progress: bool = True,
) -> Tensor:
    """Projected gradient descent: many small steps, and after each back into the ball of radius `eps` and into [0, 1].

    linf: `x <- x + alpha * sign(g)`, then each pixel's change is cut to `[-eps, eps]`. l2:
    `x <- x + alpha * g / |g|_2`, then the whole change is shortened to length `eps` where it is longer. `g` points away
    from the target class, or toward it if `targeted`.

    Args:
        net: a classifier.
        images: `(N, 3, H, W)` RGB in [0, 1]; they are not changed.
        target: not `targeted`: the class to leave, None for the predicted one. `targeted`: the class to reach.
        eps: the radius: the largest change of a pixel ("linf"), or the length of the change over all pixels ("l2").
        alpha: length of a step, measured in the same way; None for 2.5 * eps / steps.
        steps: how many.
        norm: "linf" or "l2".
        targeted: go toward `target`, not away from it.
        random_start: start at a random point of the ball, as Madry et al. do; without it this is the basic iterative
            method, BIM (Kurakin et al., 2017).
        of: "loss" or "score", see `fgsm`.
        seed: of the random start.
        callback: called as `callback(step, images, values)` in each step, with the images before the step and the
            target class's cross-entropy or score, `(N,)`. True ends the steps.
        progress: show a bar. Interrupting returns the images so far.

    Returns:
        `(N, 3, H, W)` in [0, 1], at most `eps` away from `images`.

    Raises:
        ValueError: a negative `eps` or `alpha`, no steps, no such class, norm or loss, or `targeted` without a class.

    Reference:
        Madry et al.: Towards Deep Learning Models Resistant to Adversarial Attacks, ICLR 2018. Kurakin, Goodfellow,
        Bengio: Adversarial Examples in the Physical World, ICLR Workshop 2017.
    """
    check_choice("norm", norm, NORMS)
    check_choice("of", of, ("loss", "score"))
    check_whole(steps=steps)
    check_not_negative(eps=eps)
    alpha = 2.5 * eps / steps if alpha is None else alpha
    check_not_negative(alpha=alpha)
    if targeted:
        need_target(target)
    clean = check_images(net, images)
    # up: a larger cross-entropy leaves the class, a larger score reaches it
    direction = 1.0 if targeted == (of == "score") else -1.0
    with frozen(net):
        with torch.no_grad():
            classes = check_target(net, target, net(clean))
        pixels = clean.clone()
        if random_start:
            pixels = (clean + random_change(clean, eps, norm, seed)).clamp(0, 1)
        try:
            for taken in tqdm(range(steps), desc="pgd", leave=False, disable=not progress):
                gradient, values = loss_gradient(net, pixels, classes, of)
                if callback is not None and callback(taken, pixels.clone(), values):
                    break
                gradient = direction * gradient
                step = gradient.sign() if norm == "linf" else unit_length(gradient)
                pixels = (clean + project(pixels + alpha * step - clean, eps, norm)).clamp(0, 1)
        except KeyboardInterrupt:
            pass
    return pixels.to(images.device)


def project(change: Tensor, eps: float, norm: str = "linf") -> Tensor:
    """The point of a ball that is closest to each change; inside, nothing moves.

    Args:
        change: `(N, 3, H, W)`.
        eps: radius of the ball.
        norm: "linf" or "l2".

    Returns:
        `(N, 3, H, W)`.

    Raises:
        ValueError: no such norm, or a negative radius.
    """
    check_choice("norm", norm, NORMS)
    check_not_negative(eps=eps)
    if norm == "linf":
        return change.clamp(-eps, eps)
    return change * (eps / l2_length(change).clamp_min(1e-12)).clamp_max(1)
