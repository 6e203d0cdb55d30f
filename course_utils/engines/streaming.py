"""Images in any number and from anywhere, as numbered batches, and the largest values of a row."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import torch
from torch import Tensor

from course_utils.errors import ImageError
from course_utils.images import load_image, walk_images, warn_of_broken
from course_utils.validate import check_images


def first_largest(flat: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The `count` largest of every row and where they are; of equal ones those that come first, which `topk` does not promise."""
    if count == 1:
        values, where = flat.max(1, keepdim=True)
        return values, where
    if flat.shape[1] <= 1024:
        values, where = flat.sort(dim=1, descending=True, stable=True)
        return values[:, :count], where[:, :count]
    values, where = flat.topk(min(count + 1, flat.shape[1]), dim=1)
    tied = (
        (values[:, count - 1] == values[:, -1]) if values.shape[1] > count else torch.zeros(len(flat), dtype=torch.bool)
    )
    values, where = values[:, :count].clone(), where[:, :count].clone()
    for row in torch.nonzero(tied)[:, 0].tolist():  # the border runs through equal values: take the first of them
        edge = values[row, -1]
        above = where[row][values[row] > edge]
        equal = torch.nonzero(flat[row] == edge)[: count - len(above), 0]
        where[row] = torch.cat([above, equal])
        values[row] = flat[row][where[row]]
    return values, where


def batches(
    images: Iterable | str | Path | Tensor,
    batch_size: int,
    size: int,
    *,
    first: int = 0,
    broken: list[tuple[int, str]] | None = None,
) -> Iterator[tuple[int, Tensor]]:
    """Batches of equal-sized images with the number of the first one, whatever holds the images.

    A batch also ends before each number that `batch_size` divides. So which images share a batch depends on their
    numbers alone, and not on where one began to read: some networks' last digits depend on the batch.

    Args:
        images: a batch `(N, 3, H, W)`; anything that gives such batches, single images `(3, H, W)` or paths of picture
            files; or a folder.
        batch_size: at most so many at a time.
        size: side to which pictures from files are cut.
        first: the number of the first image.
        broken: gets number and path of each file that cannot be read; without it a warning names those of a folder.

    Yields:
        The number of a batch's first image, and the batch `(n, 3, H, W)`.

    Raises:
        ValueError: a tensor that is no batch.
        TypeError: something that gives neither tensors nor paths.
        ImageError: a folder without pictures that can be read.
    """
    bad = [] if broken is None else broken
    waiting: list[Tensor] = []
    start = held = good = 0
    for number, piece in _pieces(images, size, first, bad):
        while len(piece):
            full = number % batch_size == 0
            if waiting and (full or number != start + held or piece.shape[1:] != waiting[0].shape[1:]):
                yield start, _joined(waiting)
                waiting, held = [], 0
            if not waiting:
                start = number
            part, piece = piece.tensor_split([batch_size - number % batch_size])
            waiting.append(part)
            number, held, good = number + len(part), held + len(part), good + len(part)
    if waiting:
        yield start, _joined(waiting)
    if broken is None:
        where = images if isinstance(images, (str, Path)) else "the list"
        warn_of_broken([Path(path).name for _, path in bad], good, where, stacklevel=3)


def wanted_images(
    images: Iterable | str | Path | Tensor, wanted: Collection[int], size: int
) -> Iterator[tuple[int, Tensor]]:
    """Some of the images by their numbers; of a folder no other file is opened.

    Args:
        images: as in `batches`.
        wanted: the numbers. Those that there are not, and files that cannot be read, are passed over.
        size: as in `batches`.

    Yields:
        The number of an image, and the image `(1, 3, H, W)`.
    """
    if isinstance(images, (str, Path)):
        for number, path in enumerate(walk_images(images)):
            if number in wanted:
                yield from batches([path], 1, size, first=number, broken=[])
    else:
        yield from ((number, image) for number, image in batches(images, 1, size, broken=[]) if number in wanted)


def images_one_by_one(images: Iterable | str | Path | Tensor) -> Iterator[Path | str | Tensor]:
    """Each image of whatever holds them: the paths of files, which are not read, or `(3, H, W)`.

    Args:
        images: as in `batches`.

    Yields:
        Paths and images in their order.

    Raises:
        TypeError, ValueError: as in `batches`.
    """
    if isinstance(images, (str, Path)):
        yield from walk_images(images)
        return
    for item in [images] if isinstance(images, Tensor) else images:
        item = item[0] if isinstance(item, (tuple, list)) else item  # a DataLoader gives (images, labels)
        if isinstance(item, (str, Path)):
            yield item
        else:
            for _, piece in _pieces(item if isinstance(item, Tensor) and item.ndim == 4 else [item], 0, 0, []):
                yield from piece


def _joined(parts: list[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def _pieces(
    images: Iterable | str | Path | Tensor, size: int, number: int, broken: list[tuple[int, str]]
) -> Iterator[tuple[int, Tensor]]:
    """Batches `(n, 3, H, W)` as they come, and the number of each one's first image."""
    if isinstance(images, (str, Path)):
        images = walk_images(images)
    elif isinstance(images, Tensor):
        if images.ndim != 4:
            check_images(None, images)  # says what is wrong with it
        images = [images]
    for item in images:
        item = item[0] if isinstance(item, (tuple, list)) else item  # a DataLoader gives (images, labels)
        if isinstance(item, (str, Path)):
            try:
                item = load_image(item, size)
            except ImageError:
                broken.append((number, str(item)))
                number += 1
                continue
        if not isinstance(item, Tensor):
            raise TypeError(f"images must give tensors (3, H, W) or (N, 3, H, W), not {type(item).__name__}.")
        if item.layout is not torch.strided:
            check_images(None, item)  # says so
        item = item[None] if item.ndim == 3 else item
        yield number, item
        number += len(item)
