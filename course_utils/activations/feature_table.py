"""The features of more images than fit in memory: a file with a row for each."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from course_utils.engines.passes import Pass, go_over
from course_utils.engines.streaming import images_one_by_one
from course_utils.errors import CourseError
from course_utils.hooks import features
from course_utils.images import walk_images
from course_utils.networks.network import Network
from course_utils.places import written_whole
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


@dataclass
class TablePass(Pass):
    """`feature_table` as a pass: workers give rows, and who asked writes them.

    Attributes:
        to: the file.
        count: the number of rows.
    """

    to: str
    count: int
    in_chunks = True

    def take(self, found: list | None, first: int, batch: Tensor) -> list[tuple[int, np.ndarray]]:
        """See `Pass`."""
        rows = features(self.net, batch, layer=self.layer or None, batch_size=self.batch_size)
        return [*(found or []), (first, rows.float().cpu().numpy())]

    def merge(self, found: dict | None, other: list[tuple[int, np.ndarray]]) -> dict[str, Any]:
        """Write rows; what is found is only whose file it is.

        Raises:
            CourseError: the file cannot be written, or is not that of this table.
        """
        try:
            if found is None:
                found = self._begin(other[0][1].shape[1])
            else:
                self.look_at(found)
            table = np.lib.format.open_memmap(self.to, "r+")
            for first, rows in other:
                if first + len(rows) > self.count:
                    raise ValueError(
                        f"there are more than {self.count} images: give single images or paths, no batches"
                    )
                table[first : first + len(rows)] = rows
            table.flush()
        except (OSError, ValueError) as error:
            raise CourseError(f"{self.to}: the features cannot be written ({error}).") from None
        return found

    def _begin(self, columns: int) -> dict[str, Any]:
        """A new file in the place of an older one; a table that was returned before keeps the older one's rows."""
        token = secrets.token_hex(8)
        Path(self.to).parent.mkdir(parents=True, exist_ok=True)
        with written_whole(Path(self.to)) as part:
            table = np.lib.format.open_memmap(part, "w+", np.float32, (self.count, columns))
            # a full disk shall say so now: writing to the map would kill the process
            if hasattr(os, "posix_fallocate"):
                with open(part, "r+b") as file:
                    os.posix_fallocate(file.fileno(), 0, os.path.getsize(part))
            table[:] = np.nan
            table.flush()
            del table
            with open(part, "ab") as file:  # behind the rows, where readers of .npy do not look
                file.write(token.encode())
        return {"columns": columns, "token": token}

    def look_at(self, found: dict[str, Any]) -> None:
        """Whether the file is the one that `_begin` made.

        Raises:
            CourseError: it is not.
        """
        try:
            with open(self.to, "rb") as file:
                file.seek(-len(found["token"]), os.SEEK_END)
                same = file.read().decode("latin-1") == found["token"]
        except OSError:
            same = False
        if not same:
            raise CourseError(
                f"{self.to} is not the file that this run began: it was deleted or written anew. "
                "Begin again, with a new checkpoint if there is one."
            )
