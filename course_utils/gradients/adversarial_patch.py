"""A patch that makes a network say one class wherever it lies (Brown et al., 2017)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Real

import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm.auto import tqdm

from course_utils.engines.steps import need_target
from course_utils.networks.network import Network, frozen
from course_utils.validate import (
    Target,
    check_graph,
    check_images,
    check_not_negative,
    check_positive,
    check_target,
    check_whole,
    plain,
    seeded,
    shown,
)

SIDES = (0.3, 0.5)  # the diameter, of the shorter side of a photo: 7 % to 20 % of a square photo's area
ANGLE = 20.0  # degrees


def random_places(
    count: int,
    *,
    side: Sequence[float] = SIDES,
    angle: float = ANGLE,
    seed: int = 0,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Places for a patch, drawn at random, so that all of it is in the photo.

    Args:
        count: how many.
        side: the smallest and the largest diameter, as shares of the shorter side of the photo.
        angle: the largest turn, in degrees.
        seed: of the draws.
        generator: draws go on from here; `seed` is then not used.

    Returns:
        `(count, 4)`: the center's row and column, from 0 (touches the top, the left) to 1 (touches the other side), the
        diameter, and the turn, clockwise.

    Raises:
        ValueError: no places, a diameter that is not between 0 and 1, or a turn that is negative or not finite.
    """
    check_whole(count=count)
    check_not_negative(angle=angle)
    sides = plain(side)
    numbers = isinstance(sides, (list, tuple)) and len(sides) == 2 and all(isinstance(one, Real) for one in sides)
    if not numbers or not 0 < sides[0] <= sides[1] <= 1:
        raise ValueError(f"side must be two shares, 0 < smallest <= largest <= 1, not {shown(side)}.")
    low, high = sides
    draws = torch.rand(count, 4, generator=generator or seeded(seed), dtype=torch.float64)
    draws[:, 2] = low + (high - low) * draws[:, 2]
    draws[:, 3] = angle * (2 * draws[:, 3] - 1)
    return draws


def stick_on(images: Tensor, patch: Tensor, places: Tensor) -> Tensor:
    """A round patch on each image. Gradients go through to the patch.

    Args:
        images: `(N, 3, H, W)` in [0, 1].
        patch: `(1, 3, S, S)` in [0, 1], with as many channels as the images; the disc in its middle is used.
        places: `(N, 4)` as `random_places` gives them.

    Returns:
        `(N, 3, H, W)`.

    Raises:
        ValueError: not one place for each image, a place that is not finite, or a patch with other channels.
    """
    if tuple(places.shape) != (len(images), 4):
        raise ValueError(f"places must have shape ({len(images)}, 4), one for each image; not {tuple(places.shape)}.")
    if not torch.isfinite(places).all():
        raise ValueError("places contain NaN or infinity; every number of a place must be finite.")
    if patch.ndim != 4 or patch.shape[:2] != (1, images.shape[1]):
        raise ValueError(f"patch must have shape (1, {images.shape[1]}, S, S), not {tuple(patch.shape)}.")
    height, width = images.shape[2:]
    down, right, side, turn = places.to(images).unbind(1)
    radius = side * min(height, width) / 2
    rows = torch.arange(height).to(images)[None, :, None] + 0.5 - (radius + down * (height - 2 * radius))[:, None, None]
    columns = torch.arange(width).to(images)[None, None] + 0.5 - (radius + right * (width - 2 * radius))[:, None, None]
    cos, sin = (f(torch.deg2rad(turn))[:, None, None] for f in (torch.cos, torch.sin))
    x, y = (cos * columns + sin * rows), (cos * rows - sin * columns)
    grid = torch.stack([x, y], 3) / radius[:, None, None, None]  # in the patch, from -1 to 1
    looks = F.grid_sample(patch.expand(len(images), -1, -1, -1), grid, padding_mode="border", align_corners=False)
    inside = (grid.square().sum(3) <= 1)[:, None]
    return torch.where(inside, looks, images)


@torch.inference_mode(False)  # a caller who switched gradients off gets them here
def adversarial_patch(
    net: Network,
    images: Tensor,
    target: Target,
    *,
    size: int = 96,
    side: Sequence[float] = SIDES,
    angle: float = ANGLE,
    steps: int = 200,
    batch_size: int = 8,
    lr: float = 0.05,
    seed: int = 0,
    callback: Callable[[int, Tensor, Tensor], object] | None = None,
    progress: bool = True,
) -> Tensor:
    """A patch that raises one class on any photo, at any place: "expectation over transformations".

    In each step the patch is stuck on photos drawn at random, at random places, sizes and turns, and Adam changes it so
    that the mean loss of the target class falls. The patch is kept in [0, 1].

    Args:
        net: a classifier.
        images: `(N, 3, H, W)` RGB in [0, 1], to learn on; not those on which it is tested.
        target: the class to be seen: index or name.
        size: of the patch, in pixels.
        side, angle: of the places, as in `random_places`.
        steps: how many.
        batch_size: photos in a step.
        lr: Adam's.
        seed: of the photos and places.
        callback: called as `callback(step, patch, loss)` in each step, with the loss `(1,)`. True ends the steps.
        progress: show a bar. Interrupting returns the patch so far.

    Returns:
        `(1, 3, size, size)` in [0, 1], with the network's channels.

    Raises:
        ValueError: no class, no such class, or a size, a number of steps or a rate that is not greater than 0.

    Reference:
        Brown, Mané, Roy, Abadi, Gilmer: Adversarial Patch, 2017 (arXiv:1712.09665).
    """
    check_whole(size=size, steps=steps, batch_size=batch_size)
    check_positive(lr=lr)
    need_target(target)
    photos, generator = check_images(net, images), seeded(seed)
    patch = photos.new_full((1, photos.shape[1], size, size), 0.5).requires_grad_()
    adam = torch.optim.Adam([patch], lr=lr)
    with frozen(net), torch.enable_grad():
        try:
            for step in tqdm(range(steps), desc="adversarial_patch", leave=False, disable=not progress):
                drawn = torch.randint(len(photos), (batch_size,), generator=generator).to(photos.device)
                places = random_places(batch_size, side=side, angle=angle, generator=generator)
                scores = net(stick_on(photos[drawn], patch, places))
                loss = F.cross_entropy(scores, check_target(net, target, scores))
                check_graph(net, loss)
                if callback is not None and callback(step, patch.detach().clone(), loss.detach()[None]):
                    break
                (patch.grad,) = torch.autograd.grad(loss, patch)
                adam.step()
                with torch.no_grad():
                    patch.clamp_(0, 1)
        except KeyboardInterrupt:
            pass
    return patch.detach().to(images.device)
