"""Fooling images: small changes of a photo that change what a network says (Szegedy et al., 2014)."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor
from tqdm.auto import tqdm

from course_utils.images import center_crop, from_pil, resize, to_pil
from course_utils.networks.network import Network, frozen
from course_utils.validate import check_choice, check_images, check_positive, check_target

Target = int | str | Sequence | Tensor | None
NORMS = ("linf", "l2")


@dataclass
class Fooled:
    """What `fool` found.

    Attributes:
        images: `(N, 3, H, W)` in [0, 1].
        steps: `(N,)` int, how many steps each image needed; those that are not fooled have taken all steps.
        success: `(N,)` bool, the network now says the target class.
        confidence: `(N, steps taken + 1)`, the probability of the target class before each step and at the end; a fooled
            image keeps its last value.
        original: the same for the class that the network saw at first.
    """

    images: Tensor
    steps: Tensor
    success: Tensor
    confidence: Tensor
    original: Tensor


def fool(
    net: Network,
    images: Tensor,
    target: Target,
    *,
    lr: float = 0.5,
    steps: int = 100,
    progress: bool = True,
) -> Fooled:
    """Climb the score of another class until the network says it, and stop: `x <- x + lr * g / |g|_2`, `g = dS_t/dx`.

    Each image stops at its own success. Pixels are kept in [0, 1].

    Args:
        net: a classifier.
        images: `(N, 3, H, W)` RGB in [0, 1]; they are copied.
        target: the class to be seen: index or name, or one per image.
        lr: length of a step, the L2 norm of the change over all pixels.
        steps: at most.
        progress: show a bar. Interrupting returns the images so far.

    Raises:
        ValueError: `target` is None: fooling needs another class than the predicted one.

    Reference:
        Szegedy et al.: Intriguing properties of neural networks, ICLR 2014; the step is Stanford CS231n's.
    """
    check_positive(lr=lr, steps=steps)
    _need_target(target)
    pixels = check_images(net, images).clone()
    count = len(pixels)
    taken = torch.zeros(count, dtype=torch.long, device=pixels.device)
    confidence, original = [], []
    with frozen(net), tqdm(total=steps, desc="fool", leave=False, disable=not progress) as bar:
        with torch.no_grad():
            scores = net(pixels)
            classes, first = check_target(net, target, scores), scores.argmax(1)
        probabilities = scores.softmax(1)
        done = scores.argmax(1) == classes

        def record():
            confidence.append(probabilities.gather(1, classes[:, None])[:, 0])
            original.append(probabilities.gather(1, first[:, None])[:, 0])

        record()
        try:
            for _ in range(steps):
                todo = (~done).nonzero()[:, 0]
                if len(todo) == 0:
                    break
                gradient, _ = _gradient(net, pixels[todo], classes[todo], "score")
                pixels[todo] = (pixels[todo] + lr * _unit(gradient)).clamp(0, 1)
                with torch.no_grad():
                    scores = net(pixels[todo])
                taken[todo] += 1
                probabilities[todo] = scores.softmax(1)
                done[todo] = scores.argmax(1) == classes[todo]
                record()
                bar.update()
                bar.set_postfix_str(f"{int(done.sum())} of {count} fooled", refresh=False)
        except KeyboardInterrupt:
            pass
    found = pixels, taken, done, torch.stack(confidence, 1), torch.stack(original, 1)
    return Fooled(*(part.to(images.device) for part in found))


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

    Reference:
        Goodfellow, Shlens, Szegedy: Explaining and Harnessing Adversarial Examples, ICLR 2015.
    """
    return pgd(net, images, target, eps=eps, alpha=eps, steps=1, targeted=targeted, of=of, progress=False)


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

    linf: `x <- x + alpha * sign(g)`, then each pixel's change is cut to `[-eps, eps]`. l2: `x <- x + alpha * g / |g|_2`,
    then the whole change is shortened to length `eps` where it is longer. `g` points away from the target class, or
    toward it if `targeted`.

    Args:
        net: a classifier.
        images: `(N, 3, H, W)` RGB in [0, 1]; they are not changed.
        target: not `targeted`: the class to leave, None for the predicted one. `targeted`: the class to reach.
        eps: the radius: the largest change of a pixel ("linf"), or the length of the change over all pixels ("l2").
        alpha: length of a step, measured in the same way; None for 2.5 * eps / steps.
        steps: how many.
        norm: "linf" or "l2".
        targeted: go toward `target`, not away from it.
        random_start: start at a random point of the ball instead of at the photo.
        of: "loss" or "score", see `fgsm`.
        seed: of the random start.
        callback: called as `callback(step, images, values)` in each step, with the images before the step and the target
            class's cross-entropy or score, `(N,)`. True ends the steps.
        progress: show a bar. Interrupting returns the images so far.

    Returns:
        `(N, 3, H, W)` in [0, 1], at most `eps` away from `images`.

    Reference:
        Madry et al.: Towards Deep Learning Models Resistant to Adversarial Attacks, ICLR 2018.
    """
    check_choice("norm", norm, NORMS)
    check_choice("of", of, ("loss", "score"))
    check_positive(steps=steps)
    if not eps >= 0:
        raise ValueError(f"eps must not be negative, not {eps!r}.")
    alpha = 2.5 * eps / steps if alpha is None else alpha
    if not alpha >= 0:
        raise ValueError(f"alpha must not be negative, not {alpha!r}.")
    if targeted:
        _need_target(target)
    clean = check_images(net, images)
    # up: a larger cross-entropy leaves the class, a larger score reaches it
    direction = 1.0 if targeted == (of == "score") else -1.0
    with frozen(net):
        with torch.no_grad():
            classes = check_target(net, target, net(clean))
        pixels = clean.clone()
        if random_start:
            pixels = (clean + _random_change(clean, eps, norm, seed)).clamp(0, 1)
        try:
            for taken in tqdm(range(steps), desc="pgd", leave=False, disable=not progress):
                gradient, values = _gradient(net, pixels, classes, of)
                if callback is not None and callback(taken, pixels.clone(), values):
                    break
                gradient = direction * gradient
                step = gradient.sign() if norm == "linf" else _unit(gradient)
                pixels = (clean + project(pixels + alpha * step - clean, eps, norm)).clamp(0, 1)
        except KeyboardInterrupt:
            pass
    return pixels.to(images.device)


def project(change: Tensor, eps: float, norm: str = "linf") -> Tensor:
    """The point of the ball of radius `eps` that is closest to each change `(N, 3, H, W)`; inside, nothing moves."""
    check_choice("norm", norm, NORMS)
    if norm == "linf":
        return change.clamp(-eps, eps)
    return change * (eps / _length(change).clamp_min(1e-12)).clamp_max(1)


def fooled(net: Network, images: Tensor, target: Target, *, targeted: bool = True) -> Tensor:
    """Whether the network now says the target class (`targeted`), or no longer says it: `(N,)` bool."""
    _need_target(target)
    ready = check_images(net, images)
    with frozen(net), torch.no_grad():
        scores = net(ready)
    says = scores.argmax(1) == check_target(net, target, scores)
    return (says if targeted else ~says).to(images.device)


def jpeg(images: Tensor, quality: int = 90) -> Tensor:
    """The images after they were saved as JPEG files and read again: `(N, 3, H, W)` -> `(N, 3, H, W)`.

    Args:
        images: in [0, 1].
        quality: 1 to 95, as in Pillow.
    """
    if not 1 <= quality <= 95:
        raise ValueError(f"quality must be from 1 to 95, not {quality!r}.")
    read = []
    for image in check_images(None, images):
        file = io.BytesIO()
        to_pil(image).save(file, "JPEG", quality=quality)
        read.append(from_pil(Image.open(file)))
    return torch.cat(read).to(images)


def crop_and_resize(images: Tensor, share: float = 0.9) -> Tensor:
    """The middle `share` of each side, enlarged to the old size."""
    if not 0 < share <= 1:
        raise ValueError(f"share must be greater than 0 and at most 1, not {share!r}.")
    height, width = images.shape[2:]
    return resize(center_crop(images, (max(1, round(share * height)), max(1, round(share * width)))), (height, width))


def survival(
    net: Network,
    images: Tensor,
    target: Target,
    *,
    targeted: bool = True,
    qualities: Sequence[int] = (95, 75, 50),
    crops: Sequence[float] = (0.95, 0.8),
    networks: Mapping[str, Network] | None = None,
) -> dict[str, float]:
    """The share of attacked images that still fool, after what happens to pictures in the world.

    Args:
        net: the network that was attacked.
        images: `(N, 3, H, W)`, the attacked images.
        target, targeted: as in the attack.
        qualities: of JPEG files.
        crops: shares of each side that a crop keeps.
        networks: others, by name; each sees the images at its own size.

    Returns:
        From a description to the share, `"as it is"` first.
    """
    images = check_images(net, images)
    worlds = {"as it is": (net, images), "saved as 8-bit pixels": (net, (images * 255).round() / 255)}
    worlds |= {f"JPEG, quality {q}": (net, jpeg(images, q)) for q in qualities}
    worlds |= {f"middle {share:.0%}": (net, crop_and_resize(images, share)) for share in crops}
    worlds |= {name: (other, resize(images, other.input_size)) for name, other in (networks or {}).items()}
    return {
        name: fooled(judge, seen, target, targeted=targeted).float().mean().item()
        for name, (judge, seen) in worlds.items()
    }


def magnify(change: Tensor, factor: float = 10.0) -> Tensor:
    """A change of an image as a picture: gray where nothing changes, `0.5 + factor * change`, cut off at 0 and 1.

    A difference is no photo: adding a mean color to it, or leaving negative values to wrap around or to be cut off at
    0, shows a change that is not there.
    """
    return (0.5 + factor * change).clamp(0, 1)


def _need_target(target: Target) -> None:
    if target is None:
        raise ValueError("target is None, but this needs a class to reach: an index, a name, or one per image.")


def _gradient(net: Network, pixels: Tensor, classes: Tensor, of: str) -> tuple[Tensor, Tensor]:
    """The gradient of each image's own score or cross-entropy with respect to its pixels, and these values `(N,)`."""
    with torch.enable_grad():
        pixels = pixels.detach().requires_grad_()
        scores = net(pixels)
        values = (scores if of == "score" else -scores.log_softmax(1)).gather(1, classes[:, None])[:, 0]
        (gradient,) = torch.autograd.grad(values.sum(), pixels)
        return gradient, values.detach()


def _length(change: Tensor) -> Tensor:
    return change.flatten(1).norm(dim=1)[:, None, None, None]


def _unit(gradient: Tensor) -> Tensor:
    return gradient / _length(gradient).clamp_min(1e-12)


def _random_change(clean: Tensor, eps: float, norm: str, seed: int) -> Tensor:
    """A uniformly random point of the ball, for each image."""
    generator = torch.Generator().manual_seed(seed)
    if norm == "linf":
        draw = torch.rand(clean.shape, generator=generator, dtype=torch.float64).to(clean)
        return (2 * draw - 1) * eps
    direction = _unit(torch.randn(clean.shape, generator=generator, dtype=torch.float64))
    radius = torch.rand(len(clean), 1, 1, 1, generator=generator, dtype=torch.float64) ** (1 / clean[0].numel())
    return (eps * radius * direction).to(clean)
