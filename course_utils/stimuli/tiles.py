"""Many small pictures from a few photos: overlapping square tiles, at several zooms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from course_utils.images import from_pil as as_tensor
from course_utils.images import gallery, image_files, open_image, resize
from course_utils.validate import check_list, check_positive, check_whole


@dataclass(frozen=True)
class Tiles:
    """Crops of photos.

    Attributes:
        images: `(N, 3, size, size)` in [0, 1].
        photos: `(N,)` int64, the number of the photo from which each was cut.
        names: the photos' names.
    """

    images: Tensor
    photos: Tensor
    names: list[str]


def photo_tiles(
    photos: Sequence[str] | str | Path | None = None, *, size: int = 112, zooms: Sequence[float] = (1, 1.5, 2)
) -> Tiles:
    """Cut photos into overlapping square tiles: the whole photo, and parts of it at a larger scale.

    At zoom z the photo's shorter side is `z * size` pixels long. Neighboring tiles overlap by half or more. A photo is
    never enlarged: with fewer pixels than a zoom needs, it has no tiles of that zoom (of the smallest it has).

    Args:
        photos: names from `gallery()`, or a folder of pictures; None for the whole gallery.
        size: side of the tiles in pixels.
        zooms: the scales, 1 or more.

    Returns:
        `Tiles`, photo by photo.

    Raises:
        ValueError: no photos, no zoom, or one smaller than 1.
        ImageError: no such photo or folder, or a file that cannot be read.
    """
    check_whole(size=size)
    zooms = check_list("zooms", zooms, "numbers")
    for zoom in zooms:
        check_positive(zoom=zoom)
    zooms = sorted(zooms)
    if not zooms or zooms[0] < 1:
        raise ValueError(f"zooms must be 1 or more, at least one of them, not {zooms}.")
    if isinstance(photos, (str, Path)):
        files = image_files(photos)
        names = [path.stem for path in files]
    else:
        known = gallery()
        names = known.names if photos is None else check_list("photos", photos, "names, or a folder")
        files = [known(name).path for name in names]
    if not files:
        raise ValueError("there are no photos to cut.")
    cut = [_tiles_of(as_tensor(open_image(path)), size, zooms) for path in files]
    owners = torch.arange(len(cut)).repeat_interleave(torch.tensor([len(tiles) for tiles in cut]))
    return Tiles(torch.cat(cut), owners, names)


def _tiles_of(photo: Tensor, size: int, zooms: Sequence[float]) -> Tensor:
    """All tiles of one photo `(1, 3, H, W)`, row by row, the smallest zoom first."""
    tiles, shorter = [], min(photo.shape[2:])
    for zoom in zooms:
        wanted = round(zoom * size)
        if wanted > shorter and zoom > zooms[0]:
            break
        height, width = (max(wanted, round(side * wanted / shorter)) for side in photo.shape[2:])
        scaled = resize(photo, (height, width))
        tiles += [
            scaled[:, :, top : top + size, left : left + size]
            for top in _starts(height, size)
            for left in _starts(width, size)
        ]
    return torch.cat(tiles)


def _starts(side: int, size: int) -> list[int]:
    """Where tiles begin along one side: evenly from border to border, at most half a tile apart."""
    steps = math.ceil(2 * (side - size) / size)
    return [round(i * (side - size) / steps) for i in range(steps + 1)] if steps else [0]
