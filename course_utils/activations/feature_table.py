"""The features of more images than fit in memory: a file with a row for each."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from course_utils.engines.passes import go_over
from course_utils.engines.streaming import images_one_by_one
from course_utils.engines.table_pass import TablePass
from course_utils.errors import CourseError
from course_utils.images import walk_images
from course_utils.networks.network import Network
from course_utils.validate import check_batch, check_path, check_whole

if TYPE_CHECKING:
    from distributed import Client


def feature_table(
    net: Network,
    images: Iterable | Tensor | str | Path,
    *,
    to: str | Path,
    layer: str | None = None,
    batch_size: int = 32,
    size: int = 224,
    progress: bool = True,
    client: Client | None = None,
    checkpoint: str | Path | None = None,
    chunk: int | None = None,
) -> Tensor:
    """The `features` of any number of images, written to a file row by row.

    Args:
        net: the network.
        images: as in `top_patches`. Their number must be known before the first row is written: what has no length, and
            a DataLoader, are first made a list, which is small if they give paths. A list holds paths or single images
            `(3, H, W)`.
        to: the file, `.npy`.
        layer: as in `features`.
        batch_size, size, progress, client, checkpoint, chunk: as in `top_patches`.

    Returns:
        `(N, D)` float32. It lies in the file, and what is used of it is read; a change stays in memory. The row of a
        picture that cannot be read holds NaN, and a warning names it.

    Raises:
        TypeError, ValueError: no images, a tensor that is no batch, a list of batches, no network, or no such layer.
        CourseError: as in `top_patches`, a file that cannot be written, or one that lost the rows of the checkpoint.
    """
    check_whole(batch_size=batch_size, size=size)
    check_path(to=to)
    if Path(to).is_dir():
        raise CourseError(f"{to} is a folder; give the name of a file, such as {Path(to) / 'features.npy'}.")
    if isinstance(images, (str, Path)):
        count = sum(1 for _ in walk_images(images))
    else:
        if isinstance(images, Tensor):
            check_batch(None, images)
        elif isinstance(images, DataLoader) or not hasattr(images, "__len__"):  # a loader's length is that in batches
            images = list(images_one_by_one(images))
        count = len(images)
    if not count:
        raise ValueError("there are no images to look at.")
    to = Path(to) if Path(to).suffix == ".npy" else Path(f"{to}.npy")
    task = TablePass(net, layer or "", int(batch_size), int(size), str(to), count)
    options = {"client": client, "checkpoint": checkpoint, "chunk": chunk, "progress": progress}
    over = go_over(task, images, **options, title="features")
    over.warn(images)
    task.look_at(over.found)
    return torch.from_numpy(np.load(to, mmap_mode="c"))
