"""The strongest answers of every channel over any number of images, as a pass that several workers can share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from course_utils.engines.fields import ReceptiveField, field_of
from course_utils.engines.passes import Over, Pass, go_over
from course_utils.engines.top_k import TopPatches
from course_utils.hooks import forward_to
from course_utils.networks.network import Network
from course_utils.validate import check_images, check_whole


def patches_over(
    net: Network,
    images: Iterable | Tensor | str | Path,
    layer: str,
    *,
    channels: Sequence[int] | None,
    k: int,
    per_image: int | None,
    photos: Sequence[int] | Tensor | None,
    window: int | None,
    batch_size: int,
    size: int,
    progress: bool,
    **where: Any,
) -> Over:
    """`top_patches`, and what else there is to say of its pass: broken files, whether it came to its end."""
    check_whole(k=k, batch_size=batch_size, size=size)
    for name, number in (("per_image", per_image), ("window", window)):
        if number is not None:
            check_whole(**{name: number})
    known = len(images) if isinstance(images, Tensor) and images.ndim == 4 else None
    if photos is not None:
        photos = torch.as_tensor(photos).tolist()
        if known is not None and len(photos) != known:
            raise ValueError(f"photos must hold one number for each of the {known} images, not {len(photos)} numbers.")
    sources = known if photos is None else len(set(photos))
    if sources is not None and per_image is not None and k > sources * per_image:
        kind = "images" if photos is None else "photos"
        raise ValueError(f"k={k} patches need more than the {sources} {kind} given, with per_image={per_image}.")
    chosen = None if channels is None else torch.as_tensor(list(channels)).tolist()
    sizes = [None if number is None else int(number) for number in (batch_size, size, k, per_image, window)]
    task = PatchPass(net, layer, *sizes, chosen, photos)
    return go_over(task, images, progress=progress, title=f"patches of {layer}", **where)


@dataclass
class PatchPass(Pass):
    """`top_patches` as a pass; its options are there."""

    k: int
    per_image: int | None
    window: int | None
    channels: list[int] | None
    photos: list[int] | None

    def take(self, found: TopPatches | None, first: int, batch: Tensor) -> TopPatches:
        """See `Pass`.

        Raises:
            ValueError: no such layer or channel, a layer without maps, or too few numbers in `photos`.
        """
        net, layer = self.net, self.layer
        ready = check_images(net, batch)
        maps = forward_to(net, ready, [layer])[layer]
        if maps.ndim != 4:
            raise ValueError(f"layer {layer} has no feature maps: its output has shape {tuple(maps.shape)}.")
        if found is None:
            found = TopPatches(layer, self._chosen(maps.shape[1]), self.k, self.per_image)
        owners = None if self.photos is None else self.photos[first : first + len(ready)]
        if owners is not None and len(owners) < len(ready):
            raise ValueError(f"photos holds {len(self.photos)} numbers, and there are more images.")
        maps = maps if self.channels is None else maps[:, found.channels.to(maps.device)]
        found.update(maps, first, self._field(tuple(ready.shape[2:])), owners)
        return found

    def merge(self, found: TopPatches, other: TopPatches) -> TopPatches:
        """See `Pass`."""
        return found.merge(other)

    def _chosen(self, count: int) -> Tensor:
        chosen = torch.arange(count) if self.channels is None else torch.tensor(self.channels, dtype=torch.long)
        wrong = chosen[(chosen < 0) | (chosen >= count)].tolist()
        if wrong or not len(chosen):
            raise ValueError(f"layer {self.layer} has channels 0 to {count - 1}, not {wrong or 'none'}.")
        return chosen

    def _field(self, plane: tuple[int, int]) -> ReceptiveField:
        """The layer's receptive field in images of a size, found once."""
        fields = self.__dict__.setdefault("_fields", {})
        if plane not in fields:
            field = field_of(self.net, self.layer, plane)
            fields[plane] = field if self.window is None else field.middle(self.window)
        return fields[plane]
