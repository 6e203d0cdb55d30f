"""Several pictures of each object: cut, flipped, recolored. Which ones does a network find alike?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from course_utils.images import gallery, load_image, resize
from course_utils.validate import check_choice, check_list, check_whole

VARIANTS = ("whole", "left", "right", "flipped", "cropped", "recolored")


@dataclass(frozen=True)
class Crops:
    """Several pictures of each object.

    Attributes:
        images: `(N, 3, size, size)` in [0, 1].
        objects: `(N,)` int64, which object each picture shows.
        variants: N names from `VARIANTS`.
        names: the objects' names.
    """

    images: Tensor
    objects: Tensor
    variants: list[str]
    names: list[str]


def crop_set(
    names: Sequence[str] | None = None, *, variants: Sequence[str] = VARIANTS, size: int = 224, shift: float = 0.22
) -> Crops:
    """The elephant experiment with gallery photos: the same object left, right, flipped, cropped and recolored.

    Args:
        names: gallery photos; None for all of them.
        variants: which of "whole" (the middle), "left" and "right" (the object stands left or right of the middle),
            "flipped" (a mirror image), "cropped" (the inner two thirds, enlarged), "recolored" (red becomes green,
            green blue, blue red).
        size: side of the pictures in pixels.
        shift: how far left and right lie from the middle, as a share of the width.

    Returns:
        `Crops`, object by object in the order of `variants`.

    Raises:
        ValueError: no such photo or variant, none at all, or a `shift` or `size` that makes no picture.
    """
    variants = check_list("variants", variants, "names")
    for variant in variants:
        check_choice("variant", variant, VARIANTS)
    if not 0 <= shift <= 0.5:
        raise ValueError(f"shift must be between 0 and 0.5, not {shift}.")
    check_whole(size=size)
    known = gallery()
    photos = [known(name) for name in (known.names if names is None else check_list("names", names, "photos' names"))]
    if not photos or not variants:
        raise ValueError("a crop set needs at least one photo and one variant.")
    images = []
    for one in photos:
        # Loaded wider than needed: moving the window then brings in what the photo really shows there.
        step = round(shift * size)
        wide = load_image(one.path, (size, size + 2 * step))
        whole = wide[..., step : step + size]
        inner = round(size / 6)
        made = {
            "whole": whole,
            "left": wide[..., 2 * step :],
            "right": wide[..., :size],
            "flipped": whole.flip(3),
            "cropped": resize(whole[..., inner : size - inner, inner : size - inner], size),
            "recolored": whole[:, [2, 0, 1]],
        }
        images += [made[variant] for variant in variants]
    objects = torch.arange(len(photos)).repeat_interleave(len(variants))
    return Crops(torch.cat(images), objects, variants * len(photos), [p.name for p in photos])
