"""Maximally activating patches: which parts of which photos make a channel answer most.

`plain_top_patches` sorts all answers of one channel; `top_patches` keeps the best of all channels while images stream
by.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from course_utils.activations.feature_maps import feature_maps
from course_utils.activations.receptive_field import receptive_field
from course_utils.engines.fields import ReceptiveField
from course_utils.engines.passes import Over, Pass, go_over
from course_utils.engines.top_k import TopPatches
from course_utils.hooks import forward_to
from course_utils.networks.network import Network
from course_utils.validate import check_images, check_whole

if TYPE_CHECKING:
    from distributed import Client


def plain_top_patches(
    net: Network,
    images: Tensor,
    layer: str,
    channel: int,
    *,
    k: int = 9,
    per_image: int | None = 1,
    photos: Sequence[int] | None = None,
    batch_size: int = 16,
) -> list[tuple[float, int, int, int]]:
    """The k places, over all images, where one channel answers most: sort all its answers.

    Args:
        net: the network.
        images: `(N, 3, H, W)` RGB in [0, 1].
        layer: a dotted path or alias, with feature maps.
        channel: which one.
        k: how many places.
        per_image: how many of them may lie in one image; None for any number.
        photos: for crops, the number of the photo from which each image was cut; `per_image` then counts for the photo.
        batch_size: images at a time.

    Returns:
        `(answer, image, row, column)` of each, best first; of equal answers the one that comes first.

    Raises:
        ValueError: no such layer or channel, or a layer without maps.
    """
    check_whole(k=k)
    check_whole(least=0, channel=channel)
    maps = feature_maps(net, images, layer, batch_size=batch_size)
    if not channel < maps.shape[1]:
        raise ValueError(f"layer {layer} has channels 0 to {maps.shape[1] - 1}, not {channel}.")
    maps = maps[:, channel]
    count, height, width = maps.shape
    places = [(n, y, x) for n in range(count) for y in range(height) for x in range(width)]
    answers = sorted(zip(maps.flatten().tolist(), places, strict=True), key=lambda one: -one[0])
    best, taken = [], Counter()
    for answer, (n, y, x) in answers:
        photo = n if photos is None else photos[n]
        if per_image is None or taken[photo] < per_image:
            taken[photo] += 1
            best.append((answer, n, y, x))
    return best[:k]


def top_patches(
    net: Network,
    images: Iterable | Tensor | str | Path,
    layer: str,
    *,
    channels: Sequence[int] | None = None,
    k: int = 9,
    per_image: int | None = 1,
    photos: Sequence[int] | Tensor | None = None,
    window: int | None = None,
    batch_size: int = 16,
    size: int = 224,
    progress: bool = True,
    client: Client | None = None,
    checkpoint: str | Path | None = None,
    chunk: int | None = None,
) -> TopPatches:
    """The k places, over all images, where each channel of a layer answers most.

    One pass; memory grows with channels x k, not with the number of images. Only where a channel beats its k-th best
    value so far is anything more than a maximum computed.

    Args:
        net: the network.
        images: `(N, 3, H, W)` in [0, 1]; or anything that gives such batches, single images `(3, H, W)` or paths of
            files, in any mix of sizes (a list, a generator, a DataLoader with or without labels); or a folder, whose
            broken files are skipped.
        layer: a dotted path or alias, with feature maps `(N, C, H, W)`.
        channels: which channels; None for all.
        k: how many patches for each channel.
        per_image: how many of them may come from one image; None for any number (neighbors then crowd in).
        photos: if the images are crops, the number of the photo from which each was cut, such as `Tiles.photos`.
            `per_image` then counts for the photo: crops of one photo do not fill a row.
        window: cut patches of so many pixels a side from the middle of the receptive field; None for the whole field. A
            deep field is often larger than the photo, and most of the effect comes from its middle (`effective_field`).
        batch_size: images at a time.
        size: side to which the pictures of a folder are cut.
        progress: whether to show a bar. An interrupted run returns what it has.
        client: of Dask's workers (`course_utils.cluster.workers`), which share the images and read files themselves;
            None for this process. The result is the same, to the bit, on processors of one kind.
        checkpoint: a file from which the same call goes on, if this one does not come to its end.
        chunk: how many images a worker gets at a time; None for 256 files.

    Returns:
        A `TopPatches`. With fewer than k answers, the rest of a row has value -inf and image -1.

    Raises:
        ValueError: no images, no such layer or channel, a layer without feature maps, k larger than the number of
            images (or photos) if `per_image` is 1 and that number is known, or not one number in
            `photos` for each image.
        CourseError: a worker that cannot take part, a scheduler that is gone, or another run's checkpoint.

    Reference:
        Zeiler, Fergus: Visualizing and Understanding Convolutional Networks, ECCV 2014 (the patches beside the
        deconvnet).
    """
    options = {"channels": channels, "k": k, "per_image": per_image, "photos": photos, "window": window}
    options |= {"batch_size": batch_size, "size": size, "progress": progress}
    over = patches_over(net, images, layer, **options, client=client, checkpoint=checkpoint, chunk=chunk)
    over.warn(images)
    if over.found is None:
        raise ValueError("there are no images to look at.")
    return over.found


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
            field = receptive_field(self.net, self.layer, size=plane)
            fields[plane] = field if self.window is None else field.middle(self.window)
        return fields[plane]
