"""The strongest answers of every channel, kept while images stream by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from course_utils.engines.fields import ReceptiveField
from course_utils.engines.streaming import first_largest, wanted_images


@dataclass
class TopPatches:
    """The k strongest answers of every channel so far. It takes more images any time, and two of them can be merged.

    Memory grows with `channels x k` only. The order is total: by value, then by image, then by place (row by row), so
    the result does not depend on how the images were divided into batches or halves.

    Attributes:
        layer: what is watched.
        channels: `(C,)`, the watched channels.
        k: how many are kept for each.
        per_image: how many patches of one image (of one photo, if the images are crops of photos) may be kept for a
            channel; None for any number.
        values: `(C, k)`, best first; -inf where there are fewer than k.
        images: `(C, k)`, the number of the image; -1 where there is none.
        places: `(C, k, 2)`, (y, x) in the layer's map.
        boxes: `(C, k, 4)`, the receptive field in the image: top, left, bottom, right (not in it).
        last_image: the highest number of an image so far; -1 before the first.
        photos: `(C, k)`, the number of the photo from which the image was cut; without crops the image's own number.
        of_crops: whether `photos` are numbers of their own.
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
    photos: Tensor = field(default=None)
    of_crops: bool = False

    def __post_init__(self):
        if self.values is None:
            shape = (len(self.channels), self.k)
            self.values = torch.full(shape, -torch.inf, dtype=torch.float32)
            self.images = torch.full(shape, -1)
            self.places = torch.zeros((*shape, 2), dtype=torch.long)
            self.boxes = torch.zeros((*shape, 4), dtype=torch.long)
        if self.photos is None:
            self.photos = self.images.clone()

    def update(self, maps: Tensor, first: int, field: ReceptiveField, photos: Sequence[int] | None = None) -> None:
        """Take the feature maps of some more images.

        Args:
            maps: `(N, C, H, W)`, the watched channels.
            first: the number of the first image; the others follow it. It rises from call to call.
            field: the layer's receptive field in images of this size.
            photos: for each of the images the number of the photo from which it was cut; None if they are no crops.

        Raises:
            ValueError: a number that does not rise.
        """
        if first <= self.last_image:
            raise ValueError(f"image {first} comes after image {self.last_image}; number the images in rising order.")
        self.last_image = first + len(maps) - 1
        self.of_crops = photos is not None
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
            owners = numbers if photos is None else torch.full_like(where, int(photos[row]))
            self._take(change, values, numbers, torch.stack([y, x], -1), boxes, owners)

    def _take(
        self, rows: Tensor, values: Tensor, images: Tensor, places: Tensor, boxes: Tensor, photos: Tensor
    ) -> None:
        values = torch.cat([self.values[rows], values], 1)
        images = torch.cat([self.images[rows], images], 1)
        places = torch.cat([self.places[rows], places], 1)
        boxes = torch.cat([self.boxes[rows], boxes], 1)
        photos = torch.cat([self.photos[rows], photos], 1)
        order = torch.arange(values.shape[1]).expand_as(values)
        # The least important key first; every sort keeps the order of equals.
        for key, down in ((places[..., 1], False), (places[..., 0], False), (images, False), (values, True)):
            order = order.gather(1, key.gather(1, order).argsort(dim=1, stable=True, descending=down))
        if self.of_crops and self.per_image is not None:  # what is too much of one photo goes behind everything else
            order = order.gather(1, _too_many(photos.gather(1, order), self.per_image).argsort(dim=1, stable=True))
        order = order[:, : self.k]
        best = {
            "values": values.gather(1, order),
            "images": images.gather(1, order),
            "photos": photos.gather(1, order),
            "places": places.gather(1, order[..., None].expand(-1, -1, 2)),
            "boxes": boxes.gather(1, order[..., None].expand(-1, -1, 4)),
        }
        # all at once: Ctrl-C between two of them would give a patch another one's value
        vars(self).update({name: getattr(self, name).index_copy(0, rows, new) for name, new in best.items()})

    def merge(self, other: TopPatches, *, shift: int = 0) -> TopPatches:
        """The result over both sets of images, as a new object.

        Args:
            other: over other images, same layer, channels, k and per_image; both of crops, or neither.
            shift: added to the other's image numbers, for two runs that both began at 0. The numbers that were given
                for the photos of crops stay as they are.

        Returns:
            A `TopPatches` over all images.

        Raises:
            ValueError: results of different kinds, or two images with the same number.
        """
        mine, theirs = (self.layer, self.k, self.per_image), (other.layer, other.k, other.per_image)
        if mine != theirs or not torch.equal(self.channels, other.channels):
            raise ValueError(f"cannot merge {mine} with {theirs}: layer, channels, k and per_image must be the same.")
        crops = {one.of_crops for one in (self, other) if one.last_image >= 0}
        if len(crops) == 2:
            raise ValueError("cannot merge crops of photos with images that are no crops.")
        shifted = torch.where(other.images >= 0, other.images + shift, other.images)
        if set(self.images[self.images >= 0].tolist()) & set(shifted[shifted >= 0].tolist()):
            raise ValueError(
                "both hold an image of the same number; give shift= the number of images of the first run."
            )
        new = TopPatches(
            self.layer, self.channels, self.k, self.per_image,
            self.values.clone(), self.images.clone(), self.places.clone(), self.boxes.clone(),
            max(self.last_image, other.last_image + shift), self.photos.clone(), True in crops,
        )  # fmt: skip
        owners = other.photos if new.of_crops else shifted
        new._take(torch.arange(len(new.channels)), other.values, shifted, other.places, other.boxes, owners)
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
        for number, image in wanted_images(images, wanted, size):
            for row, rank in wanted[number]:
                top, left, bottom, right = self.boxes[row, rank].tolist()
                found[row, rank] = image[:, :, top:bottom, left:right].clone()
        return [[found[row, rank] for rank in range(self.k) if (row, rank) in found] for row in rows]


def _too_many(photos: Tensor, most: int) -> Tensor:
    """`(C, n)` of 0 and 1: which entries come after `most` entries of the same photo in their row; -1 is no photo."""
    same = (photos[:, :, None] == photos[:, None, :]).tril(-1).sum(2)
    return ((same >= most) & (photos >= 0)).int()
