"""Images in any number and from anywhere, as numbered batches, and the largest values of a row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import torch
from torch import Tensor

from course_utils.images import image_files, iter_folder
from course_utils.validate import check_images, split_batch


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


def batches(images: Iterable | str | Path | Tensor, batch_size: int, size: int) -> Iterator[tuple[int, Tensor]]:
    """Batches of equal-sized images with the number of the first one, whatever holds the images.

    Args:
        images: a batch `(N, 3, H, W)`; anything that gives such batches or single images `(3, H, W)`; or a folder.
        batch_size: at most so many at a time.
        size: side to which the pictures of a folder are cut.

    Raises:
        ValueError: a tensor that is no batch.
        TypeError: something that gives no tensors.
        ImageError: a folder without pictures that can be read.
    """
    if isinstance(images, (str, Path)):
        number_of = {path: number for number, path in enumerate(image_files(images))}
        waiting: list[tuple[int, Tensor]] = []
        for path, image in iter_folder(images, size):
            number = number_of[path]
            if waiting and (len(waiting) == batch_size or number != waiting[-1][0] + 1):
                yield waiting[0][0], torch.cat([one for _, one in waiting])
                waiting = []
            waiting.append((number, image))
        yield waiting[0][0], torch.cat([one for _, one in waiting])
        return
    if isinstance(images, Tensor):
        if images.ndim != 4:
            check_images(None, images)  # says what is wrong with it
        images = [images]
    first, waiting = 0, []
    for item in images:
        item = item[0] if isinstance(item, (tuple, list)) else item  # a DataLoader gives (images, labels)
        if not isinstance(item, Tensor):
            raise TypeError(f"images must give tensors (3, H, W) or (N, 3, H, W), not {type(item).__name__}.")
        if item.layout is not torch.strided:
            check_images(None, item)  # says so
        item = item[None] if item.ndim == 3 else item
        if waiting and waiting[0].shape[1:] != item.shape[1:]:  # another size: what waits goes first
            yield first, torch.cat(waiting)
            first, waiting = first + sum(map(len, waiting)), []
        for part in split_batch(item, batch_size):
            if waiting and sum(map(len, waiting)) + len(part) > batch_size:
                yield first, torch.cat(waiting)
                first, waiting = first + sum(map(len, waiting)), []
            waiting.append(part)
    if waiting:
        yield first, torch.cat(waiting)
