"""What is left of a fooling image after JPEG, cropping and resizing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as F

from course_utils.gradients.fooling import fooled
from course_utils.images import center_crop, resize
from course_utils.networks.network import Network
from course_utils.validate import Target, check_images, check_list, check_whole


def jpeg(images: Tensor, quality: int = 90) -> Tensor:
    """The images after they were saved as JPEG files and read again: `(N, 3, H, W)` -> `(N, 3, H, W)`.

    Args:
        images: in [0, 1].
        quality: 1 to 95, as in Pillow.

    Raises:
        ValueError: another quality, or images outside [0, 1].
    """
    check_whole(quality=quality)
    if not quality <= 95:
        raise ValueError(f"quality must be from 1 to 95, not {quality!r}.")
    pixels = check_images(None, images, gray=True).detach().float().cpu().mul(255).round().to(torch.uint8)
    return F.jpeg(pixels, int(quality)).float().div(255).to(images)


def crop_and_resize(images: Tensor, share: float = 0.9) -> Tensor:
    """The middle `share` of each side, enlarged to the old size: `(N, 3, H, W)` -> `(N, 3, H, W)`.

    Raises:
        ValueError: a share that is not in (0, 1].
    """
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

    Raises:
        ValueError: no target, no such class, or a quality or share that does not exist.
    """
    images = check_images(net, images)
    qualities, crops = check_list("qualities", qualities, "numbers"), check_list("crops", crops, "shares")
    worlds = {"as it is": (net, images), "saved as 8-bit pixels": (net, (images * 255).round() / 255)}
    worlds |= {f"JPEG, quality {q}": (net, jpeg(images, q)) for q in qualities}
    worlds |= {f"middle {share:.0%}": (net, crop_and_resize(images, share)) for share in crops}
    worlds |= {name: (other, resize(images, other.input_size)) for name, other in (networks or {}).items()}
    return {
        name: fooled(judge, seen, target, targeted=targeted).float().mean().item()
        for name, (judge, seen) in worlds.items()
    }
