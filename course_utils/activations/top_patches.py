"""Maximally activating patches: which parts of which photos make a channel answer most."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor
from tqdm.auto import tqdm

from course_utils.activations.receptive_field import ReceptiveField, receptive_field
from course_utils.engines.streaming import batches, first_largest
from course_utils.hooks import forward_to
from course_utils.images import image_files
from course_utils.networks.network import Network, frozen
from course_utils.validate import check_images, check_positive


@dataclass
class TopPatches:
    """The k strongest answers of every channel so far. It takes more images any time, and two of them can be merged.

    Memory grows with `channels x k` only. The order is total: by value, then by image, then by place (row by row), so the
    result does not depend on how the images were divided into batches or halves.

    Attributes:
        layer: what is watched.
        channels: `(C,)`, the watched channels.
        k: how many are kept for each.
        per_image: how many patches of one image may be kept for a channel; None for any number.
        values: `(C, k)`, best first; -inf where there are fewer than k.
        images: `(C, k)`, the number of the image; -1 where there is none.
        places: `(C, k, 2)`, (y, x) in the layer's map.
        boxes: `(C, k, 4)`, the receptive field in the image: top, left, bottom, right (not in it).
    """

    layer: str
    channels: Tensor
    k: int
    per_image: int | None = 1
    values: Tensor = field(default=None)
    images: Tensor = field(default=None)
    places: Tensor = field(default=None)
    boxes: Tensor = field(default=None)
    last_image: int = -1

    def __post_init__(self):
        if self.values is None:
            shape = (len(self.channels), self.k)
            self.values = torch.full(shape, -torch.inf)
            self.images = torch.full(shape, -1)
            self.places = torch.zeros((*shape, 2), dtype=torch.long)
            self.boxes = torch.zeros((*shape, 4), dtype=torch.long)

    def update(self, maps: Tensor, first: int, field: ReceptiveField) -> None:
        """Take the feature maps `(N, C, H, W)` of images number `first`, `first + 1`, ... (in rising order over calls)."""
        if first <= self.last_image:
            raise ValueError(f"image {first} comes after image {self.last_image}; number the images in rising order.")
        self.last_image = first + len(maps) - 1
        best = maps.amax((2, 3)).cpu()
        wide = maps.shape[3]
        for row in range(len(maps)):
            # An image with a higher number loses a tie, so only channels that beat their k-th value can change.
            (change,) = torch.nonzero(best[row] > self.values[:, -1], as_tuple=True)
            if not len(change):
                continue
            flat = maps[row].flatten(1)[change.to(maps.device)]
            count = min(self.k if self.per_image is None else min(self.per_image, self.k), flat.shape[1])
            values, where = first_largest(flat, count)
            values, where = values.float().cpu(), where.cpu()
            y, x = where // wide, where % wide
            if field.rows:
                (top, bottom), (left, right) = (
                    torch.tensor(field.rows)[y].unbind(-1),
                    torch.tensor(field.columns)[x].unbind(-1),
                )
                boxes = torch.stack([top, left, bottom, right], -1)
            else:
                boxes = torch.tensor([0, 0, *field.image]).expand(*where.shape, 4)
            numbers = torch.full_like(where, first + row)
            self._take(change, values, numbers, torch.stack([y, x], -1), boxes)

    def _take(self, rows: Tensor, values: Tensor, images: Tensor, places: Tensor, boxes: Tensor) -> None:
        values = torch.cat([self.values[rows], values], 1)
        images = torch.cat([self.images[rows], images], 1)
        places = torch.cat([self.places[rows], places], 1)
        boxes = torch.cat([self.boxes[rows], boxes], 1)
        order = torch.arange(values.shape[1]).expand_as(values)
        # The least important key first; every sort keeps the order of equals.
        for key, down in ((places[..., 1], False), (places[..., 0], False), (images, False), (values, True)):
            order = order.gather(1, key.gather(1, order).argsort(dim=1, stable=True, descending=down))
        order = order[:, : self.k]
        self.values[rows], self.images[rows] = values.gather(1, order), images.gather(1, order)
        self.places[rows] = places.gather(1, order[..., None].expand(-1, -1, 2))
        self.boxes[rows] = boxes.gather(1, order[..., None].expand(-1, -1, 4))

    def merge(self, other: TopPatches, *, shift: int = 0) -> TopPatches:
        """The result over both sets of images, as a new object.

        Args:
            other: over other images, same layer, channels, k and per_image.
            shift: added to the other's image numbers, for two runs that both began at 0.
        """
        mine, theirs = (self.layer, self.k, self.per_image), (other.layer, other.k, other.per_image)
        if mine != theirs or not torch.equal(self.channels, other.channels):
            raise ValueError(f"cannot merge {mine} with {theirs}: layer, channels, k and per_image must be the same.")
        shifted = torch.where(other.images >= 0, other.images + shift, other.images)
        if set(self.images[self.images >= 0].tolist()) & set(shifted[shifted >= 0].tolist()):
            raise ValueError(
                "both hold an image of the same number; give shift= the number of images of the first run."
            )
        new = TopPatches(
            self.layer, self.channels, self.k, self.per_image,
            self.values.clone(), self.images.clone(), self.places.clone(), self.boxes.clone(),
            max(self.last_image, other.last_image + shift),
        )  # fmt: skip
        new._take(torch.arange(len(new.channels)), other.values, shifted, other.places, other.boxes)
        return new

    def cut(
        self, images: Iterable | str | Path, *, channels: Sequence[int] | None = None, size: int = 224
    ) -> list[list[Tensor]]:
        """The patches themselves, cut out of the images: for each channel a list of `(1, 3, h, w)`, best first.

        Args:
            images: the same images again, as `top_patches` had them; only those needed are kept.
            channels: some of the watched channels; None for all.
            size: as in `top_patches`.
        """
        rows = (
            [self.channels.tolist().index(c) for c in channels] if channels is not None else range(len(self.channels))
        )
        wanted = {}
        for row in rows:
            for rank, number in enumerate(self.images[row].tolist()):
                if number >= 0:
                    wanted.setdefault(number, []).append((row, rank))
        found: dict[tuple[int, int], Tensor] = {}
        for first, batch in batches(images, 1, size):
            for row, rank in wanted.get(first, ()):
                top, left, bottom, right = self.boxes[row, rank].tolist()
                found[row, rank] = batch[:, :, top:bottom, left:right].clone()
        return [[found[row, rank] for rank in range(self.k) if (row, rank) in found] for row in rows]


def top_patches(
    net: Network,
    images: Iterable | Tensor | str | Path,
    layer: str,
    *,
    channels: Sequence[int] | None = None,
    k: int = 9,
    per_image: int | None = 1,
    batch_size: int = 16,
    size: int = 224,
    progress: bool = True,
) -> TopPatches:
    """The k places, over all images, where each channel of a layer answers most.

    One pass; memory grows with channels x k, not with the number of images. Only where a channel beats its k-th best value
    so far is anything more than a maximum computed.

    Args:
        net: the network.
        images: `(N, 3, H, W)` in [0, 1]; or anything that gives such batches or single images `(3, H, W)`, in any mix of
            sizes (a list, a generator, a DataLoader with or without labels); or a folder, whose broken files are skipped.
        layer: a dotted path or alias, with feature maps `(N, C, H, W)`.
        channels: which channels; None for all.
        k: how many patches for each channel.
        per_image: how many of them may come from one image; None for any number (neighbors then crowd in).
        batch_size: images at a time.
        size: side to which the pictures of a folder are cut.
        progress: whether to show a bar. An interrupted run returns what it has.

    Returns:
        A `TopPatches`. With fewer than k answers, the rest of a row has value -inf and image -1.

    Raises:
        ValueError: no images, no such layer or channel, a layer without feature maps, or k larger than the number of images
            if `per_image` is 1 and that number is known.

    Reference:
        Zeiler, Fergus: Visualizing and Understanding Convolutional Networks, ECCV 2014 (the patches beside the deconvnet).
    """
    check_positive(k=k, batch_size=batch_size, size=size)
    if per_image is not None:
        check_positive(per_image=per_image)
    known = len(images) if isinstance(images, Tensor) and images.ndim == 4 else None
    if known is not None and per_image is not None and k > known * per_image:
        raise ValueError(f"k={k} patches need more than the {known} images given, with per_image={per_image}.")
    result, fields, index = None, {}, None
    total = known or (len(image_files(images)) if isinstance(images, (str, Path)) else None)
    bar = tqdm(total=total, desc=f"patches of {layer}", leave=False, disable=not progress)
    try:
        with bar, frozen(net), torch.inference_mode():
            for first, batch in batches(images, batch_size, size):
                ready = check_images(net, batch)
                maps = forward_to(net, ready, [layer])[layer]
                if maps.ndim != 4:
                    raise ValueError(f"layer {layer} has no feature maps: its output has shape {tuple(maps.shape)}.")
                if result is None:
                    chosen = torch.arange(maps.shape[1]) if channels is None else torch.as_tensor(list(channels))
                    wrong = chosen[(chosen < 0) | (chosen >= maps.shape[1])].tolist()
                    if wrong or not len(chosen):
                        raise ValueError(f"layer {layer} has channels 0 to {maps.shape[1] - 1}, not {wrong or 'none'}.")
                    result = TopPatches(layer, chosen, k, per_image)
                    index = None if channels is None else chosen.to(maps.device)
                plane = tuple(ready.shape[2:])
                if plane not in fields:
                    fields[plane] = receptive_field(net, layer, size=plane)
                result.update(maps if index is None else maps[:, index], first, fields[plane])
                bar.update(len(ready))
    except KeyboardInterrupt:
        pass
    if result is None:
        raise ValueError("there are no images to look at.")
    return result
